"""When reports come: by name of the day, never a day late by a number, and after the data of a month have settled."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from warehouse.core import timetable
from warehouse.core.errors import ConfigError
from warehouse.core.settings import Options, Settings
from warehouse.core.timetable import Timetable
from warehouse.core.units import SHANGHAI


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_without_a_word_it_is_monday_at_eight(tmp_path: Path) -> None:
    times = timetable.of(Settings(tmp_path))
    assert times == Timetable("mon", 8, 0)
    assert times.due("week", dt.date(2026, 11, 16)).moment == at("2026-11-23T08:00")
    assert times.due("week", dt.date(2026, 11, 16)).moment.isoweekday() == 1


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("mon 06:30", Timetable("mon", 6, 30)),
        ("周五 17:00", Timetable("fri", 17, 0)),
        (" Tue  9:05 ", Timetable("tue", 9, 5)),
    ],
)
def test_a_day_is_named(tmp_path: Path, given: str, wanted: Timetable) -> None:
    assert timetable.of(Settings(tmp_path, Options(report_at=given))) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0 8 * * 1", "在调度程序里是周二"),
        ("1 08:00", "数字星期"),
        ("0 8 * * 1-5", "cron"),
        ("mon", "看不懂"),
        ("mon 24:00", "看不懂"),
        ("someday 08:00", "看不懂"),
        ("", "看不懂"),
        ("周八 08:00", "看不懂"),
    ],
)
def test_anything_else_is_refused_with_the_way_to_write_it(tmp_path: Path, given: Any, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        timetable.of(Settings(tmp_path, Options(report_at=given)))
    assert said in str(error.value) and "mon 08:00" in str(error.value) and "zhengbei.toml" in str(error.value)


def test_newest_and_coming_meet_at_the_moment_itself() -> None:
    times = Timetable()
    assert times.newest("week", at("2026-11-23T08:00")).at == "2026-W47"
    assert times.newest("week", at("2026-11-23T07:59:59")).at == "2026-W46"
    assert next(due for due in times.coming(at("2026-11-23T08:00")) if due.window == "week").at == "2026-W48"


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("2026-10-01", "2026-11-04T08:00"),  # a Wednesday
        ("2026-11-01", "2026-12-04T08:00"),  # a Friday
        ("2026-06-01", "2026-07-06T08:00"),  # the 4th is a Saturday
        ("2026-09-01", "2026-10-05T08:00"),  # the 4th is a Sunday
        ("2026-12-01", "2027-01-04T08:00"),
    ],
)
def test_a_month_comes_on_the_first_weekday_after_late_data_are_shut_out(start: str, moment: str) -> None:
    assert Timetable().due("month", dt.date.fromisoformat(start)).moment == at(moment)


def test_a_quarter_comes_with_its_last_month() -> None:
    assert (
        Timetable().due("quarter", dt.date(2026, 7, 1)).moment == Timetable().due("month", dt.date(2026, 9, 1)).moment
    )
