"""Person metrics leave the restricted marts only as counts. Owns marts_person.reading: by metric, window, place and
declared slice, small cells already hidden, so the open file never holds a row about one person."""

from __future__ import annotations

import datetime as dt

from warehouse.build import fingerprints
from warehouse.build.runner import HISTORY_DAYS, Built
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import CUT, Span, comparable, select, span
from warehouse.core import units
from warehouse.core.database import Writer

TABLE = """CREATE SCHEMA IF NOT EXISTS marts_person;
CREATE TABLE IF NOT EXISTS marts_person.reading (metric VARCHAR, win VARCHAR, win_start DATE, grain VARCHAR, place VARCHAR, slice VARCHAR, member VARCHAR,
    num DOUBLE, den DOUBLE, parts MAP(VARCHAR, DOUBLE), is_hidden BOOLEAN);
CREATE TABLE IF NOT EXISTS marts_person.counted (metric VARCHAR, day DATE, fingerprint VARCHAR);
ALTER TABLE marts_person.counted ADD COLUMN IF NOT EXISTS fingerprint VARCHAR"""


def count(writer: Writer, built: Built, today: dt.date) -> None:
    """Counts anew every person metric whose mart was made, for the days that were made (all of them when it was made
    whole, or when the indicator's definition is another one)."""
    writer.execute(TABLE)
    counted = set(writer.execute("SELECT DISTINCT metric, win, win_start FROM marts_person.reading"))
    today_done = {row[0] for row in writer.execute("SELECT metric FROM marts_person.counted WHERE day = ?", [today])}
    defined = dict(writer.execute("SELECT metric, fingerprint FROM marts_person.counted"))
    for metric in metrics().values():
        # counted before parts of earlier windows were: counted anew
        definition = fingerprints.of_metric(metric) + (CUT if metric.kind == "flow" else "")
        is_other = defined.get(metric.id, definition) != definition
        if not metric.person or (metric.mart not in built.models and metric.id in today_done and not is_other):
            continue
        made = None if is_other else built.days.get(metric.mart, [] if metric.mart not in built.models else None)
        for window, spans in _wanted(metric, made, today, counted).items():
            if window.endswith(CUT):  # of as many days as there were yesterday
                writer.execute("DELETE FROM marts_person.reading WHERE metric = ? AND win = ?", [metric.id, window])
            if spans:
                _count(writer, metric, window, spans, today)
        writer.execute("DELETE FROM marts_person.counted WHERE metric = ?", [metric.id])
        writer.execute("INSERT INTO marts_person.counted VALUES (?, ?, ?)", [metric.id, today, definition])


def _wanted(
    metric: Metric, made: list[dt.date] | None, today: dt.date, counted: set[tuple[object, ...]]
) -> dict[str, list[Span]]:
    """Window → spans to count. made: days of the mart that are new, None = all."""
    if metric.kind in ("stock", "state"):
        days = [
            day
            for day in units.reading_days(today, HISTORY_DAYS)
            if made is None or day in set(made) or (metric.kind == "state" and (metric.id, "day", day) not in counted)
        ]
        return {"day": [Span(day, day, day) for day in days]}
    last = _last(metric, today)
    found = _beside(metric, last)
    for window in metric.windows:
        starts: list[dt.date] = []
        start = units.window_of(window, last)[0]
        while start > counted_since(metric, window, today):
            end = units.window_of(window, start)[1]
            if (
                made is None
                or any(start <= day <= end for day in made)
                or (metric.id, window, start) not in counted
                or end >= last
            ):
                starts.append(start)
            start = units.back(window, start, 1)
        found[window] = [span(metric, window, start, last) for start in reversed(starts)]
    return found


def _beside(metric: Metric, last: dt.date) -> dict[str, list[Span]]:
    """What the running windows are held against: as many days of the window before and of the one a year before. Of
    what gathers against the plan of its month a part says nothing."""
    found: dict[str, list[Span]] = {}
    for window in metric.windows if not metric.cumulative else ():
        start = units.window_of(window, last)[0]
        earlier = {units.back(window, start, 1), units.year_ago(window, start)}
        spans = [comparable(metric, window, before, start, last) for before in sorted(earlier)]
        found[f"{window}{CUT}"] = [item for item in spans if item.is_cut]
    return found


def _last(metric: Metric, today: dt.date) -> dt.date:
    return today if metric.through == "today" else today - dt.timedelta(days=1)


def counted_since(metric: Metric, window: str, today: dt.date) -> dt.date:
    """Windows that start later are counted."""
    return _last(metric, today) - dt.timedelta(days=HISTORY_DAYS + (366 if window == "year" else 0))


def _count(writer: Writer, metric: Metric, window: str, spans: list[Span], today: dt.date) -> None:
    starts = [item.start for item in spans]
    grains = [grain for grain in ("district", "town", "company") if grain == "district" or grain in metric.drill]
    with writer.transaction():
        writer.execute(
            "DELETE FROM marts_person.reading WHERE metric = ? AND win = ? AND win_start IN (SELECT unnest(?))",
            [metric.id, window, starts],
        )
        for grain in grains:
            recent = [
                item
                for item in spans
                if grain != "company"
                or metric.kind in ("flow", "window")
                or item.last > today - dt.timedelta(days=units.COMPANY_DAYS)
            ]
            if recent:
                for member in ("", *(metric.slices if grain != "company" else ())):
                    _insert(writer, metric, window, recent, grain, member)
        writer.execute("INSERT INTO build.unpublished VALUES ('person_reading', NULL)")
        if {"town", "company"} <= set(grains):
            _hide_below(writer, metric, window, starts)


def _insert(writer: Writer, metric: Metric, window: str, spans: list[Span], grain: str, member: str) -> None:
    """Counts of one grain, small cells hidden below the district. Where the hidden siblings are one cell, or fewer than
    min_cell people together, the next smallest goes with them, or the parent's number would give them away."""
    sql, bound = select(metric, window, spans, grain, member=member)
    size = "den" if metric.denominator else "num"
    siblings = "win_start, place" if member else "win_start, parent"
    small = (
        "false"
        if grain == "district" or not metric.min_cell
        else f"coalesce({size}, 0) BETWEEN 1 AND {metric.min_cell - 1}"
    )
    if metric.hide_num and small != "false":
        small += f" OR coalesce(num, 0) BETWEEN 1 AND {metric.min_cell - 1}"
    parts = (
        "NULL"
        if member or not metric.parts
        else "MAP {"
        + ", ".join(f"'{label}': CAST(coalesce(part_{index}, 0) AS DOUBLE)" for index, label in enumerate(metric.parts))
        + "}"
    )
    writer.execute(
        f"""INSERT INTO marts_person.reading
        WITH cell AS ({sql}),
        judged AS (SELECT *, {small} AS is_small FROM cell WHERE place IS NOT NULL AND place <> ''),
        ranked AS (SELECT *, count(*) FILTER (is_small) OVER (PARTITION BY {siblings}) AS small_cnt, sum({size}) FILTER (is_small) OVER (PARTITION BY {siblings}) AS small_sum,
            row_number() OVER (PARTITION BY {siblings}, is_small OR coalesce({size}, 0) = 0 ORDER BY {size}, place, member) AS n FROM judged),
        hidden AS (SELECT *, is_small OR (small_cnt > 0 AND (small_cnt = 1 OR small_sum < {metric.min_cell}) AND coalesce({size}, 0) > 0 AND n = 1) AS is_hidden FROM ranked)
        SELECT '{metric.id}', '{window}', win_start, '{grain}', place, '{member}', member, CASE WHEN NOT is_hidden THEN num END, CASE WHEN NOT is_hidden THEN den END,
            CASE WHEN NOT is_hidden THEN {parts} END, is_hidden FROM hidden""",
        bound,
    )


def _hide_below(writer: Writer, metric: Metric, window: str, starts: list[dt.date]) -> None:
    """What is hidden for a town must not come back as the sum of its companies."""
    writer.execute(
        """UPDATE marts_person.reading r SET num = NULL, den = NULL, parts = NULL, is_hidden = true FROM marts_person.reading t, marts.dim_company c
        WHERE r.metric = ? AND r.win = ? AND r.win_start IN (SELECT unnest(?)) AND r.grain = 'company' AND NOT r.is_hidden AND c.company_key = r.place
        AND t.metric = r.metric AND t.win = r.win AND t.win_start = r.win_start AND t.grain = 'town' AND t.slice = '' AND t.is_hidden AND t.place = c.town_code""",
        [metric.id, window, starts],
    )
