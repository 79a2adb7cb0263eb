"""/town/<code>: one town with its key numbers, its companies and its service sites."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import profile_parts, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.table import Cell, flag, table
from warehouse.core.errors import PageMissing
from warehouse.insight import profiles
from warehouse.query import records

COMPANIES = 15


def render(visit: PageContext, code: str) -> Page:
    """Unknown town → PageMissing."""
    place = visit.book.known(code)
    if place is None or place.grain != "town":
        raise PageMissing()
    body: list[Component] = [
        html.Section(
            html.Div(html.H2(place.label, className="entity-name"), className="entity-head"), className="card"
        ),
        profile_parts.cards(visit, place),
        profile_parts.columns([_companies(visit, code)], [_sites(visit, code), supervision.card(visit)]),
    ]
    return Page(place.label, body, tools=profile_parts.bar(visit, (place.label, ""), windows=True, sheet=code))


def _companies(visit: PageContext, code: str) -> Component:
    found = records.behind(
        visit.book, "fleet_company_cnt", "day", None, code, sort="v_cnt", descending=True, rows=COMPANIES
    )
    rows = found.rows if found else ()
    lines: list[list[Cell]] = [
        [
            profile_parts.place_link(visit, row.key),
            row.cells["owner_type"],
            fmt.number(row.cells["v_cnt"]),
            fmt.number(row.cells["vh_cnt"]),
            html.Span([flag("50辆以上", True)] if row.cells["is_reg50"] else "—"),
        ]
        for row in rows
    ]
    total = found.total if found else 0
    more = (
        profile_parts.metric_link(visit, "fleet_company_cnt", f"全部 {fmt.number(total)} 户", code, of="rows")
        if total > COMPANIES
        else None
    )
    return toolbar.card(
        "业户",
        "货车多的在前",
        table(["业户", "类型", "货车", "重型", "名录"], lines, right=(2, 3), empty="没有有效业户"),
        more,
    )


def _sites(visit: PageContext, code: str) -> Component:
    lines: list[list[Cell]] = [
        [
            dcc.Link(row["name"], href=profile_parts.href(visit, "site", row["site_id"])),
            row["kind"],
            row["hours"] or fmt.DASH,
        ]
        for row in profiles.sites(visit.book, code)
    ]
    return toolbar.card("服务阵地", "", table(["阵地", "类别", "开放时间"], lines, empty="没有服务阵地"))
