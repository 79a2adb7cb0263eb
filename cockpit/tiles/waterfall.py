"""为什么变了: from the former value to this one in steps that add up. HTML and CSS, so it prints and scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit import format as fmt
from cockpit.figures.contribution import Change, Contribution, shortened

MOST = 6
HEADROOM = 0.16
"""Share of the drawn span left free at both ends, for the labels."""


def waterfall(
    change: Change, *, unit: str, decimals: int, better: str, ends: tuple[str, str], href: Callable[[str], str] | None = None
) -> Component:
    """`ends`: names of the former and this period. `href`: where a place's step leads, by its code."""
    steps = shortened(change, MOST)
    levels = [change.before]
    for step in steps:
        levels.append(levels[-1] + step.amount)
    low, high = min(levels), max(levels)
    room = (high - low) * HEADROOM or abs(high) * HEADROOM or 1.0
    # the axis does not start at zero: the steps are the subject; the end columns are drawn open at the foot to say so
    bottom, span = low - room * 1.4, (high - low) + room * 2.6
    columns = [_end(ends[0], change.before, unit, decimals, bottom, span)]
    columns += [
        _step(step, levels[i], unit, decimals, better, bottom, span, href) for i, step in enumerate(steps)
    ]
    columns.append(_end(ends[1], change.now, unit, decimals, bottom, span))
    return html.Div(columns, className="fall", role="list")


def _column(label: Component | str, bar: Component, number: Component, link: str) -> Component:
    body = [html.Div([bar, number], className="fall-plot"), html.Span(label, className="fall-label")]
    inner = dcc.Link(body, href=link, className="fall-column") if link else html.Div(body, className="fall-column")
    return html.Div(inner, role="listitem", className="fall-item")


def _end(label: str, level: float, unit: str, decimals: int, bottom: float, span: float) -> Component:
    top = (level - bottom) / span * 100
    bar = html.Span(className="fall-bar fall-end", style={"bottom": "0", "height": f"{top:.2f}%"})
    number = html.Span(fmt.value(level, unit, decimals).text, className="fall-number fall-strong", style={"bottom": f"{top:.2f}%"})
    return _column(label, bar, number, "")


def _step(
    step: Contribution, start: float, unit: str, decimals: int, better: str, bottom: float, span: float,
    href: Callable[[str], str] | None,
) -> Component:  # fmt: skip
    low, high = sorted((start, start + step.amount))
    foot, height = (low - bottom) / span * 100, (high - low) / span * 100
    tone = "context" if better == "context" else ("good" if (step.amount >= 0) == (better == "up") else "bad")
    bar = html.Span(className=f"fall-bar fall-{tone}", style={"bottom": f"{foot:.2f}%", "height": f"max({height:.2f}%, 2px)"})
    number = html.Span(signed(step.amount, unit, decimals), className="fall-number", style={"bottom": f"{foot + height:.2f}%"})
    return _column(step.label, bar, number, href(step.code) if href and step.code else "")


def signed(amount: float, unit: str, decimals: int) -> str:
    """A piece with its sign, one decimal finer than the metric itself: rounded pieces should still visibly add up."""
    text = fmt.number(abs(amount) * (100 if unit == "ratio" else 1), decimals + (1 if unit == "ratio" or decimals else 0))
    return text if not text.strip("0.,") else f"{'+' if amount > 0 else '−'}{text}"


def sentence(change: Change, unit: str, decimals: int) -> str:
    """The largest movers in words: "仁和街道拉低 0.62,良渚街道拉高 0.41;结构变化 +0.20"."""
    places = sorted((p for p in change.pieces if p.kind == "part" and p.amount), key=lambda p: -abs(p.amount))[:2]
    words = [f"{p.label}{'拉高' if p.amount > 0 else '拉低'} {signed(p.amount, unit, decimals).lstrip('+−')}" for p in places]
    mix: Sequence[Contribution] = [p for p in change.pieces if p.kind == "mix" and p.amount]
    tail = f";结构变化 {signed(mix[0].amount, unit, decimals)}" if mix else ""
    return ",".join(words) + tail
