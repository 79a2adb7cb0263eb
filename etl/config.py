"""Which feeds there are and where their systems live. Owns the shape of etl/sources/*.toml and of <data>/sources.toml.

Addresses and secrets are never in the first; the second must be readable by its owner only."""

from __future__ import annotations

import stat
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from warehouse.catalog import Contract, contracts
from warehouse.errors import ConfigError, Refused
from warehouse.settings import Settings

FOLDER = Path(__file__).resolve().parent / "sources"


@dataclass(frozen=True)
class Feed:
    """One way by which one entity arrives. jobs: which jobs ask for it. window_s: longest span of one request series;
    first_back_s: how far back the first one reaches; overlap_s: span asked again each time, for rows that arrive late.
    expect_rows: an empty answer is a fault (D21), not a fact. columns: our name → theirs (see warehouse.parse)."""

    source: str
    entity: str
    transport: str
    jobs: tuple[str, ...]
    path: str = ""
    token_path: str = ""
    table: str = ""
    cursor_column: str = ""
    glob: str = ""
    encoding: str = ""
    mapping_beside: bool = False
    page_size: int = 2000
    window_s: int = 86400
    first_back_s: int = 86400
    most_back_s: int = 0
    overlap_s: int = 0
    expect_rows: bool = False
    reconcile: bool = False
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        return contracts()[f"{self.source}_{self.entity}"]

    @property
    def cursor_name(self) -> str:
        """Feeds of one entity by different transports keep different cursors."""
        return f"{self.entity}:{self.transport}"


@dataclass(frozen=True)
class Endpoint:
    """Where a source lives: base url with client id and secret, a database DSN, or a drop folder ("" = not set up)."""

    url: str = ""
    client_id: str = ""
    client_secret: str = ""
    dsn: str = ""
    drop: str = ""


def feeds() -> list[Feed]:
    """All feeds of all sources. Raises ConfigError naming file and key."""
    found = []
    for file in sorted(FOLDER.glob("*.toml")):
        for given in tomllib.loads(file.read_text("utf-8"))["feeds"]:
            unknown = set(given) - {item.name for item in fields(Feed)}
            if unknown:
                raise ConfigError(f"未知的键:{'、'.join(sorted(unknown))}", where=file.name)
            given["jobs"] = tuple(given["jobs"])
            found.append(Feed(source=file.stem, **given))
    return found


def endpoints(settings: Settings) -> tuple[dict[str, Endpoint], bool]:
    """Source → endpoint, and whether these are the stand-in sources of the demo.

    Raises ConfigError when <data>/sources.toml is missing or wrong, Refused when others can read it."""
    file = settings.sources
    if not file.exists():
        raise ConfigError("没有来源地址文件", where=str(file), to_do="请按 etl/README.md 写好 sources.toml,或先运行 ./zhengbei demo")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Refused("来源地址文件含密钥,却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
    try:
        given = tomllib.loads(file.read_text("utf-8"))
        is_demo = bool(given.pop("is_demo", False))
        return {name: Endpoint(**values) for name, values in given.items()}, is_demo
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ConfigError(f"来源地址文件无法读取:{error}", where=str(file)) from error
