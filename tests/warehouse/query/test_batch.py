"""Numbers asked together are the numbers asked alone, to the last digit; what a snapshot cannot tell spoils nothing; a
trend asks for each window once and for none before our data begin."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from warehouse.catalog.metrics import metrics
from warehouse.compile.reading import DISTRICT
from warehouse.core import database
from warehouse.core.database import Reader
from warehouse.core.errors import OlderShape
from warehouse.query import batch
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


@pytest.fixture(autouse=True)
def without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an answer may take is looked at elsewhere: all indicators of all towns in one question are more than any
    page asks, and on a busy machine take longer."""
    monkeypatch.setattr(database.PATIENCE, "of", lambda _cursor, _seconds: nullcontext())


def alone(book: Snapshot) -> Snapshot:
    """The same snapshot with nothing known of it yet."""
    return Snapshot(book._settings, book.generation.id, Scope.ALL, None)


@pytest.mark.parametrize(
    ("grain", "at"), [("district", None), ("town", None), ("company", None), ("town", "2026-11-20")]
)
def test_what_is_asked_together_is_what_is_asked_alone(
    book: Snapshot, grain: str, at: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [DISTRICT] if grain == "district" else [place.code for place in book.places(grain)[:2]]
    requested = [
        (metric.id, window, at if window == "day" else None)
        for metric in metrics().values()
        for window in metric.windows
        if grain == "district" or grain in metric.drill
    ]
    assert len(requested) > 30
    for code in places:
        one, many = alone(book), alone(book)
        many.prepare(requested, code)
        with monkeypatch.context() as patch:
            patch.setattr(Snapshot, "_prepare", lambda *_: None)
            apart = [one.read(metric, window, when, code) for metric, window, when in requested]
        assert [many.read(metric, window, when, code) for metric, window, when in requested] == apart


def test_after_it_no_figure_is_asked_again(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, town = alone(book), book.places("town")[0].code
    requested = [
        (name, "week", None)
        for name in ("fleet_online_rate", "safe_alarm_handled_rate", "drv_driver_cnt", "fleet_vehicle_cnt")
    ]
    fresh.prepare(requested, town)
    counts, persons = batch.counts, batch.persons
    monkeypatch.setattr(
        batch,
        "counts",
        lambda reader, wanted, grain, code: (
            pytest.fail(f"asked again: {wanted}") if wanted and code == town else counts(reader, wanted, grain, code)
        ),
    )
    monkeypatch.setattr(
        batch,
        "persons",
        lambda reader, wanted, grain, code: (
            pytest.fail(f"asked again: {wanted}") if wanted and code == town else persons(reader, wanted, grain, code)
        ),
    )
    assert {fresh.read(metric, window, None, town).metric for metric, window, _ in requested} == {
        name for name, _, _ in requested
    }


def test_a_snapshot_of_an_older_shape_tells_what_it_can(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = alone(book)

    def older(*_: object) -> list[batch.Parts]:
        raise OlderShape("这份快照里没有要读的内容")

    monkeypatch.setattr(batch, "counts", older)
    assert fresh.read("fleet_online_rate", "week").value == book.read("fleet_online_rate", "week").value


def test_windows_of_a_trend_are_asked_once_and_none_before_the_beginning(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = alone(book)
    begins = fresh.begins(fresh.metrics["fleet_online_rate"])
    assert begins is not None
    requested: list[str] = []
    plain = Reader.rows
    monkeypatch.setattr(
        Reader,
        "rows",
        lambda self, sql, *more, **named: (
            requested.append(str(more)) if "win_day" in sql else None,
            plain(self, sql, *more, **named),
        )[1],
    )
    once = fresh.series("fleet_online_rate", "week", 6)
    again = fresh.series("fleet_online_rate", "week", 12)
    assert again[-6:] == once and fresh.series("fleet_online_rate", "week", 6) == once
    assert len(requested) <= 2 and all(str(point.win_start) not in "".join(requested[1:]) for point in once)
    long = fresh.series("fleet_online_rate", "week", 400)
    assert {point.status for point in long if point.win_end < begins} == {"missing"} and len(requested) <= 3
    assert [point.value for point in long[-12:]] == [point.value for point in again]
