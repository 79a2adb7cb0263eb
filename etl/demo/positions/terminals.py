"""Which terminal sits in which vehicle, from when to when, and which terminals watch the driver (主动安全).

A few terminals move: the one of a vehicle goes into another, whose own was broken, and the first gets a new one. `veh`
is a position in `World.tracked`; terminal numbers are whole numbers until they become text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.world import World

EQUIPPED_SHARE, MOVED_SHARE = 0.35, 0.02
MAKERS = (
    ("70112", "ZD-6S", "苏标", 0.42),
    ("70239", "HT-A9", "苏标", 0.26),
    ("70455", "YX-3000", "苏标", 0.14),
    ("44017", "NY-8C", "粤标", 0.18),
)
NEW_FROM = 500_000


@dataclass(frozen=True)
class Moves:
    """Moves by pair: the terminal of `giver` goes into `taker` on `day`; positions in World.tracked and day numbers."""

    giver: np.ndarray
    taker: np.ndarray
    day: np.ndarray


@lru_cache(maxsize=4)
def moves(world: World) -> Moves:
    """All moves, past and to come; none before a vehicle is half a year old."""
    rng = world.rng(821)
    pool = np.flatnonzero((world.track["register_day"] < world.first_day - 180) & (world.track["left_day"] < 0))
    count = min(len(pool) // 2, max(2, round(MOVED_SHARE * len(world.tracked))))
    pick = rng.choice(pool, 2 * count, replace=False)
    days = world.first_day + 3 + (rng.random(count) * (world.history_days + 300)).astype(np.int64)
    return Moves(pick[:count], pick[count:], days)


@lru_cache(maxsize=64)
def terminal_of(world: World, day: int) -> np.ndarray:
    """Terminal number in each tracked vehicle at the end of a day."""
    numbers = world.tracked.copy()
    m = moves(world)
    done = m.day <= day
    numbers[m.taker[done]] = world.tracked[m.giver[done]]
    numbers[m.giver[done]] = world.tracked[m.giver[done]] + NEW_FROM
    return numbers


def terminal_texts(numbers: np.ndarray) -> np.ndarray:
    """Terminal numbers as the platform writes them."""
    return np.array([f"33T{k:08d}" for k in numbers.tolist()], dtype=object)


def makers(world: World, numbers: np.ndarray) -> np.ndarray:
    """Index into MAKERS of each terminal number."""
    return np.searchsorted(np.cumsum([m[3] for m in MAKERS]), world.chance(822, numbers)).clip(0, len(MAKERS) - 1)


@lru_cache(maxsize=4)
def equipped(world: World) -> np.ndarray:
    """Mask over the tracked vehicles: carries cameras for driver and road."""
    mask = world.chance(823, world.tracked) < EQUIPPED_SHARE
    mask[: 1 if not mask.any() else 0] = True
    return mask


@lru_cache(maxsize=2)
def installations(world: World) -> pd.DataFrame:
    """Versions of all installations, past and to come: put in, and taken out where that happens."""
    m, track, n = moves(world), world.track, len(world.tracked)
    rows = np.arange(n)
    begin = (track["register_day"] + 2) * DAY + 36000 + rows * 37 % 20000
    end = np.where(track["left_day"] >= 0, track["left_day"] * DAY + 30000, -1)
    end[m.giver] = end[m.taker] = m.day * DAY + 34000
    veh = np.concatenate([rows, m.taker, m.giver])
    number = np.concatenate([world.tracked, world.tracked[m.giver], world.tracked[m.giver] + NEW_FROM])
    begin = np.concatenate([begin, m.day * DAY + 41000, m.day * DAY + 45000])
    end = np.concatenate([end, np.full(2 * len(m.day), -1)])
    maker = makers(world, number)
    sims = [f"1064{int(u * 10**9):09d}" for u in world.chance(824, number)]
    frame = pd.DataFrame(
        {
            "terminal_id": terminal_texts(number),
            "plate_no": track["plate_no"][veh],
            "plate_color": track["plate_color"][veh],
            "sim": sims,
            "model": np.array([k[1] for k in MAKERS], dtype=object)[maker],
            "maker_id": np.array([k[0] for k in MAKERS], dtype=object)[maker],
            "proto_ver": (number % 3 > 0).astype(int),
            "installed_at": clock.second_texts(begin),
            "removed_at": clock.second_texts(end),
        }
    )
    return versions(frame, begin + 3600, np.where(end >= 0, end + 3600, -1), {"removed_at": None})
