"""The models of positions on a real Spark cluster, value by value beside DuckDB on the same rows: the tiny world, a real
recording, a week of the stand-ins; with a worker that dies in the middle, and through Spark Connect."""

from __future__ import annotations

import math
import shutil
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl.demo.server.files import FILE_STEP_S, write_position_hour
from etl.demo.world.clock import DAY
from etl.demo.world.world import World
from tests.bench.positions import SEED, mapping
from tests.conftest import WORLD_NOW
from tests.etl.pipeline.test_real_gps import JIANGXI, JIANGXI_MAP, REAL
from tests.house import House
from tests.warehouse.build.spark_cluster import Standalone, connect_server, standalone
from warehouse.build import runner, spark
from warehouse.catalog.models import models
from warehouse.core.settings import Lake, Options, Settings
from warehouse.core.units import SHANGHAI

pytestmark = [pytest.mark.servers, pytest.mark.nightly]
MARTS = ("gps_vehicle_day", "gps_stop", "gps_trip")
ONCE = ("stg_gps_location", "stg_gps_step")
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with standalone(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def tiny(folder: Path, published: Path) -> House:
    shutil.copytree(published, folder)
    return House(folder, WORLD_NOW)


def jiangxi(folder: Path, published: Path) -> House:
    if not REAL.exists():
        pytest.skip("没有真实轨迹数据（共享文件夹 data/real_gps 不在）")
    house = House.with_own_tables(folder)
    body = (REAL / f"{JIANGXI}.csv.gz").read_bytes()
    house.payload("gps", "location", body, "file", mapping=tomllib.loads(JIANGXI_MAP), name=f"{JIANGXI}.csv.gz")
    return house


def week(folder: Path, published: Path, vehicles: int = 60) -> House:
    house = House.with_own_tables(folder, WORLD_NOW)
    world = World(SEED, vehicles, WORLD_NOW.replace(tzinfo=SHANGHAI), history_days=10)
    for hour in range(7 * 24):
        write_position_hour(world, folder / "drop", (world.anchor_day - 7) * DAY + hour * 3600, FILE_STEP_S)
    for file in sorted((folder / "drop" / "gps" / "location").iterdir()):
        house.payload("gps", "location", file.read_bytes(), "file", mapping=mapping(), name=file.name)
    return house


def using(house: House, lake: Lake) -> None:
    house.settings = Settings(house.settings.data, Options(lake=lake))


def built(house: House, lake: Lake) -> dict[str, Rows]:
    """Every day worked out anew by that engine: the rows of the marts, by their key."""
    using(house, lake)
    runner.build(house.writer, house.settings, house.at, full=True, only=MARTS)
    assert house.rows("SELECT * FROM build.unmade") == []
    return {name: ordered(house, f"SELECT * FROM marts.{name}", name) for name in MARTS}


def ordered(house: House, sql: str, name: str) -> Rows:
    keys = [*models()[name].grain, *(["_seq"] if name == "stg_gps_location" else [])]
    return house.rows(f"SELECT * FROM ({sql}) ORDER BY {', '.join(keys)}")


def same(one: Any, other: Any) -> bool:
    """Equal; two doubles to nine digits, which sums in another order and another sine can differ by."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def compare(name: str, ours: Rows, theirs: Rows) -> int:
    """How many values are equal; fails at the first that are not."""
    assert len(ours) == len(theirs), (name, len(ours), len(theirs))
    wrong = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if not same(mine, other)]
    assert not wrong, (name, len(wrong), wrong[0])
    return sum(map(len, ours))


@pytest.mark.parametrize("make", [tiny, jiangxi, week])
def test_every_model_equals_duckdbs_value_by_value(
    make: Any, cluster: Standalone, published: Path, tmp_path: Path, record_property: Any
) -> None:
    house = make(tmp_path / "data", published)
    ours = built(house, Lake())
    theirs = built(house, cluster.lake())
    compared = {name: compare(name, ours[name], theirs[name]) for name in MARTS}
    compared |= parts_compared(house, cluster.lake())
    print(compared)
    record_property("compared", {f"Spark · {name}": number for name, number in compared.items()})
    assert all(compared.values())
    house.close()


def parts_compared(house: House, lake: Lake) -> dict[str, int]:
    """What a build throws away: the judged positions and the steps between them, of all days."""
    writer, settings = house.writer, house.settings
    days = [day for (day,) in house.rows("SELECT DISTINCT day FROM run.lake_file ORDER BY 1")]
    paths, found = runner._set_days(writer, settings, models()["gps_vehicle_day"], days, runner.Built()), {}
    writer.execute("UPDATE build.part SET part = 0, parts = 1")
    with spark.cluster(writer, settings) as far:
        assert far is not None
        for name in ONCE:
            there = ordered(house, f"SELECT * FROM {far.make(models()[name], days, paths)}", name)
            own = f"SELECT *, 0::BIGINT AS part FROM ({models()[name].sql})"
            found[name] = compare(name, ordered(house, own, name), there)
    return found


def test_a_worker_that_dies_in_the_middle_is_made_up_for(tmp_path: Path, published: Path) -> None:
    house = week(tmp_path / "data", published, 20)
    ours = built(house, Lake())
    with standalone(tmp_path / "cluster") as cluster:
        killed = threading.Event()

        def kill() -> None:
            cluster.until("activeapps", 1)
            exchange = house.settings.lake / "exchange"
            for _ in range(1200):  # both work by now: the first of the executors has something to lose
                if len(list((tmp_path / "cluster").glob("work-*/app-*/*/stderr"))) == 2 and exchange.exists():
                    break
                time.sleep(0.1)
            time.sleep(20)
            cluster.kill(cluster.processes[1])
            killed.set()

        threading.Thread(target=kill, daemon=True).start()
        theirs = built(house, cluster.lake())
        assert killed.is_set(), "it was done before anybody died"
        assert sum(one["state"] == "ALIVE" for one in cluster.state()["workers"]) <= 1
    assert all(compare(name, ours[name], theirs[name]) for name in MARTS)
    house.close()


def test_a_master_that_dies_leaves_the_last_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: Path
) -> None:
    monkeypatch.setattr(spark, "GONE_S", 5.0)
    house = week(tmp_path / "data", published, 20)
    ours = built(house, Lake())
    with standalone(tmp_path / "cluster") as cluster:
        using(house, cluster.lake())

        def kill() -> None:
            cluster.until("activeapps", 1)
            for process in cluster.processes:
                cluster.kill(process)

        threading.Thread(target=kill, daemon=True).start()
        result = runner.build(house.writer, house.settings, house.at, full=True, only=MARTS)
    assert set(result.unmade) == {"stg_gps_step", *MARTS} and "Spark" in result.unmade["gps_trip"]
    assert {name: ordered(house, f"SELECT * FROM marts.{name}", name) for name in MARTS} == ours
    house.close()


def test_a_server_of_spark_connect_does_the_same(tmp_path: Path, published: Path) -> None:
    house = jiangxi(tmp_path / "data", published)
    ours = built(house, Lake())
    with connect_server(tmp_path / "server") as server:
        theirs = built(house, Lake(engine="spark", spark_master=server.address))
    assert all(compare(name, ours[name], theirs[name]) for name in MARTS)
    house.close()
