"""The live picture: one row a vehicle in service, published as a small file of its own every half minute.

Owns live/. Carries no plate and no company: a number per vehicle that is stable through the day is enough to move a dot."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow.parquet as pq

from warehouse.connection import Writer
from warehouse.landing import sync_folder
from warehouse.settings import Settings
from warehouse.units import SHANGHAI

STATES = ("running", "parked", "offline", "alarm")
POINTER = "current.json"
KEEP = 20


@dataclass(frozen=True)
class LiveFrame:
    """version grows by one a publication. as_of: newest position in it, aware; None when nobody sent anything yet.
    table: ref int, lon, lat (WGS-84 deg, NaN when never seen), speed_kmh, direction (deg, 0 = north), state, town,
    loc_time (naive Shanghai). counts: state → vehicles; the four states partition V."""

    version: int
    as_of: dt.datetime | None
    table: pd.DataFrame
    counts: dict[str, int]


def publish(writer: Writer, settings: Settings, now: dt.datetime) -> int:
    """Writes the newest state of every vehicle in service as of `now` (naive Shanghai) and moves the pointer; returns the
    new version. alarm = an alarm that must be handled, raised in the last 30 minutes and not handled yet."""
    table = writer.table("""
        WITH ringing AS (SELECT DISTINCT vehicle_key(plate_norm(a.plate_no), plate_color_norm(a.plate_color)) AS vehicle_key FROM raw.gps_alarm a
            LEFT JOIN raw.own_alarm_type t USING (warn_type)
            WHERE a.start_at BETWEEN ? - INTERVAL 30 MINUTE AND ? AND (a.level = 2 OR coalesce(t.is_due, false))
            AND NOT EXISTS (SELECT 1 FROM raw.rdm_alarm_handle h WHERE h.alarm_uid = a.alarm_uid AND h.result IN (1, 2))
            UNION SELECT vehicle_key(plate_norm(s.plate_no), plate_color_norm(s.plate_color)) FROM raw.as_alarm s
            WHERE s.alarm_time BETWEEN ? - INTERVAL 30 MINUTE AND ? AND s.level = 2 AND s.code < 16 AND s.flag IS DISTINCT FROM 2
            AND NOT EXISTS (SELECT 1 FROM raw.rdm_alarm_handle h WHERE h.alarm_uid = s.alarm_uid AND h.result IN (1, 2))),
        state AS (SELECT v.vehicle_key, v.town_code, l.loc_time, l.lon, l.lat, l.speed_kmh, l.direction,
            CASE WHEN l.loc_time IS NULL OR l.loc_time <= ? - INTERVAL 10 MINUTE THEN 'offline' WHEN r.vehicle_key IS NOT NULL THEN 'alarm'
                 WHEN l.speed_kmh >= 5 THEN 'running' ELSE 'parked' END AS state
            FROM marts.dim_vehicle v LEFT JOIN raw.gps_latest l ON l.vehicle_key = v.vehicle_key AND l.loc_time <= ? + INTERVAL 60 SECOND
            LEFT JOIN ringing r ON r.vehicle_key = v.vehicle_key
            WHERE CAST(? AS DATE) BETWEEN v.from_day AND v.to_day AND v.status = '营运' AND NOT v.is_trailer)
        SELECT CAST(hash(vehicle_key || CAST(? AS DATE)) % 2147483647 AS INTEGER) AS ref, lon, lat, speed_kmh, direction, state,
            coalesce(t.name, '') AS town, loc_time FROM state s LEFT JOIN marts.dim_town t ON t.code = s.town_code ORDER BY ref""", [now] * 8)
    settings.live.mkdir(parents=True, exist_ok=True)
    version = (_pointer(settings) or {"version": 0})["version"] + 1
    name = f"{version}.parquet"
    pq.write_table(table, settings.live / f".tmp-{name}", compression="zstd")
    os.replace(settings.live / f".tmp-{name}", settings.live / name)
    times = [value for value in table["loc_time"].to_pylist() if value]
    states = table["state"].to_pylist()
    note = {"version": version, "file": name, "as_of": max(times).isoformat() if times else None, "published_at": now.isoformat(),
            "counts": {state: states.count(state) for state in STATES}}
    aside = settings.live / f".tmp-{POINTER}"
    aside.write_bytes(orjson.dumps(note))
    os.replace(aside, settings.live / POINTER)
    sync_folder(settings.live)
    for old in settings.live.glob("*.parquet"):
        if old.stem.isdigit() and int(old.stem) <= version - KEEP:
            old.unlink(missing_ok=True)
    return int(version)


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


def read(data: Path) -> LiveFrame | None:
    """The newest live picture, None when there is none yet."""
    settings = Settings(data)
    for _ in range(3):  # the pointer may move on, and an old file go, between two reads
        note = _pointer(settings)
        if note is None:
            return None
        try:
            table = pq.read_table(settings.live / str(note["file"])).to_pandas()
        except FileNotFoundError:
            continue
        as_of = dt.datetime.fromisoformat(str(note["as_of"])).replace(tzinfo=SHANGHAI) if note["as_of"] else None
        return LiveFrame(int(note["version"]), as_of, table, dict(note["counts"]))
    return None
