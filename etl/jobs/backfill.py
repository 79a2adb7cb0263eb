"""Days are opened again: fetched anew from the sources, late rows let in, counted and published again."""

from __future__ import annotations

import datetime as dt

from etl.jobs import refresh
from etl.pipeline import correct, intake
from etl.runtime.context import Context
from warehouse.catalog.contracts import contracts
from warehouse.core.errors import UsageError

MOST_DAYS = 400


def run(
    context: Context, first: dt.date, last: dt.date, *, who: str, why: str, sources: set[str] | None = None
) -> tuple[int, int, list[str]]:
    """The days first..last (both inclusive) of these sources (none or empty: all). Returns how many days, how many rows
    came in that had been too late, and what failed. May be run again. Raises UsageError for days in the wrong order or
    too many of them."""
    if last < first:
        raise UsageError("截止日早于起始日")
    days = [first + dt.timedelta(days=step) for step in range((last - first).days + 1)]
    if len(days) > MOST_DAYS:
        raise UsageError(f"一次最多 {MOST_DAYS} 天", to_do="请分几次补数")
    known = {contract.source for contract in contracts().values() if contract.source != "own"}
    if unknown := (sources or set()) - known:
        raise UsageError(f"没有这个来源：{'、'.join(sorted(unknown))}", to_do=f"可用：{'、'.join(sorted(known))}")
    with context.heavy:
        for contract in contracts().values():
            if contract.touches and contract.source != "own" and (not sources or contract.source in sources):
                for day in days:
                    context.writer.execute("INSERT INTO run.touched VALUES (?, ?, 0)", [contract.table, day])
        wanted = [
            feed
            for feed in intake.usable(context)[0]
            if feed.transport != "files" and feed.contract.load != "lake" and (not sources or feed.source in sources)
        ]
        again = intake.run(context, wanted, back_to=dt.datetime.combine(first, dt.time()))
        late = correct.reopen(context, first, last, who=who, why=why)
        problems = list(dict.fromkeys(again + refresh.run(context)))
    return len(days), late, problems
