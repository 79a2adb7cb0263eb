"""Places in the order of a number, and those that have none of it or miss its target."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import profile_parts
from cockpit.pages.page_context import PageContext
from cockpit.pages.questions.parts import (
    COUNTED,
    GRAINS,
    MOST_LISTED,
    buttons,
    other_period,
    read_at,
    sentence,
    to_metric,
)
from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import aim, present
from cockpit.presentation.tiles.entities import marks
from cockpit.presentation.tiles.table import Cell, table
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import UNPLACED, Reading
from warehouse.insight.findings.ranking import ranked
from warehouse.insight.findings.thresholds import FLOOR, is_ranked
from warehouse.insight.questions.understand import Understood

SHOWN = 10
ORDERS = {"high": "由高到低", "low": "由低到高", "worst": "差的在前", "best": "好的在前"}


def listed_or_ranked(visit: PageContext, read: Understood) -> list[Component]:
    metric = visit.book.metrics[read.metrics[0]]
    within = read.places[0] if read.places else visit.book.home
    window, at = read_at(visit, metric, read.periods[0] if read.periods else None)
    called = GRAINS[read.grain]
    if read.grain not in metric.drill or within.grain == "company":
        return [sentence(f"“{metric.label}”在{within.label}以下不按{called}统计。")]
    if metric.group == "membership" and read.grain == "company" and not rights.may(visit.viewer, "party"):
        return [sentence(profile_parts.withheld("party"))]
    total = visit.book.read(metric.id, window, at, within.code, read.only)
    if read.grain == "vehicle":
        sort = (
            "value"
            if read.order == "low" or (read.order, metric.better) in (("worst", "up"), ("best", "down"))
            else "-value"
        )
        return [
            sentence("车辆逐辆的数在指标页的名单里。"),
            buttons(to_metric(visit, read, total, of="rows", sort=sort)),
        ]
    rows = visit.book.by(metric.id, window, at, read.grain, within.code, read.only)
    if not rows:
        return [sentence(f"{within.label}没有可列的{called}。")]
    note = other_period(rows[0], read.periods[0] if read.periods else None)
    lines: list[Component] = [html.P(note, className="notice-line", role="status")] if note else []
    period = fmt.period(rows[0].window, rows[0].win_start, rows[0].win_end)
    if read.ask == "list":
        return [
            *lines,
            *_listed(visit, read, metric, rows, period),
            buttons(to_metric(visit, read, total, of=read.grain)),
        ]
    return [*lines, *_ranking(visit, read, metric, rows, period), buttons(to_metric(visit, read, total, of=read.grain))]


def _ranking(
    visit: PageContext, read: Understood, metric: Metric, rows: Sequence[Reading], period: str
) -> list[Component]:
    if read.order in ("worst", "best") and metric.better == "context":
        return [sentence(f"“{metric.label}”没有好坏之分，可以问最高或最低。")]
    if read.order in ("worst", "best"):
        ordered = ranked(rows)
        ordered = ordered if read.order == "worst" else ordered[::-1]
    else:
        sign = -1 if read.order == "high" else 1
        known = [one for one in rows if is_ranked(one) and one.place.code != UNPLACED]
        ordered = sorted(known, key=lambda one: (sign * (one.value or 0.0), one.place.code))
    shown = ordered[: read.top or SHOWN]
    lines: list[list[Cell]] = [
        [
            str(number),
            profile_parts.place_link(visit, one.place.code),
            html.Span([present(one, metric.decimals).text, *marks(one)]),
            present(one, metric.decimals).parts or fmt.DASH,
            aim(present(one, metric.decimals)),
        ]
        for number, one in enumerate(shown, 1)
    ]
    left = len(rows) - len(ordered)
    why = f"；另有 {left} {COUNTED[read.grain][0]}没有数或分母不足 {FLOOR}，不参与排名" if left else ""
    words = f"{metric.label}，{period}，{ORDERS[read.order]}，列出 {len(shown)} / {len(ordered)} {COUNTED[read.grain]}{why}。"
    return [
        html.P(words),
        table(["名次", "名称", "数值", "分子 / 分母", "目标"], lines, right=(2, 3), empty="没有可以排名的"),
    ]


def _listed(
    visit: PageContext, read: Understood, metric: Metric, rows: Sequence[Reading], period: str
) -> list[Component]:
    """Those that have none of what is counted, or that miss the target."""
    called, counted = GRAINS[read.grain], COUNTED[read.grain]
    if read.which == "off_target":
        judged = [one for one in ranked(rows) if one.judgement is not None]
        if not judged:
            return [sentence(f"“{metric.label}”在{called}没有目标可评。")]
        members = [one for one in judged if one.judgement != "good"]
        words = f"{period}，{len(judged)} {counted}有目标可评，其中 {len(members)} {counted[0]}未达标"
    else:
        judged = [one for one in rows if one.status == "ok"]
        members = [one for one in judged if not one.value]
        words = f"{period}，{len(judged)} {counted}中有 {len(members)} {counted[0]}没有（{metric.label}为 0）"
    lines: list[list[Cell]] = [
        [
            profile_parts.place_link(visit, one.place.code),
            html.Span([present(one, metric.decimals).text, *marks(one)]),
            present(one, metric.decimals).parts or fmt.DASH,
            aim(present(one, metric.decimals)),
        ]
        for one in members[:MOST_LISTED]
    ]
    more = f"，列出前 {MOST_LISTED} {counted[0]}" if len(members) > MOST_LISTED else ""
    return [
        html.P(f"{words}{more}。"),
        table(["名称", "数值", "分子 / 分母", "目标"], lines, right=(1, 2), empty="没有"),
    ]
