"""A list that somebody files: what of it breaks the contract, and what it would change. Looked at here, loaded
elsewhere.

Owns the comparison of a whole list with the table in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from warehouse.catalog.schema import Contract
from warehouse.core.database import Writer
from warehouse.ingest import load
from warehouse.ingest.landing import Landed
from warehouse.ingest.pseudonymize import PrivacyFilter

MOST_SHOWN = 200
"""Rows of each kind of difference that are told one by one; the others are counted."""


@dataclass(frozen=True)
class Row:
    """One difference. kind: added, changed or removed; old, new: column → value as text (None = empty), open columns
    only; {} where there is none."""

    kind: str
    old: dict[str, str | None]
    new: dict[str, str | None]


@dataclass(frozen=True)
class Look:
    """What a filed list would do. bad: (row from 0, rule as in quarantine); doubles: (row, the earlier row with the
    same key). added, changed, removed: rows; living: rows of the table now; rows: the first MOST_SHOWN differences of
    each kind. base: landing number of the newest delivery to the table, 0 before the first: as long as it stays, the
    comparison holds."""

    bad: list[tuple[int, str]]
    doubles: list[tuple[int, int]]
    added: int
    changed: int
    removed: int
    living: int
    base: int
    rows: list[Row]


def look(writer: Writer, contract: Contract, privacy: PrivacyFilter, note: Landed, rows: pa.Table) -> Look:
    """Judges and compares `rows` (VARCHAR, as parsed); nothing is loaded."""
    keys = ", ".join(contract.key)
    with writer.alone():
        load.judge(writer, contract, privacy, note, rows)
        bad = [
            (row, rule)
            for row, rules in writer.execute(
                "SELECT _row, list_concat(_bad, _aside) FROM batch WHERE len(_bad) + len(_aside) > 0 ORDER BY _row"
            )
            for rule in rules
        ]
        doubles = writer.execute(f"""SELECT _row, first FROM (SELECT _row, min(_row) OVER (PARTITION BY {keys}) AS first FROM batch WHERE len(_bad) = 0)
            WHERE _row > first ORDER BY _row""")
        counts, found = _differences(writer, contract)
        living = writer.execute(f"SELECT count(*) FROM raw.{contract.table} WHERE _deleted_at IS NULL")[0][0]
        return Look(
            bad, doubles, counts["added"], counts["changed"], counts["removed"], living, base(writer, contract), found
        )


def base(writer: Writer, contract: Contract) -> int:
    """Landing number of the newest delivery to the table, 0 before the first."""
    return int(
        writer.execute(
            "SELECT coalesce(max(landing_seq), 0) FROM run.batch WHERE source = ? AND entity = ? AND rows_in > 0",
            [contract.source, contract.entity],
        )[0][0]
    )


def _differences(writer: Writer, contract: Contract) -> tuple[dict[str, int], list[Row]]:
    """How many rows the temp table `batch` adds, changes and removes, and the first of each."""
    stored = [column.name for column in contract.stored if column.name != contract.version]
    on = " AND ".join(f"s.{key} IS NOT DISTINCT FROM b.{key}" for key in contract.key)
    other = " OR ".join(f"s.{name} IS DISTINCT FROM b.{name}" for name in stored if name not in contract.key) or "false"
    stated = [name for name in stored if name in contract.open]
    old, new = (", ".join(f"CAST({side}.{name} AS VARCHAR)" for name in stated) for side in "sb")
    order = ", ".join(f"coalesce(b.{key}, s.{key})" for key in contract.key)
    writer.execute(f"""CREATE OR REPLACE TEMP TABLE difference AS SELECT
            CASE WHEN s._seq IS NULL THEN 'added' WHEN b._row IS NULL THEN 'removed' ELSE 'changed' END AS kind,
            [{old}] AS old, [{new}] AS new, row_number() OVER (ORDER BY {order}) AS place
        FROM (SELECT * FROM batch WHERE len(_bad) = 0) b FULL JOIN (SELECT * FROM raw.{contract.table} WHERE _deleted_at IS NULL) s ON {on}
        WHERE s._seq IS NULL OR b._row IS NULL OR {other}""")
    counts = {
        "added": 0,
        "changed": 0,
        "removed": 0,
        **dict(writer.execute("SELECT kind, count(*) FROM difference GROUP BY 1")),
    }
    found = writer.execute(
        f"SELECT kind, old, new FROM difference QUALIFY row_number() OVER (PARTITION BY kind ORDER BY place) <= {MOST_SHOWN} ORDER BY kind, place"
    )
    return counts, [
        Row(kind, _named(stated, old) if kind != "added" else {}, _named(stated, new) if kind != "removed" else {})
        for kind, old, new in found
    ]


def _named(names: Sequence[str], values: Sequence[str | None]) -> dict[str, str | None]:
    return dict(zip(names, values, strict=True))


def living(writer: Writer, contract: Contract) -> list[dict[str, Any]]:
    """The rows in force under our own column names, as the privacy filter let them in."""
    names = [column.name for column in contract.stored]
    texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
    return [
        dict(zip(names, row, strict=True))
        for row in writer.execute(
            f"SELECT {texts} FROM raw.{contract.table} WHERE _deleted_at IS NULL ORDER BY {', '.join(contract.key)}"
        )
    ]
