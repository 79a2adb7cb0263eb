"""The five-minute look for reports that should be out and are not: the machine was off, or the printer failed, at the appointed hour.

What fell due before this installation had anything to show is nobody's arrears. A print that failed is tried again after RETRY_S."""

from __future__ import annotations

import datetime as dt

from etl.context import Context
from etl.jobs import report
from warehouse import snapshot, timetable
from warehouse.timetable import Due
from warehouse.units import SHANGHAI

LET_THE_PLAN_S = 900
"""So long after its hour a report is left to the plan's own run."""
RETRY_S = 1800


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Prints what is overdue. Returns Chinese texts: what was printed late, and what failed."""
    times, now, told = timetable.of(context.settings), context.clock().replace(tzinfo=SHANGHAI), []
    for window in report.VERBS:
        due = times.newest(window, now)
        if (now - due.moment).total_seconds() >= LET_THE_PLAN_S:
            with report.printing:
                told += _late(context, due, now)
    return told


def _late(context: Context, due: Due, now: dt.datetime) -> list[str]:
    if report.state(context.settings, due.at) or not _was_here(context, due.moment) or not _may_try(context, due.at, now):
        return []
    context.tried[due.at] = now
    failed = report.launch(context, due.window, due.at)
    return failed or [f"{due.label} 应于 {due.moment:%m-%d %H:%M} 打印,当时没有运行,已于 {now:%m-%d %H:%M} 补印"]


def _was_here(context: Context, moment: dt.datetime) -> bool:
    """Something was published before the moment, and something since: what arrived meanwhile belongs into the report."""
    ids, mark = snapshot.generations(context.settings), moment.strftime("%Y%m%dT%H%M%S")
    return bool(ids) and ids[-1] <= mark <= ids[0]


def _may_try(context: Context, at: str, now: dt.datetime) -> bool:
    tried = context.tried.get(at)
    return tried is None or (now - tried).total_seconds() >= RETRY_S
