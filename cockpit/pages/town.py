"""/town/<code>: one town with its key numbers, its companies and its service sites."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit import format as fmt
from cockpit.pages import entity, supervision, tools
from cockpit.pages.visit import Page, Visit
from cockpit.tiles.table import Cell, flag, table
from warehouse import entities, profiles
from warehouse.errors import PageMissing

COMPANIES = 15


def render(visit: Visit, code: str) -> Page:
    """Unknown town → PageMissing."""
    place = visit.book.known(code)
    if place is None or place.grain != "town":
        raise PageMissing()
    body: list[Component] = [
        html.Section(html.Div(html.H2(place.label, className="entity-name"), className="entity-head"), className="card"),
        entity.cards(visit, place),
        entity.columns([_companies(visit, code)], [_sites(visit, code), supervision.card(visit)]),
    ]
    return Page(place.label, body, tools=entity.bar(visit, (place.label, ""), windows=True))


def _companies(visit: Visit, code: str) -> Component:
    found = entities.behind(visit.book, "fleet_company_cnt", "day", None, code, sort="v_cnt", descending=True, rows=COMPANIES)
    rows = found.rows if found else ()
    lines: list[list[Cell]] = [
        [
            entity.place_link(visit, row.key),
            row.told["owner_type"],
            fmt.number(row.told["v_cnt"]),
            fmt.number(row.told["vh_cnt"]),
            html.Span([flag("50辆以上", True)] if row.told["is_reg50"] else "—"),
        ]
        for row in rows
    ]
    total = found.total if found else 0
    more = entity.metric_link(visit, "fleet_company_cnt", f"全部 {fmt.number(total)} 户", code, of="rows") if total > COMPANIES else None
    return tools.card("业户", "货车多的在前", table(["业户", "类型", "货车", "重型", "名录"], lines, right=(2, 3), empty="没有有效业户"), more)


def _sites(visit: Visit, code: str) -> Component:
    lines: list[list[Cell]] = [
        [dcc.Link(row["name"], href=entity.href(visit, "site", row["site_id"])), row["kind"], row["hours"] or fmt.DASH]
        for row in profiles.sites(visit.book, code)
    ]
    return tools.card("服务阵地", "", table(["阵地", "类别", "开放时间"], lines, empty="没有服务阵地"))
