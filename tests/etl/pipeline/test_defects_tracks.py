"""Defects of positions and clocks (D01 clones, D03–D09), planted, treated as the catalogue says, counted, and told by
`etl status`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.etl.pipeline.planting import Told, drive, point, positions
from tests.house import House

pytestmark = pytest.mark.slow


def test_d01_a_cloned_plate_speaks_from_two_places_and_neither_makes_kilometres(house: House) -> None:
    house.put(
        "gps_location", [*drive(), *(point(f"08:{minute:02d}:15", lon_e6=118_000_000) for minute in range(1, 20))]
    )
    stated = Told(house)
    assert positions(house, "drift_pts > 0, km_total < 25") == [(True, True)]
    assert stated.defects("D01") == 1 and stated.says("D01")


def test_d03_colours_are_mapped_by_platform_never_globally(house: House) -> None:
    house.put(
        "gps_location",
        [
            point("08:00:00", plate_no="浙AD12345", plate_color=148, platform_id="33011000003"),
            point("08:00:00", plate_no="浙A12345", plate_color=1, platform_id="33011000005"),
            point("08:00:00", plate_no="浙A22222", plate_color=1, platform_id="33011000001"),
            point("08:00:00", plate_no="浙A33333", plate_color=77, platform_id="33011000001"),
        ],
    )
    stated = Told(house)
    assert positions(house, "vehicle_key, pts_ok") == [
        ("浙A12345#2", 1),
        ("浙A22222#1", 1),
        ("浙A33333#77", 0),
        ("浙AD12345#94", 1),
    ]
    assert stated.defects("D03") >= 2 and stated.says("D03")


def test_d04_positions_that_cannot_be_are_kept_counted_and_without_effect(house: House) -> None:
    bad = [
        point("08:30:00", lon_e6=0, lat_e6=0),
        point("08:31:00", lon_e6=30_400_000, lat_e6=120_000_000),
        point("08:32:00", lon_e6=1_200_000_000, lat_e6=304_000_000),
    ]
    house.put("gps_location", drive() + bad)
    stated = Told(house)
    assert positions(house, "pts, pts_ok, range_pts, km_total") == [(44, 41, 3, 20.0)]
    assert stated.defects("D04") == 3 and stated.says("D04")


def test_d05_a_wrong_clock_never_makes_a_qualified_position(house: House) -> None:
    wrong = [
        point("13:00:00", "08:30:00"),
        point("1970-01-01 08:00:00", "08:31:00"),
        point("2080-01-01 08:00:00", "08:32:00"),
        point("00:33:00", "08:33:00"),
        point("2007-04-09 08:34:00", "08:34:00"),
    ]
    house.put("gps_location", drive() + wrong)
    stated = Told(house)
    assert positions(house, "day, pts, pts_ok, time_pts") == [(dt.date(2026, 11, 23), 46, 41, 5)], (
        "they belong to the day on which they were received"
    )
    assert stated.defects("D05") == 5 and stated.says("D05")


def test_d06_an_unfixed_or_frozen_position_is_not_qualified(house: House) -> None:
    frozen = [point(f"09:{second // 60:02d}:{second % 60:02d}", lat_e6=30_500_000) for second in range(0, 900, 30)]
    house.put("gps_location", [*drive(), point("08:30:00", status_bits=1), *frozen])
    stated = Told(house)
    assert positions(house, "pts, pts_ok, unfixed_pts") == [(72, 41, 31)]
    assert stated.defects("D06") == 31 and stated.says("D06")


def test_d06_a_parked_vehicle_at_one_place_is_no_frozen_fix(house: House) -> None:
    house.put(
        "gps_location",
        [point(f"09:{second // 60:02d}:{second % 60:02d}", speed_01kmh=0) for second in range(0, 900, 30)],
    )
    house.build()
    assert positions(house, "pts, pts_ok") == [(30, 30)]


def test_d07_late_points_in_any_order_and_twice_end_in_the_same_day(house: House, tmp_path: Path) -> None:
    points = drive(minutes=30)
    late = [{**row, "is_makeup": 1, "recv_time": "2026-11-23 12:00:00"} for row in points[20:40]]
    house.put("gps_location", points)
    house.build()
    other = House.with_own_tables(tmp_path / "late")
    other.put("gps_location", points[:20] + points[40:])
    other.build()
    before = positions(other, "km_complete")
    other.put("gps_location", late[::-1])
    assert other.put("gps_location", late).duplicate == 20
    stated = Told(other)
    columns = "pts, pts_ok, km_total, km_complete, drive_s"
    assert positions(other, columns) == positions(house, columns) and before != positions(other, "km_complete")
    assert stated.defects("D07") == 20 and stated.says("D07")
    other.close()


def test_d08_a_platform_in_whole_kilometres_an_hour_is_scaled_by_its_row(house: House) -> None:
    house.put(
        "gps_location",
        [
            *({**row, "speed_01kmh": 60, "platform_id": "33011000004"} for row in drive()),
            point("08:30:00", speed_01kmh=2500),
        ],
    )
    stated = Told(house)
    assert house.rows("SELECT DISTINCT speed_kmh FROM staging.stg_gps_location WHERE reason IS NULL") == [(60.0,)]
    assert positions(house, "speed_pts") == [(1,)] and stated.defects("D08") == 1 and stated.says("D08")


def test_d08_an_unknown_unit_is_suspected_in_words(house: House) -> None:
    house.put(
        "gps_location", [{**row, "speed_01kmh": 60, "platform_id": "33011000001"} for row in drive(minutes=300, kmh=55)]
    )
    assert "公里/小时上报" in Told(house).text


def test_d08_an_odometer_that_starts_again_takes_nothing_away(house: House) -> None:
    house.put(
        "gps_location",
        [{**row, "mileage_01km": 9_990_000} for row in drive()]
        + [{**row, "mileage_01km": 100} for row in drive("08:31:00", lat=30.5)],
    )
    stated = Told(house)
    assert positions(house, "km_total >= 40, km_total < 43") == [(True, True)]
    assert stated.defects("D08") == 1, "the counter that ran backwards is counted"


def test_d09_a_jump_that_returns_is_drift_and_no_way(house: House) -> None:
    house.put("gps_location", [*drive(), point("08:05:15", lon_e6=120500000, lat_e6=30345000)])
    stated = Told(house)
    assert positions(house, "drift_pts, km_total") == [(1, 20.0)] and stated.defects("D09") == 1 and stated.says("D09")
