"""What is written to somebody, whatever the way it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STATES = {"waiting": "待发", "sending": "发送中", "sent": "已送达", "failed": "未送达", "unknown": "不能确定"}
"""How a letter stands, in the ledgers of reports and of alerts alike."""


@dataclass(frozen=True)
class Enclosure:
    """A file that goes with a letter: where it lies, what it is called there, and its kind (MIME)."""

    file: Path
    name: str
    kind: str


@dataclass(frozen=True)
class Letter:
    """What is written to somebody. key: the same for the same letter, however often it is tried; seal: what tells two prints under one key
    apart, "" where there is one alone. text: what mail and
    webhooks get; lines: what chats get, the first ones when there is no room for all; link: where to read on, "" where
    nobody can be led; stated: further fields of a webhook's form."""

    key: str
    subject: str
    text: str
    lines: tuple[str, ...] = ()
    link: str = ""
    enclosed: Enclosure | None = None
    stated: Mapping[str, str] = field(default_factory=dict)
    seal: str = ""
