"""A question cut into terms: the longest known words first at each place, what is not known in one piece."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from warehouse.insight.questions import dates, lexicon
from warehouse.insight.questions.lexicon import Kind, Sense
from warehouse.insight.search import text
from warehouse.query.snapshot import Snapshot

PLATE = re.compile(r"[\u4e00-\u9fff][a-z][a-z0-9]{5,6}")
TOP = re.compile(
    rf"(?P<side>前|后|倒数)第?(?P<number>{dates.NUMBER})(?:名|个|家|位)?|(?P<plain>{dates.NUMBER})(?:名|个|家)"
)
MOST_NAMESAKES = 8
SHORTEST_NAME = 2
"""Fewer characters are part of too many names."""


@dataclass(frozen=True)
class Term:
    """Words of the question, text[start:end], and what they were understood as."""

    kind: Kind
    value: str
    start: int
    end: int


def cut(book: Snapshot, question: str) -> tuple[Term, ...]:
    """All terms of a question (lexicon.plain), in order; none of its characters is left out. Days are relative to the day
    of the snapshot."""
    known = book.remember(("question words",), lambda: lexicon.of_book(book, sites(book)))
    return tuple(_named(book, term, question) for term in _cut(book, question, known))


def sites(book: Snapshot) -> list[tuple[str, str]]:
    """Key and name of each site of the register."""
    return [(str(key), str(name)) for key, name, _ in book.ask(text("site_names"))]


def _cut(book: Snapshot, question: str, known: dict[str, Sense]) -> Iterator[Term]:
    """The question cut into terms, the longest words first at each place; what is not known in one piece."""
    low, today = question.lower(), book.generation.built_at.date()
    longest = max(map(len, known))
    place, unknown = 0, 0
    while place < len(low):
        end, sense = _at(book, low, place, longest, known, today)
        if sense is None:
            place += 1
            continue
        if unknown < place:
            yield Term("unknown", "", unknown, place)
        yield Term(sense.kind, sense.value, place, end)
        place = unknown = end
    if unknown < place:
        yield Term("unknown", "", unknown, place)


def _at(
    book: Snapshot, low: str, place: int, longest: int, known: dict[str, Sense], today: dt.date
) -> tuple[int, Sense | None]:
    """Where the words that begin there end, and what they mean; None for none that are known."""
    found: list[tuple[int, Sense]] = []
    for end in range(min(len(low), place + longest), place, -1):
        if low[place:end] in known:
            found.append((end, known[low[place:end]]))
            break
    time = dates.read(low, place, today)
    if time is not None:
        end, period = time
        found.append((end, Sense("future") if isinstance(period, str) else Sense("period", period.word)))
    if (plate := PLATE.match(low, place)) is not None and (keys := _vehicles(book, plate[0])):
        found.append((plate.end(), Sense("vehicle", ",".join(keys))))
    if (top := TOP.match(low, place)) is not None:
        side = {"前": "top", None: ""}.get(top["side"], "worst")
        with suppress(ValueError):  # 一一名 is no number
            found.append((top.end(), Sense("top", f"{dates.numeral(top['number'] or top['plain'])},{side}")))
    return max(found, key=lambda one: one[0], default=(place, None))


def _vehicles(book: Snapshot, number: str) -> list[str]:
    rows = book.ask(text("vehicles_by_plate"), {"typed": f"{number.upper()}#", "most": MOST_NAMESAKES})
    return [str(key) for key, _ in rows]


def _named(book: Snapshot, term: Term, question: str) -> Term:
    """A company by part of its name, where that is what the unknown words are."""
    part = question[term.start : term.end].strip().lower()
    if term.kind != "unknown" or len(part) < SHORTEST_NAME:
        return term
    codes = [place.code for place in book.places("company") if part in lexicon.plain(place.label).lower()]
    if len(codes) == 1:
        return replace(term, kind="place", value=codes[0])
    return replace(term, kind="several", value=",".join(codes)) if 1 < len(codes) <= MOST_NAMESAKES else term
