"""A number under an attribute that everybody can look up never is that of one or two owners who are not shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models
from warehouse.core.errors import UsageError
from warehouse.insight import operations
from warehouse.query import one_person, records
from warehouse.query.attributes import withheld
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

TELLING = [
    (metric, name)
    for metric in metrics().values()
    if one_person.tells_of_vehicles(metric)
    for name, dimension in models()[metric.mart].dimensions.items()
    if dimension.registered
]


@pytest.fixture(scope="module")
def store(published: Path) -> SnapshotStore:
    return SnapshotStore(published)


@pytest.fixture(scope="module")
def book(store: SnapshotStore) -> Snapshot:
    return store.current(Scope.ALL)


def owners(*words: str) -> dict[str, frozenset[str]]:
    """As "diesel:abc", one letter an owner."""
    return {word.partition(":")[0]: frozenset(word.partition(":")[2]) for word in words}


@pytest.mark.parametrize(
    ("days", "hidden"),
    [
        ([], ""),
        ([owners("diesel:abc", "gas:def")], ""),
        ([owners("diesel:abcd", "electric:e")], "diesel electric"),
        ([owners("diesel:abcdef", "electric:gh", "gas:ijk")], "electric gas"),
        ([owners("diesel:abcdef", "electric:ab", "gas:cd")], "electric gas"),
        ([owners("diesel:abcdef", "electric:a", "gas:a")], "diesel electric gas"),
        ([owners("diesel:abc", "gas:def"), owners("diesel:abc", "gas:d")], "diesel gas"),
        ([owners("diesel:abcdefgh", "electric:a", "gas:bc"), owners("diesel:abcdefgh", "electric:a")], "diesel electric gas"),
    ],
    ids=["nobody", "enough", "the rest joins", "the smallest joins", "two and two are four", "one and the same",
         "on any day", "the sum on any day"],
)  # fmt: skip
def test_what_few_stand_behind_is_one_sum_with_the_smallest_others(
    days: list[dict[str, frozenset[str]]], hidden: str
) -> None:
    assert withheld(days) == frozenset(hidden.split())


def pooled_behind(book: Snapshot, mart: str, where: str) -> list[set[str]]:
    rows = book.ask(f"SELECT list(DISTINCT company_key) FROM marts.{mart} WHERE {where} GROUP BY day")
    return [set(found) & book.pooled for (found,) in rows]


def test_there_are_indicators_that_tell_of_vehicles_by_what_the_register_knows() -> None:
    assert {name for _, name in TELLING} == {"energy", "vehicle_class", "emission_stage"} and len(TELLING) > 20


def test_no_member_of_the_district_is_that_of_one_or_two_owners(book: Snapshot) -> None:
    hidden = 0
    for metric, name in TELLING:
        window = metric.windows[0]
        item = book.spans(metric, window, None)[1]
        for member in book.figures(metric, window, item, book.home, name):
            if member == one_person.POOLED:
                hidden += 1
                continue
            behind = pooled_behind(book, metric.mart, f"coalesce(CAST({name} AS VARCHAR), '未知') = '{member}'")
            assert all(len(one) not in (1, 2) for one in behind), (metric.id, name, member)
    assert hidden, "nothing had to be hidden in this world, so nothing is shown"


def filters(book: Snapshot) -> Iterator[tuple[str, str]]:
    for name in ("energy", "vehicle_class", "emission_stage"):
        rows = book.ask(f"SELECT DISTINCT coalesce(CAST({name} AS VARCHAR), '未知') FROM marts.vehicle_day WHERE is_v")
        yield from ((name, member) for (member,) in rows)


def test_below_the_district_and_under_two_of_them_there_is_no_number(book: Snapshot) -> None:
    metric = metrics()["fleet_online_rate"]
    towns = book.places("town")
    for pair in filters(book):
        assert {one.status for one in book.by(metric.id, "day", None, "town", only=(pair,))} == {"small_cell"}
        for town in towns[:3]:
            assert book.read(metric.id, "day", place=town.code, only=(pair,)).status == "small_cell"
            assert all(p.num is None for p in book.series(metric.id, "day", 5, place=town.code, only=(pair,)))
            listed = records.behind(book, metric.id, "day", None, town.code, (pair,))
            assert listed is not None and not listed.rows and listed.pool is None
    for two in combinations(filters(book), 2):
        if two[0][0] != two[1][0]:
            assert book.read(metric.id, "day", only=two).status == "small_cell"
    assert not {"energy", "vehicle_class", "emission_stage"} & set(book.dimensions(metric, towns[0]))
    with pytest.raises(UsageError):
        book.figures(metric, "day", book.spans(metric, "day", None)[1], towns[0], "energy")
    assert book.slices(metric.id, "energy", "day", place=towns[0].code) == []


def test_a_member_that_is_hidden_in_the_split_is_hidden_under_its_filter(book: Snapshot) -> None:
    metric = metrics()["fleet_online_rate"]
    for name in ("energy", "vehicle_class", "emission_stage"):
        shown = {member for member, *_ in book.slices(metric.id, name, "day")} if name in metric.slices else set()
        withheld_ = book.withheld_members(metric, name, book.home)
        for member in withheld_:
            assert book.read(metric.id, "day", only=((name, member),)).status == "small_cell"
        assert not shown & withheld_


def test_a_fleet_that_the_register_tells_is_split_as_before(book: Snapshot) -> None:
    """That a truck is in the register is no secret."""
    towns = book.places("town")
    assert "energy" in book.dimensions(metrics()["fleet_vehicle_cnt"], towns[0])


def test_the_sum_of_a_scope_never_tells_of_the_one_town_in_it_that_is_hidden(
    store: SnapshotStore, book: Snapshot
) -> None:
    hidden = [town.code for town in book.places("town") if town.code in book.pooled]
    shown = [town.code for town in book.places("town") if town.code not in book.pooled]
    few, more = Scope((hidden[0], *shown[:2]), ()), Scope((*hidden, *shown[:2]), ())
    owners_of = dict(book.ask("SELECT town_code, count(*) FROM marts.pooled_owner WHERE company_key <> '' GROUP BY 1"))
    assert owners_of.get(hidden[0], 0) < 3 <= sum(owners_of.get(code, 0) for code in hidden)
    assert store.current(few).read("fleet_online_rate", "day").status == "small_cell"
    assert store.current(few).read("fleet_vehicle_cnt", "day").status == "ok", "the register is no secret"
    assert store.current(Scope(tuple(shown[:2]), ())).read("fleet_online_rate", "day").status == "ok"
    assert store.current(more).read("fleet_online_rate", "day").status == "ok"
    alone = [place for place in book.places("company") if place.code in book.pooled and place.parent not in shown[:2]]
    assert (
        store.current(Scope(tuple(shown[:2]), (alone[0].code,))).read("fleet_online_rate", "day").status == "small_cell"
    )


def test_open_alarms_of_a_scope_are_those_of_the_towns_it_shows(store: SnapshotStore, book: Snapshot) -> None:
    """Their total, less those on the map, was the number of the town that is hidden; a list said 不单列 beside each."""
    hidden = [town.code for town in book.places("town") if town.code in book.pooled]
    shown = [town.code for town in book.places("town") if town.code not in book.pooled]
    whole = operations.open_by_town(book)
    assert one_person.POOLED in whole and set(whole) & set(shown), "the world has open alarms on either side"
    open_at = dict(
        book.ask("SELECT town_code, max(day) FROM marts.alarm_event WHERE must_handle AND NOT is_handled GROUP BY 1")
    )
    one = next(code for code in hidden if code in open_at and store.current(Scope((code, *shown), ())).is_sum_of_few)
    few = store.current(Scope((one, *shown), ()))
    assert operations.open_by_town(few) == {code: counts for code, counts in whole.items() if code in shown}
    assert {alarm.town for alarm in operations.overdue(few, 200)} & {one_person.TOWN} == set()
    alone = store.current(Scope((one,), ()))
    assert operations.open_by_town(alone) == {} and operations.overdue(alone, 200) == []
    more = store.current(Scope((*hidden, *shown), ()))
    assert operations.open_by_town(more) == {code: counts for code, counts in whole.items() if code != "330110000"}
