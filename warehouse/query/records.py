"""What a number is made of, one by one: the vehicles, alarms, companies or tickets behind it, sorted, searched and
paged by the database. Owns which of them count and how they are shown; the columns come from the catalogue. Reads only
the open file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import structs

from warehouse.catalog import metrics
from warehouse.catalog.models import models
from warehouse.catalog.schema import Entity, Metric
from warehouse.compile.metric_sql import Span, number, select
from warehouse.compile.reading import DISTRICT
from warehouse.query import one_person
from warehouse.query.aggregates import Figures, Only

PAGE_ROWS = 15
FIGURES = ("value", "num", "den")


@dataclass(frozen=True)
class Row:
    """One entity: its key, its own numerator and denominator and their value (None without a denominator), and the
    further columns."""

    key: str
    num: float | None
    den: float | None
    value: float | None
    cells: dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """One page (from 1) of what a number is made of; a page beyond the last is the last. total: rows of all pages. Σnum
    and Σden of all rows are the number's own unless one thing counts under several."""

    entity: Entity
    rows: tuple[Row, ...]
    total: int
    page: int
    pool: tuple[float, float | None] | None = None
    """Numerator and denominator of what is not listed one by one: the vehicles of owners with one driver or one vehicle,
    of which each tells of a person. None where there are none."""


def of(metric: Metric) -> Entity | None:
    """What the metric's rows are about; None for people, who are no open list."""
    return None if metric.person else models()[metric.mart].entity


def behind(
    book: Figures,
    metric_id: str,
    window: str | None = None,
    at: str | None = None,
    place: str = DISTRICT,
    only: Only = (),
    *,
    sort: str = "",
    descending: bool = False,
    page: int = 1,
    query: str = "",
    rows: int = PAGE_ROWS,
) -> Listing | None:
    """The entities of a number in one window. sort: value, num, den, key or a column of the entity, unknown words fall
    back to value; rows without the sorted figure come last. page from 1. query: part of a key, a text column or a
    company's name.

    None for people and for a mart without entities. Raises UsageError as a reading does."""
    metric, spot = metrics.metric(metric_id), book.place(place)
    entity = of(metric)
    if entity is None:
        return None
    if book.is_withheld(metric, spot, only):
        return Listing(entity, (), 0, 1)
    name = window if window in metric.windows else metric.windows[0]
    item = book.spans(metric, name, at)[1]
    stated = structs.replace(metric, parts={column: f"max({column})" for column in entity.columns})
    where, bound = book.within(metric, spot, only)
    pool = _pool(book, metric, name, item, spot.grain, where, bound)
    if pool is not None:
        where = " AND ".join(filter(None, [where, f"NOT {book.of_pooled}"]))
    inner, values = select(stated, name, [item], spot.grain, member=entity.key, where=where, bound=bound)
    outer, more = _page(book, metric, entity, inner, query, _order(entity, sort, descending), max(1, page), rows)
    found = book.ask(outer, [*values, *more])
    if not found and page > 1:  # beyond the last: the first page knows how many there are
        first = behind(
            book, metric_id, window, at, place, only, sort=sort, descending=descending, query=query, rows=rows
        )
        last = -(-first.total // rows) if first else 1
        return (
            first
            if last <= 1
            else behind(
                book,
                metric_id,
                window,
                at,
                place,
                only,
                sort=sort,
                descending=descending,
                page=last,
                query=query,
                rows=rows,
            )
        )
    listed = tuple(
        Row(str(r[1]), number(r[2]), number(r[3]), number(r[4]), dict(zip(entity.columns, r[5:], strict=True)))
        for r in found
    )
    return Listing(entity, listed, int(found[0][0]) if found else 0, max(1, page), pool)


def _pool(
    book: Figures, metric: Metric, window: str, item: Span, grain: str, where: str, bound: list[object]
) -> tuple[float, float | None] | None:
    """What vehicles of owners with one driver or one vehicle come to, all of them together."""
    if not one_person.tells_of_vehicles(metric) or not book.pooled:
        return None
    stated = " AND ".join(filter(None, [where, book.of_pooled]))
    sql, values = select(metric, window, [item], grain, where=stated, bound=bound)
    rows = [row for row in book.ask(sql, values) if row[1] and (row[4] or row[5])]
    return (rows[0][4] or 0.0, rows[0][5]) if rows else None


def _order(entity: Entity, sort: str, descending: bool) -> str:
    columns = list(entity.columns)
    key = (
        "member"
        if sort == "key"
        else sort
        if sort in FIGURES
        else f"part_{columns.index(sort)}"
        if sort in columns
        else "value"
    )
    return f"{key} {'DESC' if descending else 'ASC'} NULLS LAST, member"


def _page(
    book: Figures, metric: Metric, entity: Entity, inner: str, query: str, order: str, page: int, rows: int
) -> tuple[str, list[object]]:
    value = f"{metric.scale} * coalesce(num, 0) / nullif(den, 0)" if metric.denominator else f"{metric.scale} * num"
    parts = "".join(f", part_{index}" for index in range(len(entity.columns)))
    searched = "true"
    bound: list[object] = []
    wanted = query.strip().casefold()
    if wanted:
        texts = [
            "member",
            *(
                f"part_{index}"
                for index, column in enumerate(entity.columns)
                if column not in ("company_key", "town_code")
            ),
        ]
        searched = "contains(lower(concat_ws(' ', " + ", ".join(f"CAST({text} AS VARCHAR)" for text in texts) + ")), ?)"
        bound = [wanted.replace("·", "").replace(" ", "")] if entity.key == "vehicle_key" else [wanted]
        for column, grain in (("company_key", "company"), ("town_code", "town")):
            if column in entity.columns:
                searched += f" OR list_contains(?, part_{list(entity.columns).index(column)})"
                bound.append([place.code for place in book.places(grain) if wanted in place.label.casefold()])
    sql = (
        f"SELECT count(*) OVER (), member, num, den, value{parts} FROM (SELECT *, {value} AS value FROM ({inner})) "
        f"WHERE (coalesce(num, 0) <> 0 OR coalesce(den, 0) <> 0) AND ({searched}) ORDER BY {order} LIMIT ? OFFSET ?"
    )
    return sql, [*bound, rows, rows * (page - 1)]
