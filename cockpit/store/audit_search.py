"""Finding entries of the audit log. Only reads."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cockpit.store import app_db

COLUMNS = "seq, at, who, ip, event, subject, purpose, result, detail"
WHERE = """(:who = '' OR instr(lower(who), lower(:who))) AND (:event = '' OR event = :event)
    AND (:about = '' OR instr(lower(subject || ' ' || purpose || ' ' || detail), lower(:about)))
    AND at >= :since AND at < :until"""
EVER = 1e12


@dataclass(frozen=True)
class Wanted:
    """What to look for; "" and the ends of time = all. who and about: a part of the actor, of the subject, purpose or
    detail, whatever the case; since inclusive, until exclusive, UTC seconds."""

    who: str = ""
    event: str = ""
    about: str = ""
    since: float = 0.0
    until: float = EVER


@dataclass(frozen=True)
class Entry:
    """One row. at: UTC seconds; result: key of texts.RESULTS."""

    seq: int
    at: float
    who: str
    ip: str
    event: str
    subject: str
    purpose: str
    result: str
    detail: str


def find(path: Path, wanted: Wanted, limit: int, offset: int = 0) -> tuple[list[Entry], int]:
    """The newest entries that fit, from `offset` on, and how many fit in all."""
    values: dict[str, Any] = vars(wanted) | {"limit": limit, "offset": offset}
    with app_db.reading(path) as connection:
        rows: list[sqlite3.Row] = connection.execute(
            f"SELECT {COLUMNS} FROM audit WHERE {WHERE} ORDER BY seq DESC LIMIT :limit OFFSET :offset", values
        ).fetchall()
        total = connection.execute(f"SELECT count(*) FROM audit WHERE {WHERE}", values).fetchone()[0]
    return [Entry(*row) for row in rows], int(total)
