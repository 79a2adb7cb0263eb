"""What needs a decision: the rules' order and what they leave out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from warehouse.compile.reading import DISTRICT, UNPLACED, Place, Reading, Target
from warehouse.insight.findings import data, numbers, ranking, thresholds
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


def base(book: Snapshot) -> Reading:
    return replace(book.read("fleet_online_rate", "week"), value=0.90, previous=0.90, target=None, judgement=None)


def test_off_target_means_judged_bad_and_the_farthest_comes_first(book: Snapshot) -> None:
    goal = Target(0.9, 0.8, "区局")
    rows = [
        replace(base(book), metric="fleet_online_rate", value=value, target=goal, judgement=look)
        for value, look in ((0.7, "bad"), (0.85, "warn"), (0.5, "bad"), (0.95, "good"))
    ]
    found = numbers.judge(book, rows).off_target  # type: ignore[arg-type]
    assert [item.reading.value for item in found] == [0.5, 0.7]
    assert all(item.lasting >= 1 for item in found)


def test_a_ripple_an_improvement_and_what_is_off_target_already_are_not_worse(book: Snapshot) -> None:
    one = base(book)
    rows = [
        replace(one, value=0.85),
        replace(one, value=0.898),
        replace(one, value=0.95),
        replace(one, value=0.5, judgement="bad"),
        replace(one, previous=None),
        replace(one, better="context", value=0.1),
    ]
    assert [item.reading.value for item in numbers.judge(book, rows).worse] == [0.85]
    count = replace(one, unit="次/辆", better="down", previous=10.0)
    assert [
        item.reading.value
        for item in numbers.judge(
            book, [replace(count, value=10.4), replace(count, value=12.0), replace(count, value=8.0)]
        ).worse
    ] == [12.0]
    assert numbers.judge(book, [replace(count, previous=0.0, value=0.0)]).worse == ()
    assert len(numbers.judge(book, [replace(count, previous=0.0, value=1.0)]).worse) == 1, (
        "from nothing to something is worse"
    )


def town(one: Reading, code: str, value: float | None, den: float, judgement: str | None = None) -> Reading:
    goal = Target(0.9, 0.8, "区局") if judgement else None
    return replace(
        one, place=Place(code, code, "town", DISTRICT), value=value, den=den, target=goal, judgement=judgement
    )  # type: ignore[arg-type]


def test_towns_are_ranked_from_the_worst_on_but_for_those_that_say_nothing(book: Snapshot) -> None:
    one = base(book)
    rows = [
        town(one, "a", 0.7, 40),
        town(one, "b", 0.5, 40),
        town(one, "few", 0.0, 9),
        town(one, "none", None, 40),
        town(one, UNPLACED, 0.1, 40),
    ]
    assert [row.place.code for row in ranking.ranked(rows)] == ["b", "a"]
    assert [row.place.code for row in ranking.ranked([replace(row, better="down") for row in rows])] == ["a", "b"]
    assert ranking.ranked([replace(row, better="context") for row in rows]) == []


def test_a_town_that_meets_the_target_is_not_behind(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """As 司机诉求按期办结率 did: 中泰 50 %, and two towns at 100 % beside it under 落后镇街."""
    one = replace(base(book), value=0.7)
    goals = [town(one, "a", 0.5, 40, "bad"), town(one, "b", 1.0, 40, "good"), town(one, "c", 0.85, 40, "warn")]
    monkeypatch.setattr(Snapshot, "by", lambda *_: goals)
    assert [row.place.code for row in ranking.behind(book, one)] == ["a", "c"]
    free = [town(one, "a", 0.5, 40), town(one, "b", 1.0, 40), town(one, "c", 0.69, 40)]
    monkeypatch.setattr(Snapshot, "by", lambda *_: free)
    assert [row.place.code for row in ranking.behind(book, one)] == ["a", "c"], "without a target: below the district"
    monkeypatch.setattr(Snapshot, "by", lambda *_: free[:1])
    assert ranking.behind(book, one) == [], "one town alone is not compared with anything"


def test_a_record_is_the_best_of_enough_windows(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(base(book), value=0.95)
    step = book.series("fleet_online_rate", "week", 1)[0]
    weeks = [replace(step, value=value) for value in [0.8] * 12 + [0.95]]
    monkeypatch.setattr(Snapshot, "series", lambda *_: weeks)
    assert numbers.record(book, one) == 13 and numbers.record(book, replace(one, value=0.8)) == 0
    monkeypatch.setattr(Snapshot, "series", lambda *_: weeks[-12:])
    assert numbers.record(book, one) == 0, "eleven known weeks are too few"


def test_late_sources_are_those_older_than_promised_or_failed(book: Snapshot) -> None:
    built = book.generation.built_at
    for item in data.late(book):
        state = item.source
        assert state.error or state.data_time is None or (built - state.data_time).total_seconds() > state.stale_after_s
        assert item.metrics > 0
    stated = {f"{item.source.source}_{item.source.entity}" for item in data.late(book)}
    failed = {f"{s.source}_{s.entity}" for s in book.sources() if s.error}
    used = {name for metric in book.metrics.values() for name in metric.sources}
    assert failed & used <= stated


def test_a_number_that_is_not_there_is_told_and_a_small_cell_is_not(book: Snapshot) -> None:
    one = base(book)
    rows = [
        replace(one, status="missing"),
        replace(one, status="failed"),
        replace(one, status="small_cell"),
        replace(one, held="检查未通过"),
        replace(one, doubt="存疑"),
        replace(one, status="unconnected"),
        one,
    ]
    found = numbers.judge(book, rows)
    assert len(found.unknown) == 4
    assert [known.reading for known in found.unconnected] == rows[5:6], "its source owes nothing"


def test_a_difference_that_is_printed_as_nothing_is_no_move(book: Snapshot) -> None:
    metric = book.metrics["safe_overspeed_per_vehicle"]
    one = replace(
        base(book), metric=metric.id, unit=metric.unit, better="down", den=400.0, previous=0.0365, value=0.0341
    )
    assert metric.decimals == 2 and thresholds.movement(metric, one) == 0.0, "0.04 → 0.03, and the paper says 降 0.00"
    assert thresholds.movement(metric, replace(one, value=0.02)) > 0
