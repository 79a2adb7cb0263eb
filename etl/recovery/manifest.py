"""What a backup says of itself. Owns its shape; the seal around it is the store's."""

from __future__ import annotations

import datetime as dt

import msgspec


class Piece(msgspec.Struct, array_like=True, frozen=True):
    """One file. name: its path in the restored folder; mode: its rights; modified_ns: its time when it was taken;
    sha256, size: of its content; content: how the store calls that."""

    name: str
    size: int
    mode: int
    modified_ns: int
    sha256: str
    content: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """stamp: its name, local time to the second; at: aware; release: the code that took it; data_format: the format of
    the folder. contents: table → (rows, hash) of the warehouse's copy, {} when there was no copy yet; state: table →
    rows of state.sqlite."""

    stamp: str
    at: dt.datetime
    release: str
    data_format: int
    pieces: tuple[Piece, ...]
    contents: dict[str, tuple[int, int]] = {}
    state: dict[str, int] = {}

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(piece.size for piece in self.pieces)
