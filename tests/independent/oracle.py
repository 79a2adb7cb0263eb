"""What the product should say: number, status, comparison, target and judgement of a KPI for a window and a place, from
the calendar, the raw rows and the bureau's own targets alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from tests.independent import catalogue
from tests.independent.tally import DISTRICT, KPIS, Data, Kpi, Spread
from tests.independent.windows import DAY, Span, Window, around
from warehouse.catalog.schema import Metric


@dataclass(frozen=True)
class Expected:
    """Status and figures of a place; `also`: statuses that say the same (no value)."""

    status: str
    num: float | None = None
    den: float | None = None
    value: float | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Goal:
    """What a number is held against: reached, close, the target of the whole window (None: this is it), the part of the
    window that is over."""

    green: float
    amber: float | None
    whole: float | None
    elapsed: float


NOTHING = ("missing", "insufficient")


class Oracle:
    """Answers for one warehouse; figures of a KPI and span are computed once."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.today, self.now = data.rows.today, data.rows.now
        self._spreads: dict[tuple[str, Span], Spread] = {}
        self._places: dict[tuple[str, Span], pd.DataFrame] = {}
        self._known: dict[Any, Any] = {}

    def remember(self, key: Any, answer: Callable[[], Any]) -> Any:
        """What was worked out under that key, once."""
        if key not in self._known:
            self._known[key] = answer()
        return self._known[key]

    # -- windows ----------------------------------------------------------------------------------------------------

    def newest(self, own: Kpi, at: str = "") -> pd.Timestamp:
        """The last day that counts: today for what stands, and for the running day when it is named; else
        yesterday."""
        is_today = own.kind in ("stock", "today", "now") or at == self.today.date().isoformat()
        return self.today if is_today else self.today - DAY

    def shown(self, metric: Metric, name: str) -> Window:
        """The window that stands when none is named: of a stock the running one, of a flow the newest that is at
        least half over, of what gathers through its window the newest whole one."""
        own = KPIS[metric.id]
        last = self.newest(own)
        window = around(name, last)
        half = 2 * ((last - window.start).days + 1) < window.days
        whole = own.number in catalogue.WHOLE_ONLY and last < window.end
        return window.before() if own.kind in ("flow", "today") and (half or whole) else window

    def span(self, own: Kpi, window: Window, at: str = "") -> Span:
        """The days of a window that count."""
        last = min(window.end, self.newest(own, at))
        return Span(last - (own.lookback - 1) * DAY if own.lookback else window.start, last)

    def beside(self, own: Kpi, window: Window, other: Window, at: str = "") -> Span:
        """The days of an earlier window that ours is held against: as many as ours has run."""
        ours = self.span(own, window, at).last
        last = other.end if ours >= window.end else min(other.end, other.start + (ours - window.start))
        return Span(last - (own.lookback - 1) * DAY if own.lookback else other.start, last)

    # -- figures ----------------------------------------------------------------------------------------------------

    def spread(self, own: Kpi, span: Span) -> Spread:
        """The rows behind a KPI in a span."""
        if (own.id, span) not in self._spreads:
            self._spreads[own.id, span] = own.compute(self.data, span.first, span.last)
        return self._spreads[own.id, span]

    def places(self, own: Kpi, span: Span) -> pd.DataFrame:
        """num, den, heard and parent by place."""
        if (own.id, span) not in self._places:
            self._places[own.id, span] = self.spread(own, span).places()
        return self._places[own.id, span]

    def closed(self, metric: Metric) -> Window:
        """The last window that has been over for three days of the one kind in which persons are listed below the
        district."""
        kind = "month" if "month" in metric.windows else metric.windows[-1]
        return around(kind, self.today - pd.Timedelta(days=3)).before()

    # -- what is known ----------------------------------------------------------------------------------------------

    @cached_property
    def history(self) -> pd.Timestamp:
        """The first day of positions or statistics: the registers are read from there on."""
        days = [pd.to_datetime(self.data.rows.all("gps_vehicle_day")["day"]).min()]
        days += list(pd.to_datetime(self.data.rows.run("lake_file")["day"]))
        return min(day for day in days if not pd.isna(day))

    def delivered(self, table: str) -> bool:
        """Whether a source has ever delivered a row; statistics stand for positions and the other way round."""
        fleet = {"gps_location", "gps_vehicle_day"}
        if table in fleet:
            return self.data.rows.has("gps_vehicle_day") or len(self.data.rows.positions()) > 0
        return table.startswith("own_") or self.data.rows.has(table)

    def begins(self, metric: Metric) -> pd.Timestamp | None:
        """The first day of which a flow is known wholly; None where it is known of any day."""
        return self.remember(("begins", metric.id), lambda: self._begins(metric))

    def _begins(self, metric: Metric) -> pd.Timestamp | None:
        own = KPIS[metric.id]
        if own.kind in ("stock", "now") or metric.person or own.number == 20:
            return None
        rows = self.data.rows
        starts = [self.history] if own.number in catalogue.FLEET else []
        own_rows = [
            pd.to_datetime(rows.all(table)[column]).min().normalize()
            for table, column in catalogue.HAPPENS.get(own.number, [])
            if rows.has(table)
        ]
        if own.number == 74:
            own_rows = [rows.run("delivery")["due_at"].min().normalize()]
        if own.number == 73:
            own_rows = [min(pd.to_datetime(rows.run("lake_file")["day"]))]
        starts += [min(own_rows)] if own_rows else []
        return max([*starts, *(self._first_whole(table) for table in metric.sources if self._is_busy(table))])

    def _is_busy(self, table: str) -> bool:
        return bool(self.remember(("busy", table), lambda: self._speaks_daily(table)))

    def _speaks_daily(self, table: str) -> bool:
        if table not in catalogue.TOLD_ON or not self.data.rows.has(table):
            return False
        frame = self.data.rows.all(table)
        days = (self._newest_day(table) - self._first_whole(table)).days + 1
        return len(frame) >= catalogue.BUSY_PER_DAY * max(1, days)

    def _first_whole(self, table: str) -> pd.Timestamp:
        first = pd.to_datetime(self.data.rows.all(table)[catalogue.TOLD_ON[table]]).min()
        return first.normalize() + DAY * int(first != first.normalize())

    def _newest_day(self, table: str) -> pd.Timestamp:
        column = catalogue.TOLD_ON[table]
        return self.remember(
            ("newest", table), lambda: pd.to_datetime(self.data.rows.current(table)[column]).max().normalize()
        )

    def is_known(self, own: Kpi, span: Span) -> bool:
        """False for a stock on a day before its registers are read."""
        if own.number == 79:
            return bool(span.last == self.today)
        if own.number in catalogue.FLEET and span.last < self.history:
            return False
        if (
            own.kind == "stock"
            and own.number not in catalogue.ALWAYS
            and span.last < self.today - catalogue.HISTORY_DAYS * DAY
        ):
            return False
        if own.number == 71:
            starts = [pd.to_datetime(self.data.rows.all(t)[c]).min() for t, c in catalogue.HAPPENS[71]]
            return bool(span.last >= min(starts).normalize())
        return own.kind != "stock" or own.number in catalogue.LEDGERS or bool(span.last >= self.history)

    # -- readings ---------------------------------------------------------------------------------------------------

    def expect(self, metric: Metric, span: Span, place: str, grain: str) -> Expected:
        """What a reading of these days should say of a place."""
        own = KPIS[metric.id]
        reported = all(self.delivered(table) for table in metric.sources if table not in metric.optional)
        if not reported:
            return Expected("unconnected")
        if not self.is_known(own, span):
            return Expected("missing")
        if (
            grain == "company"
            and metric.person
            and own.kind == "stock"
            and span.last <= self.today - catalogue.COMPANY_DAYS * DAY
        ):
            return Expected("missing")
        found = self.places(own, span)
        if metric.person and grain != "district":
            return self._listed(metric, span, grain, found.loc[place] if place in found.index else None)
        if place not in found.index:
            return self._none(metric, span, grain)
        return self._of(own, grain, found.loc[place])

    def _listed(self, metric: Metric, span: Span, grain: str, row: pd.Series | None) -> Expected:
        """Persons of a town or company: the number, or nothing where it is not listed by itself; whether it should be
        is judged on all places together."""
        if self.expect(metric, span, DISTRICT, "district").status == "missing":
            return Expected("missing")
        if row is None or not row["heard"]:
            return Expected("small_cell", also=(*NOTHING, "ok"))
        own = self._of(KPIS[metric.id], grain, row)
        return Expected(own.status, own.num, own.den, own.value, (*own.also, "small_cell"))

    def _of(self, own: Kpi, grain: str, row: pd.Series) -> Expected:
        """What the row of a place says."""
        if not row["heard"]:
            return Expected("missing", also=NOTHING if grain != "district" else ())
        num, den = float(row["num"]), float(row["den"])
        if not own.ratio:
            return Expected("ok", num, None, own.scale * num)
        if not den or math.isnan(den) or den < own.floor:
            return Expected(
                "insufficient",
                num,
                den,
                also=NOTHING if not den and (grain != "district" or own.kind == "stock") else (),
            )
        return Expected("ok", num, den, own.scale * num / den)

    def _none(self, metric: Metric, span: Span, grain: str) -> Expected:
        """No row of a place: a true nothing of a register that is known and of happenings, else nothing was
        received."""
        own = KPIS[metric.id]
        if grain != "district" and self.expect(metric, span, DISTRICT, "district").status == "missing":
            return Expected("missing")
        is_told = grain != "district" or own.number in catalogue.EVENTS or own.kind == "stock"
        if not is_told:
            return Expected("missing")
        return Expected("insufficient", also=NOTHING) if own.ratio else Expected("ok", 0.0, None, 0.0)

    def earlier(self, metric: Metric, window: Window, other: Window, place: str, grain: str, at: str) -> float | None:
        """What is held against a reading: the value of an earlier window, for as many days as ours has run; a sum over
        more or fewer days as its mean a day times ours."""
        own = KPIS[metric.id]
        ours, theirs = self.span(own, window, at), self.beside(own, window, other, at)
        if own.kind == "now" or (own.kind in ("flow", "today") and window.name == "day" and ours.last >= self.today):
            return None
        if own.number in catalogue.WHOLE_WINDOWS and ours.last < window.end:
            return None
        begins = self.begins(metric)
        if begins is not None and theirs.first < begins:
            return None
        if metric.person and own.kind == "flow" and not self._is_remembered(own, window, other, theirs):
            return None
        value = self.expect(metric, theirs, place, grain).value
        return None if value is None else value * self.evening(own, ours, theirs)

    def _is_remembered(self, own: Kpi, window: Window, other: Window, theirs: Span) -> bool:
        """Whether it is known what persons did in an earlier window: it lies within what is held (a part of one always
        does), and of happenings not before the first of all."""
        if theirs.last == other.end and other.start <= self._oldest(window):
            return False
        if own.number not in catalogue.EVENTS:
            return True
        first = [start for start in self._happened(own, window.name) if start > self._oldest(window)]
        return bool(first) and other.start >= min(first)

    def _happened(self, own: Kpi, name: str) -> set[pd.Timestamp]:
        """First days of the windows in which something happened."""

        def days() -> set[pd.Timestamp]:
            years = range(self.today.year - 3, self.today.year + 1)
            frames = [
                own.compute(
                    self.data, pd.Timestamp(year, 1, 1), min(pd.Timestamp(year, 12, 31), self.today - DAY)
                ).frame
                for year in years
            ]
            return {day for frame in frames if len(frame) for day in frame["day"]}

        return {around(name, day).start for day in self.remember(("happened", own.id), days)}

    def _oldest(self, window: Window) -> pd.Timestamp:
        """Of windows that start until then nothing is held of what persons did."""
        return self.today - DAY - (catalogue.HISTORY_DAYS + (366 if window.name == "year" else 0)) * DAY

    def evening(self, own: Kpi, ours: Span, theirs: Span) -> float:
        """By what a sum over their days is multiplied to stand beside ours."""
        return ours.days / theirs.days if own.kind == "flow" and not own.ratio else 1.0

    # -- target -----------------------------------------------------------------------------------------------------

    @cached_property
    def _goals(self) -> dict[tuple[str, str], tuple[float, float | None, str]]:
        own = self.data.rows.current("own_target")
        return {
            (str(row.kpi_id), str(row.period)): (
                float(row.green),
                None if pd.isna(row.amber) else float(row.amber),
                "" if pd.isna(row.progress) else str(row.progress),
            )
            for row in own.itertuples()
        }

    def goal(self, metric: Metric, window: Window, grain: str, at: str) -> Goal | None:
        """The target of such a window; of a stock that of the day. Sums by their kind and what the bureau says grows
        linearly are due in the part of the window that is over; what is judged at the end only is not."""
        own = KPIS[metric.id]
        if not own.ratio and grain != "district":
            return None
        found = self._goals.get((metric.id, window.name))
        if found is None and own.kind == "stock":
            found = self._goals.get((metric.id, "day"))
        if found is None:
            return None
        green, amber, progress = found
        part = ((self.span(own, window, at).last - window.start).days + 1) / window.days
        if part >= 1 or not (progress == "linear" or (self._is_sum(own, window) and progress != "whole")):
            return Goal(green, amber, None, 1.0)
        return Goal(green * part, None if amber is None else amber * part, green, part)

    def _is_sum(self, own: Kpi, window: Window) -> bool:
        return own.kind in ("flow", "today") and not own.ratio and window.name != "day"

    def judgement(self, metric: Metric, window: Window, grain: str, at: str, value: float | None) -> str | None:
        """good when the target is reached, exactly reached included · warn up to the amber one · bad beyond. What
        gathers is judged when its window is over, unless its target is that of the days that are."""
        own, goal = KPIS[metric.id], self.goal(metric, window, grain, at)
        way = catalogue.direction(own.number)
        if value is None or goal is None or way == "context":
            return None
        runs = self.span(own, window, at).last < window.end
        if runs and goal.whole is None and (own.number in catalogue.WHOLE_ONLY or self._is_sum(own, window)):
            return None
        if reached(value, goal.green, way):
            return "good"
        return "warn" if goal.amber is not None and reached(value, goal.amber, way) else "bad"

    def is_complete(self, metric: Metric, window: Window) -> bool:
        """Whether the window is over and every source that speaks each day has spoken of its last one."""
        if window.end >= self.today:
            return False
        if KPIS[metric.id].kind in ("stock", "now") or metric.person:
            return True
        waited = [table for table in metric.sources if self._is_busy(table) and table not in catalogue.ARCHIVES]
        return all(self._newest_day(table) >= window.end for table in waited)


def reached(value: float, goal: float, way: str) -> bool:
    """On the good side of a goal, or exactly at it."""
    return math.isclose(value, goal, rel_tol=1e-12) or (value > goal if way == "up" else value < goal)
