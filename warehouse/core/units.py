"""Time and place arithmetic in the units of this field. Owns business days, ISO weeks and window borders; knows no
table."""

from __future__ import annotations

import calendar
import datetime as dt
import os
import re
from zoneinfo import ZoneInfo

from warehouse.core.errors import UsageError

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""Windows made of whole months, and how many."""
SHAPES = {"week": r"\d{4}-W\d{2}", "month": r"\d{4}-\d{2}", "quarter": r"\d{4}-Q[1-4]", "year": r"\d{4}"}
"""How the name of a window looks; anything else can only be a day."""


COMPANY_DAYS = 62
"""How far back day-by-day counts of the persons of a company are kept; of district and town, from the beginning."""
SETTLED_DAYS = 3
"""Days after its end until the data of a window have come in (72 h): then it is published below the district, once."""
DAILY = 45
"""How far back every day of a stock is read."""


def now() -> dt.datetime:
    """This instant, aware, Asia/Shanghai. The one place the product reads the clock for business time.

    ZHENGBEI_CLOCK_SHIFT_S moves it by that many seconds, so that a demonstration at night can show the day; the
    stand-in sources are moved alike, and real installations never set it."""
    return dt.datetime.now(SHANGHAI) + dt.timedelta(seconds=float(os.environ.get("ZHENGBEI_CLOCK_SHIFT_S", "0")))


def naive(text: str) -> dt.datetime:
    """An aware ISO instant as the warehouse keeps it: TIMESTAMP in Asia/Shanghai wall time."""
    return dt.datetime.fromisoformat(text).astimezone(SHANGHAI).replace(tzinfo=None)


def has_settled(end: dt.date, today: dt.date) -> bool:
    """Whether the data of a window that ends on `end` (inclusive) have come in by the beginning of `today`."""
    return today > end + dt.timedelta(days=SETTLED_DAYS)


def window_of(window: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day (both inclusive) of the `window` (day | week = ISO, Monday first | month | quarter | year)
    that holds `day`."""
    if window in ("day", "now"):
        return day, day
    if window == "week":
        start = day - dt.timedelta(days=day.weekday())
        return start, start + dt.timedelta(days=6)
    if window in MONTHS:
        first = (day.month - 1) // MONTHS[window] * MONTHS[window] + 1
        last = first + MONTHS[window] - 1
        return dt.date(day.year, first, 1), dt.date(day.year, last, calendar.monthrange(day.year, last)[1])
    raise UsageError(f"没有这种统计期：{window}", to_do="可用：now、day、week、month、quarter、year")


def back(window: str, start: dt.date, steps: int) -> dt.date:
    """First day of the window `steps` before the one that starts on `start` (negative: after)."""
    if window in MONTHS:
        months = start.year * 12 + start.month - 1 - steps * MONTHS[window]
        return dt.date(months // 12, months % 12 + 1, 1)
    return start - dt.timedelta(days=steps * (7 if window == "week" else 1))


def year_ago(window: str, start: dt.date) -> dt.date:
    """First day of the comparable window a year before: the same month, quarter or the year before, or 52 weeks back so
    that weekdays match."""
    return back("month", start, 12) if window in MONTHS else start - dt.timedelta(days=364)


def reading_days(today: dt.date, history: int) -> list[dt.date]:
    """Days on which stocks are read, oldest first, within `history` days: each of the last DAILY, Sundays and last days
    of months, on which longer windows end, and what the newest days are compared with: the same day of the month, the
    quarter and the year before, and of the week a year before."""
    newest = [today - dt.timedelta(days=step) for step in range(DAILY)]
    beside = set(newest)
    for day in newest:
        for window in ("day", "week", "month", "quarter", "year"):
            start = window_of(window, day)[0]
            for before in (back(window, start, 1), year_ago(window, start)):
                beside.add(min(before + (day - start), window_of(window, before)[1]))
    days = [today - dt.timedelta(days=step) for step in range(history, -1, -1)]
    return [day for day in days if day in beside or day.isoweekday() == 7 or (day + dt.timedelta(days=1)).day == 1]


def parse_at(window: str, at: str) -> dt.date:
    """A day inside the window that `at` names: 2026-11-22, 2026-W47, 2026-11, 2026-Q4 or 2026. Raises UsageError
    otherwise."""
    shape = window_named(at)
    try:
        if shape == "week":
            return dt.date.fromisocalendar(int(at[:4]), int(at[6:]), 1)
        if shape == "month":
            return dt.date(int(at[:4]), int(at[5:]), 1)
        if shape == "quarter":
            return dt.date(int(at[:4]), int(at[6:]) * 3 - 2, 1)
        if shape == "year":
            return dt.date(int(at), 1, 1)
        return dt.date.fromisoformat(at)
    except ValueError as error:
        raise UsageError(
            f"看不懂的期次：{at}", to_do="日写 2026-11-22，周写 2026-W47，月写 2026-11，季写 2026-Q4，年写 2026"
        ) from error


def window_named(at: str) -> str:
    """Which window a name as parse_at() reads it is one of, by its shape alone: week for 2026-W47, day for what looks
    like none of the others."""
    return next((window for window, shape in SHAPES.items() if re.fullmatch(shape, at)), "day")


def at_label(window: str, start: dt.date) -> str:
    """How parse_at() wants the window that starts on `start` to be written."""
    if window == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"
    if window == "quarter":
        return f"{start.year}-Q{(start.month + 2) // 3}"
    return {"month": f"{start:%Y-%m}", "year": f"{start:%Y}"}.get(window, start.isoformat())
