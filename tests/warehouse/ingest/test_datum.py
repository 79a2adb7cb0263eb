"""Places written in GCJ-02 or BD-09, and instants in the forms that devices and spreadsheets write, said in a mapping."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from etl.config.schema import FileMapping
from tests.house import House
from warehouse.core import toml
from warehouse.ingest import load

PLACES = [(120.0, 30.3), (119.72, 30.41), (120.153576, 30.287459), (116.404, 39.915), (113.264, 23.129)]
A, EE = 6378245.0, 0.00669342162296594323


def gcj(lon: float, lat: float) -> tuple[float, float]:
    """The public formula, forwards."""
    x, y, pi = lon - 105, lat - 35, math.pi
    waves = (20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves
    north += (20 * math.sin(y * pi) + 40 * math.sin(y / 3 * pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * pi) + 320 * math.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves
    east += (20 * math.sin(x * pi) + 40 * math.sin(x / 3 * pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * pi) + 300 * math.sin(x / 30 * pi)) * 2 / 3
    magic = 1 - EE * math.sin(math.radians(lat)) ** 2
    up = north * 180 / ((A * (1 - EE)) / (magic * math.sqrt(magic)) * pi)
    right = east * 180 / (A / math.sqrt(magic) * math.cos(math.radians(lat)) * pi)
    return lon + right, lat + up


def bd(lon: float, lat: float) -> tuple[float, float]:
    """Onwards from GCJ-02."""
    x, y = gcj(lon, lat)
    far = math.hypot(x, y) + 0.00002 * math.sin(y * math.pi * 3000 / 180)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * math.pi * 3000 / 180)
    return far * math.cos(angle) + 0.0065, far * math.sin(angle) + 0.006


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    return 111_195 * math.hypot((one[0] - other[0]) * math.cos(math.radians(one[1])), one[1] - other[1])


def rows(write: object) -> str:
    lines = ["plate,at,lon,lat"]
    for number, place in enumerate(PLACES):
        lon, lat = write(*place)  # type: ignore[operator]
        lines.append(f"浙A1234{number},2026-11-23 08:00:00,{lon:.7f},{lat:.7f}")
    return "\n".join(lines)


def mapping(time: object = "at", **rest: object) -> dict[str, object]:
    columns = {
        "plate_no": "plate",
        "loc_time": time,
        "lon_e6": {"from": "lon", "scale": 1000000},
        "lat_e6": {"from": "lat", "scale": 1000000},
    }
    given = {"columns": columns, "constants": {"plate_color": 2, "status_bits": 3}, **rest}
    toml.convert(given, FileMapping, "x.map.toml")
    return given


@pytest.mark.parametrize(("datum", "write"), [("GCJ-02", gcj), ("BD-09", bd), ("WGS-84", lambda *place: place)])
def test_a_datum_that_is_named_is_converted_to_a_metre(house: House, datum: str, write: object) -> None:
    house.payload("gps", "location", rows(write).encode(), "csv", mapping=mapping(datum=datum), name="x.csv")
    found = house.rows("SELECT vehicle_key, lon, lat FROM raw.gps_latest ORDER BY 1")
    assert len(found) == len(PLACES)
    assert max(metres(place, (lon, lat)) for place, (_, lon, lat) in zip(PLACES, found, strict=True)) < 1


def test_a_datum_belongs_to_a_platform_too(house: House) -> None:
    house.rows("INSERT INTO raw.own_platform (platform_id, speed_scale, datum) SELECT 'P1', 1, 'BD-09'")
    lon, lat = bd(*PLACES[0])
    house.put(
        "gps_location",
        [
            {
                "plate_no": "浙A12345",
                "plate_color": 2,
                "status_bits": 3,
                "loc_time": "2026-11-23 08:00:00",
                "lon_e6": round(lon * 1e6),
                "lat_e6": round(lat * 1e6),
                "platform_id": "P1",
            }
        ],
    )
    house.make("gps_vehicle_day")
    for table in ("raw.gps_latest", "staging.stg_gps_location"):
        [(x, y)] = house.rows(f"SELECT lon, lat FROM {table}")
        assert metres(PLACES[0], (x, y)) < 1, table


def test_a_table_made_before_its_contract_grew_is_filled_by_name(house: House) -> None:
    house.rows("ALTER TABLE raw.own_platform DROP COLUMN datum")
    load.prepare(house.writer)
    body = "platform_id,color_family,speed_scale,datum,source\nP1,国标,1,BD-09,约定"
    house.payload("own", "platform", body.encode(), "own")
    assert house.rows("SELECT datum, source FROM raw.own_platform WHERE _deleted_at IS NULL") == [("BD-09", "约定")]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"time": "compact"}, "20261123080910"),
        ({"time": "compact"}, "261123080910"),
        ({"time": "compact", "time_zone": "UTC"}, "20261123000910"),
        ({"time": "epoch"}, "1795392550"),
        ({"time": "epoch_ms"}, "1795392550000"),
        ({"time": "excel"}, "46349.33969907"),
    ],
)
def test_an_instant_is_read_in_the_form_that_the_mapping_names(house: House, rule: dict[str, str], text: str) -> None:
    body = f"plate,at,lon,lat\n浙A12345,{text},120.0,30.3"
    house.payload("gps", "location", body.encode(), "csv", mapping=mapping({"from": "at", **rule}), name="x.csv")
    assert house.rows("SELECT loc_time FROM raw.gps_latest") == [(dt.datetime(2026, 11, 23, 8, 9, 10),)]


def test_an_instant_in_another_form_than_the_one_named_is_refused(house: House) -> None:
    body = "plate,at,lon,lat\n浙A12345,2026-11-23,120.0,30.3"
    account = house.payload(
        "gps", "location", body.encode(), "csv", mapping=mapping({"from": "at", "time": "compact"}), name="x.csv"
    )
    assert (account.merged, account.quarantined) == (0, 1)
