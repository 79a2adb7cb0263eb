"""What happened to a number's sources and definition while it was counted: outages, changes of definition, revisions.
Owns which of them stand beside a trend; makes no judgement about cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from warehouse.catalog import metrics
from warehouse.catalog.contracts import contracts
from warehouse.core import statements, units
from warehouse.query import data_quality
from warehouse.query.snapshot import Snapshot

text = statements.beside(__file__)
LINK_FLOOR = 0.8
"""A day on which the platforms were connected for less of their time counts as an outage."""
POSITIONS = {"gps_location", "gps_vehicle_day"}


@dataclass(frozen=True)
class Happening:
    """first..last: business days, both inclusive. kind: definition (口径变更) · outage (来源中断) · revision
    (数值修订)."""

    kind: Literal["definition", "outage", "revision"]
    first: dt.date
    last: dt.date
    label: str


def beside(book: Snapshot, metric_id: str, window: str, first: dt.date, last: dt.date, place: str) -> list[Happening]:
    """What happened between two days (inclusive) to a metric, oldest first: its definition was changed, one of its
    sources delivered nothing that was due, the positioning platforms were cut off, or its number for a `window` at
    `place` was revised."""
    metric = metrics.metric(metric_id)
    annotations = [
        Happening("definition", change.on, change.on, f"口径变更：{change.what}")
        for change in metric.changed[1:]
        if first <= change.on <= last
    ]
    annotations += _outages(book, metric.sources, first, last)
    for revision in data_quality.revisions(book, metric_id):
        if revision["window"] == window and revision["place"] == place:
            start, end = units.window_of(window, units.parse_at(window, revision["at"]))
            if first <= end and start <= last:
                why = f"（{revision['why']}）" if revision["why"] else ""
                annotations.append(
                    Happening(
                        "revision", start, end, f"{revision['at']} 的数于 {revision['at_time']:%m-%d %H:%M} 修订" + why
                    )
                )
    return sorted(annotations, key=lambda annotation: (annotation.first, annotation.kind))


def _outages(book: Snapshot, sources: Iterable[str], first: dt.date, last: dt.date) -> list[Happening]:
    labels = {table: contract.label for table, contract in contracts().items()}
    rows = book.ask(text("source_outages"), {"first": first, "last": last})
    days: dict[str, list[dt.date]] = {}
    for name, day in rows:
        if name in sources:
            days.setdefault(labels.get(name, name), []).append(day)
    if POSITIONS & set(sources):
        cut = book.ask(text("platform_outages"), {"first": first, "last": last, "floor": LINK_FLOOR})
        days["监控平台连通"] = [row[0] for row in cut]
    return [Happening("outage", a, b, f"{label}中断") for label, lost in days.items() for a, b in _runs(lost)]


def _runs(days: list[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Days in order → runs of days without a gap."""
    runs: list[tuple[dt.date, dt.date]] = []
    for day in days:
        if runs and day - runs[-1][1] == dt.timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs
