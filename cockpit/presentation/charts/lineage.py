"""Where the boxes of a lineage picture stand and which lines join them. Pure: nodes → places and one SVG; draws no box
and knows no state."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cockpit.presentation.theme import LIGHT, Theme
from warehouse.insight.lineage import Node

COLUMNS = ("metric", "counted", "mart", "staging", "landed", "source")
"""From left to right. The mart that the metric counts stands before those it is made of."""
PITCH, BOX = 58, 46
"""Pixels from one box to the next below it, and the height of a box."""
ROOM = 1.6
"""How many times its pitch a box of a short column may take."""
SWEEPS = 8
SIZE = 1000.0
"""Width of the drawing in its own units; stretched to the width that there is."""
BOX_SHARE = 0.76
"""Part of a column that its boxes take; the rest is for lines."""


@dataclass(frozen=True)
class Place:
    """column: number from 0 of those that are not empty. top: pixels from the top of the picture to the box's."""

    column: int
    top: float


@dataclass(frozen=True)
class Picture:
    """columns: the kinds of COLUMNS that are not empty. places by node id. height in pixels. A box is `width` wide, a
    column `step`, both as parts of the whole width (0–1)."""

    columns: tuple[str, ...]
    places: Mapping[str, Place]
    height: float
    width: float
    step: float


def column_of(node: Node) -> str:
    """The kind of column that a node stands in."""
    return "counted" if node.is_counted else node.layer


def picture(nodes: Sequence[Node]) -> Picture:
    """Places of all nodes: columns by layer, in each the order in which lines cross least; landed tables of one source
    stay together."""
    order = _ordered(nodes)
    kinds = tuple(order)
    height = max(len(column) for column in order.values()) * PITCH
    places = {}
    for number, column in enumerate(order.values()):
        pitch = min(height / len(column), PITCH * ROOM)
        for row, identifier in enumerate(column):
            places[identifier] = Place(number, row * pitch + (PITCH - BOX) / 2)
    step = 1 / (len(COLUMNS) - 1 + BOX_SHARE)
    return Picture(kinds, places, height, step * BOX_SHARE, step)


def _ordered(nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Column → ids from top to bottom: again and again each node goes to the middle of those it is joined to."""
    by_id = {node.id: node for node in nodes}
    columns = {kind: [node.id for node in nodes if column_of(node) == kind] for kind in COLUMNS}
    columns = {kind: column for kind, column in columns.items() if column}
    joined: dict[str, list[str]] = {node.id: [] for node in nodes}
    for node in nodes:
        for below in node.reads:
            joined[node.id].append(below)
            joined[below].append(node.id)
    height = {identifier: row / len(column) for column in columns.values() for row, identifier in enumerate(column)}

    def middle(identifier: str) -> float:
        around = joined[identifier]
        return sum(height[other] for other in around) / len(around) if around else height[identifier]

    for _ in range(SWEEPS):
        for kind, column in columns.items():
            wanted = {identifier: middle(identifier) for identifier in column}
            if kind == "landed":
                # the tables of one source are one block, so that its lines do not cross those of another
                mean = {
                    source: _mean([wanted[one] for one in column if source in by_id[one].reads])
                    for one in column
                    for source in by_id[one].reads
                }
                column.sort(key=lambda one: (mean[by_id[one].reads[0]], by_id[one].reads[0], wanted[one], one))
            else:
                column.sort(key=lambda one: (wanted[one], one))
            height.update({identifier: row / len(column) for row, identifier in enumerate(column)})
    return columns


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def lines(nodes: Sequence[Node], drawn: Picture, theme: Theme = LIGHT) -> str:
    """The lines between the boxes as an SVG data URI to lie behind them; those to the tables that tell the metric's
    data time are stronger."""
    timed = {node.id for node in nodes if node.is_timed}
    plain = "".join(
        _line(drawn, node.id, below)
        for node in nodes
        for below in node.reads
        if below not in timed and node.id not in timed
    )
    strong = "".join(
        _line(drawn, node.id, below) for node in nodes for below in node.reads if below in timed or node.id in timed
    )
    source = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE:.0f} {drawn.height:.0f}" preserveAspectRatio="none" fill="none">'
        f'<g stroke="{theme["compare"]}" stroke-opacity="0.55" stroke-width="1.1">{plain}</g><g stroke="{theme["fleet-2"]}" stroke-width="1.6">{strong}</g></svg>'
    ).replace("<path ", '<path vector-effect="non-scaling-stroke" ')
    return f"data:image/svg+xml;base64,{b64encode(source.encode()).decode()}"


def _line(drawn: Picture, reader: str, read: str) -> str:
    """From a box to what it reads: to the right as a rule, around the column's edge within a column, back where a
    cleaned table reads a mart."""
    a, b = drawn.places[reader], drawn.places[read]
    y1, y2 = a.top + BOX / 2, b.top + BOX / 2
    left, wide, gap = drawn.step * SIZE, drawn.width * SIZE, (drawn.step - drawn.width) * SIZE
    if a.column == b.column:
        x = a.column * left + wide
        return (
            f'<path d="M{x:.1f},{y1:.1f}C{x + gap * 0.8:.1f},{y1:.1f} {x + gap * 0.8:.1f},{y2:.1f} {x:.1f},{y2:.1f}"/>'
        )
    x1, x2 = (
        (a.column * left + wide, b.column * left) if a.column < b.column else (a.column * left, b.column * left + wide)
    )
    bend = gap * 0.6 if a.column < b.column else -gap * 0.6
    return f'<path d="M{x1:.1f},{y1:.1f}C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"/>'
