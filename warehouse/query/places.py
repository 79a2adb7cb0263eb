"""The places of a generation that lie in the reader's scope, and what a number can be split by at one of them."""

from __future__ import annotations

from functools import cached_property

from warehouse.catalog.models import models
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT, Place
from warehouse.core import statements
from warehouse.core.errors import PageMissing, UsageError
from warehouse.query import one_person
from warehouse.query.opened import Opened
from warehouse.query.scope import ELSEWHERE, NAMED_ELSEWHERE

text = statements.beside(__file__)
BELOW = {"district": ("town", "company"), "town": ("company", "vehicle"), "company": ("vehicle",)}
"""What a place can be split into. Thousands of vehicles are read by town or company first."""
PLACES = {"town": "镇街", "company": "企业", "vehicle": "车辆"}
NOBODY = ("", "未知", ELSEWHERE)
"""Members that are none: rows without a town, a company or a word, and those of one outside the scope."""
PLATES = {
    "1": "蓝",
    "2": "黄",
    "3": "黑",
    "4": "白",
    "5": "绿",
    "91": "农黄",
    "92": "农绿",
    "93": "黄绿",
    "94": "渐变绿",
}
"""Colour of a number plate by its code (JT/T 697.7)."""


class Places(Opened):
    """A generation with its places. DISTRICT means all that the scope holds: of one town or company that place, of
    several all of them together."""

    def place(self, code: str) -> Place:
        """The place of that code. Raises UsageError when there is none, PageMissing when the scope has none such: nobody
        learns whether there is one outside."""
        found = self._known_places.get(code)
        if found is None and not self.scope.is_all:
            raise PageMissing()
        if found is None:
            raise UsageError(f"没有这个地方或企业：{code[:32]}", to_do="镇街写 9 位代码，企业写统一社会信用代码")
        return found

    def known(self, code: str) -> Place | None:
        """The place of that code, None when there is none (any more) in the scope."""
        return self._known_places.get(code)

    @cached_property
    def _known_places(self) -> dict[str, Place]:
        listed = [place for grain in ("company", "town") for place in self.places(grain)]
        return {place.code: place for place in [*listed, self.home]} | {DISTRICT: self.home}

    @cached_property
    def home(self) -> Place:
        """The place that is meant where none is named: the district, or what the scope comes to."""
        if self.scope.is_all:
            return Place(DISTRICT, "余杭区", "district")
        return self.parts[0] if len(self.parts) == 1 else self.scope.total(self.parts)

    @cached_property
    def parts(self) -> list[Place]:
        """The places that make the scope, none of them within another; the towns of the district."""
        towns = self.places("town")
        if self.scope.is_all:
            return towns
        within = {town.code for town in towns}
        return [*towns, *(company for company in self.places("company") if company.parent not in within)]

    def is_counted_at_home(self, metric: Metric) -> bool:
        """Whether a metric has a number where no place is named: in the district always; in a scope where it has one of
        every place in it, and of persons, who may be with several of them, only where it is one place."""
        if self.scope.is_all:
            return True
        if self.home.grain != "district":
            return self.home.grain in metric.drill
        grains = {place.grain for place in self.parts}
        return bool(grains) and not metric.person and grains <= set(metric.drill)

    def places(self, grain: str, within: str = DISTRICT) -> list[Place]:
        """Towns, or companies (of a town), in the order of the register; those of the scope."""
        if grain == "district":
            return [self.home]
        if grain == "town":
            return list(
                self.remember(
                    ("towns",),
                    lambda: [Place(code, name, "town", DISTRICT) for code, name in self._reader.rows(text("towns"))],
                )
            )
        everyone: list[Place] = self.remember(
            ("companies",),
            lambda: [Place(key, name, "company", town) for key, name, town in self._reader.rows(text("companies"))],
        )
        return [place for place in everyone if within in (DISTRICT, self.scope.code, place.parent, place.code)]

    @cached_property
    def pooled(self) -> frozenset[str]:
        """Companies with one driver or one vehicle at most, of which alarms, days and ways of the vehicles tell of a
        person; and the companies and towns that are one sum with them, lest it be that of fewer than three."""
        return frozenset(str(key) for (key,) in self.ask(self._pooled_sql))

    @cached_property
    def of_pooled(self) -> str:
        """The condition that a row of a mart is of a company among them."""
        return one_person.among("company_key", self._pooled_sql)

    @cached_property
    def of_pooled_town(self) -> str:
        """The condition that a row of a mart is of a town among them."""
        return one_person.among("town_code", self._pooled_sql)

    @cached_property
    def _pooled_sql(self) -> str:
        """As far as the generation knows it: earlier releases published the owners alone, or not even them."""
        if self._has_table("pooled_owner"):
            return text("pooled_owners")
        return text("one_person_owners" if self._is_judged else "single_vehicle_owners")

    @cached_property
    def _is_judged(self) -> bool:
        """Whether persons of towns and companies were judged as they are today when this generation was published: what
        an earlier release let out below the district is read no more. The same release began to publish the owners that
        are one person."""
        return self._has_table("one_person_owner")

    def dimensions(self, metric: Metric, place: Place) -> dict[str, str]:
        """What a metric can be split by at a place, key → Chinese label: the places below it, then the columns its mart
        declares. A person metric has only the slices that were counted, and those not for a company."""
        found: dict[str, str] = {grain: PLACES[grain] for grain in BELOW[place.grain] if grain in metric.drill}
        if metric.person and place.grain == "company":
            return found
        declared = models()[metric.mart].dimensions
        return found | {
            name: item.label for name, item in declared.items() if not metric.person or name in metric.slices
        }

    def member(self, metric: Metric, dimension: str, code: str) -> str:
        """What a member of a dimension is called; vehicles by their full plate, which no wall and no paper may show."""
        if code.startswith(ELSEWHERE) and dimension in ("town", "company"):
            return NAMED_ELSEWHERE
        if code in NOBODY:
            return "归属待核" if dimension in PLACES else "未知"
        if dimension == "vehicle":
            return plate(code)
        if dimension in PLACES:
            return self._known_places[code].label if code in self._known_places else code
        return models()[metric.mart].dimensions[dimension].members.get(code, code)


def plate(key: str) -> str:
    """A vehicle's key as people write it: 浙A12345 黄."""
    number_, _, colour = key.partition("#")
    return f"{number_} {PLATES.get(colour, '其他')}"
