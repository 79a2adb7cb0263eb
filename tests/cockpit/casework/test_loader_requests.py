"""What is asked for on a page is done by the loader, once, and its outcome told; nothing personal travels in a
request."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cockpit.store import app_db
from etl.runtime.context import Context, opened
from etl.worker import request_handlers
from tests.cockpit.signing_in import SAME_ORIGIN, said
from tests.house import id_number
from warehouse.core import request_queue
from warehouse.core.settings import Settings

pytestmark = pytest.mark.world

NOW = dt.datetime(2026, 11, 23, 14, 0)
PERSON = id_number(7)


@pytest.fixture
def data(fleet_of_two: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fleet_of_two, tmp_path / "data"))


@pytest.fixture
def loader(data: Path) -> Iterator[Context]:
    with opened(Settings(data), now=lambda: NOW + dt.timedelta(minutes=5)) as context:
        yield context


def ask(client: FlaskClient, path: str, **values: str) -> Any:
    return client.post(path, data=values, headers={**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"})


def put_aside(context: Context) -> list[tuple[int, int]]:
    return context.writer.execute("SELECT landing_seq, row_no FROM raw.quarantine WHERE row_no >= 0")


def correction(seq: int, row: int, new: str = "浙A00002") -> dict[str, str]:
    return {"table": "yz_vehicle", "old-plate_no": "没有牌", "new-plate_no": new, "why": "电话核对"}


def test_a_row_is_corrected_from_the_page_and_leaves_the_quarantine(
    as_role: Callable[[str], FlaskClient], loader: Context
) -> None:
    analyst, [(seq, row)] = as_role("analyst"), put_aside(loader)
    assert "没有牌" in said(analyst, "/quarantine") and "更正并重放" in said(analyst, "/quarantine")
    assert ask(analyst, f"/quarantine/{seq}/{row}", **correction(seq, row)).status_code == 303
    assert "等待" in said(analyst, "/quarantine")
    assert request_handlers.serve(loader) and not request_handlers.serve(loader)
    done = request_queue.newest(loader.settings.state)[0]
    assert (done.state, done.who) == ("done", "user-analyst") and "已装入" in done.message, done
    assert put_aside(loader) == [] and loader.writer.execute(
        "SELECT count(*) FROM raw.yz_vehicle WHERE plate_no = '浙A00002'"
    ) == [(1,)]
    stated = said(analyst, "/quarantine")
    assert "已装入" in stated and "没有隔离的记录" in stated
    redo = [note.mapping["redo"] for note in loader.landing.notes() if "redo" in note.mapping]
    assert [(one["who"], one["why"], one["request"]) for one in redo] == [("user-analyst", "电话核对", done.id)]


def test_a_correction_that_was_cut_off_is_landed_once(as_role: Callable[[str], FlaskClient], loader: Context) -> None:
    [(seq, row)] = put_aside(loader)
    ask(as_role("analyst"), f"/quarantine/{seq}/{row}", **correction(seq, row))
    path = loader.settings.state
    taken = request_queue.claim(path, time.time())
    assert taken is not None and request_queue.claim(path, time.time()) is None
    assert "已装入" in request_handlers.ACTS[taken.kind](
        loader, taken
    )  # and the power goes before the outcome is written down
    request_queue.take_up(path)
    assert (
        request_handlers.serve(loader)
        and request_queue.one(path, taken.id).state == "done"
        and request_queue.one(path, taken.id).attempts == 2
    )
    assert sum("redo" in note.mapping for note in loader.landing.notes()) == 1
    for _ in range(request_queue.MOST_ATTEMPTS):
        with app_db.writing(path) as connection:
            connection.execute("UPDATE request SET state = 'running' WHERE id = ?", (taken.id,))
        request_queue.take_up(path)
        request_queue.claim(path, time.time())
    request_queue.take_up(path)
    assert request_queue.one(path, taken.id).state == "failed" and "中断" in request_queue.one(path, taken.id).message


def test_what_is_still_wrong_stays_and_says_why(as_role: Callable[[str], FlaskClient], loader: Context) -> None:
    [(seq, row)] = put_aside(loader)
    ask(as_role("analyst"), f"/quarantine/{seq}/{row}", **correction(seq, row, "还是不对"))
    ask(as_role("analyst"), f"/quarantine/{seq + 999}/{row}", **correction(seq, row))
    assert request_handlers.serve(loader) and request_handlers.serve(loader)
    wrong, unknown = reversed(request_queue.newest(loader.settings.state))
    assert (
        wrong.state == unknown.state == "failed" and "仍不合约定" in wrong.message and "隔离里没有" in unknown.message
    )
    assert len(put_aside(loader)) == 1


def test_a_job_and_days_are_run_from_the_page(as_role: Callable[[str], FlaskClient], loader: Context) -> None:
    admin = as_role("admin")
    assert ask(admin, "/health/ask/run", job="refresh").status_code == 303
    assert ask(admin, "/health/ask/backfill", first="2026-11-20", last="2026-11-22", source="yz").status_code == 303
    assert ask(admin, "/health/ask/replay").status_code == 303
    while request_handlers.serve(loader):
        pass
    found = {one.kind: one for one in request_queue.newest(loader.settings.state)}
    assert (
        {one.state for one in found.values()} == {"done"}
        and "已重算 3 天" in found["backfill"].message
        and "刷新" in found["run"].message
    )
    stated = said(admin, "/health")
    assert "2026-11-20 至 2026-11-22 yz" in stated and "已重算 3 天" in stated and "张**" in stated


@pytest.mark.parametrize(
    ("path", "values", "said_"),
    [
        ("/health/ask/run", {"job": "rm -rf"}, "没有这个任务"),
        ("/health/ask/backfill", {"first": "gestern", "last": "2026-11-22"}, "日期写法不对"),
        ("/health/ask/backfill", {"first": "2026-11-22", "last": "2026-11-20"}, "早于起始日"),
        ("/health/ask/backfill", {"first": "2026-01-01", "last": "2026-11-20"}, "一次最多"),
        ("/health/ask/backfill", {"first": "2026-11-20", "last": "2026-11-20", "source": "evil"}, "没有这个来源"),
        ("/quarantine/1/0", {"table": "yz_vehicle", "old-plate_no": "a", "new-plate_no": "a", "why": "x"}, "没有改动"),
        (
            "/quarantine/1/0",
            {"table": "yz_vehicle", "old-plate_no": "a", "new-plate_no": "浙A00002", "why": " "},
            "没有填写更正理由",
        ),
        (
            "/quarantine/1/0",
            {"table": "yz_vehicle", "old-uscc": "a", "new-uscc": PERSON, "why": "x"},
            "不能填写身份证号",
        ),
    ],
)
def test_a_wrong_wish_is_refused_in_words_and_nothing_waits(
    as_role: Callable[[str], FlaskClient], data: Path, path: str, values: dict[str, str], said_: str
) -> None:
    answer = ask(as_role("analyst"), path, **values)
    assert answer.status_code == 400 and said_ in answer.get_data(as_text=True)
    assert request_queue.newest(Settings(data).state) == [] and PERSON.encode() not in Settings(data).state.read_bytes()


@pytest.mark.parametrize("role", ["leader", "auditor"])
def test_others_neither_see_the_rows_nor_ask(as_role: Callable[[str], FlaskClient], data: Path, role: str) -> None:
    client = as_role(role)
    for path in ("/health/ask/run", "/health/ask/backfill", "/quarantine/1/0"):
        assert ask(client, path, job="refresh").status_code == 403
    shown = said(client, "/quarantine")
    assert "没有牌" not in shown and "只对业务、系统管理开放" in shown and "立即运行" not in said(client, "/health")
    assert request_queue.newest(Settings(data).state) == []
    assert ask(as_role("admin"), "/health/ask/drop").status_code == 404


def test_personal_columns_are_not_on_the_page_nor_accepted(
    as_role: Callable[[str], FlaskClient], loader: Context
) -> None:
    [(seq, row)] = put_aside(loader)
    stated = ask(
        as_role("analyst"),
        f"/quarantine/{seq}/{row}",
        table="yz_driver",
        **{"old-person_key": "", "new-person_key": "x", "why": "x"},
    )
    assert stated.status_code == 400 and "没有改动任何一列" in stated.get_data(as_text=True), (
        "such a column is not looked at"
    )


def test_the_scheduler_takes_up_what_is_asked_within_seconds(
    as_role: Callable[[str], FlaskClient], loader: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_handlers, "EVERY_S", 0.05)
    ended, broken = threading.Event(), threading.Event()
    worker = threading.Thread(target=request_handlers.watch, args=[loader, ended, broken.set])
    worker.start()
    ask(as_role("admin"), "/health/ask/replay")
    path, end = loader.settings.state, time.monotonic() + 30
    while time.monotonic() < end and not any(one.state == "done" for one in request_queue.newest(path)):
        time.sleep(0.05)
    ended.set()
    worker.join(10)
    assert [one.state for one in request_queue.newest(path)] == ["done"] and not broken.is_set()
