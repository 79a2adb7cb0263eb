"""Why a number changed: the total's change split over its parts so that the pieces add up to it exactly.

Counts: each part's own difference. Ratios R = Σnum / Σden, with share s = den / Σden and rate r = num / den:
    change of part i    s₁ᵢ · (r₁ᵢ − r₀ᵢ)                  its own rate moved, weighted by what it weighs now
    结构变化             Σ (s₁ᵢ − s₀ᵢ) · (r₀ᵢ − R₀)        weight moved between better and worse parts
Their sum is R₁ − R₀ without a remainder (Σs₁ᵢr₁ᵢ = R₁, Σs₀ᵢr₀ᵢ = R₀, Σ(s₁ᵢ − s₀ᵢ) = 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.reading import Reading

TOLERANCE = 1e-6
"""Relative difference up to which the parts count as adding up to the total."""


@dataclass(frozen=True)
class Contribution:
    """One piece of a change, in the metric's stored unit. kind: "part" (a place), "rest" (several), "mix" (结构变化)."""

    label: str
    amount: float
    kind: str = "part"
    code: str = ""


@dataclass(frozen=True)
class Change:
    """before + Σ pieces = now, exactly but for rounding of floats."""

    before: float
    now: float
    pieces: tuple[Contribution, ...]


def explain(total: Reading, earlier: Reading, parts: Sequence[Reading], before: Sequence[Reading]) -> Change | None:
    """The change from `earlier` to `total` by part. None when it cannot be split without a remainder: a value is
    unknown, a part is missing or suppressed, or the parts overlap and do not add up to the total."""
    if total.value is None or earlier.value is None or not parts:
        return None
    then = {r.place.code: r for r in before}
    pairs = [(r, then[r.place.code]) for r in parts if r.place.code in then]
    if len(pairs) != len(parts) or len(then) != len(parts):
        return None
    pieces = _ratio(total, earlier, pairs) if total.den is not None else _count(pairs)
    if pieces is None:
        return None
    gap = total.value - earlier.value - sum(p.amount for p in pieces)
    if abs(gap) > TOLERANCE * max(abs(total.value), abs(earlier.value)):
        return None
    return Change(earlier.value, total.value, tuple(pieces))


def _count(pairs: Sequence[tuple[Reading, Reading]]) -> list[Contribution] | None:
    found = []
    for now, then in pairs:
        if now.value is None or then.value is None:
            return None
        found.append(Contribution(now.place.label, now.value - then.value, "part", now.place.code))
    return found


def _ratio(total: Reading, earlier: Reading, pairs: Sequence[tuple[Reading, Reading]]) -> list[Contribution] | None:
    if not total.den or not earlier.den or earlier.num is None:
        return None
    whole = earlier.num / earlier.den
    found, mix = [], 0.0
    for now, then in pairs:
        if now.num is None or then.num is None or now.den is None or then.den is None:
            return None
        # a part without a denominator has no rate of its own; it then neither moves nor shifts weight
        rate = now.num / now.den if now.den else whole
        was = then.num / then.den if then.den else (rate if now.den else whole)
        # scores and per-vehicle means are num/den times a constant, so the pieces take the total's scale
        scale = _scale(total)
        share, had = now.den / total.den, then.den / earlier.den
        found.append(Contribution(now.place.label, share * (rate - was) * scale, "part", now.place.code))
        mix += (share - had) * (was - whole) * scale
    return [*found, Contribution("结构变化", mix, "mix")]


def _scale(total: Reading) -> float:
    return total.value / (total.num / total.den) if total.value and total.num and total.den else 1.0


def shortened(change: Change, most: int) -> list[Contribution]:
    """At most `most` places by size of their piece, falling ones first, then rising; the others as one 其余; 结构变化 last."""
    places = sorted((p for p in change.pieces if p.kind == "part"), key=lambda p: -abs(p.amount))
    shown = sorted(places[:most], key=lambda p: p.amount)
    rest = places[most:]
    if rest:
        shown.append(Contribution(f"其余 {len(rest)} 个", sum(p.amount for p in rest), "rest"))
    return shown + [p for p in change.pieces if p.kind == "mix"]
