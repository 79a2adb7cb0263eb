"""Whether the towns of a number come to the district's: a leader who adds them up must not find a hole that nobody
speaks of. Makes no sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.compile.reading import Reading
from warehouse.core import units
from warehouse.query.snapshot import Snapshot


@dataclass(frozen=True)
class Gap:
    """What the towns come to beside the district's own figure: of the value, of the denominator where there is one.

    hidden: towns that are not listed by themselves; rest: numerator and denominator of all of them together, None where
    there is none."""

    towns: float
    district: float
    hidden: int = 0
    rest: tuple[float | None, float | None] = (None, None)


def whole_of(book: Snapshot, towns: Sequence[Reading]) -> Reading | None:
    """The district's number for the period that the towns are of; None without towns. Of persons that is the last
    closed month, whatever was asked for."""
    if not towns:
        return None
    first = towns[0]
    return book.read(first.metric, first.window, units.at_label(first.window, first.win_start))


def gap(district: Reading, towns: Sequence[Reading]) -> Gap | None:
    """The gap between the towns and the district in the same period; None where they add up, or where there is nothing
    to add."""
    whole = district.value if district.den is None else district.den
    if district.status != "ok" or whole is None or not towns:
        return None
    hidden = sum(1 for town in towns if town.status == "small_cell")
    if district.den is not None and all(town.den is None for town in towns):  # means, whose sums are not published
        return Gap(0.0, whole, hidden) if hidden else None
    total = sum((town.value if district.den is None else town.den) or 0.0 for town in towns)
    if hidden:
        return Gap(total, whole, hidden, (_rest(district.num, towns, "num"), _rest(district.den, towns, "den")))
    return None if abs(total - whole) <= 1e-6 * max(1.0, abs(whole)) else Gap(total, whole)


def _rest(whole: float | None, towns: Sequence[Reading], side: str) -> float | None:
    return None if whole is None else whole - sum(getattr(town, side) or 0.0 for town in towns)
