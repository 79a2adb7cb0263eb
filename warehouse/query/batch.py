"""The figures of several metrics at one place in one statement. A statement costs about a millisecond however little it
reads, and a page of one company shows a dozen numbers over three windows each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Parts, Span, as_row, counted, same_rows, select
from warehouse.compile.reading import Place
from warehouse.core.database import Reader
from warehouse.core.errors import OlderShape

Wanted = tuple[Metric, str, Span]
"""A metric, a window and the days that are read of it."""


@dataclass(frozen=True)
class PersonCount:
    """A count of persons as it was published. win_start: the day of a stock; present: 1, or −1 where it is not told;
    held_from: start of the earlier window whose number it is, None for its own."""

    metric: str
    win: str
    win_start: dt.date
    place: str
    member: str
    num: float | None
    den: float | None
    present: float
    parts: dict[str, float | None]
    held_from: dt.date | None


Narrowing = Callable[[Metric, Place], tuple[str, list[object]]]
"""The condition that keeps a metric's rows to a place, with what is bound in it."""


def counts(reader: Reader, wanted: Sequence[Wanted], spot: Place, narrow: Narrowing) -> list[Parts]:
    """For each that is wanted what a statement of its own would say, in the same order. Raises OlderShape when one
    cannot be told."""
    found: list[Parts] = [{} for _ in wanted]
    if not wanted:
        return found
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, one in enumerate(wanted):
        groups.setdefault((*same_rows(*one), narrow(one[0], spot)[0]), []).append(index)
    widest = max(sum(_width(wanted[index][0]) for index in group) for group in groups.values())
    texts, values = [], []
    for first, *others in groups.values():
        metric, window, item = wanted[first]
        beside = [wanted[index][0] for index in others]
        where, bound = narrow(metric, spot)
        sql, own = select(metric, window, [item], spot.grain, where=where, bound=bound, beside=beside)
        texts.append(f"SELECT {first}, q.*{', NULL' * (widest - sum(map(_width, [metric, *beside])))} FROM ({sql}) q")
        values += own
    members = {group[0]: group for group in groups.values()}
    for first, *row in reader.rows("\nUNION ALL\n".join(texts), values):
        column = 4
        for index in members[first] if row[1] else ():
            metric = wanted[index][0]
            found[index][spot.code] = as_row(metric, row, column)
            column += _width(metric)
    return found


def _width(metric: Metric) -> int:
    """Columns of a row that say a metric: num, den, present and the parts."""
    return 3 + len(metric.parts)


def persons(reader: Reader, wanted: Sequence[Wanted], spot: Place, _narrow: Narrowing) -> list[Parts]:
    """The same for metrics that are narrow as counts of persons."""
    if not wanted:
        return []
    stored = [(metric.id, *counted(metric, window, item)) for metric, window, item in wanted]
    marks = ", ".join("?" * len(stored))
    rows = person_counts(
        reader,
        f"grain = ? AND place = ? AND slice = '' AND metric IN ({marks}) AND win_start IN ({marks})",
        [spot.grain, spot.code, *(name for name, _, _ in stored), *(start for _, _, start in stored)],
    )
    known = {(row.metric, row.win, row.win_start): (row.num, row.den, row.present, row.parts) for row in rows}
    return [{spot.code: known[one]} if one in known else {} for one in stored]


def person_counts(reader: Reader, where: str, bound: Sequence[object]) -> list[PersonCount]:
    """The counts of persons for which a condition holds; none in a generation from before there were any."""
    try:
        return [
            PersonCount(
                row["metric"],
                row["win"],
                row["win_start"],
                row["place"],
                row["member"],
                row["num"],
                row["den"],
                # generations of earlier releases marked what they did not tell, and held nothing back
                -1.0 if row.get("is_hidden") else 1.0,
                row["parts"] or {},
                row.get("held_from"),
            )
            for row in reader.records(f"SELECT * FROM meta.person_reading WHERE {where}", list(bound))
        ]
    except OlderShape:
        return []
