"""Where an axis has its ticks and how they are written: one rule for page, wall and paper. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cockpit.presentation import format as fmt

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps that a reader counts in, times a power of ten."""
PARTS = 4
HEADROOM = 0.12
FULL = {"ratio": 1.0, "分": 100.0, "分（5分制）": 5.0}
"""Unit → what its scale does not go beyond."""


def step(length: float, parts: int) -> float:
    """The smallest round step of which at most `parts` make up `length` > 0."""
    raw = length / parts
    power = 10.0 ** math.floor(math.log10(raw))
    return next(size * power for size in ROUND if size * power >= raw * 0.999)


def inside(low: float, high: float, parts: int = 6) -> list[float]:
    """Round values between low and high, both inclusive; [] for low ≥ high."""
    if high <= low:
        return []
    size = step(high - low, parts)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [round(n * size, 10) for n in range(first, last + 1)]


def around(low: float, high: float, unit: str) -> list[float]:
    """Round values that cover low..high with a little room; ratios and scores stay within their range, nothing goes
    below 0."""
    room = (high - low) * HEADROOM or abs(high) * HEADROOM or 1.0
    bottom, top = max(0.0, low - room), high + room
    most = FULL.get(unit)
    if most is not None and high <= most:
        top = min(most, top)
    size = step(top - bottom, PARTS)
    first, last = math.floor(bottom / size + 1e-9), math.ceil(top / size - 1e-9)
    return [round(n * size, 10) for n in range(first, last + 1)]


def counts(top: float) -> list[float]:
    """Whole numbers from 0 to at least `top`: for what is counted one by one."""
    size = max(1.0, step(top, PARTS)) if top > 0 else 1.0
    size = size if size.is_integer() else size * 2
    return [size * n for n in range(max(1, math.ceil(top / size)) + 1)]


def places(ticks: Sequence[float], unit: str, decimals: int) -> int:
    """Decimals that tell neighbouring ticks apart, not more; at most one more than the number itself has."""
    factor = 100 if unit == "ratio" else 1
    for found in range(decimals + 2):
        if all(abs(round(t * factor, found) - t * factor) < 1e-6 for t in ticks):
            return found
    return decimals + 1


def text(value: float, unit: str, decimals: int) -> str:
    """A tick as written: 92%, 2,000, 1.5万."""
    shown = fmt.value(value, unit, decimals)
    return f"{shown.text}%" if shown.unit == "%" else shown.text + ("万" if shown.unit.startswith("万") else "")
