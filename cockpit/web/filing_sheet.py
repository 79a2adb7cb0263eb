"""The workbook that people fill in: one sheet with the columns of a table, one that explains them. Owns what such a
file looks like; what is accepted is judged by the loader alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from cockpit.presentation import texts
from cockpit.web import export
from cockpit.web.export import Sheet, Value
from warehouse.ingest import filed_lists

GUIDE = "填写说明"
MOST_IN_LIST = 250
"""A spreadsheet takes at most 255 characters as the words of a drop-down list."""
Form = dict[str, Any]


def workbook(form: Form, rows: Sequence[Sequence[str | None]] = ()) -> bytes:
    """The table as XLSX. form: as the loader offers it (warehouse.core.request_queue.offered); rows: content to begin
    with, texts in the order of the columns, None = empty. Words that a column is limited to are offered as a drop-down
    list."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    columns = form["columns"]
    filled = [[_value(column, value) for column, value in zip(columns, row, strict=True)] for row in rows]
    guide = [
        (
            one["heading"],
            one["label"],
            filed_lists.kind(one["type"]),
            "是" if one["required"] else "",
            unit(one),
            "、".join(one["words"]),
            "隐去后入库" if one["personal"] else "",
        )
        for one in columns
    ]
    book = export.book_of(
        [
            Sheet(form["sheet"], [one["heading"] for one in columns], filled),
            Sheet(GUIDE, ("列", "含义", "类型", "必填", "单位", "只能填", "个人信息"), guide),
        ]
    )
    page = book.worksheets[0]
    for number, column in enumerate(columns, 1):
        offered = ",".join(column["words"])
        if offered and len(offered) <= MOST_IN_LIST:
            rule = DataValidation(
                type="list",
                formula1=f'"{offered}"',
                allow_blank=not column["required"],
                showErrorMessage=True,
                errorTitle="填写有误",
                error=f"只能填：{offered}",
            )
            rule.add(f"{get_column_letter(number)}2:{get_column_letter(number)}{max(1000, len(filled) + 200)}")
            page.add_data_validation(rule)
    return export.saved(book)


def unit(column: Form) -> str:
    """The unit of the column as a person writes it, "" for none."""
    written: str = column["unit"]
    return texts.UNITS.get(written, written)


def _value(column: Form, value: str | None) -> Value:
    """A cell as a spreadsheet counts and sorts it; what does not read as its type stays the text that it is."""
    if value is None:
        return None
    try:
        match column["type"]:
            case "VARCHAR" | "BOOLEAN":
                return value
            case "DATE":
                return dt.date.fromisoformat(value)
            case "TIMESTAMP":
                return dt.datetime.fromisoformat(value)
            case "DOUBLE":
                return float(value)
            case _:
                return int(value)
    except ValueError:
        return value
