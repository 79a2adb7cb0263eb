"""Whether the towns of a number come to the district's: a leader who adds them up must not find a hole that nobody
speaks of. Makes no sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.compile.reading import Reading


@dataclass(frozen=True)
class Gap:
    """What the towns come to beside the district's own figure: of the value, of the denominator where there is one.

    hidden: towns whose persons are too few to be shown; then `towns` and `district` are None, as their difference
    would tell what is hidden."""

    towns: float | None
    district: float | None
    hidden: int = 0


def gap(district: Reading, towns: Sequence[Reading]) -> Gap | None:
    """The gap between the towns and the district; None where they add up, or where there is nothing to add."""
    whole = district.value if district.den is None else district.den
    if district.status != "ok" or whole is None or not towns:
        return None
    hidden = sum(1 for town in towns if town.status == "small_cell")
    if hidden:
        return Gap(None, None, hidden)
    total = sum((town.value if district.den is None else town.den) or 0.0 for town in towns)
    return None if abs(total - whole) <= 1e-6 * max(1.0, abs(whole)) else Gap(total, whole)
