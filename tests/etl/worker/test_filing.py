"""A list that somebody files: every wrong cell is named, what is right takes effect as a delivery of its own, and is
taken back by one more."""

from __future__ import annotations

import csv
import datetime as dt
import io
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from etl.runtime.context import Context, opened
from etl.worker import filing_forms, request_handlers
from tests.house import House
from warehouse.core import request_queue
from warehouse.core.request_queue import Request
from warehouse.ingest import list_review
from warehouse.publish import snapshot
from warehouse.query import targets as target_rules
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 11, 23, 14, 0)
HEAD = ["企业", "车辆数", "司机数", "党员数", "最近确认日期", "版本"]
ROWS = [[f"91330110MA{serial:08d}"[:18], "60", "70", "3", "2026-10-02", "1"] for serial in range(4)]


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[Context]:
    house = House.published_empty(tmp_path / "data")
    with opened(house.hand_over(), now=lambda: NOW + dt.timedelta(minutes=5)) as context:
        yield context


Ask = Callable[..., Request]


@pytest.fixture
def ask(loader: Context) -> Ask:
    """Asks for one step and lets the loader do it."""

    def asked(
        table: str, step: str, rows: list[list[str]] | None = None, head: list[str] | None = None, **values: Any
    ) -> Request:
        body = None
        if rows is not None:
            out = io.StringIO()
            csv.writer(out).writerows([head or HEAD, *rows])
            body = list_review.seal(loader.settings, table, out.getvalue().encode("gb18030"))
        with sqlite3.connect(loader.settings.state) as connection:
            number = request_queue.add(
                connection, "file", {"table": table, "step": step, **values}, "wang", body=body, at=time.time()
            )
        assert request_handlers.serve(loader)
        return request_queue.one(loader.settings.state, number)

    filing_forms.offer(loader)
    return asked


def held(context: Context, table: str) -> list[tuple[Any, ...]]:
    return context.writer.execute(f"SELECT uscc, veh_cnt FROM raw.{table} WHERE _deleted_at IS NULL ORDER BY 1")


def check(ask: Ask, rows: list[list[str]]) -> Request:
    return ask("pb_register50", "check", rows, name="名录.csv", month="2026-11")


def test_every_wrong_cell_is_named_and_nothing_of_the_file_is_loaded_or_kept(loader: Context, ask: Ask) -> None:
    bad = [list(row) for row in ROWS]
    bad[0][1], bad[1][0], bad[2][4] = "很多", "", "2026-13-45"
    done = check(ask, [*bad, ROWS[3]])
    assert done.result is not None and done.state == "done" and done.body is None
    assert [(one["cell"], one["why"]) for one in orjson.loads(done.result)["errors"]] == [
        ("B2", "应为整数"),
        ("A3", "必填，不能为空"),
        ("E4", "应为日期，如 2026-01-31"),
        ("A6", "与第 5 行重复（企业 相同）"),
    ]
    assert held(loader, "pb_register50") == []


def test_what_was_checked_takes_effect_once_and_is_taken_back_by_a_new_delivery(loader: Context, ask: Ask) -> None:
    assert ask("pb_register50", "commit", check=check(ask, ROWS).id).state == "done"
    before = held(loader, "pb_register50")
    changed = [[*ROWS[0][:1], "99", *ROWS[0][2:]], *ROWS[1:3]]
    looked = check(ask, changed)
    stated = orjson.loads(looked.result or b"{}")
    assert (stated["added"], stated["changed"], stated["removed"]) == (0, 1, 1)
    commit = ask("pb_register50", "commit", check=looked.id)
    assert commit.state == "done" and held(loader, "pb_register50") == [(ROWS[0][0], 99), *before[1:3]]
    notes = len(list(loader.landing.notes()))
    undo = ask("pb_register50", "undo", commit=commit.id)
    assert (
        undo.state == "done"
        and held(loader, "pb_register50") == before
        and len(list(loader.landing.notes())) == notes + 1
    )
    assert ask("pb_register50", "undo", commit=commit.id).state == "failed", "a second taking back would undo the first"


def test_the_pages_are_told_what_can_be_filed_and_nothing_that_is_not_kept(loader: Context, ask: Ask) -> None:
    stated = request_queue.offered(loader.settings.state)
    assert [column["heading"] for column in stated["pb_register50"]["columns"]] == HEAD and "own_sla" in stated
    assert not any(
        column["heading"] in ("联系人", "书记", "体检结果") for table in stated.values() for column in table["columns"]
    )
    assert not stated["pb_member"]["current"], "pseudonyms cannot be filed again"
    assert ask("pb_register50", "current").message == "现有 0 行"


def test_a_step_that_was_cut_off_lands_nothing_twice(loader: Context, ask: Ask) -> None:
    commit = ask("pb_register50", "commit", check=check(ask, ROWS).id)
    notes = len(list(loader.landing.notes()))
    with sqlite3.connect(loader.settings.state) as connection:
        connection.execute("UPDATE request SET state = 'running' WHERE id = ?", (commit.id,))
    request_queue.take_up(loader.settings.state)
    assert request_handlers.serve(loader)
    assert (
        request_queue.one(loader.settings.state, commit.id).state == "done"
        and len(list(loader.landing.notes())) == notes
    )


def test_what_came_in_between_asks_for_another_look(loader: Context, ask: Ask) -> None:
    first, second = check(ask, ROWS), check(ask, ROWS[:3])
    assert ask("pb_register50", "commit", check=first.id).state == "done"
    late = ask("pb_register50", "commit", check=second.id)
    assert late.state == "failed" and "又有新的数据到达" in late.message


def test_a_table_of_the_bureaus_own_changes_and_goes_back_to_the_shipped_one(loader: Context, ask: Ask) -> None:
    def limits() -> list[tuple[Any, ...]]:
        return loader.writer.execute("SELECT level, limit_s FROM raw.own_sla ORDER BY 1")

    shipped = limits()
    looked = ask(
        "own_sla",
        "check",
        [["1", "3600", "局发文"], ["2", "600", "局发文"]],
        ["报警级别", "处置时限", "依据"],
        name="时限.csv",
    )
    commit = ask("own_sla", "commit", check=looked.id)
    assert commit.state == "done", commit.message
    assert limits() == [(1, 3600), (2, 600)] and (loader.settings.own / "sla.csv").exists()
    assert ask("own_sla", "undo", commit=commit.id).state == "done"
    assert len(snapshot.generations(loader.settings)) == 3, "two publications in one second have a name each"
    assert limits() == shipped and not (loader.settings.own / "sla.csv").exists()


def test_a_proposal_becomes_the_bureaus_target_by_one_confirmation_and_goes_back(loader: Context, ask: Ask) -> None:
    def targets() -> dict[str, tuple[float, str, str]]:
        found = target_rules.whole(SnapshotStore(loader.settings.data).current(Scope.ALL), "fleet_online_rate")
        return {window: (one.green, one.basis, one.source) for window, one in found.items()}

    proposed = targets()
    assert {basis for _, basis, _ in proposed.values()} == {"产品建议"} and len(proposed) == 4
    done = ask("own_target", "confirm", kpi_id="fleet_online_rate", by="王科长")
    assert done.state == "done" and "车辆上线率的建议值已确认为本局目标" in done.message
    source = "由产品建议确认，王科长 2026-11-23 确认"
    assert targets() == {window: (green, "本局", source) for window, (green, _, _) in proposed.items()}
    again = ask("own_target", "confirm", kpi_id="fleet_online_rate", by="李科长")
    assert again.state == "failed" and "没有待确认的建议值" in again.message
    other = ask("pb_register50", "confirm", kpi_id="fleet_online_rate", by="王科长")
    assert other.state == "failed" and "只有目标值可以这样确认" in other.message
    assert ask("own_target", "undo", commit=done.id).state == "done" and targets() == proposed
