"""What a refresh costs when no source has anything new: all feeds against the stand-in sources, beside a baseline of
bare requests to the same server in the same minute. Prints times; judges nothing. Run: python -m tests.bench.quiet"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson

from etl.cli.demonstration import write_endpoints
from etl.config.descriptions import feeds
from etl.demo.server import runner
from etl.pipeline import intake
from etl.runtime.context import opened
from tests.bench.run import timed
from tests.conftest import WORLD_NOW
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI


def rounds(act: Callable[[], object]) -> float:
    """Median seconds of five runs, far enough apart that no source's limit of requests a second counts."""
    return timed(act, times=5, pause_s=1.2)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--scale", type=int, default=60)
    options.add_argument("--days", type=int, default=10)
    given = options.parse_args()
    moment = WORLD_NOW.replace(tzinfo=SHANGHAI)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        runner.prepare(data / "demo", scale=given.scale, now=moment, history_days=given.days)
        for file in (data / "demo" / "drop").rglob("*.*"):
            os.utime(file, (moment.timestamp(),) * 2)
        server = runner.serve(data / "demo", clock=lambda: moment)
        settings = Settings(data)
        addresses = orjson.loads((data / "demo" / "endpoints.json").read_bytes())
        write_endpoints(settings, addresses)
        try:
            with opened(settings, now=lambda: WORLD_NOW) as context:
                intake.own_tables(context)
                wanted = [feed for feed in feeds(settings) if "refresh" in feed.jobs]
                requested = sum(feed.transport == "http_json" for feed in wanted)
                start = time.perf_counter()
                intake.run(context, wanted)
                print(
                    f"首次装载（{given.scale} 辆，{given.days} 天）        {time.perf_counter() - start:8.2f} s,{len(wanted)} 个 feed"
                )
                for number in (2, 3):  # SQL asks with a cursor from the second round on
                    start = time.perf_counter()
                    intake.run(context, wanted)
                    print(f"第 {number} 轮                           {time.perf_counter() - start:8.2f} s")
                url = next(endpoint.url for endpoint in context.endpoints.values() if endpoint.url)
                with httpx.Client(base_url=url, trust_env=False) as client:
                    bare = timed(lambda: [client.get("/") for _ in range(requested)], 7)
                spans = {
                    transport: rounds(lambda some=some: intake.run(context, some))
                    for transport, some in {  # type: ignore[misc]
                        "": wanted,
                        **{
                            name: [feed for feed in wanted if feed.transport == name]
                            for name in ("http_json", "files", "sql_database")
                        },
                    }.items()
                }
                print(f"基准：同一服务 {requested} 次空请求            {bare * 1000:6.0f} ms")
                print(
                    f"无新数据的一轮（中位数，5 次）        {spans[''] * 1000:6.0f} ms = 基准的 {spans[''] / bare:.1f} 倍；其中接口 {spans['http_json'] * 1000:.0f} ms、"
                    f"文件 {spans['files'] * 1000:.0f} ms、数据库 {spans['sql_database'] * 1000:.0f} ms"
                )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
