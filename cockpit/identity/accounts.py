"""People's accounts: names, argon2id passwords, roles, and the lock after failed attempts. No cookies, no HTTP.

The lock is shared by all workers because it lives in state.sqlite, and an attempt is counted *before* the password
is checked, so that parallel guesses cannot slip past it.
"""

from __future__ import annotations

import re
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cockpit.identity import throttle
from cockpit.presentation.texts import ROLES
from cockpit.store import app_db, audit
from warehouse.core.errors import TooSoon, UsageError

MIN_LENGTH = 12
MAX_LENGTH = 256
ACCOUNT_FAILS = 5
LOCK_S = 15 * 60

_NAME = re.compile(r"[A-Za-z0-9_.\-]{2,32}")
# OWASP's smaller argon2id setting: 19 MiB, 2 passes, 1 lane; eight threads at once must not eat the machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_DECOY = _HASHER.hash("no account has this password")


@dataclass(frozen=True)
class Account:
    """A person who may log in. role: key of texts.ROLES; display: the name shown in the bar."""

    name: str
    role: str
    display: str
    disabled: bool = False


def _checked(name: str, password: str | None, role: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError("账号须为 2–32 位字母、数字或 _ . -", where=name)
    if role is not None and (role not in ROLES or role == "screen"):
        raise UsageError("没有这个角色", where=role, to_do=f"可用角色：{'、'.join(r for r in ROLES if r != 'screen')}")
    if password is not None and not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UsageError(f"密码须为 {MIN_LENGTH}–{MAX_LENGTH} 位", to_do="请换一个更长的密码，可用一句话")
    if password is not None and name.lower() in password.lower():
        raise UsageError("密码不能包含账号名", to_do="请换一个密码")


def add(path: Path, name: str, password: str, role: str, display: str = "", *, by: str = "") -> None:
    """Creates an account. by: who does it, "" = whoever is at the command line; so in all that follow. Raises UsageError for a taken name, an unknown role or a weak password."""
    _checked(name, password, role)
    now = time.time()
    with app_db.writing(path) as connection:
        if connection.execute("SELECT 1 FROM users WHERE name=?", (name,)).fetchone():
            raise UsageError("账号已存在", where=name, to_do="改密码请用 user passwd")
        connection.execute(
            "INSERT INTO users (name, password_hash, role, display, created_at, changed_at) VALUES (?,?,?,?,?,?)",
            (name, _HASHER.hash(password), role, display or name, now, now),
        )
        audit.append(connection, "user_added", who=by or audit.operator(), subject=name, detail=role)


def set_password(path: Path, name: str, password: str, *, by: str = "") -> None:
    """Changes a password and ends every session of the account. Raises UsageError for an unknown name."""
    _checked(name, password, None)
    with app_db.writing(path) as connection:
        changed = connection.execute(
            "UPDATE users SET password_hash=?, changed_at=? WHERE name=?", (_HASHER.hash(password), time.time(), name)
        )
        if changed.rowcount != 1:
            raise UsageError("没有这个账号", where=name, to_do="请用 user list 查看")
        connection.execute("DELETE FROM sessions WHERE user=?", (name,))
        connection.execute("DELETE FROM attempts WHERE scope=?", (f"user:{name}",))
        audit.append(connection, "password_changed", who=by or audit.operator(), subject=name)


def set_role(path: Path, name: str, role: str, *, by: str = "") -> None:
    """Changes a role and ends every session of the account, so that no old right survives in a cookie."""
    _checked(name, None, role)
    with app_db.writing(path) as connection:
        if connection.execute("UPDATE users SET role=? WHERE name=?", (role, name)).rowcount != 1:
            raise UsageError("没有这个账号", where=name, to_do="请用 user list 查看")
        connection.execute("DELETE FROM sessions WHERE user=?", (name,))
        audit.append(connection, "role_changed", who=by or audit.operator(), subject=name, detail=role)


def disable(path: Path, name: str, *, by: str = "") -> None:
    """Locks an account for good and ends its sessions; its audit rows stay."""
    with app_db.writing(path) as connection:
        if connection.execute("UPDATE users SET disabled=1 WHERE name=?", (name,)).rowcount != 1:
            raise UsageError("没有这个账号", where=name, to_do="请用 user list 查看")
        connection.execute("DELETE FROM sessions WHERE user=?", (name,))
        audit.append(connection, "user_disabled", who=by or audit.operator(), subject=name)


def everyone(path: Path) -> list[Account]:
    """All accounts by name."""
    with app_db.reading(path) as connection:
        rows = connection.execute("SELECT name, role, display, disabled FROM users ORDER BY name").fetchall()
    return [Account(r["name"], r["role"], r["display"], bool(r["disabled"])) for r in rows]


def check(path: Path, name: str, password: str, ip: str, now: float | None = None) -> Account | None:
    """The account when name and password fit and the account is not locked, else None. Raises TooSoon for an address
    that guesses and does not wait (throttle.py).

    Same work and same answer for an unknown name, a wrong password and a lock. Success clears the account's count."""
    moment = time.time() if now is None else now
    with app_db.writing(path) as connection:
        if not throttle.admits(connection, name[:64], ip, moment):
            raise TooSoon("从这个地址登录失败过多，暂时放慢", to_do=f"请等 {throttle.PACE_S:g} 秒再试")
        admitted = _admit(connection, f"user:{name[:64]}", ACCOUNT_FAILS, moment)
        row = connection.execute(
            "SELECT name, password_hash, role, display FROM users WHERE name=? AND disabled=0", (name,)
        ).fetchone()
    fits = _verify(row["password_hash"] if row and admitted else _DECOY, password)
    with app_db.writing(path) as connection:
        if not (fits and row and admitted):
            event = "login_failed" if admitted else "login_locked"
            audit.append(connection, event, who="", subject=name[:64], ip=ip, result=audit.REFUSED, now=moment)
            return None
        connection.execute("DELETE FROM attempts WHERE scope=?", (f"user:{name}",))
        throttle.learn(connection, name, ip, moment)
    return Account(row["name"], row["role"], row["display"])


def _admit(connection: sqlite3.Connection, scope: str, limit: int, now: float) -> bool:
    """Counts one attempt; False when the scope is locked. The limit-th attempt is still checked, the next is not. The
    count begins anew after LOCK_S without an attempt, so that no quarter of an hour ever sees more than the limit."""
    row = connection.execute("SELECT failed, since, locked_until FROM attempts WHERE scope=?", (scope,)).fetchone()
    if row and row["locked_until"] > now:
        return False
    expired = row is None or now - row["since"] > LOCK_S or row["locked_until"]
    failed = 1 if expired else row["failed"] + 1
    locked_until = now + LOCK_S if failed >= limit else 0
    connection.execute("INSERT OR REPLACE INTO attempts VALUES (?,?,?,?)", (scope, failed, now, locked_until))
    return True


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password[: MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
