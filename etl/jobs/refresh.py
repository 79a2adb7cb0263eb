"""The five-minute job: everything but the live positions, then build, check and publish a generation."""

from __future__ import annotations

import datetime as dt

from etl.pipeline import intake
from etl.runtime.context import Context
from warehouse.build import checks, person_counts, revisions, runner
from warehouse.core import failpoints
from warehouse.ingest import compact
from warehouse.publish import live, snapshot


def run(context: Context, *, due_at: dt.datetime | None = None, full: bool = False) -> list[str]:
    """One round. Returns Chinese texts of what failed; sources fail alone, the rest is still built and published."""
    with context.heavy:
        intake.own_tables(context)
        problems = intake.run_job(context, "refresh", due_at=due_at)
        publish(context, full=full)
        return problems


def publish(context: Context, *, full: bool = False) -> str:
    """Builds what has changed and publishes it; returns the generation's id."""
    with context.heavy:
        as_of = snapshot.moment(context.settings, context.clock())
        compact.lake(context.writer, context.settings)
        built = runner.build(context.writer, context.settings, as_of, full=full, progress=context.progress)
        failpoints.point("mid_build")
        checks.run(context.writer, as_of, built.models)
        held = checks.still_held(context.writer)
        context.progress("汇总人员类指标", 0, 3)
        snapshot.take_over_persons(context.writer, context.settings)
        person_counts.count(context.writer, built, as_of.date())
        revisions.prepare(context.writer)
        snapshot.take_over_trail(context.writer, context.settings)
        revisions.record(context.writer, built, as_of)
        context.progress("发布快照", 1, 3)
        generation = snapshot.publish(context.writer, context.settings, as_of, held, is_demo=context.is_demo)
        runner.settled(context.writer, held)
        live.publish(context.writer, context.settings, as_of)
        context.progress("发布完成", 3, 3)
        return generation
