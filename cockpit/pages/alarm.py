"""/alarm/<uid>: one alarm and everything that was done about it."""

from __future__ import annotations

import datetime as dt

from dash import html
from dash.development.base_component import Component

from cockpit.identity.driver_access import People
from cockpit.pages import driver, profile_parts, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.listing import plain
from cockpit.presentation.tiles.spot_map import Spot
from cockpit.presentation.tiles.table import Cell, flag, table
from warehouse.insight import profiles
from warehouse.insight.profiles import Alarm
from warehouse.query.places import plate

RESULTS = {0: "处理中", 1: "已处理完毕", 2: "不予处理", 3: "将来处理"}
"""JT/T 809 1403."""
ORIGINS = {"platform": "监控平台", "active": "主动安全设备"}


def render(visit: PageContext, uid: str) -> Page:
    """Unknown alarm → PageMissing. One of a vehicle of an owner with one driver or one vehicle is a person's: only for a
    purpose."""
    found = profiles.alarm(visit.book, uid)
    place = driver.owner_of(visit, found.facts["company_key"])
    if place is not None and place.code in visit.book.pooled:
        steps = [(place.label, profile_parts.href(visit, "company", place.code))]

        def noted(people: People) -> list[Component]:
            people.vehicle(place.code, uid)
            return _page(visit, found).body

        return driver.guarded(visit, place, steps, "报警", noted, "alarms")
    return _page(visit, found)


def _page(visit: PageContext, found: Alarm) -> Page:
    here = found.facts
    spots = [Spot(here["lon"], here["lat"], here["kind"], texts.ALARM_TONES.get(here["status"], "flat"))]
    others = toolbar.card(
        "当日该车其他报警",
        "",
        profile_parts.alarm_table(visit, found.others, with_vehicle=False, empty="当日没有其他报警"),
    )
    body: list[Component] = [
        _head(visit, found),
        profile_parts.columns(
            [_steps(found), _urges(found), others],
            [profile_parts.where(spots, "位置", "", "没有位置，或不在本区。", visit.theme), supervision.card(visit)],
        ),
    ]
    known = visit.book.known(here["company_key"] or "")
    steps = [(known.label, profile_parts.href(visit, "company", known.code))] if known else []
    title = f"{here['kind']} {profile_parts.moment(here['raised_at'])}"
    return Page(
        title,
        body,
        group="safety",
        tools=profile_parts.bar(
            visit,
            *steps,
            (plate(here["vehicle_key"]), profile_parts.href(visit, "vehicle", here["vehicle_key"])),
            (title, ""),
        ),
    )


def _head(visit: PageContext, found: Alarm) -> Component:
    here = found.facts
    took = None if here["handled_at"] is None else (here["handled_at"] - here["raised_at"]).total_seconds()
    speed: Cell = f"{plain(here['speed_kmh'])} 公里/小时" + (
        f"（限速 {plain(here['limit_kmh'])}）" if here["limit_kmh"] else ""
    )  # platforms send 0 where no limit is known
    rows: list[tuple[str, Cell | list[Cell]]] = [
        ("车辆", profile_parts.vehicle_link(visit, here["vehicle_key"])),
        ("企业", profile_parts.place_link(visit, here["company_key"])),
        ("镇街", profile_parts.place_link(visit, here["town_code"])),
        ("时间", profile_parts.moment(here["raised_at"])),
        ("级别", {1: "一级", 2: "二级"}.get(here["level"], "—")),
        ("来源", ORIGINS.get(here["origin"], "—")),
        ("车速", speed),
        ("处置时间", profile_parts.moment(here["handled_at"])),
        ("处置时限", fmt.duration(here["limit_s"])),
        ("用时", fmt.duration(took) if took is not None and took >= 0 else fmt.DASH),
        ("编号", here["alarm_uid"]),
    ]
    flags = [
        profile_parts.status(here),
        flag("须处置", bool(here["must_handle"])),
        flag("时限内处置", bool(here["is_ontime"])),
    ]
    if here["is_clock_error"]:
        flags.append(html.Span("处置时间早于报警时间，处置率、及时率的分子和分母都不计入", className="tone-warn"))
    return profile_parts.head(here["kind"], flags, rows)


def _steps(found: Alarm) -> Component:
    raised = found.facts["raised_at"]
    lines: list[list[Cell]] = [
        [
            str(row["step"]),
            plain(row["action"]),
            RESULTS.get(row["result"], "—"),
            plain(row["reason"]),
            profile_parts.moment(row["handled_at"]),
            _after(raised, row["handled_at"]),
        ]
        for row in found.steps
    ]
    return toolbar.card(
        "处置过程",
        "最后一步为准 · 处置人不在公开数据中",
        table(["步骤", "措施", "结果", "理由", "时间", "距报警"], lines, empty="还没有任何处置记录"),
        id="alarm-steps",
    )


def _after(raised: dt.datetime, handled: dt.datetime | None) -> str:
    if handled is None:
        return fmt.DASH
    seconds = (handled - raised).total_seconds()
    return f"早 {fmt.duration(-seconds)}" if seconds < 0 else fmt.duration(seconds)


def _urges(found: Alarm) -> Component | None:
    lines: list[list[Cell]] = [
        [
            row["urge_id"],
            "紧急" if row["is_urgent"] else "一般",
            profile_parts.day(row["day"]),
            "按期完成" if row["is_done"] else "逾期未完成" if row["is_due"] else "办理中",
        ]
        for row in found.urges
    ]
    return toolbar.card("督办", "", table(["编号", "级别", "下发", "结果"], lines)) if lines else None
