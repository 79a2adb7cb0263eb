"""Charts that fill whatever box they stand in, as plain SVG: the wall has one scene for four shapes of screen. Pure.

Shapes are drawn in a square of 1000 units that is stretched (strokes are not, by class), texts and dots in per cent
beside it. No colour is named: every mark has a class. A value that is not known is a gap, never a 0."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from cockpit.presentation.charts import svg, ticks

SIDE = 1000.0


def columns(
    stacks: Sequence[Sequence[float | None]],
    classes: Sequence[str],
    labels: Sequence[str],
    *,
    line: Sequence[float | None] = (),
    marks: Sequence[str] = (),
    every: int = 1,
    words: Sequence[str] = (),
) -> Markup:
    """Columns of stacked parts. stacks[i]: the parts of column i from below, None: not known (no column); `classes`:
    one a part; `line`: what is usual, drawn across; `marks`: class of a whole column ("" none); every n-th label is
    written; `words`: written above a column."""
    totals = [None if all(part is None for part in stack) else sum(part or 0.0 for part in stack) for stack in stacks]
    scale = ticks.counts(max([*(t for t in totals if t is not None), *(v for v in line if v is not None), 1.0]))
    top, count = scale[-1], max(1, len(stacks))
    room = SIDE / count
    body = []
    for index, stack in enumerate(stacks):
        floor = 0.0
        for part, name in zip(stack, classes, strict=True):
            if not part:
                continue
            height = SIDE * part / top
            tone = marks[index] if marks and marks[index] else name
            body.append(
                f'<rect class="{escape(tone)}" x="{room * index + room * 0.16:.1f}" y="{SIDE - floor - height:.1f}" width="{room * 0.68:.1f}" height="{height:.1f}"/>'
            )
            floor += height
    # the line stands on the middles of the columns, half a column in from both edges
    middle = svg.Frame(SIDE, SIDE, 0.0, top, count, left=room / 2, right=room / 2)
    body += [f'<path class="usual" d="{_line(run)}"/>' for run in svg.stretches(line, middle)]
    over = "".join(
        f'<text class="word" x="{100 * (i + 0.5) / count:.2f}%" y="{100 - 100 * (totals[i] or 0) / top:.2f}%" dy="-7">{escape(word)}</text>'
        for i, word in enumerate(words)
        if word
    )
    return _figure(body, over, scale, labels, [100 * (i + 0.5) / count for i in range(count)], every)


LABEL_WIDE = 30.0
"""Percent of a chart's width that the newest value takes to the left of its point."""


def lines(
    now: Sequence[float | None],
    before: Sequence[float | None],
    labels: Sequence[str],
    *,
    unit: str,
    decimals: int,
    goal: float | None,
    last: str,
    every: int,
    is_open: bool = False,
) -> Markup:
    """A line with the year before and a goal, both may be empty; "" when nothing is known. `last` is written at the
    newest known point. is_open: the last step is of a period that is not over, and is dotted."""
    known = [v for v in (*now, *before, goal) if v is not None]
    if not any(v is not None for v in now):
        return Markup("")
    scale = ticks.around(min(known), max(known), unit)
    frame = svg.Frame(SIDE, SIDE, scale[0], scale[-1], len(now))
    runs = svg.stretches(now, frame)
    # above a cut axis a filled area would lie about amounts
    body = [
        f'<path class="area" d="{svg.path(run)}L{run[-1][0]:.1f} {SIDE}L{run[0][0]:.1f} {SIDE}Z"/>'
        for run in runs
        if scale[0] == 0
    ]
    if goal is not None:
        body.append(f'<path class="goal" d="M0 {frame.y(goal):.1f}H{SIDE}"/>')
    body += [f'<path class="past" d="{_line(run)}"/>' for run in svg.stretches(before, frame)]
    is_open = is_open and now[-1] is not None
    body.append(svg.drawn(runs, True) if is_open else "".join(f'<path class="line" d="{_line(run)}"/>' for run in runs))
    x, y = (place / 10 for place in runs[-1][-1])
    look = "dot open" if is_open else "dot"
    over = (
        f'<circle class="{look}" cx="{x:.2f}%" cy="{y:.2f}%" r="5"/>'
        f'<text class="last" x="{x:.2f}%" y="{y:.2f}%" dy="{26 if _is_below([b / 10 for a, b in runs[-1] if a / 10 > x - LABEL_WIDE], y) else -12}">{escape(last)}</text>'
    )
    places = ticks.places(scale, unit, decimals)
    return _figure(
        body,
        over,
        scale,
        labels,
        [frame.x(i) / 10 for i in range(len(labels))],
        every,
        [ticks.text(v, unit, places) for v in scale],
    )


def _is_below(beside: Sequence[float], y: float) -> bool:
    """Whether the newest value is written below its point: above it is no room, or the line comes down to it from
    there. Places in percent from the top; beside: those of the line where the word would stand."""
    return y <= 20 or (y < 70 and min(beside, default=y) < y - 3 and max(beside, default=y) < y + 8)


def balance(parts: Sequence[tuple[str, float]]) -> Markup:
    """One bar whose parts (class, amount ≥ 0) fill it exactly."""
    total = sum(amount for _, amount in parts) or 1.0
    at, body = 0.0, []
    for name, amount in parts:
        width = 100 * amount / total
        body.append(f'<rect class="{escape(name)}" x="{at:.3f}%" width="{width:.3f}%" height="100%"/>')
        at += width
    return Markup(f'<svg class="balance" width="100%" height="100%" aria-hidden="true">{"".join(body)}</svg>')


def _line(run: Sequence[tuple[float, float]]) -> str:
    """A stretch, and a lone point as a stroke of its own: nothing known disappears."""
    return svg.path(run) + ("h1" if len(run) == 1 else "")


def _figure(
    body: Sequence[str],
    over: str,
    scale: Sequence[float],
    labels: Sequence[str],
    at: Sequence[float],
    every: int,
    names: Sequence[str] | None = None,
) -> Markup:
    low, high = scale[0], scale[-1]
    heights = [SIDE - SIDE * (value - low) / ((high - low) or 1) for value in scale]
    written = names or [f"{value:g}" for value in scale]
    grid = "".join(f'<path class="grid" d="M0 {y:.1f}H{SIDE}"/>' for y in heights)
    ys = "".join(
        f'<text x="100%" y="{y / 10:.2f}%" dy="5">{escape(name)}</text>'
        for y, name in zip(heights, written, strict=True)
    )
    xs = "".join(
        f'<text x="{x:.2f}%" y="18">{escape(label)}</text>'
        for i, (x, label) in enumerate(zip(at, labels, strict=True))
        if label and (len(labels) - 1 - i) % every == 0
    )
    return Markup(
        f'<figure class="plot" aria-hidden="true"><svg class="ys">{ys}</svg><svg class="shapes" viewBox="0 0 {SIDE:g} {SIDE:g}" preserveAspectRatio="none">{grid}{"".join(body)}</svg>'
        f'<svg class="over">{over}</svg><svg class="xs">{xs}</svg></figure>'
    )
