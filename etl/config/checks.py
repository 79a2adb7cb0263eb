"""What only the transport, the contract or another key makes wrong in a description that has the right shape. Every fault
is a ConfigError in one sentence, with its place and what to do."""

from __future__ import annotations

import codecs
import math
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from etl.config.schema import KEYS_OF, ColumnMapping, Columns, Feed, FileMapping
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract
from warehouse.core import toml
from warehouse.core.errors import ConfigError
from warehouse.ingest import json_paths
from warehouse.ingest.column_rules import theirs


def check(feed: Feed, own: Iterable[str], where: str) -> None:
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
    _check_where(feed, where)
    check_mapping(feed, feed.contract, where)
    _check_paths(feed, where)


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


def _check_where(feed: Feed, where: str) -> None:
    is_part = bool(feed.cursor_column) or feed.transport == "http_json"
    if feed.where and is_part and not feed.reconcile:
        raise ConfigError(
            "只取变化的表写了 where，就要写 reconcile = true",
            where=where,
            to_do="请补上：否则来源后来标为作废的行会一直留着；不能列出全部键的，请删去 cursor_column，每次取整张表",
        )
    if feed.cursor_type and not feed.cursor_column:
        raise ConfigError("写了 cursor_type 而没有 cursor_column", where=where, to_do="请补上 cursor_column")
    if feed.reads and not feed.hook:
        raise ConfigError("写了 reads 而没有 hook", where=where, to_do="请删去 reads，或写上 hook")


def _check_paths(feed: Feed, where: str) -> None:
    if feed.transport != "http_json":
        return
    columns = [name for rule in feed.mapping["columns"].values() for name in theirs(rule)]
    answer = [getattr(feed.answer, name) for name in ("items", "total", "next", "until", "code", "message")]
    for path in (*columns, *feed.where, *answer):
        try:
            json_paths.check(path)
        except ValueError:
            raise ConfigError(f"不是正确的 JMESPath：{path[:60]}", where=where, to_do="写法见 etl/README.md") from None


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
        _check_cut(ours, rule, where)
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


def _check_cut(ours: str, rule: ColumnMapping, where: str) -> None:
    if isinstance(rule.match, str):
        try:
            re.compile(rule.match)
        except re.error as error:
            raise ConfigError(f"columns.{ours}.match 不是正确的正则表达式：{error}", where=where) from error
    if rule.take == 0 or (rule.take is not msgspec.UNSET and rule.split is msgspec.UNSET):
        raise ConfigError(
            f"columns.{ours}.take 要与 split 一起写，从 1 数起，-1 为最后一段",
            where=where,
            to_do="请补上 split 或改 take",
        )
    if rule.join is not msgspec.UNSET and isinstance(rule.source, str):
        raise ConfigError(
            f"columns.{ours}.join 只用于几列合成一列", where=where, to_do='请把 from 写成清单，如 ["日期", "时间"]'
        )


def check_hosts(found: list[Feed], file: str) -> None:
    """Raises ConfigError where a table that comes from several hosts is taken for whole in one of them."""
    for feed in found:
        several = {other.lives_at for other in found if other.entity == feed.entity}
        if len(several) > 1 and (feed.reconcile or feed.snapshot):
            raise ConfigError(
                f"{feed.entity} 由 {'、'.join(sorted(several))} 几处到达，不能写 reconcile 或 snapshot",
                where=file,
                to_do="请删去：一处没有的行在另一处，不能当作删除",
            )
