"""Daily statistics per vehicle, computed from the runs of the day without making every message.

Agrees in distribution with what a consumer computes from the messages of `positions`: the same runs, gaps, drift days
and outage. Also the first departure of a day after a stop of two hours, which the pre-trip check hangs on.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.positions.movement import COOL_DOWN_S, WARM_UP_S, Legs, calendar_legs, day_plan, join
from etl.demo.positions.positions import (
    DRIFT_MESSAGE_SHARE,
    HEARTBEAT_FOR_S,
    HEARTBEAT_S,
    TICK_S,
    _gaps,
    chosen,
    drift_days,
)
from etl.demo.world.clock import DAY
from etl.demo.world.noise import uniform
from etl.demo.world.places import OUTAGE_DAYS_AGO, OUTAGE_FROM_S, OUTAGE_PLATFORM, OUTAGE_TO_S
from etl.demo.world.world import World

STOP_S = 2 * 3600
FATIGUE_AFTER_S = 4 * 3600


def _overlap(a0: np.ndarray, a1: np.ndarray, b0: np.ndarray | int, b1: np.ndarray | int) -> np.ndarray:
    return np.maximum(np.minimum(a1, b1) - np.maximum(a0, b0), 0)


def _km(world: World, legs: Legs, t0: np.ndarray, t1: np.ndarray) -> np.ndarray:
    """Km driven between two instants, both clipped into the run."""
    return np.maximum(legs.km_at(world.roads, t1) - legs.km_at(world.roads, np.minimum(t0, t1)), 0.0)


def _earliest(n: int, veh: np.ndarray, t: np.ndarray) -> np.ndarray:
    result = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(result, veh, t)
    return np.where(result == np.iinfo(np.int64).max, -1, result)


def _latest(n: int, veh: np.ndarray, t: np.ndarray) -> np.ndarray:
    result = np.full(n, -1, dtype=np.int64)
    np.maximum.at(result, veh, t)
    return result


@lru_cache(maxsize=4)
def departures(world: World, day: int) -> pd.DataFrame:
    """First departure of calendar day `day` after a stop of at least 2 h: veh, depart_s, stop_s (start of that stop).

    Not to be written to. A stop that began more than two days ago is given as 40 h long: nobody asks for the exact
    start of a long rest."""
    legs = join([day_plan(world, d) for d in (day - 2, day - 1, day)])
    runs = legs.take(legs.kind == 0)
    same = np.concatenate([[False], runs.veh[1:] == runs.veh[:-1]])
    stop = np.where(same, np.concatenate([[0], runs.t1[:-1]]), runs.t0 - 40 * 3600)
    due = np.flatnonzero((runs.t0 // DAY == day) & (runs.t0 - stop >= STOP_S))
    _, first = np.unique(runs.veh[due], return_index=True)
    pick = due[first]
    return pd.DataFrame({"veh": runs.veh[pick], "depart_s": runs.t0[pick], "stop_s": stop[pick]})


def vehicle_day(world: World, day: int) -> pd.DataFrame:
    """One row per tracked vehicle that sent anything on calendar day `day`.

    Columns: veh, points, qualified, drift, km_total, km_complete, km_valid, first_qualified_s, first_move_s,
    last_move_s, last_s, drive_s, night_s, fatigue_s, km_0_5, trips, depart_s, stop_s; counts, km, seconds; *_s instants
    are local seconds, -1 = none."""
    n, low, high = len(world.tracked), day * DAY, day * DAY + DAY
    legs = calendar_legs(world, day)
    lost = _lost(world, legs, day)
    veh, on0, on1 = legs.veh, legs.t0 - WARM_UP_S, legs.t1 + COOL_DOWN_S
    spoken = (
        _overlap(on0, on1, low, high) / TICK_S
        + _overlap(on1, on1 + HEARTBEAT_FOR_S, low, high) / HEARTBEAT_S
        - lost["seconds"] / TICK_S
    )
    points = np.round(np.bincount(veh, np.maximum(spoken, 0), n)).astype(int)
    t0, t1 = np.clip(legs.t0, low, high), np.clip(legs.t1, low, high)
    km = np.where(t1 > t0, _km(world, legs, t0, t1), 0.0)
    runs = (legs.kind == 0) & (t1 > t0)
    drive = np.where(runs, t1 - t0, 0)
    night = np.where(
        runs, _overlap(legs.t0, legs.t1, low, low + 6 * 3600) + _overlap(legs.t0, legs.t1, low + 22 * 3600, high), 0
    )
    dark = np.where(runs & (legs.t0 < low + 5 * 3600), _km(world, legs, t0, np.minimum(t1, low + 5 * 3600)), 0.0)
    fatigue = np.where(runs, _overlap(legs.t0 + FATIGUE_AFTER_S, legs.t1, low, high), 0)
    seen = spoken > 0
    depart = departures(world, day)
    table = pd.DataFrame(
        {
            "veh": np.arange(n),
            "points": points,
            **_quality(world, day, points),
            "km_total": np.bincount(veh, km, n),
            "km_complete": np.bincount(veh, np.maximum(km - lost["km"], 0), n),
            "first_qualified_s": _earliest(n, veh[seen], np.maximum(on0, low)[seen]),
            "first_move_s": _earliest(n, veh[runs], t0[runs]),
            "last_move_s": _latest(n, veh[runs], t1[runs] - 1),
            "last_s": _latest(n, veh[seen], np.minimum(on1 + HEARTBEAT_FOR_S, high - 1)[seen]),
            "drive_s": np.bincount(veh, drive, n).astype(int),
            "night_s": np.bincount(veh, night, n).astype(int),
            "fatigue_s": np.bincount(veh, fatigue, n).astype(int),
            "km_0_5": np.bincount(veh, dark, n),
            "trips": np.bincount(veh[(legs.kind == 0) & (legs.t0 >= low) & (legs.t0 < high)], minlength=n),
        }
    )
    table["km_valid"] = table["km_total"] * np.where(table["qualified"] > 0, 0.997, 0.0)
    table.loc[table["qualified"] == 0, "first_qualified_s"] = -1
    for name in ("depart_s", "stop_s"):
        table[name] = -1
        table.loc[depart["veh"], name] = depart[name].to_numpy()
    return table[table["points"] > 0].reset_index(drop=True)


def _lost(world: World, legs: Legs, day: int) -> dict[str, np.ndarray]:
    """Per leg: seconds and km of the day that never arrived (gaps never made up, platform outage)."""
    low, high = day * DAY, day * DAY + DAY
    gaps = _gaps(world, legs)
    for_ever = gaps.release < 0
    g0, g1 = np.clip(gaps.begin, low, high), np.clip(gaps.end, low, high)
    has = for_ever & (g1 > g0)
    seconds, km = np.where(has, g1 - g0, 0), np.zeros(len(legs))
    km[has] = _km(world, legs.take(has), g0[has], g1[has])
    if day == world.anchor_day - OUTAGE_DAYS_AGO:
        cut = world.track["platform"][legs.veh] == OUTAGE_PLATFORM
        c0, c1 = low + OUTAGE_FROM_S, low + OUTAGE_TO_S
        silent = _overlap(legs.t0 - WARM_UP_S, legs.t1 + COOL_DOWN_S, c0, c1)
        seconds = np.where(cut, np.maximum(seconds, silent), seconds)
        km = np.where(cut, np.maximum(km, _km(world, legs, np.clip(legs.t0, c0, c1), np.clip(legs.t1, c0, c1))), km)
    return {"seconds": seconds, "km": km}


def _quality(world: World, day: int, points: np.ndarray) -> dict[str, np.ndarray]:
    """Qualified and drifting points of each tracked vehicle."""
    rates, n = world.rates, len(points)
    rng = world.rng(day, 88)
    share = np.full(n, rates.d04_zero_position + rates.d05_future + rates.d05_epoch + rates.d06_not_fixed)
    stuck = uniform(world.seed, 304, world.tracked, day) < rates.d06_stuck_vehicle_day
    share = np.where(stuck, 0.85, share)
    pick = chosen(world)
    share[np.concatenate([pick.rollover, pick.swapped, pick.scaled]).astype(int)] = 1.0
    bad = rng.binomial(points, share)
    drifting = drift_days(world, np.arange(n), day)
    drift = np.where(drifting & (points > 40), 1 + rng.binomial(points, DRIFT_MESSAGE_SHARE), 0)
    return {"qualified": points - bad, "drift": drift}
