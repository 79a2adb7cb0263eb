"""Which feeds there are and where their systems live. Owns the shape of <source>.toml and of <data>/sources.toml.

Addresses and secrets are never in the first; the second must be readable by its owner only, and may name an environment
variable or another such file in place of any value."""

from __future__ import annotations

import difflib
import math
import os
import re
import stat
import tomllib
import zoneinfo
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from warehouse.catalog.definitions import Contract, contracts
from warehouse.core.errors import CockpitError, ConfigError, Refused
from warehouse.core.settings import Settings
from warehouse.ingest.parse import PER_SECOND

FOLDER = Path(__file__).resolve().parents[1] / "sources"
JOBS = ("refresh", "live")
TRANSPORTS = ("http_json", "sql_database", "files")
AUTHS, PAGINGS, TIMES = ("token", "oauth2", "none"), ("page", "cursor", "window"), ("iso", "text", "epoch", "epoch_ms")
REQUEST = {"since": "updated_since", "until": "updated_until", "page": "page", "size": "page_size", "cursor": "cursor"}
ANSWER = {
    "items": "data.items",
    "total": "data.total",
    "next": "data.next_cursor",
    "until": "data.updated_until",
    "code": "code",
    "ok": 0,
    "message": "message",
}
RULE = {
    "from": "对方的列名",
    "scale": "一个数",
    "unit": " s、ms、us 或 ns",
    "time_zone": "时区名,如 UTC、Asia/Tokyo",
    "values": "一张表,值都写成文字(加引号)",
    "optional": " true 或 false",
}


@dataclass(frozen=True)
class Feed:
    """One way by which one entity arrives. jobs: which jobs ask for it. columns: our name → theirs, or {from, scale,
    time_zone, values, optional} (see warehouse.ingest.parse); constants: our name → one value for every row. sparse: a
    row may leave out what is empty. expect_rows: an empty answer is a fault (D21), not a fact. snapshot: each delivery
    is the whole list. reconcile: the source can list its keys (SQL; over HTTP under keys_path).

    http_json: path, auth, token_path, scope, paging, page_size, request and answer (names and dotted paths of the
    protocol, "" = the source has no such thing), time (how instants are written), max_per_s (0 = no limit), window_s
    (longest span of one request series), first_back_s (how far back the first one reaches), most_back_s, overlap_s
    (span asked again each time, for rows that arrive late), probe (ask for the newest known row where nothing is new:
    has the source gone back?). sql_database: table ("schema.table" allowed), cursor_column ("" = the whole table each
    time), overlap_s (0 = 24 h). files: glob, member (which files inside a ZIP), encoding and delimiter ("" = found
    out), mapping_beside, sheet (glob on the sheet's name), name_date (regex on the file name: year, month and perhaps
    day of the ledger)."""

    source: str
    entity: str
    transport: str
    jobs: tuple[str, ...]
    path: str = ""
    keys_path: str = ""
    auth: str = "token"
    token_path: str = ""
    scope: str = ""
    paging: str = "page"
    request: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    time: str = "iso"
    max_per_s: float = 0.0
    probe: bool = False
    table: str = ""
    cursor_column: str = ""
    glob: str = ""
    member: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    name_date: str = ""
    mapping_beside: bool = False
    page_size: int = 2000
    window_s: int = 86400
    first_back_s: int = 86400
    most_back_s: int = 0
    overlap_s: int = 0
    expect_rows: bool = False
    reconcile: bool = False
    snapshot: bool = False
    sparse: bool = False
    columns: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        return contracts()[f"{self.source}_{self.entity}"]

    @property
    def cursor_name(self) -> str:
        """Feeds of one entity by different transports keep different cursors."""
        return f"{self.entity}:{self.transport}"

    @property
    def mapping(self) -> dict[str, Any]:
        """What a payload of this feed is landed with, so that it can be read the same way at any later time. Without a
        column mapping the contract's own names are asked for: a column that has gone is noticed, one too many stays
        out."""
        found: dict[str, Any] = {"columns": self.columns or self._own_names()}
        if self.transport == "http_json":
            found["items"] = {**ANSWER, **self.answer}["items"]
        for name in ("encoding", "delimiter", "sheet", "member", "name_date", "snapshot", "constants"):
            if getattr(self, name):
                found[name] = getattr(self, name)
        return found

    def _own_names(self) -> dict[str, Any]:
        given = set(self.constants)
        names: dict[str, Any] = {}
        for column in self.contract.stored:
            if (
                column.source not in given
                and column.name not in given
                and not (self.name_date and column.name == "ledger_at")
            ):
                names[column.source] = {"from": column.source, "optional": True} if self.sparse else column.source
            if column.fallback:
                names.setdefault(column.fallback, column.fallback)
        return names

    def theirs(self, ours: str) -> str:
        """The source's own name of one of our columns."""
        rule = self.mapping["columns"].get(ours, ours)
        return str(rule if isinstance(rule, str) else rule["from"])


@dataclass(frozen=True)
class Endpoint:
    """Where a source lives: base url with client id and secret, a database DSN (its password may stand apart), or a
    drop folder: a path, sftp://user@host/folder or s3://bucket/prefix with `options` ("" = not set up). ca: file with
    the certificates of a private authority."""

    url: str = ""
    client_id: str = ""
    client_secret: str = ""
    ca: str = ""
    dsn: str = ""
    password: str = ""
    drop: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:  # so that no log and no traceback shows a secret
        return f"Endpoint({', '.join(item.name for item in fields(self) if getattr(self, item.name))})"


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
    given = _toml(file, "来源描述文件")
    defaults = given.pop("defaults", {})
    listed = given.pop("feeds", [])
    _refuse_unknown(given, {"label"}, file.name)
    if (
        not isinstance(defaults, dict)
        or not isinstance(listed, list)
        or not all(isinstance(own, dict) for own in listed)
    ):
        raise ConfigError("defaults 应为一张表,feeds 应写成 [[feeds]]", where=file.name)
    found = []
    for number, own in enumerate(listed, 1):
        where = f"{file.name} 第 {number} 个 feeds({own.get('entity', '?')})"
        merged = {**defaults, **own, "source": file.stem}
        for name in ("request", "answer"):
            if isinstance(defaults.get(name), dict) and isinstance(own.get(name), dict):
                merged[name] = {**defaults[name], **own[name]}
        found.append(_feed(merged, where))
    return found


def _feed(given: dict[str, Any], where: str) -> Feed:
    _refuse_unknown(given, {item.name for item in fields(Feed)}, where)
    lacking = [
        item.name
        for item in fields(Feed)
        if item.default is MISSING and item.default_factory is MISSING and item.name not in given
    ]
    if lacking:
        raise ConfigError(f"缺少必填的键:{'、'.join(lacking)}", where=where)
    for item in fields(Feed):
        sample = (
            item.default
            if item.default is not MISSING
            else {}
            if item.default_factory is not MISSING
            else []
            if item.name == "jobs"
            else ""
        )
        wanted = (int, float) if isinstance(sample, float) else type(sample)
        if item.name in given and (
            not isinstance(given[item.name], wanted)
            or (isinstance(given[item.name], bool) and not isinstance(sample, bool))
        ):
            raise ConfigError(f"键 {item.name} 的值类型不对:应为 {type(sample).__name__}", where=where)
    feed = Feed(**{**given, "jobs": tuple(given["jobs"])})
    if f"{feed.source}_{feed.entity}" not in contracts():
        raise ConfigError(
            f"没有这张落地表的约定:{feed.source}_{feed.entity}",
            where=where,
            to_do="请核对 entity,或先写好 warehouse/raw 下的约定文件",
        )
    _check_words(feed, where)
    _check_columns(feed, where)
    return feed


def _check_words(feed: Feed, where: str) -> None:
    for name, allowed in (("transport", TRANSPORTS), ("auth", AUTHS), ("paging", PAGINGS), ("time", TIMES)):
        if getattr(feed, name) not in allowed:
            raise ConfigError(f"键 {name} 的值 {getattr(feed, name)} 不在允许范围:{'、'.join(allowed)}", where=where)
    if not feed.jobs or set(feed.jobs) - set(JOBS):
        raise ConfigError(
            f"键 jobs 的值 {list(feed.jobs)} 不在允许范围:{'、'.join(JOBS)}",
            where=where,
            to_do="写错的任务名永远不会取数,请改成其中之一或几个",
        )
    _refuse_unknown(feed.request, {*REQUEST, "extra"}, f"{where} request")
    _refuse_unknown(feed.answer, set(ANSWER), f"{where} answer")
    needed = {"http_json": ["path"], "sql_database": ["table"], "files": ["glob"]}[feed.transport]
    if feed.transport == "http_json" and feed.auth != "none":
        needed.append("token_path")
    for name in needed:
        if not getattr(feed, name):
            raise ConfigError(f"{feed.transport} 必须写明 {name}", where=where)
    for name in ("path", "token_path", "keys_path"):
        if getattr(feed, name) and not getattr(feed, name).startswith("/"):
            raise ConfigError(f"{name} 应以 / 开头,主机只写在 sources.toml", where=where)
    if feed.reconcile and feed.transport != "sql_database" and not feed.keys_path:
        raise ConfigError("核对删除需要来源能列出全部键:HTTP 请写 keys_path,文件请用 snapshot", where=where)
    _check_ledger(feed, where)


def _check_ledger(feed: Feed, where: str) -> None:
    if feed.name_date:
        try:
            groups = re.compile(feed.name_date).groups
        except re.error as error:
            raise ConfigError(f"name_date 不是正确的正则表达式:{error}", where=where) from error
        if groups not in (2, 3):
            raise ConfigError("name_date 应有两组(年、月)或三组(年、月、日)", where=where)
        if "ledger_at" not in {column.name for column in feed.contract.columns}:
            raise ConfigError("name_date 需要约定里有 ledger_at 列", where=where)
        if feed.snapshot and feed.contract.version != "ledger_at":
            raise ConfigError("按文件名取日期的全量台账,约定的 version 应为 ledger_at", where=where)
    if feed.snapshot and (feed.transport == "http_json" or feed.cursor_column or feed.contract.load in ("lake", "own")):
        raise ConfigError("snapshot 只用于整份的文件或没有游标列的表", where=where)


def _check_columns(feed: Feed, where: str) -> None:
    known = {name for column in feed.contract.columns for name in (column.name, column.source, column.fallback) if name}
    for name in ("columns", "constants"):
        unknown = set(getattr(feed, name)) - known
        if unknown:
            raise ConfigError(f"{name} 里有约定没有的列:{'、'.join(sorted(unknown))}", where=where)
    for ours, rule in feed.columns.items():
        check_rule(ours, rule, where)


def check_rule(ours: str, rule: Any, where: str) -> None:
    """Raises ConfigError unless `rule` is a column's name or a table of known words with `from` in it."""
    if isinstance(rule, str):
        return
    if not isinstance(rule, dict) or not isinstance(rule.get("from"), str):
        raise ConfigError(f"列 {ours} 的对应关系应为列名或 {{ from = … }}", where=where)
    _refuse_unknown(rule, set(RULE), f"{where} 列 {ours}")
    scale, words, zone = rule.get("scale", 1), rule.get("values", {}), rule.get("time_zone", "UTC")
    wrong = {
        "scale": isinstance(scale, bool) or not isinstance(scale, (int, float)) or not math.isfinite(scale),
        "values": not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()),
        "unit": rule.get("unit", "s") not in PER_SECOND,
        "time_zone": not isinstance(zone, str) or zone not in zoneinfo.available_timezones(),
        "optional": not isinstance(rule.get("optional", False), bool),
    }
    for key in (key for key, is_wrong in wrong.items() if is_wrong):
        raise ConfigError(f"列 {ours} 的 {key} 写得不对:应为{RULE[key]}", where=where)


def _refuse_unknown(given: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], sorted(known), 1)
        raise ConfigError(
            f"未知的键:{'、'.join(unknown)}",
            where=where,
            to_do=f"请改成 {near[0]} 或删去" if near else f"请删去;可用的键:{'、'.join(sorted(known))}",
        )


def _toml(file: Path, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{what}无法读取:{error}", where=file.name) from error


def addressed(settings: Settings) -> tuple[dict[str, Endpoint], bool, Faults]:
    """Source → endpoint, whether these are the stand-in sources of the demo, and what is wrong with the sections of
    other sources.

    Raises ConfigError when <data>/sources.toml is missing or cannot be read at all, Refused when others can read it."""
    file = settings.sources
    if not file.exists():
        raise ConfigError(
            "没有来源地址文件", where=str(file), to_do="请按 etl/README.md 写好 sources.toml,或先运行 ./zhengbei demo"
        )
    _private(file, "来源地址文件")
    given = _toml(file, "来源地址文件")
    is_demo = bool(given.pop("is_demo", False))
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
        raise ConfigError(f"未知的键:{name}", where=file)
    where = f"{file} [{name}]"
    _refuse_unknown(values, {item.name for item in fields(Endpoint)}, where)
    plain = {key: _plain(value, f"{where} {key}") for key, value in values.items()}
    for key, value in plain.items():
        if isinstance(value, dict) != (key == "options"):
            raise ConfigError(f"键 {key} 的值类型不对", where=where)
    texts: dict[str, Any] = {key: value if key == "options" else str(value) for key, value in plain.items()}
    return Endpoint(**texts)


def _plain(value: Any, where: str) -> Any:
    """The value itself, or what the environment variable or file it names holds."""
    if isinstance(value, dict):
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
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
        raise Refused(f"{what}含密钥,却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
