"""state.sqlite: the one place where the cockpit writes. Owns the file, its schema and the transaction; no rules.

Times are UTC seconds since 1970 (REAL). Secrets (session ids, links, device tokens) are stored as SHA-256 only: they
are 256 random bits, so a slow hash would add nothing. Every commit is fsynced (synchronous=FULL).
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cockpit.store import witness
from warehouse.core import shared_state
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import Settings

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY, password_hash TEXT NOT NULL, role TEXT NOT NULL, display TEXT NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL, disabled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS password_link (
    token_hash TEXT PRIMARY KEY, user TEXT NOT NULL, expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS second_factor (
    user TEXT PRIMARY KEY, secret BLOB NOT NULL, step INTEGER NOT NULL, made_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS recovery_code (
    user TEXT NOT NULL, code_hash TEXT NOT NULL, used_at REAL, PRIMARY KEY (user, code_hash));
CREATE TABLE IF NOT EXISTS share (
    id INTEGER PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, href TEXT NOT NULL, label TEXT NOT NULL, made_by TEXT NOT NULL,
    made_at REAL NOT NULL, expires_at REAL NOT NULL, revoked_at REAL, opened INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS api_token (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE, created_at REAL NOT NULL,
    created_by TEXT NOT NULL, expires_at REAL NOT NULL, revoked_at REAL, seen_at REAL);
CREATE TABLE IF NOT EXISTS api_use (
    token INTEGER NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (token, minute));
CREATE TABLE IF NOT EXISTS sessions (
    id_hash TEXT PRIMARY KEY, user TEXT NOT NULL, role TEXT NOT NULL, display TEXT NOT NULL,
    created_at REAL NOT NULL, seen_at REAL NOT NULL, expires_at REAL NOT NULL, ip TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS links (
    token_hash TEXT PRIMARY KEY, role TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS devices (
    id INTEGER PRIMARY KEY, screen TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE, cookie_hash TEXT UNIQUE,
    network TEXT, created_at REAL NOT NULL, created_by TEXT NOT NULL, bound_at REAL, seen_at REAL, revoked_at REAL);
CREATE TABLE IF NOT EXISTS attempts (
    scope TEXT PRIMARY KEY, failed INTEGER NOT NULL, since REAL NOT NULL, locked_until REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS signed_in_from (
    user TEXT NOT NULL, ip TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (user, ip));
CREATE TABLE IF NOT EXISTS purposes (
    user TEXT NOT NULL, subject TEXT NOT NULL, purpose TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (user, subject));
CREATE TABLE IF NOT EXISTS looks (user TEXT NOT NULL, at REAL NOT NULL, persons INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS looks_of ON looks (user, at);
CREATE TABLE IF NOT EXISTS audit (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, ip TEXT NOT NULL, event TEXT NOT NULL,
    detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit_check (id INTEGER PRIMARY KEY, at REAL NOT NULL, count INTEGER NOT NULL, faults TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wall_group (screen TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wall_legibility (screen TEXT PRIMARY KEY, width_m REAL, seat_m REAL, choice TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wall_direction (
    target TEXT PRIMARY KEY, seq INTEGER NOT NULL, plan TEXT NOT NULL, course TEXT NOT NULL,
    who TEXT NOT NULL, verb TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS passport (
    id TEXT PRIMARY KEY, href TEXT NOT NULL, label TEXT NOT NULL, shown TEXT NOT NULL, generation TEXT NOT NULL, made_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    week TEXT NOT NULL, draft INTEGER NOT NULL, report TEXT NOT NULL, receiver TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    due_at REAL NOT NULL, at REAL NOT NULL, message TEXT NOT NULL, PRIMARY KEY (week, draft, receiver));
CREATE TABLE IF NOT EXISTS signing_step (
    seq INTEGER PRIMARY KEY, report TEXT NOT NULL, at REAL NOT NULL, who TEXT NOT NULL, step TEXT NOT NULL, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signing_number (
    period TEXT PRIMARY KEY, report TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, year INTEGER NOT NULL, number INTEGER NOT NULL,
    total INTEGER NOT NULL, signed_on TEXT NOT NULL, UNIQUE (kind, year, number), UNIQUE (kind, total));
CREATE TABLE IF NOT EXISTS supervision (
    id INTEGER PRIMARY KEY, what TEXT NOT NULL, office TEXT NOT NULL, due TEXT NOT NULL, subject TEXT NOT NULL, label TEXT NOT NULL,
    place TEXT NOT NULL, href TEXT NOT NULL, period TEXT NOT NULL, generation TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS supervision_step (
    seq INTEGER PRIMARY KEY, task INTEGER NOT NULL, at REAL NOT NULL, who TEXT NOT NULL, step TEXT NOT NULL, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS favourite (
    user TEXT NOT NULL, place TEXT NOT NULL, rank INTEGER NOT NULL, kept_at REAL NOT NULL, PRIMARY KEY (user, place));
CREATE TABLE IF NOT EXISTS note (
    id INTEGER PRIMARY KEY, metric TEXT NOT NULL, place TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, words TEXT NOT NULL,
    who TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS alert (
    id INTEGER PRIMARY KEY, rule TEXT NOT NULL, subject TEXT NOT NULL, label TEXT NOT NULL, grade TEXT NOT NULL, words TEXT NOT NULL,
    value REAL, href TEXT NOT NULL, since REAL NOT NULL, fired_at REAL, level INTEGER NOT NULL DEFAULT 0, called_at REAL,
    receivers TEXT NOT NULL DEFAULT '[]', taken_at REAL, taken_by TEXT NOT NULL DEFAULT '', ended_at REAL);
CREATE UNIQUE INDEX IF NOT EXISTS alert_standing ON alert (rule, subject) WHERE ended_at IS NULL;
CREATE TABLE IF NOT EXISTS alert_silence (
    id INTEGER PRIMARY KEY, rule TEXT NOT NULL, subject TEXT NOT NULL, until REAL NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS alert_letter (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, alerts TEXT NOT NULL, receiver TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL, at REAL NOT NULL, message TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS once (id TEXT PRIMARY KEY, at REAL NOT NULL, answer TEXT);
CREATE TABLE IF NOT EXISTS note_withdrawn (note INTEGER PRIMARY KEY, who TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS note_beside ON note (metric, place);
CREATE TRIGGER IF NOT EXISTS note_kept BEFORE UPDATE ON note BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS note_withdrawn_kept BEFORE UPDATE ON note_withdrawn BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS note_held BEFORE DELETE ON note BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS note_withdrawn_held BEFORE DELETE ON note_withdrawn BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS supervision_kept BEFORE UPDATE ON supervision BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS supervision_step_kept BEFORE UPDATE ON supervision_step BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS supervision_held BEFORE DELETE ON supervision BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS supervision_step_held BEFORE DELETE ON supervision_step BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS signing_step_kept BEFORE UPDATE ON signing_step BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS signing_step_held BEFORE DELETE ON signing_step BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS signing_number_kept BEFORE UPDATE ON signing_number BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS signing_number_held BEFORE DELETE ON signing_number BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS audit_held BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""

ADDED = {
    "supervision": {"person": ("TEXT NOT NULL DEFAULT ''", "")},
    "audit": {
        "subject": ("TEXT NOT NULL DEFAULT ''", ""),
        "purpose": ("TEXT NOT NULL DEFAULT ''", ""),
        "result": ("TEXT NOT NULL DEFAULT ''", ""),
        "keyed": ("INTEGER NOT NULL DEFAULT 0", ""),
    },
    "sessions": {"sign_on": ("TEXT NOT NULL DEFAULT ''", "")},
    "users": {
        "towns": ("TEXT NOT NULL DEFAULT ''", ""),
        "companies": ("TEXT NOT NULL DEFAULT ''", ""),
        "seen_at": (
            "REAL",
            "UPDATE users SET seen_at = (SELECT max(at) FROM audit WHERE event = 'login' AND who = name)",
        ),
        # days without use are counted from the last log-in that the log knows; where it knows none, from now
        "counted_from": ("REAL", "UPDATE users SET counted_from = coalesce(seen_at, unixepoch())"),
    },
}
"""Columns that an earlier release did not know, and what fills them once: table → column → (kind, statement)."""

DEEDS = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_ready: set[tuple[str, int]] = set()
_lock = threading.Lock()


def digest(token: str) -> str:
    """What is stored of a random token: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=shared_state.BUSY_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous=FULL")
    if (noted := witness.current()) is not None:
        connection.set_authorizer(lambda deed, table, *_: _noted(noted, deed, table))
    return connection


def _noted(noted: witness.Witness, deed: int, table: str | None) -> int:
    """Which tables a page in the making reads or writes."""
    if deed in DEEDS and table:
        noted.tables.add(table)
    return sqlite3.SQLITE_OK


def _prepare(path: Path) -> None:
    """Creates file (0600) and schema once a process and file; the inode tells a replaced file from the known one."""
    if path.exists() and (str(path), path.stat().st_ino) in _ready:
        return
    with _lock:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
        connection = _open(path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)
            _add_columns(connection)
        finally:
            connection.close()
        _ready.add((str(path), path.stat().st_ino))


def _add_columns(connection: sqlite3.Connection) -> None:
    """In one transaction: of several workers that start at once, the first adds and the others find them there."""
    connection.execute("BEGIN IMMEDIATE")
    for table, columns in ADDED.items():
        present = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        for name, (kind, fill) in columns.items():
            if name not in present:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
                if fill:
                    connection.execute(fill)
    connection.execute("COMMIT")


def upgrades(settings: Settings) -> list[str]:
    """What the next start will add to the state file, in Chinese; [] = nothing, or no file yet. Writes nothing: a file
    that nobody has open is read without so much as a journal beside it."""
    path = settings.state
    if not path.exists():
        return []
    mode = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as connection:
            there = _columns(connection)
    except sqlite3.Error as error:
        return [f"状态文件读不出来（{error}），请先核对"]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        fresh.row_factory = sqlite3.Row
        fresh.executescript(SCHEMA)
        _add_columns(fresh)
        wanted = _columns(fresh)
    tables = [name for name in wanted if name not in there]
    columns = [f"{name}.{column}" for name in wanted if name in there for column in wanted[name] - there[name]]
    return [
        f"状态文件 state.sqlite：{words}（{'、'.join(sorted(names))}）"
        for words, names in ((f"新增 {len(tables)} 张表", tables), (f"补 {len(columns)} 列", columns))
        if names
    ]


def _columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    rows = connection.execute(
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


@contextmanager
def said(path: Path) -> Iterator[None]:
    """Where an operator waits for a sentence: an error of SQLite inside becomes WarehouseBroken."""
    try:
        yield
    except sqlite3.Error as error:
        raise WarehouseBroken(
            f"状态文件用不了：{error}", where=str(path), to_do="请核对磁盘空间与该文件的权限；文件已损坏时由备份恢复"
        ) from error


def stand_open(path: Path) -> sqlite3.Connection:
    """A connection that does nothing, for a process that serves to have as long as it lives. SQLite takes the last one to
    close for the end of the work and brings the whole log into the file (five waits for the disk instead of one); while
    this one is there a write waits once, for its own row. Of a process of its own: it does not outlive a fork."""
    _prepare(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only who has read counts as being there
    return connection


def file_of(connection: sqlite3.Connection) -> Path:
    """The file behind a connection."""
    return Path(connection.execute("PRAGMA database_list").fetchone()["file"])


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for queries; closed afterwards. Raises sqlite3.Error when the file cannot be read."""
    _prepare(path)
    connection = _open(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside one BEGIN IMMEDIATE … COMMIT; any exception rolls back. Writers queue for up to shared_state.BUSY_S."""
    with reading(path) as connection, shared_state.transaction(connection):
        yield connection
