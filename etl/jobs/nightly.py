"""The night's housekeeping: hard deletes, backup, retention of generations, compaction of the lake's closed days."""

from __future__ import annotations

import datetime as dt

from etl.pipeline import intake
from etl.runtime.context import Context
from warehouse.ingest import compact
from warehouse.publish import recover, snapshot


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """One round; everything in it may be run again. Returns Chinese texts of what failed."""
    with context.heavy:
        problems = intake.reconcile(context, intake.usable(context)[0])
        context.progress("整理定位文件", 1, 4)
        compact.lake(context.writer, context.settings)
        context.progress("备份数据仓库", 2, 4)
        recover.backup(context.writer, context.settings)
        snapshot.retain(context.settings, context.clock(), snapshot.cited(context.settings))
        context.progress("夜间整理完成", 4, 4)
        return problems
