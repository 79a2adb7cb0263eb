"""The bar under the navigation: where one is, which window and period, which place, and the link to share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages.page_context import PageContext
from cockpit.presentation import day_range, texts
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import aria, data
from warehouse.compile.reading import Place
from warehouse.core import units


def crumbs(*steps: tuple[str, str]) -> Component:
    """Breadcrumb of (label, address); the last one is where one is and has no link."""
    items: list[Component] = []
    for label, href in steps[:-1]:
        items += [dcc.Link(label, href=href), html.Span("›", className="crumb-sep", **aria(hidden="true"))]
    items.append(html.Span(steps[-1][0], className="crumb-here", **aria(current="page")))
    return html.Nav(items, className="crumbs", **aria(label="位置"))


def windows(visit: PageContext, offered: Sequence[str], chosen: str, key: str = "window") -> Component:
    """Segmented switch of windows, in one order on every page, whatever order a metric names them in; changing it forgets
    the period, which belongs to the former window."""
    links = [
        dcc.Link(
            texts.WINDOWS[w],
            href=visit.address.here(**{key: w, "page": None, **({"at": None} if key == "window" else {})}),
            className="seg is-on" if w == chosen else "seg",
        )
        for w in sorted(offered, key=list(texts.WINDOWS).index)
    ]
    return html.Div(links, className="segments", role="group", **aria(label="统计窗口"))


def choices(visit: PageContext, key: str, offered: Mapping[str, str], chosen: str, label: str) -> Component:
    """Segmented switch of anything else that an address can hold: value → words."""
    links = [
        dcc.Link(
            words,
            href=visit.address.here(**{key: value, "page": None}),
            className="seg is-on" if value == chosen else "seg",
        )
        for value, words in offered.items()
    ]
    return html.Div(links, className="segments", role="group", **aria(label=label))


def hidden(key: str, name: str, value: str) -> Component:
    """A field of a form that nobody sees."""
    return dcc.Input(type="hidden", name=name, value=value, id=f"{key}-{name}-hidden")


def card(title: str, note: str, *body: Component | None, **facts: Any) -> Component:
    """A titled card; parts that are None are left out."""
    head = html.Header([html.H2(title), html.Span(note, className="note")], className="card-head")
    return html.Section([head, *(b for b in body if b is not None)], className="card", **facts)


def filters(visit: PageContext, chosen: Place, labels: Sequence[tuple[str, str, str]]) -> Component | None:
    """What narrows the page as chips, each with its ✕, and one 全部清除. labels: (dimension, its name, member's name)
    of each filter; None when nothing narrows it."""
    chips = []
    for dimension, name, member in labels:
        drop = visit.address.here(only=visit.address.filtered(dimension, None), page=None)
        chips.append(
            html.Span(
                [
                    html.Span(f"{name}：{member}", className="button"),
                    dcc.Link("✕", href=drop, className="button chip-x", title=f"去掉{name}条件"),
                ],
                className="chip chip-on",
            )
        )
    if not chips and chosen == visit.book.home:
        return None
    clear = dcc.Link(
        "全部清除",
        href=visit.address.here(place=None, only=None, by=None, page=None, q=None),
        className="button",
        id="clear-all",
    )
    return html.Div([*chips, clear], className="filters", role="group", **aria(label="筛选条件"))


def step(window: str, start: dt.date, by: int) -> dt.date:
    """The first day of the window `by` steps from the one that starts at `start`."""
    return units.back(window, start, -by)


def year_before(window: str, start: dt.date) -> str:
    """The `at` word of the same window one year earlier; week 53 of a year without one becomes week 52."""
    if window == "week":
        year, week, _ = start.isocalendar()
        return f"{year - 1}-W{min(week, dt.date(year - 1, 12, 28).isocalendar()[1]):02d}"
    if window in units.MONTHS:
        return units.at_label(window, units.year_ago(window, start))
    return day_range.year_before(start, start)[0].isoformat()


def periods(visit: PageContext, window: str, start: dt.date, end: dt.date) -> Component | None:
    """‹ 2026 年第 47 周 › with a way back to the newest; None for the live window."""
    if window == "now":
        return None
    last = visit.book.generation.last_day

    def at(day: dt.date) -> str:
        return visit.address.here(at=fmt.period_key(window, day), page=None)

    following = step(window, start, 1)
    newer: Component = (
        dcc.Link("›", href=at(following), className="button step", title="后一期")
        if following <= last
        else html.Span("›", className="button step is-off", **aria(disabled="true"))
    )
    parts = [
        dcc.Link("‹", href=at(step(window, start, -1)), className="button step", title="前一期"),
        html.Span(fmt.period(window, start, end), className="period"),
        newer,
    ]
    if visit.address.get("at"):
        parts.append(dcc.Link("最新", href=visit.address.here(at=None, page=None), className="button"))
    return html.Div(parts, className="periods", role="group", **aria(label="期次"))


def places(visit: PageContext, chosen: Place, towns: Sequence[Place]) -> Component:
    """The place as a chip with a list of towns behind it; a narrower place can be dropped with ✕."""
    trail = [chosen]
    while trail[0].grain != "town" and (above := visit.book.known(trail[0].parent)):
        trail.insert(0, above)
    home = visit.book.home
    label = (
        f"镇街：{'全部' if home.grain == 'district' else home.label}"
        if chosen == home
        else " › ".join(p.label for p in trail)
    )
    options = [
        dcc.Link(t.label, href=visit.address.here(place=t.code, page=None, q=None), className="menu-item")
        for t in towns
    ]
    menu = html.Details(
        [html.Summary(label, className="button"), html.Div(options, className="menu")], className="drop"
    )
    if chosen == home:
        return menu
    up = visit.book.known(chosen.parent)
    drop = dcc.Link(
        "✕",
        href=visit.address.here(place=None if up in (None, home) else up.code, page=None, q=None),
        className="button chip-x",
        title="返回上一级",
    )
    return html.Div([menu, drop], className="chip")


def copy_link() -> Component:
    """复制链接: the address holds the whole state, so it is enough to copy that (done by freshness.js)."""
    return html.Button("复制链接", className="button", type="button", id="copy-link", **data(copy="address"))


def star(visit: PageContext, place: str, label: str, look: str = "button star") -> Component:
    """☆ / ★: whether the reader keeps a place for 我的页面; pressing it changes that (done by mine.js). label: what is
    kept, in words."""
    pressed = "true" if place in visit.favourites else "false"
    return html.Button(
        type="button",
        className=look,
        title="收藏到我的页面",
        **aria(label=f"收藏 {label}", pressed=pressed),
        **data(mine="star", place=place),
    )


def snapshot(visit: PageContext) -> Component:
    """The chosen snapshot and the others to choose from; the newest one is the way without `as_of`."""
    here = visit.book.generation
    pinned = visit.address.get("as_of") is not None
    label = f"快照 {fmt.clock(here.built_at, visit.today)}"
    items = [dcc.Link("最新（自动更新）", href=visit.address.here(as_of=None), className="menu-item")]
    items += [
        dcc.Link(fmt.snapshot(g), href=visit.address.here(as_of=g), className="menu-item") for g in visit.generations
    ]
    classes = "drop snapshot is-pinned" if pinned else "drop snapshot"
    return html.Details(
        [html.Summary(label, title=here.id), html.Div(items, className="menu menu-right")], className=classes
    )
