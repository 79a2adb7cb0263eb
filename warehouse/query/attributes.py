"""Attributes that the register tells of every vehicle: energy, class, emission stage. Where a number says what single
vehicles did (one_person), the only new-energy truck of a town is its owner.

Owns which numbers are not shown under such an attribute. Below the district none is: towns, members and their sums would
determine each other. In the district those members are one sum behind which one or two owners stand who are not shown
by themselves, with as many of the smallest others as make it the sum of three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from warehouse.catalog.models import models
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Place
from warehouse.core import statements
from warehouse.query import one_person
from warehouse.query.places import PLACES, Places

text = statements.beside(__file__)
LEAST_OWNERS = 3
Day = dict[str, frozenset[str]]
"""Member of an attribute → owners not shown by themselves who had such a vehicle on that day."""


class Attributes(Places):
    """A generation with what of it is told under an attribute of vehicles."""

    def is_withheld(self, metric: Metric, spot: Place, only: Sequence[tuple[str, str]] = (), by: str = "") -> bool:
        """Whether a number would tell what a single person's vehicle did: of a place, of several of a scope beside
        those of them that are shown, or of the vehicles that a filter (dimension, member) leaves. by: so split."""
        if not one_person.tells_of_vehicles(metric):
            return False
        if spot.code in self.pooled or (spot.code == self.scope.code and self.is_sum_of_few):
            return True
        registered = [(dimension, member) for dimension, member in only if self.is_registered(metric, dimension)]
        if not registered or spot.grain == "company":
            return False
        if len(registered) > 1 or by == "town" or self.is_registered(metric, by) or not self.is_whole(spot):
            return True
        dimension, member = registered[0]
        return member in self.withheld_members(metric, dimension, spot)

    def is_whole(self, spot: Place) -> bool:
        """Whether a place is the district, seen by somebody who sees all of it."""
        return spot.grain == "district" and self.scope.is_all

    def is_registered(self, metric: Metric, dimension: str) -> bool:
        """Whether a dimension of a metric that tells of single vehicles is one that everybody can look up."""
        found = models()[metric.mart].dimensions.get(dimension)
        return found is not None and found.registered and one_person.tells_of_vehicles(metric)

    def withheld_members(self, metric: Metric, dimension: str, spot: Place) -> frozenset[str]:
        """Members of a dimension that are one sum at a place, none of which is shown; in the split by places those
        that stand for several."""
        if dimension in PLACES:
            return frozenset({one_person.POOLED})
        if spot.grain == "company" or not self.is_registered(metric, dimension):
            return frozenset()
        found: frozenset[str] = self.remember(
            ("withheld", metric.mart, dimension), lambda: withheld(self._days(metric.mart, dimension))
        )
        return found

    def dimensions(self, metric: Metric, place: Place) -> dict[str, str]:
        """As Places.dimensions, without what cannot be told there."""
        return {
            name: label
            for name, label in super().dimensions(metric, place).items()
            if place.grain == "company" or self.is_whole(place) or not self.is_registered(metric, name)
        }

    @cached_property
    def is_sum_of_few(self) -> bool:
        """Whether the number of all places of the scope, less those that are shown, is that of fewer than three
        owners."""
        hidden = [place for place in self.parts if place.code in self.pooled]
        towns = [place.code for place in hidden if place.grain == "town"]
        owners = sum(1 for town, _ in self.ask(text("pooled_by_town")) if town in towns)
        return len(hidden) > 0 and owners + len(hidden) - len(towns) < LEAST_OWNERS

    def shows_vehicles_of(self, town: str) -> bool:
        """Whether what single vehicles of a town do may be listed and summed up here: everywhere but in a scope whose
        sum would be that of a few, and there of the towns that are shown."""
        if not self.is_sum_of_few:
            return True
        return town not in self.pooled and any(town == place.code for place in self.parts)

    def _days(self, mart: str, dimension: str) -> list[Day]:
        """The different days there are. Column and mart come from the catalogue."""
        rows = self.ask(f"""SELECT DISTINCT map_from_entries(list((member, owners) ORDER BY member)) FROM (
            SELECT day, coalesce(CAST({dimension} AS VARCHAR), '未知') AS member, list_sort(list(DISTINCT company_key)) AS owners
            FROM marts.{mart} WHERE {self.of_pooled} GROUP BY ALL) GROUP BY day""")
        return [{member: frozenset(owners) for member, owners in found.items()} for (found,) in rows]


def withheld(days: Sequence[Day]) -> frozenset[str]:
    """The members that are one sum: those with one or two owners on any of the days, then the smallest others, until
    on every day nobody or three stand behind it."""
    size = Counter[str]()
    for day in days:
        size.update({member: len(owners) for member, owners in day.items()})
    hidden = {member for day in days for member, owners in day.items() if 0 < len(owners) < LEAST_OWNERS}
    others = sorted(size.keys() - hidden, key=lambda member: (size[member], member), reverse=True)
    while hidden and others and any(0 < len(_behind(day, hidden)) < LEAST_OWNERS for day in days):
        hidden.add(others.pop())
    return frozenset(hidden)


def _behind(day: Day, members: set[str]) -> set[str]:
    return set().union(*(owners for member, owners in day.items() if member in members))
