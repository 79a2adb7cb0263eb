"""Several places on one axis: a line each, named at its end. Pure: Points → the figure as Plotly.js reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cockpit.presentation import format as fmt
from cockpit.presentation.charts.trend import Chart, axes, said
from cockpit.presentation.theme import LIGHT, Theme, template
from warehouse.compile.reading import Point

TONES = ("fleet", "member-2", "good", "party", "steel", "warn-2")
"""A colour for each line, in the order in which the places were chosen; no meaning of good or bad is meant by it."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""And a stroke, for whom colours look alike."""
HEIGHT = 360


@dataclass(frozen=True)
class Line:
    """A place's name and its points, oldest first; all lines of a chart are of the same windows."""

    name: str
    points: Sequence[Point]


def figure(lines: Sequence[Line], *, window: str, unit: str, decimals: int = 0, theme: Theme = LIGHT) -> Chart:
    """At most len(TONES) lines; gaps where nothing is known. Values are in stored units, the axis shows % for ratios.
    No lines give an empty chart."""
    chart: Chart = {
        "data": [],
        "layout": {"template": template(theme), "height": HEIGHT, "shapes": [], "annotations": [], "showlegend": True},
    }
    if not lines:
        return chart
    scale = 100.0 if unit == "ratio" else 1.0
    levels: list[float | None] = []
    for line, tone, dash in zip(lines, TONES, DASHES, strict=False):
        ys = [None if point.value is None else point.value * scale for point in line.points]
        levels += ys
        chart["data"].append(
            dict(
                type="scatter",
                x=list(range(len(ys))),
                y=ys,
                mode="lines+markers",
                line={"color": theme[tone], "width": 2.2, "dash": dash},
                marker={"size": 5, "color": theme[tone]},
                customdata=[
                    f"{line.name} {fmt.tick(window, point.win_start)}：<b>{said(point, unit, decimals)}</b>"
                    for point in line.points
                ],
                hovertemplate="%{customdata}<extra></extra>",
                connectgaps=False,
                name=line.name,
            )
        )
    axes(chart, lines[0].points, window, levels, unit)
    return chart
