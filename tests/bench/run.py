"""How long the parts take, beside a baseline run in the same minute. Prints ratios; judges nothing."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from warehouse.core.settings import Settings
from warehouse.publish import snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot


def timed(act: Callable[[], object], times: int = 15, pause_s: float = 0.0) -> float:
    """Median seconds of `times` runs, `pause_s` apart."""
    spans = []
    for _ in range(times):
        time.sleep(pause_s)
        start = time.perf_counter()
        act()
        spans.append(time.perf_counter() - start)
    return statistics.median(spans)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--scale", type=int, default=2000)
    options.add_argument("--data", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = given.data or Path(folder)
        if given.data is None:
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "warehouse", "demo", "--once", "--scale", str(given.scale), "--data", str(data)],
                check=True,
            )
            print(f"首次：生成来源、全部装载、计算、发布  {time.perf_counter() - start:6.1f} s（{given.scale} 辆）")
        settings = Settings(data)
        generation = snapshot.current(settings)
        assert generation, "没有快照"
        with duckdb.connect(str(settings.published / f"{generation}.duckdb"), read_only=True) as con:
            baseline = timed(
                lambda: con.execute(
                    "SELECT count(DISTINCT vehicle_key) FILTER (is_networked AND is_online), count(DISTINCT vehicle_key) FILTER (is_networked) "
                    "FROM marts.vehicle_day WHERE day BETWEEN (SELECT max(day) - 7 FROM marts.vehicle_day) AND (SELECT max(day) FROM marts.vehicle_day)"
                ).fetchall()
            )
        print(f"基准：同一问题直接问 DuckDB               {baseline * 1000:6.1f} ms")
        fresh = timed(lambda: Snapshot(settings, generation, Scope.ALL, None).read("fleet_online_rate", "week"), 7)
        book = Snapshot(settings, generation, Scope.ALL, None)
        book.read("fleet_online_rate", "week")
        stored = timed(lambda: book.read("fleet_online_rate", "week"))
        print(f"读数，新开快照（含打开、环比、同比）      {fresh * 1000:6.1f} ms = 基准的 {fresh / baseline:.1f} 倍")
        print(f"读数，已缓存                              {stored * 1e6:6.1f} µs")
        everything = timed(
            lambda: [Snapshot(settings, generation, Scope.ALL, None).read(metric) for metric in book.metrics], 3
        )
        print(f"全部 {len(book.metrics)} 个指标各读一次（每次新开）      {everything * 1000:6.1f} ms")


if __name__ == "__main__":
    main()
