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
from cockpit.presentation.reading_view import ReadingView, goal_name, present, verdict
from cockpit.presentation.theme import LIGHT, Theme
from cockpit.presentation.tiles.attributes import aria, data
from warehouse.compile.reading import Point, Reading

Size = Literal["card", "strip"]
TAG_CLASSES = {
    "held": "tag tag-held",
    "standing": "tag",
    "doubt": "tag tag-warn",
    "running": "tag",
    "provisional": "tag tag-warn",
    "festival": "tag",
}


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
    `today`: that day's times are shown without a date. `marks` False: 暂定 and 本期未结束 are said once for the whole page.
    `badge`: one more tag in the head. `corner`: what can be pressed on the card beside its link.

    Classes say what it is: tile, tile-<size>, is-<status>, is-good|warn|bad, is-held. `data-asof` and
    `data-stale-after` let the browser's own clock age it; a card without a data time carries neither.
    """
    view = present(reading, decimals, today=today)
    body = [_head(view, marks, badge), _main(view.shown)]
    if size == "card":
        body += [_middle(view, points, tone, theme), _foot(view, note)]
    inner: Component = (
        dcc.Link(body, href=href, className="tile-body") if href else html.Div(body, className="tile-body")
    )
    held = [inner] if corner is None else [inner, corner]
    return html.Article(held, className=_classes(reading, size, tone), **clockwork(reading))


def _classes(reading: Reading, size: Size, tone: str) -> str:
    names = ["tile", f"tile-{size}", f"tone-{tone}", f"is-{reading.status}"]
    if reading.tone:
        names.append(f"is-{reading.tone}")
    if reading.held:
        names.append("is-held")
    return " ".join(names)


def clockwork(reading: Reading) -> dict[str, Any]:
    """data-* facts of a reading for the browser's clock; of what does not grow old no time."""
    facts = data(metric=reading.metric, generation=reading.generation)
    if reading.as_of is not None and fmt.ages(reading):
        facts |= data(asof=reading.as_of.isoformat(), stale_after=str(fmt.patience(reading)))
    return facts


def tags(view: ReadingView, marks: bool = True, *, in_full: bool = False) -> list[Component]:
    """The words that limit a number, each with its reason as a tooltip; without `marks` only those that doubt it."""
    return [
        html.Span(tag.full if in_full and tag.full else tag.word, className=TAG_CLASSES[tag.kind], title=tag.why)
        for tag in view.tags
        if marks or tag.kind in ("held", "standing", "doubt")
    ]


def _head(view: ReadingView, marks: bool, badge: Component | None) -> Component:
    label = html.Span(view.label, className="tile-label", title=view.label)
    return html.Div(
        [label, html.Span([*([badge] if badge else []), *tags(view, marks)], className="tile-tags")],
        className="tile-head",
    )


def _main(shown: fmt.Shown) -> Component:
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


def _middle(view: ReadingView, points: Sequence[Point], tone: str, theme: Theme) -> Component:
    is_open = bool(points) and not points[-1].complete
    source = spark.data_uri([p.value for p in points], tone=tone, theme=theme, is_open=is_open)
    trend: Component = (
        html.Img(src=source, className="tile-spark", alt=f"{view.label} 近 {len(points)} 期走势")
        if source
        else html.Span(className="tile-spark")
    )
    lines = []
    if view.delta.known:
        mark = delta_mark(view.delta, view.reading)
        lines.append(html.Span([mark, html.Small(texts.PREVIOUS_SHORT)], className="tile-change"))
    if view.target:
        mark = html.Span(view.mark, className=f"mark tone-{view.tone or None}", title=verdict(view.reading))
        lines.append(html.Span([f"{goal_name(view.reading)} {view.target} ", mark], className="tile-goal"))
    if view.year.known:
        is_plain = view.year.unit in ("百分点", view.reading.unit)
        shown = view.year.signed if is_plain else f"{view.year.signed}{view.year.unit}"
        lines.append(html.Span(f"同比 {'持平' if view.year.tone == 'flat' else shown}"))
    return html.Div([trend, html.Span(lines, className="tile-aims")], className="tile-middle")


def _foot(view: ReadingView, note: str) -> Component:
    left = view.reason or note or view.parts or next(iter(view.side.split(" · ")), "")
    time = f"数据 {view.as_of}" if view.as_of else "无数据时间"
    parts = html.Span(left, className="tile-parts", title=left or None)
    return html.Div([parts, html.Span(time, className="tile-asof asof")], className="tile-foot")
