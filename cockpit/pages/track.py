"""/vehicle/<key>/track?at=2026-11-25: where a vehicle went on a day, with its stops and alarms, replayed on the map."""

from __future__ import annotations

import datetime as dt

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity.driver_access import Track
from cockpit.pages import driver, profile_parts, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.spot_map import Point, Spot, replay
from cockpit.presentation.tiles.table import Cell, table
from warehouse.core.errors import PageMissing, UsageError
from warehouse.insight import profiles
from warehouse.query.person_store import Fact
from warehouse.query.places import plate


def render(visit: PageContext, key: str) -> Page:
    """Unknown vehicle, or one that belongs to no company → PageMissing."""
    found = profiles.vehicle(visit.book, key)
    # a vehicle may have been somebody else's before
    within = None if visit.book.scope.is_all else {row["day"] for row in found.days}
    place = visit.book.known(str(found.facts.get("company_key")))
    if place is None:
        raise PageMissing()
    steps = [
        (place.label, profile_parts.href(visit, "company", place.code)),
        (plate(key), profile_parts.href(visit, "vehicle", key)),
    ]
    return driver.guarded(
        visit,
        place,
        steps,
        "行程回放",
        lambda people: _body(visit, key, people.track(place.code, key, _day(visit), within)),
        "tracks",
    )


def _day(visit: PageContext) -> dt.date | None:
    requested = visit.address.get("at")
    try:
        return dt.date.fromisoformat(requested) if requested else None
    except ValueError as error:
        raise UsageError("行程按日查看", where=str(requested), to_do="日写 2026-11-22") from error


def _body(visit: PageContext, key: str, found: Track) -> list[Component]:
    if found.day is None or not found.trips:
        return [
            _days(visit, found),
            toolbar.card("行程", "", html.P("当日没有可回放的行程（只保留由平台定位算出的行程）。", className="empty")),
        ]
    midnight = dt.datetime.combine(found.day, dt.time())
    points = [point for trip in found.trips for point in _way(trip, midnight)]
    alarms = [
        row for row in profiles.alarms(visit.book, "vehicle_key", key, 60) if row["raised_at"].date() == found.day
    ]
    spots = [
        Spot(
            row["lon"],
            row["lat"],
            f"{_nothing(row)} {row['from_at']:%H:%M}–{row['to_at']:%H:%M}",
            "good" if row["kind"] == "stand" else "none",
        )
        for row in found.stops
    ]
    spots += [
        Spot(row["lon"], row["lat"], f"{row['raised_at']:%H:%M} {row['kind']} {row['status']}", "bad") for row in alarms
    ]
    drawn = replay(points, spots, visit.theme)
    lines: list[list[Cell]] = [
        [
            f"{t['from_at']:%H:%M}",
            f"{t['to_at']:%H:%M}",
            fmt.number(t["km"], 1),
            fmt.number(t["gap_km"], 1),
            fmt.duration(t["drive_s"]) if t["kind"] == "drive" else "无数据",
            fmt.duration(t["rest_s"]),
        ]
        for t in found.trips
    ]
    driven = sum(trip["kind"] == "drive" for trip in found.trips)
    trips = toolbar.card(
        "行程",
        f"{driven} 段",
        table(["出发", "到达", "里程（公里）", "其中无数据（公里）", "驾驶", "出发前休息"], lines, right=(2, 3, 4, 5)),
    )
    shown = drawn or html.P("轨迹点太少，无法回放。", className="empty")
    listed = toolbar.card(
        "当日报警", "", profile_parts.alarm_table(visit, alarms, with_vehicle=False, empty="当日没有须处置的报警")
    )
    return [
        _days(visit, found),
        profile_parts.columns(
            [toolbar.card("轨迹", "■ 报警 · ● 停车 20 分钟以上 · ○ 与虚线为无数据 · 每分钟一点", shown)],
            [trips, listed],
        ),
    ]


def _way(trip: Fact, midnight: dt.datetime) -> list[Point]:
    """The points of a trip, or the two ends of a way without data."""
    if trip["kind"] == "unseen":
        return [
            Point(trip["from_lon"], trip["from_lat"], (trip["from_at"] - midnight).total_seconds()),
            Point(trip["to_lon"], trip["to_lat"], (trip["to_at"] - midnight).total_seconds(), True),
        ]
    return [Point(p["lon"], p["lat"], (p["at"] - midnight).total_seconds(), p["is_unseen"]) for p in trip["path"] or []]


def _nothing(row: Fact) -> str:
    """What lay between two trips, in words."""
    lasted = fmt.duration(row["stop_s"])
    if row["kind"] == "unseen":
        return f"无数据 {lasted}，其间移动 {fmt.number(row['moved_km'])} 公里"
    if row["kind"] == "silent":
        return f"无数据 {lasted}，是否停车不明"
    return f"停车 {lasted}" + (
        f"（其中无数据 {fmt.duration(row['silent_s'])}，前后位置与里程未变）" if row["silent_s"] else ""
    )


def _days(visit: PageContext, found: Track) -> Component:
    links = [
        dcc.Link(
            f"{day:%m-%d}",
            href=visit.address.here(at=day.isoformat()),
            className="seg is-on" if day == found.day else "seg",
        )
        for day in found.days[:14]
    ]
    return html.Div(links, className="segments track-days") if links else html.Div()
