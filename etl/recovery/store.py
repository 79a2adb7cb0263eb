"""Where backups lie: a folder here, on an SFTP host or in S3. Owns its layout, encryption and proof; knows nothing of what
is backed up.

    objects/<ab>/<name>     one content: zstd, then age; the name is an HMAC of the content's sha256, so that equal
                            contents are stored once and nobody without the key learns which they are
    backups/<time>.backup   one line "zhengbei-backup 1 <recipient> <seal>", then the manifest: zstd, then age
    backups/<time>.proven   one line "<moment> <seal>": this backup has been restored and compared

Without this program: `age -d -i key object | zstd -d`."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyrage
import zstandard

from etl.recovery.backup_key import BackupKey
from etl.sources import remote
from warehouse.core.errors import BackupFailed, CockpitError
from warehouse.ingest.landing import sync_folder

MAGIC, FORMAT = "zhengbei-backup", "1"
LEVEL = 3
ASIDE = ".tmp-"
RESTORE_FIRST = "请换一份备份（./zhengbei backup list），或由另一处备份位置恢复"


class Altered(BackupFailed):
    """A stored file is not as it was written."""


class Lacking(BackupFailed):
    """A stored file is not there."""


class Store:
    """One place. Every failure of the place is a BackupFailed, a wrong address a ConfigError."""

    def __init__(self, address: str, key: BackupKey, options: dict[str, Any] | None = None) -> None:
        self.shown = address.rpartition("@")[2]
        self._key = key
        with self._in_words():
            self._kind, self._root, self._fs = remote.connect(address, options or {}, "zhengbei.toml [backup] to")

    def stamps(self) -> list[str]:
        """Times of the backups that lie here, the newest first."""
        names = self._names("backups")
        return sorted((name.removesuffix(".backup") for name in names if name.endswith(".backup")), reverse=True)

    def objects(self) -> set[str]:
        """Names of all stored contents."""
        return {name for name in self._names("objects") if not name.startswith(ASIDE)}

    def name_of(self, sha256: str) -> str:
        """How the content with this sha256 is called here."""
        return self._key.seal("object", sha256.encode())

    def put(self, name: str, file: Path) -> int:
        """Stores the content of the file; returns the bytes this takes."""
        with open(file, "rb") as plain, zstandard.ZstdCompressor(level=LEVEL).stream_reader(plain) as packed:
            return self._write(self._object(name), lambda out: self._encrypt(packed, out))

    def get(self, name: str, out: IO[bytes], shown: str) -> str:
        """Writes the content to `out` and returns its sha256. shown: what it is, for messages. Raises Lacking,
        Altered."""
        actual = _Passing(out)
        with self._in_words(actual), self._opened(self._object(name), shown) as sealed:
            plain: Any = zstandard.ZstdDecompressor().stream_writer(cast("IO[bytes]", actual), closefd=False)
            source = _Reading(sealed)
            try:
                pyrage.decrypt_io(source, plain, [self._key.identity])
                plain.flush()
            except (pyrage.DecryptError, zstandard.ZstdError, OSError) as error:
                if source.error or actual.error:  # not the content: the line or a disk
                    raise
                raise Altered("备份里的文件被改动或已损坏", where=shown, to_do=RESTORE_FIRST) from error
        return actual.digest.hexdigest()

    def write_manifest(self, stamp: str, body: bytes) -> None:
        """Puts the backup down: from here on it exists."""
        sealed = pyrage.encrypt(zstandard.compress(body), [self._key.recipient])
        head = f"{MAGIC} {FORMAT} {self._key.recipient} {self._key.seal(f'manifest {stamp}', sealed)}\n".encode()
        self._write(f"backups/{stamp}.backup", lambda out: out.write(head + sealed))

    def manifest(self, stamp: str) -> bytes:
        """What write_manifest() was given. Raises Lacking, Altered, and BackupFailed for a wrong key."""
        with self._in_words(), self._opened(f"backups/{stamp}.backup", f"{stamp}.backup") as file:
            head, _, sealed = file.read().partition(b"\n")
        words = head.decode("ascii", "replace").split(" ")
        altered = Altered("备份清单被改动或已损坏", where=f"{stamp}.backup", to_do=RESTORE_FIRST)
        if len(words) != 4 or words[0] != MAGIC:
            raise altered
        if words[1] != FORMAT:
            raise BackupFailed(
                f"备份的格式是 {words[1][:8]}，本程序只认 {FORMAT}", where=stamp, to_do="请换用写它的版本或更新的版本"
            )
        try:
            pyrage.x25519.Recipient.from_str(words[2])
        except pyrage.RecipientError as error:
            raise altered from error
        if words[2] != str(self._key.recipient):
            raise BackupFailed(
                "密钥不对，这份备份是用另一把密钥写的", where=f"{stamp}.backup，公钥 {words[2]}", to_do="请换成那一把"
            )
        if words[3] != self._key.seal(f"manifest {stamp}", sealed):
            raise altered
        try:
            return zstandard.decompress(pyrage.decrypt(sealed, [self._key.identity]))
        except (pyrage.DecryptError, zstandard.ZstdError, OSError) as error:
            raise altered from error

    def prove(self, stamp: str, moment: str) -> None:
        """Notes that this backup has been restored and compared."""
        line = f"{moment} {self._key.seal(f'proven {stamp}', moment.encode())}\n"
        self._write(f"backups/{stamp}.proven", lambda out: out.write(line.encode()))

    def proven(self) -> set[str]:
        """Backups that have been restored and compared."""
        actual = set()
        for name in self._names("backups"):
            stamp = name.removesuffix(".proven")
            if stamp != name:
                with self._in_words(), self._opened(f"backups/{name}", name) as file:
                    moment, _, seal = file.read().decode("ascii", "replace").strip().partition(" ")
                if seal == self._key.seal(f"proven {stamp}", moment.encode()):
                    actual.add(stamp)
        return actual

    def forget(self, stamp: str) -> None:
        """Takes the backup away; its contents stay until sweep()."""
        for name in (f"{stamp}.backup", f"{stamp}.proven"):
            self._remove(f"backups/{name}")

    def clear_cut_off(self) -> None:
        """Takes away what a backup that was cut off has left half-written. Only for the one who writes here."""
        with self._in_words():
            self._fs.invalidate_cache()
            for path in self._fs.find(self._root) if self._fs.exists(self._root) else ():
                if posixpath.basename(path).startswith(ASIDE):
                    self._fs.rm_file(path)

    def discard(self, name: str) -> None:
        """Takes one stored content away, so that the next backup stores it anew."""
        self._remove(self._object(name))

    def _object(self, name: str) -> str:
        return f"objects/{name[:2]}/{name}"

    def _encrypt(self, plain: Any, out: IO[bytes]) -> None:
        pyrage.encrypt_io(plain, out, [self._key.recipient])

    def _path(self, inner: str) -> str:
        return posixpath.join(self._root, inner)

    def _names(self, folder: str) -> list[str]:
        with self._in_words():
            self._fs.invalidate_cache()
            if not self._fs.exists(self._path(folder)):
                return []
            return [posixpath.basename(path) for path in self._fs.find(self._path(folder))]

    @contextmanager
    def _opened(self, inner: str, shown: str) -> Iterator[IO[bytes]]:
        try:
            file = self._fs.open(self._path(inner), "rb")
        except FileNotFoundError as error:
            raise Lacking("备份缺少一块", where=shown, to_do=RESTORE_FIRST) from error
        with file:
            yield file

    def _write(self, inner: str, fill: Callable[[Any], None]) -> int:
        """Written aside and renamed, so that a cut leaves no half file under the right name; S3 does so by itself."""
        final = self._path(inner)
        aside = final if self._kind == "s3" else posixpath.join(posixpath.dirname(final), f"{ASIDE}{os.getpid()}")
        with self._in_words():
            self._fs.makedirs(posixpath.dirname(final), exist_ok=True)
            try:
                with self._fs.open(aside, "wb") as file:
                    out = _Passing(file)
                    fill(out)
                    if self._kind == "file":
                        file.flush()
                        os.fsync(file.fileno())
            except Exception as error:
                if self._kind != "s3" and self._fs.exists(aside):
                    self._fs.rm_file(aside)
                raise out.error or error from error
            if self._kind == "file":
                os.chmod(aside, 0o600)
                os.replace(aside, final)
                sync_folder(Path(final).parent)
            elif aside != final:
                self._fs.mv(aside, final)
        return out.count

    def _remove(self, inner: str) -> None:
        with self._in_words():
            try:
                self._fs.rm_file(self._path(inner))
            except FileNotFoundError:
                pass

    @contextmanager
    def _in_words(self, out: _Passing | None = None) -> Iterator[None]:
        """Each library has its own tree of errors; an operator gets one sentence. An error of `out`, which is not of
        this place, goes on as it is."""
        try:
            yield
        except Exception as error:
            if out is not None and out.error is not None:
                raise out.error from None
            if isinstance(error, CockpitError):
                raise
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise BackupFailed("备份位置的磁盘满了", where=self.shown, to_do="请腾出空间后重试") from error
            raise BackupFailed(
                f"备份位置无法访问：{type(error).__name__}",
                where=self.shown,
                to_do="请检查地址、权限与网络；sftp 另核对 host_key",
            ) from error


class _Reading(io.RawIOBase):
    """Reads on behalf of the decryption, whose own errors are OSErrors too; knows the error that ended it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._source.read(size)
        except Exception as error:
            self.error = error
            raise


class _Passing(io.RawIOBase):
    """Passes on what is written; knows how much it was, its sha256, and the error that ended it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.count, self.digest = out, 0, hashlib.sha256()
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        try:
            self._out.write(part)
        except OSError as error:
            self.error = error
            raise
        self.digest.update(part)
        self.count += len(part)
        return len(part)
