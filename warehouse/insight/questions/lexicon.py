"""Which words 问数 knows, and what each means: words.toml, and the names of the catalogue and of a book."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from warehouse.catalog.metrics import metrics
from warehouse.core import toml
from warehouse.query.snapshot import Snapshot

FILE = Path(__file__).with_name("words.toml")
QUOTES = str.maketrans("", "", '“”"')
Kind = Literal[
    "metric",
    "noun",
    "population",
    "choose",
    "place",
    "site",
    "vehicle",
    "several",
    "period",
    "grain",
    "order",
    "top",
    "only",
    "part",
    "against",
    "ask",
    "lacks",
    "off_target",
    "page",
    "track",
    "why",
    "drivers",
    "person",
    "future",
    "filler",
    "unknown",
]
"""What words can be: `value` of a term is the metric, the code, the key, the path or the word that it stands for; of
choose the metrics and of several the companies, separated by commas; of part metric/dimension:member."""


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """words.toml: what stands for a thing → its phrases."""

    filler: tuple[str, ...]
    district: tuple[str, ...]
    future: tuple[str, ...]
    person: tuple[str, ...]
    drivers: tuple[str, ...]
    track: tuple[str, ...]
    why: tuple[str, ...]
    lacking: tuple[str, ...]
    off_target: tuple[str, ...]
    compare: tuple[str, ...]
    than: tuple[str, ...]
    trend: tuple[str, ...]
    rank: tuple[str, ...]
    against: dict[str, tuple[str, ...]]
    order: dict[str, tuple[str, ...]]
    grain: dict[str, tuple[str, ...]]
    nouns: dict[str, tuple[str, ...]]
    population: dict[str, tuple[str, ...]]
    choose: dict[str, tuple[str, ...]]
    pages: dict[str, tuple[str, ...]]
    only: dict[str, tuple[str, ...]]
    parts: dict[str, tuple[str, ...]]
    lacks: dict[str, tuple[str, ...]]
    metrics: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Sense:
    """What a phrase means."""

    kind: Kind
    value: str = ""


def plain(text: str) -> str:
    """A text as its words are looked for: full-width and half-width alike, no middle dots. Case stays."""
    return unicodedata.normalize("NFKC", text).replace("·", "").strip()


@cache
def words() -> Words:
    """The file. Raises ConfigError for one that cannot be read, and for a metric that there is not."""
    found = toml.read(FILE, Words)
    parts = [one.partition("/")[0] for one in found.parts]
    named = itertools.chain(parts, found.nouns, found.population, found.lacks, found.metrics, *found.choose.values())
    for metric in named:
        toml.one_of(metric, metrics(), "指标", FILE.name)
    return found


def phrases() -> Iterator[tuple[str, Sense]]:
    """Each phrase that is the same in every book, with what it means. Names of metrics come first."""
    found = words()
    for metric in metrics().values():
        yield metric.label, Sense("metric", metric.id)
    for metric_id, listed in found.metrics.items():
        yield from ((phrase, Sense("metric", metric_id)) for phrase in listed)
    for metric_id, listed in found.lacks.items():
        for before, thing in itertools.product(found.lacking, listed):
            yield before + thing, Sense("lacks", metric_id)
    for phrase, choices in found.choose.items():
        yield phrase, Sense("choose", ",".join(choices))
    tables: dict[Kind, dict[str, tuple[str, ...]]] = {
        "noun": found.nouns,
        "population": found.population,
        "page": found.pages,
        "only": found.only,
        "part": found.parts,
        "against": found.against,
        "order": found.order,
        "grain": found.grain,
        "ask": {"compare": found.compare, "than": found.than, "trend": found.trend, "rank": found.rank},
    }
    for kind, table in tables.items():
        for value, listed in table.items():
            yield from ((phrase, Sense(kind, value)) for phrase in listed)
    lists: dict[Kind, tuple[str, ...]] = {
        "off_target": found.off_target,
        "track": found.track,
        "why": found.why,
        "drivers": found.drivers,
        "person": found.person,
        "future": found.future,
        "filler": found.filler,
    }
    for kind, listed in lists.items():
        yield from ((phrase, Sense(kind)) for phrase in listed)


@cache
def common() -> dict[str, Sense]:
    """The same as a table, as the words are compared. The first sense of a phrase holds."""
    found: dict[str, Sense] = {}
    for phrase, sense in phrases():
        found.setdefault(plain(phrase).lower() or phrase, sense)
        found.setdefault(plain(phrase).translate(QUOTES).lower() or phrase, sense)
    return found


def of_book(book: Snapshot, sites: list[tuple[str, str]]) -> dict[str, Sense]:
    """With the names of a book: towns in full and without 街道 or 镇, companies, sites (key, name)."""
    found = dict(common())
    for key, name in sites:
        found.setdefault(plain(name).lower(), Sense("site", key))
    for place in book.places("company"):
        label = plain(place.label).lower()
        known = found.get(label)
        if known is None or known.kind not in ("place", "several"):
            found[label] = Sense("place", place.code)
        else:
            found[label] = Sense("several", f"{known.value},{place.code}")
    for word in words().district:
        found[word] = Sense("place", book.home.code)
    for place in book.places("town"):
        found.setdefault(place.label.removesuffix("街道").removesuffix("镇"), Sense("place", place.code))
        found[place.label] = Sense("place", place.code)
    return found
