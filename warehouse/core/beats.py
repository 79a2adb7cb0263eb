"""Signs of life of the processes that must run all the time: one row a process in state.sqlite.

The loader and the web service each write down that they are there, and each can see when the other has fallen
silent."""

from __future__ import annotations

import time
from pathlib import Path

from warehouse.core import shared_state

LOADER, WATCH = "loader", "watch"
"""The loading process; the round that looks after alerts."""
EVERY_S = 15.0
SILENT_S = 60.0
"""Two rounds of the positions (30 s each): a process that says nothing for longer has stopped."""
TABLE = "CREATE TABLE IF NOT EXISTS beat (name TEXT PRIMARY KEY, at REAL NOT NULL)"


def beat(path: Path, name: str, at: float | None = None) -> None:
    """Writes down that a process is there. path: state.sqlite; at: UTC seconds, None = now. Raises sqlite3.Error."""
    with shared_state.opened(path) as connection:
        connection.execute(TABLE)
        connection.execute("INSERT OR REPLACE INTO beat VALUES (?, ?)", (name, time.time() if at is None else at))


def last(path: Path, name: str) -> float | None:
    """When a process last gave a sign, UTC seconds; None when it never did. Raises sqlite3.Error."""
    if not path.exists():
        return None
    with shared_state.opened(path) as connection:
        connection.execute(TABLE)
        row = connection.execute("SELECT at FROM beat WHERE name = ?", (name,)).fetchone()
    return None if row is None else float(row["at"])


def silent_s(path: Path, name: str, now: float | None = None) -> float | None:
    """For how many seconds a process has said nothing; None when it never ran here. A sign from the future is one of
    before the clock was put back: nothing has come since, and it counts as old as it is ahead. Raises
    sqlite3.Error."""
    at = last(path, name)
    return None if at is None else abs((time.time() if now is None else now) - at)
