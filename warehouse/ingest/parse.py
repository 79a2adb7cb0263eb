"""From a landed payload to rows of text under our column names. Owns decoding and the field mapping; judges no value.

Foreign bytes are read in a child process with a memory and time limit (etl hands it the body), so a hostile file can
end the child but not the load."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from operator import itemgetter
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from jmespath.exceptions import JMESPathError

from warehouse.catalog.contracts import code_columns, contracts
from warehouse.catalog.schema import Column
from warehouse.core.errors import ContractBroken
from warehouse.ingest import column_rules, hook, json_paths, tables, times
from warehouse.ingest.column_rules import theirs
from warehouse.ingest.json_paths import at_path
from warehouse.ingest.landing import ACKNOWLEDGEMENT, Landed
from warehouse.ingest.table_headers import plain
from warehouse.ingest.times import TIME

FILES = ("csv", "file")
WHOLE = ("SMALLINT", "INTEGER", "BIGINT", "UINTEGER")
MOMENTS = ("DATE", "TIMESTAMP")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
INVISIBLE = r"\p{Cf}"
NO_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")
SIGNS = bytes(48 if 48 <= sign <= 57 else 101 if sign in b"eE" else 32 for sign in range(256))
"""Every digit as 0, every E as e, all else as a blank: what a double cannot hold is then found ten times faster than by a
pattern."""


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
                "wanted": wanted(note),
                "known": [name for rule in rules(note).values() for name in theirs(rule)],
            },
            counts,
        )
    elif note.kind in ("json_pages", "json_rows", "keys", ACKNOWLEDGEMENT):
        table = _json(note, body)
    else:
        raise ContractBroken(f"未知的载荷类型：{note.kind}", where=note.name)
    if note.mapping.get("hook"):
        table = _hooked(table, note)
    table = _selected(table, note)
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
    known = {ours: places.get(plain(theirs(rule)[0])) for ours, rule in rules(note).items()}
    return orjson.loads(stated.get(b"lines", b"[]")), {
        ours: _letter(place) for ours, place in known.items() if place is not None
    }


def _letter(place: int) -> str:
    """Column (from 0) as a spreadsheet calls it: A, Z, AA."""
    head = _letter(place // 26 - 1) if place >= 26 else ""
    return head + chr(65 + place % 26)


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
    return _written(raw) if _has_long(raw) else found


def _has_long(raw: bytes) -> bool:
    """Whether sixteen digits in a row, or an exponent, stand somewhere."""
    signs = raw.translate(SIGNS)
    return b"0" * 16 in signs or b"0e" in signs


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
    try:
        rows = [row for some in json_rows(note, body) for row in some]
        found = json_columns(note, rows)
        return pa.table({name: pa.array(map(text, values), pa.string()) for name, values in found.items()})
    except JSON_FAULTS as error:
        raise ContractBroken("返回内容不是约定的 JSON", where=f"{note.table} {note.name}") from error


JSON_FAULTS = (ValueError, KeyError, TypeError, AttributeError, JMESPathError)
"""What reading a JSON payload that is not the agreed one may raise."""


def json_rows(note: Landed, body: bytes) -> Iterator[list[dict[str, Any]]]:
    """The rows of each page of a JSON payload. Raises one of JSON_FAULTS."""
    if note.kind == "json_pages":
        for line in body.split(b"\n"):
            if line:
                yield at_path(document(line), note.mapping.get("items", "data.items"))
    else:
        yield document(body)


def json_columns(note: Landed, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The values of each column, as they are. Raises one of JSON_FAULTS."""
    # a column that only a later row has must not be lost: the names of all rows count
    names = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
    found: dict[str, list[Any]]
    if len(names) > 1 and all(len(row) == len(names) for row in rows):  # each has them all
        found = dict(zip(names, map(list, zip(*map(itemgetter(*names), rows), strict=True)), strict=True))
    else:
        found = {name: [row.get(name) for row in rows] for name in names}
    for path in wanted(note, every=True):
        if path not in found and (values := json_paths.column(rows, path)) is not None:
            found[path] = values
    return found


def text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return str(value)


def rules(note: Landed) -> dict[str, dict[str, Any]]:
    columns: dict[str, Any] = note.mapping.get("columns", {})
    return {ours: {"from": theirs} if isinstance(theirs, str) else theirs for ours, theirs in columns.items()}


def _is_ledger(note: Landed) -> bool:
    """A file that somebody keeps: where each value stood is told with it. Files of positions are millions of lines that
    nobody looks at one by one."""
    return note.kind in FILES and contracts()[note.table].load != "lake"


def wanted(note: Landed, *, every: bool = False) -> list[str]:
    """The source's columns that must be there, those that a hook reads in place of the mapping's; `every`: that may
    be."""
    if note.mapping.get("hook"):
        return list(note.mapping.get("reads", ()))
    where = note.mapping.get("where", {})
    return [
        *(name for rule in rules(note).values() if every or not rule.get("optional") for name in theirs(rule)),
        *where,
    ]


def _hooked(table: pa.Table, note: Landed) -> pa.Table:
    """The rows after the bureau's own function; where they stood in their file is not known any more."""
    rows = hook.run(note.mapping["hook"], note.entity, table.to_pylist())
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({str(name): pa.array([text(row.get(name)) for row in rows], pa.string()) for name in names})


def _selected(table: pa.Table, note: Landed) -> pa.Table:
    """The rows that the conditions of `where` let through. A list of keys need not have their columns."""
    found = {plain(name): name for name in reversed(table.column_names)}
    fits = [True] * table.num_rows
    for column, given in note.mapping.get("where", {}).items():
        name = found.get(plain(column))
        if name is not None:
            fits = [
                one and other
                for one, other in zip(fits, column_rules.fits(table[name].to_pylist(), given), strict=True)
            ]
        elif note.kind != "keys" and table.num_columns:
            raise ContractBroken(f"缺少 where 里的列：{column}", where=note.name.split("|")[0])
    if all(fits):
        return table
    stated = dict(table.schema.metadata or {})
    if b"lines" in stated:
        lines = [line for line, one in zip(orjson.loads(stated[b"lines"]), fits, strict=True) if one]
        stated[b"lines"] = orjson.dumps(lines)
    return table.filter(pa.array(fits, pa.bool_())).replace_schema_metadata(stated)


def _mapped(table: pa.Table, note: Landed) -> pa.Table:
    """Renames, converts and completes columns as the mapping says; without one the names are taken as they are."""
    out = {}
    for ours, names in assigned(table.column_names, note).items():
        column = table[names[0]] if len(names) == 1 else _joined(table, names, rules(note)[ours])
        out[ours] = as_mapped(column, ours, note)
    for ours, value in constants(note).items():
        out[ours] = pa.array([value] * table.num_rows, pa.string())
    return pa.table(out) if out else table


def assigned(columns: list[str], note: Landed) -> dict[str, list[str]]:
    """Our column → those of the payload's `columns` that it is made of. Raises ContractBroken naming those that the
    mapping wants and that are not there."""
    stated = rules(note)
    if not stated:
        return {name: [name] for name in columns}
    found = {plain(name): name for name in reversed(columns)}
    absent = [
        name
        for rule in stated.values()
        for name in theirs(rule)
        if plain(name) not in found and not rule.get("optional")
    ]
    if absent and columns:
        # a file without a header begins with somebody's data, which is not repeated here
        seen = columns if len(absent) < len(stated) else ["没有"]
        raise ContractBroken(
            f"缺少列：{'、'.join(absent)}", where=f"{note.name.split('|')[0]}，实际表头：{'、'.join(seen)[:200]}"
        )
    named = {
        ours: [found[plain(name)] for name in theirs(rule) if plain(name) in found] for ours, rule in stated.items()
    }
    return {ours: names for ours, names in named.items() if names}


def as_mapped(column: pa.ChunkedArray, ours: str, note: Landed) -> pa.ChunkedArray | pa.Array:
    """A column of the payload as the mapping makes ours of it."""
    contract = contracts().get(note.table)
    known = {name: one for one in (contract.columns if contract else ()) for name in (one.name, one.source)}.get(ours)
    stated = rules(note)
    if not stated:
        return _normal(column, known)
    is_key = contract is not None and known is not None and known.name in contract.key
    dated = note.kind in FILES and contract is not None and contract.load != "lake"
    return _converted(column, stated[ours], known, is_key=is_key, dated=dated)


def constants(note: Landed) -> dict[str, str | None]:
    """What the mapping writes into a column of ours in every row."""
    return {ours: text(value) for ours, value in {**note.mapping.get("constants", {}), **_ledger(note)}.items()}


def _joined(table: pa.Table, names: list[str], rule: dict[str, Any]) -> pa.ChunkedArray:
    parts = [pc.utf8_trim_whitespace(table[name]).to_pylist() for name in names]
    return pa.chunked_array([pa.array(column_rules.joined(parts, rule), pa.string())])


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
        return {"ledger_at": dt.date(year, month, day).strftime(TIME)}
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
    if any(name in rule for name in column_rules.DONE_HERE):
        column = pa.chunked_array([pa.array(column_rules.carried_out(column.to_pylist(), rule), pa.string())])
    if "scale" in rule:
        return _scaled(column, rule["scale"], whole=kind in WHOLE or kind == "VARCHAR")
    if "time_zone" in rule or "unit" in rule or "time" in rule:
        return times.local(column, rule)
    return times.iso(column) if dated and kind in MOMENTS else column


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
