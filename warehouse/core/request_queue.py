"""What people ask of the loading process, what its runs came to, and which tables it lets people file: three tables in
state.sqlite, where both outer packages meet.

Owns the life of a request: waiting → running → done or failed. One process takes requests (it holds the lock of the
data folder), so what is still running when it starts was cut off: it waits again, and what must not happen twice asks
`attempts` or its own traces first."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from warehouse.core import shared_state
from warehouse.core.errors import PageMissing
from warehouse.core.redaction import blot
from warehouse.core.units import SHANGHAI

STATES = {"waiting": "等待", "running": "执行中", "done": "完成", "failed": "失败"}
KINDS = {
    "run": "运行任务",
    "backfill": "补数重算",
    "correct": "更正并重放",
    "replay": "重放",
    "fix": "更正文件装回",
    "try": "试连来源",
    "acknowledge": "知道了",
    "file": "名录填报",
    "report": "打印报告",
    "send": "发送报告",
}
JOBS = {
    "live": "实时定位",
    "refresh": "刷新",
    "nightly": "夜间整理",
    "backup": "备份与恢复演练",
    "report": "周报",
    "report_longer": "月报与季报",
    "overdue": "报告补印",
    "send": "报告发送",
    "alerts": "告警巡视的后备",
    "audit": "审计日志核对",
}
"""What runs by plan, and how it is called."""
RUN_STATES = {"ok": "正常", "partial": "有问题", "failed": "失败", "missed": "错过"}
MOST_ATTEMPTS = 3
MOST_RUNS, MOST_REQUESTS, MOST_PROBLEMS = 5000, 2000, 50

TABLES = (
    """CREATE TABLE IF NOT EXISTS request (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, asked TEXT NOT NULL, body BLOB, who TEXT NOT NULL, at REAL NOT NULL,
        state TEXT NOT NULL, started_at REAL, finished_at REAL, attempts INTEGER NOT NULL DEFAULT 0, progress TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
        result BLOB, code INTEGER NOT NULL DEFAULT 0, problems TEXT NOT NULL DEFAULT '[]')""",
    """CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, job TEXT NOT NULL, started_at REAL NOT NULL, finished_at REAL, status TEXT NOT NULL,
        rows INTEGER, message TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS fileable (name TEXT PRIMARY KEY, told TEXT NOT NULL)",
)


ADDED = {"result": "BLOB", "code": "INTEGER NOT NULL DEFAULT 0", "problems": "TEXT NOT NULL DEFAULT '[]'"}
"""Columns of a request that files of earlier releases lack."""
COLUMNS = {"details": "asked"}
"""Field of a request → its column, where files of earlier releases hold it under another name."""


@dataclass(frozen=True)
class Request:
    """One wish. details: what exactly, by kind; body: an uploaded table, None for most; at, started_at, finished_at:
    aware, Asia/Shanghai; attempts: how often it was taken; message: what came of it, in Chinese."""

    id: int
    kind: str
    details: dict[str, Any]
    body: bytes | None
    who: str
    at: dt.datetime
    state: str
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    attempts: int
    progress: str
    message: str
    result: bytes | None = None
    """What was found or kept on the way, None for most."""
    code: int = 0
    """The exit code of a command that asked for it."""
    problems: list[str] = field(default_factory=list)
    """What is not right although it was done, in Chinese."""


@dataclass(frozen=True)
class Run:
    """One run of a job. finished_at None: it never started (missed). status: ok, partial, failed or missed. rows:
    landed meanwhile."""

    job: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    status: str
    rows: int | None
    message: str


def add(
    connection: sqlite3.Connection,
    kind: str,
    details: dict[str, Any],
    who: str,
    *,
    body: bytes | None = None,
    at: float,
) -> int:
    """A new request inside the caller's transaction; returns its number. at: UTC seconds. Raises KeyError for an
    unknown kind."""
    KINDS[kind]
    _prepare(connection)
    made = connection.execute(
        "INSERT INTO request (kind, asked, body, who, at, state) VALUES (?,?,?,?,?,'waiting')",
        (kind, json.dumps(details, ensure_ascii=False), body, who, at),
    )
    connection.execute(
        "DELETE FROM request WHERE state IN ('done', 'failed') AND kind <> 'file' AND id <= ?",
        (int(made.lastrowid or 0) - MOST_REQUESTS,),
    )
    return int(made.lastrowid or 0)


def ask(path: Path, kind: str, details: dict[str, Any], who: str, at: float, *, body: bytes | None = None) -> int:
    """The same in a transaction of its own, for whoever has no other business in the file."""
    with _writing(path) as connection:
        return add(connection, kind, details, who, body=body, at=at)


def newest(path: Path, limit: int = 30, *kinds: str) -> list[Request]:
    """The newest requests, newest first; none before anything was asked. kinds: only these."""
    with _open(path) as connection:
        marks = f"WHERE kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        return [
            _read(row)
            for row in connection.execute(f"SELECT * FROM request {marks} ORDER BY id DESC LIMIT ?", (*kinds, limit))
        ]


def filings(path: Path, table: str = "", limit: int = 200) -> list[Request]:
    """What was asked of 名录填报, newest first, without the bytes of the lists. table: only this one."""
    stated = ", ".join(
        f"NULL AS {name}" if name in ("body", "result") else COLUMNS.get(name, name)
        for name in (field.name for field in fields(Request))
    )
    with _open(path) as connection:
        only = "AND json_extract(asked, '$.table') = ?" if table else ""
        return [
            _read(row)
            for row in connection.execute(
                f"SELECT {stated} FROM request WHERE kind = 'file' {only} ORDER BY id DESC LIMIT ?",
                (*([table] if table else []), limit),
            )
        ]


def one(path: Path, number: int) -> Request:
    """Raises PageMissing when there is none of that number."""
    with _open(path) as connection:
        row = connection.execute("SELECT * FROM request WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise PageMissing()
    return _read(row)


def take_up(path: Path) -> None:
    """For the process that has just got the lock: what was being done when the one before it ended waits again, up to
    MOST_ATTEMPTS times."""
    with _writing(path) as connection:
        connection.execute(
            "UPDATE request SET state = 'failed', message = ?, finished_at = started_at WHERE state = 'running' AND attempts >= ?",
            (f"执行中装载进程三次中断，未再继续；请查看日志后重新提交（已试 {MOST_ATTEMPTS} 次）", MOST_ATTEMPTS),
        )
        connection.execute(
            "UPDATE request SET state = 'waiting', progress = '装载进程曾中断，将继续' WHERE state = 'running'"
        )


def claim(path: Path, at: float) -> Request | None:
    """The oldest waiting request, now running; None when nothing waits. at: UTC seconds."""
    if not path.exists():
        return None
    with _writing(path) as connection:
        row = connection.execute("SELECT id FROM request WHERE state = 'waiting' ORDER BY id LIMIT 1").fetchone()
        if row is None:
            return None
        connection.execute(
            "UPDATE request SET state = 'running', started_at = ?, attempts = attempts + 1, progress = '' WHERE id = ?",
            (at, row["id"]),
        )
        return _read(connection.execute("SELECT * FROM request WHERE id = ?", (row["id"],)).fetchone())


def tell(path: Path, number: int, progress: str) -> None:
    """How far a running request is."""
    with _writing(path) as connection:
        connection.execute(
            "UPDATE request SET progress = ? WHERE id = ? AND state = 'running'", (progress[:120], number)
        )


def keep(path: Path, number: int, result: bytes | None, *, body: bool = True) -> None:
    """Writes down what a request found or must remember. body False: the uploaded bytes are no longer needed and go."""
    with _writing(path) as connection:
        connection.execute(
            f"UPDATE request SET result = ? {'' if body else ', body = NULL'} WHERE id = ?", (result, number)
        )


def offer(path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """The tables that people may file now, name → what they must know to do it; those offered before are forgotten."""
    with _writing(path) as connection:
        connection.execute("DELETE FROM fileable")
        connection.executemany(
            "INSERT INTO fileable VALUES (?,?)",
            [(name, json.dumps(stated, ensure_ascii=False)) for name, stated in tables.items()],
        )


def offered(path: Path) -> dict[str, dict[str, Any]]:
    """What offer() was given last, in its order; nothing before the loader ran."""
    with _open(path) as connection:
        return {
            row["name"]: json.loads(row["told"])
            for row in connection.execute("SELECT name, told FROM fileable ORDER BY rowid")
        }


def forget_uploads(path: Path, before: float) -> None:
    """Uploaded bytes that nobody went on with go; what was found in them stays. before: UTC seconds."""
    with _writing(path) as connection:
        connection.execute(
            "UPDATE request SET body = NULL WHERE kind = 'file' AND body IS NOT NULL AND at < ? AND state IN ('done', 'failed')",
            (before,),
        )


def finish(
    path: Path,
    number: int,
    message: str,
    at: float,
    *,
    failed: bool = False,
    code: int = 0,
    problems: Sequence[str] = (),
) -> None:
    """What came of a running request; one that is not running stays as it is. Uploaded bytes are kept for a filing
    only."""
    stated = json.dumps([blot(one)[:500] for one in problems[:MOST_PROBLEMS]], ensure_ascii=False)
    with _writing(path) as connection:
        connection.execute(
            "UPDATE request SET state = ?, finished_at = ?, message = ?, code = ?, problems = ?, progress = '', "
            "body = CASE kind WHEN 'file' THEN body END WHERE id = ? AND state = 'running'",
            ("failed" if failed else "done", at, blot(message)[:1000], code, stated, number),
        )


def book(
    path: Path, job: str, started_at: float, finished_at: float | None, status: str, rows: int | None, message: str
) -> None:
    """Writes down a run of a job. Times in UTC seconds."""
    with _writing(path) as connection:
        made = connection.execute(
            "INSERT INTO run (job, started_at, finished_at, status, rows, message) VALUES (?,?,?,?,?,?)",
            (job, started_at, finished_at, status, rows, blot(message)[:1000]),
        )
        connection.execute("DELETE FROM run WHERE id <= ?", (int(made.lastrowid or 0) - MOST_RUNS,))


def runs(path: Path, limit: int = 40, *, without: str = "") -> list[Run]:
    """The newest runs, newest first. without: a job whose good runs are left out (it runs every half minute)."""
    with _open(path) as connection:
        rows = connection.execute(
            "SELECT * FROM run WHERE job <> ? OR status <> 'ok' ORDER BY id DESC LIMIT ?", (without, limit)
        ).fetchall()
    return [_run(row) for row in rows]


def newest_runs(path: Path) -> list[Run]:
    """The newest run of every job, in the order of JOBS; nothing of a job that never ran."""
    with _open(path) as connection:
        rows = connection.execute("SELECT * FROM run WHERE id IN (SELECT max(id) FROM run GROUP BY job)").fetchall()
    order = list(JOBS)
    return sorted((_run(row) for row in rows if row["job"] in JOBS), key=lambda run: order.index(run.job))


def last_finished(path: Path, job: str) -> float | None:
    """When a job last ran to its end, whatever came of it, UTC seconds; None when it never did."""
    with _open(path) as connection:
        row = connection.execute("SELECT max(finished_at) AS at FROM run WHERE job = ?", (job,)).fetchone()
    return None if row["at"] is None else float(row["at"])


def _run(row: sqlite3.Row) -> Run:
    ended = _moment(row["finished_at"]) if row["finished_at"] else None
    return Run(row["job"], _moment(row["started_at"]), ended, row["status"], row["rows"], row["message"])


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, SHANGHAI)


def _read(row: sqlite3.Row) -> Request:
    times = {name: _moment(row[name]) if row[name] is not None else None for name in ("started_at", "finished_at")}
    return Request(
        row["id"],
        row["kind"],
        json.loads(row[COLUMNS["details"]]),
        row["body"],
        row["who"],
        _moment(row["at"]),
        row["state"],
        times["started_at"],
        times["finished_at"],
        row["attempts"],
        row["progress"],
        row["message"],
        row["result"],
        row["code"],
        json.loads(row["problems"]),
    )


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    with shared_state.opened(path) as connection:
        _prepare(connection)
        yield connection


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with _open(path) as connection, shared_state.transaction(connection):
        yield connection


def _prepare(connection: sqlite3.Connection) -> None:
    for table in TABLES:
        connection.execute(table)
    present = {row[1] for row in connection.execute("PRAGMA table_info(request)")}
    for name, kind in ADDED.items():  # a file of the release before
        if name not in present:
            connection.execute(f"ALTER TABLE request ADD COLUMN {name} {kind}")
