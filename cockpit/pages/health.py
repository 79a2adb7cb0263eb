"""数据健康: how fresh every source is against its promise, what the checks found, and which models are held back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import loader_requests
from cockpit.identity import accounts, gate, rights
from cockpit.pages import toolbar
from cockpit.pages.overview import group_cards, grouped
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import data_notes, texts
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import data
from cockpit.presentation.tiles.table import Cell, scrolled, table
from warehouse.compile.reading import SourceState
from warehouse.core import backup_report, request_queue, timetable
from warehouse.core.request_queue import Request
from warehouse.query import data_quality

GROUP = "health"
WINDOW = "day"
REQUESTS_SHOWN, PROBLEMS_SHOWN = 10, 3
STANDING = ("bad", "warn", "good", "none")
"""In which order sources are listed."""
LATE_FACTOR = 5
"""Beyond this many times the promise a source is no longer late but down."""


def render(visit: PageContext) -> Page:
    """/health"""
    sources, checks = visit.book.sources(), data_quality.checks(visit.book)
    held = [c for c in checks if c["held"]]
    alarm = backup_report.alarm(gate.settings(), visit.now, is_demo=visit.book.generation.is_demo)
    body: list[Component] = [_summary(visit, sources, checks, held, alarm)]
    if alarm:
        body.append(html.P(f"! {alarm}", className="notice-line tone-bad", id="health-backup"))
    metrics = grouped(visit.book.metrics.values()).get(GROUP)
    if metrics:
        body.append(group_cards(visit, GROUP, metrics, visit.address.get("window") or WINDOW, linked=False))
    body += [_sources(visit, sources), html.Div([_checks(checks), _held(held)], className="grid grid-2-1 grid-top")]
    body.append(html.Div([_defects(visit), _quarantine(visit, sources)], className="grid grid-2-1 grid-top"))
    body += [*_runs(visit), *requested(visit, "run", "backfill", "replay", "fix", "correct", "acknowledge")]
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("数据健康", "")),
        html.Span(className="spacer"),
        *([html.A("名录填报", href="/filing", className="button")] if rights.may(visit.viewer, "filing") else []),
        *([html.A("接入", href="/connecting", className="button")] if rights.may(visit.viewer, "connecting") else []),
        html.A("运行与补数", href="#health-requests", className="button"),
        dcc.Link("血缘", href=visit.address.to("/lineage"), className="button"),
        dcc.Link("公告对照", href=visit.address.to("/announcement"), className="button"),
        toolbar.copy_link(),
    ]
    return Page("数据健康", body, group=GROUP, tools=bar)


def state_of(source: SourceState, now: Any) -> tuple[str, str]:
    """(class, words) of a source: 正常 · 延迟 · 中断 · 采集故障 · 未接入."""
    if source.error:
        return "bad", "采集故障"
    if source.data_time is None:
        return "none", "未接入"
    late = (now - source.data_time).total_seconds() / max(1, source.stale_after_s)
    if late <= 1:
        return "good", "正常"
    return ("warn", "延迟") if late <= LATE_FACTOR else ("bad", "中断")


def _summary(
    visit: PageContext,
    sources: Sequence[SourceState],
    checks: Sequence[Mapping[str, Any]],
    held: Sequence[Any],
    alarm: str,
) -> Component:
    states = [state_of(s, visit.now)[0] for s in sources if s.is_connected]
    absent = len(sources) - len(states)
    here = visit.book.generation
    coming = timetable.of(gate.settings()).coming(visit.now)[0]
    open_checks = sum(1 for c in checks if c["failed_rows"])
    facts = [
        (
            "来源正常",
            f"{states.count('good')} / {len(states)}",
            "good" if states.count("good") == len(states) else "warn",
        ),
        ("未接入", fmt.number(absent), ""),
        ("来源异常", fmt.number(len(states) - states.count("good")), "bad" if "bad" in states else ""),
        ("隔离记录", fmt.number(sum(s.quarantined for s in sources)), ""),
        ("检查有问题", f"{open_checks} / {len(checks)}", "warn" if open_checks else "good"),
        ("沿用上期的模型", fmt.number(len(held)), "bad" if held else "good"),
        ("快照", fmt.clock(here.built_at, visit.today), ""),
        ("最旧输入", fmt.clock(here.data_time, visit.today), ""),
        ("发布版本", here.release, ""),
        (
            "备份",
            "要处理" if alarm else backup_report.summary(gate.settings()) or "演示，不要求",
            "bad" if alarm else "",
        ),
        ("下次打印", f"{fmt.clock(coming.moment, visit.today)} {timetable.REPORTS[coming.window]}", ""),
    ]
    items = [
        html.Div(
            [html.Span(label, className="fact-label"), html.Span(text, className=f"fact-value tone-{tone or 'none'}")],
            className="fact",
        )
        for label, text, tone in facts
    ]
    return html.Section(html.Div(items, className="hero-facts"), className="card")


def _runs(visit: PageContext) -> list[Component]:
    """The last run of every job of the loader, for those who look after it."""
    if not rights.may(visit.viewer, "loading"):
        return []
    tones = {"ok": "good", "partial": "warn"}
    rows: list[list[Cell]] = [
        [
            request_queue.JOBS[run.job],
            fmt.clock(run.started_at, visit.today),
            html.Span(request_queue.RUN_STATES[run.status], className=f"tone-{tones.get(run.status, 'bad')}"),
            run.message or fmt.DASH,
        ]
        for run in request_queue.newest_runs(gate.settings().state)
    ]
    head = html.Header(
        [html.H2("运行记录"), html.Span("装载进程每个任务最近的一次", className="note")], className="card-head"
    )
    listed = table(("任务", "开始", "结果", "说明"), rows, empty="装载进程还没有运行过。")
    return [html.Section([head, listed], className="card", id="health-runs")]


def _sources(visit: PageContext, sources: Sequence[SourceState]) -> Component:
    names = ("来源", "状态", "最新数据", "距今 / 承诺", "已用", "最近入库", "行数", "隔离", "说明")
    numeric = ("", "", "", "col-num", "", "", "col-num", "col-num", "")
    head = html.Tr([html.Th(n, className=k) for n, k in zip(names, numeric, strict=True)])
    rows = [
        _source(visit, s) for s in sorted(sources, key=lambda s: (STANDING.index(state_of(s, visit.now)[0]), s.label))
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="table")
    title = html.Header(
        [html.H2("来源时效"), html.Span("以最新一条数据的业务时间计，不以刷新时间计", className="note")],
        className="card-head",
    )
    return html.Section([title, scrolled(table)], className="card", id="health-sources")


def _source(visit: PageContext, source: SourceState) -> Component:
    tone, words = state_of(source, visit.now)
    passed = None if source.data_time is None else (visit.now - source.data_time).total_seconds()
    share = 100.0 if passed is None else min(100.0, passed / max(1, source.stale_after_s) * 100)
    glyph = texts.GLYPHS[tone]
    promise = f"{fmt.duration(passed)} / {fmt.duration(source.stale_after_s)}"
    bar = html.Span(
        html.Span(className=f"bar-fill fill-{tone}", style={"width": f"{share:.0f}%"}), className="bar-track"
    )
    age = data(asof=source.data_time.isoformat(), stale_after=str(source.stale_after_s)) if source.data_time else {}
    return html.Tr(
        [
            html.Td(
                [source.label, html.Small(f"{source.source}_{source.entity}", className="muted")], className="two-line"
            ),
            html.Td([html.Span(glyph, className="glyph"), words], className=f"tone-{tone}"),
            html.Td(html.Span(fmt.clock(source.data_time, visit.today), className="asof", **age)),
            html.Td(promise, className="col-num"),
            html.Td(bar, className="col-bar"),
            html.Td(fmt.clock(source.landed_at, visit.today)),
            html.Td(fmt.number(source.rows), className="col-num"),
            html.Td(fmt.number(source.quarantined), className="col-num tone-warn" if source.quarantined else "col-num"),
            html.Td(source.error or fmt.DASH, className="wrap"),
        ],
        id=f"source-{source.source}_{source.entity}",
    )


def _checks(checks: Sequence[Mapping[str, Any]]) -> Component:
    worst = sorted(checks, key=lambda c: (not c["held"], c["severity"] != "fail", -c["failed_rows"]))
    shown = [c for c in worst if c["failed_rows"] or c["held"]]
    passed = len(worst) - len(shown)
    rows = [
        html.Tr(
            [
                html.Td(data_notes.model(c["model"]), title=c["model"]),
                html.Td(c["check"]),
                html.Td(
                    texts.SEVERITIES.get(c["severity"], c["severity"]),
                    className=f"tone-{'bad' if c['severity'] == 'fail' else 'warn'}",
                ),
                html.Td(fmt.number(c["failed_rows"]), className="col-num"),
                html.Td(c["message"] or fmt.DASH, className="wrap"),
            ]
        )
        for c in shown
    ] or [html.Tr(html.Td("全部检查通过", colSpan=5, className="empty"))]
    head = html.Tr(
        [html.Th("模型"), html.Th("检查"), html.Th("级别"), html.Th("不合格行", className="col-num"), html.Th("说明")]
    )
    title = html.Header(
        [html.H2("检查"), html.Span(f"通过 {passed} / {len(worst)} 项，下列为未通过", className="note")],
        className="card-head",
    )
    return html.Section(
        [title, scrolled(html.Table([html.Thead(head), html.Tbody(rows)], className="table"))],
        className="card",
        id="health-checks",
    )


def _defects(visit: PageContext) -> Component:
    """Known defects that were treated on the way; the same rows found by several models count once."""
    rows = [
        html.Tr([html.Td(d["rule"]), html.Td(d["label"]), html.Td(d["count"], className="col-num")])
        for d in data_notes.defects(visit.book)
    ] or [html.Tr(html.Td("没有发现已知缺陷", colSpan=3, className="empty"))]
    head = html.Tr([html.Th("缺陷"), html.Th("数据"), html.Th("涉及行数", className="col-num")])
    title = html.Header(
        [html.H2("已识别的数据缺陷"), html.Span("按规则改正或剔除后进入计算", className="note")], className="card-head"
    )
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="table")
    return html.Section([title, scrolled(table)], className="card", id="health-defects")


def _quarantine(visit: PageContext, sources: Sequence[SourceState]) -> Component:
    names = {f"{s.source}_{s.entity}": s.label for s in sources}
    rows = [
        html.Tr(
            [
                html.Td(
                    [
                        names.get(q["table"], q["table"]),
                        html.Small(
                            data_notes.rule(q["rule"], q["table"]) + ("" if q["is_row"] else "，只缺该字段"),
                            className="muted",
                        ),
                    ],
                    className="two-line",
                ),
                html.Td(fmt.number(q["rows"]), className="col-num"),
            ]
        )
        for q in data_quality.quarantine(visit.book)
    ] or [html.Tr(html.Td("没有隔离的记录", colSpan=2, className="empty"))]
    way = (
        dcc.Link("逐条查看与更正", href=visit.address.to("/quarantine"))
        if rights.may(visit.viewer, "loading")
        else "保留原文，可改正后重放"
    )
    title = html.Header([html.H2("隔离的记录"), html.Span(way, className="note")], className="card-head")
    head = html.Tr([html.Th("来源与原因"), html.Th("行数", className="col-num")])
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="table")
    return html.Section([title, scrolled(table)], className="card", id="health-quarantine")


def _held(held: Sequence[Mapping[str, Any]]) -> Component:
    items = [
        html.Li([html.B(data_notes.model(c["model"]), title=c["model"]), html.Span(f"{c['check']}：{c['message']}")])
        for c in held
    ]
    body = (
        html.Ul(items, className="held-list")
        if items
        else html.P("没有被扣留的模型，全部为本期数据。", className="empty")
    )
    title = html.Header(
        [html.H2("沿用上期的模型"), html.Span("检查未过，画面仍用前一期", className="note")], className="card-head"
    )
    return html.Section([title, body], className="card")


def requested(visit: PageContext, *kinds: str) -> list[Component]:
    """A card with what was asked of the loading process and what came of it, and with the forms that ask, for those who
    may. No card where runs are no subject and nothing was asked."""
    may = rights.may(visit.viewer, "loading") and "run" in kinds
    found = request_queue.newest(gate.settings().state, REQUESTS_SHOWN, *kinds)
    if not found and "run" not in kinds:
        return []
    called = accounts.display_names(gate.settings().state)
    rows: list[list[Cell]] = [
        [
            str(one.id),
            request_queue.KINDS[one.kind],
            _wish(one),
            called(one.who),
            f"{one.at:%m-%d %H:%M}",
            _standing(one),
            _result(one),
        ]
        for one in found
    ]
    listed = table(("编号", "类别", "内容", "申请人", "时间", "状态", "结果"), rows, empty="没有请求。")
    note = dcc.Link("刷新", href=visit.address.here()) if found else ""
    head = html.Header([html.H2("运行与补数请求"), html.Span(note, className="note")], className="card-head")
    return [html.Section([head, *(_asks(visit) if may else []), listed], className="card", id="health-requests")]


def _wish(one: Request) -> str:
    requested = one.details
    if one.kind == "run":
        return str(loader_requests.JOBS.get(requested["job"], requested["job"]))
    if one.kind == "backfill":
        return f"{requested['first']} 至 {requested['last']} {'、'.join(requested.get('sources') or ()) or '全部来源'}"
    if one.kind == "acknowledge":
        return f"第 {'、'.join(map(str, requested['seqs']))} 份：{requested['why']}"
    return (
        f"第 {requested['seq']} 份第 {requested['row'] + 1} 行：{'、'.join(requested['changes'])}"
        if one.kind == "correct"
        else fmt.DASH
    )


def _result(one: Request) -> str:
    problems = f"；{len(one.problems)} 处有问题：{'；'.join(one.problems[:PROBLEMS_SHOWN])}" if one.problems else ""
    return f"{one.message}{problems}" or one.progress or fmt.DASH


def _standing(one: Request) -> Component:
    tone = {"done": "good", "failed": "bad", "running": "warn"}.get(one.state, "none")
    return html.Span(request_queue.STATES[one.state], className=f"tone-{tone}")


def _asks(visit: PageContext) -> list[Component]:
    back = visit.address.here()
    jobs = html.Select(
        [html.Option(words, value=name) for name, words in loader_requests.JOBS.items()],
        name="job",
        id="ask-job",
        className="filter",
    )
    names = {s.source: s.label.split("·")[0] for s in visit.book.sources()}
    sources = html.Select(
        [html.Option("全部来源", value=""), *(html.Option(label, value=name) for name, label in names.items())],
        name="source",
        id="ask-source",
        className="filter",
    )
    yesterday = (visit.today - dt.timedelta(days=1)).isoformat()
    days = [
        html.Label(
            [
                label,
                dcc.Input(
                    type="text",
                    name=name,
                    value=yesterday,
                    id=f"ask-{name}",
                    className="filter",
                    pattern=r"\d{4}-\d{2}-\d{2}",
                    required=True,
                ),
            ]
        )
        for name, label in (("first", "起始日"), ("last", "截止日"))
    ]
    forms: dict[str, list[Component]] = {
        "run": [html.Label(["任务", jobs]), html.Button("立即运行", type="submit", className="button")],
        "backfill": [*days, html.Label(["来源", sources]), html.Button("补数重算", type="submit", className="button")],
        "replay": [html.Button("重放被拒的整份数据", type="submit", className="button")],
    }
    return [
        html.Form(
            [toolbar.hidden(f"ask-{kind}", "next", back), *fields],
            action=f"/health/ask/{kind}",
            method="post",
            className="fields",
        )
        for kind, fields in forms.items()
    ]
