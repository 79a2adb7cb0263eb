"""From figures to numbers that a screen can show: comparison, target, freshness and judgement around numerator and
denominator, and what a generation says beside its numbers.

Owns what a Reading says. A generation never changes, so every answer is kept for as long as the book is open and can
never be stale. Reads only the open file; person metrics come from it as counts."""

from __future__ import annotations

import datetime as dt
import math
import re
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from cachetools import LRUCache

from warehouse.catalog import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, below, select, span
from warehouse.compile.reading import ABSENT, DISTRICT, Place, Point, Reading, Status, Target
from warehouse.core import statements, units
from warehouse.core.errors import DataMissing, OlderShape, PageMissing, SnapshotGone, UsageError
from warehouse.core.settings import Settings
from warehouse.publish import live, snapshot
from warehouse.query.aggregates import Figures, Only, aware, evening
from warehouse.query.scope import Scope

text = statements.beside(__file__)
WRITTEN = re.compile(r"\d{8}T\d{6}")
"""How the id of a generation is written."""
MOST_OTHERS = 3
"""Books kept open beside the newest."""
MOST_SCOPED = 24
"""Books kept open of readers who see some places only."""


class SnapshotStore:
    """All published generations of a data folder. Thread-safe. The newest book stays open, with the few others that
    were asked for last: whoever reads old snapshots never closes the one that everybody reads. A book is asked for with
    the scope of who will read it; each scope has a book of its own, with answers of its own."""

    def __init__(self, data: Path) -> None:
        self._settings = Settings(Path(data))
        self._newest: Snapshot | None = None
        self._others: LRUCache[str, Snapshot] = LRUCache(MOST_OTHERS)
        self._scoped: LRUCache[tuple[str, Scope], Snapshot] = LRUCache(MOST_SCOPED)
        self._lock, self._scoped_lock = threading.Lock(), threading.Lock()

    def current(self, scope: Scope) -> Snapshot:
        """The newest published generation. Raises DataMissing before the first."""
        generation = snapshot.current(self._settings)
        if generation is None:
            raise DataMissing("还没有发布任何数据")
        with self._lock:
            if self._newest is None or self._newest.id != generation:
                found = self._opened(generation)
                if self._newest is not None:
                    self._others[self._newest.id] = self._newest
                self._newest = found
                self._others.pop(generation, None)
            book, held = self._newest, {generation, *self._others}
        return self._limited(book, scope, held)

    def open(self, generation_id: str, scope: Scope) -> Snapshot:
        """That generation. Raises DataMissing when it is not kept (any more)."""
        with self._lock:
            if self._newest is not None and self._newest.id == generation_id:
                book = self._newest
            else:
                book = self._others.setdefault(generation_id, self._opened(generation_id))
            held = {generation_id, *self._others, *([self._newest.id] if self._newest else [])}
        return self._limited(book, scope, held)

    def _limited(self, book: Snapshot, scope: Scope, held: set[str]) -> Snapshot:
        """The book for that scope. held: generations that stay open; the others' files are let go."""
        with self._scoped_lock:
            for gone in [known for known in self._scoped if known[0] not in held]:
                del self._scoped[gone]
            if scope.is_all:
                return book
            if (book.id, scope) not in self._scoped:
                self._scoped[book.id, scope] = Snapshot(self._settings, book.id, scope, book)
            return self._scoped[book.id, scope]

    def _opened(self, generation_id: str) -> Snapshot:
        known = self._others.get(generation_id)
        held = snapshot.generations(self._settings) if known is None else [generation_id]
        if generation_id not in held:
            what = f"没有快照 {generation_id[:32]}"
            is_past = held and WRITTEN.fullmatch(generation_id) and generation_id < held[0]
            raise SnapshotGone(f"{what}，或已不再保留") if is_past else PageMissing(what, to_do=SnapshotGone.to_do)
        return known or Snapshot(self._settings, generation_id, Scope.ALL, None)

    def generations(self) -> list[str]:
        """Ids, newest first."""
        return snapshot.generations(self._settings)


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
            is_whole = begins is None or span(found, window, first, last).first >= begins
            if not is_whole and first != starts[-1]:
                num, den, value, status = None, None, None, "missing"
            points.append(Point(first, last, value, num, den, status, last < today and last <= self.arrived(found)))
        return points

    def value_of_days(self, reading: Reading, first: dt.date, last: dt.date, only: Only = ()) -> float | None:
        """What a flow came to between two days (inclusive) that are no window of ours, at the place of a reading; None
        where that is not counted by days (`sums_days`) or not known."""
        metric = metrics.metric(reading.metric)
        begins = self.begins(metric)
        if not sums_days(metric) or (begins is not None and first < begins):
            return None
        days = Span(first, first, last)  # not `span`, which ends with the window that the first day lies in
        parts = self._parts(metric, reading.window, days, reading.place.grain, reading.place, only)
        num, den, present, _ = parts.get(reading.place.code, (None, None, 0, {}))
        return self.value(metric, num, den, present)[0]

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
        that is asked for is."""
        name, today = below(metric), self.generation.built_at.date()
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
        for place in wanted:
            num, den, present, parts = now.get(place.code, empty)
            value, status = self.value(metric, num, den, present)
            num = 0.0 if status == "ok" and num is None else num  # a sum over no row
            if status in ABSENT:
                num, den, parts = None, None, {}
            num, den = (None if figure is None or not math.isfinite(figure) else figure for figure in (num, den))
            # what the district should count is no measure for one town or one kind of truck
            target = (
                self._target(metric, window, start, end, until)
                if metric.denominator or (place.code == DISTRICT and not only)
                else None
            )
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
                    doubt=doubt(metric, value),
                    previous=before.get(place.code),
                    last_year=year.get(place.code),
                    target=target,
                    judgement=None
                    if until < end
                    and (metric.cumulative or _gathers(metric, window))
                    and (target is None or target.whole is None)
                    else judge(metric, value, target),
                    parts={
                        label: figure for label, figure in parts.items() if figure is not None and math.isfinite(figure)
                    },
                    evened=evened,
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
        """(member, value, num, den, status) for each value of a slice the metric declares, in the order of the members.

        Raises UsageError for a slice it does not declare."""
        found, spot = metrics.metric(metric), self.place(place)
        if spot == self.home and not self.is_counted_at_home(found):
            return []
        if slice_ not in found.slices:
            raise UsageError(f"“{found.label}”不能按“{slice_}”拆分", to_do=f"可用：{'、'.join(found.slices) or '无'}")
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

    def _target(self, metric: Metric, window: str, start: dt.date, end: dt.date, until: dt.date) -> Target | None:
        """The bureau's target for such a window; a stock's is that of the day it is read. Of one that is reached bit
        by bit (a sum by its kind, others where progress = linear) as much is due as the period has run; progress =
        whole: nothing before its end."""
        targets = self._stated_targets()
        found = targets.get((metric.id, window)) or (
            targets.get((metric.id, "day")) if metric.kind in ("stock", "state") else None
        )
        if found is None:
            return None
        green, amber, basis, source, progress = found
        elapsed = ((until - start).days + 1) / ((end - start).days + 1)
        if elapsed >= 1 or not (progress == "linear" or (_gathers(metric, window) and progress != "whole")):
            return Target(green, amber, source, basis=basis)
        return Target(green * elapsed, None if amber is None else amber * elapsed, source, green, elapsed, basis)

    def _stated_targets(self) -> dict[tuple[str, str], Any]:
        found: dict[tuple[str, str], Any] = self.remember(
            ("targets",),
            lambda: {
                (kpi, period): (green, amber, basis, _confirmed(source, *confirmed), progress)
                for kpi, period, green, amber, basis, source, progress, *confirmed in self._reader.rows(text("targets"))
            },
        )
        return found

    def targets(self, metric: str) -> dict[str, Target]:
        """Window → the target of a whole one, of an indicator; {} without any. A stock's stands under "day"."""
        return {
            period: Target(green, amber, source, basis=basis)
            for (kpi, period), (green, amber, basis, source, _) in self._stated_targets().items()
            if kpi == metric
        }

    def programme_weights(self, number: int) -> list[tuple[str, float]]:
        """(indicator, weight) of a programme, in the bureau's order."""
        rows: list[tuple[int, str, float]] = self.remember(
            ("programmes",), lambda: self._reader.rows(text("programme_weights"))
        )
        return [(kpi, weight) for programme, kpi, weight in rows if programme == number]

    def revisions(self, metric: str | None = None) -> list[dict[str, Any]]:
        """Numbers of complete windows that were changed after they had been published, newest change first: old, new,
        when, in which generation; provisional: whether the old number was published as one that late data may still
        change; why: 口径变更 where the definition is another one, "" where new data have come."""
        revised = self.ask(text("revised_metrics"))
        if (metric,) not in revised and (metric or not revised):
            return []  # most numbers never change, and their pages need not look for it
        rows = self.ask(text("revisions"), {"metric": metric or None})
        return [
            {
                "metric": kpi,
                "window": window,
                "at": units.at_label(window, start),
                "place": place,
                "old": old,
                "new": new,
                "at_time": aware(at),
                "generation": generation,
                "provisional": bool(provisional),
                "why": why,
            }
            for kpi, window, start, place, old, new, at, generation, provisional, why in rows
        ]

    def alarms(self, limit: int = 20) -> list[dict[str, Any]]:
        """Newest alarms, plates masked; status in words."""
        rows = self.remember(
            ("alarms", limit),
            lambda: self._reader.rows(text("newest_alarms"), {"most": limit}),
        )
        return [
            {
                "raised_at": aware(at),
                "plate_mask": plate,
                "kind": kind,
                "level": level,
                "town": town,
                "company": company,
                "status": alarm_status(result, handled, must, due, took, limit),
            }
            for at, plate, kind, level, town, result, handled, must, due, company, took, limit in rows
        ]

    def alarm_summary(self) -> dict[str, Any]:
        """Alarms of the generation's day so far: raised, handled, due."""
        day = self.generation.built_at.date()
        raised, handled, due = self._reader.rows(text("alarm_summary"), {"day": day})[0]
        return {"day": day, "raised": raised, "handled": handled, "due": due}

    def held(self) -> dict[str, str]:
        """Models that are carried over from an earlier generation, each with the reason."""
        return dict(self._held)

    def checks(self) -> list[dict[str, Any]]:
        """Results of the last checks."""
        return [
            {
                "model": model,
                "check": name,
                "severity": severity,
                "message": message,
                "failed_rows": failed,
                "held": model in self._held,
            }
            for model, name, severity, message, failed in self._reader.rows(text("check_results"))
        ]

    def defects(self) -> list[dict[str, Any]]:
        """Known defects found in the data: rule, table and number of rows or messages."""
        return [
            {"rule": rule, "label": label, "rows": int(rows)}
            for rule, label, rows in self._reader.rows(text("defects"))
        ]

    def review(self) -> list[dict[str, str]]:
        """What somebody must look at, by rule: the subject and what is known of it. Nothing about persons."""
        return [dict(zip(("rule", "subject", "detail"), row, strict=True)) for row in self._reader.rows(text("review"))]

    def quarantine(self) -> list[dict[str, Any]]:
        """Records in quarantine by table and rule; is_row: the whole row is out, else a field of it is unknown."""
        return [
            {"table": f"{source}_{entity}", "rule": rule, "is_row": is_row, "rows": rows}
            for source, entity, rule, is_row, rows in self._reader.rows(text("quarantine"))
        ]

    def refused(self) -> list[dict[str, Any]]:
        """Payloads that are not in as a whole, newest first, with the reason and who has acknowledged them; none where
        the generation was published before this was told."""
        try:
            return self._reader.records(text("refused_payloads"))
        except OlderShape:
            return []

    def live(self) -> live.LiveFrame | None:
        """The newest live picture; it has a cadence of its own. None in a scope: its dots belong to no company."""
        return live.read(self._settings.data) if self.scope.is_all else None


def _gathers(metric: Metric, window: str) -> bool:
    """Whether a number grows with every day of its window: a sum or a count of what has happened. Half way through, half
    of its target is due, whoever set it."""
    return metric.kind == "flow" and not metric.denominator and window not in ("now", "day")


def _confirmed(source: str, who: str, at: dt.date | None) -> str:
    return f"{source}，{who} {at:%Y-%m-%d} 确认" if at else source


def sums_days(metric: Metric) -> bool:
    """Whether a number can be told of any days that follow one another: what happened on each of them is added up. Not stocks,
    which are of a moment, not what is counted about persons, which is published by closed months, and not what looks back over
    days of its own."""
    return metric.kind == "flow" and not metric.person and not metric.lookback_days


def judge(metric: Metric, value: float | None, target: Target | None) -> Any:
    """good when the target is reached (inclusive), warn up to amber, bad beyond; None without value, target or
    direction."""
    if value is None or target is None or metric.better == "context":
        return None
    sign = 1 if metric.better == "up" else -1
    if sign * value >= sign * target.green:
        return "good"
    return "warn" if target.amber is not None and sign * value >= sign * target.amber else "bad"


def doubt(metric: Metric, value: float | None) -> str:
    """Why a number is not to be believed without a look at the data (D18), "" when it is plausible."""
    if not metric.doubt_above or value is None or value <= metric.doubt_above:
        return ""
    return (
        f"超过 {metric.doubt_above:.0%}，数据存疑，请核对台账"
        if metric.unit == "ratio"
        else f"超过 {metric.doubt_above:g}，数据存疑"
    )


def alarm_status(
    result: int | None, handled: bool, must: bool, due: bool, took_s: float | None = None, limit_s: float | None = None
) -> str:
    """How an alarm stands, in words (JT/T 809 1403: 0 处理中 1 已处理完毕 2 不予处理 3 将来处理). took_s: seconds from the alarm
    to its handling, negative for one before it, None where no time is known; limit_s: seconds allowed, None = no limit.
    Why it stands so follows a comma."""
    if took_s is not None and took_s < 0:
        return "处置时间早于报警，存疑"
    if handled:
        if must and took_s is not None and limit_s is not None and took_s > limit_s:
            return "超时处置"
        return "不予处理" if result == 2 else "已处置"
    if result == 2:
        return "不予处理，未写理由"
    if result in (0, 3):
        return "超时处理中" if due else "处理中"
    return "超时未处置" if due else ("待处置" if must else "提示")
