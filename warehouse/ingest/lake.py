"""Positions: the one big table, as Parquet by day. Owns lake/ and its book; a retry writes the same names again.

A file is written aside, hashed, fsynced and renamed before the transaction that books it; a file that no book names is
not read."""

from __future__ import annotations

import datetime as dt
import hashlib
import os

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.catalog.schema import Contract
from warehouse.core import failpoints
from warehouse.core.database import Writer
from warehouse.core.settings import Settings
from warehouse.ingest.landing import Landed, sync_folder
from warehouse.ingest.row_counts import Account

QUALIFIED = """NOT coalesce(encrypted, false) AND coalesce(status_bits & 2, 2) <> 0 AND lon_e6 BETWEEN 73550000 AND 135083333
    AND lat_e6 BETWEEN 3850000 AND 53550000 AND loc_time <= coalesce(recv_time, loc_time) + clock_slack()"""


MOMENT = """CASE WHEN recv_time IS NULL OR loc_time BETWEEN recv_time - INTERVAL 7 DAY AND recv_time + clock_slack()
    THEN loc_time ELSE recv_time END"""
"""A message whose clock is impossible belongs to the day it was received: it counts there as unqualified (D05)."""


def read(paths: list[str]) -> str:
    """A FROM item over lake files; an empty relation of the same shape when there are none."""
    from warehouse.catalog.contracts import contracts

    if paths:
        return "read_parquet([" + ", ".join(f"'{path}'" for path in paths) + "])"
    columns = ", ".join(f"NULL::{column.type} AS {column.name}" for column in contracts()["gps_location"].stored)
    return f"(SELECT {columns}, NULL::BIGINT AS _seq, NULL::DATE AS day WHERE false)"


def files(writer: Writer, settings: Settings, first: dt.date | None = None, last: dt.date | None = None) -> list[str]:
    """Absolute paths of the booked files whose day lies in first..last (inclusive; None = open end)."""
    rows = writer.execute(
        "SELECT path FROM run.lake_file WHERE day >= ? AND day <= ? ORDER BY path",
        [first or dt.date(1970, 1, 1), last or dt.date(9999, 1, 1)],
    )
    return [str(settings.lake / row[0]) for row in rows]


TWIN = "F24"


def put_twins_aside(writer: Writer, settings: Settings, contract: Contract, note: Landed) -> None:
    """Marks rows of the batch that place a vehicle elsewhere than an earlier row of the same instant (by more than about
    50 m, 5e-4°): no repetition, and nobody knows which of them is right. The first that came stays."""
    span = writer.execute("SELECT min(loc_time), max(loc_time) FROM batch WHERE len(_bad) = 0")[0]
    if span[0] is None:
        return
    keys = ", ".join(contract.key)
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE twin AS
        WITH said AS (SELECT {keys}, lon_e6, lat_e6, 0 AS _seq, -1 AS _row FROM {read(_near(writer, settings, note, span))}
            UNION ALL SELECT {keys}, lon_e6, lat_e6, _seq, _row FROM batch WHERE len(_bad) = 0)
        SELECT {keys}, arg_min(struct_pack(lon_e6, lat_e6), struct_pack(_seq, _row)) AS place FROM said GROUP BY {keys}
        HAVING count(*) > 1 AND (max(lon_e6) - min(lon_e6) > 500 OR max(lat_e6) - min(lat_e6) > 500)""")
    on = " AND ".join(f"batch.{key} = t.{key}" for key in contract.key)
    writer.execute(f"""UPDATE batch SET _bad = ['{TWIN}'] FROM twin t WHERE {on} AND len(_bad) = 0
        AND (abs(batch.lon_e6 - t.place.lon_e6) > 500 OR abs(batch.lat_e6 - t.place.lat_e6) > 500)""")


def _near(writer: Writer, settings: Settings, note: Landed, span: tuple[dt.datetime, dt.datetime]) -> list[str]:
    """The booked files of other payloads that may hold rows of the same instants."""
    return [
        str(settings.lake / row[0])
        for row in writer.execute(
            "SELECT path FROM run.lake_file WHERE to_at >= ? AND from_at <= ? AND landing_seq <> ?",
            [span[0], span[1], note.seq],
        )
    ]


def stage(
    writer: Writer, settings: Settings, contract: Contract, note: Landed
) -> list[tuple[str, dt.date, int, str, dt.datetime, dt.datetime]]:
    """Writes the batch's new rows to one file a day and returns their book entries. Rows whose key is already in the
    lake, or twice in the batch, are left out: they are duplicates."""
    span = writer.execute("SELECT min(loc_time), max(loc_time) FROM batch WHERE len(_bad) = 0")[0]
    if span[0] is None:
        return []
    near = _near(writer, settings, note, span)
    keys = ", ".join(contract.key)
    known = f"SELECT {keys} FROM {read(near)}"
    names = ", ".join(column.name for column in contract.stored)
    fresh = writer.table(f"""WITH known AS MATERIALIZED ({known}),
        good AS (SELECT {names}, _seq, CAST({MOMENT} AS DATE) AS day, row_number() OVER (PARTITION BY {keys} ORDER BY _row) AS n
                 FROM batch WHERE len(_bad) = 0)
        SELECT {names}, _seq, day FROM good g WHERE n = 1 AND NOT EXISTS (SELECT 1 FROM known k WHERE k.plate_no = g.plate_no
            AND k.plate_color = g.plate_color AND k.loc_time = g.loc_time) ORDER BY {keys}""")
    booked = []
    for day in sorted(pc.unique(fresh["day"]).to_pylist()):
        booked.append(_write(settings, note, day, fresh.filter(pc.equal(fresh["day"], pa.scalar(day)))))
    failpoints.point("after_lake")
    return booked


def _write(
    settings: Settings, note: Landed, day: dt.date, rows: pa.Table
) -> tuple[str, dt.date, int, str, dt.datetime, dt.datetime]:
    folder = settings.lake / "gps_location" / f"day={day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{note.seq:012d}.parquet"
    aside = folder / f".tmp-{final.name}"
    pq.write_table(rows, aside, compression="zstd", compression_level=1)
    with open(aside, "rb+") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        os.fsync(handle.fileno())
    os.replace(aside, final)
    sync_folder(folder)
    times = pc.min_max(rows["loc_time"]).as_py()
    return str(final.relative_to(settings.lake)), day, rows.num_rows, digest, times["min"], times["max"]


def commit(
    writer: Writer,
    contract: Contract,
    note: Landed,
    booked: list[tuple[str, dt.date, int, str, dt.datetime, dt.datetime]],
    count: int,
    bad: int,
) -> Account:
    """Books the files, moves the newest qualified position of each vehicle on, and says what became of the rows."""
    writer.execute("DELETE FROM run.lake_file WHERE landing_seq = ?", [note.seq])
    for entry in booked:
        writer.execute("INSERT INTO run.lake_file VALUES (?,?,?,?,?,?,?)", [*entry, note.seq])
        writer.execute("INSERT INTO run.touched VALUES (?,?,?)", [contract.table, entry[1], note.seq])
    # a plate is normalised once, not with every row that names it
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE newest AS
        WITH spoken AS (SELECT plate_no, plate_color, platform_id, max(_landed) AS landed, arg_max(struct_pack(loc_time, lon_e6, lat_e6, speed_01kmh,
                direction, _row), struct_pack(loc_time, _row)) AS m
            FROM batch WHERE len(_bad) = 0 AND {QUALIFIED} GROUP BY ALL)
        SELECT vehicle_key(plate_norm(plate_no), plate_color_of(plate_color, p.color_family)) AS vehicle_key, m.loc_time AS loc_time,
            wgs_place(p.datum, m.lon_e6 / 1e6, m.lat_e6 / 1e6) AS place, m.speed_01kmh * coalesce(p.speed_scale, 1) / 10.0 AS speed_kmh,
            m.direction AS direction, landed
        FROM spoken b LEFT JOIN raw.own_platform p ON p.platform_id = b.platform_id
        WHERE is_plate(plate_norm(plate_no))
        QUALIFY row_number() OVER (PARTITION BY vehicle_key ORDER BY m.loc_time DESC, m._row DESC) = 1""")
    # what an older version took for the newest although it was still to come does not stand in the way
    writer.execute(
        "DELETE FROM newest n USING raw.gps_latest l WHERE l.vehicle_key = n.vehicle_key AND l.loc_time >= n.loc_time "
        "AND l.loc_time <= n.landed + clock_slack()"
    )
    writer.execute("DELETE FROM raw.gps_latest l USING newest n WHERE l.vehicle_key = n.vehicle_key")
    writer.execute(
        "INSERT INTO raw.gps_latest SELECT vehicle_key, loc_time, n.place.lon, n.place.lat, speed_kmh, direction FROM newest n"
    )
    written = sum(entry[2] for entry in booked)
    return Account(count, written, 0, count - bad - written, bad)
