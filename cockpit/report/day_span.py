"""The days that a sheet is about: a week, month or quarter as the reports have them, or any range. Owns how they are
written (2026-W47, 2026-10, 2026-Q3, 2026-01-01_2026-11-28) and called. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cockpit.presentation import day_range
from cockpit.presentation import format as fmt
from cockpit.report import content
from warehouse.core import timetable, units
from warehouse.core.errors import DataMissing, UsageError
from warehouse.query.snapshot import Snapshot

BETWEEN = "_"
RANGE = "range"
WHOLE = {"week": "最近整周", "month": "最近整月", "quarter": "最近整季"}
"""What a form calls the newest whole window."""


@dataclass(frozen=True)
class DaySpan:
    """window: week, month, quarter or range; first, last: both inclusive, last never after the newest day with data of a
    range."""

    at: str
    window: str
    first: dt.date
    last: dt.date

    @property
    def is_range(self) -> bool:
        return self.window == RANGE

    @property
    def words(self) -> str:
        """2026 年第 47 周（11-16 至 11-22）, 2026-01-01 至 2026-11-28（332 天）."""
        if self.is_range:
            return f"{self.first} 至 {self.last}（{(self.last - self.first).days + 1} 天）"
        return fmt.period(self.window, self.first, self.last)


def named(at: str, newest: dt.date) -> DaySpan:
    """The span of that name. newest: the last day with data. Raises UsageError for one that is none, DataMissing for one
    that has not begun."""
    since, is_range, until = at.partition(BETWEEN)
    if is_range:
        days = day_range.typed(since, until, newest)
        if isinstance(days, str):
            raise UsageError(days.rstrip("。"), to_do="起止日写成 2026-01-31 的样子")
        return of_days(days[0], min(days[1], newest))
    window = units.window_named(at)
    if window not in timetable.REPORTS:
        forms = "、".join(content.EXAMPLES.values())
        raise UsageError("期次写法不对", where=at[:24], to_do=f"请写成 {forms}，或起止日 2026-01-01_2026-03-31")
    first, last = content.days(at, window)
    if first > newest:
        raise DataMissing(f"{at} 还没有数据", to_do=f"数据止于 {newest}，请选择更早的一期")
    return DaySpan(at, window, first, last)


def of_days(first: dt.date, last: dt.date) -> DaySpan:
    """Any range, both days inclusive."""
    return DaySpan(f"{first}{BETWEEN}{last}", RANGE, first, last)


def choices(book: Snapshot) -> dict[str, str]:
    """The spans that a form offers, by name: the newest whole windows, then the ranges with a name."""
    last = book.generation.last_day
    found = {}
    for window in timetable.REPORTS:
        at = content.newest(book, window)
        found[at] = f"{WHOLE[window]}：{fmt.period(window, *content.days(at, window))}"
    return found | {
        of_days(*days).at: f"{words}（{days[0]} 至 {days[1]}）" for words, days in day_range.offered(last).items()
    }
