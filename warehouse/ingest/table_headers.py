"""Where the header of a ledger is: in which rows, and which column carries which name. Knows nothing of files."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import pyarrow as pa

SEARCHED = 20
"""Rows from the top in which a header is looked for."""
Row = list[str | None]


@dataclass
class Found:
    """places: header → column (from 0). labels: header → the ways it is written there. data_from: first row of data.
    missing: wanted headers that are nowhere; seen: the names of the row that came
    closest, [] when none has any of them: a sheet without a header begins with somebody's data."""

    places: dict[str, int] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    data_from: int = 0
    missing: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


def plain(name: str) -> str:
    """A header as it is compared: half-width, without blanks and line breaks."""
    return "".join(unicodedata.normalize("NFKC", name).split()).lstrip("\ufeff")


def placed(table: pa.Table, lines: Sequence[int], places: dict[str, int]) -> pa.Table:
    """`table` with where it stood written into its schema: the line (from 1) of each row, and header → column (from
    0)."""
    return table.replace_schema_metadata({"lines": orjson.dumps(list(lines)), "places": orjson.dumps(places)})


def locate(rows: list[Row], wanted: list[str], known: list[str]) -> Found:
    """The first row, or pair of rows, of the leading SEARCHED that names every header of `wanted`; `known` are all
    headers of interest ([] = every name of the first row that has any). A header in two rows may be called by both
    together or by the lower one alone. Merged cells must have been filled before."""
    if not wanted:
        return _first(rows)
    best = Found(missing=list(wanted))
    for index in range(min(SEARCHED, len(rows))):
        for depth in (1, 2):
            names = _names(rows, index, depth)
            if not names:
                continue
            places = _places(names, [*wanted, *(name for name in known if name not in wanted)])
            missing = [name for name in wanted if name not in places]
            if len(missing) < len(best.missing) or not missing:
                seen = list(dict.fromkeys(item[0] for item in names if item))
                best = Found(
                    places, {name: set(names[place]) for name, place in places.items()}, index + depth, missing, seen
                )
            if not missing:
                return best
    return best


def _first(rows: list[Row]) -> Found:
    for index, row in enumerate(rows[:SEARCHED]):
        if any(row):
            places = {value: place for place, value in reversed(list(enumerate(row))) if value}
            return Found(places, {name: {plain(name)} for name in places}, index + 1)
    return Found()


def _names(rows: list[Row], index: int, depth: int) -> list[list[str]]:
    """For each column the names by which it may be called, fullest first; [] when there are not so many rows."""
    if index + depth > len(rows):
        return []
    top = [plain(value or "") for value in rows[index]]
    if depth == 1:
        return [[name] if name else [] for name in top]
    below = [plain(value or "") for value in rows[index + 1]]
    return [
        list(dict.fromkeys(name for name in (over + under if over != under else over, under or over) if name))
        for over, under in zip(top, below, strict=True)
    ]


def _places(names: list[list[str]], looked_for: list[str]) -> dict[str, int]:
    """Header → its only column. A name that two columns answer to belongs to the one whose full name it is, else to
    none."""
    places = {}
    for name in looked_for:
        full = [place for place, item in enumerate(names) if item and item[0] == plain(name)]
        loose = [place for place, item in enumerate(names) if plain(name) in item]
        if full and len({*full}) == 1:
            places[name] = full[0]
        elif len(full) > 1 and _adjacent(full):
            places[name] = full[0]  # one header cell merged over several columns: its first
        elif not full and len(loose) == 1:
            places[name] = loose[0]
    return places


def _adjacent(places: list[int]) -> bool:
    return places == list(range(places[0], places[-1] + 1))
