"""A list that somebody files: what to write into its cells, and the seal on it while it waits. Without anything that
reads lists, so that the web server need not load what does."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from warehouse.core.errors import Refused
from warehouse.core.keys import Vault
from warehouse.core.settings import Settings

TYPES = {
    "DATE": "日期，如 2026-01-31",
    "TIMESTAMP": "时间，如 2026-01-31 09:30",
    "BOOLEAN": "是 或 否",
    "DOUBLE": "数字",
    "VARCHAR": "文字",
}


def kind(column_type: str) -> str:
    """What a person writes into a cell of such a column, in words."""
    return TYPES.get(column_type, "整数")


def seal(settings: Settings, table: str, body: bytes) -> bytes:
    """`body` encrypted for the time it waits: an uploaded list may name people."""
    return Vault(settings.keys).seal(body, f"filed:{table}".encode())


def unseal(settings: Settings, table: str, sealed: bytes) -> bytes:
    """What seal() was given. Raises Refused when it was altered or belongs to another table."""
    try:
        return Vault(settings.keys).open(sealed, f"filed:{table}".encode())
    except InvalidTag as error:
        raise Refused("填报内容已损坏", where=table, to_do="请重新上传") from error
