"""The days that a window of a metric reads: which have come, with which they are compared."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Literal

from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, comparable, span
from warehouse.core import statements, units
from warehouse.query.attributes import Attributes
from warehouse.query.opened import aware

text = statements.beside(__file__)
Against = Literal["previous", "year"]
BUSY_PER_DAY = 5
"""Rows a day from which on a source is one that speaks every day."""


class Windows(Attributes):
    """A generation with its calendar. Windows given as `at` are written 2026-11-22, 2026-W47 or 2026-11; None means the
    newest that is at least half over (for a cumulative metric wholly, for a stock the newest day)."""

    def begins(self, metric: Metric) -> dt.date | None:
        """The first day that the metric can be told of: when its mart and each of its busy sources were there from
        midnight on. A window that begins before it holds some of its days only. A source of a few rows may well have
        had nothing to say, so its first row tells nothing. None where windows are not summed up from days that we hold
        (people come as counts), and where nothing is known."""
        if metric.kind != "flow" or metric.person:
            return None
        mart = self._whole.ask(f"SELECT min(day) FROM marts.{metric.mart}")
        busy = self.ask(text("busy_sources"), {"per_day": BUSY_PER_DAY})
        days = [mart[0][0] if mart else None, *(day for name, day in busy if name in metric.sources)]
        return max((day for day in days if day is not None), default=None)

    def spans(self, metric: Metric, window: str, at: str | None, against: Against = "previous") -> tuple[Span, Span]:
        """The days of the window before (or a year before) and of the window itself, over as many days as ours has run
        (a full month against the full month)."""
        start, end = self._window(metric, window, at)
        until = min(end, self._last(metric, at))
        before = units.back(window, start, 1) if against == "previous" else units.year_ago(window, start)
        return comparable(metric, window, before, start, until), span(metric, window, start, until)

    def is_part_of_a_whole(self, metric: Metric, window: str, ours: Span) -> bool:
        """Whether a window runs that has nothing to be held against: part of a day, days are counted whole, and part of
        what is known of whole windows only."""
        if window == "day":
            return metric.kind == "flow" and ours.last >= self.generation.built_at.date()
        return (metric.cumulative or metric.kind == "window") and ours.last < units.window_of(window, ours.start)[1]

    def is_over(self, window: str, ours: Span) -> bool:
        """Whether all days of a window are counted and past."""
        return ours.last == units.window_of(window, ours.start)[1] < self.generation.built_at.date()

    def usual(self, window: str) -> dt.date | None:
        """The start of the window that most flows answer with when no period is asked for; None when no flow has that
        window."""
        flows = [
            m
            for m in self.metrics.values()
            if window in m.windows and m.kind in ("flow", "window") and not m.cumulative and m.through != "today"
        ]
        found: list[tuple[dt.date, int]] = self.remember(
            ("usual", window), lambda: Counter(self._window(m, window, None)[0] for m in flows).most_common(1)
        )
        return found[0][0] if found else None

    def _last(self, metric: Metric, at: str | None) -> dt.date:
        """The day to read up to: today for stock and for a day asked by name, else the last complete day that has
        arrived."""
        built = self.generation.built_at.date()
        if (
            metric.kind in ("stock", "state", "now")
            or metric.through == "today"
            or (at is not None and at == built.isoformat())
        ):
            return built
        return min(built - dt.timedelta(days=1), self.arrived(metric))

    def arrived(self, metric: Metric) -> dt.date:
        """The newest day of which every busy source of a flow has said something: at midnight the day that ended has
        not come yet. A source that has broken its promise is not waited for (it is stale, and says so); today where
        nothing is waited for."""
        built = self.generation.built_at
        if metric.kind != "flow" or metric.person or not metric.sources:
            return built.date()
        ends = [
            end
            for name, end, patience_s in self.ask(text("arrivals"), {"per_day": BUSY_PER_DAY})
            if name in metric.sources
            and not contracts()[name].feeds  # an archive: what it sums up has come long before
            and end < built.date() - dt.timedelta(days=1)
            and built < aware(dt.datetime.combine(end, dt.time.max)) + dt.timedelta(days=1, seconds=patience_s)
        ]
        return min(ends, default=built.date())

    def _window(self, metric: Metric, window: str, at: str | None) -> tuple[dt.date, dt.date]:
        if at:
            return units.window_of(window, units.parse_at(window, at))
        last = self._last(metric, None)
        start, end = units.window_of(window, last)
        # a window that has hardly begun says little: the newest one shown unasked is at least half over
        begun = (last - start).days + 1 < ((end - start).days + 1) / 2
        if metric.kind in ("flow", "window") and (begun or (metric.cumulative and last < end)):
            start, end = units.window_of(window, start - dt.timedelta(days=1))
        return start, end


def evening(metric: Metric, item: Span, ours: Span) -> float:
    """By what a sum over the days of `item` is multiplied to stand beside one over as many days as `ours`; 1 for a
    rate, a stock and windows of one length."""
    if metric.kind != "flow" or metric.denominator or metric.lookback_days:
        return 1.0
    theirs, days = ((one.last - one.first).days + 1 for one in (item, ours))
    return days / theirs if theirs > 0 and days > 0 else 1.0
