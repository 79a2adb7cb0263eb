"""From a feed to landed rows: fetch, land, parse, load, acknowledge, book the delivery. Owns the order of these steps;
each feed fails alone. After a crash at any point, pending() brings in what was landed but not loaded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pyarrow as pa

from etl.config import Feed, feeds
from etl.context import Context
from etl.parsing import ParserDied
from etl.sources import files
from etl.sources.http_json import HttpJson
from etl.sources.sql_database import SqlDatabase
from warehouse import faults, load, recover
from warehouse.catalog import contracts
from warehouse.errors import CockpitError, ConfigError, ContractBroken, Refused
from warehouse.landing import Landed
from warehouse.settings import ROOT
from warehouse.units import SHANGHAI

GROUP_ROWS = 150_000
SQL_OVERLAP = dt.timedelta(hours=24)


def pending(context: Context) -> int:
    """Loads every landed payload that is not in the warehouse yet (after a crash, a lost WAL tail or a rebuild), in order
    of arrival. Returns how many."""
    settled = load.settled(context.writer)
    notes = [note for note in context.landing.notes() if note.seq not in settled]
    ingest(context, notes, label="补装原始数据")
    own_tables(context)  # rules come before the rows they judge
    return len(notes)


def ingest(context: Context, notes: Iterable[Landed], *, label: str = "装载") -> tuple[int, str]:
    """Parses and loads landed payloads in order, one parsing ahead in the child while others load; files of one table go in
    together. Returns rows received and the Chinese text of the last refusal ("" = none); a refused payload is booked and
    the next goes on."""
    waiting = list(notes)
    rows, error, index = 0, "", 0
    parsed = _parsed(context, waiting)
    for group in _groups(parsed):
        if len(waiting) > 3:
            context.progress(f"{label} {contracts()[group[0][0].table].label}", index, len(waiting))
        index += len(group)
        got, refusal = _load_group(context, group)
        rows, error = rows + got, refusal or error
    return rows, error


Parsed = tuple[Landed, pa.Table | ContractBroken]


def _parsed(context: Context, notes: list[Landed]) -> Iterator[Parsed]:
    """Each payload with its rows, or with the reason why it has none."""
    futures: list[Future[bytes]] = []
    for index, note in enumerate(notes):
        while len(futures) < min(index + 3, len(notes)):
            following = notes[len(futures)]
            futures.append(context.parser.submit(following, context.landing.body(following)))
        try:
            try:
                yield note, context.parser.result(note, futures[index])
            except ParserDied:  # perhaps another payload's doing: once more, alone
                yield note, context.parser.parse(note, context.landing.body(note))
        except ContractBroken as broken:
            yield note, broken


def _groups(parsed: Iterator[Parsed]) -> Iterator[list[Parsed]]:
    """Neighbouring files of one table, up to GROUP_ROWS rows; everything else alone."""
    group: list[Parsed] = []
    rows = 0
    for note, table in parsed:
        alone = isinstance(table, ContractBroken) or note.kind != "csv" or contracts()[note.table].load == "lake"
        if group and (alone or note.table != group[0][0].table or rows > GROUP_ROWS):
            yield group
            group, rows = [], 0
        if alone or isinstance(table, ContractBroken):
            yield [(note, table)]
            continue
        group.append((note, table))
        rows += table.num_rows
    if group:
        yield group


def _load_group(context: Context, group: list[Parsed]) -> tuple[int, str]:
    """Rows received and the last refusal. Each payload is acknowledged in the ledger once its fate is in the database."""
    new: list[tuple[Landed, pa.Table]] = []
    seen: dict[str, str] = {}
    error = ""
    for note, table in group:
        reason = _refusal(context, note, table, seen)
        if reason:
            load.refused(context.writer, note, reason)
            recover.acknowledge(context.settings, note)
            error = reason
        elif isinstance(table, pa.Table):
            new.append((note, table))
    rows = 0
    try:
        if len(new) > 1:
            rows = sum(account.rows_in for account in load.load_many(context.writer, context.settings, context.door, new))
        else:
            rows, error = _load_singly(context, new, error)
    except ContractBroken:
        rows, error = _load_singly(context, new, error)
    faults.point("after_commit_before_ledger")
    for note, _ in new:
        recover.acknowledge(context.settings, note)
    faults.point("after_ledger")
    return rows, error


def _refusal(context: Context, note: Landed, table: pa.Table | ContractBroken, seen: dict[str, str]) -> str:
    """Why the payload as a whole cannot go in, "" when it can. A file that repeats an earlier one byte for byte says
    nothing of its day (D21). `seen`: digests of this group so far."""
    if isinstance(table, ContractBroken):
        return str(table)
    if note.kind == "csv":
        same = context.writer.execute("SELECT name FROM run.batch WHERE source = ? AND entity = ? AND sha256 = ? AND landing_seq < ? AND rows_in > 0",
                                      [note.source, note.entity, note.sha256, note.seq])
        before = same[0][0] if same else seen.get(note.sha256, "")
        seen[note.sha256] = note.name
        if before:
            return str(ContractBroken(f"D21 与先前的文件 {before.split('|')[0]} 逐字节相同,按未到处理", where=note.name.split("|")[0]))
    return ""


def _load_singly(context: Context, new: list[tuple[Landed, pa.Table]], error: str) -> tuple[int, str]:
    rows = 0
    for note, table in new:
        try:
            if note.kind == "keys":
                load.reconcile(context.writer, contracts()[note.table], note, table, confirmed=note.name.endswith("|confirmed"))
            else:
                rows += load.load(context.writer, context.settings, context.door, note, table).rows_in
        except (ContractBroken, Refused) as broken:
            load.refused(context.writer, note, str(broken))
            error = str(broken)
    return rows, error


def run(context: Context, wanted: list[Feed], *, due_at: dt.datetime | None = None, grace_s: int = 300) -> list[str]:
    """Fetches and loads the given feeds. Returns Chinese texts of what failed; a failed feed keeps its cursor and is
    asked again next time. Books one delivery a feed, due at `due_at` (naive Shanghai, None = now)."""
    due = due_at or context.clock()
    problems = []
    for index, feed in enumerate(wanted):
        context.progress(f"取数 {feed.contract.label}", index, len(wanted))
        rows, error, through = 0, "", None
        try:
            rows, error, through = _fetch(context, feed)
        except CockpitError as broken:
            if broken.exit_code == 70:
                raise
            error = str(broken)
        if error:
            problems.append(f"{feed.contract.label}:{error}")
        if rows >= 0 or error:
            _deliver(context, feed, due, grace_s, rows, through, error)
    return problems


def _deliver(context: Context, feed: Feed, due: dt.datetime, grace_s: int, rows: int, through: dt.datetime | None, error: str) -> None:
    context.writer.execute("INSERT INTO run.delivery VALUES (?,?,?,?,?,?,?,?,?)",
                           [feed.source, feed.entity, due, due + dt.timedelta(seconds=grace_s), context.clock(), through, max(rows, 0), not error, error])


def _fetch(context: Context, feed: Feed) -> tuple[int, str, dt.datetime | None]:
    """(rows, error, complete through); rows −1 when there was nothing to be asked for (no new file)."""
    endpoint = context.endpoints.get(feed.source)
    if endpoint is None:
        return -1, "", None
    if not {"http_json": endpoint.url, "sql_database": endpoint.dsn, "files": endpoint.drop}.get(feed.transport, "unknown"):
        return -1, "", None  # this way of arriving is not set up here
    if feed.transport == "http_json":
        return _fetch_http(context, feed, context.http.setdefault(feed.source, HttpJson(endpoint)))
    if feed.transport == "sql_database":
        return _fetch_sql(context, feed, context.sql.setdefault(feed.source, SqlDatabase(endpoint)))
    if feed.transport == "files":
        return _fetch_files(context, feed, Path(endpoint.drop))
    raise ConfigError(f"没有这种传输方式:{feed.transport}", where=feed.source)


def _cursor(context: Context, feed: Feed) -> str:
    rows = context.writer.execute("SELECT cursor FROM run.cursor WHERE source = ? AND entity = ?", [feed.source, feed.cursor_name])
    return str(rows[0][0]) if rows else ""


def _fetch_http(context: Context, feed: Feed, http: HttpJson) -> tuple[int, str, dt.datetime | None]:
    now = context.clock().replace(tzinfo=SHANGHAI)
    cursor = _cursor(context, feed)
    since = dt.datetime.fromisoformat(cursor) - dt.timedelta(seconds=feed.overlap_s) if cursor else now - dt.timedelta(seconds=feed.first_back_s)
    if feed.most_back_s:
        since = max(since, now - dt.timedelta(seconds=feed.most_back_s))
    rows, error, through = 0, "", None
    for fetched in http.windows(feed, since, now):
        if feed.expect_rows and not fetched.rows:
            return rows, "D21 来源应答正常却没有数据,按未到处理", through
        faults.point("after_fetch")
        note = _land(context, feed, fetched.body, "json_pages", f"{since:%Y-%m-%d %H:%M:%S}", f"http_json|{fetched.until.isoformat()}")
        got, error = ingest(context, [note])
        rows, through = rows + got, fetched.until.astimezone(SHANGHAI).replace(tzinfo=None)
        if error:
            break
    return rows, error, through


def _fetch_sql(context: Context, feed: Feed, sql: SqlDatabase) -> tuple[int, str, dt.datetime | None]:
    at = context.clock()
    cursor = _cursor(context, feed)
    since = (dt.datetime.fromisoformat(cursor) - SQL_OVERLAP).strftime("%Y-%m-%d %H:%M:%S") if cursor else ""
    found = sql.since(feed, since)
    newest = min(found.newest, f"{at:%Y-%m-%d %H:%M:%S}") or cursor  # a future time stamp must not hide later rows (F15)
    note = _land(context, feed, found.body, "json_rows", f"{feed.table} {since}", f"sql_database|{newest}" if newest else "")
    rows, error = ingest(context, [note])
    return rows, error, None if error else at


def _fetch_files(context: Context, feed: Feed, folder: Path) -> tuple[int, str, dt.datetime | None]:
    known = {row[0] for row in context.writer.execute("SELECT name FROM run.batch WHERE source = ? AND entity = ?", [feed.source, feed.entity])}
    known |= {row[0] for row in context.writer.execute("SELECT payload->>'name' FROM raw.quarantine WHERE source = ? AND entity = ? AND row_no = -1", [feed.source, feed.entity])}
    found = files.waiting(feed, folder, known, time.time())
    if not found:
        return -1, "", None
    notes = []
    for index, drop in enumerate(found):
        context.progress(f"留存 {feed.contract.label} 文件", index, len(found))
        notes.append(_land(context, feed, drop.path.read_bytes(), "csv", drop.name, "", drop.mapping))
    rows, error = ingest(context, notes)
    # one refused file among good ones is that file's fault (it is in quarantine, and counts as late), not the source's silence
    return rows, error if not rows else "", context.clock()


def _land(context: Context, feed: Feed, body: bytes, kind: str, name: str, cursor: str, mapping: dict[str, object] | None = None) -> Landed:
    at = context.clock().replace(tzinfo=SHANGHAI)
    note = context.landing.put(feed.source, feed.entity, body, kind=kind, name=name, at=at, sealed=feed.contract.sealed, cursor=cursor, mapping=mapping)
    faults.point("after_landing")
    return note


def own_tables(context: Context) -> None:
    """Lands the bureau's own tables (targets, SLAs, rules) where a file of <data>/own/ or the shipped one has changed."""
    for contract in contracts().values():
        if contract.load != "own":
            continue
        changed = context.settings.own / f"{contract.entity}.csv"
        file = changed if changed.exists() else ROOT / "raw" / f"{contract.table}.csv"
        body = file.read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        last = context.writer.execute("SELECT arg_max(sha256, landing_seq) FROM run.batch WHERE source = 'own' AND entity = ?", [contract.entity])
        if last[0][0] != digest:
            note = context.landing.put("own", contract.entity, body, kind="own", name=file.name, at=context.clock().replace(tzinfo=SHANGHAI), sealed=False)
            ingest(context, [note])


def reconcile(context: Context, wanted: list[Feed], *, confirmed: bool = False) -> list[str]:
    """Asks sources for all their keys and marks the vanished ones deleted (D22); refuses a mass delete unless confirmed."""
    problems = []
    for feed in wanted:
        if feed.reconcile:
            try:
                found = context.sql.setdefault(feed.source, SqlDatabase(context.endpoints[feed.source])).keys(feed, tuple(name for names in feed.contract.key_sources.values() for name in names))
                note = _land(context, feed, found.body, "keys", f"全部键|{'confirmed' if confirmed else 'plain'}", "")
                load.reconcile(context.writer, feed.contract, note, context.parser.parse(note, found.body), confirmed=confirmed)
                recover.acknowledge(context.settings, note)
            except CockpitError as error:
                if isinstance(error, Refused):
                    load.refused(context.writer, note, str(error))
                problems.append(f"{feed.contract.label}:{error}")
    return problems


def replay(context: Context, seq: int | None) -> tuple[int, list[str]]:
    """Loads refused payloads again (or the one numbered `seq`) with the mapping in force now. Returns how many went in and
    what still failed. Left alone unless named: copies of other files (D21). Never replayed: old lists of keys, which say
    nothing of today."""
    refused = {row[0] for row in context.writer.execute("SELECT landing_seq FROM raw.quarantine WHERE row_no = -1 AND (reason NOT LIKE 'D21%' OR landing_seq = ?)", [seq or 0])}
    problems: list[str] = []
    count = 0
    for note in context.landing.notes():
        if note.seq not in refused or note.kind == "keys" or (seq is not None and note.seq != seq):
            continue
        note = _remapped(context, note)
        try:
            table = context.parser.parse(note, context.landing.body(note))
            load.load(context.writer, context.settings, context.door, note, table)
        except CockpitError as error:
            problems.append(f"{note.name.split('|')[0]}:{error}")
            continue
        context.writer.execute("DELETE FROM raw.quarantine WHERE landing_seq = ? AND row_no = -1", [note.seq])
        count += 1
    return count, problems


def _remapped(context: Context, note: Landed) -> Landed:
    """The payload's record with today's mapping file in place of the one it came with."""
    if note.kind != "csv":
        return note
    for feed in feeds():
        endpoint = context.endpoints.get(feed.source)
        if (feed.source, feed.entity, feed.transport) == (note.source, note.entity, "files") and endpoint and endpoint.drop:
            for drop in files.waiting(feed, Path(endpoint.drop), set(), time.time() + files.SETTLE_S):
                if drop.name.split("|")[0] == note.name.split("|")[0]:
                    return dataclasses.replace(note, mapping=drop.mapping)
    return note
