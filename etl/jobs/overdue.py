"""The five-minute look for reports that should be out and are not: held back as a draft because data were missing, or
not printed at all because the machine was off or the printer failed at the appointed hour.

A draft is followed by its final report as soon as a snapshot opens the gate, once. What fell due before this
installation had anything to show is nobody's arrears. A print that failed is tried again after RETRY_S."""

from __future__ import annotations

import datetime as dt

from etl.jobs import report
from etl.runtime.context import Context
from warehouse.core import timetable, units
from warehouse.core.timetable import Due
from warehouse.core.units import SHANGHAI
from warehouse.publish import snapshot

LET_THE_PLAN_S = 900
"""So long after its hour a report is left to the plan's own run."""
RETRY_S = 1800
HELD_D = 35
"""Days after its hour for which a draft still waits for its data."""


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Prints what is overdue. Returns Chinese texts: what was printed late, and what failed."""
    now, ids = context.clock().replace(tzinfo=SHANGHAI), snapshot.generations(context.settings)
    if not ids:
        return []
    with report.printing:
        states, stated = report.states(context.settings), []
        for due in _wanted(context, states, now):
            if not _may_try(context, due.at, ids[0], now):
                continue
            if states.get(due.at) == "draft":
                stated += _try(context, due, ids[0], now, "--held")
            elif _was_here(ids, due.moment):
                stated += _try(context, due, ids[0], now) or [
                    f"{due.label} 应于 {due.moment:%m-%d %H:%M} 打印，当时没有印成，已于 {now:%m-%d %H:%M} 补印"
                ]
        return stated


def _wanted(context: Context, states: dict[str, str], now: dt.datetime) -> list[Due]:
    """Reports whose hour is past and that are not final: the newest of each window, and every draft that has not grown
    too old."""
    times = timetable.of(context.settings)
    found = [times.newest(window, now) for window in report.VERBS]
    drafts = [
        times.due(window, units.parse_at(window, at))
        for at, word in states.items()
        if word == "draft" and (window := units.window_named(at)) in report.VERBS
    ]
    found += [due for due in drafts if due not in found]
    return [
        due
        for due in found
        if states.get(due.at) != "final" and LET_THE_PLAN_S <= (now - due.moment).total_seconds() <= HELD_D * 86400
    ]


def _was_here(ids: list[str], moment: dt.datetime) -> bool:
    """Something was published before the moment, and something since: what arrived meanwhile belongs into the report.
    ids: newest first."""
    return ids[-1] <= moment.strftime("%Y%m%dT%H%M%S") <= ids[0]


def _may_try(context: Context, at: str, generation: str, now: dt.datetime) -> bool:
    """Each snapshot is looked at once, and a failure is left alone for a while."""
    seen, not_before = context.tried.get(at, ("", now))
    return seen != generation and now >= not_before


def _try(context: Context, due: Due, generation: str, now: dt.datetime, *more: str) -> list[str]:
    failed = report.launch(context, due.window, due.at, *more)
    context.tried[due.at] = ("", now + dt.timedelta(seconds=RETRY_S)) if failed else (generation, now)
    return failed
