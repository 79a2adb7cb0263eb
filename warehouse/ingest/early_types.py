"""Texts that become values where they are read, so that millions of rows need no text each. Owns which may: a text that
the value would be written as again, digit for digit; so nothing is lost, and what is listed in quarantine is what stood
there. All others stay text, for the contract to judge.

Runs in the parsing child only, but for the way back (at)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.catalog.schema import Column

SHORT = r"^(0|-?[1-9][0-9]{0,9})$"
"""Whole numbers of up to ten digits: eleven may be a telephone number, which is looked for in texts."""
MOMENT = r"^(19|20|21)\d\d-\d\d-\d\d \d\d:\d\d:\d\d$"
FORM = "%Y-%m-%d %H:%M:%S"
KINDS = {
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UINTEGER": pa.uint32(),
    "TIMESTAMP": pa.timestamp("us"),
}
ROW = "_row"
"""The column that says which row of its payload (from 0) one is."""


@dataclass(frozen=True)
class Split:
    """The rows of a payload in two parts: plain ones, all of whose cells became values where their column's type has
    values here (KINDS), as an Arrow stream that `stream` opens from its beginning, and `odd` ones, all text. Both carry
    ROW. num_rows: of both."""

    stream: Callable[[], pa.RecordBatchReader]
    odd: pa.Table
    num_rows: int

    def pieces(self) -> Iterator[pa.Table]:
        """The rows, so many at a time as were read together; the odd ones last."""
        for batch in self.stream():
            yield pa.Table.from_batches([batch])
        if self.odd.num_rows or not self.num_rows:
            yield self.odd


Rows: TypeAlias = pa.Table | Split
"""The rows of a payload: all text, or in two parts."""
Cells: TypeAlias = pa.Array
"""Cells of a column: text, a dictionary of texts, or whole numbers (64 bits) where the payload has such."""


def is_value(kind: pa.DataType) -> bool:
    """Whether a column of that Arrow type came as values, not as text."""
    return kind in KINDS.values()


def values(cells: Cells, column: Column) -> tuple[pa.Array, pa.Array]:
    """(the values of a column of KINDS, None where a cell is empty or odd; mask of the odd ones)."""
    if isinstance(cells, pa.DictionaryArray):
        found, odd = values(cells.dictionary, column)
        return found.take(cells.indices), pc.fill_null(odd.take(cells.indices), False)
    kind = KINDS[column.type]
    if pa.types.is_timestamp(kind):
        found = _moments(text(cells)).cast(kind)
    else:
        whole = cells if pa.types.is_int64(cells.type) else _whole_numbers(cells)
        least, most = LIMITS[kind]
        fits = pc.and_(pc.greater_equal(whole, least), pc.less_equal(whole, most))
        found = pc.if_else(fits, whole, pa.scalar(None, pa.int64())).cast(kind)
    return found, pc.and_(pc.is_null(found), pc.is_valid(cells))


def _whole_numbers(texts: pa.StringArray) -> pa.Array:
    return _fitting(texts, SHORT).cast(pa.int64())


def _moments(texts: pa.StringArray) -> pa.Array:
    seconds = pc.strptime(_fitting(texts, MOMENT), format=FORM, unit="s", error_is_null=True)
    again = pc.strftime(seconds, format=FORM)  # the 30th of February was read as a day of March
    return pc.if_else(pc.equal(again, texts), seconds, pa.scalar(None, seconds.type))


def _fitting(texts: pa.StringArray, form: str) -> pa.StringArray:
    fits = pc.fill_null(pc.match_substring_regex(texts, form), True)
    return texts if pc.all(fits).as_py() is not False else pc.if_else(fits, texts, pa.scalar(None, pa.string()))


MOST = 9_999_999_999
"""As far as SHORT goes."""
LIMITS = {
    pa.int16(): (-(1 << 15), (1 << 15) - 1),
    pa.int32(): (-(1 << 31), (1 << 31) - 1),
    pa.int64(): (-MOST, MOST),
    pa.uint32(): (0, (1 << 32) - 1),
}


def text(cells: Cells) -> pa.StringArray:
    """Cells as text, each in its place."""
    if isinstance(cells, pa.DictionaryArray):
        return cells.dictionary.take(cells.indices)
    return cells.cast(pa.string())


def words(cells: Cells) -> pa.DictionaryArray:
    """Cells of text as a dictionary."""
    if isinstance(cells, pa.DictionaryArray):
        return cells if cells.dictionary.null_count == 0 else text(cells).dictionary_encode()
    return text(cells).dictionary_encode()


def is_ascii(cells: Cells) -> bool:
    """Whether every text is ASCII."""
    some = cells.dictionary if isinstance(cells, pa.DictionaryArray) else cells
    return pc.all(pc.string_is_ascii(some)).as_py() is not False


def each(cells: Cells, act: Callable[[pa.ChunkedArray], pa.ChunkedArray | pa.Array]) -> Cells:
    """The same cells after `act`, which is done once to each different text where these are known."""
    if isinstance(cells, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(cells.indices, _joined(act(pa.chunked_array([cells.dictionary]))))
    return _joined(act(pa.chunked_array([cells])))


def _joined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def at(rows: Split, numbers: Sequence[int]) -> pa.Table:
    """The rows of those numbers as they were read: text in every column but ROW."""
    chosen = pa.array(numbers, pa.int64())
    found = (
        [piece.filter(pc.is_in(piece[ROW], chosen)) for piece in rows.pieces()] if numbers else [rows.odd.slice(0, 0)]
    )
    return pa.concat_tables(
        [
            pa.table({name: some[name] if name == ROW else _written(some[name]) for name in some.column_names})
            for some in found
        ],
        promote_options="default",
    )


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s")), format=FORM)
    return column.cast(pa.string())
