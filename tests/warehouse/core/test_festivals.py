"""Holidays by the State Council's announcements, and the days a year before that lie as far from the Spring Festival."""

from __future__ import annotations

import datetime as dt

import pytest

from warehouse.core import festivals

D = dt.date


@pytest.mark.parametrize(
    ("day", "festival", "works"),
    [
        # 国办发明电〔2025〕7号: 2026 年放假安排
        (D(2026, 1, 1), "元旦", False),
        (D(2026, 1, 4), "", True),  # a Sunday that is worked
        (D(2026, 2, 14), "", True),  # a Saturday that is worked
        (D(2026, 2, 15), "春节", False),
        (D(2026, 2, 23), "春节", False),
        (D(2026, 2, 24), "", True),
        (D(2026, 4, 4), "清明节", False),
        (D(2026, 5, 1), "劳动节", False),
        (D(2026, 6, 19), "端午节", False),
        (D(2026, 9, 25), "中秋节", False),
        (D(2026, 10, 1), "国庆节", False),
        (D(2026, 10, 10), "", True),
        (D(2026, 11, 21), "", False),  # any Saturday
        (D(2026, 11, 23), "", True),
    ],
)
def test_a_day_belongs_to_its_holiday_and_is_worked_or_not(day: dt.date, festival: str, works: bool) -> None:
    assert (festivals.of_day(day), festivals.is_workday(day)) == (festival, works)


def test_a_year_that_nobody_has_announced_is_said() -> None:
    for ask in (festivals.of_day, festivals.is_workday):
        with pytest.raises(LookupError, match="2003"):
            ask(D(2003, 12, 31))
    assert festivals.within(D(2003, 12, 30), D(2004, 1, 1)) is None


def test_days_of_holidays_are_counted_with_both_ends() -> None:
    assert festivals.within(D(2026, 2, 14), D(2026, 2, 15)) == {"春节": 1}
    assert festivals.within(D(2026, 2, 23), D(2026, 2, 24)) == {"春节": 1}
    assert festivals.within(D(2026, 1, 1), D(2026, 2, 28)) == {"元旦": 3, "春节": 9}
    assert festivals.within(D(2026, 11, 23), D(2026, 11, 29)) == {}


@pytest.mark.parametrize(("year", "day"), [(2025, D(2025, 1, 29)), (2026, D(2026, 2, 17)), (2027, D(2027, 2, 6))])
def test_spring_begins_by_the_lunar_calendar(year: int, day: dt.date) -> None:
    assert festivals.spring(year) == day


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        (D(2026, 2, 16), D(2026, 2, 22), (D(2025, 1, 28), D(2025, 2, 3))),
        (D(2026, 1, 22), D(2026, 1, 28), (D(2025, 1, 3), D(2025, 1, 9))),  # ends on the 20th day before
        (D(2026, 1, 21), D(2026, 1, 27), None),
        (D(2026, 3, 9), D(2026, 3, 15), (D(2025, 2, 18), D(2025, 2, 24))),  # begins on the 20th day after
        (D(2026, 3, 10), D(2026, 3, 16), None),
    ],
)
def test_days_within_twenty_of_spring_have_their_like_a_year_before(
    first: dt.date, last: dt.date, before: tuple[dt.date, dt.date] | None
) -> None:
    assert festivals.year_before(first, last) == before
