"""What the supervising platform adds to the alarms: urges (督办) for what nobody handled, and how long each platform
was connected."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.noise import uniform
from etl.demo.world.places import OUTAGE_DAYS_AGO, OUTAGE_FROM_S, OUTAGE_PLATFORM, OUTAGE_TO_S, PLATFORMS
from etl.demo.world.world import World

URGED_AFTER_S = 3 * 3600
URGED_SHARE, SMALL_SCALE = 0.28, 560  # in a small world every one is urged
DAY_MIN = 1440


def day_urges(world: World, unhandled: pd.DataFrame, day: int) -> pd.DataFrame:
    """Versions of the urges for some of the due alarms of `day` that were not handled: sent, then answered or not.

    unhandled: columns alarm_uid, company, start_s, hash_key."""
    key = unhandled["hash_key"].to_numpy()
    chosen = unhandled[
        uniform(world.seed, 851, key) < max(URGED_SHARE, min(SMALL_SCALE * URGED_SHARE / world.scale, 1.0))
    ].sort_values("alarm_uid")
    key, n = chosen["hash_key"].to_numpy(), len(chosen)
    u = [uniform(world.seed, 852 + j, key) for j in range(5)]
    urgent = u[0] < 0.22
    sent = chosen["start_s"].to_numpy() + URGED_AFTER_S + (u[1] * 3600).astype(np.int64)
    deadline = sent + np.where(urgent, 2 * 3600, DAY)
    care = world.care(chosen["company"].to_numpy(), day)
    answered = u[2] < np.clip(0.90 + 0.1 * care, 0.7, 0.99)
    in_time = u[3] < np.clip(0.90 + 0.1 * care, 0.7, 0.99)
    at = np.where(
        in_time,
        sent + ((deadline - sent) * (0.05 + 0.9 * u[4])).astype(np.int64),
        deadline + 600 + (u[4] * 40000).astype(np.int64),
    )
    result = np.where(u[4] < 0.94, 1, np.where(u[4] < 0.98, 2, 3))
    frame = pd.DataFrame(
        {
            "urge_id": [f"DB{clock.day_text(day)}{k:04d}" for k in range(n)],
            "alarm_uid": chosen["alarm_uid"].to_numpy(),
            "level": np.where(urgent, 0, 1),
            "sent_at": clock.second_texts(sent),
            "deadline": clock.second_texts(deadline),
            "answer_result": result,
            "answered_at": clock.second_texts(at),
        }
    )
    return versions(frame, sent, np.where(answered, at, -1), {"answer_result": None, "answered_at": None})


def day_links(world: World, day: int) -> pd.DataFrame:
    """One row per platform: minutes connected on a day, told twenty minutes after midnight. Maintenance told in advance
    is excused."""
    number = np.arange(len(PLATFORMS))
    u = [world.chance(861 + j, number, day) for j in range(4)]
    down = np.where(u[0] < 0.45, (u[1] ** 2 * 38).astype(int), 0)
    excused = np.where(u[2] < 0.012, 60 + (u[3] * 120).astype(int), 0)
    if day == world.anchor_day - OUTAGE_DAYS_AGO:
        down = down + np.where(number == OUTAGE_PLATFORM, (OUTAGE_TO_S - OUTAGE_FROM_S) // 60, 0)
    breaks = (down > 0).astype(int) + (excused > 0) + (down > 20)
    return pd.DataFrame(
        {
            "platform_id": PLATFORMS,
            "day": clock.day_text(day, "%Y-%m-%d"),
            "up_min": DAY_MIN - down - excused,
            "excused_min": excused,
            "break_cnt": breaks,
            "updated_s": np.full(len(number), (day + 1) * DAY + 1200),
        }
    )
