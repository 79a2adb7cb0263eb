"""Who is written to, and one letter handed over: by mail, to a webhook or to a chat robot. Owns <data>/delivery.toml and
what each kind of receiver gets of a letter; knows neither reports nor alerts."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Annotated

import httpx
from msgspec import Meta, Struct

from cockpit.messages import chat
from cockpit.messages.letter import Letter
from cockpit.messages.mail import TIMEOUT_S, Mail, hand_over
from warehouse.catalog.schema import Text
from warehouse.core import toml
from warehouse.core.errors import ConfigError, Refused, SourceDown
from warehouse.core.settings import Settings

FILE = "delivery.toml"
ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+$"


class _To(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """name: how the ledger calls a receiver. duty: gets drafts as well. sheet: gets, instead of the report, the sheet of this
    town, office or company (name or code), "" = the report. account: whose own address it is: that account may send itself
    any paper it can read, "" = nobody's. regular: gets every report; false: only what its account asks for."""

    name: Text
    duty: bool = False
    sheet: str = ""
    account: str = ""
    regular: bool = True


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
    """name: how the ledger calls it. kind: mail | webhook | chat. where: address or URL. proxy: the way of a chat out of the
    house, "" = straight. duty, sheet, account, regular: as in the file."""

    name: str
    kind: str
    where: str
    duty: bool = False
    proxy: str = ""
    sheet: str = ""
    account: str = ""
    regular: bool = True


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
        kind, to, way = "mail", given.address, ""
    elif isinstance(given, ToWebhook):
        kind, to, way = "webhook", given.url, ""
    else:
        chat.robot(given.url, where)
        kind, to, way = "chat", given.url, proxy
    return Receiver(given.name, kind, to, given.duty, way, given.sheet, given.account, given.regular)


def hand(post: Mail | None, to: Receiver, letter: Letter, accepted_next: Callable[[], None]) -> None:
    """Hands a letter to a receiver. accepted_next is called before the last byte that makes the other side accept it.
    Raises SourceDown as long as nothing can have been accepted, OSError, smtplib.SMTPException or httpx.HTTPError when
    nobody knows."""
    if to.kind == "mail":
        if post is None:
            raise ConfigError("有邮件收件方，却没有 [mail]", where=FILE, to_do="请补上 [mail] 的 host 与 sender")
        _mail(post, to, letter, accepted_next)
    elif to.kind == "chat":
        accepted_next()
        chat.say(to.where, letter, proxy=to.proxy, where=to.name)
    else:
        accepted_next()
        _hook(to, letter)


def _mail(post: Mail, to: Receiver, letter: Letter, accepted_next: Callable[[], None]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = post.sender, to.where, letter.subject
    message["Message-ID"] = f"<{'.'.join(filter(None, (letter.key, letter.seal)))}@{post.sender.rpartition('@')[2]}>"
    message.set_content(letter.text)
    if letter.enclosed:
        main, _, sub = letter.enclosed.kind.partition("/")
        message.add_attachment(
            letter.enclosed.file.read_bytes(), maintype=main, subtype=sub, filename=letter.enclosed.name
        )
    hand_over(post, to.where, message, accepted_next)


def _hook(to: Receiver, letter: Letter) -> None:
    """The letter as a form, with the file where there is one."""
    enclosed = letter.enclosed
    files = {"pdf": (enclosed.file.name, enclosed.file.read_bytes(), enclosed.kind)} if enclosed else None
    try:
        answer = httpx.post(
            to.where,
            data={"subject": letter.subject, "text": letter.text, **letter.stated},
            files=files,
            headers={"Idempotency-Key": letter.key},
            timeout=TIMEOUT_S,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise SourceDown("接收地址连不上", where=to.name, to_do=f"稍后自动重试；请检查 {FILE} 与网络") from error
    if answer.status_code >= 300:
        raise SourceDown(f"接收地址拒收：{answer.status_code}", where=to.name, to_do="稍后自动重试；请与接收方核对")
