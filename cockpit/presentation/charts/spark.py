"""Sparklines as inline-SVG data URIs: a few hundred bytes, no script, crisp at any scale, the same on wall and
paper."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from cockpit.presentation.theme import LIGHT, Theme

WIDTH, HEIGHT, INSET = 120.0, 30.0, 3.0


def runs(values: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """Unbroken stretches of (x, y) in drawing units; None breaks the line, it is never drawn as 0."""
    known = [v for v in values if v is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    span = high - low
    step = (WIDTH - 2 * INSET) / max(1, len(values) - 1)
    found: list[list[tuple[float, float]]] = [[]]
    for index, item in enumerate(values):
        if item is None:
            found.append([])
            continue
        # a flat series runs through the middle: at the bottom it would read as zero
        share = (item - low) / span if span else 0.5
        found[-1].append((INSET + index * step, HEIGHT - INSET - share * (HEIGHT - 2 * INSET)))
    return [run for run in found if run]


def svg(values: Sequence[float | None], *, tone: str = "fleet", theme: Theme = LIGHT, is_open: bool = False) -> str:
    """The sparkline as SVG source, "" with fewer than two known values. `tone`: a colour token; is_open: the last step is of a
    period that is not over, and is dotted."""
    stretches = runs(values)
    if sum(len(run) for run in stretches) < 2:
        return ""
    colour = theme[tone]
    shapes = []
    lines = [(run, "") for run in stretches]
    if is_open and values[-1] is not None and len(stretches[-1]) > 1:
        last = stretches[-1]
        lines[-1:] = [(last[:-1], ""), (last[-2:], ' stroke-dasharray="0.1 3.2"')]
    for run, dash in lines:
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
        shapes.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6" '
            f'stroke-linejoin="round" stroke-linecap="round"{dash}/>'
        )
    if values[-1] is not None:
        x, y = stretches[-1][-1]
        shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{colour}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" '
        f'width="{WIDTH:.0f}" height="{HEIGHT:.0f}">{"".join(shapes)}</svg>'
    )


def data_uri(
    values: Sequence[float | None], *, tone: str = "fleet", theme: Theme = LIGHT, is_open: bool = False
) -> str:
    """The sparkline for an <img src>; "" with fewer than two known values."""
    source = svg(values, tone=tone, theme=theme, is_open=is_open)
    return f"data:image/svg+xml;base64,{b64encode(source.encode()).decode()}" if source else ""
