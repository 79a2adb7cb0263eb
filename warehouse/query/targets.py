"""The bureau's targets for whole windows, and what of them is due while a window still runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT, Basis, Place, Target
from warehouse.core import statements
from warehouse.query.aggregates import Figures

text = statements.beside(__file__)


@dataclass(frozen=True)
class Stated:
    """One row of the bureau's targets. period: the window it is of, "day" for a stock's. town: its name, "" for the
    district and all of them. first, last: days on which it is in force, None without that end. by, on: who confirmed or
    set it and when, "" and None for one that came with the table."""

    period: str
    town: str
    first: dt.date | None
    last: dt.date | None
    green: float
    amber: float | None
    basis: Basis
    source: str
    progress: str | None
    by: str
    on: dt.date | None

    @property
    def target(self) -> Target:
        """What a whole period is held against."""
        source = f"{self.source}，{self.by} {self.on:%Y-%m-%d} 确认" if self.on else self.source
        return Target(self.green, self.amber, source, basis=self.basis)

    def holds(self, day: dt.date) -> bool:
        """Whether it is in force on a day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def due(
    book: Figures,
    metric: Metric,
    window: str,
    start: dt.date,
    end: dt.date,
    until: dt.date,
    place: Place,
    *,
    is_part: bool = False,
) -> Target | None:
    """The bureau's target for such a window of a place: the one in force on its last day, a town's own before that of the
    district; a stock's is that of the day it is read. What the district should count is no measure for one town, nor
    what a town should count for one company or one kind of truck (`is_part`). Of one that is reached bit by bit (a sum by
    its kind, others where progress = linear) as much is due as the period has run; progress = whole: nothing before its
    end."""
    found = _of(book, metric, window, place, end, is_part=is_part)
    if found is None and metric.kind in ("stock", "state"):
        found = _of(book, metric, "day", place, end, is_part=is_part)
    if found is None:
        return None
    whole = found.target
    elapsed = ((until - start).days + 1) / ((end - start).days + 1)
    if elapsed >= 1 or not _grows(metric, window, found.progress):
        return whole
    amber = None if whole.amber is None else whole.amber * elapsed
    return Target(whole.green * elapsed, amber, whole.source, whole.green, elapsed, whole.basis)


def _of(book: Figures, metric: Metric, window: str, place: Place, day: dt.date, *, is_part: bool) -> Stated | None:
    is_rate = bool(metric.denominator)
    town = (
        place if place.grain == "town" else book.known(place.parent) if place.grain == "company" and is_rate else None
    )
    names = [town.label] if town is not None and (is_rate or not is_part) else []
    if is_rate or (place.code == DISTRICT and not is_part):
        names.append("")
    for name in names:
        rows = [row for row in stated(book, metric.id) if (row.period, row.town) == (window, name) and row.holds(day)]
        if rows:
            return rows[-1]  # the one that came into force last
    return None


def pace(metric: Metric, row: Stated) -> str:
    """What of a target counts while its period still runs, in words."""
    if _grows(metric, row.period, row.progress):
        return "按已过天数折算"
    return "期末才评" if metric.cumulative or gathers(metric, row.period) else "按整期目标评"


def _grows(metric: Metric, window: str, progress: str | None) -> bool:
    return progress == "linear" or (gathers(metric, window) and progress != "whole")


def whole(book: Figures, metric: str) -> dict[str, Target]:
    """Window → the target of the district in force today, for a whole period, of an indicator; {} without any. A stock's
    stands under "day"."""
    today = book.generation.built_at.date()
    return {row.period: row.target for row in stated(book, metric) if not row.town and row.holds(today)}


def stated(book: Figures, metric: str) -> list[Stated]:
    """Every target that was set for an indicator: in force, to come and past, by period and town, oldest first."""
    found: dict[str, list[Stated]] = book.remember(("targets",), lambda: _read(book))
    return found.get(metric, [])


def _read(book: Figures) -> dict[str, list[Stated]]:
    found: dict[str, list[Stated]] = {}
    for kpi, period, green, amber, basis, source, progress, by, on, town, first, last in book.ask(text("targets")):
        row = Stated(period, town, first, last, green, amber, basis, source, progress, by or "", on)
        found.setdefault(kpi, []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row.period, row.town, row.first or dt.date.min))
    return found


def programme_weights(book: Figures, number: int) -> list[tuple[str, float]]:
    """(indicator, weight) of a programme, in the bureau's order."""
    rows: list[tuple[int, str, float]] = book.ask(text("programme_weights"))
    return [(kpi, weight) for programme, kpi, weight in rows if programme == number]


def gathers(metric: Metric, window: str) -> bool:
    """Whether a number grows with every day of its window: a sum or a count of what has happened. Half way through, half
    of its target is due, whoever set it."""
    return metric.kind == "flow" and not metric.denominator and window not in ("now", "day")
