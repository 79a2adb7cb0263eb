"""One bit turned round somewhere, as disks do it."""

from __future__ import annotations

import random
from pathlib import Path

from tests.depth import depth

FLIPS = depth(30, 100)


def flip(file: Path, dice: random.Random, first: int = 0, last: int | None = None) -> bytes:
    """Turns one bit of the bytes first..last (exclusive; None = the end) round; returns the file as it was."""
    whole = file.read_bytes()
    body = bytearray(whole)
    body[dice.randrange(first, len(body) if last is None else last)] ^= 1 << dice.randrange(8)
    write(file, bytes(body))
    return whole


def write(file: Path, body: bytes) -> None:
    """Whatever the rights of the file are."""
    mode = file.stat().st_mode
    file.chmod(0o600)
    file.write_bytes(body)
    file.chmod(mode)
