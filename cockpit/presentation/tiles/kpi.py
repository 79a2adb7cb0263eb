"""The KPI card: one Reading with everything that must be said about it, in two sizes. Pure; asks nobody anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import spark
from cockpit.presentation.theme import LIGHT, Theme
from cockpit.presentation.tiles.attributes import aria, data
from warehouse.compile.reading import STATUS_LABELS, Point, Reading

Size = Literal["card", "strip"]


def tile(
    reading: Reading,
    *,
    decimals: int = 0,
    points: Sequence[Point] = (),
    tone: str = "fleet",
    href: str = "",
    theme: Theme = LIGHT,
    size: Size = "card",
    note: str = "",
    today: dt.date | None = None,
    marks: bool = True,
    badge: Component | None = None,
    corner: Component | None = None,
) -> Component:
    """One card. `points`: the trend behind it, oldest first (none → no sparkline). `tone`: accent colour token.
    `href`: the metric page ("" → not a link). `size` "strip": label and value only. `note`: a further short line.
    `today`: that day's times are shown without a date. `marks` False: 暂定 and 未满期 are said once for the whole page.
    `badge`: one more tag in the head. `corner`: what can be pressed on the card beside its link.

    Classes say what it is: tile, tile-<size>, is-<status>, is-good|warn|bad, is-held. `data-asof` and
    `data-stale-after` let the browser's own clock age it; a card without a data time carries neither.
    """
    shown = fmt.reading(reading, decimals)
    body = [_head(reading, marks, badge), _main(reading, shown)]
    if size == "card":
        body += [_middle(reading, points, tone, theme, decimals), _foot(reading, note, today)]
    inner: Component = (
        dcc.Link(body, href=href, className="tile-body") if href else html.Div(body, className="tile-body")
    )
    held = [inner] if corner is None else [inner, corner]
    return html.Article(held, className=_classes(reading, size, tone), **clockwork(reading))


def _classes(reading: Reading, size: Size, tone: str) -> str:
    names = ["tile", f"tile-{size}", f"tone-{tone}", f"is-{reading.status}"]
    if reading.judgement:
        names.append(f"is-{reading.judgement}")
    if reading.held:
        names.append("is-held")
    return " ".join(names)


def clockwork(reading: Reading) -> dict[str, Any]:
    """data-* facts of a reading for the browser's clock; no data time, no ageing."""
    facts = data(metric=reading.metric, generation=reading.generation)
    if reading.as_of is not None:
        facts |= data(asof=reading.as_of.isoformat(), stale_after=str(fmt.patience(reading)))
    return facts


def tags(reading: Reading, marks: bool = True) -> list[Component]:
    """The small words beside a number: 暂定, 未满期, 沿用上期 (with its reason as a tooltip); without `marks` only the
    last."""
    found: list[Component] = []
    if reading.held:
        found.append(html.Span(texts.HELD, className="tag tag-held", title=reading.held))
    if reading.doubt:
        found.append(html.Span(texts.DOUBT, className="tag tag-warn", title=reading.doubt))
    if marks and not reading.complete and reading.window != "now":
        found.append(html.Span(texts.INCOMPLETE, className="tag"))
    if marks and reading.provisional:
        found.append(html.Span(texts.PROVISIONAL, className="tag tag-warn", title="72 小时内补传的数据仍会改变它"))
    return found


def _head(reading: Reading, marks: bool, badge: Component | None) -> Component:
    return html.Div(
        [
            html.Span(reading.label, className="tile-label", title=reading.label),
            html.Span([*([badge] if badge else []), *tags(reading, marks)], className="tile-tags"),
        ],
        className="tile-head",
    )


def _main(reading: Reading, shown: fmt.Shown) -> Component:
    if shown.status and not shown.unit:
        return html.Div(html.Span(shown.text, className="tile-state"), className="tile-main")
    return html.Div(
        html.Span([html.Span(shown.text, className="tile-value"), html.Span(shown.unit, className="tile-unit")]),
        className="tile-main",
    )


def delta_mark(change: fmt.Delta, reading: Reading) -> Component:
    """Arrow, amount and unit of a difference, its meaning (环比上周…) as a tooltip and for screen readers."""
    if not change.known:
        return html.Span("", className="delta")
    unit = "" if change.unit in ("百分点", reading.unit) else change.unit
    words = f"{texts.PREVIOUS[reading.window]} {change.signed} {change.unit}"
    if change.tone == "flat":
        return html.Span("持平", className="delta tone-flat", title=words, **aria(label=words))
    return html.Span(
        [html.Span(change.glyph, className="glyph"), f"{change.text}{unit}"],
        className=f"delta tone-{change.tone}",
        title=words,
        **aria(label=words),
    )


def _middle(reading: Reading, points: Sequence[Point], tone: str, theme: Theme, decimals: int) -> Component:
    source = spark.data_uri([p.value for p in points], tone=tone, theme=theme)
    trend: Component = (
        html.Img(src=source, className="tile-spark", alt=f"{reading.label} 近 {len(points)} 期走势")
        if source
        else html.Span(className="tile-spark")
    )
    goal = fmt.target(reading.target, reading.unit, reading.better, decimals)
    change = fmt.delta(reading.value, reading.previous, reading.unit, reading.better, decimals)
    lines = []
    if change.known:
        lines.append(
            html.Span([delta_mark(change, reading), html.Small(texts.PREVIOUS_SHORT)], className="tile-change")
        )
    if goal:
        mark = {"good": "✓", "warn": "!", "bad": "✕"}.get(reading.judgement or "", "")
        words = texts.JUDGEMENTS.get(reading.judgement or "", "")
        lines.append(
            html.Span(
                [f"目标 {goal} ", html.Span(mark, className=f"mark tone-{reading.judgement}", title=words)],
                className="tile-goal",
            )
        )
    year = fmt.delta(reading.value, reading.last_year, reading.unit, reading.better, decimals)
    if year.known:
        shown = year.signed if year.unit in ("百分点", reading.unit) else f"{year.signed}{year.unit}"
        lines.append(html.Span(f"同比 {'持平' if year.tone == 'flat' else shown}"))
    return html.Div([trend, html.Span(lines, className="tile-aims")], className="tile-middle")


def _foot(reading: Reading, note: str, today: dt.date | None) -> Component:
    left = note or fmt.parts(reading) or next((f"{k} {fmt.number(v)}" for k, v in reading.parts.items()), "")
    if shown_reason := reason(reading):
        left = shown_reason
    time = f"数据 {fmt.clock(reading.as_of, today)}" if reading.as_of else "无数据时间"
    return html.Div(
        [html.Span(left, className="tile-parts", title=left or None), html.Span(time, className="tile-asof asof")],
        className="tile-foot",
    )


STATUS_REASON = {
    "missing": "本期没有收到任何记录",
    "failed": "来源上次采集失败,本期无数据",
    "insufficient": "分母为 0 或低于下限,不作计算",
    "small_cell": "人数过少,不显示",
}
assert set(STATUS_REASON) < set(STATUS_LABELS)


def reason(reading: Reading) -> str:
    """Why there is no number, "" when there is one; "<5 人" says it by itself."""
    if reading.status == "small_cell" and not fmt.is_rate(reading):
        return ""
    return STATUS_REASON.get(reading.status, "")
