"""Where everything lies in a data folder, and the few knobs. Owns paths and defaults; never opens anything but its own
file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from warehouse.core import data_format, toml

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


Hours: TypeAlias = Annotated[int, Meta(gt=0, le=744)] | Annotated[float, Meta(gt=0, le=744)]
Minutes: TypeAlias = Annotated[int, Meta(gt=0, le=1440)] | Annotated[float, Meta(gt=0, le=1440)]


class Backup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where backups go, and for how long they stay there."""

    to: tuple[str, ...] = ()
    """Folders, sftp:// or s3:// addresses; () = no backup."""
    key: str = ""
    """The file with the key (./zhengbei backup key), outside the data folder."""
    hold: Annotated[int, Meta(ge=1, le=3650)] = 30
    """So many of the newest backups stay in each place; the newest one that was proven by a drill stays besides."""
    options: dict[str, Any] = {}
    """Of the remote places: host_key, key_filename, endpoint_url …; secrets as "env:NAME" or "file:/path"."""


ADDRESSES = '"local[*]"、"spark://主机:7077" 或 "sc://主机:15002"'
"""How the address of a Spark cluster is written."""


class Lake(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the models of positions are worked out with."""

    engine: Literal["duckdb", "spark"] = "duckdb"
    """duckdb: by the loader itself; spark: by a cluster that sees the folder lake/ under the same path."""
    spark_master: Annotated[
        str,
        Meta(
            pattern=r"^(local\[(\*|[1-9]\d*)\]|spark://[0-9A-Za-z.\-_]+:\d{1,5}(,[0-9A-Za-z.\-_]+:\d{1,5})*|sc://[0-9A-Za-z.\-_]+(:\d{1,5})?(/;\S+)?)?$",
            description=ADDRESSES,
        ),
    ] = ""
    """The cluster's address; "" = none, which only duckdb goes with."""
    spark_minutes: Annotated[int, Meta(ge=1, le=1440)] = 240
    """A model that is not done after so long is given up for this build."""
    spark_options: dict[str, str] = {}
    """Spark's own settings, such as "spark.executor.memory"; secrets belong into the cluster's files."""


class Bulletin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The distribution at the foot of a report's first pages, and who signs."""

    report_to: Annotated[str, Meta(max_length=60)] = "局领导"
    """报: whom above; "" = the line is left out, as with the other two."""
    send_to: Annotated[str, Meta(max_length=60)] = "局机关各科室、局属各单位"
    """送: whom beside."""
    issue_to: Annotated[str, Meta(max_length=60)] = "各镇（街道）"
    """发: whom below."""
    copies: Annotated[int, Meta(ge=0, le=9999)] = 0
    """Printed copies; 0 = not told."""
    signer: Annotated[str, Meta(max_length=40)] = ""
    """In whose name a complete report is signed as soon as it is printed; "" = a leader signs in the browser."""


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """<data>/zhengbei.toml, with what holds where nothing is written. A wrong key or value stops the start (exit 78)."""

    hosts: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    """Host names to answer to; None = any."""
    tls: bool = False
    """The site is served over TLS: cookies are Secure and carry the __Host- prefix."""
    behind_proxy: bool = False
    """One proxy stands in front, and what it says of the caller's address is believed."""
    session_hours: Hours = 8
    """A person's session ends so long after the log-in."""
    idle_minutes: Minutes = 15
    """A person's session ends so long after the last request."""
    second_factor: bool = True
    """Leaders and administrators sign in with a password and a code; only a demonstration does without."""
    wall_dim: Annotated[
        str,
        Meta(
            pattern=r"^(([01]?\d|2[0-4])-([01]?\d|2[0-4]))?$",
            description='起止钟点，如 "22-6"；"" 为不变暗',
        ),
    ] = ""
    """Hours in which walls are dimmed."""
    wall_drift_px: Annotated[int, Meta(ge=0, le=50)] | Annotated[float, Meta(ge=0, le=50)] = 2
    """Pixels a wall wanders against burn-in; 0 stands still."""
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[0-9A-Za-z.\-_\[\]:]+(/[0-9A-Za-z._~/\-]*)?)?$",
            description="网址，如 https://主机名 或 http://主机名:端口",
        ),
    ] = ""
    """How the cockpit is reached from where its papers and messages are read; "" = not told."""
    syslog: Annotated[
        str,
        Meta(
            pattern=r"^(/[^\x00-\x20]+|[0-9A-Za-z.\-_]+(:[0-9]{1,5})?)?$",
            description='套接字或 主机:端口，如 "/dev/log" 或 "10.20.30.9:514"',
        ),
    ] = ""
    """Where anchors of the audit log go besides; "" = nowhere."""
    metrics_from: tuple[
        Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+(/\d{1,3})?$", description='地址或网段，如 "10.20.30.0/24"')], ...
    ] = (
        "127.0.0.1",
        "::1",
    )
    """Addresses and networks that /metrics answers to."""
    log_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    """Days for which the services' JSON lines stay in <data>/logs; 0 = none are written."""
    backup: Backup = Backup()
    lake: Lake = Lake()
    bulletin: Bulletin = Bulletin()
    sheets: tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...] = ()
    """Who gets a sheet of its own with every weekly report: towns and offices by name, 镇街 or 科室 for all of these."""
    report_at: str = "mon 08:00"
    """Day and time of the weekly report; how it may be written is warehouse.core.timetable's matter."""


@dataclass(frozen=True)
class Settings:
    """Paths below one data folder. Every process gets the same `data`; `etl` alone writes all but `state` and
    `reports`."""

    data: Path
    options: Options = field(default_factory=Options)

    @classmethod
    def at(cls, data: Path | str) -> Settings:
        """Settings of `data`, with the optional `<data>/zhengbei.toml` read. Raises ConfigError naming file, key and
        value when something in that file is wrong."""
        folder = Path(data).expanduser().resolve()
        file = folder / "zhengbei.toml"
        options = toml.read(file, Options, where=str(file)) if file.exists() else Options()
        if options.lake.engine == "spark" and not options.lake.spark_master:
            raise toml.refuse("lake.spark_master", "", ADDRESSES, str(file))
        return cls(folder, options)

    @classmethod
    def from_env(cls) -> Settings:
        """Settings of the folder in ZHENGBEI_DATA, ./var when unset: how a web worker finds its data."""
        settings = cls.at(os.environ.get("ZHENGBEI_DATA", "var"))
        data_format.refuse_newer(settings.data)  # the folder may have been brought up to date since the server started
        return settings

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
    def fonts(self) -> Path:
        """Licensed faces of the bureau for its printed reports; never shipped, need not be there."""
        return self.data / "fonts"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

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
