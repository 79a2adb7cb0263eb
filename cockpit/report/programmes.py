"""The six programmes against the time that has passed (序时进度), as the report tells them. Pure; asks the Snapshot only.

A programme's score is of the newest period of each of its indicators, so the table is of the day of the snapshot, in
the report of a month that is over too."""

from __future__ import annotations

from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation.charts import svg
from warehouse.compile.reading import STATUS_LABELS
from warehouse.query.programmes import scores
from warehouse.query.snapshot import Snapshot


def rows(book: Snapshot) -> list[dict[str, Any]]:
    """One line a programme in the announcement's order: label, bar with the mark of the time passed, done, due, pace in
    words and its judgement, how many of its indicators count. A programme none of whose indicators has a value and a
    target says so and has no bar."""
    found = []
    for one in scores(book):
        is_known = one.score is not None and one.due is not None
        found.append(
            {
                "label": one.label,
                "bar": svg.bar(one.score, mark=None if one.due is None else min(1.0, one.due), height=7),
                "done": f"{one.score:.0%}" if is_known else STATUS_LABELS[one.status],
                "due": f"{one.due:.0%}" if is_known else fmt.DASH,
                "pace": fmt.pace(one.ahead),
                "judgement": one.tone or "none",
                "counted": f"{sum(item.share is not None for item in one.items)} / {len(one.items)}",
            }
        )
    return found
