"""Chat robots (钉钉, 企业微信, 飞书) and JSON receivers, spoken to through apprise. Owns which of its services are let
in, and what came of a message.

apprise answers yes or no; whether a message may have been taken although the answer was lost, and what a robot said
under HTTP 200, is known from the wire alone, so the exchange is listened to. Addresses hold the robot's secret: none of
them, nor an error that quotes one, leaves this module."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from apprise import Apprise, AppriseAsset, NotifyFormat
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError, ProxyError, SSLError

from warehouse.core.errors import ConfigError, SourceDown

SERVICES = {"dingtalk": "钉钉", "wecombot": "企业微信", "feishu": "飞书", "json": "JSON", "jsons": "JSON"}
"""Scheme of the address → what it is called. No other service of apprise is let in: some of them write files or run
programs."""
HOLDERS = ("errcode", "code", "StatusCode")
"""Where a robot puts its own verdict, 0 = taken, into an answer with HTTP 200."""
SPARE_BYTES = 64
TUNNEL_SHUT = "Tunnel connection failed"
"""How http.client says that a proxy lets nobody through."""


def robot(url: str, where: str) -> Any:
    """The service behind an address. Raises ConfigError, without quoting the address."""
    scheme = url.partition("://")[0].strip().lower()
    with _silence():
        found = (
            Apprise.instantiate(url, asset=AppriseAsset(http_redirects=False), suppress_exceptions=True)
            if scheme in SERVICES
            else None
        )
    if found is None:
        raise ConfigError(
            "群机器人地址看不懂",
            where=where,
            to_do=f"以 {'、'.join(f'{name}://' for name in SERVICES)} 之一开头,写法见部署手册",
        )
    return found


def fit(title: str, lines: list[str], last: str, limit: int) -> str:
    """The lines and `last`, as many of them as go into `limit` bytes beside the title; what is left out is told."""
    for count in range(len(lines), -1, -1):
        text = "\n".join([*lines[:count], *(["……"] if count < len(lines) else []), *([last] if last else [])])
        if len(f"{title}{text}".encode()) + SPARE_BYTES <= limit:
            break
    return text


def say(url: str, title: str, lines: list[str], last: str, file: Path, *, proxy: str = "", where: str) -> None:
    """One message, with the file where the service takes one. Raises SourceDown when it cannot have been taken, OSError
    when nobody knows."""
    spoken = robot(url, where)
    more: dict[str, Any] = {"attach": [str(file)]} if spoken.attachment_support else {}
    with _silence(), _overheard(proxy) as heard:
        spoken.notify(
            body=fit(title, lines, last, spoken.body_maxlen), title=title, body_format=NotifyFormat.TEXT, **more
        )
    end = heard[-1] if heard else None
    if isinstance(end, requests.RequestException) and not _never_left(end):
        raise end
    if end is None or isinstance(end, requests.RequestException):
        raise SourceDown(
            "群机器人连不上", where=where, to_do="稍后自动重试;请检查网络,出内网须在 delivery.toml 写明 proxy"
        )
    verdict = _verdict(end)
    if verdict:
        raise SourceDown(
            f"群机器人拒收:{verdict}", where=where, to_do="稍后自动重试;请核对地址、加签密钥与机器人的安全设置"
        )


def _never_left(error: requests.RequestException) -> bool:
    """True for a failure before the message was written: no connection, no way through the proxy, no trusted
    certificate. Of a line that broke requests says ProxyError too, and SSLError, whatever had been written by then: so
    the innermost cause decides."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return True
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, ProxyError):
        cause = cause.original_error
    if isinstance(cause, SSLError):
        return any(isinstance(one, ssl.SSLCertVerificationError) for one in cause.args)
    return isinstance(cause, NewConnectionError) or (isinstance(cause, OSError) and str(cause).startswith(TUNNEL_SHUT))


def _verdict(answer: requests.Response) -> str:
    """Why the other side did not take it, as a number; "" when it did."""
    if answer.status_code >= 300:
        return str(answer.status_code)
    try:
        told = answer.json()
    except ValueError:
        return ""
    return next((f"{name} {told[name]}" for name in HOLDERS if told.get(name)), "") if isinstance(told, dict) else ""


@contextmanager
def _overheard(proxy: str) -> Iterator[list[requests.Response | requests.RequestException]]:
    """What comes back over HTTP while apprise speaks, each answer or failure; the way goes through `proxy` when one is
    named. For a process that sends one message at a time."""
    heard: list[requests.Response | requests.RequestException] = []
    plain = HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        if proxy:
            more["proxies"] = {"http": proxy, "https": proxy}
        try:
            answer = plain(self, request, **more)
        except requests.RequestException as error:
            heard.append(error)
            raise
        heard.append(answer)
        return answer

    HTTPAdapter.send = send  # type: ignore[method-assign,assignment]
    try:
        yield heard
    finally:
        HTTPAdapter.send = plain  # type: ignore[method-assign]


@contextmanager
def _silence() -> Iterator[None]:
    """Both libraries write whole addresses, and so the secrets in them, into their logs when somebody turns these
    up."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
