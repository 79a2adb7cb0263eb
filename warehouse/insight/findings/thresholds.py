"""From which size on something is spoken of. One floor for ranking, one for moves; every surface uses these."""

from __future__ import annotations

from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading

FLOOR = 10
"""Fewer than so many counted below the line are not ranked: of three, one moves the rate by 33 points and says nothing of a town."""
WORSE_RATIO, WORSE_SHARE = 0.005, 0.05
"""A ratio must move half a point to be spoken of, another number a twentieth of itself."""


def is_ranked(reading: Reading) -> bool:
    """Whether a rate or mean counts enough to be set beside others; a plain count always does. False without a value."""
    return reading.value is not None and (reading.den is None or reading.den >= FLOOR)


def shortfall(reading: Reading) -> float:
    """How far a reading is from its green target, relative to it, ≥ 0; 0 without value or target."""
    if reading.target is None or reading.value is None:
        return 0.0
    return abs(reading.value - reading.target.green) / (abs(reading.target.green) or 1.0)


def movement(metric: Metric, reading: Reading) -> float:
    """How far a reading moved since the window before: > 0 in its direction, < 0 against it.

    A ratio in points (0–1), another number as a share of the larger of the two. 0 for a ripple, for a difference that is printed as 0, for a
    number without direction or comparison, and for a rate of fewer than FLOOR."""
    if reading.better == "context" or reading.previous is None or reading.value is None or not is_ranked(reading):
        return 0.0
    gain = (reading.value - reading.previous) * (1 if reading.better == "up" else -1)
    if reading.unit == "ratio":
        return gain if abs(gain) > WORSE_RATIO else 0.0
    share = gain / max(abs(reading.previous), abs(reading.value), 1e-9)
    is_invisible = round(abs(gain), metric.decimals) == 0  # "降 0.00" tells a reader nothing
    return 0.0 if abs(share) <= WORSE_SHARE or is_invisible else share
