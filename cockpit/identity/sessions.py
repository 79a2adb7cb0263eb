"""Who is at the other end: server-side sessions of people, one-time links, tokens of wall devices. No HTTP.

A session ends after `idle_s` without a request, at `absolute_s` at the latest, at logout, and when the account's
password or role changes. Nothing but a random identifier ever leaves the server.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cockpit.identity.accounts import Account
from cockpit.store import app_db, audit
from warehouse.core.errors import UsageError
from warehouse.core.settings import Options
from warehouse.query.scope import Scope

IDLE_S = Options().idle_minutes * 60
ABSOLUTE_S = Options().session_hours * 3600
LINK_S = 10 * 60
DEMO_USER = "demo"
"""Whom a one-time link signs in."""
SCREEN = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
TOUCH_S = 30
"""A session's last-seen time is written at most this often: every write is an fsync."""


@dataclass(frozen=True)
class Viewer:
    """Who is behind a request. user: account name, "screen:<id>", "token:<id>" or "share:<id>"; screen: the wall's name for a device,
    "" for a person; display: what the bar shows; scope: whose numbers they see."""

    kind: Literal["person", "device", "token", "share"]
    user: str
    role: str
    screen: str = ""
    display: str = ""
    scope: Scope = field(kw_only=True)


def start(
    path: Path,
    account: Account,
    ip: str,
    *,
    absolute_s: float = ABSOLUTE_S,
    replaces: str = "",
    marks: Sequence[str] = (),
) -> str:
    """Opens a session and returns its identifier for the cookie; the one it `replaces` ends in the same transaction.
    marks: by which end_marked() finds it, where a single sign-on opened it."""
    identifier, now = secrets.token_urlsafe(32), time.time()
    with app_db.writing(path) as connection:
        connection.execute("DELETE FROM sessions WHERE id_hash=? OR expires_at<?", (app_db.digest(replaces), now))
        connection.execute(
            "INSERT INTO sessions (id_hash, user, role, display, created_at, seen_at, expires_at, ip, sign_on) "
            "VALUES (?,?,?,?,?,?,?,?,?)",
            (
                app_db.digest(identifier),
                account.name,
                account.role,
                account.display,
                now,
                now,
                now + absolute_s,
                ip,
                " ".join(marks),
            ),
        )
        connection.execute("UPDATE users SET seen_at=? WHERE name=?", (now, account.name))
        audit.append(connection, "login", who=account.name, ip=ip, detail=account.role)
    return identifier


def find(
    path: Path, identifier: str, *, idle_s: float = IDLE_S, touch: bool = True, now: float | None = None
) -> Viewer | None:
    """The person behind a session identifier, None when it is unknown, idle or over. `touch` False: a request that a
    page makes by itself (the heartbeat) must not keep an abandoned session alive."""
    moment = time.time() if now is None else now
    with app_db.reading(path) as connection:
        row = connection.execute(
            "SELECT s.*, u.towns, u.companies FROM sessions s LEFT JOIN users u ON u.name = s.user WHERE s.id_hash=?",
            (app_db.digest(identifier),),
        ).fetchone()
        if row is None or (row["towns"] is None and row["user"] != DEMO_USER):
            return None  # of a session without an account nobody knows what it may see
        if moment >= row["expires_at"] or moment - row["seen_at"] >= idle_s:
            return None
        if touch and moment - row["seen_at"] > TOUCH_S:
            connection.execute("UPDATE sessions SET seen_at=? WHERE id_hash=?", (moment, row["id_hash"]))
    scope = Scope(*(tuple((row[name] or "").split()) for name in ("towns", "companies")))
    return Viewer("person", row["user"], row["role"], "", row["display"], scope=scope)


def end(path: Path, identifier: str, ip: str = "") -> bool:
    """Revokes a session at once; an unknown one is no error. True when a single sign-on had opened it."""
    with app_db.writing(path) as connection:
        row = connection.execute(
            "SELECT user, sign_on FROM sessions WHERE id_hash=?", (app_db.digest(identifier),)
        ).fetchone()
        if row:
            connection.execute("DELETE FROM sessions WHERE id_hash=?", (app_db.digest(identifier),))
            audit.append(connection, "logout", who=row["user"], ip=ip)
    return bool(row and row["sign_on"])


def end_marked(path: Path, mark: str, ip: str = "") -> int:
    """Revokes the sessions that a single sign-on opened under a mark; returns how many."""
    with app_db.writing(path) as connection:
        rows = connection.execute("SELECT id_hash, user FROM sessions WHERE instr(sign_on, ?) > 0", (mark,)).fetchall()
        for row in rows:
            connection.execute("DELETE FROM sessions WHERE id_hash=?", (row["id_hash"],))
            audit.append(connection, "logout", who=row["user"], ip=ip, detail="统一认证已退出")
    return len(rows)


def create_one_time_link(path: Path, *, role: str = "leader", valid_s: float = LINK_S, by: str = "") -> str:
    """A token that opens one session, once, within ten minutes at most; the server accepts it from loopback only. by:
    who makes it, "" = whoever is at the command line."""
    token, now = secrets.token_urlsafe(32), time.time()
    with app_db.writing(path) as connection:
        connection.execute("DELETE FROM links WHERE expires_at<?", (now,))
        connection.execute(
            "INSERT INTO links VALUES (?,?,?,?,NULL)", (app_db.digest(token), role, now, now + min(valid_s, LINK_S))
        )
        audit.append(connection, "link_created", who=by or audit.operator(), subject=DEMO_USER, detail=role)
    return token


def spend_link(path: Path, token: str, ip: str) -> Account | None:
    """The demonstration account behind a link, None when it is spent, expired, unknown or not asked from loopback."""
    now = time.time()
    if not _loopback(ip):
        return None
    with app_db.writing(path) as connection:
        spent = connection.execute(
            "UPDATE links SET used_at=? WHERE token_hash=? AND used_at IS NULL AND expires_at>? RETURNING role",
            (now, app_db.digest(token), now),
        ).fetchone()
        if spent:
            audit.append(connection, "link_used", who=DEMO_USER, ip=ip, detail=spent["role"])
        else:
            audit.append(connection, "link_refused", who="", ip=ip, result=audit.REFUSED)
    return Account(DEMO_USER, spent["role"], "演示") if spent else None


def _loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def _network(ip: str) -> str:
    """The subnet a device is bound to: /24 for IPv4, /64 for IPv6."""
    address = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network(f"{ip}/{24 if address.version == 4 else 64}", strict=False))


def create_device(path: Path, screen: str, by: str = "", network: str = "") -> str:
    """Registers a wall device and returns its token, shown this once. network: address or CIDR block from which alone
    it may come, "" = the subnet of its first call. Raises UsageError for an odd screen name or network."""
    if not SCREEN.fullmatch(screen):
        raise UsageError("屏幕名须为 1–32 位小写字母、数字或 -", where=screen[:40])
    bound, token = _block(network), secrets.token_urlsafe(32)
    with app_db.writing(path) as connection:
        connection.execute(
            "INSERT INTO devices (screen, token_hash, network, created_at, created_by) VALUES (?,?,?,?,?)",
            (screen, app_db.digest(token), bound, time.time(), by),
        )
        audit.append(connection, "device_added", who=by or audit.operator(), subject=screen, detail=bound or "")
    return token


def move_device(path: Path, device: int, network: str, by: str = "") -> bool:
    """Binds a device to another address or CIDR block; "" = to the subnet of its next call with the token. False when
    there is no such device. Raises UsageError for an odd network."""
    bound = _block(network)
    with app_db.writing(path) as connection:
        done = connection.execute("UPDATE devices SET network=? WHERE id=? AND revoked_at IS NULL", (bound, device))
        who, result = by or audit.operator(), _result(done)
        audit.append(connection, "device_moved", who=who, subject=f"大屏 {device}", result=result, detail=bound or "")
    return done.rowcount == 1


def _block(network: str) -> str | None:
    if not network.strip():
        return None
    try:
        return str(ipaddress.ip_network(network.strip(), strict=False))
    except ValueError as error:
        raise UsageError(
            "不是网络地址",
            where=network[:40],
            to_do="请写成 10.20.30.40 或 10.20.30.0/24；留空则以首次登录时所在网段为准",
        ) from error


def _within(ip: str, network: str | None) -> bool:
    """Whether an address lies in a block; of two families never. None = no block yet."""
    return network is not None and ipaddress.ip_address(ip) in ipaddress.ip_network(network)


def bind_device(path: Path, token: str, screen: str, ip: str) -> str | None:
    """Exchanges a device token for a cookie identifier, None when it is revoked, of another screen or another network.

    A kiosk with a fresh profile may exchange again; the cookie issued before dies at that moment."""
    identifier, now = secrets.token_urlsafe(32), time.time()
    with app_db.writing(path) as connection:
        row = connection.execute(
            "SELECT id, network FROM devices WHERE token_hash=? AND screen=? AND revoked_at IS NULL",
            (app_db.digest(token), screen),
        ).fetchone()
        if row is None or (row["network"] is not None and not _within(ip, row["network"])):
            audit.append(connection, "device_refused", who="", ip=ip, subject=screen, result=audit.REFUSED)
            return None
        connection.execute(
            "UPDATE devices SET cookie_hash=?, network=?, bound_at=?, seen_at=? WHERE id=?",
            (app_db.digest(identifier), row["network"] or _network(ip), now, now, row["id"]),
        )
        audit.append(connection, "device_bound", who=f"screen:{row['id']}", ip=ip, subject=screen)
    return identifier


def find_device(path: Path, identifier: str, ip: str) -> Viewer | None:
    """The wall device behind a cookie, None when it is revoked or asks from another network."""
    with app_db.reading(path) as connection:
        row = connection.execute(
            "SELECT id, screen, network, seen_at FROM devices WHERE cookie_hash=? AND revoked_at IS NULL",
            (app_db.digest(identifier),),
        ).fetchone()
        if row is None or not _within(ip, row["network"]):
            return None
        if time.time() - row["seen_at"] > TOUCH_S:
            connection.execute("UPDATE devices SET seen_at=? WHERE id=?", (time.time(), row["id"]))
    # a screen hangs where it shows the district to everybody; it has no scope of its own
    return Viewer("device", f"screen:{row['id']}", "screen", row["screen"], row["screen"], scope=Scope.ALL)


def revoke_device(path: Path, device: int, by: str = "") -> bool:
    """Withdraws a device; its next request is refused. False when there is no such device."""
    with app_db.writing(path) as connection:
        done = connection.execute(
            "UPDATE devices SET revoked_at=?, cookie_hash=NULL WHERE id=? AND revoked_at IS NULL", (time.time(), device)
        )
        who, result = by or audit.operator(), _result(done)
        audit.append(connection, "device_revoked", who=who, subject=f"大屏 {device}", result=result)
    return done.rowcount == 1


def _result(done: sqlite3.Cursor) -> str:
    return audit.DONE if done.rowcount == 1 else audit.FAILED


def devices(path: Path) -> list[dict[str, Any]]:
    """All wall devices, newest first: id, screen, created_at, created_by, bound_at, seen_at, revoked_at, network."""
    columns = "id, screen, created_at, created_by, bound_at, seen_at, revoked_at, network"
    with app_db.reading(path) as connection:
        return [dict(r) for r in connection.execute(f"SELECT {columns} FROM devices ORDER BY id DESC")]
