"""The bureau's targets for whole windows, and what of them is due while a window still runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Target
from warehouse.core import statements
from warehouse.query.aggregates import Figures

text = statements.beside(__file__)


def due(book: Figures, metric: Metric, window: str, start: dt.date, end: dt.date, until: dt.date) -> Target | None:
    """The bureau's target for such a window; a stock's is that of the day it is read. Of one that is reached bit
    by bit (a sum by its kind, others where progress = linear) as much is due as the period has run; progress =
    whole: nothing before its end."""
    targets = _stated(book)
    found = targets.get((metric.id, window)) or (
        targets.get((metric.id, "day")) if metric.kind in ("stock", "state") else None
    )
    if found is None:
        return None
    green, amber, basis, source, progress = found
    elapsed = ((until - start).days + 1) / ((end - start).days + 1)
    if elapsed >= 1 or not _grows(metric, window, progress):
        return Target(green, amber, source, basis=basis)
    return Target(green * elapsed, None if amber is None else amber * elapsed, source, green, elapsed, basis)


def pace(book: Figures, metric: Metric, window: str) -> str:
    """What of a target counts while its period still runs, in words; "" where there is no target."""
    found = _stated(book).get((metric.id, window))
    if found is None:
        return ""
    if _grows(metric, window, found[-1]):
        return "按已过天数折算"
    return "期末才评" if metric.cumulative or gathers(metric, window) else "按整期目标评"


def _grows(metric: Metric, window: str, progress: str | None) -> bool:
    return progress == "linear" or (gathers(metric, window) and progress != "whole")


def whole(book: Figures, metric: str) -> dict[str, Target]:
    """Window → the target of a whole one, of an indicator; {} without any. A stock's stands under "day"."""
    return {
        period: Target(green, amber, source, basis=basis)
        for (kpi, period), (green, amber, basis, source, _) in _stated(book).items()
        if kpi == metric
    }


def programme_weights(book: Figures, number: int) -> list[tuple[str, float]]:
    """(indicator, weight) of a programme, in the bureau's order."""
    rows: list[tuple[int, str, float]] = book.ask(text("programme_weights"))
    return [(kpi, weight) for programme, kpi, weight in rows if programme == number]


def gathers(metric: Metric, window: str) -> bool:
    """Whether a number grows with every day of its window: a sum or a count of what has happened. Half way through, half
    of its target is due, whoever set it."""
    return metric.kind == "flow" and not metric.denominator and window not in ("now", "day")


def _stated(book: Figures) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = book.remember(
        ("targets",),
        lambda: {
            (kpi, period): (green, amber, basis, _confirmed(source, *confirmed), progress)
            for kpi, period, green, amber, basis, source, progress, *confirmed in book.ask(text("targets"))
        },
    )
    return found


def _confirmed(source: str, who: str | None, at: dt.date | None) -> str:
    return f"{source}，{who} {at:%Y-%m-%d} 确认" if at else source
