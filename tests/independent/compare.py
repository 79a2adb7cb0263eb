"""A reading of the product beside our own number: which windows to ask, and in what they differ."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from tests.independent.tally import DISTRICT, Data, Kpi
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.core import units
from warehouse.query.snapshot_store import Snapshot

SMALL = 5
COMPANY_DAYS = 62
"""Person metrics keep their company-level counts that long; older windows have none."""


@dataclass(frozen=True)
class Difference:
    """Product and own figures of one place and window that do not agree."""

    metric: str
    place: str
    window: str
    product: str
    own: str

    def __str__(self) -> str:
        return f"{self.metric} {self.place} {self.window}: product {self.product}, independent {self.own}"


def windows(metric: Metric, kind: str, built: dt.date) -> list[tuple[str, str]]:
    """(window, at): the newest complete one, the one before, and for a stock the running one too."""
    if kind == "now":
        return [("now", "")]
    requested = []
    for window in metric.windows[:2]:
        start = units.window_of(window, built)[0]
        steps: tuple[int, ...] = (1, 2, 0) if kind in ("stock", "today") or window == "quarter" else (1, 2)
        steps = (0, 1) if window == "year" else steps
        requested += [(window, units.at_label(window, units.back(window, start, step))) for step in steps]
    return requested


def bounds(window: str, at: str, kind: str, built: dt.date) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day that count."""
    if kind == "now":
        return pd.Timestamp(built), pd.Timestamp(built)
    start, end = units.window_of(window, units.parse_at(window, at))
    most = built if kind in ("stock", "today") or at == built.isoformat() else built - dt.timedelta(days=1)
    return pd.Timestamp(start), pd.Timestamp(min(end, most))


def compare(data: Data, book: Snapshot, metric: Metric, own: Kpi, window: str, at: str) -> tuple[list[Difference], int]:
    """What differs at all levels of the metric, and how many district values there were to compare (0 or 1)."""
    first, last = bounds(window, at, own.kind, book.generation.built_at.date())
    mine = own.compute(data, first, last)
    readings = [book.read(metric.id, window, at or None)]
    for grain in ("town", "company"):
        if grain in metric.drill:
            readings += book.by(metric.id, window, at or None, grain)
    label = f"{window} {at}".strip()
    found = [difference for reading in readings if (difference := _differs(own, reading, mine, label))]
    if "company" in metric.drill:
        shown = {reading.place.code for reading in readings}
        known = {place.code for place in book.places("company")}
        stored = not own.person or last.date() > book.generation.built_at.date() - dt.timedelta(days=COMPANY_DAYS)
        lost = [
            place
            for place in mine.index
            if stored and place in known and place not in shown and (mine.at[place, "num"] or mine.at[place, "den"] > 0)
        ]
        found += [Difference(metric.id, place, label, "no reading", _figure(mine, place)) for place in lost]
    return found, int(readings[0].value is not None and DISTRICT in mine.index)


def _figure(mine: pd.DataFrame, place: str) -> str:
    return f"{mine.at[place, 'num']}/{mine.at[place, 'den']}" if place in mine.index else "none"


def _differs(own: Kpi, reading: Reading, mine: pd.DataFrame, label: str) -> Difference | None:
    place = reading.place.code
    num, den = (float(mine.at[place, "num"]), float(mine.at[place, "den"])) if place in mine.index else (0.0, 0.0)
    text = f"{reading.num}/{reading.den} = {reading.value} ({reading.status})"
    wrong = Difference(own.id, place, label, text, f"{num}/{den}")
    if reading.status == "small_cell":
        return (
            None
            if own.person and reading.place.grain != "district" and reading.value is None and reading.num is None
            else wrong
        )
    if (
        own.person
        and reading.place.grain != "district"
        and 0 < (den if own.ratio else num) < SMALL
        and own.number not in (30,)
    ):
        return wrong
    silent = place not in mine.index or not mine.at[place, "heard"]
    if reading.status in ("missing", "failed"):
        return None if reading.value is None and (silent or (not num and not (own.ratio and den > 0))) else wrong
    if silent and place in mine.index and den > 0:
        return wrong
    if not own.ratio:
        return None if reading.status == "ok" and _close(own, reading.value, num) else wrong
    if not den or den < own.floor:
        return None if reading.status == "insufficient" and reading.value is None else wrong
    good = (
        reading.status == "ok"
        and _close(own, reading.num, num)
        and _close(own, reading.den, den)
        and _close(own, reading.value, own.scale * num / den)
    )
    return None if good else wrong


def _close(own: Kpi, said: float | None, ours: float) -> bool:
    return said is not None and abs(said - ours) <= own.tolerance * max(abs(said), abs(ours), 1e-12) + 1e-9
