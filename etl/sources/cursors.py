"""How far a table has been read: the greatest value of its cursor column, as text. Owns the order of such values, and which
columns have one."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from etl.config.schema import Feed
from warehouse.core.errors import ContractBroken
from warehouse.core.redaction import blot

OVERLAP_S = 86400
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
SORTABLE = tuple(
    re.compile(form, re.ASCII)
    for form in (
        r"\d{4}-[01]\d-[0-3]\d",
        r"\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d",
        r"\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?",
        r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?",
    )
)
"""Forms in which times that are kept as text come in the order of the times, as long as all have the same."""


def check(feed: Feed, values: list[str], *, is_text: bool) -> None:
    """Raises ContractBroken where a cursor column kept as text does not sort as time: 2026/11/3 comes after 2026/11/10,
    and what is new would be asked for in vain, or the whole table each time. values: "" = empty. is_text: the column is
    declared as text, so the database compares even its numbers letter by letter."""
    given = [value for value in values if value]
    if not given or (not is_text and all(NUMBER.fullmatch(value) for value in given)):
        return
    form = next((form for form in SORTABLE if form.fullmatch(given[0])), None)
    odd = next((value for value in given if form is None or not form.fullmatch(value)), None)
    if odd is None:
        return
    raise ContractBroken(
        f"游标列 {feed.cursor_column} 是文字，“{blot(odd)[:30]}”这样的写法不能当作时间比较先后",
        where=f"{feed.source} {feed.table}",
        to_do='请写 cursor_type = "time" 或 "number" 再试，或请对方建一个转好的视图；做不到就删去 cursor_column，每次取整张表',
    )


def order(value: str) -> tuple[int, Decimal, str]:
    """Cursor values in their order: numbers as numbers, to the last digit, everything else as text."""
    return (0, Decimal(value), "") if NUMBER.fullmatch(value) else (1, Decimal(), value)


def back(cursor: str, overlap_s: int) -> str:
    """The cursor less the overlap: seconds of an instant, units of a number."""
    if is_number(cursor):
        return str(int(Decimal(cursor)) - overlap_s)
    return (dt.datetime.fromisoformat(cursor) - dt.timedelta(seconds=overlap_s or OVERLAP_S)).strftime(
        "%Y-%m-%d %H:%M:%S"
    )


def before(one: str, other: str) -> bool:
    """Whether cursor value `one` comes before `other`."""
    return order(one) < order(other if is_number(other) else other.replace("T", " "))


def is_number(cursor: str) -> bool:
    """Whether the cursor counts, rather than tells an instant."""
    return order(cursor)[0] == 0
