"""kill -9 anywhere: nothing acknowledged is lost, nothing is there twice, and the next run ends where an undisturbed
one ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.depth import depth
from tests.etl import register as sources
from warehouse.core.failpoints import POINTS
from warehouse.core.settings import Settings
from warehouse.ingest import load
from warehouse.publish import recover, snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

DAY, VEHICLES, FILES = "2026-11-20", 6, 6
KILLS = depth(2, 100)
REACHED = [point for point in POINTS if point != "after_fetch"]
IN_A_ROW = sorted(REACHED, key="after_lake mid_build before_swap between_files after_swap".find)
"""First those that the first table reaches, then what needs positions, at last those of a publication. By day every
other one: each is a start and a stop of the whole loader."""
pytestmark = pytest.mark.crash


def start(data: Path, crash_at: str = "") -> subprocess.Popen[bytes]:
    environment = {**os.environ, "ZHENGBEI_CRASH_AT": crash_at}
    return subprocess.Popen(
        [sys.executable, "-m", "warehouse", "etl", "run", "--data", str(data)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(data: Path) -> None:
    child = start(data)
    _, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors.decode()


def outcome(data: Path) -> dict[str, tuple[int, int]]:
    settings = Settings(data)
    writer, _ = recover.open_warehouse(settings)
    try:
        assert not recover.acknowledged(settings) - load.settled(writer), "acknowledged and missing"
        assert writer.execute(
            "SELECT count(*) FROM run.batch WHERE rows_in <> merged + older + duplicate + quarantined"
        ) == [(0,)]
        assert writer.execute(
            "SELECT count(*) FROM (SELECT landing_seq FROM run.batch GROUP BY 1 HAVING count(*) > 1)"
        ) == [(0,)]
        return recover.fingerprint(writer, settings)
    finally:
        writer.close()


def grown(folder: Path, files: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "register.sqlite").exists():
        sources.register(folder / "register.sqlite", VEHICLES)
    for number in range(files):
        if not list((folder / "drop").glob(f"gps/location/*_{number:04d}.csv.gz")):
            sources.positions(folder / "drop", number, DAY, VEHICLES)
    return folder


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which nothing was killed."""
    folder = grown(tmp_path_factory.mktemp("calm"), FILES)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    finish(folder / "data")
    return folder


@pytest.fixture(scope="module")
def undisturbed(calm: Path) -> dict[str, tuple[int, int]]:
    return outcome(calm / "data")


def test_killed_at_one_named_point_after_the_other(tmp_path: Path, undisturbed: dict[str, tuple[int, int]]) -> None:
    """Each start finds what the kill before has left, and lives on to the next point."""
    folder = grown(tmp_path, 1)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    for turn, point in enumerate(depth(IN_A_ROW[1::2], IN_A_ROW)):
        grown(folder, 1 + turn * FILES // len(IN_A_ROW))
        child = start(folder / "data", crash_at=point)
        child.communicate(timeout=120)
        assert child.returncode == 9, f"the point {point} was never reached"
    grown(folder, FILES)
    finish(folder / "data")
    assert outcome(folder / "data") == undisturbed


@pytest.mark.nightly
@pytest.mark.parametrize("point", REACHED)
def test_killed_at_a_named_point(point: str, tmp_path: Path, undisturbed: dict[str, tuple[int, int]]) -> None:
    folder = grown(tmp_path, FILES)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    child = start(folder / "data", crash_at=point)
    child.communicate(timeout=120)
    assert child.returncode == 9, f"the point {point} was never reached"
    finish(folder / "data")
    assert outcome(folder / "data") == undisturbed


def test_killed_at_random_moments(tmp_path: Path, undisturbed: dict[str, tuple[int, int]]) -> None:
    """Files arrive while the loader is killed again and again; whenever a generation is there, it can be read."""
    folder = grown(tmp_path, 1)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    dice, kills = random.Random(20261123), 0
    for turn in range(KILLS):
        grown(folder, 1 + min(FILES - 1, turn * FILES // KILLS))
        child = start(folder / "data")
        time.sleep(dice.uniform(0.3, 4.0))
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            kills += 1
        child.communicate()
        if snapshot.current(Settings(folder / "data")):
            assert SnapshotStore(folder / "data").current(Scope.ALL).read("fleet_vehicle_cnt").status in (
                "ok",
                "missing",
            )
    grown(folder, FILES)
    finish(folder / "data")
    assert kills > KILLS // 4
    assert outcome(folder / "data") == undisturbed


def test_a_second_loader_stops_and_names_the_holder(tmp_path: Path) -> None:
    folder = grown(tmp_path, 1)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    first = subprocess.Popen(
        [sys.executable, "-m", "warehouse", "etl", "schedule", "--data", str(folder / "data")],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        lock = folder / "data" / "etl.lock"
        for _ in range(200):
            if lock.exists() and str(first.pid) in lock.read_text():
                break
            time.sleep(0.05)
        second = start(folder / "data")
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 75
        assert f"进程 {first.pid}" in errors.decode() and "Traceback" not in errors.decode()
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


def test_a_lost_tail_of_the_database_is_noticed_and_filled(calm: Path, undisturbed: dict[str, tuple[int, int]]) -> None:
    """The calm folder is broken: nobody starts from it afterwards."""
    folder, settings = calm, Settings(calm / "data")
    for file in folder.glob("data/warehouse.duckdb*"):
        file.write_bytes(b"not a database at all" * 100)
    finish(folder / "data")
    assert list(settings.data.glob("warehouse.duckdb.broken-*")), "what was broken is set aside, not deleted"
    assert outcome(folder / "data") == undisturbed
