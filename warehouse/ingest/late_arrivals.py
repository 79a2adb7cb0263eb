"""Days freeze: rows that come later than a day may still change are put aside, so that a published number stays what it
was.

Owns run.day_seen and run.redo. A day of a table with freeze_h is open until its end plus freeze_h, or freeze_h after
its first row arrived, whichever is later; the rule looks at landing times only, so a rebuild ends in the same tables.
What came too late waits in quarantine (rule L72) until somebody opens the days again and says why."""

from __future__ import annotations

from warehouse.catalog.schema import Contract
from warehouse.core.database import Writer
from warehouse.ingest import lake
from warehouse.ingest.landing import Landed

LATE = "L72"

BOOK = """
CREATE TABLE IF NOT EXISTS run.day_seen (source_table VARCHAR, seen_day DATE, first_landed TIMESTAMP);
CREATE TABLE IF NOT EXISTS run.redo (landing_seq BIGINT, source_table VARCHAR, redone_at TIMESTAMP, who VARCHAR, why VARCHAR, rows BIGINT);
"""


def put_aside(writer: Writer, contract: Contract, note: Landed) -> None:
    """Marks rows of the batch whose day is frozen. A payload landed again by a person's decision opens its days."""
    if not contract.freeze_h or note.mapping.get("redo"):
        return
    writer.execute(
        f"""UPDATE batch SET _bad = ['{LATE}'] FROM run.day_seen s WHERE s.source_table = ? AND s.seen_day = {_day(contract)} AND len(_bad) = 0
        AND _landed > greatest(s.seen_day + INTERVAL 1 DAY, s.first_landed) + INTERVAL {contract.freeze_h} HOUR""",
        [contract.table],
    )


def remember(writer: Writer, contract: Contract) -> None:
    """Keeps when the first rows of each day arrived; part of the load's transaction."""
    if contract.freeze_h:
        writer.execute(
            f"""INSERT INTO run.day_seen SELECT ?, n.new_day, n.landed FROM (SELECT {_day(contract)} AS new_day, min(_landed) AS landed FROM batch WHERE len(_bad) = 0 GROUP BY 1) n
            WHERE n.new_day IS NOT NULL AND NOT EXISTS (SELECT 1 FROM run.day_seen s WHERE s.source_table = ? AND s.seen_day = n.new_day)""",
            [contract.table, contract.table],
        )


def redone(writer: Writer, contract: Contract, note: Landed, landed_at: object) -> None:
    """Takes rows that a later payload has put right out of quarantine, and books who decided it and why; part of the
    load's transaction."""
    redo = note.mapping.get("redo")
    if redo:
        seqs, rows = [pair[0] for pair in redo["rows"]], [pair[1] for pair in redo["rows"]]
        writer.execute(
            "DELETE FROM raw.quarantine q USING (SELECT unnest(?) AS seq, unnest(?) AS row_no) r WHERE q.landing_seq = r.seq AND q.row_no = r.row_no",
            [seqs, rows],
        )
        if contract.history:  # the first version of a key reaches back further than its own day
            writer.execute("INSERT INTO run.touched VALUES (?, NULL, ?)", [contract.table, note.seq])
        writer.execute(
            "INSERT INTO run.redo VALUES (?,?,?,?,?,?)",
            [note.seq, note.table, landed_at, redo["who"], redo["why"], len(seqs)],
        )


def _day(contract: Contract) -> str:
    return f"CAST({lake.MOMENT if contract.load == 'lake' else contract.touches} AS DATE)"
