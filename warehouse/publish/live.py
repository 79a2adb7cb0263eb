"""The live picture: one row a vehicle in service and the unhandled alarms, published every half minute.

Owns live/. Carries no full plate and no company: a number per vehicle that is stable through the day is enough to move
a dot."""

from __future__ import annotations

import datetime as dt
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from warehouse.compile.reading import STATUS_LABELS
from warehouse.core import statements
from warehouse.core.database import Writer
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.ingest.landing import sync_folder

text = statements.beside(__file__)
LOG = logging.getLogger(__name__)
STATES = ("running", "parked", "offline", "alarm")
POINTER = "current.json"
KEEP = 20
MOST_ALARMS = 50
NEEDED = {"dim_vehicle", "dim_town", "open_alarm", "pooled_owner"}
"""The models behind the picture."""
FRESH = dt.timedelta(minutes=30)
"""How long an open alarm (marts.open_alarm) colours a vehicle and stands on the wall."""


@dataclass(frozen=True)
class Alarm:
    """An unhandled alarm, safe for public display. id: twelve digits of a digest. raised_at, landed_at (when its
    first version came in): aware. kind and town in words, town "" when unknown. plate: masked."""

    id: str
    raised_at: dt.datetime
    landed_at: dt.datetime
    kind: str
    level: int
    town: str
    plate: str


class Dot(msgspec.Struct, frozen=True, array_like=True):
    """A vehicle in service. ref: a number that is stable through the day and is no plate. lon, lat: WGS-84 degrees;
    direction: degrees, 0 = north; loc_time: naive Shanghai; all None for one that has never been seen. town: "" when
    unknown."""

    ref: int
    lon: float | None
    lat: float | None
    speed_kmh: float | None
    direction: float | None
    state: str
    town: str
    loc_time: dt.datetime | None


@dataclass(frozen=True)
class LiveHead:
    """What is said of a picture as a whole. version grows by one a publication. as_of: newest position in it, aware;
    None when nobody sent anything yet. counts: state → vehicles; the four states partition V; alarm None where no
    source of alarms has ever delivered. alarms: newest first, at most 50."""

    version: int
    as_of: dt.datetime | None
    counts: dict[str, int | None]
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True)
class LiveFrame(LiveHead):
    """The picture: one dot a vehicle in service, by ref."""

    dots: list[Dot]


def is_ready(writer: Writer) -> bool:
    """Whether every model that the picture is made from has been built: not before the first build, nor, for a new
    model, after an upgrade."""
    built = writer.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'")
    return {row[0] for row in built} >= NEEDED


def publish(writer: Writer, settings: Settings, now: dt.datetime) -> int:
    """Writes the newest state of every vehicle in service as of `now` (naive Shanghai) and moves the pointer; returns
    the new version. alarm = an alarm that must be handled, raised in the last 30 minutes and not handled yet. Two jobs
    publish; one after the other, so that no version is given twice."""
    with writer.alone():
        return _publish(writer, settings, now)


def _publish(writer: Writer, settings: Settings, now: dt.datetime) -> int:
    dots = [Dot(*row) for row in writer.execute(text("vehicle_states"), {"now": now, "since": now - FRESH})]
    settings.live.mkdir(parents=True, exist_ok=True)
    before = _pointer(settings) or {"version": 0}
    version = before["version"] + 1
    name = f"{version}.json"
    (settings.live / f".tmp-{name}").write_bytes(msgspec.json.encode(dots))
    os.replace(settings.live / f".tmp-{name}", settings.live / name)
    times = [dot.loc_time for dot in dots if dot.loc_time]
    states = [dot.state for dot in dots]
    note = {
        "version": version,
        "file": name,
        "as_of": max(times).isoformat() if times else None,
        "published_at": now.isoformat(),
        "counts": {state: states.count(state) for state in STATES} | ({} if _has_alarms(writer) else {"alarm": None}),
        "alarms": _unhandled(writer, now, before.get("alarms", [])),
    }
    aside = settings.live / f".tmp-{POINTER}"
    aside.write_bytes(orjson.dumps(note))
    os.replace(aside, settings.live / POINTER)
    sync_folder(settings.live)
    for old in settings.live.iterdir():  # an earlier release wrote them as Parquet
        if old.stem.isdigit() and int(old.stem) <= version - KEEP:
            old.unlink(missing_ok=True)
    return int(version)


def _has_alarms(writer: Writer) -> bool:
    """Whether a source of alarms has ever delivered: without one nobody knows how many there are."""
    return bool(writer.execute("SELECT 1 FROM raw.gps_alarm UNION ALL SELECT 1 FROM raw.as_alarm LIMIT 1"))


def _unhandled(writer: Writer, now: dt.datetime, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The open alarms of vehicles in service, newest first, as the note holds them (naive Shanghai). A later version of
    a row comes with a later payload; an alarm of the note `before` keeps the time at which it first came in."""
    parameters = {"now": now, "since": now - FRESH, "most": MOST_ALARMS, "pooled": STATUS_LABELS["small_cell"]}
    rows = writer.execute(text("unhandled_alarms"), parameters)
    landed_before = {alarm["id"]: alarm["landed_at"] for alarm in before}
    return [
        {
            "id": uid,
            "raised_at": raised.isoformat(),
            "landed_at": landed_before.get(uid) or (landed or raised).isoformat(),
            "kind": kind,
            "level": int(level),
            "town": town,
            "plate": plate,
        }
        for uid, raised, landed, kind, level, town, plate in rows
    ]


def _pointer(settings: Settings) -> dict[str, Any] | None:
    try:
        note: dict[str, Any] = orjson.loads((settings.live / POINTER).read_bytes())
        return note
    except FileNotFoundError:
        return None


def version(data: Path) -> int:
    """The newest version, 0 before the first."""
    note = _pointer(Settings(data))
    return int(note["version"]) if note else 0


def head(data: Path) -> LiveHead | None:
    """What is said of the newest live picture, None when there is none yet. Reads the note only: a fraction of a
    millisecond, so that every screen may ask every other second."""
    note = _pointer(Settings(data))
    return None if note is None else LiveHead(**_head(note))


def alarms(data: Path) -> tuple[Alarm, ...]:
    """The open alarms of the newest live picture, newest first; empty before the first."""
    newest = head(data)
    return () if newest is None else newest.alarms


def _head(note: dict[str, Any]) -> dict[str, Any]:
    newest = dt.datetime.fromisoformat(note["as_of"]).replace(tzinfo=SHANGHAI) if note["as_of"] else None
    return {
        "version": int(note["version"]),
        "as_of": newest,
        "counts": dict(note["counts"]),
        "alarms": _alarms(note),
    }


def _alarms(note: dict[str, Any]) -> tuple[Alarm, ...]:
    def aware(moment: str) -> dt.datetime:
        return dt.datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)

    return tuple(
        Alarm(a["id"], aware(a["raised_at"]), aware(a["landed_at"]), a["kind"], a["level"], a["town"], a["plate"])
        for a in note.get("alarms", [])
    )


def read(data: Path) -> LiveFrame | None:
    """The newest live picture; None when there is none yet, nor a whole one of this release. Another follows within
    half a minute."""
    settings = Settings(data)
    for _ in range(3):  # the pointer may move on, and an old file go, between two reads
        note = _pointer(settings)
        if note is None:
            return None
        try:
            dots = msgspec.json.decode((settings.live / note["file"]).read_bytes(), type=list[Dot])
        except FileNotFoundError:
            continue
        except ValueError as error:
            LOG.warning("实时画面文件 live/%s 无法读取，等候下一份：%s", note["file"], error)
            return None
        return LiveFrame(**_head(note), dots=dots)
    return None
