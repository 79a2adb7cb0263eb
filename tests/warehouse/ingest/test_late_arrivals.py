"""A day may change for 72 hours; what comes later waits for a person's word, and then it counts (L72)."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.etl.pipeline.planting import company, vehicle
from tests.house import House
from tests.warehouse.build.test_models import track
from warehouse.ingest.late_arrivals import LATE
from warehouse.publish import recover
from warehouse.query import data_quality
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.world

DAY = dt.date(2026, 11, 18)
END = dt.datetime(2026, 11, 19)


def drive(at: str, minutes: int = 20, plate: str = "浙A12345") -> list[dict[str, Any]]:
    """Points from which 20 km become a day's way."""
    return track({"plate_no": plate, "track": {"from": f"{DAY}T{at}", "minutes": minutes, "kmh": 60}})


def live(house: House, at: dt.datetime, rows: list[dict[str, Any]]) -> Any:
    import orjson

    return house.payload("gps", "location", orjson.dumps([{**row, "is_makeup": 1} for row in rows]), "json_rows", at=at)


def km(house: House) -> list[tuple[Any, ...]]:
    house.build()
    return house.rows("SELECT round(km_total) FROM marts.gps_vehicle_day WHERE day = ? ORDER BY 1", [DAY])


@pytest.fixture
def driven(house: House) -> House:
    """A vehicle that drove 20 km on the day, reported the same evening."""
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(), vehicle(plate_no="浙A22222")])
    live(house, dt.datetime(2026, 11, 18, 20), drive("08:00:00"))
    assert km(house) == [(20,)]
    return house


def test_positions_71_hours_after_the_day_still_change_it(driven: House) -> None:
    assert live(driven, END + dt.timedelta(hours=71), drive("10:00:00", plate="浙A22222")).merged == 41
    assert km(driven) == [(20,), (20,)]


def test_positions_73_hours_after_the_day_go_aside_and_change_nothing(driven: House) -> None:
    account = live(driven, END + dt.timedelta(hours=73), drive("10:00:00", plate="浙A22222"))
    assert (account.merged, account.quarantined) == (0, 41) and account.balanced
    assert km(driven) == [(20,)]
    assert driven.rows("SELECT rule, count(*) FROM raw.quarantine GROUP BY 1") == [(LATE, 41)]


def test_a_day_first_heard_of_late_is_open_for_72_hours_from_then(house: House) -> None:
    """The first delivery of a history years back is no late row."""
    assert live(house, END + dt.timedelta(days=30), drive("08:00:00")).merged == 41
    assert live(house, END + dt.timedelta(days=30, hours=71), drive("10:00:00")).merged == 41
    assert live(house, END + dt.timedelta(days=30, hours=73), drive("12:00:00")).quarantined == 41


def test_late_rows_do_not_hide_bad_ones_and_bad_rows_do_not_open_a_day(house: House) -> None:
    live(house, dt.datetime(2026, 11, 18, 20), [{**row, "plate_no": "无牌"} for row in drive("08:00:00")[:3]])
    assert house.rows("SELECT count(*) FROM run.day_seen") == [(0,)]


def test_a_rebuild_in_the_presence_of_late_rows_ends_in_the_same(driven: House, tmp_path: Path) -> None:
    live(driven, END + dt.timedelta(hours=71), drive("10:00:00", plate="浙A22222"))
    live(driven, END + dt.timedelta(hours=73), drive("14:00:00", plate="浙A22222"))
    driven.build()
    step_by_step = recover.fingerprint(driven.writer, driven.settings)
    driven.build(full=True)
    assert recover.fingerprint(driven.writer, driven.settings) == step_by_step
    aside = driven.rows("SELECT landing_seq, row_no, rule FROM raw.quarantine ORDER BY ALL")
    driven.close()
    recover.set_aside(driven.settings)
    again = House(tmp_path / "data")
    for note in list(again.landing.notes()):
        again.load(note)
    again.build()
    assert recover.fingerprint(again.writer, again.settings) == step_by_step
    assert again.rows("SELECT landing_seq, row_no, rule FROM raw.quarantine ORDER BY ALL") == aside
    again.close()


@pytest.mark.slow
def test_backfill_opens_the_days_says_who_and_why_and_the_trail_keeps_both_numbers(driven: House) -> None:
    settings = driven.settings
    live(driven, END + dt.timedelta(hours=73), drive("10:00:00", plate="浙A22222"))
    settings.sources.touch(0o600)
    settings.sources.write_text("is_demo = true\n", "utf-8")
    driven.publish()
    before = SnapshotStore(settings.data).current(Scope.ALL)
    assert before.read("fleet_online_rate", "day", f"{DAY}").num == 1
    driven.close()

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "warehouse",
            "etl",
            "backfill",
            "--from",
            f"{DAY}",
            "--to",
            f"{DAY}",
            "--who",
            "王五",
            "--why",
            "平台补传",
            "--data",
            str(settings.data),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0 and "装入冻结后才到的 41 行" in done.stdout, done.stdout + done.stderr
    after = SnapshotStore(settings.data).current(Scope.ALL)
    assert after.read("fleet_online_rate", "day", f"{DAY}").num == 2 and data_quality.quarantine(after) == []
    again = House(settings.data)
    assert again.rows("SELECT source_table, who, why, rows FROM run.redo") == [("gps_location", "王五", "平台补传", 41)]
    trail = again.rows(
        """SELECT num, generation FROM run.kpi_revision WHERE kpi_id = 'fleet_online_rate' AND win = 'day' AND win_start = ? AND grain = 'district'
        ORDER BY recorded_at""",
        [DAY],
    )
    assert trail == [(1, before.generation.id), (2, after.generation.id)]
    again.close()
