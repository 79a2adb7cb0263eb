"""Reports to people: by mail, to webhooks and chat robots, each report to each receiver once. Owns <data>/delivery.toml
and the ledger `delivery`.

Nothing is sent twice, whatever is cut off when. The ledger says `sending`, on disk, before the last byte that makes the
other side accept the message leaves; where the process ends before that, nothing was accepted and it is sent anew;
where it ends after it, nobody here can know (the row becomes `unknown`, a person asks and says `--again`). A receiver
that was told of a period's final report is not told again by a reprint.

A draft goes to the person on duty only."""

from __future__ import annotations

import datetime as dt
import fcntl
import smtplib
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any

import httpx
from msgspec import Meta, Struct

from cockpit.presentation import public_url, texts
from cockpit.report import archive
from cockpit.report.mail import TIMEOUT_S, Mail, hand_over
from cockpit.store import app_db, audit
from warehouse.catalog.schema import Text
from warehouse.core import toml
from warehouse.core.errors import CockpitError, ConfigError, Refused, SourceDown, UsageError
from warehouse.core.settings import Settings

FILE = "delivery.toml"
RECENT_S = 14 * 86400
"""Reports older than this are not sent by themselves: who sets up mail today does not want last year's."""
MOST_ATTEMPTS, FIRST_WAIT_S = 8, 60
STATES = {"waiting": "待发", "sending": "发送中", "sent": "已送达", "failed": "未送达", "unknown": "不能确定"}
ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+$"


class _To(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """name: how the ledger calls a receiver. duty: gets drafts as well."""

    name: Text
    duty: bool = False


class ToMail(_To, frozen=True, kw_only=True, tag="mail"):
    address: Annotated[str, Meta(pattern=ADDRESS, description="一个邮件地址，如 duty@example")]


class ToWebhook(_To, frozen=True, kw_only=True, tag="webhook"):
    url: Text


class ToChat(_To, frozen=True, kw_only=True, tag="chat"):
    url: Text


class Delivery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """<data>/delivery.toml. proxy: the way of chats out of the house, "" = straight. anchors_to: who gets the anchor of the
    audit log each day, "" = nobody."""

    mail: Mail | None = None
    proxy: str = ""
    anchors_to: Annotated[
        str, Meta(pattern=rf"{ADDRESS}|^$", description="一个邮件地址，如 audit@example；留空则不寄")
    ] = ""
    to: tuple[ToMail | ToWebhook | ToChat, ...] = ()


@dataclass(frozen=True)
class Receiver:
    """name: how the ledger calls it. kind: mail | webhook | chat. where: address or URL. duty: gets drafts as well.
    proxy: the way of a chat out of the house, "" = straight."""

    name: str
    kind: str
    where: str
    duty: bool = False
    proxy: str = ""


def configured(settings: Settings) -> tuple[Mail | None, list[Receiver]]:
    """The mail server and the receivers; (None, []) without a file. Raises as _given() does."""
    given = _given(settings)
    numbered = enumerate(given.to, 1)
    return given.mail, [_receiver(one, f"{FILE} 第 {number} 个 to", given.proxy) for number, one in numbered]


def anchors_to(settings: Settings) -> tuple[Mail, str] | None:
    """The mail server and the address to which anchors of the audit log go, None where none is named. Raises as
    _given() does."""
    given = _given(settings)
    return (given.mail, given.anchors_to) if given.mail and given.anchors_to else None


def _given(settings: Settings) -> Delivery:
    """The file; an empty one where there is none. Raises ConfigError naming the key, Refused when others can read it."""
    file = settings.data / FILE
    if not file.exists():
        return Delivery()
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Refused("发送设置含密码，却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
    given = toml.convert(toml.load(file), Delivery, file.name, secret=("password", "url", "proxy"))
    if len({one.name for one in given.to}) < len(given.to):
        raise ConfigError("两个收件方同名", where=file.name, to_do="台账以名字区分收件方，请改名")
    if given.mail is None and (given.anchors_to or any(isinstance(one, ToMail) for one in given.to)):
        raise ConfigError("有邮件收件方，却没有 [mail]", where=file.name, to_do="请补上 [mail] 的 host 与 sender")
    return given


def _receiver(given: ToMail | ToWebhook | ToChat, where: str, proxy: str) -> Receiver:
    if isinstance(given, ToMail):
        return Receiver(given.name, "mail", given.address, given.duty)
    if isinstance(given, ToWebhook):
        return Receiver(given.name, "webhook", given.url, given.duty)
    from cockpit.report import chat  # the library behind it is large, and most houses have no chat

    chat.robot(given.url, where)
    return Receiver(given.name, "chat", given.url, given.duty, proxy)


def send(settings: Settings, *, now: Callable[[], float] = time.time) -> list[str]:
    """Sends what is due. Returns Chinese lines about what was not delivered. One process at a time: a second one
    returns at once."""
    post, receivers = configured(settings)
    if not receivers:
        return []
    with _alone(settings) as is_mine:
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
    """An entry for each report that a receiver has to get and has none of that period and kind yet (column week: the
    period, whatever its length)."""
    first: dict[tuple[str, bool], archive.Facts] = {}
    for facts in sorted(archive.every(settings), key=lambda one: one.get("number", 0)):
        if now - dt.datetime.fromisoformat(facts["printed_at"]).timestamp() <= RECENT_S:
            first.setdefault((archive.period(facts), facts["draft"]), facts)
    with app_db.writing(settings.state) as connection:
        for (period, is_draft), facts in first.items():
            for one in receivers:
                if one.duty or not is_draft:
                    connection.execute(
                        "INSERT OR IGNORE INTO delivery (week, draft, report, receiver, state, attempts, due_at, at, message) VALUES (?,?,?,?,'waiting',0,0,?,'')",
                        (period, int(is_draft), facts["name"], one.name, now),
                    )


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
    file = settings.reports / f"{facts['name']}.pdf"
    pdf = file.read_bytes()

    def accepted_next() -> None:
        _set(settings, row, "sending", now(), attempts=row["attempts"] + 1)

    try:
        if receiver.kind == "mail":
            assert post is not None
            _mail(post, receiver, facts, pdf, accepted_next)
        elif receiver.kind == "chat":
            from cockpit.report import chat

            lines, link = [*_lacks(facts), *facts.get("points", ())], public_url.base(settings)
            accepted_next()
            chat.say(
                receiver.where,
                subject(facts),
                lines,
                f"报告：{link}/reports?q={facts['name']}" if link else "",
                file,
                proxy=receiver.proxy,
                where=receiver.name,
            )
        else:
            _hook(receiver, facts, pdf, accepted_next)
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
    marks = f"{'【草稿】' if facts['draft'] else ''}{f'【{texts.DEMO}】' if facts['demo'] else ''}"
    return f"{marks}{texts.BRAND}{archive.label(facts)} {facts['period']}"


def body(facts: archive.Facts) -> str:
    """What is said beside the attachment: no figures, they are in the report."""
    return "\n".join(
        [
            f"{texts.BUREAU} {facts['period']} {archive.label(facts)}见附件。",
            *_lacks(facts),
            f"数据截至 {facts['cutoff']}，快照 {facts['generation']}，校验 {facts['sha256'][:12]}。",
        ]
    )


def _lacks(facts: archive.Facts) -> list[str]:
    if not facts["draft"]:
        return ["本期各来源齐全，已通过自检。"]
    return [f"本期为草稿，尚缺 {len(facts['missing'])} 处：", *(f"· {line}" for line in facts["missing"][:20])]


def _mail(post: Mail, receiver: Receiver, facts: archive.Facts, pdf: bytes, accepted_next: Callable[[], None]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = post.sender, receiver.where, subject(facts)
    message["Message-ID"] = f"<{facts['name']}.{facts['sha256'][:16]}@{post.sender.rpartition('@')[2]}>"
    message.set_content(body(facts))
    message.add_attachment(
        pdf, maintype="application", subtype="pdf", filename=f"{texts.BRAND}{archive.label(facts)}-{facts['name']}.pdf"
    )
    hand_over(post, receiver.where, message, accepted_next)


def _hook(receiver: Receiver, facts: archive.Facts, pdf: bytes, accepted_next: Callable[[], None]) -> None:
    """The report as a form with a file; the name of the report is the idempotency key."""
    stated = {
        "subject": subject(facts),
        "text": body(facts),
        "report": facts["name"],
        "window": archive.window(facts),
        "at": archive.period(facts),
        "draft": str(facts["draft"]).lower(),
        "sha256": facts["sha256"],
    }
    accepted_next()
    try:
        answer = httpx.post(
            receiver.where,
            data=stated,
            files={"pdf": (f"{facts['name']}.pdf", pdf, "application/pdf")},
            headers={"Idempotency-Key": facts["name"]},
            timeout=TIMEOUT_S,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise SourceDown(
            "接收地址连不上", where=receiver.name, to_do="稍后自动重试；请检查 delivery.toml 与网络"
        ) from error
    if answer.status_code >= 300:
        raise SourceDown(
            f"接收地址拒收：{answer.status_code}", where=receiver.name, to_do="稍后自动重试；请与接收方核对"
        )


@contextmanager
def _alone(settings: Settings) -> Iterator[bool]:
    settings.reports.mkdir(parents=True, exist_ok=True)
    with Path(settings.reports / ".sending").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
