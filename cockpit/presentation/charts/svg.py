"""Points to plain SVG, for the two surfaces that run no chart library: wall and paper. Pure; no colour is named here,
every stroke has a class that the style sheet of the surface paints. A value that is not known is a gap, never a 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from cockpit.presentation import format as fmt
from cockpit.presentation.charts import ticks
from warehouse.compile.reading import Point

LABEL_EVERY_PX = 78
DOT, SMALL_DOT = 3.5, 2.6
AXIS_LEFT, AXIS_RIGHT, AXIS_TOP, AXIS_BOTTOM = 52, 64, 14, 26


@dataclass(frozen=True)
class Frame:
    """The box a chart is drawn in (user units) and the value range it shows; maps both to places."""

    width: float
    height: float
    low: float
    high: float
    count: int
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0

    def x(self, index: int) -> float:
        span = max(1, self.count - 1)
        return self.left + (self.width - self.left - self.right) * index / span

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.height - self.bottom - (self.height - self.top - self.bottom) * share


def spark(values: Sequence[float | None], *, is_open: bool = False, width: int = 120, height: int = 40) -> Markup:
    """A sparkline with a dot on the newest known value; "" with fewer than two known values. is_open: the last step is of a
    period that is not over, and is dotted. Its axis begins where the values do, so nothing below the line is filled."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return Markup("")
    frame = Frame(width, height, min(known), max(known), len(values), 2, 5, 5, 4)
    if frame.low == frame.high:
        frame = Frame(width, height, frame.low - 1, frame.high + 1, len(values), 2, 5, 5, 4)
    runs = stretches(values, frame)
    lines = drawn(runs, is_open and values[-1] is not None)
    x, y = runs[-1][-1]
    return _svg(width, height, f'{lines}<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{DOT}"/>', "spark")


def trend(
    now: Sequence[Point],
    before: Sequence[Point] = (),
    *,
    unit: str,
    window: str,
    decimals: int = 0,
    goal: float | None = None,
    width: int = 680,
    height: int = 190,
) -> Markup:
    """A trend with the year before (dashed) and the goal (dotted); "" when not one value is known.

    `now` and `before` are of equal length, oldest first. A window that is not over yet ends in a hollow dot.
    """
    values = [p.value for p in now]
    past = [p.value for p in before]
    known = [v for v in (*values, *past, goal) if v is not None]
    if not any(v is not None for v in values):
        return Markup("")
    levels = ticks.around(min(known), max(known), unit)
    frame = Frame(width, height, levels[0], levels[-1], len(values), AXIS_LEFT, AXIS_RIGHT, AXIS_TOP, AXIS_BOTTOM)
    places = ticks.places(levels, unit, decimals)
    body = [_grid(frame, levels, lambda v: ticks.text(v, unit, places)), _weeks(frame, now, window)]
    runs = stretches(values, frame)
    floor = frame.height - frame.bottom
    # the area first: it would lie over the goal and the year before; above a cut axis it would lie about amounts
    body += [
        f'<path class="area" d="{path(r)}L{r[-1][0]:.1f} {floor}L{r[0][0]:.1f} {floor}Z"/>'
        for r in runs
        if len(r) > 1 and frame.low == 0
    ]
    if goal is not None:
        y = frame.y(goal)
        body.append(f'<path class="goal" d="M{frame.left} {y:.1f}H{width - frame.right}"/>')
    body += [f'<path class="past" d="{path(run)}"/>' for run in stretches(past, frame)]
    body.append(drawn(runs, not now[-1].complete and now[-1].value is not None))
    body += [
        f'<circle class="dot" cx="{r[0][0]:.1f}" cy="{r[0][1]:.1f}" r="{SMALL_DOT}"/>' for r in runs if len(r) == 1
    ]
    body.append(_end(frame, now, unit, decimals))
    return _svg(width, height, "".join(body), "trend")


def drawn(runs: Sequence[Sequence[tuple[float, float]]], is_open: bool) -> str:
    """Stretches as lines; where `is_open`, the step to the last place is dotted: what is not over is no fall."""
    *before, last = runs
    if not is_open or len(last) < 2:
        return "".join(f'<path class="line" d="{path(run)}"/>' for run in runs)
    solid = [*before, last[:-1]]
    lines = "".join(f'<path class="line" d="{path(run)}{"h0" if len(run) == 1 else ""}"/>' for run in solid)
    return f'{lines}<path class="line open" d="{path(last[-2:])}"/>'


def bar(share: float | None, *, mark: float | None = None, height: int = 10, tone: str = "") -> Markup:
    """A track filled to `share` (0–1, clamped; None → an empty dashed track) with a tick at `mark` (0–1).

    As wide as its place: lengths are percentages, so nothing is distorted.
    """
    half = height / 2
    empty = "" if share is not None else " none"
    parts = [f'<rect class="track{empty}" width="100%" height="{height}" rx="{half:g}"/>']
    if share:
        full = 100 * min(1.0, max(0.0, share))
        parts.append(f'<rect class="fill {escape(tone)}" width="{full:.2f}%" height="{height}" rx="{half:g}"/>')
    if mark is not None and 0 <= mark <= 1:
        parts.append(
            f'<rect class="mark" x="{100 * mark:.2f}%" y="-3" width="2" height="{height + 6}" transform="translate(-1)"/>'
        )
    return Markup(f'<svg class="bar" width="100%" height="{height}" aria-hidden="true">{"".join(parts)}</svg>')


def _grid(frame: Frame, levels: Sequence[float], words: Callable[[float], str]) -> str:
    parts = []
    for tick in levels:
        y = frame.y(tick)
        parts.append(f'<path class="grid" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>')
        parts.append(f'<text class="tick end" x="{frame.left - 8}" y="{y + 4:.1f}">{escape(words(tick))}</text>')
    return "".join(parts)


def _weeks(frame: Frame, points: Sequence[Point], window: str) -> str:
    """Names of the windows below the axis, as many as fit, always the newest one."""
    room = (frame.width - frame.left - frame.right) / max(1, len(points) - 1)
    every = max(1, math.ceil(LABEL_EVERY_PX / max(room, 1)))
    y = frame.height - 6
    return "".join(
        f'<text class="tick mid" x="{frame.x(i):.1f}" y="{y}">{escape(fmt.tick(window, p.win_start))}</text>'
        for i, p in enumerate(points)
        if (len(points) - 1 - i) % every == 0
    )


def _end(frame: Frame, points: Sequence[Point], unit: str, decimals: int) -> str:
    """The newest known value, written beside its dot."""
    index = max(i for i, p in enumerate(points) if p.value is not None)
    point = points[index]
    x, y = frame.x(index), frame.y(point.value or 0.0)
    shown = fmt.value(point.value, unit, decimals)
    words = f"{shown.text}%" if shown.unit == "%" else shown.text + ("万" if shown.unit.startswith("万") else "")
    hollow = "" if point.complete else " open"
    return (
        f'<circle class="dot{hollow}" cx="{x:.1f}" cy="{y:.1f}" r="{DOT}"/>'
        f'<text class="last" x="{x + 9:.1f}" y="{y + 5:.1f}">{escape(words)}</text>'
    )


def stretches(values: Sequence[float | None], frame: Frame) -> list[list[tuple[float, float]]]:
    """Stretches of neighbouring known values as places; an unknown one between them breaks the line."""
    runs: list[list[tuple[float, float]]] = []
    open_run = False
    for index, value in enumerate(values):
        if value is None:
            open_run = False
            continue
        if not open_run:
            runs.append([])
        runs[-1].append((frame.x(index), frame.y(value)))
        open_run = True
    return runs


def path(run: Sequence[tuple[float, float]]) -> str:
    """A stretch as the `d` of an SVG path."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run)


def _svg(width: float, height: float, body: str, kind: str) -> Markup:
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'aria-hidden="true">{body}</svg>'
    )
