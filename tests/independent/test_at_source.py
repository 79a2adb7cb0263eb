"""Between the sources and the warehouse nothing is lost, invented or changed: what the stand-ins hand over (files, HTTP,
databases) is read a second time and held against the landed rows, cell by cell. What is missing has been put aside; a
person is the same pseudonym in every table, and nobody else's."""

from __future__ import annotations

import datetime as dt
import math
import re
import shutil
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pandas as pd
import pytest

from etl.demo.server import runner
from tests.conftest import WORLD_NOW
from tests.independent import at_source
from tests.independent.at_source import ROOT, Delivered, Row
from tests.independent.text import plate
from warehouse.core.units import SHANGHAI

Record = Callable[[str, object], None]
pytestmark = pytest.mark.independent

SPREADSHEET_EPOCH = dt.datetime(1899, 12, 30)
WRITTEN = re.compile(
    r"(\d{4})[-年/.](\d{1,2})[-月/.](\d{1,2})日?(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?|(\d{4})(\d{2})(\d{2})"
)
YES_NO = {"是": True, "true": True, "1": True, "否": False, "false": False, "0": False}
FIRST_LOOK_BACK = dt.timedelta(minutes=10)
"""The service is read from so long before the first round on; what is older comes as files."""
PERSONAL = ("person", "phone", "holder", "mask_name")
IDENTITY = re.compile(r"\d{17}[\dX]")


def value(given: Any, kind: str) -> Any:
    """A source's text or number as a value of a column of that SQL type; None when it is none."""
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    if kind == "VARCHAR":
        return text
    if kind == "BOOLEAN":
        return YES_NO.get(text.lower())
    if kind not in ("DATE", "TIMESTAMP"):
        return float(text)
    found = given if isinstance(given, dt.datetime) else moment(text)
    return found.date() if found and kind == "DATE" else found


def moment(text: str) -> dt.datetime | None:
    """A time as people write it, or as a spreadsheet counts it: in days."""
    if re.fullmatch(r"\d{5}", text):
        return SPREADSHEET_EPOCH + dt.timedelta(days=int(text))
    if not (found := WRITTEN.fullmatch(text)):
        return None
    parts = [int(part) for part in found.groups() if part is not None]
    return dt.datetime(*parts)  # type: ignore[arg-type]


def same(theirs: Any, ours: Any) -> bool:
    """Whether a landed value is what the source said."""
    if isinstance(theirs, float) and ours is not None:
        return math.isclose(theirs, float(ours), rel_tol=1e-12)
    if isinstance(theirs, str) and IDENTITY.fullmatch(theirs):  # an identity number in a text is hidden
        return isinstance(ours, str) and ours.startswith("〔已隐去")
    return bool(theirs == ours)


def normal(text: str) -> str:
    """A code whatever way it is typed."""
    return re.sub(r"[\s\-'\u200b\ufeff]", "", unicodedata.normalize("NFKC", text)).upper()


@dataclass(frozen=True)
class Table:
    """One landed table: its description, what its source says and what we hold."""

    name: str
    delivered: list[Row]
    landed: list[Row]

    @cached_property
    def contract(self) -> dict[str, Any]:
        return tomllib.loads((ROOT / "warehouse" / "raw" / f"{self.name}.toml").read_text(encoding="utf-8"))

    @cached_property
    def columns(self) -> dict[str, dict[str, Any]]:
        return {name: one for name, one in self.contract["columns"].items() if one.get("treatment") != "drop"}

    @property
    def plain(self) -> list[str]:
        """The columns whose values we hold as they came, of a day of birth the year."""
        return [name for name, one in self.columns.items() if one.get("treatment") not in PERSONAL]

    def given(self, row: Row, name: str) -> Any:
        """What a source's row holds for a column of ours."""
        column = self.columns[name]
        for source in (column.get("source", name), name, column.get("fallback", "")):
            if (found := row.get(source)) is not None:
                return str(found)[:4] if column.get("treatment") == "birth_year" else found
        return None

    def said(self, row: Row) -> dict[str, Any]:
        """What a source's row says, as values of our columns."""
        return {name: value(self.given(row, name), one["type"]) for name, one in self.columns.items()}

    def held(self, row: Row) -> dict[str, Any]:
        """A landed row with its values as the reader of the source writes them."""
        return {name: plainly(row[name], one["type"]) for name, one in self.columns.items()}

    def key(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The key of such a row in normal form."""
        return tuple(self._normal(name, cells[name]) for name in self.contract["key"])

    def _normal(self, name: str, given: Any) -> Any:
        if name == "plate_no" and given:
            return plate(str(given))
        if isinstance(given, str):
            return normal(given)
        return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else given


@dataclass(frozen=True)
class Both:
    """The sources and the warehouse of one world. quarantine: rows put aside, by table."""

    tables: dict[str, Table]
    positions: tuple[list[Row], pd.DataFrame]
    quarantine: dict[str, int]


@pytest.fixture(scope="module")
def both(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    demo = tmp_path_factory.mktemp("sources") / "demo"
    shutil.copytree(published / "demo", demo)
    server = runner.serve(demo, clock=lambda: WORLD_NOW.replace(tzinfo=SHANGHAI))
    try:
        at = orjson.loads((demo / "endpoints.json").read_bytes())
        found = at_source.everything(demo, at["http"], at["client_id"], at["client_secret"])
    finally:
        server.stop()
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as db:
        known = {
            name
            for (name,) in db.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'raw'").fetchall()
        }
        quarantine = dict(
            db.execute(
                "SELECT source || '_' || entity, count(*) FROM raw.quarantine WHERE is_row AND row_no >= 0 GROUP BY 1"
            ).fetchall()
        )
        landed = {
            name: db.execute(
                f"SELECT * FROM raw.{name} WHERE _deleted_at IS NULL"
                + (f" UNION ALL BY NAME SELECT * FROM raw.{name}_history" if f"{name}_history" in known else "")
            ).df()
            for name in found
            if name in known
        }
        files = [path for (path,) in db.execute("SELECT path FROM run.lake_file").fetchall()]
    tables = {name: Table(name, of_the_newest(found[name]), records(frame)) for name, frame in landed.items()}
    lake = pd.concat([pd.read_parquet(published / "lake" / path, partitioning=None) for path in files])
    return Both(tables, (found["gps_location"].rows, lake), quarantine)


def of_the_newest(delivered: Delivered) -> list[Row]:
    """The rows, of ledgers those of the newest one: each is the whole list."""
    newest = max((row["ledger_at"] for row in delivered.rows if "ledger_at" in row), default=None)
    return [row for row in delivered.rows if row.get("ledger_at") == newest]


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame, with None where there is nothing."""
    return [
        {str(name): cell for name, cell in row.items()}
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]


def plainly(found: Any, kind: str) -> Any:
    """A landed value as the reader of the source writes it."""
    if isinstance(found, pd.Timestamp):
        return found.date() if kind == "DATE" else found.to_pydatetime()
    return found


def test_every_cell_of_every_table_is_what_its_source_says(both: Both, record_property: Record) -> None:
    """A key's newest version has each of its cells; what a key of the source has not, was put aside."""
    compared, wrong = 0, list[str]()
    for table in both.tables.values():
        personal = [name for name, one in table.columns.items() if one.get("treatment") in PERSONAL]
        if set(personal) & set(table.contract["key"]):
            continue  # those rows are matched by what they say, below
        landed: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for held in map(table.held, table.landed):
            landed[table.key(held)].append(held)
        theirs: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for said in map(table.said, table.delivered):
            theirs[table.key(said)].append(said)
        if set(theirs) - set(landed) and both.quarantine.get(table.name, 0) < len(set(theirs) - set(landed)):
            wrong.append(f"{table.name} lacks {sorted(map(str, set(theirs) - set(landed)))[:3]}")
        if set(landed) - set(theirs):
            wrong.append(f"{table.name} invents {sorted(map(str, set(landed) - set(theirs)))[:3]}")
        for key in set(landed) & set(theirs):
            for held in landed[key]:
                found = min((differing(table, said, held) for said in theirs[key]), key=len)
                wrong += [f"{table.name} {key} {text}" for text in found]
                compared += len(table.plain)
    assert not wrong, "\n".join(wrong[:20])
    record_property("compared", {"cells at their source": compared})


def differing(table: Table, said: Row, held: Row) -> list[str]:
    """The plain columns in which a landed row is not what the source said."""
    return [f"{name}: {said[name]!r} became {held[name]!r}" for name in table.plain if not same(said[name], held[name])]


def test_rows_about_persons_say_what_their_sources_say(both: Both, record_property: Record) -> None:
    """Where a person is part of the key, the rest of the rows is the same, as often as it comes; whom two rows of one
    ledger tell of differently stands there once."""
    compared = 0
    for table in both.tables.values():
        if not any(table.columns[name].get("treatment") in PERSONAL for name in table.contract["key"]):
            continue
        ours = [tuple(comparable(held[name]) for name in table.plain) for held in map(table.held, table.landed)]
        theirs = [tuple(comparable(said[name]) for name in table.plain) for said in map(table.said, table.delivered)]
        assert set(ours) <= set(theirs), (table.name, list(set(ours) - set(theirs))[:3])
        people = {
            (*(normal(str(table.given(row, name))) for name in table.contract["key"]),) for row in table.delivered
        }
        aside = both.quarantine.get(table.name, 0)
        assert len(people) - aside <= len(ours) <= len(theirs), (table.name, len(people), aside, len(ours))
        compared += len(ours) * len(table.plain)
    record_property("compared", {"cells at their source": compared})


def comparable(found: Any) -> str:
    """A value as a text that is the same for equal values; a hidden identity number is only hidden."""
    if isinstance(found, bool) or found is None:
        return str(found)
    if isinstance(found, int | float) or type(found).__name__ == "Decimal":
        return repr(float(found))
    text = str(found)
    return "hidden" if IDENTITY.fullmatch(text) or text.startswith("〔已隐去") else text


def test_a_person_is_one_pseudonym_and_a_pseudonym_one_person(both: Both) -> None:
    """Over all tables at once, matched by the columns that are no secret."""
    to_key: dict[str, set[str]] = defaultdict(set)
    for table in both.tables.values():
        persons = [name for name, one in table.columns.items() if one.get("treatment") == "person"]
        if not persons or set(persons) & set(table.contract["key"]):
            continue
        landed = {table.key(held): held for held in map(table.held, table.landed)}
        for row in table.delivered:
            key = table.key(table.said(row))
            for name in persons:
                given = table.given(row, name)
                if given and IDENTITY.fullmatch(normal(str(given))) and key in landed and landed[key][name]:
                    to_key[normal(str(given))].add(landed[key][name])
    assert len(to_key) > 30
    assert all(len(keys) == 1 for keys in to_key.values()), [keys for keys in to_key.values() if len(keys) > 1]
    assert len({next(iter(keys)) for keys in to_key.values()}) == len(to_key)


def test_every_position_is_what_its_source_says(both: Both, record_property: Record) -> None:
    """Each fix of the lake was delivered, value by value, and each that was delivered is in the lake or put aside."""
    contract = tomllib.loads((ROOT / "warehouse" / "raw" / "gps_location.toml").read_text(encoding="utf-8"))
    kinds = {name: one["type"] for name, one in contract["columns"].items()}
    delivered, lake = both.positions
    theirs = {tuple(comparable(value(row.get(name), kind)) for name, kind in kinds.items()) for row in delivered}
    since = f"{WORLD_NOW - FIRST_LOOK_BACK:%Y-%m-%d %H:%M:%S}"
    keys = {
        (plate(str(row["plate_no"])), comparable(float(row["plate_color"])), row["loc_time"])
        for row in delivered
        if row.get("updated_at", since) >= since
    }
    assert len(keys) > 15_000
    rows = records(lake)
    ours = {tuple(comparable(plainly(row[name], kind)) for name, kind in kinds.items()) for row in rows}
    assert not ours - theirs, sorted(ours - theirs)[:3]
    held = {
        (plate(str(row["plate_no"])), comparable(float(row["plate_color"])), f"{row['loc_time']:%Y-%m-%d %H:%M:%S}")
        for row in rows
    }
    assert len(keys - held) <= both.quarantine.get("gps_location", 0), sorted(keys - held)[:5]
    record_property("compared", {"cells at their source": len(ours) * len(kinds)})
