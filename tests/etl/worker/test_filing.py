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

from etl.jobs import refresh
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from etl.worker import filing_forms, request_handlers
from tests.house import House
from warehouse.core import request_queue
from warehouse.core.errors import ContractBroken
from warehouse.core.request_queue import Request
from warehouse.ingest import filed_lists
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
            body = filed_lists.seal(loader.settings, table, out.getvalue().encode("gb18030"))
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


GOAL = {
    "kpi_id": "site_open_rate",
    "period": "week",
    "town": "良渚街道",
    "green": 0.9,
    "amber": 0.8,
    "basis": "上级",
    "source": "局发〔2026〕12 号",
    "progress": "",
    "first": "2026-11-23",
    "last": "2026-12-31",
}


def test_a_target_that_somebody_sets_judges_from_its_day_on_and_goes_back(loader: Context, ask: Ask) -> None:
    def stated() -> list[tuple[str, float, dt.date | None, dt.date | None, str]]:
        found = target_rules.stated(SnapshotStore(loader.settings.data).current(Scope.ALL), "site_open_rate")
        return [(one.town, one.green, one.first, one.last, one.by) for one in found if one.period == "week"]

    first, last = dt.date(2026, 11, 23), dt.date(2026, 12, 31)
    assert stated() == [("", 0.98, None, None, "")]
    done = ask("own_target", "target", target=GOAL, by="王科长")
    assert done.state == "done" and "阵地开放率的目标自 2026-11-23 起生效" in done.message, done.message
    assert stated() == [("", 0.98, None, None, ""), ("良渚街道", 0.9, first, last, "王科长")]
    again = ask("own_target", "target", target={**GOAL, "town": "", "green": 0.97}, by="李科长")
    assert again.state == "done" and stated()[:2] == [
        ("", 0.98, None, dt.date(2026, 11, 22), ""),
        ("", 0.97, first, last, "李科长"),
    ]
    assert ask("own_target", "undo", commit=again.id).state == "done" and len(stated()) == 2
    for wrong, said in (({"town": "塘栖镇"}, "单独定目标"), ({"green": 98.0}, "不能超过 100%")):
        refused = ask("own_target", "target", target={**GOAL, **wrong}, by="王科长")
        assert refused.state == "failed" and said in refused.message
    assert ask("own_sla", "target", target=GOAL, by="王科长").state == "failed" and len(stated()) == 2


def test_what_cannot_be_let_in_is_said_and_the_file_stands_as_before(
    loader: Context, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_note: Any, _parsed: Any) -> Any:
        raise ContractBroken("读不出来", where="target.csv")

    assert ask("own_target", "target", target=GOAL, by="王科长").state == "done"
    file = loader.settings.own / "target.csv"
    before = file.read_text()
    with monkeypatch.context() as patched:
        patched.setattr(loader.parser, "result", broken)
        refused = ask("own_target", "target", target={**GOAL, "green": 0.85}, by="王科长")
    assert refused.state == "failed" and "没有装入，原来的仍然有效" in refused.message
    assert file.read_text() == before


def test_a_town_that_there_is_not_is_named_in_a_table_of_targets(loader: Context, ask: Ask) -> None:
    form = filing_forms.forms(loader)["own_target"]
    cells = {"kpi_id": "site_open_rate", "period": "week", "green": "0.9", "source": "局"}
    rows = [[{**cells, "town": town}.get(column.name, "") for column in form.columns] for town in ("塘栖", "瓶窑镇")]
    looked = ask("own_target", "check", rows, [form.heading(column) for column in form.columns], name="目标.csv")
    errors = orjson.loads(looked.result or b"{}")["errors"]
    assert [(error["heading"], error["why"]) for error in errors] == [
        ("镇街", "没有这个镇街，请写本局参数·镇街里的名称")
    ]


def test_a_file_of_targets_from_before_they_had_days_is_still_read(loader: Context) -> None:
    loader.settings.own.mkdir(parents=True, exist_ok=True)
    (loader.settings.own / "target.csv").write_text(
        "kpi_id,period,green,amber,basis,source,progress,confirmed_by,confirmed_at\nsite_open_rate,week,0.9,,本局,局,,,\n"
    )
    intake.own_tables(loader)
    refresh.publish(loader)
    (only,) = target_rules.stated(SnapshotStore(loader.settings.data).current(Scope.ALL), "site_open_rate")
    assert (only.green, only.town, only.first, only.last) == (0.9, "", None, None)


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
    assert other.state == "failed" and "只有目标值可以这样填报" in other.message
    assert ask("own_target", "undo", commit=done.id).state == "done" and targets() == proposed
