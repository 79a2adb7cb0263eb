"""/vehicle/<key>: one vehicle with its register, papers, days and alarms."""

from __future__ import annotations

from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.identity.driver_access import People
from cockpit.pages import driver, profile_parts, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.listing import STATES, plain
from cockpit.presentation.tiles.spot_map import Spot
from cockpit.presentation.tiles.table import Cell, caution, flag, table
from warehouse.insight import profiles
from warehouse.insight.profiles import Fact, Vehicle
from warehouse.query.places import plate

STAGES = {1: "国一", 2: "国二", 3: "国三", 4: "国四", 5: "国五", 6: "国六"}


def render(visit: PageContext, key: str) -> Page:
    """Unknown vehicle → PageMissing. One of an owner with one driver or one vehicle is a person's: only for a
    purpose."""
    found = profiles.vehicle(visit.book, key)
    owner = found.facts.get("company_key") or next(
        (row["company_key"] for row in found.days if row["company_key"]), None
    )
    place = driver.owner_of(visit, owner)
    if place is not None and place.code in visit.book.pooled:
        steps = [(place.label, profile_parts.href(visit, "company", place.code))]

        def noted(people: People) -> list[Component]:
            people.vehicle(place.code, key)
            return _page(visit, found, key, owner).body

        return driver.guarded(visit, place, steps, plate(key), noted, "tracks")
    return _page(visit, found, key, owner)


def _page(visit: PageContext, found: Vehicle, key: str, owner: str | None) -> Page:
    spots = [
        Spot(
            row["lon"],
            row["lat"],
            f"{profile_parts.moment(row['raised_at'])} {row['kind']} {row['status']}",
            texts.ALARM_TONES.get(row["status"], "flat"),
        )
        for row in found.alarms
        if rights.may(visit.viewer, "alarms")
    ]
    alarms = toolbar.card("报警与处置", "", profile_parts.alarm_table(visit, found.alarms, with_vehicle=False))
    where = profile_parts.where(
        spots,
        "报警位置",
        "近 35 天须处置的报警",
        profile_parts.absent(visit, "没有带位置的报警。", "gps_alarm", "as_alarm")
        if rights.may(visit.viewer, "alarms")
        else profile_parts.withheld("alarms"),
        visit.theme,
    )
    body: list[Component] = [
        _head(visit, found, owner),
        profile_parts.columns([_days(visit, found)], [where, alarms, supervision.card(visit)]),
    ]
    known = visit.book.known(owner or "")
    steps = [(known.label, profile_parts.href(visit, "company", known.code))] if known else []
    way = (
        [dcc.Link("行程回放", href=visit.address.to(f"/vehicle/{quote(key, safe='')}/track"), className="button")]
        if known
        else []
    )
    return Page(plate(key), body, group="fleet", tools=[*profile_parts.bar(visit, *steps, (plate(key), "")), *way])


def _head(visit: PageContext, found: Vehicle, owner: str | None) -> Component:
    here = found.facts
    flags = [flag("重型（须装终端）", bool(here.get("is_heavy")))]
    if found.days:
        flags += [
            flag("已入网", bool(found.days[0]["is_networked"])),
            *([caution("报停")] if found.days[0]["is_stopped"] else []),
        ]
    rows: list[tuple[str, Cell | list[Cell]]] = [("企业", profile_parts.place_link(visit, owner))]
    if here:
        rows += [
            ("镇街", profile_parts.place_link(visit, here["town_code"])),
            ("车型", plain(here["veh_type"])),
            ("类别", STATES.get(here["vehicle_class"], "—")),
            ("总质量", f"{plain(here['gross_mass_t'])} t"),
            ("能源", plain(here["energy"])),
            ("排放", STAGES.get(here["emission_stage"], "阶段不明")),
            ("状态", plain(here["status"])),
            ("年审到期", _until(visit, here["review_due"])),
            (
                "道路运输证到期",
                profile_parts.or_unreported(visit, "yz_certificate", _until(visit, here["permit_to"], "无有效证件")),
            ),
        ]
    else:
        rows.append(("登记", "现已不在册" if visit.book.scope.is_all else "现不在册，或不在本范围"))
    return profile_parts.head(plate(found.key), flags, rows)


def _until(visit: PageContext, value: object, missing: str = fmt.DASH) -> Cell:
    text = profile_parts.day(value)
    if value is None:
        return html.Span(missing, className="tone-bad") if missing != fmt.DASH else missing
    return (
        html.Span([text, " 已过期"], className="tone-bad")
        if text != fmt.DASH and text < visit.today.isoformat()
        else text
    )


def _days(visit: PageContext, found: Vehicle) -> Component:
    def line(row: Fact) -> list[Cell]:
        check: Cell = (
            fmt.DASH
            if not row["pretrip_due"]
            else "已检查"
            if row["pretrip_done"]
            else profile_parts.or_unreported(visit, "rdm_check", html.Span("未检查", className="tone-bad"))
        )
        ok = fmt.value(row["pts_ok"] / row["pts"], "ratio", 1) if row["pts"] else fmt.DASH
        online: Cell = (
            "上线" if row["is_online"] else html.Span("报停" if row["is_stopped"] else "离线", className="muted")
        )
        return [
            profile_parts.day(row["day"]),
            online,
            fmt.number(row["valid_km"], 1),
            fmt.number(row["unseen_km"], 1),
            fmt.duration(row["drive_s"]),
            str(ok),
            str(row["drift_pts"]),
            str(row["overspeed_cnt"]),
            fmt.duration(row["fatigue_s"]) if row["fatigue_s"] else "0",
            str(row["active_cnt"] or 0),
            check,
        ]

    heads = [
        "日期",
        "状态",
        "里程（公里）",
        "其中无数据（公里）",
        "驾驶时长",
        "合格率",
        "漂移点",
        "超速",
        "疲劳超时",
        "主动安全",
        "出车检查",
    ]
    return toolbar.card(
        "逐日运行",
        f"近 {len(found.days)} 天",
        table(
            heads,
            [line(row) for row in found.days],
            right=range(2, 10),
            empty=profile_parts.absent(visit, "没有运行记录", "gps_location"),
        ),
    )
