"""Tokens by which another system reads /api/v1: named, for a while, withdrawn at any time, so many questions a minute.
Owns the tables `api_token` and `api_use` of state.sqlite; of a token only its hash is stored. No HTTP.

The count is shared by all workers because it lies in the file."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from cockpit.identity import accounts, rights
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from warehouse.core.errors import UsageError
from warehouse.query.scope import Scope

MOST_DAYS = 366
PER_MINUTE = 120
MINUTE_S = 60
PREFIX = "zbt_"
"""By which a token that stands where it should not is recognised."""
_NAME = re.compile(r"[^\x00-\x1f\x7f]{2,40}")


@dataclass(frozen=True)
class Token:
    """name: of the system that reads. Times are UTC seconds; seen_at None = never used, revoked_at None = in force."""

    id: int
    name: str
    created_at: float
    created_by: str
    expires_at: float
    revoked_at: float | None
    seen_at: float | None

    def state(self, now: float) -> str:
        """A key of texts.TOKEN_STATES."""
        return "revoked" if self.revoked_at else "over" if self.expires_at <= now else "active"


def issue(path: Path, name: str, days: int, *, by: str = "", ip: str = "") -> str:
    """A new token, shown this once. days: how long it is good, 1 to MOST_DAYS. by: as in accounts. Raises UsageError for
    an odd name or number of days."""
    stated = name.strip()
    if not _NAME.fullmatch(stated):
        raise UsageError("令牌须写明给哪个系统用，2–40 字", where=stated[:40])
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"有效期须为 1–{MOST_DAYS} 天", where=str(days))
    token, now = PREFIX + secrets.token_urlsafe(32), time.time()
    with app_db.writing(path) as connection:
        made = connection.execute(
            "INSERT INTO api_token (name, token_hash, created_at, created_by, expires_at) VALUES (?,?,?,?,?)",
            (stated, app_db.digest(token), now, by or audit.operator(), now + days * accounts.DAY_S),
        )
        accounts.note(connection, "token_added", f"token:{made.lastrowid}", by, ip, f"{stated} {days} 天")
    return token


def revoke(path: Path, number: int, *, by: str = "", ip: str = "") -> bool:
    """Withdraws a token; its next question is refused. False when there is no such token in force."""
    with app_db.writing(path) as connection:
        done = connection.execute(
            "UPDATE api_token SET revoked_at=? WHERE id=? AND revoked_at IS NULL", (time.time(), number)
        )
        if done.rowcount:
            accounts.note(connection, "token_revoked", f"token:{number}", by, ip)
    return done.rowcount == 1


def every(path: Path) -> list[Token]:
    """All tokens, newest first."""
    with app_db.reading(path) as connection:
        rows = connection.execute(
            "SELECT id, name, created_at, created_by, expires_at, revoked_at, seen_at FROM api_token ORDER BY id DESC"
        )
        return [Token(*row) for row in rows]


def find(path: Path, token: str, now: float | None = None) -> tuple[Viewer, bool] | None:
    """Who reads with a token, and whether this minute's questions are not spent yet (this one counts); None when the
    token is unknown, over or withdrawn."""
    moment = time.time() if now is None else now
    with app_db.writing(path) as connection:
        row = connection.execute(
            "SELECT id, name FROM api_token WHERE token_hash=? AND revoked_at IS NULL AND expires_at>?",
            (app_db.digest(token), moment),
        ).fetchone()
        if row is None:
            return None
        minute = int(moment // MINUTE_S)
        connection.execute("DELETE FROM api_use WHERE token=? AND minute<>?", (row["id"], minute))
        count = connection.execute(
            "INSERT INTO api_use VALUES (?,?,1) ON CONFLICT (token, minute) DO UPDATE SET count=count+1 RETURNING count",
            (row["id"], minute),
        ).fetchone()["count"]
        connection.execute("UPDATE api_token SET seen_at=? WHERE id=?", (moment, row["id"]))
    # another system reads the district: a token has no scope
    who = Viewer("token", f"token:{row['id']}", rights.TOKEN, display=row["name"], scope=Scope.ALL)
    return who, count <= PER_MINUTE
