"""/audit: the log for the auditor: who did what to whom and when, whether the log is whole, and all of it as a file."""

from __future__ import annotations

import datetime as dt

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import gate
from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.address import Address
from cockpit.presentation.tiles.table import Cell, table
from cockpit.store import audit_anchor, audit_search
from cockpit.store.audit import TAKEN_OVER
from cockpit.store.audit_search import Entry, Wanted
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

SHOWN = 50
HEADS = ("序号", "时间", "经办", "地址", "事项", "对象", "用途", "结果", "说明")


def render(visit: PageContext) -> Page:
    """/audit, searched by who, event, about, since, until, paged."""
    settings, number = gate.settings(), max(1, int(visit.address.get("page") or 1))
    found, total = audit_search.find(settings.state, wanted(visit.address), SHOWN, (number - 1) * SHOWN)
    body: list[Component] = [_whole(settings), _search(visit), _listed(visit, found, total, number)]
    return Page("审计日志", body, tools=[toolbar.crumbs(("总览", visit.address.to("/")), ("审计日志", ""))])


def wanted(address: Address) -> Wanted:
    """What an address asks for; days are business days, both included. Raises UsageError for a day that there is
    not."""
    first, last = (_day(address, key) for key in ("since", "until"))
    return Wanted(
        (address.get("who") or "").strip(),
        address.get("event") or "",
        (address.get("about") or "").strip(),
        first.timestamp() if first else 0.0,
        (last + dt.timedelta(days=1)).timestamp() if last else audit_search.EVER,
    )


def cells(entry: Entry) -> tuple[str, ...]:
    """An entry as it is read, in the order of HEADS."""
    at = dt.datetime.fromtimestamp(entry.at, SHANGHAI)
    return (
        str(entry.seq),
        f"{at:%Y-%m-%d %H:%M:%S}",
        entry.who or fmt.DASH,
        entry.ip or fmt.DASH,
        texts.EVENTS.get(entry.event, entry.event),
        entry.subject or fmt.DASH,
        entry.purpose or fmt.DASH,
        texts.RESULTS.get(entry.result, entry.result),
        entry.detail or fmt.DASH,
    )


def _day(address: Address, key: str) -> dt.datetime | None:
    text = address.get(key)
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) if text else None
    except ValueError as error:
        raise UsageError(f"没有这一天：{text}", to_do="请写成 2026-11-23") from error


def _whole(settings: Settings) -> Component:
    """What the last look at the whole log found."""
    check = audit_anchor.last_check(settings.state)
    lines: list[Component] = []
    if check is None:
        lines.append(
            html.P("! 还没有核对过；装载进程每天核对一次，也可运行 ./zhengbei audit verify。", className="tone-warn")
        )
    else:
        at = fmt.clock(dt.datetime.fromtimestamp(check.at, dt.UTC))
        if check.faults:
            lines.append(
                html.P(
                    f"✕ {at} 核对 {fmt.number(check.count)} 条，有 {len(check.faults)} 处不符：", className="tone-bad"
                )
            )
            lines.append(html.Ul([html.Li(fault) for fault in check.faults]))
            lines.append(html.P("请保全现场，以离机保存的锚和备份查明改动，再由备份恢复。"))
        else:
            lines.append(
                html.P(f"✓ {at} 核对 {fmt.number(check.count)} 条，与锚一致，没有改动。", className="tone-good")
            )
    taken, _ = audit_search.find(settings.state, Wanted(event=TAKEN_OVER), 1)
    for entry in taken:
        words = f"第 {entry.subject} 条由升级前的版本记录，当时没有密钥；第 {entry.seq} 条记下了它们的末条摘要，此后改动它们同样会被发现。"
        lines.append(html.P(words, className="muted"))
    return toolbar.card("核对", "链式密钥摘要，逐日下锚", *lines)


def _search(visit: PageContext) -> Component:
    get = visit.address.get
    fields = [
        html.Label(["经办", _field("who", get("who"), "账号，可只写一部分")]),
        html.Label(
            [
                "事项",
                html.Select(
                    [
                        html.Option("全部", value=""),
                        *(
                            html.Option(words, value=name, selected="selected" if name == get("event") else None)
                            for name, words in texts.EVENTS.items()
                        ),
                    ],
                    name="event",
                    className="filter",
                ),
            ]
        ),
        html.Label(["对象、用途或说明", _field("about", get("about"), "可只写一部分")]),
        html.Label(["自", _field("since", get("since"), "2026-11-01")]),
        html.Label(["至（含）", _field("until", get("until"), "2026-11-30")]),
        html.Button("查找", type="submit", className="button"),
    ]
    return toolbar.card("查找", "", html.Form(fields, action="/audit", method="get", className="fields"))


def _field(name: str, value: str | None, hint: str) -> Component:
    return dcc.Input(
        type="text",
        name=name,
        value=value or "",
        placeholder=hint,
        id=f"audit-{name}",
        className="filter",
        maxLength=64,
    )


def _listed(visit: PageContext, found: list[Entry], total: int, number: int) -> Component:
    rows: list[list[Cell]] = [list(cells(entry)) for entry in found]
    query = visit.address.here(page=None).partition("?")[2]
    files = [
        html.A(f"导出 {kind.upper()}", href=f"/audit/export.{kind}{f'?{query}' if query else ''}", className="button")
        for kind in ("xlsx", "csv")
    ]
    pages = max(1, -(-total // SHOWN))
    steps = [
        dcc.Link(words, href=visit.address.here(page=str(to)), className="button")
        for words, to in (("上一页", number - 1), ("下一页", number + 1))
        if 1 <= to <= pages
    ]
    pager = html.Div([html.Span(f"第 {number} / {pages} 页 "), *steps, *files], className="pager")
    return toolbar.card(
        "记录", f"共 {fmt.number(total)} 条，新的在前", table(HEADS, rows, empty="没有符合的记录"), pager
    )
