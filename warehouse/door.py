"""What happens to personal data before it may enter the warehouse. Owns the identity checks and the pseudonyms.

Nothing that leaves this module holds an identity number, a phone or a full name."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.catalog import Column, Contract
from warehouse.keys import Pseudonyms

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"


def identity_number(text: str) -> str | None:
    """The 18-digit identity number in upper case, None when it is none (D10).

    Check digit by GB 11643 (ISO 7064 mod 11-2); birth date must exist and not lie ahead. A leading apostrophe and a
    lower-case x are repaired; 15-digit numbers and numbers that went through a spreadsheet as 3.3E+17 are refused,
    because the century or the digits are gone."""
    number = text.strip().lstrip("'’").upper().translate(str.maketrans("０１２３４５６７８９Ｘ", "0123456789X"))
    if not re.fullmatch(r"\d{17}[\dX]", number):
        return None
    if CHECK_DIGITS[sum(int(d) * w for d, w in zip(number[:17], WEIGHTS, strict=True)) % 11] != number[17]:
        return None
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return number if born.year >= 1900 and born <= dt.date.today() else None


def mask_name(text: str) -> str:
    """First character and one star for each that follows: 张*, 欧阳** → 欧***."""
    name = text.strip()
    return name[:1] + "*" * max(len(name) - 1, 1)


PERSONAL = r"\b(\d{17}[\dXx]|1[3-9]\d{9})\b"
"""What looks like an identity number or a mobile phone inside free text."""
BLOT = "〔已隐去〕"


def blot(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Free text with what looks like identity numbers and phones blotted out."""
    return pc.replace_substring_regex(values.cast(pa.string()), PERSONAL, BLOT)


class Door:
    """Applies the doors of a contract to a batch; counts what it dropped."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def pass_through(self, contract: Contract, rows: pa.Table) -> pa.Table:
        """`rows` (VARCHAR) with the contract's stored columns only, personal ones replaced, and `_door`: the rule id
        of a value that could not be accepted (D10) or None. Columns that the payload lacks become None."""
        count = rows.num_rows
        out: dict[str, pa.Array | pa.ChunkedArray] = {}
        verdict: list[str | None] = [None] * count
        for column in contract.stored:
            if column.source not in rows.column_names:
                # a mapping names our columns, a payload taken as it is names the source's
                out[column.name] = rows[column.name] if column.name in rows.column_names else pa.nulls(count, pa.string())
                continue
            values = rows[column.source]
            if column.fallback and column.fallback in rows.column_names:
                values = pc.coalesce(values, rows[column.fallback])
            if column.door == "text":
                values = blot(values)
            elif column.door:
                values = self._through(column, values.to_pylist(), verdict)
            out[column.name] = values
        out["_door"] = pa.array(verdict, pa.string())
        return pa.table(out)

    def _through(self, column: Column, values: list[str | None], verdict: list[str | None]) -> pa.Array:
        known: dict[str, str | None] = {}
        act: Callable[[str], str | None] = {
            "person": self._person, "holder": self._holder, "phone": self._phone, "mask_name": mask_name,
            "birth_year": lambda text: text[:4],
        }[column.door]
        result: list[str | None] = []
        for index, value in enumerate(values):
            if value is None:
                result.append(None)
                continue
            if value not in known:
                known[value] = act(value)
            if known[value] is None and column.door in ("person", "holder"):
                verdict[index] = "D10"
            result.append(known[value])
        return pa.array(result, pa.string())

    def _person(self, text: str) -> str | None:
        number = identity_number(text)
        return self._pseudonyms.person(number) if number else None

    def _holder(self, text: str) -> str | None:
        """A certificate's holder: a company code or plate#colour stays, an identity number becomes the person's key."""
        if "#" in text or len(text) < 15 or not re.fullmatch(r"['’]?\d{14,17}[\dXx]?", text.strip()):
            return text if "E+" not in text.upper() else None
        if re.fullmatch(r"\d{15}", text.strip()):
            return None
        if re.fullmatch(r"9\d{16}[\dA-Z]", text.strip()):
            return text
        return self._person(text)

    def _phone(self, text: str) -> str:
        return self._pseudonyms.phone(re.sub(r"\D", "", text))
