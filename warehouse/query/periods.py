"""Which period a question means on a page or report of one period.

Pure; asks the Snapshot only. A metric that gathers through its month (learning hours against the month's plan) says nothing
while the month runs: a page or report of a week then shows its newest whole month, never the running one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouse.compile.reading import DISTRICT
from warehouse.core import units

if TYPE_CHECKING:
    from warehouse.catalog.schema import Metric
    from warehouse.compile.reading import Reading
    from warehouse.query.snapshot import Snapshot


def at_for(book: Snapshot, metric: Metric, window: str, at: str | None, *, is_named: bool = True) -> str | None:
    """The `at` word to ask this metric with, on a page of `window` and `at`; for a metric without that window its own
    window around the period, for a cumulative one the newest that is over. `is_named`: somebody named the period; a
    running window is then shown when it is that very one."""
    if at is None or metric.newest:
        return None
    own = window if window in metric.windows else metric.windows[0]
    if own == "now":
        return None
    until = units.window_of(window, units.parse_at(window, at))[1]
    start, end = units.window_of(own, min(until, book.generation.last_day))
    if metric.cumulative and not (is_named and own == window) and end > min(until, book.generation.last_day):
        start = units.back(own, start, 1)
    return units.at_label(own, start)


def read(book: Snapshot, metric: Metric, window: str, at: str | None, place: str = DISTRICT) -> Reading:
    """The reading of a metric on a page of that period, at the place of that code."""
    own = window if window in metric.windows else metric.windows[0]
    return book.read(metric.id, own, at_for(book, metric, window, at), place)


def newest(book: Snapshot, window: str) -> str | None:
    """The `at` word of the period that stands when nobody names one: the newest that most flows answer with, so that one page never mixes
    weeks. None when no flow has that window."""
    start = book.usual(window)
    return units.at_label(window, start) if start else None
