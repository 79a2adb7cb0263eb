"""The list behind a number: one row a vehicle, alarm, ticket or site, sorted, searched and paged by the server.
Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import aria
from cockpit.presentation.tiles.entities import View, pager
from cockpit.presentation.tiles.table import scrolled
from warehouse.query.records import PAGE_ROWS, Listing, Row

YES, NO = "是", "否"
STATES = {"running": "行驶", "parked": "停车在线", "offline": "离线", "freight": "普通货物", "hazmat": "危险货物"}
NUMERIC = (int, float)


def listing(
    found: Listing,
    view: View,
    *,
    heads: Mapping[str, str],
    counted: str,
    decimals: int,
    unit: str,
    known: Collection[str] = (),
    name: Callable[[str, Any], str],
    href: Callable[[str, Any], str],
    link: Callable[[View], str],
) -> Component:
    """Table and pager. `heads`: labels of num, den and value; one that is "" is left out. `counted`: where every row
    counts once or not at all, the one column that says so instead of the three. `known`: columns that are the same in
    all rows. `name` and `href`: what a value of a column is called and where it leads ("" → nowhere); the entity's own
    key is the column "key"."""
    pages = max(1, -(-found.total // PAGE_ROWS))
    entity = found.entity
    if counted and all(row.den in (0, 1) and row.num in (None, 0, 1) for row in found.rows):
        heads = {"value": counted}
        unit = ""
    first = {entity.name or "key": entity.columns.get(entity.name, entity.label)}
    columns = {
        **first,
        **{key: label for key, label in entity.columns.items() if key not in known},
        **{key: label for key, label in heads.items() if label},
    }
    head = html.Tr([_heading(key, label, view, link, key in heads) for key, label in columns.items()])
    body = [_row(row, columns, entity.name, decimals, unit, name, href) for row in found.rows]
    if not body:
        body = [html.Tr(html.Td("没有符合条件的记录", colSpan=len(columns), className="empty"))]
    table = html.Table([html.Thead(head), html.Tbody(body)], className="table")
    return html.Div([scrolled(table), pager(view, found.page, pages, f"共 {fmt.number(found.total)} 条", link)])


def _heading(key: str, label: str, view: View, link: Callable[[View], str], is_figure: bool) -> Component:
    chosen = view.sort == key
    other = View(key, not view.descending if chosen else is_figure, 1, view.query)
    glyph = ("▼" if view.descending else "▲") if chosen else ""
    order = aria(sort="descending" if view.descending else "ascending") if chosen else {}
    return html.Th(
        dcc.Link([label, html.Span(glyph, className="glyph")], href=link(other)),
        className="col-figure" if is_figure else "",
        **order,
    )


def _row(
    row: Row,
    columns: Mapping[str, str],
    own: str,
    decimals: int,
    unit: str,
    name: Callable[[str, Any], str],
    href: Callable[[str, Any], str],
) -> Component:
    cells = []
    for key in columns:
        if key in ("num", "den", "value"):
            cells.append(html.Td(_figure(row, key, decimals, unit), className="col-figure"))
            continue
        value = row.key if key == "key" else row.cells[key]
        words = name(key, value)
        where = href("key", row.key) if key in ("key", own) else href(key, value) if value else ""
        cells.append(
            html.Td(
                dcc.Link(words, href=where) if where else words, className="col-figure" if _is_number(value) else ""
            )
        )
    return html.Tr(cells)


def _figure(row: Row, key: str, decimals: int, unit: str) -> Component | str:
    if key == "value" and not unit:
        is_in = bool(row.value)
        return html.Span(
            [html.Span("✓" if is_in else "✕", className="glyph"), YES if is_in else NO],
            className="" if is_in else "tone-bad",
        )
    if key == "value":
        return html.B(fmt.value(row.value, unit, decimals).text)
    amount = row.num if key == "num" else row.den
    if amount is None:
        return fmt.number(0)
    return fmt.number(amount, 0 if float(amount).is_integer() else 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, NUMERIC) and not isinstance(value, bool)


def plain(value: Any) -> str:
    """A value of the warehouse in words: 是/否, dates and times as a reader says them, numbers grouped, nothing as
    "—"."""
    if value is None or value == "":
        return fmt.DASH
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, dt.datetime):
        return f"{value:%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return STATES.get(value, value)
    return fmt.number(float(value), 0 if float(value).is_integer() else 1)
