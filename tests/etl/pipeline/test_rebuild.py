"""The raw data alone are enough: made anew from the landing zone, all at once or day by day, from one kind of database
or another, the warehouse is the same row for row."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from etl.cli.demonstration import write_endpoints
from etl.config.descriptions import feeds
from etl.demo.server import runner
from etl.jobs import refresh
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.conftest import TINY, WORLD_NOW
from tests.depth import depth
from tests.etl.sources import servers
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import recover
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow

Print = dict[str, tuple[int, int]]


def fingerprint(context: Context) -> Print:
    return recover.fingerprint(context.writer, context.settings)


def differing(one: Print, other: Print) -> dict[str, tuple[object, object]]:
    return {
        name: (one.get(name), other.get(name)) for name in one.keys() | other.keys() if one.get(name) != other.get(name)
    }


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Settings:
    """A copy of the published house that may be changed."""
    shutil.copytree(published, tmp_path / "house")
    return Settings(tmp_path / "house")


def test_a_rebuild_from_the_landing_zone_ends_in_the_same_warehouse(copy: Settings) -> None:
    with opened(copy, now=lambda: WORLD_NOW) as context:
        before, batches = (
            fingerprint(context),
            context.writer.execute("SELECT * EXCLUDE (landed_at) FROM run.batch ORDER BY landing_seq"),
        )
        cursors = context.writer.execute("SELECT source, entity, cursor FROM run.cursor ORDER BY ALL")
    book = SnapshotStore(copy.data).current(Scope.ALL)
    readings = {
        metric: (book.read(metric).value, book.read(metric).num, book.read(metric).den) for metric in book.metrics
    }
    assert len([name for name in before if name.startswith("marts.")]) >= 12 and before["lake.gps_location"][0] > 10_000
    assert recover.set_aside(copy)
    with opened(copy, now=lambda: WORLD_NOW) as context:
        assert intake.pending(context) >= len(batches)
        refresh.publish(context, full=True)
        assert differing(before, fingerprint(context)) == {}
        assert context.writer.execute("SELECT source, entity, cursor FROM run.cursor ORDER BY ALL") == cursors, (
            "the next fetch goes on where the last one ended"
        )
        stored = context.writer.execute("SELECT sum(rows_in), sum(merged), sum(quarantined) FROM run.batch")
    assert stored == [tuple(sum(row[index] for row in batches) for index in (4, 5, 8))]
    book = SnapshotStore(copy.data).current(Scope.ALL)
    # punctuality is about deliveries, which are acts of the loader and not in the raw data
    again = {metric: (book.read(metric).value, book.read(metric).num, book.read(metric).den) for metric in book.metrics}
    assert {name for name in readings if readings[name] != again[name]} <= {"dh_source_ontime_rate"}
    assert list(copy.data.glob("warehouse.duckdb.broken-*")), "the old one is set aside, not deleted"


@pytest.mark.crash
def test_building_what_changed_equals_building_everything(copy: Settings) -> None:
    """Another day comes in (in the night by two rounds), with late points, changed vehicles and new files; then all is
    built anew."""
    clock = [WORLD_NOW]
    server = runner.serve(copy.data / "demo", clock=lambda: clock[0].replace(tzinfo=SHANGHAI))
    try:
        write_endpoints(copy, orjson.loads((copy.data / "demo" / "endpoints.json").read_bytes()))
        with opened(copy, now=lambda: clock[0]) as context:
            for hours in depth((26,), (3, 26)):
                clock[0] = WORLD_NOW + dt.timedelta(hours=hours)
                server.catch_up()
                assert intake.run(context, [feed for feed in feeds() if "live" in feed.jobs]) == []
                assert refresh.run(context) == []
            assert intake.reconcile(context, feeds()) == []
            refresh.publish(context)
            step_by_step = fingerprint(context)
            refresh.publish(context, full=True)
            assert differing(step_by_step, fingerprint(context)) == {}
            assert context.writer.execute(
                "SELECT count(*) > 0 FROM marts.gps_vehicle_day WHERE day = ?", [clock[0].date()]
            ) == [(True,)]
    finally:
        server.stop()


@pytest.fixture
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own, gone afterwards."""
    with servers.postgres() as dsn:
        yield dsn


def registry(folder: Path, dsn: str | None) -> tuple[Print, list[object]]:
    """The warehouse made of one and the same world's register in the given database; and cursors, accounts,
    quarantine."""
    moment = WORLD_NOW.replace(tzinfo=SHANGHAI)
    runner.prepare(folder / "demo", scale=TINY, now=moment, history_days=3, registry_dsn=dsn)
    settings = Settings(folder / "data")
    settings.data.mkdir(parents=True, exist_ok=True)
    settings.sources.touch(0o600)
    settings.sources.write_text(
        f'is_demo = true\n[yz]\ndsn = "{runner.registry_dsn_of(folder / "demo", dsn)}"\n', "utf-8"
    )
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert refresh.run(context) == []
        assert intake.reconcile(context, feeds()) == []
        assert intake.run(context, [feed for feed in feeds() if feed.source == "yz"]) == [], (
            "the second round asks with a cursor"
        )
        cursors = context.writer.execute("SELECT entity, cursor FROM run.cursor ORDER BY 1")
        accounts = context.writer.execute(
            "SELECT entity, rows_in, merged, older, duplicate, quarantined FROM run.batch ORDER BY landing_seq"
        )
        return fingerprint(context), [
            cursors,
            accounts,
            context.writer.execute("SELECT rule, count(*) FROM raw.quarantine GROUP BY 1 ORDER BY 1"),
        ]


@pytest.mark.servers
@pytest.mark.nightly  # test_transports.py holds the same at every change, without the rebuild
def test_a_register_in_postgresql_gives_the_same_warehouse_as_one_in_sqlite(postgres: str, tmp_path: Path) -> None:
    in_sqlite, stated = registry(tmp_path / "one", None)
    assert in_sqlite["raw.yz_vehicle"][0] > 50
    # a person's pseudonym hangs on the house's key: the second house gets the keys of the first
    shutil.copytree(tmp_path / "one" / "data" / "keys", tmp_path / "two" / "data" / "keys")
    in_postgres, told_too = registry(tmp_path / "two", postgres)
    assert differing(in_sqlite, in_postgres) == {}
    assert stated == told_too
