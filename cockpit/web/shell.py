"""The frame around every page: brand, navigation, freshness, who is logged in. Knows addresses, not pages."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import search, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.attributes import aria, data
from warehouse.query.scope import is_total


class Box(Component):
    """A plain div in the layout. Dash's own would bring the bundle of all HTML elements, and no page needs one."""

    _namespace = "zhengbei"
    _type = "Box"

    def __init__(self, id: str, children: Sequence[Component] = ()) -> None:
        self._prop_names = ["id", "children"]
        self._valid_wildcard_attributes: list[str] = []
        self.available_properties = self._prop_names
        self.available_wildcard_properties: list[str] = []
        self.id, self.children = id, list(children)


def layout() -> Component:
    """What Dash stands on: no data in it. The page that came with the document is put in by markup.js."""
    return Box(
        "shell",
        [
            dcc.Location(id="shell-address", refresh="callback-nav"),
            dcc.Store(id="shell-generation"),
            dcc.Store(id="shell-title"),
            Box("shell-root"),
        ],
    )


def frame(visit: PageContext, page: Page, groups: Sequence[str]) -> Component:
    """A page in its frame. `data-generation` and `data-pinned` tell freshness.js what the page was made from."""
    pinned = visit.address.get("as_of") is not None
    facts = data(generation=visit.book.generation.id, pinned="1" if pinned else "")
    bar = html.Section([*page.tools, search.box(visit)], className="toolbar", **aria(label="位置与筛选"))
    return html.Div(
        [
            html.A("跳到正文", href="#main", className="skip"),
            _bar(visit, page, groups),
            bar,
            *_pinned(visit, pinned),
            html.Main([html.H1(page.title, className="unseen"), *page.body], id="main", tabIndex="-1"),
            _colophon(visit),
        ],
        className="frame",
        id="shell-frame",
        **facts,
    )


def places(groups: Sequence[str]) -> list[tuple[str, str, str]]:
    """Where the main navigation leads: key, label and path, in reading order."""
    middle = [(group, texts.GROUPS[group], f"/group/{group}") for group in groups if group != "health"]
    return [
        ("overview", "总览", "/"),
        *middle,
        ("health", texts.GROUPS["health"], "/health"),
        ("supervision", "督办", "/supervision"),
    ]


def _bar(visit: PageContext, page: Page, groups: Sequence[str]) -> Component:
    items = [_link(key, label, visit.address.to(path), chosen=page.group) for key, label, path in places(groups)]
    # the archive of reports is a page of its own, outside of Dash
    if rights.may(visit.viewer, "sheets"):
        items.append(html.Span(html.A("报告", href="/reports"), className="nav-item"))
    nav = html.Nav(items, className="nav", **aria(label="主导航"))
    brand: list[Component] = [dcc.Link(texts.BRAND, href=visit.address.to("/"), className="brand")]
    if visit.book.generation.is_demo:
        brand.append(html.Span(texts.DEMO, className="demo", title="数据来自演示用的替身来源系统，不是真实数据"))
    brand += _scope(visit)
    return html.Header([html.Div(brand, className="brands"), nav, _right(visit)], className="bar")


def _scope(visit: PageContext) -> list[Component]:
    """Whose numbers stand on every page, for who sees some places only."""
    if visit.book.scope.is_all:
        return []
    label = visit.book.home.label
    words = label if is_total(visit.book.home) else f"本范围（{label}）"
    return [html.Span(words, className="demo", title="本账号只看这些镇街、企业；未选定地方时，各页的数是它们合计")]


def _link(key: str, label: str, href: str, *, chosen: str) -> Component:
    here = aria(current="page") if key == chosen else {}
    # aria-* may not be set on dcc.Link, so the mark sits on the item around it
    return html.Span(dcc.Link(label, href=href), className="nav-item is-on" if here else "nav-item", **here)


def _right(visit: PageContext) -> Component:
    here = visit.book.generation
    age: list[Component] = []
    if here.data_time is not None:
        seconds = max(0, int((visit.now - here.data_time).total_seconds()))
        age.append(
            html.Span(
                ["数据 ", html.Span(fmt.age(seconds), className="age")],
                className="fresh",
                id="shell-fresh",
                title="最旧一项输入的数据时间",
                **data(asof=here.data_time.isoformat()),
            )
        )
    role = texts.ROLES.get(visit.viewer.role, visit.viewer.role)
    name = visit.viewer.display or visit.viewer.user
    who = f"{name}（{role}）" if name != role else name
    of_right = {
        "alerts": dcc.Link("告警", href=visit.address.to("/alerts"), className="menu-item"),
        "filing": html.A("名录填报", href="/filing", className="menu-item"),
        "screens": dcc.Link("大屏名册", href=visit.address.to("/screens"), className="menu-item"),
        "shares": html.A("分享链接", href="/shares", className="menu-item"),
        "accounts": html.A("账号管理", href="/accounts", className="menu-item"),
        "audit": dcc.Link("审计日志", href=visit.address.to("/audit"), className="menu-item"),
    }
    menu = html.Div(
        [
            dcc.Link("我的页面", href=visit.address.to("/mine"), className="menu-item"),
            *(item for right, item in of_right.items() if rights.may(visit.viewer, right)),
            html.Button("深色 / 浅色", type="button", className="menu-item", id="shell-theme", **data(act="theme")),
            html.A("修改密码", href="/password", className="menu-item"),
            html.Button("退出登录", type="button", className="menu-item", id="shell-logout", **data(act="logout")),
        ],
        className="menu menu-right",
    )
    person = html.Details([html.Summary(who), menu], className="drop person")
    return html.Div([*age, toolbar.snapshot(visit), person], className="bar-right")


def _pinned(visit: PageContext, pinned: bool) -> list[Component]:
    if not pinned:
        return []
    text = f"正在查看 {fmt.snapshot(visit.book.generation.id)} 的快照，数字不再更新。"
    return [
        html.Div([text, dcc.Link("回到最新", href=visit.address.here(as_of=None))], className="notice", role="status")
    ]


def _colophon(visit: PageContext) -> Component:
    here = visit.book.generation
    demo = f"{texts.DEMO} · " if here.is_demo else ""
    return html.Footer(
        [html.Span(texts.BUREAU), html.Span(f"{demo}快照 {here.id} · 版本 {here.release} · 数据至 {here.last_day}")],
        className="colophon",
    )


def failure(heading: str, advice: str, detail: str = "") -> Component:
    """Inside of a page that could not be made: what happened and what to do, in Chinese, and the way home."""
    lines: list[Component] = [html.H2(heading), html.P(advice)]
    if detail:
        lines.append(html.P(detail, className="error-detail"))
    lines.append(html.P(dcc.Link("返回总览", href="/", className="button")))
    return html.Section(lines, className="card failure")


def unframed(page: Page) -> Component:
    """A page where there is nothing to make a frame of: before the first publication."""
    return html.Main([html.H1(page.title, className="unseen"), *page.body], id="main", tabIndex="-1")
