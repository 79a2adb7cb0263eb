"""The defects of the stand-in world on their whole way from its sources to `etl status`, and a world without any."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import orjson
import pytest

from etl.cli.demonstration import write_endpoints
from etl.config.descriptions import feeds
from etl.demo.server import runner
from etl.jobs import live, refresh
from etl.pipeline import intake, status
from etl.runtime.context import opened
from tests.conftest import TINY, WORLD_NOW
from tests.depth import depth
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

pytestmark = pytest.mark.slow

BY_COUNT = {f"D{number:02d}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 19, 20, 24, 25)}


def aware(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=SHANGHAI)


def test_what_the_stand_in_planted_is_told_by_status(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "data", ignore=shutil.ignore_patterns("demo", "reports"))
    planted = orjson.loads((published / "demo" / "planted.json").read_bytes())
    found = status.collect(Settings(tmp_path / "data"))
    text = status.text(found)
    stated = {row["rule"] for row in found["defects"] if row["rows"]} | {row["rule"] for row in found["quarantine"]}
    assert BY_COUNT & set(planted) <= stated, sorted(BY_COUNT & set(planted) - stated)
    repeated = planted["D21"]["gps_vehicle_day"]["keys"][0]
    assert "D21" in stated and any(repeated in line and "逐字节相同" in line for line in text.splitlines())
    assert all(
        row["rows_in"] == row["merged"] + row["older"] + row["duplicate"] + row["quarantined"]
        for row in found["balances"]
    )
    assert not [line for line in text.splitlines() if line.startswith("注意")]


@pytest.mark.independent
def test_a_world_without_defects_loads_without_quarantine_and_without_defects(tmp_path: Path) -> None:
    moment, settings = aware(WORLD_NOW), Settings(tmp_path / "data")
    runner.prepare(tmp_path / "demo", scale=TINY, now=moment, history_days=depth(5, 10), clean=True)
    server = runner.serve(tmp_path / "demo", clock=lambda: moment)
    try:
        settings.own.mkdir(parents=True)
        (settings.own / "platform.csv").write_text(
            "platform_id,color_family,speed_scale,source\n33011000001,国标,1,平台都守规矩\n", "utf-8"
        )
        write_endpoints(settings, orjson.loads((tmp_path / "demo" / "endpoints.json").read_bytes()))
        with opened(settings, now=lambda: WORLD_NOW) as context:
            assert live.run(context) + refresh.run(context) == []
            assert context.writer.execute("SELECT count(*) FROM raw.quarantine") == [(0,)]
    finally:
        server.stop()
    found = status.collect(settings)
    assert (found["quarantine"], found["refused"]) == ([], [])
    assert (
        [row for row in found["defects"] if row["rows"]] == [] == [check for check in found["checks"] if check["held"]]
    )


def test_d21_a_day_on_which_the_learning_list_was_silent_comes_in_on_the_next(published: Path, tmp_path: Path) -> None:
    """The service answers 200 with nothing for a whole day; the cursor must not run away over it."""
    shutil.copytree(published / "demo", tmp_path / "demo")
    clock = [WORLD_NOW]
    server = runner.serve(tmp_path / "demo", clock=lambda: aware(clock[0]))
    learning = [feed for feed in feeds() if feed.entity == "learning"]
    settings = Settings(tmp_path / "data")
    settings.data.mkdir()
    counts = []
    try:
        write_endpoints(settings, orjson.loads((tmp_path / "demo" / "endpoints.json").read_bytes()))
        with opened(settings, now=lambda: clock[0]) as context:
            for day in range(4):
                clock[0] = WORLD_NOW + dt.timedelta(days=day)
                assert intake.run(context, learning) == []
                counts.append(context.writer.execute("SELECT count(*) FROM raw.rdm_learning")[0][0])
            spread = context.writer.execute(
                "SELECT count(*) FROM raw.rdm_learning WHERE updated_at BETWEEN ? AND ?",
                [WORLD_NOW + dt.timedelta(days=1), WORLD_NOW + dt.timedelta(days=2)],
            )
    finally:
        server.stop()
    assert counts[0] < counts[1] == counts[2] < counts[3], "the third day is the silent one"
    assert spread[0][0] > 0, "and its rows are here all the same"
