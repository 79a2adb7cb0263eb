"""任意区间: flows over any days that follow one another – the year to date, the year to the end of last month, or days that
somebody types – held against as many days before and a year before. The menu in the bar asks; below the number of a metric,
or above the cards of a group, a card answers; and a number that cannot be told of any days says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import day_range, texts
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.hero import change, fact, moved, tone_of
from cockpit.presentation.tiles.table import Cell, table
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading

DAY = r"\d{4}-\d{2}-\d{2}"
ENDS = ("since", "until")
CARRIED = ("window", "at", "place", "only", "as_of")
"""What of the address goes along with a form that asks for other days."""


def menu(visit: PageContext, metrics: Sequence[Metric]) -> Component | None:
    """The ranges to choose from and the two days of one's own, or why none of these numbers has any; None for numbers of
    this moment alone."""
    lasting = [metric for metric in metrics if metric.kind != "now"]
    if not lasting:
        return None
    if all(day_range.refusal(metric) is not None for metric in lasting):
        inside: list[Component] = [html.P(why, className="menu-note") for why in day_range.refusals(lasting)]
    else:
        inside = [
            dcc.Link(
                words,
                href=visit.address.here(since=first.isoformat(), until=last.isoformat(), page=None),
                className="menu-item",
            )
            for words, (first, last) in day_range.offered(visit.book.generation.last_day).items()
        ]
        inside.append(_form(visit))
    return html.Details(
        [html.Summary("区间", className="button"), html.Div(inside, className="menu")], className="drop"
    )


def wanted(visit: PageContext) -> tuple[dt.date, dt.date] | str | None:
    """The days of the address, both inclusive; a sentence where they are no range; None where none is asked for."""
    since, until = (visit.address.get(key) for key in ENDS)
    return day_range.typed(since, until, visit.book.generation.last_day) if since or until else None


def card(visit: PageContext, metric: Metric, reading: Reading) -> Component | None:
    """What the number came to over the days asked for; None where none are."""
    days = wanted(visit)
    if days is None:
        return None
    problem = day_range.refusal(metric) or (days if isinstance(days, str) else None)
    if problem is not None or isinstance(days, str):
        return _card(visit, "区间", "", html.P(problem, className="empty"))
    first, last, title, note = _stated(visit, days)
    ours = day_range.reading(visit.book, reading, first, last, visit.address.only)
    if ours.value is None:
        return _card(visit, title, "", html.P(day_range.absence(visit.book, ours), className="empty"))
    shown = fmt.value(ours.value, metric.unit, metric.decimals)
    facts = [
        html.Div(
            [html.Span(shown.text, className="hero-value"), html.Span(shown.unit, className="hero-unit")],
            className="hero-number",
        ),
        *(
            _against(metric, ours, label, was, *days)
            for label, was, days in (
                ("较前等长区间", ours.previous, day_range.before(first, last)),
                (texts.LAST_YEAR, ours.last_year, day_range.year_before(first, last)),
            )
        ),
    ]
    return _card(visit, title, note, html.Div(facts, className="range-facts"))


def listing(visit: PageContext, metrics: Sequence[Metric]) -> Component | None:
    """What each of these came to over the days asked for, and which of them cannot be told of any; None where no days
    are asked for."""
    days = wanted(visit)
    if days is None:
        return None
    summed = [metric for metric in metrics if day_range.refusal(metric) is None]
    if isinstance(days, str) or not summed:
        problems = [days] if isinstance(days, str) else day_range.refusals(metrics)
        return _card(visit, "区间", "", html.P("".join(problems), className="empty"))
    first, last, title, note = _stated(visit, days)
    rows = [_line(visit, metric, first, last) for metric in summed]
    heads = ["指标", "区间的数", "较前等长区间", texts.LAST_YEAR]
    without = day_range.refusals([metric for metric in metrics if metric not in summed])
    below = [html.P("".join(without), className="fine-print")] if without else []
    return _card(visit, title, note, html.Div([table(heads, rows, right=(1, 2, 3)), *below]))


def _line(visit: PageContext, metric: Metric, first: dt.date, last: dt.date) -> list[Cell]:
    """A metric over those days; where it is not known of them, why."""
    ours = day_range.reading(visit.book, visit.book.read(metric.id, metric.windows[0]), first, last)
    name = dcc.Link(metric.label, href=visit.address.to(f"/metric/{metric.id}", since=str(first), until=str(last)))
    if ours.value is None:
        return [name, html.Span([fmt.DASH, html.Small(day_range.absence(visit.book, ours))]), fmt.DASH, fmt.DASH]
    moves = [
        fmt.delta(ours.value, was, metric.unit, metric.better, metric.decimals)
        for was in (ours.previous, ours.last_year)
    ]
    return [
        name,
        str(fmt.value(ours.value, metric.unit, metric.decimals)),
        *(html.Span(moved(move), className=f"range-move {tone_of(move)}") for move in moves),
    ]


def _stated(visit: PageContext, days: tuple[dt.date, dt.date]) -> tuple[dt.date, dt.date, str, str]:
    """The days as far as there are data (both inclusive), and what stands at the head of their card."""
    newest = visit.book.generation.last_day
    first, last = days[0], min(days[1], newest)
    note = day_range.JUDGED + (f" · 数据止于 {newest}" if days[1] > newest else "")
    return first, last, f"{first} 至 {last}（{(last - first).days + 1} 天）", note


def _against(metric: Metric, ours: Reading, label: str, was: float | None, start: dt.date, end: dt.date) -> Component:
    """The number held against what it came to over as many other days."""
    if was is None:
        return fact(label, [fmt.DASH, html.Small(f"{start} 至 {end} 没有完整数据")])
    move = fmt.delta(ours.value, was, metric.unit, metric.better, metric.decimals)
    return change(
        label,
        move,
        fmt.value(was, metric.unit, metric.decimals),
        f"{start} 至 {end}：{fmt.value(was, metric.unit, metric.decimals)}",
    )


def _card(visit: PageContext, title: str, note: str, body: Component) -> Component:
    close = dcc.Link("关闭", href=visit.address.here(since=None, until=None), className="button")
    return toolbar.card(title, note, html.Div(close, className="card-switch"), body, id="metric-days")


def _form(visit: PageContext) -> Component:
    fields: list[Component] = [
        toolbar.hidden("days", key, value) for key in CARRIED if (value := visit.address.get(key)) is not None
    ]
    for key, words in zip(ENDS, ("起", "止"), strict=True):
        box = dcc.Input(
            type="text",
            name=key,
            value=visit.address.get(key) or "",
            pattern=DAY,
            placeholder="2026-01-31",
            required=True,
            id=f"days-{key}",
            className="filter",
        )
        fields.append(html.Label([words, box]))
    button = html.Button("查看", type="submit", className="button")
    return html.Form([*fields, button], action=visit.address.path, method="get", className="fields menu-form")
