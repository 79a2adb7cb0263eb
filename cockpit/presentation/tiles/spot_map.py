"""Where something happened: dots and lines over the outlines of the towns. HTML and an SVG image, no tiles, no other
host."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation.charts import townmap
from cockpit.presentation.theme import LIGHT, Theme
from cockpit.presentation.tiles.attributes import data
from cockpit.presentation.tiles.town_map import borders_note


@dataclass(frozen=True)
class Spot:
    """A dot at WGS-84 degrees, None when nobody knows where: it is then left out. tone: good, bad, none or fleet; label: what
    it says when pointed at."""

    lon: float | None
    lat: float | None
    label: str
    tone: str = "fleet"


@dataclass(frozen=True)
class Point:
    """A place on a way at WGS-84 degrees, seconds after its start; is_unseen: there are no data on the way to it."""

    lon: float
    lat: float
    second: float
    is_unseen: bool = False


def spot_map(
    spots: Sequence[Spot], lines: Sequence[Sequence[tuple[float, float]]] = (), theme: Theme = LIGHT
) -> Component | None:
    """The map, None without outlines or without anything inside them. Lines are (lon, lat) points in order."""
    shapes = townmap.load()
    if shapes is None:
        return None
    dots = []
    for spot in spots:
        if spot.lon is None or spot.lat is None:
            continue
        x, y = shapes.at(spot.lon, spot.lat)
        if 0 <= x <= 100 and 0 <= y <= 100:
            dots.append(
                html.Span(className=f"spot spot-{spot.tone}", style={"left": f"{x}%", "top": f"{y}%"}, title=spot.label)
            )
    if not dots and not lines:
        return None
    borders = html.Img(src=townmap.outlines(shapes, theme["map-edge"]), className="map-lines", alt="")
    names = [
        html.Span(
            fmt.town(town.name), className="spot-town", style={"left": f"{town.label[0]}%", "top": f"{town.label[1]}%"}
        )
        for town in shapes.towns
    ]
    drawn = (
        [html.Img(src=_lines(shapes, lines, theme["fleet"]), className="map-lines", alt="行驶轨迹")] if lines else []
    )
    box = html.Div([borders, *names, *drawn, *dots], className="map-box", style={"aspectRatio": f"{shapes.aspect:.4f}"})
    return html.Div([box, *borders_note(shapes)], className="town-map")


def replay(path: Sequence[Point], stops: Sequence[Spot], theme: Theme = LIGHT) -> Component | None:
    """A way with its stops and alarms, dashed where nobody saw it, and a button that goes along it (replay.js). None
    without a way."""
    shapes = townmap.load()
    if shapes is None or len(path) < 2:
        return None
    frame = shapes.framed([(point.lon, point.lat) for point in path])
    places = [(*frame.at(point.lon, point.lat), point) for point in path]
    seen, unseen = _parts(path)
    borders = html.Img(src=townmap.outlines(frame, theme["map-edge"]), className="map-lines", alt="")
    way = html.Img(
        src=_lines(frame, seen, theme["fleet"], unseen), className="map-lines", alt="行驶轨迹，虚线为无数据的路段"
    )
    dots = []
    for spot in stops:
        if spot.lon is not None and spot.lat is not None:
            x, y = frame.at(spot.lon, spot.lat)
            if 0 <= x <= 100 and 0 <= y <= 100:
                dots.append(
                    html.Span(
                        className=f"spot spot-{spot.tone}", style={"left": f"{x}%", "top": f"{y}%"}, title=spot.label
                    )
                )
    truck = html.Span(className="spot spot-truck", style={"left": f"{places[0][0]}%", "top": f"{places[0][1]}%"})
    facts = data(path=";".join(f"{x},{y},{point.second:.0f},{point.is_unseen:d}" for x, y, point in places))
    box = html.Div([borders, way, *dots, truck], className="map-box", style={"aspectRatio": f"{frame.aspect:.4f}"})
    button = html.Button("▶ 回放", type="button", className="button", **data(act="replay"))
    return html.Div(
        [
            html.Div([button, html.Span("", className="replay-clock")], className="card-switch"),
            html.Div([box, *borders_note(shapes)], className="town-map replay-map"),
        ],
        className="replay",
        **facts,
    )


Line = Sequence[tuple[float, float]]


def _parts(path: Sequence[Point]) -> tuple[list[Line], list[Line]]:
    """The lines that were seen, and those between two points of which nobody knows the way."""
    seen: list[list[tuple[float, float]]] = [[]]
    unseen: list[Line] = []
    for before, point in zip([None, *path], path, strict=False):
        if before is not None and point.is_unseen:
            unseen.append([(before.lon, before.lat), (point.lon, point.lat)])
            seen.append([])
        seen[-1].append((point.lon, point.lat))
    return list(seen), unseen


def _lines(shapes: townmap.TownMap, lines: Sequence[Line], colour: str, dashed: Sequence[Line] = ()) -> str:
    paths = "".join(
        '<path d="M'
        + " ".join(f"{x * 10:.0f},{y * 10:.0f}" for x, y in (shapes.at(lon, lat) for lon, lat in line))
        + f'"{style}/>'
        for style, group in (("", lines), (' stroke-dasharray="3 5"', dashed))
        for line in group
        if len(line) > 1
    )
    source = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 1008 1008" preserveAspectRatio="none"><g fill="none" stroke="{colour}" stroke-width="2.4" '
        f'stroke-linejoin="round">{paths}</g></svg>'
    ).replace("<path ", '<path vector-effect="non-scaling-stroke" ')
    return f"data:image/svg+xml;base64,{b64encode(source.encode()).decode()}"
