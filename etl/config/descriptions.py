"""Which feeds there are and where their systems live. Owns reading <source>.toml and <data>/sources.toml, and what in
them only its neighbours make wrong.

Addresses and secrets are never in the first; the second must be readable by its owner only, and may name an environment
variable or another such file in place of any value."""

from __future__ import annotations

import codecs
import math
import os
import re
import stat
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from etl.config.schema import KEYS_OF, Addresses, ColumnMapping, Columns, Endpoint, Feed, FileMapping, SourceDescription
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract
from warehouse.core import toml
from warehouse.core.errors import CockpitError, ConfigError, Refused
from warehouse.core.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "sources"

Faults = dict[str, CockpitError]
"""Source → what is wrong with what is written about it, in file, key and cure. Such a source is left out; the others go
on."""


def described(settings: Settings | None = None) -> tuple[list[Feed], Faults]:
    """The feeds of all sources whose description is right, and what is wrong with the others: the shipped files, each
    replaced by <data>/sources/<source>.toml where `settings` are given and there is one; that folder may add
    sources."""
    files = {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}
    if settings is not None:
        files |= {file.stem: file for file in sorted((settings.data / "sources").glob("*.toml"))}
    found: list[Feed] = []
    faults: Faults = {}
    for name in sorted(files):
        try:
            found += _read(files[name])
        except CockpitError as error:
            faults[name] = error
    return found, faults


def feeds(settings: Settings | None = None) -> list[Feed]:
    """All feeds of all sources. Raises ConfigError naming file and key when one of them is wrong."""
    found, faults = described(settings)
    for error in faults.values():
        raise error
    return found


def _read(file: Path) -> list[Feed]:
    given = toml.load(file)
    toml.convert(given, SourceDescription, file.name)
    defaults: dict[str, Any] = given.get("defaults", {})
    found = []
    for number, own in enumerate(given.get("feeds", []), 1):
        where = f"{file.name} 第 {number} 个 feeds（{own.get('entity', '?')}）"
        merged = {**defaults, **own, "source": file.stem}
        for name in ("request", "answer"):
            if name in defaults and name in own:
                merged[name] = {**defaults[name], **own[name]}
        feed = toml.convert(merged, Feed, where)
        _check(feed, own, where)
        found.append(feed)
    return found


def _check(feed: Feed, own: Iterable[str], where: str) -> None:
    """Raises ConfigError for what only the transport, the contract or another key makes wrong. own: the keys that the
    feed itself has; what is common to the file may be for its other feeds."""
    entities = [contract.entity for contract in contracts().values() if contract.source == feed.source]
    if feed.entity not in entities:
        raise ConfigError(
            f"没有这张落地表的约定：{feed.source}_{feed.entity}",
            where=where,
            to_do=f"请核对 entity（{'、'.join(entities) or '这个来源还没有约定'}），或先写好 warehouse/raw 下的约定文件",
        )
    for key in own:
        meant = [transport for transport, keys in KEYS_OF.items() if key in keys]
        if meant and feed.transport not in meant:
            raise ConfigError(
                f"键 {key} 只用于 {'、'.join(meant)}，这里的 transport 是 {feed.transport}",
                where=where,
                to_do=f"请删去 {key}，或改 transport",
            )
    _check_needed(feed, where)
    _check_ledger(feed, where)
    check_mapping(feed, feed.contract, where)


def _check_needed(feed: Feed, where: str) -> None:
    needed = {"http_json": ["path"], "sql_database": ["table"], "files": ["glob"]}[feed.transport]
    if feed.transport == "http_json" and feed.auth != "none":
        needed.append("token_path")
    for name in needed:
        if not getattr(feed, name):
            raise ConfigError(f"{feed.transport} 必须写明 {name}", where=where, to_do=f"请补上 {name}")
    if feed.reconcile and feed.transport != "sql_database" and not feed.keys_path:
        raise ConfigError("核对删除需要来源能列出全部键：HTTP 请写 keys_path，文件请用 snapshot", where=where)


def _check_ledger(feed: Feed, where: str) -> None:
    if feed.snapshot and (feed.transport == "http_json" or feed.cursor_column or feed.contract.load in ("lake", "own")):
        raise ConfigError("snapshot 只用于整份的文件或没有游标列的表", where=where)
    if feed.name_date and feed.snapshot and feed.contract.version != "ledger_at":
        raise ConfigError("按文件名取日期的全量台账，约定的 version 应为 ledger_at", where=where)


def check_mapping(given: Feed | FileMapping, contract: Contract, where: str) -> None:
    """Raises ConfigError unless the columns are the contract's and what is said of them can be carried out."""
    known = [name for column in contract.columns for name in (column.name, column.source, column.fallback) if name]
    listed: dict[str, Mapping[str, Any]] = {"columns": given.columns, "constants": given.constants}
    for key, names in listed.items():
        for name in names:
            if name not in known:
                near = toml.near(name, known)
                raise ConfigError(
                    f"{key} 里有约定没有的列：{name}",
                    where=where,
                    to_do=f"请改成 {near}"
                    if near
                    else f"约定 {contract.table} 的列：{'、'.join(dict.fromkeys(known))}",
                )
    _check_rules(given.columns, where)
    if given.encoding:
        try:
            codecs.lookup(given.encoding)
        except LookupError:
            raise toml.refuse("encoding", given.encoding, "编码名，如 utf-8、gb18030、utf-16", where) from None
    if given.name_date:
        try:
            groups = re.compile(given.name_date).groups
        except re.error as error:
            raise ConfigError(f"name_date 不是正确的正则表达式：{error}", where=where) from error
        if groups not in (2, 3):
            raise ConfigError("name_date 应有两组（年、月）或三组（年、月、日）", where=where)
        if "ledger_at" not in known:
            raise ConfigError("name_date 需要约定里有 ledger_at 列", where=where)


def _check_rules(columns: Columns, where: str) -> None:
    for ours, rule in columns.items():
        if not isinstance(rule, ColumnMapping):
            continue
        if isinstance(rule.scale, int | float) and not math.isfinite(rule.scale):
            raise toml.refuse(f"columns.{ours}.scale", rule.scale, "一个有限的数", where)
        if isinstance(rule.time_zone, str) and rule.time_zone not in zoneinfo.available_timezones():
            near = toml.near(f"Asia/{rule.time_zone}", zoneinfo.available_timezones())
            raise toml.refuse(
                f"columns.{ours}.time_zone",
                rule.time_zone,
                "时区名，如 UTC、Asia/Shanghai",
                where,
                to_do=f"请改成 {near}" if near else "",
            )


def addressed(settings: Settings) -> tuple[dict[str, Endpoint], bool, Faults]:
    """Source → endpoint, whether these are the stand-in sources of the demo, and what is wrong with the sections of
    other sources.

    Raises ConfigError when <data>/sources.toml is missing or cannot be read at all, Refused when others can read it."""
    file = settings.sources
    if not file.exists():
        raise ConfigError(
            "没有来源地址文件", where=str(file), to_do="请按 etl/README.md 写好 sources.toml，或先运行 ./zhengbei demo"
        )
    _private(file, "来源地址文件")
    given = toml.load(file)
    is_demo = toml.convert({"is_demo": given.pop("is_demo", False)}, Addresses, file.name).is_demo
    found: dict[str, Endpoint] = {}
    faults: Faults = {}
    for name, values in given.items():
        try:
            found[name] = _endpoint(file.name, name, values)
        except CockpitError as error:
            faults[name] = error
    return found, is_demo, faults


def endpoints(settings: Settings) -> tuple[dict[str, Endpoint], bool]:
    """The same where every section must be right. Raises what is wrong with one."""
    found, is_demo, faults = addressed(settings)
    for error in faults.values():
        raise error
    return found, is_demo


def _endpoint(file: str, name: str, values: Any) -> Endpoint:
    if not isinstance(values, dict):
        toml.convert({name: values}, dict[str, Endpoint], file, secret=[name])
    where = f"{file} [{name}]"
    given = toml.convert(values, Endpoint, where, secret=Endpoint.__struct_fields__)
    return Endpoint(**{key: plain(value, f"{where} {key}") for key, value in msgspec.structs.asdict(given).items()})


def plain(value: Any, where: str) -> Any:
    """The value itself, or what the environment variable or file it names holds."""
    if isinstance(value, dict):
        return {key: plain(item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise ConfigError(f"没有环境变量 {name}", where=where, to_do="请在启动装载进程的环境里设置它")
        return os.environ[name]
    # file:/path is one slash after the colon: a file:// address is a folder's, not a secret's
    if value.startswith("file:/") and not value.startswith("file://"):
        file = Path(value.removeprefix("file:"))
        if not file.is_file():
            raise ConfigError(f"没有文件 {file}", where=where)
        _private(file, "密钥文件")
        try:
            return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("密钥文件无法读取", where=f"{where} {file}") from error
    return value


def _private(file: Path, what: str) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Refused(f"{what}含密钥，却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
