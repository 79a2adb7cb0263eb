"""What needs a decision: the rules' order and what they leave out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from warehouse.compile.reading import Reading, Target
from warehouse.insight.findings import numbers
from warehouse.query.snapshot_store import Book, Library


@pytest.fixture(scope="module")
def book(published: Path) -> Book:
    return Library(published).current()


def base(book: Book) -> Reading:
    return replace(book.read("fleet_online_rate", "week"), value=0.90, previous=0.90, target=None, judgement=None)


def test_off_target_means_judged_bad_and_the_farthest_comes_first(book: Book) -> None:
    goal = Target(0.9, 0.8, "区局")
    rows = [
        replace(base(book), metric="fleet_online_rate", value=value, target=goal, judgement=look)
        for value, look in ((0.7, "bad"), (0.85, "warn"), (0.5, "bad"), (0.95, "good"))
    ]
    found = numbers.off_target(book, rows)  # type: ignore[arg-type]
    assert [item.reading.value for item in found] == [0.5, 0.7]
    assert all(item.lasting >= 1 for item in found)


def test_a_ripple_an_improvement_and_what_is_off_target_already_are_not_worse(book: Book) -> None:
    one = base(book)
    rows = [
        replace(one, value=0.85),
        replace(one, value=0.898),
        replace(one, value=0.95),
        replace(one, value=0.5, judgement="bad"),
        replace(one, previous=None),
        replace(one, better="context", value=0.1),
    ]
    assert [item.reading.value for item in numbers.worse(book, rows)] == [0.85]
    count = replace(one, unit="次/辆", better="down", previous=10.0)
    assert [
        item.reading.value
        for item in numbers.worse(
            book, [replace(count, value=10.4), replace(count, value=12.0), replace(count, value=8.0)]
        )
    ] == [12.0]
    assert numbers.worse(book, [replace(count, previous=0.0, value=0.0)]) == []
    assert len(numbers.worse(book, [replace(count, previous=0.0, value=1.0)])) == 1, (
        "from nothing to something is worse"
    )


def test_the_worst_town_is_named_and_is_really_the_worst(book: Book) -> None:
    metric = next(
        m
        for m in book.metrics.values()
        if m.better == "up"
        and m.denominator
        and "town" in m.drill
        and len({t.value for t in book.by(m.id) if t.value is not None}) > 1
    )
    reading = replace(book.read(metric.id), target=Target(2.0, None, "区局"), judgement="bad")
    worst = numbers.off_target(book, [reading])[0].worst
    values = [town.value for town in book.by(metric.id) if town.value is not None and town.place.code != "330110000"]
    assert worst is not None and worst.value == min(values)


def test_late_sources_are_those_older_than_promised_or_failed(book: Book) -> None:
    built = book.generation.built_at
    for item in numbers.late(book):
        state = item.source
        assert state.error or state.data_time is None or (built - state.data_time).total_seconds() > state.stale_after_s
        assert item.metrics > 0
    told = {f"{item.source.source}_{item.source.entity}" for item in numbers.late(book)}
    failed = {f"{s.source}_{s.entity}" for s in book.sources() if s.error}
    used = {name for metric in book.metrics.values() for name in metric.sources}
    assert failed & used <= told


def test_a_number_that_is_not_there_is_told_and_a_small_cell_is_not(book: Book) -> None:
    one = base(book)
    rows = [
        replace(one, status="missing"),
        replace(one, status="failed"),
        replace(one, status="small_cell"),
        replace(one, held="检查未通过"),
        replace(one, doubt="存疑"),
        one,
    ]
    assert len(numbers.unknown(rows)) == 4
