"""The trend chart: this period, the same steps a year earlier, and the target. Pure: Points → the figure as Plotly.js
reads it.

Plain dictionaries: the library's own objects check every property anew at each drawing, which took longer than all the
rest of a page; the tests let them check the same figures once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation.charts import ticks
from cockpit.presentation.theme import LIGHT, Theme, template
from warehouse.compile.reading import STATUS_LABELS, Point, Target
from warehouse.insight.trend_annotations import Happening

Chart = dict[str, Any]
"""data: traces; layout: shapes, annotations, axes."""
MAX_TICKS = 9
HEIGHT = 336
PADDING = 0.12
"""Share of the value span left free above and below the line."""
HOVER_LETTERS = 26
"""Width at which a remark is broken on hover."""
REMARK_LIFT = 0.02
"""Share of the height at which remarks stand above the axis, clear of its labels."""
LETTERS = 26
MARK_SIZE = 10


@dataclass(frozen=True)
class Remark:
    """What somebody wrote about some days. first..last: both inclusive; signed: by whom and when."""

    first: dt.date
    last: dt.date
    words: str
    signed: str


def figure(
    points: Sequence[Point],
    last_year: Sequence[Point] = (),
    *,
    window: str,
    unit: str,
    decimals: int = 0,
    better: str = "context",
    target: Target | None = None,
    tone: str = "fleet",
    theme: Theme = LIGHT,
    height: int = HEIGHT,
    events: Sequence[Happening] = (),
    remarks: Sequence[Remark] = (),
) -> Chart:
    """Line of `points` (oldest first), gaps where nothing is known, the running period hollow and dashed.

    `last_year`: the points one year before, step by step; unknown ones are left out, none at all draws no line.
    `events`: marked and numbered on the steps they fall into. `remarks`: lettered on the axis, told on hover; one
    outside of the chart is left out and takes no letter. Values are in stored units; the axis shows % for ratios. Empty
    `points` give an empty chart."""
    chart: Chart = {
        "data": [],
        "layout": {"template": template(theme), "height": height, "shapes": [], "annotations": []},
    }
    scale = 100.0 if unit == "ratio" else 1.0
    xs = list(range(len(points)))
    ys = [_scaled(p.value, scale) for p in points]
    past = [_scaled(p.value, scale) for p in last_year][-len(points) :]
    if any(v is not None for v in past):
        chart["data"].append(_past(xs, past, last_year, unit, decimals, window, theme))
    chart["data"] += _now(xs, ys, points, unit, decimals, window, theme[tone], theme["panel"])
    target = target and target.entire
    goal = None if target is None else target.green * scale
    axes(chart, points, window, [*ys, *past, goal], unit)
    if target is not None and goal is not None and points:
        _goal(chart, goal, f"{target.called} {fmt.target(target, unit, better, decimals)}", theme)
    for number, event in enumerate(events, 1):
        _event(chart, points, number, event, theme)
    _remarks(chart, points, remarks, theme)
    return chart


def touched(points: Sequence[Point], first: dt.date, last: dt.date) -> list[int]:
    """The steps that some days (both inclusive) fall into."""
    return [i for i, p in enumerate(points) if p.win_start <= last and first <= p.win_end]


def _remarks(chart: Chart, points: Sequence[Point], remarks: Sequence[Remark], theme: Theme) -> None:
    """A quiet mark on the axis over the steps of each remark, its letter above the first of them."""
    if "range" not in chart["layout"]["yaxis"]:
        return
    bottom, top = chart["layout"]["yaxis"]["range"]
    floor, letters = bottom + (top - bottom) * REMARK_LIFT, dict[int, str]()
    for remark in remarks:
        steps = touched(points, remark.first, remark.last)
        if not steps:
            continue
        mark = letter(sum(map(len, letters.values())) + 1)
        letters[steps[0]] = letters.get(steps[0], "") + mark
        # the words are somebody's: in a template or as markup they would be read as more than words
        shown_text = (
            f"{mark} {'<br>'.join(map(escape, wrap(remark.words, HOVER_LETTERS)))}<br><i>{escape(remark.signed)}</i>"
        )
        ends = [MARK_SIZE if step in (steps[0], steps[-1]) else 0 for step in steps]
        chart["data"].append(
            dict(
                type="scatter",
                x=steps,
                y=[floor] * len(steps),
                mode="lines+markers",
                line={"color": theme["steel"], "width": 2},
                name="批注",
                customdata=[shown_text] * len(steps),
                marker={"size": ends, "symbol": "triangle-up", "color": theme["steel"], "opacity": 1},
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    for step, marks in letters.items():
        chart["layout"]["annotations"].append(
            dict(
                x=step,
                y=floor,
                text=marks,
                showarrow=False,
                yanchor="bottom",
                yshift=5,
                font={"color": theme["ink-2"], "size": 14},
            )
        )


def letter(number: int) -> str:
    """Ⓐ … Ⓩ, ＋ beyond: one character each."""
    return chr(0x24B5 + number) if number <= LETTERS else "＋"


def _event(chart: Chart, points: Sequence[Point], number: int, event: Happening, theme: Theme) -> None:
    """A band over the steps that an event touches and its number on top; one outside of the chart is left out."""
    steps = touched(points, event.first, event.last)
    if not steps:
        return
    colour = theme["bad" if event.kind == "outage" else "member-2"]
    chart["layout"]["shapes"].append(
        dict(
            type="rect",
            yref="paper",
            x0=steps[0] - 0.35,
            x1=steps[-1] + 0.35,
            y0=0,
            y1=1,
            fillcolor=colour,
            opacity=0.12,
            line={"width": 0},
            layer="below",
        )
    )
    chart["layout"]["annotations"].append(
        dict(
            x=(steps[0] + steps[-1]) / 2,
            yref="paper",
            y=1,
            text=mark(number),
            hovertext=event.label,
            showarrow=False,
            yanchor="bottom",
            font={"color": theme["ink-2"], "size": 13},
        )
    )


def mark(number: int) -> str:
    """① … ⑳, plain digits beyond."""
    return chr(0x245F + number) if number <= 20 else str(number)


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def said(point: Point, unit: str, decimals: int) -> str:
    """A point's value in words, or why there is none; a running period says that it runs."""
    text = str(fmt.value(point.value, unit, decimals)) if point.status == "ok" else STATUS_LABELS[point.status]
    return text if point.complete else f"{text}（本期未结束）"


def _now(
    xs: list[int],
    ys: list[float | None],
    points: Sequence[Point],
    unit: str,
    decimals: int,
    window: str,
    colour: str,
    ground: str,
) -> list[Chart]:
    """The solid line of finished periods and, hollow and dashed, the step to the running one."""
    text = [f"{fmt.period(window, p.win_start, p.win_end)}<br><b>{said(p, unit, decimals)}</b>" for p in points]
    running = bool(points) and not points[-1].complete
    solid = [*ys[:-1], None] if running else ys
    line = dict(
        type="scatter",
        x=xs,
        y=solid,
        mode="lines+markers",
        line={"color": colour, "width": 2.4},
        marker={"size": 5 if len(xs) < 40 else 3, "color": colour},
        customdata=text,
        hovertemplate="%{customdata}<extra></extra>",
        connectgaps=False,
        name="本期",
    )
    if not running or len(ys) < 2 or ys[-1] is None:
        return [line]
    tail = dict(
        type="scatter",
        x=xs[-2:],
        y=ys[-2:],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": "dot"},
        marker={"size": [0, 9], "color": ground, "line": {"color": colour, "width": 2}},
        customdata=["", text[-1]],
        hovertemplate="%{customdata}<extra></extra>",
        name="本期未结束",
    )
    return [line, tail]


def _past(
    xs: list[int], ys: list[float | None], points: Sequence[Point], unit: str, decimals: int, window: str, theme: Theme
) -> Chart:
    text = [f"去年同期 {fmt.tick(window, p.win_start)}：{said(p, unit, decimals)}" for p in points][-len(xs) :]
    return dict(
        type="scatter",
        x=xs[-len(ys) :],
        y=ys,
        mode="lines",
        line={"color": theme["compare"], "width": 1.4, "dash": "4px,3px"},
        customdata=text,
        hovertemplate="%{customdata}<extra></extra>",
        connectgaps=False,
        name="去年同期",
    )


def _goal(chart: Chart, goal: float, words: str, theme: Theme) -> None:
    chart["layout"]["shapes"].append(
        dict(
            type="line",
            xref="paper",
            x0=0,
            x1=1,
            y0=goal,
            y1=goal,
            line={"color": theme["member-2"], "width": 1.4, "dash": "6px,4px"},
            layer="below",
        )
    )
    chart["layout"]["annotations"].append(
        dict(
            xref="paper",
            x=0,
            y=goal,
            text=words,
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"color": theme["member"], "size": 12},
        )
    )


def axes(chart: Chart, points: Sequence[Point], window: str, levels: list[float | None], unit: str) -> None:
    """Own tick texts: the library's Chinese locale still writes "一 11" and "1M"."""
    step = max(1, -(-len(points) // MAX_TICKS))
    # counted back from the newest, so that the newest period always has its name
    shown = list(range(len(points) - 1, -1, -step))[::-1]
    chart["layout"]["xaxis"] = dict(
        tickmode="array",
        tickvals=shown,
        ticktext=[fmt.tick(window, points[i].win_start) for i in shown],
        range=[-0.4, max(0.6, len(points) - 0.6)],
        unifiedhovertitle={"text": " "},
    )
    known = [v for v in levels if v is not None]
    if not known:
        chart["layout"]["yaxis"] = dict(visible=False)
        return
    low, high = min(known), max(known)
    room = (high - low) * PADDING or abs(high) * PADDING or 1.0
    bottom = max(0.0, low - room) if low >= 0 else low - room
    top = min(100.0 + room / 2, high + room) if unit == "ratio" else high + room
    values = ticks.inside(bottom, top)
    chart["layout"]["yaxis"] = dict(
        range=[bottom, top], tickmode="array", tickvals=values, ticktext=[_axis_text(v, values, unit) for v in values]
    )


def _axis_text(level: float, levels: Sequence[float], unit: str) -> str:
    if unit != "ratio" and max(levels) >= fmt.WAN_FROM:
        return f"{fmt.number(level / fmt.WAN, 1)}万"
    return fmt.number(level, ticks.places(levels, "", 2))
