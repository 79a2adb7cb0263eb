"""What a whole list no longer holds (D22): keys that vanished are marked deleted, returned ones live again.

Owns the guard against half an export and the book of whole lists. Every step is part of the caller's transaction. A row
is gone when a list newer than the one that showed it last does not have it; said so, the order of arrival does not
matter."""

from __future__ import annotations

import datetime as dt

from warehouse.catalog.schema import Contract
from warehouse.core.database import Writer
from warehouse.core.errors import ContractBroken, Refused
from warehouse.ingest.landing import Landed

BOOK = "CREATE TABLE IF NOT EXISTS run.full_list (source_table VARCHAR, as_of TIMESTAMP, landing_seq BIGINT);"
FEWEST, SHARE, MOST = 50, 0.02, 500


def is_mass(gone: int, total: int) -> bool:
    """True when more than 2 % or 500 of `total` live keys vanish at once; a table of a few rows may change at will."""
    return total >= FEWEST and (gone > SHARE * total or gone > MOST)


def guard(contract: Contract, gone: int, total: int, to_do: str) -> None:
    """Raises Refused when more than 2 % or 500 of `total` live keys vanish at once: half an export looks exactly like
    this."""
    if is_mass(gone, total):
        raise Refused(f"来源一次少了 {gone} 条（共 {total} 条），已拒绝当作删除", where=contract.label, to_do=to_do)


def living(writer: Writer, contract: Contract) -> int:
    """Keys of the table that are not marked deleted."""
    return int(writer.execute(f"SELECT count(*) FROM raw.{contract.table} WHERE _deleted_at IS NULL")[0][0])


def close(writer: Writer, contract: Contract, note: Landed, landed: dt.datetime, before: int) -> int:
    """After the rows of a whole list (temp table `batch`) were merged: marks what it lacks, `before` keys having lived.

    A ledger (its contract's version is ledger_at) counts from its own day, any other list from its landing. Returns how
    many were marked. Raises ContractBroken for an empty list, Refused for a mass delete that nobody confirmed."""
    if not writer.execute("SELECT count(*) FROM batch WHERE len(_bad) = 0")[0][0]:
        raise ContractBroken("全量清单里没有一行可用的数据，不当作全部删除", where=note.name.split("|")[0])
    table, dated = f"raw.{contract.table}", contract.version == "ledger_at"
    on = " AND ".join(f"s.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    at = writer.execute("SELECT max(_version) FROM batch WHERE len(_bad) = 0")[0][0] if dated else landed
    writer.execute("INSERT INTO run.full_list VALUES (?, ?, ?)", [contract.table, at, note.seq])
    # a row that is in the list but bad, or the same as before, was seen all the same
    seen = f", _version = greatest(_version, TIMESTAMP '{at}')" if dated else ""
    limit = f"AND (s._version, s._seq) < (TIMESTAMP '{at}', {note.seq})" if dated else f"AND s._seq < {note.seq}"
    writer.execute(
        f"UPDATE {table} s SET _seq = {note.seq}{seen} FROM (SELECT DISTINCT {', '.join(contract.key)} FROM batch) b WHERE {on} {limit}"
    )
    later = "(l.as_of, l.landing_seq) > (s._version, s._seq)" if dated else "l.landing_seq > s._seq"
    lists = f"FROM run.full_list l WHERE l.source_table = '{contract.table}' AND {later}"
    gone = int(
        writer.execute(
            f"SELECT count(*) FROM {table} s WHERE _deleted_at IS NULL AND s._seq <> {note.seq} AND EXISTS (SELECT 1 {lists})"
        )[0][0]
    )
    if not note.mapping.get("confirmed"):
        guard(contract, gone, before, f"请向来源核实；确认属实后运行 etl replay --seq {note.seq} --confirm-deletes")
    writer.execute(
        f"UPDATE {table} s SET _deleted_at = (SELECT min(l.as_of) {lists}) WHERE _deleted_at IS DISTINCT FROM (SELECT min(l.as_of) {lists})"
    )
    writer.execute("INSERT INTO run.touched SELECT ?, ?, ? WHERE ? > 0", [contract.table, at.date(), note.seq, gone])
    return gone
