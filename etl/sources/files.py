"""Files in a drop folder: a path, sftp:// or s3:// through fsspec. Owns finding new ones and the mapping file beside;
reads bytes, opens nothing."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from etl.config.checks import check_mapping
from etl.config.schema import Endpoint, Feed, FileMapping
from etl.sources import reasons, remote
from warehouse.core import toml
from warehouse.core.errors import CockpitError, ConfigError, ContractBroken, SourceDown

SETTLE_S = 2.0
"""A file younger than this may still be growing and waits for the next run."""
MOST_BYTES = 1 << 30
SKIPPED_SUFFIXES = (".tmp", ".part", ".filepart", ".toml")
NOTES = ("readme", "thumbs.db", "desktop.ini", "说明", "使用说明")
"""What lies in folders and is nobody's data."""
DEEPEST = 6


@dataclass(frozen=True)
class Entry:
    """A file as the folder lists it: its path in the folder, the same as it may be written down (people put telephone
    and identity numbers into names of files), size, and modification time (seconds since the epoch, and as it enters
    the booked name)."""

    path: str
    shown: str
    size: int
    modified_s: float
    mark: str

    @property
    def name(self) -> str:
        return f"{self.shown}|{self.size}|{self.mark}"


@dataclass(frozen=True)
class Drop:
    """A new file: where it lies, the name it is booked under (path as it may be shown, size, time) and its mapping."""

    folder: Folder
    entry: Entry
    mapping: dict[str, Any]

    @property
    def name(self) -> str:
        return self.entry.name

    def read(self) -> bytes | None:
        """The bytes, None when the file has grown or changed under our hands and is not ready. Raises ContractBroken
        when it is too large to be meant."""
        if self.entry.size > MOST_BYTES:
            raise ContractBroken(
                f"文件超过 {MOST_BYTES >> 20} MB", where=self.entry.shown, to_do="请拆成较小的文件后重新投递"
            )
        body = self.folder.bytes(self.entry.path)
        again = self.folder.entry(self.entry.path)
        return body if again == self.entry and len(body) == self.entry.size else None


class Folder:
    """One drop folder, wherever it lies. Nothing in it is changed or deleted. Every failure of the other side is a
    SourceDown; a wrong address or option a ConfigError. shown: a path as it may be written down."""

    def __init__(self, source: str, endpoint: Endpoint, shown: Callable[[str], str]) -> None:
        self._shown = shown
        self._where = f"sources.toml [{source}] drop"
        try:
            self.kind, self._root, self._fs = remote.connect(endpoint.drop, endpoint.options, self._where)
        except ConfigError:
            raise
        except Exception as error:  # each library has its own tree of errors
            raise self._down(error) from None

    def present(self) -> None:
        """Raises what is wrong where the folder itself cannot be listed or is not there: without files in it nobody
        would notice."""
        try:
            self._fs.invalidate_cache()
            self._fs.ls(self._root, detail=False)
        except Exception as error:
            raise self._down(error) from None

    def entries(self, glob: str) -> list[Entry]:
        """Files whose path in the folder matches, in the order of their names."""
        try:
            self._fs.invalidate_cache()
            inner = glob.split("*", 1)[0].rpartition("/")[0]
            base = posixpath.join(self._root, inner).rstrip("/")
            if not self._fs.exists(base):
                return []
            depth = glob.count("/") + 1 - (inner.count("/") + 1 if inner else 0)
            found = self._fs.find(base, maxdepth=depth, detail=True).items()
            listed = [self._entry(path, facts) for path, facts in found if facts.get("type") == "file"]
        except Exception as error:  # each library has its own tree of errors
            raise self._down(error) from None
        return sorted(
            (entry for entry in listed if matches(entry.path, glob) and _is_data(entry.path)),
            key=_by_parts,
        )

    def every(self) -> list[Entry]:
        """All files of the folder and of those in it, temporary and hidden ones and mapping files left out."""
        try:
            self._fs.invalidate_cache()
            if not self._fs.exists(self._root):
                return []
            found = self._fs.find(self._root, maxdepth=DEEPEST, detail=True).items()
            listed = [self._entry(path, facts) for path, facts in found if facts.get("type") == "file"]
        except Exception as error:
            raise self._down(error) from None
        return sorted((entry for entry in listed if _is_data(entry.path)), key=_by_parts)

    def path_of(self, shown: str, glob: str) -> str:
        """The path of the file that is booked as `shown`; that itself when the file is gone."""
        return next((entry.path for entry in self.entries(glob) if entry.shown == shown), shown)

    def entry(self, path: str) -> Entry | None:
        """The file as it is now, None when it is gone."""
        try:
            self._fs.invalidate_cache()
            return self._entry(posixpath.join(self._root, path), self._fs.info(posixpath.join(self._root, path)))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._down(error) from None

    def bytes(self, path: str, most: int | None = None) -> bytes:
        """The whole file, or its first `most` bytes. Raises SourceDown."""
        try:
            content: bytes = self._fs.cat_file(posixpath.join(self._root, path), end=most)
            return content
        except Exception as error:
            raise self._down(error) from None

    def _entry(self, path: str, facts: dict[str, Any]) -> Entry:
        inner = posixpath.relpath("/" + path.lstrip("/"), "/" + self._root.strip("/"))
        if self.kind == "file":
            stamp = os.stat(path).st_mtime_ns
            return Entry(inner, self._shown(inner), facts["size"], stamp / 1e9, str(stamp))
        moment = facts.get("mtime") or facts.get("LastModified")
        seconds = moment.timestamp() if moment is not None else 0.0
        return Entry(
            inner,
            self._shown(inner),
            int(facts["size"]),
            seconds,
            str(facts.get("ETag", "")).strip('"') or str(int(seconds)),
        )

    def _down(self, error: Exception) -> CockpitError:
        reason = reasons.folder(error)
        if reason is not None:
            return reason.error("投递文件夹无法访问", self._where, type(error).__name__)
        to_do = "请检查该文件夹与网络；恢复后会自动续传，不丢数据"
        return SourceDown(f"投递文件夹无法访问：{type(error).__name__}", where=self._where, to_do=to_do)


def waiting(feed: Feed, folder: Folder, known: set[str], now_s: float) -> list[Drop]:
    """Files of the feed that are not in `known`, in the order of their names. now_s: seconds since the epoch.

    Raises ConfigError when a mapping file beside one is broken, SourceDown when the folder cannot be listed."""
    found = []
    listed = [entry for entry in folder.entries(feed.glob) if entry.name not in known]
    ahead = [entry for entry in listed if entry.modified_s > now_s] if folder.kind != "s3" else []
    if ahead:  # where the other side's clock runs ahead of ours, what counts is that a file stays as it is for as long
        time.sleep(SETTLE_S)
    for entry in listed:
        if not (folder.entry(entry.path) == entry if entry in ahead else _is_settled(folder, entry, now_s)):
            continue
        mapping = mapping_of(feed, folder, entry.path)
        if mapping is not None:
            found.append(Drop(folder, entry, mapping))
    return found


def mapping_of(feed: Feed, folder: Folder, path: str) -> dict[str, Any] | None:
    """The mapping in force for a file: the feed's, with what the mapping file beside it says; None when the feed wants
    such a file and there is none. Raises ConfigError when that is broken."""
    beside = _beside(folder, path)
    return None if feed.mapping_beside and beside is None else _mapping(feed, beside, path)


def _is_settled(folder: Folder, entry: Entry, now_s: float) -> bool:
    """Whether the file has stopped growing. An S3 object appears whole."""
    return folder.kind == "s3" or now_s - entry.modified_s >= SETTLE_S


def unread(folder: Folder, feeds: list[Feed]) -> list[tuple[str, str]]:
    """(path as it may be shown, what to do) of the files that no feed of the source will ever read. Raises
    SourceDown."""
    found = []
    for entry in folder.every():
        mine = [feed for feed in feeds if matches(entry.path, feed.glob)]
        if not mine:
            found.append((entry.shown, _why_unread(entry, feeds)))
        elif all(feed.mapping_beside and _beside(folder, entry.path) is None for feed in mine):
            found.append((entry.shown, "缺少同名的映射文件（.map.toml）"))
    return found


def _why_unread(entry: Entry, feeds: list[Feed]) -> str:
    name = entry.path.rsplit("/", 1)[-1]
    if any(matches(name, feed.glob.rsplit("/", 1)[-1]) for feed in feeds):
        return "放错了文件夹，请移到 " + "、".join(
            dict.fromkeys(
                feed.glob.rpartition("/")[0] or "投递文件夹"
                for feed in feeds
                if matches(name, feed.glob.rsplit("/", 1)[-1])
            )
        )
    if name.lower().endswith((".et", ".ett", ".wps", ".ods", ".numbers", ".xlsm", ".xlsb")):
        return "不是能读的格式，请另存为 .xlsx"
    return "没有来源描述认它，应为 " + "、".join(dict.fromkeys(feed.glob for feed in feeds))


def matches(path: str, glob: str) -> bool:
    """Whether a path in the folder is one of the feed's files, in upper or lower case; * stays within one folder."""
    parts, patterns = path.lower().split("/"), _patterns(glob)
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


@cache
def _patterns(glob: str) -> list[str]:
    """One a folder on the way, and the last of the name."""
    return glob.lower().split("/")


def _by_parts(entry: Entry) -> list[str]:
    """The order of the names, folder by folder."""
    return entry.path.split("/")


def _is_data(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    lower = name.lower()
    return not lower.startswith((".", "~$", *NOTES)) and not lower.endswith(SKIPPED_SUFFIXES)


def _beside(folder: Folder, path: str) -> str | None:
    """The text of the mapping file that lies beside a data file (x.csv.gz → x.map.toml), None when there is none."""
    stem = path
    for suffix in (".gz", ".zip", ".csv", ".txt", ".xlsx", ".xls"):
        stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else stem
    name = f"{stem}.map.toml"
    if folder.entry(name) is None:
        return None
    try:
        return folder.bytes(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError("映射文件不是 UTF-8", where=name) from error


def _mapping(feed: Feed, beside: str | None, path: str) -> dict[str, Any]:
    if beside is None:
        return feed.mapping
    where = f"{path.rsplit('/', 1)[-1]} 的 map.toml"
    mapping = toml.parse(beside, where)
    check_mapping(toml.convert(mapping, FileMapping, where), feed.contract, where)
    return {**feed.mapping, **mapping}
