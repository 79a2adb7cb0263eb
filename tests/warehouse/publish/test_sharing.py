"""Generations share what did not change: a file holds what differs from an earlier whole one, every reader finds the same
in both, and what a generation stands on stays as long as it does."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.flips import flip, write
from tests.house import House
from tests.warehouse.query.test_snapshot_store import statistics, vehicle
from warehouse.catalog.models import models
from warehouse.core.database import Reader
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import Settings
from warehouse.publish import generation_file, snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow

YESTERDAY, EARLIER = "2026-11-22", "2026-11-03"
SOMEWHERE = Scope((), ("330110C1",))


def first_of(house: House) -> House:
    house.put("yz_vehicle", [vehicle(number) for number in range(40)])
    house.put(
        "gps_vehicle_day",
        [statistics(number, f"2026-11-{day:02d}") for number in range(40) for day in range(1, 23)],
    )
    house.publish()
    return house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House.copy_of("shared", lambda house: first_of(house.own()), tmp_path / "data")
    yield made
    made.close()


def again(house: House, *days: str) -> Snapshot:
    """The next generation, five minutes later, with statistics of those days corrected."""
    house.at += dt.timedelta(minutes=5)
    for day in days:
        house.put("gps_vehicle_day", [statistics(3, day, km=float(60 + house.at.minute))])
    return house.publish()


def note(house: House, generation: str | None = None) -> dict[str, object]:
    name = generation or snapshot.current(house.settings)
    found: dict[str, object] = orjson.loads((house.settings.published / f"{name}.json").read_bytes())
    return found


def base(house: House, kind: str = "open") -> str:
    shared = note(house)["shared"]
    assert isinstance(shared, dict)
    return str(shared[kind]["base"])


def is_whole(house: House, kind: str = "open") -> bool:
    return base(house, kind) == f"{snapshot.current(house.settings)}{snapshot.KINDS[kind]}.duckdb"


def digests(settings: Settings) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in settings.published.glob("*.duckdb")}


def contents(settings: Settings, generation: str, kind: str) -> dict[str, tuple[object, ...]]:
    """Table → rows and an order-free hash of them, as a reader of the file finds them."""
    reader = Reader(settings.published / f"{generation}{snapshot.KINDS[kind]}.duckdb")
    tables = {
        f"{schema}.{name}": reader.rows(
            f"SELECT count(*), bit_xor(hash(t)), list(DISTINCT typeof(t)) FROM {schema}.{name} t"
        )[0]
        for schema, name in reader.rows(
            "SELECT DISTINCT schema_name, table_name FROM duckdb_columns() "
            "WHERE database_name = current_database() AND schema_name IN ('marts', 'meta') AND NOT internal"
        )
    }
    reader.close()
    return {name: found for name, found in tables.items() if name != "meta.generation"}


@pytest.mark.parametrize(
    "days", [(), (YESTERDAY,), (EARLIER,), (EARLIER, YESTERDAY)], ids=["nothing", "the last day", "an old day", "both"]
)
def test_a_reader_finds_in_a_shared_file_what_a_whole_one_would_hold(house: House, days: tuple[str, ...]) -> None:
    again(house)
    again(house, *days)
    shared = snapshot.current(house.settings) or ""
    assert not is_whole(house) and not is_whole(house, "restricted")
    house.rows("DELETE FROM build.published")
    held = house.build()
    snapshot.publish(house.writer, house.settings, house.at + dt.timedelta(seconds=1), held, is_demo=True)
    whole = snapshot.current(house.settings) or ""
    assert is_whole(house) and is_whole(house, "restricted")
    for kind in snapshot.KINDS:
        assert contents(house.settings, shared, kind) == contents(house.settings, whole, kind)
    store = SnapshotStore(house.settings.data)
    for scope in (Scope.ALL, SOMEWHERE):
        ours, theirs = store.open(shared, scope), store.open(whole, scope)
        for metric in ours.metrics.values():
            for window in metric.windows:
                one, other = ours.read(metric.id, window), theirs.read(metric.id, window)
                assert (one.value, one.num, one.den, one.status, one.previous) == (
                    other.value,
                    other.num,
                    other.den,
                    other.status,
                    other.previous,
                )


def test_a_round_with_nothing_new_takes_a_part_of_the_disk_and_touches_no_file(house: House) -> None:
    before = digests(house.settings)
    first = again(house, YESTERDAY).id
    for _ in range(4):
        again(house)
    after = digests(house.settings)
    assert {name: after[name] for name in before} == before, "no published file is edited"
    sizes = {name: (house.settings.published / name).stat().st_size for name in after}
    assert sizes[f"{snapshot.current(house.settings)}.duckdb"] < 0.1 * sizes[base(house)]
    assert snapshot.current(house.settings) != first
    for generation in snapshot.generations(house.settings):
        snapshot.verify(house.settings, generation)


def test_what_is_the_same_again_is_not_held_twice(house: House) -> None:
    """A table that was made whole is held by the days that are other ones, and not at all when there are none."""
    again(house)
    house.at += dt.timedelta(minutes=5)
    held = house.build()
    house.rows("INSERT INTO build.unpublished VALUES ('alarm_event', NULL), ('dim_company', NULL)")
    snapshot.publish(house.writer, house.settings, house.at, held, is_demo=True)
    reader = Reader(house.settings.published / f"{snapshot.current(house.settings)}.duckdb")
    own = {name for (name,) in reader.rows("SELECT table_name FROM duckdb_tables() WHERE database_name <> 'base'")}
    reader.close()
    assert not own & {"alarm_event", "dim_company"}


def forget(house: House) -> None:
    house.rows("DELETE FROM build.published")


def another_shape(house: House) -> None:
    restate(house, lambda stated: stated.update(shape="another"))


def damage(house: House) -> None:
    file = house.settings.published / base(house)
    file.chmod(0o600)
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(bytes(body))
    house.at += dt.timedelta(hours=1)


def wait(house: House) -> None:
    house.at += dt.timedelta(days=9)


def remove(house: House) -> None:
    (house.settings.published / base(house)).unlink()


def restate(house: House, change: Callable[[dict[str, object]], None]) -> None:
    stated = note(house)
    change(stated)
    for name in (f"{snapshot.current(house.settings)}.json", snapshot.POINTER):
        (house.settings.published / name).write_bytes(orjson.dumps(stated))


@pytest.mark.parametrize("happens", [forget, another_shape, damage, remove, wait])
def test_the_next_file_is_a_whole_one_where_the_old_one_cannot_be_built_on(
    house: House, happens: Callable[[House], None]
) -> None:
    again(house)
    assert not is_whole(house)
    happens(house)
    book = again(house, *() if happens is wait else (YESTERDAY,))
    assert is_whole(house) and book.read("fleet_vehicle_cnt").value == 40
    snapshot.verify(house.settings, book.id)
    again(house)
    assert not is_whole(house), "and the one after it stands on that"


def test_what_would_be_large_beside_its_base_is_written_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    again(house)
    assert not is_whole(house)
    monkeypatch.setattr(snapshot, "SHARE", 0.001)
    assert again(house, YESTERDAY).read("fleet_vehicle_cnt").value == 40 and is_whole(house)


def test_all_made_anew_with_the_same_outcome_takes_no_disk(house: House) -> None:
    house.at += dt.timedelta(minutes=5)
    held = house.build(full=True)
    snapshot.publish(house.writer, house.settings, house.at, held, is_demo=True)
    assert not is_whole(house) and not is_whole(house, "restricted")
    reader = Reader(house.settings.published / f"{snapshot.current(house.settings)}.duckdb")
    assert not reader.rows(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'fresh' AND table_name <> 'base'"
    )
    reader.close()


def test_a_generation_of_the_release_before_can_be_read_and_built_on(house: House) -> None:
    """Its note says nothing of what its files stand on: they are whole."""
    restate(house, lambda stated: stated.pop("shared"))
    old = snapshot.current(house.settings) or ""
    book = again(house, YESTERDAY)
    assert base(house) == f"{old}.duckdb" and book.read("fleet_vehicle_cnt").value == 40
    assert SnapshotStore(house.settings.data).open(old, Scope.ALL).read("fleet_vehicle_cnt").value == 40


def test_what_a_generation_stands_on_stays_as_long_as_one_names_it(house: House) -> None:
    first = snapshot.current(house.settings) or ""
    second = again(house, YESTERDAY).id
    house.at += dt.timedelta(days=2)
    forget(house)
    newest = again(house).id
    stray = house.settings.published / "20261101T000000.duckdb"
    stray.write_bytes(b"of a publication that was killed")
    assert snapshot.retain(house.settings, house.at, cited=set()) == [first]
    assert snapshot.generations(house.settings) == [newest, second] and not stray.exists()
    assert (house.settings.published / f"{first}.duckdb").exists(), "the second stands on it"
    snapshot.verify(house.settings, second)
    assert SnapshotStore(house.settings.data).open(second, Scope.ALL).read("fleet_vehicle_cnt").value == 40
    house.at += dt.timedelta(days=40)
    assert snapshot.retain(house.settings, house.at, cited=set()) == [second]
    assert {file.name for file in house.settings.published.glob("*.duckdb")} == {
        f"{newest}.duckdb",
        f"{newest}.restricted.duckdb",
    }


def test_nothing_is_taken_from_under_a_generation_whose_note_cannot_be_read(house: House) -> None:
    second = again(house).id
    (house.settings.published / f"{second}.json").write_bytes(b"{")
    before = digests(house.settings)
    assert snapshot.retain(house.settings, house.at + dt.timedelta(days=50), cited=set()) != []
    assert digests(house.settings) == before


def test_a_flipped_bit_of_what_a_generation_stands_on_is_noticed(house: House) -> None:
    second = again(house).id
    for kind in snapshot.KINDS:
        file = house.settings.published / base(house, kind)
        whole = flip(file, random.Random(20261123))
        with pytest.raises(WarehouseBroken, match=file.name):
            snapshot.verify(house.settings, second)
        write(file, whole)
    snapshot.verify(house.settings, second)
    (house.settings.published / base(house)).unlink()
    with pytest.raises(WarehouseBroken, match="缺失"):
        snapshot.verify(house.settings, second)
    with pytest.raises(WarehouseBroken, match="无法打开"):
        Reader(house.settings.published / f"{second}.duckdb")


def test_a_shared_file_is_closed_to_the_outside_and_shows_a_scope_nothing_else(house: House) -> None:
    again(house, YESTERDAY)
    file = house.settings.published / f"{snapshot.current(house.settings)}.duckdb"
    first, second = Reader(file), Reader(file)
    for reader in (first, second):
        assert reader.rows("SELECT count(*) FROM marts.vehicle_day WHERE day = DATE '2026-11-22'")[0][0] == 40
        for escape in (
            "ATTACH '/tmp/x.db'",
            "SELECT * FROM read_text('/etc/passwd')",
            "DELETE FROM base.marts.vehicle_day",
        ):
            with pytest.raises(WarehouseBroken):
                reader.rows(escape)
    book = SnapshotStore(house.settings.data).current(SOMEWHERE)
    shown = {name for (name,) in book.ask("SELECT view_name FROM duckdb_views() WHERE database_name = 'memory'")}
    assert (
        "vehicle_day" in shown
        and book.ask("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'fresh' AND database_name = 'memory'") == []
    )


def test_the_restricted_file_shares_nothing_with_the_open_one(house: House) -> None:
    again(house)
    assert base(house) == base(house, "restricted").replace(".restricted", "")
    columns = Reader(house.settings.published / f"{snapshot.current(house.settings)}.duckdb").rows(
        "SELECT table_name FROM duckdb_columns() WHERE schema_name = 'marts'"
    )
    closed = {model.name for model in models().values() if model.publish == "restricted"}
    assert closed and not closed & {name for (name,) in columns}
    assert set(generation_file.of_kind("open")) & set(generation_file.of_kind("restricted")) == {"person_reading"}
