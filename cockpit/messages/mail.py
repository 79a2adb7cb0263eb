"""The mail server of the house, and one message handed to it. Knows nothing of what is sent."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from typing import Annotated, Literal

from msgspec import Meta, Struct

from warehouse.catalog.schema import Text
from warehouse.core.errors import SourceDown

TIMEOUT_S = 30


class Mail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mail server."""

    host: Text
    sender: Text
    port: Annotated[int, Meta(ge=1, le=65535)] = 25
    user: str = ""
    password: str = ""
    tls: Literal["none", "starttls", "tls"] = "none"


def hand_over(post: Mail, to: str, message: EmailMessage, accepted_next: Callable[[], None] = lambda: None) -> None:
    """Raises SourceDown as long as nothing can have been accepted, anything else once it may have been. accepted_next is
    called before the last byte leaves."""
    lines = re.sub(rb"(?m)^\.", b"..", message.as_bytes(policy=SMTP))
    where = f"{post.host}:{post.port}"
    try:
        server = (smtplib.SMTP_SSL if post.tls == "tls" else smtplib.SMTP)(post.host, post.port, timeout=TIMEOUT_S)
        if post.tls == "starttls":
            server.starttls()
        if post.user:
            server.login(post.user, post.password)
        server.ehlo_or_helo_if_needed()
        for code, stated in (server.mail(post.sender), server.rcpt(to), server.docmd("DATA")):
            if code not in (250, 251, 354):
                raise smtplib.SMTPResponseException(code, stated)
        server.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
    except (OSError, smtplib.SMTPException) as error:
        raise SourceDown(
            f"邮件服务器没有收下：{type(error).__name__}",
            where=where,
            to_do="稍后自动重试；请检查 delivery.toml 与邮件服务器",
        ) from error
    accepted_next()
    server.send(b".\r\n")
    code, _ = server.getreply()
    if code != 250:  # said no: it was not accepted
        raise SourceDown(f"邮件服务器拒收：{code}", where=where, to_do="稍后自动重试；请核对收件地址与附件大小限制")
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
