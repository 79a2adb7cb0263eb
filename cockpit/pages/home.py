"""/ : what a leader needs before the first question, on one screen: what is off, where alarms wait, the six programmes, the
numbers that stand for all others, the tasks that are due. Everything else is one click further."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import decisions, overview, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles import programmes
from cockpit.presentation.tiles.town_map import Mark, marked_map
from warehouse.compile.reading import STATUS_LABELS, UNPLACED
from warehouse.insight import operations
from warehouse.query.programmes import scores

LEADING = 3
"""The weight of the numbers that stand for all others."""
TASKS, ALARMS = 4, 4
"""Lines of a card; the page behind it has them all."""


def render(visit: PageContext) -> Page:
    """The whole scope of the reader, in the window and period of the address."""
    window = visit.address.get("window") or overview.DEFAULT
    metrics = [metric for metric in visit.book.metrics.values() if metric.weight == LEADING]
    body = [
        html.Div([_findings(visit, window), _where(visit)], className="home-top"),
        programmes.strip(scores(visit.book), lambda number: visit.address.to(f"/programme/{number}")),
        html.Div(overview.tiles(overview.cards(visit, metrics, window)), className="compact"),
        html.Div([_tasks(visit), _alarms(visit), _groups(visit, window)], className="home-foot"),
        overview.fine_print(visit, window),
    ]
    return Page(
        "总览",
        [html.Div(body, className="home")],
        group="overview",
        tools=overview.tools(visit, window, [("总览", "/")]),
    )


def _findings(visit: PageContext, window: str) -> Component:
    at = overview.period_of(visit, window)
    title = f"{overview.called(visit, window, at)}{' ' if window == 'day' else ''}要点"
    return toolbar.card(title, "按规则自动生成，重要的在前", decisions.lists(visit, window, at))


def _where(visit: PageContext) -> Component:
    """Where alarms wait: the number of each town on the map, those beyond the time allowed in red."""
    title, at = "待处置报警", fmt.clock(visit.book.generation.built_at, visit.today)
    if not operations.are_alarms_known(visit.book):
        return toolbar.card(title, "", html.P(STATUS_LABELS["unconnected"], className="empty"))
    waiting = operations.open_by_town(visit.book)
    marks = {town.code: _mark(visit, waiting, town.code) for town in visit.book.places("town")}
    total, overdue = (sum(counts[i] for counts in waiting.values()) for i in (0, 1))
    nowhere = waiting.get(UNPLACED, (0, 0))[0] if visit.book.scope.is_all else 0
    words = f"{fmt.number(total)} 起，其中超时 {fmt.number(overdue)} 起"
    rest = f"（归属待核 {fmt.number(nowhere)} 起）" if nowhere else ""
    if visit.book.is_sum_of_few:
        rest = "（不含不单列的业户）"
    drawn = marked_map(marks, theme=visit.theme)
    return toolbar.card(title, f"截至 {at}", html.P([words, rest], className="home-total"), drawn)


def _mark(visit: PageContext, by_town: dict[str, tuple[int, int]], code: str) -> Mark:
    if code in visit.book.pooled:
        return Mark("map-none", "·", STATUS_LABELS["small_cell"], visit.address.to(f"/town/{code}"))
    waiting, overdue = by_town.get(code, (0, 0))
    look = "map-bad" if overdue else "map-warn" if waiting else "map-shade-0"
    words = f"待处置 {waiting} 起" + (f"，超时 {overdue} 起" if overdue else "")
    return Mark(look, fmt.number(waiting) if waiting else "", words, visit.address.to(f"/town/{code}"))


def _tasks(visit: PageContext) -> Component:
    """The tasks of 督办 that stand: first those that name the reader, then by due date."""
    # without a task that names somebody the list is the same for all
    mine = visit.viewer.display if any(task.person for task in visit.supervised) else ""
    standing = sorted(visit.supervised, key=lambda task: (not mine or task.person != mine, task.due, task.id))
    late = sum(1 for task in standing if task.late(visit.today))
    page = visit.address.to("/supervision")
    lines = [
        html.Li(
            [
                supervision.mark(task, visit.today),
                dcc.Link(task.what, href=f"{page}#task-{task.id}"),
                html.Small(" · ".join(filter(None, (task.office, task.person, f"期限 {task.due:%m-%d}")))),
            ]
        )
        for task in standing[:TASKS]
    ]
    body = (
        html.Ul(lines, className="plain-list home-list") if lines else html.P("没有在办的督办任务", className="empty")
    )
    return toolbar.card(
        "督办",
        f"在办 {len(standing)} 项，逾期 {late} 项",
        body,
        dcc.Link("全部督办 ›", href=page, className="home-more"),
    )


def _alarms(visit: PageContext) -> Component:
    if not operations.are_alarms_known(visit.book):
        return toolbar.card("超时未处置", "", html.P(STATUS_LABELS["unconnected"], className="empty"), id="home-alarms")
    late = operations.overdue(visit.book, ALARMS)
    lines = [
        html.Li(
            [
                html.Span(fmt.clock(alarm.raised_at.replace(tzinfo=fmt.ZONE), visit.today), className="muted"),
                html.Span(f"{alarm.plate_mask} {alarm.kind}"),
                html.Small(f"{alarm.town or fmt.DASH} · 已超时 {fmt.duration(alarm.late_s)}"),
            ]
        )
        for alarm in late
    ]
    body = (
        html.Ul(lines, className="plain-list home-list") if lines else html.P("没有超时未处置的报警", className="empty")
    )
    way = visit.address.to("/metric/safe_alarm_ontime_rate")
    return toolbar.card(
        "超时未处置",
        "最近的在前",
        body,
        dcc.Link("报警处置及时率 ›", href=way, className="home-more"),
        id="home-alarms",
    )


def _groups(visit: PageContext, window: str) -> Component:
    """The way to every number."""
    lines = [
        html.Li(
            [
                dcc.Link(texts.GROUPS[group], href=visit.address.to(f"/group/{group}", window=window)),
                html.Small(f"{len(metrics)} 项"),
            ]
        )
        for group, metrics in overview.grouped(visit.book.metrics.values()).items()
    ]
    goals = dcc.Link("目标 ›", href=visit.address.to("/targets"), className="home-more")
    words = dcc.Link("名词 ›", href=visit.address.to("/glossary"), className="home-more")
    every = dcc.Link("全部指标 ›", href=visit.address.to("/all", window=window), className="home-more")
    return toolbar.card(
        "指标",
        f"共 {len(visit.book.metrics)} 项",
        html.Ul(lines, className="plain-list home-list home-groups"),
        html.Div([every, goals, words], className="home-ways"),
    )
