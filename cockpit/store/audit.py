"""The audit log: who did what to whom, for what purpose and with what result, each row chained to the one before.

Only appends; rows are never deleted (they are needed for three years at least). The chain is made with a key of its own,
so whoever can write the file but does not hold the key cannot write a chain that fits. What a chain alone cannot show,
an end cut off or all rows gone, audit_anchor shows. Rows of releases before the key have a plain SHA-256; the first row
with the key follows upon the last of them and so holds them as they were."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from cockpit.store import app_db
from warehouse.core import keys
from warehouse.core.settings import Settings

GENESIS = "0" * 64
TAKEN_OVER = "audit_keyed"
SYSTEM = "system"
"""Who acts where no person does: the loader, the scheduler."""
DONE, REFUSED, FAILED = "done", "refused", "failed"
MOST_FAULTS = 20
ANCHORS = "audit-anchors.log"
PLAIN = ("seq", "at", "who", "ip", "event", "detail")
WHOLE = ("seq", "at", "who", "ip", "event", "subject", "purpose", "result", "detail")
COLUMNS = ", ".join((*WHOLE, "previous", "hash", "keyed"))


@dataclass(frozen=True)
class Chain:
    """What was found: rows, the newest hash, where the rows with a key begin (None: nowhere), and what does not fit, in
    Chinese; no fault means that the chain holds."""

    count: int
    head: str
    keyed_from: int | None
    faults: tuple[str, ...]


def operator() -> str:
    """The one at the command line, as the operating system knows him: "os:root"."""
    try:
        return f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"os:{os.getuid()}"


def append(
    connection: sqlite3.Connection,
    event: str,
    *,
    who: str,
    ip: str = "",
    subject: str = "",
    purpose: str = "",
    result: str = DONE,
    detail: str = "",
    now: float | None = None,
) -> None:
    """Adds a row inside the caller's write transaction, so that the act and its record stand or fall together.

    who: the account that acts, "screen:<id>", operator() or SYSTEM; "" only where nobody is known. subject: whom or what
    it is done to. purpose: what single persons are looked at for. result: DONE, REFUSED or FAILED. Raises Refused when
    the key is weak or open to others."""
    file = app_db.file_of(connection)
    last = connection.execute("SELECT seq, hash, keyed FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    if last and not last["keyed"] and not anchors(file).exists():
        _add(connection, last, file, now, (SYSTEM, "", TAKEN_OVER, f"1–{last['seq']}", "", DONE, last["hash"]))
        last = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    _add(connection, last, file, now, (who, ip, event, subject, purpose, result, detail))


def _add(
    connection: sqlite3.Connection, last: sqlite3.Row | None, file: Path, now: float | None, said: tuple[str, ...]
) -> None:
    seq, previous = (last["seq"] + 1, last["hash"]) if last else (1, GENESIS)
    row = (seq, time.time() if now is None else now, *said)
    marks = ",".join("?" * (len(WHOLE) + 3))
    connection.execute(
        f"INSERT INTO audit ({COLUMNS}) VALUES ({marks})", (*row, previous, _keyed(key(file), previous, row), 1)
    )


def record(
    path: Path,
    event: str,
    *,
    who: str,
    ip: str = "",
    subject: str = "",
    purpose: str = "",
    result: str = DONE,
    detail: str = "",
) -> None:
    """Adds a row in a transaction of its own; words as for append(). Raises sqlite3.Error when it cannot be kept: callers
    that are about to show personal data must then refuse (fail closed)."""
    with app_db.writing(path) as connection:
        append(connection, event, who=who, ip=ip, subject=subject, purpose=purpose, result=result, detail=detail)


def denied(path: Path, who: str, ip: str, what: str) -> None:
    """Somebody asked for what his role may not see or do."""
    record(path, "denied", who=who, ip=ip, subject=what[:200], result=REFUSED)


def take_over(path: Path) -> None:
    """Puts the rows of earlier releases under the key, once."""
    with app_db.writing(path) as connection:
        last = connection.execute("SELECT seq, hash, keyed FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        if last and not last["keyed"]:
            append(connection, "audit_begun", who=SYSTEM)


def key(path: Path) -> bytes:
    """The secret of the log beside that state file; of no other use."""
    return keys.secret(Settings(path.parent).keys, "audit")


def anchors(path: Path) -> Path:
    """Where the anchors of the log in that state file lie."""
    return Settings(path.parent).reports / ANCHORS


def verify(path: Path, expected: dict[int, str] | None = None) -> Chain:
    """Reads the whole chain. expected: hashes that rows are known to have had, by number."""
    secret, faults, wanted = key(path), [], dict(expected or {})
    previous, count, keyed_from = GENESIS, 0, None
    with app_db.reading(path) as connection:
        for row in connection.execute(f"SELECT {COLUMNS} FROM audit ORDER BY seq"):
            seq = row["seq"]
            if seq != count + 1:
                faults.append(_missing(count + 1, seq - 1) if seq > count + 1 else f"第 {seq} 条的序号不对")
            if row["keyed"]:
                fits = row["hash"] == _keyed(secret, row["previous"], tuple(row[name] for name in WHOLE))
                if keyed_from is None:
                    keyed_from = seq
                    if count and row["event"] != TAKEN_OVER:
                        faults.append(f"第 1 至 {count} 条没有密钥，也没有接管记录：有人重写过日志")
            else:
                fits = row["hash"] == _plain(row["previous"], tuple(row[name] for name in PLAIN))
                if keyed_from is not None:
                    faults.append(f"第 {seq} 条没有密钥：不是本系统写的")
            if not fits:
                faults.append(f"第 {seq} 条被改动过")
            elif row["previous"] != previous:
                faults.append(f"第 {seq} 条与前一条接不上：有记录被删除、插入或调换")
            if wanted.pop(seq, row["hash"]) != row["hash"]:
                faults.append(f"第 {seq} 条与锚不符：日志被重写过")
            previous, count = row["hash"], seq
    if wanted:
        most = max(wanted)
        faults.append(
            f"日志末尾不见了：锚记到第 {most} 条，现在只到第 {count} 条"
            if most > count and count
            else f"日志全部不见了：锚记到第 {most} 条"
            if most > count
            else f"锚所记的第 {most} 条不见了"
        )
    if count and keyed_from is None:
        faults.append("日志还没有由密钥接管，重新启动网页服务后再核对")
    return Chain(count, previous, keyed_from, tuple(dict.fromkeys(faults))[:MOST_FAULTS])


def _missing(first: int, last: int) -> str:
    return f"第 {first} 条不见了" if first == last else f"第 {first} 至 {last} 条不见了"


def _plain(previous: str, row: tuple[object, ...]) -> str:
    return hashlib.sha256(f"{previous}{json.dumps(row, ensure_ascii=False)}".encode()).hexdigest()


def _keyed(secret: bytes, previous: str, row: tuple[object, ...]) -> str:
    text = json.dumps((previous, *row), ensure_ascii=False)
    return hmac.new(secret, b"audit:" + text.encode(), hashlib.sha256).hexdigest()
