"""成立公告对照: every sentence of the founding announcement with its sources, indicators and screens. Made from the
catalogue."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation.tiles.attributes import data
from cockpit.presentation.tiles.table import scrolled
from warehouse.catalog import announcement
from warehouse.catalog.announcement import Fact

COLUMNS = ("公告所说", "来源", "指标", "画面", "待局确认")


def render(visit: PageContext) -> Page:
    """/announcement"""
    head = html.Thead(html.Tr([html.Th(name) for name in COLUMNS]))
    table = html.Table(
        [head, html.Tbody([_row(visit, fact) for fact in announcement.facts()])], className="table table-words"
    )
    title = html.Header(
        [html.H2("成立公告逐句对照"), html.Span("2022-09-01 公告；由指标目录自动生成", className="note")],
        className="card-head",
    )
    body = html.Section([title, scrolled(table)], className="card", id="announcement")
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("数据健康", visit.address.to("/health")), ("公告对照", "")),
        html.Span(className="spacer"),
        toolbar.copy_link(),
    ]
    return Page("公告对照", [body], group="health", tools=bar)


def _row(visit: PageContext, fact: Fact) -> Component:
    links: list[Component | str] = []
    for metric in fact.metrics:
        links += [dcc.Link(metric.label, href=visit.address.to(f"/metric/{metric.id}")), "、"]
    cells = (
        fact.says,
        "、".join(fact.tables) or fact.archive,
        links[:-1] or fact.archive,
        "、".join(fact.screens) or "归档，不设画面",
        fact.open or "无",
    )
    return html.Tr([html.Td(cell, **data(column=name)) for name, cell in zip(COLUMNS, cells, strict=True)])
