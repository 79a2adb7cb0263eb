"""From figures to numbers that a screen can show: comparison, target, freshness and judgement around numerator and
denominator.

Owns what a Reading says. A generation never changes, so every answer is kept for as long as the book is open and can
never be stale. Reads only the open file; person metrics come from it as counts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

from warehouse.catalog import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, below, select, span
from warehouse.compile.reading import ABSENT, DISTRICT, Place, Point, Reading, Status
from warehouse.core import statements, units
from warehouse.core.errors import UsageError
from warehouse.publish import live
from warehouse.query import judgement, targets
from warehouse.query.aggregates import Figures, Only, is_mean_alone
from warehouse.query.opened import aware
from warehouse.query.windows import evening

text = statements.beside(__file__)


class Snapshot(Figures):
    """One published generation with everything that is said of it."""

    # -- one number -------------------------------------------------------------------------------------------------

    def read(
        self, metric: str, window: str | None = None, at: str | None = None, place: str = DISTRICT, only: Only = ()
    ) -> Reading:
        """One Reading, of the rows that pass the filter `only`. Raises UsageError for an unknown metric, window, place
        or filter."""
        found, spot = metrics.metric(metric), self.place(place)
        if spot == self.home and not self.is_counted_at_home(found):
            return self._untold(found, window, at)
        if spot.grain != "district" and spot.grain not in found.drill:
            raise UsageError(
                f"“{found.label}”不按{'镇街' if spot.grain == 'town' else '企业'}统计",
                to_do=f"请改看{'全区' if self.scope.is_all else '本范围'}",
            )
        return self._readings(found, window, at, spot.grain, spot, only)[0]

    def by(
        self,
        metric: str,
        window: str | None = None,
        at: str | None = None,
        grain: str = "town",
        within: str = DISTRICT,
        only: Only = (),
    ) -> list[Reading]:
        """A Reading for each town of the district, or each company of `within`, in the order of the register. Of a list
        nobody asks what it was a year ago: last_year is None."""
        found, spot = metrics.metric(metric), self.place(within)
        if grain not in found.drill or (grain, spot.grain) == ("town", "company"):
            return []
        return self._readings(found, window, at, grain, spot, only)

    def series(
        self, metric: str, window: str, count: int, at: str | None = None, place: str = DISTRICT, only: Only = ()
    ) -> list[Point]:
        """The last `count` windows up to `at`, oldest first; where nothing is known the value is None. An earlier
        window that begins before our data do holds some of its days only: half a week is no low week, so it is not
        known."""
        found, spot = metrics.metric(metric), self.place(place)
        if found.kind == "now" or (spot == self.home and not self.is_counted_at_home(found)):
            return []
        window, at = self._own(found, window, at, spot.grain)
        start, _ = self._window(found, window, at)
        starts = [units.back(window, start, step) for step in range(count - 1, -1, -1)]
        rows = self._trend(found, window, starts, spot, only)
        today, begins = self.generation.built_at.date(), self.begins(found)
        points = []
        for first in starts:
            last = units.window_of(window, first)[1]
            num, den, present = rows.get(first, (None, None, 0))
            value, status = self.value(found, num, den, present)
            num = None if is_mean_alone(found, den) else num
            is_whole = begins is None or span(found, window, first, last).first >= begins
            if not is_whole and first != starts[-1]:
                num, den, value, status = None, None, None, "missing"
            points.append(Point(first, last, value, num, den, status, last < today and last <= self.arrived(found)))
        return points

    def value_of_days(self, reading: Reading, first: dt.date, last: dt.date, only: Only = ()) -> float | None:
        """What a flow came to between two days (inclusive) that are no window of ours, at the place of a reading; None
        where that is not counted by days (`sums_days`) or not known."""
        return self.figure_of_days(reading, first, last, only)[0]

    def figure_of_days(
        self, reading: Reading, first: dt.date, last: dt.date, only: Only = ()
    ) -> tuple[float | None, Status]:
        """The same with why it is not known: missing, or as of a window (insufficient, small_cell)."""
        metric = metrics.metric(reading.metric)
        begins = self.begins(metric)
        if not sums_days(metric) or (begins is not None and first < begins):
            return None, "missing"
        days = Span(first, first, last)  # not `span`, which ends with the window that the first day lies in
        parts = self._parts(metric, reading.window, days, reading.place.grain, reading.place, only)
        num, den, present, _ = parts.get(reading.place.code, (None, None, 0, {}))
        return self.value(metric, num, den, present)

    def daily(self, reading: Reading, since: dt.date, only: Only = ()) -> dict[dt.date, tuple[float, float]]:
        """Day → numerator and denominator (0 of a plain count) of a flow at the place of a reading, from `since` to the
        newest day that is over and has arrived. A day of which nothing reached us is left out; {} where the number is
        not counted by days (`sums_days`) or not listed there."""
        metric = metrics.metric(reading.metric)
        begins, newest = self.begins(metric), self.generation.built_at.date() - dt.timedelta(days=1)
        if not sums_days(metric) or not self.reported(metric):
            return {}
        first, last = max(since, begins or since), min(newest, self.arrived(metric))
        days = [first + dt.timedelta(days=step) for step in range((last - first).days + 1)]
        rows = self._trend(metric, "day", days, reading.place, only) if days else {}
        if any(present < 0 for _, _, present in rows.values()):
            return {}
        # where rows are events, a day without one is a day on which nothing happened
        none = (None, None, 1.0) if metric.events else (None, None, 0.0)
        figures = {day: rows.get(day, none) for day in days}
        return {day: (num or 0.0, den or 0.0) for day, (num, den, present) in figures.items() if present}

    def prepare(self, questions: Sequence[tuple[str, str | None, str | None]], place: str = DISTRICT) -> None:
        """Reads at once what `read` will be asked for at a place: (metric, window, at) of each. One statement instead
        of three a metric; nothing else differs. Raises UsageError as `read` does."""
        spot, wanted = self.place(place), []
        for name, window, at in questions:
            metric = metrics.metric(name)
            if spot == self.home and not self.is_counted_at_home(metric):
                continue
            own, when = self._own(metric, window, at, spot.grain)
            wanted += [(metric, own, item) for item in self._looked_at(metric, own, when) if item]
        self._prepare(wanted, spot)

    def _untold(self, metric: Metric, window: str | None, at: str | None) -> Reading:
        """What is said of the scope where a metric has no number of it."""
        name, when = self._own(metric, window, at, "district")
        start, end = self._window(metric, name, when)
        as_of, stale_after_s = self._oldest(metric)
        return Reading(
            metric.id,
            metric.label,
            metric.unit,
            cast(Any, metric.better),
            cast(Any, name),
            start,
            end,
            self.home,
            None,
            None,
            None,
            "no_total",
            as_of,
            stale_after_s,
            self.generation.id,
            complete=end < self.generation.built_at.date() and end <= self.arrived(metric),
        )

    def _readings(
        self, metric: Metric, window: str | None, at: str | None, grain: str, spot: Place, only: Only = ()
    ) -> list[Reading]:
        name, when = self._own(metric, window, at, grain)
        return list(
            self.remember(
                ("read", metric.id, name, when, grain, spot.code, only),
                lambda: self._compose(metric, name, when, grain, spot, only),
            )
        )

    def _own(self, metric: Metric, window: str | None, at: str | None, grain: str) -> tuple[str, str | None]:
        """The window and period a metric answers with: a monthly one asked by week with its month, one about persons
        below the district with the last closed month, and it says so."""
        if metric.person and grain != "district":
            return self._closed(metric, window or metric.windows[0], at)
        name = window or metric.windows[0]
        return (
            (name, at)
            if name in metric.windows
            else (metric.windows[0], self._translated(metric, metric.windows[0], name, at))
        )

    def _translated(self, metric: Metric, name: str, requested: str, at: str | None) -> str | None:
        """The metric's own window for a period of another kind: the one that holds it, or for a cumulative metric whose
        window is still running the one before."""
        if at is None or requested == "now":
            return None
        start, end = units.window_of(name, units.parse_at(requested, at))
        if metric.cumulative and end >= self.generation.built_at.date():
            start = units.back(name, start, 1)
        return units.at_label(name, start)

    def _closed(self, metric: Metric, requested: str, at: str | None) -> tuple[str, str]:
        """The one window in which persons are counted below the district, and its last one that is over when the period
        that is asked for is, with all its data."""
        name = below(metric)
        today = self.generation.built_at.date() - dt.timedelta(days=units.SETTLED_DAYS)
        day = (
            today if at is None or requested == "now" else units.window_of(requested, units.parse_at(requested, at))[1]
        )
        start, end = units.window_of(name, min(day, today))
        return name, units.at_label(name, start if end < today and end <= day else units.back(name, start, 1))

    def _compose(
        self, metric: Metric, window: str, at: str | None, grain: str, spot: Place, only: Only
    ) -> list[Reading]:
        start, end = self._window(metric, window, at)
        until = min(end, self._last(metric, at))
        ours, earlier, a_year_ago = self._looked_at(metric, window, at)
        if grain == spot.grain and not only:
            self._prepare([(metric, window, item) for item in (ours, earlier, a_year_ago) if item], spot)
        now = self._parts(metric, window, ours, grain, spot, only)
        wanted = [spot] if grain == spot.grain else self.places(grain, spot.code)
        if grain == "company" and spot.grain != "company":
            wanted = [place for place in wanted if place.code in now]
        before = self._values(metric, window, earlier, ours, grain, spot, only, wanted)
        year = self._values(
            metric, window, a_year_ago if grain == spot.grain else None, ours, grain, spot, only, wanted
        )
        evened = tuple(
            name
            for name, item in (("previous", earlier), ("last_year", a_year_ago))
            if item and evening(metric, item, ours) != 1
        )
        oldest = self._oldest(metric)
        answers = []
        empty = self.absent(metric, window, ours, grain, now, only)
        is_held = metric.person and grain != "district"
        standing = self.held_from(metric, window, ours, grain) if is_held else {}
        for place in wanted:
            num, den, present, parts = now.get(place.code, empty)
            value, status = self.value(metric, num, den, present)
            num = None if is_mean_alone(metric, den) else 0.0 if status == "ok" and num is None else num  # no row: 0
            if status in ABSENT:
                num, den, parts = None, None, {}
            num, den = (None if figure is None or not math.isfinite(figure) else figure for figure in (num, den))
            target = targets.due(self, metric, window, start, end, until, place, is_part=bool(only))
            answers.append(
                Reading(
                    metric.id,
                    metric.label,
                    metric.unit,
                    cast(Any, metric.better),
                    cast(Any, window),
                    start,
                    end,
                    place,
                    value,
                    num,
                    den,
                    status,
                    oldest[0],
                    oldest[1],
                    self.generation.id,
                    complete=end < self.generation.built_at.date() and end <= self.arrived(metric),
                    provisional=metric.freeze_h > 0
                    and self.generation.built_at
                    < aware(dt.datetime.combine(end, dt.time.max)) + dt.timedelta(hours=metric.freeze_h),
                    held=self._held.get(metric.mart, ""),
                    doubt=judgement.doubt(metric, value),
                    previous=before.get(place.code),
                    last_year=year.get(place.code),
                    target=target,
                    judgement=None
                    if until < end
                    and (metric.cumulative or targets.gathers(metric, window))
                    and (target is None or target.whole is None)
                    else judgement.judge(metric, value, target),
                    parts={
                        label: figure for label, figure in parts.items() if figure is not None and math.isfinite(figure)
                    },
                    evened=evened,
                    held_from=standing.get(place.code),
                )
            )
        return answers

    def _looked_at(self, metric: Metric, window: str, at: str | None) -> tuple[Span, Span | None, Span | None]:
        """The days of a reading's own window, of the window before and of the one a year before, as many as ours has
        run; None for one of which only the end is known, and for both beside a number of this moment."""
        begins = self.begins(metric)
        before, ours = self.spans(metric, window, at)
        earlier = (before, self.spans(metric, window, at, "year")[0])
        runs = self.is_part_of_a_whole(metric, window, ours)
        first, second = (
            None if metric.kind == "now" or runs or (begins is not None and item.first < begins) else item
            for item in earlier
        )
        return ours, first, second

    def _values(
        self,
        metric: Metric,
        window: str,
        item: Span | None,
        ours: Span,
        grain: str,
        spot: Place,
        only: Only,
        wanted: Sequence[Place],
    ) -> dict[str, float | None]:
        """Place code → what stood there in an earlier window, a sum for as many days as ours; nothing for one that is
        not known."""
        if item is None or self.is_before_all(metric, window, item):
            return {}
        parts, factor = self._parts(metric, window, item, grain, spot, only), evening(metric, item, ours)
        empty = self.absent(metric, window, item, grain, parts, only)
        found = {place.code: self.value(metric, *parts.get(place.code, empty)[:3])[0] for place in wanted}
        return {code: value and value * factor for code, value in found.items()}

    # -- SQL --------------------------------------------------------------------------------------------------------

    def sql(self, metric: str) -> str:
        """The SELECT behind a reading of the whole district; its marks stand for the window's days."""
        found = metrics.metric(metric)
        day = self.generation.last_day
        return select(found, found.windows[0], [Span(day, day, day)], "district")[0]

    def slices(
        self, metric: str, slice_: str, window: str | None = None, at: str | None = None, place: str = DISTRICT
    ) -> list[tuple[str, float | None, float | None, float | None, Status]]:
        """(member, value, num, den, status) for each value of a slice the metric declares, in the order of the members;
        none where it is not told at that place.

        Raises UsageError for a slice it does not declare."""
        found, spot = metrics.metric(metric), self.place(place)
        if spot == self.home and not self.is_counted_at_home(found):
            return []
        if slice_ not in found.slices:
            raise UsageError(f"“{found.label}”不能按“{slice_}”拆分", to_do=f"可用：{'、'.join(found.slices) or '无'}")
        if slice_ not in self.dimensions(found, spot):
            return []
        name, at = self._own(found, window if window in found.windows else None, at, spot.grain)
        rows = self.figures(found, name, self.spans(found, name, at)[1], spot, slice_)
        answers = []
        for member, (num, den, present) in sorted(rows.items()):
            value, status = self.value(found, num, den, present)
            answers.append((member, value, num, den, status))
        return answers

    # -- what stands beside -----------------------------------------------------------------------------------------

    def _oldest(self, metric: Metric) -> tuple[dt.datetime | None, int]:
        """Data time and promise of the input that has used up most of its promise."""
        states = [
            state for state in self.sources() if f"{state.source}_{state.entity}" in metric.sources and state.data_time
        ]
        if not states:
            return (None, 3600) if metric.sources else (self.generation.built_at, 3600)
        built = self.generation.built_at
        worst = max(
            states, key=lambda state: (built - (state.data_time or built)).total_seconds() / state.stale_after_s
        )
        return worst.data_time, worst.stale_after_s

    @cached_property
    def _held(self) -> dict[str, str]:
        return dict(self._reader.rows(text("held_models")))

    def held(self) -> dict[str, str]:
        """Models that are carried over from an earlier generation, each with the reason."""
        return dict(self._held)

    def live(self) -> live.LiveFrame | None:
        """The newest live picture; it has a cadence of its own. None in a scope: its dots belong to no company."""
        return live.read(self._settings.data) if self.scope.is_all else None


def sums_days(metric: Metric) -> bool:
    """Whether a number can be told of any days that follow one another: what happened on each of them is added up. Not stocks,
    which are of a moment, not what is counted about persons, which is published by closed months, and not what looks back over
    days of its own."""
    return metric.kind == "flow" and not metric.person and not metric.lookback_days
