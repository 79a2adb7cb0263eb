"""Ledgers in workbooks as people keep them (D14): the header is searched, merged cells are filled, totals and hidden
rows go.

Owns the XLSX profile. The sheet's own XML is read first, streaming, because the reader of values knows no hidden rows
and reserves the whole rectangle between the first and the last cell. Runs in the parsing child only."""

from __future__ import annotations

import datetime as dt
import fnmatch
import io
import math
import zipfile
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import ParseError

import pyarrow as pa
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from warehouse.core.errors import ContractBroken
from warehouse.ingest import archives, ledgers
from warehouse.ingest.table_headers import Found, locate

MOST_CELLS, MOST_BYTES = 5_000_000, 200 << 20
CACHED_BYTES = 4 << 20
EXACT = 10**15
"""A spreadsheet keeps 15 digits; of a longer number the rest is gone, so it is written as what it is: 3.30125E+17, and
no code or whole number of ours (load refuses it in its cell)."""
OLE, CRYPTED, MACROS = b"\xd0\xcf\x11\xe0", "EncryptedPackage".encode("utf-16-le"), "_VBA_PROJECT".encode("utf-16-le")
UNVALUED = "#公式无值"
"""A formula whose result was not stored (a program wrote it, no spreadsheet has opened it): unreadable, not empty."""
Cell = str | None
Counts = dict[tuple[str, str], int]


@dataclass
class Outline:
    """What a sheet's XML says beside the values: rows (from 0) that are hidden, cells (row, column) that hold an error
    or a formula without its result, and the last row and column with a value."""

    hidden: set[int] = field(default_factory=set)
    unreadable: dict[tuple[int, int], str] = field(default_factory=dict)
    last_row: int = 0
    last_column: int = 0


def read(name: str, body: bytes, mapping: dict[str, Any], counts: Counts) -> pa.Table:
    """The rows of the sheet that has the wanted headers, as text. mapping: sheet (glob on its name; where none matches,
    or none is given, every visible sheet is looked at), wanted and known headers, cells (see tables.read). Adds to
    `counts` what was left out.

    Raises ContractBroken: encrypted, with macros, too large, damaged, or no sheet with these headers."""
    outlines = (_outlines if len(body) > CACHED_BYTES else _cached_outlines)(name, body)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(body)) as book:
            visible = [
                item.name
                for item in book.sheets_metadata
                if str(item.typ).endswith("WorkSheet") and str(item.visible).endswith(".Visible")
            ]
            chosen = [sheet for sheet in visible if fnmatch.fnmatch(sheet.strip(), mapping.get("sheet") or "*")]
            best: Found | None = None
            for sheet in chosen or visible:  # the sheet is called otherwise this month: search them all
                outline = outlines.get(sheet, Outline())
                rows = _filled(name, book.get_sheet_by_name(sheet), outline)
                found = locate(rows, mapping.get("wanted", []), mapping.get("known", []))
                if not found.missing:
                    return ledgers.table(rows, range(1, len(rows) + 1), found, counts, hidden=outline.hidden)
                best = found if best is None or len(found.missing) < len(best.missing) else best
    except PasswordError as error:
        raise ContractBroken("工作簿已加密", where=name, to_do="请去掉密码后重新投递") from error
    except CalamineError as error:
        raise ContractBroken(
            "不是完好的工作簿", where=name, to_do="请用 Excel 打开后另存为 .xlsx，再重新投递"
        ) from error
    if best is None:
        raise ContractBroken("工作簿里没有可见的工作表", where=name)
    raise ContractBroken(
        f"找不到表头：需要 {'、'.join(mapping.get('wanted', []))}；缺少 {'、'.join(best.missing)}",
        where=f"{name}，最像的一行是：{'、'.join(best.seen)[:200] or '没有'}",
        to_do="请核对文件，或在来源描述的 columns 里改成现在的表头，再用 etl replay 重放",
    )


@lru_cache(maxsize=32)
def _cached_outlines(name: str, body: bytes) -> dict[str, Outline]:
    """A ledger of a dozen sheets is asked for a dozen times, once for each table in it."""
    return _outlines(name, body)


def _outlines(name: str, body: bytes) -> dict[str, Outline]:
    """Sheet → outline; none for the old binary format. Raises ContractBroken for what must not be opened."""
    if len(body) > MOST_BYTES:
        raise ContractBroken(f"工作簿超过 {MOST_BYTES >> 20} MB", where=name)
    if body[:4] == OLE:
        if CRYPTED in body:
            raise ContractBroken("工作簿已加密", where=name, to_do="请去掉密码后重新投递")
        if MACROS in body:
            raise ContractBroken("工作簿带宏", where=name, to_do="请另存为 .xlsx 后重新投递")
        return {}
    with archives.checked(name, body) as archive:
        names = set(archive.namelist())
        if any(item.rsplit("/", 1)[-1].lower() == "vbaproject.bin" for item in names):
            raise ContractBroken("工作簿带宏", where=name, to_do="请另存为 .xlsx 后重新投递")
        for entry in archive.infolist():  # every checksum before anybody else reads it
            content = archives.content(name, archive, entry)
            if entry.filename.endswith((".xml", ".rels")) and (
                b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content[:4096]
            ):
                raise ContractBroken("工作簿的 XML 含有实体定义", where=f"{name}/{entry.filename}")
        try:
            return {sheet: _outline(name, archive, path) for sheet, path in _paths(archive).items() if path in names}
        except (ParseError, DefusedXmlException, KeyError, ValueError) as error:
            raise ContractBroken(
                "不是完好的工作簿", where=name, to_do="请用 Excel 打开后另存为 .xlsx，再重新投递"
            ) from error


def _paths(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet → the part that holds it. Names of parts are the same in upper and lower case (OPC, ECMA-376-2)."""
    parts = {name.lower(): name for name in archive.namelist()}
    targets = {}
    for item in fromstring(archive.read(parts["xl/_rels/workbook.xml.rels"])):
        target = item.get("Target", "").replace("\\", "/")
        full = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        targets[item.get("Id")] = parts.get(full.lower(), "")
    book = fromstring(archive.read(parts["xl/workbook.xml"]))
    found = {}
    for item in book.iter():
        if _local(item.tag) == "sheet":
            relation = next((value for key, value in item.attrib.items() if key.endswith("}id")), "")
            found[item.get("name", "")] = targets.get(relation, "")
    return found


def _local(tag: str) -> str:
    """The name of an element: workbooks of the strict kind (ISO 29500) use another namespace for the same words."""
    return tag.rpartition("}")[2]


def _outline(name: str, archive: zipfile.ZipFile, path: str) -> Outline:
    found, row, column = Outline(), -1, -1
    has_value, has_formula, value = False, False, ""
    root = None
    with archive.open(path) as stream:
        for event, item in iterparse(stream, events=("start", "end")):
            tag = _local(item.tag)
            if event == "start":
                root = item if root is None else root
                if tag == "row":
                    row, column = int(item.get("r", row + 2)) - 1, -1
                    if item.get("hidden") in ("1", "true"):
                        found.hidden.add(row)
                elif tag == "c":
                    column = _column(item.get("r", "")) if item.get("r") else column + 1
                    has_value, has_formula, value = False, False, ""
                continue
            if tag in ("v", "is", "f"):
                has_value = True
                has_formula = has_formula or tag == "f"
                value = (item.text or "") if tag == "v" else value or "is" * (tag == "is")
            elif tag == "c":
                if item.get("t") == "e":
                    found.unreadable[row, column] = value.strip() or UNVALUED
                elif has_formula and not value.strip() and item.get("t") != "str":
                    found.unreadable[row, column] = UNVALUED
                if has_value:
                    found.last_row, found.last_column = max(found.last_row, row), max(found.last_column, column)
                    if (found.last_row + 1) * (found.last_column + 1) > MOST_CELLS:
                        raise ContractBroken(
                            f"工作表的范围过大（到第 {found.last_row + 1} 行第 {found.last_column + 1} 列）",
                            where=f"{name}/{path}",
                            to_do="请删去表格之外的零散单元格后重新投递",
                        )
            elif tag == "row" and root is not None:
                root.clear()  # what has been read must not pile up
    return found


def _column(reference: str) -> int:
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number - 1


def _filled(name: str, sheet: CalamineSheet, outline: Outline) -> list[list[Cell]]:
    """Rows of text from row 1 on; a merged range has its value in each of its cells, an empty cell stays empty."""
    if sheet.end and (sheet.end[0] + 1) * (sheet.end[1] + 1) > MOST_CELLS:
        raise ContractBroken(
            f"工作表的范围过大（到第 {sheet.end[0] + 1} 行第 {sheet.end[1] + 1} 列）",
            where=name,
            to_do="请删去表格之外的零散单元格后重新投递",
        )
    rows = [[_text(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
    for (index, place), word in outline.unreadable.items():
        if index < len(rows) and place < len(rows[index]):
            rows[index][place] = word
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if top < len(rows) and left < len(rows[top]):
            for index in range(top, min(bottom + 1, len(rows))):
                for place in range(left, min(right + 1, len(rows[index]))):
                    rows[index][place] = rows[top][left]
    return rows


def _text(value: Any) -> Cell:
    if isinstance(value, str):
        text = value.strip(" \r\n")
        if len(text) > 1 and text[0] in "'’" and (text[1].isalnum() or text[1] in "-+."):
            text = text[1:]  # the sign by which people make a number a text
        return text or None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            return str(value)  # a program's NaN, for the contract to refuse
        if abs(value) >= EXACT:
            return f"{value:.5E}"
        return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)
