"""/company/<code>/drivers and /company/<code>/driver/<reference>: single drivers, for those who may and who have said
what for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from urllib.parse import quote
from xml.sax.saxutils import escape

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import gate
from cockpit.identity.driver_access import LIST_ROWS, LONGEST, PURPOSES, SHORTEST, People
from cockpit.pages import profile_parts, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import aria
from cockpit.presentation.tiles.entities import View, pager
from cockpit.presentation.tiles.listing import plain
from cockpit.presentation.tiles.table import Cell, caution, flag, table
from warehouse.compile.reading import Place
from warehouse.core.errors import PageMissing, Refused
from warehouse.insight import profiles
from warehouse.query.person_store import Driver


def render_list(visit: PageContext, code: str) -> Page:
    """The drivers of a company. Unknown company → PageMissing."""
    place = _company(visit, code)
    steps = [(place.label, profile_parts.href(visit, "company", code))]
    return guarded(visit, place, steps, "驾驶员名单", lambda people: [_list(visit, people, place)])


def render(visit: PageContext, code: str, reference: str) -> Page:
    """One driver. Unknown company or reference → PageMissing."""
    place = _company(visit, code)
    steps = [
        (place.label, profile_parts.href(visit, "company", code)),
        ("驾驶员名单", visit.address.to(f"/company/{code}/drivers")),
    ]
    return guarded(visit, place, steps, "驾驶员", lambda people: _driver(visit, people.driver(place.code, reference)))


def owner_of(visit: PageContext, company: str | None) -> Place | None:
    """The owner of a vehicle, None where none is known. Raises PageMissing for an owner with one driver or one vehicle who
    is outside the reader's scope: what the vehicle does is a person's, and there is nobody for whom a purpose could be
    stated."""
    place = visit.book.known(company or "")
    if place is None and company in visit.book.pooled:
        raise PageMissing()
    return place


def _company(visit: PageContext, code: str) -> Place:
    place = visit.book.known(code)
    if place is None or place.grain != "company":
        raise PageMissing()
    return place


def guarded(
    visit: PageContext,
    place: Place,
    steps: Sequence[tuple[str, str]],
    title: str,
    body: Callable[[People], list[Component]],
    right: str = "drivers",
) -> Page:
    """A page about single people of a company: refused without the right, a question without a purpose, else the body
    under a line that says who is looking, when and why."""
    bar = profile_parts.bar(visit, *steps, (title, ""))
    people = visit.people
    if people is None:
        raise Refused("没有权限", to_do="请登录后查看")
    gate.require(right)
    purpose = people.purpose(place.code)
    if purpose is None:
        return Page(title, [_ask(visit, place)], tools=bar)
    text = f"{visit.viewer.display or visit.viewer.user} · {visit.now:%Y-%m-%d %H:%M} · 用途：{purpose}。本次查看已记入审计日志，请勿截屏外传。"
    return Page(title, [html.P(text, className="notice-line"), *body(people), _watermark(visit)], tools=bar)


def _watermark(visit: PageContext) -> Component:
    """Who is looking and when, all over the page and its print: a photograph of it says whose screen it was. A picture,
    because it is nothing to be read aloud or measured as text; only its shape, the style sheet says the colour."""
    words = f"{visit.viewer.display or visit.viewer.user} {visit.viewer.user} {visit.now:%Y-%m-%d %H:%M}"
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="360" height="200"><text x="20" y="150" transform="rotate(-24 20 150)" '
        f'font-family="sans-serif" font-size="14">{escape(words)}</text></svg>'
    )
    image = f'url("data:image/svg+xml,{quote(picture)}")'
    return html.Div(className="watermark", style={"maskImage": image}, **aria(hidden="true"))


def _ask(visit: PageContext, place: Place) -> Component:
    """The question before the first look. A plain form: it leaves a line in the audit log and comes back here."""
    here = visit.address.here()
    form = html.Form(
        [
            dcc.Input(type="hidden", name="subject", value=place.code, id="purpose-subject"),
            dcc.Input(type="hidden", name="next", value=here, id="purpose-next"),
            html.Select(
                [html.Option(kind, value=kind) for kind in PURPOSES],
                name="kind",
                id="purpose-kind",
                className="filter",
                **aria(label="用途"),
            ),
            dcc.Input(
                type="text",
                name="purpose",
                value="",
                placeholder=f"写明事由，不少于 {SHORTEST} 个字",
                id="purpose-words",
                className="filter",
                minLength=SHORTEST,
                maxLength=LONGEST,
                required=True,
            ),
            html.Button("确认并查看", type="submit", className="button"),
        ],
        action="/purpose",
        method="post",
        className="inline",
    )
    return toolbar.card(
        "请先说明查看用途",
        "15 分钟内有效",
        html.P(f"{place.label}的驾驶员个人信息只用于履行监管职责。谁在何时为何查看会逐次记入审计日志。"),
        form,
        id="purpose",
    )


def _list(visit: PageContext, people: People, place: Place) -> Component:
    page = max(1, int(visit.address.get("page") or 1))
    drivers, total = people.drivers(place.code, page)
    lines: list[list[Cell]] = [
        [
            dcc.Link(
                row["name_mask"] or "（未登记姓名）", href=visit.address.to(f"/company/{place.code}/driver/{reference}")
            ),
            "车队长" if row["is_captain"] else "",
            profile_parts.or_unreported(visit, "yz_certificate", _papers(row["is_qualified"], row["qualified_to"])),
            plain(row["integrity_grade"]),
            "已接入"
            if row["is_connected"]
            else profile_parts.or_unreported(visit, "rdm_account", html.Span("未接入", className="muted")),
            fmt.DASH if row["score"] is None else f"{row['score']:.1f}",
            fmt.DASH if row["is_done"] is None else _done(visit, row["learned"], bool(row["is_done"])),
            html.Span("! 高风险", className="tone-bad") if row["is_high_risk"] else "",
        ]
        for reference, row in drivers
    ]
    pages = max(1, -(-total // LIST_ROWS))
    return toolbar.card(
        "驾驶员",
        f"{total} 人 · 高风险的在前 · 每看一页按人数计入查看次数",
        table(
            ["姓名", "职务", "从业资格", "诚信", "远程管理", "安全评分", "本月学习", "风险"],
            lines,
            right=(5,),
            empty="没有在册的驾驶员",
        ),
        pager(View(page=page), page, pages, f"共 {total} 人", lambda wanted: _page_of(visit, wanted))
        if pages > 1
        else None,
    )


def _page_of(visit: PageContext, wanted: View) -> str:
    return visit.address.here(page=str(wanted.page) if wanted.page > 1 else None)


def _papers(is_qualified: bool, until: object) -> Cell:
    text = profile_parts.day(until)
    return (
        f"有效至 {text}"
        if is_qualified
        else html.Span("无有效资格" if text == fmt.DASH else f"{text} 已过期", className="tone-bad")
    )


def _done(visit: PageContext, month: dt.date, is_done: bool) -> Cell:
    """A month of learning: 完成, 进行中 while it runs or has not begun, 未完成 once it is over."""
    if is_done:
        return "完成"
    if month >= visit.today.replace(day=1):
        return html.Span("进行中" if month <= visit.today else "未开始", className="muted")
    return html.Span("未完成", className="tone-warn")


def _driver(visit: PageContext, found: Driver) -> list[Component]:
    here = found.facts
    rows: list[tuple[str, Cell | list[Cell]]] = [
        (
            "从业资格",
            profile_parts.or_unreported(
                visit, "yz_certificate", _papers(bool(here["is_qualified"]), here["qualified_to"])
            )
            if here["is_p45"]
            else "所在企业无 4.5 吨以上货车，不要求",
        ),
        ("准驾车型", plain(here["licence_class"])),
        ("驾驶证到期", profile_parts.day(here["licence_to"])),
        ("诚信考核", f"{plain(here['integrity_grade'])}（至 {profile_parts.day(here['integrity_to'])}）"),
        ("小程序", "已绑定" if here["is_registered"] else "未绑定"),
    ]
    flags = [
        *([caution("高风险")] if here["is_high_risk"] else []),
        flag("远程管理接入", bool(here["is_connected"])),
        flag("车队长", bool(here["is_captain"])),
    ]
    scores: list[list[Cell]] = [
        [f"{row['day']:%Y-%m}", fmt.number(row["score"], 1), fmt.number(row["vendor_score"], 1), fmt.number(row["km"])]
        for row in found.scores
    ]
    learning: list[list[Cell]] = [
        [
            f"{row['day']:%Y-%m}",
            fmt.duration(row["valid_s"]),
            fmt.duration(row["required_s"]),
            _done(visit, row["day"], bool(row["is_done"])),
        ]
        for row in found.learning
    ]
    honours: list[list[Cell]] = [
        [row["award_code"], row["level"], profile_parts.day(row["day"])] for row in found.honours
    ]
    alarms = [fact for uid in found.alarms if (fact := profiles.alarm_facts(visit.book, uid))]
    head = profile_parts.head(here["name_mask"] or "（未登记姓名）", flags, rows)
    left = [
        toolbar.card(
            "安全评分",
            "自算与厂商评分并列，不混用",
            table(
                ["月份", "评分", "厂商评分", "里程（公里）"],
                scores,
                right=(1, 2, 3),
                empty=profile_parts.absent(visit, "里程不足，没有评分", "as_alarm"),
            ),
        ),
        toolbar.card(
            "报警",
            "二级主动安全报警",
            profile_parts.alarm_table(visit, alarms, empty=profile_parts.absent(visit, "没有二级报警", "as_alarm")),
        ),
    ]
    right = [
        toolbar.card(
            "安全学习",
            "",
            table(
                ["月份", "有效学时", "应学", "结果"],
                learning,
                right=(1, 2),
                empty=profile_parts.absent(visit, "没有学习计划", "rdm_plan"),
            ),
        ),
        toolbar.card(
            "荣誉",
            "",
            table(["荣誉", "级别", "日期"], honours, empty=profile_parts.absent(visit, "没有荣誉记录", "hn_award")),
        ),
    ]
    return [head, profile_parts.columns(left, right)]
