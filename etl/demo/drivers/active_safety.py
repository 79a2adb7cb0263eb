"""主动安全: alarms and events of the cameras, day by day, drawn from the runs of equipped vehicles; device days.

Modules and codes are those of T/JSATL 12-2017 (苏标); one maker speaks 粤标, which gives some driver codes other
meanings. Codes from 16 on are events, a flag 2 ends an alarm: neither is an alarm of its own. A row may come a second
time when its pictures have arrived. Speeds km/h, times local seconds until they are turned into text."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.drivers.management import FACE
from etl.demo.positions.movement import calendar_legs, day_plan, place
from etl.demo.positions.terminals import MAKERS, equipped, makers, terminal_of, terminal_texts
from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.noise import uniform
from etl.demo.world.people import written_ids
from etl.demo.world.world import World

ADAS, DSM, BSD = 100, 101, 103
# module, code 苏标, code 粤标, alarms per 1000 runs, share at level 2 when fast
KINDS = (
    (ADAS, 1, 1, 20, 0.30),
    (ADAS, 2, 2, 42, 0.10),
    (ADAS, 3, 3, 48, 0.14),
    (ADAS, 4, 4, 5, 0.45),
    (ADAS, 5, 5, 10, 0.0),
    (DSM, 1, 1, 14, 0.62),
    (DSM, 2, 2, 20, 0.40),
    (DSM, 3, 3, 30, 0.10),
    (DSM, 4, 4, 34, 0.26),
    (DSM, 5, 10, 9, 0.15),
    (DSM, 6, 6, 4, 0.0),
    (DSM, 7, 13, 4, 0.35),
    (BSD, 2, 2, 4, 0.2),
    (ADAS, 17, 17, 8, 0.0),
    (DSM, 16, 16, 15, 0.0),
    (DSM, 17, 17, 4, 0.0),
)
EVENT_FROM = 16
END_SHARE, AGAIN_SHARE, FACE_SHARE = 0.11, 0.012, 0.04
ALARM_COLUMNS = [
    "alarm_uid",
    "terminal_id",
    "profile",
    "module",
    "code",
    "level",
    "flag",
    "alarm_time",
    "plate_no",
    "plate_color",
    "id_no",
    "speed_kmh",
    "lon",
    "lat",
    "fatigue",
    "front_speed",
    "front_dist",
    "attach_cnt",
    "face_image",
    "updated_s",
]


@lru_cache(maxsize=24)
def day_alarms(world: World, day: int) -> pd.DataFrame:
    """Versions of the alarms of service day `day`; ALARM_COLUMNS and company, start_s, hash_key.

    Expect 1.6 rows per equipped vehicle and day, about one alarm in eight at level 2.
    """
    legs = day_plan(world, day)
    runs = legs.take((legs.kind == 0) & equipped(world)[legs.veh])
    company = world.track["company"][runs.veh]
    risk = (0.35 + 0.65 * world.track["risk"][runs.veh]) * np.clip(1.5 - world.care(company, day), 0.4, 2.6)
    rate = np.array([k[3] for k in KINDS]) * 0.98 / 1000
    hit, kind = np.nonzero(
        uniform(world.seed, 830, world.tracked[runs.veh][:, None], runs.t0[:, None], np.arange(len(KINDS))[None, :])
        < rate[None, :] * risk[:, None]
    )
    rows, company = runs.take(hit), company[hit]
    ids, n = world.tracked[rows.veh], len(hit)
    u = [uniform(world.seed, 831 + j, ids, rows.t0, kind) for j in range(7)]
    start = (rows.t0 + (0.05 + 0.9 * u[0]) * (rows.t1 - rows.t0)).astype(np.int64)
    lon, lat, _, speed, _ = place(world, rows, start)
    terminal = terminal_of(world, day)[rows.veh]
    maker = makers(world, terminal)
    is_gd = np.array([m[2] == "粤标" for m in MAKERS])[maker]
    table = {
        "module": np.array([k[0] for k in KINDS])[kind],
        "code": np.where(is_gd, np.array([k[2] for k in KINDS])[kind], np.array([k[1] for k in KINDS])[kind]),
    }
    level = np.where((speed > 50) & (u[1] < np.array([k[4] for k in KINDS])[kind]), 2, 1)
    is_adas, tired = table["module"] == ADAS, (table["module"] == DSM) & (table["code"] == 1)
    driver = world.vehicle_driver[ids]
    spoken = written_ids(world, 845)[0]
    frame = pd.DataFrame(
        table
        | {
            "terminal_id": terminal_texts(terminal),
            "profile": np.array([m[2] for m in MAKERS], dtype=object)[maker],
            "level": np.where(table["code"] >= EVENT_FROM, 0, level),
            "flag": np.where(table["code"] >= EVENT_FROM, 0, 1),
            "start_s": start,
            "plate_no": world.track["plate_no"][rows.veh],
            "plate_color": world.track["plate_color"][rows.veh],
            "id_no": np.where(driver >= 0, spoken[np.maximum(driver, 0)], None),
            "speed_kmh": np.round(speed).astype(int),
            "lon": lon.round(6),
            "lat": lat.round(6),
            "fatigue": np.where(tired, 3 + (u[2] * 8).astype(int), 0),
            "front_speed": np.where(is_adas, np.round(speed * (0.6 + 0.5 * u[3])), 0).astype(int),
            "front_dist": np.where(is_adas, 4 + (u[4] * 40).astype(int), 0),
            "attach_cnt": np.where(level == 2, 3, (u[2] * 2).astype(int)),
            "face_image": np.where((table["module"] == DSM) & (u[5] < FACE_SHARE), FACE, None),
            "company": company,
            "serial": np.arange(n) % 100,
        }
    )
    ends = frame[(u[6] < END_SHARE) & (frame["flag"] == 1).to_numpy()].assign(flag=2)
    ends = ends.assign(start_s=ends["start_s"] + 4 + ends["start_s"] % 20, face_image=None)
    frame = pd.concat([frame, ends], ignore_index=True)
    start = frame["start_s"].to_numpy()
    time = clock.second_texts(start)
    frame["alarm_time"] = time
    frame["alarm_uid"] = [
        f"{t}{a[2:4]}{a[5:7]}{a[8:10]}{a[11:13]}{a[14:16]}{a[17:]}{f}{s:02d}"
        for t, a, f, s in zip(frame["terminal_id"], time, frame["flag"], frame["serial"], strict=True)
    ]
    frame["hash_key"] = start * 1_000_003 + frame["serial"].to_numpy()
    late = uniform(world.seed, 838, start, frame["serial"].to_numpy())
    created = start + np.where(
        late < 0.02, 3600 + (late * 10**6).astype(np.int64) % 60000, 15 + (late * 200).astype(np.int64)
    )
    again = np.where(
        uniform(world.seed, 839, start, frame["serial"].to_numpy()) < AGAIN_SHARE, created + 120 + start % 900, -1
    )
    frame["attach_cnt"] += np.where(again >= 0, 1, 0)
    return versions(frame, created, again, {})


def due_alarms(world: World, day: int) -> pd.DataFrame:
    """Alarms of a service day that must be handled (level 2, neither event nor end), once each, with what handling
    needs."""
    frame = day_alarms(world, day)
    due = frame[(frame["level"] == 2) & (frame["flag"] == 1) & (frame["code"] < EVENT_FROM)]
    return due.drop_duplicates("alarm_uid")[
        ["alarm_uid", "company", "level", "start_s", "updated_s", "hash_key"]
    ].reset_index(drop=True)


def day_devices(world: World, day: int) -> pd.DataFrame:
    """One row per equipped terminal that was on during a calendar day; told at half past midnight."""
    legs = calendar_legs(world, day)
    low, high = day * DAY, day * DAY + DAY
    on = (
        np.bincount(
            legs.veh,
            np.maximum(np.minimum(legs.t1 + 240, high) - np.maximum(legs.t0 - 180, low), 0),
            len(world.tracked),
        )
        // 60
    )
    veh = np.flatnonzero(equipped(world) & (on > 0))
    minutes = np.minimum(on[veh], 1440).astype(int)
    terminal = terminal_of(world, day)[veh]
    u = world.chance(841, terminal, day)
    broken = world.chance(842, terminal, (day + terminal % 30) // 30) < 0.014
    occluded = np.where(u < 0.05, (u * 2000).astype(int) % np.maximum(minutes, 1), 0)
    return pd.DataFrame(
        {
            "terminal_id": terminal_texts(terminal),
            "day": clock.day_text(day, "%Y-%m-%d"),
            "online_min": minutes,
            "cam_fault": broken,
            "occluded_min": occluded,
            "updated_s": np.full(len(veh), (day + 1) * DAY + 1800),
        }
    )
