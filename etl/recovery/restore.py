"""Making a data folder out of a backup, and the drill that proves that it can be done. Owns the order in which a folder
comes to be: it is marked as unfinished first and as whole last."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

from etl.recovery import backup
from etl.recovery.manifest import Manifest, Piece
from etl.recovery.store import RESTORE_FIRST, Altered, Lacking, Store
from etl.runtime.context import Progress, silent
from warehouse.core import data_format
from warehouse.core.errors import BackupFailed, CockpitError, ConfigError, DataMissing, Refused, UsageError
from warehouse.core.settings import Settings
from warehouse.ingest.landing import sync_folder
from warehouse.publish import recover, snapshot

SPARE = 1.1
"""So many times the size of the backup must be free."""


def choose(store: Store, at: str = "") -> str:
    """The newest backup, or the newest one not later than `at` ("" = any): 2026-11-23, 2026-11-23T02:30 or the name
    that `backup list` shows. Raises DataMissing when there is none."""
    stamps = store.stamps()
    if not stamps:
        raise DataMissing(
            "这里没有备份", where=store.shown, to_do="请核对地址；备份位置里应有 backups 与 objects 两个文件夹"
        )
    digits = "".join(letter for letter in at if letter.isdecimal())
    if at and (len(digits) not in (8, 10, 12, 14) or set(at) - set("0123456789-T: ")):
        raise UsageError(f"看不懂的时刻：{at}", to_do="写成 2026-11-23 或 2026-11-23T02:30")
    last = f"{digits[:8]}T{digits[8:]}".ljust(15, "9")
    actual = next((stamp for stamp in stamps if not at or stamp <= last), None)
    if actual is None:
        raise DataMissing(f"没有早于 {at} 的备份", where=store.shown, to_do=f"最早的一份是 {stamps[-1]}")
    return actual


def restore(
    store: Store, stamp: str, data: Path, progress: Progress = silent, *, skip_damaged: bool = False
) -> tuple[Manifest, list[str]]:
    """Makes the folder out of the backup; every content is held against its sha256 before anything is called done.

    skip_damaged: goes on without the files that are lacking or altered and returns them, as Chinese texts. Raises Refused
    when something is in the folder already, ConfigError when the backup is of a later release, BackupFailed for what is
    wrong with the backup or the disk; then nothing of it stays in the folder."""
    manifest = backup.read(store, stamp)
    if manifest.data_format > data_format.FORMAT:
        raise ConfigError(
            f"这份备份由更新的版本写成（格式 {manifest.data_format}，本程序只认到 {data_format.FORMAT}）",
            where=stamp,
            to_do=f"请换用 {manifest.release} 或更新的版本",
        )
    _empty(data)
    _room(data, manifest)
    damaged: list[str] = []
    with _disk(data):
        data_format.write(data, data_format.RESTORING)
        try:
            for index, piece in enumerate(manifest.pieces):
                progress("恢复 逐个文件", index, len(manifest.pieces))
                try:
                    _put_back(store, piece, data)
                except (Lacking, Altered) as error:
                    if not skip_damaged:
                        raise
                    (data / piece.name).unlink(missing_ok=True)
                    damaged.append(str(error))
            for folder in {(data / piece.name).parent for piece in manifest.pieces if (data / piece.name).exists()}:
                sync_folder(folder)
            data_format.write(data, manifest.data_format)
        except BaseException:
            _clear(data)
            raise
    progress("恢复 完成", len(manifest.pieces), len(manifest.pieces))
    return manifest, damaged


def _empty(data: Path) -> None:
    """Raises Refused unless the folder is empty, is not there, or holds what a cut-off restore has left."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        is_unfinished = (data / "format").read_text("ascii").strip() == data_format.RESTORING
    except (OSError, UnicodeDecodeError):
        is_unfinished = False
    if is_unfinished:
        _clear(data)
    elif any(data.iterdir()):
        raise Refused("文件夹不是空的，不覆盖", where=str(data), to_do="请恢复到一个空文件夹，核对后再换上")


def _clear(data: Path) -> None:
    for entry in data.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "format":
            entry.unlink(missing_ok=True)
    (data / "format").unlink(missing_ok=True)  # last: until then the folder is known to be unfinished


def _room(data: Path, manifest: Manifest) -> None:
    free = shutil.disk_usage(data).free
    if free < manifest.size * SPARE:
        raise BackupFailed(
            f"磁盘空间不够：恢复需要 {manifest.size * SPARE / 2**30:.1f} GB，剩余 {free / 2**30:.1f} GB",
            where=str(data),
            to_do="请腾出空间后重试",
        )


@contextmanager
def _disk(data: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = "磁盘满了" if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"文件写不了（{error.strerror}）"
        raise BackupFailed(f"{what}，恢复没有完成", where=str(data), to_do="请核对磁盘空间与权限后重试") from error


def _put_back(store: Store, piece: Piece, data: Path) -> None:
    if PurePosixPath(piece.name).is_absolute() or ".." in PurePosixPath(piece.name).parts:
        raise Altered("备份清单里的文件名不对", where=piece.name, to_do=RESTORE_FIRST)
    target = data / piece.name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        digest = store.get(piece.content, out, piece.name)
        out.flush()
        os.fsync(out.fileno())
    if digest != piece.sha256:
        raise Altered("备份里的文件与清单不符", where=piece.name, to_do=RESTORE_FIRST)
    os.chmod(target, piece.mode & ~0o007)  # nothing in a data folder is for everybody
    os.utime(target, ns=(piece.modified_ns, piece.modified_ns))


def drill(settings: Settings, store: Store, stamp: str, progress: Progress = silent) -> list[str]:
    """Restores the backup aside, opens what it holds, compares it with what the backup says, and takes it away again.
    Contents that are damaged are taken out of the place, so that the next backup stores them anew. Returns Chinese texts
    of what is wrong ([] = the backup is good)."""
    aside = settings.temp / "drill"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        manifest, problems = restore(store, stamp, aside, progress, skip_damaged=True)
        if problems:
            _discard_damaged(store, manifest, aside)
            return problems
        progress("演练 打开恢复出来的数据", 0, 0)
        return [*_warehouse(Settings(aside), manifest), *_state(Settings(aside), manifest), *_snapshot(Settings(aside))]
    except CockpitError as error:
        return [str(error)]
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _discard_damaged(store: Store, manifest: Manifest, aside: Path) -> None:
    for piece in manifest.pieces:
        if not (aside / piece.name).exists():
            store.discard(piece.content)


def _warehouse(settings: Settings, manifest: Manifest) -> list[str]:
    """Opens the restored warehouse as the loader would, and compares every table."""
    if not manifest.contents:
        return []
    writer, notes = recover.open_warehouse(settings)
    try:
        actual = recover.contents(writer)
    finally:
        writer.close()
    differing = sorted(name for name, stated in manifest.contents.items() if actual.get(name) != stated)
    climbed = [note for note in notes if "移为" in note or "重建" in note]
    return [f"恢复出来的数据表与备份时不符：{'、'.join(differing[:5])}"] * bool(differing) + climbed


def _state(settings: Settings, manifest: Manifest) -> list[str]:
    if not manifest.state:
        return []
    try:
        with closing(sqlite3.connect(settings.state)) as connection:
            actual = backup.state_rows(connection)
    except sqlite3.Error as error:
        return [f"恢复出来的状态文件打不开：{error}"]
    return [] if actual == manifest.state else ["恢复出来的状态文件与备份时行数不符"]


def _snapshot(settings: Settings) -> list[str]:
    generation = snapshot.current(settings)
    try:
        if generation:
            snapshot.verify(settings, generation)
    except CockpitError as error:
        return [f"恢复出来的快照不可用：{error}"]
    return []
