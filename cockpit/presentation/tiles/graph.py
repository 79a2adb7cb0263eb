"""The only way a chart enters a page: with the house's Plotly configuration, never the library's default."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation.charts.trend import Chart
from cockpit.presentation.theme import graph_config
from cockpit.presentation.tiles.attributes import aria


def graph(figure: Chart, *, id: str, label: str, download_name: str = "", modebar: bool = True) -> Component:
    """A chart with a spoken `label`. `download_name` names the file of 下载图片."""
    config: Any = graph_config(download_name=download_name or label, modebar=modebar)
    height = figure["layout"].get("height")
    chart = dcc.Graph(id=id, figure=figure, config=config, style={"height": f"{height}px"} if height else {})
    return html.Div(chart, role="figure", className="chart", **aria(label=label))
