"""The many small files of a day in the lake become one sorted file. Owns that swap; row for row the same, only fewer
and faster files."""

from __future__ import annotations

import datetime as dt
import hashlib
import os

import pyarrow.parquet as pq

from warehouse.core.database import Writer
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import Settings
from warehouse.ingest import lake as positions
from warehouse.ingest.landing import sync_folder

MANY = 24
"""A day with fewer small files than this is left as it is."""
SMALL = 200_000
"""Rows; a file of that size is good as it is."""


def lake(writer: Writer, settings: Settings) -> list[dt.date]:
    """Compacts days with many small files, today's too (a live batch every half minute makes thousands); returns them.
    The new file is written aside, booked in one transaction in place of the old ones, and only then the old ones go.
    Raises WarehouseBroken when an old file's sha256 is wrong (a flipped bit in Parquet is otherwise silent)."""
    done = []
    days = writer.execute(
        "SELECT day FROM run.lake_file WHERE rows < ? GROUP BY 1 HAVING count(*) >= ? ORDER BY 1", [SMALL, MANY]
    )
    for (day,) in days:
        with writer.alone():
            _day(writer, settings, day)
        done.append(day)
    return done


def _day(writer: Writer, settings: Settings, day: dt.date) -> None:
    booked = writer.execute(
        "SELECT path, sha256, landing_seq FROM run.lake_file WHERE day = ? AND rows < ? ORDER BY path", [day, SMALL]
    )
    for path, digest, _ in booked:
        verify(settings, path, digest)
    rows = writer.table(
        f"SELECT * FROM {positions.read([str(settings.lake / path) for path, _, _ in booked])} ORDER BY plate_no, plate_color, loc_time"
    )
    folder = settings.lake / "gps_location" / f"day={day.isoformat()}"
    newest = max(seq for _, _, seq in booked)
    final, aside = folder / f"merged-{newest:012d}.parquet", folder / ".tmp-merged.parquet"
    pq.write_table(rows, aside, compression="zstd", compression_level=3)
    digest = hashlib.sha256(aside.read_bytes()).hexdigest()
    os.replace(aside, final)
    sync_folder(folder)
    old = [path for path, _, _ in booked]
    marks = ", ".join("?" for _ in old)
    span = writer.execute(f"SELECT min(from_at), max(to_at) FROM run.lake_file WHERE path IN ({marks})", old)[0]
    with writer.transaction():
        writer.execute(f"DELETE FROM run.lake_file WHERE path IN ({marks})", old)
        writer.execute(
            "INSERT INTO run.lake_file VALUES (?,?,?,?,?,?,?)",
            [str(final.relative_to(settings.lake)), day, rows.num_rows, digest, *span, newest],
        )
    writer.checkpoint()  # a lost WAL must not bring back a book that names what is deleted now
    for path in old:
        if settings.lake / path != final:
            (settings.lake / path).unlink(missing_ok=True)


def verify(settings: Settings, path: str, digest: str) -> None:
    """Raises WarehouseBroken when the lake file is gone or altered."""
    try:
        found = hashlib.sha256((settings.lake / path).read_bytes()).hexdigest()
    except FileNotFoundError:
        found = ""
    if found != digest:
        raise WarehouseBroken("定位文件缺失或已损坏", where=path, to_do="请运行 ./zhengbei etl rebuild，由原始数据重建")
