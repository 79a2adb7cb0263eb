"""The head of a metric page: the number set large, and every figure one needs to judge it, in one row."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import REASONS, ReadingView, goal_name, present, verdict
from cockpit.presentation.tiles.attributes import aria
from cockpit.presentation.tiles.kpi import clockwork, tags
from warehouse.compile.reading import Reading


def hero(
    reading: Reading, *, decimals: int = 0, sentence: Sequence[Component | str] = (), more: Sequence[Component] = ()
) -> Component:
    """The number with 环比, 同比, 目标, 分子/分母 and its data time; `sentence` says in words what moved; `more`: further
    facts."""
    view = present(reading, decimals)
    facts = [*_changes(view, decimals), _goal(view), *_parts(view), _state(view), _time(view), *more]
    number = html.Div(_number(view), className="hero-number")
    body = html.Div([html.Div([f for f in facts if f], className="hero-facts"), *_sentence(sentence)])
    return html.Section(
        [number, body], className=f"card hero is-{reading.status}", **aria(label=reading.label), **clockwork(reading)
    )


def _number(view: ReadingView) -> list[Component]:
    shown = view.shown
    if shown.status and not shown.unit:
        return [
            html.Span(shown.text, className="hero-state"),
            html.Span(REASONS[shown.status], className="hero-why"),
        ]
    return [html.Span(shown.text, className="hero-value tile-value"), html.Span(shown.unit, className="hero-unit")]


def fact(label: str, body: Sequence[Component | str], tone: str = "", title: str = "") -> Component:
    """One labelled figure of the row."""
    return html.Div(
        [html.Span(label, className="fact-label"), html.Span(list(body), className=f"fact-value {tone}".strip())],
        className="fact",
        title=title or None,
    )


def _changes(view: ReadingView, decimals: int) -> list[Component]:
    """Both comparisons, a dash where one is unknown; a number of this moment has neither."""
    item = view.reading
    if item.window == "now" and item.previous is None and item.last_year is None:
        return []
    return [
        change(view.previous, view.delta, fmt.value(item.previous, item.unit, decimals)),
        change(texts.LAST_YEAR, view.year, fmt.value(item.last_year, item.unit, decimals)),
    ]


def change(label: str, move: fmt.Delta, was: fmt.Shown, title: str = "") -> Component:
    """A comparison as a labelled figure; a dash where it is unknown. title: what it is held against, else the value."""
    return fact(label, moved(move), tone_of(move), (title or f"对比值 {was}") if move.known else "")


def moved(move: fmt.Delta) -> list[Component | str]:
    """A comparison in figures: "▲1.2 百分点", 持平, or a dash where it is unknown."""
    if not move.known:
        return [fmt.DASH]
    if move.tone == "flat":
        return ["持平"]
    return [html.Span(move.glyph, className="glyph"), move.text, html.Small(move.unit)]


def tone_of(move: fmt.Delta) -> str:
    """The class that colours it."""
    return f"tone-{move.tone}" if move.known else "tone-none"


def _goal(view: ReadingView) -> Component | None:
    if not view.target:
        return None
    words = verdict(view.reading) or fmt.DASH
    return fact(
        f"{goal_name(view.reading)} {view.target}",
        [words, html.Small(view.gap)],
        f"tone-{view.tone or 'none'}",
        f"目标来源：{view.source}",
    )


def _parts(view: ReadingView) -> list[Component]:
    found = [fact("分子 / 分母", [view.parts])] if view.parts else []
    return found + [fact(label, [fmt.number(amount)]) for label, amount in view.reading.parts.items()]


def _state(view: ReadingView) -> Component | None:
    marks = tags(view, in_full=True)
    return fact("本期状态", marks) if marks else None


def _time(view: ReadingView) -> Component:
    shown = html.Span(view.as_of or fmt.DASH, className="asof")
    return fact("数据时间", [shown], title="各输入中最旧一项的最新数据时间")


def _sentence(sentence: Sequence[Component | str]) -> list[Component]:
    return [html.P(list(sentence), className="hero-sentence")] if sentence else []


def movement(reading: Reading, towns: Sequence[Reading], decimals: int = 0) -> str:
    """What moved, in one sentence made by rule: the total's change, how many towns rose and fell, the two extremes.

    "" when the change is unknown. Names no cause: differences of towns do not add up to the total of a ratio."""
    change = fmt.delta(reading.value, reading.previous, reading.unit, reading.better, decimals)
    if not change.known:
        return ""
    unit = "个百分点" if change.unit == "百分点" else change.unit
    word = {"▲": "上升", "▼": "下降"}.get(change.glyph, "持平")
    start = f"{texts.THIS[reading.window]}{word}" + ("" if word == "持平" else f" {change.text} {unit}")
    # persons of towns are counted by closed months only: what moved then says nothing of another period
    towns = [t for t in towns if (t.window, t.win_start) == (reading.window, reading.win_start)]
    known = [t for t in towns if t.value is not None and t.previous is not None]
    if len(known) < 2:
        return f"{start}。"
    # a town that moved by less than what is shown has not moved for the reader
    moved = [(t.value - t.previous, t) for t in known if fmt.visible(t.value, t.previous, t.unit, decimals)]  # type: ignore[operator]
    if not moved:
        return f"{start}；各镇街均无明显变化。"
    moved.sort(key=lambda pair: pair[0])
    counts = f"{sum(d > 0 for d, _ in moved)} 个镇街上升、{sum(d < 0 for d, _ in moved)} 个下降"
    ends = [_end("升幅最大", moved[-1], decimals)] if moved[-1][0] > 0 else []
    ends += [_end("降幅最大", moved[0], decimals)] if moved[0][0] < 0 else []
    return f"{start}；{counts}，{'，'.join(ends)}。" if ends else f"{start}；{counts}。"


def _end(words: str, pair: tuple[float, Reading], decimals: int) -> str:
    change = fmt.delta(pair[1].value, pair[1].previous, pair[1].unit, pair[1].better, decimals)
    return f"{words} {pair[1].place.label} {change.signed}{'' if change.unit == '百分点' else ' ' + change.unit}"
