"""/compare/<metric>: towns or companies beside each other, as lines on one axis and as a table with their ranks.

The places stand in the address (`with`, at most MOST), in the order in which they were chosen."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import compare
from cockpit.presentation.reading_view import SPARK_POINTS
from cockpit.presentation.tiles import comparison
from cockpit.presentation.tiles.graph import graph
from cockpit.presentation.tiles.table import Cell, table
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT, UNPLACED, Place, Reading
from warehouse.insight import profiles, search
from warehouse.insight.findings.ranking import ranked

MOST = len(compare.TONES)
PEERS = 3
"""Companies of a like fleet that are proposed at once."""
FOUND = 8
HEADS = ("对象", *comparison.HEADS, "同类名次", "指标页")


def render(visit: PageContext, metric_id: str) -> Page:
    """Raises PageMissing for an unknown metric, UsageError for a place that is none."""
    metric = visit.book.metric(metric_id)
    chosen = [visit.book.place(code) for code in _codes(visit)]
    counted = [place for place in chosen if place.grain in metric.drill]
    window = visit.address.get("window") or metric.windows[0]
    at = visit.address.get("at")
    places = [visit.book.home, *counted] if visit.book.is_counted_at_home(metric) else counted
    readings = [visit.book.read(metric.id, window, at, place.code) for place in places]
    body: list[Component] = [_chooser(visit, metric, chosen)]
    if len(counted) < len(chosen):
        left = "、".join(place.label for place in chosen if place not in counted)
        body.append(
            html.P(f"“{metric.label}”不按{left}所在的层级统计，没有列出。", className="notice-line", role="status")
        )
    if counted:
        body += [_lines(visit, metric, readings), _table(visit, metric, readings)]
    sample = readings[0] if readings else visit.book.read(metric.id, window, at)
    tools = [
        toolbar.crumbs((metric.label, _metric(visit, metric, sample, None)), ("对比", "")),
        toolbar.windows(visit, metric.windows, sample.window),
        toolbar.periods(visit, sample.window, sample.win_start, sample.win_end),
        html.Span(className="spacer"),
        toolbar.copy_link(),
    ]
    return Page(f"对比 · {metric.label}", body, group=metric.group, tools=[one for one in tools if one is not None])


def address(visit: PageContext, metric: Metric, reading: Reading) -> str:
    """The way to the comparison of a metric, with the place of a reading already chosen."""
    place = None if reading.place == visit.book.home else reading.place.code
    return visit.address.to(
        f"/compare/{metric.id}", window=reading.window, at=visit.address.get("at"), **{"with": place}
    )


def _codes(visit: PageContext) -> list[str]:
    return list(dict.fromkeys((visit.address.get("with") or "").split(","))) if visit.address.get("with") else []


def _with(visit: PageContext, codes: list[str]) -> str:
    return visit.address.here(**{"with": ",".join(codes)}, q=None)


def _chooser(visit: PageContext, metric: Metric, chosen: list[Place]) -> Component:
    """What is chosen, each with its ✕, and what may be added."""
    codes = [place.code for place in chosen]
    chips = [
        html.Span(
            [
                place.label,
                dcc.Link("✕", href=_with(visit, [code for code in codes if code != place.code]), className="chip-x"),
            ],
            className="chip",
        )
        for place in chosen
    ]
    more: list[Component] = []
    if len(chosen) < MOST:
        if "town" in metric.drill:
            towns = [town for town in visit.book.places("town") if town.code not in codes and town.code != UNPLACED]
            more.append(_menu(visit, "＋ 镇街", towns, codes))
        if "company" in metric.drill:
            more += [_search(visit), *_peers(visit, chosen, codes)]
    hint = html.P(f"选择镇街或企业，最多 {MOST} 个。", className="empty") if not chosen else None
    found = _found(visit, codes) if visit.address.get("q") else None
    return toolbar.card(
        "对比对象", f"{len(chosen)} / {MOST}", html.Div([*chips, *more], className="compare-bar"), found, hint
    )


def _menu(visit: PageContext, label: str, places: list[Place], codes: list[str]) -> Component:
    items = [dcc.Link(place.label, href=_with(visit, [*codes, place.code]), className="menu-item") for place in places]
    return html.Details([html.Summary(label, className="button"), html.Div(items, className="menu")], className="drop")


def _search(visit: PageContext) -> Component:
    """A plain form: what is typed finds companies by name, code or pinyin."""
    stored = [
        toolbar.hidden("compare", key, value) for key, value in visit.address.query.items() if key not in ("q", "page")
    ]
    typed = dcc.Input(
        type="search", name="q", id="compare-q", placeholder="＋ 企业名称、代码或拼音", className="filter", maxLength=40
    )
    return html.Form([*stored, typed], action=visit.address.path, method="get", className="inline")


def _found(visit: PageContext, codes: list[str]) -> Component:
    hits = [
        hit for hit in search.find(visit.book, visit.address.get("q") or "").get("company", []) if hit.key not in codes
    ]
    links = [dcc.Link(hit.label, href=_with(visit, [*codes, hit.key]), className="button") for hit in hits[:FOUND]]
    return html.Div(links or html.Span("没有找到这样的企业", className="muted"), className="compare-bar")


def _peers(visit: PageContext, chosen: list[Place], codes: list[str]) -> list[Component]:
    """The way to the companies of a like fleet, where one company is chosen."""
    company = next((place for place in chosen if place.grain == "company"), None)
    if company is None:
        return []
    near = [key for key in profiles.peers(visit.book, company.code, PEERS) if key not in codes]
    added = [*codes, *near][:MOST]
    if len(added) == len(codes):
        return []
    return [dcc.Link(f"＋ 与{company.label}规模相近的企业", href=_with(visit, added), className="button")]


def _lines(visit: PageContext, metric: Metric, readings: list[Reading]) -> Component:
    window = readings[0].window
    count = SPARK_POINTS[window]
    if not count:
        return toolbar.card("走势", "", html.P("该指标只看当前时刻，不作走势。", className="empty"))
    lines = [
        compare.Line(
            reading.place.label,
            visit.book.series(metric.id, window, count, visit.address.get("at"), reading.place.code),
        )
        for reading in readings[-MOST:]
    ]
    known = [line for line in lines if any(point.value is not None for point in line.points)]
    if not known:
        return toolbar.card("走势", "", html.P("没有可比的各期数值。", className="empty"))
    chart = compare.figure(known, window=window, unit=metric.unit, decimals=metric.decimals, theme=visit.theme)
    label = f"{metric.label}走势对比：{'、'.join(line.name for line in known)}"
    return toolbar.card("走势", f"近 {count} {texts.WINDOWS[window]}", graph(chart, id="compare-lines", label=label))


def _table(visit: PageContext, metric: Metric, readings: list[Reading]) -> Component:
    rows = [_row(visit, metric, reading) for reading in readings]
    note = "名次只在分母足够的同类之间排列，并列按代码"
    return toolbar.card("对比表", note, table(list(HEADS), rows, right=(1, 2, 3, 4)))


def _row(visit: PageContext, metric: Metric, reading: Reading) -> list[Cell]:
    where = None if reading.place == visit.book.home else reading.place.code
    return [
        html.B(reading.place.label),
        *comparison.cells(reading, metric.decimals),
        _rank(visit, metric, reading),
        dcc.Link("查看", href=_metric(visit, metric, reading, where)),
    ]


def _rank(visit: PageContext, metric: Metric, reading: Reading) -> str:
    """3 / 12 among the places of its kind that may be ranked, the best first; — for one that may not."""
    if reading.place.code == DISTRICT or reading.place == visit.book.home:
        return fmt.DASH
    among = ranked(visit.book.by(metric.id, reading.window, visit.address.get("at"), reading.place.grain))
    codes = [one.place.code for one in reversed(among)]
    return f"{codes.index(reading.place.code) + 1} / {len(codes)}" if reading.place.code in codes else fmt.DASH


def _metric(visit: PageContext, metric: Metric, reading: Reading, place: str | None) -> str:
    return visit.address.to(f"/metric/{metric.id}", window=reading.window, at=visit.address.get("at"), place=place)
