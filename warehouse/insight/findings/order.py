"""The one order in which findings stand, on every surface."""

from __future__ import annotations

TONES = ("bad", "warn", "advice", "none", "good")
"""What must be dealt with before what should be watched, before what only misses a proposal of
ours, before what is not known, before what is good."""


def key(tone: str, weight: int, size: float, number: int) -> tuple[int, int, float, int]:
    """Sort key: the tone, then the heavier indicator, then the larger finding, then the catalogue's number."""
    return TONES.index(tone), -weight, -size, number
