"""What is hidden about persons cannot be worked out: an attacker with a linear programme, who knows the rule, how many
drivers each company has and everything that is published, stays as far from every company as the rule promises."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import highspy
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from warehouse.build import person_places
from warehouse.build.disclosure import POOL, Row, Rule, is_safe, published
from warehouse.build.disclosure_audit import Known, breaches, interval
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span
from warehouse.compile.reading import DISTRICT
from warehouse.core.database import Writer

RULE = Rule()
DAY = dt.date(2026, 10, 31)
MONTH = Span(DAY, DAY, DAY)
PARTY = [metric for metric in metrics().values() if metric.family == "party"]


@dataclass(frozen=True)
class Firm:
    """A company: its town, its drivers, how many of them are members, and how many of these show it."""

    town: int
    drivers: int
    members: int
    lit: int


@st.composite
def firms(draw: st.DrawFn) -> list[Firm]:
    found = []
    for _ in range(draw(st.integers(1, 24))):
        drivers = draw(st.sampled_from([1, 1, 1, 2, 3, 6, 12, 25, 40]))
        members = draw(st.integers(0, drivers) | st.sampled_from([0, drivers]))
        found.append(Firm(draw(st.integers(0, 4)), drivers, members, draw(st.integers(0, members))))
    return found


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    folder = tmp_path_factory.mktemp("counts")
    with closing(Writer(folder / "counts.duckdb", folder / "tmp")) as made:
        made.execute(
            """CREATE SCHEMA marts; CREATE TABLE marts.driver_day (day DATE, person_key VARCHAR, company_key VARCHAR, town_code VARCHAR,
                is_member BOOLEAN, is_lit BOOLEAN, is_badged BOOLEAN, is_open_lead BOOLEAN, is_lead BOOLEAN)"""
        )
        yield made


def town(number: int) -> str:
    return f"33011000{number}"


def let_out(writer: Writer, world: list[Firm]) -> list[person_places.Place]:
    """What the product publishes of the party's four numbers in that world."""
    rows = []
    for number, firm in enumerate(world):
        for person in range(firm.drivers):
            is_member, is_lit = person < firm.members, person < firm.lit
            rows.append([f"{number}-{person}", f"firm-{number}", town(firm.town), is_member, is_lit])
    writer.execute("DELETE FROM marts.driver_day")
    writer.execute(
        "INSERT INTO marts.driver_day SELECT ?, unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), false, false, false",
        [DAY, *map(list, zip(*rows, strict=True))],
    )
    return published_of(writer, PARTY)


def published_of(writer: Writer, family: list[Metric], item: Span = MONTH) -> list[person_places.Place]:
    return person_places.let_out(person_places.count(writer, family, [item]), item, RULE)


class Attacker:
    """Knows the drivers of every company; learns equations about sums of them."""

    KINDS = 3
    """Of each company: those who are no members, members who do not show it, members who do."""

    def __init__(self, world: list[Firm]) -> None:
        self._solver = highspy.Highs()
        self._solver.setOptionValue("output_flag", False)
        self._world = world
        for firm in world:
            for _ in range(self.KINDS):
                self._solver.addVar(0.0, float(firm.drivers))
        for number, firm in enumerate(world):
            self._learn([number * self.KINDS + kind for kind in range(self.KINDS)], firm.drivers)

    def _learn(self, columns: list[int], total: float) -> None:
        self._solver.addRow(total, total, len(columns), np.array(columns, np.int32), np.ones(len(columns)))

    def told(self, where: list[int], kinds: tuple[int, ...], total: float) -> None:
        """The companies `where` have `total` persons of these kinds together."""
        self._learn([number * self.KINDS + kind for number in where for kind in kinds], total)

    def bounds(self, number: int, kinds: tuple[int, ...]) -> tuple[float, float]:
        """Between which numbers the persons of those kinds at a company lie."""
        found = []
        for sign in (1.0, -1.0):
            for kind in kinds:
                self._solver.changeColCost(number * self.KINDS + kind, sign)
            self._solver.run()
            found.append(sign * self._solver.getInfo().objective_function_value)
        for kind in kinds:
            self._solver.changeColCost(number * self.KINDS + kind, 0.0)
        return float(np.ceil(found[0] - 1e-6)), float(np.floor(found[1] + 1e-6))


SAYS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...] | None]] = {
    "mem_party_driver_cnt": ((1, 2), None),
    "mem_party_share": ((1, 2), None),
    "p2_identity_show_rate": ((2,), (1, 2)),
    "p5_red_heart_rate": ((2,), (1, 2)),
}
"""Metric → the kinds of persons in its numerator and, where they are no secret, in its denominator."""


def everybody(world: list[Firm]) -> list[int]:
    return list(range(len(world)))


def attack(world: list[Firm], places: list[person_places.Place]) -> tuple[Attacker, Attacker]:
    """One who has read the district's numbers, and one who has read everything."""
    outside, inside = Attacker(world), Attacker(world)
    members, lit = sum(firm.members for firm in world), sum(firm.lit for firm in world)
    for reader in (outside, inside):
        reader.told(everybody(world), (1, 2), members)
        reader.told(everybody(world), (2,), lit)
    for one in places:
        where = (
            [number for number, firm in enumerate(world) if town(firm.town) == one.place]
            if one.grain == "town"
            else [int(one.place.removeprefix("firm-"))]
        )
        numerator, denominator = SAYS[one.metric]
        inside.told(where, numerator, one.num)
        if denominator is not None and one.den is not None:
            inside.told(where, denominator, one.den)
    return outside, inside


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=firms())
@example(world=[Firm(0, 40, 20, 10), Firm(0, 1, 1, 0), Firm(0, 1, 1, 0), Firm(0, 1, 1, 0), Firm(1, 40, 20, 10)])
@example(world=[Firm(0, 36, 18, 9), *[Firm(0, 1, 0, 0)] * 4, Firm(1, 40, 20, 10), Firm(2, 40, 20, 10)])
@example(world=[*[Firm(0, 1, 1, 1)] * 12, *[Firm(1, 12, 6, 6)] * 4])
def test_nobody_who_has_read_everything_comes_near_a_company_that_is_not_listed(
    writer: Writer, world: list[Firm]
) -> None:
    places = let_out(writer, world)
    listed = {one.place for one in places if one.grain == "company"}
    outside, inside = attack(world, places)
    for number, firm in enumerate(world):
        if f"firm-{number}" in listed:
            continue
        for kinds in ((1, 2), (2,)):
            low, high = inside.bounds(number, kinds)
            least, most = outside.bounds(number, kinds)
            # what the district's own number says of everybody is no secret
            assert high - low >= min(firm.drivers, RULE.least, most - least), (number, firm, kinds, low, high)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=firms(), data=st.data())
def test_what_one_person_of_a_small_company_is_changes_nothing_about_that_company(
    writer: Writer, world: list[Firm], data: st.DataObject
) -> None:
    """Towns and their pools may move; the company has no trace before and after."""
    small = [number for number, firm in enumerate(world) if firm.drivers < RULE.people]
    if not small:
        return
    number = data.draw(st.sampled_from(small))
    firm = world[number]
    flipped = Firm(firm.town, firm.drivers, firm.drivers - firm.members, 0)
    for one in (world, [*world[:number], flipped, *world[number + 1 :]]):
        assert f"firm-{number}" not in {place.place for place in let_out(writer, one)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=firms())
def test_what_is_published_adds_up_and_the_audit_finds_nothing(writer: Writer, world: list[Firm]) -> None:
    places = let_out(writer, world)
    homes = {f"firm-{number}": town(firm.town) for number, firm in enumerate(world)}
    people: dict[str, float] = {DISTRICT: float(sum(firm.drivers for firm in world))}
    for number, firm in enumerate(world):
        people[f"firm-{number}"] = firm.drivers
        people[town(firm.town)] = people.get(town(firm.town), 0.0) + firm.drivers
    members = sum(firm.members for firm in world)
    seen: dict[str, Known] = {DISTRICT: (members, None)}
    seen |= {one.place: (one.num, one.den) for one in places if one.metric == "mem_party_driver_cnt"}
    towns = sum(num or 0 for place, (num, _) in seen.items() if place not in homes and place != DISTRICT)
    assert towns <= members
    assert not [*breaches(seen, people, homes, RULE, is_secret=True)]


def test_a_slice_of_a_town_is_listed_whole_or_not_at_all_and_only_beside_its_number(writer: Writer) -> None:
    """Each member is a class, and so is who belongs to none; a town whose number is not listed has no slice either."""
    world = [
        Firm(n, size, 20, lit) for n, (size, lit) in enumerate([(60, 10), (50, 10), (45, 10), (40, 2)]) for _ in "ab"
    ]
    let_out(writer, world)
    counted = msgspec.structs.replace(metrics()["mem_party_driver_cnt"], slices=("is_lit",), parts={}, family="")
    places = published_of(writer, [counted])
    own = {one.place: one.num for one in places if one.grain == "town" and not one.slice}
    assert own == {town(number): 40.0 for number in range(4)}
    cut = {(one.place, one.member): one.num for one in places if one.slice}
    # the last town has four who show it: it is pooled, and the next smallest with it
    assert cut == {(town(n), member): 20.0 for n in (0, 1) for member in ("true", "false")}
    let_out(writer, [*world[:6], *[Firm(3, 40, 1, 0)] * 2])
    places = published_of(writer, [counted])
    listed = {one.place for one in places if one.grain == "town" and not one.slice}
    assert listed == {town(0), town(1)} and {one.place for one in places if one.slice} <= listed


@pytest.mark.parametrize(
    ("km", "listed"),
    [
        ([[100.0] * 12] * 4, {0, 1, 2, 3}),
        ([[100.0] * 12] * 3 + [[1000.0] + [1.0] * 11], {0, 1}),
        ([[100.0] * 12] * 3 + [[1000.0, 900.0] + [10.0] * 10], {0, 1}),
        ([[100.0] * 12] * 3 + [[100.0] * 9], {0, 1}),
        ([[100.0] * 12] * 3 + [[100.0] * 10], {0, 1, 2, 3}),
    ],
    ids=["even", "one has nearly all", "two have nearly all", "nine persons", "ten persons"],
)
def test_a_mean_is_that_of_ten_persons_of_whom_no_two_have_nearly_all(
    writer: Writer, km: list[list[float]], listed: set[int]
) -> None:
    """The pool takes in the smallest of the others, which is the third of three equal towns."""
    rows = [
        [f"{number}-{person}", f"firm-{number}-{person % 3}", town(number), amount]
        for number, amounts in enumerate(km)
        for person, amount in enumerate(amounts)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    writer.execute("DELETE FROM marts.driver_day")
    writer.execute(
        "INSERT INTO marts.driver_day SELECT ?, unnest(?), unnest(?), unnest(?), false, false, false, false, false",
        [DAY, *columns[:3]],
    )
    writer.execute(
        "CREATE OR REPLACE TABLE marts.driver_month AS SELECT ?::DATE AS day, unnest(?) AS person_key, unnest(?) AS company_key, "
        "unnest(?) AS town_code, unnest(?) AS km, 90.0 AS score",
        [DAY.replace(day=1), *columns],
    )
    metric = msgspec.structs.replace(metrics()["rdm_safety_score_avg"], parts={})
    places = published_of(writer, [metric], Span(DAY.replace(day=1), DAY.replace(day=1), DAY))
    towns = {one.place: (one.num, one.den) for one in places if one.grain == "town"}
    # of what they drove nothing leaves, nor of the sum of their points
    assert towns == {town(number): (pytest.approx(90.0), None) for number in listed}


def test_a_company_without_a_driver_on_the_last_day_stands_where_the_mart_puts_it(writer: Writer) -> None:
    writer.execute("DELETE FROM marts.driver_day")
    writer.execute(
        "CREATE OR REPLACE TABLE marts.driver_month AS SELECT ?::DATE AS day, 'a' AS person_key, 'firm-0' AS company_key, "
        "? AS town_code, 100.0 AS km, 90.0 AS score",
        [DAY.replace(day=1), town(0)],
    )
    metric = msgspec.structs.replace(metrics()["rdm_safety_score_avg"], parts={})
    counted = person_places.count(writer, [metric], [Span(DAY.replace(day=1), DAY.replace(day=1), DAY)])
    assert counted.drivers[DAY].homes == {"firm-0": town(0)}


PLANTED: list[tuple[str, dict[str, Known]]] = [
    ("one company alone is missing", {"a": (6, None), "b": (7, None)}),
    ("those that are missing have none", {"a": (6, None), "b": (9, None), "c": (6, None)}),
    ("those that are missing are all members", {"a": (6, None), "b": (7, None), "d": (5, None)}),
]


@pytest.mark.parametrize(("what", "companies"), PLANTED, ids=[what for what, _ in PLANTED])
def test_the_audit_finds_what_somebody_let_out_by_mistake(what: str, companies: dict[str, Known]) -> None:
    """The audit knows nothing of the rule: whatever is published, it works out what that tells."""
    people = {
        "a": 12.0,
        "b": 12.0,
        "c": 12.0,
        "d": 12.0,
        "e": 3.0,
        "330110001": 51.0,
        "330110002": 60.0,
        DISTRICT: 111.0,
    }
    homes = dict.fromkeys("abcde", "330110001")
    total = sum(num or 0 for num, _ in companies.values())
    left = {"a", "b", "c", "d", "e"} - set(companies)
    extra = {"one company alone is missing": 3, "those that are missing have none": 0}.get(
        what, sum(people[place] for place in left)
    )
    seen: dict[str, Known] = {DISTRICT: (50.0, None), "330110001": (total + extra, None), **companies}
    if what == "one company alone is missing":
        seen |= {"c": (6, None), "d": (6, None)}
        seen["330110001"] = (total + 12 + extra, None)
    assert [*breaches(seen, people, homes, RULE, is_secret=False)], what


@pytest.mark.parametrize(
    ("listed", "found"),
    [({"a": 6.0, "b": 7.0}, 1), ({"a": 17.0}, 2), ({"a": 8.0}, 0), ({"a": 20.0}, 2)],
    ids=["one town is missing", "two that have three together", "two that have twelve together", "two that have none"],
)
def test_the_audit_reads_what_one_person_may_have_several_of(listed: dict[str, float], found: int) -> None:
    """Honours, places at courses: how many a town can have is not bound by its drivers."""
    people = {"a": 12.0, "b": 12.0, "c": 4.0, DISTRICT: 28.0}
    seen: dict[str, Known] = {DISTRICT: (20.0, None)} | {place: (num, None) for place, num in listed.items()}
    told = [*breaches(seen, people, {}, Rule(), is_secret=False, is_capped=False)]
    assert len(told) == found


def test_bounds_are_those_of_two_margins() -> None:
    assert interval(3, 10, 100) == (0, 3)
    assert interval(3, 0, 100) == (0, 0)
    assert interval(3, 100, 100) == (3, 3)
    assert interval(36, 25, 40) == (21, 25)


@pytest.mark.parametrize(
    ("people", "classes", "void", "safe"),
    [
        (10, (5, 5), (), True),
        (9, (5, 4), (), False),
        (100, (4, 96), (), False),
        (100, (0, 100), (), False),
        (100, (100, 0), (), False),
        (100, (96, 4), (), False),
        (100, (100, 0), (1,), True),
        (100, (0, 100), (0,), True),
    ],
)
def test_a_row_is_judged_on_both_sides(
    people: float, classes: tuple[float, ...], void: tuple[int, ...], safe: bool
) -> None:
    """Nobody, a handful, all but a handful and all are treated alike, unless the whole district has none of them."""
    assert is_safe(Row("x", people, classes), void, RULE) is safe


def test_a_pool_takes_in_the_smallest_until_it_tells_nothing() -> None:
    rows = [Row("a", 60, (30, 30)), Row("b", 40, (20, 20)), Row("c", 30, (15, 15)), Row("d", 8, (4, 4))]
    whole = Row("", 138, (69, 69))
    assert published(rows, whole, (), RULE, POOL["town"]) == {"a", "b"}
    assert published(rows, whole, (), RULE, POOL["company"]) == {"a"}
    assert published(rows[:3], Row("", 130, (65, 65)), (), RULE, POOL["company"]) == {"a", "b", "c"}
    assert published(rows[:3], Row("", 131, (66, 65)), (), RULE, POOL["company"]) == set(), "one belongs to none"


@pytest.mark.parametrize(("people", "listed"), [(79, {"a"}), (80, {"a", "b"})])
def test_who_counts_in_two_places_makes_the_rest_smaller_than_its_rows(people: float, listed: set[str]) -> None:
    """Nobody in the district is of the second class."""
    rows = [Row("a", 40, (40, 0)), Row("b", 30, (30, 0)), Row("c", 9, (9, 0)), Row("d", 9, (9, 0))]
    assert published(rows, Row("", people, (people, 0)), (1,), RULE, POOL["town"]) == listed


def test_the_bureau_can_only_raise_what_is_promised() -> None:
    assert Rule.of({}) == Rule.of({"person_least": 1, "person_population": 2}) == Rule(5, 10)
    assert Rule.of({"person_least": 8, "person_population": 20}) == Rule(8, 20)


def test_every_metric_about_persons_says_whom_it_could_tell_of(tmp_path: Path) -> None:
    persons = [metric for metric in metrics().values() if metric.person]
    assert len(persons) > 20 and all(metric.population for metric in persons)
    assert all(metric.weighs for metric in persons if metric.unit not in ("ratio", "人", "人次", "项"))
