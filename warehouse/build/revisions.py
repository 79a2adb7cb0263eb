"""The trail of published numbers: what a complete window's number was when it was first published, and each change
since.

Owns run.kpi_revision (and run.kpi_asked: which windows have been looked at). A row is written only when the number
differs from the last one recorded for its window and place, at district and town level. A warehouse made anew takes the
trail over from the newest published generation."""

from __future__ import annotations

import datetime as dt

import msgspec

from warehouse.build import fingerprints
from warehouse.build.graph import raw_below
from warehouse.build.runner import Built
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, counted, mark_of, select_grains, span
from warehouse.core import units
from warehouse.core.database import Writer

HORIZON = {"day": 35, "week": 14, "month": 14, "quarter": 5, "year": 2}
"""How many complete windows of each kind are watched."""
Question = tuple[str, str, str, str, tuple[Span, ...], tuple[str, ...]]
"""Mart, kind, condition, window, spans and grains: metrics that have all of them in common count the same rows."""
REDEFINED = "口径变更"
"""Why a number changed that no new row has changed: its definition, or a rule of the bureau's, is another one."""
LATE_DAYS = 3
"""Rows of one day can change the number of a day so much before it: an answer, a handling, a closing."""

TABLE = """CREATE TABLE IF NOT EXISTS run.kpi_revision (kpi_id VARCHAR, win VARCHAR, win_start DATE, grain VARCHAR, grain_key VARCHAR, num DOUBLE, den DOUBLE,
    value DOUBLE, is_provisional BOOLEAN, generation VARCHAR, recorded_at TIMESTAMP, why VARCHAR);
ALTER TABLE run.kpi_revision ADD COLUMN IF NOT EXISTS why VARCHAR;
CREATE TABLE IF NOT EXISTS run.kpi_definition (kpi_id VARCHAR, fingerprint VARCHAR);
CREATE TABLE IF NOT EXISTS run.kpi_asked (kpi_id VARCHAR, win VARCHAR, win_start DATE)"""


def prepare(writer: Writer) -> None:
    """Makes the table where it is missing. What earlier releases wrote down of the sums behind a town's mean goes."""
    writer.execute(TABLE)
    means = [metric.id for metric in metrics().values() if metric.weighs]
    if writer.execute(
        "UPDATE run.kpi_revision SET num = NULL, den = NULL "
        "WHERE kpi_id IN (SELECT unnest(?)) AND grain <> 'district' AND den IS NOT NULL RETURNING 1",
        [means],
    ):
        writer.execute("INSERT INTO build.unpublished VALUES ('kpi_revision', NULL)")


def record(writer: Writer, built: Built, as_of: dt.datetime) -> int:
    """Records what the generation of `as_of` (naive Shanghai) is about to publish; returns how many rows were new."""
    known = set(writer.execute("SELECT kpi_id, win, win_start FROM run.kpi_asked"))
    writer.execute("CREATE OR REPLACE TEMP TABLE changed AS SELECT * FROM run.kpi_revision LIMIT 0")
    requested: list[tuple[str, str, dt.date]] = []
    of_persons: list[tuple[object, ...]] = []
    questions: dict[Question, list[tuple[Metric, str]]] = {}
    empty = _empty(writer)
    defined = dict(writer.execute("SELECT kpi_id, fingerprint FROM run.kpi_definition"))
    for metric in metrics().values():
        if metric.kind == "now" or (metric.mart == "source_delivery"):
            continue  # a delivery's own number changes with every poll of the day and is not restated afterwards
        definition = fingerprints.of_metric(metric)
        is_other = defined.get(metric.id, definition) != definition
        why = REDEFINED if is_other or built.rules & raw_below(metric.mart) else ""
        for window in metric.windows:
            spans = _spans(metric, window, as_of.date(), built, set() if is_other else known)
            if spans:
                if metric.person:
                    of_persons += _stored(metric, window, spans, as_of, why)
                elif metric.mart not in empty:
                    questions.setdefault(_question(metric, window, spans), []).append((metric, why))
                requested += [(metric.id, window, item.start) for item in spans]
    _define(writer)
    for question, asking in questions.items():
        _ask(writer, question, asking, as_of)
    if of_persons:
        _take(writer, of_persons, as_of)
    if not requested:
        return 0
    with writer.transaction():
        before = writer.execute("SELECT count(*) FROM run.kpi_revision")[0][0]
        writer.execute("""INSERT INTO run.kpi_revision SELECT t.* REPLACE (CASE WHEN k.kpi_id IS NULL THEN '' ELSE t.why END AS why) FROM changed t LEFT JOIN (
                SELECT * FROM run.kpi_revision QUALIFY row_number() OVER (PARTITION BY kpi_id, win, win_start, grain, grain_key ORDER BY recorded_at DESC) = 1) k
            ON k.kpi_id = t.kpi_id AND k.win = t.win AND k.win_start = t.win_start AND k.grain = t.grain AND k.grain_key = t.grain_key
            WHERE k.kpi_id IS NULL OR abs(coalesce(k.value, -1) - coalesce(t.value, -1)) > 1e-9 * greatest(1, abs(coalesce(t.value, 0)))
                OR abs(coalesce(k.den, -1) - coalesce(t.den, -1)) > 1e-9 * greatest(1, abs(coalesce(t.den, 0)))""")
        writer.execute(
            "CREATE OR REPLACE TEMP TABLE asked AS SELECT unnest(?) AS kpi_id, unnest(?) AS win, unnest(?) AS win_start",
            [list(column) for column in zip(*requested, strict=True)],
        )
        writer.execute(
            "INSERT INTO run.kpi_asked SELECT * FROM asked a WHERE NOT EXISTS (SELECT 1 FROM run.kpi_asked k WHERE k.kpi_id = a.kpi_id AND k.win = a.win AND k.win_start = a.win_start)"
        )
        writer.execute("INSERT INTO build.unpublished VALUES ('kpi_revision', NULL)")
        after = writer.execute("SELECT count(*) FROM run.kpi_revision")[0][0]
    return int(after - before)


def _empty(writer: Writer) -> set[str]:
    """Marts of numbers without a row: there is nothing in them to compare."""
    marts = sorted({metric.mart for metric in metrics().values() if not metric.person})
    held = " UNION ALL ".join(f"SELECT '{mart}' WHERE EXISTS (FROM marts.{mart})" for mart in marts)
    return set(marts) - {mart for (mart,) in writer.execute(held)}


def _define(writer: Writer) -> None:
    """Keeps by which definition each indicator was published last."""
    rows = [[metric.id, fingerprints.of_metric(metric)] for metric in metrics().values()]
    if sorted(map(list, writer.execute("SELECT kpi_id, fingerprint FROM run.kpi_definition"))) != sorted(rows):
        with writer.transaction():
            writer.execute("DELETE FROM run.kpi_definition")
            writer.execute(
                "INSERT INTO run.kpi_definition SELECT unnest(?), unnest(?)",
                [[row[0] for row in rows], [row[1] for row in rows]],
            )


def _spans(metric: Metric, window: str, today: dt.date, built: Built, known: set[tuple[object, ...]]) -> list[Span]:
    """Complete windows whose number may be new: never published, or touched by what this build took in."""
    touched = built.touched.get(metric.mart, set()) if metric.mart in built.models else set()
    start = units.back(window, units.window_of(window, today)[0], 1)
    found = []
    for _ in range(HORIZON[window]):
        item = span(metric, window, start, today - dt.timedelta(days=1))
        reach = item.first, item.last + dt.timedelta(days=LATE_DAYS)
        is_touched = touched is None or any(reach[0] <= day <= reach[1] for day in touched)
        if is_touched or (metric.id, window, start) not in known:
            found.append(item)
        start = units.back(window, start, 1)
    return found


def _question(metric: Metric, window: str, spans: list[Span]) -> Question:
    grains = ("district", "town") if "town" in metric.drill else ("district",)
    return metric.mart, metric.kind, metric.where, window, tuple(spans), grains


def _ask(writer: Writer, question: Question, asking: list[tuple[Metric, str]], as_of: dt.datetime) -> None:
    """Takes the numbers of metrics that count the same rows, each with the reason why it may have changed."""
    *_, window, spans, grains = question
    bare = [msgspec.structs.replace(metric, parts={}) for metric, _ in asking]
    sql, bound = select_grains(bare[0], window, spans, grains, beside=bare[1:])
    taken = []
    for index, (metric, why) in enumerate(asking):
        mark = mark_of(index)
        value = _value(metric.scale, metric.min_den, bool(metric.denominator), False)
        taken.append(
            f"""SELECT '{metric.id}', '{window}', r.win_start, r.grain, r.place, r.num, r.den, {value}, s.provisional, ?, ?, ?
            FROM (SELECT win_start, grain, place, num{mark} AS num, den{mark} AS den, present{mark} AS present FROM counted) r
            JOIN (SELECT unnest(?) AS start, unnest(?) AS provisional) s ON s.start = r.win_start
            WHERE r.present > 0 AND r.place <> ''"""
        )
        provisional = [_is_provisional(metric, item, as_of) for item in spans]
        bound += [f"{as_of:%Y%m%dT%H%M%S}", as_of, why, [item.start for item in spans], provisional]
    writer.execute(f"INSERT INTO changed WITH counted AS MATERIALIZED ({sql}) {' UNION ALL '.join(taken)}", bound)


def _value(scale: object, min_den: object, is_rate: object, is_mean: object) -> str:
    """The number that sums become, of r; each a column of SQL or what is the same in every row."""
    return (
        f"CASE WHEN NOT {is_rate} THEN {scale} * coalesce(r.num, 0) WHEN {is_mean} AND r.den IS NULL THEN {scale} * r.num "
        f"WHEN r.den > 0 AND r.den >= {min_den} THEN {scale} * coalesce(r.num, 0) / r.den END"
    )


STORED = (
    "metric",
    "win",
    "start",
    "win_stored",
    "named",
    "provisional",
    "why",
    "scale",
    "min_den",
    "is_rate",
    "is_mean",
)
"""What must be known of a window of a person metric: which it is, under which names it is counted, and how its numbers
become one."""


def _stored(metric: Metric, window: str, spans: list[Span], as_of: dt.datetime, why: str) -> list[tuple[object, ...]]:
    """Rows of STORED; their numbers have been counted already."""
    return [
        (
            metric.id,
            window,
            item.start,
            *counted(metric, window, item),
            _is_provisional(metric, item, as_of),
            why,
            float(metric.scale),
            float(metric.min_den),
            bool(metric.denominator),
            bool(metric.weighs),
        )
        for item in spans
    ]


def _take(writer: Writer, rows: list[tuple[object, ...]], as_of: dt.datetime) -> None:
    """Takes the numbers of those windows, districts and towns; of a mean below the district only the mean is there."""
    columns = ", ".join(f"unnest(?) AS {name}" for name in STORED)
    writer.execute(
        f"""INSERT INTO changed SELECT r.metric, s.win, s.start, r.grain, r.place,
            if(s.is_mean AND r.den IS NULL, NULL, r.num), r.den,
            {_value("s.scale", "s.min_den", "s.is_rate", "s.is_mean")}, s.provisional, ?, ?, s.why
        FROM (SELECT {columns}) s
        JOIN marts_person.reading r ON r.metric = s.metric AND r.win = s.win_stored AND r.win_start = s.named
        WHERE r.slice = '' AND r.grain IN ('district', 'town') AND NOT r.is_withdrawn""",
        [f"{as_of:%Y%m%dT%H%M%S}", as_of, *(list(column) for column in zip(*rows, strict=True))],
    )


def _is_provisional(metric: Metric, item: Span, as_of: dt.datetime) -> bool:
    return metric.freeze_h > 0 and as_of < dt.datetime.combine(item.last, dt.time.max) + dt.timedelta(
        hours=metric.freeze_h
    )
