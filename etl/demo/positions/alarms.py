"""Alarms and post checks (查岗) of the monitoring platform, day by day, drawn from the runs of that day.

Warn types are those of JT/T 809 as whole numbers. A row becomes visible when it is closed: updated = end of the alarm
plus a few seconds. Speeds km/h, times local seconds until they are turned into text.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.positions.movement import Legs, activity, day_plan, place
from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.noise import uniform
from etl.demo.world.places import PLATFORMS
from etl.demo.world.world import World, person_names

OVERSPEED, FATIGUE = 1, 2
# warn type, alarms per 1000 runs, share at level 2, source, information text
KINDS = (
    (OVERSPEED, 1.55, 0.30, 1, "超速报警"),
    (FATIGUE, 0.55, 1.0, 1, "疑似生理疲劳"),
    (3, 0.12, 1.0, 1, "紧急报警按钮"),
    (11, 0.5, 0.0, 2, "偏离路线"),
    (13, 0.25, 1.0, 1, "超时驾驶"),
    (16, 0.8, 0.25, 1, "违规行驶"),
    (17, 3.1, 0.36, 1, "前向碰撞预警"),
    (18, 3.4, 0.30, 1, "车道偏离预警"),
    (0xA002, 0.9, 0.0, 3, "定位间隔异常"),
    (0xA00A, 0.6, 0.0, 3, "终端异常"),
)
ANSWERS = ("在岗，车辆运行正常", "收到，已在岗", "在岗在位，监控正常", "正常")


@lru_cache(maxsize=64)
def day_alarms(world: World, day: int) -> pd.DataFrame:
    """Alarms of the runs of service day `day`; columns as in the source plus veh, company, start_s, end_s, updated_s.

    Expect about 5 per 100 tracked vehicles and day, a third of them level 2.
    """
    legs = day_plan(world, day)
    runs = legs.take(legs.kind == 0)
    table = _drawn(world, runs)
    table = _joined([table, _true_fatigue(world, runs), _echoes(world, table)])
    order = np.lexsort((table["warn_type"], table["veh"], table["start_s"]))
    return _finish(world, {name: column[order] for name, column in table.items()}, day)


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _drawn(world: World, runs: Legs) -> dict[str, np.ndarray]:
    """The alarms of every kind as columns; a run raises at most one of each kind."""
    risk, ids = 0.25 + 0.75 * world.track["risk"][runs.veh], world.tracked[runs.veh]
    numbers = np.arange(len(KINDS))
    rate = np.array([k[1] for k in KINDS]) * 0.78 / 1000
    hit, kind = np.nonzero(
        uniform(world.seed, 400, ids[:, None], runs.t0[:, None], numbers[None, :]) < rate[None, :] * risk[:, None]
    )
    legs, ids = runs.take(hit), ids[hit]
    u = [uniform(world.seed, 420 + j, ids, legs.t0, kind) for j in range(4)]
    start = (legs.t0 + (0.1 + 0.75 * u[0]) * (legs.t1 - legs.t0)).astype(np.int64)
    is_speeding = kind == 0
    lasts = np.where(is_speeding, np.where(u[1] < 0.22, 8 + 20 * u[2], 32 + 110 * u[2] ** 2), 2 + 12 * u[2])
    lon, lat, _, speed, _ = place(world, legs, start)
    limit = np.where(is_speeding, np.where(speed > 62, 90, np.where(speed > 44, 70, 50)), 0)
    fast = np.where(is_speeding, limit * (1.06 + 0.22 * u[3] ** 2), speed)
    is_2 = np.where(is_speeding, fast > 1.15 * limit, u[3] < np.array([k[2] for k in KINDS])[kind])
    return {
        "veh": legs.veh,
        "src": np.array([k[3] for k in KINDS])[kind],
        "warn_type": np.array([k[0] for k in KINDS])[kind],
        "level": np.where(is_2, 2, 1),
        "start_s": start,
        "end_s": start + lasts.astype(np.int64),
        "speed_kmh": np.round(fast).astype(int),
        "limit_kmh": limit,
        "lon": lon.round(6),
        "lat": lat.round(6),
        "info": np.array([k[4] for k in KINDS], dtype=object)[kind],
    }


def _true_fatigue(world: World, runs: Legs) -> dict[str, np.ndarray]:
    """A run beyond four hours without a rest of 20 min (实施条例 62 条) always raises its alarm."""
    legs = runs.take(runs.t1 - runs.t0 > 4 * 3600)
    start, n = legs.t0 + 4 * 3600, len(legs)
    lon, lat, _, speed, _ = place(world, legs, start)
    return {
        "veh": legs.veh,
        "src": np.full(n, 3),
        "warn_type": np.full(n, FATIGUE),
        "level": np.full(n, 2),
        "start_s": start,
        "end_s": legs.t1,
        "speed_kmh": np.round(speed).astype(int),
        "limit_kmh": np.zeros(n, dtype=int),
        "lon": lon.round(6),
        "lat": lat.round(6),
        "info": np.full(n, "连续驾驶超过4小时", dtype=object),
    }


def _echoes(world: World, table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Some overspeed events are reported again within a minute (one event for the assessment)."""
    again = (table["warn_type"] == OVERSPEED) & (
        uniform(world.seed, 415, world.tracked[table["veh"]], table["start_s"]) < 0.25
    )
    echo = {name: column[again] for name, column in table.items()}
    length = echo["end_s"] - echo["start_s"]
    echo["start_s"] = echo["end_s"] + 12 + echo["start_s"] % 40
    echo["end_s"] = echo["start_s"] + length
    return echo


def _finish(world: World, table: dict[str, np.ndarray], day: int) -> pd.DataFrame:
    ids, rows, stamp = world.tracked[table["veh"]], world.vehicles, clock.day_text(day)
    uids = [
        f"{stamp}{w:04X}{v:05d}{i:03d}"
        for i, (w, v) in enumerate(zip(table["warn_type"].tolist(), ids.tolist(), strict=True))
    ]
    return pd.DataFrame(
        table
        | {
            "alarm_uid": np.array(uids, dtype=object),
            "plate_no": rows["plate_no"].to_numpy()[ids],
            "plate_color": rows["plate_color"].to_numpy()[ids],
            "company": rows["company"].to_numpy()[ids],
            "updated_s": table["end_s"] + 2 + table["start_s"] % 7,
            "start_at": clock.second_texts(table["start_s"]),
            "end_at": clock.second_texts(table["end_s"]),
        }
    )


@lru_cache(maxsize=600)
def day_post_checks(world: World, day: int) -> pd.DataFrame:
    """Post checks sent on a day: about one per company of 50+ (object type 2), one for all (3), one per platform
    (1)."""
    big = np.flatnonzero(world.companies["is_big"].to_numpy())
    if not activity(day):
        return pd.DataFrame()
    requested = big[world.chance(501, big, day) < 0.92]
    company = np.concatenate([requested, np.full(len(PLATFORMS) + 1, -1)])
    kind = np.concatenate([np.full(len(requested), 2), np.full(len(PLATFORMS), 1), [3]])
    key = np.concatenate([requested, 100_000 + np.arange(len(PLATFORMS) + 1)])
    u = [world.chance(s, key, day) for s in (502, 503, 504, 505)]
    sent = day * DAY + (8.5 * 3600 + 9 * 3600 * u[0]).astype(np.int64)
    care = np.where(company >= 0, world.care(np.maximum(company, 0), day), 0.8)
    limit = np.where(kind == 2, 600, 300)
    answered = u[1] < np.clip(0.90 + 0.11 * care, 0.55, 0.995)
    delay = np.where(u[2] < 0.97, 20 + (limit - 40) * u[3] ** 2, limit + 900 * u[3])
    early = answered & (u[2] < world.rates.d05_handled_early)
    answer = np.where(answered, sent + np.where(early, -90, delay).astype(np.int64), -1)
    names = np.array(person_names(world, 51, 400), dtype=object)
    spoken = [ANSWERS[int(x * 4)] if x > 0.01 else "" for x in u[3]]
    codes = world.companies["uscc"].to_numpy()
    updated = np.where(answered, np.maximum(answer, sent) + 3, sent + limit + 5)
    return pd.DataFrame(
        {
            "check_id": [f"CG{clock.day_text(day)}{k:06d}" for k in key],
            "platform_id": [PLATFORMS[int(k) % len(PLATFORMS)] for k in key],
            "object_type": kind,
            "uscc": [codes[c] if c >= 0 else None for c in company],
            "sent_at": clock.second_texts(sent),
            "limit_s": limit,
            "answered_at": clock.second_texts(answer),
            "responder": [names[int(k) * 3 % 400] if a else None for k, a in zip(key, answered, strict=True)],
            "content": [s if a else None for s, a in zip(spoken, answered, strict=True)],
            "updated_s": updated,
        }
    )
