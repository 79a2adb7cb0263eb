"""Small tables and lists of facts: what entity pages are made of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dash import html
from dash.development.base_component import Component

from cockpit.presentation.tiles.attributes import aria

Cell = Component | str


def table(
    heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: Collection[int] = (), empty: str = "没有记录"
) -> Component:
    """A plain table; `right`: columns of figures, by number from 0. Without rows it says `empty`."""
    if not rows:
        return html.P(empty, className="empty")

    def side(column: int) -> str:
        return "col-figure" if column in right else ""

    head = html.Tr([html.Th(text, className=side(n)) for n, text in enumerate(heads)])
    lines = [html.Tr([html.Td(cell, className=side(n)) for n, cell in enumerate(row)]) for row in rows]
    return scrolled(html.Table([html.Thead(head), html.Tbody(lines)], className="table"))


def scrolled(wide: Component) -> Component:
    """A table that may be wider than its card: it scrolls by finger, mouse and keyboard."""
    return html.Div(wide, className="table-scroll", tabIndex="0", role="group", **aria(label="表格，可左右滚动"))


def facts(pairs: Sequence[tuple[str, Cell | list[Cell]]]) -> Component:
    """Terms and what they are, in as many columns as fit."""
    return html.Dl([html.Div([html.Dt(term), html.Dd(body)]) for term, body in pairs], className="facts")


def flag(label: str, is_on: bool, note: str = "") -> Component:
    """A named yes or no with its reason: "✓ 50辆以上 · 53 辆"."""
    words: list[Cell] = [
        html.Span("✓" if is_on else "✕", className="glyph"),
        label,
        *([html.Small(note)] if note else []),
    ]
    return html.Span(words, className="flag is-on" if is_on else "flag")


def caution(label: str, note: str = "") -> Component:
    """Something that is true and no good sign, with its reason: "! 高风险"."""
    words: list[Cell] = [html.Span("!", className="glyph"), label, *([html.Small(note)] if note else [])]
    return html.Span(words, className="flag is-caution")


def meter(label: str, points: float | None, full: float, note: str = "") -> Component:
    """Points of an item out of its full marks as a bar; None says 无数据."""
    share = 0.0 if points is None else max(0.0, min(1.0, points / full))
    look = (
        "meter-none"
        if points is None
        else "meter-good"
        if share >= 0.9
        else "meter-warn"
        if share >= 0.6
        else "meter-bad"
    )
    stated = "无数据" if points is None else f"{points:.1f} / {full:g}"
    bar = html.Span(html.Span(className=f"meter-fill {look}", style={"width": f"{share:.1%}"}), className="meter-track")
    return html.Div(
        [html.Span(label), bar, html.Span(stated, className="meter-told", title=note or None)], className="meter"
    )
