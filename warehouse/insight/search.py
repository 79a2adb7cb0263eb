"""Finding a thing by what people type: part of a name, its pinyin or its initials, a plate, a code. Owns what is
searched and the order of what is found; reads the open file only, so no person can be found here."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from warehouse.catalog.schema import GROUPS
from warehouse.core import statements
from warehouse.query.places import plate
from warehouse.query.snapshot import Snapshot

Kind = Literal["metric", "company", "vehicle", "town", "site", "organisation", "unit", "alarm"]
text = statements.beside(__file__)
LABELS: dict[Kind, str] = {
    "metric": "指标",
    "company": "企业",
    "vehicle": "车辆",
    "town": "镇街",
    "site": "阵地",
    "organisation": "组织",
    "unit": "成员单位",
    "alarm": "报警",
}
MOST = 8
"""Hits of one kind that are shown."""
SHORTEST_ALARM = 8
SHORTEST_PLATE = 3
"""Fewer characters than that are found on half of all plates."""


@dataclass(frozen=True)
class Hit:
    """One thing. key: as its page wants it; note: what tells it from others of that name; rank: 0 starts with what was
    typed, 1 holds it, 2 by pinyin."""

    kind: Kind
    key: str
    label: str
    note: str
    rank: int


def find(book: Snapshot, typed: str) -> dict[Kind, list[Hit]]:
    """Hits by kind, at most MOST of each, the best first; kinds without any are left out. "" finds nothing."""
    words = folded(typed)
    if not words:
        return {}
    hits = [*_named(book, words), *_vehicles(book, words), *_alarms(book, words)]
    by_kind = {
        kind: sorted(
            (hit for hit in hits if hit.kind == kind), key=lambda hit: (hit.rank, len(hit.label), hit.label, hit.key)
        )[:MOST]
        for kind in LABELS
    }
    return {kind: best for kind, best in by_kind.items() if best}


def folded(text: str) -> str:
    """A text as it is compared: full-width and half-width alike, without case, spaces and middle dots."""
    return unicodedata.normalize("NFKC", text).casefold().replace("·", "").replace(" ", "")


def _named(book: Snapshot, words: str) -> list[Hit]:
    towns = {town.code: town.label for town in book.places("town")}
    things: list[tuple[Kind, str, str, str, str]] = [
        ("metric", m.id, m.label, GROUPS[m.group], m.id) for m in book.metrics.values()
    ]
    things += [("town", code, label, "", code) for code, label in towns.items()]
    things += [
        ("company", place.code, place.label, towns.get(place.parent, ""), place.code)
        for place in book.places("company")
    ]
    things += [("site", key, name, towns.get(town, ""), key) for key, name, town in book.ask(text("site_names"))]
    things += [("organisation", key, name, kind, key) for key, name, kind in book.ask(text("organisation_names"))]
    things += [("unit", key, name, "", key) for key, name in book.ask(text("unit_names"))]
    hits = ((kind, key, label, note, _rank(words, label, code)) for kind, key, label, note, code in things)
    return [Hit(kind, key, label, note, rank) for kind, key, label, note, rank in hits if rank is not None]


def _rank(words: str, label: str, code: str) -> int | None:
    plain = folded(label)
    if plain.startswith(words) or code.casefold() == words:
        return 0
    if words in plain:
        return 1
    if not words.isascii():
        return None
    initials, spelled = pinyin(label)
    return 2 if words in initials or (len(words) > 2 and words in spelled) else None


@lru_cache(maxsize=16_384)
def pinyin(label: str) -> tuple[str, str]:
    """Initials and full spelling of a name, lower case, other characters as they are: 良渚街道 → ("lzjd",
    "liangzhujiedao")."""
    from pypinyin import Style, lazy_pinyin  # 30 MB of words, which only who types letters needs

    return "".join(lazy_pinyin(label, style=Style.FIRST_LETTER)).casefold(), "".join(lazy_pinyin(label)).casefold()


def _vehicles(book: Snapshot, words: str) -> list[Hit]:
    if len(words) < SHORTEST_PLATE:
        return []
    rows = book.ask(text("vehicles_by_plate"), {"typed": words.upper(), "most": MOST})
    return [Hit("vehicle", key, plate(key), owner, 0 if key.startswith(words.upper()) else 1) for key, owner in rows]


def _alarms(book: Snapshot, words: str) -> list[Hit]:
    """The alarm of exactly that number."""
    if len(words) < SHORTEST_ALARM:
        return []
    uid = words.upper()
    alarms = book.records(text("alarm"), {"uid": uid})
    return [Hit("alarm", uid, f"{alarm['kind']} {alarm['raised_at']:%m-%d %H:%M}", uid, 0) for alarm in alarms]
