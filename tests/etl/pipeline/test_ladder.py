"""Whatever is damaged, the next start climbs down the ladder by itself and ends in the same warehouse: WAL torn, WAL
altered, database altered, the copy altered as well, positions gone."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.jobs import refresh
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.depth import depth
from tests.etl import register as sources
from tests.flips import flip
from warehouse.core.settings import Settings
from warehouse.ingest import compact, lake
from warehouse.publish import recover, snapshot

DAY, VEHICLES, FILES = "2026-11-20", 4, 3
NOW = dt.datetime(2026, 11, 23, 14, 5)
FLIPS = depth(3, 30)
pytestmark = pytest.mark.slow


def outcome(context: Context) -> recover.Contents:
    return recover.fingerprint(context.writer, context.settings)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, recover.Contents]:
    """A day of positions of which the last file came after the copy was made; the database was left with a WAL, as when
    the power goes."""
    folder = tmp_path_factory.mktemp("ladder")
    sources.register(folder / "register.sqlite", VEHICLES)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    settings = Settings(folder / "data")
    for number in range(FILES):
        sources.positions(folder / "drop", number, DAY, VEHICLES)
        with opened(settings, now=lambda: NOW) as context:
            assert refresh.run(context) == []
            if number == FILES - 2:
                recover.backup(context.writer, context.settings)
            if number == FILES - 1:
                compact_all(context)
                refresh.publish(context)
                truth = outcome(context)
                context.writer.execute("CHECKPOINT; SET wal_autocheckpoint = '1GB'")
                context.writer.execute("CREATE TABLE run.after_all AS SELECT range AS n FROM range(1000)")
                context.writer.execute("DROP TABLE run.after_all")
                shutil.copytree(settings.data, folder / "cut")
    assert (folder / "cut" / "warehouse.duckdb.wal").stat().st_size > 1000
    assert truth["lake.gps_location"][0] > 100 and truth["marts.vehicle_day"][0] > 0
    return folder / "cut", truth


def compact_all(context: Context) -> None:
    """Merges the small files of the day, so that the copy books files that the lake no longer has."""
    before = lake.files(context.writer, context.settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "MANY", 2)
        assert compact.lake(context.writer, context.settings)
    assert not all(Path(path).exists() for path in before)


@pytest.fixture
def cut(world: tuple[Path, recover.Contents], tmp_path: Path) -> Settings:
    shutil.copytree(world[0], tmp_path / "data")
    return Settings(tmp_path / "data")


def spoil(file: Path) -> None:
    """Turns one bit round in every block, so that whatever is read of it is damaged."""
    body = bytearray(file.read_bytes())
    for start in range(0x3000 + 100, len(body), 0x40000):
        body[start] ^= 1
    file.write_bytes(body)


def wal(settings: Settings) -> Path:
    return settings.warehouse.with_suffix(".duckdb.wal")


def tear(settings: Settings) -> None:
    wal(settings).write_bytes(wal(settings).read_bytes()[: wal(settings).stat().st_size // 2])


def both(settings: Settings) -> None:
    spoil(settings.warehouse)
    spoil(settings.backup / "warehouse.duckdb")


RUNGS: dict[str, tuple[Callable[[Settings], object], tuple[str, ...]]] = {
    "WAL torn": (tear, ()),
    "WAL altered": (lambda s: flip(wal(s), random.Random(5), first=200), ("warehouse.duckdb.wal 移为",)),
    "database altered": (lambda s: spoil(s.warehouse), ("已由备份恢复数据仓库",)),
    "positions gone": (lambda s: shutil.rmtree(s.lake), ("定位文件缺失", "已由备份恢复数据仓库")),
    "database and copy altered": (both, ("由原始数据重建数据仓库",)),
}


@pytest.mark.parametrize("rung", RUNGS)
def test_the_ladder_ends_in_the_undamaged_world(rung: str, cut: Settings, world: tuple[Path, recover.Contents]) -> None:
    damage, expected = RUNGS[rung]
    damage(cut)
    with opened(cut, now=lambda: NOW) as context:
        notes = "；".join(context.notes)
        assert all(words in notes for words in expected), notes
        assert ("已由备份恢复数据仓库" in notes) == ("已由备份恢复数据仓库" in expected)
        intake.pending(context)
        refresh.publish(context)
        assert outcome(context) == world[1]
        assert context.writer.execute("SELECT count(*), count(DISTINCT recorded_at) FROM run.kpi_revision")[0][0] > 0
    if expected and "移为" not in expected[0]:
        assert list(cut.data.glob("warehouse.duckdb.broken-*")), "what was broken is set aside, not deleted"
    with opened(cut, now=lambda: NOW) as context:
        assert context.notes == [] and outcome(context) == world[1], "the start after it has nothing to repair"


def test_the_trail_of_revisions_survives_the_way_back_to_an_older_copy(cut: Settings) -> None:
    with opened(cut, now=lambda: NOW) as context:
        trail = context.writer.execute("SELECT * FROM run.kpi_revision ORDER BY ALL")
    spoil(cut.warehouse)
    with opened(cut, now=lambda: NOW) as context:
        assert context.writer.execute("SELECT count(*) FROM run.kpi_revision")[0][0] < len(trail)
        snapshot.take_over_trail(context.writer, cut)
        assert context.writer.execute("SELECT * FROM run.kpi_revision ORDER BY ALL") == trail


def test_any_flipped_bit_of_the_database_is_noticed_at_the_start_or_harms_nothing(
    cut: Settings, world: tuple[Path, recover.Contents]
) -> None:
    wal(cut).unlink()
    original, dice = cut.warehouse.read_bytes(), random.Random(20261123)
    writer, _ = recover.open_warehouse(cut)
    whole = recover.contents(writer)
    writer.close()
    for _ in range(FLIPS):
        cut.warehouse.write_bytes(original)
        flip(cut.warehouse, dice)
        try:
            writer = recover._as_it_is(cut, [])  # type: ignore[assignment]
        except recover.WarehouseBroken:
            continue
        assert recover.contents(writer) == whole
        writer.close()


def test_one_damaged_payload_holds_up_no_other(cut: Settings, world: tuple[Path, recover.Contents]) -> None:
    file = max(cut.landing.rglob("*gps_location.landed"))
    flip(file, random.Random(1), first=file.stat().st_size - 100)
    both(cut)
    with opened(cut, now=lambda: NOW) as context:
        assert intake.pending(context) > 0
        stated = context.writer.execute(
            "SELECT reason FROM raw.quarantine WHERE row_no = -1 AND reason LIKE '原始数据%'"
        )
        assert len(stated) == 1 and file.name in stated[0][0] and "由备份恢复" in stated[0][0]
        assert 0 < outcome(context)["lake.gps_location"][0] < world[1]["lake.gps_location"][0]
