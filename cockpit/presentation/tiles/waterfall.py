"""为什么变了: from the former value to this one in steps that add up. HTML and CSS, so it prints and scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from warehouse.query.contribution import Change

MOST = 6
NAMED = 2
"""Members that a sentence names on each side."""
HEADROOM = 0.16
"""Share of the drawn span left free at both ends, for the labels."""


def waterfall(
    change: Change,
    *,
    unit: str,
    decimals: int,
    better: str,
    ends: tuple[str, str],
    href: Callable[[str], str] | None = None,
) -> Component:
    """`ends`: names of the former and this period. `href`: where a member's step leads, by its code ("" → nowhere)."""
    steps = shortened(change, MOST)
    levels = [change.before]
    for step in steps:
        levels.append(levels[-1] + step.amount)
    low, high = min(levels), max(levels)
    room = (high - low) * HEADROOM or abs(high) * HEADROOM or 1.0
    # the axis does not start at zero: the steps are the subject; the end columns are drawn open at the foot to say so
    bottom, span = low - room * 1.4, (high - low) + room * 2.6
    columns = [_end(ends[0], change.before, unit, decimals, bottom, span)]
    columns += [_step(step, levels[i], unit, decimals, better, bottom, span, href) for i, step in enumerate(steps)]
    columns.append(_end(ends[1], change.after, unit, decimals, bottom, span))
    return html.Div(columns, className="fall", role="list")


def _column(label: Component | str, bar: Component, number: Component, link: str) -> Component:
    body = [html.Div([bar, number], className="fall-plot"), html.Span(label, className="fall-label")]
    inner = dcc.Link(body, href=link, className="fall-column") if link else html.Div(body, className="fall-column")
    return html.Div(inner, role="listitem", className="fall-item")


def _end(label: str, level: float, unit: str, decimals: int, bottom: float, span: float) -> Component:
    top = (level - bottom) / span * 100
    bar = html.Span(className="fall-bar fall-end", style={"bottom": "0", "height": f"{top:.2f}%"})
    number = html.Span(
        fmt.value(level, unit, decimals).text, className="fall-number fall-strong", style={"bottom": f"{top:.2f}%"}
    )
    return _column(label, bar, number, "")


def _step(
    step: Step,
    start: float,
    unit: str,
    decimals: int,
    better: str,
    bottom: float,
    span: float,
    href: Callable[[str], str] | None,
) -> Component:
    low, high = sorted((start, start + step.amount))
    foot, height = (low - bottom) / span * 100, (high - low) / span * 100
    tone = "context" if better == "context" else ("good" if (step.amount >= 0) == (better == "up") else "bad")
    bar = html.Span(
        className=f"fall-bar fall-{tone}", style={"bottom": f"{foot:.2f}%", "height": f"max({height:.2f}%, 2px)"}
    )
    number = html.Span(
        signed(step.amount, unit, decimals), className="fall-number", style={"bottom": f"{foot + height:.2f}%"}
    )
    return _column(step.label, bar, number, href(step.code) if href and step.code else "")


def signed(amount: float, unit: str, decimals: int) -> str:
    """A piece with its sign, one decimal finer than the metric itself: rounded pieces should still visibly add up."""
    text = fmt.number(
        abs(amount) * (100 if unit == "ratio" else 1), decimals + (1 if unit == "ratio" or decimals else 0)
    )
    return text if not text.strip("0.,") else f"{'+' if amount > 0 else '−'}{text}"


@dataclass(frozen=True)
class Step:
    """One column between the ends, in the metric's stored unit. kind: that of a piece, or "rest" (several members),
    "mix" (结构变化)."""

    label: str
    amount: float
    kind: str = "part"
    code: str = ""


def shortened(change: Change, most: int) -> list[Step]:
    """At most `most` members by size of their level effect, falling ones first, then rising; the others as one 其余;
    then what no member explains; 结构变化 of all together last. Their sum is the whole change."""
    parts = sorted((p for p in change.pieces if p.kind == "part"), key=lambda p: -abs(p.level))
    named = [p for p in parts[:most] if p.level]
    shown = [Step(p.label, p.level, "part", p.code) for p in sorted(named, key=lambda p: p.level)]
    rest = parts[len(named) :]
    if rest:
        shown.append(Step(f"其余 {len(rest)} 个", sum(p.level for p in rest), "rest"))
    shown += [Step(p.label, p.level, p.kind) for p in change.pieces if p.kind != "part"]
    return [*shown, Step("结构变化", change.mix, "mix")] if change.is_ratio else shown


def sentence(change: Change, unit: str, decimals: int) -> str:
    """The change in words, made by rule: "良渚街道拉升 0.41 个百分点，仁和街道拉低 0.62 个百分点；结构变化 +0.20 个百分点". What
    would print as nothing is not named; "" when nothing is left to name."""

    def written(amount: float) -> str:
        return f"{signed(amount, unit, decimals).lstrip('+−')} {label}"

    label = "个百分点" if unit == "ratio" else unit

    parts = [p for p in change.pieces if p.kind == "part" and signed(p.level, unit, decimals)[0] in "+−"]
    rising = sorted((p for p in parts if p.level > 0), key=lambda p: -p.level)[:NAMED]
    falling = sorted((p for p in parts if p.level < 0), key=lambda p: p.level)[:NAMED]
    sides = [
        "、".join(f"{p.label}拉升 {written(p.level)}" for p in rising),
        "、".join(f"{p.label}拉低 {written(p.level)}" for p in falling),
    ]
    if change.after < change.before:
        sides.reverse()
    words = ["，".join(side for side in sides if side)]
    words += [
        f"{p.label} {signed(p.amount, unit, decimals)} {label}"
        for p in change.pieces
        if p.kind != "part" and signed(p.amount, unit, decimals)[0] in "+−"
    ]
    if change.is_ratio and signed(change.mix, unit, decimals)[0] in "+−":
        words.append(f"结构变化 {signed(change.mix, unit, decimals)} {label}")
    return "；".join(word for word in words if word)
