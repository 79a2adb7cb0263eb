"""/site and /site/<id>: the service sites on the map with their free basics, and one site with its facilities, days and
ratings."""

from __future__ import annotations

from collections.abc import Iterable

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import profile_parts, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.listing import plain
from cockpit.presentation.tiles.spot_map import Spot
from cockpit.presentation.tiles.table import Cell, flag, table
from warehouse.insight import profiles
from warehouse.insight.profiles import Fact, Site

METHODS = {"checkin": "扫码签到", "counter": "计数器", "manual": "人工登记"}


def render_all(visit: PageContext) -> Page:
    """/site"""
    rows = profiles.sites(visit.book)
    spots = [Spot(row["lon"], row["lat"], row["name"], "good" if row["is_open"] else "bad") for row in rows]
    lines: list[list[Cell]] = [
        [
            dcc.Link(row["name"], href=profile_parts.href(visit, "site", row["site_id"])),
            row["kind"],
            profile_parts.place_link(visit, row["town_code"]),
            row["hours"] or fmt.DASH,
            "在用" if row["is_open"] else "停用",
        ]
        for row in rows
    ]
    listed = toolbar.card(
        "服务阵地",
        f"共 {len(rows)} 个",
        table(["阵地", "类别", "镇街", "开放时间", "状态"], lines, empty="还没有登记服务阵地"),
    )
    body: list[Component] = [
        profile_parts.columns([listed], [profile_parts.where(spots, "分布", "", "没有带坐标的阵地。", visit.theme)])
    ]
    return Page(
        "服务阵地",
        body,
        group="site",
        tools=profile_parts.bar(visit, (texts.GROUPS["site"], visit.address.to("/group/site")), ("阵地一览", "")),
    )


def render(visit: PageContext, site_id: str) -> Page:
    """Unknown site → PageMissing."""
    found = profiles.site(visit.book, site_id)
    here = found.facts
    where = profile_parts.where(
        [Spot(here["lon"], here["lat"], here["name"])], "位置", "", "没有坐标，或不在本区。", visit.theme
    )
    body: list[Component] = [
        _head(visit, found),
        profile_parts.columns([_facilities(found), _days(found)], [where, supervision.card(visit)]),
    ]
    return Page(
        here["name"],
        body,
        group="site",
        tools=profile_parts.bar(visit, ("阵地一览", visit.address.to("/site")), (here["name"], "")),
    )


def _head(visit: PageContext, found: Site) -> Component:
    here = found.facts
    stars, number = found.rating
    rows: list[tuple[str, Cell | list[Cell]]] = [
        ("类别", plain(here["kind"])),
        ("镇街", profile_parts.place_link(visit, here["town_code"])),
        ("片区", plain(here["home_area"])),
        ("地址", plain(here["address"])),
        ("运营单位", plain(here["operator"])),
        ("开放时间", plain(here["hours"])),
        ("星级", plain(here["level"])),
        (
            "近 90 天评价",
            f"{stars / number:.2f} 分（{number:,.0f} 次）"
            if number
            else profile_parts.absent(visit, "没有评价", "st_rating"),
        ),
    ]
    return profile_parts.head(here["name"], [flag("在用", bool(here["is_open"]))], rows)


def _facilities(found: Site) -> Component:
    usable, broken, free = (found.facts[key] or [] for key in ("usable", "broken", "free"))

    def group(title: str, codes: Iterable[str]) -> Component:
        marks = [
            flag(
                texts.FACILITIES.get(code, code),
                code in usable,
                "维修中" if code in broken else "免费" if code in free else "",
            )
            for code in codes
        ]
        return html.Div([html.H3(title, className="sub-title"), html.Div(marks, className="flags")])

    rest = [code for code in (*usable, *broken) if code not in {*texts.BASIC_SERVICES, *texts.NINE_SERVICES}]
    parts = [group("五项免费基本服务", texts.BASIC_SERVICES), group("公告所列九项服务", texts.NINE_SERVICES)]
    return toolbar.card("设施与服务", "✓ 可用 · ✕ 没有或不可用", *parts, group("其他", rest) if rest else None)


def _days(found: Site) -> Component:
    def line(row: Fact) -> list[Cell]:
        opened, scheduled = row["opened_min"], row["scheduled_min"]
        share: Cell = (
            "批准关闭"
            if row["is_excused"]
            else fmt.DASH
            if not scheduled or opened is None
            else str(fmt.value(float(opened) / float(scheduled), "ratio", 1))
        )
        return [
            profile_parts.day(row["day"]),
            fmt.number(row["visit_cnt"]) if row["visit_cnt"] is not None else html.Span("未上报", className="muted"),
            METHODS.get(str(row["visit_method"]), fmt.DASH),
            share,
        ]

    return toolbar.card(
        "逐日服务",
        f"近 {len(found.days)} 天",
        table(
            ["日期", "服务人次", "计数方式", "开放率"],
            [line(row) for row in found.days],
            right=(1, 3),
            empty="没有记录",
        ),
    )
