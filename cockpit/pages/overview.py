"""/all and the group pages: every metric as a card, group by group."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import any_days, decisions, supervision, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts, theme
from cockpit.presentation.address import Address
from cockpit.presentation.reading_view import SPARK_POINTS, present, verdict
from cockpit.presentation.tiles import programmes
from cockpit.presentation.tiles.kpi import tile
from cockpit.presentation.tiles.table import scrolled
from warehouse.compile.reading import DISTRICT, Place, Reading
from warehouse.core.errors import CockpitError, PageMissing
from warehouse.query import periods
from warehouse.query.programmes import scores

if TYPE_CHECKING:
    from warehouse.catalog.schema import Metric

WINDOWS = ("day", "week", "month")
DEFAULT = "week"
FEW = 9
"""Cards that may stand three in a row."""


def render(visit: PageContext) -> Page:
    """/all : all groups."""
    window = visit.address.get("window") or DEFAULT
    groups = grouped(visit.book.metrics.values())
    body = [group_cards(visit, group, metrics, window, linked=True) for group, metrics in groups.items()]
    body.append(fine_print(visit, window))
    steps = [("总览", visit.address.to("/", window=window)), ("全部指标", "")]
    return Page("全部指标", body, group="overview", tools=tools(visit, window, steps))


def render_group(visit: PageContext, group: str) -> Page:
    """/group/<id> : the group's cards and the table of its metrics by town. Unknown group → PageMissing."""
    metrics = grouped(visit.book.metrics.values()).get(group)
    if metrics is None:
        raise PageMissing()
    window = visit.address.get("window") or DEFAULT
    title = texts.GROUPS[group]
    body: list[Component] = (
        [programmes.strip(scores(visit.book), lambda number: visit.address.to(f"/programme/{number}"))]
        if group == "programme"
        else []
    )
    named = decisions.of_group(visit, group, window, period_of(visit, window))
    body += [part for part in (any_days.listing(visit, metrics), named) if part is not None]
    body += [
        group_cards(visit, group, metrics, window, linked=False),
        _matrix(visit, metrics, window),
        fine_print(visit, window),
    ]
    steps = [("总览", visit.address.to("/", window=window)), (title, "")]
    more = [dcc.Link("阵地一览", href=visit.address.to("/site"), className="button")] if group == "site" else []
    ranges = any_days.menu(visit, metrics)
    return Page(title, body, group=group, tools=tools(visit, window, steps, [ranges] if ranges else [], more))


def grouped(metrics: object) -> dict[str, list[Metric]]:
    """Metrics by group in reading order, each by catalogue number; groups without metrics are left out."""
    found: dict[str, list[Metric]] = {}
    listed: list[Metric] = sorted(metrics, key=lambda m: m.number)  # type: ignore[call-overload]
    for group in texts.GROUPS:
        mine = [m for m in listed if m.group == group]
        if mine:
            found[group] = mine
    return found


def window_of(metric: Metric, wanted: str) -> str:
    """The wanted window when the metric has it, else its first."""
    return wanted if wanted in metric.windows else metric.windows[0]


def period_of(visit: PageContext, window: str) -> str | None:
    """The `at` word of the whole page: what the address asks for, else the period that most flows answer with when
    nothing is asked. So one page never mixes weeks (a stock would else be of today, a flow of the week before)."""
    return visit.address.get("at") or periods.newest(visit.book, window)


def fine_print(visit: PageContext, window: str) -> Component:
    """What would else stand as a mark on every card: whether the period is over, and until when it may change."""
    sample = next((m for m in visit.book.metrics.values() if window in m.windows and m.freeze_h), None)
    words = []
    if sample is not None:
        reading = visit.book.read(sample.id, window, period_of(visit, window))
        name = fmt.period(window, reading.win_start, reading.win_end)
        if not reading.complete:
            words.append(f"{name}尚未结束，为截至数据时间的累计，环比、同比取相同天数。")
        elif reading.provisional:
            until = dt.datetime.combine(reading.win_end, dt.time()) + dt.timedelta(days=1, hours=sample.freeze_h)
            words.append(f"{name}的数为暂定值：{until:%m-%d} 前补传的数据仍会改变它。")
    return html.P(words, className="fine-print")


def tools(
    visit: PageContext,
    window: str,
    steps: list[tuple[str, str]],
    ranges: Sequence[Component] = (),
    more: Sequence[Component] = (),
) -> list[Component]:
    """The toolbar of a page of one period: crumbs, windows, the period and its neighbours, other ranges, the link, and
    what else a page has."""
    spacer = html.Span(className="spacer")
    return [toolbar.crumbs(*steps), *period_tools(visit, window), *ranges, spacer, toolbar.copy_link(), *more]


def period_tools(visit: PageContext, window: str) -> list[Component]:
    """The windows to choose from, and the page's period between its neighbours."""
    sample = next((m for m in visit.book.metrics.values() if window in m.windows), None)
    found = [toolbar.windows(visit, WINDOWS, window)]
    if sample is not None:
        reading = visit.book.read(sample.id, window, period_of(visit, window))
        period = toolbar.periods(visit, window, reading.win_start, reading.win_end)
        found += [period] if period is not None else []
    return found


def called(visit: PageContext, window: str, at: str | None) -> str:
    """What the period of the page is called: "第 47 周", "11 月", "11-22"."""
    sample = next((m for m in visit.book.metrics.values() if window in m.windows), None)
    if sample is None:
        return texts.THIS[window]
    start = visit.book.read(sample.id, window, at).win_start
    return f"第 {fmt.tick(window, start)}" if window == "week" else fmt.tick(window, start)


def group_cards(visit: PageContext, group: str, metrics: Sequence[Metric], window: str, *, linked: bool) -> Component:
    heading: Component | str = texts.GROUPS[group]
    if linked:
        heading = dcc.Link(
            [heading, html.Span("›", className="more")], href=visit.address.to(f"/group/{group}", window=window)
        )
    return html.Section(
        [html.H2(heading, className="group-title"), tiles(cards(visit, metrics, window))], className="group"
    )


def tiles(cards: Sequence[Component]) -> Component:
    """Cards in rows that come out even or leave the fewest gaps: the style sheet takes as many columns as fit of the
    two offered."""
    count = len(cards)
    even = (5, 6, 4, 3) if count <= FEW else (5, 6, 4)  # many rows of three would leave each card half empty
    narrow = next((c for c in even if count % c == 0), max((4, 5), key=lambda c: count % c))
    wide = count if 4 <= count <= 7 else narrow
    return html.Div(list(cards), className="tiles", style={"--cols": str(narrow), "--cols-wide": str(wide)})


def requested_of(visit: PageContext, metric: Metric, wanted: str) -> tuple[str, str | None]:
    """The window and the `at` word that a metric's card on a page of that window asks with."""
    window, requested = window_of(metric, wanted), bool(visit.address.get("at"))
    if window == "now" or (metric.through == "today" and window == "day" and not requested):
        return window, None  # of itself the system knows more than yesterday
    return window, periods.at_for(visit.book, metric, wanted, period_of(visit, wanted), is_named=requested)


def cards(visit: PageContext, metrics: Sequence[Metric], wanted: str, place: Place | None = None) -> list[Component]:
    """A card for each metric; what they tell is read in one go."""
    visit.book.prepare(
        [(metric.id, *requested_of(visit, metric, wanted)) for metric in metrics],
        DISTRICT if place is None else place.code,
    )
    return [card(visit, metric, wanted, place) for metric in metrics]


def card(visit: PageContext, metric: Metric, wanted: str, place: Place | None = None) -> Component:
    """One metric as a card that leads to its page, of the district or of a place (then without its trend)."""
    window, at = requested_of(visit, metric, wanted)
    period, requested = period_of(visit, wanted), bool(visit.address.get("at"))
    code = DISTRICT if place is None else place.code
    reading = visit.book.read(metric.id, window, at, code)
    count = SPARK_POINTS[window] if place is None else 0
    trend = visit.book.series(metric.id, window, count, at) if count else ()
    is_home = reading.place == visit.book.home
    query = {"window": window, "at": at if requested else None, "place": None if is_home else code}
    path, where = f"/metric/{metric.id}", "" if reading.place.code == DISTRICT else f" · {reading.place.label}"
    own = reading.window  # below the district a number about persons is of the last closed month
    of_page = own == "now" or (own == wanted and fmt.period_key(own, reading.win_start) == period)
    note = "" if of_page else f"{fmt.tick(own, reading.win_start)} {fmt.parts(reading) or _parts(reading)}".strip()
    return tile(
        reading,
        decimals=metric.decimals,
        points=trend,
        tone=theme.tone(metric.group),
        href=visit.address.to(path, **query),
        note=note,
        today=visit.today,
        theme=visit.theme,
        marks=not of_page,
        badge=supervision.badge(visit, metric.id, reading.place.code),
        corner=toolbar.star(visit, Address(path, {}).here(**query), f"{metric.label}{where}", "star tile-star"),
    )


def _parts(reading: Reading) -> str:
    return " · ".join(f"{label} {fmt.number(amount)}" for label, amount in reading.parts.items())


def _matrix(visit: PageContext, metrics: Sequence[Metric], wanted: str) -> Component:
    """Towns down, metrics across: one look shows who is behind in what."""
    shown = [m for m in metrics if "town" in m.drill]
    columns = {m.id: _by_town(visit, m, wanted) for m in shown}
    towns = visit.book.places("town")
    head = html.Tr([html.Th("镇街"), *(html.Th([m.label, html.Small(fmt.value(0, m.unit).unit)]) for m in shown)])
    rows = [
        html.Tr([html.Th(t.label, scope="row"), *(_cell(visit, m, columns[m.id].get(t.code), wanted) for m in shown)])
        for t in towns
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="table matrix")
    title = html.Header(
        [html.H2("按镇街"), html.Span("点击单元格进入该镇街的指标页", className="note")], className="card-head"
    )
    return html.Section([title, scrolled(table)], className="card")


def _by_town(visit: PageContext, metric: Metric, wanted: str) -> dict[str, Reading]:
    window = window_of(metric, wanted)
    requested = bool(visit.address.get("at"))
    at = (
        periods.at_for(visit.book, metric, wanted, period_of(visit, wanted), is_named=requested)
        if window != "now"
        else None
    )
    try:
        return {r.place.code: r for r in visit.book.by(metric.id, window, at, "town")}
    except CockpitError:
        return {}


def _cell(visit: PageContext, metric: Metric, reading: Reading | None, wanted: str) -> Component:
    if reading is None:
        return html.Td(fmt.DASH, className="muted")
    shown = fmt.reading(reading, metric.decimals)
    href = visit.address.to(
        f"/metric/{metric.id}",
        window=reading.window,
        place=reading.place.code,
        at=visit.address.get("at") if reading.window == wanted else None,
    )
    look = f"cell-{reading.tone}" if reading.tone else ("" if reading.value is not None else "muted")
    view = present(reading, metric.decimals)
    glyph = html.Span(view.mark if reading.judgement != "good" else "", className="glyph")
    return html.Td(dcc.Link([glyph, shown.text], href=href), className=look, title=verdict(reading) or None)
