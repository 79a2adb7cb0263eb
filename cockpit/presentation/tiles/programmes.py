"""The six programmes as bars: score against the time that has passed. Pure; asks nobody anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.attributes import aria
from warehouse.compile.reading import STATUS_LABELS
from warehouse.query.programmes import Programme


def strip(programmes: Sequence[Programme], href: Callable[[int], str] | None = None) -> Component:
    """Six cards in the announcement's order; a programme without any number says so. `href`: where a programme's name
    leads."""
    return html.Section(
        [_card(programme, href) for programme in programmes], className="programmes", **aria(label="六大工程得分")
    )


def _card(programme: Programme, href: Callable[[int], str] | None) -> Component:
    name = dcc.Link(programme.label, href=href(programme.number)) if href else programme.label
    head = html.Div(
        [
            html.Span(texts.ORDER[programme.number - 1], className="programme-no"),
            html.B(name),
            html.Small(programme.force),
        ],
        className="programme-head",
    )
    if programme.score is None or programme.due is None:
        words = STATUS_LABELS["unconnected"] if programme.status == "unconnected" else "尚无可计分的指标"
        return html.Article([head, html.P(words, className="empty")], className="programme")
    marks = [
        html.I(className="programme-fill", style={"width": f"{programme.score:.1%}"}),
        html.I(className="programme-due", style={"left": f"{programme.due:.1%}"}),
    ]
    bar = html.Div(marks, className="programme-bar", **aria(hidden="true"))
    stated = sum(item.share is not None for item in programme.items)
    foot = html.Div(
        [
            html.Span(
                [html.Span(fmt.number(round(programme.score * 100)), className="programme-score"), html.Small("%")]
            ),
            html.Small(
                f"序时 {programme.due:.0%} · {fmt.pace(programme.ahead)} · 计分\u00a0{stated}/{len(programme.items)}\u00a0项"
            ),
        ],
        className="programme-foot",
    )
    return html.Article([head, bar, foot], className="programme")
