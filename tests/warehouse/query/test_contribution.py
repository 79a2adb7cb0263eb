"""Why a number changed: pieces that add up to the change exactly, whatever appears, vanishes, overlaps or has no
denominator."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.depth import depth
from warehouse.catalog import metrics
from warehouse.catalog.models import models
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import UsageError
from warehouse.query import contribution
from warehouse.query.contribution import Change, NoSplit, Pair, Sides, effect, explain
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

AMOUNTS = st.floats(0, 1e6, allow_nan=False, allow_subnormal=False).map(lambda value: round(value, 3))
PAIRS = st.one_of(st.just((0.0, 0.0)), st.tuples(AMOUNTS, AMOUNTS), st.tuples(AMOUNTS, st.just(0.0)))
"""A member's numerator and denominator: there, not there, or events without anything to relate them to."""
WORLDS = st.lists(st.tuples(PAIRS, PAIRS), min_size=1, max_size=30)


def whole(members: list[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    then, now = (tuple(sum(member[side][part] for member in members) for part in (0, 1)) for side in (0, 1))
    return then, now  # type: ignore[return-value]


@given(WORLDS, st.sampled_from([1.0, 100.0, 1000.0]))
@settings(max_examples=depth(100, 400), deadline=None)
def test_the_pieces_of_a_ratio_add_up_to_its_change(members: list[tuple[Pair, Pair]], scale: float) -> None:
    then, now = whole(members)
    if then[1] < 1 or now[1] < 1:
        return
    change = scale * (now[0] / now[1] - then[0] / then[1])
    amounts = [effect((then, now), member, scale)[0] for member in members]
    size = max(1.0, scale * now[0] / now[1], scale * then[0] / then[1])
    assert abs(sum(amounts) - change) <= 1e-9 * size * len(members)


@given(WORLDS, st.sampled_from([1.0, 1000.0]))
@settings(max_examples=depth(60, 200), deadline=None)
def test_the_pieces_of_a_count_add_up_to_its_change(members: list[tuple[Pair, Pair]], scale: float) -> None:
    then, now = whole(members)
    amounts = [effect((then, now), member, scale, is_ratio=False) for member in members]
    assert sum(amount for amount, _ in amounts) == pytest.approx(scale * (now[0] - then[0]), rel=1e-9, abs=1e-6)
    assert all(amount == level for amount, level in amounts), "a count has no mix"


@given(WORLDS)
@settings(max_examples=depth(60, 200), deadline=None)
def test_asked_the_other_way_round_every_piece_changes_its_sign(members: list[tuple[Pair, Pair]]) -> None:
    then, now = whole(members)
    if then[1] < 1 or now[1] < 1:
        return
    size = max(1.0, now[0] / now[1], then[0] / then[1])
    for before, after in members:
        there, back = effect((then, now), (before, after)), effect((now, then), (after, before))
        assert there[0] == pytest.approx(-back[0], abs=1e-9 * size) and there[1] == pytest.approx(
            -back[1], abs=1e-9 * max(size, abs(there[1]))
        )


def test_mix_and_level_are_told_apart() -> None:
    # both kept their rates (0.9 and 0.5) while weight moved from the better to the worse one: nothing but mix
    then, now = (140.0, 200.0), (120.0, 200.0)
    pieces = [effect((then, now), part) for part in (((90.0, 100.0), (45.0, 50.0)), ((50.0, 100.0), (75.0, 150.0)))]
    assert [level for _, level in pieces] == [0.0, 0.0]
    assert sum(amount for amount, _ in pieces) == pytest.approx(-0.1)
    # the same weights and another rate: nothing but level
    amount, level = effect(((150.0, 200.0), (160.0, 200.0)), ((70.0, 100.0), (80.0, 100.0)))
    assert amount == pytest.approx(level) == pytest.approx(0.05)


def test_one_that_appears_is_all_mix_and_a_numerator_alone_is_all_level() -> None:
    appears, level = effect(((50.0, 100.0), (140.0, 200.0)), ((0.0, 0.0), (90.0, 100.0)))
    assert level == 0.0 and appears == pytest.approx(0.9 * 0.5 - 0.6 * 0.5)
    alone, level = effect(((50.0, 100.0), (60.0, 100.0)), ((0.0, 0.0), (10.0, 0.0)))
    assert alone == pytest.approx(0.1) and level == 0.0, "nothing to compare it with in the window before"
    both, level = effect(((50.0, 100.0), (60.0, 100.0)), ((5.0, 0.0), (15.0, 0.0)))
    assert both == level == pytest.approx(0.1)


# ---- every metric, on the published picture ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


@pytest.mark.parametrize("metric", list(metrics.metrics()))
def test_every_split_of_every_metric_adds_up_or_says_why_not(book: Snapshot, metric: str) -> None:
    found = metrics.metric(metric)
    towns = book.places("town") if "town" in found.drill else []
    places = [
        DISTRICT,
        *(town.code for town in towns[:2]),
        *(
            company.code
            for town in towns[:1]
            for company in book.places("company", town.code)[:1]
            if "company" in found.drill
        ),
    ]
    for window in found.windows:
        for place in places:
            for by in book.dimensions(found, book.place(place)):
                split = explain(book, metric, window, None, place, by)
                if isinstance(split, NoSplit):
                    assert split.reason and not split.reason.endswith("。")
                    continue
                gap = split.before + sum(piece.amount for piece in split.pieces) - split.after
                assert abs(gap) <= 1e-9 * max(1.0, abs(split.after)), (window, place, by)
                reading = book.read(metric, window, None, place)
                assert split.after == pytest.approx(reading.value) and split.before == pytest.approx(
                    reading.previous
                ), "the change is the one that the page shows"
                assert all(piece.label for piece in split.pieces) and len(
                    {piece.code for piece in split.pieces if piece.code}
                ) == sum(bool(piece.code) for piece in split.pieces)


def test_splits_of_the_fleet_are_really_there_and_name_their_members(book: Snapshot) -> None:
    split = explain(book, "fleet_online_rate", "week", by="town")
    assert (
        isinstance(split, Change)
        and split.is_ratio
        and {piece.label for piece in split.pieces}
        <= {town.label for town in book.places("town")} | {"归属待核", "重复计数", "不单列"}
    )
    energy = explain(book, "fleet_km_per_vehicle_day", "week", by="vehicle_class")
    assert isinstance(energy, Change) and {piece.label for piece in energy.pieces} <= {"普通货物", "危险货物", "未知"}
    worst = next(town for town in book.places("town") if any(piece.code == town.code for piece in split.pieces))
    vehicles = explain(book, "fleet_online_rate", "week", place=worst.code, by="vehicle")
    assert isinstance(vehicles, Change) and any(piece.label.startswith("浙") for piece in vehicles.pieces)


def test_persons_of_places_that_are_not_listed_are_one_rest(book: Snapshot) -> None:
    """Split over the towns that are listed in both months; of days and running months there is no split."""
    metric = metrics.metric("drv_driver_cnt")
    for window, at in (("day", None), ("month", "2026-11")):
        split = explain(book, metric.id, window, at, by="town")
        assert isinstance(split, NoSplit) and "按月公布" in split.reason
    whole: Sides = ((30.0, 0.0), (36.0, 0.0))
    then, now = {"a": (12.0, None, 1), "b": (11.0, None, 1)}, {"a": (14.0, None, 1)}
    pieces = contribution._pieces(metric, whole, then, now, str, True)
    assert not isinstance(pieces, NoSplit)
    assert {(piece.kind, piece.code, piece.amount) for piece in pieces} == {("part", "a", 2.0), ("hidden", "", 4.0)}
    assert isinstance(contribution._pieces(metric, whole, {}, {}, str, True), NoSplit)


def test_what_does_not_add_is_refused_with_a_reason(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:

    base = metrics.metric("fleet_km_per_vehicle_day")
    for numerator in (
        "median(valid_km)",
        "max(valid_km)",
        "quantile_cont(valid_km, 0.9)",
        "avg(valid_km)",
        "sum(valid_km) / count(*)",
    ):
        assert not contribution.adds(structs.replace(base, numerator=numerator)), numerator
    assert all(contribution.adds(metric) for metric in metrics.metrics().values())
    assert isinstance(explain(book, "fleet_running_now_cnt"), NoSplit)
    with pytest.raises(UsageError):
        explain(book, "fleet_online_rate", by="colour")
    with pytest.raises(UsageError):
        explain(book, "drv_driver_cnt", by="vehicle")


def test_what_is_counted_under_several_members_is_no_split() -> None:
    metric = metrics.metric("fleet_vehicle_cnt")
    then = {"a": (6.0, None, 1), "b": (6.0, None, 1)}
    assert isinstance(contribution._pieces(metric, ((10.0, 0.0), (10.0, 0.0)), then, then, str, False), NoSplit), (
        "a fifth of it stands twice"
    )
    few = {"a": (60.0, None, 1), "b": (41.0, None, 1)}
    pieces = contribution._pieces(metric, ((100.0, 0.0), (100.0, 0.0)), few, few, str, False)
    assert not isinstance(pieces, NoSplit) and {piece.kind for piece in pieces} == {"part", "twice"}


def test_every_slice_of_a_metric_is_a_dimension_of_its_mart_with_a_chinese_name() -> None:
    for metric in metrics.metrics().values():
        declared = models()[metric.mart].dimensions
        assert set(metric.slices) <= set(declared), metric.id
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in item.label) for item in declared.values())
