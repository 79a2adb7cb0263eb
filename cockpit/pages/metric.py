"""The metric page: the number and its parts, its trend, its towns and companies, its definition. All from the
address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import favourites, permalinks
from cockpit.identity import gate, rights
from cockpit.pages import any_days, compare, drilldown, goals, notes, period_end, supervision, toolbar, why
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts, theme
from cockpit.presentation.charts import trend
from cockpit.presentation.reading_view import of_towns, whole
from cockpit.presentation.tiles.bars import bars, starts_at
from cockpit.presentation.tiles.definition import definition
from cockpit.presentation.tiles.graph import graph
from cockpit.presentation.tiles.hero import change, fact, hero, movement
from cockpit.presentation.tiles.town_map import town_map
from warehouse.catalog.models import models
from warehouse.compile.reading import DISTRICT, NEUTRAL, Place, Point, Reading
from warehouse.core import festivals
from warehouse.core.errors import CockpitError, UsageError
from warehouse.insight import town_totals, trend_annotations
from warehouse.query import data_quality
from warehouse.query.scope import is_total

if TYPE_CHECKING:
    from warehouse.catalog.schema import Metric

GRAINS = {"town": "镇街", "company": "企业"}
MIN_POINTS = 2
MOST_EVENTS = 8
MOST_REVISIONS = 6
SPAN_POINTS = {"day": 42, "week": 27, "month": 18, "quarter": 5, "year": 2}
"""Steps of a trend: six weeks of days, half a year of weeks, a year and a half of months."""


def render(visit: PageContext, metric_id: str) -> Page:
    """The page of one metric. Unknown metric → PageMissing; window or place that does not fit raises UsageError."""
    metric = visit.book.metric(metric_id)
    reading = read(visit, metric)
    place, towns = reading.place, towns_of(visit, metric, reading)
    split = why.change(visit, metric, reading)
    left = [
        c
        for c in (
            why.card(visit, metric, reading, split),
            drilldown.card(visit, metric, reading),
            supervision.card(visit),
        )
        if c is not None
    ]
    drawn, trend_card = _map(visit, metric, reading, towns), _trend(visit, metric, reading)
    # a number of this moment has no trend; the map then takes the wide place instead of an empty card
    wide = trend_card or drawn or toolbar.card("趋势", "", html.P("该指标只看当前时刻，不作趋势。", className="empty"))
    ahead = period_end.ahead(visit, metric)
    right = [
        c
        for c in (
            _definition(visit, metric),
            goals.card(visit, metric),
            period_end.silent(metric, ahead),
            _revisions(visit, metric, reading),
            drawn if wide is not drawn else None,
        )
        if c is not None
    ]
    text = why.sentence(visit, metric, reading, split) or movement(
        reading, towns if place == visit.book.home else [], metric.decimals
    )
    days = any_days.card(visit, metric, reading)
    head = [
        *_other_window(visit, metric, reading),
        hero(
            reading,
            decimals=metric.decimals,
            sentence=why.linked(visit, split, text),
            more=[
                *_spring(visit, metric, reading),
                *_since(visit, metric, reading),
                _passport(visit, metric, reading),
            ],
        ),
    ]
    head += [one for one in (days, period_end.card(metric, ahead)) if one is not None]
    if not metric.drill:
        # nothing below the district: no empty cards, the definition stands beside the trend
        body: list[Component] = [
            *head,
            html.Div(
                [html.Div([wide, *left], className="stack"), html.Div(right, className="stack")],
                className="grid grid-2-1 grid-top",
            ),
        ]
        return Page(metric.label, body, group=metric.group, tools=_tools(visit, metric, reading))
    body = [
        *head,
        html.Div([wide, _places(visit, metric, reading, towns)], className="grid grid-2-1"),
        html.Div(
            [html.Div(left, className="stack"), html.Div(right, className="stack")], className="grid grid-2-1 grid-top"
        ),
    ]
    title = metric.label if place.code == DISTRICT else f"{metric.label} · {place.label}"
    return Page(title, body, group=metric.group, tools=_tools(visit, metric, reading))


def read(visit: PageContext, metric: Metric) -> Reading:
    """The number that the page's address asks for. Raises UsageError for a place or window that the metric does not
    have."""
    place = visit.book.place(visit.address.get("place") or DISTRICT)
    if place != visit.book.home and place.grain not in metric.drill:
        raise UsageError(f"{metric.label}不按{GRAINS[place.grain]}计算", to_do=f"请回到{whole(visit.book.home)}查看")
    return visit.book.read(
        metric.id,
        visit.address.get("window") or metric.windows[0],
        visit.address.get("at"),
        place.code,
        visit.address.only,
    )


def _other_window(visit: PageContext, metric: Metric, reading: Reading) -> list[Component]:
    """A line that says so where the address asks for a window that the number is not shown for; nothing else."""
    wanted = visit.address.get("window")
    if wanted is None or wanted == reading.window:
        return []
    why = (
        "涉及个人，镇街、企业按已结束的月（年）公布"
        if wanted in metric.windows
        else f"不按“{texts.WINDOWS[wanted]}”统计"
    )
    shown = fmt.period(reading.window, reading.win_start, reading.win_end)
    return [html.P(f"“{metric.label}”{why}，这里显示的是 {shown}。", className="notice-line", role="status")]


def _share(visit: PageContext, reading: Reading) -> list[Component]:
    """The form that makes a link for somebody without an account; not of a company, whose number may be a person's."""
    if not rights.may(visit.viewer, "shares") or reading.place.grain == "company" or is_total(reading.place):
        return []
    button = html.Button("分享", type="submit", className="button", title="生成一个不用登录的链接，7 天内有效")
    return [
        html.Form(
            [toolbar.hidden("share", "subject", visit.address.here()), button],
            action="/shares/add",
            method="post",
            className="inline",
        )
    ]


def _tools(visit: PageContext, metric: Metric, reading: Reading) -> list[Component]:
    group = texts.GROUPS[metric.group]
    steps = [(group, visit.address.to(f"/group/{metric.group}")), (metric.label, "")]
    found = [
        toolbar.crumbs(*steps),
        toolbar.windows(visit, metric.windows, reading.window),
        toolbar.periods(visit, reading.window, reading.win_start, reading.win_end),
        any_days.menu(visit, [metric]),
        toolbar.places(visit, reading.place, visit.book.places("town")) if "town" in metric.drill else None,
        toolbar.filters(visit, reading.place, filters(visit, metric)),
        html.Span(className="spacer"),
        _profile(visit, reading.place),
        supervision.badge(visit, metric.id, reading.place.code),
        toolbar.star(visit, favourites.place_of(visit.address), metric.label),
        *([] if is_total(reading.place) else [html.A("督办", href="#supervise", className="button")]),
        *([dcc.Link("对比", href=compare.address(visit, metric, reading), className="button")] if metric.drill else []),
        html.A("口径", href="#metric-definition", className="button"),
        _export(visit),
        toolbar.copy_link(),
        *_share(visit, reading),
    ]
    return [item for item in found if item is not None]


def _passport(visit: PageContext, metric: Metric, reading: Reading) -> Component:
    made = permalinks.issue(gate.settings().state, reading, metric.decimals, visit.address.get("only"))
    return fact(
        "溯源码",
        [html.A(permalinks.spaced(made), href=f"/n/{made}", title="凭此编号随时打开这一个数，与当时完全相同")],
    )


def _spring(visit: PageContext, metric: Metric, reading: Reading) -> list[Component]:
    """Around the Spring Festival the comparison with the days as far from it a year ago, beside the plain one."""
    days = festivals.year_before(reading.win_start, reading.win_end) if reading.complete else None
    was = visit.book.value_of_days(reading, *days, visit.address.only) if days else None
    if days is None or was is None or reading.value is None:
        return []
    move, shown = (
        fmt.delta(reading.value, was, reading.unit, reading.better, metric.decimals),
        fmt.value(was, reading.unit, metric.decimals),
    )
    title = f"去年 {fmt.day(days[0])} 至 {fmt.day(days[1])}，与春节的距离相同：{shown}"
    return [change("春节同期", move, shown, title)]


def _since(visit: PageContext, metric: Metric, reading: Reading) -> list[Component]:
    """What an earlier snapshot's number is today; nothing for a number of this moment, which is another one by
    nature."""
    if visit.newest is None or visit.newest.generation.id == reading.generation or reading.window == "now":
        return []
    try:
        again = visit.newest.read(
            metric.id,
            reading.window,
            fmt.period_key(reading.window, reading.win_start),
            reading.place.code,
            visit.address.only,
        )
    except CockpitError:
        return [fact("最新快照中", ["无此数"])]
    shown, was = str(fmt.reading(again, metric.decimals)), str(fmt.reading(reading, metric.decimals))
    return [
        fact(
            "最新快照中",
            [shown if shown != was else "未变"],
            "tone-bad" if shown != was else "",
            f"快照 {again.generation}",
        )
    ]


def _export(visit: PageContext) -> Component:
    kinds = {"xlsx": "Excel 工作簿（含封面）", "csv": f"CSV（{'任意区间' if any_days.wanted(visit) else '当前列表'}）"}
    name, query = (
        visit.address.path.removeprefix("/metric/"),
        visit.address.here(as_of=visit.book.generation.id).partition("?")[2],
    )
    ways = [
        html.A(words, href=f"/export/{name}.{kind}?{query}", className="menu-item", download="")
        for kind, words in kinds.items()
    ]
    return html.Details([html.Summary("导出", className="button"), html.Div(ways, className="menu")], className="drop")


def _profile(visit: PageContext, place: Place) -> Component | None:
    """The way to the page of the town or company that the number is of."""
    return (
        None
        if place.grain == "district"
        else dcc.Link(
            f"{GRAINS[place.grain]}档案", href=visit.address.to(f"/{place.grain}/{place.code}"), className="button"
        )
    )


def filters(visit: PageContext, metric: Metric) -> list[tuple[str, str, str]]:
    """(dimension, its name, the member's name) of each filter that the address asks for."""
    names = models()[metric.mart].dimensions
    return [
        (dimension, names[dimension].label, visit.book.member(metric, dimension, member))
        for dimension, member in visit.address.only
        if dimension in names
    ]


def trend_of(visit: PageContext, metric: Metric, reading: Reading) -> tuple[str, list[Point], list[Point]] | None:
    """Window, steps and the same steps a year before (empty where they are not known); None for a number of this
    moment."""
    spans = [w for w in metric.windows if w in SPAN_POINTS]
    span = visit.address.get("span") or reading.window
    if span not in spans:
        if not spans:
            return None
        span = spans[0]
    at = visit.address.get("at") if span == reading.window else None
    points = _known(visit.book.series(metric.id, span, SPAN_POINTS[span], at, reading.place.code, visit.address.only))
    return span, points, _last_year(visit, metric, span, points, reading.place.code)


def _trend(visit: PageContext, metric: Metric, reading: Reading) -> Component | None:
    found = trend_of(visit, metric, reading)
    if found is None:
        return None
    span, points, past = found
    spans = [w for w in metric.windows if w in SPAN_POINTS]
    written = notes.standing(visit, metric.id, reading.place.code)
    below = notes.below(visit, metric.id, reading.place.code, written, points)
    if sum(p.value is not None for p in points) < MIN_POINTS:
        switch = toolbar.windows(visit, spans, span, key="span")
        words = html.P(f"不足 {MIN_POINTS} 期数据，暂不画趋势。", className="empty")
        return toolbar.card("趋势", "", html.Div(switch, className="card-switch"), words, below)
    events = trend_annotations.beside(
        visit.book, metric.id, span, points[0].win_start, points[-1].win_end, reading.place.code
    )[-MOST_EVENTS:]
    chart = trend.figure(
        points,
        past,
        window=span,
        unit=metric.unit,
        decimals=metric.decimals,
        better=metric.better,
        target=reading.target,
        tone=theme.tone(metric.group),
        theme=visit.theme,
        events=events,
        remarks=notes.remarks(written),
    )
    unit = fmt.value(0, metric.unit).unit
    marks = notes.legend(written, points)
    note = " · ".join(
        [
            "实线 本期",
            *(["虚线 去年同期"] if any(p.value is not None for p in past) else []),
            *([marks] if marks else []),
            f"单位 {unit}",
        ]
    )
    label = f"{metric.label}趋势"
    switch = toolbar.windows(visit, spans, span, key="span")
    stated = html.Ol(
        [
            html.Li(
                f"{trend.mark(n)} {e.label}（{fmt.day(e.first)}{f' 至 {fmt.day(e.last)}' if e.last != e.first else ''}）"
            )
            for n, e in enumerate(events, 1)
        ],
        className="events",
    )
    return toolbar.card(
        "趋势",
        note,
        html.Div(switch, className="card-switch"),
        graph(chart, id="metric-trend", label=label),
        stated if events else None,
        below,
    )


def _known(points: list[Point]) -> list[Point]:
    """From the first known step on, but at least a third of the steps: a young series does not start in empty space."""
    first = next((i for i, p in enumerate(points) if p.value is not None), 0)
    return points[min(first, len(points) * 2 // 3) :]


def _last_year(visit: PageContext, metric: Metric, span: str, points: list[Point], place: str) -> list[Point]:
    if not points:
        return []
    try:
        return visit.book.series(
            metric.id, span, len(points), toolbar.year_before(span, points[-1].win_start), place, visit.address.only
        )
    except CockpitError:
        # a warehouse younger than a year has no such window; the line is simply not drawn
        return []


def towns_of(visit: PageContext, metric: Metric, reading: Reading) -> list[Reading]:
    """The towns' own numbers of the same window; [] for a metric that is not counted by town."""
    if "town" not in metric.drill:
        return []
    return visit.book.by(metric.id, reading.window, visit.address.get("at"), "town", DISTRICT, visit.address.only)


def _places(visit: PageContext, metric: Metric, reading: Reading, towns: list[Reading]) -> Component:
    if not towns:
        words = "该指标只在全区层面计算。" if not metric.drill else "本范围没有镇街，请看企业。"
        return toolbar.card("按镇街", "", html.P(words, className="empty"))

    def href(item: Reading) -> str:
        return visit.address.here(place=item.place.code, page=None, q=None)

    goal = " · 竖线为目标" if any(t.target for t in towns) else ""
    foot = starts_at(towns)
    goal += f" · {foot}" if foot else ""
    chosen = _town_of(reading.place)
    total = visit.book.read(metric.id, reading.window, visit.address.get("at"))
    words = of_towns(total, town_totals.whole_of(visit.book, towns), towns)
    if all(town.status == "small_cell" for town in towns):
        return toolbar.card("按镇街", "", html.P(words or "镇街都不单列。", className="empty"))
    drawn = bars(towns, decimals=metric.decimals, href=href, chosen=chosen)
    # with a filter the towns are a part of the district
    note = html.P(words, className="muted") if words and not visit.address.only else None
    return toolbar.card("按镇街", f"点击下钻{goal}", drawn, note)


def _map(visit: PageContext, metric: Metric, reading: Reading, towns: list[Reading]) -> Component | None:
    """The same towns where they lie; None (no card) without the outlines or without towns."""
    drawn = town_map(
        towns,
        decimals=metric.decimals,
        href=lambda item: visit.address.here(place=item.place.code, page=None, q=None),
        chosen=_town_of(reading.place),
        theme=visit.theme,
    )
    if drawn is None or not towns:
        return None
    legend = "颜色按目标" if any(t.tone not in NEUTRAL for t in towns) else "颜色由浅到深"
    return toolbar.card("镇街分布", f"{legend} · 点击下钻", drawn)


def _town_of(place: Place) -> str:
    """Code of the town a place is or lies in, "" for the district."""
    if place.grain == "town":
        return place.code
    return place.parent if place.grain == "company" else ""


def _revisions(visit: PageContext, metric: Metric, reading: Reading) -> Component | None:
    """Published numbers of this metric and place that were changed afterwards, each with the way to the snapshot that
    changed it."""
    mine = [row for row in data_quality.revisions(visit.book, metric.id) if row["place"] == reading.place.code]
    if not mine:
        return None

    def written(amount: float | None) -> str:
        return str(fmt.value(amount, metric.unit, metric.decimals))

    lines = [
        html.Li(
            [
                dcc.Link(
                    f"{texts.WINDOWS[row['window']]} {row['at']}",
                    href=visit.address.here(window=row["window"], at=row["at"], page=None),
                ),
                f" {written(row['old'])} → {written(row['new'])} ",
                html.Small(" · ".join(filter(None, (fmt.clock(row["at_time"], visit.today), row["why"])))),
            ]
        )
        for row in mine[:MOST_REVISIONS]
    ]
    more = f"共 {len(mine)} 次" if len(mine) > MOST_REVISIONS else "发布后被修订的数"
    return toolbar.card("修订", more, html.Ul(lines, className="plain-list"), id="metric-revisions")


def _definition(visit: PageContext, metric: Metric) -> Component:
    return definition(
        metric,
        visit.book.sources(),
        visit.book.sql(metric.id),
        visit.today,
        visit.address.to("/lineage", metric=metric.id),
    )
