"""/mine: what the reader keeps, in the reader's order: numbers as cards, single things as links with one line about
each."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import favourites
from cockpit.pages import metric, overview, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts, theme
from cockpit.presentation.address import Address
from cockpit.presentation.reading_view import SPARK_POINTS
from cockpit.presentation.tiles.attributes import aria, data
from cockpit.presentation.tiles.kpi import tile
from warehouse.compile.reading import DISTRICT, Reading
from warehouse.core.errors import CockpitError, PageMissing, Refused
from warehouse.insight import profiles

HOW = "点指标卡片上的 ☆，或指标、镇街、企业、车辆、报警、阵地、单位、组织、工程页面工具栏里的 ☆，就会出现在这里。"
ACTS = {"up": ("↑", "上移"), "down": ("↓", "下移"), "drop": ("✕", "移除")}


def render(visit: PageContext) -> Page:
    """/mine of the person who asks; every place stands there until its owner takes it away, also one that cannot be
    shown."""
    places = visit.favourites
    numbers = [place for place in places if place.startswith(favourites.METRIC)]
    things = [place for place in places if place not in numbers]
    body: list[Component] = []
    if numbers:
        body.append(
            html.Section(
                [
                    html.H2("收藏的指标", className="group-title"),
                    overview.tiles([_number(visit, place) for place in numbers]),
                ],
                className="group",
            )
        )
    if things:
        body.append(
            toolbar.card("收藏的页面", "", html.Ul([_thing(visit, place) for place in things], className="mine-list"))
        )
    if not places:
        way = dcc.Link("去总览", href=visit.address.to("/"), className="button")
        body.append(
            toolbar.card(
                "我的页面",
                f"最多 {favourites.MOST} 项",
                html.P(["还没有收藏。", HOW], className="empty"),
                html.P(way, className="empty"),
            )
        )
    else:
        body.append(html.P(f"已收藏 {len(places)} 项，最多 {favourites.MOST} 项。{HOW}", className="fine-print"))
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("我的页面", "")),
        html.Span(className="spacer"),
        toolbar.copy_link(),
    ]
    return Page("我的页面", body, group="mine", tools=bar)


def _at(visit: PageContext, place: str) -> PageContext:
    """The visit as it would be to a place; the chosen snapshot goes along."""
    address = favourites.address_of(place)
    pinned = visit.address.get("as_of")
    return visit.at(Address(address.path, {**address.query, **({"as_of": pinned} if pinned else {})}))


def _number(visit: PageContext, place: str) -> Component:
    """A number as its card, under it what moves and removes it."""
    try:
        shown, label = _card(_at(visit, place))
    except PageMissing:
        shown, label = _unshown(visit, place, "该指标已不在目录中")
    except CockpitError as error:
        shown, label = _unshown(visit, place, f"{error.what}。{error.to_do}")
    return html.Div([shown, _acts(place, label)], className="mine-item")


def _card(there: PageContext) -> tuple[Component, str]:
    found = there.book.metric(there.address.path.removeprefix(favourites.METRIC))
    reading = metric.read(there, found)
    at, code = there.address.get("at"), reading.place.code
    count = SPARK_POINTS[reading.window]
    points = there.book.series(found.id, reading.window, count, at, code, there.address.only) if count else ()
    note = _said(there, reading)
    card = tile(
        reading,
        decimals=found.decimals,
        points=points,
        tone=theme.tone(found.group),
        href=there.address.here(),
        note=note,
        today=there.today,
        theme=there.theme,
        badge=supervision.badge(there, found.id, code),
    )
    return card, f"{found.label} {note}"


def _said(there: PageContext, reading: Reading) -> str:
    """What a card must say that it says nowhere else: place, filters, period, and the parts of a ratio."""
    place = [] if reading.place.code == DISTRICT else [reading.place.label]
    members = [member for _, _, member in metric.filters(there, there.book.metrics[reading.metric])]
    # a period that was chosen may be of another year
    when = fmt.period if there.address.get("at") else lambda window, start, _: fmt.tick(window, start)
    period = (
        texts.WINDOWS["now"] if reading.window == "now" else when(reading.window, reading.win_start, reading.win_end)
    )
    return " ".join(filter(None, (" · ".join([*place, *members, period]), fmt.parts(reading))))


def _unshown(visit: PageContext, place: str, why: str) -> tuple[Component, str]:
    key = place.partition("?")[0].removeprefix(favourites.METRIC)
    name = visit.book.metrics[key].label if key in visit.book.metrics else key
    lines = [
        html.Div(html.Span(name, className="tile-label"), className="tile-head"),
        html.Div(html.Span("无法显示", className="tile-state"), className="tile-main"),
        html.P(why, className="muted"),
    ]
    return html.Article(html.Div(lines, className="tile-body"), className="tile is-missing"), name


def _thing(visit: PageContext, place: str) -> Component:
    """A single thing by name with one line, or why it cannot be shown."""
    try:
        there = _at(visit, place)
        name, line = _described(there)
        shown: Component = dcc.Link(name, href=there.address.here(), className="mine-name")
    except PageMissing:
        name, line = place, "当前快照中没有这一项"
        shown = html.Span(name, className="mine-name muted")
    except CockpitError as error:
        name, line = error.what, error.to_do
        shown = html.Span(name, className="mine-name muted")
    return html.Li(
        [html.Div([shown, html.Small(line, className="muted")], className="mine-told"), _acts(place, name)],
        className="mine-thing",
    )


def _described(there: PageContext) -> tuple[str, str]:
    """Name and line of a thing. Raises PageMissing where there is none (any more), Refused where the role does not see
    it."""
    path = there.address.path
    _, kind, key, *rest = path.split("/")
    name, line = profiles.brief(there.book, kind, key)
    if rest:
        name, line = f"{name} · 驾驶员名单", "查看须说明用途"
    if not favourites.may_see(there.viewer, path):
        raise Refused(name, to_do="。".join(texts.ERRORS[403]))
    return name, line


def _acts(place: str, label: str) -> Component:
    buttons = [
        html.Button(
            glyph,
            type="button",
            className="button mine-act",
            title=words,
            **aria(label=f"{words} {label}"),
            **data(mine=act, place=place),
        )
        for act, (glyph, words) in ACTS.items()
    ]
    return html.Div(buttons, className="mine-acts", role="group", **aria(label=f"{label} 的次序"))
