"""What the weekly report says of changes and tasks: numbers published before and changed since, what an earlier print
of the same period said otherwise, and what stands under supervision. Pure; no words of a task and no name of a record,
which may hold what a paper must not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from cockpit.casework import task_store
from cockpit.casework.task_store import Task
from cockpit.presentation import format as fmt
from warehouse.compile.reading import DISTRICT
from warehouse.core import units
from warehouse.query import data_quality
from warehouse.query.snapshot import Snapshot

ROWS_SHOWN = 20
WHY = {True: "补传期内，迟到的数据改变了它", False: "已过补传期：更正或补数"}
"""Whether the number was provisional when it was published → why it may have moved."""


def revisions(book: Snapshot, since: dt.date) -> dict[str, Any]:
    """Numbers of the whole district that were changed on or after `since`, the newest change first. Changes too small
    to be printed are left out; `more`: how many rows did not fit."""
    rows = []
    for item in data_quality.revisions(book):
        metric = book.metrics.get(item["metric"])
        if metric is None or item["place"] != DISTRICT or item["at_time"].astimezone(fmt.ZONE).date() < since:
            continue
        old, new = (str(fmt.value(item[name], metric.unit, metric.decimals)) for name in ("old", "new"))
        if old != new:
            rows.append(
                {
                    "label": metric.label,
                    "period": _period(item["at"]),
                    "old": old,
                    "new": new,
                    "when": fmt.clock(item["at_time"]),
                    "why": item["why"] or WHY[item["provisional"]],
                }
            )
    return {"rows": rows[:ROWS_SHOWN], "more": max(0, len(rows) - ROWS_SHOWN)}


def _period(at: str) -> str:
    """2026-W47 as 2026年第47周, 2026-10 as 2026年10月."""
    window = units.window_named(at)
    start, end = units.window_of(window, units.parse_at(window, at))
    return fmt.tight(fmt.week(start)) if window == "week" else fmt.period_words(window, start, end)


def reprint(before: dict[str, Any] | None, figures: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """What the print `before` of the same period said otherwise; None for its first print."""
    if before is None:
        return None
    changed = [
        {"label": now["label"], "old": then["text"] if then else fmt.DASH, "new": now["text"]}
        for metric, now in figures.items()
        if (then := before["figures"].get(metric)) is None or then["text"] != now["text"]
    ]
    return {
        "generation": before["generation"],
        "printed": fmt.clock(dt.datetime.fromisoformat(before["printed_at"])),
        "rows": changed,
    }


def tasks(week: task_store.Week, today: dt.date) -> dict[str, Any]:
    """How many tasks were made and closed in the period, and those that stand, the most overdue first."""
    late = {task.id for task in week.overdue}
    standing = [
        *week.overdue,
        *sorted((task for task in week.standing if task.id not in late), key=lambda task: (task.due, task.id)),
    ]
    return {
        "opened": len(week.opened),
        "closed": len(week.closed),
        "standing": len(week.standing),
        "overdue": len(week.overdue),
        "rows": [_task(task, today) for task in standing[:ROWS_SHOWN]],
        "more": max(0, len(standing) - ROWS_SHOWN),
        "done": [_task(task, today) for task in week.closed[:ROWS_SHOWN]],
    }


def _task(task: Task, today: dt.date) -> dict[str, Any]:
    late = task.late(today)
    closed = next((one.at for one in reversed(task.steps) if one.step == "close"), None) if task.is_closed else None
    word = f"逾期 {late} 天" if late else f"{closed:%m-%d} 办结" if closed else task_store.STATES[task.state]
    return {
        "id": task.id,
        "about": task_store.about_what(task),
        "office": task.office,
        "due": f"{task.due:%m-%d}",
        "made": f"{task.steps[0].at:%m-%d}",
        "word": word,
        "late": late,
    }
