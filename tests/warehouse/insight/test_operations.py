"""What the wall's panels count, against the published rows they come from."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from warehouse.insight import operations
from warehouse.query import alarms
from warehouse.query.one_person import POOLED
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


@pytest.fixture(scope="module")
def today(book: Snapshot) -> dt.date:
    return book.generation.built_at.date()


def strict(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a misspelt column fail instead of reading as "published before it existed"."""
    monkeypatch.setattr(book, "ask", lambda sql, values=None: book._reader.rows(sql, values or []))


@pytest.mark.parametrize(
    "made",
    [
        operations.alarm_hours,
        operations.alarm_kinds,
        operations.waiting,
        operations.overdue,
        operations.companies_waiting,
        operations.handling_time,
        operations.interventions,
        operations.alarm_cells,
        operations.score_bands,
        operations.points,
        operations.milestones,
        operations.unit_tasks,
        operations.sites,
        operations.visit_hours,
        operations.activities,
    ],
    ids=lambda made: made.__name__,
)
def test_every_board_has_something_to_say_of_the_stand_in_world(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch, made: Callable[[Snapshot], Any]
) -> None:
    strict(book, monkeypatch)
    found = made(book)
    assert found, "nothing: the stand-in world should have some"


def test_the_hours_of_today_are_the_alarms_of_today(book: Snapshot, today: dt.date) -> None:
    hours = operations.alarm_hours(book)
    assert [h.hour for h in hours] == list(range(24))
    assert sum(h.first + h.second for h in hours) == alarms.summary(book)["raised"]
    assert [h.over for h in hours] == [h <= book.generation.built_at.hour for h in range(24)]
    assert all(h.first + h.second == 0 for h in hours if not h.over)


def test_what_waits_is_what_must_be_handled_and_is_not(book: Snapshot, today: dt.date) -> None:
    waits = operations.waiting(book)
    open_ = book.ask(
        "SELECT count(*) FROM marts.alarm_event WHERE is_v AND must_handle AND NOT is_handled AND day >= ?",
        [today - dt.timedelta(days=operations.OPEN_DAYS)],
    )[0][0]
    assert sum(number for _, number in waits) == open_
    late = operations.overdue(book, 10_000)
    assert len(late) == sum(number for label, number in waits[1:]) and all(one.late_s > 0 for one in late)
    assert [one.raised_at for one in late] == sorted((one.raised_at for one in late), reverse=True)


def test_companies_stand_by_name_and_individual_operators_together(book: Snapshot) -> None:
    names = [name for name, *_ in operations.companies_waiting(book, 1000)]
    assert len(names) == len(set(names)) and not any("（个体" in name for name in names)
    assert all(late + done == due for _, late, done, due in operations.companies_waiting(book, 1000))


def test_the_points_balance(book: Snapshot) -> None:
    ledger = operations.points(book)
    assert ledger is not None and ledger.issued == ledger.redeemed + ledger.expired + ledger.balance


def test_nodes_and_tasks_add_up_and_know_the_day(book: Snapshot, today: dt.date) -> None:
    nodes = operations.milestones(book)
    assert {node.item_no for node in nodes} == set(range(1, 11))
    for node in nodes:
        assert (node.state in ("done", "late")) == (node.done_on is not None)
        if node.state == "overdue":
            assert node.due is not None and node.due < today
    item = book.read("p3_warm_item_done_rate")
    done = sum(node.weight for node in nodes if node.done_on is not None)
    assert item.num == pytest.approx(done) and item.den == pytest.approx(sum(node.weight for node in nodes))
    tasks = operations.unit_tasks(book)
    total = book.ask("SELECT count(*) FROM marts.unit_task WHERE day IS NULL OR year(day) = ?", [today.year])[0][0]
    assert sum(sum(row[1:]) for row in tasks) == total
    assert not any(unit.startswith(("U", "D")) for unit, *_ in tasks), "a member unit is shown by its name"


def test_visits_by_hour_are_the_visits_of_the_day(book: Snapshot) -> None:
    day, hours = operations.visit_hours(book)
    counted = book.ask("SELECT sum(visit_cnt) FROM marts.site_day WHERE day = ?", [day])[0][0]
    assert (
        sum(visits or 0 for _, visits, _ in hours) == counted == sum(one.visits or 0 for one in operations.sites(book))
    )
    assert len(operations.sites(book)) == 5


def test_scores_of_the_newest_month_are_those_of_the_people_who_have_one(book: Snapshot) -> None:
    month, bands = operations.score_bands(book)
    assert month is not None and sum(number for _, number, _ in bands) > 0
    assert [label for label, *_ in bands] == ["60 分以下", "60–69 分", "70–79 分", "80–89 分", "90 分以上"]


def test_what_waits_in_a_town_of_one_person_is_in_a_sum_with_others(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_town = operations.open_by_town(book)
    assert not by_town.keys() & book.pooled
    alone = next(iter(by_town.keys() - {POOLED}))
    monkeypatch.setattr(book, "pooled", frozenset({alone, *book.pooled}))
    again = operations.open_by_town(book)
    assert alone not in again and again[POOLED][0] >= by_town[alone][0] > 0
    assert [sum(column) for column in zip(*again.values())] == [sum(column) for column in zip(*by_town.values())]
    assert sum(waiting for waiting, _ in by_town.values()) == len(operations._open(book))


def test_no_town_of_one_person_stands_beside_a_masked_plate(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = {
        "overdue": lambda: [one.town for one in operations.overdue(book, 10_000)],
        "newest": lambda: [one["town"] for one in alarms.newest(book, 200)],
    }
    names = {place.label: place.code for place in book.places("town")}
    for named, towns in lists.items():
        alone, number = Counter(town for town in towns() if town in names).most_common(1)[0]
        unlisted = towns().count("不单列")
        monkeypatch.setattr(book, "pooled", frozenset({names[alone], *book.pooled}))
        assert alone not in towns() and towns().count("不单列") == unlisted + number, named
