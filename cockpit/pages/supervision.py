"""/supervision: all tasks of 督办; and what other pages show of them: a badge, and a card with the form that makes
one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import task_routes, task_store
from cockpit.casework.task_store import Task
from cockpit.identity import accounts, gate
from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import aria
from cockpit.presentation.tiles.table import Cell, table
from warehouse.query.scope import TOTAL

VIEWS = {"open": "在办", "overdue": "逾期", "closed": "已办结", "withdrawn": "已撤回", "all": "全部"}
SORTS = {"due": "按期限", "office": "按科室", "-made": "按交办时间"}
DAY = r"\d{4}-\d{2}-\d{2}"
USUAL_DAYS = 7
"""The due date that the form proposes: a week from today."""


def render(visit: PageContext) -> Page:
    """/supervision, filtered by `only=state:…~office:…` and sorted by `sort`."""
    tasks = [one for one in task_store.every(gate.settings().state) if task_routes.is_within(visit.book, one)]
    chosen = dict(visit.address.only)
    view = chosen.get("state", "open") if chosen.get("state", "open") in VIEWS else "open"
    office, sort = chosen.get("office", ""), visit.address.get("sort") or "due"
    counts = {name: sum(1 for task in tasks if _is(task, name, visit.today)) for name in VIEWS}
    shown = [task for task in tasks if _is(task, view, visit.today) and office in ("", task.office)]
    shown.sort(key={"office": lambda t: (t.office, t.due), "-made": lambda t: -t.id}.get(sort, lambda t: (t.due, t.id)))
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("督办", "")),
        _segments(visit, "state", {name: f"{words} {counts[name]}" for name, words in VIEWS.items()}, view, "状态"),
        _offices(visit, tasks, office),
        toolbar.choices(visit, "sort", SORTS, sort, "排序"),
        html.Span(className="spacer"),
        toolbar.copy_link(),
    ]
    empty = html.Section(
        html.P("没有符合条件的督办任务。可在指标页、企业、车辆、报警等页面交办。", className="empty"), className="card"
    )
    return Page("督办", [_task(visit, task) for task in shown] or [empty], group="supervision", tools=bar)


def _is(task: Task, view: str, today: dt.date) -> bool:
    is_shown = {"open": task.is_standing, "overdue": task.late(today) > 0, "all": True}
    return is_shown.get(view, task.state == view)


def _segments(visit: PageContext, key: str, offered: dict[str, str], chosen: str, label: str) -> Component:
    links = [
        dcc.Link(
            words,
            href=visit.address.here(only=visit.address.filtered(key, value)),
            className="seg is-on" if value == chosen else "seg",
        )
        for value, words in offered.items()
    ]
    return html.Div(links, className="segments", role="group", **aria(label=label))


def _offices(visit: PageContext, tasks: Sequence[Task], chosen: str) -> Component:
    names = sorted({task.office for task in tasks})
    items = [
        dcc.Link(
            "全部科室", href=visit.address.here(only=visit.address.filtered("office", None)), className="menu-item"
        )
    ]
    items += [
        dcc.Link(name, href=visit.address.here(only=visit.address.filtered("office", name)), className="menu-item")
        for name in names
    ]
    return html.Details(
        [html.Summary(f"科室：{chosen or '全部'}", className="button"), html.Div(items, className="menu")],
        className="drop",
    )


def _task(visit: PageContext, task: Task) -> Component:
    made = task.steps[0]
    head = html.Header(
        [
            html.H2(f"督办 {task.id} · {task.office}{f'（{task.person}）' if task.person else ''}"),
            mark(task, visit.today),
            html.Span(f"期限 {task.due}", className="note"),
        ],
        className="card-head",
    )
    called = accounts.display_names(gate.settings().state)
    rows: list[list[Cell]] = [
        [f"{one.at:%Y-%m-%d %H:%M}", task_store.STEPS[one.step], called(one.who), one.words or fmt.DASH]
        for one in task.steps
    ]
    about = html.P(
        [
            "依据：",
            dcc.Link(task.subject.label, href=task.subject.href),
            html.Small(f" 快照 {task.subject.generation} · {called(made.who)} 交办", className="muted"),
        ]
    )
    return html.Section(
        [
            head,
            html.P(task.what, className="task-what"),
            about,
            table(["时间", "步骤", "经办", "内容"], rows),
            *_forms(visit, task),
        ],
        className="card task",
        id=f"task-{task.id}",
    )


def _forms(visit: PageContext, task: Task) -> list[Component]:
    """The steps that this reader may do now."""
    steps = [
        name
        for name, states in task_store.FROM.items()
        if task.state in states and task_store.may(visit.viewer, name, task)
    ]
    made = []
    for name in steps:
        key = f"task-{task.id}-{name}"
        words = (
            []
            if name == "take"
            else [
                _text(
                    key,
                    "words",
                    {"note": "进展情况", "withdraw": "撤回的原因", "close": "办理结果", "reopen": "重新交办的原因"}[
                        name
                    ],
                )
            ]
        )
        made.append(
            html.Form(
                [
                    toolbar.hidden(key, "next", visit.address.here()),
                    *words,
                    html.Button(task_store.STEPS[name], type="submit", className="button"),
                ],
                action=f"/supervision/{task.id}/{name}",
                method="post",
                className="inline",
            )
        )
    return [html.Div(made, className="task-steps")] if made else []


def mark(task: Task, today: dt.date) -> Component:
    """How a task stands, in a tag: 督办中, 逾期 3 天, 已办结."""
    late = task.late(today)
    words = f"逾期 {late} 天" if late else task_store.STATES[task.state]
    return html.Span(
        words, className="tag tag-bad" if late else "tag tag-held" if not task.is_standing else "tag tag-warn"
    )


def badge(visit: PageContext, metric: str, place: str) -> Component | None:
    """督办中 or 督办逾期 on the card of a metric, as short as the card is narrow; None when no task of it stands."""
    standing = [task for task in visit.supervised if (task.subject.key, task.subject.place) == (metric, place)]
    if not standing:
        return None
    late = [task.late(visit.today) for task in standing]
    return html.Span(
        "督办逾期" if any(late) else "督办中",
        className="tag tag-bad" if any(late) else "tag tag-warn",
        title="；".join(
            f"{task.what}（逾期 {days} 天）" if days else task.what for task, days in zip(standing, late, strict=True)
        ),
    )


def card(visit: PageContext) -> Component | None:
    """The tasks of the page's number or record, and the form that makes one; None for a reader who sees none and may
    make none."""
    subject = task_routes.subject(visit.book, visit.address)
    tasks = task_store.about(gate.settings().state, subject.key, subject.place if subject.is_metric else None)
    may = task_store.may(visit.viewer, "open") and not subject.place.startswith(TOTAL)
    if not tasks and not may:
        return None
    page = visit.address.to("/supervision", only="state:all")
    lines = [
        html.Li(
            [
                mark(task, visit.today),
                " ",
                dcc.Link(task.what, href=f"{page}#task-{task.id}"),
                html.Small(" · ".join(filter(None, (f" {task.office}", task.person, f"期限 {task.due}")))),
            ]
        )
        for task in tasks
    ]
    listed = html.Ul(lines, className="plain-list") if lines else None
    return toolbar.card("督办", "事项、期限与办理过程逐步留痕", listed, _form(visit) if may else None, id="supervise")


def _form(visit: PageContext) -> Component:
    metric = visit.book.metrics.get(visit.address.path.removeprefix("/metric/"))
    names = task_routes.offices(visit.book)
    if metric:
        names.sort(key=lambda name: name != metric.owner)
    office = html.Label(
        [
            "责任科室",
            html.Select(
                [html.Option(name, value=name) for name in names],
                name="office",
                id="supervise-office",
                className="filter",
            ),
        ]
    )
    day = (visit.today + dt.timedelta(days=USUAL_DAYS)).isoformat()
    due = html.Label(
        [
            "期限",
            dcc.Input(
                type="text",
                name="due",
                value=day,
                pattern=DAY,
                placeholder="2026-01-31",
                required=True,
                id="supervise-due",
                className="filter",
            ),
        ]
    )
    known = accounts.names_with(gate.settings().state, "tasks")
    person = html.Label(
        [
            "责任人（可不填）",
            dcc.Input(
                type="text",
                name="person",
                value="",
                list="supervise-people",
                placeholder="姓名，可另行填写",
                maxLength=task_store.LONGEST_PERSON,
                id="supervise-person",
                className="filter",
            ),
            html.Datalist([html.Option(value=name) for name in known], id="supervise-people"),
        ]
    )
    fields = [
        toolbar.hidden("supervise", "subject", visit.address.here()),
        toolbar.hidden("supervise", "next", visit.address.here()),
        _text("supervise", "what", "要办的事，最多 200 字"),
        office,
        person,
        due,
    ]
    form = html.Form(
        [*fields, html.Button("交办", type="submit", className="button")],
        action="/supervision/open",
        method="post",
        className="fields",
    )
    return html.Details([html.Summary("交办督办任务", className="button"), form])


def _text(key: str, name: str, hint: str) -> Component:
    return dcc.Input(
        type="text",
        name=name,
        value="",
        placeholder=hint,
        id=f"{key}-{name}",
        className="filter wide",
        maxLength=task_store.LONGEST,
        required=True,
    )
