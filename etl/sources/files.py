"""Files in a drop folder. Owns finding new ones and the mapping file beside; reads bytes, opens nothing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.config import Feed
from warehouse.errors import ConfigError

SETTLE_S = 2.0
"""A file younger than this may still be growing and waits for the next run."""


@dataclass(frozen=True)
class Drop:
    """A new file: its path, the name it is booked under (path in the folder, size, time) and its mapping."""

    path: Path
    name: str
    mapping: dict[str, Any]


def waiting(feed: Feed, folder: Path, known: set[str], now_s: float) -> list[Drop]:
    """Files of the feed that are not in `known`, in the order of their names. now_s: seconds since the epoch.

    Raises ConfigError when a mapping file beside one is broken."""
    found = []
    for path in sorted(folder.glob(feed.glob)):
        if path.name.startswith(".") or path.suffix in (".tmp", ".toml"):
            continue
        facts = path.stat()
        name = f"{path.relative_to(folder)}|{facts.st_size}|{facts.st_mtime_ns}"
        beside = path.with_name(path.name.split(".csv")[0] + ".map.toml")
        if name in known or now_s - facts.st_mtime < SETTLE_S or (feed.mapping_beside and not beside.exists()):
            continue
        found.append(Drop(path, name, _mapping(feed, beside)))
    return found


def _mapping(feed: Feed, beside: Path) -> dict[str, Any]:
    mapping: dict[str, Any] = {"columns": feed.columns}
    if feed.encoding:
        mapping["encoding"] = feed.encoding
    if beside.exists():
        try:
            mapping = tomllib.loads(beside.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"映射文件无法解析:{error}", where=beside.name) from error
        unknown = set(mapping) - {"columns", "constants", "encoding", "pseudonyms", "accept_bad"}
        if unknown:
            raise ConfigError(f"映射文件有未知的键:{'、'.join(sorted(unknown))}", where=beside.name)
    return mapping
