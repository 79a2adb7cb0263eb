"""Where everything lies in a data folder, and the few knobs. Owns paths and defaults; never opens anything but its own
file."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from warehouse.core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
"""The package folder: contracts, models and metrics lie in it."""

COMMIT = ROOT / "COMMIT"
"""Written by ./zhengbei when it starts: the commit that this folder holds. Not there in a folder without its
history."""


def release() -> str:
    """Which code this is: the version of pyproject.toml and the commit, "0.2.0+7fc88b4a"; without the commit where it
    is not known."""
    commit = COMMIT.read_text("utf-8").strip() if COMMIT.exists() else ""
    return f"{version('zhengbei')}+{commit}" if commit else version("zhengbei")


RELEASE = release()
"""Stands on every page, in every snapshot and on every report."""


@dataclass(frozen=True)
class Settings:
    """Paths below one data folder. Every process gets the same `data`; `etl` alone writes all but `state` and
    `reports`."""

    data: Path
    options: dict[str, object] = field(default_factory=dict)

    @classmethod
    def at(cls, data: Path | str) -> Settings:
        """Settings of `data`, with the optional `<data>/zhengbei.toml` read. Raises ConfigError when that file is
        broken."""
        folder = Path(data).expanduser().resolve()
        file = folder / "zhengbei.toml"
        options: dict[str, object] = {}
        if file.exists():
            try:
                options = tomllib.loads(file.read_text("utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigError(f"设置文件无法读取:{error}", where=str(file)) from error
        return cls(folder, options)

    @classmethod
    def from_env(cls) -> Settings:
        """Settings of the folder in ZHENGBEI_DATA, ./var when unset: how a web worker finds its data."""
        return cls.at(os.environ.get("ZHENGBEI_DATA", "var"))

    def option(self, name: str, default: object) -> object:
        """An option of zhengbei.toml, `default` when it is not set."""
        return self.options.get(name, default)

    @property
    def landing(self) -> Path:
        return self.data / "landing"

    @property
    def lake(self) -> Path:
        return self.data / "lake"

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def ledger(self) -> Path:
        return self.data / "ledger.jsonl"

    @property
    def lock(self) -> Path:
        return self.data / "etl.lock"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def live(self) -> Path:
        return self.data / "live"

    @property
    def reports(self) -> Path:
        return self.data / "reports"

    @property
    def backup(self) -> Path:
        return self.data / "backup"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def own(self) -> Path:
        """The bureau's own tables (targets, SLAs, rules) when they replace the shipped ones."""
        return self.data / "own"

    @property
    def state(self) -> Path:
        return self.data / "state.sqlite"

    @property
    def sources(self) -> Path:
        """Addresses and secrets of the source systems, mode 0600."""
        return self.data / "sources.toml"

    @property
    def temp(self) -> Path:
        return self.data / "tmp"
