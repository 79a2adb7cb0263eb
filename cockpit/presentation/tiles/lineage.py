"""A lineage picture: boxes that are links, lines behind them, a list with indents where the screen is narrow. One tree
of elements for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import texts
from cockpit.presentation.charts import lineage
from cockpit.presentation.theme import LIGHT, Theme
from cockpit.presentation.tiles.attributes import aria
from warehouse.insight.lineage import Node

HEADS = {
    "metric": "指标",
    "counted": "统计表",
    "mart": "中间表",
    "staging": "清洗表",
    "landed": "落地表",
    "source": "来源系统",
}
DEEPEST = 6
"""Indents of the list; what lies deeper stands at the same."""


@dataclass(frozen=True)
class State:
    """How a box stands. tone: a word of texts.GLYPHS; words: in short; told: more, on hover."""

    tone: str
    words: str
    detail: str = ""


def tree(
    nodes: Sequence[Node], states: Mapping[str, State], hrefs: Mapping[str, str], theme: Theme = LIGHT
) -> Component:
    """The picture. nodes as of lineage.of(), the metric first; states and hrefs by node id, a node without href is no
    link."""
    drawn = lineage.picture(nodes)
    depths, by_id = _depths(nodes), {node.id: node for node in nodes}
    heads = [
        html.Span(HEADS[kind], className="line-head", style={"left": f"{number * drawn.step:.2%}"})
        for number, kind in enumerate(drawn.columns)
    ]
    boxes = [
        _box(
            node,
            states[node.id],
            hrefs.get(node.id, ""),
            drawn,
            depths[node.id],
            [by_id[below].label for below in node.reads],
        )
        for node in nodes
    ]
    picture = html.Div(
        [
            html.Img(src=lineage.lines(nodes, drawn, theme), className="line-lines", alt=""),
            html.Ul(boxes, className="line-boxes"),
        ],
        className="line-picture",
        style={"--tall": f"{drawn.height:.0f}px", "--wide": f"{drawn.width:.3%}"},
    )
    return html.Div([html.Div(heads, className="line-heads", **aria(hidden="true")), picture], className="line-frame")


def mark(state: State) -> Component:
    """Glyph and word of a state in its colour."""
    return html.Span(
        [html.Span(texts.GLYPHS[state.tone], className="glyph", **aria(hidden="true")), state.words],
        className=f"line-state line-{state.tone}",
        title=state.detail or None,
    )


def _box(node: Node, state: State, href: str, drawn: lineage.Picture, depth: int, reads: Sequence[str]) -> Component:
    place = drawn.places[node.id]
    name = [html.Small(node.name, className="mono")] if node.name else []
    timed = [html.Span("◆", className="line-timed", title="该指标的数据时间由此表决定")] if node.is_timed else []
    # the lines are a picture; who does not see it reads in words what a box is made of
    made = html.Span(f"取自：{'、'.join(reads)}", className="line-reads") if reads else None
    # which source a table is of stands in the last column
    short = (node.label.partition("·")[2] if node.layer == "landed" else "") or node.label
    inner = [
        html.Span([*timed, short], className="line-label"),
        html.Span([mark(state), *name], className="line-foot"),
        *([made] if made else []),
    ]
    title = "\n".join(filter(None, (f"{node.label} {node.name}".strip(), state.detail or state.words)))
    body = (
        dcc.Link(inner, href=href, className="line-body", title=title)
        if href
        else html.Div(inner, className="line-body", title=title)
    )
    style = {
        "--left": f"{place.column * drawn.step:.3%}",
        "--top": f"{place.top:.0f}px",
        "--indent": str(min(depth, DEEPEST)),
    }
    return html.Li(body, className=f"line-box is-{node.layer} line-edge-{state.tone}", style=style)


def _depths(nodes: Sequence[Node]) -> dict[str, int]:
    """How far each node is below the metric on the way on which the list meets it first."""
    found: dict[str, int] = {}
    for node in nodes:
        found.setdefault(node.id, 0)
        for below in node.reads:
            found.setdefault(below, found[node.id] + 1)
    return found
