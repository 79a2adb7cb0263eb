"""Public holidays as the State Council fixes them each year (chinesecalendar), for comparisons that one of them bends.
A year that the library does not know is said, never guessed; the bureau's own days stand in own_workday. Where the
Spring Festival lies is the lunar calendar's (borax, GB/T 33661-2017)."""

from __future__ import annotations

import datetime as dt
from functools import cache

import chinese_calendar
from borax.calendars.lunardate import LunarDate
from chinese_calendar import Holiday

NAMES = {
    Holiday.new_years_day.value: "元旦",
    Holiday.spring_festival.value: "春节",
    Holiday.tomb_sweeping_day.value: "清明节",
    Holiday.labour_day.value: "劳动节",
    Holiday.dragon_boat_festival.value: "端午节",
    Holiday.mid_autumn_festival.value: "中秋节",
    Holiday.national_day.value: "国庆节",
}


NEAR_SPRING = 20
"""Days before and after 正月初一 within which it shapes the traffic (春运 is 15 before and 25 after)."""


def spring(year: int) -> dt.date:
    """正月初一 of the lunar year that begins in `year` (1900–2100)."""
    found: dt.date = LunarDate(year, 1, 1).to_solar_date()
    return found


def year_before(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date] | None:
    """The days a year before that lie as far from the Spring Festival as first..last (inclusive, both), as many; None
    for days that it does not touch."""
    day = spring(first.year)
    if last < day - dt.timedelta(days=NEAR_SPRING) or first > day + dt.timedelta(days=NEAR_SPRING):
        return None
    shift = day - spring(first.year - 1)
    return first - shift, last - shift


@cache
def of_day(day: dt.date) -> str:
    """The festival whose holiday a day (Asia/Shanghai) belongs to, "" = none. Raises LookupError for a year that has
    not been announced yet, or lies before 2004."""
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError as error:
        raise LookupError(str(day.year)) from error
    return NAMES.get(name or "", "") if is_off else ""


@cache
def is_workday(day: dt.date) -> bool:
    """Whether a day is worked by the announced calendar, a weekend day that is worked for a holiday included. Raises
    LookupError as `of_day`."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError as error:
        raise LookupError(str(day.year)) from error


def within(first: dt.date, last: dt.date) -> dict[str, int] | None:
    """Festival → days of its holiday between two days (inclusive), in their order; None when a year of them is not
    known."""
    found: dict[str, int] = {}
    try:
        for step in range((last - first).days + 1):
            name = of_day(first + dt.timedelta(days=step))
            if name:
                found[name] = found.get(name, 0) + 1
    except LookupError:
        return None
    return found
