"""From rows of text to landed tables: contract checked row by row, merged by the one rule, all in one transaction.

Owns raw.*, the quarantine, the batch book and the cursors. The rule of merging: of the rows with one key the one with the
greatest (version, landing_seq, row) wins; an older one never replaces a newer one, so loading twice, late or out of order
ends in the same table. in = merged + older + duplicate + quarantined, or the batch is refused."""

from __future__ import annotations

import datetime as dt

import orjson
import pyarrow as pa

from warehouse import faults, lake
from warehouse.balance import Account
from warehouse.catalog import Column, Contract, contracts
from warehouse.connection import Writer
from warehouse.door import Door
from warehouse.errors import ContractBroken
from warehouse.landing import Landed
from warehouse.settings import Settings

BOOKS = """
CREATE SCHEMA IF NOT EXISTS raw; CREATE SCHEMA IF NOT EXISTS run; CREATE SCHEMA IF NOT EXISTS build;
CREATE SCHEMA IF NOT EXISTS staging; CREATE SCHEMA IF NOT EXISTS marts;
CREATE TABLE IF NOT EXISTS raw.quarantine (source VARCHAR, entity VARCHAR, rule VARCHAR, reason VARCHAR, payload VARCHAR,
    landing_seq BIGINT, row_no BIGINT, landed_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS run.batch (landing_seq BIGINT, source VARCHAR, entity VARCHAR, name VARCHAR, rows_in BIGINT,
    merged BIGINT, older BIGINT, duplicate BIGINT, quarantined BIGINT, dropped_fields BIGINT, landed_at TIMESTAMP, sha256 VARCHAR);
CREATE TABLE IF NOT EXISTS run.cursor (source VARCHAR, entity VARCHAR, cursor VARCHAR, landing_seq BIGINT);
CREATE TABLE IF NOT EXISTS run.touched (source_table VARCHAR, day DATE, landing_seq BIGINT);
CREATE TABLE IF NOT EXISTS run.lake_file (path VARCHAR, day DATE, rows BIGINT, sha256 VARCHAR, from_at TIMESTAMP, to_at TIMESTAMP,
    landing_seq BIGINT);
CREATE TABLE IF NOT EXISTS run.delivery (source VARCHAR, entity VARCHAR, due_at TIMESTAMP, deadline TIMESTAMP,
    finished_at TIMESTAMP, through TIMESTAMP, rows BIGINT, ok BOOLEAN, error VARCHAR);
CREATE TABLE IF NOT EXISTS raw.gps_latest (vehicle_key VARCHAR, loc_time TIMESTAMP, lon DOUBLE, lat DOUBLE, speed_kmh DOUBLE,
    direction SMALLINT);
"""

META = "_version TIMESTAMP, _seq BIGINT, _row BIGINT, _hash UBIGINT, _deleted_at TIMESTAMP"


def prepare(writer: Writer) -> None:
    """Makes the books and one raw table (and its history) a contract where they are missing."""
    writer.execute(BOOKS)
    for contract in contracts().values():
        if contract.load == "lake":
            continue
        columns = ", ".join(f"{column.name} {column.type}" for column in contract.stored)
        writer.execute(f"CREATE TABLE IF NOT EXISTS raw.{contract.table} ({columns}, {META})")
        if contract.history:
            writer.execute(f"CREATE TABLE IF NOT EXISTS raw.{contract.table}_history ({columns}, {META})")


def settled(writer: Writer) -> set[int]:
    """Landing numbers that need no loading: those in the warehouse, and those refused as a whole until somebody replays them."""
    return {row[0] for row in writer.execute("SELECT landing_seq FROM run.batch UNION SELECT landing_seq FROM raw.quarantine WHERE row_no = -1")}


def load(writer: Writer, settings: Settings, door: Door, note: Landed, rows: pa.Table) -> Account:
    """Loads one parsed payload; rows, quarantine, cursor and book entry commit together. A payload that is already in answers its account again and changes nothing.

    Raises ContractBroken when more rows are bad than the contract allows; then nothing of it is in, the payload stays."""
    contract = contracts()[note.table]
    known = writer.execute("SELECT rows_in, merged, older, duplicate, quarantined FROM run.batch WHERE landing_seq = ?", [note.seq])
    if known:
        return Account(*known[0])
    passed = door.pass_through(contract, rows)
    count = passed.num_rows
    incoming = passed.append_column("_row", pa.array(range(count), pa.int64()))
    with writer.registered(incoming=incoming):
        writer.execute(_typed(contract, note))
        bad = writer.execute("SELECT count(*) FROM batch WHERE len(_bad) > 0")[0][0]
        if count >= 100 and bad > max(contract.max_bad_ratio * count, 20) and not note.mapping.get("accept_bad"):
            sample = writer.execute("SELECT _bad[1], count(*) FROM batch WHERE len(_bad) > 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 3")
            reasons = "、".join(f"{rule}×{number}" for rule, number in sample)
            raise ContractBroken(f"{count} 行中有 {bad} 行不合约定({reasons}),超过上限", where=f"{note.table} {note.name}")
        files = lake.stage(writer, settings, contract, note) if contract.load == "lake" else []
        with writer.transaction():
            _quarantine(writer, contract, note)
            if contract.load == "lake":
                account = lake.commit(writer, contract, note, files, count, bad)
            else:
                account = _merge(writer, contract, note, count, bad)
            if not account.balanced:
                raise ContractBroken(f"行数不平:{account}", where=f"{note.table} {note.name}")
            dropped = sum(column.door == "drop" for column in contract.columns) * count
            writer.execute("INSERT INTO run.batch VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                           [note.seq, note.source, note.entity, note.name, account.rows_in, account.merged, account.older,
                            account.duplicate, account.quarantined, dropped, naive(note.landed_at), note.sha256])
            if note.cursor:
                transport, value = note.cursor.split("|", 1)
                set_cursor(writer, note.source, f"{note.entity}:{transport}", value, note.seq)
            faults.point("before_commit")
    return account


def naive(text: str) -> dt.datetime:
    """An aware ISO instant as the warehouse keeps it: TIMESTAMP in Asia/Shanghai wall time."""
    from warehouse.units import SHANGHAI

    return dt.datetime.fromisoformat(text).astimezone(SHANGHAI).replace(tzinfo=None)


def set_cursor(writer: Writer, source: str, entity: str, cursor: str, seq: int) -> None:
    """Moves the cursor forward; part of the caller's transaction."""
    writer.execute("DELETE FROM run.cursor WHERE source = ? AND entity = ? AND landing_seq <= ?", [source, entity, seq])
    writer.execute("INSERT INTO run.cursor SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM run.cursor WHERE source = ? AND entity = ?)",
                   [source, entity, cursor, seq, source, entity])


def _cast(column: Column) -> str:
    text = f"trim({column.name})"
    if column.type == "TIMESTAMP":
        text = f"regexp_replace({text}, '\\+08:?00$', '')"
    if column.type in ("SMALLINT", "INTEGER", "BIGINT", "UINTEGER"):
        # 93.0 from a spreadsheet is 93; 93.5 is an error
        return f"CASE WHEN TRY_CAST({text} AS DOUBLE) = floor(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST(TRY_CAST({text} AS DOUBLE) AS {column.type}) END"
    if column.type == "VARCHAR":
        return text
    return f"TRY_CAST({text} AS {column.type})"


def _typed(contract: Contract, note: Landed) -> str:
    """The batch as typed rows with `_bad`, the list of broken rules."""
    casts, rules = [], ["_door"]
    for column in contract.stored:
        cast = _cast(column)
        casts.append(f"{cast} AS {column.name}")
        if column.type != "VARCHAR":
            rules.append(f"CASE WHEN nullif(trim({column.name}), '') IS NOT NULL AND ({cast}) IS NULL THEN 'type:{column.name}' END")
        if column.required:
            rules.append(f"CASE WHEN nullif(trim({column.name}), '') IS NULL AND _door IS NULL THEN 'required:{column.name}' END")
        if column.rule == "plate" and not note.mapping.get("pseudonyms"):
            rules.append(f"CASE WHEN NOT coalesce(is_plate(plate_norm({column.name})), false) THEN 'D02' END")
    version = "NULL::TIMESTAMP"
    if contract.version:
        column = next(item for item in contract.columns if item.name == contract.version)
        # a clock that runs ahead at the source must not freeze a row for ever (F15)
        version = f"least({_cast(column)}, TIMESTAMP '{naive(note.landed_at)}' + INTERVAL 60 SECOND)"
    key = "hash(" + ", ".join(item.name for item in contract.stored) + ")"
    return f"""CREATE OR REPLACE TEMP TABLE batch AS SELECT *, {key} AS _hash FROM (
        SELECT {", ".join(casts)}, coalesce({version}, TIMESTAMP '1970-01-01') AS _version, {note.seq}::BIGINT AS _seq, _row,
        list_filter([{", ".join(rules)}], x -> x IS NOT NULL) AS _bad FROM incoming)"""


def _quarantine(writer: Writer, contract: Contract, note: Landed) -> None:
    """Bad rows with their reason. The payload kept here is after the door: no personal data in clear."""
    plain = ", ".join(f"{column.name} := incoming.{column.name}" for column in contract.stored if column.level in ("L1", "L2"))
    writer.execute(f"""INSERT INTO raw.quarantine SELECT '{contract.source}', '{contract.entity}', batch._bad[1],
        array_to_string(batch._bad, ','), to_json(struct_pack({plain}))::VARCHAR, {note.seq}, batch._row, TIMESTAMP '{naive(note.landed_at)}'
        FROM batch JOIN incoming ON incoming._row = batch._row WHERE len(batch._bad) > 0""")


def _merge(writer: Writer, contract: Contract, note: Landed, count: int, bad: int) -> Account:
    table, keys = f"raw.{contract.table}", ", ".join(contract.key)
    names = ", ".join(column.name for column in contract.stored)
    on = " AND ".join(f"s.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    # within the batch: the newest of a key goes on, identical ones are duplicates, the others older
    if contract.load == "own":  # a table of the bureau's own is replaced as a whole
        writer.execute(f"DELETE FROM {table}")
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE ranked AS SELECT *, row_number() OVER w AS _rank,
        first_value(_hash) OVER w AS _best, row_number() OVER (PARTITION BY {keys}, _hash ORDER BY _version DESC, _row DESC) AS _copy
        FROM batch WHERE len(_bad) = 0 WINDOW w AS (PARTITION BY {keys} ORDER BY _version DESC, _row DESC)""")
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE verdict AS SELECT b._row AS _brow, CASE
        WHEN b._hash = s._hash AND s._deleted_at IS NULL THEN 'duplicate'
        WHEN s._seq IS NULL OR (b._version, b._seq) > (s._version, s._seq) THEN 'merged' ELSE 'older' END AS _fate
        FROM ranked b LEFT JOIN {table} s ON {on} WHERE b._rank = 1""")
    fates = dict(writer.execute("SELECT _fate, count(*) FROM verdict GROUP BY 1"))
    extra = writer.execute("SELECT count(*) FILTER (_copy > 1), count(*) FILTER (_copy = 1) FROM ranked WHERE _rank > 1")[0]
    writer.execute("CREATE OR REPLACE TEMP TABLE winner AS SELECT ranked.* FROM ranked JOIN verdict ON _row = _brow WHERE _fate = 'merged'")
    touch = f"CAST({contract.touches} AS DATE)" if contract.touches else "NULL::DATE"
    writer.execute(f"INSERT INTO run.touched SELECT DISTINCT '{contract.table}', {touch}, {note.seq} FROM winner")
    if contract.history:
        _keep_history(writer, contract, table, names, on)
    writer.execute(f"DELETE FROM {table} s USING winner b WHERE {on}")
    faults.point("mid_merge")
    writer.execute(f"INSERT INTO {table} SELECT {names}, _version, _seq, _row, _hash, NULL FROM winner")
    return Account(count, fates.get("merged", 0), fates.get("older", 0) + extra[1], fates.get("duplicate", 0) + extra[0], bad)


def _keep_history(writer: Writer, contract: Contract, table: str, names: str, on: str) -> None:
    """Superseded and late older versions go to the history, once each, so that any day can be asked who owned what."""
    history = f"{table}_history"
    same = " AND ".join(f"h.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    writer.execute(f"""INSERT INTO {history} SELECT {", ".join("s." + name.strip() for name in names.split(","))}, s._version, s._seq,
        s._row, s._hash, s._deleted_at FROM {table} s JOIN winner b ON {on}
        WHERE NOT EXISTS (SELECT 1 FROM {history} h WHERE {same} AND h._version = s._version AND h._hash = s._hash)""")
    writer.execute(f"""INSERT INTO {history} SELECT {", ".join("b." + name.strip() for name in names.split(","))}, b._version, b._seq,
        b._row, b._hash, NULL FROM ranked b LEFT JOIN verdict v ON v._brow = b._row
        WHERE b._copy = 1 AND coalesce(v._fate, CASE WHEN b._hash = b._best THEN 'duplicate' ELSE 'older' END) = 'older'
        AND NOT EXISTS (SELECT 1 FROM {history} h WHERE {same} AND h._version = b._version AND h._hash = b._hash)""")


def reconcile(writer: Writer, contract: Contract, note: Landed, keys: pa.Table, *, confirmed: bool = False) -> int:
    """Hard deletes (D22): keys that the source no longer has are marked deleted, and returned ones revived.

    Returns how many were marked. Raises Refused when more than 2 % or 500 keys vanish at once and nobody confirmed:
    half an export looks exactly like this."""
    from warehouse.errors import Refused

    if writer.execute("SELECT 1 FROM run.batch WHERE landing_seq = ?", [note.seq]):
        return 0
    table = f"raw.{contract.table}"
    on = " AND ".join(f"CAST(s.{key} AS VARCHAR) = k.{key}" for key in contract.key)
    at = naive(note.landed_at)
    with writer.registered(present=keys), writer.transaction():
        gone = writer.execute(f"SELECT count(*) FROM {table} s WHERE _deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM present k WHERE {on})")[0][0]
        total = writer.execute(f"SELECT count(*) FROM {table} WHERE _deleted_at IS NULL")[0][0]
        if not confirmed and total >= 50 and (gone > 0.02 * total or gone > 500):
            raise Refused(f"来源一次少了 {gone} 条(共 {total} 条),已拒绝当作删除", where=contract.label,
                          to_do="请向来源核实;确认属实后运行 etl run reconcile --confirm-deletes")
        writer.execute(f"UPDATE {table} s SET _deleted_at = TIMESTAMP '{at}' WHERE _deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM present k WHERE {on})")
        writer.execute(f"UPDATE {table} s SET _deleted_at = NULL WHERE _deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM present k WHERE {on})")
        writer.execute("INSERT INTO run.touched SELECT ?, ?, ? WHERE ? > 0", [contract.table, at.date(), note.seq, gone])
        writer.execute("INSERT INTO run.batch VALUES (?,?,?,?,0,0,0,0,0,0,?,?)", [note.seq, note.source, note.entity, note.name, at, note.sha256])
    return int(gone)


def refused(writer: Writer, note: Landed, reason: str) -> None:
    """Books a payload that could not be loaded as a whole, so that nobody tries it for ever and everybody sees it."""
    with writer.transaction():
        writer.execute("DELETE FROM raw.quarantine WHERE landing_seq = ? AND row_no = -1", [note.seq])
        writer.execute("INSERT INTO raw.quarantine VALUES (?,?,?,?,?,?,?,?)",
                       [note.source, note.entity, "payload", reason, orjson.dumps({"name": note.name}).decode(), note.seq, -1, naive(note.landed_at)])
