"""Opening the warehouse so that whatever happened before, nothing acknowledged is missing.

Owns the ledger and the ladder: reopen → set the WAL aside → last backup → empty file; after each step the landing zone
fills what is missing. Deletes nothing: what is set aside keeps its name with a time stamp."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson

from warehouse.catalog.contracts import contracts
from warehouse.core import units
from warehouse.core.database import Writer
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import Settings
from warehouse.ingest import lake, load
from warehouse.ingest.landing import Landed, sync_folder


def open_warehouse(settings: Settings) -> tuple[Writer, list[str]]:
    """The writer, with the books prepared, and Chinese notes of what had to be done to get there ([] = nothing).

    Raises WarehouseBroken only when even an empty file cannot be made (disk full, rights)."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    notes: list[str] = []
    for step in (_as_it_is, _without_wal, _from_backup, _empty):
        try:
            writer = step(settings, notes)
        except WarehouseBroken as error:
            notes.append(error.what)
            continue
        if writer is not None:
            load.prepare(writer)  # outside the ladder: an error in our own tables is no reason to set a good file aside
            writer.checkpoint()
            missing = _behind(writer, settings)
            if missing:
                notes.append(f"数据库缺少 {len(missing)} 个已确认的批次，由原始数据补回")
            return writer, notes
    raise WarehouseBroken(
        "数据仓库无法打开也无法重建：" + "；".join(notes), where=str(settings.warehouse), to_do="请检查磁盘空间与权限"
    )


def _as_it_is(settings: Settings, notes: list[str]) -> Writer | None:
    return Writer(settings.warehouse, settings.temp)


def _without_wal(settings: Settings, notes: list[str]) -> Writer | None:
    wal = settings.warehouse.with_suffix(".duckdb.wal")
    if not wal.exists():
        return None
    _aside(wal, notes)
    return _as_it_is(settings, notes)


def _from_backup(settings: Settings, notes: list[str]) -> Writer | None:
    backup = settings.backup / "warehouse.duckdb"
    if not backup.exists():
        return None
    if settings.warehouse.exists():
        _aside(settings.warehouse, notes)
    shutil.copyfile(backup, settings.warehouse)
    notes.append("已由备份恢复数据仓库")
    return _as_it_is(settings, notes)


def _empty(settings: Settings, notes: list[str]) -> Writer | None:
    for file in (settings.warehouse, settings.warehouse.with_suffix(".duckdb.wal")):
        if file.exists():
            _aside(file, notes)
    notes.append("由原始数据重建数据仓库")
    return _as_it_is(settings, notes)


def set_aside(settings: Settings) -> list[str]:
    """Moves warehouse, WAL and lake out of the way under time-stamped names, so that the landing zone can make them
    anew."""
    notes: list[str] = []
    for file in (settings.warehouse, settings.warehouse.with_suffix(".duckdb.wal"), settings.lake):
        if file.exists():
            _aside(file, notes)
    return notes


def _aside(file: Path, notes: list[str]) -> None:
    stored = file.with_name(f"{file.name}.broken-{units.now():%Y%m%dT%H%M%S}")
    os.replace(file, stored)
    notes.append(f"已把 {file.name} 移为 {stored.name}")


def acknowledge(settings: Settings, note: Landed) -> None:
    """Writes to the ledger, outside the database and fsynced, that the payload is in. A torn WAL tail is dropped
    without a word by the database; this line is how we notice."""
    with open(settings.ledger, "ab") as out:
        out.write(orjson.dumps({"seq": note.seq, "table": note.table, "cursor": note.cursor}) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def acknowledged(settings: Settings) -> set[int]:
    """Landing numbers in the ledger; a torn last line counts as not written."""
    try:
        lines = settings.ledger.read_bytes().split(b"\n")
    except FileNotFoundError:
        return set()
    found = set()
    for line in lines:
        try:
            found.add(int(orjson.loads(line)["seq"]))
        except (orjson.JSONDecodeError, KeyError):
            continue
    return found


def _behind(writer: Writer, settings: Settings) -> set[int]:
    return acknowledged(settings) - load.settled(writer)


def backup(writer: Writer, settings: Settings) -> Path:
    """A copy of the warehouse through the database itself (a plain copy would miss the WAL), written aside and
    renamed."""
    settings.backup.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside, final = settings.backup / ".tmp-warehouse.duckdb", settings.backup / "warehouse.duckdb"
    aside.unlink(missing_ok=True)
    name = writer.execute("SELECT current_database()")[0][0]
    writer.execute(
        f"ATTACH '{aside}' AS backup (STORAGE_VERSION 'latest'); COPY FROM DATABASE \"{name}\" TO backup; DETACH backup"
    )
    os.replace(aside, final)
    sync_folder(settings.backup)
    return final


def fingerprint(writer: Writer, settings: Settings | None = None) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every landed table (content only, no book-keeping columns), every mart and, when
    `settings` are given, of the lake: equal fingerprints mean equal warehouses."""
    found: dict[str, tuple[int, int]] = {}
    if settings is not None:
        columns = ", ".join(column.name for column in contracts()["gps_location"].stored)
        found["lake.gps_location"] = writer.execute(
            f"SELECT count(*), coalesce(bit_xor(hash(t)), 0) FROM (SELECT {columns} FROM {lake.read(lake.files(writer, settings))}) t"
        )[0]
    for schema, table in writer.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name IN ('raw', 'marts')"
    ):
        if table in ("quarantine", "source_delivery"):
            continue
        names = [
            row[0]
            for row in writer.execute(f"DESCRIBE {schema}.{table}")
            if not row[0].startswith("_") or row[0] == "_version"
        ]
        count, digest = writer.execute(
            f"SELECT count(*), coalesce(bit_xor(hash(t)), 0) FROM (SELECT {', '.join(names)} FROM {schema}.{table}) t"
        )[0]
        found[f"{schema}.{table}"] = (count, digest)
    return found
