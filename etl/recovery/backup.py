"""Taking a backup while everything runs. Owns what belongs to it, in which order it is read, and how long it stays.

Everything in the data folder belongs to it but what EXCLUDED names: a new file is in the backup until somebody says that
it can be made anew. What grows is read in an order in which a later file never lacks what an earlier one counts on: the
ledger before the landing zone, the anchors before the log, keys last."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import orjson

from etl.recovery.manifest import Manifest, Piece
from etl.recovery.store import Store
from etl.runtime.context import Progress, silent
from warehouse.core import data_format, units
from warehouse.core.errors import BackupFailed, CockpitError
from warehouse.core.settings import RELEASE, Settings
from warehouse.publish import snapshot

EXCLUDED = {
    "backup": "the warehouse's own copy goes in by its place in the restored folder",
    "demo": "stand-in sources",
    "etl.lock": "of this process",
    "backup.lock": "of this process",
    "format": "the manifest says it",
    "lake": "goes in as the warehouse's copy books it",
    "live": "made every half minute",
    "logs": "what was written down about work that is done",
    "published": "the current generation and those that reports name go in",
    "state.sqlite": "goes in as SQLite's own online copy",
    "tmp": "of this process",
    "warehouse.duckdb": "goes in as the copy of last night; the ledger and the landing zone have what came since",
}
"""Names in the data folder that are not copied as they lie there, and why."""
READ_LAST = ("landing/", "keys/")
AGAIN = 3
STAGE = "backup-"


@dataclass
class Taken:
    """A backup that was taken. files, size: of all of it; added: bytes that it took in the place; problems: Chinese."""

    stamp: str
    files: int
    size: int
    added: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stage:
    """Files as they shall be restored, by name; what the copies hold; and what is wrong with them, in Chinese."""

    files: dict[str, Path]
    contents: dict[str, tuple[int, int]]
    state: dict[str, int]
    problems: list[str]


@contextmanager
def staged(settings: Settings) -> Iterator[Stage]:
    """Copies what changes under our hands into a folder of its own for as long as the block runs; what does not change
    is named where it lies. One at a time (routine.take holds the lock)."""
    settings.temp.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left_over in settings.temp.glob(f"{STAGE}*"):  # of a backup that was cut off
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=STAGE, dir=settings.temp) as name:
        aside = Path(name)
        files: dict[str, Path] = {}
        for moving in (settings.ledger, settings.reports / "audit-anchors.log"):
            if moving.exists():
                inner = str(moving.relative_to(settings.data))
                files[inner] = aside / moving.name
                shutil.copy(moving, files[inner])
        state: dict[str, int] = {}
        if settings.state.exists():
            files[settings.state.name] = aside / settings.state.name
            state = _copy_state(settings.state, aside / settings.state.name)
        contents, problems = _warehouse(settings, aside, files)
        for file in _published(settings):
            files[f"published/{file.name}"] = file
        for file in sorted(settings.data.rglob("*")):
            inner = str(file.relative_to(settings.data))
            if file.is_file() and inner not in files and _belongs(inner):
                files[inner] = file
        yield Stage(
            dict(sorted(files.items(), key=lambda item: [item[0].startswith(last) for last in READ_LAST])),
            contents,
            state,
            problems,
        )


def _belongs(inner: str) -> bool:
    top = inner.partition("/")[0]
    is_left_over = ".broken-" in top or any(part.startswith(".tmp-") for part in inner.split("/"))
    is_journal = top.removesuffix("-wal").removesuffix("-shm").removesuffix(".wal") in EXCLUDED
    return not (is_left_over or is_journal)


def _copy_state(file: Path, target: Path) -> dict[str, int]:
    """SQLite's online copy: one moment of the file, whoever writes meanwhile. Returns rows by table."""
    try:
        with (
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            shutil.copymode(file, target)  # what is restored may be read by whom the original may
            return state_rows(copy)
    except sqlite3.Error as error:
        raise BackupFailed(
            f"状态文件复制不了：{error}", where=str(file), to_do="请核对该文件；已损坏时由备份恢复"
        ) from error


def state_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by table. Raises sqlite3.Error when the file is damaged."""
    faults = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if faults != "ok":
        raise sqlite3.DatabaseError(faults)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def _warehouse(settings: Settings, aside: Path, files: dict[str, Path]) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Names the copy that the last night made, with its positions, by second names of our own: the loader may make the
    next copy meanwhile. Returns what the copy holds and what is wrong with it."""
    copy, stated = settings.backup / "warehouse.duckdb", settings.backup / "warehouse.json"
    if not copy.exists() or not stated.exists():
        return {}, []
    note = orjson.loads(stated.read_bytes())
    os.link(copy, aside / copy.name)
    with open(aside / copy.name, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != note["sha256"]:
            return {}, ["数据仓库的备份副本已损坏，没有放进备份；夜间整理会重做，其间可由原始数据重建"]
    files[settings.warehouse.name] = aside / copy.name
    for number, position in enumerate(sorted((settings.backup / "lake").rglob("*.parquet"))):
        os.link(position, aside / f"{number}.parquet")
        files[f"lake/{position.relative_to(settings.backup / 'lake')}"] = aside / f"{number}.parquet"
    return {name: (rows, digest) for name, (rows, digest) in note["contents"].items()}, []


def _published(settings: Settings) -> list[Path]:
    """The files of the current generation and of those that archived reports name, and the pointer."""
    wanted = {*snapshot.cited(settings), snapshot.current(settings) or ""} - {""}
    files = [*snapshot.files(settings, wanted), settings.published / snapshot.POINTER]
    return [file for file in files if file.exists()]


def take(settings: Settings, stage: Stage, store: Store, now: dt.datetime, progress: Progress = silent) -> Taken:
    """Stores what is new of the stage and puts the backup down. now: aware. Payloads of the landing zone never change:
    one that the last backup holds is not read again, and one that has changed stays there as it was."""
    stamps = store.stamps()
    stamp = f"{max(now, _after(stamps)).astimezone(units.SHANGHAI):%Y%m%dT%H%M%S}"
    before, problems = _last(store, stamps)
    stored, pieces, added = store.objects(), [], 0
    for index, (name, file) in enumerate(stage.files.items()):
        progress("备份 逐个文件", index, len(stage.files))
        earlier = before.get(name) if name.startswith("landing/") else None
        if earlier and earlier.content in stored:
            if earlier.size != file.stat().st_size:
                problems.append(f"原始数据文件变了，备份里仍是原先的：{name}")
            pieces.append(earlier)
            continue
        piece, size = _stored(name, file, store, stored)
        if earlier and earlier.sha256 != piece.sha256:
            problems.append(f"原始数据文件变了，而备份里原先的已经不在：{name}")
        pieces.append(piece)
        added += size
    gone = [name for name in before if name.startswith("landing/") and name not in stage.files]
    if gone:
        problems.append(f"原始数据比上次备份少了 {len(gone)} 份，如 {gone[0]}")
    manifest = Manifest(
        stamp=stamp,
        at=now,
        release=RELEASE,
        data_format=data_format.number(settings.data) or data_format.FORMAT,
        pieces=tuple(pieces),
        contents=stage.contents,
        state=stage.state,
    )
    store.write_manifest(stamp, msgspec.json.encode(manifest))
    progress("备份 完成", len(pieces), len(pieces))
    return Taken(stamp, len(pieces), manifest.size, added, [*stage.problems, *problems])


def _after(stamps: Sequence[str]) -> dt.datetime:
    """The first moment that no backup is named by: two in one second must not share a name."""
    if not stamps:
        return dt.datetime.fromtimestamp(0, units.SHANGHAI)
    newest = dt.datetime.strptime(stamps[0], "%Y%m%dT%H%M%S").replace(tzinfo=units.SHANGHAI)
    return newest + dt.timedelta(seconds=1)


def _last(store: Store, stamps: Sequence[str]) -> tuple[dict[str, Piece], list[str]]:
    """The pieces of the newest backup that can be read, and what is wrong with newer ones."""
    problems: list[str] = []
    for stamp in stamps:
        try:
            return {piece.name: piece for piece in read(store, stamp).pieces}, problems
        except CockpitError as error:
            problems.append(str(error))
    return {}, problems


def _stored(name: str, file: Path, store: Store, stored: set[str]) -> tuple[Piece, int]:
    """The piece and the bytes it took, 0 when its content is there already."""
    for _ in range(AGAIN):
        status = file.stat()
        with open(file, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        called = store.name_of(digest)
        size = 0
        if called not in stored:
            size = store.put(called, file)
        if (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            stored.add(called)
            return Piece(name, status.st_size, status.st_mode & 0o777, status.st_mtime_ns, digest, called), size
        if size:  # what was stored under that name may be another content
            store.discard(called)
    raise BackupFailed("文件一直在变，备份不了", where=name, to_do="请稍后重试")


def read(store: Store, stamp: str) -> Manifest:
    """The manifest of a backup. Raises as Store.manifest does."""
    return msgspec.json.decode(store.manifest(stamp), type=Manifest)


def prune(store: Store, hold: int) -> tuple[list[str], list[str]]:
    """Takes away backups beyond the newest `hold`, but never the newest one that a drill has proven, and then the
    contents that no backup names any more. While no backup is proven, or one cannot be read, nothing is taken away.
    Returns the backups that went and Chinese texts of what kept it from working."""
    stamps, proven = store.stamps(), store.proven()
    good = next((stamp for stamp in stamps if stamp in proven), None)
    if good is None:
        return [], []
    gone = [stamp for stamp in stamps[hold:] if stamp != good]
    named: set[str] = set()
    for stamp in stamps:
        if stamp not in gone:
            try:
                named |= {piece.content for piece in read(store, stamp).pieces}
            except CockpitError as error:
                return [], [f"没有清理旧备份：{error}"]
    for stamp in gone:
        store.forget(stamp)
    if gone:
        for name in store.objects() - named:
            store.discard(name)
    return gone, []
