"""A corrected definition reaches every number that stands on it, at the next publication, and the trail says why."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator

import msgspec
import pytest

from tests.etl.pipeline.planting import company, vehicle
from tests.house import House
from warehouse.build import fingerprints, graph
from warehouse.build.revisions import REDEFINED
from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models
from warehouse.core.settings import ROOT

pytestmark = pytest.mark.slow

DAY = dt.date(2026, 11, 20)
TRAIL = "SELECT value, coalesce(why, '') FROM run.kpi_revision WHERE kpi_id = ? AND win = 'day' AND win_start = ? AND grain = 'district' ORDER BY recorded_at"


@pytest.fixture
def told(house: House) -> House:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(), vehicle(plate_no="浙A22222")])
    house.publish()
    return house


@pytest.fixture
def redefined(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What is patched into the catalogue is read anew, and so is what was there before."""
    yield monkeypatch
    monkeypatch.undo()
    for cached in (graph.inputs, fingerprints.of_model):
        cached.cache_clear()


def again(house: House) -> list[tuple[float, str]]:
    house.at += dt.timedelta(minutes=5)
    house.publish()
    return [(value, why) for value, why in house.rows(TRAIL, ["fleet_vehicle_cnt", DAY])]


def test_another_numerator_is_told_at_once_and_as_what_it_is(told: House, redefined: pytest.MonkeyPatch) -> None:
    assert again(told) == [(2, "")], "nothing has changed"
    metric = metrics()["fleet_vehicle_cnt"]
    redefined.setitem(metrics(), metric.id, msgspec.structs.replace(metric, numerator=f"10 * {metric.numerator}"))
    assert again(told) == [(2, ""), (20, REDEFINED)]
    assert again(told) == [(2, ""), (20, REDEFINED)], "and once"


def test_another_staging_model_remakes_the_days_above_it(told: House, redefined: pytest.MonkeyPatch) -> None:
    model = models()["stg_yz_vehicle"]
    changed = msgspec.structs.replace(model, sql=f"SELECT * FROM ({model.sql}) WHERE plate <> '浙A22222'")
    redefined.setitem(models(), model.name, changed)
    for cached in (graph.inputs, fingerprints.of_model):
        cached.cache_clear()
    assert again(told) == [(2, ""), (1, REDEFINED)]


def test_a_parameter_of_the_bureau_moves_the_days_that_stand_on_it(told: House) -> None:
    told.put(
        "gps_vehicle_day",
        [{"plate_no": "浙A22222", "plate_color": 2, "day": f"{DAY}", "pts": 100, "pts_ok": 100, "drift_pts": 1}],
    )
    again(told)
    drifting = "SELECT count(*) FROM marts.vehicle_day WHERE day = ? AND is_drifting"
    assert told.rows(drifting, [DAY]) == [(0,)]
    with (ROOT / "raw" / "own_parameter.csv").open(encoding="utf-8", newline="") as file:
        rows = [{**row, "value": "1"} if row["name"] == "drift_min_pts" else row for row in csv.DictReader(file)]
    told.put("own_parameter", rows)
    again(told)
    assert told.rows(drifting, [DAY]) == [(1,)]
