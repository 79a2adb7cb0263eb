"""What is published about persons of towns and companies does not move from month to month by what one of them did: an
attacker who holds the files of two months against each other finds no number that tells of fewer than five."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from warehouse.build import person_counts, person_places
from warehouse.build.disclosure import Rule
from warehouse.build.runner import Built
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile import person_windows
from warehouse.core.database import Writer
from warehouse.core.settings import Settings
from warehouse.publish import generation_file, snapshot

TABLES = ("reading", "behind", "counted")
RULE = Rule()
PARTY = [metric for metric in metrics().values() if metric.family == "party"]
ENDS = [dt.date(2026, month, day) for month, day in ((8, 31), (9, 30), (10, 31))]
SETTLED = dt.timedelta(days=4)
TOWNS, FIRMS = 3, 5
Published = dict[tuple[str, str, str, str], tuple[float, float | None, dt.date | None]]
"""Metric, place, slice and member → numerator, denominator, and where the number is from."""


@dataclass(frozen=True)
class Driver:
    """One person of a month. firm: town × FIRMS + its number there."""

    name: str
    firm: int
    is_member: bool = False
    is_lit: bool = False

    @property
    def town(self) -> str:
        return f"33011000{self.firm // FIRMS}"


Month = tuple[Driver, ...]
START: Month = tuple(
    Driver(f"{firm}-{number}", firm, number < 14, number < 7) for firm in range(TOWNS * FIRMS) for number in range(30)
)
"""Every town and company has enough of everybody, so that what is not listed is so for what changed alone."""


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    folder = tmp_path_factory.mktemp("hold")
    with closing(Writer(folder / "hold.duckdb", folder / "tmp")) as made:
        made.execute(
            """CREATE SCHEMA marts; CREATE TABLE marts.driver_day (day DATE, person_key VARCHAR, company_key VARCHAR, town_code VARCHAR,
                is_member BOOLEAN, is_lit BOOLEAN, is_badged BOOLEAN, is_open_lead BOOLEAN, is_lead BOOLEAN, sex VARCHAR);
            CREATE SCHEMA run; CREATE TABLE run.check_result (as_of TIMESTAMP, model VARCHAR, name VARCHAR, severity VARCHAR, message VARCHAR, rows BIGINT);
            CREATE SCHEMA raw; CREATE TABLE raw.own_parameter (name VARCHAR, value DOUBLE, _deleted_at TIMESTAMP);
            CREATE SCHEMA build; CREATE TABLE build.unpublished (model VARCHAR, day DATE); CREATE TABLE build.clock AS SELECT TIMESTAMP '2026-11-04 06:00:00' AS as_of"""
        )
        person_counts.prepare(made)
        yield made


def put(writer: Writer, day: dt.date, month: Month) -> None:
    writer.execute("DELETE FROM marts.driver_day WHERE day = ?", [day])
    rows = [[one.name, f"firm-{one.firm}", one.town, one.is_member, one.is_lit] for one in month]
    writer.execute(
        "INSERT INTO marts.driver_day SELECT ?, unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), false, false, false, '男'",
        [day, *map(list, zip(*rows, strict=True))],
    )


def run(writer: Writer, months: Sequence[Month], family: list[Metric] = PARTY) -> list[Published]:
    """What is published below the district after each of these months, the product running every month."""
    for table in ("marts.driver_day", "marts_person.reading", "marts_person.behind"):
        writer.execute(f"DELETE FROM {table}")
    found = []
    for end, month in zip(ENDS, months, strict=False):
        put(writer, end, month)
        person_counts.count_below(writer, family, end + SETTLED, RULE)
        found.append(published(writer, end))
    return found


def published(writer: Writer, end: dt.date) -> Published:
    rows = writer.execute(
        "SELECT metric, place, slice, member, num, den, held_from FROM marts_person.reading WHERE win_start = ?", [end]
    )
    return {row[:4]: row[4:] for row in rows}


def figures(found: Published) -> dict[tuple[str, str, str, str], tuple[float, float | None]]:
    return {key: row[:2] for key, row in found.items()}


def flipped(month: Month, *names: str) -> Month:
    return tuple(replace(one, is_member=not one.is_member, is_lit=False) if one.name in names else one for one in month)


ONE: dict[str, Callable[[Month], Month]] = {
    "a member joins": lambda month: (*month, Driver("new", 0, is_member=True)),
    "somebody joins who is none": lambda month: (*month, Driver("new", 0)),
    "a member leaves": lambda month: tuple(one for one in month if one.name != "0-0"),
    "one becomes a member": lambda month: flipped(month, "0-29"),
    "one is no member any more": lambda month: flipped(month, "0-0"),
    "one shows it": lambda month: tuple(replace(one, is_lit=True) if one.name == "0-13" else one for one in month),
    "one goes to another company": lambda month: tuple(
        replace(one, firm=1) if one.name == "0-0" else one for one in month
    ),
    "one goes to another town": lambda month: tuple(
        replace(one, firm=14) if one.name == "0-0" else one for one in month
    ),
    "one of a town and three of another": lambda month: flipped(month, "0-0", "5-0", "5-1", "5-29"),
}


@pytest.mark.parametrize("change", ONE.values(), ids=ONE)
def test_what_one_person_did_moves_no_number_at_the_end_of_a_month(
    writer: Writer, change: Callable[[Month], Month]
) -> None:
    first, second = run(writer, [START, change(START)])
    assert {key[1] for key in first} >= {"330110000", "330110001", "firm-0"}
    assert figures(second) == figures(first)
    assert {row[2] for row in second.values()} == {ENDS[0]}, "that nobody changed looks the same"
    assert run(writer, [START, START])[1] == second


def test_the_audit_reads_the_slices_of_towns_too(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody let out by mistake: the slice of all towns but one. The towns keep what was published before."""
    metric = msgspec.structs.replace(metrics()["drv_driver_cnt"], slices=("is_lit",))
    right = person_places.let_out

    def wrong(*given: Any) -> list[person_places.Place]:
        return [one for one in right(*given) if (one.place, one.slice) != ("330110002", "is_lit")]

    first = run(writer, [START], [metric])[0]
    monkeypatch.setattr(person_places, "let_out", wrong)
    grown = tuple(replace(one, is_lit=True) if int(one.name.split("-")[1]) < 13 else one for one in START)
    second = run(writer, [START, grown], [metric])[1]
    told = writer.execute("SELECT message FROM run.check_result")
    writer.execute("DELETE FROM run.check_result")
    assert first and not second and len(told) == 2 and "沿用上一期" in told[0][0]


def test_what_five_did_moves_the_numbers_of_their_town_and_company_alone(writer: Writer) -> None:
    change = flipped(START, *(f"0-{number}" for number in range(14, 20)))
    first, second = run(writer, [START, change])
    moved = {key[1] for key, row in second.items() if row[2] is None}
    # what is left over must come from two towns and three companies
    assert moved == {"330110000", "firm-0"}
    key = ("mem_party_driver_cnt", "330110000", "", "")
    assert (first[key][0], second[key][0]) == (70.0, 76.0)


def test_changes_add_up_until_they_may_be_seen(writer: Writer) -> None:
    second = flipped(START, "0-14", "0-15", "0-16")
    found = run(writer, [START, second, flipped(second, "0-17", "0-18", "0-19")])
    key = ("mem_party_driver_cnt", "330110000", "", "")
    assert [one[key] for one in found] == [(70.0, None, None), (70.0, None, ENDS[0]), (76.0, None, None)]


def test_a_town_that_moves_does_not_tell_what_one_person_did_in_the_rest(writer: Writer) -> None:
    """The district's number less that of the one town that may move would be the rest's, of whom one has changed."""
    change = flipped(START, *(f"0-{number}" for number in range(14, 20)), "9-0", "14-0")
    first, second = run(writer, [START, change])
    assert figures(second) == figures(first)


def test_what_is_corrected_late_moves_nothing_that_was_published(writer: Writer) -> None:
    before = run(writer, [START, START])
    put(writer, ENDS[1], flipped(START, *(f"0-{number}" for number in range(14, 24))))
    person_counts.count_below(writer, PARTY, ENDS[1] + SETTLED + dt.timedelta(days=1), RULE)
    assert published(writer, ENDS[1]) == before[1]
    put(writer, ENDS[2], START)
    person_counts.count_below(writer, PARTY, ENDS[2] + SETTLED, RULE)
    # held against what was published, not against what is known by now
    assert figures(published(writer, ENDS[2])) == figures(before[1])


def test_a_month_is_published_once_its_data_have_come_in(writer: Writer) -> None:
    run(writer, [])
    put(writer, ENDS[0], START)
    person_counts.count_below(writer, PARTY, ENDS[0] + SETTLED - dt.timedelta(days=1), RULE)
    assert not published(writer, ENDS[0])
    person_counts.count_below(writer, PARTY, ENDS[0] + SETTLED, RULE)
    assert published(writer, ENDS[0])


def test_a_place_that_becomes_too_small_stays_as_it_was(writer: Writer) -> None:
    """That it is taken out of the list would tell that few are left."""
    emptied = tuple(one for one in START if one.firm != 0 or one.name in ("0-0", "0-1", "0-20"))
    first, second = run(writer, [START, emptied])
    assert {key for key in first if key[1] == "firm-0"} == {key for key in second if key[1] == "firm-0"}
    assert all(second[key] == (*first[key][:2], ENDS[0]) for key in first if key[1] == "firm-0")


def test_a_slice_moves_only_when_each_of_its_members_may(writer: Writer) -> None:
    """How many drivers a town has is known to everybody; who they are is not."""
    family = [msgspec.structs.replace(metrics()["drv_driver_cnt"], slices=("is_lit",))]
    lit = tuple(replace(one, is_lit=True) if one.name == "0-13" else one for one in START)
    grown = (*lit, Driver("new", 0))
    first, second = run(writer, [START, grown], family)
    own, slices = (("drv_driver_cnt", "330110000", "", ""), ("drv_driver_cnt", "330110000", "is_lit", "true"))
    assert (first[own][0], second[own][0], second[own][2]) == (150.0, 151.0, None)
    assert not writer.execute("SELECT message FROM run.check_result")
    assert (first[slices][0], second[slices][0], second[slices][2]) == (35.0, 35.0, ENDS[0])


@pytest.fixture
def counting(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[Metric], dt.date], None]]:
    """Counts as every publication does: the district and what lies below, of those metrics, on that day."""
    run(writer, [])
    for table in ("marts_person.counted", "raw.own_parameter", "build.unpublished"):
        writer.execute(f"DELETE FROM {table}")
    monkeypatch.setattr(person_windows, "HISTORY_DAYS", 40)

    def count(family: list[Metric], today: dt.date) -> None:
        monkeypatch.setattr(person_counts, "metrics", lambda: {metric.id: metric for metric in family})
        person_counts.count(writer, Built(models=["driver_day"]), today)
        # the sources have long delivered what they hold of the past
        writer.execute("UPDATE marts_person.counted SET since = DATE '2026-01-01'")

    yield count


def shown(writer: Writer, end: dt.date) -> Published:
    """As `published`, without what has been withdrawn."""
    rows = writer.execute(
        f"SELECT metric, place, slice, member, num, den, held_from FROM ({generation_file.LARGE['person_reading']}) "
        "WHERE win_start = ? AND grain <> 'district'",
        [end],
    )
    return {row[:4]: row[4:] for row in rows}


NARROWER = [
    msgspec.structs.replace(one, numerator=one.numerator.replace("is_member", "is_member AND person_key <> '0-13'"))
    for one in PARTY
]
"""As the party's numbers are, but for one person."""


def test_another_definition_tells_nothing_of_the_one_it_is_about(
    writer: Writer, counting: Callable[[list[Metric], dt.date], None]
) -> None:
    """Counted anew, the town's number would be one less than the one in yesterday's file."""
    put(writer, ENDS[1], START)
    counting(PARTY, ENDS[1] + SETTLED)
    first = shown(writer, ENDS[1])
    counting(NARROWER, ENDS[1] + SETTLED)
    (district,) = writer.execute(
        "SELECT num FROM marts_person.reading WHERE metric = 'mem_party_driver_cnt' AND grain = 'district' AND slice = '' AND win_start = ?",
        [ENDS[1]],
    )
    assert district == (209.0,), "the district's number is by the new definition at once"
    left = shown(writer, ENDS[1])
    assert first.items() >= left.items() and not [key for key in left if key[0] == "mem_party_driver_cnt"]
    put(writer, ENDS[2], START)
    counting(NARROWER, ENDS[2] + SETTLED)
    then = shown(writer, ENDS[2])
    assert {key[1] for key in then if key[0] == "mem_party_driver_cnt"} == set(), "one has changed since"
    put(writer, ENDS[2], START)


def test_another_definition_shows_again_once_enough_have_changed(
    writer: Writer, counting: Callable[[list[Metric], dt.date], None]
) -> None:
    put(writer, ENDS[1], START)
    counting(PARTY, ENDS[1] + SETTLED)
    counting(NARROWER, ENDS[1] + SETTLED)
    put(writer, ENDS[2], flipped(START, *(f"0-{number}" for number in range(14, 20))))
    counting(NARROWER, ENDS[2] + SETTLED)
    key = ("mem_party_driver_cnt", "330110000", "", "")
    assert shown(writer, ENDS[2])[key] == (75.0, None, None)


def test_a_definition_that_moves_no_number_of_the_district_withdraws_nothing(
    writer: Writer, counting: Callable[[list[Metric], dt.date], None]
) -> None:
    put(writer, ENDS[1], START)
    counting(PARTY, ENDS[1] + SETTLED)
    first = shown(writer, ENDS[1])
    put(writer, ENDS[1], tuple(replace(one, firm=1) if one.name == "0-0" else one for one in START))
    counting([msgspec.structs.replace(one, min_den=3) for one in PARTY], ENDS[1] + SETTLED)
    assert first and shown(writer, ENDS[1]) == first


def test_another_rule_withdraws_what_the_old_one_let_out(
    writer: Writer, counting: Callable[[list[Metric], dt.date], None]
) -> None:
    put(writer, ENDS[1], START)
    counting(PARTY, ENDS[1] + SETTLED)
    assert shown(writer, ENDS[1])
    writer.execute("INSERT INTO raw.own_parameter VALUES ('person_least', 50, NULL)")
    counting(PARTY, ENDS[1] + SETTLED)
    assert not shown(writer, ENDS[1])


@pytest.mark.parametrize("is_lost", [True, False], ids=["made anew", "from a backup of before"])
def test_a_warehouse_that_forgot_takes_over_what_was_published(
    writer: Writer, counting: Callable[[list[Metric], dt.date], None], tmp_path: Path, is_lost: bool
) -> None:
    """Somebody is corrected late, and the warehouse is made anew: what was published of the month stays."""
    folder = Settings.at(tmp_path)
    folder.published.mkdir(parents=True)
    for one in ENDS[:2]:
        put(writer, one, START)
    counting(PARTY, ENDS[0] + SETTLED)
    earlier = {table: writer.execute(f"SELECT * FROM marts_person.{table}") for table in TABLES}
    counting(PARTY, ENDS[1] + SETTLED)
    first = shown(writer, ENDS[1])
    with closing(duckdb.connect(folder.published / "20261005T060000.restricted.duckdb")) as file:
        file.execute("CREATE SCHEMA meta")
        for name, sql in generation_file.PERSONS.items():
            frame = writer.table(sql)
            file.execute(f"CREATE TABLE meta.{name} AS FROM frame")
            del frame
    (folder.published / snapshot.POINTER).write_text('{"generation": "20261005T060000"}')
    for table in TABLES:
        writer.execute(f"DELETE FROM marts_person.{table}")
        for row in earlier[table] if not is_lost else ():
            writer.execute(f"INSERT INTO marts_person.{table} VALUES ({', '.join('?' * len(row))})", list(row))
    put(writer, ENDS[1], flipped(START, "0-29"))
    snapshot.take_over_persons(writer, folder)
    counting(PARTY, ENDS[1] + SETTLED)
    assert first and shown(writer, ENDS[1]) == first
    put(writer, ENDS[2], flipped(START, "0-29"))
    counting(PARTY, ENDS[2] + SETTLED)
    assert figures(shown(writer, ENDS[2])) == figures(first), "and next month is held against it"


@st.composite
def histories(draw: st.DrawFn) -> list[Month]:
    """Three months in each of which some drivers of each company change, a handful or many."""
    months = [START]
    for _ in range(2):
        changed = set[str]()
        for firm in range(TOWNS * FIRMS):
            start = draw(st.integers(0, 20))
            changed |= {
                f"{firm}-{number}" for number in range(start, start + draw(st.sampled_from([0, 0, 0, 1, 6, 9])))
            }
        months.append(flipped(months[-1], *changed))
    return months


@settings(max_examples=depth(6, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(months=histories())
def test_no_difference_between_two_files_is_one_of_fewer_than_five_persons(writer: Writer, months: list[Month]) -> None:
    """Of every number that moved, and of what the moved ones leave of the district, whoever changed is counted here
    from the drivers themselves."""
    listed = run(writer, months)
    assert not writer.execute("SELECT message FROM run.check_result"), (
        "the audit finds nothing in what the rule lets out"
    )
    since: dict[str, int] = {}
    for index, found in enumerate(listed):
        places = {key[1] for key in found}
        fresh = {key[1] for key, row in found.items() if row[2] is None}
        towns = {one.town for one in START}
        for place in fresh & since.keys():
            counts = changes(
                months[since[place]], months[index], lambda one, place=place: place in (one.town, f"firm-{one.firm}")
            )
            assert counts and min(counts.values()) >= RULE.least, (index, place, counts)
        if moved := fresh & since.keys() & towns:
            rest = changes(months[index - 1], months[index], lambda one: one.town not in moved)
            assert not rest or min(rest.values()) >= RULE.least, (index, moved, rest)
        for town in fresh & towns & since.keys():
            inside = {f"firm-{one.firm}" for one in START if one.town == town}
            if moved := fresh & since.keys() & inside:
                rest = changes(
                    months[since[town]],
                    months[index],
                    lambda one, town=town, moved=moved: one.town == town and f"firm-{one.firm}" not in moved,
                )
                assert not rest or min(rest.values()) >= RULE.least, (index, town, moved, rest)
        assert since.keys() <= places, "what was published is never taken out of the list"
        since |= dict.fromkeys(fresh, index)


def changes(then: Month, now: Month, is_inside: Callable[[Driver], bool]) -> Counter[str]:
    """Persons inside who came into a class or left it, by class; nothing for a class in which nobody did."""
    sides = [
        {(one.name, name) for one in month if is_inside(one) for name, is_in in classes(one).items() if is_in}
        for month in (then, now)
    ]
    return Counter(name for _, name in sides[0] ^ sides[1])


def classes(one: Driver) -> dict[str, bool]:
    return {
        "drivers": True,
        "members": one.is_member,
        "others": not one.is_member,
        "lit": one.is_lit and one.is_member,
        "members who are not lit": one.is_member and not one.is_lit,
    }
