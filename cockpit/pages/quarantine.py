"""/quarantine: the rows that were put aside, one by one with what is wrong, and the form that corrects one. For those
who look after the data."""

from __future__ import annotations

import json
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import loader_requests
from cockpit.identity import gate
from cockpit.pages import toolbar
from cockpit.pages.health import requested
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import data_notes
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.table import Cell, facts
from cockpit.presentation.tiles.table import table as table_of
from cockpit.store import audit
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract
from warehouse.core.data_rules import KINDS, RULES, cure, named
from warehouse.query import data_quality
from warehouse.query.opened import aware
from warehouse.query.person_store import Restricted

ROWS_SHOWN = 20


def render(visit: PageContext) -> Page:
    """/quarantine, of one table by `only=table:…`, paged."""
    settings, table = gate.settings(), dict(visit.address.only).get("table", "")
    audit.record(settings.state, "quarantine_read", who=visit.viewer.user, ip=gate.address(), subject=table or "全部")
    with Restricted(settings, visit.book.generation.id) as file:
        found = file.quarantine(table)
    page = min(int(visit.address.get("page") or 1), max(1, -(-len(found) // ROWS_SHOWN)))
    shown = found[(page - 1) * ROWS_SHOWN : page * ROWS_SHOWN]
    bar = [
        toolbar.crumbs(("数据健康", visit.address.to("/health")), ("隔离记录", "")),
        _tables(visit, table),
        html.Span(className="spacer"),
        toolbar.copy_link(),
    ]
    empty = html.Section(html.P("没有隔离的记录。", className="empty"), className="card")
    body: list[Component] = [_row(visit, row) for row in shown] or [empty]
    return Page(
        "隔离记录",
        [
            *requested(visit, "correct", "acknowledge"),
            *_refused(visit, table),
            *body,
            _pager(visit, page, len(found), _all(visit, table)),
        ],
        group="health",
        tools=bar,
    )


def _refused(visit: PageContext, table: str) -> list[Component]:
    """Payloads that are not in as a whole: what is wrong, and either who knows of it or the form that says so."""
    found = [row for row in data_quality.refused(visit.book) if table in ("", row["name"])]
    if not found:
        return []
    rows: list[list[Cell]] = [
        [
            str(row["seq"]),
            data_notes.label(visit.book, row["name"]),
            row["payload"],
            fmt.clock(aware(row["landed_at"]), visit.today),
            row["reason"],
            _acknowledged(visit, row) if row["acknowledged_at"] else _acknowledge(visit, row),
        ]
        for row in found[:ROWS_SHOWN]
    ]
    open_ones = sum(row["acknowledged_at"] is None for row in found)
    note = f"待处理 {open_ones}，已知道 {len(found) - open_ones}；原始数据都保留"
    head = html.Header([html.H2("整份未装载"), html.Span(note, className="note")], className="card-head")
    listed = table_of(("序号", "来源", "名称", "到达", "原因与改法", "处理"), rows, empty="")
    return [html.Section([head, listed], className="card", id="quarantine-refused")]


def _acknowledged(visit: PageContext, row: dict[str, Any]) -> Component:
    when = fmt.clock(aware(row["acknowledged_at"]), visit.today)
    return html.Span(f"知道了：{row['acknowledged_by']} {when}，{row['acknowledged_why']}", className="muted")


def _acknowledge(visit: PageContext, row: dict[str, Any]) -> Component:
    key = f"refused-{row['seq']}"
    why = dcc.Input(
        type="text", name="why", id=f"{key}-why", className="filter", maxLength=loader_requests.LONGEST, required=True
    )
    return html.Form(
        [
            toolbar.hidden(key, "next", visit.address.here()),
            html.Label(["原因", why]),
            html.Button("知道了", type="submit", className="button"),
        ],
        action=f"/quarantine/{row['seq']}/acknowledge",
        method="post",
        className="fields",
    )


def _tables(visit: PageContext, chosen: str) -> Component:
    names = {q["table"]: data_notes.label(visit.book, q["table"]) for q in data_quality.quarantine(visit.book)}
    items = [dcc.Link("全部来源", href=visit.address.here(only=None, page=None), className="menu-item")]
    items += [
        dcc.Link(label, href=visit.address.here(only=f"table:{name}", page=None), className="menu-item")
        for name, label in names.items()
    ]
    return html.Details(
        [html.Summary(f"来源：{names.get(chosen, '全部')}", className="button"), html.Div(items, className="menu")],
        className="drop",
    )


def _row(visit: PageContext, row: dict[str, Any]) -> Component:
    contract, stated = contracts().get(row["name"]), json.loads(row["payload"])
    title = data_notes.label(visit.book, row["name"])
    place = html.Span(f"第 {row['seq']} 份原始数据第 {row['row'] + 1} 行", className="note")
    head = html.Header(
        [html.H2(title), html.Span(named(row["rule"]), className="tag tag-warn"), place], className="card-head"
    )
    names = contract.open if contract else {}
    seen = facts([(names.get(name, name), str(value)) for name, value in stated.items() if value not in (None, "")])
    form = _form(visit, row, names, stated) if contract else None
    return html.Section(
        [head, _faults(row, contract), html.P(_seen(row), className="muted"), seen, *([form] if form else [])],
        className="card",
    )


def _faults(row: dict[str, Any], contract: Contract | None) -> Component:
    """What is wrong, cell by cell: the column, what stands there as far as it may be seen, the cell, what to do."""
    labels = (
        {
            column.name: "证件号码" if column.treatment in ("person", "holder") else column.label
            for column in contract.stored
        }
        if contract
        else {}
    )
    stated = json.loads(row["faults"] or "[]")
    if not stated:
        words = "、".join(named(rule) for rule in str(row["reason"]).split(","))
        return html.P(f"{words}。{cure(str(row['reason']))}", className="tone-bad")
    lines = []
    for fault in stated:
        column, rule = fault["column"] or "", fault["rule"]
        name = labels.get(column, column)
        what = named(rule) if rule in RULES else KINDS.get(rule, rule)
        value = f"“{fault['value']}”" if fault["value"] else ""
        place = f"（单元格 {fault['cell']}）" if fault["cell"] else ""
        to_do = cure(rule)
        lines.append(
            html.Li([html.B(f"{name}：" if name else ""), f"{what}{value}{place}。", f"{to_do}。" if to_do else ""])
        )
    return html.Ul(lines, className="tone-bad")


def _seen(row: dict[str, Any]) -> str:
    """Whether the row counts, and since when it comes like this."""
    state = "整行没有计入" if row["is_row"] else "这一行照常计入，上列字段按未知计"
    first, last = (fmt.clock(aware(row[name])) for name in ("first_seen", "last_seen"))
    if (row["times"] or 1) < 2:
        return f"{state}；{last} 收到。"
    return f"{state}；首次 {first}，最近 {last}，共收到 {row['times']} 次。"


def _form(visit: PageContext, row: dict[str, Any], names: dict[str, str], values: dict[str, Any]) -> Component:
    key = f"row-{row['seq']}-{row['row']}"
    fields: list[Component] = [
        toolbar.hidden(key, "table", row["name"]),
        toolbar.hidden(key, "next", visit.address.here()),
    ]
    for name, label in names.items():
        value = "" if values.get(name) is None else str(values[name])
        box = dcc.Input(
            type="text",
            name=f"new-{name}",
            value=value,
            id=f"{key}-{name}",
            className="filter",
            maxLength=loader_requests.LONGEST,
        )
        fields += [toolbar.hidden(key, f"old-{name}", value), html.Label([label, box])]
    fields.append(
        html.Label(
            [
                "更正理由",
                dcc.Input(
                    type="text",
                    name="why",
                    value="",
                    id=f"{key}-why",
                    className="filter",
                    maxLength=loader_requests.LONGEST,
                    required=True,
                ),
            ]
        )
    )
    form = html.Form(
        [*fields, html.Button("更正并重放", type="submit", className="button")],
        action=f"/quarantine/{row['seq']}/{row['row']}",
        method="post",
        className="fields",
    )
    note = html.P(
        "原始数据保持不变，更正作为新的一份落地；含身份证号、手机号的列不在此处显示和修改，请用 etl quarantine export 导出更正。",
        className="muted",
    )
    return html.Details([html.Summary("更正", className="button"), note, form])


def _all(visit: PageContext, table: str) -> int:
    """Records in quarantine, of one table or of all: more than the page can list, perhaps."""
    return sum(
        int(q["rows"])
        for q in data_quality.quarantine(visit.book)
        if table in ("", q["table"]) and q["rule"] != "payload"
    )


def _pager(visit: PageContext, page: int, total: int, every: int) -> Component:
    pages = max(1, -(-total // ROWS_SHOWN))
    steps = [dcc.Link("上一页", href=visit.address.here(page=str(page - 1)), className="button")] if page > 1 else []
    steps += (
        [dcc.Link("下一页", href=visit.address.here(page=str(page + 1)), className="button")] if page < pages else []
    )
    words = (
        f"共 {fmt.number(every)} 条，只列出最近 {fmt.number(total)} 条"
        if every > total
        else f"共 {fmt.number(total)} 条"
    )
    return html.Div([html.Span(f"{words}，第 {page} / {pages} 页 "), *steps], className="pager")
