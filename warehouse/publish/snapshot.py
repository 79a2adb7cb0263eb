"""Publishing: a generation is written aside as fresh files, verified, renamed, and the pointer moves last.

Owns published/: the files with their notes, which file a new one stands on, and how long each stays. Never edits a
published file. A note names every file of its generation with its digest: its own, and the whole file of an earlier
generation beside which each of its own was written (base), which stays as long as a note names it."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from warehouse.catalog.models import shape
from warehouse.core import failpoints
from warehouse.core.database import Writer
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import RELEASE, Settings
from warehouse.ingest.landing import sync_folder
from warehouse.publish import generation_file
from warehouse.publish.generation_file import Differs, Earlier, Edition

POINTER = "current.json"
KINDS = {"open": "", "restricted": ".restricted"}
"""Kind of file → what stands behind the generation in its name."""
SHARE = 1.0
"""A file that would be so large beside its base is written whole. Not less: in the first days the trips of today are half
of all there are, and a whole file would be written every round."""
SPENT = 0.2
"""The next file is a whole one again once size times days since its base is such a part of the base's size. Of whole
files one for each base stays for KEEP_DAILY_DAYS, of those beside them KEEP_ALL and one a day; with 288 a day, each of
which holds all days since the base, both together take the least disk at 2 * 35 / (288 + 35) = 0.2."""
KEEP_ALL = dt.timedelta(hours=24)
KEEP_DAILY_DAYS = 35


def publish(writer: Writer, settings: Settings, as_of: dt.datetime, held: dict[str, str], *, is_demo: bool) -> str:
    """Publishes what is built as a new generation and returns its id (YYYYMMDDTHHMMSS of `as_of`, naive Shanghai).

    Where only a little has changed since a file was written whole, the new one holds that and stands on it. Held models
    are taken from the generation before; when there is none they are left empty. Raises WarehouseBroken when a copy does
    not equal its original: then the pointer stays where it was."""
    folder = settings.published
    folder.mkdir(parents=True, exist_ok=True)
    for stray in folder.glob(".tmp-*"):
        stray.unlink()
    generation = f"{as_of:%Y%m%dT%H%M%S}"
    before, edition = _note(settings), Edition(generation, as_of, held, is_demo)
    names = {kind: f"{generation}{suffix}.duckdb" for kind, suffix in KINDS.items()}
    shared: dict[str, Any] = {}
    digests: dict[str, str] = {}
    for kind, name in names.items():
        earlier = _earlier(settings, before, kind)
        is_its_own = earlier is not None and earlier.base.name == name
        differs = None if is_its_own else _differing(writer, before, kind, earlier, edition)
        aside = folder / f".tmp-{name}"
        generation_file.write(writer, aside, kind, edition, earlier, differs)
        if earlier and differs is not None and _size(aside) > SHARE * _size(earlier.base):
            aside.unlink()
            differs = None
            generation_file.write(writer, aside, kind, edition, earlier, differs)
        _seal(aside)
        if earlier is None or differs is None:
            shared[kind] = {"base": name, "differs": {}}
        else:
            shared[kind] = {"base": earlier.base.name, "differs": differs}
            digests[earlier.base.name] = before["files"][earlier.base.name]
    failpoints.point("before_swap")
    for name in names.values():
        digests[name] = _digest(folder / f".tmp-{name}")
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
        "shared": shared,
    }
    _place(folder / f"{generation}.json", orjson.dumps(note))
    _place(folder / POINTER, orjson.dumps(note))
    failpoints.point("after_swap")
    with writer.transaction():
        writer.execute(PUBLISHED)
        writer.execute("DELETE FROM build.published")
        writer.execute("INSERT INTO build.published VALUES (?)", [generation])
    return generation


PUBLISHED = "CREATE TABLE IF NOT EXISTS build.published (generation VARCHAR)"
"""What this warehouse has published last. Where the pointer names another generation, the warehouse was made anew or
comes from a backup, or was killed meanwhile, and does not know in what the two differ."""


def moment(settings: Settings, now: dt.datetime) -> dt.datetime:
    """`now` to the second, or the next second after it that no generation is named by: a name is never used for two
    contents, because readers know a content by its name."""
    found = now.replace(microsecond=0)
    while any((settings.published / f"{found:%Y%m%dT%H%M%S}{end}").exists() for end in (".json", ".duckdb")):
        found += dt.timedelta(seconds=1)
    return found


def _note(settings: Settings) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads((settings.published / POINTER).read_bytes())
        return found
    except FileNotFoundError:
        return {}


def _earlier(settings: Settings, before: dict[str, Any], kind: str) -> Earlier | None:
    """The file of that kind of the generation of a note; None where it, or what it stands on, is not there."""
    if not before:
        return None
    file = settings.published / f"{before['generation']}{KINDS[kind]}.duckdb"
    # the files of releases before there were bases are whole
    base = file.with_name(before.get("shared", {}).get(kind, {}).get("base", file.name))
    return Earlier(file, base) if file.exists() and base.exists() else None


def _differing(
    writer: Writer, before: dict[str, Any], kind: str, earlier: Earlier | None, edition: Edition
) -> Differs | None:
    """What a new file has to hold itself beside the base of the one before; None where it must be, or had better be, a
    whole one."""
    if (
        earlier is None
        or not _has_published(writer, before)
        or (before.get("release"), before.get("shape")) != (RELEASE, shape())
        or _is_spent(earlier, edition.as_of)
        or not _is_sound(earlier, before, edition.as_of)
    ):
        return None
    stated = before.get("shared", {}).get(kind, {}).get("differs", {})
    differs = {name: days and [*map(dt.date.fromisoformat, days)] for name, days in stated.items()}
    for name, day in writer.execute("SELECT DISTINCT model, day FROM build.unpublished"):
        for table in generation_file.PERSONS if (name, kind) == ("person_reading", "restricted") else [name]:
            known = differs.get(table, [])
            if table not in edition.held:
                differs[table] = None if day is None or known is None else sorted({*known, day})
    here = generation_file.of_kind(kind)
    return {name: differs[name] for name in here if name in differs}


def _is_spent(earlier: Earlier, as_of: dt.datetime) -> bool:
    """Whether so much has changed since the base that another one takes less disk."""
    days = (as_of - _moment(earlier.base)) / dt.timedelta(days=1)
    return earlier.file != earlier.base and _size(earlier.file) * days > SPENT * _size(earlier.base)


def _size(file: Path) -> int:
    return file.stat().st_size


def _is_sound(earlier: Earlier, before: dict[str, Any], as_of: dt.datetime) -> bool:
    """Whether the base is as it was published: a flipped bit must not live on in the next files. Read to its end once an
    hour, since that takes the longer the more history there is."""
    if dt.datetime.fromisoformat(before["as_of"]).replace(minute=0, second=0) == as_of.replace(minute=0, second=0):
        return True
    return bool(_digest(earlier.base) == before["files"].get(earlier.base.name))


def _moment(file: Path) -> dt.datetime:
    """When the generation was made that gave the file its name, naive Shanghai."""
    return dt.datetime.strptime(file.name.partition(".")[0], "%Y%m%dT%H%M%S")


def _has_published(writer: Writer, note: dict[str, Any]) -> bool:
    """Whether this warehouse, as it is, published the generation of the note."""
    writer.execute(PUBLISHED)
    return writer.execute("SELECT generation FROM build.published") == [(note["generation"],)]


def take_over_trail(writer: Writer, settings: Settings) -> None:
    """A warehouse made anew knows nothing of what was published before, and one from a backup nothing of what was
    published since: that part of the trail of revisions comes from the newest generation."""
    note = _note(settings)
    earlier = _earlier(settings, note, "open")
    if earlier is None or _has_published(writer, note):
        return
    with generation_file.attached(writer, earlier):
        if generation_file.has(writer, earlier.name, "meta.kpi_revision"):
            newest = writer.execute("SELECT coalesce(max(recorded_at), '-infinity'::TIMESTAMP) FROM run.kpi_revision")
            writer.execute(
                f"INSERT INTO run.kpi_revision BY NAME SELECT * FROM {earlier.name}.meta.kpi_revision WHERE recorded_at > ?",
                [newest[0][0]],
            )
            writer.execute(
                "INSERT INTO run.kpi_asked SELECT DISTINCT kpi_id, win, win_start FROM run.kpi_revision "
                "EXCEPT SELECT kpi_id, win, win_start FROM run.kpi_asked"
            )


def take_over_persons(writer: Writer, settings: Settings) -> None:
    """Counts of persons below the district are published once. What a warehouse made anew, or one from a backup, does
    not know of it comes from the newest generation: counted again it would differ by those few whom a later correction
    is about."""
    from warehouse.build import person_counts  # which builds: whoever only reads what is published does without

    person_counts.prepare(writer)
    note = _note(settings)
    earlier = _earlier(settings, note, "restricted")
    if earlier is None or _has_published(writer, note):
        return
    with generation_file.attached(writer, earlier):
        if not generation_file.has(writer, earlier.name, "meta.person_counted"):
            return
        newest = "SELECT metric, max(start) AS newest FROM {} GROUP BY metric"
        writer.execute(f"""CREATE OR REPLACE TEMP TABLE ahead AS
            SELECT metric, metric NOT IN (SELECT metric FROM marts_person.counted) AS is_new
            FROM ({newest.format(f"{earlier.name}.meta.person_behind")}) p
            LEFT JOIN ({newest.format("marts_person.behind")}) o USING (metric)
            WHERE o.newest IS NULL OR o.newest < p.newest""")
        new = "metric IN (SELECT metric FROM ahead WHERE is_new)"
        below = f"(grain <> 'district' OR {new})"
        for table, rows in (("reading", f" AND {below}"), ("behind", ""), ("counted", f" AND {new}")):
            ahead = f"WHERE metric IN (SELECT metric FROM ahead){rows}"
            writer.execute(f"DELETE FROM marts_person.{table} {ahead}")
            writer.execute(
                f"INSERT INTO marts_person.{table} BY NAME SELECT * FROM {earlier.name}.meta.person_{table} {ahead}"
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
            found = _digest(settings.published / name)
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


def _digest(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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


def retain(settings: Settings, now: dt.datetime, cited: set[str]) -> list[str]:
    """Deletes generations past their keep: all of 24 h stay, then the last of a day for 35 days, then only those that a
    weekly PDF names (`cited`), each with the files that it stands on. Returns what was deleted. The current one always
    stays."""
    keep: set[str] = set(cited) | {current(settings) or ""}
    seen: set[str] = set()
    gone = []
    for generation in generations(settings):
        age = now - _moment(Path(generation))
        day = generation[:8]
        if generation in keep or age <= KEEP_ALL or (age.days <= KEEP_DAILY_DAYS and day not in seen):
            seen.add(day)
            continue
        (settings.published / f"{generation}.json").unlink()
        gone.append(generation)
    notes = [file for file in settings.published.glob("*.json") if file.name != POINTER]
    try:
        named = {name for note in notes for name in _named(note)}
    except ValueError:
        return gone  # on what that one stands is not known: nothing is taken away from under it
    for file in settings.published.glob("*.duckdb"):
        if file.name not in named:
            file.unlink()
    return gone


def files(settings: Settings, generations: Iterable[str]) -> list[Path]:
    """The notes of those generations and every file that they name, each once; of a generation whose note cannot be
    read, what bears its name. They need not be there."""
    found: set[Path] = set()
    for generation in generations:
        note = settings.published / f"{generation}.json"
        try:
            named = _named(note)
        except ValueError:
            named = {f"{generation}{suffix}.duckdb" for suffix in KINDS.values()}
        found |= {note, *(settings.published / name for name in named)}
    return sorted(found)


def _named(note: Path) -> set[str]:
    """The files that a note names. Raises ValueError when it cannot be read."""
    try:
        return {*orjson.loads(note.read_bytes())["files"]}
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(note.name) from error
