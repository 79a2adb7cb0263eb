"""The small town map: one coloured, clickable area a town, its outline and name. HTML and CSS only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
    marks: dict[str, Mark] = {}
    for town in shapes.towns:
        item = by_code.get(town.code) or by_name.get(town.name)
        if item is not None:
            known = fmt.reading(item, decimals)
            marks[town.code] = Mark(
                _look(item, readings),
                known.text if item.value is not None else "·",
                str(known),
                href(item) if href else "",
                bool(chosen) and item.place.code == chosen,
            )
    return marked_map(marks, theme=theme)


@dataclass(frozen=True)
class Mark:
    """What the map shows of a town. look: class of its colour (map-good, map-warn, map-bad, map-none, map-shade-n); text:
    under its name; words: in full, after its name; href: where it leads, "" nowhere."""

    look: str
    text: str
    words: str
    href: str = ""
    is_chosen: bool = False


def marked_map(marks: Mapping[str, Mark], *, theme: Theme = LIGHT) -> Component | None:
    """The district with a mark on the towns that have one, by code; the others are outlines without a word. None when
    the outlines are not there."""
    shapes = townmap.load()
    if shapes is None:
        return None
    areas = [_area(town, marks.get(town.code)) for town in shapes.towns]
    names = [_name(town, marks[town.code]) for town in shapes.towns if town.code in marks]
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


def _area(town: townmap.Town, mark: Mark | None) -> Component:
    style = {"clipPath": townmap.clip_path(town)}
    if mark is None:
        return html.Div(className="map-area map-none", style=style)
    words = f"{town.name} {mark.words}"
    look = f"map-area {mark.look}{' map-chosen' if mark.is_chosen else ''}"
    if not mark.href:
        return html.Div(className=look, style=style, title=words)
    # names lie above the areas, so the link itself carries the spoken text
    spoken = html.Span(words, className="unseen")
    return dcc.Link(spoken, href=mark.href, className=look, style=style, title=words)


def _name(town: townmap.Town, mark: Mark) -> Component:
    short = town.name
    for suffix in SUFFIXES:
        short = short.removesuffix(suffix)
    x, y = town.label
    return html.Span(
        [short, html.B(mark.text)], className="map-name", style={"left": f"{x}%", "top": f"{y}%"}, **aria(hidden="true")
    )
