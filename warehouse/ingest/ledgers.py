"""Rows of a ledger as people keep it (D14), from a workbook or a text file alike: totals, notes at its foot, hidden rows
and repeated headers are no records. Knows nothing of files."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import pyarrow as pa

from warehouse.ingest.table_headers import Found, placed, plain

TOTAL = re.compile(r"(本页|本月|本季|本年|累计)?(合计|小计|总计|共计)([:：(（].*)?")
FOOT = re.compile(r"(注|备注|说明|填表|制表|审核|填报)(人|单位|日期|时间)?[:：].*", re.S)
SIGNS = ("合计", "小计", "总计", "共计", "填表", "制表", "审核", "填报", "备注", "说明", "注：", "注:")
"""One of these is in every text that has such a line."""
Counts = dict[tuple[str, str], int]
Row = Sequence[str | None]


def table(
    rows: Sequence[Row], lines: Sequence[int], found: Found, counts: Counts, *, hidden: Collection[int] = ()
) -> pa.Table:
    """The records below the header `found`, a column for each of its places, with the line (from 1) on which each
    stands. lines: the line of every row; hidden: rows (from 0) that nobody sees. Adds to `counts` what was left out."""
    stored: list[list[str | None]] = []
    at: list[int] = []
    for index in range(found.data_from, len(rows)):
        row = [rows[index][place] if place < len(rows[index]) else None for place in found.places.values()]
        first = next((re.sub(r"\s", "", value) for value in rows[index] if value), "")
        if not any(row):
            continue
        if all(
            value is None or plain(value) in labels for value, labels in zip(row, found.labels.values(), strict=True)
        ):
            continue  # the header once more, as on every printed page
        if index in hidden:
            count(counts, "隐藏行，未读入")
        elif TOTAL.fullmatch(first) or any(value and TOTAL.fullmatch(re.sub(r"\s", "", value)) for value in row[:2]):
            count(counts, "合计行，未读入")
        elif FOOT.fullmatch(first) and len({value for value in rows[index] if value}) <= 3:
            count(counts, "表尾说明，未读入")
        else:
            stored.append(row)
            at.append(lines[index])
    columns = {label: pa.array([row[place] for row in stored], pa.string()) for place, label in enumerate(found.places)}
    return placed(pa.table(columns), at, found.places)


def count(counts: Counts, what: str, rule: str = "D14", number: int = 1) -> None:
    """One more of what was left out or put right, in Chinese words, under its data rule."""
    counts[rule, what] = counts.get((rule, what), 0) + number
