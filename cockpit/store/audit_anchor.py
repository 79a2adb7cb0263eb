"""Anchors of the audit log: how long it was and how it ended at a moment, signed, one line each, kept outside the
database: in a file among the reports, and in the system log where one is named.

A chain alone does not show that its end, or all of it, was cut off; an anchor does. The lines are chained too, so that
none can be taken out of the middle. Whoever can cut the file as well is seen in the copies that left the machine."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import hmac
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cockpit.store import app_db, audit
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

LINE = re.compile(
    r"zhengbei-audit (?P<number>\d+) (?P<at>\S+) count=(?P<count>\d+) head=(?P<head>[0-9a-f]{64}) mac=(?P<mac>[0-9a-f]{64})"
)
LATE_S = 26 * 3600
"""Anchors are made daily; rows this old without one are a fault."""
SYSLOG_PORT, AUTHPRIV_INFO = 514, 10 * 8 + 6


@dataclass(frozen=True)
class Check:
    """The last look at the whole log. at: UTC seconds; faults: Chinese, empty when all holds."""

    at: float
    count: int
    faults: tuple[str, ...]


def make(settings: Settings, now: float | None = None) -> tuple[str, list[str]]:
    """Adds an anchor for the log as it ends now; one that ends as at the last anchor needs none. Returns the newest line
    ("" before anything is logged) and what went wrong, in Chinese."""
    try:
        return _make(settings, now)
    except OSError as error:
        file = audit.anchors(settings.state)
        return "", [f"锚写不进 {file}（{error.strerror or error}）；请核对磁盘空间与该文件的属主"]


def _make(settings: Settings, now: float | None) -> tuple[str, list[str]]:
    with app_db.reading(settings.state) as connection:
        last = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    with _alone(settings) as file:
        lines = [line for line in file.read().splitlines() if line]
        newest = LINE.fullmatch(lines[-1]) if lines else None
        if newest and (last is None or int(newest["count"]) > last["seq"]):
            return lines[-1], [f"日志比最近的锚短（锚记到第 {newest['count']} 条），没有再下锚"]
        if last is None or (newest and newest["head"] == last["hash"]):
            return (lines[-1] if lines else ""), []
        moment = dt.datetime.fromtimestamp(time.time() if now is None else now, SHANGHAI).isoformat(timespec="seconds")
        text = f"zhengbei-audit {len(lines) + 1} {moment} count={last['seq']} head={last['hash']}"
        line = f"{text} mac={_mac(settings, text, newest['mac'] if newest else '')}"
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
    return line, _to_syslog(settings.options.syslog, line)


def check(settings: Settings, now: float | None = None) -> Check:
    """Reads the whole log against its anchors, keeps what came of it, and books a fault that is new."""
    moment = time.time() if now is None else now
    expected, faults = known(settings)
    chain = audit.verify(settings.state, expected)
    found = [*chain.faults, *faults, *_late(settings, expected, moment)]
    before = last_check(settings.state)
    made = Check(moment, chain.count, tuple(found))
    with app_db.writing(settings.state) as connection:
        connection.execute(
            "INSERT OR REPLACE INTO audit_check (id, at, count, faults) VALUES (1,?,?,?)",
            (made.at, made.count, json.dumps(made.faults, ensure_ascii=False)),
        )
        if found and (before is None or before.faults != made.faults):
            audit.append(
                connection,
                "audit_broken",
                who=audit.SYSTEM,
                result=audit.FAILED,
                detail="；".join(found)[:1000],
                now=now,
            )
    return made


def last_check(path: Path) -> Check | None:
    """What the last look found, None before the first."""
    with app_db.reading(path) as connection:
        row = connection.execute("SELECT at, count, faults FROM audit_check").fetchone()
    return Check(row["at"], row["count"], tuple(json.loads(row["faults"]))) if row else None


def known(settings: Settings) -> tuple[dict[int, str], list[str]]:
    """Row → the hash that an anchor gives it, and what is wrong with the anchors themselves."""
    file = audit.anchors(settings.state)
    if not file.exists():
        return {}, []
    found: dict[int, str] = {}
    before = ""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}, [f"锚文件读不出来（{file}）"]
    for number, line in enumerate(lines, 1):
        match = LINE.fullmatch(line)
        text = line.rpartition(" mac=")[0]
        if not match or int(match["number"]) != number or match["mac"] != _mac(settings, text, before):
            return found, [f"锚文件第 {number} 行被改动过，或它之前缺了行（{file}）"]
        found[int(match["count"])], before = match["head"], match["mac"]
    return found, []


def agrees(settings: Settings, line: str) -> list[str]:
    """Holds an anchor that comes from elsewhere (mail, system log) against the log; what does not fit, in Chinese.
    Raises UsageError when it is no anchor."""
    match = LINE.search(line)
    if not match:
        raise UsageError("这不是一条锚", where=line[:60], to_do="请粘贴以 zhengbei-audit 开头的整行")
    chain = audit.verify(settings.state, {int(match["count"]): match["head"]})
    return list(chain.faults)


def _late(settings: Settings, expected: dict[int, str], now: float) -> list[str]:
    """Rows that should have an anchor and have none."""
    with app_db.reading(settings.state) as connection:
        row = connection.execute(
            "SELECT min(seq) AS seq FROM audit WHERE seq > ? AND at < ? AND keyed",
            (max(expected, default=0), now - LATE_S),
        ).fetchone()
    if row["seq"] is None:
        return []
    return [f"第 {row['seq']} 条起一天多没有锚：锚文件不见了，或每日核对没有运行"]


def _mac(settings: Settings, text: str, before: str) -> str:
    secret = audit.key(settings.state)
    return hmac.new(secret, f"anchor:{before}:{text}".encode(), hashlib.sha256).hexdigest()


def _to_syslog(target: str, line: str) -> list[str]:
    """Hands the line to the system log: a socket such as /dev/log, or host:port by UDP; "" = nowhere."""
    if not target:
        return []
    host, _, port = target.partition(":")
    is_file = target.startswith("/")
    try:
        with socket.socket(socket.AF_UNIX if is_file else socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(f"<{AUTHPRIV_INFO}>{line}".encode(), target if is_file else (host, int(port or SYSLOG_PORT)))
    except OSError as error:
        return [f"锚没有送到系统日志（{target}）：{error.strerror or error}；请检查 zhengbei.toml 的 syslog"]
    return []


@contextmanager
def _alone(settings: Settings) -> Iterator[IO[str]]:
    """The file, to be read and appended to, by one process at a time."""
    path = audit.anchors(settings.state)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
