"""Workbooks as people keep them (XLSX): a title over the table, merged cells, headings in two rows, a row 合计, dates
in four spellings, numbers as text, a note in a cell, a row somebody hid (D14). A tidy workbook has none of these.

A hidden row is one that was given up (its number says 作废) and that nobody is to read. Every cell is a function of its
content, so a table written again next month says the same in the same spelling."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.worksheet.cell_range import CellRange

EXCEL_EPOCH = date(1899, 12, 30)
Cell = str | int | float | date | datetime | None


@dataclass(frozen=True)
class Sheet:
    """One table. columns: headings; rows: as many values each.

    groups: (heading, first column, last column) over neighbouring columns, which makes a second row of headings;
    merged: column whose equal neighbours below each other become one cell; totals: columns summed in a row 合计;
    texts: columns whose numbers are written as text; note: a comment on the first heading."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    title: str = ""
    groups: tuple[tuple[str, int, int], ...] = ()
    merged: int = -1
    totals: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    has_hidden_row: bool = False
    note: str = ""


def day_date(day: int) -> date | None:
    """Day number → date, negative → None."""
    return date.fromordinal(int(day) + 719163) if day >= 0 else None


def _spelled(value: date, salt: str) -> Cell:
    """A date as this cell's writer spells it: as a date, a bare serial number, 2022.9.1 or 2022年9月1日."""
    plain = value.date() if isinstance(value, datetime) else value
    kind = zlib.crc32(f"{salt}|{plain}".encode()) % 20
    if kind == 0 and not isinstance(value, datetime):
        return (plain - EXCEL_EPOCH).days
    if kind in (1, 2, 3):
        return f"{plain.year}.{plain.month}.{plain.day}"
    if kind in (4, 5):
        return f"{plain.year}年{plain.month}月{plain.day}日"
    return value


def _cells(sheet: Sheet, row: tuple[Cell, ...], is_messy: bool) -> list[Cell]:
    cells: list[Cell] = []
    for heading, value in zip(sheet.columns, row, strict=True):
        if is_messy and isinstance(value, date):
            value = _spelled(value, f"{row[0]}{heading}")
        elif is_messy and heading in sheet.texts and isinstance(value, int | float):
            value = str(value)
        cells.append(value)
    return cells


def _headings(sheet: Sheet) -> tuple[list[Cell], list[Cell]]:
    """Both rows of headings of a sheet with groups."""
    upper, lower = list[Cell](sheet.columns), list[Cell]([None] * len(sheet.columns))
    for heading, first, last in sheet.groups:
        for column in range(first, last + 1):
            upper[column], lower[column] = heading if column == first else None, sheet.columns[column]
    return upper, lower


def _merges(sheet: Sheet, top: int) -> Iterator[CellRange]:
    """Merged ranges of headings and of one column of the body; top: row number of the first heading row."""
    body = top + (2 if sheet.groups else 1)
    grouped = {c for _, first, last in sheet.groups for c in range(first, last + 1)}
    for _, first, last in sheet.groups:
        yield CellRange(min_row=top, max_row=top, min_col=first + 1, max_col=last + 1)
    if sheet.groups:
        for column in sorted(set(range(len(sheet.columns))) - grouped):
            yield CellRange(min_row=top, max_row=top + 1, min_col=column + 1, max_col=column + 1)
    if sheet.merged >= 0:
        row = body
        for _, run in groupby(sheet.rows, key=lambda cells: cells[sheet.merged]):
            count = len(list(run))
            if count > 1:
                yield CellRange(
                    min_row=row, max_row=row + count - 1, min_col=sheet.merged + 1, max_col=sheet.merged + 1
                )
            row += count


def _add(book: openpyxl.Workbook, sheet: Sheet, is_messy: bool) -> None:
    page = book.create_sheet(sheet.name)
    lines: list[list[Cell]] = []
    top = 1
    if is_messy and sheet.title:
        lines.append([sheet.title] + [None] * (len(sheet.columns) - 1))
        page.merged_cells.ranges.add(CellRange(min_row=1, max_row=1, min_col=1, max_col=len(sheet.columns)))
        top = 2
    lines += [list(h) for h in _headings(sheet)] if is_messy and sheet.groups else [list(sheet.columns)]
    before, body = None, [_cells(sheet, row, is_messy) for row in sheet.rows]
    if is_messy:
        page.merged_cells.ranges.update(_merges(sheet, top))
        for cells, row in zip(body, sheet.rows, strict=True):
            if sheet.merged >= 0 and row[sheet.merged] == before:
                cells[sheet.merged] = None
            before = row[sheet.merged] if sheet.merged >= 0 else None
        if sheet.has_hidden_row and body:
            page.row_dimensions[len(lines) + len(body) + 1].hidden = True
            body.append([f"{body[-1][0]}作废", *body[-1][1:]])
    lines += body
    if is_messy and sheet.totals:
        sums = (
            [
                sum(v for v in column if isinstance(v, int)) if heading in sheet.totals else None
                for heading, column in zip(sheet.columns, zip(*sheet.rows, strict=True), strict=True)
            ]
            if sheet.rows
            else []
        )
        lines.append(["合计", *sums[1:]])
    for number, line in enumerate(lines, 1):
        if is_messy and sheet.note and number == top:
            first = WriteOnlyCell(page, line[0])
            first.comment = Comment(sheet.note, "台账员")
            page.append([first, *line[1:]])
        else:
            page.append(line)


def write(path: Path, sheets: list[Sheet], is_messy: bool) -> None:
    """Writes a workbook; appears at `path` whole or not at all."""
    book = openpyxl.Workbook(write_only=True)
    for sheet in sheets:
        _add(book, sheet, is_messy)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name("." + path.name + ".tmp")
    book.save(aside)
    aside.replace(path)
