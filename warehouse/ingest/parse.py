"""From a landed payload to rows of text under our column names. Owns decoding and the field mapping; judges no value.

Foreign bytes are read in a child process with a memory and time limit (etl hands it the body), so a hostile file can
end the child but not the load."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.catalog.contracts import code_columns, contracts
from warehouse.catalog.schema import Column
from warehouse.core.errors import ContractBroken
from warehouse.core.units import SHANGHAI
from warehouse.ingest import tables
from warehouse.ingest.landing import ACKNOWLEDGEMENT, Landed
from warehouse.ingest.table_headers import plain

TIME = "%Y-%m-%d %H:%M:%S"
FILES = ("csv", "file")
WHOLE = ("SMALLINT", "INTEGER", "BIGINT", "UINTEGER")
MOMENTS = ("DATE", "TIMESTAMP")
DAY = re.compile(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?(?:[ T]?(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
INVISIBLE = r"\p{Cf}"
TimeForm: TypeAlias = Literal["compact", "epoch", "epoch_ms", "excel"]
EpochUnit: TypeAlias = Literal["s", "ms", "us", "ns"]
PER_SECOND: dict[str, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
EPOCH = {"epoch": "s", "epoch_ms": "ms"}
LONG, NO_NUMBER = re.compile(rb"\d{16}|\d[eE]"), re.compile(rb"\b(NaN|Infinity)\b")
MONTH, DIGITS, SERIAL = (
    re.compile(r"(\d{4})年(\d{1,2})月"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
    re.compile(r"\d{5}(\.\d+)?"),
)


def parse(note: Landed, body: bytes) -> pa.Table:
    """Rows of the payload, every column VARCHAR (None = absent or empty), named as the contract names them; what was
    left out on the way is counted in the schema's metadata (see tidied).

    Raises ContractBroken when the payload is not what its kind says: wrong encoding, a log-in page instead of JSON,
    an error inside a 200, a header that lacks the mapped columns, an archive or workbook that must not be opened."""
    counts: dict[tuple[str, str], int] = {}
    if note.kind in FILES or note.kind == "own":
        table = tables.read(
            note.name.split("|")[0],
            body,
            {
                **note.mapping,
                "cells": _is_ledger(note),
                "wanted": _wanted(note),
                "known": [rule["from"] for rule in _rules(note).values()],
            },
            counts,
        )
    elif note.kind in ("json_pages", "json_rows", "keys", ACKNOWLEDGEMENT):
        table = _json(note, body)
    else:
        raise ContractBroken(f"未知的载荷类型：{note.kind}", where=note.name)
    out, stated = _mapped(table, note), {}
    if counts:
        stated["tidied"] = orjson.dumps([[rule, what, number] for (rule, what), number in counts.items()])
    if _is_ledger(note) and (table.schema.metadata or {}).get(b"lines"):
        stated["cells"] = orjson.dumps(_cells(table, note))
    return out.replace_schema_metadata(stated) if stated else out


def tidied(rows: pa.Table) -> list[tuple[str, str, int]]:
    """What was left out or found odd while reading a file: (rule, Chinese words, rows)."""
    stated = (rows.schema.metadata or {}).get(b"tidied", b"[]")
    return [(rule, what, number) for rule, what, number in orjson.loads(stated)]


def cells(rows: pa.Table) -> tuple[list[int], dict[str, str]]:
    """Where the rows stood in a file that was read with `cells`: the line of each (from 1), and our column → its
    letter; empty otherwise."""
    lines, letters = orjson.loads((rows.schema.metadata or {}).get(b"cells", b"[[], {}]"))
    return lines, letters


def first(rows: pa.Table, count: int) -> pa.Table:
    """The first rows of a payload, with where they stood."""
    lines, letters = cells(rows)
    few = rows.slice(0, count)
    return few.replace_schema_metadata({"cells": orjson.dumps([lines[:count], letters])}) if lines else few


def _cells(table: pa.Table, note: Landed) -> tuple[list[int], dict[str, str]]:
    stated = table.schema.metadata or {}
    places = {plain(name): place for name, place in orjson.loads(stated.get(b"places", b"{}")).items()}
    known = {ours: places.get(plain(rule["from"])) for ours, rule in _rules(note).items()}
    return orjson.loads(stated.get(b"lines", b"[]")), {
        ours: _letter(place) for ours, place in known.items() if place is not None
    }


def _letter(place: int) -> str:
    """Column (from 0) as a spreadsheet calls it: A, Z, AA."""
    head = _letter(place // 26 - 1) if place >= 26 else ""
    return head + chr(65 + place % 26)


def at_path(document: Any, path: str) -> Any:
    """What lies at a dotted path of a JSON document, "" = the document itself. Raises KeyError or TypeError."""
    for name in filter(None, path.split(".")):
        document = document[name]
    return document


def document(raw: bytes) -> Any:
    """A JSON document with every number as it was written: one that a double would change comes as its text, and so
    does NaN, which is no JSON but is sent all the same, for the contract to refuse in its cell. Raises ValueError or
    TypeError when it is no JSON."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        if not NO_NUMBER.search(raw):
            raise
        found = _written(raw)
        orjson.dumps(found)  # in everything else it must be what it would be without the NaN
        return found
    return _written(raw) if LONG.search(raw) else found


def _written(raw: bytes) -> Any:
    def number(text: str) -> object:
        return text if len(text) > 15 or "e" in text.lower() else float(text)

    try:
        return json.loads(
            raw, parse_int=lambda text: int(text) if len(text) < 19 else text, parse_float=number, parse_constant=str
        )
    except RecursionError as error:
        raise ValueError("JSON 嵌套过深") from error


def _json(note: Landed, body: bytes) -> pa.Table:
    rows: list[dict[str, Any]] = []
    try:
        if note.kind == "json_pages":
            for line in body.split(b"\n"):
                if line:
                    rows.extend(at_path(document(line), note.mapping.get("items", "data.items")))
        else:
            rows = document(body)
        # a column that only a later row has must not be lost: the names of all rows count
        names = list(dict.fromkeys(name for row in rows for name in row))
        return pa.table({name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in names})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractBroken("返回内容不是约定的 JSON", where=f"{note.table} {note.name}") from error


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return str(value)


def _rules(note: Landed) -> dict[str, dict[str, Any]]:
    columns: dict[str, Any] = note.mapping.get("columns", {})
    return {ours: {"from": theirs} if isinstance(theirs, str) else theirs for ours, theirs in columns.items()}


def _is_ledger(note: Landed) -> bool:
    """A file that somebody keeps: where each value stood is told with it. Files of positions are millions of lines that
    nobody looks at one by one."""
    return note.kind in FILES and contracts()[note.table].load != "lake"


def _wanted(note: Landed) -> list[str]:
    return [rule["from"] for rule in _rules(note).values() if not rule.get("optional")]


def _mapped(table: pa.Table, note: Landed) -> pa.Table:
    """Renames, converts and completes columns as the mapping says; without one the names are taken as they are."""
    rules = _rules(note)
    contract = contracts().get(note.table)
    ours_of = {
        name: column for column in (contract.columns if contract else ()) for name in (column.name, column.source)
    }
    if not rules:
        out = {name: _normal(table[name], ours_of.get(name)) for name in table.column_names}
    else:
        found = {plain(name): name for name in reversed(table.column_names)}
        absent = [
            rule["from"] for rule in rules.values() if plain(rule["from"]) not in found and not rule.get("optional")
        ]
        if absent and table.num_columns:
            # a file without a header begins with somebody's data, which is not repeated here
            seen = table.column_names if len(absent) < len(rules) else ["没有"]
            raise ContractBroken(
                f"缺少列：{'、'.join(absent)}", where=f"{note.name.split('|')[0]}，实际表头：{'、'.join(seen)[:200]}"
            )
        dated = note.kind in FILES and contract is not None and contract.load != "lake"
        out = {}
        for ours, rule in rules.items():
            name = found.get(plain(rule["from"]))
            if name is not None:
                is_key = contract is not None and ours_of.get(ours) is not None and ours_of[ours].name in contract.key
                out[ours] = _converted(table[name], rule, ours_of.get(ours), is_key=is_key, dated=dated)
    for ours, value in {**note.mapping.get("constants", {}), **_ledger(note)}.items():
        out[ours] = pa.array([_text(value)] * table.num_rows, pa.string())
    return pa.table(out) if out else table


def ledger_day(note: Landed) -> str:
    """The day of a ledger as its file's name says it, "" where the name need not. Raises ContractBroken where it does not
    though it should."""
    return _ledger(note).get("ledger_at", "")


def _ledger(note: Landed) -> dict[str, str]:
    """The day of a ledger as its file's name says it."""
    pattern = note.mapping.get("name_date")
    if not pattern:
        return {}
    name = note.name.split("|")[0].rsplit("/", 1)[-1]
    match = re.search(pattern, name)
    try:
        if match is None:
            raise ValueError(name)
        year, month, day = (*map(int, match.groups()), 1)[:3]
        return {"ledger_at": pd.Timestamp(year=year, month=month, day=day).strftime(TIME)}
    except (ValueError, TypeError) as error:
        raise ContractBroken(
            "文件名里没有台账日期", where=name, to_do="请把年月写进文件名（如 台账2026年10月.xlsx）后重新投递"
        ) from error


def _converted(
    column: pa.ChunkedArray, rule: dict[str, Any], ours: Column | None, *, is_key: bool, dated: bool
) -> pa.ChunkedArray | pa.Array:
    """Values as the contract's type reads them. A text column keeps a trailing tab: that it was there is told later
    (D13)."""
    kind = ours.type if ours else "VARCHAR"
    is_text = kind == "VARCHAR" and not is_key and not (ours and ours.treatment)
    column = _normal(column, ours)
    column = pc.utf8_trim(column, characters=" ") if is_text else pc.utf8_trim_whitespace(column)
    if kind != "VARCHAR":
        column = pc.utf8_ltrim(column, characters="'")
    if "scale" in rule:
        return _scaled(column, rule["scale"], whole=kind in WHOLE or kind == "VARCHAR")
    if "time_zone" in rule or "unit" in rule or "time" in rule:
        return _local(column, rule)
    if "values" in rule:
        known = rule["values"]
        return pa.array([known.get(value, value) for value in column.to_pylist()], pa.string())
    return _iso(column) if dated and kind in MOMENTS else column


def _normal(column: pa.ChunkedArray, ours: Column | None) -> pa.ChunkedArray:
    """Text as it is compared and counted: without signs that nobody sees (zero-width, direction marks, soft hyphen), a
    hard space as a space; numbers, times and codes half-width (NFKC), codes without blanks and with one kind of dash.
    The landed payload keeps what was written."""
    if pc.all(pc.string_is_ascii(column)).as_py() is not False:
        return column
    column = pc.replace_substring_regex(column, pattern=INVISIBLE, replacement="")
    column = pc.replace_substring(column, pattern="\u00a0", replacement=" ")
    if (
        ours is None or ours.treatment or ours.rule == "plate"
    ):  # personal numbers and plates are judged, and repaired, later
        return column
    if ours.type != "VARCHAR":
        return pc.utf8_normalize(column, form="NFKC")
    if ours.name in code_columns():
        column = pc.utf8_normalize(column, form="NFKC")
        column = pc.replace_substring_regex(column, pattern=r"[\p{Pd}\x{2212}]", replacement="-")
        return pc.replace_substring_regex(column, pattern=r"\s", replacement="")
    return column


def _scaled(column: pa.ChunkedArray, scale: float, *, whole: bool) -> pa.Array:
    factor = Decimal(repr(scale))
    return pa.array([_times(text, factor, ".0f" if whole else ".9f") for text in column.to_pylist()], pa.string())


def _times(text: str | None, factor: Decimal, form: str) -> str | None:
    """The number times the factor, exactly; what is no number stays as it is, for the contract to refuse in its
    cell."""
    if text is None or not NUMBER.fullmatch(text):
        return text
    found = f"{Decimal(text) * factor:{form}}"
    found = found.rstrip("0").rstrip(".") if "." in found else found
    return "0" if found == "-0" else found


def _local(column: pa.ChunkedArray, rule: dict[str, Any]) -> pa.Array:
    """Instants of another zone, in a form that the mapping names, or counted since 1970 in `unit`, as Shanghai wall
    time."""
    form = rule.get("time")
    if form in EPOCH:
        rule = {"unit": EPOCH[form]}
    elif form:
        zone = str(rule.get("time_zone", SHANGHAI.key))
        return pa.array([text and _zoned(_formed(text, form), zone) for text in column.to_pylist()], pa.string())
    read = _counted if "unit" in rule else _zoned
    stated = str(rule.get("unit") or rule.get("time_zone"))
    return pa.array([text and read(text, stated) for text in column.to_pylist()], pa.string())


def _formed(text: str, form: str) -> str:
    """20261123140500 (or 261123140500, as terminals write it), or days since 1899-12-30, in ISO; what is written
    otherwise stays, with the form, for the contract to refuse."""
    try:
        if form == "excel":
            return str(pd.Timestamp("1899-12-30") + pd.Timedelta(seconds=round(Decimal(text) * 86400)))
        if not text.isdecimal() or len(text) not in (12, 14):
            raise ValueError(text)
        return str(pd.to_datetime(text if len(text) == 14 else f"20{text}", format="%Y%m%d%H%M%S"))
    except (ArithmeticError, ValueError):
        return f"{text} {form}"


def _counted(text: str, unit: str) -> str:
    try:
        return (
            dt.datetime.fromtimestamp(0, SHANGHAI) + dt.timedelta(seconds=float(Decimal(text) / PER_SECOND[unit]))
        ).strftime(TIME)
    except (ArithmeticError, ValueError):
        return f"{text} {unit}"  # no such instant, and it must not be read as another


def _zoned(text: str, zone: str) -> str:
    """A value that states its own offset is believed before the rule."""
    try:
        moment = dt.datetime.fromisoformat(_moment(text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(SHANGHAI).strftime(TIME)
    except (ValueError, OverflowError):
        return f"{text} {zone}"


def _iso(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Days and instants as people and spreadsheets write them (2022.9.1, 2022年9月1日, 45000) in ISO; what is none of
    these stays for the contract to refuse."""
    fine = pc.match_substring_regex(column, r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?.*)?$")
    if pc.all(fine).as_py() is not False:
        return column
    return pa.array(
        [
            value if value is None or good else _moment(value)
            for value, good in zip(column.to_pylist(), fine.to_pylist(), strict=True)
        ],
        pa.string(),
    )


def _moment(text: str) -> str:
    text = text.strip()
    day = DAY.fullmatch(text)
    if day:
        year, month, number, *clock = day.groups()
        tail = f" {int(clock[0]):02d}:{clock[1]}:{clock[2] or '00'}" if clock[0] else ""
        return f"{year}-{int(month):02d}-{int(number):02d}{tail}"
    month_only, digits = MONTH.fullmatch(text), DIGITS.fullmatch(text)
    if month_only:
        return f"{month_only[1]}-{int(month_only[2]):02d}-01"
    if digits:
        return "-".join(digits.groups())
    if SERIAL.fullmatch(text):  # days since 1899-12-30, as a spreadsheet counts them
        moment = pd.Timestamp("1899-12-30") + pd.Timedelta(seconds=round(float(text) * 86400))
        return moment.strftime("%Y-%m-%d" if moment == moment.normalize() else TIME)
    return text
