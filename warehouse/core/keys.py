"""Secrets of one installation: the pseudonym key and the landing key. Owns their files; never prints them.

A lost pseudonym key means every person gets a new key, so `keys/` belongs in the backup kept off the machine."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warehouse.core.errors import Refused

LENGTH = 32
FEWEST_BYTES = 12
"""Different values that 32 random bytes never fall short of (odds of one in 10^20); what a hand has typed may."""


def secret(folder: Path, name: str) -> bytes:
    """The 32 random bytes of `<folder>/<name>.key`, made on first use with mode 0600.

    Raises Refused as check() does."""
    file = folder / f"{name}.key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(file)
    return check(file)


def check(file: Path) -> bytes:
    """What the key file holds. Raises Refused when others can read it, or it is too short or no random number: a weak
    key is worse than none."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise Refused("密钥文件对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
    key = file.read_bytes()
    if len(key) < LENGTH:
        raise Refused("密钥文件过短", where=str(file), to_do="请由备份恢复该文件")
    if len(set(key)) < FEWEST_BYTES:
        raise Refused("密钥文件不是随机数", where=str(file), to_do="请由备份恢复该文件")
    return key


def _create(file: Path) -> None:
    """The file appears complete or not at all: a reader beside us never finds half a key, nor does a later start after
    a power cut. Whoever comes second keeps the key of the first."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_bytes(LENGTH))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, file)
    finally:
        os.unlink(name)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Pseudonyms:
    """HMAC-SHA-256 keys in place of identity numbers, and a different one for phones; stable for one installation."""

    def __init__(self, folder: Path) -> None:
        self._key = secret(folder, "pseudonym")

    def person(self, id_number: str) -> str:
        """64 hex digits for an 18-digit identity number (upper case, already checked)."""
        return hmac.new(self._key, b"person:" + id_number.encode(), hashlib.sha256).hexdigest()

    def phone(self, number: str) -> str:
        """64 hex digits for a phone number, digits only."""
        return hmac.new(self._key, b"phone:" + number.encode(), hashlib.sha256).hexdigest()

    def misplaced(self, number: str) -> str:
        """12 hex digits for a personal number met where none belongs: equal ones stay equal, no more is known of
        them."""
        return hmac.new(self._key, b"misplaced:" + number.encode(), hashlib.sha256).hexdigest()[:12]


class Vault:
    """AES-256-GCM for landed payloads that carry L3/L4 fields, and under a key of its own for other secrets."""

    def __init__(self, folder: Path, key: str = "landing") -> None:
        self._cipher = AESGCM(secret(folder, key))

    def seal(self, body: bytes, label: bytes) -> bytes:
        """`body` encrypted, bound to `label` (so that a payload moved to another place does not open)."""
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, body, label)

    def open(self, sealed: bytes, label: bytes) -> bytes:
        """What seal() was given. Raises cryptography.exceptions.InvalidTag when anything was altered."""
        return self._cipher.decrypt(sealed[:12], sealed[12:], label)
