"""Numerators and denominators: of a metric, a window, a place and, when asked, each member of a dimension, on one
generation.

Owns which days are read, what a filter narrows, and where person counts come from; readings make numbers of it that a
screen can show. A generation never changes, so every answer is kept while it is open. Reads only the open file, and of
it what lies in the scope that the book was opened for."""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Literal

import msgspec
from cachetools import LRUCache

from warehouse.build import person_counts
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models
from warehouse.catalog.schema import GRAIN_COLUMN, Metric
from warehouse.compile.metric_sql import CUT, Parts, Row, Span, as_row, comparable, counted, restricted_to, select, span
from warehouse.compile.reading import DISTRICT, Generation, Place, SourceState, Status
from warehouse.core import statements, units
from warehouse.core.database import Reader
from warehouse.core.errors import OlderShape, PageMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.query import batch, one_person
from warehouse.query.batch import PersonCount, Wanted
from warehouse.query.scope import ELSEWHERE, NAMED_ELSEWHERE, Scope

text = statements.beside(__file__)
Against = Literal["previous", "year"]
Only = tuple[tuple[str, str], ...]
"""A filter: (dimension, member) pairs that must all hold."""
Figure = tuple[float | None, float | None, float]
"""Numerator, denominator, rows that reached us (−1: hidden)."""
MOST_ANSWERS = 5_000
"""Answers kept; those that nobody has asked for the longest go first."""
UNKNOWN = object()
HIDDEN: Row = (None, None, -1.0, {})
"""What is not listed by itself."""
BUSY_PER_DAY = 5
"""Rows a day from which on a source is one that speaks every day."""
BELOW = {"district": ("town", "company"), "town": ("company", "vehicle"), "company": ("vehicle",)}
"""What a place can be split into. Thousands of vehicles are read by town or company first."""
PLACES = {"town": "镇街", "company": "企业", "vehicle": "车辆"}
NOBODY = ("", "未知", ELSEWHERE)
"""Members that are none: rows without a town, a company or a word, and those of one outside the scope."""
PLATES = {
    "1": "蓝",
    "2": "黄",
    "3": "黑",
    "4": "白",
    "5": "绿",
    "91": "农黄",
    "92": "农绿",
    "93": "黄绿",
    "94": "渐变绿",
}
"""Colour of a number plate by its code (JT/T 697.7)."""


class Figures:
    """One published generation, read-only. Windows given as `at` are written 2026-11-22, 2026-W47 or 2026-11; None
    means the newest that is at least half over (for a cumulative metric wholly, for a stock the newest day). DISTRICT
    means all that the scope holds: of one town or company that place, of several all of them together."""

    def __init__(self, settings: Settings, generation: str, scope: Scope, whole: Figures | None) -> None:
        """scope: whose numbers are read. whole: the book of the same generation without limits, None for that one
        itself; it is asked only what is known of a window at all."""
        self._settings, self.id, self.scope = settings, generation, scope
        self._of_all = whole
        file = settings.published / f"{generation}.duckdb"
        self._reader = Reader(file) if scope.is_all else Reader(file, scope.narrowed)
        self._answers: LRUCache[tuple[Any, ...], Any] = LRUCache(MOST_ANSWERS)
        self._lock = threading.Lock()
        self.metrics = metrics()

    @property
    def _whole(self) -> Figures:
        # never stored in the book itself: one that nobody holds any more closes its file at once
        return self._of_all or self

    @cached_property
    def generation(self) -> Generation:
        identifier, built, demo, release, last = self._reader.rows(text("generation"))[0]
        times = [state.data_time for state in self.sources() if state.data_time]
        return Generation(identifier, aware(built), min(times) if times else None, last or built.date(), demo, release)

    def ask(self, sql: str, values: list[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a question to the published tables; none where the generation was published before what is asked for
        existed: not known is not zero."""
        return list(self.remember(("ask", sql, str(values)), lambda: self._rows(sql, values or [])))

    def records(self, sql: str, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The same as dicts by the names that the SELECT gives its columns; the caller may change them."""

        def ask() -> list[dict[str, Any]]:
            try:
                return self._reader.records(sql, values or {})
            except OlderShape:
                return []

        return [dict(record) for record in self.remember(("records", sql, str(values)), ask)]

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

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises PageMissing when the catalogue has none."""
        if name not in self.metrics:
            raise PageMissing("没有这项指标")
        return self.metrics[name]

    # -- places and dimensions --------------------------------------------------------------------------------------

    def place(self, code: str) -> Place:
        """The place of that code. Raises UsageError when there is none, PageMissing when the scope has none such: nobody
        learns whether there is one outside."""
        found = self._known_places.get(code)
        if found is None and not self.scope.is_all:
            raise PageMissing()
        if found is None:
            raise UsageError(f"没有这个地方或企业：{code[:32]}", to_do="镇街写 9 位代码，企业写统一社会信用代码")
        return found

    def known(self, code: str) -> Place | None:
        """The place of that code, None when there is none (any more) in the scope."""
        return self._known_places.get(code)

    @cached_property
    def _known_places(self) -> dict[str, Place]:
        listed = [place for grain in ("company", "town") for place in self.places(grain)]
        return {place.code: place for place in [*listed, self.home]} | {DISTRICT: self.home}

    @cached_property
    def home(self) -> Place:
        """The place that is meant where none is named: the district, or what the scope comes to."""
        if self.scope.is_all:
            return Place(DISTRICT, "余杭区", "district")
        return self.parts[0] if len(self.parts) == 1 else self.scope.total(self.parts)

    @cached_property
    def parts(self) -> list[Place]:
        """The places that make the scope, none of them within another; the towns of the district."""
        towns = self.places("town")
        if self.scope.is_all:
            return towns
        within = {town.code for town in towns}
        return [*towns, *(company for company in self.places("company") if company.parent not in within)]

    def is_counted_at_home(self, metric: Metric) -> bool:
        """Whether a metric has a number where no place is named: in the district always; in a scope where it has one of
        every place in it, and of persons, who may be with several of them, only where it is one place."""
        if self.scope.is_all:
            return True
        if self.home.grain != "district":
            return self.home.grain in metric.drill
        grains = {place.grain for place in self.parts}
        return bool(grains) and not metric.person and grains <= set(metric.drill)

    def places(self, grain: str, within: str = DISTRICT) -> list[Place]:
        """Towns, or companies (of a town), in the order of the register; those of the scope."""
        if grain == "district":
            return [self.home]
        if grain == "town":
            return list(
                self.remember(
                    ("towns",),
                    lambda: [Place(code, name, "town", DISTRICT) for code, name in self._reader.rows(text("towns"))],
                )
            )
        everyone: list[Place] = self.remember(
            ("companies",),
            lambda: [Place(key, name, "company", town) for key, name, town in self._reader.rows(text("companies"))],
        )
        return [place for place in everyone if within in (DISTRICT, self.scope.code, place.parent, place.code)]

    @cached_property
    def pooled(self) -> frozenset[str]:
        """Companies with one driver or one vehicle at most, of which alarms, days and ways of the vehicles tell of a
        person; and the companies and towns that are one sum with them, lest it be that of fewer than three."""
        return frozenset(str(key) for (key,) in self.ask(self._pooled_sql))

    @cached_property
    def of_pooled(self) -> str:
        """The condition that a row of a mart is of a company among them."""
        return one_person.among("company_key", self._pooled_sql)

    @cached_property
    def of_pooled_town(self) -> str:
        """The condition that a row of a mart is of a town among them."""
        return one_person.among("town_code", self._pooled_sql)

    @cached_property
    def _pooled_sql(self) -> str:
        """As far as the generation knows it: earlier releases published the owners alone, or not even them."""
        if self._has_table("pooled_owner"):
            return text("pooled_owners")
        return text("one_person_owners" if self._is_judged else "single_vehicle_owners")

    def is_pooled(self, metric: Metric, spot: Place) -> bool:
        """Whether a metric would tell of a place, or of one that is pooled with it, what a single person did."""
        return spot.code in self.pooled and one_person.tells_of_vehicles(metric)

    @cached_property
    def _is_judged(self) -> bool:
        """Whether persons of towns and companies were judged as they are today when this generation was published: what
        an earlier release let out below the district is read no more. The same release began to publish the owners that
        are one person."""
        return self._has_table("one_person_owner")

    def _has_table(self, name: str) -> bool:
        """Whether a mart of that name was published."""
        return bool(self.ask("SELECT 1 FROM duckdb_tables() WHERE table_name = $name", {"name": name}))

    def dimensions(self, metric: Metric, place: Place) -> dict[str, str]:
        """What a metric can be split by at a place, key → Chinese label: the places below it, then the columns its mart
        declares. A person metric has only the slices that were counted, and those not for a company."""
        found: dict[str, str] = {grain: PLACES[grain] for grain in BELOW[place.grain] if grain in metric.drill}
        if metric.person and place.grain == "company":
            return found
        declared = models()[metric.mart].dimensions
        return found | {
            name: item.label for name, item in declared.items() if not metric.person or name in metric.slices
        }

    def member(self, metric: Metric, dimension: str, code: str) -> str:
        """What a member of a dimension is called; vehicles by their full plate, which no wall and no paper may show."""
        if code.startswith(ELSEWHERE) and dimension in ("town", "company"):
            return NAMED_ELSEWHERE
        if code in NOBODY:
            return "归属待核" if dimension in PLACES else "未知"
        if dimension == "vehicle":
            return plate(code)
        if dimension in PLACES:
            return self._known_places[code].label if code in self._known_places else code
        return models()[metric.mart].dimensions[dimension].members.get(code, code)

    # -- windows ----------------------------------------------------------------------------------------------------

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

    # -- figures ----------------------------------------------------------------------------------------------------

    def figures(
        self, metric: Metric, window: str, item: Span, spot: Place, by: str = "", only: Only = ()
    ) -> dict[str, Figure]:
        """Member of the dimension → its figures at a place in one window; without `by` the place's own under "". Rows
        that belong to no member stand under "" or 未知. A dimension or filter the metric does not have raises
        UsageError."""
        if by and by not in self.dimensions(metric, spot):
            raise UsageError(
                f"“{metric.label}”不能按“{by}”拆分", to_do=f"可用：{'、'.join(self.dimensions(metric, spot)) or '无'}"
            )
        return dict(
            self.remember(
                ("figures", metric.id, window, item, spot.code, by, only),
                lambda: self._figures(metric, window, item, spot, by, only),
            )
        )

    def absent(self, metric: Metric, window: str, item: Span, grain: str, found: Parts, only: Only) -> Row:
        """What no row of a place means: nothing there (0 of 0) when the window is known for other places, when rows are
        events and their sources have delivered, or when a register that has delivered holds none that belong to the
        population; else that nothing reached us."""
        unknown: Row = (None, None, 0.0, {})
        if metric.person and not self._is_counted(metric, window, item, grain):
            return unknown
        if metric.person and grain != "district":
            return (None, None, -1.0, {}) if self._whole.knows(metric, window, item) else unknown
        is_known = any(present for _, _, present, _ in found.values())
        if not is_known and (grain != "district" or only or not self.scope.is_all):
            is_known = self._whole.knows(metric, window, item)
        if not is_known and metric.events:
            is_known = bool(metric.sources) and self.reported(metric)
        if not is_known and metric.kind in ("stock", "state") and metric.where and not metric.person:
            is_known = self.reported(metric) and self._whole.has_others(metric, window, item)
        return (0.0, 0.0 if metric.denominator else None, 1.0, {}) if is_known else unknown

    def knows(self, metric: Metric, window: str, item: Span) -> bool:
        """Whether anything at all has reached us of a metric in a window."""
        parts = self._parts(metric, window, item, self.home.grain, self.home)
        return any(present for _, _, present, _ in parts.values())

    def has_others(self, metric: Metric, window: str, item: Span) -> bool:
        """Whether the mart of a stock holds rows for that day that do not belong to its population."""
        # the filter is asked all the same: where a snapshot lacks its column nothing is known
        all_rows = msgspec.structs.replace(metric, where="", numerator=f"count(*) FILTER ({metric.where})")
        sql, values = select(all_rows, window, [item], "district")
        found: bool = self.remember(
            ("others", metric.id, item.last), lambda: any(as_row(metric, row)[2] for row in self.ask(sql, values))
        )
        return found

    def _is_counted(self, metric: Metric, window: str, item: Span, grain: str) -> bool:
        """Whether persons were counted for those days: what they did for as long as history is kept, how many of a
        company there are for a while only."""
        today = self.generation.built_at.date()
        if metric.kind in ("stock", "state"):
            return grain != "company" or item.last > today - dt.timedelta(days=units.COMPANY_DAYS)
        if item.is_cut:  # a generation from before parts of windows were counted holds none of them
            return bool(self._whole.ask("SELECT 1 FROM meta.person_reading WHERE win LIKE ? LIMIT 1", [f"%{CUT}"]))
        return item.start > person_counts.counted_since(metric, window, today)

    def is_before_all(self, metric: Metric, window: str, item: Span) -> bool:
        """Whether an earlier window lies before the first one in which persons did anything at all: then nobody knows
        whether they did nothing or nobody wrote it down."""
        if not (metric.person and metric.kind == "flow" and metric.events):
            return False
        first = self._whole.ask(
            "SELECT min(win_start) FROM meta.person_reading WHERE metric = ? AND win = ? AND grain = 'district'",
            [metric.id, window],
        )
        return not first or first[0][0] is None or item.start < first[0][0]

    def whole(self, metric: Metric, window: str, item: Span, spot: Place, only: Only = ()) -> Figure:
        """The figures of a place in one window; of one without a row what that means."""
        parts = self._parts(metric, window, item, spot.grain, spot, only)
        return parts.get(spot.code, self.absent(metric, window, item, spot.grain, parts, only))[:3]

    def _figures(self, metric: Metric, window: str, item: Span, spot: Place, by: str, only: Only) -> dict[str, Figure]:
        if not by:
            own = self._parts(metric, window, item, spot.grain, spot, only).get(spot.code)
            return {"": own[:3]} if own else {}
        if metric.person:
            return self._person_figures(metric, window, item, spot, by, only)
        return {member: row[:3] for member, row in self._members(metric, window, item, spot, by, only).items()}

    def _members(self, metric: Metric, window: str, item: Span, spot: Place, by: str, only: Only) -> Parts:
        """Member of a dimension, or place within `spot`, → (num, den, present, parts); rows of none stand under 未知.
        Asked once for those who list the places and for those who split a change by them."""

        def ask() -> Parts:
            where, bound = self.within(metric, spot, only)
            member = GRAIN_COLUMN.get(by, by)
            if by == "company" and not self.scope.is_all:  # those outside are one
                member = f"if(starts_with({member}, '{ELSEWHERE}'), '{ELSEWHERE}', {member})"
            if by in PLACES and one_person.tells_of_vehicles(metric):
                pooled = self.of_pooled_town if by == "town" else self.of_pooled
                member = f"if({pooled}, '{one_person.POOLED}', {member})"
            sql, values = select(metric, window, [item], spot.grain, member=member, where=where, bound=bound)
            rows = {str(row[3]): as_row(metric, row) for row in self._rows(sql, values)}
            return {code: HIDDEN if code == one_person.POOLED else row for code, row in rows.items()}

        if self.is_pooled(metric, spot):
            return {}

        found: Parts = self.remember(("members", metric.id, window, item, spot.code, by, only), ask)
        return found

    def _person_figures(
        self, metric: Metric, window: str, item: Span, spot: Place, by: str, only: Only
    ) -> dict[str, Figure]:
        if by in GRAIN_COLUMN:
            return {code: row[:3] for code, row in self._person_parts(metric, window, item, by, spot, only).items()}
        if only and only[0][0] != by:
            raise UsageError(f"“{metric.label}”是人员指标，只按一个条件统计", to_do="请去掉其他筛选条件")
        rows = self._counted(metric, window, [item], spot.grain, by, only[0][1] if only else "", spot.code)
        return {row.member: (row.num, row.den, row.present) for row in rows}

    def _counted(
        self, metric: Metric, window: str, spans: Sequence[Span], grain: str, slice_: str, member: str, place: str = ""
    ) -> list[PersonCount]:
        """What was counted about persons; member, place "" = all."""
        if grain != "district" and not self._is_judged:
            return []
        starts = [counted(metric, window, item)[1] for item in spans]
        named = {
            "metric": metric.id,
            "win": counted(metric, window, spans[0])[0],
            "grain": grain,
            "slice": slice_,
            "member": member,
            "place": place,
        }
        stored = [name for name, value in named.items() if value or name == "slice"]
        conditions = [f"{name} = ?" for name in stored] + [f"win_start IN ({', '.join('?' * len(starts))})"]
        return batch.person_counts(self._reader, " AND ".join(conditions), [*(named[name] for name in stored), *starts])

    def _prepare(self, wanted: Sequence[Wanted], spot: Place) -> None:
        """Asks for the figures of several windows at one place in two statements, one of them about persons; `_parts`
        then knows them. Where a snapshot cannot tell one of them, each is asked alone later."""
        keys = {
            ("parts", metric.id, window, item, spot.grain, spot.code, ()): (metric, window, item)
            for metric, window, item in wanted
        }
        new = {key: one for key, one in keys.items() if key not in self._answers}
        for ask, is_person in ((batch.counts, False), (batch.persons, True)):
            mine = {
                key: one for key, one in new.items() if one[0].person == is_person and not self.is_pooled(one[0], spot)
            }
            if is_person and spot.grain != "district" and not self._is_judged:
                continue
            with suppress(OlderShape):
                answers = ask(self._reader, list(mine.values()), spot, self._restricted_to)
                for key, parts in zip(mine, answers, strict=True):
                    self.remember(key, lambda parts=parts: parts)  # type: ignore[misc]

    def _parts(self, metric: Metric, window: str, item: Span, grain: str, spot: Place, only: Only = ()) -> Parts:
        """place code → (num, den, present, parts) for one window."""
        found: Parts = self.remember(
            ("parts", metric.id, window, item, grain, spot.code, only),
            lambda: self._read_parts(metric, window, item, grain, spot, only),
        )
        return found

    def _read_parts(self, metric: Metric, window: str, item: Span, grain: str, spot: Place, only: Only) -> Parts:
        if metric.person:
            return self._person_parts(metric, window, item, grain, spot, only)
        if grain != spot.grain:
            pooled = [place for place in self.places(grain) if self.is_pooled(metric, place)] if grain == "town" else []
            return {place.code: HIDDEN for place in pooled} | {
                code: row
                for code, row in self._members(metric, window, item, spot, grain, only).items()
                if code not in (*NOBODY, one_person.POOLED)
            }
        if self.is_pooled(metric, spot):
            return {spot.code: HIDDEN}
        where, bound = self.within(metric, spot, only)
        sql, values = select(metric, window, [item], grain, where=where, bound=bound)
        # of a whole town or district there is one row at most
        return dict((spot.code, as_row(metric, row)) for row in self._rows(sql, values) if row[1])

    def _person_parts(self, metric: Metric, window: str, item: Span, grain: str, spot: Place, only: Only) -> Parts:
        slice_, member = self._person_filter(metric, grain, only)
        wanted = {spot.code} if grain == spot.grain else {place.code for place in self.places(grain, spot.code)}
        rows = self._counted(metric, window, [item], grain, slice_, member, spot.code if grain == spot.grain else "")
        return {row.place: (row.num, row.den, row.present, row.parts) for row in rows if row.place in wanted}

    def held_from(self, metric: Metric, window: str, item: Span, grain: str) -> dict[str, dt.date]:
        """Place → start of the earlier window whose number of persons stands there: too few have changed since then."""
        rows = self.remember(
            ("held", metric.id, window, item, grain), lambda: self._counted(metric, window, [item], grain, "", "")
        )
        return {row.place: row.held_from for row in rows if row.held_from}

    def _trend(
        self, metric: Metric, window: str, starts: Sequence[dt.date], spot: Place, only: Only = ()
    ) -> dict[dt.date, Figure]:
        """Start → figures of each of these windows that we hold something of. Each is asked for once: the year before a
        trend overlaps it."""
        last, begins = min(units.window_of(window, starts[-1])[1], self._last(metric, None)), self.begins(metric)
        spans = [span(metric, window, start, last) for start in starts]
        known: dict[Span, Figure | None] = self.remember(("trend", metric.id, window, spot.code, only), dict)
        new = [item for item in spans if item not in known and (begins is None or item.last >= begins)]
        if new:
            rows = self._trend_rows(metric, window, new, spot, only)
            known.update({item: rows.get(item.start) for item in new})
        return {item.start: figure for item in spans if (figure := known.get(item))}

    def _trend_rows(
        self, metric: Metric, window: str, spans: Sequence[Span], spot: Place, only: Only
    ) -> dict[dt.date, Figure]:
        if metric.person:
            named = {counted(metric, window, item)[1]: item.start for item in spans}
            counts = self._counted(
                metric, window, spans, spot.grain, *self._person_filter(metric, spot.grain, only), spot.code
            )
            return {named[row.win_start]: (row.num, row.den, row.present) for row in counts}
        if self.is_pooled(metric, spot):
            return {item.start: HIDDEN[:3] for item in spans}
        where, bound = self.within(metric, spot, only)
        sql, values = select(metric, window, spans, spot.grain, where=where, bound=bound)
        return {row[0]: as_row(metric, row)[:3] for row in self._rows(sql, values)}

    def within(self, metric: Metric, spot: Place, only: Only) -> tuple[str, list[object]]:
        """The condition that keeps to a place and a filter. Column names come from the catalogue alone, members are
        bound."""
        where, bound = self._restricted_to(metric, spot)
        conditions = [where] if where else []
        for dimension, member in only:
            self._filtered(metric, dimension)
            conditions.append(f"coalesce(CAST({dimension} AS VARCHAR), '未知') = ?")
            bound.append(member)
        return " AND ".join(conditions), bound

    def _restricted_to(self, metric: Metric, spot: Place) -> tuple[str, list[object]]:
        """The rows of a place; of several together those that each of them counts."""
        if spot.grain != "district" or self.scope.is_all:
            return restricted_to(spot.grain, spot.code)
        return self.scope.rows([GRAIN_COLUMN[grain] for grain in metric.drill])

    def _person_filter(self, metric: Metric, grain: str, only: Only) -> tuple[str, str]:
        if not only:
            return "", ""
        self._filtered(metric, only[0][0])
        if len(only) > 1 or grain == "company":
            raise UsageError(f"“{metric.label}”是人员指标，只按一个条件在区和镇街统计", to_do="请去掉其他筛选条件")
        return only[0]

    def _filtered(self, metric: Metric, dimension: str) -> None:
        known = [name for name in models()[metric.mart].dimensions if not metric.person or name in metric.slices]
        if dimension not in known:
            raise UsageError(f"“{metric.label}”没有“{dimension[:32]}”这一筛选条件", to_do="请清除筛选条件")

    def _rows(self, sql: str, values: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows; none where the generation was published before what is asked for existed."""
        try:
            return self._reader.rows(sql, values)
        except OlderShape:
            return []

    # -- what a figure says -----------------------------------------------------------------------------------------

    def value(
        self, metric: Metric, num: float | None, den: float | None, present: float | None
    ) -> tuple[float | None, Status]:
        """Value and status of a metric's figures."""
        if not present or not self.reported(metric):
            failed = any(state.error for state in self.sources() if f"{state.source}_{state.entity}" in metric.sources)
            if failed:
                return None, "failed"
            return None, "missing" if self.reported(metric) else "unconnected"
        if present == -1:
            return None, "small_cell"
        if is_mean_alone(metric, den) and num is not None:
            den = 1.0
        if metric.denominator and (not den or den < metric.min_den):
            return None, "insufficient"
        found = metric.scale * (num or 0.0) / (den if metric.denominator and den else 1.0)
        return (
            (found, "ok") if math.isfinite(found) else (None, "insufficient")
        )  # a sum over what is no number, or beyond a double: not known

    def reported(self, metric: Metric) -> bool:
        """Whether every table that the metric is made of has ever delivered a row: where one has not, a 0 says
        nothing."""
        return bool(
            self.remember(
                ("reported", metric.id),
                lambda: all(
                    self.delivered(name, now=metric.kind == "now")
                    for name in metric.sources
                    if name not in metric.optional
                ),
            )
        )

    def delivered(self, table: str, *, now: bool = False) -> bool:
        """Whether a landed table has ever delivered a row. The bureau's own are there from the start, and an archive
        stands in for the table it feeds, but not for what is `now`."""
        known = contracts()
        near = [] if now else [known[table].feeds, *(other.table for other in known.values() if other.feeds == table)]
        return known[table].load == "own" or any(self._landed.get(name) for name in [table, *near])

    @cached_property
    def _landed(self) -> dict[str, int]:
        """Landed table → rows it holds."""
        return {f"{state.source}_{state.entity}": state.rows for state in self.sources()}

    def sources(self) -> list[SourceState]:
        """Freshness of every landed table."""
        return list(
            self.remember(
                ("sources",),
                lambda: [
                    SourceState(
                        source,
                        entity,
                        label,
                        aware(at) if at else None,
                        aware(landed) if landed else None,
                        stale,
                        rows,
                        bad,
                        error,
                    )
                    for source, entity, label, at, landed, stale, rows, bad, error in self._reader.rows(text("sources"))
                ],
            )
        )

    def remember(self, key: tuple[Any, ...], answer: Callable[[], Any]) -> Any:
        # readers choose filters freely; memory must not follow them. The lock is not held over the question itself: two
        # may ask it at once, and both go on with the answer that came first
        with self._lock:
            if (known := self._answers.get(key, UNKNOWN)) is not UNKNOWN:
                return known
        found = answer()
        with self._lock:
            return self._answers.setdefault(key, found)


def evening(metric: Metric, item: Span, ours: Span) -> float:
    """By what a sum over the days of `item` is multiplied to stand beside one over as many days as `ours`; 1 for a
    rate, a stock and windows of one length."""
    if metric.kind != "flow" or metric.denominator or metric.lookback_days:
        return 1.0
    theirs, days = ((one.last - one.first).days + 1 for one in (item, ours))
    return days / theirs if theirs > 0 and days > 0 else 1.0


def is_mean_alone(metric: Metric, den: float | None) -> bool:
    """Whether the numerator is a mean over persons of a town or company, whose sums are not published."""
    return bool(metric.weighs) and den is None


def plate(key: str) -> str:
    """A vehicle's key as people write it: 浙A12345 黄."""
    number_, _, colour = key.partition("#")
    return f"{number_} {PLATES.get(colour, '其他')}"


def aware(moment: dt.datetime) -> dt.datetime:
    """A naive Shanghai time of the warehouse as an aware one."""
    return moment.replace(tzinfo=units.SHANGHAI)
