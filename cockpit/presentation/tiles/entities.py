"""The table of places behind a number: parts, value and change, sorted, filtered and paged by the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import standing, verdict
from cockpit.presentation.tiles.attributes import aria
from cockpit.presentation.tiles.kpi import delta_mark
from cockpit.presentation.tiles.table import scrolled
from warehouse.compile.reading import Reading
from warehouse.insight.findings.thresholds import FLOOR, is_ranked

PAGE_ROWS = 12
COLUMNS = {
    "name": "企业",
    "town": "镇街",
    "num": "分子",
    "den": "分母",
    "value": "数值",
    "change": "环比",
    "state": "状态",
}
SORTS = ("value", "change", "num", "den", "name")
RANKS = ("value", "change")
"""Orders by which one place is said to be better than another."""


@dataclass(frozen=True)
class View:
    """How the table is asked for: sort column (of SORTS), descending, page from 1, filter text."""

    sort: str = "value"
    descending: bool = False
    page: int = 1
    query: str = ""


def pick(readings: Sequence[Reading], view: View) -> list[Reading]:
    """Filtered and sorted rows. By value or change those that count too few to be ranked follow the others, in the same
    order among themselves; those without the sorted figure always come last."""
    wanted = view.query.strip().casefold()
    rows = [r for r in readings if wanted in r.place.label.casefold()]
    keyed = [(_key(r, view.sort), r) for r in rows]
    known = [(k, r) for k, r in keyed if k is not None]
    known.sort(key=lambda pair: (pair[0], pair[1].place.label), reverse=view.descending)
    known.sort(key=lambda pair: _too_small(pair[1], view))
    return [r for _, r in known] + [r for k, r in keyed if k is None]


def _too_small(item: Reading, view: View) -> bool:
    """Whether the row has no rank in this order: one of one is not better than 115 of 137."""
    return view.sort in RANKS and item.value is not None and not is_ranked(item)


def _key(item: Reading, sort: str) -> float | str | None:
    if sort == "name":
        return item.place.label
    if sort == "change":
        return None if item.value is None or item.previous is None else item.value - item.previous
    return {"num": item.num, "den": item.den}.get(sort, item.value)


def entities(
    readings: Sequence[Reading],
    view: View,
    *,
    decimals: int,
    town_name: Callable[[str], str],
    href: Callable[[Reading], str],
    link: Callable[[View], str],
) -> Component:
    """Table and pager. `href`: where a row leads; `link`: address of another view of the same table."""
    rows = pick(readings, view)
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    page = min(max(1, view.page), pages)
    with_parts = any(r.den is not None and r.value is not None for r in readings)
    hidden = (() if with_parts else ("num", "den")) + (() if any(r.target for r in readings) else ("state",))
    hidden += () if any(r.previous is not None for r in readings) else ("change",)
    columns = [c for c in COLUMNS if c not in hidden]
    head = html.Tr([_heading(c, readings, view, link) for c in columns])
    shown = rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    body = [_row(r, columns, decimals, town_name, href) for r in shown]
    first = next((number for number, r in enumerate(shown) if _too_small(r, view)), None)
    if first is not None:
        words = f"以下分母不足 {FLOOR}，不参与排名"
        body.insert(first, html.Tr(html.Td(words, colSpan=len(columns), className="muted")))
    if not body:
        body = [html.Tr(html.Td("没有符合条件的企业", colSpan=len(columns), className="empty"))]
    table = html.Table([html.Thead(head), html.Tbody(body)], className="table")
    return html.Div([scrolled(table), pager(view, page, pages, f"共 {fmt.number(len(rows))} 家", link)])


def _heading(column: str, readings: Sequence[Reading], view: View, link: Callable[[View], str]) -> Component:
    label = COLUMNS[column]
    if column == "value" and readings:
        label = readings[0].label + (" %" if readings[0].unit == "ratio" else f" {readings[0].unit}")
    if column not in SORTS:
        return html.Th(label, className=f"col-{column}")
    chosen = view.sort == column
    glyph = ("▼" if view.descending else "▲") if chosen else ""
    other = View(column, not view.descending if chosen else column != "name", 1, view.query)
    order = aria(sort="descending" if view.descending else "ascending") if chosen else {}
    return html.Th(
        dcc.Link([label, html.Span(glyph, className="glyph")], href=link(other)), className=f"col-{column}", **order
    )


def _row(
    item: Reading,
    columns: Sequence[str],
    decimals: int,
    town_name: Callable[[str], str],
    href: Callable[[Reading], str],
) -> Component:
    shown = fmt.reading(item, decimals)
    change = fmt.delta(item.value, item.previous, item.unit, item.better, decimals)
    hidden = item.status == "small_cell"
    cells: dict[str, Any] = {
        "name": dcc.Link(item.place.label, href=href(item)),
        "town": town_name(item.place.parent),
        "num": fmt.DASH if hidden else fmt.number(item.num),
        "den": fmt.DASH if hidden else fmt.number(item.den),
        "value": [html.B(shown.text), *marks(item)]
        if item.value is not None
        else html.Span(shown.text, className="muted"),
        "change": delta_mark(change, item) if change.known else fmt.DASH,
        "state": _state(item),
    }
    return html.Tr([html.Td(cells[c], className=f"col-{c}") for c in columns])


def marks(item: Reading) -> list[Component | str]:
    """What stands behind a count of persons that is of an earlier period; nothing behind any other number."""
    tag = standing(item)
    return [" ", html.Span(tag.word, className="tag", title=tag.why)] if tag else []


def _state(item: Reading) -> Component | str:
    if not item.judgement:
        return fmt.DASH
    return html.Span(
        [html.Span(texts.MARKS[item.judgement], className="glyph"), verdict(item)], className=f"tone-{item.tone}"
    )


def pager(view: View, page: int, pages: int, total: str, link: Callable[[View], str]) -> Component:
    """‹ page / pages › with the total in words on the left."""

    def to(number: int, label: str) -> Component:
        if not 1 <= number <= pages:
            return html.Span(label, className="button is-off", **aria(disabled="true"))
        return dcc.Link(label, href=link(View(view.sort, view.descending, number, view.query)), className="button")

    return html.Footer(
        [html.Span(total), to(page - 1, "上一页"), html.Span(f"{page} / {pages}"), to(page + 1, "下一页")],
        className="pager",
    )
