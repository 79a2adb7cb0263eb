"""Person metrics leave the restricted marts only as counts. Owns marts_person.reading: by metric, window and place, small
cells already hidden, so the open file never holds a row about one person."""

from __future__ import annotations

import datetime as dt

from warehouse import catalog
from warehouse.catalog import Metric
from warehouse.connection import Writer

COMPANY_DAYS = 62
"""How far back company-level counts are kept; district and town go back to the beginning."""

TABLE = """CREATE SCHEMA IF NOT EXISTS marts_person;
CREATE TABLE IF NOT EXISTS marts_person.reading (metric VARCHAR, win_start DATE, grain VARCHAR, place VARCHAR, num DOUBLE, den DOUBLE,
    is_hidden BOOLEAN)"""


def count(writer: Writer, days: dict[str, list[dt.date]], today: dt.date) -> None:
    """Counts every person metric anew for the days of its mart that were made (`days`: mart → days; a mart that is not
    named there is counted whole)."""
    writer.execute(TABLE)
    for metric in catalog.metrics().values():
        if metric.person:
            _count(writer, metric, days.get(metric.mart), today)


def _count(writer: Writer, metric: Metric, days: list[dt.date] | None, today: dt.date) -> None:
    known = writer.execute("SELECT count(*) FROM marts_person.reading WHERE metric = ?", [metric.id])[0][0]
    span = ""
    if days is not None and known:
        span = " AND day IN (" + ", ".join(f"DATE '{day}'" for day in days) + ")" if days else " AND false"
    denominator = metric.denominator or "NULL"
    small = "den" if metric.denominator else "num"
    with writer.transaction():
        writer.execute(f"DELETE FROM marts_person.reading WHERE metric = ?{span.replace('day IN', 'win_start IN')}", [metric.id])
        for grain, column, extra in (("district", "'330110'", ""), ("town", "town_code", ""),
                                     ("company", "company_key", f" AND day > DATE '{today - dt.timedelta(days=COMPANY_DAYS)}'")):
            hidden = "false" if grain == "district" else f"{small} > 0 AND {small} < {metric.min_cell}"
            writer.execute(f"""INSERT INTO marts_person.reading
                SELECT '{metric.id}', day, '{grain}', place, CASE WHEN {hidden} THEN NULL ELSE num END, CASE WHEN {hidden} THEN NULL ELSE den END, {hidden}
                FROM (SELECT day, {column} AS place, {metric.numerator} AS num, {denominator} AS den FROM marts.{metric.mart}
                      WHERE {metric.where or "true"}{span}{extra} GROUP BY ALL) WHERE place IS NOT NULL""")
