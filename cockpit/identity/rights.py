"""Who may see and do what: one table of rights, each with the roles that have it, the routes of the server and the
pages that it opens. The gate, the menus and the tests are made from it; a route or page that stands in no right stops
the start, so that a new one cannot be forgotten.

Administration is divided (GB/T 22239-2019 8.1.4.2): who runs the system does not give out rights, who gives out rights
does not read the log, and who reads the log does neither. A role that is not named here may do nothing.

What is made of the whole district at once (`is_whole`) is not for somebody who sees some places only, whatever the
role; all else they have, of their places (warehouse/query/scope.py)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from cockpit.presentation.texts import ROLES
from warehouse.query.scope import Scope

SCREEN = "screen"
"""The role of a wall device; no person has it."""
TOKEN = "token"
"""The role of another system that reads by a token; no person has it."""
PEOPLE = tuple(role for role in ROLES if role not in (SCREEN, TOKEN))
OFFICES = ("leader", "analyst", "duty", "party", "safety")
"""Those whose work the numbers are about."""
WHOLE = " ◇"
"""Stands in the table beside what opens the whole district."""
ADMINISTRATORS = ("admin", "security", "auditor")
"""One of each must remain."""
TWO_FACTORS = ("leader", *ADMINISTRATORS)
"""Who signs in with a password and a code."""


class Asking(Protocol):
    """Who asks: a sessions.Viewer."""

    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def scope(self) -> Scope: ...


@dataclass(frozen=True)
class Right:
    """label: what it opens, in words. routes: endpoints of the server; pages: paths, "*" for a part of one that
    names a thing. A right without either is asked for inside a page. is_whole: it opens the whole district at once."""

    label: str
    roles: tuple[str, ...]
    routes: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    is_whole: bool = False


OPEN = frozenset(
    {
        "login",
        "login_code",
        "logout",
        "password_link",
        "shares.opened",
        "sign_on",
        "sign_on_back",
        "sign_on_logout",
        "sign_on_left",
        "healthz",
        "readyz",
        "metrics",
        "enter",
    }
)
"""Endpoints that answer without anybody being signed in. By endpoint, not by path: a prefix would open more."""

FROM_ELSEWHERE = frozenset({"sign_on_back", "sign_on_logout"})
"""Of these, what another server sends to: it proves itself by a signature or by a ticket that only it knows."""

TABLE: dict[str, Right] = {
    "files": Right(
        "页面文件与心跳",
        (*PEOPLE, SCREEN),
        (
            "asset",
            "api_version",
            "_dash_assets.static",
            "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>",
        ),
    ),
    "wall": Right(
        "大屏画面（设备只限自己那块屏）",
        (*PEOPLE, SCREEN),
        (
            "wall.page",
            "wall.version",
            "wall.all_scenes",
            "wall.style",
            "wall.positions",
            "wall.outline",
        ),
        is_whole=True,
    ),
    "heartbeat": Right("大屏报到", (SCREEN,), ("wall.heartbeat",)),
    "own_password": Right("修改自己的密码", PEOPLE, ("password",)),
    "figures": Right(
        "指标、镇街、企业、车辆、阵地、工程、导出",
        PEOPLE,
        (
            "page",
            "/",
            "/<path:path>",
            "/_dash-layout",
            "/_dash-dependencies",
            "/_dash-update-component",
            "/_favicon.ico",
            "/_reload-hash",
            "api_metric",
            "export",
            "number",
            "mine_act",
        ),
        (
            "/",
            "/all",
            "/group/*",
            "/metric/*",
            "/compare/*",
            "/town/*",
            "/company/*",
            "/vehicle/*",
            "/site",
            "/site/*",
            "/programme/*",
            "/unit/*",
            "/search",
            "/targets",
            "/glossary",
            "/health",
            "/lineage",
            "/announcement",
            "/supervision",
            "/mine",
        ),
    ),
    "sheets": Right("报告页：本范围的镇街、企业单页", PEOPLE, ("reports.index", "reports.sheet")),
    "sheets_ordered": Right("随时打印单页：镇街、科室、企业，任意期间", OFFICES, ("reports.order",)),
    "papers_to_me": Right("把看得到的报告与单页发给自己", PEOPLE, ("reports.to_me",)),
    "reports": Right(
        "报告",
        PEOPLE,
        ("reports.compare", "reports.download", "reports.to_word"),
        is_whole=True,
    ),
    "reports_ordered": Right("报告：随时打印任意一期", ("leader", "analyst"), is_whole=True),
    "papers_sent": Right("把报告与单页重发给收件方", ("leader", "analyst"), ("reports.resend",), is_whole=True),
    "issues": Right(
        "报告签发：查看送审稿与办理情况", ("leader", "analyst"), ("issues.index", "issues.step"), is_whole=True
    ),
    "issues_edited": Right("报告签发：编辑按语、报送发", ("analyst",), is_whole=True),
    "issues_reviewed": Right("报告签发：审核、退回（不审自己编辑的）", ("leader", "analyst"), is_whole=True),
    "issues_signed": Right("报告签发：签发（不签自己审核的）", ("leader",), is_whole=True),
    "api": Right(
        "只读接口 /api/v1（别的系统凭令牌）",
        (*PEOPLE, TOKEN),
        ("api_v1.metrics", "api_v1.reading", "api_v1.series", "api_v1.places", "api_v1.description"),
    ),
    "alarms": Right("逐条报警：时间、地点、车速、处置", ("leader", "analyst", "duty", "safety"), (), ("/alarm/*",)),
    "party": Right("逐个党群组织与企业的组织覆盖", ("leader", "analyst", "party"), (), ("/organisation/*",)),
    "drivers": Right(
        "驾驶员名单与个人安全信息（须说明用途，逐次审计）",
        ("leader", "analyst", "safety"),
        (),
        ("/company/*/drivers", "/company/*/driver/*"),
    ),
    "tracks": Right(
        "车辆行程回放（须说明用途，逐次审计）",
        ("leader", "analyst", "duty", "safety"),
        ("purpose",),
        ("/vehicle/*/track",),
    ),
    "tasks": Right("督办：交办、接办、填报进展、撤回自己交办的", OFFICES, ("supervision_open", "supervision_step")),
    "tasks_closed": Right("督办：办结、重新交办", ("leader",)),
    "shares": Right(
        "分享全区或镇街的指标给没有账号的人（最长 7 天）",
        OFFICES,
        ("shares.index", "shares.add", "shares.revoke"),
    ),
    "notes": Right("在趋势旁批注", ("analyst", "party", "safety", "admin"), ("note_add", "note_withdraw")),
    "notes_of_others": Right("撤回他人的批注", ("admin",)),
    "alerts": Right(
        "告警：查看、确认、静默",
        (*OFFICES, "admin"),
        ("alerts.take", "alerts.silence", "alerts.speak"),
        ("/alerts",),
        is_whole=True,
    ),
    "walls_steered": Right(
        "遥控大屏",
        ("leader", "analyst", "duty", "admin"),
        ("remote.choose", "remote.page", "remote.state_", "remote.command"),
        is_whole=True,
    ),
    "loading": Right(
        "取数、补数、重放、更正隔离的行",
        ("analyst", "admin"),
        ("ask", "correct", "acknowledge"),
        ("/quarantine",),
        is_whole=True,
    ),
    "filing": Right(
        "名录与参数填报",
        ("analyst", "admin"),
        (
            "filing.index",
            "filing.table",
            "filing.template",
            "filing.content",
            "filing.current",
            "filing.check",
            "filing.commit",
            "filing.undo",
            "filing.confirm",
            "target_form.form",
            "target_form.put",
        ),
        is_whole=True,
    ),
    "screens": Right(
        "登记、改绑、撤销大屏，写明画面宽与最远座位",
        ("admin",),
        ("screen_add", "screen_bind", "screen_revoke", "screen_legibility"),
        ("/screens",),
        is_whole=True,
    ),
    "connecting": Right("试连来源", ("admin",), ("connecting.index", "connecting.attempt"), is_whole=True),
    "accounts": Right(
        "账号、角色、范围、重置、解锁",
        ("security",),
        ("accounts.index", "accounts.one", "accounts.add", "accounts.act"),
        is_whole=True,
    ),
    "tokens": Right(
        "接口令牌：发出、撤销", ("security",), ("tokens.index", "tokens.add", "tokens.revoke"), is_whole=True
    ),
    "audit": Right("审计日志：查询、导出、核对完整", ("auditor",), ("audit_export",), ("/audit",), is_whole=True),
    "readers": Right("谁打开过哪份报告", ("auditor",), is_whole=True),
}

_BY_ROUTE = {route: name for name, right in TABLE.items() for route in right.routes}
_BY_PAGE = [(re.compile(page.replace("*", "[^/]+")), name) for name, right in TABLE.items() for page in right.pages]


def has(role: str, right: str) -> bool:
    """Whether a role has a right. Raises KeyError for a right that there is not."""
    return role in TABLE[right].roles


def may(viewer: Asking, right: str) -> bool:
    """Whether somebody has a right: a person by role; a device is a screen and a token a token, whatever they are
    called; who has a share link has none, and who sees some places only none to the whole district."""
    role = {"person": viewer.role, "token": TOKEN, "device": SCREEN}.get(viewer.kind, "")
    return has(role, right) and (viewer.scope.is_all or not TABLE[right].is_whole)


def of_route(endpoint: str) -> str | None:
    """The right that an endpoint asks for, None for one that is open or unknown."""
    return _BY_ROUTE.get(endpoint)


def of_page(path: str) -> str | None:
    """The right that the page of a path asks for, None where there is no page."""
    return next((name for pattern, name in _BY_PAGE if pattern.fullmatch(path)), None)


def holders(right: str) -> str:
    """The roles that have a right, in words: "领导、业务"."""
    return "、".join(ROLES[role] for role in TABLE[right].roles)


def unplaced(routes: Iterable[str], pages: Collection[str]) -> list[str]:
    """Routes and pages that stand in no right or in two, and those of the table that there are not."""
    listed = [*OPEN, *(one for right in TABLE.values() for one in right.routes)]
    named = [page for right in TABLE.values() for page in right.pages]
    twice = [one for one in {*listed, *named} if listed.count(one) > 1 or named.count(one) > 1]
    return sorted({*(set(routes) ^ set(listed)), *(set(pages) ^ set(named)), *twice})


def table() -> str:
    """The table in Markdown, as cockpit/README.md has it."""
    heads = ["", *(ROLES[role] for role in PEOPLE)]
    lines = [heads, ["---"] * len(heads)]
    lines += [
        [right.label + WHOLE * right.is_whole, *("●" if role in right.roles else "" for role in PEOPLE)]
        for right in TABLE.values()
    ]
    return "\n".join("".join(f"| {cell} " if cell else "| " for cell in line) + "|" for line in lines)
