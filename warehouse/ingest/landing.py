"""The truth: every payload a source handed over, unchanged, with its sha256, on disk before anyone parses it.

Owns the landing folder: one file a payload, written aside, fsynced, renamed, the directory fsynced. A file is one line
that describes the payload, with the sha256 of that description and of what follows at its end, and the payload,
compressed. Files of releases before there were format numbers lack both. Never edits or deletes a payload (retention is the tidy job's)."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import threading
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import zstandard
from cryptography.exceptions import InvalidTag

from warehouse.core.errors import WarehouseBroken
from warehouse.core.keys import Vault

SUFFIX = ".landed"
ACKNOWLEDGEMENT = "acknowledgement"
"""Kind of a payload that tells of another one, which was refused as a whole, that somebody knows of it: so a rebuild ends
in the same tables."""


@dataclass(frozen=True)
class Landed:
    """A payload and what is known of it. seq: its place in the order of arrival, never reused. kind: how `parse` reads
    it (json_pages | json_rows | file | keys | acknowledgement; csv: a file of earlier days). mapping: the field mapping in force when it
    arrived. digest: "transport|digest" by which the same answer of its feed is known again, "" = not compared."""

    seq: int
    source: str
    entity: str
    kind: str
    name: str
    landed_at: str
    sha256: str
    size: int
    sealed: bool = False
    cursor: str = ""
    mapping: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def table(self) -> str:
        return f"{self.source}_{self.entity}"


class Landing:
    """The landing folder of one data folder, for its one writer."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder = folder
        self._vault, self._lock = vault, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for stray in folder.glob("*/.tmp-*"):  # a write that was cut off; its payload was never acknowledged
            stray.unlink()
        self._seq = max((self._seq_of(file) for file in self._files()), default=0)

    @staticmethod
    def _seq_of(file: Path) -> int:
        return int(file.name.split("-", 1)[0])

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*/*{SUFFIX}"), key=self._seq_of)

    def put(
        self,
        source: str,
        entity: str,
        body: bytes,
        *,
        kind: str,
        name: str,
        at: dt.datetime,
        sealed: bool,
        cursor: str = "",
        mapping: dict[str, Any] | None = None,
        digest: str = "",
    ) -> Landed:
        """Stores `body` and returns its record; when this returns, a power cut cannot take the payload away."""
        with self._lock:
            self._seq += 1
            seq = self._seq
        note = Landed(
            seq,
            source,
            entity,
            kind,
            name,
            at.isoformat(),
            hashlib.sha256(body).hexdigest(),
            len(body),
            sealed,
            cursor,
            mapping or {},
            digest,
        )
        packed = zstandard.ZstdCompressor(level=3).compress(body)
        if sealed:
            packed = self._vault.seal(packed, note.sha256.encode())
        day = self.folder / at.date().isoformat()
        if not day.exists():
            day.mkdir(mode=0o700)
            sync_folder(self.folder)
        final = day / f"{note.seq:012d}-{note.table}{SUFFIX}"
        aside = day / f".tmp-{final.name}"
        with open(aside, "wb") as out:
            head = orjson.dumps(asdict(note))
            out.write(b" ".join((head, _digest(head), _digest(packed))) + b"\n" + packed)
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, final)
        sync_folder(day)
        return note

    def body(self, note: Landed) -> bytes:
        """The payload as received. Raises WarehouseBroken when the file is gone or its sha256 is wrong."""
        file = self._find(note.seq)
        _, packed, digest = _read(file)
        if digest and _digest(packed) != digest:
            raise WarehouseBroken("原始数据文件已损坏", where=file.name, to_do="请由备份恢复该文件")
        try:
            if note.sealed:
                packed = self._vault.open(packed, note.sha256.encode())
            body = zstandard.ZstdDecompressor().decompress(packed, max_output_size=max(note.size, 1))
        except (InvalidTag, zstandard.ZstdError) as error:
            raise WarehouseBroken("原始数据文件已损坏", where=file.name, to_do="请由备份恢复该文件") from error
        if hashlib.sha256(body).hexdigest() != note.sha256:
            raise WarehouseBroken("原始数据文件校验和不符", where=file.name, to_do="请由备份恢复该文件")
        return body

    def _find(self, seq: int) -> Path:
        for file in self.folder.glob(f"*/{seq:012d}-*{SUFFIX}"):
            return file
        raise WarehouseBroken(f"原始数据文件缺失：序号 {seq}", where=str(self.folder), to_do="请由备份恢复该文件")

    def notes(self, after: int = 0, besides: Collection[int] = ()) -> Iterator[Landed]:
        """Records of all payloads with seq > `after` but `besides`, in order of arrival. Raises WarehouseBroken at one
        that is damaged."""
        for file in self._files():
            if self._seq_of(file) > after and self._seq_of(file) not in besides:
                yield _read(file)[0]


def _read(file: Path) -> tuple[Landed, bytes, bytes]:
    """What the file says of its payload, the packed payload, and the digest that this should have (b"" where none was
    written). Raises WarehouseBroken when the first part is damaged."""
    head, _, packed = file.read_bytes().partition(b"\n")
    expected = b""
    try:
        if not head.endswith(b"}"):
            head, stated, expected = head.rsplit(b" ", 2)
            if _digest(head) != stated:
                raise ValueError("sha256")
        return Landed(**orjson.loads(head)), packed, expected
    except (ValueError, TypeError) as error:
        raise WarehouseBroken("原始数据文件已损坏", where=file.name, to_do="请由备份恢复该文件") from error


def _digest(part: bytes) -> bytes:
    return hashlib.sha256(part).hexdigest().encode()


def sync_folder(folder: Path) -> None:
    """fsync of a directory: without it a rename can be lost in a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
