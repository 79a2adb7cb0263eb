"""任意区间: a flow over any days that follow one another – the year to date, the year to the end of last month, or days that
somebody types – held against as many days before and a year before. The menu in the bar asks, the card below the number
answers, and a number that cannot be told of any days says why."""

from __future__ import annotations

import datetime as dt

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.hero import change, fact
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.query.snapshot import sums_days

DAY = r"\d{4}-\d{2}-\d{2}"
ENDS = ("since", "until")
CARRIED = ("window", "at", "place", "only", "as_of")
"""What of the address goes along with a form that asks for other days."""
LONGEST_DAYS = 3 * 366


def menu(visit: PageContext, metric: Metric) -> Component | None:
    """The ranges to choose from and the two days of one's own, or why there are none; None for a number of this moment."""
    if metric.kind == "now":
        return None
    if (why := refusal(metric)) is not None:
        inside: list[Component] = [html.P(why, className="menu-note")]
    else:
        inside = [
            dcc.Link(
                words,
                href=visit.address.here(since=first.isoformat(), until=last.isoformat(), page=None),
                className="menu-item",
            )
            for words, (first, last) in offered(visit.book.generation.last_day).items()
        ]
        inside.append(_form(visit))
    return html.Details(
        [html.Summary("区间", className="button"), html.Div(inside, className="menu")], className="drop"
    )


def offered(last: dt.date) -> dict[str, tuple[dt.date, dt.date]]:
    """The ranges with a name, both days inclusive. last: the newest day with data. In January no month of the year has
    ended."""
    first = last.replace(month=1, day=1)
    found = {"年初至今": (first, last)}
    ended = last.replace(day=1) - dt.timedelta(days=1)
    return found | ({"年初至上月末": (first, ended)} if ended >= first else {})


def refusal(metric: Metric) -> str | None:
    """Why a number cannot be told of any days; None for one that can."""
    if sums_days(metric):
        return None
    if metric.person:
        return f"“{metric.label}”涉及个人，只按已结束的统计期公布，不能按任意区间统计。"
    if metric.lookback_days:
        return f"“{metric.label}”每次取近 {metric.lookback_days} 天，不能按任意区间统计。"
    return f"“{metric.label}”是某一时点（期末）的数，不能按任意区间累计。"


def wanted(visit: PageContext) -> tuple[dt.date, dt.date] | str | None:
    """The days of the address, both inclusive; a sentence where they are no range; None where none is asked for."""
    typed = [visit.address.get(key) for key in ENDS]
    if not any(typed):
        return None
    try:
        first, last = (dt.date.fromisoformat(word or "") for word in typed)
    except ValueError:
        return "起止日期须写成 2026-01-31 的样子，两个都要填。"
    if first > last:
        return f"起始日 {first} 晚于截止日 {last}，请调换。"
    newest = visit.book.generation.last_day
    if first > newest:
        return f"{first} 还没有数据，数据止于 {newest}。"
    if (last - first).days >= LONGEST_DAYS:
        return "区间超过三年，请分段查看。"
    return first, last


def card(visit: PageContext, metric: Metric, reading: Reading) -> Component | None:
    """What the number came to over the days asked for; None where none are."""
    days = wanted(visit)
    if days is None:
        return None
    close = dcc.Link("关闭", href=visit.address.here(since=None, until=None), className="button")
    problem = refusal(metric) or (days if isinstance(days, str) else None)
    if problem is not None or isinstance(days, str):
        return _card("区间", "", html.P(problem, className="empty"), close)
    first, newest = days[0], visit.book.generation.last_day
    last = min(days[1], newest)
    value = visit.book.value_of_days(reading, first, last, visit.address.only)
    begins = visit.book.begins(metric)
    length = (last - first).days + 1
    title = f"{first} 至 {last}（{length} 天）"
    if value is None:
        early = (
            f"数据自 {begins} 起，区间须在其后。" if begins is not None and first < begins else "这些天没有收到记录。"
        )
        return _card(title, "", html.P(early, className="empty"), close)
    shown = fmt.value(value, metric.unit, metric.decimals)
    facts = [
        html.Div(
            [html.Span(shown.text, className="hero-value"), html.Span(shown.unit, className="hero-unit")],
            className="hero-number",
        ),
        *(
            _against(visit, metric, reading, value, label, start, length)
            for label, start in (
                ("较前等长区间", first - dt.timedelta(days=length)),
                (texts.LAST_YEAR, dt.date.fromisoformat(toolbar.year_before("day", first))),
            )
        ),
    ]
    note = "目标按统计期评价，不评任意区间" + (f" · 数据止于 {newest}" if days[1] > newest else "")
    return _card(title, note, html.Div(facts, className="range-facts"), close)


def _against(
    visit: PageContext, metric: Metric, reading: Reading, value: float, label: str, start: dt.date, length: int
) -> Component:
    """The number held against as many days from `start` on."""
    end = start + dt.timedelta(days=length - 1)
    was = visit.book.value_of_days(reading, start, end, visit.address.only)
    if was is None:
        return fact(label, [fmt.DASH, html.Small(f"{start} 至 {end} 没有完整数据")])
    move = fmt.delta(value, was, metric.unit, metric.better, metric.decimals)
    return change(
        label,
        move,
        fmt.value(was, metric.unit, metric.decimals),
        f"{start} 至 {end}：{fmt.value(was, metric.unit, metric.decimals)}",
    )


def _card(title: str, note: str, body: Component, close: Component) -> Component:
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
