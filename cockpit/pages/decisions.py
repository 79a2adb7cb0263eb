"""要点: what changed and what needs a decision, as lists made by rule, each line leading on. The first thing on the
overview."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import supervision
from cockpit.pages.page_context import Visit
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles.kpi import delta_mark
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.core import units
from warehouse.insight.findings import numbers
from warehouse.insight.findings.numbers import Concern
from warehouse.query import periods

SHOWN, SHOWN_OFF = 5, 11
"""Lines before the fold; the first list stands beside the three others."""
UNIT = {"day": "天", "week": "周", "month": "个月", "quarter": "个季度", "year": "年"}


def lists(visit: Visit, window: str, at: str | None) -> Component:
    """The four lists for the page's period. `at`: its word, None = the newest."""
    book = visit.book
    readings = [periods.read(book, metric, window, at) for metric in book.metrics.values() if metric.kind != "now"]
    off, worse = numbers.off_target(book, readings), numbers.worse(book, readings)
    revised = [row for row in numbers.revised(book) if _is_seen(book.metrics[row["metric"]], row)]
    late, unknown = numbers.late(book), numbers.unknown(readings)
    old = [_late(visit, item) for item in late] + [_unknown(visit, reading) for reading in unknown]
    return html.Div(
        [
            _list("未达标", "bad", [_concern(visit, item) for item in off], "各项指标都在目标之内", SHOWN_OFF),
            _list("变差", "warn", [_concern(visit, item) for item in worse], "没有明显变差的指标"),
            _list("数据过时或缺失", "none", old, "各来源都在承诺时效之内"),
            _list("近 7 天修订", "none", [_revision(visit, row) for row in revised], "没有发布后又变的数"),
        ],
        className="decisions",
    )


def _list(title: str, tone: str, lines: Sequence[Component], empty: str, shown: int = SHOWN) -> Component:
    head = html.H3(
        [title, html.Span(str(len(lines)), className=f"count count-{tone if lines else 'none'}")],
        className="decision-title",
    )
    if not lines:
        return html.Div([head, html.P(empty, className="muted")], className="decision")
    rest = (
        html.Details(
            [html.Summary(f"其余 {len(lines) - shown} 项"), html.Ul(list(lines[shown:]))], className="more-lines"
        )
        if len(lines) > shown
        else None
    )
    return html.Div([head, html.Ul(list(lines[:shown])), *([rest] if rest else [])], className="decision")


def _href(visit: Visit, reading: Reading, place: str | None = None) -> str:
    at = None if reading.window == "now" else fmt.period_key(reading.window, reading.win_start)
    return visit.address.to(
        f"/metric/{reading.metric}", window=reading.window, at=at if visit.address.get("at") else None, place=place
    )


def _concern(visit: Visit, item: Concern) -> Component:
    reading = item.reading
    metric = visit.book.metrics[reading.metric]
    goal = (
        fmt.target(reading.target, reading.unit, reading.better, metric.decimals)
        if reading.judgement in ("bad", "warn")
        else ""
    )
    body: list[Component | str] = [
        dcc.Link(reading.label, href=_href(visit, reading)),
        html.B(str(fmt.reading(reading, metric.decimals)).replace(" %", "%")),
        *([html.Small(f"目标 {goal}")] if goal else []),
        delta_mark(fmt.delta(reading.value, reading.previous, reading.unit, reading.better, metric.decimals), reading),
    ]
    if item.lasting > 1:
        more = "以上" if item.lasting == numbers.LOOK_BACK else ""
        body.append(html.Small(f"连续 {item.lasting} {UNIT.get(reading.window, '期')}{more}"))
    if item.worst is not None:
        words = f"{item.worst.place.label} {fmt.reading(item.worst, metric.decimals)}".replace(" %", "%")
        body.append(dcc.Link(words, href=_href(visit, reading, item.worst.place.code), className="worst"))
    body.append(
        supervision.badge(visit, reading.metric)
        or dcc.Link("督办", href=f"{_href(visit, reading)}#supervise", className="supervise")
    )
    return html.Li(body)


def _late(visit: Visit, item: numbers.Late) -> Component:
    state = item.source
    words = (
        f"采集故障:{fmt.reason(state.error)}"
        if state.error
        else "从未到达"
        if state.data_time is None
        else f"数据停在 {fmt.clock(state.data_time, visit.today)}"
    )
    return html.Li(
        [
            dcc.Link(state.label, href=visit.address.to("/health")),
            html.Span(words, className="tone-bad" if state.error else "tone-warn"),
            html.Small(f"涉及 {item.metrics} 项指标"),
        ]
    )


def _unknown(visit: Visit, reading: Reading) -> Component:
    words = texts.HELD if reading.held else texts.DOUBT if reading.doubt else str(fmt.reading(reading))
    return html.Li(
        [
            dcc.Link(reading.label, href=_href(visit, reading)),
            html.Span(words, className="tone-warn", title=reading.held or reading.doubt or None),
        ]
    )


def _told(metric: Metric, row: dict[str, object]) -> tuple[str, str]:
    old, new = (str(fmt.value(row[key], metric.unit, metric.decimals)).replace(" %", "%") for key in ("old", "new"))  # type: ignore[arg-type]
    return old, new


def _is_seen(metric: Metric, row: dict[str, object]) -> bool:
    """Whether a revision changes what is read: 98.6 % → 98.6 % is none to a reader."""
    old, new = _told(metric, row)
    return old != new


def _revision(visit: Visit, row: dict[str, object]) -> Component:
    metric = visit.book.metrics[str(row["metric"])]
    old, new = _told(metric, row)
    link = dcc.Link(
        metric.label, href=visit.address.to(f"/metric/{metric.id}", window=str(row["window"]), at=str(row["at"]))
    )
    window = str(row["window"])
    first, last = units.window_of(window, units.parse_at(window, str(row["at"])))
    return html.Li(
        [
            link,
            html.Small(fmt.period(window, first, last)),
            f"{old} → {new}",
            html.Small(fmt.clock(row["at_time"], visit.today)),  # type: ignore[arg-type]
        ]
    )
