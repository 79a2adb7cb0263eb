"""What stands beside a trend: outages as runs of days, revisions of this place and window, definitions that changed."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import duckdb
import pytest

from warehouse.compile.reading import DISTRICT
from warehouse.core.settings import Settings
from warehouse.insight import trend_annotations
from warehouse.publish import snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot

DAY = dt.date(2026, 11, 10)


@pytest.fixture(scope="module")
def book(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The picture with a platform cut off for two days, a source silent on one, and a number revised."""
    data = tmp_path_factory.mktemp("events") / "data"
    shutil.copytree(published / "published", data / "published")
    generation = snapshot.current(Settings(data))
    assert generation
    file = data / "published" / f"{generation}.duckdb"
    file.chmod(0o600)
    with duckdb.connect(str(file)) as con:
        con.execute(
            "UPDATE marts.platform_link SET up_min = 100 WHERE day BETWEEN DATE '2026-11-10' AND DATE '2026-11-11'"
        )
        con.execute(
            "INSERT INTO marts.source_delivery SELECT DATE '2026-11-05', 'yz', 'vehicle', TIMESTAMP '2026-11-05 02:00:00', TIMESTAMP '2026-11-05 03:00:00', NULL, 0, false"
        )
        con.execute(
            "DELETE FROM meta.kpi_revision WHERE kpi_id = 'fleet_online_rate' AND win = 'week' AND win_start = DATE '2026-11-09'"
        )
        for place in (DISTRICT, "330110010"):
            for value, at in ((0.9, "2026-11-16 08:00:00"), (0.91, "2026-11-18 09:00:00")):
                con.execute(
                    "INSERT INTO meta.kpi_revision (kpi_id, win, win_start, grain, grain_key, num, den, value, is_provisional, generation, recorded_at) "
                    "VALUES ('fleet_online_rate', 'week', DATE '2026-11-09', ?, ?, 9, 10, ?, false, 'g', CAST(? AS TIMESTAMP))",
                    ["district" if place == DISTRICT else "town", place, value, at],
                )
    return Snapshot(Settings(data), generation, Scope.ALL, None)


def test_days_without_connection_are_one_outage_and_touch_only_what_stands_on_positions(book: Snapshot) -> None:
    found = trend_annotations.beside(
        book, "fleet_online_rate", "day", DAY - dt.timedelta(days=3), DAY + dt.timedelta(days=3), DISTRICT
    )
    assert [(event.kind, event.first, event.last) for event in found] == [("outage", DAY, DAY + dt.timedelta(days=1))]
    assert trend_annotations.beside(book, "p1_instructor_rate", "day", DAY, DAY, DISTRICT) == []


def test_a_source_that_delivered_nothing_due_is_named(book: Snapshot) -> None:
    day = dt.date(2026, 11, 5)
    found = trend_annotations.beside(book, "fleet_vehicle_cnt", "day", day, day, DISTRICT)
    assert [event.label for event in found if event.kind == "outage"] == ["道路运政·车辆中断"]


def test_a_revision_stands_at_its_window_and_only_for_its_place_and_kind_of_window(book: Snapshot) -> None:
    def revisions(window: str, place: str) -> list[trend_annotations.Happening]:
        return [
            event
            for event in trend_annotations.beside(
                book, "fleet_online_rate", window, dt.date(2026, 11, 1), dt.date(2026, 11, 22), place
            )
            if event.kind == "revision"
        ]

    assert [(event.first, event.last) for event in revisions("week", DISTRICT)] == [
        (dt.date(2026, 11, 9), dt.date(2026, 11, 15))
    ]
    assert (
        len(revisions("week", "330110010")) == 1
        and revisions("week", "330110005") == []
        and revisions("month", DISTRICT) == []
    )


def test_the_first_publication_of_a_metric_is_no_change_of_definition(book: Snapshot) -> None:
    assert not any(
        event.kind == "definition"
        for event in trend_annotations.beside(
            book, "fleet_online_rate", "day", dt.date(2026, 1, 1), dt.date(2026, 12, 31), DISTRICT
        )
    )


def test_runs_of_days() -> None:
    days = [dt.date(2026, 11, n) for n in (1, 2, 3, 7, 9, 10)]
    assert [(a.day, b.day) for a, b in trend_annotations._runs(days)] == [
        (1, 3),
        (7, 7),
        (9, 10),
    ] and trend_annotations._runs([]) == []
