"""/targets: every target of the bureau in one list, with its authority and what of it counts while a period runs; and the
indicators that have none. Owns what a metric page says of its targets too."""

from __future__ import annotations

from collections.abc import Sequence

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
from warehouse.compile.reading import Target
from warehouse.query import targets

HEADS = ("指标", "统计期", "达标", "预警", "进行中的一期", "依据", "出处")
BASES = {
    "all": "全部",
    "法规": "法规",
    "上级": "上级",
    "本局": "本局",
    "产品建议": "待确认的建议值",
    "none": "没有目标",
}


def render(visit: PageContext) -> Page:
    """Narrowed by `only=basis:…`; by group, in the catalogue's order."""
    chosen = dict(visit.address.only).get("basis", "all")
    chosen = chosen if chosen in BASES else "all"
    stated = {metric.id: targets.whole(visit.book, metric.id) for metric in visit.book.metrics.values()}
    goals = [goal for found in stated.values() for goal in found.values()]
    counts = {name: sum(goal.basis == name for goal in goals) for name in BASES}
    counts |= {"all": len(goals), "none": sum(not found for found in stated.values())}
    body: list[Component] = []
    for group, metrics in overview.grouped(visit.book.metrics.values()).items():
        rows = [row for metric in metrics for row in _rows(visit, metric, stated[metric.id], chosen)]
        if rows:
            body.append(toolbar.card(texts.GROUPS[group], "", table(list(HEADS), rows, right=(2, 3))))
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
    """Every target of the number with whose it is; a proposal is confirmed here. None without any."""
    found = targets.whole(visit.book, metric.id)
    if not found:
        return None
    lines = [
        html.Li(
            [
                f"{texts.WINDOWS[window]} ",
                html.B(fmt.target(goal, metric.unit, metric.better, metric.decimals)),
                html.Small(f" {goal.authority}", className="muted"),
            ]
        )
        for window, goal in sorted(found.items(), key=lambda one: list(texts.WINDOWS).index(one[0]))
    ]
    proposed = any(goal.is_proposed for goal in found.values())
    may = proposed and rights.may(visit.viewer, "filing") and not visit.address.get("as_of")
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
    return toolbar.card("目标与依据", note, html.Ul(lines, className="targets"), form if may else None)


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


def _rows(visit: PageContext, metric: Metric, found: dict[str, Target], chosen: str) -> Sequence[list[Cell]]:
    link = dcc.Link(metric.label, href=visit.address.to(f"/metric/{metric.id}"))
    if not found:
        return [[link, *[fmt.DASH] * (len(HEADS) - 1)]] if chosen == "none" else []
    order = list(texts.WINDOWS)
    return [
        [
            link,
            texts.WINDOWS[window],
            fmt.target(goal, metric.unit, metric.better, metric.decimals),
            str(fmt.value(goal.amber, metric.unit, metric.decimals)) if goal.amber is not None else fmt.DASH,
            targets.pace(visit.book, metric, window),
            goal.basis,
            goal.source,
        ]
        for window, goal in sorted(found.items(), key=lambda one: order.index(one[0]))
        if chosen in ("all", goal.basis)
    ]
