"""The numbers that a question asks for: one as on its page, several in a table, one metric as a line."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages.page_context import PageContext
from cockpit.pages.questions.parts import (
    STEPS,
    at_of,
    buttons,
    name_of,
    other_period,
    read_at,
    sentence,
    to_metric,
)
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import compare
from cockpit.presentation.reading_view import SPARK_POINTS, present
from cockpit.presentation.tiles import comparison
from cockpit.presentation.tiles.graph import graph
from cockpit.presentation.tiles.hero import hero
from cockpit.presentation.tiles.table import Cell, table
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.insight.questions.dates import Period
from warehouse.insight.questions.understand import Understood

MOST_SIDE_BY_SIDE = 12
HEADS = ["指标与地点", "期次", *comparison.HEADS]


def side_by_side(visit: PageContext, read: Understood) -> list[Component]:
    readings: list[tuple[Reading, Period | None]] = []
    for name in read.metrics:
        metric = visit.book.metrics[name]
        for period in read.periods or (None,):
            for place in read.places or (visit.book.home,):
                window, at = read_at(visit, metric, period)
                readings.append((visit.book.read(name, window, at, place.code, read.only), period))
    notes = [note for reading, period in readings if (note := other_period(reading, period))]
    lines = [html.P(note, className="notice-line", role="status") for note in dict.fromkeys(notes)]
    if len(readings) == 1:
        reading = readings[0][0]
        decimals = visit.book.metrics[reading.metric].decimals
        head = html.P([html.B(name_of(reading)), " ", fmt.period(reading.window, reading.win_start, reading.win_end)])
        return [*lines, head, hero(reading, decimals=decimals), buttons(to_metric(visit, read, reading))]
    shown = [reading for reading, _ in readings[:MOST_SIDE_BY_SIDE]]
    more = len(readings) - len(shown)
    if more:
        lines.append(html.P(f"只列出前 {MOST_SIDE_BY_SIDE} 个，其余 {more} 个未列。", className="notice-line"))
    ways = [to_metric(visit, read, next(one for one in shown if one.metric == name)) for name in read.metrics]
    if len(read.metrics) == 1 and len(read.places) > 1:
        codes = ",".join(place.code for place in read.places if place != visit.book.home)
        first = shown[0]
        href = visit.address.to(f"/compare/{first.metric}", **at_of(first), **{"with": codes})
        ways.insert(0, dcc.Link("走势对比", href=href, className="button"))
    return [*lines, table(HEADS, [_row(visit, one) for one in shown], right=(2, 3, 4, 5)), buttons(*ways)]


def _row(visit: PageContext, reading: Reading) -> list[Cell]:
    decimals = visit.book.metrics[reading.metric].decimals
    return [html.B(name_of(reading)), present(reading, decimals).period, *comparison.cells(reading, decimals)]


def trend(visit: PageContext, read: Understood) -> list[Component]:
    metric = visit.book.metrics[read.metrics[0]]
    place = read.places[0] if read.places else visit.book.home
    period = read.periods[0] if read.periods else None
    window, at = read_at(visit, metric, period if period and period.at else None)
    if period is not None and period.window in metric.windows:
        window = period.window
    reading = visit.book.read(metric.id, window, at, place.code, read.only)
    count = (
        period.count
        if period and period.at is None and period.window == reading.window
        else SPARK_POINTS[reading.window]
    )
    note = _not_by(metric, period, reading)
    lines: list[Component] = [html.P(note, className="notice-line", role="status")] if note else []
    points = visit.book.series(metric.id, reading.window, count, at, place.code, read.only) if count else []
    way = buttons(to_metric(visit, read, reading, span=reading.window))
    if sum(point.value is not None for point in points) < 2:
        return [*lines, sentence("不足两期数据，暂不画走势。"), way]
    line = compare.Line(place.label, points)
    chart = compare.figure([line], window=reading.window, unit=metric.unit, decimals=metric.decimals, theme=visit.theme)
    chart["layout"]["showlegend"] = False  # one line: the sentence above says whose it is
    drawn = graph(chart, id="question-trend", label=f"{metric.label}走势：{place.label}")
    return [
        *lines,
        html.P(f"{name_of(reading)}，近 {count} {STEPS[reading.window]}，单位 {fmt.value(0, metric.unit).unit}。"),
        drawn,
        way,
    ]


def _not_by(metric: Metric, period: Period | None, reading: Reading) -> str:
    if period is None or period.window == reading.window:
        return ""
    return f"“{metric.label}”不按“{texts.WINDOWS[period.window]}”统计，这里按“{texts.WINDOWS[reading.window]}”。"
