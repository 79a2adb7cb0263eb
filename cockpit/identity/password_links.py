"""One-time links by which a person sets a password: for a new account, and when a password is reset. Who gives out the
link never knows the password. No HTTP.

Giving out a link withdraws the password that was there and ends every session; an earlier link of the account dies."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from cockpit.identity import accounts, passwords
from cockpit.store import app_db
from warehouse.core.errors import UsageError

VALID_S = 24 * 3600


def issue(path: Path, name: str, *, by: str = "", ip: str = "") -> str:
    """A token for the address /password/<token>, shown this once, good for a day. by: as in accounts. Raises Refused for
    one's own account, UsageError for an unknown name."""
    token, now = secrets.token_urlsafe(32), time.time()
    with app_db.writing(path) as connection:
        accounts.others_only(name, by)
        accounts.replace_password(connection, name, passwords.UNUSABLE)
        connection.execute("DELETE FROM password_link WHERE expires_at<?", (now,))
        connection.execute("INSERT INTO password_link VALUES (?,?,?,NULL)", (app_db.digest(token), name, now + VALID_S))
        accounts.note(connection, "password_reset", name, by, ip)
    return token


def owner(path: Path, token: str, now: float | None = None) -> str | None:
    """Whose password a token sets, None when it is unknown, spent or over."""
    with app_db.reading(path) as connection:
        row = connection.execute(
            "SELECT user FROM password_link WHERE token_hash=? AND used_at IS NULL AND expires_at>?",
            (app_db.digest(token), time.time() if now is None else now),
        ).fetchone()
    return None if row is None else str(row["user"])


def spend(path: Path, token: str, password: str, *, ip: str = "", now: float | None = None) -> str:
    """Sets the password and spends the token; returns the account's name. A password that is refused spends nothing.
    Raises UsageError for such a password and for a token that is unknown, spent or over."""
    moment = time.time() if now is None else now
    name = owner(path, token, moment)
    if name is not None:
        found = accounts.find(path, name)
        passwords.check(password, name, found.display if found else "")
        stored = passwords.hashed(password)
        with app_db.writing(path) as connection:
            done = connection.execute(
                "UPDATE password_link SET used_at=? WHERE token_hash=? AND used_at IS NULL AND expires_at>?",
                (moment, app_db.digest(token), moment),
            )
            if done.rowcount == 1:
                accounts.replace_password(connection, name, stored)
                accounts.note(connection, "password_changed", name, name, ip)
                return name
    raise UsageError("这个链接已使用或已过期", to_do="请向安全管理员再要一个")
