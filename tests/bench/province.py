"""A province for one hour: the positions of as many vehicles as asked for, worked out by DuckDB and by Spark from the same
files of the lake. Prints what each took; judges nothing.

    python -m tests.bench.province --vehicles 340000 --workers 2

The streams are those of the stand-ins; beyond BASE vehicles the same hour drives again under other plates."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
import psutil

from tests.bench import positions
from tests.conftest import WORLD_NOW
from tests.house import House
from tests.warehouse.build.spark_cluster import standalone
from warehouse.build import runner
from warehouse.core.settings import Lake, Options, Settings

BASE = 2000
HOUR = range(8, 9)
MARTS = ("gps_vehicle_day", "gps_stop", "gps_trip")
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
CITIES = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass
class Meter:
    """Processor seconds and the most memory (MB, resident, all together) of these processes and all they start, seen
    every second while the block runs."""

    roots: list[int]
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Meter:
        self._begun, self._seen = time.monotonic(), dict[tuple[int, float], float]()
        self._before = self._look()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.cpu_s, self.wall_s = self._look() - self._before, time.monotonic() - self._begun

    def _watch(self) -> None:
        while not self._ended.wait(1):
            self._look()

    def _look(self) -> float:
        """What all of them have used so far; one that has ended counts with what it was last seen to have used."""
        resident = 0
        for root in self.roots:
            try:
                every = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for one in every:
                try:
                    times = one.cpu_times()
                    self._seen[one.pid, one.create_time()] = times.user + times.system
                    resident += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
        self.peak_mb = max(self.peak_mb, resident >> 20)
        return sum(self._seen.values())


def filled(folder: Path, vehicles: int) -> House:
    """A house whose lake holds the hour of so many vehicles, and whose models are still empty."""
    house = House.with_own_tables(folder, WORLD_NOW)
    runner.build(house.writer, house.settings, house.at, only=MARTS)
    for file in positions.made(folder / "made", min(vehicles, BASE), HOUR):
        house.payload("gps", "location", file.read_bytes(), "file", mapping=positions.mapping(), name=file.name)
    booked = house.rows("SELECT path, day, rows, from_at, to_at FROM run.lake_file")
    signs = [province + city for province in PROVINCES for city in CITIES if province + city != "浙A"]
    for number in range(1, -(-vehicles // BASE)):
        for path, day, rows, first, last in booked:
            target = Path(path).with_name(f"{number + 1_000_000:012d}.parquet")
            house.writer.execute(
                f"COPY (SELECT * REPLACE ('{signs[number]}' || substr(plate_no, 3) AS plate_no) "
                f"FROM '{house.settings.lake / path}') TO '{house.settings.lake / target}' (FORMAT parquet, COMPRESSION zstd)"
            )
            book = [str(target), day, rows, "", first, last, number + 1_000_000]
            house.writer.execute("INSERT INTO run.lake_file VALUES (?,?,?,?,?,?,?)", book)
    return house


def worked_out(house: House, lake: Lake, roots: list[int]) -> tuple[Meter, list[tuple[object, ...]]]:
    """All of it anew by one engine: what that took, and a digest of the rows."""
    house.settings = Settings(house.settings.data, Options(lake=lake))
    for (day,) in house.rows("SELECT DISTINCT day FROM run.lake_file"):
        house.rows("INSERT INTO run.touched VALUES ('gps_location', ?, 0)", [day])
    with Meter(roots) as meter:
        result = runner.build(house.writer, house.settings, house.at, only=MARTS)
    if result.unmade:
        raise click.ClickException(next(iter(result.unmade.values())))
    return meter, [
        house.rows(f"SELECT '{name}', count(*), {sums} FROM marts.{name}")[0]
        for name, sums in (
            ("gps_vehicle_day", "sum(pts), sum(pts_ok), round(sum(km_total), 1), sum(drive_s), sum(fatigue_s)"),
            ("gps_stop", "sum(stop_s), sum(silent_s)"),
            ("gps_trip", "round(sum(km), 1), sum(drive_s), sum(len(path))"),
        )
    ]


@click.command()
@click.option("--vehicles", type=int, multiple=True, default=(340_000,))
@click.option("--workers", type=int, default=2, show_default=True)
@click.option("--memory", default="3g", show_default=True, help="of each worker")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), multiple=True, default=("duckdb", "spark"))
def main(vehicles: tuple[int, ...], workers: int, memory: str, engine: tuple[str, ...]) -> None:
    for number in vehicles:
        with tempfile.TemporaryDirectory() as folder:
            house = filled(Path(folder) / "data", number)
            rows = house.rows("SELECT sum(rows) FROM run.lake_file")[0][0]
            size = sum(file.stat().st_size for file in house.settings.lake.rglob("*.parquet")) / rows
            click.echo(f"{number:,} vehicles, {rows:,} rows, {size:.1f} bytes a row in the lake")
            if "duckdb" in engine:
                report("DuckDB", rows, *worked_out(house, Lake(), [os.getpid()]))
            if "spark" in engine:
                with standalone(Path(folder) / "cluster", workers, memory) as cluster:
                    pids = [os.getpid(), *(one.pid for one in cluster.processes)]
                    lake = cluster.lake(**{"spark.executor.memory": memory})
                    report("Spark", rows, *worked_out(house, lake, pids))
            house.close()


def report(name: str, rows: int, meter: Meter, digest: list[tuple[object, ...]]) -> None:
    at = f"{dt.datetime.now():%H:%M}"
    click.echo(
        f"{at} {name}: {meter.cpu_s:.1f} CPU s, {meter.wall_s:.1f} s, {rows / meter.cpu_s:,.0f} rows a CPU s, "
        f"{meter.cpu_s / rows * 1e6:.1f} µs a row, {meter.peak_mb} MB at most"
    )
    for line in digest:
        click.echo(f"      {line}")


if __name__ == "__main__":
    main()
