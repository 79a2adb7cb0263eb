"""The stages that a wall's pictures stand on: how large each is and where on it the slots of a scene lie, as one style
sheet. A stage is scaled as a whole, so what is 16 px high on it is as high on the glass as the stage is scaled."""

from __future__ import annotations

import math

from cockpit.wall.big_layouts import BIG
from cockpit.wall.layouts import SCENES, Layout

STAGES = {"hd": (1920, 1080), "wide": (3840, 1080), "ultra": (5760, 1080)}
"""Shape → width and height in px; assets/js/wall/wall.js picks the one that is nearest to a window."""
ZOOM = {"normal": 1.0, "big": 1.5}
"""Type → how much larger everything is drawn: its stages are as much smaller, and fewer lines stand on them."""
SMALLEST_PX = 16
"""No text on a stage is smaller."""
CORNERS = {"left top": "align-self: start; justify-self: start", "left bottom": "align-self: end; justify-self: start"}


def stages(kind: str) -> dict[str, tuple[int, int]]:
    """Shape → width and height of the stage of that type, px."""
    return {shape: (round(wide / ZOOM[kind]), round(high / ZOOM[kind])) for shape, (wide, high) in STAGES.items()}


def nearest(kind: str, wide: float, high: float) -> tuple[int, int]:
    """The stage that a window of that size shows, as wall.js picks it."""
    return min(stages(kind).values(), key=lambda stage: abs(math.log(wide / high / (stage[0] / stage[1]))))


def style() -> str:
    """The style sheet of all layouts. A slot stands in the area of its own name; one that a layout does not name is
    away."""
    rules = [
        f"{_stage(kind, shape)} {{ width: {wide}px; height: {high}px; }}"
        for kind in ZOOM
        for shape, (wide, high) in stages(kind).items()
    ]
    for name, scene in SCENES.items():
        for kind, layouts in (("normal", scene.layouts), ("big", BIG[name])):
            for shape, layout in layouts.items():
                rules += _rules(f'{_stage(kind, shape)}[data-scene="{name}"]', layout)
    return "\n".join(rules) + "\n"


def _stage(kind: str, shape: str) -> str:
    return f'#stage[data-type="{kind}"][data-layout="{shape}"]'


def _rules(stage: str, layout: Layout) -> list[str]:
    areas = " ".join(f'"{row}"' for count, row in layout.rows for _ in range(count))
    tracks = sum(count for count, _ in layout.rows)
    rules = [
        f"{stage} main {{ grid-template: none; grid-template-areas: {areas}; grid-template-columns: {layout.columns}; grid-template-rows: repeat({tracks}, minmax(0, 1fr)); }}"
    ]
    placed = {area for _, row in layout.rows for area in row.split()}
    rules += [
        f'{stage} main > [data-area="{area}"] {{ display: grid; grid-area: {area}; }}'
        for area in sorted(placed - {"map"})
    ]
    rules += [
        f'{stage} main > [data-area="{area}"] {{ display: grid; grid-area: map; {CORNERS[corner]}; }}'
        for area, corner in layout.over.items()
    ]
    if "map" in placed:
        rules.append(f"{stage} main > #map {{ display: block; grid-area: map; }}")
    return rules
