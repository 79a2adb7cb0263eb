"""Letters about alerts: who is due to get one, and its way out. Owns the table `alert_letter`.

Nothing is sent twice, whatever is cut off when: a letter is `sending`, on disk, before the last byte that makes the
other side accept it leaves, and what was being sent when a process ended becomes `unknown`. What a letter says is put
together when it leaves, so it never speaks of what is over by then."""

from __future__ import annotations

import datetime as dt
import json
import smtplib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from cockpit.alerts import store
from cockpit.alerts.rules import GRADES, Plan, Rule
from cockpit.alerts.store import Alert
from cockpit.messages.letter import Letter
from cockpit.messages.mail import Mail
from cockpit.messages.receivers import Receiver, hand
from cockpit.presentation import format as fmt
from cockpit.presentation import public_url, texts
from cockpit.store import app_db
from warehouse.core import units
from warehouse.core.errors import SourceDown
from warehouse.core.settings import Settings

MOST_ATTEMPTS, FIRST_WAIT_S = 10, 30
FIRED, RAISED, ENDED = "fired", "raised", "ended"
KINDS = {FIRED: "触发", RAISED: "升级", ENDED: "恢复"}
CUT = "发送中断，不能确定对方是否收到"


def write(
    connection: sqlite3.Connection, given: Plan, known: dict[str, Receiver], ended: Iterable[Alert], now: float
) -> None:
    """Enters the letters that a round gives rise to, in the round's own transaction: what stands and nobody has been
    written to about, what has waited too long for somebody to take it, what is over."""
    moment = dt.datetime.fromtimestamp(now, units.SHANGHAI)
    silenced = store.silences(connection, now)
    due: dict[tuple[str, str, float], list[int]] = defaultdict(list)
    rules = {rule.id: rule for rule in given.rules}
    for one in store.uncalled(connection):  # what has just fired, and what was silenced or had no receiver until now
        if one.rule not in rules or store.is_silenced(one, silenced):
            continue
        names, level = _called(rules[one.rule], given, known, 1, moment)
        if names:
            store.called(connection, one, names, level, now)
        quiet = given.quiet_until(moment) if one.grade != "urgent" else None
        for name in names:
            due[FIRED, name, quiet.timestamp() if quiet else now].append(one.id)
    for one in store.untaken(connection, now - given.escalate_s):
        if (
            one.rule not in rules
            or rules[one.rule].to
            or one.level >= given.highest
            or store.is_silenced(one, silenced)
        ):
            continue
        names, level = _called(rules[one.rule], given, known, one.level + 1, moment)
        store.called(connection, one, names, level, now)
        for name in names:
            due[RAISED, name, now].append(one.id)
    for one in ended:
        for name in one.receivers:
            if not _taken_back(connection, one.id, name):
                due[ENDED, name, now].append(one.id)
    for (kind, name, at), numbers in due.items():
        connection.execute(
            "INSERT INTO alert_letter (kind, alerts, receiver, state, due_at, at) VALUES (?,?,?,'waiting',?,?)",
            (kind, json.dumps(numbers), name, at, now),
        )


def _called(
    rule: Rule, given: Plan, known: dict[str, Receiver], level: int, moment: dt.datetime
) -> tuple[list[str], int]:
    """Who is written to, and on which level: whom the rule names, else who is on duty on the first level from `level` on
    that has somebody, else everybody whom delivery.toml calls to duty."""
    if rule.to:
        return [name for name in rule.to if name in known], level
    for here in range(level, given.highest + 1):
        names = [name for name in given.on_duty(here, moment) if name in known]
        if names:
            return names, here
    return [name for name, one in known.items() if one.duty], given.highest


def _taken_back(connection: sqlite3.Connection, alert: int, receiver: str) -> bool:
    """Takes an alert out of letters to somebody that have not left; True when there was one, so that nobody hears of the
    end of what he never heard of."""
    was = False
    for row in connection.execute(
        "SELECT id, alerts FROM alert_letter WHERE receiver = ? AND state = 'waiting' AND attempts = 0", (receiver,)
    ).fetchall():
        numbers = json.loads(row["alerts"])
        if alert in numbers:
            was, left = True, [number for number in numbers if number != alert]
            if left:
                connection.execute("UPDATE alert_letter SET alerts = ? WHERE id = ?", (json.dumps(left), row["id"]))
            else:
                connection.execute("DELETE FROM alert_letter WHERE id = ?", (row["id"],))
    return was


def send(
    settings: Settings, given: Plan, post: Mail | None, known: dict[str, Receiver], now: Callable[[], float]
) -> list[str]:
    """Sends what is due; one process at a time, which the caller sees to. Returns Chinese lines about what was not
    delivered."""
    cures = {rule.id: rule.to_do for rule in given.rules}
    with app_db.writing(settings.state) as connection:
        connection.execute("UPDATE alert_letter SET state = 'unknown', message = ? WHERE state = 'sending'", (CUT,))
        rows = [
            dict(row)
            for row in connection.execute(
                "SELECT * FROM alert_letter WHERE state = 'waiting' AND due_at <= ? ORDER BY id", (now(),)
            )
        ]
    return [line for row in rows for line in _one(settings, post, known.get(row["receiver"]), row, cures, now)]


def _one(
    settings: Settings,
    post: Mail | None,
    to: Receiver | None,
    row: dict[str, Any],
    cures: dict[str, str],
    now: Callable[[], float],
) -> list[str]:
    def enter(state: str, **more: object) -> None:
        values = {"state": state, "at": now(), **more}
        with app_db.writing(settings.state) as connection:
            connection.execute(
                f"UPDATE alert_letter SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",
                (*values.values(), row["id"]),
            )

    if to is None:
        enter("failed", message="delivery.toml 里已没有这个收件方")
        return [f"{row['receiver']}：delivery.toml 里已没有这个收件方"]
    tries = row["attempts"] + 1
    try:
        hand(post, to, letter(settings, row, cures), lambda: enter("sending", attempts=tries))
    except SourceDown as down:
        is_over = tries >= MOST_ATTEMPTS
        wait = FIRST_WAIT_S * 2 ** (tries - 1)
        enter("failed" if is_over else "waiting", attempts=tries, due_at=now() + wait, message=str(down))
        return [f"{to.name}：{down}"] if is_over or tries == 1 else []
    except (OSError, smtplib.SMTPException, httpx.HTTPError) as error:  # the last byte had left: nobody knows
        enter("unknown", message=f"{CUT}（{type(error).__name__}）")
        return [f"{to.name}：不能确定是否送达"]
    enter("sent", message="")
    return []


def letter(settings: Settings, row: dict[str, Any], cures: dict[str, str]) -> Letter:
    """A row of `alert_letter` in words: each alert with its number, since when, and what to do. cures: rule → what to
    do."""
    alerts = store.numbered(settings.state, json.loads(row["alerts"]))
    base = public_url.base(settings)
    head = alerts[0].label if alerts else ""
    mark = {FIRED: f"【{GRADES[alerts[0].grade]}】" if alerts else "", RAISED: "【升级】", ENDED: "【恢复】"}[
        row["kind"]
    ]
    subject = f"{mark}{texts.BRAND}告警：{head}{f' 等 {len(alerts)} 项' if len(alerts) > 1 else ''}"
    lines = tuple(_line(one, row["kind"], cures.get(one.rule, "")) for one in alerts)
    link = f"详情：{base}/alerts" if base else ""
    return Letter(
        f"alert-{row['id']}",
        subject,
        "\n".join([*lines, *([link] if link else [])]),
        lines,
        link,
        None,
        {"kind": row["kind"]},
    )


def _line(one: Alert, kind: str, cure: str) -> str:
    since = fmt.clock(dt.datetime.fromtimestamp(one.since, units.SHANGHAI))
    if kind == ENDED and one.ended_at is not None:
        lasted = fmt.duration(one.ended_at - one.since)
        return f"· {one.label}：{one.words}；{since} 起，历时 {lasted}"
    waited = "，无人确认" if kind == RAISED else ""
    return f"· {one.label}：{one.words}；{since} 起{waited}{f'。{cure}' if cure else ''}"


def letters(path: Any, limit: int = 50) -> list[dict[str, Any]]:
    """The newest letters: kind, receiver, state, attempts, at (UTC seconds), message."""
    with app_db.reading(path) as connection:
        return [
            dict(row) for row in connection.execute("SELECT * FROM alert_letter ORDER BY id DESC LIMIT ?", (limit,))
        ]
