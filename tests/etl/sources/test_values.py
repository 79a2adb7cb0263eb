"""What stands in one cell is loaded exactly as it was written or is refused in its cell, whichever way it came."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import create_engine, text

from etl.config.descriptions import feeds
from etl.pipeline import intake
from etl.runtime.context import opened
from etl.sources import cursors, sql_database
from tests.conftest import WORLD_NOW
from tests.etl.sources.test_connecting import addressed, described
from tests.house import House
from warehouse.core.settings import Settings

NAMES = ("entry_id", "user_id", "delta", "type", "created_at")
MAPPING: dict[str, Any] = {"columns": {name: name for name in NAMES}, "items": "rows"}
AT = "2026-11-20 08:00:00"


def entry(**rest: object) -> dict[str, object]:
    return {"entry_id": 1, "user_id": "u", "delta": 10, "type": "SIGN", "created_at": AT, **rest}


def csv(rows: list[dict[str, object]]) -> tuple[bytes, str, str]:
    lines = [",".join("" if row[name] is None else str(row[name]) for name in rows[0]) for row in rows]
    return "\n".join([",".join(rows[0]), *lines]).encode(), "file", "a.csv|1|1"


def workbook(rows: Iterable[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsx(rows: list[dict[str, object]]) -> tuple[bytes, str, str]:
    return (
        workbook([list(rows[0]), *([None if value is None else str(value) for value in row.values()] for row in rows)]),
        "file",
        "a.xlsx|1|1",
    )


def pages(rows: list[dict[str, object]]) -> tuple[bytes, str, str]:
    return json.dumps({"rows": rows}).encode(), "json_pages", "/a"


def database(rows: list[dict[str, object]]) -> tuple[bytes, str, str]:
    return (
        json.dumps([{name: sql_database.text(value) for name, value in row.items()} for row in rows]).encode(),
        "json_rows",
        "t",
    )


WAYS = pytest.mark.parametrize("way", [csv, xlsx, pages, database])
Way = Callable[[list[dict[str, object]]], tuple[bytes, str, str]]


def bring(
    house: House,
    way: Way,
    rows: list[dict[str, object]],
    source: str = "mp",
    entity: str = "points",
    mapping: dict[str, Any] | None = None,
) -> None:
    body, kind, name = way(rows)
    house.payload(source, entity, body, kind, mapping=mapping or MAPPING, name=name)


def aside(house: House) -> list[str]:
    return [reason for (reason,) in house.rows("SELECT reason FROM raw.quarantine ORDER BY row_no")]


@WAYS
def test_nineteen_digits_arrive_to_the_last_one(house: House, way: Way) -> None:
    bring(house, way, [entry(entry_id=1851234567890123000 + number) for number in range(20)])
    assert house.rows("SELECT count(*), sum(delta), min(entry_id), max(entry_id) FROM raw.mp_points") == [
        (20, 200, 1851234567890123000, 1851234567890123019)
    ]


@WAYS
def test_a_number_that_its_type_cannot_hold_is_refused_in_its_cell(house: House, way: Way) -> None:
    bring(
        house,
        way,
        [entry(entry_id=2**63 - 1), entry(entry_id=2**63), entry(entry_id=2**70), entry(entry_id=2, delta=2**31)],
    )
    assert house.rows("SELECT entry_id FROM raw.mp_points") == [(2**63 - 1,)]
    assert aside(house) == ["type:entry_id", "type:entry_id", "type:delta"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("93", 93),
        ("93.0", 93),
        ("+5", 5),
        ("-7.", -7),
        ("1.5e3", 1500),
        ("93.5", None),
        ("1.85e1", None),
        ("1.85123E+18", None),
    ],
)
def test_a_whole_number_is_read_as_people_and_spreadsheets_write_it(
    house: House, written: str, kept: int | None
) -> None:
    bring(house, csv, [entry(entry_id=written)])
    assert house.rows("SELECT entry_id FROM raw.mp_points") == ([] if kept is None else [(kept,)])


def test_what_went_through_a_number_cell_is_no_code_any_more(house: House) -> None:
    """A workbook's number of 18 digits has 15 of them; so has a CSV that a spreadsheet wrote, and a database's
    double."""
    body = workbook(
        [
            list(NAMES),
            [1851234567890123001, "u", 10, "SIGN", AT],
            [2, 330110199001011234, 10, "SIGN", AT],
            [3, 13300001111, 10, "SIGN", AT],
        ]
    )
    house.payload("mp", "points", body, "file", mapping=MAPPING, name="a.xlsx|1|1")
    assert aside(house) == ["type:entry_id", "type:user_id"]
    assert house.rows("SELECT entry_id FROM raw.mp_points") == [(3,)]
    bring(house, csv, [entry(entry_id=4, user_id="1.85123E+17"), entry(entry_id="1E+18")])
    bring(house, database, [entry(entry_id=float(2**60))])
    assert aside(house)[-3:].count("type:entry_id") == 2 and len(aside(house)) == 5


def test_a_scale_counts_in_decimals_and_leaves_alone_what_is_no_number(house: House) -> None:
    mapping = {
        **MAPPING,
        "columns": {
            **MAPPING["columns"],
            "entry_id": {"from": "entry_id", "scale": 10},
            "delta": {"from": "delta", "scale": 0.1},
        },
    }
    bring(
        house,
        csv,
        [
            entry(entry_id="185123456789012301", delta=30),
            entry(entry_id=2, delta="36km/h"),
            entry(entry_id=3, delta="NaN"),
            entry(entry_id=4, delta="1e999"),
        ],
        mapping=mapping,
    )
    assert house.rows("SELECT entry_id, delta FROM raw.mp_points") == [(1851234567890123010, 3)]
    assert aside(house) == ["type:delta"] * 3


POSITION = {
    "plate_no": "浙A12345",
    "plate_color": 2,
    "day": "2026-11-22",
    "pts": 100,
    "pts_ok": 100,
    "drift_pts": 0,
    "km_total": 12.5,
    "km_complete": 10,
    "valid_km": 10,
    "drive_s": 3600,
    "night_drive_s": 0,
    "fatigue_s": 0,
    "km_night05": 0,
}
DAYS: dict[str, Any] = {"columns": {name: name for name in POSITION}, "items": "rows"}


@WAYS
def test_what_is_no_number_is_refused_in_its_cell(house: House, way: Way) -> None:
    none = ["NaN", "nan", "inf", "-inf", "Infinity", "1e400", float("nan"), float("inf"), float("-inf")]
    bring(
        house,
        way,
        [{**POSITION, "plate_no": f"浙A1234{number}", "km_total": word} for number, word in enumerate(none)]
        + [{**POSITION, "plate_no": "浙A22222"}],
        "gps",
        "vehicle_day",
        DAYS,
    )
    assert house.rows("SELECT plate_no, km_total FROM raw.gps_vehicle_day WHERE km_total IS NOT NULL") == [
        ("浙A22222", 12.5)
    ]
    assert house.rows("SELECT count(*) FROM raw.gps_vehicle_day") == [(len(none) + 1,)], "the rest of the row counts"
    assert aside(house) == ["type:km_total"] * len(none)
    assert all(json.loads(payload)["km_total"] for (payload,) in house.rows("SELECT payload FROM raw.quarantine")), (
        "the cell is shown"
    )


MIDNIGHT = dt.datetime(2026, 11, 21, 0, 30)


@WAYS
def test_an_instant_that_states_its_offset_is_kept_in_shanghai_time(house: House, way: Way) -> None:
    written = [
        "2026-11-20T16:30:00Z",
        "2026-11-20T16:30:00z",
        "2026-11-20T16:30Z",
        "2026-11-20 16:30:00+00:00",
        "2026-11-20T16:30:00.000+0000",
        "2026-11-20 16:30:00 +0000",
        "2026-11-20 16:30:00 UTC",
        "2026-11-21T00:30:00+08:00",
        "2026-11-21 00:30:00+0800",
        "2026-11-21 00:30:00 +08",
        "2026-11-20T10:30:00-06:00",
        "2026-11-20T22:00:00+05:30",
        "2026-11-21 00:30:00",
    ]
    bring(house, way, [entry(entry_id=number, created_at=word) for number, word in enumerate(written)])
    assert house.rows("SELECT created_at FROM raw.mp_points") == [(MIDNIGHT,)] * len(written)


def test_what_is_no_instant_is_refused_in_its_cell(house: House) -> None:
    written = [
        "infinity",
        "-infinity",
        "now",
        "epoch",
        "today",
        "9998-01-01",
        "2201-01-01",
        "1899-12-30",
        "26-11-20",
        "2026-13-01",
        "2026-11-20 (BC)",
        "2026-11-20T16:30:00+99:00",
        "2026-11-20T16:30:00+8",
        "2026-11-20T16:30:00 CST",
    ]
    bring(house, csv, [entry(entry_id=number, created_at=word) for number, word in enumerate(written)])
    assert aside(house) == ["type:created_at"] * len(written)


def test_a_day_of_another_zone_is_the_day_it_is_here(house: House) -> None:
    columns = {"uscc": "uscc", "name": "name", "licence_from": "from", "licence_to": "to", "yz_updated_at": "at"}
    rows = [
        {"uscc": "91330110MA2ABCDE1X", "name": "甲", "from": "2026-11-20T16:30:00Z", "to": "9999-12-31", "at": AT},
        {"uscc": "91330110MA2ABCDE23", "name": "乙", "from": "2026-11-20", "to": "infinity", "at": AT},
    ]
    bring(house, csv, rows, "yz", "company", {"columns": columns})  # type: ignore[arg-type]
    assert house.rows("SELECT licence_from, licence_to FROM raw.yz_company ORDER BY uscc") == [
        (dt.date(2026, 11, 21), dt.date(9999, 12, 31)),
        (dt.date(2026, 11, 20), None),
    ], "the filler of D15 is judged later, what cannot be read is unknown"
    assert aside(house) == ["type:licence_to"]


@pytest.mark.parametrize(
    ("rule", "written", "kept"),
    [
        ({"time_zone": "UTC"}, "2026-11-20 16:30:00", MIDNIGHT),
        ({"time_zone": "UTC"}, "2026/11/20 16:30", MIDNIGHT),
        ({"time_zone": "UTC"}, "2026-11-21T00:30:00+08:00", MIDNIGHT),
        ({"time_zone": "Asia/Tokyo"}, "2026-11-21 01:30:00", MIDNIGHT),
        ({"time_zone": "Asia/Tokyo"}, "20日下午", None),
        ({"time_zone": "UTC"}, "infinity", None),
        ({"unit": "s"}, "1795192200", MIDNIGHT),
        ({"unit": "ms"}, "1795192200000", MIDNIGHT),
        ({"unit": "s"}, "NaN", None),
        ({"unit": "s"}, "1e30", None),
        ({"unit": "s"}, "2026-11-21 00:30:00", None),
    ],
)
def test_a_declared_zone_or_unit_holds_for_what_states_none_and_nothing_is_dropped_in_silence(
    house: House, rule: dict[str, str], written: str, kept: dt.datetime | None
) -> None:
    mapping = {**MAPPING, "columns": {**MAPPING["columns"], "created_at": {"from": "created_at", **rule}}}
    bring(house, csv, [entry(created_at=written)], mapping=mapping)
    assert house.rows("SELECT created_at FROM raw.mp_points") == ([] if kept is None else [(kept,)])
    assert aside(house) == ([] if kept else ["type:created_at"])


def test_long_numbers_of_a_database_are_exact_and_so_is_its_cursor(tmp_path: Path) -> None:
    """Of a NUMERIC column of SQLite the library makes a double; a cursor of 19 digits compared as one would ask for the
    same rows for ever."""
    first, file = 1851234567890123000, tmp_path / "points.sqlite"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE points (entry_id NUMERIC(20), user_id TEXT, delta INTEGER, type TEXT, created_at TEXT)")
        )
        connection.execute(
            text("INSERT INTO points VALUES (:entry_id, :user_id, :delta, :type, :created_at)"),
            [entry(entry_id=first + number) for number in range(20)],
        )
    addressed(tmp_path / "data", f'[mp]\ndsn = "sqlite:///{file}"\n')
    described(
        tmp_path / "data",
        '[[feeds]]\nentity = "points"\njobs = ["refresh"]\ntransport = "sql_database"\ntable = "points"\ncursor_column = "entry_id"\noverlap_s = 1\n[feeds.columns]\n'
        + "".join(f'{name} = "{name}"\n' for name in NAMES),
        "mp",
    )
    with opened(Settings(tmp_path / "data"), now=lambda: WORLD_NOW) as context:
        wanted = [feed for feed in feeds(context.settings) if feed.source == "mp"]
        assert intake.run(context, wanted) == []
        assert context.writer.execute("SELECT count(*), max(entry_id) FROM raw.mp_points") == [(20, first + 19)]
        assert context.writer.execute("SELECT cursor FROM run.cursor WHERE source = 'mp'") == [(str(first + 19),)]
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO points VALUES (:entry_id, :user_id, :delta, :type, :created_at)"),
                [entry(entry_id=first + 20)],
            )
        assert intake.run(context, wanted) == []
        assert context.writer.execute("SELECT max(entry_id) FROM raw.mp_points") == [(first + 20,)]
        assert context.writer.execute("SELECT rows_in FROM run.batch WHERE source = 'mp' ORDER BY landing_seq") == [
            (20,),
            (2,),
        ], "the overlap and the new one, no more"
    engine.dispose()


def test_cursors_of_nineteen_digits_differ() -> None:
    assert cursors.before("1851234567890123000", "1851234567890123001") and not cursors.before(
        "1851234567890123001", "1851234567890123000"
    )
    assert cursors.back("1851234567890123001", 1) == "1851234567890123000"
