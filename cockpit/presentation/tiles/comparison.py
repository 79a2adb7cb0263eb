"""A reading as cells of a table in which several stand below each other. Pure."""

from __future__ import annotations

from dash import html

from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import aim, present
from cockpit.presentation.tiles.entities import marks
from cockpit.presentation.tiles.kpi import delta_mark
from cockpit.presentation.tiles.table import Cell
from warehouse.compile.reading import Reading

HEADS = ("数值", "分子 / 分母", "环比", "同比", "目标")


def cells(reading: Reading, decimals: int) -> list[Cell]:
    """Under HEADS; — for what is not known."""
    view = present(reading, decimals)
    year = f"{view.year.signed} {view.year.unit}".strip() if view.year.known else fmt.DASH
    return [
        html.Span([view.text, *marks(reading)], title=view.reason or None),
        view.parts or fmt.DASH,
        delta_mark(view.delta, reading) if view.delta.known else fmt.DASH,
        "持平" if view.year.known and view.year.tone == "flat" else year,
        aim(view),
    ]
