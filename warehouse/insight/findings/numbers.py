"""What needs a decision, by rules over one period's readings: off target, getting worse, not known or old, revised
after it was published.

Owns the rules and their order; no prose, no colour. A metric stands in one list only: one that is off target is not
told again for getting worse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.compile.reading import UNPLACED, Reading, SourceState
from warehouse.core import units
from warehouse.query.snapshot_store import Book

WORSE_RATIO, WORSE_SHARE = 0.005, 0.05
"""A ratio must lose half a point to be called worse, another number a twentieth of itself."""
LOOK_BACK = 12
"""Windows looked at to say for how long something lasts; as many as a card's trend, so that one question answers
both."""
REVISED_DAYS = 7


@dataclass(frozen=True)
class Concern:
    """A reading that needs a look. size: how bad, for the order only. lasting: windows in a row, this one included,
    that it is so (LOOK_BACK: that many or more). worst: the town that is farthest behind, None where no town is."""

    reading: Reading
    size: float
    lasting: int
    worst: Reading | None


@dataclass(frozen=True)
class Late:
    """A landed table that is late or failed, and how many metrics stand on it."""

    source: SourceState
    metrics: int


def off_target(book: Book, readings: Sequence[Reading]) -> list[Concern]:
    """Beyond amber, the farthest from its target (relative to it) first."""
    found = [
        reading
        for reading in readings
        if reading.judgement == "bad" and reading.target is not None and reading.value is not None
    ]
    sized = sorted(((_shortfall(reading), reading) for reading in found), key=lambda pair: (-pair[0], pair[1].metric))
    return [Concern(reading, size, _lasting(book, reading, _is_off), worst(book, reading)) for size, reading in sized]


def worse(book: Book, readings: Sequence[Reading]) -> list[Concern]:
    """Moved against its direction by more than a ripple since the window before and not off target already, the largest
    move first."""
    found = []
    for reading in readings:
        move = _move(reading)
        if reading.judgement != "bad" and move > 0:
            found.append((move, reading))
    found.sort(key=lambda pair: (-pair[0], pair[1].metric))
    return [Concern(reading, move, _lasting(book, reading, _is_worse), worst(book, reading)) for move, reading in found]


def late(book: Book) -> list[Late]:
    """Sources that failed or are older than promised at the generation's moment, those with most metrics on them
    first."""
    built = book.generation.built_at
    found = [
        state
        for state in book.sources()
        if state.error or state.data_time is None or (built - state.data_time).total_seconds() > state.stale_after_s
    ]
    counted = [
        Late(state, sum(f"{state.source}_{state.entity}" in metric.sources for metric in book.metrics.values()))
        for state in found
    ]
    return sorted((item for item in counted if item.metrics), key=lambda item: (-item.metrics, item.source.label))


def unknown(readings: Sequence[Reading]) -> list[Reading]:
    """Numbers that are not there (未上报, 采集故障), not to be believed (存疑) or carried over (沿用上期)."""
    return [reading for reading in readings if reading.status in ("missing", "failed") or reading.held or reading.doubt]


def revised(book: Book) -> list[dict[str, Any]]:
    """Revisions of district numbers recorded in the last days, one a metric and window, newest first, as Book.revisions
    tells them."""
    since = book.generation.built_at - dt.timedelta(days=REVISED_DAYS)
    seen, found = set(), []
    for row in book.revisions():
        key = (row["metric"], row["window"], row["at"])
        if row["at_time"] >= since and len(row["place"]) == 6 and row["metric"] in book.metrics and key not in seen:
            seen.add(key)
            found.append(row)
    return found


def _shortfall(reading: Reading) -> float:
    green = reading.target.green if reading.target else 0.0
    return abs((reading.value or 0.0) - green) / (abs(green) or 1.0)


def _move(reading: Reading) -> float:
    """How far a reading moved against its direction, relative to where it was; 0 for a ripple, an improvement or
    nothing to compare."""
    if reading.better == "context" or reading.value is None or reading.previous is None:
        return 0.0
    lost = (reading.previous - reading.value) * (1 if reading.better == "up" else -1)
    floor = WORSE_RATIO if reading.unit == "ratio" else WORSE_SHARE * abs(reading.previous)
    return lost / (abs(reading.previous) or 1.0) if lost > floor and lost > 0 else 0.0


def _is_off(reading: Reading, values: Sequence[float | None], step: int) -> bool:
    value, target = values[step], reading.target
    if value is None or target is None:
        return False
    edge = target.green if target.amber is None else target.amber
    return value < edge if reading.better == "up" else value > edge


def _is_worse(reading: Reading, values: Sequence[float | None], step: int) -> bool:
    now, before = values[step], values[step - 1] if step else None
    return now is not None and before is not None and (now < before if reading.better == "up" else now > before)


def _lasting(book: Book, reading: Reading, holds: Callable[[Reading, Sequence[float | None], int], bool]) -> int:
    if reading.window == "now" or (reading.target is not None and reading.target.whole is not None):
        return 1
    points = book.series(
        reading.metric, reading.window, LOOK_BACK, units.at_label(reading.window, reading.win_start), reading.place.code
    )
    values = [point.value for point in points]
    run = 0
    while run < len(values) and holds(reading, values, len(values) - 1 - run):
        run += 1
    return max(1, run)


def worst(book: Book, reading: Reading) -> Reading | None:
    """The town that is farthest behind in a district's number, 未分镇街 aside: nobody can be asked about it. None where
    towns say nothing of it."""
    if reading.place.grain != "district" or not (
        book.metrics[reading.metric].denominator and reading.better != "context"
    ):
        return None
    at = None if reading.window == "now" else units.at_label(reading.window, reading.win_start)
    towns = [
        town
        for town in book.by(reading.metric, reading.window, at)
        if town.value is not None and town.place.code != UNPLACED
    ]
    if len(towns) < 2:
        return None
    last = min(towns, key=lambda town: ((town.value or 0.0) * (1 if reading.better == "up" else -1), town.place.code))
    return last if last.value != reading.value else None
