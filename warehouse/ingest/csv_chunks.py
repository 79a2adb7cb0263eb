"""A large plain text file read piece by piece, so that what it takes of memory does not grow with it. Owns which files
are plain: the others are read whole, where every oddity has its rule (tables).

Runs in the parsing child only."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from warehouse.ingest import ledgers, tables
from warehouse.ingest.table_headers import plain

PIECE = 32 << 20
"""Bytes of text that are read at a time: about 300,000 positions."""
USUAL = ("", "gb18030")
"""Encodings a mapping may state for a file to be read in pieces: those that every text is tried for."""
WORDS = pa.dictionary(pa.int32(), pa.binary())
SPLITS = ",;\t"
"""Delimiters whose byte is never a part of another character, in UTF-8 and GB18030 alike: the cells of a line can be
told apart before they are decoded, and each different one is decoded once."""
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
LOST = {"utf-8": "\ufffd".encode(), "gb18030": "\ufffd".encode("gb18030")}


class NotPlain(Exception):
    """The file is to be read whole."""


def read(body: bytes, mapping: dict[str, Any], long: Collection[str]) -> Iterator[pa.Table]:
    """The rows of a CSV file in order, of each piece a table: columns of `long` (plain headers, mostly different values)
    as text, the others as a dictionary of texts; an empty cell is None.

    Raises NotPlain, maybe after some pieces, where a quote, a damaged character, a total or note, an empty row, the
    header once more, another encoding or a line of another width is met: what came before is to be forgotten then."""
    if mapping.get("encoding", "") not in USUAL or body[:4] in (tables.ZIP, tables.OLE) or body[:2] in UTF_16:
        raise NotPlain
    encoding, delimiter, skip, header, first, empty = "", "", 0, list[str](), b"", list[bytes]()
    for piece in _pieces(body):
        if not encoding:
            encoding = _encoding(piece)
            piece = piece.removeprefix(b"\xef\xbb\xbf")
            delimiter, skip, header = _header(piece, encoding, mapping)
            first = piece.split(b"\n", skip + 1)[skip].rstrip(b"\r")
            empty = [line.encode() for line in tables.empty_lines(delimiter, len(header))]
            if piece.count(b"\n" + first) + piece.startswith(first) > 1:
                raise NotPlain
            skipped = skip + 1
        else:
            if b"\n" + first in piece or piece.startswith(first):
                raise NotPlain
            skipped = 0
        if any(line in piece or piece.startswith(line[1:]) for line in empty):
            raise NotPlain
        yield _table(piece, header, encoding, delimiter, long, skip=skipped)
    if not encoding:
        raise NotPlain


def _pieces(body: bytes) -> Iterator[bytes]:
    """The bytes of the text, cut behind line ends. Raises NotPlain for what is no plain text."""
    rest, total = b"", 0
    with gzip.GzipFile(fileobj=io.BytesIO(body)) if body[:2] == tables.GZ else io.BytesIO(body) as source:
        while True:
            try:
                raw = source.read(PIECE)
            except (OSError, EOFError):
                raise NotPlain from None
            total += len(raw)
            if total > tables.MOST_BYTES or b'"' in raw or b"\0" in raw:
                raise NotPlain
            if not raw:
                if rest:
                    yield rest
                return
            end = raw.rfind(b"\n") + 1
            if not end and total == len(raw):
                raise NotPlain
            if end:
                yield rest + raw[:end]
                rest = raw[end:]
            else:
                rest += raw


def _encoding(piece: bytes) -> str:
    """What the text is written in, as its first piece shows."""
    try:
        piece.decode()
        return "utf-8"
    except UnicodeDecodeError:
        return "gb18030"


def _header(piece: bytes, encoding: str, mapping: dict[str, Any]) -> tuple[str, int, list[str]]:
    """(delimiter, lines before the header, its names)."""
    text = piece[: 1 << 19].decode(encoding, errors="ignore")
    try:
        delimiter, skip, header = tables.header_of(text, mapping.get("delimiter", ""), mapping.get("wanted", []))
    except csv.Error:
        raise NotPlain from None
    names = [plain(name) for name in header]
    if len(set(names)) < len(names) or not all(names) or delimiter not in SPLITS or text.lstrip()[:1] == "<":
        raise NotPlain
    return delimiter, skip, header


def _table(
    piece: bytes, header: list[str], encoding: str, delimiter: str, long: Collection[str], *, skip: int
) -> pa.Table:
    if LOST[encoding] in piece:
        raise NotPlain
    try:
        table = pcsv.read_csv(
            pa.BufferReader(piece),
            read_options=pcsv.ReadOptions(
                column_names=header, skip_rows=skip, block_size=max(2 * len(piece), 1 << 16), use_threads=False
            ),
            parse_options=pcsv.ParseOptions(delimiter=delimiter),
            convert_options=pcsv.ConvertOptions(
                column_types={name: pa.binary() if plain(name) in long else WORDS for name in header},
                strings_can_be_null=True,
                null_values=[""],
            ),
        ).combine_chunks()
        return pa.table({name: _decoded(table[name], encoding) for name in header})
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise NotPlain from None


def _decoded(column: pa.ChunkedArray, encoding: str) -> pa.Array:
    """Bytes as text; what looks like a total or a note somewhere is not plain."""
    cells = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    if cells.type == WORDS:
        words = _text(cells.dictionary, encoding)
        return pa.DictionaryArray.from_arrays(cells.indices, words)
    return _text(cells, encoding)


def _text(values: pa.BinaryArray, encoding: str) -> pa.StringArray:
    if encoding == "utf-8":
        found = values.cast(pa.string())
    else:
        try:
            found = values.cast(pa.string())
            is_ascii = pc.all(pc.string_is_ascii(found)).as_py() is not False
        except pa.ArrowInvalid:
            is_ascii = False
        if not is_ascii:
            found = pa.array([value and value.decode(encoding) for value in values.to_pylist()], pa.string())
    if pc.all(pc.string_is_ascii(found)).as_py() is False and any(
        pc.any(pc.match_substring(found, sign)).as_py() for sign in ledgers.SIGNS
    ):
        raise NotPlain
    return found
