"""Chat robots (钉钉, 企业微信, 飞书) and JSON receivers: one POST each. Owns how they are addressed and what came of a message.

Addresses hold the robot's secret: none of them, nor an error that quotes one, leaves this module."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx

from cockpit.messages.letter import Enclosure, Letter
from warehouse.core.errors import ConfigError, SourceDown

SERVICES = {"dingtalk": "钉钉", "wecombot": "企业微信", "feishu": "飞书", "json": "JSON", "jsons": "JSON"}
"""Scheme of the address → what it is called."""
LIMITS = {"dingtalk": 20_000, "wecombot": 2_048, "feishu": 19_000, "json": 32_768, "jsons": 32_768}
"""Bytes of text that the service takes, by its own documentation."""
VERDICTS = ("errcode", "code", "StatusCode")
"""Where a robot puts its own verdict, 0 = taken, into an answer with HTTP 200."""
SPARE_BYTES = 64
TIMEOUT_S = 20
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL)
"""Failures before the message was written: no connection, no way through the proxy, no trusted certificate."""


@dataclass(frozen=True)
class Robot:
    """A receiver as its address says it. token: the robot's key, or host and path of a JSON receiver; secret: what it signs with, "" =
    it does not; verify: whether the other side's certificate must be trusted."""

    scheme: Literal["dingtalk", "wecombot", "feishu", "json", "jsons"]
    token: str
    secret: str = ""
    verify: bool = True


def robot(url: str, where: str) -> Robot:
    """The receiver behind an address. Raises ConfigError, without quoting the address."""
    parts = urlsplit(url.strip())
    scheme, verify = parts.scheme.lower(), parse_qs(parts.query).get("verify", ["yes"])[0] != "no"
    account, _, host = parts.netloc.rpartition("@")
    if scheme in SERVICES and host:
        if scheme.startswith("json"):
            return Robot(scheme, f"{host}{parts.path}", "", verify)  # type: ignore[arg-type]
        return Robot(scheme, host, account, verify)  # type: ignore[arg-type]
    names = "、".join(f"{name}://" for name in SERVICES)
    raise ConfigError("群机器人地址看不懂", where=where, to_do=f"以 {names} 之一开头，写法见部署手册")


def fit(title: str, lines: list[str], last: str, limit: int) -> str:
    """The lines and `last`, as many of them as go into `limit` bytes beside the title; that some are left out is said."""
    for count in range(len(lines), -1, -1):
        text = "\n".join([*lines[:count], *(["……"] if count < len(lines) else []), *([last] if last else [])])
        if len(f"{title}{text}".encode()) + SPARE_BYTES <= limit:
            break
    return text


def say(url: str, letter: Letter, *, proxy: str = "", where: str) -> None:
    """One message, with the enclosed file where the receiver takes one. Raises SourceDown when it cannot have been taken, OSError when nobody
    knows."""
    receiver = robot(url, where)
    text = fit(letter.subject, list(letter.lines), letter.link, LIMITS[receiver.scheme])
    address, content = _message(receiver, letter.subject, text, letter.enclosed)
    logging.getLogger("httpx").setLevel(
        logging.WARNING
    )  # at INFO it writes whole addresses, and so the secrets in them
    try:
        with httpx.Client(proxy=proxy or None, verify=receiver.verify, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(address, json=content)
    except NEVER_LEFT:
        to_do = "稍后自动重试；请检查网络，出内网须在 delivery.toml 写明 proxy"
        raise SourceDown("群机器人连不上", where=where, to_do=to_do) from None
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from None  # the words of an error may quote the address
    refusal = _refusal(answer)
    if refusal:
        to_do = "稍后自动重试；请核对地址、加签密钥与机器人的安全设置"
        raise SourceDown(f"群机器人拒收：{refusal}", where=where, to_do=to_do)


def _message(receiver: Robot, title: str, text: str, enclosed: Enclosure | None) -> tuple[str, dict[str, Any]]:
    """Address and content, by the services' documentation of custom robots (text messages)."""
    words = f"{title}\n{text}"
    match receiver.scheme:
        case "dingtalk":
            address = f"https://oapi.dingtalk.com/robot/send?access_token={receiver.token}"
            return str(httpx.URL(address).copy_merge_params(_signed(receiver.secret))), _text(words)
        case "wecombot":
            return f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={receiver.token}", _text(words)
        case "feishu":
            address = f"https://open.feishu.cn/open-apis/bot/v2/hook/{receiver.token}"
            return address, {"msg_type": "text", "content": {"text": words}}
        case scheme:
            attached = [] if enclosed is None else [_attached(enclosed)]
            content = {"version": "1.0", "title": title, "message": text, "type": "info", "attachments": attached}
            return f"{'https' if scheme == 'jsons' else 'http'}://{receiver.token}", content


def _attached(enclosed: Enclosure) -> dict[str, str]:
    content = base64.b64encode(enclosed.file.read_bytes()).decode()
    return {"filename": enclosed.file.name, "base64": content, "mimetype": enclosed.kind}


def _text(words: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": words}}


def _signed(secret: str) -> dict[str, str]:
    """钉钉加签: HMAC-SHA256 over "<milliseconds>\\n<secret>" with the secret, Base64; nothing for a robot without one."""
    if not secret:
        return {}
    moment = str(round(time.time() * 1000))
    digest = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()
    return {"timestamp": moment, "sign": base64.b64encode(digest).decode()}


def _refusal(answer: httpx.Response) -> str:
    """Why the other side did not take it, as a number; "" when it did."""
    if answer.status_code >= 300:
        return str(answer.status_code)
    try:
        verdict = answer.json()
    except ValueError:
        return ""
    named = ((name, verdict.get(name)) for name in VERDICTS) if isinstance(verdict, dict) else ()
    return next((f"{name} {value}" for name, value in named if value), "")
