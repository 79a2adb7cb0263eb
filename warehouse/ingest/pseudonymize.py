"""What happens to personal data before it may enter the warehouse. Owns the identity checks and the pseudonyms.

Nothing that leaves this module holds an identity number, a phone or a full name."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.catalog.schema import Column, Contract
from warehouse.core.keys import Pseudonyms
from warehouse.core.redaction import LIKELY, MANY_DIGITS, blot, identity_number, scrub


def mask_name(text: str) -> str:
    """First character and one star for each that follows: 张*, 欧阳** → 欧***."""
    name = text.strip()
    return name[:1] + "*" * max(len(name) - 1, 1)


def looked_at(values: pa.ChunkedArray, act: Callable[[str], str]) -> pa.ChunkedArray | pa.Array:
    """`values` with `act` done to those that may hold a personal number: nearly none, so that the others cost
    little."""
    if pa.types.is_dictionary(values.type):
        return pa.chunked_array([_each_word(chunk, act) for chunk in values.chunks], values.type)
    if not pa.types.is_string(values.type) or (pc.max(pc.utf8_length(values)).as_py() or 0) < 11:
        return values  # a number that became a value early is none (early_types.SHORT)
    likely = pc.match_substring_regex(values, MANY_DIGITS if act is blot else LIKELY)
    if not pc.any(likely).as_py():
        return values
    return pa.array(
        [
            act(value) if is_likely else value
            for value, is_likely in zip(values.to_pylist(), likely.to_pylist(), strict=True)
        ],
        pa.string(),
    )


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column that the payload left empty throughout has no type of its own."""
    return values.cast(pa.string()) if pa.types.is_null(values.type) else values


def _each_word(cells: pa.DictionaryArray, act: Callable[[str], str]) -> pa.DictionaryArray:
    """The same, each different text once."""
    words = looked_at(pa.chunked_array([cells.dictionary]), act)
    return pa.DictionaryArray.from_arrays(
        cells.indices, words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
    )


class PrivacyFilter:
    """Applies the doors of a contract to a batch; counts what it dropped."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def pass_through(self, contract: Contract, rows: pa.Table) -> pa.Table:
        """`rows` (VARCHAR) with the contract's stored columns only, personal ones replaced, and `_untreated`: the
        columns whose value could not be accepted (D10). Columns that the payload lacks become None."""
        count = rows.num_rows
        out: dict[str, pa.Array | pa.ChunkedArray] = {}
        is_treated = any(column.treatment for column in contract.stored)
        verdict: list[list[str]] = [[] for _ in range(count)] if is_treated else []
        for column in contract.stored:
            if column.source not in rows.column_names:
                # a mapping names our columns, a payload taken as it is names the source's
                out[column.name] = (
                    self._mapped(column, rows[column.name])
                    if column.name in rows.column_names
                    else pa.nulls(count, pa.string())
                )
                continue
            values = rows[column.source]
            if column.fallback and column.fallback in rows.column_names:
                values = pc.coalesce(values, rows[column.fallback])
            out[column.name] = self._safe(column, values, verdict)
        kind = pa.list_(pa.string())
        out["_untreated"] = pa.array(verdict, kind) if is_treated else pa.nulls(count, kind)
        return pa.table(out)

    def shown(self, text: str) -> str:
        """A word from outside that is written down as it is (the name of a file), with the personal numbers in it
        replaced; different ones stay different."""
        return self._scrub(text)

    def _safe(self, column: Column, values: pa.ChunkedArray, verdict: list[list[str]]) -> pa.ChunkedArray | pa.Array:
        values = _as_text(values)
        if column.treatment == "text":
            return looked_at(values, blot)
        if column.treatment:
            return self._through(column, values.to_pylist(), verdict)
        # what is no time stamp does not become one: such a row goes aside, and is blotted there
        return values if column.type in ("TIMESTAMP", "DATE", "BOOLEAN") else looked_at(values, self._scrub)

    def _mapped(self, column: Column, values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        """A value under our own name for it: what should be a pseudonym, a mask or a text already is checked all the
        same."""
        return looked_at(_as_text(values), blot if column.treatment == "text" else self._scrub)

    def _scrub(self, text: str) -> str:
        """A personal number in a column that is meant for something else becomes a word that is the same wherever it is
        met."""
        return scrub(text, lambda number: f"〔已隐去{self._pseudonyms.misplaced(number)}〕")

    def _through(self, column: Column, values: list[str | None], verdict: list[list[str]]) -> pa.Array:
        known: dict[str, str | None] = {}
        act: Callable[[str], str | None] = {
            "person": self._person,
            "holder": self._holder,
            "phone": self._phone,
            "mask_name": mask_name,
            "birth_year": lambda text: text[:4],
        }[column.treatment]
        result: list[str | None] = []
        for index, value in enumerate(values):
            if value is None:
                result.append(None)
                continue
            if value not in known:
                known[value] = act(value)
            if known[value] is None and column.treatment in ("person", "holder"):
                verdict[index].append(column.name)
            result.append(known[value])
        return pa.array(result, pa.string())

    def _person(self, text: str) -> str | None:
        number = identity_number(text)
        return self._pseudonyms.person(number) if number else None

    def _holder(self, text: str) -> str | None:
        """A certificate's holder: a company code or plate#colour stays, an identity number becomes the person's key."""
        if "#" in text or len(text) < 15 or not re.fullmatch(r"['’]?\d{14,17}[\dXx]?", text.strip()):
            return self._scrub(text) if "E+" not in text.upper() else None
        if re.fullmatch(r"\d{15}", text.strip()):
            return None
        if re.fullmatch(r"9\d{16}[\dA-Z]", text.strip()):
            return text
        return self._person(text)

    def _phone(self, text: str) -> str:
        return self._pseudonyms.phone(re.sub(r"\D", "", text))
