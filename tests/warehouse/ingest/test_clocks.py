"""Stamps that cannot be: what is still to come is put aside and is never the newest; a clock that is hours off is told;
two places at one instant are no repetition."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cockpit.presentation import format as fmt
from tests.etl.pipeline.planting import company, point, vehicle
from tests.house import AS_OF, House
from warehouse.build import checks
from warehouse.core.errors import ContractBroken
from warehouse.core.units import SHANGHAI


def latest(house: House) -> list[tuple[Any, ...]]:
    return house.rows("SELECT vehicle_key, loc_time FROM raw.gps_latest")


def aside(house: House) -> list[tuple[Any, ...]]:
    return house.rows("SELECT entity, rule, count(*) FROM raw.quarantine GROUP BY ALL ORDER BY ALL")


def unreceived(at: str, **rest: Any) -> dict[str, Any]:
    """A position in a file that has no time of reception."""
    return point(f"2026-11-23 {at}" if len(at) == 8 else at, **rest) | {"recv_time": None}


def test_a_row_of_next_year_is_put_aside_and_nobody_goes_offline_by_it(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle()])
    account = house.put("gps_location", [unreceived("2027-06-01 08:00:00"), unreceived("13:57:00")])
    assert (account.merged, account.quarantined) == (1, 1) and aside(house) == [("location", "F15", 1)]
    house.put("gps_location", [unreceived("13:59:30")])
    assert latest(house) == [("浙A12345#2", dt.datetime(2026, 11, 23, 13, 59, 30))]
    house.make("vehicle_now")
    assert house.rows("SELECT state FROM marts.vehicle_now") == [("running",)]


def test_a_minute_is_what_two_clocks_may_differ_by(house: House) -> None:
    account = house.put("gps_location", [unreceived("14:00:50"), unreceived("14:01:10")])
    assert (account.merged, account.quarantined) == (1, 1)


def test_a_newest_position_that_is_still_to_come_gives_way(house: House) -> None:
    """As an earlier version of the product left it."""
    house.rows("INSERT INTO raw.gps_latest VALUES ('浙A12345#2', TIMESTAMP '2027-06-01 08:00:00', 120, 30, 0, 0)")
    house.put("gps_location", [unreceived("13:59:30")])
    assert latest(house) == [("浙A12345#2", dt.datetime(2026, 11, 23, 13, 59, 30))]


def test_an_alarm_that_has_not_happened_is_put_aside(house: House) -> None:
    alarm = {"src": 1, "warn_type": 1, "plate_no": "浙A12345", "plate_color": 2, "updated_at": "2026-11-23 13:00:00"}
    account = house.put(
        "gps_alarm",
        [
            {**alarm, "alarm_uid": "a", "start_at": "2026-11-23 13:00:00"},
            {**alarm, "alarm_uid": "b", "start_at": "2026-11-24 13:00:00"},
        ],
    )
    assert (account.merged, account.quarantined) == (1, 1) and aside(house) == [("alarm", "F15", 1)]


def test_a_live_feed_whose_clock_is_eight_hours_off_is_told_with_its_cure(house: House) -> None:
    for minute in (0, 10, 20):
        stamp = AS_OF - dt.timedelta(hours=8, minutes=30 - minute)
        house.payload(
            "gps",
            "location",
            f'[{{"plate_no": "浙A12345", "plate_color": 2, "status_bits": 3, "speed_01kmh": 300, "direction": 0, '
            f'"lon_e6": 120000000, "lat_e6": 30400000, "loc_time": "{stamp}"}}]'.encode(),
            "json_rows",
            at=AS_OF - dt.timedelta(minutes=30 - minute),
        )
    house.make("gps_vehicle_day")
    checks.run(house.writer, house.at, ["gps_vehicle_day"])
    [(message,)] = house.rows("SELECT message FROM run.check_result WHERE name = '来源时钟' AND failed_rows > 0")
    assert "8.0 小时" in message and "time_zone" in message and "动态监控·定位" in message


def test_a_delivery_of_a_clock_that_is_hours_ahead_is_refused_with_its_cure(house: House) -> None:
    rows = [unreceived(f"{20 + number // 60}:{number % 60:02d}:00") for number in range(120)]
    with pytest.raises(ContractBroken, match=r"约快 7\.0 小时.*time_zone"):
        house.put("gps_location", rows)
    assert house.rows("SELECT count(*) FROM raw.gps_latest") == [(0,)]


def test_a_feed_in_time_is_not_accused(house: House) -> None:
    for minute in (0, 10, 20):
        house.put(
            "gps_location",
            [unreceived(f"13:{30 + minute}:00")],
            at=AS_OF - dt.timedelta(minutes=29 - minute, seconds=30),
        )
    house.make("gps_vehicle_day")
    checks.run(house.writer, house.at, ["gps_vehicle_day"])
    assert house.rows("SELECT failed_rows FROM run.check_result WHERE name = '来源时钟'") == [(0,)]


def test_two_places_at_one_instant_are_no_repetition(house: House) -> None:
    first = point("08:00:00")
    account = house.put("gps_location", [first, first, {**first, "lon_e6": 120_100_000}])
    assert (account.merged, account.duplicate, account.quarantined) == (1, 1, 1)
    again = house.put("gps_location", [{**first, "lat_e6": 30_500_000}, {**first, "lon_e6": 120_000_100}])
    assert (again.merged, again.duplicate, again.quarantined) == (0, 1, 1)
    assert aside(house) == [("location", "F24", 2)]


def test_the_year_of_a_data_time_is_told_when_it_is_another_one() -> None:
    assert fmt.clock(dt.datetime(2027, 1, 5, 8, 0, tzinfo=SHANGHAI), year=2026) == "2027-01-05 08:00"
    assert fmt.clock(dt.datetime(2026, 1, 5, 8, 0, tzinfo=SHANGHAI), year=2026) == "01-05 08:00"
