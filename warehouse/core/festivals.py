"""Public holidays as the State Council fixes them each year (chinesecalendar), for comparisons that one of them bends.
A year that the library does not know is said, never guessed; the bureau's own days stand in own_workday."""

from __future__ import annotations

import datetime as dt
from functools import cache

import chinese_calendar
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


@cache
def of_day(day: dt.date) -> str:
    """The festival whose holiday a day (Asia/Shanghai) belongs to, "" = none. Raises LookupError for a year that has
    not been announced yet, or lies before 2004."""
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError as error:
        raise LookupError(str(day.year)) from error
    return NAMES.get(name or "", "") if is_off else ""


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
