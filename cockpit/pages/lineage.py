"""/lineage?metric=…: where a number comes from, as a picture with the state of every step; without a metric, all
metrics by source."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.health import state_of
from cockpit.pages.overview import grouped
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import AS_SUPPOSED
from cockpit.presentation.tiles.lineage import State, mark, tree
from cockpit.presentation.tiles.table import Cell, table
from warehouse.compile.reading import STATUS_LABELS, SourceState
from warehouse.insight import lineage
from warehouse.insight.lineage import Node
from warehouse.query import data_quality

OWN = State("none", "自有表", "本局自有的规则、目标与对照，不从来源系统到达")
BOOK = State("none", "自记", "装载程序自己的记录")
LEGEND = (
    "从左到右，每一张都取自右边与它相连的表。◆ 与蓝线：决定该指标数据时间的落地表。"
    "● 正常 ◐ 正常，另有隔离的行 ▲ 延迟或检查未过 ✕ 故障或中断 ■ 沿用上期 ○ 无时效承诺。"
)
FRESH = ("good", "aside")
"""Tones of a table that has arrived as promised; rows put aside do not make it late."""


def render(visit: PageContext) -> Page:
    """/lineage. Unknown metric → PageMissing."""
    chosen = visit.address.get("metric")
    steps = [("数据健康", visit.address.to("/health")), ("血缘", visit.address.here(metric=None) if chosen else "")]
    if not chosen:
        return Page(
            "血缘",
            _by_source(visit),
            group="health",
            tools=[
                toolbar.crumbs(*steps),
                _others(visit, "选择指标"),
                html.Span(className="spacer"),
                toolbar.copy_link(),
            ],
        )
    metric = visit.book.metric(chosen)
    nodes = lineage.of(chosen)
    states = _states(visit, nodes)
    counts = f"{sum(node.layer in ('mart', 'staging') for node in nodes)} 张模型表 · {sum(node.layer == 'landed' for node in nodes)} 张落地表 · {sum(node.layer == 'source' for node in nodes)} 个来源"
    picture = toolbar.card(
        f"{metric.label}从哪里来", counts, tree(nodes, states, _hrefs(visit, nodes), visit.theme), id="lineage-picture"
    )
    legend = html.P(LEGEND, className="fine-print")
    bar = [
        toolbar.crumbs(*steps, (metric.label, "")),
        _others(visit, f"指标：{metric.label}"),
        html.Span(className="spacer"),
        dcc.Link("指标页", href=visit.address.to(f"/metric/{metric.id}"), className="button"),
        toolbar.copy_link(),
    ]
    return Page(f"{metric.label} · 血缘", [picture, legend], group="health", tools=bar)


def _moment(visit: PageContext) -> dt.datetime:
    """When lateness is judged: now, on a chosen snapshot the time when it was made."""
    return visit.book.generation.built_at if visit.address.get("as_of") else visit.now


def _others(visit: PageContext, label: str) -> Component:
    items = [
        dcc.Link(metric.label, href=visit.address.to("/lineage", metric=metric.id), className="menu-item")
        for metrics in grouped(visit.book.metrics.values()).values()
        for metric in metrics
    ]
    return html.Details([html.Summary(label, className="button"), html.Div(items, className="menu")], className="drop")


def _states(visit: PageContext, nodes: Sequence[Node]) -> dict[str, State]:
    """How every node stands; a model is as late as the landed tables below it, a source as its worst table in the
    picture."""
    landed = {f"{source.source}_{source.entity}": source for source in visit.book.sources()}
    by_id, found = {node.id: node for node in nodes}, dict[str, State]()
    for node in nodes:
        if node.layer == "landed":
            found[node.id] = _landed(visit, node, landed.get(node.name))
    for node in nodes:
        if node.layer == "source":
            found[node.id] = _source([found[other.id] for other in nodes if node.id in other.reads])
    held, checks = visit.book.held(), data_quality.checks(visit.book)
    for node in nodes:
        if node.layer in ("mart", "staging"):
            failed = [check for check in checks if check["model"] == node.name and check["failed_rows"]]
            late = [by_id[one].label for one in lineage.landed_below(node.name) if found[one].tone in ("warn", "bad")]
            below = [state for one in lineage.landed_below(node.name) if (state := found[one]) not in (OWN, BOOK)]
            found[node.id] = (
                State("none", STATUS_LABELS["unconnected"])
                if below and all(state.tone == "none" for state in below)
                else _model(held.get(node.name, ""), [check["message"] for check in failed], late)
            )
    found[nodes[0].id] = _metric(visit, nodes[0].id, found[nodes[0].reads[0]])
    return found


def _landed(visit: PageContext, node: Node, source: SourceState | None) -> State:
    if source is None:
        return BOOK if f"source.{lineage.LOADER}" in node.reads else OWN
    tone, words = state_of(source, _moment(visit))
    stated = f"最新数据 {fmt.clock(source.data_time, visit.today)}，{fmt.number(source.rows)} 行，隔离 {fmt.number(source.quarantined)} 行{f'；{source.error}' if source.error else ''}"
    if not source.quarantined:
        return State(tone, words, stated)
    return State("aside" if tone == "good" else tone, f"{words}，隔离 {fmt.number(source.quarantined)} 行", stated)


def _source(tables: Sequence[State]) -> State:
    promised = [state for state in tables if state.tone != "none"]
    if not promised:
        return tables[0]
    fresh = sum(state.tone in FRESH for state in promised)
    worst = next((tone for tone in ("bad", "warn") if any(state.tone == tone for state in promised)), "good")
    late = len(promised) - fresh
    return State(worst, f"{late} / {len(promised)} 张异常" if late else f"{fresh} / {len(promised)} 张正常")


def _model(held: str, failed: Sequence[str], late: Sequence[str]) -> State:
    if held:
        return State("held", texts.HELD, held)
    if failed:
        return State("warn", f"检查 {len(failed)} 项未过", "；".join(failed))
    if late:
        return State("warn", "上游延迟", f"延迟的落地表：{'、'.join(late)}")
    return State("good", "正常")


def _metric(visit: PageContext, metric_id: str, mart: State) -> State:
    metric = visit.book.metrics[metric_id]
    reading = visit.book.read(metric_id, metric.windows[0])
    shown = str(fmt.reading(reading, metric.decimals))
    if reading.held:
        return State("held", f"{shown} {texts.HELD}", reading.held)
    if reading.status not in AS_SUPPOSED or reading.doubt:
        return State(
            {"failed": "bad", "unconnected": "none"}.get(reading.status, "warn"),
            f"{shown} {texts.DOUBT}" if reading.doubt else shown,
            reading.doubt,
        )
    late = reading.as_of is not None and (_moment(visit) - reading.as_of).total_seconds() > fmt.patience(reading)
    return State("warn", f"{shown} 数据延迟", mart.detail) if late else State("good", f"{shown} 正常")


def _hrefs(visit: PageContext, nodes: Sequence[Node]) -> dict[str, str]:
    """Where a box leads: a metric to its page, a landed table and a source to the row on 数据健康, a model to its
    checks there."""
    health = visit.address.to("/health")
    promised = {f"{source.source}_{source.entity}" for source in visit.book.sources()}
    found = {nodes[0].id: visit.address.to(f"/metric/{nodes[0].id}")}
    for node in nodes:
        if node.layer in ("mart", "staging"):
            found[node.id] = f"{health}#health-checks"
        elif node.name in promised:
            found[node.id] = f"{health}#source-{node.name}"
            found.setdefault(node.reads[0], found[node.id])
    return found


def _by_source(visit: PageContext) -> list[Component]:
    """Every source system with its landed tables, how they stand, and the metrics that tell their data time by them."""
    known: dict[str, list[SourceState]] = {}
    for source in visit.book.sources():
        known.setdefault(source.source, []).append(source)
    counted = Counter(
        node.name for metric in visit.book.metrics for node in lineage.of(metric) if node.layer == "landed"
    )
    body: list[Component] = [
        html.P(
            "按来源列出各张落地表，以及由它决定数据时间的指标；点指标看从指标到来源的全图。",
            className="fine-print line-intro",
        )
    ]
    for name, label in lineage.sources().items():
        if name in known:
            body.append(_of_source(visit, label, known[name], counted))
    return body


def _of_source(visit: PageContext, label: str, tables: Sequence[SourceState], counted: Mapping[str, int]) -> Component:
    rows: list[list[Cell]] = []
    for source in tables:
        key = f"{source.source}_{source.entity}"
        tone, words = state_of(source, _moment(visit))
        using = [
            dcc.Link(metric.label, href=visit.address.to("/lineage", metric=metric.id))
            for metric in visit.book.metrics.values()
            if key in metric.sources
        ]
        aside = f"不决定数据时间，参与 {counted[key]} 项指标的计算" if counted[key] else "没有指标取自此表"
        stated: Cell = html.Span(using, className="line-metrics") if using else html.Span(aside, className="muted")
        way = dcc.Link(source.label.partition("·")[2], href=f"{visit.address.to('/health')}#source-{key}")
        rows.append(
            [
                html.Span([way, html.Small(key, className="muted mono")], className="two-line"),
                mark(State(tone, words)),
                fmt.number(source.quarantined),
                stated,
            ]
        )
    states = [state_of(source, _moment(visit))[0] for source in tables]
    absent = states.count("none")
    note = f"{states.count('good')} / {len(states) - absent} 张正常{f'，{absent} 张未接入' if absent else ''}"
    return toolbar.card(
        label, note, html.Div(table(("落地表", "状态", "隔离", "指标"), rows, right=(2,)), className="line-table")
    )
