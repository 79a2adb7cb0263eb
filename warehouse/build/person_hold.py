"""What is published about persons below the district stays as it is until enough of them have changed: else a number
that moves by one at the end of a month tells of the one who came, went or changed meanwhile.

Owns marts_person.behind: who was counted, where and how, when a number was published; later corrections of those days
never reach it. A window that has been published is not counted again."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from warehouse.build.disclosure import Standing
from warehouse.build.person_places import OWN, Place
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, below, select
from warehouse.compile.reading import DISTRICT
from warehouse.core.database import Writer

TABLE = """CREATE TABLE IF NOT EXISTS marts_person.behind (metric VARCHAR, slice VARCHAR, start DATE, town VARCHAR,
    company VARCHAR, person UBIGINT, member VARCHAR, num DOUBLE, den DOUBLE)"""
PERSON = re.compile(r"count\(DISTINCT (.+?)\)( FILTER \(.+\))?")
"""A number of persons, and what each of them is told apart by."""
SEPARATOR = "chr(31)"
Behind = tuple[str, str, float, float]
"""Town, company ("" for none), numerator and denominator that a person brings in there."""
TOWN, COMPANY = 0, 1
Who = tuple[str, int, str]
"""Metric, person and member of the slice."""
People = dict[tuple[int, str], list[Behind]]
"""Person and member of the slice → all that the person is in one window."""


@dataclass
class _Difference:
    """Whoever is not the same in two windows, with all that he was and is in them; who of them was or is in a place."""

    sides: dict[Who, tuple[list[Behind], list[Behind]]] = field(default_factory=dict)
    places: dict[str, set[Who]] = field(default_factory=lambda: defaultdict(set))

    def add(self, who: Who, was: list[Behind], has: list[Behind]) -> None:
        self.sides[who] = was, has
        for town, company, *_ in (*was, *has):
            self.places[town].add(who)
            self.places[company].add(who)

    def changed(self, who: Collection[Who], is_inside: Callable[[Behind], bool]) -> Collection[int]:
        """Of these the persons whose part inside has changed, by class: of the numerator, the denominator, and what is
        only in the latter. Who is in two places inside is in it once."""
        found: Counter[tuple[str, str, int]] = Counter()
        for metric, person, member in who:
            sides = self.sides[metric, person, member]
            then, now = (_part(side, is_inside) for side in sides)
            for index, (was, has) in enumerate(zip(then, now, strict=True)):
                found[metric, member, index] += was != has
        return found.values()


def _part(rows: Iterable[Behind], is_inside: Callable[[Behind], bool]) -> tuple[float, float, float]:
    num = den = 0.0
    for one in rows:
        if is_inside(one):
            num, den = max(num, one[2]), max(den, one[3])
    return num, den, den - num


def is_register(metric: Metric) -> bool:
    """Whether it counts all drivers of a place, which everybody knows; only its slices can tell of somebody."""
    return not metric.denominator and not metric.where and metric.numerator == "count(DISTINCT person_key)"


def _of_one(number: str, person: str) -> str:
    """A number where each person stands alone: how many different ones there are is whether there is a row, which a
    table of those already seen need not be made for."""
    found = PERSON.fullmatch(number)
    return f"least(count({person}){found[2] or ''}, 1)" if found and found[1] == person else number


def stored_window(metric: Metric) -> str:
    """The name of the window under which its numbers below the district are stored."""
    return "day" if metric.kind in ("stock", "state") else below(metric)


class Ledger:
    """What is published of one family below the district, window after window."""

    def __init__(self, writer: Writer, family: Sequence[Metric]) -> None:
        self._writer, self._family = writer, family
        self._ids = [metric.id for metric in family]
        self._people: dict[tuple[str, str, dt.date], People] = {}
        self._differences: dict[tuple[tuple[str, str], dt.date, dt.date], _Difference] = {}
        self._shown: dict[tuple[str, str], dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
        newest = writer.execute(
            "SELECT max(start) FROM marts_person.behind WHERE metric IN (SELECT unnest(?))", [self._ids]
        )
        self.newest: dt.date | None = newest[0][0]
        """Start of the last window that was published; None before the first."""
        for row in writer.execute(
            "SELECT metric, coalesce(held_from, win_start), grain, place, slice, member, num, den, NULL, is_withdrawn "
            "FROM marts_person.reading WHERE metric IN (SELECT unnest(?)) AND win_start = ? AND grain <> 'district'",
            [self._ids, self.newest],
        ):
            self._stand(Place(*row))

    def enter(self, spans: Sequence[Span]) -> None:
        """Books who is behind every number of those windows."""
        for metric in self._family:
            for name in ("", *metric.slices):
                if name or not is_register(metric):
                    self._enter(metric, name, spans)

    def _enter(self, metric: Metric, name: str, spans: Sequence[Span]) -> None:
        counted = PERSON.fullmatch(metric.persons or metric.numerator)
        assert counted, metric.id
        columns = ("town_code", "company_key", counted[1])
        key = [f"coalesce(CAST({column} AS VARCHAR), '')" for column in columns]
        key.append(f"coalesce(CAST({name} AS VARCHAR), '未知')" if name else "''")
        bare = msgspec.structs.replace(
            metric,
            parts={},
            numerator=_of_one(metric.numerator, counted[1]),
            denominator=_of_one(metric.denominator, counted[1]),
        )
        sql, bound = select(
            bare, metric.windows[0], spans, "district", member=f"concat_ws({SEPARATOR}, {', '.join(key)})"
        )
        town, company, person, member = (f"split_part(member, {SEPARATOR}, {index})" for index in range(1, 5))
        # who stands in a mart once for each company and once for the town alone is in it as the companies'
        self._writer.execute(
            f"""INSERT INTO marts_person.behind
            SELECT ?, ?, win_start, town, company, md5_number_lower(person), slot, num, den
            FROM (
                SELECT win_start, {town} AS town, {company} AS company, {person} AS person, {member} AS slot,
                    coalesce(num, 0) AS num, coalesce(den, 0) AS den
                FROM ({sql}) WHERE coalesce(num, 0) <> 0 OR coalesce(den, 0) <> 0)
            QUALIFY (company <> '' OR max(company) OVER (PARTITION BY win_start, town, person, slot) = '')
                AND (town <> '' OR max(town) OVER (PARTITION BY win_start, person, slot) = '')""",
            [metric.id, name, *bound],
        )

    def standing(self, cut: tuple[str, str], grain: str, parent: str, start: dt.date) -> Standing | None:
        """What is published of the parent's children as a window is judged that starts on `start`; None for what
        everybody knows."""
        if cut == OWN and len(self._family) == 1 and is_register(self._family[0]):
            return None
        level = TOWN if grain == "town" else COMPANY
        since = self.newest if parent == DISTRICT else self._basis(OWN, parent)

        def of_place(place: str) -> Collection[int]:
            basis = self._basis(cut, place)
            found = self._between(cut, basis, start) if basis else _Difference()
            return found.changed(found.places[place], lambda one: one[level] == place)

        def of_rest(moved: Collection[str]) -> Collection[int]:
            found = self._between(cut, since, start) if since else _Difference()
            if parent == DISTRICT:
                return found.changed(found.sides, lambda one: one[level] not in moved)
            return found.changed(found.places[parent], lambda one: one[TOWN] == parent and one[level] not in moved)

        shown = {place for place, rows in self._shown[cut].items() if rows[0].grain == grain}
        return Standing(frozenset(shown), of_place, of_rest)

    def show(self, item: Span, fresh: Sequence[Place]) -> list[Place]:
        """Takes down what is published anew of a window; returns all that is published of it, with what stays."""
        new: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in fresh:
            new[_table(one)].add(one.place)
        for cut, places in new.items():
            for place in places:
                self._shown[cut].pop(place, None)
        stays = [one for table in self._shown.values() for rows in table.values() for one in rows]
        for one in fresh:
            self._stand(one)
        self.newest = item.start
        self._differences.clear()
        needed = self._needed()
        self._people = {key: people for key, people in self._people.items() if key[2] in needed}
        return [*fresh, *(replace(one, start=item.start, held_from=one.start) for one in stays)]

    def close(self) -> None:
        """Forgets whoever is behind no number that stands."""
        self._writer.execute(
            "DELETE FROM marts_person.behind WHERE metric IN (SELECT unnest(?)) AND start NOT IN (SELECT unnest(?::DATE[]))",
            [self._ids, [*self._needed()]],
        )

    def _needed(self) -> set[dt.date]:
        """Starts of the windows that the next one will be held against."""
        standing = {one.start for table in self._shown.values() for rows in table.values() for one in rows}
        return standing | {self.newest} if self.newest else standing

    def _stand(self, one: Place) -> None:
        self._shown[_table(one)][one.place].append(one)

    def _basis(self, cut: tuple[str, str], place: str) -> dt.date | None:
        rows = self._shown[cut].get(place)
        return rows[0].start if rows else None

    def _between(self, cut: tuple[str, str], since: dt.date, until: dt.date) -> _Difference:
        key = cut, since, until
        if key not in self._differences:
            found = self._differences[key] = _Difference()
            for metric, name in [cut] if cut != OWN else [(one, "") for one in self._ids]:
                then, now = self._of(metric, name, since), self._of(metric, name, until)
                for who, was in then.items():
                    has = now.get(who, [])
                    # nearly everybody is the same in both, and nearly all of them are so in the same order
                    if was != has and set(was) != set(has):
                        found.add((metric, *who), was, has)
                for who in now.keys() - then.keys():
                    found.add((metric, *who), [], now[who])
        return self._differences[key]

    def _of(self, metric: str, name: str, start: dt.date) -> People:
        key = metric, name, start
        if key not in self._people:
            people = self._people[key] = defaultdict(list)
            for person, member, *one in self._writer.execute(
                "SELECT person, member, town, company, num, den FROM marts_person.behind "
                "WHERE metric = ? AND slice = ? AND start = ?",
                [*key],
            ):
                people[person, member].append(tuple(one))
        return self._people[key]


def _table(one: Place) -> tuple[str, str]:
    return (one.metric, one.slice) if one.slice else OWN
