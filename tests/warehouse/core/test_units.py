"""Days, weeks and windows: first and last days, a year before, names, and the days on which stocks are read."""

from __future__ import annotations

import datetime as dt

import pytest

from warehouse.core import units
from warehouse.core.errors import UsageError


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("window", "inside", "first", "last"),
    [
        ("day", "2026-11-22", "2026-11-22", "2026-11-22"),
        ("now", "2026-11-22", "2026-11-22", "2026-11-22"),
        ("week", "2026-11-16", "2026-11-16", "2026-11-22"),
        ("week", "2026-11-22", "2026-11-16", "2026-11-22"),
        ("week", "2027-01-01", "2026-12-28", "2027-01-03"),
        ("month", "2026-02-28", "2026-02-01", "2026-02-28"),
        ("month", "2028-02-01", "2028-02-01", "2028-02-29"),
        ("month", "2026-12-31", "2026-12-01", "2026-12-31"),
        ("quarter", "2026-03-31", "2026-01-01", "2026-03-31"),
        ("quarter", "2026-04-01", "2026-04-01", "2026-06-30"),
        ("quarter", "2026-12-01", "2026-10-01", "2026-12-31"),
        ("year", "2026-01-01", "2026-01-01", "2026-12-31"),
        ("year", "2026-12-31", "2026-01-01", "2026-12-31"),
    ],
)
def test_a_window_has_a_first_and_a_last_day(window: str, inside: str, first: str, last: str) -> None:
    assert units.window_of(window, day(inside)) == (day(first), day(last))


def test_another_window_is_refused() -> None:
    with pytest.raises(UsageError, match="decade"):
        units.window_of("decade", day("2026-01-01"))


@pytest.mark.parametrize(
    ("window", "start", "steps", "before"),
    [
        ("day", "2026-03-01", 1, "2026-02-28"),
        ("now", "2026-03-01", 1, "2026-02-28"),
        ("week", "2026-11-16", 2, "2026-11-02"),
        ("week", "2026-11-16", -1, "2026-11-23"),
        ("month", "2026-01-01", 1, "2025-12-01"),
        ("month", "2026-12-01", -1, "2027-01-01"),
        ("quarter", "2026-01-01", 1, "2025-10-01"),
        ("quarter", "2026-10-01", 3, "2026-01-01"),
        ("year", "2026-01-01", 1, "2025-01-01"),
    ],
)
def test_windows_are_counted_back_and_forth(window: str, start: str, steps: int, before: str) -> None:
    assert units.back(window, day(start), steps) == day(before)


@pytest.mark.parametrize(
    ("window", "start", "before"),
    [
        ("day", "2026-11-22", "2025-11-23"),
        ("week", "2026-11-16", "2025-11-17"),
        ("month", "2026-11-01", "2025-11-01"),
        ("quarter", "2026-10-01", "2025-10-01"),
        ("year", "2026-01-01", "2025-01-01"),
    ],
)
def test_a_year_before_is_the_same_weekday_or_the_same_month(window: str, start: str, before: str) -> None:
    assert units.year_ago(window, day(start)) == day(before)


@pytest.mark.parametrize(
    ("window", "name", "start"),
    [
        ("day", "2026-11-22", "2026-11-22"),
        ("week", "2026-W47", "2026-11-16"),
        ("week", "2026-W01", "2025-12-29"),
        ("month", "2026-02", "2026-02-01"),
        ("quarter", "2026-Q1", "2026-01-01"),
        ("quarter", "2026-Q2", "2026-04-01"),
        ("quarter", "2026-Q4", "2026-10-01"),
        ("year", "2026", "2026-01-01"),
    ],
)
def test_a_window_is_called_by_one_name(window: str, name: str, start: str) -> None:
    assert units.at_label(window, day(start)) == name
    assert units.window_named(name) == window
    assert units.window_of(window, units.parse_at(window, name))[0] == day(start)


def test_the_last_month_of_a_quarter_names_it_too() -> None:
    assert units.at_label("quarter", day("2026-03-31")) == "2026-Q1"
    assert units.at_label("quarter", day("2026-04-01")) == "2026-Q2"


@pytest.mark.parametrize("name", ["2026-W54", "2026-13", "2026-11-31", "gestern", "", "2026-Q5"])
def test_what_names_no_window_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="处理办法"):
        units.parse_at("day", name)


def test_stocks_are_read_on_the_newest_days_on_ends_and_on_what_is_beside_them() -> None:
    """The 23rd is a Monday: 45 days back is the 10th of October."""
    days = units.reading_days(day("2026-11-23"), 400)
    assert days == sorted(set(days)) and days[-1] == day("2026-11-23")
    assert {day("2026-11-23") - dt.timedelta(days=step) for step in range(45)} <= set(days)
    single = [one for one in days if one < day("2026-10-10")]
    assert day("2026-10-09") in single, "a month before the 9th of November"
    assert day("2026-08-09") in single and day("2026-08-31") in single, "a Sunday and a month's last day"
    assert day("2026-08-10") in single, "a quarter before the 10th of November"
    assert day("2026-05-13") not in single and day("2026-05-31") in single and day("2026-05-10") in single
    assert day("2025-11-24") in single, "52 weeks before the 23rd of November"
    assert day("2025-11-23") in single, "a year before it"
    assert units.reading_days(day("2026-11-23"), 3) == [day(f"2026-11-{n}") for n in (20, 21, 22, 23)]


def test_the_day_beside_the_thirty_first_is_the_last_of_a_shorter_month() -> None:
    """The 31st of March is compared with the 28th of February, whose month ends then."""
    days = units.reading_days(day("2026-03-31"), 400)
    assert day("2026-02-28") in days and day("2025-03-31") in days and day("2025-12-31") in days


def test_a_window_has_settled_when_three_whole_days_are_over() -> None:
    end = day("2026-10-31")
    assert [units.has_settled(end, day(f"2026-11-0{n}")) for n in (1, 3, 4)] == [False, False, True]


def test_the_clock_of_a_demonstration_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZHENGBEI_CLOCK_SHIFT_S", raising=False)
    before = dt.datetime.now(units.SHANGHAI)
    assert dt.timedelta(0) <= units.now() - before < dt.timedelta(minutes=1)
    monkeypatch.setenv("ZHENGBEI_CLOCK_SHIFT_S", "3600")
    assert dt.timedelta(hours=1) <= units.now() - before < dt.timedelta(hours=1, minutes=1)


def test_an_instant_is_kept_as_the_clock_of_shanghai_shows_it() -> None:
    assert units.naive("2026-11-22T16:05:00+00:00") == dt.datetime(2026, 11, 23, 0, 5)
    assert units.naive("2026-11-23T00:05:00+08:00") == dt.datetime(2026, 11, 23, 0, 5)
