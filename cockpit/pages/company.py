"""/company/<code>: one company with its register, both 50 flags, score, organisations, people in charge, vehicles,
alarms and open matters."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import profile_parts, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import whole
from cockpit.presentation.tiles.listing import plain
from cockpit.presentation.tiles.table import Cell, flag, meter, table
from warehouse.compile.reading import STATUS_LABELS
from warehouse.core.errors import PageMissing
from warehouse.insight import profiles
from warehouse.insight.profiles import ITEMS, Company, Fact

VEHICLES = 12
EXPIRES_DAYS = 60
"""A licence that ends within so many days is marked."""


def render(visit: PageContext, code: str) -> Page:
    """Unknown company → PageMissing."""
    place = visit.book.known(code)
    if place is None or place.grain != "company":
        raise PageMissing()
    found = profiles.company(visit.book, code)
    is_personal = code in visit.book.pooled
    left = (
        [_of_one_person(visit, code)]
        if is_personal
        else [_score(visit, found), _vehicles(visit, code), _alarms(visit, code)]
    )
    right = [_organisation(visit, found), _posts(visit, found), _open(visit, found), supervision.card(visit)]
    body: list[Component] = [
        _head(visit, found),
        profile_parts.cards(visit, place),
        profile_parts.columns(left, right),
    ]
    drivers = dcc.Link("驾驶员名单", href=visit.address.to(f"/company/{code}/drivers"), className="button")
    steps = (
        [(visit.book.place(place.parent).label, profile_parts.href(visit, "town", place.parent))]
        if visit.book.known(place.parent)
        else []
    )
    return Page(
        place.label,
        body,
        tools=[*profile_parts.bar(visit, *steps, (place.label, ""), windows=True, sheet=place.code), drivers],
    )


def _head(visit: PageContext, found: Company) -> Component:
    here, today = found.facts, found.today
    flags = [
        flag("50辆以上（全部货车）", bool(today.get("is_reg50")), f"{today.get('v_cnt', 0)} 辆"),
        flag("50辆以上（重型与牵引）", bool(today.get("is_reg50_heavy")), f"{today.get('vh_cnt', 0)} 辆"),
    ]
    if here["is_hazmat"]:
        flags.append(flag("危险货物运输", True))
    left = None if here["licence_to"] is None else (here["licence_to"] - visit.today).days
    licence: list[Cell] = [f"{profile_parts.day(here['licence_from'])} 至 {profile_parts.day(here['licence_to'])}"]
    if left is not None and left < EXPIRES_DAYS:
        licence.append(
            html.Span(" 已过期" if left < 0 else f" {left} 天后到期", className="tone-bad" if left < 0 else "tone-warn")
        )
    rows: list[tuple[str, Cell | list[Cell]]] = [
        ("类型", plain(here["owner_type"])),
        ("镇街", profile_parts.place_link(visit, here["town_code"])),
        ("经营状态", plain(here["status"])),
        ("许可有效期", licence),
        ("信用等级", plain(here["credit_grade"])),
        ("经营范围", plain(here["scope_text"])),
        ("地址", plain(here["address"])),
    ]
    return profile_parts.head(here["name"], flags, rows)


def _no_score(visit: PageContext) -> str:
    if visit.book.reported(visit.book.metrics["safe_company_score"]):
        return "近期没有得分（未入网或数据不足 60 分项）。"
    return f"{STATUS_LABELS['unconnected']}：得分所需的来源还没有数据。"


def _score(visit: PageContext, found: Company) -> Component:
    if not found.scores:
        return toolbar.card("动态监管得分", "", html.P(_no_score(visit), className="empty"))
    newest = found.scores[0]
    notes = {"overspeed_pts": newest["overspeed_a"], "fatigue_pts": newest["fatigue_a"]}
    items = [
        # what the whole district comes to is not told to who sees a part of it
        meter(
            label,
            newest[key],
            full,
            f"全区同类均值 {notes[key]:.2f}" if notes.get(key) is not None and visit.book.scope.is_all else "",
        )
        for key, (label, full) in ITEMS.items()
    ]
    past = table(
        ["周", "得分", "入网车辆"],
        [
            [
                fmt.week(row["win_start"]),
                f"{row['score']:.1f}",
                str(row["weight"]),
            ]
            for row in found.scores[1:6]
        ],
        right=(1, 2),
        empty="没有更早的得分",
    )
    head = html.Div(
        [html.Span(f"{newest['score']:.1f}", className="score"), html.Small("分 · 满分 100")], className="score-head"
    )
    link = dcc.Link(
        f"{whole(visit.book.home)}排名 ›",
        href=visit.address.to("/metric/safe_company_score", window="week"),
        className="more-link",
    )
    note = f"{fmt.week(newest['win_start'])} · 参照交运发〔2016〕160号口径"
    return toolbar.card(
        "动态监管得分", note, html.Div([html.Div([head, *items]), html.Div([past, link])], className="grid grid-half")
    )


def _vehicles(visit: PageContext, code: str) -> Component:
    rows = profiles.vehicles(visit.book, code)
    lines = [
        [
            profile_parts.vehicle_link(visit, row["vehicle_key"]),
            plain(row["energy"]),
            "重型" if row["is_heavy"] else "非重型",
            plain(row["status"]),
            _due(visit, row["review_due"]),
            _due(visit, row["permit_to"]),
            str(row["days"]),
            fmt.number(row["km"], 0),
            str(row["alarms"]),
        ]
        for row in rows[:VEHICLES]
    ]
    more = (
        profile_parts.metric_link(visit, "fleet_vehicle_cnt", "在营车辆逐辆", code, of="rows")
        if len(rows) > VEHICLES
        else None
    )
    heads = ["车辆", "能源", "吨级", "状态", "年审到期", "运输证到期", "近 7 天上线", "里程（公里）", "报警"]
    return toolbar.card(
        "车辆",
        f"登记 {len(rows)} 辆 · 近 7 天报警多的在前",
        table(heads, lines, right=(6, 7, 8), empty=profile_parts.absent(visit, "没有登记在册的货车", "yz_vehicle")),
        more,
    )


def _due(visit: PageContext, value: object) -> Cell:
    text = profile_parts.day(value)
    return html.Span(text, className="tone-bad") if text != fmt.DASH and text < visit.today.isoformat() else text


def _of_one_person(visit: PageContext, code: str) -> Component:
    """The vehicles of an owner with one driver or one vehicle, or of one that is counted together with such: each leads
    to its page, which asks for a purpose."""
    links = [profile_parts.vehicle_link(visit, row["vehicle_key"]) for row in profiles.vehicles(visit.book, code)]
    words = "该业户只有一名驾驶员或一辆车，或与同镇街这样的业户合并统计，车辆的报警、位置、逐日运行与由此得出的各项数即个人信息，不在这里单列：请点击车辆，说明用途后查看，查看记入审计。"
    return toolbar.card("车辆", "", html.P(words, className="muted"), html.Div(links, className="inline"))


def _alarms(visit: PageContext, code: str) -> Component:
    more = profile_parts.metric_link(visit, "safe_alarm_handled_rate", "全部报警", code, of="rows")
    return toolbar.card(
        "报警与处置",
        "未处置的在前 · 点击时间看处置过程",
        profile_parts.alarm_table(visit, profiles.alarms(visit.book, "company_key", code)),
        more,
    )


def _organisation(visit: PageContext, found: Company) -> Component:
    if not rights.may(visit.viewer, "party"):
        return toolbar.card("党群组织", "", html.P(profile_parts.withheld("party"), className="empty"))
    ledger = found.ledger
    lines = [
        [
            dcc.Link(row["name"] or row["org_type"], href=profile_parts.href(visit, "organisation", row["org_id"])),
            row["kind"],
            "独立" if row["is_own"] else "联合" if row["is_own"] is False else "—",
            profile_parts.day(row["from_day"]),
        ]
        for row in found.organisations
    ]
    body = [
        table(
            ["组织", "类别", "建制", "自"],
            lines,
            empty=profile_parts.absent(visit, "没有党群组织覆盖", "pb_org", "un_org"),
        )
    ]
    if ledger:
        marks = [
            ("排查摸底", "is_surveyed"),
            ("名录内", "is_registered"),
            ("名录 90 天内更新", "is_fresh"),
            ("工会", "has_union"),
            ("团组织", "has_youth"),
            ("妇女组织", "has_women"),
        ]
        body.append(html.Div([flag(label, bool(ledger[key])) for label, key in marks], className="flags"))
        if ledger["is_diff"]:
            body.append(
                html.P(
                    f"名录登记 {ledger['register_veh_cnt']} 辆，与运政的 {found.today.get('v_cnt', 0)} 辆不一致。",
                    className="tone-warn",
                )
            )
    return toolbar.card("党群组织", "", *body)


def _posts(visit: PageContext, found: Company) -> Component:
    lines = [[row["role"], row["unit"] or fmt.DASH, profile_parts.day(row["from_day"])] for row in found.posts]
    visits = [
        [
            profile_parts.day(row["day"]),
            profile_parts.day(row["done_day"]) if row["done_day"] else html.Span("未完成", className="tone-warn"),
        ]
        for row in found.visits
    ]
    six = f"本季“六个一” {found.ledger['six_done']} / {found.ledger['six_due']} 项。" if found.ledger else ""
    return toolbar.card(
        "一企二员与走访",
        "姓名不在公开数据中",
        table(["角色", "派出单位", "自"], lines, empty=profile_parts.absent(visit, "尚未配备", "pb_instructor")),
        table(["计划走访", "完成"], visits, empty=profile_parts.absent(visit, "没有走访计划", "pb_visit")),
        html.P(six, className="fine-print") if six else None,
    )


def _open(visit: PageContext, found: Company) -> Component:
    def line(row: Fact) -> list[Cell]:
        name: Cell = (
            dcc.Link(row["what"], href=profile_parts.href(visit, "alarm", row["alarm_uid"]))
            if row["alarm_uid"] and rights.may(visit.viewer, "alarms")
            else row["what"]
        )
        return [row["kind"], name, profile_parts.day(row["day"])]

    return toolbar.card(
        "逾期未办",
        "近 35 天",
        table(["类别", "事项", "期限"], [line(row) for row in found.open_items], empty="没有逾期事项"),
    )
