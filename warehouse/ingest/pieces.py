"""A payload of millions of positions read piece by piece, typed on the way. Owns the parts of an early_types.Split; what
it does not know is read whole, as text (parse), to the same end.

Runs in the parsing child only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.catalog.contracts import code_columns, contracts
from warehouse.catalog.schema import Column
from warehouse.core.errors import ContractBroken
from warehouse.ingest import csv_chunks, early_types, parse
from warehouse.ingest.column_rules import theirs
from warehouse.ingest.csv_chunks import NotPlain
from warehouse.ingest.early_types import ROW, Cells, Rows, Split
from warehouse.ingest.landing import Landed
from warehouse.ingest.table_headers import plain

JSON_ROWS = 100_000
"""Rows of JSON that are typed together."""
WORDS = pa.dictionary(pa.int32(), pa.string())
Piece = tuple[dict[str, Cells], int]
"""(their column → its cells, rows)."""


def rows(note: Landed, body: bytes) -> Rows:
    """The rows of a payload: split where it may be, else as parse reads them. Raises as parse does."""
    sink = pa.BufferOutputStream()
    found = split(note, body, sink)
    if found is None:
        return parse.parse(note, body)
    stream = sink.getvalue()
    return Split(lambda: pa.ipc.open_stream(stream), *found)


def split(note: Landed, body: bytes, sink: pa.NativeFile) -> tuple[pa.Table, int] | None:
    """Writes the plain rows of a payload to `sink`, as an Arrow stream, and returns the odd ones and how many there are
    of both. None where it is to be read whole; what is in `sink` is nothing then."""
    contract = contracts().get(note.table)
    if contract is None or contract.load != "lake" or note.mapping.get("hook") or note.mapping.get("where"):
        return None
    columns = {column.name: column for column in contract.stored if column.source == column.name}
    odd: list[pa.Table] = []
    writer, count = None, 0
    try:
        for cells, number in _pieces(note, body, columns):
            plain_rows, odd_rows = _parted(_mapped(note, cells, columns, number), columns, number, count)
            count += number
            odd.append(odd_rows)
            if writer is None:
                writer = pa.ipc.new_stream(sink, plain_rows.schema)
            writer.write_table(plain_rows)
    except (NotPlain, ContractBroken, *parse.JSON_FAULTS):
        return None  # whoever reads it whole says what is wrong
    if writer is None:
        return None
    writer.close()
    return pa.concat_tables(odd, promote_options="default"), count


def _pieces(note: Landed, body: bytes, columns: dict[str, Column]) -> Iterator[Piece]:
    if note.kind in parse.FILES:
        long = {name for name, column in columns.items() if column.type == "BIGINT"}
        headers = {plain(name) for ours, rule in parse.rules(note).items() if ours in long for name in theirs(rule)}
        mapping = {**note.mapping, "wanted": parse.wanted(note)}
        for table in csv_chunks.read(body, mapping, headers or long):
            yield {name: table[name].combine_chunks() for name in table.column_names}, table.num_rows
    elif note.kind in ("json_pages", "json_rows"):
        waiting: list[dict[str, Any]] = []
        for some in parse.json_rows(note, body):
            waiting += some
            if len(waiting) >= JSON_ROWS:
                yield _json(note, waiting)
                waiting = []
        if waiting:
            yield _json(note, waiting)
    else:
        raise NotPlain


def _json(note: Landed, waiting: list[dict[str, Any]]) -> Piece:
    found = parse.json_columns(note, waiting)
    return {name: _json_cells(values) for name, values in found.items()}, len(waiting)


def _json_cells(values: list[Any]) -> Cells:
    """Numbers that are whole stay numbers, everything else is its text."""
    try:
        cells = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        cells = pa.nulls(0)
    if pa.types.is_int64(cells.type):
        return cells
    if not pa.types.is_string(cells.type):
        return pa.array(map(parse.text, values), pa.string())
    words = cells.dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        words.indices, pc.if_else(pc.equal(words.dictionary, ""), pa.scalar(None, pa.string()), words.dictionary)
    )


def _mapped(note: Landed, cells: dict[str, Cells], columns: dict[str, Column], count: int) -> dict[str, Cells]:
    """Our columns as the mapping makes them of theirs."""
    out: dict[str, Cells] = {}
    for ours, names in parse.assigned(list(cells), note).items():
        if ours not in columns:
            continue  # no column of the table: it goes no further
        if len(names) > 1:
            raise NotPlain
        column = cells[names[0]]
        if pa.types.is_int64(column.type) and (parse.rules(note) or columns[ours].type not in early_types.KINDS):
            column = column.cast(pa.string())
        if not pa.types.is_int64(column.type):
            if ours in code_columns() and not early_types.is_ascii(column):
                raise NotPlain  # one code that is not ASCII changes how all of them are compared
            column = early_types.each(column, lambda some, ours=ours: parse.as_mapped(some, ours, note))  # type: ignore[misc]
        out[ours] = column
    for ours, value in parse.constants(note).items():
        out[ours] = pa.DictionaryArray.from_arrays(
            pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([value], pa.string())
        )
    return out


def _parted(cells: dict[str, Cells], columns: dict[str, Column], count: int, before: int) -> tuple[pa.Table, pa.Table]:
    """(plain, odd) rows of a piece that stands behind `before` rows; each with every column of `columns`."""
    found, odd = dict[str, pa.Array](), pa.repeat(pa.scalar(False), count)
    for name, column in columns.items():
        if name not in cells:
            found[name] = pa.nulls(count, early_types.KINDS.get(column.type, WORDS))
        elif column.type in early_types.KINDS:
            found[name], is_odd = early_types.values(cells[name], column)
            odd = pc.or_(odd, is_odd)
        else:
            found[name] = early_types.words(cells[name])
    numbers = pa.array(np.arange(before, before + count))
    plain_rows = pa.table({**found, ROW: numbers})
    if not pc.any(odd).as_py():
        return plain_rows, plain_rows.slice(0, 0).select([ROW])
    where = pc.indices_nonzero(odd)
    texts = {name: early_types.text(column.take(where)) for name, column in cells.items() if name in columns}
    return plain_rows.filter(pc.invert(odd)), pa.table({**texts, ROW: numbers.take(where)})
