"""/targets: every target of the bureau in one list, with its authority and what of it counts while a period runs; and the
indicators that have none. Owns what a metric page says of its targets too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import overview, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.attributes import aria
from cockpit.presentation.tiles.table import Cell, table
from warehouse.catalog.schema import Metric
from warehouse.ingest import target_rows
from warehouse.query import targets
from warehouse.query.targets import Stated

HEADS = ("指标", "统计期", "适用", "达标", "预警", "进行中的一期", "依据", "出处", "有效")
BASES = {
    "all": "全部",
    "法规": "法规",
    "上级": "上级",
    "本局": "本局",
    "产品建议": "待确认的建议值",
    "none": "没有目标",
    "former": "已失效",
}


def render(visit: PageContext) -> Page:
    """Narrowed by `only=basis:…`; by group, in the catalogue's order."""
    chosen = dict(visit.address.only).get("basis", "all")
    chosen = chosen if chosen in BASES else "all"
    today = visit.book.generation.built_at.date()
    stated = {metric.id: targets.stated(visit.book, metric.id) for metric in visit.book.metrics.values()}
    rows_of = {name: _sorted(stated[name], chosen, today) for name in stated}
    every = [row for found in stated.values() for row in found]
    counts = {name: sum(row.basis == name for row in every if not _is_over(row, today)) for name in BASES}
    counts |= {
        "all": sum(not _is_over(row, today) for row in every),
        "none": sum(not found for found in stated.values()),
        "former": sum(_is_over(row, today) for row in every),
    }
    body: list[Component] = []
    for group, metrics in overview.grouped(visit.book.metrics.values()).items():
        rows = [
            row
            for metric in metrics
            for row in _rows(visit, metric, rows_of[metric.id], chosen, is_bare=not stated[metric.id])
        ]
        if rows:
            body.append(toolbar.card(texts.GROUPS[group], "", table(list(HEADS), rows, right=(3, 4))))
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("目标", "")),
        _bases(visit, counts, chosen),
        html.Span(className="spacer"),
        *(
            [html.A("名录填报", href="/filing/own_target", className="button")]
            if rights.may(visit.viewer, "filing")
            else []
        ),
        toolbar.copy_link(),
    ]
    empty = toolbar.card("目标", "", html.P("没有符合条件的目标", className="empty"))
    return Page("目标", body or [empty], group="overview", tools=bar)


def card(visit: PageContext, metric: Metric) -> Component | None:
    """Every target of the number that is not over, with whose it is; a proposal is confirmed here, and any is set anew. None
    without any."""
    today = visit.book.generation.built_at.date()
    found = _sorted(targets.stated(visit.book, metric.id), "all", today)
    may = rights.may(visit.viewer, "filing") and not visit.address.get("as_of")
    if not found:
        return None
    lines = [
        html.Li(
            [
                f"{row.town}{' ' if row.town else ''}{texts.WINDOWS[row.period]} ",
                html.B(fmt.target(row.target, metric.unit, metric.better, metric.decimals)),
                html.Small(
                    f" {row.target.authority}{'' if in_force(row) == '长期' else '，' + in_force(row)}",
                    className="muted",
                ),
                *_edit_link(metric, row, may=may),
            ]
        )
        for row in found
    ]
    proposed = any(row.target.is_proposed for row in found)
    note = "建议值只作参考，以中性色显示；确认后按本局目标评价" if proposed else ""
    form = html.Form(
        [
            toolbar.hidden("confirm", "metric", metric.id),
            html.Button("确认为本局目标", type="submit", className="button"),
            html.Span("记下确认人与日期，可在名录填报中撤销", className="muted"),
        ],
        action="/filing/own_target/confirm",
        method="post",
        className="fields",
    )
    return toolbar.card("目标与依据", note, html.Ul(lines, className="targets"), form if may and proposed else None)


def _bases(visit: PageContext, counts: dict[str, int], chosen: str) -> Component:
    offered = {name: f"{words} {counts[name]}" for name, words in BASES.items() if counts[name] or name == chosen}
    links = [
        dcc.Link(
            words,
            href=visit.address.here(only=visit.address.filtered("basis", None if name == "all" else name)),
            className="seg is-on" if name == chosen else "seg",
        )
        for name, words in offered.items()
    ]
    return html.Div(links, className="segments", role="group", **aria(label="依据"))


def _is_over(row: Stated, today: dt.date) -> bool:
    return row.last is not None and row.last < today


def _sorted(found: Sequence[Stated], chosen: str, today: dt.date) -> list[Stated]:
    """The targets of the chosen kind in the order of the windows; what is over stands apart."""
    order = list(texts.WINDOWS)
    rows = [row for row in found if _is_over(row, today) == (chosen == "former")]
    return sorted(
        (row for row in rows if chosen in ("all", "former", row.basis)), key=lambda row: order.index(row.period)
    )


def _rows(
    visit: PageContext, metric: Metric, found: Sequence[Stated], chosen: str, *, is_bare: bool
) -> Sequence[list[Cell]]:
    link = dcc.Link(metric.label, href=visit.address.to(f"/metric/{metric.id}"))
    may = rights.may(visit.viewer, "filing") and not visit.address.get("as_of") and bool(target_rows.periods(metric))
    if is_bare:
        cells: list[Cell] = [link, *[fmt.DASH] * (len(HEADS) - 1)]
        if may:
            cells[-1] = html.A("定目标", href=edit(metric), className="set-target")
        return [cells] if chosen == "none" else []
    return [
        [
            link,
            texts.WINDOWS[row.period],
            row.town or "全区",
            fmt.target(row.target, metric.unit, metric.better, metric.decimals),
            str(fmt.value(row.amber, metric.unit, metric.decimals)) if row.amber is not None else fmt.DASH,
            targets.pace(metric, row),
            row.basis,
            row.target.source,
            html.Span([in_force(row), *_edit_link(metric, row, may=may)]),
        ]
        for row in found
    ]


def _edit_link(metric: Metric, row: Stated, *, may: bool) -> list[Component | str]:
    return [" ", html.A("修改", href=edit(metric, row), className="set-target")] if may else []


def in_force(row: Stated) -> str:
    """From which day until which a target holds, in words."""
    if row.first is None and row.last is None:
        return "长期"
    return f"{'自 ' + row.first.isoformat() if row.first else ''}{' 至 ' + row.last.isoformat() if row.last else ' 起'}".strip()


def edit(metric: Metric, row: Stated | None = None) -> str:
    """Where a target of an indicator is set, beginning with one that stands."""
    query = urlencode({"period": row.period, "town": row.town}) if row else ""
    return f"/filing/own_target/set/{metric.id}" + (f"?{query}" if query else "")
