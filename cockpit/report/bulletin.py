"""The first two pages of a report, in the form of an official bulletin (简报): letterhead, points, what needs a decision
with cause, owner and date, what became of earlier tasks, how the data are, distribution. Pure: no clock, no file.

Everything else that a report says stands in its annexes. The prose has no blanks between Han and digits and its dates
are written as GB/T 15835 has them; a line count keeps it within the two pages."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cockpit.casework.task_store import Task, Week
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import goal_name, present
from cockpit.report import highlights
from warehouse.core import units
from warehouse.insight.findings.numbers import Concern, Numbers
from warehouse.query.snapshot import Snapshot

ANNEXES = ("核心指标与督办", "分组指标与数据说明")
"""Titles of 附件1 and 附件2."""
MOST_POINTS, LEAST_POINTS, MOST_NEEDS, TOWNS_NAMED = 5, 2, 3, 2
LINE, INDENT = 28, 2
"""Characters of a line, and those that a paragraph is indented by (GB/T 9704-2012, 5.2.2)."""
MOST_LINES = 29
"""Of the 44 lines of two pages, those that letterhead, title and distribution leave, less what a break between them may
cost."""
HEADINGS = ("要点", "需要关注", "上期交办落实", "数据情况")
POINTS = ("tally", "longest", "fall", "rise", "programmes")
"""Sentences of highlights.py that are points; those on tasks and data have headings of their own."""


@dataclass(frozen=True)
class Imprint:
    """What the people of the bureau add to the numbers. issue: 第 12 期（总第 58 期）, or what it is before it is signed;
    date: of the signature, "" before; note: 按语; to: 报, 送, 发 and whom; copies: 0 = not printed; hands: 编辑, 审核,
    签发 and who."""

    issue: str = "送审稿"
    date: str = ""
    is_signed: bool = False
    note: str = ""
    to: Mapping[str, str] = field(default_factory=dict)
    copies: int = 0
    hands: Mapping[str, str] = field(default_factory=dict)


def numbered(number: int, total: int) -> str:
    """第 12 期（总第 58 期）, without blanks: the n-th of its kind this year, and of all."""
    return f"第{number}期（总第{total}期）"


def lead(
    book: Snapshot,
    window: str,
    days: tuple[dt.date, dt.date],
    sentences: Mapping[str, str],
    found: Numbers,
    rows: Mapping[str, Mapping[str, Any]],
    tasks: Week | None,
    note: str = "",
) -> dict[str, Any]:
    """What the template prints of the period `days` (first and last, both inclusive). sentences: highlights by kind;
    rows: lines of the core table by metric; tasks: the period's 督办, None = not kept here (then no word of them);
    note: 按语, which takes room."""
    points = [fmt.in_prose(sentences[kind]) for kind in POINTS if sentences.get(kind)][:MOST_POINTS]
    by_metric = standing_of(tasks)
    pressing = [one for one in found.pressing if one.reading.metric in rows]
    needs = [need(book, one, window, days, rows, by_metric.get(one.reading.metric)) for one in pressing]
    settled = [fmt.in_prose(text) for text in settled_of(tasks, window, days, sentences.get("tasks", "")) if text]
    data = fmt.in_prose(sentences.get("data", ""))
    others = [data, *ANNEXES, *HEADINGS[: 4 if settled else 3], *([f"按语：{note}", ""] if note else [])]
    shown = needs[:MOST_NEEDS]
    # what can be left out, the first first
    for part, least in ((settled, 1), (shown, 2), (points, 3), (shown, 1), (points, LEAST_POINTS)):
        while len(part) > least and _room(points, shown, settled, others) < (len(shown) < len(needs)):
            part.pop()
    more = len(needs) - len(shown)
    return {
        "title": f"{fmt.period_words(window, *days)}运行情况",
        "points": points,
        "needs": shown,
        "more": f"另有{more}项未达到目标或接近目标，见附件1。" if more else "",
        "settled": settled,
        "data": data,
        "annexes": ANNEXES,
    }


def _room(*parts: Sequence[str]) -> int:
    """Lines that these paragraphs leave of the two pages; below 0 they do not fit."""
    return MOST_LINES - sum(lines(text) for part in parts for text in part)


def lines(text: str, length: int = LINE) -> int:
    """Lines that a paragraph takes, an estimate from above: half-width characters count one half. length: characters of a
    line, those of the type area where nothing else is said."""
    wide = sum(1.0 if unicodedata.east_asian_width(one) in "WFA" else 0.5 for one in text)
    return max(1, math.ceil((INDENT + wide) / (length - 0.5)))


def prose(lead_: Mapping[str, Any]) -> list[str]:
    """Every sentence of the pages, as it must be found on the paper."""
    return [*lead_["points"], *lead_["needs"], *lead_["settled"], *([lead_["data"]] if lead_["data"] else [])]


def need(
    book: Snapshot,
    one: Concern,
    window: str,
    days: tuple[dt.date, dt.date],
    rows: Mapping[str, Mapping[str, Any]],
    task: Task | None,
) -> str:
    """What a number needs a decision for: how it stands, why, whose it is and until when."""
    metric = book.metrics[one.reading.metric]
    view = present(one.reading, metric.decimals)
    named = "、".join(
        f"{town.place.label}（{present(town, metric.decimals).text}）" for town in one.behind[:TOWNS_NAMED]
    )
    more = f"等{len(one.behind)}个镇街" if len(one.behind) > TOWNS_NAMED else ""
    cause = highlights.missed(one, window) + (f"，主要在{named}{more}" if named else "")
    period = str(rows[one.reading.metric]["period"])
    parts = f"（{view.parts.replace(' ', '')}）" if one.reading.unit == "ratio" and view.parts else ""
    text = f"{view.label}{period}{view.text}{parts}，{goal_name(one.reading)}{view.target}，{view.gap}；{cause}。"
    return fmt.in_prose(f"{text}{_owner(metric.owner, task, window, days)}。")


def _owner(owner: str, task: Task | None, window: str, days: tuple[dt.date, dt.date]) -> str:
    """Who answers for it and until when: as a task says, or by the end of the next period."""
    if task is not None:
        late = task.late(days[1])
        when = f"已逾期{late}天" if late else f"{fmt.date_words(task.due)}前办结"
        return f"已交{task.office}督办（第{task.id}号），{when}"
    until = units.window_of(window, days[1] + dt.timedelta(days=1))[1]
    return f"建议由{owner or '主管科室'}牵头，{fmt.date_words(until)}前反馈"


def standing_of(tasks: Week | None) -> dict[str, Task]:
    """Metric → the standing task about it that is due first."""
    standing = sorted(tasks.standing, key=lambda task: (task.due, task.id), reverse=True) if tasks else []
    return {task.subject.key: task for task in standing if task.subject.is_metric}


def settled_of(tasks: Week | None, window: str, days: tuple[dt.date, dt.date], worst: str) -> Sequence[str]:
    """What became of what was asked for before the period, and what was asked for in it."""
    if tasks is None:
        return []
    before = [task for task in (*tasks.closed, *tasks.standing) if task.steps[0].at.date() < days[0]]
    closed, standing = (sum(1 for task in before if task.is_closed is state) for state in (True, False))
    late = sum(1 for task in before if task.late(days[1]))
    this = texts.THIS[window]
    carried = (
        f"上期及以前交办、{this}仍在办理的 {len(before)} 件中，办结 {closed} 件，在办 {standing} 件"
        + (f"，其中逾期 {late} 件" if late else "")
        if before
        else "上期没有结转的督办事项"
    )
    fresh = f"{this}新交办 {len(tasks.opened)} 件" if tasks.opened else f"{this}没有新交办的事项"
    return [f"{carried}。{fresh}。", worst]
