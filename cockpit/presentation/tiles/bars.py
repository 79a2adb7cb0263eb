"""Bars by place: name, bar with a tick at the target, value, change. HTML and CSS, so wall and paper use them too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.kpi import delta_mark
from warehouse.compile.reading import Reading

FLOOR_SHARE = 0.12
"""Rates close together start their bars above zero: the lowest still gets this share of the width, and it is said."""


def bars(
    readings: Sequence[Reading],
    *,
    decimals: int = 0,
    href: Callable[[Reading], str] | None = None,
    limit: int = 0,
    chosen: str = "",
) -> Component:
    """Rows ordered best first (largest first for context metrics); places without a value come last with their words.

    `href`: where a row leads, None → plain rows. `limit` 0 = all. `chosen`: place code to mark."""
    rows = ordered(readings)[: limit or None]
    low, high = scale(readings)
    changes = any(fmt.delta(r.value, r.previous, r.unit).known for r in rows)
    lines = [_row(item, decimals, (low, high), href(item) if href else "", item.place.code == chosen) for item in rows]
    return html.Div(lines, className="bars" if changes else "bars bars-plain", role="list")


def starts_at(readings: Sequence[Reading]) -> str:
    """ "条形自 92% 起" when the bars do not start at zero, else ""."""
    low, _ = scale(readings)
    return f"条形自 {low * 100:.0f}% 起" if low > 0 else ""


def ordered(readings: Sequence[Reading]) -> list[Reading]:
    """Best first; unknown last, by name."""
    known = [r for r in readings if r.value is not None]
    known.sort(key=lambda r: (r.value or 0.0, r.place.label), reverse=known[0].better != "down" if known else True)
    return known + sorted((r for r in readings if r.value is None), key=lambda r: r.place.label)


def scale(readings: Sequence[Reading]) -> tuple[float, float]:
    """Value at the bar's left and right end. From zero, except for ratios crowded near the top (lowest over 60 %)."""
    known = [r.value for r in readings if r.value is not None]
    goals = [r.target.green for r in readings if r.target is not None]
    if not known:
        return 0.0, 1.0
    high, low = max(known + goals), min(known + goals)
    crowded = bool(readings) and readings[0].unit == "ratio" and low > 0.6 and high > low
    if not crowded:
        return 0.0, high or 1.0
    return max(0.0, low - (high - low) * FLOOR_SHARE / (1 - FLOOR_SHARE)), high


def _row(item: Reading, decimals: int, ends: tuple[float, float], href: str, chosen: bool) -> Component:
    shown = fmt.reading(item, decimals)
    cells = [
        html.Span(item.place.label, className="bar-name", title=item.place.label),
        _track(item, *ends),
        html.Span(
            [shown.text, html.Small(shown.unit)] if item.value is not None else shown.text,
            className="bar-value" if item.value is not None else "bar-value bar-state",
            title=fmt.parts(item) or None,
        ),
        delta_mark(fmt.delta(item.value, item.previous, item.unit, item.better, decimals), item),
    ]
    classes = f"bar is-{item.status} {f'is-{item.tone}' if item.tone else ''}".strip()
    if chosen:
        classes += " is-chosen"
    inner = dcc.Link(cells, href=href, className=classes) if href else html.Div(cells, className=classes)
    return html.Div(inner, role="listitem", className="bar-item")


def _track(item: Reading, low: float, high: float) -> Component:
    marks: list[Component] = []
    if item.value is not None:
        marks.append(html.Span(className="bar-fill", style={"width": f"{_share(item.value, low, high):.1f}%"}))
    if item.target is not None:
        marks.append(html.Span(className="bar-goal", style={"left": f"{_share(item.target.green, low, high):.1f}%"}))
    return html.Span(marks, className="bar-track")


def _share(value: float, low: float, high: float) -> float:
    return 0.0 if high <= low else max(0.0, min(1.0, (value - low) / (high - low))) * 100
