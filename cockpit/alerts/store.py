"""Alerts in state.sqlite: which stand, which were, who took them, and what is silenced. Owns the life of an alert: pending
while its condition has not lasted long enough, standing once it has fired, over when its value is back.

Times are UTC seconds. What fired is never deleted: the table is the history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cockpit.alerts.probes import Sign
from cockpit.alerts.rules import GRADES, Rule
from cockpit.store import app_db, audit
from warehouse.core.errors import PageMissing, UsageError
from warehouse.core.redaction import blot, in_line

LONGEST = 200
MOST_SILENT_S = 7 * 86400


@dataclass(frozen=True)
class Alert:
    """One alert. since: when its condition began; fired_at: None while it is pending; level: whose turn it is; receivers:
    who has been written to; taken_at: None until somebody has acknowledged it; ended_at: None while it stands."""

    id: int
    rule: str
    subject: str
    label: str
    grade: str
    words: str
    value: float | None
    href: str
    since: float
    fired_at: float | None
    level: int
    called_at: float | None
    receivers: tuple[str, ...]
    taken_at: float | None
    taken_by: str
    ended_at: float | None


@dataclass(frozen=True)
class Silence:
    """No letters about a rule (subject "" = about any subject of it) until a moment, and why."""

    id: int
    rule: str
    subject: str
    until: float
    who: str
    why: str


@dataclass(frozen=True)
class Changes:
    """What a round came to: alerts that have fired and alerts that are over."""

    fired: tuple[Alert, ...]
    ended: tuple[Alert, ...]


def apply(connection: sqlite3.Connection, rule: Rule, signs: Sequence[Sign], now: float) -> Changes:
    """Enters the measurements of one rule. A subject without a value changes nothing; a subject that is gone, and a
    value that is back, end what had fired."""
    before = {one.subject: one for one in _where(connection, "rule = ? AND ended_at IS NULL", rule.id)}
    fired, ended = [], []
    for sign in signs:
        row = before.pop(sign.subject, None)
        if sign.value is None:
            continue
        if row is None or row.fired_at is None:
            if rule.is_beyond(sign.value):
                number = _pending(connection, rule, sign, row, now)
                if now - (row.since if row else now) >= rule.for_s:
                    connection.execute("UPDATE alert SET fired_at = ? WHERE id = ?", (now, number))
                    fired.append(number)
            elif row:
                connection.execute("DELETE FROM alert WHERE id = ?", (row.id,))  # it never fired: nothing has been
        elif rule.is_back(sign.value):
            _end(connection, row.id, sign, now)
            ended.append(row.id)
        else:
            _say(connection, row.id, sign)
    ended += _gone(connection, before.values(), now)
    return Changes(tuple(_numbered(connection, fired)), tuple(_numbered(connection, ended)))


def retire(connection: sqlite3.Connection, rules: Iterable[str], now: float) -> tuple[Alert, ...]:
    """Ends what stands of rules that are no longer there."""
    rows = [one for one in _where(connection, "ended_at IS NULL") if one.rule not in set(rules)]
    return tuple(_numbered(connection, _gone(connection, rows, now)))


def _gone(connection: sqlite3.Connection, rows: Iterable[Alert], now: float) -> list[int]:
    over = []
    for row in rows:
        if row.fired_at is None:
            connection.execute("DELETE FROM alert WHERE id = ?", (row.id,))
        else:
            connection.execute("UPDATE alert SET ended_at = ?, words = ? WHERE id = ?", (now, "不再监测", row.id))
            over.append(row.id)
    return over


def _pending(connection: sqlite3.Connection, rule: Rule, sign: Sign, row: Alert | None, now: float) -> int:
    if row is not None:
        _say(connection, row.id, sign)
        return row.id
    made = connection.execute(
        "INSERT INTO alert (rule, subject, label, grade, words, value, href, since) VALUES (?,?,?,?,?,?,?,?)",
        (
            rule.id,
            sign.subject,
            f"{rule.label} · {sign.label}",
            rule.grade,
            blot(sign.words),
            sign.value,
            sign.href,
            now,
        ),
    )
    return int(made.lastrowid or 0)


def _say(connection: sqlite3.Connection, number: int, sign: Sign) -> None:
    connection.execute("UPDATE alert SET words = ?, value = ? WHERE id = ?", (blot(sign.words), sign.value, number))


def _end(connection: sqlite3.Connection, number: int, sign: Sign, now: float) -> None:
    _say(connection, number, sign)
    connection.execute("UPDATE alert SET ended_at = ? WHERE id = ?", (now, number))


def called(connection: sqlite3.Connection, one: Alert, receivers: Iterable[str], level: int, now: float) -> None:
    """Writes down who is written to about an alert, and on which level of the roster."""
    names = json.dumps([*dict.fromkeys([*one.receivers, *receivers])], ensure_ascii=False)
    connection.execute(
        "UPDATE alert SET receivers = ?, level = ?, called_at = ? WHERE id = ?", (names, level, now, one.id)
    )


def uncalled(connection: sqlite3.Connection) -> list[Alert]:
    """What stands, nobody has taken, and nobody has been written to about."""
    return _where(connection, "fired_at IS NOT NULL AND ended_at IS NULL AND taken_at IS NULL AND called_at IS NULL")


def untaken(connection: sqlite3.Connection, since: float) -> list[Alert]:
    """Urgent alerts that stand, that nobody has taken, and about which somebody was written to before `since`."""
    return _where(
        connection,
        "ended_at IS NULL AND taken_at IS NULL AND grade = 'urgent' AND called_at IS NOT NULL AND called_at <= ?",
        since,
    )


def standing(path: Path) -> list[Alert]:
    """What has fired and is not over, urgent first, the newest of a grade first."""
    with app_db.reading(path) as connection:
        rows = _where(connection, "fired_at IS NOT NULL AND ended_at IS NULL")
    order = list(GRADES)
    return sorted(rows, key=lambda one: (order.index(one.grade), -(one.fired_at or 0)))


def past(path: Path, limit: int = 100) -> list[Alert]:
    """What is over, the newest first."""
    with app_db.reading(path) as connection:
        return _where(connection, "ended_at IS NOT NULL", last=f"ORDER BY ended_at DESC, id DESC LIMIT {int(limit)}")


def take(path: Path, number: int, who: str, *, ip: str = "", now: float) -> None:
    """Somebody has acknowledged an alert; a second one changes nothing. Raises PageMissing when there is none of that
    number."""
    with app_db.writing(path) as connection:
        rows = _numbered(connection, [number])
        if not rows:
            raise PageMissing()
        if rows[0].taken_at is None:
            connection.execute("UPDATE alert SET taken_at = ?, taken_by = ? WHERE id = ?", (now, who, number))
            audit.append(connection, "alert_taken", who=who, ip=ip, subject=rows[0].label, now=now)


def silence(path: Path, rule: str, subject: str, until: float, who: str, why: str, *, ip: str = "", now: float) -> None:
    """No letters about a rule and subject ("" = all of the rule) until a moment. Raises UsageError without a reason, or
    for a moment that is past or more than a week away."""
    words = in_line(blot(why))[:LONGEST]
    if len(words) < 4:
        raise UsageError("静默要写明原因", to_do="请写清为什么不再通知，至少 4 个字")
    if not now < until <= now + MOST_SILENT_S:
        raise UsageError("静默的时间不对", to_do="请选一个以后的时间，最长 7 天")
    with app_db.writing(path) as connection:
        connection.execute(
            "INSERT INTO alert_silence (rule, subject, until, who, why, at) VALUES (?,?,?,?,?,?)",
            (rule, subject, until, who, words, now),
        )
        audit.append(
            connection, "alert_silenced", who=who, ip=ip, subject=f"{rule} {subject}".strip(), purpose=words, now=now
        )


def speak(path: Path, number: int, who: str, *, ip: str = "", now: float) -> None:
    """Ends a silence. Raises PageMissing when there is none of that number."""
    with app_db.writing(path) as connection:
        done = connection.execute("UPDATE alert_silence SET until = ? WHERE id = ? AND until > ?", (now, number, now))
        if done.rowcount != 1:
            raise PageMissing()
        audit.append(connection, "alert_unsilenced", who=who, ip=ip, subject=str(number), now=now)


def silences(connection: sqlite3.Connection, now: float) -> list[Silence]:
    """The silences in force."""
    rows = connection.execute("SELECT * FROM alert_silence WHERE until > ? ORDER BY until", (now,))
    return [Silence(row["id"], row["rule"], row["subject"], row["until"], row["who"], row["why"]) for row in rows]


def is_silenced(one: Alert, silenced: Iterable[Silence]) -> bool:
    """Whether nobody is written to about an alert now."""
    return any(quiet.rule == one.rule and quiet.subject in ("", one.subject) for quiet in silenced)


def numbered(path: Path, numbers: Sequence[int]) -> list[Alert]:
    """The alerts of those numbers."""
    with app_db.reading(path) as connection:
        return _numbered(connection, numbers)


def _numbered(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[Alert]:
    return [one for number in numbers for one in _where(connection, "id = ?", number)]


def _where(connection: sqlite3.Connection, condition: str, *values: object, last: str = "ORDER BY id") -> list[Alert]:
    return [
        Alert(**{**dict(row), "receivers": tuple(json.loads(row["receivers"]))})
        for row in connection.execute(f"SELECT * FROM alert WHERE {condition} {last}", values)
    ]
