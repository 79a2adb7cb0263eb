"""Positions that are read piece by piece and typed on the way end as those that are read whole, as text: the same rows in
the lake, the same ones aside with the same words, the same counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.house import House
from warehouse.build import runner
from warehouse.catalog.contracts import contracts
from warehouse.ingest import csv_chunks, lake, load, parse, pieces
from warehouse.ingest.early_types import Split
from warehouse.ingest.landing import Landed

NUMBERS = [
    "0",
    "-0",
    "+5",
    "007",
    "5.0",
    "93.5",
    "1e5",
    "1E+05",
    "0x1F",
    "12_000",
    "9999999999",
    "13812345678",
    "-7",
    "2147483648",
    "32768",
    "５",
    "无",
    "NaN",
    "inf",
    "-",
    "1,5",
]
NUMBERS += [" 12 ", "'8", "1\u200b2", "\u00a03"]
MOMENTS = ["2026-11-23 08:00:01", "2026-11-23T08:00:02", "2026-11-23 08:00:03.5", "2026-11-23 08:00:04+08:00"]
MOMENTS += ["2026-11-23 00:00:05Z", "2026-02-30 08:00:00", "2026-11-23 24:00:00", "2026/11/23 8:00", "2026-11-23"]
MOMENTS += [
    "1899-01-01 00:00:00",
    "2250-01-01 00:00:00",
    "9999-12-31 00:00:00",
    "epoch",
    "20261123080000",
    "2099-01-01 00:00:00",
]
TRUTHS = ["0", "1", "true", "是", "否", "2", "√", "N"]
PLATES = ["浙A12345", "浙A·12345", "浙a12345", "12345", "浙A12345挂", "#N/A", "1.2E+11"]
COLUMNS = [column.name for column in contracts()["gps_location"].stored]
ODD = {
    "plate_no": PLATES,
    "loc_time": MOMENTS,
    "recv_time": MOMENTS,
    "encrypted": TRUTHS,
    "is_makeup": TRUTHS,
    "platform_id": ["A-1", "a b", "1E+11"],
}


def point(number: int) -> dict[str, Any]:
    return {
        "plate_no": f"浙A{number % 50:05d}",
        "plate_color": 2,
        "loc_time": f"2026-11-23 {8 + number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}",
        "lon_e6": 120_000_000 + number,
        "lat_e6": 30_300_000,
        "status_bits": 3,
        "platform_id": "33011000001",
    }


def cells() -> list[dict[str, Any]]:
    """A good row of each cell's kind, each odd text in each column, a repetition, and one vehicle in two places."""
    rows = [point(number) for number in range(400)]
    for name in COLUMNS:
        rows += [point(1000 + len(rows)) | {name: text} for text in (*ODD.get(name, NUMBERS), "")]
    return [*rows, point(7), point(8) | {"lon_e6": 121_000_000}]


def as_csv(rows: list[dict[str, Any]], encoding: str = "gb18030") -> bytes:
    lines = [";".join(COLUMNS), *(";".join(str(row.get(name, "")) for name in COLUMNS) for row in rows)]
    return "\n".join(lines).encode(encoding)


def pages(rows: list[dict[str, Any]]) -> bytes:
    return b"\n".join(
        json.dumps({"data": {"items": rows[start : start + 50]}}).encode() for start in range(0, len(rows), 50)
    )


ORDINARY = {"columns": {name: name for name in COLUMNS}, "accept_bad": True}
WORDED = ORDINARY | {
    "columns": {
        **{name: name for name in COLUMNS},
        "status_bits": {"from": "status_bits", "values": {"3": "2"}, "default": "3"},
        "recv_time": {"from": "loc_time", "time_zone": "UTC"},
        "speed_01kmh": {"from": "alt_m", "scale": 10, "optional": True},
    },
    "constants": {"platform_id": "甲 平台", "rec_speed_01kmh": 5},
}
PAYLOADS = {
    "csv": (as_csv(cells()), "file", ORDINARY),
    "utf-8": (as_csv(cells(), "utf-8"), "file", ORDINARY),
    "csv, mapped": (as_csv(cells()), "file", WORDED),
    "json": (pages(cells()), "json_pages", {"accept_bad": True}),
    "json, mapped": (pages([{name: row.get(name) for name in COLUMNS} for row in cells()]), "json_pages", WORDED),
    "json of texts": (
        json.dumps([{n: str(v) for n, v in row.items()} for row in cells()]).encode(),
        "json_rows",
        {"accept_bad": True},
    ),
}


def outcome(house: House, note: Landed, rows: Any) -> dict[str, Any]:
    """What became of the rows, but for where they lie."""
    account = load.load(house.writer, house.settings, house.privacy, note, rows)
    held = lake.read(lake.files(house.writer, house.settings))
    return {
        "account": account,
        "lake": house.rows(f"SELECT * FROM {held} ORDER BY ALL"),
        "aside": house.rows("SELECT * FROM raw.quarantine ORDER BY row_no"),
        "latest": house.rows("SELECT * FROM raw.gps_latest ORDER BY ALL"),
        "book": house.rows("SELECT fields_aside FROM run.batch WHERE entity = 'location'"),
    }


@pytest.mark.parametrize("name", PAYLOADS)
def test_piece_by_piece_is_the_same_as_whole(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_chunks, "PIECE", 5000)
    monkeypatch.setattr(pieces, "JSON_ROWS", 120)
    body, kind, mapping = PAYLOADS[name]
    found = []
    for place in ("pieces", "whole"):
        house = House.with_own_tables(tmp_path / place)
        note = house.land("gps", "location", body, kind, mapping=mapping, name="positions.csv")
        rows = pieces.rows(note, body) if place == "pieces" else parse.parse(note, body)
        assert isinstance(rows, Split) == (place == "pieces")
        if isinstance(rows, Split):
            assert len(list(rows.pieces())) > (kind != "json_rows") + 1 and 0 < rows.odd.num_rows < rows.num_rows
        found.append(outcome(house, note, rows))
        house.close()
    assert found[0]["aside"] and found[0]["account"].duplicate and len(found[0]["lake"]) > 300
    for part in found[0]:
        assert found[0][part] == found[1][part], part


@pytest.mark.parametrize(
    "spoiled",
    [
        as_csv([point(1), point(2) | {"platform_id": '"甲;乙"'}]),
        as_csv([point(1), point(2) | {"plate_no": "合计"}]),
        as_csv([point(1), point(2) | {"platform_id": "a;b"}]),
        as_csv([point(1), point(2) | {"platform_id": "a\ufffd"}], "utf-8"),
        as_csv([point(1)]).replace(b"loc_time", b"time"),
        as_csv([point(1)]).replace(b"recv_time", b"loc_time"),
        as_csv([point(1)]).replace(b";", b"|"),
        as_csv([point(1) | {"platform_id": "甲 1"}, point(2)]),
        (as_csv([point(1)]) + b"\n") * 2,
        as_csv([point(1)]) + b"\n" + b";" * (len(COLUMNS) - 1) + b"\n" + as_csv([point(2)]).partition(b"\n")[2],
        as_csv([point(number) for number in range(200)]) + b"\n" + as_csv([point(200)]),
        b"x" * 200_000 + b"\n",
        b"<html>",
        b"",
    ],
)
def test_what_is_not_plain_is_read_whole(spoiled: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_chunks, "PIECE", 5000)
    note = Landed(1, "gps", "location", "file", "a.csv", "2026-11-23T14:00:00+08:00", "", 0, mapping=ORDINARY)
    assert pieces.split(note, spoiled, pa.BufferOutputStream()) is None


def test_vehicles_are_worked_out_in_parts_to_the_same_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = ("gps_vehicle_day", "gps_trip", "gps_stop")

    def made() -> list[Any]:
        house.make(*tables)
        return [house.rows(f"SELECT * FROM marts.{name} ORDER BY ALL") for name in tables]

    house.put(
        "gps_location", [point(number) | {"lon_e6": 120_000_000 + number * 100} for number in range(0, 18_000, 7)]
    )
    whole = made()
    monkeypatch.setattr(runner, "PART_ROWS", 300)
    house.writer.execute("UPDATE build.made SET fingerprint = ''")
    assert made() == whole and all(whole[:2])
    assert house.rows("FROM build.part") == [(0, 1)]
