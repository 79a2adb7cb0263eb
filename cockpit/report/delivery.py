"""Reports to people: by mail, to webhooks and chat robots, each report to each receiver once. Owns the
ledger `delivery`.

Nothing is sent twice, whatever is cut off when. The ledger says `sending`, on disk, before the last byte that makes the
other side accept the message leaves; where the process ends before that, nothing was accepted and it is sent anew;
where it ends after it, nobody here can know (the row becomes `unknown`, a person asks and says `--again`). A receiver
that was told of a period's final report is not told again by a reprint.

A draft, and what nobody has signed yet (送审稿), goes to the person on duty only."""

from __future__ import annotations

import datetime as dt
import smtplib
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpx

from cockpit.messages.letter import Enclosure, Letter
from cockpit.messages.mail import Mail
from cockpit.messages.receivers import Receiver, configured, hand
from cockpit.presentation import public_url, texts
from cockpit.report import archive
from cockpit.store import app_db, audit
from cockpit.store.alone import alone
from warehouse.core import request_queue
from warehouse.core.errors import CockpitError, SourceDown, UsageError
from warehouse.core.settings import Settings

RECENT_S = 14 * 86400
"""Reports older than this are not sent by themselves: who sets up mail today does not want last year's."""
MOST_ATTEMPTS, FIRST_WAIT_S = 8, 60
ENTRY = (
    "INSERT OR IGNORE INTO delivery (week, draft, report, receiver, state, attempts, due_at, at, message) "
    "SELECT ?,?,?,?,'waiting',0,0,?,''"
)
RELEASED, DRAFT, REVIEW = 0, 1, 2
"""What a report is to the ledger (its column draft): each goes out once a period."""


def send(settings: Settings, *, now: Callable[[], float] = time.time) -> list[str]:
    """Sends what is due. Returns Chinese lines about what was not delivered. One process at a time: a second one
    returns at once."""
    post, receivers = configured(settings)
    if not receivers:
        return []
    with alone(settings.reports / ".sending") as is_mine:
        if not is_mine:
            return []
        _cut_off(settings)
        _enter(settings, receivers, now())
        known = {one.name: one for one in receivers}
        return [
            line
            for row in _due(settings, now())
            if row["receiver"] in known
            for line in _one(settings, post, known[row["receiver"]], row, now)
        ]


def again(settings: Settings, report: str, receiver: str, by: str) -> None:
    """A person has asked the receiver and wants it sent once more. Raises UsageError when there is no such entry."""
    with app_db.writing(settings.state) as connection:
        done = connection.execute(
            "UPDATE delivery SET state = 'waiting', attempts = 0, due_at = 0, message = '' WHERE report = ? AND receiver = ? AND state IN ('unknown', 'failed', 'sent')",
            (report, receiver),
        )
        if done.rowcount != 1:
            raise UsageError("发送台账里没有这一条", where=f"{report} {receiver}", to_do="用 report sent 查看台账")
        audit.append(connection, "delivery_again", who=by, subject=f"{report} {receiver}")


def usual(receivers: Iterable[Receiver], facts: archive.Facts) -> list[Receiver]:
    """Who gets a report or sheet without asking: a sheet goes to those it is about; drafts and 送审稿 to the duty."""
    is_open = _kind(facts) == RELEASED
    return [one for one in receivers if _is_for(one, facts) and (one.duty or is_open)]


def _is_for(one: Receiver, facts: archive.Facts) -> bool:
    if archive.is_sheet(facts):
        return one.sheet in (facts["subject"]["label"], facts["subject"]["code"])
    return one.regular and not one.sheet


def own(receivers: Iterable[Receiver], account: str) -> list[Receiver]:
    """The addresses of an account; [] where none is known."""
    return [one for one in receivers if one.account == account] if account else []


def order(settings: Settings, facts: archive.Facts, receivers: Sequence[Receiver], *, by: str, ip: str = "") -> None:
    """A person wants a report sent to these receivers now, whatever they have got of it; the loader does it within seconds.
    What is waiting or under way already is not doubled."""
    with app_db.writing(settings.state) as connection:
        for one in receivers:
            entry = (facts["name"], one.name)
            connection.execute(
                "UPDATE delivery SET state = 'waiting', attempts = 0, due_at = 0, message = '' WHERE report = ? AND receiver = ? AND state <> 'sending'",
                entry,
            )
            # an entry that was asked for goes by the report's own name: it is nobody's share of a period
            connection.execute(
                f"{ENTRY} WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE report = ? AND receiver = ?)",
                (facts["name"], _kind(facts), *entry, time.time(), *entry),
            )
            audit.append(connection, "delivery_ordered", who=by, ip=ip, subject=" ".join(entry))
        request_queue.add(connection, "send", {"report": facts["name"]}, by, at=time.time())


def ledger(settings: Settings) -> list[dict[str, Any]]:
    """All entries, newest first: report, receiver, state, attempts, at (UTC seconds), message."""
    with app_db.reading(settings.state) as connection:
        return [
            dict(row)
            for row in connection.execute(
                "SELECT report, receiver, state, attempts, at, message FROM delivery ORDER BY at DESC, report, receiver"
            )
        ]


def _enter(settings: Settings, receivers: list[Receiver], now: float) -> None:
    """An entry for each report, and each sheet of the plan, that a receiver has to get and has none of that period and kind
    yet (column week: the period, whatever its length, and of a sheet whose)."""
    planned = [facts for facts in archive.sheets(settings) if facts["by"] == archive.SCHEDULE]
    first: dict[tuple[str, int], archive.Facts] = {}
    for facts in sorted([*archive.every(settings), *planned], key=lambda one: one.get("number", 0)):
        if now - dt.datetime.fromisoformat(facts["printed_at"]).timestamp() <= RECENT_S:
            whose = f" {facts['subject']['code']}" if archive.is_sheet(facts) else ""
            first.setdefault((f"{archive.period(facts)}{whose}", _kind(facts)), facts)
    with app_db.writing(settings.state) as connection:
        for (period, kind), facts in first.items():
            for one in usual(receivers, facts):
                entry = (facts["name"], one.name)
                connection.execute(
                    f"{ENTRY} WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE report = ? AND receiver = ?)",
                    (period, kind, *entry, now, *entry),
                )


def _kind(facts: archive.Facts) -> int:
    return DRAFT if facts["draft"] else RELEASED if archive.is_released(facts) else REVIEW


def _cut_off(settings: Settings) -> None:
    """What was being sent when the process before this one ended."""
    with app_db.writing(settings.state) as connection:
        connection.execute(
            "UPDATE delivery SET state = 'unknown', message = '发送中断，不能确定对方是否收到；请核实，未收到时用 report send --again 重发' WHERE state = 'sending'"
        )


def _due(settings: Settings, now: float) -> list[dict[str, Any]]:
    with app_db.reading(settings.state) as connection:
        return [
            dict(row)
            for row in connection.execute(
                "SELECT * FROM delivery WHERE state = 'waiting' AND due_at <= ? ORDER BY report, receiver", (now,)
            )
        ]


def _one(
    settings: Settings, post: Mail | None, receiver: Receiver, row: dict[str, Any], now: Callable[[], float]
) -> list[str]:
    facts = archive.one(settings, row["report"])

    def accepted_next() -> None:
        _set(settings, row, "sending", now(), attempts=row["attempts"] + 1)

    try:
        hand(post, receiver, letter(settings, facts), accepted_next)
    except SourceDown as down:
        tries = row["attempts"] + 1
        is_over = tries >= MOST_ATTEMPTS
        _set(
            settings,
            row,
            "failed" if is_over else "waiting",
            now(),
            attempts=tries,
            due_at=now() + FIRST_WAIT_S * 2 ** (tries - 1),
            message=str(down),
        )
        return [f"{facts['name']} → {receiver.name}：{down}"] if is_over or tries == 1 else []
    except (OSError, smtplib.SMTPException, httpx.HTTPError) as error:  # the last byte had left: nobody knows
        _set(
            settings,
            row,
            "unknown",
            now(),
            message=f"发送时连接中断（{type(error).__name__}），不能确定对方是否收到；请核实，未收到时用 report send --again 重发",
        )
        return [f"{facts['name']} → {receiver.name}：不能确定是否送达"]
    _set(settings, row, "sent", now(), message="")
    with suppress(CockpitError):
        audit.record(settings.state, "delivered", who=audit.SYSTEM, subject=f"{facts['name']} {receiver.name}")
    return []


def _set(settings: Settings, row: dict[str, Any], word: str, at: float, **more: Any) -> None:
    values = {"state": word, "at": at, **more}
    with app_db.writing(settings.state) as connection:  # every commit is on disk before the call returns
        connection.execute(
            f"UPDATE delivery SET {', '.join(f'{name} = ?' for name in values)} WHERE report = ? AND receiver = ?",
            (*values.values(), row["report"], row["receiver"]),
        )


def subject(facts: archive.Facts) -> str:
    """The line a receiver sees first."""
    mark = "" if archive.is_released(facts) else f"【{archive.state(facts)}】"
    marks = f"{mark}{f'【{texts.DEMO}】' if facts['demo'] else ''}"
    return f"{marks}{texts.BRAND}{archive.label(facts)} {facts['period']}"


def body(facts: archive.Facts) -> str:
    """What is said beside the attachment: no figures, they are in the report."""
    return "\n".join(
        [
            f"{texts.BUREAU} {facts['period']} {archive.label(facts)}见附件。",
            *_lacks(facts),
            *_asks(facts),
            f"数据截至 {facts['cutoff']}，快照 {facts['generation']}，校验 {facts['sha256'][:12]}。",
        ]
    )


def _lacks(facts: archive.Facts) -> list[str]:
    absent = facts.get("unconnected", "")  # a report printed before that was noted has none
    if not facts["draft"]:
        whole = "已接入的来源齐全" if absent else "各来源齐全"
        return [f"本期{whole}，已通过自检。", *([absent] if absent else [])]
    lines = [f"· {line}" for line in facts["missing"][:20]]
    return [f"本期为草稿，尚缺 {len(facts['missing'])} 处：", *lines, *([absent] if absent else [])]


def _asks(facts: archive.Facts) -> list[str]:
    is_review = not facts["draft"] and not archive.is_released(facts)
    return ["本期为送审稿，请在驾驶舱“报告签发”审核、签发；签发后发送各收件方。"] if is_review else []


def letter(settings: Settings, facts: archive.Facts) -> Letter:
    """A report as it is sent; the name of the report is the idempotency key."""
    link = public_url.base(settings)
    file = settings.reports / f"{facts['name']}.pdf"
    return Letter(
        str(facts["name"]),
        subject(facts),
        body(facts),
        (*_lacks(facts), *_asks(facts), *facts.get("points", ())),
        f"报告：{link}/reports?q={facts['name']}" if link else "",
        Enclosure(file, f"{texts.BRAND}{archive.label(facts)}-{facts['name']}.pdf", "application/pdf"),
        {
            "report": facts["name"],
            "window": archive.window(facts),
            "at": archive.period(facts),
            "draft": str(facts["draft"]).lower(),
            "sha256": facts["sha256"],
        },
        seal=facts["sha256"][:16],
    )
