"""Makes `assets/geo/towns.geojson`: twelve approximate towns, each the part of the district nearest to its centre.

`python -m etl.demo.world.world.towns` reads the product's own district outlines and overwrites the towns; nothing runs
it at run time. The borders are a Voronoi partition, not surveyed: every feature says `approximate`."""

from __future__ import annotations

import json
from pathlib import Path

import shapely
from shapely.geometry import MultiPoint, Point, mapping, shape
from shapely.geometry.base import BaseGeometry

from etl.demo.world.places import TOWNS
from etl.demo.world.roads import KM_PER_DEGREE_LAT, KM_PER_DEGREE_LON, NODES

DISTRICT = "330110"
SIMPLIFY_DEGREES = 0.0003
GEO = Path(__file__).resolve().parents[3] / "assets" / "geo"


def _stretch(geometry: BaseGeometry, factor: float) -> BaseGeometry:
    """Scale longitudes, so that nearest in the plane is nearest on the ground."""
    return shapely.transform(geometry, lambda xy: xy * [factor, 1.0])


def partition(outline: BaseGeometry) -> dict[str, BaseGeometry]:
    """Town code → polygon (WGS-84) of the part of `outline` nearest to the town's centre; the parts cover it without
    overlap."""
    factor = KM_PER_DEGREE_LON / KM_PER_DEGREE_LAT
    centres = {node[0]: Point(node[1], node[2]) for node in NODES}
    flat = _stretch(outline, factor)
    points = {code: _stretch(centres[node], factor) for code, _, _, node in TOWNS}
    cells = shapely.voronoi_polygons(MultiPoint(list(points.values())), extend_to=flat).geoms
    owner = {code: next(cell for cell in cells if cell.covers(point)) for code, point in points.items()}
    return {code: _stretch(cell.intersection(flat), 1 / factor) for code, cell in owner.items()}


def main() -> None:
    """Write the file."""
    districts = json.loads((GEO / "districts.geojson").read_text("utf-8"))
    outline = shape(next(f["geometry"] for f in districts["features"] if str(f["properties"]["adcode"]) == DISTRICT))
    parts = partition(outline)
    codes = list(parts)
    # coverage_simplify moves shared borders once, so that neighbours still touch
    simple = shapely.set_precision(shapely.coverage_simplify([parts[c] for c in codes], SIMPLIFY_DEGREES), 0.0001)
    names = {code: name for code, name, _, _ in TOWNS}
    features = [
        {
            "type": "Feature",
            "properties": {"code": c, "name": names[c], "approximate": True},
            "geometry": _rounded(mapping(g)),
        }
        for c, g in zip(codes, simple, strict=True)
    ]
    (GEO / "towns.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, separators=(",", ":")),
        "utf-8",
    )


def _rounded(geometry: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(geometry), parse_float=lambda text: round(float(text), 4))


if __name__ == "__main__":
    main()
