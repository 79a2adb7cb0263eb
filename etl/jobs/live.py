"""The half-minute job: live positions and alarms in, the live picture out. Small enough to run beside a long
refresh."""

from __future__ import annotations

import datetime as dt

from etl.pipeline import intake
from etl.runtime.context import Context
from warehouse.publish import live


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """One round. Returns Chinese texts of what failed. Before the first build there is no register to show, so the
    picture waits for it."""
    intake.own_tables(context)  # a platform's units must be known before its first position is read
    problems = intake.run_job(context, "live", due_at=due_at, grace_s=30)
    if live.is_ready(context.writer):
        live.publish(context.writer, context.settings, context.clock().replace(microsecond=0))
    return problems
