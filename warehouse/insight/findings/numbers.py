"""What the numbers of one period need a person for: off target, close to it, worse, better, not known.

No prose, no colour. A number stands in one list only: one that is off target is not named again for getting worse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from warehouse.compile.reading import OVERDUE, Reading, Tone
from warehouse.core import units
from warehouse.insight.findings import order
from warehouse.insight.findings.ranking import behind
from warehouse.insight.findings.thresholds import movement, shortfall
from warehouse.query import periods
from warehouse.query.snapshot import Snapshot

LOOK_BACK = 12
"""Windows looked at to say for how long something lasts; as many as a card's trend, so that one question answers both."""
RECORD = {"week": (26, LOOK_BACK), "month": (12, 6), "quarter": (8, 4)}
"""Windows among which a value must be the best to be a record, and how many of them must be known."""
Kind = Literal["off_target", "near", "worse", "better"]


@dataclass(frozen=True)
class Concern:
    """A number that needs a look. tone: bad, warn, good; advice: against a proposal nobody has confirmed. size: how far it is off or has moved, ≥ 0, for the order. lasting: windows in a
    row, this one included, that it is so (LOOK_BACK: that many or more). behind: the towns that are, the worst first."""

    kind: Kind
    tone: Tone
    reading: Reading
    size: float
    lasting: int
    behind: tuple[Reading, ...] = ()

    @property
    def worst(self) -> Reading | None:
        """The town farthest behind, None where none is named."""
        return self.behind[0] if self.behind else None


@dataclass(frozen=True)
class Unknown:
    """A number that is not there (未上报, 未接入, 采集故障), not to be believed (存疑) or carried over (沿用上期)."""

    reading: Reading


@dataclass(frozen=True)
class Numbers:
    """The findings of one period's readings, each list in the one order. unknown: missing though its sources are
    connected; unconnected: nobody owes it, because a source that it needs is 未接入."""

    off_target: tuple[Concern, ...]
    near: tuple[Concern, ...]
    worse: tuple[Concern, ...]
    better: tuple[Concern, ...]
    unknown: tuple[Unknown, ...]
    unconnected: tuple[Unknown, ...] = ()

    @property
    def pressing(self) -> tuple[Concern, ...]:
        """Off target and close to it: what a target makes somebody's business."""
        return self.off_target + self.near


def of_period(book: Snapshot, window: str, at: str | None, metrics: Iterable[str] | None = None) -> Numbers:
    """The findings of the district for the period `at` of `window` (None = periods.newest), of some metrics or of all but those of this
    moment. `metrics`: their ids, None = all."""
    period = at or periods.newest(book, window)
    chosen = [
        metric
        for metric in book.metrics.values()
        if metric.kind != "now" and (metrics is None or metric.id in set(metrics))
    ]
    return judge(book, [periods.read(book, metric, window, period) for metric in chosen])


def judge(book: Snapshot, readings: Sequence[Reading]) -> Numbers:
    """The findings of these readings."""
    off = [
        _concern(book, "off_target", one.tone, one, shortfall(one), _is_off)
        for one in readings
        if one.judgement == "bad"
    ]
    near = [
        _concern(book, "near", one.tone, one, shortfall(one), _is_off) for one in readings if one.judgement == "warn"
    ]
    moved = [(movement(book.metrics[one.metric], one), one) for one in readings if one.status == "ok"]
    worse = [
        _concern(book, "worse", "warn", one, -move, _is_worse)
        for move, one in moved
        if move < 0 and one.judgement != "bad"
    ]
    better = [_concern(book, "better", "good", one, move, _is_better) for move, one in moved if move > 0]
    unconnected = tuple(Unknown(one) for one in readings if one.status == "unconnected")
    unknown = tuple(Unknown(one) for one in readings if one.status in OVERDUE or one.held or one.doubt)
    off_, near_, worse_, better_ = (tuple(sorted(one, key=partial(_key, book))) for one in (off, near, worse, better))
    return Numbers(off_, near_, worse_, better_, unknown, unconnected)


def falls(book: Snapshot, readings: Sequence[Reading]) -> list[Reading]:
    """Readings that moved against their direction, whether off target or not, the largest move first."""
    moved = [(movement(book.metrics[one.metric], one), one) for one in readings if one.status == "ok"]
    return [one for move, one in sorted(moved, key=lambda pair: _place(book, "warn", -pair[0], pair[1])) if move < 0]


def record(book: Snapshot, reading: Reading) -> int:
    """Among how many windows, this one included, the value is the best; 0 when it is no record or too few are known."""
    if reading.window not in RECORD or reading.value is None or reading.better == "context":
        return 0
    among, enough = RECORD[reading.window]
    at = units.at_label(reading.window, reading.win_start)
    known = [one.value for one in book.series(reading.metric, reading.window, among, at)[:-1] if one.value is not None]
    if len(known) < enough:
        return 0
    is_best = reading.value > max(known) if reading.better == "up" else reading.value < min(known)
    return len(known) + 1 if is_best else 0


def _key(book: Snapshot, concern: Concern) -> tuple[int, int, float, int]:
    return _place(book, concern.tone, concern.size, concern.reading)


def _place(book: Snapshot, tone: Tone, size: float, reading: Reading) -> tuple[int, int, float, int]:
    metric = book.metrics[reading.metric]
    return order.key(tone, metric.weight, size, metric.number)


Holds = Callable[[Reading, Sequence[float | None], int], bool]


def _concern(book: Snapshot, kind: Kind, tone: Tone, reading: Reading, size: float, holds: Holds) -> Concern:
    towns = () if kind == "better" else tuple(behind(book, reading))
    return Concern(kind, tone, reading, size, _lasting(book, reading, holds), towns)


def _is_off(reading: Reading, values: Sequence[float | None], step: int) -> bool:
    value, target = values[step], reading.target
    if value is None or target is None:
        return False
    edge = target.amber if reading.judgement == "bad" and target.amber is not None else target.green
    return value < edge if reading.better == "up" else value > edge


def _is_worse(reading: Reading, values: Sequence[float | None], step: int) -> bool:
    now, before = values[step], values[step - 1] if step else None
    return now is not None and before is not None and (now < before if reading.better == "up" else now > before)


def _is_better(reading: Reading, values: Sequence[float | None], step: int) -> bool:
    now, before = values[step], values[step - 1] if step else None
    return now is not None and before is not None and (now > before if reading.better == "up" else now < before)


def _lasting(book: Snapshot, reading: Reading, holds: Holds) -> int:
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
