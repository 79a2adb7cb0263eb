"""The audit log: who did what and with what result, each row chained to the one before by SHA-256.

Only appends. A changed, removed or reordered row breaks the chain from there on; `verify` finds the place. The newest
hash is meant to be copied off the machine daily, because a truncated end alone leaves a shorter but valid chain.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from pathlib import Path

from cockpit.store import app_db

GENESIS = "0" * 64


def _hash(previous: str, row: tuple[object, ...]) -> str:
    return hashlib.sha256(f"{previous}{json.dumps(row, ensure_ascii=False)}".encode()).hexdigest()


def append(
    connection: sqlite3.Connection,
    event: str,
    *,
    who: str = "",
    ip: str = "",
    detail: str = "",
    now: float | None = None,
) -> None:
    """Adds a row inside the caller's write transaction, so that the act and its record stand or fall together."""
    last = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (last["seq"] + 1, last["hash"]) if last else (1, GENESIS)
    row = (seq, time.time() if now is None else now, who, ip, event, detail)
    connection.execute("INSERT INTO audit VALUES (?,?,?,?,?,?,?,?)", (*row, previous, _hash(previous, row)))


def record(path: Path, event: str, *, who: str = "", ip: str = "", detail: str = "") -> None:
    """Adds a row in a transaction of its own. Raises sqlite3.Error when it cannot be kept: callers that are about to
    show personal data must then refuse (fail closed)."""
    with app_db.writing(path) as connection:
        append(connection, event, who=who, ip=ip, detail=detail)


def verify(path: Path) -> int | None:
    """The number of the first row that does not fit the chain, None when the whole chain holds."""
    previous, expected = GENESIS, 1
    with app_db.reading(path) as connection:
        for row in connection.execute("SELECT * FROM audit ORDER BY seq"):
            plain = (row["seq"], row["at"], row["who"], row["ip"], row["event"], row["detail"])
            if row["seq"] != expected or row["previous"] != previous or row["hash"] != _hash(previous, plain):
                return int(row["seq"])
            previous, expected = row["hash"], expected + 1
    return None
