"""People's accounts: names, roles, scope, states, and the lock after failed attempts. No cookies, no HTTP.

Whoever changes an account is named (`by`), and nobody changes one's own; the last who can sign in of each kind of
administrator stays. The lock is shared by all workers because it lives in state.sqlite, and an attempt is counted
*before* the password is checked, so that parallel guesses cannot slip past it."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cockpit.identity import passwords, rights, throttle
from cockpit.presentation.texts import ROLES
from cockpit.store import app_db, audit
from warehouse.core.errors import Refused, TooSoon, UsageError
from warehouse.query.scope import Scope

ACCOUNT_FAILS = 5
LOCK_S = 15 * 60
IDLE_DAYS = 90
"""An account that was not used for so long is disabled when it is tried again (GB/T 22239-2019 8.1.4.2)."""
DAY_S = 86_400

COMMAND_LINE, UNATTENDED = "系统管理员（命令行）", "装载进程（自动）"

_NAME = re.compile(r"[A-Za-z0-9_.\-]{2,32}")
_CODE = re.compile(r"[0-9A-Za-z_.\-]{1,64}")
LONGEST_DISPLAY, MOST_CODES = 40, 200


@dataclass(frozen=True)
class Account:
    """A person who may log in. role: key of texts.ROLES; display: the name shown in the bar. towns, companies: codes
    that all the person sees is limited to, () = all. seen_at: of the last log-in, UTC seconds, None = never;
    counted_from: when the days without use begin where no log-in is later; locked_until: end of the lock after wrong guesses, 0 = none. has_factor: a second factor is set up;
    changed_at: when the password was set, UTC seconds."""

    name: str
    role: str
    display: str
    disabled: bool = False
    towns: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    seen_at: float | None = None
    counted_from: float = 0.0
    locked_until: float = 0.0
    has_factor: bool = False
    has_password: bool = True
    changed_at: float = 0.0

    @property
    def scope(self) -> Scope:
        """Whose numbers the person sees."""
        return Scope(self.towns, self.companies)

    def is_idle(self, now: float) -> bool:
        """Not used for IDLE_DAYS."""
        return now - max(self.seen_at or 0.0, self.counted_from) > IDLE_DAYS * DAY_S

    def state(self, now: float) -> str:
        """How it stands, as a key of texts.ACCOUNT_STATES."""
        if self.disabled or self.is_idle(now):
            return "idle" if self.is_idle(now) else "disabled"
        return "locked" if self.locked_until > now else "active" if self.has_password else "invited"


_COLUMNS = (
    "SELECT u.name, u.role, u.display, u.disabled, u.towns, u.companies, u.seen_at, u.counted_from, u.changed_at, "
    "u.password_hash, "
    "coalesce(a.locked_until, 0) AS locked_until, f.user IS NOT NULL AS has_factor "
    "FROM users u LEFT JOIN attempts a ON a.scope = 'user:' || u.name LEFT JOIN second_factor f ON f.user = u.name "
)


def _account(row: sqlite3.Row) -> Account:
    return Account(
        row["name"],
        row["role"],
        row["display"],
        bool(row["disabled"]),
        tuple(row["towns"].split()),
        tuple(row["companies"].split()),
        row["seen_at"],
        row["counted_from"] or 0.0,
        row["locked_until"],
        bool(row["has_factor"]),
        row["password_hash"] != passwords.UNUSABLE,
        row["changed_at"],
    )


def everyone(path: Path) -> list[Account]:
    """All accounts by name."""
    with app_db.reading(path) as connection:
        return [_account(row) for row in connection.execute(_COLUMNS + "ORDER BY u.name")]


def display_names(path: Path) -> Callable[[str], str]:
    """What people are called who did something, by account name: the display name; the account's name where the account is
    gone; COMMAND_LINE for who was at the server's command line ("os:root", or "cli" of earlier releases), UNATTENDED for what the
    loading process does by its timetable ("schedule")."""
    with app_db.reading(path) as connection:
        known = dict(connection.execute("SELECT name, display FROM users").fetchall())

    def called(name: str) -> str:
        if name == "schedule":
            return UNATTENDED
        return COMMAND_LINE if name == "cli" or name.startswith("os:") else known.get(name) or name

    return called


def names_with(path: Path, right: str) -> list[str]:
    """What those are called whose account is open and whose role has the right, each once, sorted."""
    with app_db.reading(path) as connection:
        rows = connection.execute("SELECT DISTINCT display, role FROM users WHERE NOT disabled").fetchall()
    return sorted({row["display"] for row in rows if rights.has(row["role"], right)})


def find(path: Path, name: str) -> Account | None:
    """The account of that name, None when there is none."""
    with app_db.reading(path) as connection:
        row = connection.execute(_COLUMNS + "WHERE u.name = ?", (name,)).fetchone()
    return _account(row) if row else None


def add(
    path: Path, name: str, password: str | None, role: str, display: str = "", *, by: str = "", ip: str = ""
) -> None:
    """Creates an account; without a password nobody signs in to it until one is set by a link. by: who does it, "" =
    whoever is at the command line; so in all that follow. Raises UsageError for a taken or odd name, an unknown role or
    a weak password."""
    if not _NAME.fullmatch(name):
        raise UsageError("账号须为 2–32 位字母、数字或 _ . -", where=name[:40])
    _known_role(role)
    shown = display.strip()[:LONGEST_DISPLAY] or name
    if password is not None:
        passwords.check(password, name, shown)
    stored, now = passwords.UNUSABLE if password is None else passwords.hashed(password), time.time()
    with app_db.writing(path) as connection:
        if connection.execute("SELECT 1 FROM users WHERE name=?", (name,)).fetchone():
            raise UsageError("账号已存在", where=name, to_do="改密码请用 user passwd")
        connection.execute(
            "INSERT INTO users (name, password_hash, role, display, created_at, changed_at, counted_from) "
            "VALUES (?,?,?,?,?,?,?)",
            (name, stored, role, shown, now, now, now),
        )
        note(connection, "user_added", name, by, ip, role)


def set_password(path: Path, name: str, password: str, *, by: str = "", ip: str = "") -> None:
    """Changes a password and ends every session of the account, one's own too. Raises UsageError for an unknown name or
    a weak password."""
    found = find(path, name)
    passwords.check(password, name, found.display if found else "")
    stored = passwords.hashed(password)
    with app_db.writing(path) as connection:
        replace_password(connection, name, stored)
        note(connection, "password_changed", name, by, ip)


def replace_password(connection: sqlite3.Connection, name: str, stored: str) -> None:
    """Puts what is kept of a password in place of the old; every session, the lock and a link that would set another
    end. Raises UsageError for an unknown name."""
    present(connection, name)
    connection.execute("UPDATE users SET password_hash=?, changed_at=? WHERE name=?", (stored, time.time(), name))
    connection.execute("DELETE FROM sessions WHERE user=?", (name,))
    connection.execute("DELETE FROM attempts WHERE scope=?", (f"user:{name}",))
    connection.execute("DELETE FROM password_link WHERE user=?", (name,))


def set_role(path: Path, name: str, role: str, *, by: str = "", ip: str = "") -> None:
    """Changes a role and ends every session of the account, so that no old right survives in a cookie. Raises Refused
    for one's own account and for the last administrator of a kind, UsageError for an administrator with a scope."""
    _known_role(role)
    with app_db.writing(path) as connection:
        others_only(name, by)
        row = present(connection, name)
        before = row["role"]
        _unlimited(role, row["towns"] or row["companies"])
        if before != role:
            _one_remains(connection, name)
        connection.execute("UPDATE users SET role=? WHERE name=?", (role, name))
        connection.execute("DELETE FROM sessions WHERE user=?", (name,))
        note(connection, "role_changed", name, by, ip, f"{before} → {role}")


def set_scope(
    path: Path, name: str, towns: Sequence[str], companies: Sequence[str], *, by: str = "", ip: str = ""
) -> None:
    """Limits an account to towns and companies, by code; both () = all. Ends every session of the account. Raises Refused
    for one's own account, UsageError for what is no code and for an administrator."""
    odd = next((code for code in (*towns, *companies) if not _CODE.fullmatch(code)), None)
    if odd is not None or len(towns) > MOST_CODES or len(companies) > MOST_CODES:
        raise UsageError(
            "范围写法不对", where=(odd or "")[:40], to_do=f"请填镇街或企业的代码，用空格分开，各最多 {MOST_CODES} 个"
        )
    with app_db.writing(path) as connection:
        others_only(name, by)
        _unlimited(present(connection, name)["role"], towns or companies)
        connection.execute(
            "UPDATE users SET towns=?, companies=? WHERE name=?", (" ".join(towns), " ".join(companies), name)
        )
        connection.execute("DELETE FROM sessions WHERE user=?", (name,))
        note(
            connection,
            "scope_changed",
            name,
            by,
            ip,
            f"镇街 {' '.join(towns) or '全部'} 企业 {' '.join(companies) or '全部'}",
        )


def disable(path: Path, name: str, *, by: str = "", ip: str = "") -> None:
    """Ends an account and its sessions until somebody enables it again; its audit rows stay. Raises Refused as
    set_role does."""
    with app_db.writing(path) as connection:
        others_only(name, by)
        present(connection, name)
        _one_remains(connection, name)
        _disable(connection, name)
        note(connection, "user_disabled", name, by, ip)


def _disable(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("UPDATE users SET disabled=1 WHERE name=?", (name,))
    connection.execute("DELETE FROM sessions WHERE user=?", (name,))


def enable(path: Path, name: str, *, by: str = "", ip: str = "") -> None:
    """Opens a disabled or long unused account again, with the password and second factor that it had; the days without
    use count anew. Raises Refused for one's own account."""
    with app_db.writing(path) as connection:
        others_only(name, by)
        present(connection, name)
        connection.execute("UPDATE users SET disabled=0, counted_from=? WHERE name=?", (time.time(), name))
        note(connection, "user_enabled", name, by, ip)


def unlock(path: Path, name: str, *, by: str = "", ip: str = "") -> None:
    """Ends the lock after wrong passwords and wrong codes. Raises Refused for one's own account."""
    with app_db.writing(path) as connection:
        others_only(name, by)
        present(connection, name)
        connection.execute("DELETE FROM attempts WHERE scope IN (?, ?)", (f"user:{name}", f"code:{name}"))
        note(connection, "user_unlocked", name, by, ip)


def note(connection: sqlite3.Connection, event: str, name: str, by: str, ip: str = "", detail: str = "") -> None:
    """The line in the log about what was done to an account, under the name of who did it."""
    audit.append(connection, event, who=by or audit.operator(), ip=ip, subject=name, detail=detail)


def lacking(found: Iterable[Account], now: float) -> list[str]:
    """The kinds of administrator of which nobody can sign in."""
    present = {one.role for one in found if one.state(now) not in ("disabled", "idle")}
    return [role for role in rights.ADMINISTRATORS if role not in present]


def _known_role(role: str) -> None:
    if role not in rights.PEOPLE:
        raise UsageError("没有这个角色", where=role[:40], to_do=f"可用角色：{'、'.join(rights.PEOPLE)}")


def _unlimited(role: str, limits: object) -> None:
    """Raises UsageError for an administrator with limits: who gives out rights and reads the log deals with all."""
    if role in rights.ADMINISTRATORS and limits:
        raise UsageError(f"{ROLES[role]}不设范围", to_do="管理账号看不限范围；请把范围改为全部，或改用业务角色")


def present(connection: sqlite3.Connection, name: str) -> sqlite3.Row:
    """The account's row. Raises UsageError when there is none."""
    row: sqlite3.Row | None = connection.execute("SELECT * FROM users WHERE name=?", (name,)).fetchone()
    if row is None:
        raise UsageError("没有这个账号", where=name[:40], to_do="请用 user list 查看")
    return row


def others_only(name: str, by: str) -> None:
    """Raises Refused when somebody would change their own account."""
    if name == by:
        raise Refused("不能办理自己的账号", where=name, to_do="请由另一名安全管理员办理")


def _one_remains(connection: sqlite3.Connection, name: str) -> None:
    """Raises Refused when nobody of the account's kind of administrator could sign in without it."""
    now = time.time()
    rows = [_account(row) for row in connection.execute(_COLUMNS)]
    mine = next(one for one in rows if one.name == name)
    able = [one for one in rows if one.role == mine.role and not one.disabled and not one.is_idle(now)]
    if mine.role in rights.ADMINISTRATORS and able == [mine]:
        raise Refused(
            f"这是最后一个可用的{ROLES[mine.role]}账号", where=name, to_do=f"请先另设一个{ROLES[mine.role]}账号"
        )


def check(path: Path, name: str, password: str, ip: str, now: float | None = None) -> Account | None:
    """The account when name and password fit and the account is not locked, else None. Raises TooSoon for an address
    that guesses and does not wait (throttle.py).

    Same work and same answer for an unknown name, a wrong password, a lock and an account that is disabled or was not
    used for too long (which is then disabled). Success clears the account's count."""
    moment = time.time() if now is None else now
    with app_db.writing(path) as connection:
        if not throttle.admits(connection, name[:64], ip, moment):
            raise TooSoon("从这个地址登录失败过多，暂时放慢", to_do=f"请等 {throttle.PACE_S:g} 秒再试")
        admitted = admit(connection, f"user:{name[:64]}", ACCOUNT_FAILS, moment)
        row = connection.execute(_COLUMNS + "WHERE u.name = ? AND u.disabled = 0", (name,)).fetchone()
    fits = passwords.fits(row["password_hash"] if row and admitted else passwords.DECOY, password)
    with app_db.writing(path) as connection:
        if not (fits and row and admitted):
            event = "login_failed" if admitted else "login_locked"
            audit.append(connection, event, who="", subject=name[:64], ip=ip, result=audit.REFUSED, now=moment)
            return None
        connection.execute("DELETE FROM attempts WHERE scope=?", (f"user:{name}",))
        throttle.learn(connection, name, ip, moment)
        return usable(connection, _account(row), ip, moment)


def usable(connection: sqlite3.Connection, found: Account, ip: str, now: float) -> Account | None:
    """The account where it may still sign in; one that was not used for too long is disabled here and now."""
    if found.disabled:
        return None
    if found.is_idle(now):
        _disable(connection, found.name)
        words = f"{IDLE_DAYS} 天未登录"
        audit.append(connection, "user_disabled", who=audit.SYSTEM, subject=found.name, ip=ip, detail=words, now=now)
        return None
    return found


def admit(connection: sqlite3.Connection, scope: str, limit: int, now: float) -> bool:
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
