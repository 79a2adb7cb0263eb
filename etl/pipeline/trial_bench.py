"""A source at the bench: the doors to it, some rows as they come, and a database in a folder that is thrown away.

Owns how few rows are got over each way; judges nothing and writes nothing into the data folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pyarrow as pa

from etl.config.schema import Endpoint, Feed
from etl.runtime.parser_pool import Parser
from etl.sources import files
from etl.sources.files import Entry, Folder
from etl.sources.http_json import HttpJson
from warehouse.core.database import Writer
from warehouse.core.errors import CockpitError, ContractBroken, DataMissing
from warehouse.core.keys import Pseudonyms
from warehouse.ingest import column_rules, json_paths, parse
from warehouse.ingest.landing import Landed
from warehouse.ingest.pseudonymize import PrivacyFilter

if TYPE_CHECKING:
    from etl.sources.sql_database import SqlDatabase

SHOWN, OF_A_FILE = 20, 2000
"""Rows that are fetched; rows of a file that are looked at, which is read whole anyway."""
REQUEST_S, ALTOGETHER_S, READ_S = 8, 15, 15
"""Patience with one answer, with one answer and its retries, with one SELECT."""


@dataclass(frozen=True)
class Sample:
    """Some rows of a feed as received, and the mapping by which they are read. place: table, path or file; theirs:
    column → some of its values, [] = not known, {} where the columns cannot be told; rows: at most so many are looked
    at."""

    body: bytes
    kind: str
    place: str
    theirs: dict[str, list[str | None]]
    mapping: dict[str, Any]
    rows: int = SHOWN

    def note(self, feed: Feed, mapping: dict[str, Any], now: dt.datetime) -> Landed:
        """The record that landing would make of it, under another mapping perhaps."""
        at = now.isoformat()
        return Landed(1, feed.source, feed.entity, self.kind, self.place, at, "", len(self.body), mapping=mapping)


class Bench:
    """What trying needs: the doors to one source, and a database in a folder that goes with the block."""

    def __init__(self, folder: Path, source: str, endpoint: Endpoint) -> None:
        self._source, self._folder = source, folder
        limits = {**endpoint.options, "timeout_s": REQUEST_S, "deadline_s": ALTOGETHER_S}
        self.endpoint = msgspec.structs.replace(endpoint, options=limits) if endpoint.url else endpoint
        self.parser = Parser()
        self.privacy = PrivacyFilter(Pseudonyms(folder / "keys"))
        self._close: list[Callable[[], None]] = [self.parser.close]
        self._writer: Writer | None = None
        self._sql: SqlDatabase | None = None
        self._http: HttpJson | None = None
        self._drop: Folder | None = None

    def read(self, feed: Feed, sample: Sample, mapping: dict[str, Any], now: dt.datetime) -> pa.Table:
        """The rows of a sample under our names, as the loader's own parser reads them. Raises ContractBroken."""
        return parse.first(self.parser.parse(sample.note(feed, mapping, now), sample.body), sample.rows)

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(self._folder / "trial.duckdb", self._folder / "spill", memory="512MB", threads=1)
            self._close.append(self._writer.close)
        return self._writer

    @property
    def sql(self) -> SqlDatabase:
        from etl.sources.sql_database import SqlDatabase

        if self._sql is None:
            self._sql = SqlDatabase(self._source, self.endpoint, READ_S)
            self._close.append(self._sql.close)
        return self._sql

    @property
    def http(self) -> HttpJson:
        if self._http is None:
            self._http = HttpJson(self._source, self.endpoint)
            self._close.append(self._http.close)
        return self._http

    @property
    def drop(self) -> Folder:
        if self._drop is None:
            self._drop = Folder(self._source, self.endpoint, self.privacy.shown)
        return self._drop

    def close(self) -> None:
        for one in self._close:
            one()


@contextlib.contextmanager
def opened(source: str, endpoint: Endpoint) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="zhengbei-trial-") as folder:
        bench = Bench(Path(folder), source, endpoint)
        try:
            yield bench
        finally:
            bench.close()


def sign_in(bench: Bench, feed: Feed, shut: dict[str, CockpitError]) -> None:
    """Raises what stands in the way of the feed's whole way, once for all of its feeds."""
    way = f"{feed.transport} {feed.auth} {feed.token_path}"
    if way in shut:
        raise shut[way]
    try:
        if feed.transport == "sql_database":
            bench.sql.sign_in(feed)
        elif feed.transport == "http_json":
            bench.http.sign_in(feed)
        else:
            bench.drop.present()
    except CockpitError as error:
        shut[way] = error
        raise


def fetch(bench: Bench, feed: Feed, now: dt.datetime, limit: int = SHOWN) -> Sample:
    """Up to `limit` rows of the feed; of a file all, or with a limit of 1 nothing but the proof that it can be read. now:
    aware. Raises DataMissing when there are none, else what stands in the way."""
    if feed.transport == "sql_database":
        return _of_database(bench, feed, limit)
    return (
        _of_service(bench, feed, now, limit) if feed.transport == "http_json" else _of_folder(bench, feed, now, limit)
    )


def _of_database(bench: Bench, feed: Feed, limit: int) -> Sample:
    try:
        theirs = bench.sql.columns(feed)
    except ContractBroken as error:
        near = _near_tables(bench, feed)
        raise ContractBroken(error.what, where=error.where, to_do=f"{near}{error.to_do}") from None
    wanted = {name for rule in feed.mapping["columns"].values() for name in column_rules.theirs(rule)}
    if feed.hook:
        wanted = set(feed.reads or theirs)
    values: dict[str, list[str | None]] = {name: [] for name in theirs}
    rows = bench.sql.sample(feed, [name for name in theirs if name in wanted] or theirs, limit)
    others = [name for name in theirs if name not in wanted]
    if others and limit > 1:
        with contextlib.suppress(CockpitError):  # what we do not read we need not be allowed to
            extra = orjson.loads(bench.sql.sample(feed, others, limit).body)
            values |= {name: [row.get(name) for row in extra] for name in others}
    return Sample(rows.body, "json_rows", feed.table, values, feed.mapping)


def _near_tables(bench: Bench, feed: Feed) -> str:
    try:
        known = bench.sql.tables(feed)
    except CockpitError:
        return ""
    near = difflib.get_close_matches(feed.table, known, 3, 0.4) or known[:8]
    return f"这个账号看得到的表：{'、'.join(near)}；" if near else "这个账号一张表也看不到；"


def _of_service(bench: Bench, feed: Feed, now: dt.datetime, limit: int) -> Sample:
    body, items = bench.http.sample(feed, now, limit)
    if not items:
        hours = max(1, round(feed.window_s / 3600))
        raise DataMissing(
            f"接口应答正常，最近 {hours} 小时没有行",
            where=feed.path,
            to_do="请来源确认这段时间应有数据；要看更早的，把 window_s 与 first_back_s 写大",
        )
    names = list(dict.fromkeys(name for item in items for name in item))
    values = {name: [None if item.get(name) is None else str(item[name]) for item in items[:limit]] for name in names}
    for path in (name for rule in feed.mapping["columns"].values() for name in column_rules.theirs(rule)):
        if path not in values and (found := json_paths.column(items[:limit], path)) is not None:
            values[path] = [None if one is None else str(one) for one in found]
    return Sample(body, "json_pages", feed.path, values, feed.mapping)


def _of_folder(bench: Bench, feed: Feed, now: dt.datetime, limit: int) -> Sample:
    entries = bench.drop.entries(feed.glob)
    if not entries:
        near = [entry.shown for entry in bench.drop.every()[:5]]
        seen = f"文件夹里有：{'、'.join(near)}；" if near else "文件夹是空的；"
        raise DataMissing(
            f"没有合乎 {feed.glob} 的文件",
            where=bench.endpoint.drop.rpartition("@")[2],
            to_do=seen + "请核对 glob 与投递的位置",
        )
    entry = max(entries, key=lambda one: one.modified_s)
    mapping = files.mapping_of(feed, bench.drop, entry.path)
    if mapping is None:
        raise ContractBroken("缺少同名的映射文件（.map.toml）", where=entry.shown, to_do="请把映射文件放在它旁边")
    if entry.size > files.MOST_BYTES:
        raise ContractBroken("文件过大", where=entry.shown, to_do="请拆成较小的文件后重新投递")
    if limit == 1:  # whether it may be read is asked, not what is in it
        return Sample(bench.drop.bytes(entry.path, 1), "file", entry.shown, {}, mapping)
    body = bench.drop.bytes(entry.path)
    theirs = _header(bench, feed, entry, body, mapping, now)
    return Sample(body, "file", entry.shown, theirs, mapping, OF_A_FILE)


def _header(
    bench: Bench, feed: Feed, entry: Entry, body: bytes, mapping: dict[str, Any], now: dt.datetime
) -> dict[str, list[str | None]]:
    """The columns of a file whose first line is its header; {} where the file cannot be read."""
    bare = {name: value for name, value in mapping.items() if name in ("encoding", "delimiter", "sheet", "member")}
    try:
        table = bench.read(feed, Sample(body, "file", entry.shown, {}, {}), bare, now)
    except ContractBroken:
        return {}
    return {name: table[name].to_pylist() for name in table.column_names}
