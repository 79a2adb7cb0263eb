"""大屏: the roll call of the wall screens, for the system administrator: who reports, what it shows, how it copes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import accounts, gate, sessions
from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.assets import build_id
from cockpit.presentation.tiles.table import scrolled
from cockpit.wall import legibility
from cockpit.wall.legibility import CHOICES, GOOD, LEAST, NAMES, Setting, Sight
from cockpit.wall.routes import LOST_S, Heartbeats

SLOW_FPS = 20
LAYOUTS = {"hd": "16:9", "wide": "宽屏 32:9", "ultra": "超宽 16:3"}
COLUMNS = ("屏幕", "状态", "最近心跳", "画面", "分辨率", "版式", "帧率", "内存", "错误", "快照", "程序")
NUMERIC = ("帧率", "内存", "错误")


def render(visit: PageContext) -> Page:
    """/screens."""
    file = gate.settings().state
    seen = Heartbeats(file).roll()
    known = [d for d in sessions.devices(file) if not d["revoked_at"]]
    body: list[Component] = [_roll(visit, seen), _legible(seen, known), _devices(known)]
    return Page(
        "大屏名册", body, group="screens", tools=[toolbar.crumbs(("总览", visit.address.to("/")), ("大屏名册", ""))]
    )


def _roll(visit: PageContext, seen: list[dict[str, Any]]) -> Component:
    rows = [_screen(visit, one) for one in seen] or [
        html.Tr(html.Td("还没有大屏报到。", colSpan=len(COLUMNS), className="empty"))
    ]
    return _card("在线情况", "每块屏每 30 秒报到一次", COLUMNS, rows)


def _screen(visit: PageContext, one: dict[str, Any]) -> Component:
    silent = visit.now.timestamp() - one["seen_at"]
    slow = one["fps"] is not None and one["fps"] < SLOW_FPS
    tone, words = ("bad", "✕ 失联") if silent > LOST_S else ("warn", "! 画面慢") if slow else ("good", "● 在线")
    size = f"{one['width']:.0f}×{one['height']:.0f}" if one["width"] and one["height"] else fmt.DASH
    heap = f"{one['heap'] / 2**20:,.0f} MB" if one["heap"] else fmt.DASH
    current = one["build"] == build_id()
    texts_ = (
        html.A(html.B(one["screen"]), href=f"/remote/{one['screen']}", title="遥控这块屏"),
        html.Span(words, className=f"tone-{tone}"),
        fmt.age(silent),
        texts.SCENES.get(one["scene"], one["scene"] or fmt.DASH),
        size,
        LAYOUTS.get(one["layout"], one["layout"] or fmt.DASH),
        fmt.number(one["fps"]),
        heap,
        fmt.number(one["errors"]),
        one["generation"] or fmt.DASH,
        html.Span("最新" if current else "待刷新", className="" if current else "tone-warn", title=one["build"]),
    )
    return html.Tr(
        [html.Td(t, className="col-num" if n in NUMERIC else "") for n, t in zip(COLUMNS, texts_, strict=True)]
    )


def _legible(seen: list[dict[str, Any]], known: list[dict[str, Any]]) -> Component:
    """Every screen with how wide it is and how far its farthest seat, and whether it can be read from there."""
    reported = {one["screen"]: legibility.pixels(one["width"], one["height"]) for one in seen}
    entered = legibility.settings_of(gate.settings().state)
    names = sorted({*reported, *(device["screen"] for device in known), *entered})
    columns = ("屏幕", "结论", "正常版最小字", "大字版最小字", "画面宽与最远座位（米）")
    rows = [
        html.Tr(
            [html.Td(cell) for cell in _sight(name, entered.get(name, Setting()), reported.get(name, legibility.USUAL))]
        )
        for name in names
    ] or [html.Tr(html.Td("还没有大屏，请在下面登记。", colSpan=len(columns), className="empty"))]
    note = f"汉字在最远座位须不小于 {LEAST:.0f} 角分，{GOOD:.0f} 角分以上看得舒服"
    return _card("看得清吗", note, columns, rows)


def _sight(screen: str, setting: Setting, pixels: tuple[float, float]) -> tuple[Component | str, ...]:
    seen = legibility.sight(setting, pixels)
    if seen is None:
        return screen, "请量画面宽与最远座位", fmt.DASH, fmt.DASH, _measures(screen, setting)
    heights = (
        f"{legibility.glyph_mm(kind, setting.width_m or 0.0, pixels):.0f} 毫米，{seen.arc[kind]:.1f} 角分"
        for kind in NAMES
    )
    return screen, _verdict(seen), *heights, _measures(screen, setting)


def _verdict(seen: Sight) -> Component:
    name = NAMES[seen.kind]
    if not seen.is_readable:
        words = f"✕ {name}也看不清：须坐到 {seen.reach_m:.1f} 米以内，或换更大的屏"
        return html.Span(words, className="tone-bad")
    if seen.kind != seen.proposed:
        better = "看得更舒服" if seen.proposed == "big" else "已经看得舒服，内容更多"
        return html.Span(f"! {name}，建议{NAMES[seen.proposed]}，{better}", className="tone-warn")
    tone, mark = ("good", "✓") if seen.arc[seen.kind] >= GOOD else ("warn", "!")
    return html.Span(f"{mark} {name}，{seen.reach_m:.1f} 米以内看得清", className=f"tone-{tone}")


def _measures(screen: str, setting: Setting) -> Component:
    def metres(name: str, label: str, value: float | None) -> Component:
        field = _field(
            f"screen-{screen}-{name}", name, "" if value is None else f"{value:g}", "", look="filter measure"
        )
        return html.Label([label, field])

    options = [
        html.Option(words, value=kind, selected="selected" if kind == setting.choice else None)
        for kind, words in CHOICES.items()
    ]
    choice = html.Label(["版式", html.Select(options, name="choice", id=f"screen-{screen}-choice", className="filter")])
    return html.Form(
        [
            metres("width", "画面宽", setting.width_m),
            metres("seat", "最远座位", setting.seat_m),
            choice,
            html.Button("保存", type="submit", className="button"),
        ],
        action=f"/screens/legibility/{screen}",
        method="post",
        className="inline",
    )


def _devices(known: list[dict[str, Any]]) -> Component:
    def at(seconds: float | None) -> str:
        return fmt.clock(dt.datetime.fromtimestamp(seconds, dt.UTC)) if seconds else fmt.DASH

    called = accounts.display_names(gate.settings().state)
    names = ("编号", "屏幕", "状态", "登记时间", "登记人", "最近使用", "允许的地址", "操作")
    rows = [
        html.Tr(
            [
                html.Td(t)
                for t in (
                    str(d["id"]),
                    d["screen"],
                    "已登录" if d["bound_at"] else "未登录",
                    at(d["created_at"]),
                    called(d["created_by"]) or fmt.DASH,
                    at(d["seen_at"]),
                    _bind(d),
                    _revoke(d),
                )
            ]
        )
        for d in known
    ] or [html.Tr(html.Td("没有登记的设备，请在下面登记。", colSpan=len(names), className="empty"))]
    card = _card("登记的设备", "允许的地址留空时，以下一次登录所在的网段为准", names, rows)
    card.children.append(_add())
    return card


def _bind(device: dict[str, Any]) -> Component:
    field = _field(f"screen-{device['id']}-network", "network", device["network"] or "", "10.20.30.0/24")
    return html.Form(
        [field, html.Button("改绑", type="submit", className="button")],
        action=f"/screens/{device['id']}/bind",
        method="post",
        className="inline",
    )


def _revoke(device: dict[str, Any]) -> Component:
    """Two steps: a wall that was withdrawn by a slip of the hand stays dark until somebody walks there."""
    form = html.Form(
        html.Button(f"确认撤销 {device['screen']}", type="submit", className="button"),
        action=f"/screens/{device['id']}/revoke",
        method="post",
        className="inline",
    )
    return html.Details([html.Summary("撤销", className="button"), form])


def _add() -> Component:
    fields = [
        html.Label(["屏幕名", _field("screen-add-screen", "screen", "", "小写字母、数字或 -，如 hall", required=True)]),
        html.Label(
            ["允许的地址（可不填）", _field("screen-add-network", "network", "", "10.20.30.40 或 10.20.30.0/24")]
        ),
        html.Button("登记大屏", type="submit", className="button"),
    ]
    return html.Form(fields, action="/screens/add", method="post", className="fields")


def _field(key: str, name: str, value: str, hint: str, *, required: bool = False, look: str = "filter") -> Component:
    return dcc.Input(
        type="text",
        name=name,
        value=value,
        placeholder=hint,
        id=key,
        className=look,
        maxLength=64,
        required=required,
    )


def _card(title: str, note: str, columns: tuple[str, ...], rows: Sequence[Component]) -> Component:
    head = html.Header([html.H2(title), html.Span(note, className="note")], className="card-head")
    names = html.Tr([html.Th(c, className="col-num" if c in NUMERIC else "") for c in columns])
    table = html.Table([html.Thead(names), html.Tbody(rows)], className="table")
    return html.Section([head, scrolled(table)], className="card")
