"""The trail of published numbers: old value, new value, since which generation; nothing twice, and no rebuild forgets
it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.etl.pipeline.planting import company, vehicle
from tests.house import House
from tests.warehouse.ingest.test_late_arrivals import drive, live
from warehouse.build import revisions
from warehouse.core.database import Reader
from warehouse.publish import recover, snapshot

pytestmark = pytest.mark.slow

DAY = dt.date(2026, 11, 20)
TRAIL = "SELECT value, num, den, is_provisional, generation, recorded_at FROM run.kpi_revision WHERE kpi_id = 'fleet_vehicle_cnt' AND win = 'day' AND win_start = ? AND grain = ? ORDER BY recorded_at"


def trail(house: House, grain: str = "district") -> list[tuple[Any, ...]]:
    return house.rows(TRAIL, [DAY, grain])


@pytest.fixture
def told(house: House) -> House:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle()])
    house.publish()
    return house


def test_the_first_number_is_kept_and_the_same_number_adds_nothing(told: House) -> None:
    first = trail(told)
    assert [(row[0], row[4], row[5]) for row in first] == [(1, "20261123T140000", dt.datetime(2026, 11, 23, 14))]
    count = told.rows("SELECT count(*) FROM run.kpi_revision")
    for _ in range(2):
        told.at += dt.timedelta(minutes=5)
        told.publish()
    assert trail(told) == first and told.rows("SELECT count(*) FROM run.kpi_revision") == count


def test_a_changed_number_stands_below_the_old_one_at_district_and_town(told: House) -> None:
    told.at += dt.timedelta(minutes=5)
    told.put("yz_vehicle", [vehicle(plate_no="浙A22222")])
    book = told.publish()
    assert [(row[0], row[4]) for row in trail(told)] == [(1, "20261123T140000"), (2, book.generation.id)]
    assert [row[0] for row in trail(told, "town")] == [1, 2]
    file = told.settings.published / f"{book.generation.id}.duckdb"
    reader = Reader(file)
    published = reader.rows(TRAIL.replace("run.", "meta."), [DAY, "district"])
    reader.close()
    assert published == trail(told), "readers see the same trail"


def test_a_number_that_goes_back_is_a_revision_too(told: House) -> None:
    for step, uscc in enumerate(("", "gone", "")):
        told.at += dt.timedelta(minutes=5)
        told.put(
            "yz_vehicle", [vehicle(status="注销" if uscc else "营运", yz_updated_at=f"2026-01-01 08:0{step + 1}:00")]
        )
        told.publish()
    assert [row[0] for row in trail(told)] == [1, 0, 1]


def test_a_flow_is_provisional_for_72_hours_and_final_afterwards(told: House) -> None:
    day = dt.date(2026, 11, 18)
    live(told, dt.datetime(2026, 11, 18, 20), drive("08:00:00"))
    told.at = dt.datetime(2026, 11, 19, 6)
    told.publish()
    live(told, dt.datetime(2026, 11, 21, 22), drive("10:00:00", 60))
    told.at = dt.datetime(2026, 11, 23, 6)
    told.publish()
    rows = told.rows(
        "SELECT is_provisional, den FROM run.kpi_revision WHERE kpi_id = 'dh_data_qualified_rate' AND win = 'day' AND win_start = ? AND grain = 'district' ORDER BY recorded_at",
        [day],
    )
    assert rows == [(True, 41), (False, 162)]


def test_a_rebuild_takes_the_trail_over(told: House, tmp_path: Path) -> None:
    told.at += dt.timedelta(minutes=5)
    told.put("yz_vehicle", [vehicle(plate_no="浙A22222")])
    told.publish()
    before = trail(told)
    assert len(before) == 2
    told.close()
    recover.set_aside(told.settings)
    again = House(tmp_path / "data", told.at + dt.timedelta(minutes=5))
    for note in list(again.landing.notes()):
        again.load(note)
    again.build()
    revisions.prepare(again.writer)
    snapshot.take_over_trail(again.writer, again.settings)
    again.publish()
    assert trail(again) == before
    again.close()
