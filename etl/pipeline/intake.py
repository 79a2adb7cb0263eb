"""What the jobs ask for: fetch and load feeds, search for deletes, bring in what is pending, replay what was refused.
Owns the booking of deliveries; each feed fails alone. After a crash at any point, pending() brings in what was landed
but not loaded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from typing import Any

import pyarrow as pa

from etl.config.descriptions import Faults, described
from etl.config.schema import Feed
from etl.pipeline.fetch import fetch, not_set_back
from etl.pipeline.load import ingest, land, load_now
from etl.runtime.context import Context
from etl.sources import files
from warehouse.catalog.contracts import contracts
from warehouse.core.errors import CockpitError, ContractBroken, Refused, UsageError
from warehouse.core.redaction import blot
from warehouse.core.settings import ROOT
from warehouse.core.units import SHANGHAI
from warehouse.ingest import load, quarantine
from warehouse.ingest.landing import ACKNOWLEDGEMENT, Landed
from warehouse.ingest.parse import FILES
from warehouse.publish import recover

DELIVERED = "source, entity, due_at, deadline, finished_at, through, rows, ok, error"
EVER = dt.datetime.fromisoformat("1970-01-02")
"""Before every row of a source, Shanghai time."""


def pending(context: Context) -> int:
    """Loads every landed payload that is not in the warehouse yet (after a crash, a lost WAL tail or a rebuild), in
    order of arrival. Returns how many."""
    settled = load.settled(context.writer)
    notes = list(context.landing.notes(besides=settled))
    ingest(context, notes, label="补装原始数据")
    own_tables(context)  # rules come before the rows they judge
    return len(notes)


def usable(context: Context) -> tuple[list[Feed], Faults]:
    """The feeds of every source that is described and addressed rightly, and what is wrong with the others. What is
    wrong now is booked for the pages, and is gone from them with the first round after it was put right."""
    found, faults = described(context.settings)
    addresses = {feed.source: context.faults[feed.lives_at] for feed in found if feed.lives_at in context.faults}
    faults = {**context.faults, **addresses, **faults}
    stated = [[source, str(error)] for source, error in sorted(faults.items())]
    if stated != [list(row) for row in context.writer.execute("SELECT source, error FROM run.fault ORDER BY 1")]:
        with context.writer.transaction():
            context.writer.execute("DELETE FROM run.fault")
            for row in stated:
                context.writer.execute("INSERT INTO run.fault VALUES (?, ?)", row)
    _book_addressed(context, found)
    return [feed for feed in found if feed.source not in faults], faults


def _book_addressed(context: Context, feeds: list[Feed]) -> None:
    """Books which tables have a way that is set up: the others are 未接入, and what failed when they had one is no fault
    any more."""
    ways = {source: endpoint.ways for source, endpoint in context.endpoints.items()}
    found = {(feed.source, feed.entity) for feed in feeds if feed.transport in ways.get(feed.lives_at, ())}
    stated = sorted({("", ""), *found})  # the first says that somebody has looked, however few there are
    if stated != context.writer.execute("SELECT source, entity FROM run.addressed ORDER BY ALL"):
        with context.writer.transaction():
            context.writer.execute("DELETE FROM run.addressed")
            for row in stated:
                context.writer.execute("INSERT INTO run.addressed VALUES (?, ?)", row)


def run_job(context: Context, job: str, *, due_at: dt.datetime | None = None, grace_s: int = 300) -> list[str]:
    """Fetches and loads what a job asks for. Returns Chinese texts of what failed, sources that are described wrongly
    first."""
    found, faults = usable(context)
    problems = [f"来源 {source} 未取数：{error}" for source, error in faults.items()]
    return problems + run(context, [feed for feed in found if job in feed.jobs], due_at=due_at, grace_s=grace_s)


def run(
    context: Context,
    wanted: list[Feed],
    *,
    due_at: dt.datetime | None = None,
    grace_s: int = 300,
    back_to: dt.datetime | None = None,
) -> list[str]:
    """Fetches and loads the given feeds, from `back_to` on (naive Shanghai) where rows may have come later than the
    overlap. Returns Chinese texts of what failed; a failed feed keeps its cursor and is asked again next time. Books
    one delivery a feed, due at `due_at` (naive Shanghai, None = now)."""
    due = due_at or context.clock()
    problems: list[str] = []
    booked: list[list[object]] = []
    try:
        for index, feed in enumerate(wanted):
            context.progress(f"取数 {feed.contract.label}", index, len(wanted))
            rows, error, through = 0, "", None
            try:
                rows, error, through = fetch(context, feed, back_to)
            except CockpitError as broken:
                if broken.exit_code == 70:
                    raise
                error = str(broken)
            if error:
                problems.append(f"{feed.contract.label}：{error}")
            if rows >= 0 or error:
                booked.append(
                    [
                        feed.source,
                        feed.entity,
                        due,
                        due + dt.timedelta(seconds=grace_s),
                        context.clock(),
                        through,
                        max(rows, 0),
                        not error,
                        error,
                    ]
                )
    finally:
        _deliver(context, booked)
    return problems + _unread(context, {feed.source for feed in wanted if feed.transport == "files"})


def _unread(context: Context, sources: set[str]) -> list[str]:
    """Books the files in the drop folders of `sources` that no feed of any source reads, and says so for each folder
    that has some. Several sources may share a folder."""
    known = [
        feed
        for feed in described(context.settings)[0]
        if feed.transport == "files" and feed.source not in context.faults and _drop(context, feed.source)
    ]
    found: list[list[str]] = []
    problems = []
    for drop in dict.fromkeys(_drop(context, source) for source in sorted(sources)):
        readers = [feed for feed in known if _drop(context, feed.source) == drop]
        if not drop or not readers:
            continue
        try:
            lost = files.unread(context.folder_of(readers[0].source), readers)
        except CockpitError:
            continue  # its feeds say so
        found += [[drop, file, why] for file, why in lost]
        if lost:
            problems.append(
                f"投递文件夹 {drop.rpartition('@')[2]} 里有 {len(lost)} 个文件没有读入：{'；'.join(f'{file}（{why}）' for file, why in lost[:3])}"
            )
    drops = sorted({_drop(context, source) for source in sources})
    stored = context.writer.execute(
        "SELECT source, file, why FROM run.unread WHERE source IN (SELECT unnest(?))", [drops]
    )
    if sorted(map(list, stored)) != sorted(found):
        with context.writer.transaction():
            context.writer.execute("DELETE FROM run.unread WHERE source IN (SELECT unnest(?))", [drops])
            for row in found:
                context.writer.execute("INSERT INTO run.unread VALUES (?,?,?)", row)
    return problems


def _drop(context: Context, source: str) -> str:
    endpoint = context.endpoints.get(source)
    return endpoint.drop if endpoint else ""


def _deliver(context: Context, booked: list[list[object]]) -> None:
    """All deliveries of a round in one transaction: one commit, not one a feed."""
    if booked:
        marks = ", ".join(["(?,?,?,?,?,?,?,?,?)"] * len(booked))
        context.writer.execute(
            f"INSERT INTO run.delivery ({DELIVERED}) VALUES {marks}", [value for row in booked for value in row]
        )


def own_tables(context: Context) -> None:
    """Lands the bureau's own tables (targets, SLAs, rules) where a file of <data>/own/ or the shipped one has
    changed."""
    for contract in contracts().values():
        if contract.load != "own":
            continue
        changed = context.settings.own / f"{contract.entity}.csv"
        file = changed if changed.exists() else ROOT / "raw" / f"{contract.table}.csv"
        body = file.read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        last = context.writer.execute(
            "SELECT arg_max(sha256, landing_seq) FROM run.batch WHERE source = 'own' AND entity = ?", [contract.entity]
        )
        if last[0][0] != digest:
            note = context.landing.put(
                "own",
                contract.entity,
                body,
                kind="own",
                name=file.name,
                at=context.clock().replace(tzinfo=SHANGHAI),
                sealed=False,
            )
            ingest(context, [note])


def reconcile(context: Context, wanted: list[Feed], *, confirmed: bool = False) -> list[str]:
    """Asks sources for all their keys and marks the vanished ones deleted (D22); refuses a mass delete unless
    confirmed, and a source that was set back to an older state (F22) altogether."""
    problems = []
    for feed in wanted:
        endpoint = context.endpoints.get(feed.lives_at)
        if (
            not feed.reconcile
            or endpoint is None
            or not (endpoint.dsn if feed.transport == "sql_database" else endpoint.url)
        ):
            continue
        note: Landed | None = None
        try:
            body = _keys(context, feed)
            mapping = {**feed.mapping, "columns": _key_columns(feed)}
            note = land(context, feed, body, "keys", f"全部键|{'confirmed' if confirmed else 'plain'}", "", mapping)
            present = _present(context, note, body)
            load.reconcile(context.writer, feed.contract, note, present, confirmed=confirmed)
            recover.acknowledge(context.settings, note)
            problems += _caught_up(context, feed, present)
        except CockpitError as error:
            if isinstance(error, (Refused, ContractBroken)) and note is not None:
                load.refused(context.writer, note, str(error))
                recover.acknowledge(context.settings, note)
            problems.append(f"{feed.contract.label}：{error}")
    return problems


def _caught_up(context: Context, feed: Feed, present: pa.Table) -> list[str]:
    """Fetches the whole table once more where the source has keys that never came: a row without an update time, or
    with one that was set back, is not among what has changed. Says what is still missing."""
    absent = load.unseen(context.writer, feed.contract, present)
    if not absent:
        return []
    fetch(context, feed, EVER)
    left = load.unseen(context.writer, feed.contract, present)
    if not left:
        return []
    return [
        f"{feed.contract.label}：来源有 {left} 条记录没有取到（已整表重取一次）；"
        "处理办法：请来源核对这些记录的更新时间与主键"
    ]


def _keys(context: Context, feed: Feed) -> bytes:
    if feed.transport == "http_json":
        return context.http_of(feed.lives_at).keys(feed)[0]
    sql = context.sql_of(feed.lives_at)
    not_set_back(context, feed, sql)
    return sql.keys(feed).body


def _key_columns(feed: Feed) -> dict[str, object]:
    """The part of the mapping that concerns keys, none of it required: a key may lie in either of two columns."""
    names = [name for names in feed.contract.key_sources.values() for name in names] + list(feed.contract.key)
    rules = {
        name: rule if isinstance(rule, dict) else {"from": rule}
        for name, rule in feed.mapping["columns"].items()
        if name in names
    }
    return {name: {**rule, "optional": True} for name, rule in rules.items()}


def _present(context: Context, note: Landed, body: bytes) -> pa.Table:
    """The keys as they are stored: personal ones are replaced as in every payload."""
    return context.privacy.pass_through(contracts()[note.table], context.parser.parse(note, body))


def replay(context: Context, seq: int | None, *, confirmed: bool = False) -> tuple[int, list[str]]:
    """Loads refused payloads again (or the one numbered `seq`) with the mapping in force now. Returns how many went in
    and what still failed. Left alone unless named: copies of other files (D21), and those that somebody has acknowledged. Never replayed: old lists of keys,
    which say nothing of today. confirmed: a person says that the mass delete in the whole list `seq` is true.

    Raises UsageError for `confirmed` without a number."""
    if confirmed and seq is None:
        raise UsageError("--confirm-deletes 需要写明 --seq")
    refused = {
        row[0]
        for row in context.writer.execute(
            "SELECT landing_seq FROM raw.quarantine WHERE row_no = -1 "
            "AND ((reason NOT LIKE 'D21%' AND acknowledged_at IS NULL) OR landing_seq = ?)",
            [seq or 0],
        )
    }
    problems: list[str] = []
    count = 0
    for note in list(context.landing.notes()):
        if note.seq not in refused or note.kind == "keys" or (seq is not None and note.seq != seq):
            continue
        current = _remapped(context, note)
        try:
            if confirmed:
                _confirm(context, current)
            elif current.mapping != note.mapping:
                context.parser.parse(
                    current, context.landing.body(note)
                )  # where the new mapping does not fit either, nothing changes
                _land_again(context, current)
            else:
                load.load(
                    context.writer,
                    context.settings,
                    context.privacy,
                    current,
                    context.parser.rows(current, context.landing.body(note)),
                )
                quarantine.accept(context.writer, note.seq)
        except CockpitError as error:
            problems.append(f"{note.name.split('|')[0]}：{error}")
            continue
        _closed(context, note, "cured_at")
        count += 1
    return count, problems


def acknowledge(context: Context, seqs: list[int], *, who: str, why: str) -> int:
    """Somebody knows of these payloads that were refused as a whole, and nothing is left to be done: they are open no
    more. Nothing is deleted. Returns how many were open. Raises UsageError for a number that is no such payload."""
    open_ones = {
        row[0]: row[1]
        for row in context.writer.execute(
            "SELECT landing_seq, acknowledged_at IS NULL FROM raw.quarantine WHERE row_no = -1"
        )
    }
    for seq in seqs:
        if seq not in open_ones:
            raise UsageError(f"第 {seq} 份不是整份未装载的原始数据", to_do="序号见 etl status 或网页“隔离记录”")
    notes = {note.seq: note for note in context.landing.notes() if note.seq in seqs}
    wanted = [notes[seq] for seq in seqs if open_ones[seq]]
    for note in wanted:
        again = context.landing.put(
            note.source,
            note.entity,
            b"[]",
            kind=ACKNOWLEDGEMENT,
            name=f"知道了 {note.name.split('|')[0]}",
            at=context.clock().replace(tzinfo=SHANGHAI),
            sealed=note.sealed,
            mapping={"acknowledges": {"seq": note.seq, "who": who, "why": blot(why)}},
        )
        load.acknowledged(context.writer, again)
        recover.acknowledge(context.settings, again)
        _closed(context, note, "acknowledged_at")
    return len(wanted)


def _closed(context: Context, note: Landed, how: str) -> None:
    """What a replay put right (cured_at), or somebody knows of (acknowledged_at), is no fault of the source any more, on
    any screen; that it came late stays booked."""
    left = context.writer.execute(
        "SELECT 1 FROM raw.quarantine WHERE source = ? AND entity = ? AND row_no = -1 AND acknowledged_at IS NULL "
        "AND reason NOT LIKE 'D21%' LIMIT 1",
        [note.source, note.entity],
    )
    if not left:
        context.writer.execute(
            f"UPDATE run.delivery SET {how} = ? WHERE source = ? AND entity = ? AND error <> '' AND cured_at IS NULL",
            [context.clock(), note.source, note.entity],
        )


def _confirm(context: Context, note: Landed) -> None:
    """A whole list once more, with the word of the person who vouches for it. Raises Refused when a newer list is in
    already."""
    newer = context.writer.execute(
        "SELECT count(*) FROM run.full_list WHERE source_table = ? AND landing_seq > ?", [note.table, note.seq]
    )[0][0]
    if newer and contracts()[note.table].version != "ledger_at":
        raise Refused("之后已装入更新的全量，这一份不再重放", where=note.name.split("|")[0])
    _land_again(context, dataclasses.replace(note, mapping={**note.mapping, "confirmed": True}))


def _land_again(context: Context, note: Landed) -> None:
    """Lands a payload once more with the mapping of `note` and loads it, so that a rebuild ends in the same tables; the
    first copy is booked as replaced. Raises what loading raises; then the new copy is the refused one."""
    again = context.landing.put(
        note.source,
        note.entity,
        context.landing.body(note),
        kind=note.kind,
        name=note.name,
        at=context.clock().replace(tzinfo=SHANGHAI),
        sealed=note.sealed,
        cursor=note.cursor,
        mapping={**note.mapping, "replaces": note.seq},
        digest=note.digest,
    )
    load_now(context, again)


def _remapped(context: Context, note: Landed) -> Landed:
    """The payload's record with today's mapping in place of the one it came with."""
    name = note.name.split("|")[0]
    transport = {"json_pages": "http_json", "json_rows": "sql_database"}.get(
        note.kind, "files" if note.kind in FILES else ""
    )
    way = note.digest.partition("|")[0] or transport  # from which of several hosts, each with names of its own
    for feed in described(context.settings)[0]:
        if (feed.source, feed.entity, feed.transport) != (note.source, note.entity, transport) or (
            not files.matches(name, feed.glob) if transport == "files" else feed.way != way
        ):
            continue
        mapping: dict[str, Any] | None = feed.mapping
        if transport == "files" and feed.source in context.endpoints:
            folder = context.folder_of(feed.source)
            mapping = files.mapping_of(feed, folder, folder.path_of(name, feed.glob))
        if mapping is not None:
            return dataclasses.replace(note, mapping=mapping)
    return note
