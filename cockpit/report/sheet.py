"""What stands on the one page about a town, a company, an office or the district over any days: its key numbers with
target, judgement and change, what of them needs somebody, what stands under supervision, two trends.

Pure: no clock, no file, no browser. Its numbers are the place's alone, under the rules for counts of persons that every
screen has; no list of persons, no other place. The findings are those of warehouse.insight.findings. Of a range of days
there is no target and no period before: it is held against as many days, and what cannot be told of any days is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cockpit.casework.task_store import Week
from cockpit.presentation import data_notes, day_range, texts
from cockpit.presentation import format as fmt
from cockpit.presentation.key_numbers import key_numbers
from cockpit.presentation.reading_view import present
from cockpit.report import bulletin, changes, content
from cockpit.report.day_span import RANGE, DaySpan
from cockpit.report.subjects import Subject, answers_for
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.core import units
from warehouse.insight.findings import numbers
from warehouse.insight.findings.numbers import Numbers
from warehouse.insight.findings.thresholds import movement
from warehouse.query import periods
from warehouse.query.snapshot import Snapshot

MOST_ROWS = 16
CHART_PX = (334, 96)
TREND_OF_RANGE = "week"


@dataclass(frozen=True)
class Room:
    """How much of each part is printed: what has no room on the page is counted, never left out in silence."""

    findings: int
    tasks: int
    trends: int


ROOMS = (Room(6, 6, 2), Room(5, 5, 2), Room(4, 4, 2), Room(3, 3, 2), Room(2, 2, 2), Room(3, 3, 0), Room(2, 2, 0))
"""From the fullest page to the barest; the first that fits on one page is printed."""
PAGE_MM, HEAD_MM, LINE_MM, NOTE_MM, ROW_MM, TRENDS_MM = 266.0, 54.0, 5.6, 4.3, 5.8, 42.0
"""Of the page, its headings, a line of a sentence, of a note, of a table, and of the trends."""
IN_SENTENCE, IN_NOTE, IN_LABEL = 48, 62, 21
"""Han characters of a line."""


@dataclass
class Sheet:
    """One sheet: the template context, the figures as printed, the readings they come from (as the snapshot answers them
    again), what is missing of its sources, [] = nothing."""

    subject: Subject
    span: DaySpan
    generation: str
    context: dict[str, Any]
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unconnected: str = ""

    @property
    def charts(self) -> int:
        return len(self.context["trends"])


def build(book: Snapshot, subject: Subject, span: DaySpan, tasks: Week, room: Room = ROOMS[0]) -> Sheet:
    """The sheet of a subject over a span, from a book of everything. tasks: the span's 督办, of everybody."""
    metrics = list(_metrics(book, subject))
    refused = [metric for metric in metrics if span.is_range and day_range.refusal(metric)]
    readings = {metric.id: read(book, metric, subject, span) for metric in metrics if metric not in refused}
    hidden = [name for name, reading in readings.items() if reading.status == "small_cell"]
    shown = [metric for metric in metrics if metric.id in readings and metric.id not in hidden]
    found = numbers.judge(book, [] if span.is_range else [readings[metric.id] for metric in shown])
    ranked = _ranked(shown, found)
    listed = sorted(ranked[:MOST_ROWS], key=shown.index)
    rows = {metric.id: _row(metric, readings[metric.id], span) for metric in listed}
    mine = _of_subject(book, subject, tasks)
    findings = _findings(book, span, found, readings, rows, mine)
    sources = content.missing(book, metrics, {}, span.last, span.window)
    lacking = data_notes.unconnected(book, metrics, [one.reading.label for one in found.unconnected])
    stated = changes.tasks(mine, span.last)
    standing = stated["rows"]
    generation = book.generation
    sheet = Sheet(subject, span, generation.id, {})
    sheet.readings = {name: readings[name] for name in rows}
    sheet.figures = {
        name: {
            **content.figure(book.metrics[name], readings[name], line),
            "window": RANGE if span.is_range else readings[name].window,
        }
        for name, line in rows.items()
    }
    sheet.missing, sheet.unconnected = sources, lacking["line"]
    sheet.context = {
        "heading": f"{subject.label}运行情况",
        "title": f"{texts.BRAND}单页",
        "period": span.words,
        "is_range": span.is_range,
        "window": span.window,
        "this": texts.THIS[span.window],
        "before": "较前等长区间" if span.is_range else "环比",
        "year": "较去年同期" if span.is_range else "同比",
        "generation": generation.id,
        "demo": generation.is_demo,
        "cutoff": fmt.local(generation.data_time).strftime("%Y-%m-%d %H:%M") if generation.data_time else fmt.DASH,
        "rows": list(rows.values()),
        "notes": _notes(shown, listed, hidden, refused, readings, book, span),
        "findings": findings[: room.findings],
        "is_judged": any(reading.judgement for reading in sheet.readings.values()),
        "is_compared": any(reading.previous is not None for reading in sheet.readings.values()),
        "more_findings": max(0, len(findings) - room.findings),
        "settled": [
            fmt.in_prose(text) for text in bulletin.settled_of(mine, span.window, (span.first, span.last), "") if text
        ],
        "tasks": standing[: room.tasks],
        "more_tasks": max(0, stated["standing"] - room.tasks),
        "trends": _trends(book, subject, span, ranked, rows, room.trends),
        "missing": sources,
        "unconnected": lacking,
        "link": "",
        "base": "",
    }
    return sheet


def height_mm(context: dict[str, Any]) -> float:
    """About how high a sheet will be printed, so that rooms too large are not tried."""
    sentences = sum(bulletin.lines(text, IN_SENTENCE) for text in (*context["findings"], *context["settled"]))
    notes = sum(bulletin.lines(text, IN_NOTE) for text in context["notes"]) + len(context["missing"][:1])
    rows = sum(bulletin.lines(f"{row['label']}{row['period']}", IN_LABEL) for row in context["rows"])
    tables = rows + len(context["tasks"]) + bool(context["tasks"])
    return HEAD_MM + LINE_MM * sentences + NOTE_MM * notes + ROW_MM * tables + TRENDS_MM * bool(context["trends"])


def _metrics(book: Snapshot, subject: Subject) -> Iterator[Metric]:
    """What it answers for: a place its key numbers, an office the numbers that it owns, the district all that a report
    has."""
    if subject.kind in ("town", "company"):
        named = [book.metrics[name] for name in key_numbers().of(subject.kind) if name in book.metrics]
        yield from (metric for metric in named if subject.kind in metric.drill and metric.kind != "now")
        return
    owned = [one for one in book.metrics.values() if "weekly" in one.show and one.kind != "now"]
    owned = [one for one in owned if subject.kind == "district" or one.owner == subject.label]
    yield from sorted(owned, key=lambda one: (list(texts.GROUPS).index(one.group), one.number))


def read(book: Snapshot, metric: Metric, subject: Subject, span: DaySpan) -> Reading:
    """The number of a subject over a span; of a range one that can be told of any days."""
    if span.is_range:
        newest = book.read(metric.id, metric.windows[0], None, subject.place)
        return day_range.reading(book, newest, span.first, span.last)
    return periods.read(book, metric, span.window, span.at, subject.place)


def _row(metric: Metric, item: Reading, span: DaySpan) -> dict[str, Any]:
    """A line of the table, what limits the number beside its name; of a range no passport: that opens windows."""
    line = content.row(metric, item, span.window, span.at)
    if span.is_range:
        return {**line, "period": "", "passport": ""}
    limits = [*([line["period"][1:-1]] if line["period"] else []), *line["marks"]]
    return {**line, "period": f"（{'，'.join(limits)}）" if limits else ""}


def _ranked(metrics: Sequence[Metric], found: Numbers) -> list[Metric]:
    """Those that need somebody first, in the order of the findings; then the heavier."""
    pressing = [one.reading.metric for one in (*found.pressing, *found.worse)]
    return sorted(
        metrics,
        key=lambda one: (pressing.index(one.id) if one.id in pressing else len(pressing), -one.weight, one.number),
    )


def _findings(
    book: Snapshot,
    span: DaySpan,
    found: Numbers,
    readings: dict[str, Reading],
    rows: dict[str, Any],
    tasks: Week,
) -> list[str]:
    """Sentences, the most pressing first."""
    if span.is_range:
        moved = [(movement(book.metrics[name], readings[name]), name) for name in rows]
        return [fmt.in_prose(_moved(book, readings[name], "较前等长区间")) for move, name in sorted(moved) if move < 0]
    days = (span.first, span.last)
    by_metric = bulletin.standing_of(tasks)
    needs = [
        bulletin.need(book, one, span.window, days, rows, by_metric.get(one.reading.metric))
        for one in found.pressing
        if one.reading.metric in rows
    ]
    worse = [one.reading for one in found.worse if one.reading.metric in rows]
    worse = [one for one in worse if one.judgement != "warn"]  # spoken of already
    unknown = "、".join(one.reading.label for one in found.unknown if one.reading.value is None)
    return [
        *needs,
        *(fmt.in_prose(_moved(book, one, present(one).previous)) for one in worse),
        *([f"没有数的指标：{unknown}。"] if unknown else []),
    ]


def _moved(book: Snapshot, item: Reading, than: str) -> str:
    """That a number got worse, and from what."""
    view = present(item, book.metrics[item.metric].decimals)
    was = str(fmt.value(item.previous, item.unit, book.metrics[item.metric].decimals)).replace(" %", "%")
    rising = (item.value or 0) > (item.previous or 0)
    unit = {"%": "%", "百分点": " 个百分点"}.get(view.delta.unit, f" {view.delta.unit}")
    return f"{view.label}{view.text}，{than}（{was}）{'升' if rising else '降'} {view.delta.text}{unit}。"


def _of_subject(book: Snapshot, subject: Subject, tasks: Week) -> Week:
    parts = (tasks.opened, tasks.closed, tasks.standing, tasks.overdue)
    return Week(*(tuple(task for task in part if answers_for(book, subject, task)) for part in parts))


def _notes(
    shown: Sequence[Metric],
    listed: Sequence[Metric],
    hidden: Sequence[str],
    refused: Sequence[Metric],
    readings: dict[str, Reading],
    book: Snapshot,
    span: DaySpan,
) -> list[str]:
    """What the table does not hold, and why."""
    found = []
    if len(shown) > len(listed):
        found.append(f"另有 {len(shown) - len(listed)} 项没有列出，见驾驶舱。")
    if hidden:
        found.append(f"另有 {len(hidden)} 项涉及个人，人数过少，为保护个人不单列。")
    if span.is_range:
        found.append(f"{day_range.JUDGED}；各数与紧接其前的等长区间、去年同期的等长区间相比，“—”为那些天没有完整数据。")
        absent = [one for one in listed if readings[one.id].value is None]
        reasons = [f"“{one.label}”：{day_range.absence(book, readings[one.id])}" for one in absent]
        found.append("".join([*day_range.refusals(refused), *reasons]))
    return [note for note in found if note]


def _trends(
    book: Snapshot, subject: Subject, span: DaySpan, ranked: Sequence[Metric], rows: dict[str, Any], most: int
) -> list[dict[str, Any]]:
    """The trends of the most pressing numbers; of a range by weeks up to its end."""
    found: list[dict[str, Any]] = []
    window = TREND_OF_RANGE if span.is_range else span.window
    at = units.at_label(window, units.window_of(window, span.last)[0]) if span.is_range else span.at
    for metric in (one for one in ranked if one.id in rows and one.better != "context"):
        if len(found) == most:
            break
        item = periods.read(book, metric, window, at, subject.place)
        chart = "" if item.status != "ok" else content.trend(book, metric, item, CHART_PX)
        if chart:
            found.append({"label": metric.label, "chart": chart, "by": texts.WINDOWS[item.window]})
    return found
