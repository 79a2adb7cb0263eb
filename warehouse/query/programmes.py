"""The six programmes as one score each, against the time that has passed (序时进度). Owns how indicators become a
score.

Score = Σ weight × min(1, value ÷ target of the whole period) ÷ Σ weight over the indicators that have a value and a
target; due = the same mean of the shares that should be reached by now: the part of the period that is over where the
target grows with time, all of it else. Weights and targets are the bureau's (own_programme, own_target), and they are
set for the district: a scope has the indicators and no score."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.catalog.schema import PROGRAMMES
from warehouse.compile.reading import Reading, Status, Tone
from warehouse.core import units
from warehouse.query import targets
from warehouse.query.snapshot import Snapshot

FAR_BEHIND = 10
"""Points behind the time that has passed from which a programme is red."""
WINDOWS = ("year", "quarter", "month", "week", "day")
STOCKS = ("year", "month", "quarter", "week", "day")
"""A stock is the same number by quarter as by month, and of the two the month's comparison is the nearer one."""


@dataclass(frozen=True)
class Item:
    """One indicator of a programme, of a period of the running year. share: reached part of the whole target, 0–1, None without value or target; due:
    the part that should be reached by now, 0–1."""

    reading: Reading
    weight: float
    share: float | None
    due: float


@dataclass(frozen=True)
class Programme:
    """One of the six. score and due 0–1, None when no indicator of it has both a value and a target."""

    number: int
    label: str
    force: str
    score: float | None
    due: float | None
    items: tuple[Item, ...]

    @property
    def status(self) -> Status:
        """ok with a score, unconnected where every indicator of it is, else insufficient."""
        if self.score is not None:
            return "ok"
        is_absent = bool(self.items) and all(item.reading.status == "unconnected" for item in self.items)
        return "unconnected" if is_absent else "insufficient"

    @property
    def ahead(self) -> int | None:
        """Whole percentage points before (+) or behind (−) the time that has passed; None without a score."""
        return None if self.score is None or self.due is None else round((self.score - self.due) * 100)

    @property
    def tone(self) -> Tone:
        """How it keeps pace, as a colour: bad from FAR_BEHIND points behind on; neutral while a target that counts is
        a proposal."""
        if self.ahead is None:
            return ""
        if any(
            item.share is not None and item.reading.target and item.reading.target.is_proposed for item in self.items
        ):
            return "advice"
        return "good" if self.ahead >= 0 else "warn" if self.ahead >= -FAR_BEHIND else "bad"


def scores(book: Snapshot) -> list[Programme]:
    """The six programmes in the announcement's order, for the newest period of each indicator."""
    return list(book.remember(("scores",), lambda: _scores(book)))


def _scores(book: Snapshot) -> list[Programme]:
    found = []
    for number, (label, force) in PROGRAMMES.items():
        items = tuple(
            _item(book, kpi, weight) for kpi, weight in targets.programme_weights(book, number) if kpi in book.metrics
        )
        stated = [item for item in items if item.share is not None]
        total = sum(item.weight for item in stated)
        score = sum(item.weight * (item.share or 0.0) for item in stated) / total if total else None
        due = sum(item.weight * item.due for item in stated) / total if total else None
        found.append(Programme(number, label, force, score, due, items))
    return found


def _of_this_year(book: Snapshot, kpi: str, window: str) -> Reading:
    """The running year or quarter, or the newest month, week or day; the running one where that is of last year: a
    score of this year has no part of another."""
    today = book.generation.built_at.date()
    running = units.at_label(window, units.window_of(window, today)[0])
    if window in ("year", "quarter"):
        return book.read(kpi, window, running)
    reading = book.read(kpi, window)
    return reading if reading.win_end.year == today.year else book.read(kpi, window, running)


def _item(book: Snapshot, kpi: str, weight: float) -> Item:
    metric = book.metrics[kpi]
    order = STOCKS if metric.kind in ("stock", "state") else WINDOWS
    readings = [_of_this_year(book, kpi, window) for window in order if window in metric.windows]
    reading = next((item for item in readings if item.target), readings[0])
    target = reading.target
    if target is None or reading.value is None or metric.better == "context" or not book.scope.is_all:
        return Item(reading, weight, None, 1.0)
    whole = target.entire.green
    share = (
        min(1.0, reading.value / whole)
        if metric.better == "up" and whole
        else (1.0 if reading.value <= whole else whole / reading.value)
    )
    return Item(reading, weight, max(0.0, share), target.elapsed)
