"""Made-up personal data that must not be found again: planted in every column of every contract, in all ways a source
can word them, and searched in whatever comes out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import orjson

from tests.house import WEIGHTS, House, id_number
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Column, Contract

MARKS = {
    "id": rb"33010619\d{9}",
    "phone": rb"1997070\d{4}",
    "health": "隐疾".encode(),
    "child": "幼童".encode(),
    "face": rb"RkFDRUNBTkFSWQ",
}
"""Kind of canary → pattern of bytes that each of its kind matches and that does not come about by chance."""
GOOD = {"VARCHAR": "x", "TIMESTAMP": "2026-11-20 08:00:00", "DATE": "2026-11-20", "BOOLEAN": "1"}


class Canaries:
    """Hands out canaries, each once, and counts them."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(MARKS, 0)

    def make(self, kind: str) -> str:
        self.counts[kind] += 1
        serial = self.counts[kind]
        if kind == "id":
            body = (
                f"330106{1950 + serial // 300 % 50}{serial // 25 % 12 + 1:02d}{serial % 25 + 1:02d}{serial % 1000:03d}"
            )
            return (
                body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]
            )
        return {
            "phone": f"1997070{serial:04d}",
            "health": f"隐疾{serial}级",
            "child": f"幼童{serial}号",
            "face": f"RkFDRUNBTkFSWQ{serial}==",
        }[kind]

    def of_dropped(self, column: Column) -> str:
        """What such a column carries in real life."""
        if "face" in column.name or "photo" in column.name:
            return self.make("face")
        return (
            self.make("health")
            if "health" in column.name
            else self.make("child") + self.make("phone") + self.make("id")
        )


def base(contract: Contract, number: int) -> dict[str, Any]:
    """A row without anything wrong; its keys differ by `number`."""
    row: dict[str, Any] = {}
    for column in contract.columns:
        if column.treatment == "person" or column.name == "holder_key":
            row[column.source] = id_number(number)
        elif column.name == "plate_no":
            row[column.source] = f"浙A{number:05d}"
        elif column.name in contract.key and column.type not in ("TIMESTAMP", "DATE", "BOOLEAN"):
            row[column.source] = str(number)
        else:
            row[column.source] = column.allowed[0] if column.allowed else GOOD.get(column.type, "2")
    return row


def plant(contract: Contract, canaries: Canaries) -> list[dict[str, Any]]:
    """One row with the right personal data in the right places, and for each column two rows with some in the wrong
    one."""
    rows = [
        {
            **base(contract, 1),
            **{column.source: canaries.make("id") for column in contract.columns if column.treatment == "person"},
            **{column.source: canaries.make("phone") for column in contract.columns if column.treatment == "phone"},
        }
    ]
    for column in contract.columns:
        for words in ("{}", "联系{}，勿外传" if column.type == "VARCHAR" else "{}"):
            kind = "id" if words == "{}" and column.type in ("VARCHAR", "BIGINT") else "phone"
            value = canaries.of_dropped(column) if column.treatment == "drop" else words.format(canaries.make(kind))
            rows.append({**base(contract, len(rows) + 1), column.source: value})
    # what no contract knows of, and the same with separators, full-width and country code
    number = canaries.make("phone")
    rows.append({**base(contract, len(rows) + 1), "备注": canaries.make("health"), "家属": canaries.make("child")})
    for column in [column for column in contract.stored if column.type == "VARCHAR" and not column.rule][:1]:
        for written in (
            f"{number[:3]}-{number[3:7]}-{number[7:]}",
            f"+86{number}",
            "tel" + number.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        ):
            rows.append({**base(contract, len(rows) + 1), column.source: written})
    return rows


def workbook(rows: list[dict[str, Any]], sheet: str = "Sheet") -> bytes:
    """The rows as a workbook with a title line and two empty columns to the left."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    page.append(["台账"])
    page.append(names)
    for row in rows:
        page.append([row.get(name) for name in names])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def deliver(house: House, contract: Contract, rows: list[dict[str, Any]]) -> None:
    """Rows as their kind of source sends them: pages of JSON, a workbook, or rows of a database."""
    if contract.source in ("pb", "un", "wf", "hn"):
        columns = {column.source: {"from": column.source, "optional": True} for column in contract.columns}
        house.payload(
            contract.source, contract.entity, workbook(rows), "file", mapping={"columns": columns}, name="台账.xlsx"
        )
    elif contract.source == "yz":
        house.payload(contract.source, contract.entity, orjson.dumps(rows), "json_rows")
    else:
        house.payload(contract.source, contract.entity, orjson.dumps({"data": {"items": rows}}) + b"\n", "json_pages")


def sources() -> list[Contract]:
    return [contract for contract in contracts().values() if contract.load != "own"]


def hits(body: bytes) -> dict[str, int]:
    """Kind → how often its mark is in `body`; {} is what must come out."""
    return {kind: found for kind, mark in MARKS.items() if (found := len(re.findall(mark, body)))}


def files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
