"""From landed payloads to loaded rows: parse, load, acknowledge. Owns landing, the order of these steps, and which
payloads go in together; a refused or damaged payload is booked and the next goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from etl.config.schema import Feed
from etl.runtime.context import Context
from etl.runtime.parser_pool import ParserDied
from warehouse.catalog.contracts import contracts
from warehouse.core import failpoints
from warehouse.core.errors import CockpitError, ContractBroken, Refused, WarehouseBroken
from warehouse.core.units import SHANGHAI
from warehouse.ingest import load, parse
from warehouse.ingest.early_types import Rows
from warehouse.ingest.landing import ACKNOWLEDGEMENT, Landed
from warehouse.ingest.parse import FILES
from warehouse.publish import recover

GROUP_ROWS = 150_000
DAMAGED = "请由备份恢复该文件，再运行 ./zhengbei etl replay"


def land(
    context: Context,
    feed: Feed,
    body: bytes,
    kind: str,
    name: str,
    cursor: str,
    mapping: dict[str, Any] | None = None,
    digest: str = "",
) -> Landed:
    """Puts a payload of the feed on disk, with the mapping in force; from here on it cannot be lost."""
    at = context.clock().replace(tzinfo=SHANGHAI)
    note = context.landing.put(
        feed.source,
        feed.entity,
        body,
        kind=kind,
        name=name,
        at=at,
        sealed=feed.contract.sealed,
        cursor=cursor,
        mapping=feed.mapping if mapping is None else mapping,
        digest=digest,
    )
    failpoints.point("after_landing")
    return note


def ingest(context: Context, notes: Iterable[Landed], *, label: str = "装载") -> tuple[int, str]:
    """Parses and loads landed payloads in order, one parsing ahead in the child while others load; files of one table
    go in together. Returns rows received and the Chinese text of the last refusal ("" = none); a refused payload is
    booked and the next goes on."""
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


Parsed = tuple[Landed, Rows | ContractBroken]


def _parsed(context: Context, notes: list[Landed]) -> Iterator[Parsed]:
    """Each payload with its rows, or with the reason why it has none."""
    futures: list[Future[bytes] | ContractBroken] = []
    for index, note in enumerate(notes):
        while len(futures) < min(index + 3, len(notes)):
            following = notes[len(futures)]
            try:
                futures.append(context.parser.submit(following, context.landing.body(following)))
            except WarehouseBroken as damaged:  # the others must not wait for somebody to restore this one file
                futures.append(ContractBroken(damaged.what, where=damaged.where, to_do=DAMAGED))
        future = futures[index]
        if isinstance(future, ContractBroken):
            yield note, future
            continue
        try:
            try:
                yield note, context.parser.result(note, future)
            except ParserDied:  # perhaps another payload's doing: once more, alone
                yield note, context.parser.rows(note, context.landing.body(note))
        except ContractBroken as broken:
            yield note, broken


def _groups(parsed: Iterator[Parsed]) -> Iterator[list[Parsed]]:
    """Neighbouring files of one table, up to GROUP_ROWS rows; everything else alone."""
    group: list[Parsed] = []
    rows = 0
    for note, table in parsed:
        alone = (
            isinstance(table, ContractBroken)
            or note.kind not in FILES
            or note.mapping.get("snapshot")
            or contracts()[note.table].load == "lake"
        )
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
    """Rows received and the last refusal. Each payload is acknowledged in the ledger once its fate is in the
    database."""
    new: list[tuple[Landed, Rows]] = []
    seen: dict[str, str] = {}
    error = ""
    for note, table in group:
        before = _copied(context, note, table, seen)
        if before and _is_the_same_again(note, before):
            load.unchanged(context.writer, note)
            recover.acknowledge(context.settings, note)
            context.notes.append(
                f"{contracts()[note.table].label} {note.name.split('|')[0]} 与先前的文件逐字节相同，没有变化，不重复装入"
            )
            continue
        reason = _refusal(note, table, before)
        if reason:
            load.refused(context.writer, note, reason)
            recover.acknowledge(context.settings, note)
            error = reason
        elif not isinstance(table, ContractBroken):
            new.append((note, table))
    rows = 0
    try:
        if len(new) > 1:
            rows = sum(
                account.rows_in for account in load.load_many(context.writer, context.settings, context.privacy, new)
            )
        else:
            rows, error = _load_singly(context, new, error)
    except ContractBroken:
        rows, error = _load_singly(context, new, error)
    failpoints.point("after_commit_before_ledger")
    for note, _ in new:
        recover.acknowledge(context.settings, note)
    failpoints.point("after_ledger")
    return rows, error


def _copied(context: Context, note: Landed, table: Rows | ContractBroken, seen: dict[str, str]) -> str:
    """The booked name of an earlier file that this one repeats byte for byte, "" = none. `seen`: digests of this group
    so far."""
    if isinstance(table, ContractBroken) or note.kind not in FILES:
        return ""
    same = context.writer.execute(
        "SELECT name FROM run.batch WHERE source = ? AND entity = ? AND sha256 = ? AND landing_seq < ? AND rows_in > 0",
        [note.source, note.entity, note.sha256, note.seq],
    )
    if note.mapping.get("snapshot"):  # a whole list may well say again what one long ago said, not the last one
        same = context.writer.execute(
            """SELECT name FROM (SELECT name, sha256 FROM run.batch WHERE source = ? AND entity = ? AND landing_seq < ?
            AND rows_in > 0 ORDER BY landing_seq DESC LIMIT 1) WHERE sha256 = ?""",
            [note.source, note.entity, note.seq, note.sha256],
        )
    before = same[0][0] if same else seen.get(note.sha256, "")
    seen[note.sha256] = note.name
    return str(before)


def _is_the_same_again(note: Landed, before: str) -> bool:
    """Whether somebody has only put the same thing there again: the same file, or a ledger of the same day under another
    name. A file of another day with the very content of an earlier one says nothing of its day (D21)."""
    earlier = dataclasses.replace(note, name=before)
    if note.name.split("|")[0] == before.split("|", maxsplit=1)[0]:
        return True
    return bool(note.mapping.get("snapshot")) and parse.ledger_day(note) == parse.ledger_day(earlier)


def _refusal(note: Landed, table: Rows | ContractBroken, before: str) -> str:
    """Why the payload as a whole cannot go in, "" when it can."""
    if isinstance(table, ContractBroken):
        return str(table)
    if not before:
        return ""
    return str(
        ContractBroken(
            f"D21 与先前的文件 {before.split('|', maxsplit=1)[0]} 逐字节相同，按未到处理",
            where=note.name.split("|")[0],
            to_do="请来源核对是否重复导出了旧的一份；确实没有变化的，请在网页“隔离记录”点“知道了”",
        )
    )


def load_now(context: Context, note: Landed) -> None:
    """Loads one landed payload by itself. Raises what parsing and loading raise; the payload is booked as refused
    then."""
    try:
        load.load(
            context.writer,
            context.settings,
            context.privacy,
            note,
            context.parser.rows(note, context.landing.body(note)),
        )
    except CockpitError as error:
        load.refused(context.writer, note, str(error))
        raise
    finally:
        recover.acknowledge(context.settings, note)


def _load_singly(context: Context, new: list[tuple[Landed, Rows]], error: str) -> tuple[int, str]:
    rows = 0
    for note, table in new:
        try:
            if note.kind == ACKNOWLEDGEMENT:
                load.acknowledged(context.writer, note)
            elif note.kind == "keys":
                load.reconcile(
                    context.writer, contracts()[note.table], note, table, confirmed=note.name.endswith("|confirmed")
                )
            else:
                rows += load.load(context.writer, context.settings, context.privacy, note, table).rows_in
        except (ContractBroken, Refused) as broken:
            load.refused(context.writer, note, str(broken))
            error = str(broken)
    return rows, error
