"""Numerators and denominators: of a metric, a window, a place and, when asked, each member of a dimension, on one
generation.

Owns which days are read, what a filter narrows, and where person counts come from; readings make numbers of it that a
screen can show. A generation never changes, so every answer is kept while it is open. Reads only the open file, and of
it what lies in the scope that the book was opened for."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from warehouse.catalog.models import models
from warehouse.catalog.schema import GRAIN_COLUMN, Metric
from warehouse.compile.metric_sql import CUT, Parts, Row, Span, as_row, counted, restricted_to, select, span
from warehouse.compile.person_windows import counted_since
from warehouse.compile.reading import Place, Status
from warehouse.core import statements, units
from warehouse.core.errors import OlderShape, UsageError
from warehouse.query import batch, one_person
from warehouse.query.batch import PersonCount, Wanted
from warehouse.query.places import NOBODY, PLACES
from warehouse.query.scope import ELSEWHERE
from warehouse.query.windows import Windows

text = statements.beside(__file__)
Only = tuple[tuple[str, str], ...]
"""A filter: (dimension, member) pairs that must all hold."""
Figure = tuple[float | None, float | None, float]
"""Numerator, denominator, rows that reached us (−1: hidden)."""
HIDDEN: Row = (None, None, -1.0, {})
"""What is not listed by itself."""


class Figures(Windows):
    """A generation with the figures behind its numbers."""

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
        return item.start > counted_since(metric, window, today)

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
            shown = {code: row for code, row in rows.items() if code not in self.withheld_members(metric, by, spot)}
            return shown if len(shown) == len(rows) else shown | {one_person.POOLED: HIDDEN}

        if self.is_withheld(metric, spot, only, by):
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
                key: one
                for key, one in new.items()
                if one[0].person == is_person and not self.is_withheld(one[0], spot)
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
            towns = self.places("town") if grain == "town" else []
            pooled = [place for place in towns if self.is_withheld(metric, place, only)]
            return {place.code: HIDDEN for place in pooled} | {
                code: row
                for code, row in self._members(metric, window, item, spot, grain, only).items()
                if code not in (*NOBODY, one_person.POOLED)
            }
        if self.is_withheld(metric, spot, only):
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
        if self.is_withheld(metric, spot, only):
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


def is_mean_alone(metric: Metric, den: float | None) -> bool:
    """Whether the numerator is a mean over persons of a town or company, whose sums are not published."""
    return bool(metric.weighs) and den is None
