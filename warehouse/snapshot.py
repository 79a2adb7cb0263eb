"""Publishing: a generation is written aside as fresh files, verified, renamed, and the pointer moves last.

Owns published/. What a level forbids is not copied, so it cannot leak: the open file has L1–L2 columns of open models
only, the restricted one has the person-level rows. Never edits a published file."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from pathlib import Path

import orjson

from warehouse import catalog, faults
from warehouse.catalog import Model
from warehouse.connection import Writer, create
from warehouse.errors import WarehouseBroken
from warehouse.landing import sync_folder
from warehouse.settings import RELEASE, Settings

POINTER = "current.json"
KEEP_ALL = dt.timedelta(hours=24)
KEEP_DAILY_DAYS = 35


def publish(writer: Writer, settings: Settings, as_of: dt.datetime, held: dict[str, str], *, is_demo: bool) -> str:
    """Publishes what is built as a new generation and returns its id (YYYYMMDDTHHMMSS of `as_of`, naive Shanghai).

    Held models are taken from the generation before; when there is none they are left empty. Raises WarehouseBroken when
    a copy does not equal its original: then the pointer stays where it was."""
    folder = settings.published
    folder.mkdir(parents=True, exist_ok=True)
    for stray in folder.glob(".tmp-*"):
        stray.unlink()
    generation = f"{as_of:%Y%m%dT%H%M%S}"
    before = current(settings)
    names = {kind: f"{generation}{suffix}.duckdb" for kind, suffix in (("open", ""), ("restricted", ".restricted"))}
    for kind, name in names.items():
        aside = folder / f".tmp-{name}"
        previous = folder / f"{before}{'' if kind == 'open' else '.restricted'}.duckdb" if before else None
        _write(writer, settings, aside, kind, held, previous if previous and previous.exists() else None, generation, as_of, is_demo)
        _seal(aside)
    faults.point("before_swap")
    digests = {}
    for name in names.values():
        digests[name] = hashlib.sha256((folder / f".tmp-{name}").read_bytes()).hexdigest()
        os.replace(folder / f".tmp-{name}", folder / name)
        faults.point("between_files")
    sync_folder(folder)
    note = {"generation": generation, "as_of": as_of.isoformat(), "files": digests, "release": RELEASE, "is_demo": is_demo}
    _place(folder / f"{generation}.json", orjson.dumps(note))
    _place(folder / POINTER, orjson.dumps(note))
    faults.point("after_swap")
    return generation


def current(settings: Settings) -> str | None:
    """The id the pointer names, None before the first publication."""
    try:
        return str(orjson.loads((settings.published / POINTER).read_bytes())["generation"])
    except FileNotFoundError:
        return None


def generations(settings: Settings) -> list[str]:
    """Ids of all published generations whose files are there, newest first."""
    return sorted((file.stem for file in settings.published.glob("*.json") if file.name != POINTER and file.with_suffix(".duckdb").exists()), reverse=True)


def _place(file: Path, body: bytes) -> None:
    aside = file.with_name(f".tmp-{file.name}")
    with open(aside, "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    os.replace(aside, file)
    sync_folder(file.parent)


def _seal(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.chmod(file, 0o440)


def _columns(writer: Writer, model: Model, kind: str) -> list[str]:
    names = [row[0] for row in writer.execute(f"DESCRIBE {model.layer}.{model.name}")]
    return [name for name in names if kind == "restricted" or model.columns.get(name, "L1") in ("L1", "L2")]


def _write(writer: Writer, settings: Settings, file: Path, kind: str, held: dict[str, str], previous: Path | None,
           generation: str, as_of: dt.datetime, is_demo: bool) -> None:
    create(file).close()
    with writer.alone():  # the file is attached only while nobody else uses the connection
        writer.execute(f"ATTACH '{file}' AS target (STORAGE_VERSION 'latest')")
        try:
            if previous:
                writer.execute(f"ATTACH '{previous}' AS previous (READ_ONLY)")
            writer.execute("CREATE SCHEMA target.marts; CREATE SCHEMA target.meta")
            for model in catalog.models().values():
                if model.publish == kind:
                    _copy(writer, model, kind, held.get(model.name, ""), previous is not None)
            if kind == "open":
                _meta(writer, generation, as_of, held, is_demo)
            else:
                writer.execute("CREATE TABLE target.meta.generation AS SELECT ? AS id", [generation])
            writer.execute("CHECKPOINT target")
        finally:
            writer.execute("DETACH target")
            if previous:
                writer.execute("DETACH previous")


def _copy(writer: Writer, model: Model, kind: str, held: str, has_previous: bool) -> None:
    name = f"{model.layer}.{model.name}"
    known = has_previous and writer.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'previous' AND schema_name = 'marts' AND table_name = ?", [model.name])
    origin = f"previous.marts.{model.name}" if held and known else name
    columns = ", ".join(_columns(writer, model, kind)) if origin == name else "*"
    rest = " WHERE false" if held and not known else ""
    writer.execute(f"CREATE TABLE target.marts.{model.name} AS SELECT {columns} FROM {origin}{rest}")
    question = "SELECT count(*), bit_xor(hash(t)) FROM (SELECT {columns} FROM {table}{rest}) t"
    ours = writer.execute(question.format(columns=columns, table=origin, rest=rest))
    theirs = writer.execute(question.format(columns="*", table=f"target.marts.{model.name}", rest=""))
    if ours != theirs:
        raise WarehouseBroken(f"发布副本与原表不一致:{model.name}", to_do="请重新发布;反复出现时检查磁盘")


def _meta(writer: Writer, generation: str, as_of: dt.datetime, held: dict[str, str], is_demo: bool) -> None:
    """What a reader must know besides the marts: time, freshness of sources, checks, defects, targets, quarantine counts."""
    writer.execute("CREATE TABLE target.meta.generation AS SELECT ? AS id, CAST(? AS TIMESTAMP) AS built_at, ? AS is_demo, ? AS release, "
                   "(SELECT max(day) FROM marts.vehicle_day WHERE pts > 0 AND is_v) AS last_day", [generation, as_of, is_demo, RELEASE])
    writer.execute("CREATE TABLE target.meta.held (model VARCHAR, reason VARCHAR)")
    for model, reason in held.items():
        writer.execute("INSERT INTO target.meta.held VALUES (?, ?)", [model, reason])
    writer.execute("CREATE TABLE target.meta.check_result AS SELECT * FROM run.check_result")
    writer.execute("CREATE TABLE target.meta.defect AS SELECT * FROM run.defect")
    writer.execute("CREATE TABLE target.meta.target AS SELECT kpi_id, period, green, amber, source FROM raw.own_target WHERE _deleted_at IS NULL")
    writer.execute("CREATE TABLE target.meta.quarantine AS SELECT source, entity, rule, count(*) AS rows FROM raw.quarantine GROUP BY ALL")
    writer.execute("CREATE TABLE target.meta.source AS " + source_states())
    writer.execute("CREATE TABLE target.meta.person_reading AS SELECT * FROM marts_person.reading")


def source_states() -> str:
    """One row a landed table: newest event, last load, rows, promise, last error."""
    parts = []
    for contract in catalog.contracts().values():
        if contract.source == "own":
            continue
        if contract.load == "lake":
            newest = "(SELECT max(loc_time) FROM raw.gps_latest)"
            rows = "(SELECT coalesce(sum(rows), 0) FROM run.lake_file)"
        else:
            # polled sources are known complete up to the moment of the last good poll, even when nothing was new
            newest = f"(SELECT max(through) FROM run.delivery WHERE source = '{contract.source}' AND entity = '{contract.entity}' AND error = '')"
            rows = f"(SELECT count(*) FROM raw.{contract.table})"
        parts.append(f"""SELECT '{contract.source}' AS source, '{contract.entity}' AS entity, '{contract.label}' AS label, {newest} AS data_time,
            (SELECT max(finished_at) FROM run.delivery WHERE source = '{contract.source}' AND entity = '{contract.entity}' AND error = '') AS landed_at,
            {contract.stale_after_s} AS stale_after_s, {rows} AS rows,
            (SELECT count(*) FROM raw.quarantine WHERE source = '{contract.source}' AND entity = '{contract.entity}') AS quarantined,
            coalesce((SELECT arg_max(error, due_at) FROM run.delivery WHERE source = '{contract.source}' AND entity = '{contract.entity}'), '') AS error""")
    return " UNION ALL ".join(parts)


def retain(settings: Settings, now: dt.datetime, cited: set[str]) -> list[str]:
    """Deletes generations past their keep: all of 24 h stay, then the last of a day for 35 days, then only those that a
    weekly PDF names (`cited`). Returns what was deleted. The current one always stays."""
    keep: set[str] = set(cited) | {current(settings) or ""}
    seen: set[str] = set()
    gone = []
    for generation in generations(settings):
        age = now - dt.datetime.strptime(generation, "%Y%m%dT%H%M%S")
        day = generation[:8]
        if generation in keep or age <= KEEP_ALL or (age.days <= KEEP_DAILY_DAYS and day not in seen):
            seen.add(day)
            continue
        for suffix in (".json", ".duckdb", ".restricted.duckdb"):
            (settings.published / f"{generation}{suffix}").unlink(missing_ok=True)
        gone.append(generation)
    return gone
