"""要点: what changed and what needs a decision, as lists made by rule, each line leading on. The first thing on the
overview."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import supervision
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import goal_name, present
from cockpit.presentation.tiles import attributes
from cockpit.presentation.tiles.kpi import delta_mark
from warehouse.compile.reading import Reading
from warehouse.core import units
from warehouse.insight.findings import data, numbers
from warehouse.insight.findings.numbers import Concern
from warehouse.query.scope import is_total

SHOWN, SHOWN_BESIDE = 5, 2
"""Lines before the fold: of what is off target, and of each of the three lists beside it."""
UNIT = {"day": "天", "week": "周", "month": "个月", "quarter": "个季度", "year": "年"}


def lists(visit: PageContext, window: str, at: str | None) -> Component:
    """The four lists for the page's period. `at`: its word, None = the newest."""
    book = visit.book
    found = numbers.of_period(book, window, at)
    old = [_late(visit, one) for one in data.late(book)] + [_unknown(visit, one.reading) for one in found.unknown]
    revised = [_revision(visit, one) for one in data.revised(book)]
    return html.Div(
        [
            _list("未达标", "bad", _concerns(visit, found.off_target), "各项指标都在目标之内"),
            _list("变差", "warn", _concerns(visit, found.worse), "没有明显变差的指标", SHOWN_BESIDE),
            _list(
                "数据过时或缺失",
                "none",
                old,
                "已接入的来源都在承诺时效之内",
                SHOWN_BESIDE,
                note=_absent(visit, found),
            ),
            _list("近 7 天修订", "none", revised, "没有发布后又变的数", SHOWN_BESIDE),
        ],
        className="decisions",
    )


def of_group(visit: PageContext, group: str, window: str, at: str | None) -> Component | None:
    """The findings of one group's numbers, off target first; None when there is nothing to say."""
    metrics = [metric.id for metric in visit.book.metrics.values() if metric.group == group]
    found = numbers.of_period(visit.book, window, at, metrics)
    named = [*found.off_target, *found.near, *found.worse]
    if not named:
        return None
    return html.Section(
        _list("需要关注", "bad", _concerns(visit, named), "", SHOWN, html.H2), className="card decisions-group"
    )


def _concerns(visit: PageContext, found: Sequence[Concern]) -> list[Component]:
    return [_concern(visit, one) for one in found]


def _list(
    title: str,
    tone: str,
    lines: Sequence[Component],
    empty: str,
    shown: int = SHOWN,
    heading: Callable[..., Component] = html.H3,
    note: Component | None = None,
) -> Component:
    """A list with its count. note: what stands below it and is not counted."""
    below = [note] if note is not None else []
    head = heading(
        [title, html.Span(str(len(lines)), className=f"count count-{tone if lines else 'none'}")],
        className="decision-title",
    )
    if not lines:
        return html.Div([head, html.P(empty, className="muted"), *below], className="decision")
    rest = (
        html.Details(
            [html.Summary(f"其余 {len(lines) - shown} 项"), html.Ul(list(lines[shown:]))], className="more-lines"
        )
        if len(lines) > shown
        else None
    )
    return html.Div([head, html.Ul(list(lines[:shown])), *([rest] if rest else []), *below], className="decision")


def _absent(visit: PageContext, found: numbers.Numbers) -> Component | None:
    """Numbers that nobody owes, because their sources are 未接入: one line, no business of today."""
    if not found.unconnected:
        return None
    words = f"另有 {len(found.unconnected)} 项指标的来源未接入"
    return html.P(dcc.Link(words, href=visit.address.to("/health")), className="muted")


def _href(visit: PageContext, reading: Reading, place: str | None = None) -> str:
    at = None if reading.window == "now" else fmt.period_key(reading.window, reading.win_start)
    return visit.address.to(
        f"/metric/{reading.metric}", window=reading.window, at=at if visit.address.get("at") else None, place=place
    )


def _concern(visit: PageContext, item: Concern) -> Component:
    reading = item.reading
    view = present(reading, visit.book.metrics[reading.metric].decimals)
    is_judged = reading.judgement in ("bad", "warn")
    body: list[Component | str] = [
        dcc.Link(view.label, href=_href(visit, reading)),
        html.B(view.text),
        *([html.Small(f"{goal_name(reading)} {view.target}")] if is_judged else []),
        delta_mark(view.delta, reading),
    ]
    if item.lasting > 1:
        more = "以上" if item.lasting == numbers.LOOK_BACK else ""
        body.append(html.Small(f"连续 {item.lasting} {UNIT.get(reading.window, '期')}{more}"))
    if item.worst is not None:
        words = f"{item.worst.place.label} {present(item.worst, visit.book.metrics[reading.metric].decimals).text}"
        body.append(dcc.Link(words, href=_href(visit, reading, item.worst.place.code), className="worst"))
    badge = supervision.badge(visit, reading.metric, reading.place.code)
    if badge is not None:
        body.append(badge)
    elif not is_total(reading.place):
        body.append(dcc.Link("督办", href=f"{_href(visit, reading)}#supervise", className="supervise"))
    return html.Li(body, **attributes.data(finding=reading.metric, kind=item.kind))


def _late(visit: PageContext, item: data.Late) -> Component:
    state = item.source
    words = (
        f"采集故障：{fmt.reason(state.error)}" if state.error else f"数据停在 {fmt.clock(state.data_time, visit.today)}"
    )
    return html.Li(
        [
            dcc.Link(state.label, href=visit.address.to("/health")),
            html.Span(words, className="tone-bad" if state.error else "tone-warn"),
            html.Small(f"涉及 {item.metrics} 项指标"),
        ]
    )


def _unknown(visit: PageContext, reading: Reading) -> Component:
    words = texts.HELD if reading.held else texts.DOUBT if reading.doubt else str(fmt.reading(reading))
    return html.Li(
        [
            dcc.Link(reading.label, href=_href(visit, reading)),
            html.Span(words, className="tone-warn", title=reading.held or reading.doubt or None),
        ]
    )


def _revision(visit: PageContext, one: data.Revision) -> Component:
    metric = visit.book.metrics[one.metric]
    old, new = (str(fmt.value(value, metric.unit, metric.decimals)).replace(" %", "%") for value in (one.old, one.new))
    link = dcc.Link(metric.label, href=visit.address.to(f"/metric/{metric.id}", window=one.window, at=one.at))
    first, last = units.window_of(one.window, units.parse_at(one.window, one.at))
    period = html.Small(fmt.period(one.window, first, last))
    return html.Li([link, period, f"{old} → {new}", html.Small(fmt.clock(one.recorded_at, visit.today))])
