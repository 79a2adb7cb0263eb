"""Of which windows persons are counted. A pure rule: what counts them and what reads the counts stand on it."""

from __future__ import annotations

import datetime as dt

from warehouse.catalog.schema import Metric

HISTORY_DAYS = 400
"""So far back history is worked out, in days."""


def last_counted(metric: Metric, today: dt.date) -> dt.date:
    """The newest day that counts."""
    return today if metric.through == "today" else today - dt.timedelta(days=1)


def counted_since(metric: Metric, window: str, today: dt.date) -> dt.date:
    """Windows that start later (not on that day) are counted."""
    return last_counted(metric, today) - dt.timedelta(days=HISTORY_DAYS + (366 if window == "year" else 0))
