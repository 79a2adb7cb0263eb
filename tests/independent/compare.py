"""A reading of the product beside what the oracle expects of it: which windows are read, and in what they
differ."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from tests.depth import depth
from tests.independent import catalogue
from tests.independent.oracle import Expected, Oracle
from tests.independent.sides import COUNTS, SIDES, side
from tests.independent.tally import KPIS, Kpi
from tests.independent.windows import Span, Window, around, date
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.query.snapshot import Snapshot

LOOSE = 1e-9
SHARE = 8
Compared = Counter[tuple[str, str, str]]
"""(window, grain, what) → how often both sides had a value and agreed."""


@dataclass(frozen=True)
class Difference:
    """What the product and the oracle say of one thing, where they do not agree."""

    metric: str
    place: str
    window: str
    what: str
    product: Any
    own: Any

    def __str__(self) -> str:
        return f"{self.metric} {self.place} {self.window} {self.what}: product {self.product}, independent {self.own}"


def periods(oracle: Oracle, metric: Metric) -> list[tuple[Window, str]]:
    """(window, at) to ask for: of each window that the metric has the one shown unasked, the running one once a day of
    it counts, and the newest whole one."""
    if metric.kind == "now":
        return [(around("day", oracle.today), "")]
    found = []
    for name in metric.windows:
        running = around(name, oracle.today)
        found.append((oracle.shown(metric, name), ""))
        found += [
            (window, window.at)
            for window in (running, running.before())
            if oracle.newest(KPIS[metric.id], window.at) >= window.start
            and not (window.at == oracle.today.date().isoformat() and metric.number in catalogue.UNSURE_TODAY)
        ]
    return found


@dataclass
class Comparison:
    """Everything the product says of a metric and window beside the oracle: the district, each town, each company."""

    oracle: Oracle
    book: Snapshot
    metric: Metric
    window: Window
    at: str
    compared: Compared = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def own(self) -> Kpi:
        """The oracle's KPI."""
        return KPIS[self.metric.id]

    @property
    def name(self) -> str:
        """The window's name as the product reads it."""
        return "now" if self.metric.kind == "now" else self.window.name

    @property
    def span(self) -> Span:
        """The days that count."""
        return self.oracle.span(self.own, self.window, self.at)

    def run(self) -> Comparison:
        """Compares them all."""
        at, metric = self.at or None, self.metric.id
        readings = [self.book.read(metric, self.name, at)]
        if self.metric.person and not self._is_listed_below:
            self._stands_for_the_closed()
            return self._entered(readings)
        if "town" in self.metric.drill:
            for listed in self.book.by(metric, self.name, at, "town"):
                single = self.book.read(metric, self.name, at, listed.place.code)
                self._near(single, "value in the list", listed.value, single.value)
                self._near(single, "previous in the list", listed.previous, single.previous)
                readings.append(single)
        if "company" in self.metric.drill:
            shown = self.book.by(metric, self.name, at, "company")
            # of a period that is not the one shown unasked a part of the companies stands for all, but for the night
            share = depth(1 if at is None else SHARE, 1)
            readings += [reading for reading in shown if crc32(reading.place.code.encode()) % share == 0]
            if not self.metric.person:
                self._lost({reading.place.code for reading in shown})
        return self._entered(readings)

    def _entered(self, readings: list[Reading]) -> Comparison:
        for reading in readings:
            self._reading(reading)
        return self

    @property
    def _is_listed_below(self) -> bool:
        """Whether persons of towns and companies are listed for this window."""
        closed = self.oracle.closed(self.metric)
        return (self.window.name, self.window.start) == (closed.name, closed.start)

    def _stands_for_the_closed(self) -> None:
        """Below the district a question for another window is answered with the closed one that it leads to, never with
        itself."""
        for listed in self.book.by(self.metric.id, self.name, self.at or None, "town"):
            kind = self.oracle.closed(self.metric).name
            self._same(listed, "window below", (listed.window, listed.complete), (kind, True))
            if listed.win_end > max(date(self.window.end), date(self.oracle.closed(self.metric).end)):
                self._differs(listed.place.code, "window below", listed.win_end, self.window.end)

    def _lost(self, shown: set[str]) -> None:
        """Companies of the register that have a number and no reading; what the vehicles of an owner who is one person
        did is not listed."""
        found = self.oracle.places(self.own, self.span)
        for place in self.book.places("company"):
            if place.code in shown or place.code not in found.index:
                continue
            if self.book.is_withheld(self.metric, place):
                continue
            own = self.oracle.expect(self.metric, self.span, place.code, "company")
            if own.value or own.den:
                self._differs(place.code, "reading", "none", own)

    def _reading(self, reading: Reading) -> None:
        expected = self.oracle.expect(self.metric, self.span, reading.place.code, reading.place.grain)
        self._times(reading)
        if reading.held_from:
            return  # an earlier month's number stands, by a rule that has attacks of its own
        if self.book.is_withheld(self.metric, reading.place):
            self._same(reading, "pooled", (reading.status, reading.value, reading.num), ("small_cell", None, None))
            return
        if reading.status != expected.status and reading.status not in expected.also:
            text = f"{reading.num}/{reading.den} = {reading.value} ({reading.status})"
            self._differs(reading.place.code, "status", text, expected)
            return
        if reading.status != expected.status:
            return  # nobody is there, or it is not listed
        self._near(reading, "value", reading.value, expected.value)
        if self.metric.weighs and reading.place.grain != "district":
            self._same(reading, "sums behind a mean", (reading.num, reading.den), (None, None))
        elif expected.status == "ok":
            self._near(reading, "num", reading.num, expected.num)
            self._near(reading, "den", reading.den, expected.den)
        self._earlier(reading)
        self._goal(reading, expected)
        if self.metric.person and reading.place.grain != "district":
            self._same(reading, "further figures", reading.parts, {})
        elif not {expected.status, reading.status} & {"missing", "unconnected"}:
            self._sides(reading)

    def _times(self, reading: Reading) -> None:
        if self.metric.kind != "now":
            self._same(reading, "first day", reading.win_start, date(self.window.start))
            self._same(reading, "last day", reading.win_end, date(self.window.end))
            self._same(reading, "complete", reading.complete, self.oracle.is_complete(self.metric, self.window))
        frozen = self.window.end + dt.timedelta(days=1, hours=catalogue.MAKE_UP_H)
        provisional = self.own.number in catalogue.MAKE_UP and self.oracle.now < frozen
        self._same(reading, "provisional", reading.provisional, provisional)

    def _earlier(self, reading: Reading) -> None:
        """What stands beside it: the window before and, of one place, the same a year ago."""
        pairs = [("previous", reading.previous, self.window.before())]
        if reading.place.grain != "company":
            pairs.append(("last_year", reading.last_year, self.window.year_before()))
        evened, unlike = [], set()
        for what, said, other in pairs if self.metric.kind != "now" else []:
            place, grain = reading.place.code, reading.place.grain
            if self.metric.person and grain != "district" and (said is None or self._stands(place, other)):
                unlike.add(what)
                continue  # it was not listed then, or with the number of a month before
            ours = self.oracle.earlier(self.metric, self.window, other, place, grain, self.at)
            self._near(reading, what, said, ours)
            theirs = self.oracle.beside(self.own, self.window, other, self.at)
            if ours is not None and self.oracle.evening(self.own, self.span, theirs) != 1:
                evened.append(what)
        said_of = {what for what, said, _ in pairs if said is not None} - unlike
        self._same(reading, "evened", tuple(what for what in reading.evened if what in said_of), tuple(evened))

    def _stands(self, place: str, window: Window) -> bool:
        return self.book.read(self.metric.id, self.name, f"{window.start:%Y-%m-%d}", place).held_from is not None

    def _goal(self, reading: Reading, expected: Expected) -> None:
        grain, said = reading.place.grain, reading.target
        goal = self.oracle.goal(self.metric, self.window, grain, self.at)
        if goal is None or said is None:
            self._same(reading, "target", said, goal)
        else:
            self._near(reading, "target", said.green, goal.green)
            self._near(reading, "amber", said.amber, goal.amber)
            self._near(reading, "whole target", said.whole, goal.whole)
            self._near(reading, "elapsed", said.elapsed, goal.elapsed)
        ours = self.oracle.judgement(self.metric, self.window, grain, self.at, expected.value)
        self._same(reading, "judgement", reading.judgement, ours)

    def _sides(self, reading: Reading) -> None:
        """Further figures beside the number; none of a thing may be 0 or not be there."""
        for label in sorted({*reading.parts, *(label for key, label in SIDES if key == self.metric.id)}):
            said = reading.parts.get(label)
            ours = side(self.oracle, self.metric.id, label, self.span, reading.place.code)
            is_nothing = not said and not ours and (self.metric.id, label) in COUNTS
            self._near(
                reading, f"side {label}", (said or 0.0) if is_nothing else said, (ours or 0.0) if is_nothing else ours
            )

    def _near(self, reading: Reading, what: str, said: float | None, ours: float | None) -> None:
        agrees = said is None if ours is None else said is not None and near(self.own, said, ours)
        self._enter(reading, what, said, ours, agrees)

    def _same(self, reading: Reading, what: str, said: Any, ours: Any) -> None:
        self._enter(reading, what, said, ours, said == ours)

    def _enter(self, reading: Reading, what: str, said: Any, ours: Any, agrees: bool) -> None:
        if not agrees:
            self._differs(reading.place.code, what, said, ours)
        elif ours is not None:
            self.compared[self.name, reading.place.grain, what] += 1

    def _differs(self, place: str, what: str, said: Any, ours: Any) -> None:
        window = f"{self.name} {self.at or '(' + self.window.at + ')'}"
        self.differences.append(Difference(self.metric.id, place, window, what, said, ours))


def near(own: Kpi, said: float, ours: float) -> bool:
    """Equal but for the order in which floats were added."""
    return math.isclose(said, ours, rel_tol=own.tolerance, abs_tol=LOOSE)
