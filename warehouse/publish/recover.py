"""Opening the warehouse so that whatever happened before, nothing acknowledged is missing.

Owns the ledger and the ladder: reopen → set the WAL aside → last backup → empty file. On each rung every table is read
to its end (the database checks its blocks only as it reads them) and every booked file of positions must be there; the
landing zone fills what is missing. Deletes nothing: what is set aside keeps its name with a time stamp."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import orjson

from warehouse.build.runner import Progress
from warehouse.catalog.contracts import contracts
from warehouse.core import units
from warehouse.core.database import Writer
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import RELEASE, Settings
from warehouse.ingest import lake, load
from warehouse.ingest.landing import Landed, sync_folder
from warehouse.publish import migrations

Contents = dict[str, tuple[int, int]]
"""Table → (rows, order-free hash of all its columns)."""
TABLES_AT_ONCE = 20
"""Tables that one statement reads: most are small, and each statement has its price."""


def open_warehouse(settings: Settings, progress: Progress | None = None) -> tuple[Writer, list[str]]:
    """The writer, with the folder in today's format and the books prepared, and Chinese notes of what had to be done to
    get there ([] = nothing).

    Raises WarehouseBroken only when even an empty file cannot be made (disk full, rights), ConfigError when a later
    release has written the folder."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    notes = migrations.run(settings, progress)
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
    writer = Writer(settings.warehouse, settings.temp)
    try:
        contents(writer)
        _positions_are_there(writer, settings)
    except WarehouseBroken:
        writer.close()
        raise
    return writer


def contents(writer: Writer, database: str | None = None) -> Contents:
    """What is in every table of the file (or of an attached `database`), read to the end. Raises WarehouseBroken when a
    block is damaged."""
    name = database or str(writer.execute("SELECT current_database()")[0][0])
    tables = writer.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL", [name]
    )
    found: Contents = {}
    for first in range(0, len(tables), TABLES_AT_ONCE):
        some = tables[first : first + TABLES_AT_ONCE]
        rows = writer.execute(
            " UNION ALL ".join(
                f'SELECT {place} AS place, count(*), coalesce(bit_xor(hash(t)), 0) FROM "{name}"."{schema}"."{table}" t'
                for place, (schema, table) in enumerate(some)
            )
        )
        found.update({".".join(some[place]): (count, digest) for place, count, digest in rows})
    return found


def _positions_are_there(writer: Writer, settings: Settings) -> None:
    """A file of the database that is older than the lake may book files that have been merged since."""
    if not writer.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'run' AND table_name = 'lake_file'"):
        return
    for path in lake.files(writer, settings):
        if not Path(path).exists():
            raise WarehouseBroken("定位文件缺失", where=str(Path(path).relative_to(settings.lake)))


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
    _both_aside(settings, notes)
    shutil.copyfile(backup, settings.warehouse)
    positions = settings.backup / "lake"
    for file in positions.rglob("*.parquet"):
        target = settings.lake / file.relative_to(positions)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _link(file, target)
    writer = _as_it_is(settings, notes)
    notes.append("已由备份恢复数据仓库")
    return writer


def _empty(settings: Settings, notes: list[str]) -> Writer | None:
    _both_aside(settings, notes)
    notes.append("由原始数据重建数据仓库")
    return _as_it_is(settings, notes)


def _both_aside(settings: Settings, notes: list[str]) -> None:
    for file in (settings.warehouse, settings.warehouse.with_suffix(".duckdb.wal")):
        if file.exists():
            _aside(file, notes)


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
    while stored.exists():  # two rungs of the ladder within one second
        stored = stored.with_name(f"{stored.name}+")
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
    """A copy of the warehouse through the database itself (a plain copy would miss the WAL) with the positions that it
    books, written aside, compared with its original table by table, and renamed.

    Beside it warehouse.json says what is in it: the copy's sha256, the moment, the release, the contents of the tables.
    Raises WarehouseBroken when the copy is not equal."""
    settings.backup.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside, final = settings.backup / ".tmp-warehouse.duckdb", settings.backup / "warehouse.duckdb"
    aside.unlink(missing_ok=True)
    with writer.alone():
        name = writer.execute("SELECT current_database()")[0][0]
        writer.execute(
            f"ATTACH '{aside}' AS backup (STORAGE_VERSION 'latest'); COPY FROM DATABASE \"{name}\" TO backup"
        )
        try:
            found = contents(writer, "backup")
            if found != contents(writer):
                raise WarehouseBroken("备份副本与数据仓库不一致", where=final.name, to_do="请重试；反复出现时检查磁盘")
        finally:
            writer.execute("DETACH backup")
        booked = _set_positions_beside(writer, settings)
    with open(aside, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    os.replace(aside, final)
    note = {"sha256": digest, "at": units.now().isoformat(), "release": RELEASE, "contents": found}
    (settings.backup / ".tmp-warehouse.json").write_bytes(orjson.dumps(note))
    os.replace(settings.backup / ".tmp-warehouse.json", settings.backup / "warehouse.json")
    sync_folder(settings.backup)
    for twin in (settings.backup / "lake").rglob("*.parquet"):
        if twin not in booked:
            twin.unlink()
    return final


def _set_positions_beside(writer: Writer, settings: Settings) -> set[Path]:
    """Gives every booked file of the lake a second name below backup/lake: it costs nothing, and stays when days are
    merged. Returns those names."""
    booked = set()
    for path in lake.files(writer, settings):
        file = Path(path)
        twin = settings.backup / "lake" / file.relative_to(settings.lake)
        booked.add(twin)
        if not (twin.exists() and twin.samefile(file)):
            twin.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            twin.unlink(missing_ok=True)
            _link(file, twin)
    return booked


def _link(file: Path, twin: Path) -> None:
    try:
        os.link(file, twin)
    except OSError:  # a file system without second names
        shutil.copyfile(file, twin)


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
