"""What became of the rows of one payload. The sum must hold, or the payload is not in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """rows_in = merged + older + duplicate + quarantined. older: a newer version of the key was there already;
    duplicate: the same row again."""

    rows_in: int
    merged: int
    older: int
    duplicate: int
    quarantined: int

    @property
    def balanced(self) -> bool:
        return self.rows_in == self.merged + self.older + self.duplicate + self.quarantined
