"""What the panels make of the rows of their questions: waiting times, nodes, hours and bands on their edges. The questions
themselves are asked of a written world in tests/warehouse/boundaries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.house import House
from warehouse.insight import operations
from warehouse.query.snapshot import Snapshot

TODAY = dt.date(2026, 11, 23)
"""The written world was published on that day at 14:00."""
Answer = Callable[..., Snapshot]


@pytest.fixture
def answered(world: tuple[House, Snapshot], monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The book of the written world, with these answers to its next questions."""

    assert world[1].shows_vehicles_of("330110199"), "remembered from here on"

    def given(*answers: list[tuple[Any, ...]]) -> Snapshot:
        left = iter(answers)
        monkeypatch.setattr(world[1], "ask", lambda sql, values=None: next(left))
        return world[1]

    return given


def open_alarm(late_s: float | None, number: int = 0) -> tuple[Any, ...]:
    return dt.datetime(2026, 11, 23, 13, number), "浙A·1**23 黄", "超速", "某镇", "330110199", late_s


def test_an_alarm_waits_in_one_band_and_the_upper_end_belongs_to_it(answered: Answer) -> None:
    late = [None, -1.0, 0.0, 0.1, 3600.0, 3600.1, 14400.0, 14400.1, 86400.0, 86400.1]
    found = operations.waiting(answered([open_alarm(one) for one in late]))
    assert found == [("时限内", 2), ("超时不足1小时", 2), ("1–4小时", 2), ("4–24小时", 2), ("24小时以上", 1)]
    listed = operations.overdue(answered([open_alarm(one, n) for n, one in enumerate(late)]), 3)
    assert [one.late_s for one in listed] == [0.1, 3600.0, 3600.1]
    assert listed[0] == operations.Waiting(dt.datetime(2026, 11, 23, 13, 3), "浙A·1**23 黄", "超速", "某镇", 0.1)


def test_the_written_world_waits_as_its_rows_say(world: tuple[House, Snapshot]) -> None:
    """Level 2 has 30 minutes: three and one on the second are within, one of nine o'clock is 4.5 h over, four of the
    afternoon before lie under a day, the rest beyond."""
    found = dict(operations.waiting(world[1]))
    assert (found["时限内"], found["超时不足1小时"], found["1–4小时"], found["4–24小时"]) == (4, 0, 0, 5)
    assert operations.overdue(world[1], 1)[0].late_s == 16200


def test_a_node_stands_by_its_day(answered: Answer) -> None:
    def state(due: dt.date | None, done: dt.date | None) -> str:
        [node] = operations.milestones(answered([(1, "电子证照", 2, None, due, done)]))
        assert (node.item_no, node.item, node.ms_no, node.weight) == (1, "电子证照", 2, 0.0)
        return node.state

    day = dt.timedelta(days=1)
    assert [state(TODAY, TODAY + n * day) for n in (-1, 0, 1)] == ["done", "done", "late"]
    assert state(None, TODAY) == "done" and state(None, None) == "open"
    assert [state(TODAY + n * day, None) for n in (-1, 0, 30, 31)] == ["overdue", "next", "next", "open"]


def test_an_hour_has_its_levels_and_what_is_usual(answered: Answer) -> None:
    week = dt.timedelta(days=7)
    rows = [
        (TODAY, 9, 1, 3), (TODAY, 9, 2, 4), (TODAY, 9, 3, 5), (TODAY - week, 9, 1, 6), (TODAY - week, 9, 2, 1),
        (TODAY - 2 * week, 10, 1, 8),
    ]  # fmt: skip
    hours = operations.alarm_hours(answered(rows))
    assert [one.hour for one in hours] == list(range(24))
    assert (hours[9].first, hours[9].second, hours[9].usual) == (3, 9, 3.5)
    assert (hours[10].first, hours[10].second, hours[10].usual) == (0, 0, 4.0)
    assert [one.over for one in hours] == [hour <= 14 for hour in range(24)]
    assert operations.alarm_hours(answered([(TODAY, 9, 1, 3)]))[9].usual is None


def test_scores_are_banded_and_held_against_the_month_before(answered: Answer) -> None:
    first, before = dt.date(2026, 11, 1), dt.date(2026, 10, 1)
    rows = [(before, 60, 5), (first, 50, 1), (first, 90, 2), (dt.date(2026, 9, 1), 70, 9)]
    assert operations.score_bands(answered(rows)) == (
        first,
        [("60 分以下", 1, 0), ("60–69 分", 0, 5), ("70–79 分", 0, 0), ("80–89 分", 0, 0), ("90 分以上", 2, 0)],
    )
    month, bands = operations.score_bands(answered(rows[1:2]))
    assert month == first and [one for *_, one in bands] == [None] * 5
    assert operations.score_bands(answered([])) == (None, [])


def test_points_are_none_before_the_first_entry(answered: Answer) -> None:
    assert operations.points(answered([])) is None
    assert operations.points(answered([(0, 0, 0, 0, 0, 0)])) is None
    assert operations.points(answered([(20, 9, 3, None, 5, 1)])) == operations.Points(20, 9, 3, 0, 5)


@pytest.mark.parametrize(("day", "begun"), [(TODAY, 14), (TODAY - dt.timedelta(days=1), 24)])
def test_visits_are_known_of_hours_that_are_over(answered: Answer, day: dt.date, begun: int) -> None:
    newest, hours = operations.visit_hours(answered([(day,)], [(8, 3)], [(8, 1.5)]))
    assert newest == day and hours[8] == (8, 3, 1.5) and hours[9] == (9, 0, 0.0)
    assert [visits is not None for _, visits, _ in hours] == [hour < begun for hour in range(24)]
    assert operations.visit_hours(answered([(day,)], [], []))[1][0] == (0, 0, None)
    assert operations.visit_hours(answered([])) == (None, []) and operations.visit_hours(answered([(None,)])) == (
        None,
        [],
    )


def test_waiting_alarms_of_towns_that_are_not_listed_are_one_sum(world: tuple[House, Snapshot]) -> None:
    book = world[1]
    found = operations.open_by_town(book)
    rows = book.ask(operations.text("open_by_town"), {"now": "2026-11-23 14:00:00", "since": "2026-10-24"})
    assert tuple(map(sum, zip(*found.values(), strict=True))) == (
        sum(row[1] for row in rows),
        sum(row[2] for row in rows),
    )
