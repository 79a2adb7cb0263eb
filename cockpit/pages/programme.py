"""/programme/<n>: one of the six programmes against time with its indicators; /unit/<id> and /organisation/<id>: who
carries it."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import overview, profile_parts, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles import programmes as tiles
from cockpit.presentation.tiles.table import Cell, table
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import PageMissing
from warehouse.insight import profiles
from warehouse.query.programmes import scores

GROUP = "programme"
UNCOUNTED, UNSCORED = "未设目标，不计分", "不按范围计分"


def render(visit: PageContext, number: str) -> Page:
    """Unknown programme → PageMissing."""
    found = next((p for p in scores(visit.book) if str(p.number) == number), None)
    if found is None:
        raise PageMissing()
    lines: list[list[Cell]] = []
    for item in found.items:
        metric = visit.book.metrics[item.reading.metric]
        link = dcc.Link(metric.label, href=visit.address.to(f"/metric/{metric.id}", window=item.reading.window))
        uncounted = UNCOUNTED if visit.book.scope.is_all else UNSCORED
        share = uncounted if item.share is None else str(fmt.value(item.share, "ratio", 0))
        lines.append(
            [
                link,
                html.B(str(fmt.reading(item.reading, metric.decimals))),
                fmt.target(item.reading.target, metric.unit, metric.better, metric.decimals) or fmt.DASH,
                share,
                fmt.DASH if item.share is None else str(fmt.value(item.due, "ratio", 0)),
                fmt.number(item.weight),
            ]
        )
    cards = [
        overview.card(visit, visit.book.metrics[item.reading.metric], item.reading.window, visit.book.place(DISTRICT))
        for item in found.items
    ]
    body: list[Component] = [
        tiles.strip([found]),
        html.Div(overview.tiles(cards), className="compact"),
        toolbar.card(
            "指标与权重",
            "完成 = 值 ÷ 全期目标，序时 = 到今天应完成",
            table(["指标", "现值", "目标", "完成", "序时", "权重"], lines, right=range(1, 6)),
        ),
    ]
    if found.number == 1:
        body.append(_units(visit) if visit.book.scope.is_all else _whole_only("成员单位任务"))
    if found.number == 3:
        body.append(_milestones(visit) if visit.book.scope.is_all else _whole_only("十件暖心实事"))
    title = f"{found.label} · {found.force}"
    return Page(
        title,
        body,
        group=GROUP,
        tools=profile_parts.bar(visit, (texts.GROUPS[GROUP], visit.address.to(f"/group/{GROUP}")), (title, "")),
    )


def _whole_only(title: str) -> Component:
    return toolbar.card(title, "", html.P("只在全区层面统计，不按范围列出。", className="empty"))


def _units(visit: PageContext) -> Component:
    lines: list[list[Cell]] = [
        [
            dcc.Link(row["unit"], href=profile_parts.href(visit, "unit", row["unit_id"])),
            fmt.number(row["tasks"]),
            fmt.number(row["due"]),
            fmt.number(row["ontime"]),
            str(fmt.value(row["ontime"] / row["due"], "ratio", 1)) if row["due"] else fmt.DASH,
        ]
        for row in profiles.units_of(visit.book)
    ]
    return toolbar.card(
        "成员单位任务",
        "本年",
        table(
            ["成员单位", "任务", "到期", "按期完成", "按期率"],
            lines,
            right=range(1, 5),
            empty=profile_parts.absent(visit, "本年没有任务", "pb_task"),
        ),
    )


def _milestones(visit: PageContext) -> Component:
    lines: list[list[Cell]] = [
        [
            row["item"],
            row["owner_unit"] or fmt.DASH,
            fmt.number(row["weight"], 1),
            fmt.number(row["due"], 1),
            fmt.number(row["done"], 1),
            html.Span(
                "落后序时" if row["done"] < row["due"] else "按期",
                className="tone-bad" if row["done"] < row["due"] else "tone-good",
            ),
        ]
        for row in profiles.milestones(visit.book)
    ]
    return toolbar.card(
        "十件暖心实事",
        "按节点权重，本年",
        table(
            ["实事", "牵头单位", "权重", "应完成", "已完成", "进度"],
            lines,
            right=(2, 3, 4),
            empty=profile_parts.absent(visit, "本年没有节点", "pj_milestone"),
        ),
    )


def render_unit(visit: PageContext, unit_id: str) -> Page:
    """/unit/<id>. Unknown unit → PageMissing."""
    rows = profiles.unit(visit.book, unit_id)
    name, today = rows[0]["unit"], visit.book.generation.built_at.date()

    def state(row: profiles.Fact) -> Cell:
        if row["done_at"] is not None:
            return html.Span(
                "按期" if row["is_ontime"] else "逾期完成", className="tone-good" if row["is_ontime"] else "tone-warn"
            )
        return html.Span("逾期未完成", className="tone-bad") if row["day"] < today else "办理中"

    lines: list[list[Cell]] = [
        [row["title"] or row["task_id"], profile_parts.day(row["day"]), profile_parts.day(row["done_at"]), state(row)]
        for row in rows
    ]
    body: list[Component] = [
        toolbar.card(name, f"共 {len(rows)} 项任务", table(["任务", "期限", "完成", "状态"], lines))
    ]
    return Page(
        name,
        body,
        group=GROUP,
        tools=profile_parts.bar(visit, ("领航护航", visit.address.to("/programme/1")), (name, "")),
    )


def render_organisation(visit: PageContext, org_id: str) -> Page:
    """/organisation/<id>. Unknown organisation → PageMissing."""
    rows = profiles.organisation(visit.book, org_id)
    first = rows[0]
    name = first["name"] or f"{first['org_type']}组织"
    lines: list[list[Cell]] = [
        [
            profile_parts.place_link(visit, row["company_key"]),
            "独立" if row["is_own"] else "联合" if row["is_own"] is False else fmt.DASH,
            profile_parts.day(row["from_day"]),
        ]
        for row in rows
    ]
    body: list[Component] = [
        toolbar.card(name, f"{first['kind']} · {first['org_type']}", table(["覆盖企业", "建制", "自"], lines))
    ]
    return Page(
        name,
        body,
        group="membership",
        tools=profile_parts.bar(visit, (texts.GROUPS["membership"], visit.address.to("/group/membership")), (name, "")),
    )
