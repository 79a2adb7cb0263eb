"""Positions: the one big table, as Parquet by day. Owns lake/ and its book; a retry writes the same names again.

A file is written aside, hashed, fsynced and renamed before the transaction that books it; a file that no book names is
not read."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import os
from collections.abc import Iterator

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
    50 m, 5e-4°): no repetition, and nobody knows which of them is right. The first that came stays. Leaves temp table
    `again`: keys that are there more than once, in the batch or the lake (`is_known`), few of many."""
    keys, good = ", ".join(contract.key), "batch WHERE len(_bad) = 0"
    known = _known(writer, settings, note)
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE again AS SELECT {keys}, bool_or(is_known) AS is_known
        FROM (SELECT {keys}, true AS is_known FROM {known} SEMI JOIN (FROM {good}) USING ({keys})
            UNION ALL SELECT {keys}, false FROM {good}) GROUP BY {keys} HAVING count(*) > 1""")
    if not writer.execute("SELECT 1 FROM again LIMIT 1"):
        return
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE twin AS
        WITH said AS (SELECT {keys}, lon_e6, lat_e6, 0 AS _seq, -1 AS _row FROM {known} SEMI JOIN again USING ({keys})
            UNION ALL SELECT {keys}, lon_e6, lat_e6, _seq, _row FROM (FROM {good}) SEMI JOIN again USING ({keys}))
        SELECT {keys}, arg_min(struct_pack(lon_e6, lat_e6), struct_pack(_seq, _row)) AS place FROM said GROUP BY {keys}
        HAVING max(lon_e6) - min(lon_e6) > 500 OR max(lat_e6) - min(lat_e6) > 500""")
    on = " AND ".join(f"batch.{key} = t.{key}" for key in contract.key)
    writer.execute(f"""UPDATE batch SET _bad = ['{TWIN}'] FROM twin t WHERE {on} AND len(_bad) = 0
        AND (abs(batch.lon_e6 - t.place.lon_e6) > 500 OR abs(batch.lat_e6 - t.place.lat_e6) > 500)""")


MOST_ODD = 1000


def _known(writer: Writer, settings: Settings, note: Landed) -> str:
    """A FROM item over the rows of other payloads that may repeat one of the batch: of its instants. Nearly all of these
    lie close together, those of a wrong clock anywhere; the files are asked for the one and for the others."""
    least, most, first, last = writer.execute(
        "SELECT min(loc_time), max(loc_time), quantile_disc(loc_time, 0.5) - INTERVAL 1 DAY, "
        "quantile_disc(loc_time, 0.5) + INTERVAL 1 DAY FROM batch WHERE len(_bad) = 0"
    )[0]
    if least is None:
        return read([])
    files = writer.execute(
        "SELECT path FROM run.lake_file WHERE to_at >= ? AND from_at <= ? AND landing_seq <> ?", [least, most, note.seq]
    )
    source = read([str(settings.lake / path) for (path,) in files])
    span = "loc_time BETWEEN TIMESTAMP '{}' AND TIMESTAMP '{}'"
    usual, odd = span.format(first, last), list[tuple[dt.datetime]]()
    if first > least or last < most:
        odd = writer.execute(
            f"SELECT DISTINCT loc_time FROM batch WHERE len(_bad) = 0 AND NOT ({usual}) LIMIT {MOST_ODD + 1}"
        )
    close = "SELECT min(loc_time), max(loc_time) FROM batch WHERE len(_bad) = 0 AND " + usual
    least, most = (least, most) if len(odd) > MOST_ODD else writer.execute(close)[0]
    chosen = f"SELECT * FROM {source} WHERE {span.format(least, most)}"
    if 0 < len(odd) <= MOST_ODD:
        instants = ", ".join(f"TIMESTAMP '{moment}'" for (moment,) in odd)
        chosen += f" UNION ALL SELECT * FROM {source} WHERE loc_time IN ({instants})"
    return f"({chosen})"


def stage(
    writer: Writer, settings: Settings, contract: Contract, note: Landed
) -> list[tuple[str, dt.date, int, str, dt.datetime, dt.datetime]]:
    """Writes the batch's new rows to one file a day and returns their book entries. Rows whose key is already in the
    lake, or twice in the batch, are left out: they are duplicates."""
    keys, names = ", ".join(contract.key), ", ".join(column.name for column in contract.stored)
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE double AS SELECT _seq, _row FROM (SELECT b._seq, b._row, a.is_known,
            row_number() OVER (PARTITION BY {", ".join(f"b.{key}" for key in contract.key)} ORDER BY b._row) AS n
            FROM batch b JOIN again a USING ({keys}) WHERE len(b._bad) = 0) WHERE is_known OR n > 1""")
    day = f"CAST({MOMENT} AS DATE)"
    fresh = "(FROM batch WHERE len(_bad) = 0) ANTI JOIN double USING (_seq, _row)"
    booked = []
    for (one,) in writer.execute(f"SELECT DISTINCT {day} AS day FROM {fresh} ORDER BY 1"):
        rows = writer.batches(f"SELECT {names}, _seq, {day} AS day FROM {fresh} WHERE day = ? ORDER BY {keys}", [one])
        booked.append(_write(settings, note, one, rows))
    failpoints.point("after_lake")
    return booked


def _write(
    settings: Settings, note: Landed, day: dt.date, rows: Iterator[pa.RecordBatch]
) -> tuple[str, dt.date, int, str, dt.datetime, dt.datetime]:
    folder = settings.lake / "gps_location" / f"day={day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{note.seq:012d}.parquet"
    aside = folder / f".tmp-{final.name}"
    count, spans, first = 0, list[dict[str, dt.datetime]](), next(rows)
    with pq.ParquetWriter(aside, first.schema, compression="zstd", compression_level=1) as out:
        for batch in itertools.chain([first], rows):
            out.write_batch(batch)
            spans.append(pc.min_max(batch["loc_time"]).as_py())
            count += batch.num_rows
    with open(aside, "rb+") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        os.fsync(handle.fileno())
    os.replace(aside, final)
    sync_folder(folder)
    least, most = min(span["min"] for span in spans), max(span["max"] for span in spans)
    return str(final.relative_to(settings.lake)), day, count, digest, least, most


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
