"""Publishing: a generation is written aside as fresh files, verified, renamed, and the pointer moves last.

Owns published/. What a level forbids is not copied, so it cannot leak: the open file has L1–L2 columns of open models
only, the restricted one has the person-level rows. Never edits a published file."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import orjson

from warehouse.catalog.contracts import contracts
from warehouse.catalog.models import models, shape
from warehouse.catalog.schema import Contract, Model
from warehouse.core import failpoints
from warehouse.core.database import Writer, create
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import RELEASE, Settings
from warehouse.ingest.landing import sync_folder

POINTER = "current.json"
QUARANTINE_SHOWN = 2000
"""Newest rows in quarantine that a page can list and correct; all of them are in `etl quarantine export`."""
LARGE = {
    "person_reading": "SELECT * EXCLUDE (is_withdrawn) FROM marts_person.reading WHERE NOT is_withdrawn",
    "kpi_revision": "SELECT * FROM run.kpi_revision",
}
"""Tables beside the marts that are copied only when build.unpublished names them."""
PERSONS = {
    "person_reading": "SELECT * FROM marts_person.reading",
    "person_behind": "SELECT * FROM marts_person.behind",
    "person_counted": "SELECT * FROM marts_person.counted",
}
"""What a warehouse made anew must know of the counts of persons that have been published. In the restricted file."""
GROWN = 1.5
"""A file is written afresh once copying has made it so many times as large as it was when it was fresh."""
KEEP_ALL = dt.timedelta(hours=24)
KEEP_DAILY_DAYS = 35


def publish(writer: Writer, settings: Settings, as_of: dt.datetime, held: dict[str, str], *, is_demo: bool) -> str:
    """Publishes what is built as a new generation and returns its id (YYYYMMDDTHHMMSS of `as_of`, naive Shanghai).

    Where only a little has changed, the files of the generation before are copied and the changed days put in place; a
    file that has grown by half is written afresh. Held models are taken from the generation before; when there is none
    they are left empty. Raises WarehouseBroken when a copy does not equal its original: then the pointer stays where it
    was."""
    folder = settings.published
    folder.mkdir(parents=True, exist_ok=True)
    for stray in folder.glob(".tmp-*"):
        stray.unlink()
    generation = f"{as_of:%Y%m%dT%H%M%S}"
    before = _note(settings)
    names = {kind: f"{generation}{suffix}.duckdb" for kind, suffix in (("open", ""), ("restricted", ".restricted"))}
    sizes = {}
    for kind, name in names.items():
        aside = folder / f".tmp-{name}"
        previous = _previous(settings, before, kind)
        is_copy = previous is not None and not _much_is_new(writer, kind) and _carry(before, kind, previous, aside)
        _write(writer, aside, kind, held, previous, is_copy, generation, as_of, is_demo)
        sizes[kind] = before["fresh_sizes"][kind] if is_copy else aside.stat().st_size
        _seal(aside)
    failpoints.point("before_swap")
    digests = {}
    for name in names.values():
        with open(folder / f".tmp-{name}", "rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(folder / f".tmp-{name}", folder / name)
        failpoints.point("between_files")
    sync_folder(folder)
    note = {
        "generation": generation,
        "as_of": as_of.isoformat(),
        "files": digests,
        "release": RELEASE,
        "is_demo": is_demo,
        "shape": shape(),
        "fresh_sizes": sizes,
    }
    _place(folder / f"{generation}.json", orjson.dumps(note))
    _place(folder / POINTER, orjson.dumps(note))
    failpoints.point("after_swap")
    return generation


def moment(settings: Settings, now: dt.datetime) -> dt.datetime:
    """`now` to the second, or the next second after it that no generation is named by: a name is never used for two
    contents, because readers know a content by its name."""
    found = now.replace(microsecond=0)
    while (settings.published / f"{found:%Y%m%dT%H%M%S}.json").exists():
        found += dt.timedelta(seconds=1)
    return found


def _note(settings: Settings) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads((settings.published / POINTER).read_bytes())
        return found
    except FileNotFoundError:
        return {}


def _previous(settings: Settings, before: dict[str, Any], kind: str) -> Path | None:
    if not before:
        return None
    file = settings.published / f"{before['generation']}{'' if kind == 'open' else '.restricted'}.duckdb"
    return file if file.exists() else None


def _much_is_new(writer: Writer, kind: str) -> bool:
    """True when a day-wise model was made whole: then little of the old file is of use."""
    whole = {row[0] for row in writer.execute("SELECT DISTINCT model FROM build.unpublished WHERE day IS NULL")}
    return any(model.publish == kind and model.build == "days" and model.name in whole for model in models().values())


def _carry(before: dict[str, Any], kind: str, previous: Path, aside: Path) -> bool:
    """Copies the file of the generation before when it has today's shape, is whole and has not grown too much."""
    fresh = before.get("fresh_sizes", {}).get(kind, 0)
    if before.get("shape") != shape() or previous.stat().st_size > GROWN * fresh:
        return False
    shutil.copyfile(previous, aside)
    with open(aside, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == before["files"].get(previous.name):
            return True
    aside.unlink()  # a flipped bit in the old file must not live on in the new one
    return False


def take_over_trail(writer: Writer, settings: Settings) -> None:
    """A warehouse made anew knows nothing of what was published before, and one from a backup nothing of what was
    published since: that part of the trail of revisions comes from the newest generation."""
    file = _previous(settings, _note(settings), "open")
    if file is None:
        return
    with writer.alone():
        writer.execute(f"ATTACH '{file}' AS previous (READ_ONLY)")
        try:
            if _has(writer, "previous", "kpi_revision"):
                newest = writer.execute(
                    "SELECT coalesce(max(recorded_at), '-infinity'::TIMESTAMP) FROM run.kpi_revision"
                )
                writer.execute(
                    "INSERT INTO run.kpi_revision BY NAME SELECT * FROM previous.meta.kpi_revision WHERE recorded_at > ?",
                    [newest[0][0]],
                )
                writer.execute(
                    "INSERT INTO run.kpi_asked SELECT DISTINCT kpi_id, win, win_start FROM run.kpi_revision "
                    "EXCEPT SELECT kpi_id, win, win_start FROM run.kpi_asked"
                )
        finally:
            writer.execute("DETACH previous")


def take_over_persons(writer: Writer, settings: Settings) -> None:
    """Counts of persons below the district are published once. What a warehouse made anew, or one from a backup, does
    not know of it comes from the newest generation: counted again it would differ by those few whom a later correction
    is about."""
    from warehouse.build import person_counts  # which builds: whoever only reads what is published does without

    person_counts.prepare(writer)
    file = _previous(settings, _note(settings), "restricted")
    if file is None:
        return
    with writer.alone():
        writer.execute(f"ATTACH '{file}' AS previous (READ_ONLY)")
        try:
            if not _has(writer, "previous", "person_counted"):
                return
            newest = "SELECT metric, max(start) AS newest FROM {} GROUP BY metric"
            writer.execute(f"""CREATE OR REPLACE TEMP TABLE ahead AS
                SELECT metric, metric NOT IN (SELECT metric FROM marts_person.counted) AS is_new
                FROM ({newest.format("previous.meta.person_behind")}) p
                LEFT JOIN ({newest.format("marts_person.behind")}) o USING (metric)
                WHERE o.newest IS NULL OR o.newest < p.newest""")
            new = "metric IN (SELECT metric FROM ahead WHERE is_new)"
            below = f"(grain <> 'district' OR {new})"
            for table, rows in (("reading", f" AND {below}"), ("behind", ""), ("counted", f" AND {new}")):
                ahead = f"WHERE metric IN (SELECT metric FROM ahead){rows}"
                writer.execute(f"DELETE FROM marts_person.{table} {ahead}")
                writer.execute(
                    f"INSERT INTO marts_person.{table} BY NAME SELECT * FROM previous.meta.person_{table} {ahead}"
                )
        finally:
            writer.execute("DETACH previous")


def _has(writer: Writer, database: str, table: str) -> bool:
    return bool(
        writer.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'meta' AND table_name = ?",
            [database, table],
        )
    )


def current(settings: Settings) -> str | None:
    """The id the pointer names, None before the first publication."""
    found = _note(settings)
    return str(found["generation"]) if found else None


def verify(settings: Settings, generation: str) -> None:
    """Raises WarehouseBroken when a file of the generation is gone or is not as it was published."""
    to_do = "请由备份恢复该文件，或运行 ./zhengbei etl run 重新发布"
    try:
        note = orjson.loads((settings.published / f"{generation}.json").read_bytes())
        files = dict(note["files"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise WarehouseBroken("快照的说明文件缺失或已损坏", where=f"{generation}.json", to_do=to_do) from error
    if note != _note(settings) and generation == _note(settings).get("generation"):
        raise WarehouseBroken("快照的说明文件与指针不一致", where=f"{generation}.json", to_do=to_do)
    for name, digest in files.items():
        try:
            with open(settings.published / name, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = ""
        if found != digest:
            raise WarehouseBroken("快照文件缺失或已损坏", where=name, to_do=to_do)


def cited(settings: Settings) -> set[str]:
    """Generations that an archived report names: they are kept for ever."""
    found = set()
    for file in settings.reports.glob("*.json"):
        try:
            found.add(str(orjson.loads(file.read_bytes()).get("generation", "")))
        except (orjson.JSONDecodeError, OSError):
            continue
    return found


def generations(settings: Settings) -> list[str]:
    """Ids of all published generations whose files are there, newest first."""
    return sorted(
        (
            file.stem
            for file in settings.published.glob("*.json")
            if file.name != POINTER and file.with_suffix(".duckdb").exists()
        ),
        reverse=True,
    )


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


def _write(
    writer: Writer,
    file: Path,
    kind: str,
    held: dict[str, str],
    previous: Path | None,
    is_copy: bool,
    generation: str,
    as_of: dt.datetime,
    is_demo: bool,
) -> None:
    if not is_copy:
        create(file).close()
    with writer.alone():  # the file is attached only while nobody else uses the connection
        writer.execute(f"ATTACH '{file}' AS target (STORAGE_VERSION 'latest')")
        try:
            if previous:
                writer.execute(f"ATTACH '{previous}' AS previous (READ_ONLY)")
            writer.execute("CREATE SCHEMA IF NOT EXISTS target.marts; CREATE SCHEMA IF NOT EXISTS target.meta")
            changed: dict[str, list[dt.date | None]] = {}
            for name, day in writer.execute("SELECT DISTINCT model, day FROM build.unpublished"):
                changed.setdefault(name, []).append(day)
            for model in models().values():
                if model.publish != kind:
                    continue
                if not is_copy:
                    _copy(writer, model, kind, held.get(model.name, ""), previous is not None)
                elif model.name in changed and model.name not in held:
                    _renew(writer, model, kind, changed[model.name])
            if kind == "open":
                _meta(
                    writer,
                    generation,
                    as_of,
                    held,
                    is_demo,
                    {name for name in LARGE if is_copy and name not in changed},
                )
            else:
                _restricted_meta(writer, generation, is_counted="person_reading" in changed)
            writer.execute("CHECKPOINT target")
        finally:
            writer.execute("DETACH target")
            if previous:
                writer.execute("DETACH previous")


def _restricted_meta(writer: Writer, generation: str, *, is_counted: bool) -> None:
    """What the restricted file holds besides its marts. is_counted: persons have been counted since the last one."""
    writer.execute("CREATE OR REPLACE TABLE target.meta.generation AS SELECT ? AS id", [generation])
    for name, sql in PERSONS.items():
        if is_counted or not _has(writer, "target", name):
            writer.execute(f"CREATE OR REPLACE TABLE target.meta.{name} AS {sql}")
    writer.execute(
        "CREATE OR REPLACE TABLE target.meta.review AS SELECT * EXCLUDE (is_personal) FROM run.review WHERE is_personal"
    )
    writer.execute(f"""CREATE OR REPLACE TABLE target.meta.quarantine_row AS SELECT landing_seq AS seq, row_no AS row, source || '_' || entity AS name, rule, reason, payload,
        is_row, faults, first_seen, landed_at AS last_seen, times FROM raw.quarantine WHERE row_no >= 0 ORDER BY landing_seq DESC, row_no LIMIT {QUARANTINE_SHOWN}""")


def _renew(writer: Writer, model: Model, kind: str, days: list[dt.date | None]) -> None:
    """Puts what has changed of a model in place of what the copied file holds of it."""
    names = _columns(writer, model, kind)
    columns, order = ", ".join(names), _in_order(model, names)
    name, copy = f"{model.layer}.{model.name}", f"target.marts.{model.name}"
    if None in days:
        writer.execute(f"DROP TABLE {copy}; CREATE TABLE {copy} AS SELECT {columns} FROM {name}{order}")
    else:
        writer.execute(f"DELETE FROM {copy} WHERE day IN (SELECT unnest(?))", [days])
        writer.execute(
            f"INSERT INTO {copy} SELECT {columns} FROM {name} WHERE day IN (SELECT unnest(?)){order}", [days]
        )
    _verify(writer, model.name, f"SELECT {columns} FROM {name}", f"SELECT * FROM {copy}")


def _in_order(model: Model, names: list[str]) -> str:
    """Days lie together in a published file, so that a question about one day reads that day and not the whole file;
    within a day the rows lie by their key, so that sums of the same rows are the same to the last digit."""
    keys = [name for name in dict.fromkeys(("day", *model.grain)) if name in names]
    return f" ORDER BY {', '.join(keys)}" if keys else ""


def _verify(writer: Writer, name: str, original: str, copy: str) -> None:
    question = "SELECT count(*), bit_xor(hash(t)) FROM ({}) t"
    if writer.execute(question.format(original)) != writer.execute(question.format(copy)):
        raise WarehouseBroken(f"发布副本与原表不一致：{name}", to_do="请重新发布；反复出现时检查磁盘")


def _copy(writer: Writer, model: Model, kind: str, held: str, has_previous: bool) -> None:
    name = f"{model.layer}.{model.name}"
    known = has_previous and writer.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'previous' AND schema_name = 'marts' AND table_name = ?",
        [model.name],
    )
    origin = f"previous.marts.{model.name}" if held and known else name
    names = _columns(writer, model, kind) if origin == name else []
    columns = ", ".join(names) or "*"  # what is carried over lies as it lay
    rest = " WHERE false" if held and not known else ""
    writer.execute(
        f"CREATE TABLE target.marts.{model.name} AS SELECT {columns} FROM {origin}{rest}{_in_order(model, names)}"
    )
    _verify(writer, model.name, f"SELECT {columns} FROM {origin}{rest}", f"SELECT * FROM target.marts.{model.name}")


def _meta(
    writer: Writer, generation: str, as_of: dt.datetime, held: dict[str, str], is_demo: bool, unchanged: set[str]
) -> None:
    """What a reader must know besides the marts: time, freshness of sources, checks, defects, targets, quarantine
    counts. `unchanged`: large tables that the copied file holds already and that have not changed."""
    writer.execute(
        "CREATE OR REPLACE TABLE target.meta.generation AS SELECT ? AS id, CAST(? AS TIMESTAMP) AS built_at, ? AS is_demo, ? AS release, "
        "(SELECT max(day) FROM marts.vehicle_day WHERE pts > 0 AND is_v) AS last_day",
        [generation, as_of, is_demo, RELEASE],
    )
    writer.execute("CREATE OR REPLACE TABLE target.meta.held (model VARCHAR, reason VARCHAR)")
    for model, reason in held.items():
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
        **LARGE,
    }
    for name, sql in stated.items():
        if name not in unchanged:
            writer.execute(f"CREATE OR REPLACE TABLE target.meta.{name} AS {sql}")


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
