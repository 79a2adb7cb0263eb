"""What was put aside and why: rows that are not in, fields that are in as unknown, payloads refused as a whole.

Owns raw.quarantine. A record with a fault has one entry, however often its source sends it: first seen, last seen,
times. It goes when it is cured: a good version of the same record has come, or somebody has put it right."""

from __future__ import annotations

import orjson

from warehouse.catalog.schema import Contract
from warehouse.core.database import Writer
from warehouse.ingest import verdicts
from warehouse.ingest.landing import Landed

WHOLE = -1
"""Row number of a payload that was refused as a whole."""
COLUMNS = {
    "source": "VARCHAR",
    "entity": "VARCHAR",
    "rule": "VARCHAR",
    "reason": "VARCHAR",
    "payload": "VARCHAR",
    "landing_seq": "BIGINT",
    "row_no": "BIGINT",
    "landed_at": "TIMESTAMP",
    "is_row": "BOOLEAN",
    "faults": "VARCHAR",
    "first_seen": "TIMESTAMP",
    "times": "BIGINT",
    "print": "UBIGINT",
    "key_print": "UBIGINT",
    "version": "TIMESTAMP",
    "acknowledged_at": "TIMESTAMP",
    "acknowledged_by": "VARCHAR",
    "acknowledged_why": "VARCHAR",
}
"""landing_seq, row_no, landed_at: where the record stood when it was last seen, Shanghai time. is_row: True, the row is
not in; False, it is, without the fields named. faults: JSON list of {column, rule, value, cell}, the value as far as
its level lets it be seen. print: what the record says, by which it is known again; key_print: which record it is, NULL
where its key cannot be read. acknowledged_*: when (Shanghai time), by whom and why somebody has said of a payload that
nothing is left to be done; NULL: it is open. It stays listed, and is not counted any more."""


def prepare(writer: Writer) -> None:
    """Makes the table, or adds what an older file lacks."""
    writer.execute(
        f"CREATE TABLE IF NOT EXISTS raw.quarantine ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
    )
    present = {row[0] for row in writer.execute("DESCRIBE raw.quarantine")}
    for name, kind in COLUMNS.items():
        if name not in present:
            writer.execute(f"ALTER TABLE raw.quarantine ADD COLUMN {name} {kind}")
    writer.execute(
        "UPDATE raw.quarantine SET is_row = TRUE, first_seen = landed_at, times = 1, faults = '[]' WHERE times IS NULL"
    )


def refuse(writer: Writer, note: Landed, rule: str, reason: str, landed_at: object) -> None:
    """Books a payload that could not be loaded as a whole."""
    writer.execute("DELETE FROM raw.quarantine WHERE landing_seq = ? AND row_no = ?", [note.seq, WHOLE])
    writer.execute(
        "INSERT INTO raw.quarantine BY NAME SELECT ? AS source, ? AS entity, ? AS rule, ? AS reason, ? AS payload, "
        "? AS landing_seq, ? AS row_no, CAST(? AS TIMESTAMP) AS landed_at, TRUE AS is_row, '[]' AS faults, "
        "CAST(? AS TIMESTAMP) AS first_seen, 1 AS times",
        [
            note.source,
            note.entity,
            rule,
            reason,
            orjson.dumps({"name": note.name}).decode(),
            note.seq,
            WHOLE,
            landed_at,
            landed_at,
        ],
    )


def accept(writer: Writer, note_seq: int) -> None:
    """Takes a refused payload out: it has been loaded, or another one stands in its place."""
    writer.execute("DELETE FROM raw.quarantine WHERE landing_seq = ? AND row_no = ?", [note_seq, WHOLE])


def acknowledge(writer: Writer, note: Landed, at: object) -> None:
    """What the payload `note` says of another one: somebody knows of it, and nothing is left to be done."""
    stated = note.mapping["acknowledges"]
    writer.execute(
        "UPDATE raw.quarantine SET acknowledged_at = CAST(? AS TIMESTAMP), acknowledged_by = ?, acknowledged_why = ? "
        "WHERE landing_seq = ? AND row_no = ? AND acknowledged_at IS NULL",
        [at, stated["who"], stated["why"], stated["seq"], WHOLE],
    )


def put(writer: Writer, contract: Contract, *, among: str = "batch") -> None:
    """Enters the faulty rows and fields of `batch` (fields of those of its rows that are in `among`); part of the
    load's transaction. What is entered is after the privacy filter: no personal data in clear."""
    if not writer.execute("SELECT 1 FROM batch WHERE len(_bad) > 0 OR len(_aside) > 0 LIMIT 1"):
        return
    set_aside(writer, contract, among=among)
    newest = "arg_max({0}, (landing_seq, row_no)) AS {0}"
    stated = ("rule", "reason", "payload", "row_no", "is_row", "faults", "key_print", "version")
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE entry AS SELECT source, entity, print, max(landing_seq) AS landing_seq,
        max(landed_at) AS landed_at, min(landed_at) AS first_seen, count(*) AS times, {", ".join(newest.format(name) for name in stated)}
        FROM aside GROUP BY source, entity, print""")
    known = "q.source = e.source AND q.entity = e.entity AND q.print = e.print AND q.row_no >= 0"
    writer.execute(
        f"""UPDATE entry e SET first_seen = q.first_seen, times = q.times + e.times FROM raw.quarantine q WHERE {known}"""
    )
    writer.execute(f"DELETE FROM raw.quarantine q USING entry e WHERE {known}")
    writer.execute("INSERT INTO raw.quarantine BY NAME SELECT * FROM entry")


def set_aside(writer: Writer, contract: Contract, *, among: str = "batch") -> None:
    """Leaves the faulty rows and fields of `batch` and `incoming` as temp table `aside`, one row each, as quarantine
    words them."""
    shown = ", ".join(f"{column.name} := {verdicts.shown(column)}" for column in contract.stored)
    safe = r"regexp_replace(i.{0}, '\d{{11,}}[\dXx]?', '〔已隐去〕', 'g')"
    payload = ", ".join(
        f"{column.name} := {safe.format(column.name) if column.type in ('TIMESTAMP', 'DATE', 'BOOLEAN') else 'i.' + column.name}"
        for column in contract.stored
        if column.level in ("L1", "L2")
    )
    bare = {"D10": "", "D02": ""}
    for column in reversed(contract.stored):
        if column.treatment in ("person", "holder"):
            bare["D10"] = column.name
        if column.rule == "plate":
            bare["D02"] = column.name
    named = f"CASE f WHEN 'D10' THEN '{bare['D10']}' WHEN 'D02' THEN '{bare['D02']}' ELSE split_part(f, ':', 2) END"
    texts = ", ".join(f"i.{column.name}" for column in contract.stored)
    writer.execute(rf"""CREATE OR REPLACE TEMP TABLE aside AS
        WITH faulty AS (
            SELECT b._seq, b._row, b._landed, b._version, len(b._bad) > 0 AS is_row, {"NULL::UBIGINT" if contract.load == "lake" else _key_print(contract, "b")} AS key_print,
                CASE WHEN len(b._bad) > 0 THEN b._bad ELSE b._aside END AS broken, list_concat(b._bad, b._aside) AS every,
                hash({texts}, b._bad, b._aside) AS says, to_json(struct_pack({payload}))::VARCHAR AS payload,
                to_json(struct_pack({shown})) AS shown, i._line, i._letters
            FROM batch b JOIN incoming i ON i._row = b._row AND i._seq = b._seq
            WHERE len(b._bad) > 0 OR (len(b._aside) > 0 AND (b._seq, b._row) IN (SELECT (_seq, _row) FROM {among})))
        SELECT '{contract.source}' AS source, '{contract.entity}' AS entity,
            CASE WHEN regexp_full_match(broken[1], '[A-Z]\d\d:.*') THEN split_part(broken[1], ':', 1) ELSE broken[1] END AS rule, array_to_string(broken, ',') AS reason,
            payload, _seq AS landing_seq, _row AS row_no, _landed AS landed_at, is_row,
            to_json(list_transform(every, lambda f: struct_pack("column" := {named}, rule := split_part(f, ':', 1),
                value := shown ->> {named},
                cell := coalesce(CAST(_letters AS JSON) ->> {named}, '') || coalesce(CAST(_line AS VARCHAR), ''))))::VARCHAR AS faults,
            CASE WHEN key_print IS NOT NULL THEN hash(key_print, broken)
                ELSE hash(says, row_number() OVER (PARTITION BY _seq, says ORDER BY _row)) END AS print, key_print, _version AS version
        FROM faulty""")


def cure(writer: Writer, contract: Contract, *, late: str) -> None:
    """Takes out what the good rows of `judged` put right: an earlier entry of the same record, not older than it; part
    of the load's transaction, before put(). late: the rule of rows that only a person's decision brings in."""
    if not writer.execute(
        "SELECT 1 FROM raw.quarantine WHERE source = ? AND entity = ? AND row_no >= 0 LIMIT 1",
        [contract.source, contract.entity],
    ):
        return
    if contract.load == "own":
        writer.execute(
            "DELETE FROM raw.quarantine WHERE source = ? AND entity = ? AND row_no >= 0",
            [contract.source, contract.entity],
        )
        return
    writer.execute(
        f"""DELETE FROM raw.quarantine q USING (SELECT {_key_print(contract, "j")} AS key_print, j._version, j._seq,
            array_to_string(j._aside, ',') AS reason FROM judged j WHERE j._rank = 1 AND j._fate <> 'older') w
        WHERE q.source = ? AND q.entity = ? AND q.row_no >= 0 AND q.rule <> ? AND q.key_print = w.key_print
            AND q.landing_seq < w._seq AND coalesce(q.version <= w._version, true) AND (q.is_row OR q.reason <> w.reason)""",
        [contract.source, contract.entity, late],
    )


def _key_print(contract: Contract, table: str) -> str:
    """SQL: which record a row of `table` is, NULL where a part of its key cannot be read."""
    names = [f"{table}.{name}" for name in contract.key]
    unread = " OR ".join(f"{name} IS NULL" for name in names)
    return f"CASE WHEN NOT ({unread}) THEN hash({', '.join(names)}) END"
