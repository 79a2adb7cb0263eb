"""Every rule at its edge: exactly on it, just under, just over, deleted, excused, in two places at once.

What the models, indicators and questions of one world of rows written by hand must say stands beside the rows
(boundaries/*.toml) and comes from the rules, not from a run."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import shutil
from typing import Any

import duckdb
import msgspec
import pytest

from tests.house import House, id_number
from tests.warehouse.build.test_models import compare, same
from tests.warehouse.world import files
from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models
from warehouse.catalog.schema import Metric
from warehouse.compile import metric_sql
from warehouse.core import units
from warehouse.core.database import Reader, Writer
from warehouse.core.keys import Pseudonyms
from warehouse.core.settings import ROOT
from warehouse.publish import snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{name}: {case.get('says') or case.get('metric') or case.get('sql')}")
        for name, file in files().items()
        for case in file.get(kind, [])
    ]


@pytest.mark.parametrize("case", cases("expect"))
def test_model(world: tuple[House, Snapshot], case: dict[str, Any]) -> None:
    compare(world[0], case)


@pytest.fixture(scope="module")
def one_by_one(world: tuple[House, Snapshot], tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The same picture with the small owners told one by one: what protects them has tests of its own."""
    folder, book = tmp_path_factory.mktemp("one-by-one"), world[1]
    (folder / "published").mkdir()
    head = folder / "published" / f"{book.id}.duckdb"
    for file in snapshot.files(world[0].settings, [book.id]):
        shutil.copyfile(file, folder / "published" / file.name)
    with duckdb.connect(str(head)) as open_:
        for file in folder.glob("published/*.duckdb"):
            if file != head and ".restricted" not in file.name:
                open_.execute(f"ATTACH '{file}' AS base (READ_ONLY)")
        few = "FROM marts.pooled_owner WHERE company_key IN (FROM marts.one_person_owner)"
        open_.execute(f"CREATE TABLE marts.few AS {few}")
        is_shared = open_.execute(
            "SELECT 1 FROM duckdb_views() WHERE view_name = 'pooled_owner' AND database_name = current_database()"
        ).fetchall()
        open_.execute(f"DROP {'VIEW' if is_shared else 'TABLE'} marts.pooled_owner")
        open_.execute("ALTER TABLE marts.few RENAME TO pooled_owner")
    return SnapshotStore(folder).open(book.id, Scope.ALL)


@pytest.mark.parametrize("case", cases("reading"))
def test_reading(one_by_one: Snapshot, case: dict[str, Any]) -> None:
    """num, den, value, status, parts, better … as far as they are written."""
    reading = one_by_one.read(case["metric"], case.get("window"), case.get("at"), case.get("place", "330110"))
    wanted = {key: value for key, value in case.items() if key not in ("metric", "window", "at", "place", "says")}
    found = {key: getattr(reading, key) for key in wanted}
    assert found == {
        key: pytest.approx(value) if isinstance(value, int | float | dict) and not isinstance(value, bool) else value
        for key, value in wanted.items()
    }


@pytest.mark.parametrize("case", cases("select"))
def test_select(world: tuple[House, Snapshot], case: dict[str, Any]) -> None:
    """A question to the published file, its rows in their order. sql: insight/vehicle is insight/sql/vehicle.sql."""
    house, book = world
    package, name = case["sql"].split("/")
    sql = (ROOT / package / "sql" / f"{name}.sql").read_text("utf-8")
    kind = ".restricted" if "restricted file" in sql else ""
    reader = Reader(house.settings.published / f"{book.generation.id}{kind}.duckdb")
    people = Pseudonyms(house.settings.keys)
    parameters = {key: None if value == "NULL" else value for key, value in case.get("parameters", {}).items()}
    if "person" in parameters:
        parameters["person"] = people.person(id_number(parameters["person"]))
    records = reader.records(sql, parameters)
    columns = case.get("columns") or list(records[0])
    reader.close()
    same([tuple(row[name] for name in columns) for row in records], case["rows"], columns, ordered="order by" in sql)


COUNTED_ONCE = re.compile(r"count\(DISTINCT (\w+)\)(?: FILTER \((?:[^()]|\([^()]*\))*\))?")
"""How many of something there are, each once."""


def counted_once(metric: Metric) -> dict[str, str]:
    """What is counted by each expression of an indicator that is nothing but such a count: its name in a reading → the
    column."""
    expressions = {"num": metric.numerator, "den": metric.denominator, **metric.parts}
    found = {name: COUNTED_ONCE.fullmatch(sql.strip()) for name, sql in expressions.items()}
    return {name: match[1] for name, match in found.items() if match}


def others(metric: Metric, column: str) -> list[str]:
    """Words in the mart's grain by which a second row of the same thing differs."""
    model = models()[metric.mart]
    return [name for name in model.grain if name != column and "day" not in name]


TWICE = [
    pytest.param({"metric": metric.id}, column, other, id=f"{metric.id} {column} {other}")
    for metric in metrics().values()
    for column in sorted(set(counted_once(metric).values()))
    for other in others(metric, column)[:1]
]


@pytest.mark.parametrize(("case", "column", "other"), TWICE)
def test_who_stands_there_twice_is_counted_once(
    world: tuple[House, Snapshot], case: dict[str, Any], column: str, other: str
) -> None:
    """A driver of two companies, a vehicle on two days, a company with two organisations."""
    writer, metric = world[0].writer, metrics()[case["metric"]]
    yesterday = world[0].at.date() - dt.timedelta(days=1)
    names = [name for name, counted in counted_once(metric).items() if counted == column]

    def figures(of: Metric, window: str, day: dt.date) -> dict[str, float]:
        span = metric_sql.span(of, window, units.window_of(window, day)[0], yesterday)
        rows = writer.execute(*metric_sql.select(of, window, [span], "district"))
        num, den, _, parts = metric_sql.as_row(of, rows[0]) if rows else (None, None, 0, {})
        return {name: value or 0 for name, value in {"num": num, "den": den, **parts}.items() if name in names}

    def every(sql: str) -> str:
        return sql.replace("DISTINCT ", "")

    loose = msgspec.structs.replace(
        metric,
        numerator=every(metric.numerator),
        denominator=every(metric.denominator),
        parts={name: every(sql) for name, sql in metric.parts.items()},
    )
    asked = itertools.product(metric.windows, (yesterday, yesterday - dt.timedelta(days=31)))
    at = next((window, day) for window, day in asked if any(figures(metric, window, day).values()))
    once, as_rows = figures(metric, *at), figures(loose, *at)
    writer.execute("BEGIN TRANSACTION")
    try:
        mart = f"marts.{metric.mart}"
        writer.execute(f"INSERT INTO {mart} SELECT * REPLACE ({other} || '二' AS {other}) FROM {mart}")
        assert figures(metric, *at) == once
        assert figures(loose, *at) == {name: 2 * value for name, value in as_rows.items()}, "the rows are there"
    finally:
        writer.execute("ROLLBACK")


def figures_with(writer: Writer, change: str, metric: Metric, window: str, day: dt.date) -> tuple[Any, ...]:
    """Numerator, denominator and what is there of a metric of the district, with a change to its mart that is taken back
    again."""
    span = metric_sql.span(metric, window, units.window_of(window, day)[0], day)
    writer.execute("BEGIN TRANSACTION")
    try:
        writer.execute(change)
        rows = writer.execute(*metric_sql.select(metric, window, [span], "district"))
        return metric_sql.as_row(metric, rows[0])[:3]
    finally:
        writer.execute("ROLLBACK")


@pytest.mark.parametrize(
    "case", [{"metric": metric.id} for metric in metrics().values() if metric.present == "sum(pts)"]
)
def test_vehicles_of_which_no_position_came_say_nothing(world: tuple[House, Snapshot], case: dict[str, Any]) -> None:
    """They are rows all the same, for they were due."""
    writer, metric = world[0].writer, metrics()[case["metric"]]
    day = world[0].at.date() - dt.timedelta(days=1)
    at = metric, metric.windows[0], day
    assert figures_with(writer, "SELECT 1", *at)[2] > 0
    assert figures_with(writer, f"UPDATE marts.{metric.mart} SET pts = 0", *at)[2] == 0


@pytest.mark.parametrize("case", [{"metric": "mem_work_coverage_rate"}])
@pytest.mark.parametrize(
    ("covered", "instructor", "activity", "counts"),
    [
        (False, False, False, 0),
        (False, False, True, 0),
        (False, True, False, 0),
        (False, True, True, 1),
        (True, False, False, 1),
        (True, True, True, 1),
    ],
)
def test_work_covers_a_company_by_an_organisation_or_by_an_instructor_who_is_active(
    world: tuple[House, Snapshot], case: dict[str, Any], covered: bool, instructor: bool, activity: bool, counts: int
) -> None:
    flags = f"is_covered = {covered}, has_instructor = {instructor}, has_activity = {activity}"
    change = f"UPDATE marts.company50_day SET {flags} WHERE company_key = 'F4'; DELETE FROM marts.company50_day WHERE company_key <> 'F4'"
    day = world[0].at.date() - dt.timedelta(days=1)
    assert figures_with(world[0].writer, change, metrics()[case["metric"]], "day", day)[:2] == (counts, 1)


@pytest.mark.parametrize("case", [{"expect": {"model": "marts.vehicle_now", "columns": ["state"]}}])
@pytest.mark.parametrize(("ahead_s", "state"), [(60, "running"), (61, "offline")])
def test_a_position_that_is_still_to_come_is_nobodys_newest(
    world: tuple[House, Snapshot], case: dict[str, Any], ahead_s: int, state: str
) -> None:
    """As an earlier release has left them: two clocks may differ by a minute."""
    writer, at = world[0].writer, world[0].at + dt.timedelta(seconds=ahead_s)
    writer.execute("BEGIN TRANSACTION")
    try:
        writer.execute("DELETE FROM raw.gps_latest WHERE vehicle_key = '浙F00001#2'")
        writer.execute("INSERT INTO raw.gps_latest VALUES ('浙F00001#2', ?, 120, 30, 50, 0)", [at])
        rows = writer.execute(f"SELECT state FROM ({models()['vehicle_now'].sql}) WHERE vehicle_key = '浙F00001#2'")
        assert rows == [(state,)]
    finally:
        writer.execute("ROLLBACK")
