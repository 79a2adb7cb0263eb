"""Every rule at its edge: exactly on it, just under, just over, deleted, excused, in two places at once.

One world of rows written by hand (boundaries/*.toml), built and published once. What its models, indicators and
questions must say stands beside the rows and comes from the rules, not from a run."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.house import AS_OF, House, id_number
from tests.warehouse.build.test_models import compare, same, spread
from warehouse.catalog.contracts import contracts
from warehouse.core.database import Reader
from warehouse.core.keys import Pseudonyms
from warehouse.core.settings import ROOT
from warehouse.query.snapshot_store import Snapshot

FOLDER = Path(__file__).parent / "boundaries"
EARLIER = dt.timedelta(minutes=10)
"""The world is published so long before the moment that counts: then only what has to be is made anew."""


@cache
def files() -> dict[str, dict[str, Any]]:
    return {file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))}


def given() -> dict[str, list[dict[str, Any]]]:
    """The rows of all files by table."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for file in files().values():
        for table, own in file.get("given", {}).items():
            rows.setdefault(table, []).extend(spread(repeated(own)))
    return rows


def repeated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`times = 50` is that many rows; {n}, {n2} in their texts is the number of each, from 0; `persons`: the serial
    number of the first one's person. `holder` is the person of a certificate."""
    out = []
    for row in rows:
        for n in range(row.get("times", 1)):
            one = {
                key: value.replace("{n}", str(n)).replace("{n2}", f"{n:02d}") if isinstance(value, str) else value
                for key, value in row.items()
                if key not in ("times", "persons", "holder")
            }
            if "persons" in row:
                one["person"] = row["persons"] + n
            if "holder" in row:
                one["holder_no"] = id_number(row["holder"])
            out.append(one)
    return out


def fill(house: House) -> None:
    """Lands the world and publishes it. A row with `deleted` was taken back by its source at that moment."""
    house.own()
    for table, rows in given().items():
        house.put(table, [{key: value for key, value in row.items() if key != "deleted"} for row in rows])
        for row in rows:
            if "deleted" in row:
                delete(house, table, row)
    house.at = AS_OF - EARLIER
    house.publish(trail=False)


def delete(house: House, table: str, row: dict[str, Any]) -> None:
    values = dict(row)
    if "id_no" in row:
        values["person_key"] = Pseudonyms(house.settings.keys).person(row["id_no"])
    keys = [key for key in contracts()[table].key if key in values]
    where = " AND ".join(f"{key} = ?" for key in keys)
    bound = [row["deleted"], *(values[key] for key in keys)]
    assert house.rows(f"UPDATE raw.{table} SET _deleted_at = ? WHERE {where} RETURNING 1", bound), (table, row)


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{name}: {case.get('says') or case.get('metric') or case.get('sql')}")
        for name, file in files().items()
        for case in file.get(kind, [])
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Snapshot]]:
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(FOLDER.glob("*.toml")))).hexdigest()[:12]
    house = House.copy_of(f"boundaries-{digest}", fill, tmp_path_factory.mktemp("boundaries") / "data")
    yield house, house.publish(trail=False)
    house.close()


@pytest.mark.parametrize("case", cases("expect"))
def test_model(world: tuple[House, Snapshot], case: dict[str, Any]) -> None:
    compare(world[0], case)


@pytest.mark.parametrize("case", cases("reading"))
def test_reading(world: tuple[House, Snapshot], case: dict[str, Any]) -> None:
    """num, den, value, status, parts, better … as far as they are written."""
    reading = world[1].read(case["metric"], case.get("window"), case.get("at"), case.get("place", "330110"))
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
    parameters = dict(case.get("parameters", {}))
    if "person" in parameters:
        parameters["person"] = people.person(id_number(parameters["person"]))
    records = reader.records(sql, parameters)
    columns = case.get("columns") or list(records[0])
    reader.close()
    same([tuple(row[name] for name in columns) for row in records], case["rows"], columns, ordered="order by" in sql)
