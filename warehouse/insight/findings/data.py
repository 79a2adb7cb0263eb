"""What the data themselves need a person for: sources that are late or failed, numbers that changed after they were published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.catalog.schema import Metric
from warehouse.compile.reading import SourceState
from warehouse.query import data_quality
from warehouse.query.snapshot import Snapshot

REVISED_DAYS = 7


@dataclass(frozen=True)
class Late:
    """A landed table that is late or failed, and how many metrics stand on it."""

    source: SourceState
    metrics: int


@dataclass(frozen=True)
class Revision:
    """A published number of the district that was published again as another. window, at: its period; old, new: stored values, None = not
    known; recorded_at: when, aware."""

    metric: str
    window: str
    at: str
    old: float | None
    new: float | None
    recorded_at: dt.datetime


def late(book: Snapshot) -> list[Late]:
    """Sources that failed or are older than promised at the snapshot's moment, those with most metrics on them first. One
    that is not connected has promised nothing."""
    built = book.generation.built_at
    found = [
        state
        for state in book.sources()
        if state.error or (state.data_time and (built - state.data_time).total_seconds() > state.stale_after_s)
    ]
    counted = [
        Late(state, sum(f"{state.source}_{state.entity}" in metric.sources for metric in book.metrics.values()))
        for state in found
    ]
    return sorted((one for one in counted if one.metrics), key=lambda one: (-one.metrics, one.source.label))


def unconnected(book: Snapshot, metrics: Iterable[Metric]) -> list[SourceState]:
    """The landed tables that these metrics are made of and that have never delivered a row (未接入), by name of their
    system; those whose last run failed are set up, so they are late instead."""
    used = {table for metric in metrics for table in metric.sources}
    found = [
        state
        for state in book.sources()
        if (table := f"{state.source}_{state.entity}") in used and not state.error and not book.delivered(table)
    ]
    return sorted(found, key=lambda state: state.label)


def revised(book: Snapshot) -> list[Revision]:
    """Revisions of district numbers recorded in the last days, one a metric and period, newest first. One that is printed the same is none."""
    since = book.generation.built_at - dt.timedelta(days=REVISED_DAYS)
    seen, found = set(), []
    for row in data_quality.revisions(book):
        key = (row["metric"], row["window"], row["at"])
        if row["at_time"] < since or len(row["place"]) != 6 or row["metric"] not in book.metrics or key in seen:
            continue
        seen.add(key)
        one = Revision(*key, row["old"], row["new"], row["at_time"])
        if not _is_printed_alike(book, one):
            found.append(one)
    return found


def _is_printed_alike(book: Snapshot, one: Revision) -> bool:
    metric = book.metrics[one.metric]
    digits = metric.decimals + (2 if metric.unit == "ratio" else 0)
    return one.old is not None and one.new is not None and round(one.old, digits) == round(one.new, digits)
