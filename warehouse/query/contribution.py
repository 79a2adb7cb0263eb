"""Why a number changed: the change between two windows of equal length, split over the members of one dimension so that
the pieces add up to it exactly. Owns the arithmetic and which metric can be split by what; the numbers come from
readings.

Counts: a member's own difference. Ratios R = N ÷ D with a member's share w = Dᵢ ÷ D and rate r = Nᵢ ÷ Dᵢ, ¯ the mean of
both windows:
    水平 (level)   w̄ · Δr            its own rate moved, weighted by what it weighs
    结构 (mix)     (r̄ − R̄) · Δw      weight moved to or away from a member better or worse than the whole Since Σw = 1
in both windows, Σ(level + mix) = ΔR whatever R̄ is. A member's whole effect is Δ(Nᵢ ÷ D) − R̄ · Δw, which is also
defined where it has no denominator: one that appears or vanishes has no rate of its own to compare and is all mix; one
with a numerator and no denominator is all level. The mean weights treat both windows alike: asked the other way round,
every piece changes sign.

What the members do not explain is a piece of its own, never spread over them: rows that belong to no member (归属待核),
persons of places that are not listed by themselves (其余合计), things counted under several members (重复计数)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from warehouse.catalog import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, below
from warehouse.compile.reading import DISTRICT, STATUS_LABELS, Place
from warehouse.query.aggregates import Figure, Figures, Only
from warehouse.query.places import NOBODY
from warehouse.query.windows import Against, evening

Pair = tuple[float, float]
"""Numerator and denominator; the denominator of a count is 0."""
Sides = tuple[Pair, Pair]
"""The earlier window's and this one's."""
Kind = Literal["part", "unplaced", "hidden", "twice"]
WORDS = {"unplaced": "归属待核", "hidden": "不单列", "twice": "重复计数"}

SUMS = {
    "sum",
    "count",
    "coalesce",
    "filter",
    "and",
    "or",
    "in",
    "day",
    "list_sum",
    "list_transform",
    "list_sort",
    "list",
    "struct_pack",
}
"""What a numerator or denominator may be made of for its parts to be parts: a median or a maximum of parts says nothing
of the whole."""
MOST_TWICE = 0.1
"""Share of a whole that may be counted under several members before a split would mislead."""
DUST = 1e-11
"""Relative size below which what is left over is the rounding of floats."""


@dataclass(frozen=True)
class Piece:
    """One member's part of a change, in the metric's stored unit: amount = level + mix (mix 0 for a count). then, now:
    its numerator and denominator. kind: part · unplaced (归属待核) · hidden (不单列) · twice (重复计数)."""

    label: str
    code: str
    kind: Kind
    amount: float
    level: float
    then: Pair
    now: Pair

    @property
    def mix(self) -> float:
        return self.amount - self.level


@dataclass(frozen=True)
class Change:
    """before + Σ amount = after, but for the rounding of floats (1e-9). pieces: largest first. spans: the days of both
    windows, the earlier first; equally many unless calendar months differ."""

    by: str
    against: Against
    is_ratio: bool
    before: float
    after: float
    spans: tuple[Span, Span]
    pieces: tuple[Piece, ...]

    @property
    def mix(self) -> float:
        """What shifting weights did, all members together."""
        return sum(piece.mix for piece in self.pieces)


@dataclass(frozen=True)
class NoSplit:
    """Why there are no parts that add up, in Chinese."""

    reason: str


def explain(
    book: Figures,
    metric_id: str,
    window: str | None = None,
    at: str | None = None,
    place: str = DISTRICT,
    by: str = "town",
    against: Against = "previous",
    only: Only = (),
) -> Change | NoSplit:
    """The change of a metric at a place from the window before (or a year before) to this one, by a dimension.

    Raises UsageError for an unknown metric, window, place or filter, or a dimension it cannot be split by; NoSplit says
    why numbers that exist do not divide."""
    metric, spot = metrics.metric(metric_id), book.place(place)
    if metric.kind == "now":
        return NoSplit("该指标只看当前时刻，没有可比的上期")
    if not adds(metric):
        return NoSplit("该指标不是和或计数，各部分不能相加成总数")
    if spot == book.home and not book.is_counted_at_home(metric):
        return NoSplit("本指标没有按范围合计的数，不作分解")
    name = window if window in metric.windows else metric.windows[0]
    spans = book.spans(metric, name, at, against)
    by_place = _is_of_persons_by_place(metric, by)
    if by_place and (why := _no_places(book, metric, name, spans[1])):
        return NoSplit(why)
    begins = book.begins(metric)
    if begins is not None and spans[0].first < begins:
        return NoSplit(f"数据自 {begins} 起，对比期只有一部分，不作分解")
    if book.is_before_all(metric, name, spans[0]):
        return NoSplit("对比期未上报，不作分解")
    if book.is_part_of_a_whole(metric, name, spans[1]):
        return NoSplit("当天尚未结束，不与整日比较" if name == "day" else "本期尚未结束，不与整期比较")
    factor = evening(metric, *spans)  # a sum over more days than ours counts as its mean a day
    totals = [book.whole(metric, name, item, spot, only) for item in spans]
    totals[0] = _scaled(totals[0], factor)
    values = [book.value(metric, *total) for total in totals]
    for (amount, status), words in zip(values, ("对比期", "本期"), strict=True):
        if amount is None:
            return NoSplit(f"{words}{STATUS_LABELS[status]}，不作分解")
    then, now = _members(book, metric, name, spans, spot, by, only)
    then = {code: _scaled(figure, factor) for code, figure in then.items()}
    for members, total, words in ((then, totals[0], "对比期"), (now, totals[1], "本期")):
        if not members and any(_pair(total)) and not by_place:
            return NoSplit(f"{words}没有按此维度留存的数据，不作分解")
    pieces = _pieces(
        metric, (_pair(totals[0]), _pair(totals[1])), then, now, lambda code: book.member(metric, by, code), by_place
    )
    if isinstance(pieces, NoSplit):
        return pieces
    return Change(by, against, bool(metric.denominator), values[0][0] or 0.0, values[1][0] or 0.0, spans, pieces)


def _is_of_persons_by_place(metric: Metric, by: str) -> bool:
    return metric.person and by in ("town", "company")


def _no_places(book: Figures, metric: Metric, window: str, item: Span) -> str:
    """Why persons of towns and companies cannot be split; "" where they can."""
    if metric.weighs:
        return "镇街、企业的人数只公布平均数，不作分解"
    if window != below(metric) or not book.is_over(window, item):
        period = {"month": "月", "year": "年"}[below(metric)]
        return f"镇街、企业的人数按{period}公布，本期没有可分解的部分；请看已结束的{period}"
    return ""


def _members(
    book: Figures, metric: Metric, window: str, spans: tuple[Span, Span], spot: Place, by: str, only: Only
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    """The figures of the members in both windows. A place whose number of persons is that of an earlier month says
    nothing of this one's change."""
    found = tuple(book.figures(metric, window, item, spot, by, only) for item in spans)
    stale: set[str] = set()
    if _is_of_persons_by_place(metric, by):
        stale = {code for item in spans for code in book.held_from(metric, window, item, by)}
    then, now = ({code: figure for code, figure in side.items() if code not in stale} for side in found)
    return then, now


def _scaled(figure: Figure, factor: float) -> Figure:
    return (figure[0] and figure[0] * factor, *figure[1:])


def adds(metric: Metric) -> bool:
    """True when numerator and denominator are sums or counts, so that parts make a whole."""
    used = set(re.findall(r"([a-z_]+)\s*\(", f"{metric.numerator} {metric.denominator}".lower()))
    return used <= SUMS and "/" not in metric.numerator + metric.denominator


def _pieces(
    metric: Metric,
    whole: Sides,
    then: Mapping[str, Figure],
    now: Mapping[str, Figure],
    label: Callable[[str], str],
    by_place: bool,
) -> tuple[Piece, ...] | NoSplit:
    """All members of either window, and what they leave of the whole. by_place: persons by town or company; one that is
    not listed in one of the windows is in neither: the rest holds it."""
    hidden = {code for side in (then, now) for code, figure in side.items() if figure[2] == -1}
    hidden |= set(then) ^ set(now) if by_place else set()
    members = {code: (_pair(then.get(code)), _pair(now.get(code))) for code in {**now, **then} if code not in hidden}
    rest, twice, is_rest = _rest(whole, list(members.values()))
    if (hidden or by_place) and not members:
        return NoSplit("各部分都不单列，不作分解")
    if not hidden and not by_place and twice > MOST_TWICE:
        return NoSplit(f"同一对象计在几个部分里的占 {twice:.0%}，各部分之和不是总数，不作分解")
    found = [
        _piece(metric, whole, code, part, label) for code, part in members.items() if part != ((0.0, 0.0), (0.0, 0.0))
    ]
    if is_rest:
        kind: Kind = "hidden" if hidden or by_place else "twice" if twice > DUST else "unplaced"
        amount = effect(whole, rest, metric.scale, bool(metric.denominator))[0]
        found.append(Piece(WORDS[kind], "", kind, amount, amount, *rest))
    return tuple(sorted(found, key=lambda piece: (-abs(piece.amount), piece.label)))


def _rest(whole: Sides, members: Sequence[Sides]) -> tuple[Sides, float, bool]:
    """What the members leave of the whole in both windows, the share they claim beyond it, and whether anything is left
    at all."""
    rest = tuple(
        tuple(whole[side][part] - sum(member[side][part] for member in members) for part in (0, 1)) for side in (0, 1)
    )
    shares = [rest[side][part] / (abs(whole[side][part]) or 1.0) for side in (0, 1) for part in (0, 1)]
    return rest, max(-share for share in shares), any(abs(share) > DUST for share in shares)  # type: ignore[return-value]


def _piece(metric: Metric, whole: Sides, code: str, part: Sides, label: Callable[[str], str]) -> Piece:
    amount, level = effect(whole, part, metric.scale, bool(metric.denominator))
    is_nobody = code in NOBODY
    return Piece(label(code), "" if is_nobody else code, "unplaced" if is_nobody else "part", amount, level, *part)


def effect(whole: Sides, part: Sides, scale: float = 1.0, is_ratio: bool = True) -> tuple[float, float]:
    """(amount, level) of one member, in the metric's unit. Each pair is (then, now); the whole's denominators must not
    be 0 for a ratio."""
    ((n0, d0), (n1, d1)), ((all_n0, all_d0), (all_n1, all_d1)) = part, whole
    if not is_ratio:
        return scale * (n1 - n0), scale * (n1 - n0)
    had, has = d0 / all_d0, d1 / all_d1
    amount = n1 / all_d1 - n0 / all_d0 - (all_n0 / all_d0 + all_n1 / all_d1) / 2 * (has - had)
    if d0 > 0 and d1 > 0:
        level = (had + has) / 2 * (n1 / d1 - n0 / d0)
    else:
        level = 0.0 if (n0, d0) == (0.0, 0.0) or (n1, d1) == (0.0, 0.0) else amount
    return scale * amount, scale * level


def _pair(figure: Figure | None) -> Pair:
    return (figure[0] or 0.0, figure[1] or 0.0) if figure else (0.0, 0.0)
