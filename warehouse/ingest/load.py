"""From rows of text to landed tables: contract checked row by row, merged by the one rule, all in one transaction.

Owns raw.*, the quarantine, the batch book and the cursors. The rule of merging: of the rows with one key the one with
the greatest (version, landing_seq, row) wins; an older one never replaces a newer one, so loading twice, late or out of
order ends in the same table. in = merged + older + duplicate + quarantined, or the batch is refused."""

from __future__ import annotations

import datetime as dt
import re

import pyarrow as pa

from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract
from warehouse.core import failpoints
from warehouse.core.database import Writer
from warehouse.core.errors import ContractBroken
from warehouse.core.settings import Settings
from warehouse.core.units import naive
from warehouse.ingest import incoming, lake, late_arrivals, parse, quarantine, source_deletes, verdicts
from warehouse.ingest.early_types import Rows
from warehouse.ingest.incoming import Incoming
from warehouse.ingest.landing import Landed
from warehouse.ingest.pseudonymize import PrivacyFilter
from warehouse.ingest.row_counts import Account

BOOKS = """
CREATE SCHEMA IF NOT EXISTS raw; CREATE SCHEMA IF NOT EXISTS run; CREATE SCHEMA IF NOT EXISTS build;
CREATE SCHEMA IF NOT EXISTS staging; CREATE SCHEMA IF NOT EXISTS marts;
CREATE TABLE IF NOT EXISTS run.batch (landing_seq BIGINT, source VARCHAR, entity VARCHAR, name VARCHAR, rows_in BIGINT,
    merged BIGINT, older BIGINT, duplicate BIGINT, quarantined BIGINT, dropped_fields BIGINT, landed_at TIMESTAMP, sha256 VARCHAR,
    fields_aside BIGINT);
CREATE TABLE IF NOT EXISTS run.cursor (source VARCHAR, entity VARCHAR, cursor VARCHAR, landing_seq BIGINT);
CREATE TABLE IF NOT EXISTS run.touched (source_table VARCHAR, day DATE, landing_seq BIGINT);
CREATE TABLE IF NOT EXISTS run.lake_file (path VARCHAR, day DATE, rows BIGINT, sha256 VARCHAR, from_at TIMESTAMP, to_at TIMESTAMP,
    landing_seq BIGINT);
CREATE TABLE IF NOT EXISTS run.delivery (source VARCHAR, entity VARCHAR, due_at TIMESTAMP, deadline TIMESTAMP,
    finished_at TIMESTAMP, through TIMESTAMP, rows BIGINT, ok BOOLEAN, error VARCHAR, cured_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS run.fault (source VARCHAR, error VARCHAR);
CREATE TABLE IF NOT EXISTS run.addressed (source VARCHAR, entity VARCHAR);
CREATE TABLE IF NOT EXISTS run.unread (source VARCHAR, file VARCHAR, why VARCHAR);
CREATE TABLE IF NOT EXISTS run.answer (source VARCHAR, entity VARCHAR, digest VARCHAR, etag VARCHAR, landing_seq BIGINT, error VARCHAR);
CREATE TABLE IF NOT EXISTS run.tidied (landing_seq BIGINT, source VARCHAR, entity VARCHAR, rule VARCHAR, what VARCHAR, rows BIGINT);
CREATE TABLE IF NOT EXISTS raw.gps_latest (vehicle_key VARCHAR, loc_time TIMESTAMP, lon DOUBLE, lat DOUBLE, speed_kmh DOUBLE,
    direction SMALLINT);
"""

UNDATED = "更新时间为空"
BOOKED = "_version, _seq, _row, _hash, _deleted_at"
"""By name: a table that has grown since it was made has its newest columns behind these."""

META = "_version TIMESTAMP, _seq BIGINT, _row BIGINT, _hash UBIGINT, _deleted_at TIMESTAMP"


def prepare(writer: Writer) -> None:
    """Makes the books and one raw table (and its history) a contract where they are missing."""
    writer.execute(BOOKS + source_deletes.BOOK + late_arrivals.BOOK)
    writer.execute("ALTER TABLE run.batch ADD COLUMN IF NOT EXISTS fields_aside BIGINT")
    writer.execute("ALTER TABLE run.delivery ADD COLUMN IF NOT EXISTS cured_at TIMESTAMP")
    writer.execute("ALTER TABLE run.delivery ADD COLUMN IF NOT EXISTS acknowledged_at TIMESTAMP")
    quarantine.prepare(writer)
    present: dict[str, set[str]] = {}
    for table, name in writer.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'raw'"
    ):
        present.setdefault(table, set()).add(name)
    with writer.transaction():
        for contract in contracts().values():
            if contract.load == "lake":
                continue
            columns = ", ".join(f"{column.name} {column.type}" for column in contract.stored)
            for table in [contract.table, *([f"{contract.table}_history"] if contract.history else [])]:
                if table not in present:
                    writer.execute(f"CREATE TABLE raw.{table} ({columns}, {META})")
                    continue
                for column in contract.stored:  # a contract that has grown since this file was made
                    if column.name not in present[table]:
                        writer.execute(f"ALTER TABLE raw.{table} ADD COLUMN {column.name} {column.type}")


def settled(writer: Writer) -> set[int]:
    """Landing numbers that need no loading: those in the warehouse, and those refused as a whole until somebody replays
    them."""
    return {
        row[0]
        for row in writer.execute(
            "SELECT landing_seq FROM run.batch UNION SELECT landing_seq FROM raw.quarantine WHERE row_no = -1"
        )
    }


def load(writer: Writer, settings: Settings, privacy: PrivacyFilter, note: Landed, rows: Rows) -> Account:
    """Loads one parsed payload; rows, quarantine, cursor and book entry commit together. A payload that is already in
    answers its account again and changes nothing.

    Raises ContractBroken when more rows are bad than the contract allows; then nothing of it is in, the payload
    stays."""
    known = writer.execute(
        "SELECT rows_in, merged, older, duplicate, quarantined FROM run.batch WHERE landing_seq = ?", [note.seq]
    )
    return Account(*known[0]) if known else load_many(writer, settings, privacy, [(note, rows)])[0]


def load_many(
    writer: Writer, settings: Settings, privacy: PrivacyFilter, payloads: list[tuple[Landed, Rows]]
) -> list[Account]:
    """Loads payloads of one table together, none of which is in yet: many small files cost one merge instead of one
    each.

    Raises ContractBroken, with nothing of any of them in, when one of them has too many bad rows: load them singly
    then."""
    first = payloads[0][0]
    contract = contracts()[first.table]
    coming = Incoming(contract, privacy, payloads)
    counts = {note.seq: rows.num_rows for note, rows in payloads}
    with writer.sparing() if contract.load == "lake" else writer.alone():  # `batch` is ours until it is in
        coming.judge(writer)
        _convert_datum(writer, contract, first)
        bad = _bad(writer)
        with writer.registered(incoming=coming.texts(writer, verdicts.EXAMPLES)):
            for note, _ in payloads:
                verdicts.refuse_drifted(writer, contract, note, counts[note.seq], bad.get(note.seq, 0))
        late_arrivals.put_aside(writer, contract, first)
        if contract.load == "lake":
            lake.put_twins_aside(writer, settings, contract, first)
        bad = _bad(writer)
        files = lake.stage(writer, settings, contract, first) if contract.load == "lake" else []
        is_whole = bool(first.mapping.get("snapshot"))  # such a payload always comes alone
        living = source_deletes.living(writer, contract) if is_whole else 0
        with writer.registered(incoming=coming.texts(writer, verdicts.FAULTY)), writer.transaction():
            late_arrivals.remember(writer, contract)
            if contract.load == "lake":
                accounts = [lake.commit(writer, contract, first, files, counts[first.seq], bad.get(first.seq, 0))]
                quarantine.put(writer, contract)
            else:
                _settle_versions(writer, contract)
                accounts = _merge(writer, contract, counts, bad)
                quarantine.cure(writer, contract, late=late_arrivals.LATE)
                quarantine.put(writer, contract, among="(FROM judged WHERE _rank = 1 AND _fate <> 'older')")
            for (note, rows), account in zip(payloads, accounts, strict=True):
                _book(writer, contract, note, account)
                _tell(writer, contract, note, rows)
                late_arrivals.redone(writer, contract, note, naive(note.landed_at))
            if is_whole:
                source_deletes.close(writer, contract, first, naive(first.landed_at), living)
            failpoints.point("before_commit")
    return accounts


def _bad(writer: Writer) -> dict[int, int]:
    """Landing number → rows of `batch` that are not fit to go in."""
    return dict(writer.execute("SELECT _seq, count(*) FROM batch WHERE len(_bad) > 0 GROUP BY 1"))


def _book(writer: Writer, contract: Contract, note: Landed, account: Account) -> None:
    if not account.balanced:
        raise ContractBroken(f"行数不平：{account}", where=f"{note.table} {note.name}")
    dropped = sum(column.treatment == "drop" for column in contract.columns) * account.rows_in
    writer.execute(
        "INSERT INTO run.batch VALUES (?,?,?,?,?,?,?,?,?,?,?,?, (SELECT count(*) FROM (SELECT unnest(_aside) FROM batch WHERE _seq = ? AND len(_bad) = 0)))",
        [
            note.seq,
            note.source,
            note.entity,
            note.name,
            account.rows_in,
            account.merged,
            account.older,
            account.duplicate,
            account.quarantined,
            dropped,
            naive(note.landed_at),
            note.sha256,
            note.seq,
        ],
    )
    _replace(writer, note)
    if note.cursor:
        transport, value = note.cursor.split("|", 1)
        set_cursor(writer, note.source, f"{note.entity}:{transport}", value, note.seq)


def _replace(writer: Writer, note: Landed) -> None:
    """A payload that was landed again with another mapping takes the place of the refused one; part of the caller's
    transaction."""
    first = note.mapping.get("replaces")
    if first is not None:
        quarantine.accept(writer, first)
        writer.execute(
            "INSERT INTO run.batch SELECT ?,?,?,?,0,0,0,0,0,0,?,'',0 WHERE NOT EXISTS (SELECT 1 FROM run.batch WHERE landing_seq = ?)",
            [first, note.source, note.entity, note.name, naive(note.landed_at), first],
        )


def _tell(writer: Writer, contract: Contract, note: Landed, rows: Rows) -> None:
    """Books what reading the file left out, how many rows do not say when they changed, and the digest by which the
    same answer is known again."""
    undated = (
        writer.execute(
            f"SELECT count(*) FROM batch WHERE _seq = ? AND {contract.version} IS NULL AND len(_bad) = 0", [note.seq]
        )[0][0]
        if contract.version and contract.load == "upsert"
        else 0
    )
    stated = [
        *(parse.tidied(rows) if isinstance(rows, pa.Table) else []),
        *([("F23", UNDATED, undated)] if undated else []),
    ]
    for rule, what, number in stated:
        writer.execute(
            "INSERT INTO run.tidied VALUES (?,?,?,?,?,?)", [note.seq, note.source, note.entity, rule, what, number]
        )
    answered(writer, note, "")


def answered(writer: Writer, note: Landed, error: str) -> None:
    """Keeps the digest of the newest answer of a feed and what became of it; part of the caller's transaction."""
    if note.digest:
        transport, digest = note.digest.split("|", 1)
        name = f"{note.entity}:{transport}"
        writer.execute("DELETE FROM run.answer WHERE source = ? AND entity = ?", [note.source, name])
        writer.execute("INSERT INTO run.answer VALUES (?,?,?,'',?,?)", [note.source, name, digest, note.seq, error])


def set_cursor(writer: Writer, source: str, entity: str, cursor: str, seq: int) -> None:
    """Moves the cursor forward; part of the caller's transaction."""
    writer.execute("DELETE FROM run.cursor WHERE source = ? AND entity = ? AND landing_seq <= ?", [source, entity, seq])
    writer.execute(
        "INSERT INTO run.cursor SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM run.cursor WHERE source = ? AND entity = ?)",
        [source, entity, cursor, seq, source, entity],
    )


def _settle_versions(writer: Writer, contract: Contract) -> None:
    """Of two rows of a key, one of which does not say when it changed, the one that was landed later wins: nobody knows
    which is older, and the arrival of the undated one says nothing against a dated one that follows."""
    if contract.version and contract.load == "upsert":
        on = " AND ".join(f"b.{key} IS NOT DISTINCT FROM s.{key}" for key in contract.key)
        writer.execute(
            f"UPDATE batch b SET _version = s._version FROM raw.{contract.table} s WHERE {on} AND s.{contract.version} IS NULL "
            "AND b._version < s._version AND b._seq > s._seq"
        )
    writer.execute("UPDATE batch SET _version = TIMESTAMP '1970-01-01' WHERE _version IS NULL")


def _convert_datum(writer: Writer, contract: Contract, note: Landed) -> None:
    """Places that are written in another datum, in WGS-84 from here on. The mapping names the datum."""
    names = {column.name for column in contract.stored}
    if (datum := note.mapping.get("datum")) and {"lon_e6", "lat_e6"} <= names:
        writer.execute(
            "UPDATE batch SET lon_e6 = round(w.place.lon * 1e6), lat_e6 = round(w.place.lat * 1e6) FROM (SELECT _seq, _row, "
            "wgs_place(?, lon_e6 / 1e6, lat_e6 / 1e6) AS place FROM batch) w WHERE w._seq = batch._seq AND w._row = batch._row",
            [datum],
        )


def _merge(writer: Writer, contract: Contract, counts: dict[int, int], bad: dict[int, int]) -> list[Account]:
    """Merges the batch and says what became of the rows of each payload (`counts`, `bad`: landing number → rows)."""
    table, keys = f"raw.{contract.table}", ", ".join(contract.key)
    names = ", ".join(column.name for column in contract.stored)
    on = " AND ".join(f"s.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    if contract.load == "own":  # a table of the bureau's own is replaced as a whole
        writer.execute(f"DELETE FROM {table}")
    writer.execute(f"CREATE OR REPLACE TEMP TABLE ranked AS {_ranked(writer, keys)}")
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE judged AS SELECT b.*, CASE
        WHEN b._rank > 1 THEN CASE WHEN b._copy > 1 THEN 'duplicate' ELSE 'older' END
        WHEN b._hash = s._hash AND s._deleted_at IS NULL THEN 'duplicate'
        WHEN s._seq IS NULL OR (b._version, b._seq) > (s._version, s._seq) THEN 'merged' ELSE 'older' END AS _fate, s._seq IS NULL AS _is_new
        FROM ranked b LEFT JOIN {table} s ON {on}""")
    writer.execute("CREATE OR REPLACE TEMP TABLE winner AS SELECT * FROM judged WHERE _fate = 'merged'")
    touch = f"CAST({contract.touches} AS DATE)" if contract.touches else "NULL::DATE"
    if contract.reaches_back:  # what is new to us may have been there for years
        touch = f"CASE WHEN _is_new THEN least({touch}, CAST({contract.reaches_back} AS DATE)) ELSE {touch} END"
    writer.execute(f"INSERT INTO run.touched SELECT DISTINCT '{contract.table}', {touch}, _seq FROM winner")
    if contract.history:
        _keep_history(writer, contract, table, names, on, touch)
    writer.execute(f"DELETE FROM {table} s USING winner b WHERE {on}")
    failpoints.point("mid_merge")
    writer.execute(
        f"INSERT INTO {table} ({names}, {BOOKED}) SELECT {names}, _version, _seq, _row, _hash, NULL FROM winner"
    )
    fates = {
        (seq, fate): number
        for seq, fate, number in writer.execute("SELECT _seq, _fate, count(*) FROM judged GROUP BY 1, 2")
    }
    return [
        Account(
            count,
            fates.get((seq, "merged"), 0),
            fates.get((seq, "older"), 0),
            fates.get((seq, "duplicate"), 0),
            bad.get(seq, 0),
        )
        for seq, count in counts.items()
    ]


def _ranked(writer: Writer, keys: str) -> str:
    """The good rows of the batch in SQL: within it the newest of a key goes on (`_rank` 1), identical ones are
    duplicates (`_copy` above 1), the others older. Where no key stands twice there is nothing to sort, which takes
    longer than anything else that is done with few rows."""
    good = "batch WHERE len(_bad) = 0"
    if not writer.execute(f"SELECT 1 FROM {good} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"):
        return f"SELECT *, 1 AS _rank, 1 AS _copy FROM {good}"
    newest = "ORDER BY _version DESC, _seq DESC, _row DESC"
    return f"""SELECT *, row_number() OVER (PARTITION BY {keys} {newest}) AS _rank,
        row_number() OVER (PARTITION BY {keys}, _hash {newest}) AS _copy FROM {good}"""


def _keep_history(writer: Writer, contract: Contract, table: str, names: str, on: str, touch: str) -> None:
    """Superseded and late older versions go to the history, once each, so that any day can be asked who owned what. A
    late one changes the past: it touches its day like a new one."""
    history = f"{table}_history"
    same = " AND ".join(f"h.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    writer.execute(f"""INSERT INTO {history} ({names}, {BOOKED}) SELECT {", ".join("s." + name.strip() for name in names.split(","))}, s._version, s._seq,
        s._row, s._hash, s._deleted_at FROM {table} s JOIN winner b ON {on}
        WHERE NOT EXISTS (SELECT 1 FROM {history} h WHERE {same} AND h._version = s._version AND h._hash = s._hash)""")
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE late AS SELECT * FROM judged b WHERE b._fate = 'older'
        AND NOT EXISTS (SELECT 1 FROM {history} h WHERE {same} AND h._version = b._version AND h._hash = b._hash)""")
    writer.execute(
        f"INSERT INTO {history} ({names}, {BOOKED}) SELECT {names}, _version, _seq, _row, _hash, NULL FROM late"
    )
    writer.execute(f"INSERT INTO run.touched SELECT DISTINCT '{contract.table}', {touch}, _seq FROM late")


def reconcile(writer: Writer, contract: Contract, note: Landed, keys: pa.Table, *, confirmed: bool = False) -> int:
    """Hard deletes (D22): keys that the source no longer has are marked deleted, and returned ones revived.

    Returns how many were marked. Raises Refused when more than 2 % or 500 keys vanish at once and nobody confirmed:
    half an export looks exactly like this."""
    if writer.execute("SELECT 1 FROM run.batch WHERE landing_seq = ?", [note.seq]):
        return 0
    if not keys.num_rows:
        raise ContractBroken("来源的全部键清单是空的，不当作全部删除", where=contract.label)
    table, on = f"raw.{contract.table}", _same_key(contract, keys)
    at = naive(note.landed_at)
    with writer.registered(present=keys), writer.transaction():
        gone = writer.execute(
            f"SELECT count(*) FROM {table} s WHERE _deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM present k WHERE {on})"
        )[0][0]
        if not confirmed:
            source_deletes.guard(
                contract,
                gone,
                source_deletes.living(writer, contract),
                "请向来源核实；确认属实后运行 etl run reconcile --confirm-deletes",
            )
        writer.execute(
            f"UPDATE {table} s SET _deleted_at = TIMESTAMP '{at}' WHERE _deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM present k WHERE {on})"
        )
        writer.execute(
            f"UPDATE {table} s SET _deleted_at = NULL WHERE _deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM present k WHERE {on})"
        )
        writer.execute(
            "INSERT INTO run.touched SELECT ?, ?, ? WHERE ? > 0", [contract.table, at.date(), note.seq, gone]
        )
        writer.execute(
            "INSERT INTO run.batch VALUES (?,?,?,?,0,0,0,0,0,0,?,?,0)",
            [note.seq, note.source, note.entity, note.name, at, note.sha256],
        )
    return int(gone)


def unseen(writer: Writer, contract: Contract, keys: pa.Table) -> int:
    """How many keys the source has that are neither here nor in quarantine: an update time that is empty or set back
    hides a row from a question for what has changed."""
    table, on = f"raw.{contract.table}", _same_key(contract, keys)
    with writer.registered(present=keys):
        absent = writer.execute(
            f"SELECT count(*) FROM present k WHERE NOT EXISTS (SELECT 1 FROM {table} s WHERE {on})"
        )[0][0]
    aside = writer.execute(
        "SELECT count(*) FROM raw.quarantine WHERE source = ? AND entity = ? AND row_no >= 0 AND is_row",
        [contract.source, contract.entity],
    )[0][0]
    return max(int(absent) - int(aside), 0)


def _same_key(contract: Contract, keys: pa.Table) -> str:
    """SQL: a row `s` of the table and a listed key `k` are the same."""
    held = {
        key: [f"k.{name}" for name in dict.fromkeys((key, *names)) if name in keys.column_names]
        for key, names in contract.key_sources.items()
    }
    return " AND ".join(f"CAST(s.{key} AS VARCHAR) = coalesce({', '.join(names)})" for key, names in held.items())


def judge(writer: Writer, contract: Contract, privacy: PrivacyFilter, note: Landed, rows: pa.Table) -> None:
    """Leaves the rows as temp table `batch`, typed and each with what it breaks (`_bad`), and loads nothing. The caller
    holds the writer (alone) for as long as it reads them."""
    with writer.registered(incoming=incoming.table(contract, privacy, note, rows)):
        verdicts.typed(writer, contract, note)


def examine(writer: Writer, contract: Contract, privacy: PrivacyFilter, note: Landed, rows: pa.Table) -> None:
    """The same, places converted as loading does, and with the faults as temp table `aside` (quarantine.set_aside)."""
    with writer.registered(incoming=incoming.table(contract, privacy, note, rows)):
        verdicts.typed(writer, contract, note)
        _convert_datum(writer, contract, note)
        quarantine.set_aside(writer, contract)


def went_back(
    writer: Writer, contract: Contract, privacy: PrivacyFilter, note: Landed, rows: pa.Table
) -> tuple[int, dt.datetime | None]:
    """How many keys of `rows` are older there than here, and the newest version there: what a restored backup looks
    like (F22). Changes nothing; (0, None) for a contract without versions."""
    if not contract.version or contract.load != "upsert":
        return 0, None
    keys, on = ", ".join(contract.key), " AND ".join(f"s.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    with writer.alone():
        judge(writer, contract, privacy, note, rows)
        older, newest = (
            writer.execute(f"""SELECT count(*) FILTER (s._version > b.newest AND s._deleted_at IS NULL), max(b.newest)
            FROM (SELECT {keys}, max(_version) AS newest FROM batch WHERE len(_bad) = 0 GROUP BY {keys}) b LEFT JOIN raw.{contract.table} s ON {on}""")[
                0
            ]
        )
        return int(older), newest


def unchanged(writer: Writer, note: Landed) -> None:
    """Books a payload that says what one before it said, byte for byte: nothing of it goes in, nothing is wrong."""
    writer.execute(
        "INSERT INTO run.batch VALUES (?,?,?,?,0,0,0,0,0,0,?,?,0)",
        [note.seq, note.source, note.entity, note.name, naive(note.landed_at), note.sha256],
    )


def acknowledged(writer: Writer, note: Landed) -> None:
    """Books that somebody knows of a refused payload (quarantine.acknowledge)."""
    at = naive(note.landed_at)
    with writer.transaction():
        quarantine.acknowledge(writer, note, at)
        unchanged(writer, note)


def refused(writer: Writer, note: Landed, reason: str) -> None:
    """Books a payload that could not be loaded as a whole, so that nobody tries it for ever and everybody sees it.
    `reason` may begin with the rule it broke ("D21 …")."""
    rule = reason[:3] if re.match(r"[DF]\d\d ", reason) else "payload"
    with writer.transaction():
        quarantine.refuse(writer, note, rule, reason, naive(note.landed_at))
        _replace(writer, note)
        answered(writer, note, reason)
