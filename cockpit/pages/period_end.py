"""期末预测: where a number with a target will stand when its month, quarter and year are over, what must still come, and by
how much such forecasts were off. A number that cannot be forecast says why."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import aria
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT
from warehouse.core import units
from warehouse.insight import forecast
from warehouse.insight.forecast import Forecast, Unknown

END = {"month": "月末", "quarter": "季末", "year": "年末"}
OUTLOOK = {"good": "预计达成", "warn": "尚难判断", "bad": "预计未达成"}
ADVISED = {"good": "预计达到建议值", "warn": "尚难判断", "bad": "预计未到建议值"}
DAILY_UNTIL = 14
"""Days left up to which a pace is told by day; of a longer rest by week."""
ROOM = 0.08
"""Part of the track that is left free on either side of what is drawn on it."""


def ahead(visit: PageContext, metric: Metric) -> list[Forecast | Unknown]:
    """The periods that run today; [] for a number without a target of one of them, and where an earlier period is looked
    at."""
    at, today = visit.address.get("at"), visit.book.generation.built_at.date()
    if at is not None:
        window = units.window_named(at)
        first, last = units.window_of(window, units.parse_at(window, at))
        if not first <= today <= last:
            return []
    running = forecast.running(visit.book, metric, visit.address.get("place") or DISTRICT, visit.address.only)
    return [forecast.of(visit.book, metric, item, visit.address.only) for item in running]


def card(metric: Metric, found: Sequence[Forecast | Unknown]) -> Component | None:
    """Every period with its forecast, below them why others have none; None where none has one."""
    known = [_block(metric, one) for one in found if isinstance(one, Forecast)]
    if not known:
        return None
    note = f"区间含 {forecast.BAND:.0%} 的可能"
    return toolbar.card(
        "期末预测", note, html.Div(known, className="ends"), *_reasons(metric, found), id="metric-ahead"
    )


def silent(metric: Metric, found: Sequence[Forecast | Unknown]) -> Component | None:
    """Why no period has a forecast; None where one has."""
    if not found or any(isinstance(one, Forecast) for one in found):
        return None
    return toolbar.card("期末预测", "", *_reasons(metric, found), id="metric-ahead")


def _reasons(metric: Metric, found: Sequence[Forecast | Unknown]) -> list[Component]:
    why: dict[str, list[str]] = {}
    for one in found:
        if isinstance(one, Unknown):
            why.setdefault(_why(metric, one), []).append(END[one.window])
    return [html.P(f"{'、'.join(ends)}：{words}", className="muted") for words, ends in why.items()]


def _why(metric: Metric, one: Unknown) -> str:
    if one.reason == "young":
        return f"不作预测。检验误差需要 {one.needs_days} 天历史，现有 {one.has_days} 天。"
    return {
        "uncounted": f"“{metric.label}”不是逐日累计的数，不作预测。",
        "distinct": f"“{metric.label}”按期去重（同一车、同一项一期只计一次）或按期末认定，逐日的数不能相加，不作预测。",
        "rare": f"余下的日子预计不足 {forecast.MIN_CASES} 件（次），不作预测。",
        "no_days": "逐日的数没有收到或不单列，不作预测。",
    }[one.reason]


def _block(metric: Metric, one: Forecast) -> Component:
    """One period: the expected value with its band on a track, and in words what must still come."""
    side = one.outlook(metric.better)
    shown = _shown(metric, one.value)
    tone = "advice" if one.target.is_proposed else side
    words = (ADVISED if one.target.is_proposed else OUTLOOK)[side]
    head = html.Div(
        [
            html.Span(f"{fmt.period(one.window, one.start, one.end)}末（余 {one.left} 天）", className="end-name"),
            html.Span([html.B(shown.text), html.Small(shown.unit)], className="end-value"),
            html.Span(f"{_exact(metric, one.low)}～{_exact(metric, one.high)}", className="end-band"),
            html.Span(words, className=f"end-word tone-{tone}"),
        ],
        className="end-head",
    )
    return html.Div(
        [head, _track(metric, one, tone), html.P(_sentence(metric, one)), html.Small(_errors(metric, one))],
        className="end",
    )


def _track(metric: Metric, one: Forecast, tone: str) -> Component:
    """The band and the expected value beside the goal; a tick is the goal, as on every bar."""
    places = [one.low, one.high, one.target.green, *([one.so_far] if one.so_far is not None else [])]
    low, high = min(places), max(places)
    room = (high - low) * ROOM or abs(high) * ROOM or 1.0
    low, high = low - room, high + room

    def at(value: float) -> float:
        return 100 * (value - low) / (high - low)

    marks = [
        html.Span(
            className=f"bar-fill end-fill fill-{tone}",
            style={"left": f"{at(one.low):.1f}%", "width": f"{max(0.8, at(one.high) - at(one.low)):.1f}%"},
        ),
        html.Span(className="end-point", style={"left": f"{at(one.value):.1f}%"}),
        html.Span(className="bar-goal", style={"left": f"{at(one.target.green):.1f}%"}),
    ]
    label = f"预测 {_exact(metric, one.value)}，区间 {_exact(metric, one.low)} 至 {_exact(metric, one.high)}，{one.target.called} {_goal(metric, one)}"
    return html.Div(marks, className="bar-track", role="img", **aria(label=label))


def _sentence(metric: Metric, one: Forecast) -> str:
    """ "按近 8 周速度，年末 88.0%（目标 ≥ 92%）；余下 38 天须达到 93.3%，比近 8 周高 1.3 个百分点。" """
    weeks = f"近 {one.weeks} 周"
    start = (
        f"按{weeks}速度，{END[one.window]} {_exact(metric, one.value)}（{one.target.called} {_goal(metric, one)}）；"
    )
    if not one.is_open:
        return start + _settled(metric, one)
    if metric.denominator:
        amount, pace = _exact(metric, one.needed), _exact(metric, one.pace)
        gap = fmt.delta(one.needed, one.pace, metric.unit, "context", max(metric.decimals, 1))
        unit = "个百分点" if gap.unit == "百分点" else f" {gap.unit}".rstrip()
        beside = (
            f"与{weeks}持平"
            if gap.tone == "flat"
            else f"比{weeks}（{pace}）{'高' if gap.glyph == '▲' else '低'} {gap.text} {unit.strip()}"
        )
        verb = "须达到" if metric.better == "up" else "须不高于"
        return f"{start}余下 {one.left} 天{verb} {amount}，{beside}。"
    per, days = ("每天", 1) if one.left <= DAILY_UNTIL else ("每周", 7)
    amount, pace = (_rate(metric, value * days) for value in (one.needed, one.pace))
    return (
        f"{start}余下 {one.left} 天{per}{'须有' if metric.better == 'up' else '不超过'} {amount}，{weeks}{per} {pace}。"
    )


def _settled(metric: Metric, one: Forecast) -> str:
    """What is said where the days that are left can no longer change whether the goal is reached."""
    if metric.better == "up" and not metric.denominator:
        return f"至今 {_exact(metric, one.so_far or 0.0)}，已经达成。"
    if metric.better == "up":
        return f"即使余下 {one.left} 天都是 100%，也到不了{one.target.called}。"
    return f"至今已超过，余下 {one.left} 天即使为 0 也回不到{one.target.called}以内。"


def _errors(metric: Metric, one: Forecast) -> str:
    so_far = "" if one.so_far is None else f"截至 {fmt.day(one.until)} 为 {_exact(metric, one.so_far)}。"
    naive = "" if one.naive is None else f"（照本期至今直接推算为 {_amount(metric, one.naive)}）"
    unknown = "" if one.unannounced is None else f"{one.unannounced} 年节假日安排尚未载入，按平日推算。"
    return f"{so_far}此前 {one.trials} 次同样提前 {one.left} 天的预测，平均相差 {_amount(metric, one.error)}{naive}。{unknown}"


def _amount(metric: Metric, error: float) -> str:
    """A difference in the unit of differences."""
    if metric.unit == "ratio":
        return f"{fmt.number(error * 100, max(metric.decimals, 1))} 个百分点"
    return _rate(metric, error)


def _rate(metric: Metric, amount: float) -> str:
    """An amount a week or day: of things that are counted whole, a part of one still says something."""
    finer = 1 if not metric.denominator and abs(amount) < fmt.RELATIVE_FROM else metric.decimals
    return str(fmt.value(amount, metric.unit, finer))


def _shown(metric: Metric, value: float) -> fmt.Shown:
    return fmt.value(value, metric.unit, metric.decimals)


def _exact(metric: Metric, value: float) -> str:
    shown = _shown(metric, value)
    return f"{shown.text}%" if shown.unit == "%" else str(shown)


def _goal(metric: Metric, one: Forecast) -> str:
    return fmt.target(one.target, metric.unit, metric.better, metric.decimals)
