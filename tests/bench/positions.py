"""Positions from their source to the published file, beside the bare engine on the same rows: read, write, and the
distance from each to the next. The rows are those of the stand-ins: one day, a position every 30 s while it drives."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
import orjson

from etl.demo.positions.positions import TICK_S
from etl.demo.server.files import write_position_hour
from etl.demo.world.clock import DAY
from etl.demo.world.world import World
from etl.jobs import refresh
from etl.runtime.context import opened
from tests.bench import spent
from tests.conftest import WORLD_NOW
from tests.etl import register
from tests.house import House
from warehouse.catalog.contracts import contracts
from warehouse.core.settings import ROOT, Settings
from warehouse.core.units import SHANGHAI
from warehouse.ingest.table_headers import plain

SEED = 20260901
PAGE = 5000


def made(folder: Path, scale: int, hours: range) -> list[Path]:
    """The files of those hours of yesterday, as UTF-8 text that both sides read."""
    world = World(SEED, scale, WORLD_NOW.replace(tzinfo=SHANGHAI), history_days=10)
    files = []
    for hour in hours:
        write_position_hour(world, folder, (world.anchor_day - 1) * DAY + hour * 3600, TICK_S)
    for packed in sorted((folder / "gps" / "location").glob("*.csv.gz")):
        files.append(packed.with_suffix(""))
        files[-1].write_bytes(gzip.decompress(packed.read_bytes()).decode("gb18030").encode())
        packed.unlink()
    return files


def as_json(files: list[Path], folder: Path) -> tuple[Path, Path]:
    """The same rows as pages of a service, one a line, and bare, one row a line."""
    pages, lines, names = folder / "pages.json", folder / "rows.json", [column.name for column in _columns()]
    with duckdb.connect() as con:
        rows = [dict(zip(names, row, strict=True)) for file in files for row in _rows(con, file)]
    with open(pages, "wb") as out:
        for start in range(0, len(rows), PAGE):
            items = rows[start : start + PAGE]
            out.write(orjson.dumps({"code": 0, "data": {"total": len(rows), "items": items}}) + b"\n")
    lines.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return pages, lines


def _columns() -> list[Any]:
    return list(contracts()["gps_location"].stored)


def _rows(con: duckdb.DuckDBPyConnection, file: Path) -> list[tuple[Any, ...]]:
    times = "* REPLACE (CAST(定位时间 AS VARCHAR) AS 定位时间, CAST(接收时间 AS VARCHAR) AS 接收时间, CAST(平台编号 AS VARCHAR) AS 平台编号)"
    return con.execute(f"SELECT {times} FROM read_csv('{file}', header = true)").fetchall()


def mapping() -> dict[str, Any]:
    """Header → our column, as the stand-ins' files are read."""
    from etl.config.descriptions import feeds

    feed = next(
        one for one in feeds(Settings(Path("."))) if one.contract.table == "gps_location" and one.transport == "files"
    )
    return dict(feed.mapping)


def landed(folder: Path, file: Path, kind: str) -> int:
    """One payload through the front door: kept, read, judged, in the lake. Returns its rows."""
    stated = mapping() if kind == "file" else {}
    with_body = file.read_bytes()
    house = House.with_own_tables(folder)
    spent.ready()
    account = house.payload("gps", "location", with_body, kind, mapping=stated, name=file.name)
    return account.rows_in


def bare(source: str, distance: bool, target: Path) -> int:
    """What the engine alone takes to read a relation and to write it, and for the distance from each position to its
    vehicle's next. Returns the rows."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB", "preserve_insertion_order": "false"}) as con:
        con.execute((ROOT / "core" / "sql" / "macros.sql").read_text("utf-8"))
        spent.ready()
        con.execute(f"COPY (FROM {source}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        if not distance:
            return int(con.execute(f"SELECT count(*) FROM '{target}'").fetchall()[0][0])
        names = {plain(str(theirs)): ours for ours, theirs in mapping()["columns"].items()}
        ours = ", ".join(f'"{theirs}" AS {name}' for theirs, name in names.items())
        counted = con.execute(f"""SELECT count(*), sum(km) FROM (SELECT distance_km(lag(lon_e6) OVER v / 1e6, lag(lat_e6) OVER v / 1e6,
            lon_e6 / 1e6, lat_e6 / 1e6) AS km FROM (SELECT {ours} FROM '{target}') WINDOW v AS (PARTITION BY plate_no, plate_color ORDER BY loc_time))""")
        return int(counted.fetchall()[0][0])


def published(folder: Path, files: list[Path]) -> int:
    """A round of the loader that finds these files in a drop folder: landed, loaded, built, checked, published. Returns
    the rows that were received."""
    drop = folder / "drop" / "gps" / "location"
    drop.mkdir(parents=True)
    register.register(folder / "register.sqlite", 6)
    register.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    with opened(Settings(folder / "data"), now=lambda: WORLD_NOW) as context:
        refresh.run(context)  # the house without positions
        for file in files:
            shutil.copyfile(file, drop / file.name)
            os.utime(drop / file.name, (WORLD_NOW.timestamp() - 3600,) * 2)
        spent.ready()
        refresh.run(context)
        return int(context.writer.execute("SELECT sum(rows_in) FROM run.batch WHERE entity = 'location'")[0][0])
