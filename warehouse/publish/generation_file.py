"""One file of a generation: all that is published of one kind, or only what differs from an earlier whole file, its
base, of which views show the rest.

Owns what lies in such a file and in which order, and that a copy equals its original. What a level forbids is not
copied, so it cannot leak: the open file has L1–L2 columns of open models only, the restricted one has the person-level
rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse.catalog.contracts import contracts
from warehouse.catalog.models import models
from warehouse.catalog.schema import Contract, Model
from warehouse.core.database import BASE, FRESH, Writer, attaching
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import RELEASE

QUARANTINE_SHOWN = 2000
"""Newest rows in quarantine that a page can list and correct; all of them are in `etl quarantine export`."""
LARGE = {
    "person_reading": "SELECT * EXCLUDE (is_withdrawn) FROM marts_person.reading WHERE NOT is_withdrawn",
    "kpi_revision": "SELECT * FROM run.kpi_revision",
}
"""Tables beside the marts that are copied only when build.unpublished names them. In the open file."""
PERSONS = {
    "person_reading": "SELECT * FROM marts_person.reading",
    "person_behind": "SELECT * FROM marts_person.behind",
    "person_counted": "SELECT * FROM marts_person.counted",
}
"""What a warehouse made anew must know of the counts of persons that have been published. In the restricted file."""
PREVIOUS = "previous"
BLOCK_BYTES = 16384
"""Of a file that holds little: in the usual blocks of 262,144 bytes it would be mostly empty."""

PARTED = {
    "day": "day",
    "win_start": "win_start",
    "start": "start",
    "handled_at": "CAST(handled_at AS DATE)",
}
"""Column → the day by which a table that has it is parted; the first that it has."""

Differs = Mapping[str, list[dt.date] | None]
"""Model or table of LARGE and PERSONS → its days that may be other ones than in the base, None = all; what is not named
is as there."""


@dataclass(frozen=True)
class Edition:
    """What is being published. as_of: naive Shanghai. held: models carried over from the generation before, each with
    the reason."""

    generation: str
    as_of: dt.datetime
    held: Mapping[str, str]
    is_demo: bool


@dataclass(frozen=True)
class Earlier:
    """A file of the generation before, and the whole file that it stands on, which may be itself."""

    file: Path
    base: Path

    @property
    def name(self) -> str:
        """What it is called while it is attached; no file can be attached twice."""
        return BASE if self.file == self.base else PREVIOUS


@contextmanager
def attached(writer: Writer, earlier: Earlier | None) -> Iterator[None]:
    """Attaches a file of the generation before and its base while the block runs; nobody else uses the connection."""
    with writer.alone():
        names: list[str] = []
        try:
            if earlier is not None:
                writer.execute(attaching(earlier.base, BASE))
                names.append(BASE)
                if earlier.name != BASE:
                    writer.execute(attaching(earlier.file, earlier.name))
                    names.append(earlier.name)
            yield
        finally:
            for name in names[::-1]:
                writer.execute(f"DETACH {name}")


def has(writer: Writer, database: str, table: str) -> bool:
    """Whether an attached file shows a table (schema.name), itself or by a view."""
    return bool(
        writer.execute(
            "SELECT 1 FROM duckdb_columns() WHERE database_name = ? AND schema_name || '.' || table_name = ? LIMIT 1",
            [database, table],
        )
    )


def of_kind(kind: str) -> list[str]:
    """All that a file of that kind (open, restricted) shows and that may be as in its base."""
    beside = LARGE if kind == "open" else PERSONS
    return [*(model.name for model in models().values() if model.publish == kind), *beside]


def write(
    writer: Writer, file: Path, kind: str, edition: Edition, earlier: Earlier | None, differs: Differs | None
) -> None:
    """Writes the file. differs: in what it may be another one than the base of the earlier file; None for a whole file. Held
    models are taken from the earlier file; where it has none they are left empty. Raises WarehouseBroken when a copy
    does not equal its original."""
    with attached(writer, earlier):
        blocks = "" if differs is None else f", BLOCK_SIZE {BLOCK_BYTES}"
        writer.execute(f"ATTACH '{file}' AS target (STORAGE_VERSION 'latest'{blocks})")
        try:
            with writer.transaction():  # one write to the disk, not one a table
                _fill(writer, kind, edition, earlier, differs)
            writer.execute("CHECKPOINT target")
        finally:
            writer.execute("DETACH target")


def _fill(writer: Writer, kind: str, edition: Edition, earlier: Earlier | None, differs: Differs | None) -> None:
    for schema in ("marts", "meta"):
        writer.execute(f"CREATE SCHEMA target.{schema}")
    if differs is not None:
        assert earlier is not None
        writer.execute(f"CREATE SCHEMA target.{FRESH}")
        writer.execute(f"CREATE TABLE target.{FRESH}.base AS SELECT ? AS file", [earlier.base.name])
    columns: dict[str, list[str]] = {}
    for table, column in writer.execute(
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = current_database() ORDER BY table_name, column_index"
    ):
        columns.setdefault(table, []).append(column)
    for model in models().values():
        if model.publish == kind:
            names = [
                name
                for name in columns[f"{model.layer}.{model.name}"]
                if kind == "restricted" or model.columns.get(name, "L1") in ("L1", "L2")
            ]
            _put_model(writer, model, names, edition, earlier, differs)
    if kind == "open":
        _meta(writer, edition, differs)
    else:
        _restricted_meta(writer, edition, differs)


def _put_model(
    writer: Writer,
    model: Model,
    names: list[str],
    edition: Edition,
    earlier: Earlier | None,
    differs: Differs | None,
) -> None:
    """names: its columns that the file may show."""
    own = f"{model.layer}.{model.name}"
    if model.name not in edition.held:
        _put(writer, f"marts.{model.name}", f"SELECT {', '.join(names)} FROM {own}", _in_order(model, names), differs)
    elif earlier is not None and has(writer, earlier.name, f"marts.{model.name}"):
        # what is carried over lies as it lay
        _put(writer, f"marts.{model.name}", f"SELECT * FROM {earlier.name}.marts.{model.name}", "", differs)
    else:
        _put(writer, f"marts.{model.name}", f"SELECT * FROM {own} WHERE false", "", None)


def _put(writer: Writer, table: str, original: str, order: str, differs: Differs | None) -> None:
    """Puts a table into the open target: all of it, the days that differ, or nothing but the view of the base."""
    name, base = table.split(".")[1], f"SELECT * FROM {BASE}.{table}"
    key, days = "", None
    if differs is not None:
        key, days = _moved(writer, original, base, differs[name]) if name in differs else ("", [])
    if days is None:
        writer.execute(f"CREATE TABLE target.{table} AS {original}{order}")
        _verify(writer, name, original, f"SELECT * FROM target.{table}")
        return
    if not days:
        writer.execute(f"CREATE VIEW target.{table} AS {base}")
        return
    listed = _dates(days)
    fresh = f"SELECT * FROM ({original}) WHERE {key} IN ({listed})"
    writer.execute(f"CREATE TABLE target.{FRESH}.{name} AS {fresh}{order}")
    _verify(writer, name, fresh, f"SELECT * FROM target.{FRESH}.{name}")
    others = f"{key} NOT IN ({listed})"
    later = writer.execute(f"SELECT 1 FROM ({base}) WHERE {key} > DATE '{min(days)}' AND {others} LIMIT 1")
    # days at the end are left out by their first one, which a scan knows of whole blocks without reading them
    outside = others if later else f"{key} < DATE '{min(days)}'"
    writer.execute(f"CREATE VIEW target.{table} AS {base} WHERE {outside} UNION ALL SELECT * FROM {FRESH}.{name}")
    rows = "SELECT count(*) FROM ({})"
    if writer.execute(rows.format(original)) != writer.execute(rows.format(f"SELECT * FROM target.{table}")):
        raise _differing(name)


def _moved(writer: Writer, original: str, base: str, among: list[dt.date] | None) -> tuple[str, list[dt.date] | None]:
    """The day by which a table can be parted, and the days on which it is not as in the base; None where most rows are
    on such days, or there are changed ones on none. among: days on which it may be another one, None = all."""
    columns = {name for name, *_ in writer.execute(f"DESCRIBE {original}")}
    key = next((day for name, day in PARTED.items() if name in columns), "NULL")
    where = "" if among is None else f"WHERE {key} IN ({_dates(among)})"
    by_day = f"SELECT {key} AS key, count(*) AS rows, sum(hash(t)) AS content FROM ({{}}) t {where} GROUP BY ALL"
    found = writer.execute(
        f"""SELECT coalesce(n.key, o.key), coalesce(n.rows, 0), n.rows IS DISTINCT FROM o.rows OR n.content IS DISTINCT FROM o.content
        FROM ({by_day.format(original)}) n FULL JOIN ({by_day.format(base)}) o ON n.key IS NOT DISTINCT FROM o.key"""
    )
    days = [day for day, _, is_other in found if is_other]
    if among is not None:
        return key, days
    most = sum(rows for _, rows, _ in found) / 2
    if days and (any(day is None for day, *_ in found) or sum(rows for _, rows, is_other in found if is_other) > most):
        return key, None
    return key, days


def _dates(days: Iterable[dt.date]) -> str:
    return ", ".join(f"DATE '{day}'" for day in sorted(days))


def _in_order(model: Model, names: list[str]) -> str:
    """Days lie together in a published file, so that a question about one day reads that day and not the whole file;
    within a day the rows lie by their key, so that sums of the same rows are the same to the last digit."""
    keys = [name for name in dict.fromkeys(("day", *model.grain)) if name in names]
    return f" ORDER BY {', '.join(keys)}" if keys else ""


def _verify(writer: Writer, name: str, original: str, copy: str) -> None:
    question = "SELECT count(*), bit_xor(hash(t)) FROM ({}) t"
    if writer.execute(question.format(original)) != writer.execute(question.format(copy)):
        raise _differing(name)


def _differing(name: str) -> WarehouseBroken:
    return WarehouseBroken(f"发布副本与原表不一致：{name}", to_do="请重新发布；反复出现时检查磁盘")


def _restricted_meta(writer: Writer, edition: Edition, differs: Differs | None) -> None:
    """What the restricted file holds besides its marts."""
    writer.execute("CREATE TABLE target.meta.generation AS SELECT ? AS id", [edition.generation])
    for name, sql in PERSONS.items():
        _put(writer, f"meta.{name}", sql, "", differs)
    writer.execute(
        "CREATE TABLE target.meta.review AS SELECT * EXCLUDE (is_personal) FROM run.review WHERE is_personal"
    )
    writer.execute(f"""CREATE TABLE target.meta.quarantine_row AS SELECT landing_seq AS seq, row_no AS row, source || '_' || entity AS name, rule, reason, payload,
        is_row, faults, first_seen, landed_at AS last_seen, times FROM raw.quarantine WHERE row_no >= 0 ORDER BY landing_seq DESC, row_no LIMIT {QUARANTINE_SHOWN}""")


def _meta(writer: Writer, edition: Edition, differs: Differs | None) -> None:
    """What a reader must know besides the marts: time, freshness of sources, checks, defects, targets, quarantine
    counts."""
    writer.execute(
        "CREATE TABLE target.meta.generation AS SELECT ? AS id, CAST(? AS TIMESTAMP) AS built_at, ? AS is_demo, ? AS release, "
        "(SELECT max(day) FROM marts.vehicle_day WHERE pts > 0 AND is_v) AS last_day",
        [edition.generation, edition.as_of, edition.is_demo, RELEASE],
    )
    writer.execute("CREATE TABLE target.meta.held (model VARCHAR, reason VARCHAR)")
    for model, reason in edition.held.items():
        writer.execute("INSERT INTO target.meta.held VALUES (?, ?)", [model, reason])
    stated = {
        "check_result": "SELECT * FROM run.check_result",
        "review": "SELECT * EXCLUDE (is_personal) FROM run.review WHERE NOT is_personal",
        "defect": "SELECT * FROM run.defect UNION ALL SELECT rule, source || '_' || entity, what, sum(rows)::BIGINT FROM run.tidied GROUP BY ALL",
        "target": "SELECT kpi_id, period, green, amber, basis, source, progress, confirmed_by, confirmed_at, town, valid_from, valid_to FROM raw.own_target WHERE _deleted_at IS NULL",
        "programme": "SELECT programme, kpi_id, weight, source FROM raw.own_programme WHERE _deleted_at IS NULL",
        "quarantine": "SELECT source, entity, rule, is_row, count(*) AS rows FROM raw.quarantine WHERE acknowledged_at IS NULL GROUP BY ALL",
        "refused": "SELECT landing_seq AS seq, source || '_' || entity AS name, split_part(payload ->> 'name', '|', 1) AS payload, reason, landed_at, "
        f"acknowledged_at, acknowledged_by, acknowledged_why FROM raw.quarantine WHERE row_no = -1 ORDER BY landing_seq DESC LIMIT {QUARANTINE_SHOWN}",
        "source": source_states(),
    }
    for name, sql in stated.items():
        writer.execute(f"CREATE TABLE target.meta.{name} AS {sql}")
    for name, sql in LARGE.items():
        _put(writer, f"meta.{name}", sql, "", differs)


def source_states() -> str:
    """One row a landed table: newest event, first event, last load, rows, promise, last error, of which one in what is
    written about the source goes before. A polled source is known complete up to the moment of its last good poll, even
    when nothing was new. begins, ends: the first whole and the newest day of its events, NULL for a register, whose rows carry the time of
    their last change instead, and for the lake."""
    landed = [contract for contract in contracts().values() if contract.source != "own"]
    counts = " UNION ALL ".join(
        f"SELECT '{item.source}' AS source, '{item.entity}' AS entity, '{item.label}' AS label, {item.stale_after_s} AS stale_after_s, "
        + (
            "(SELECT coalesce(sum(rows), 0) FROM run.lake_file)"
            if item.load == "lake"
            else f"(SELECT count(*) FROM raw.{item.table})"
        )
        + f" AS rows, {'(SELECT max(loc_time) FROM raw.gps_latest)' if item.load == 'lake' else 'NULL::TIMESTAMP'} AS newest, {_begins(item)} AS begins, {_ends(item)} AS ends"
        for item in landed
    )
    # a failure of a source whose address was taken away again is nobody's any more
    known_ways = "w.source IS NOT NULL OR NOT EXISTS (SELECT 1 FROM run.addressed)"
    return f"""WITH known AS ({counts}), delivered AS (
            SELECT source, entity, max(coalesce(through, cured_at)) FILTER (error = '' OR cured_at IS NOT NULL) AS through,
                max(coalesce(cured_at, finished_at)) FILTER (error = '' OR cured_at IS NOT NULL) AS landed_at,
                arg_max(CASE WHEN cured_at IS NULL AND acknowledged_at IS NULL THEN error ELSE '' END, due_at) AS error
            FROM run.delivery GROUP BY 1, 2), aside AS (SELECT source, entity, count(*) FILTER (is_row AND acknowledged_at IS NULL) AS rows FROM raw.quarantine GROUP BY 1, 2)
        SELECT k.source, k.entity, k.label, coalesce(k.newest, d.through) AS data_time, d.landed_at, k.stale_after_s, k.rows, coalesce(a.rows, 0) AS quarantined,
            coalesce(f.error, CASE WHEN {known_ways} THEN d.error END, '') AS error, k.begins, k.ends
        FROM known k LEFT JOIN delivered d USING (source, entity) LEFT JOIN run.fault f USING (source) LEFT JOIN aside a USING (source, entity)
            LEFT JOIN run.addressed w USING (source, entity)"""


def _ends(item: Contract) -> str:
    """The newest day of its events, NULL for a register and for the lake."""
    has_own_time = item.load == "upsert" and item.touches and item.touches != item.version
    return (
        f"(SELECT CAST(max({item.touches}) AS DATE) FROM raw.{item.table} WHERE _deleted_at IS NULL)"
        if has_own_time
        else "NULL::DATE"
    )


def _begins(item: Contract) -> str:
    """The first day of which everything is held: a source that begins at noon has half of its first day. What lies in
    the lake is let go of long before the numbers made of it, so its oldest day tells nothing of them."""
    has_own_time = item.load == "upsert" and item.touches and item.touches != item.version
    return (
        f"(SELECT CAST(CAST(min({item.touches}) AS TIMESTAMP) + INTERVAL '86399 seconds' AS DATE) FROM raw.{item.table})"
        if has_own_time
        else "NULL::DATE"
    )
