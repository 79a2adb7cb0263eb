"""The small town map: one coloured, clickable area a town, its outline and name. HTML and CSS only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import townmap
from cockpit.presentation.theme import LIGHT, Theme
from cockpit.presentation.tiles.attributes import aria
from warehouse.compile.reading import NEUTRAL, Reading

STEPS = 5
"""Shades of a metric without judgement, from few to many."""
SUFFIXES = ("街道", "镇", "乡")


def town_map(
    readings: Sequence[Reading],
    *,
    decimals: int = 0,
    href: Callable[[Reading], str] | None = None,
    chosen: str = "",
    theme: Theme = LIGHT,
) -> Component | None:
    """Map of the readings by town; None when the outlines are not there. `chosen`: code of the town to frame.

    Metrics judged with authority take good, warn, bad; others shades by rank. A town without a value is hatched and says why; one that no reading
    is of is an outline without a word."""
    shapes = townmap.load()
    if shapes is None:
        return None
    by_code = {r.place.code: r for r in readings}
    by_name = {r.place.label: r for r in readings}
    areas, names = [], []
    for town in shapes.towns:
        item = by_code.get(town.code) or by_name.get(town.name)
        areas.append(_area(town, item, _look(item, readings), decimals, href, chosen))
        names += [_name(town, item, decimals)] if item is not None else []
    lines = html.Img(src=townmap.outlines(shapes, theme["map-edge"]), className="map-lines", alt="")
    # the box keeps the district's proportions and fits into the card whatever its shape
    frame = html.Div([*areas, lines, *names], className="map-box", style={"aspectRatio": f"{shapes.aspect:.4f}"})
    return html.Div([frame, *borders_note(shapes)], className="town-map")


def borders_note(shapes: townmap.TownMap) -> list[Component]:
    """The line below a map whose borders are approximate."""
    return [html.P(texts.APPROXIMATE, className="map-rough")] if shapes.is_approximate else []


def _look(item: Reading | None, readings: Sequence[Reading]) -> str:
    if item is None or item.value is None:
        return "map-none"
    if item.tone not in NEUTRAL:
        return f"map-{item.tone}"
    below = sum(1 for r in readings if r.value is not None and r.value < item.value)
    known = sum(1 for r in readings if r.value is not None)
    return f"map-shade-{min(STEPS - 1, below * STEPS // max(1, known))}"


def _area(
    town: townmap.Town,
    item: Reading | None,
    look: str,
    decimals: int,
    href: Callable[[Reading], str] | None,
    chosen: str,
) -> Component:
    style = {"clipPath": townmap.clip_path(town)}
    picked = " map-chosen" if chosen and item is not None and item.place.code == chosen else ""
    if item is None:
        return html.Div(className=f"map-area {look}", style=style)
    words = f"{town.name} {fmt.reading(item, decimals)}"
    if href is None:
        return html.Div(className=f"map-area {look}{picked}", style=style, title=words)
    # names lie above the areas, so the link itself carries the spoken text
    spoken = html.Span(words, className="unseen")
    return dcc.Link(spoken, href=href(item), className=f"map-area {look}{picked}", style=style, title=words)


def _name(town: townmap.Town, item: Reading, decimals: int) -> Component:
    short = town.name
    for suffix in SUFFIXES:
        short = short.removesuffix(suffix)
    text = fmt.reading(item, decimals).text if item.value is not None else "·"
    x, y = town.label
    return html.Span(
        [short, html.B(text)], className="map-name", style={"left": f"{x}%", "top": f"{y}%"}, **aria(hidden="true")
    )
