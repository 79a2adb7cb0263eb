"""The calendar a second time: days, ISO weeks, months, quarters and years, their names, and what stands beside them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

DAY = pd.Timedelta(days=1)
FREQUENCY = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
SAME_WEEKDAY = 364
"""Days and weeks are held against those 52 weeks before."""


@dataclass(frozen=True)
class Window:
    """A window with its first and last day."""

    name: str
    start: pd.Timestamp
    end: pd.Timestamp

    @property
    def at(self) -> str:
        """How it is named."""
        year, week, _ = self.start.isocalendar()
        return {
            "week": f"{year}-W{week:02d}",
            "month": f"{self.start:%Y-%m}",
            "quarter": f"{self.start.year}-Q{self.start.quarter}",
            "year": f"{self.start.year}",
        }.get(self.name, self.start.date().isoformat())

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days + 1

    def before(self, steps: int = 1) -> Window:
        """The window so many steps earlier."""
        period = pd.Period(self.start, FREQUENCY[self.name]) - steps
        return Window(self.name, period.start_time.normalize(), period.end_time.normalize())

    def year_before(self) -> Window:
        """The same month, quarter or the year before; of days and weeks the one 52 weeks before."""
        if self.name in ("day", "week"):
            return around(self.name, self.start - SAME_WEEKDAY * DAY)
        return self.before({"month": 12, "quarter": 4, "year": 1}[self.name])


@dataclass(frozen=True)
class Span:
    """Days that count, both inclusive."""

    first: pd.Timestamp
    last: pd.Timestamp

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


def around(name: str, day: pd.Timestamp) -> Window:
    """The window of that name that holds a day; of this moment the day itself."""
    period = pd.Period(day, FREQUENCY.get(name, "D"))
    return Window(name, period.start_time.normalize(), period.end_time.normalize())


def date(day: pd.Timestamp) -> dt.date:
    """A day as the product writes it."""
    return day.date()
