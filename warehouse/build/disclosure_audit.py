"""The attacker, before every publication: what can be worked out of the counts that leave.

Reads nothing but what is published and what everybody may know (how many drivers each place has), and works out between
which bounds the count of every place lies that is not listed. Whatever lets somebody come closer than `least` persons,
than all persons of a small place, and than the district's number by itself does, is a breach: the windows it is in lose
their towns and companies (fail closed). Knows nothing of how `disclosure` chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from warehouse.build.disclosure import Rule
from warehouse.compile.reading import DISTRICT

Known = tuple[float, float | None]
"""A published numerator and denominator."""


@dataclass(frozen=True)
class Breach:
    """A place of which one window tells too much: it has between low and high persons in a class, of `people`."""

    place: str
    people: float
    low: float
    high: float


def breaches(
    published: Mapping[str, Known],
    people: Mapping[str, float],
    homes: Mapping[str, str],
    rule: Rule,
    is_secret: bool,
    *,
    is_capped: bool = True,
) -> Iterator[Breach]:
    """Of one metric, or one member of its slice, in one window. published: place → what is listed of it, the district
    included; people: place → drivers; homes: company → town. is_secret: whether the denominator is a group that nobody
    may be told to belong to. is_capped: whether a place has no more of it than people; not so of honours, which one
    person can have several of."""
    whole = published.get(DISTRICT)
    if whole is None:
        return
    towns = [place for place in people if place not in homes and place != DISTRICT]
    for classes in _classes(whole, is_secret):
        for parent, children in _groups(towns, homes, published):
            hidden = [place for place in children if place not in published and people.get(place, 0.0) > 0]
            if not hidden:
                continue
            listed = sum(people.get(place, 0.0) for place in children if place in published)
            # some belong to no place: a certificate whose holder has left
            total = max(sum(people[place] for place in hidden), people.get(parent, 0.0) - listed)
            pool = _of(published[parent], classes) - sum(
                _of(published[place], classes) for place in children if place in published
            )
            for place in hidden:
                if is_capped:
                    low, high = interval(people[place], pool, total)
                    least, most = interval(people[place], _of(whole, classes), people.get(DISTRICT, 0.0))
                else:
                    low, high = pool if len(hidden) == 1 else 0.0, pool
                    least, most = 0.0, _of(whole, classes)
                # what the district's own number says of every place is no secret
                if high - low < min(people[place], rule.least, most - least):
                    yield Breach(place, people[place], low, high)


def _classes(whole: Known, is_secret: bool) -> Sequence[str]:
    return ("num", "den") if is_secret and whole[1] is not None else ("num",)


def _of(known: Known, side: str) -> float:
    return float((known[0] if side == "num" else known[1]) or 0.0)


def _groups(
    towns: Sequence[str], homes: Mapping[str, str], published: Mapping[str, Known]
) -> Iterator[tuple[str, list[str]]]:
    """Parents whose number is published, each with the places that it is made of: the district's towns and the
    companies of each listed town; of towns that are not listed, the companies all together."""
    yield DISTRICT, list(towns)
    for town in towns:
        if town in published:
            yield town, [company for company, home in homes.items() if home == town]
    yield (
        DISTRICT,
        [
            *(town for town in towns if town in published),
            *(company for company, home in homes.items() if home not in published),
        ],
    )


def interval(people: float, pool: float, total: float) -> tuple[float, float]:
    """The least and the most of a class that a hidden place of so many people can hold: `pool` of them belong to it
    among the `total` of all hidden places (Fréchet's bounds; for two margins they are what any linear programme would
    find)."""
    return max(0.0, people + pool - total), min(people, pool)
