"""What stands on the pages of a report: one Snapshot and one period (a week, month or quarter) → words, numbers and SVG for
the template.

Pure: no clock, no file, no browser. Every figure printed is kept in `figures`, so that the self-test and the archive
speak about the same numbers as the paper. District and town only (levels L1–L2): no company, plate, driver or phone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cockpit.casework import permalinks, task_store
from cockpit.presentation import data_notes, texts
from cockpit.presentation import format as fmt
from cockpit.presentation.charts import svg
from cockpit.presentation.reading_view import goal_name, is_of, of_towns, present, verdict
from cockpit.report import bulletin, changes, highlights, programmes
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import OVERDUE, STATUS_LABELS, Reading
from warehouse.core import timetable, units
from warehouse.core.errors import DataMissing, UsageError
from warehouse.insight import town_totals
from warehouse.insight.findings import numbers
from warehouse.insight.findings.numbers import Numbers
from warehouse.query import periods
from warehouse.query.snapshot import Snapshot

TREND = {"week": (26, 52), "month": (12, 12), "day": (28, 364), "quarter": (4, 4), "year": (1, 1)}
"""Window → (points drawn, points to the same window a year before)."""
TOWN_COLUMNS, MIN_POINTS = 3, 2
CHART_PX = (680, 102)
WORST_TOWNS = 3
REASON_LIMIT = 40
LATIN = re.compile(r"[\w./:@-]*[A-Za-z][\w./:@-]*", re.ASCII)
UNTOUCHED = bulletin.Imprint()
EXAMPLES = {"week": "2026-W47", "month": "2026-10", "quarter": "2026-Q3"}


@dataclass
class Issue:
    """One report: its period (2026-W47, 2026-10, 2026-Q3), the template context, the figures as printed and the
    readings they come from, what is missing (an empty list = complete), and in one sentence which sources are 未接入
    and which numbers lack for it ("" = none), which keeps nothing a draft."""

    at: str
    generation: str
    context: dict[str, Any]
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unconnected: str = ""
    charts: int = 0

    @property
    def window(self) -> str:
        return units.window_named(self.at)

    @property
    def draft(self) -> bool:
        return bool(self.missing)


def newest(book: Snapshot, window: str) -> str:
    """The newest whole window that the generation's data reach, as "2026-W47", "2026-10" or "2026-Q3"."""
    last = book.generation.last_day
    start, end = units.window_of(window, last)
    return fmt.period_key(window, start if end <= last else units.back(window, start, 1))


def days(at: str, window: str) -> tuple[dt.date, dt.date]:
    """First and last day of the period `at`. Raises UsageError for anything that names no such window."""
    if units.window_named(at) != window:
        raise UsageError(
            f"{timetable.REPORTS[window]}的期次写法不对：{at[:16]}", to_do=f"请写成 {EXAMPLES[window]} 这样"
        )
    return units.window_of(window, units.parse_at(window, at))


def build(
    book: Snapshot,
    at: str,
    tasks: task_store.Week | None = None,
    before: dict[str, Any] | None = None,
    imprint: bulletin.Imprint = UNTOUCHED,
) -> Issue:
    """The report of the period `at`. tasks: the period's 督办, None = not kept here. before: facts of an earlier print
    of the same period. imprint: what the bureau's people add.

    Raises UsageError for a bad period, DataMissing for one that has not begun in these data."""
    issue = Issue(at, book.generation.id, {})
    window = issue.window if issue.window in timetable.REPORTS else "week"
    first, last = days(at, window)
    if first > book.generation.last_day:
        raise DataMissing(f"{at} 还没有数据", to_do=f"数据止于 {book.generation.last_day}，请选择更早的一期")
    metrics = [m for m in book.metrics.values() if "weekly" in m.show and m.kind != "now"]
    metrics.sort(key=lambda m: (list(texts.GROUPS).index(m.group), m.number))
    issue.readings = readings = {m.id: periods.read(book, m, window, at) for m in metrics}
    found = numbers.judge(book, list(readings.values()))
    issue.missing = missing(book, metrics, readings, last, window)
    unconnected = data_notes.unconnected(book, metrics, [one.reading.label for one in found.unconnected])
    issue.unconnected = unconnected["line"]
    rows = {m.id: row(m, readings[m.id], window, at) for m in metrics}
    issue.figures = {m.id: figure(m, readings[m.id], rows[m.id]) for m in metrics}
    counter = iter(range(1, len(metrics) + 1))
    groups = [
        section(book, name, [m for m in metrics if m.group == name], readings, rows, counter, found)
        for name in dict.fromkeys(m.group for m in metrics)
    ]
    issue.charts = sum(1 for g in groups for block in g["blocks"] if block["chart"])
    generation = book.generation
    stated, revised = changes.tasks(tasks, last) if tasks else None, changes.revisions(book, first)
    sentences = highlights.sentences(
        book, metrics, readings, found, window, first, stated, revised, issue.missing, unconnected["names"]
    )
    issue.context = {
        "window": window,
        "at": at,
        "title": f"{texts.BRAND}{timetable.REPORTS[window]}",
        "kind": timetable.REPORTS[window],
        "this": texts.THIS[window],
        "period": fmt.period(window, first, last),
        "generation": generation.id,
        "demo": generation.is_demo,
        "release": generation.release,
        "cutoff": fmt.local(generation.data_time).strftime("%Y-%m-%d %H:%M") if generation.data_time else fmt.DASH,
        "built": fmt.local(generation.built_at).strftime("%Y-%m-%d %H:%M"),
        "points": [point(text) for text in sentences.values()],
        "lead": bulletin.lead(book, window, (first, last), sentences, found, rows, tasks, imprint.note),
        "imprint": imprint,
        "groups": groups,
        "attention": attention(found, book, rows),
        "programmes": programmes.rows(book),
        "tasks": stated,
        "revisions": revised,
        "reprint": changes.reprint(before, issue.figures),
        "quality": data_notes.quality(book),
        "proposed": sum(1 for item in readings.values() if item.target and item.target.is_proposed),
        "definitions": [data_notes.definition(m, readings[m.id]) for m in metrics],
        "missing": issue.missing,
        "unconnected": unconnected,
        "tally": tally(readings.values()),
        "until": until(metrics, readings, window),
        "link": "",
        "base": "",
    }
    return issue


def missing(
    book: Snapshot, metrics: list[Metric], readings: dict[str, Reading], last: dt.date, window: str = "week"
) -> list[str]:
    """Why the window that ends on `last` is not complete, one Chinese sentence each; an empty list opens the gate.

    A source is complete when its newest data, plus the delay it is allowed, reach its end; one that was never
    connected owes nothing, nor do the numbers that need it.
    """
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), fmt.ZONE)
    found = []
    # judged by the window itself: a metric that always tells its newest one may stand in a week that has hardly begun
    if last >= book.generation.built_at.date():
        found.append(f"{texts.THIS[window]}到 {fmt.day(last)} 才结束，以下为截至数据时间的累计")
    used = {name for m in metrics for name in m.sources}
    for source in book.sources():
        if f"{source.source}_{source.entity}" not in used:
            continue
        if source.error:
            found.append(f"{source.label}：采集故障（{brief(source.error)}）")
        elif source.data_time and source.data_time + dt.timedelta(seconds=source.stale_after_s) < end:
            found.append(f"{source.label}：数据只到 {fmt.clock(source.data_time, year=end.year)}")
    for metric in metrics:
        item = readings.get(metric.id)
        if item is None or metric.group == "health":
            # how well the system itself ran: no source of the period is incomplete because that is not known
            continue
        if item.status in OVERDUE:
            found.append(f"{item.label}：{STATUS_LABELS[item.status]}")
        elif item.held:
            found.append(f"{item.label}：沿用上期（{item.held}）")
    return found


def until(metrics: list[Metric], readings: dict[str, Reading], window: str) -> str:
    """The day before which late data may still change the period's figures, "" when none is provisional."""
    ends = [
        dt.datetime.combine(readings[m.id].win_end, dt.time()) + dt.timedelta(days=1, hours=m.freeze_h)
        for m in metrics
        if readings[m.id].provisional and readings[m.id].window == window
    ]
    return f"{max(ends):%m-%d}" if ends else ""


def brief(error: str) -> str:
    """What went wrong without what to do about it and without hosts, tables and English words: the reader of the paper is
    not the operator."""
    stated = " ".join(LATIN.sub(" ", fmt.reason(error)).split()).strip("：，、； ")
    if len(stated) > REASON_LIMIT:
        return f"{stated[:REASON_LIMIT]}……"
    return stated or "详见数据健康"


def row(metric: Metric, item: Reading, window: str, at: str | None = None) -> dict[str, Any]:
    """One line of the core table of a report by `window` for the period `at`; a number of another period says which."""
    view = present(item, metric.decimals)
    return {
        "metric": metric.id,
        "label": view.label,
        "period": "" if is_of(item, window, at) else f"（{view.period}）",
        "shown": view.shown,
        "status": item.status,
        "target": view.target or fmt.DASH,
        "goal": view.target,
        "goal_name": goal_name(item),
        "gap": view.gap,
        "parts": view.parts if item.unit == "ratio" and item.status == "ok" else "",
        "change": view.delta,
        "year": view.year,
        "judgement": view.tone,
        "word": view.word,
        "marks": [tag.word for tag in view.tags if tag.kind in ("held", "standing", "doubt")],
        "passport": permalinks.spaced(permalinks.id_of(permalinks.address_of(item))),
    }


def figure(metric: Metric, item: Reading, line: dict[str, Any]) -> dict[str, Any]:
    """The figure as archived: stored value, its parts and window, and the text that was printed."""
    return {
        "label": item.label,
        "text": str(line["shown"]),
        "value": item.value,
        "num": item.num,
        "den": item.den,
        "unit": item.unit,
        "status": item.status,
        "window": item.window,
        "from": item.win_start.isoformat(),
        "to": item.win_end.isoformat(),
        "judgement": item.judgement,
        "provisional": item.provisional,
        "held": item.held,
        "decimals": metric.decimals,
    }


def section(
    book: Snapshot,
    group: str,
    metrics: list[Metric],
    readings: dict[str, Reading],
    rows: dict[str, Any],
    counter: Any,
    found: Numbers,
) -> dict[str, Any]:
    """One group: a block with trend for every metric, and the towns side by side."""
    blocks = []
    for metric in sorted(metrics, key=lambda one: _failing(rows[one.id])):
        chart = trend(book, metric, readings[metric.id])
        blocks.append(
            {
                "row": rows[metric.id],
                "chart": chart,
                "instead": "本期及此前没有可画的数据"
                if readings[metric.id].value is None
                else "只有一期数据，不画趋势",
                "number": next(counter) if chart else 0,
            }
        )
    names = texts.GROUPS
    # what is off target is what the towns are compared by; the rest in the catalogue's order
    pressing = [one.reading.metric for one in found.pressing]
    split = [m for m in metrics if "town" in m.drill]
    columns = [m for m in split if m.better != "context"] or split
    columns.sort(key=lambda m: pressing.index(m.id) if m.id in pressing else len(pressing))
    return {
        "id": group,
        "label": names[group],
        "rows": sorted((rows[m.id] for m in metrics), key=_failing),
        "blocks": blocks,
        "towns": towns(book, columns[:TOWN_COLUMNS], readings),
    }


def _failing(line: dict[str, Any]) -> int:
    """What is off its target leads, then what is close to it; the rest keeps the catalogue's order."""
    missed = {
        words[look]: rank for words in (texts.JUDGEMENTS, texts.ADVISED) for rank, look in enumerate(("bad", "warn"))
    }
    return missed.get(line["word"], len(missed))


def trend(book: Snapshot, metric: Metric, item: Reading, size: tuple[int, int] = CHART_PX) -> Any:
    """The trend up to the reading's own window at its place, with the same windows a year before; "" where fewer than two
    windows are known: one point is no trend. size: width and height in px."""
    shown, reach = TREND[item.window]
    at = fmt.period_key(item.window, item.win_start)
    series = book.series(metric.id, item.window, shown + reach, at, item.place.code)
    if sum(point.value is not None for point in series[-shown:]) < MIN_POINTS:
        return ""
    return svg.trend(
        series[-shown:],
        series[-shown - reach : -reach],
        unit=item.unit,
        window=item.window,
        decimals=metric.decimals,
        goal=item.target.entire.green if item.target else None,
        width=size[0],
        height=size[1],
    )


def towns(book: Snapshot, metrics: list[Metric], readings: dict[str, Reading]) -> dict[str, Any]:
    """Rows: towns in register order. Cells: value, bar against the largest (ratios: against 100 %), judgement. A number that
    no town has is no column of blanks: why it has none stands below."""
    table: dict[str, list[dict[str, Any]]] = {}
    heads, apart = [], []
    for metric in metrics:
        head = readings[metric.id]
        items = book.by(metric.id, head.window, fmt.period_key(head.window, head.win_start))
        if not items:
            continue
        words = of_towns(head, town_totals.whole_of(book, items), items)
        apart += [f"{metric.label}：{words}"] if words else []
        if all(item.value is None for item in items):
            continue
        heads.append(metric.label)
        full = 1.0 if metric.unit == "ratio" else max((i.value or 0.0 for i in items), default=0.0) or 1.0
        for item in items:
            share = None if item.value is None else item.value / full
            table.setdefault(item.place.label, []).append(
                {
                    "shown": fmt.reading(item, metric.decimals),
                    "status": item.status,
                    "bar": svg.bar(share, height=7, tone=item.tone),
                    "word": verdict(item),
                    "judgement": item.tone,
                }
            )
    return {
        "heads": heads,
        "apart": apart,
        "rows": [{"town": name, "cells": cells} for name, cells in table.items() if len(cells) == len(heads)],
    }


def attention(found: Numbers, book: Snapshot, rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Numbers that need a decision, in the order of the findings: off target, close to it, then without a value."""
    named = [*((one.reading, one.behind) for one in found.pressing), *((one.reading, ()) for one in found.unknown)]
    return [
        {
            **rows[item.metric],
            "owner": book.metrics[item.metric].owner,
            "worst": worst(book.metrics[item.metric], towns),
            "source": item.target.authority if item.target else "",
        }
        for item, towns in named
    ]


def worst(metric: Metric, towns: Sequence[Reading]) -> str:
    """The towns that are behind, the worst first, in words."""
    shown = (f"{town.place.label} {fmt.reading(town, metric.decimals)}" for town in towns[:WORST_TOWNS])
    return "、".join(shown).replace(" %", "%")


def tally(items: Any) -> dict[str, int]:
    """How many of the judged figures are good, close, off, and how many of these against a proposal; how many have no
    value."""
    found = {"good": 0, "warn": 0, "bad": 0, "none": 0, "advice": 0}
    for item in items:
        if item.status != "ok":
            found["none"] += 1
        elif item.judgement:
            found[item.judgement] += 1
            found["advice"] += item.is_advised
    return found


def point(text: str) -> dict[str, str]:
    """A headline split at its first comma, so that the subject can be set bold."""
    head, comma, rest = text.partition("，")
    return {"head": head, "rest": f"{comma}{rest}"}
