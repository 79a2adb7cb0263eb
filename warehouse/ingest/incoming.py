"""What comes before the judge: the rows of payloads after the privacy filter, with where they stood. Owns `incoming` and
how `batch` is filled from it: small payloads at once, positions piece by piece, so that a day of them fits."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import orjson
import pyarrow as pa

from warehouse.catalog.schema import Contract
from warehouse.core.database import Writer
from warehouse.core.units import naive
from warehouse.ingest import early_types, parse, verdicts
from warehouse.ingest.early_types import ROW, Rows, Split
from warehouse.ingest.landing import Landed
from warehouse.ingest.pseudonymize import PrivacyFilter

FEW = 1000
"""A payload of fewer rows is read in less time than the statement that reads it is improved in."""


def table(contract: Contract, privacy: PrivacyFilter, note: Landed, rows: pa.Table) -> pa.Table:
    """The stored columns of rows of text (or of one part of a Split), and what is known of each row: its number (from
    0), payload, landing time, and cell in its file."""
    passed, count = privacy.pass_through(contract, rows), rows.num_rows
    lines, letters = parse.cells(rows)
    named = {column.name: letters.get(column.name) or letters.get(column.source) for column in contract.stored}
    places = orjson.dumps({name: letter for name, letter in named.items() if letter}).decode()
    facts = {
        "_line": pa.array(lines, pa.int64()) if lines else pa.nulls(count, pa.int64()),
        "_letters": pa.repeat(places, count) if letters else pa.nulls(count, pa.string()),
        ROW: rows[ROW] if ROW in rows.column_names else pa.array(np.arange(count)),
        "_seq": pa.repeat(pa.scalar(note.seq, pa.int64()), count),
        "_landed": pa.repeat(pa.scalar(naive(note.landed_at), pa.timestamp("us")), count),
    }
    for name, values in facts.items():
        passed = passed.append_column(name, values)
    return passed


class Incoming:
    """The rows of payloads of one table on their way into `batch`. A Split comes alone."""

    def __init__(self, contract: Contract, privacy: PrivacyFilter, payloads: list[tuple[Landed, Rows]]) -> None:
        self._contract, self._privacy, self._first = contract, privacy, payloads[0][0]
        texts = [table(contract, privacy, note, rows) for note, rows in payloads if not isinstance(rows, Split)]
        self._whole = pa.concat_tables(texts) if texts else None
        self._split = next((rows for _, rows in payloads if isinstance(rows, Split)), None)

    def judge(self, writer: Writer) -> None:
        """Leaves all rows as temp table `batch` (verdicts.typed)."""
        pieces = [self._whole] if self._split is None else map(self._passed, self._split.pieces())
        for number, piece in enumerate(pieces):
            early = [name for name in piece.column_names if early_types.is_value(piece[name].type)]
            small = writer.unoptimized() if piece.num_rows < FEW else nullcontext()
            with writer.registered(incoming=piece), small:
                verdicts.typed(writer, self._contract, self._first, early=early, more=number > 0)

    def texts(self, writer: Writer, which: str) -> pa.Table:
        """The rows as they were read, all columns text: of a Split those whose numbers `which` selects (SQL), else
        all."""
        if self._split is None:
            return self._whole
        return self._passed(early_types.at(self._split, [number for (number,) in writer.execute(which)]))

    def _passed(self, rows: pa.Table) -> pa.Table:
        return table(self._contract, self._privacy, self._first, rows)
