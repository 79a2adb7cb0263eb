"""Which column of theirs may be one of ours: by what both are called, and by what stands in it. Owns the two scores and the
bar that a suggestion must pass; decides nothing, an operator writes the mapping."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from warehouse.catalog.schema import Column
from warehouse.core.database import Writer
from warehouse.ingest import verdicts
from warehouse.ingest.table_headers import plain

NEAR, CLEAR = 0.6, 0.9
"""A name at least this near is suggested; one this near needs nothing to speak for it."""
NAMED_A_LITTLE, FITTING = 0.34, 0.9
"""A name that is near by so little is suggested where so many of the values could stand in our column, and not just
anything could."""

Values = list[str | None]


def columns(writer: Writer, wanted: Iterable[Column], theirs: Mapping[str, Values]) -> dict[str, tuple[str, str]]:
    """Our column → (theirs, why) for those of `wanted` that one of theirs comes near, each of theirs once, the surest
    first. theirs: name → some of its values, [] = not known. Writes only temp tables."""
    scored = []
    for column in wanted:
        for name, values in theirs.items():
            near, share = _near(column, name), verdicts.share(writer, column, values)
            if share is not None and share < FITTING and near < CLEAR:
                continue  # what stands there could not be loaded as this column, and it is not called so either
            if near >= NEAR or (share is not None and near >= NAMED_A_LITTLE):
                scored.append((near + (share or 0.0) / 2, column.name, name, _why(near, share)))
    found: dict[str, tuple[str, str]] = {}
    for _, ours, name, why in sorted(scored, reverse=True):
        if ours not in found and name not in {used for used, _ in found.values()}:
            found[ours] = (name, why)
    return found


def _near(column: Column, name: str) -> float:
    """How near a name is to what our column is called: its name, the source's usual one, its label."""
    called = {column.name, column.source, *re.split(r"\W+", column.label), column.label.partition("（")[0]}
    other = plain(name).lower()
    return max(difflib.SequenceMatcher(None, plain(one).lower(), other).ratio() for one in called if one)


def _why(near: float, share: float | None) -> str:
    name = "名称相同" if near >= CLEAR else "名称相近"
    if share is None:
        return name
    return f"{name}，内容{'相符' if share >= FITTING else '的写法要对照'}"
