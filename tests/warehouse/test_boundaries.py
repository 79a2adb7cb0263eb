"""Every rule at its edge: exactly on it, just under, just over, deleted, excused, in two places at once.

What the models, indicators and questions of one world of rows written by hand must say stands beside the rows
(boundaries/*.toml) and comes from the rules, not from a run."""

from __future__ import annotations

import shutil
from typing import Any

import duckdb
import pytest

from tests.house import House, id_number
from tests.warehouse.build.test_models import compare, same
from tests.warehouse.world import files
from warehouse.core.database import Reader
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
