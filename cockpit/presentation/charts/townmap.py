"""Outlines of the towns as plain geometry for a small map made of HTML and CSS: no tiles, no WebGL, no other host.

Reads assets/geo/towns.geojson once. Coordinates become per cent of a box that keeps the district's true proportions.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from cockpit.presentation.assets import ASSETS

TOWNS = ASSETS / "geo" / "towns.geojson"
TOLERANCE = 0.0012
"""Degrees, about 120 m: invisible at the size of a card, and a tenth of the points."""
WIDE, SMALLEST, ROOM = 1.5, 0.02, 1.12
"""A framed box: width ÷ height, least half height in degrees, and how much wider than its points."""
CODE_KEYS = ("code", "adcode", "town_code", "id")
NAME_KEYS = ("label", "name", "town")


@dataclass(frozen=True)
class Town:
    """One town. rings: outer rings as (x, y) per cent of the box, y downwards; label: where its name stands."""

    code: str
    name: str
    rings: tuple[tuple[tuple[float, float], ...], ...]
    label: tuple[float, float]


@dataclass(frozen=True)
class TownMap:
    """All towns, the box's width ÷ height, and its edges: west, south, east, north in degrees (WGS-84). is_approximate: the
    borders are drawn up, not surveyed, and every map says so."""

    towns: tuple[Town, ...]
    aspect: float
    bounds: tuple[float, float, float, float]
    is_approximate: bool = False

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Where a position lies, (x, y) per cent of the box, y downwards; outside of 0–100 it is not in the box."""
        west, south, east, north = self.bounds
        return round((lon - west) / (east - west) * 100, 2), round((north - lat) / (north - south) * 100, 2)

    def framed(self, points: Sequence[tuple[float, float]]) -> TownMap:
        """The same towns in a box around these (lon, lat) points, with room at the edges and never smaller than a few
        kilometres."""
        lons, lats = [p[0] for p in points], [p[1] for p in points]
        middle = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
        narrow = math.cos(math.radians(middle[1]))
        half = max((max(lats) - min(lats)) / 2, (max(lons) - min(lons)) / 2 * narrow / WIDE, SMALLEST) * ROOM
        box = TownMap(
            (),
            WIDE,
            (middle[0] - half * WIDE / narrow, middle[1] - half, middle[0] + half * WIDE / narrow, middle[1] + half),
        )
        west, south, east, north = self.bounds

        def moved(x: float, y: float) -> tuple[float, float]:
            return box.at(west + x / 100 * (east - west), north - y / 100 * (north - south))

        towns = tuple(
            Town(t.code, t.name, tuple(tuple(moved(*point) for point in ring) for ring in t.rings), moved(*t.label))
            for t in self.towns
        )
        return TownMap(towns, box.aspect, box.bounds, self.is_approximate)


def load(path: Path = TOWNS) -> TownMap | None:
    """The town map, None when the file is not there or holds no town."""
    return _load(path, path.stat().st_mtime_ns) if path.exists() else None


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int) -> TownMap | None:
    features = json.loads(path.read_text(encoding="utf-8")).get("features", [])
    shapes = [(f["properties"], shape(f["geometry"])) for f in features]
    if not shapes:
        return None
    west, south, east, north = unary_union([s for _, s in shapes]).bounds
    # a degree of longitude is shorter than one of latitude
    narrow = math.cos(math.radians((south + north) / 2))

    bare = TownMap((), (east - west) * narrow / (north - south), (west, south, east, north))
    return TownMap(
        tuple(_town(facts, area, bare.at) for facts, area in shapes),
        bare.aspect,
        bare.bounds,
        any(facts.get("approximate") for facts, _ in shapes),
    )


def _town(facts: Mapping[str, Any], area: BaseGeometry, place: Any) -> Town:
    outline = area.simplify(TOLERANCE)
    polygons = [outline] if isinstance(outline, Polygon) else list(getattr(outline, "geoms", []))
    rings = tuple(tuple(place(*point[:2]) for point in p.exterior.coords) for p in polygons if not p.is_empty)
    inside = area.representative_point()
    return Town(_first(facts, CODE_KEYS), _first(facts, NAME_KEYS), rings, place(inside.x, inside.y))


def _first(facts: Mapping[str, Any], keys: Sequence[str]) -> str:
    return next((str(facts[key]) for key in keys if facts.get(key)), "")


def clip_path(town: Town) -> str:
    """The town's area as a CSS clip-path: its rings joined at the first point, so one link covers all parts."""
    start = town.rings[0][0]
    points = [point for ring in town.rings for point in (*ring, start)]
    return f"polygon({','.join(f'{x}% {y}%' for x, y in points)})"


def outlines(towns: TownMap, colour: str) -> str:
    """Only the border lines, as an SVG data URI to lie over the coloured areas."""
    paths = "".join(
        f'<path d="M{" ".join(f"{x * 10:.0f},{y * 10:.0f}" for x, y in ring)}Z"/>'
        for town in towns.towns
        for ring in town.rings
    )
    source = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 1008 1008" preserveAspectRatio="none">'
        f'<g fill="none" stroke="{colour}" stroke-width="1.2" stroke-linejoin="round" '
        f'vector-effect="non-scaling-stroke">{paths}</g></svg>'
    ).replace("<path ", '<path vector-effect="non-scaling-stroke" ')
    return f"data:image/svg+xml;base64,{b64encode(source.encode()).decode()}"
