"""超限许可 and 行政处罚 of 道路运政: permits and cases day by day, each in its versions (accepted → decided).

Permits are mostly inside the district; the share decided without a hand rises over the year. Cases fall on those who
drive with risk. Times are local seconds until they become text.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.positions.movement import activity
from etl.demo.registers.live_tables import LiveTable
from etl.demo.registers.registry import OVERLIMIT, PENALTY, dates, written_codes
from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.people import written_ids
from etl.demo.world.plates import garbled_plates
from etl.demo.world.world import HISTORY_DAYS, World

PERMITS_A_DAY, CASES_A_DAY = 1.95, 0.41  # on a working day, at 2000 trucks
DEFAULT_SCALE = 2000
ACTS = (
    ("超限超载", 0.72, 500),
    ("未按规定检测车辆", 0.10, 1000),
    ("未取得从业资格证驾驶", 0.07, 200),
    ("擅自改装车辆", 0.06, 5000),
    ("未采取措施防止货物脱落", 0.05, 1000),
)


def working_day(day: int) -> bool:
    """Monday to Friday and no long holiday."""
    return (day + 3) % 7 < 5 and activity(day) > 0.7


def after_working_days(day: int, count: int) -> int:
    """Day number `count` working days later."""
    while count > 0:
        day += 1
        count -= working_day(day)
    return day


@lru_cache(maxsize=4)
def _plates(world: World) -> np.ndarray:
    return garbled_plates(world, world.vehicles["plate_no"].to_numpy(), 731, world.rates.d02_plate_text)[0]


@lru_cache(maxsize=4)
def _heavy(world: World) -> np.ndarray:
    table = world.vehicles
    return np.flatnonzero(
        (table["is_heavy"] & (table["status"] == "营运") & (table["register_day"] < world.first_day)).to_numpy()
    )


def _count(world: World, rng: np.random.Generator, a_day: float) -> int:
    return int(rng.poisson(max(a_day * world.scale / DEFAULT_SCALE, 0.25)))


def progress(world: World, day: int) -> float:
    """How far the year of history has gone on a day, 0–1."""
    return float(np.clip((day - world.anchor_day + HISTORY_DAYS) / HISTORY_DAYS, 0, 1))


def day_permits(world: World, day: int) -> pd.DataFrame:
    """Versions of the permits accepted on a day."""
    rng = world.rng(day, 801)
    n = _count(world, rng, PERMITS_A_DAY) if working_day(day) and len(_heavy(world)) else 0
    car = rng.choice(_heavy(world), n)
    grade = rng.choice(["Ⅰ", "Ⅱ", "Ⅲ"], n, p=[0.66, 0.25, 0.09]).astype(object)
    scope = rng.choice(["区内", "跨区", "跨市", "跨省"], n, p=[0.82, 0.12, 0.05, 0.01]).astype(object)
    accepted = day * DAY + 30600 + (rng.random(n) * 30000).astype(np.int64)
    rising = 0.28 + 0.52 * progress(world, day)
    auto = rng.random(n) < np.select([scope != "区内", grade == "Ⅰ", grade == "Ⅱ"], [0.0, rising, 0.55 * rising], 0.0)
    late = rng.random(n) < 0.045
    days = np.where(
        late, 9 + (rng.random(n) * 8).astype(int), (rng.random(n) * np.where(scope == "区内", 3, 5)).astype(int)
    )
    hand = (
        np.array([after_working_days(day, int(d)) for d in days], dtype=np.int64) * DAY
        + 31000
        + (rng.random(n) * 29000).astype(np.int64)
    )
    decided = np.where(auto, accepted + 20 + (rng.random(n) * 900).astype(np.int64), np.maximum(hand, accepted + 1800))
    table = world.vehicles
    frame = pd.DataFrame(
        {
            "permit_id": [f"CX{clock.day_text(day)}{k:03d}" for k in range(n)],
            "uscc": written_codes(world)[1][table["company"].to_numpy()[car]],
            "plate_no": _plates(world)[car],
            "plate_color": table["plate_color"].to_numpy()[car],
            "class": grade,
            "scope": scope,
            "accepted_at": clock.second_texts(accepted),
            "decided_at": clock.second_texts(decided),
            "result": np.where(rng.random(n) < 0.96, "准予许可", "不予许可"),
            "auto_flag": auto.astype(int),
        }
    )
    return versions(frame, accepted, decided, {"decided_at": None, "result": None, "auto_flag": None})


def day_penalties(world: World, day: int) -> pd.DataFrame:
    """Versions of the cases of acts found on a day: opened, then decided three to twenty days later."""
    rng = world.rng(day, 802)
    cars = _heavy(world)
    n = _count(world, rng, CASES_A_DAY * (0.4 + 0.6 * activity(day))) if len(cars) else 0
    weight = 0.3 + world.vehicles["risk"].to_numpy()[cars]
    car = rng.choice(cars, n, p=weight / weight.sum())
    act = rng.choice(len(ACTS), n, p=[a[1] for a in ACTS])
    driver = world.vehicle_driver[car]
    decided = (day + 3 + (rng.random(n) * 18).astype(np.int64)) * DAY + 33000 + (rng.random(n) * 26000).astype(np.int64)
    table = world.vehicles
    year = clock.day_text(day, "%Y")
    frame = pd.DataFrame(
        {
            "case_no": [f"余交案{year}{clock.day_text(day, '%m%d')}{k:02d}" for k in range(n)],
            "uscc": written_codes(world)[1][table["company"].to_numpy()[car]],
            "plate_no": _plates(world)[car],
            "plate_color": table["plate_color"].to_numpy()[car],
            "id_no": np.where(driver >= 0, written_ids(world, 741)[0][np.maximum(driver, 0)], None),
            "act_type": np.array([a[0] for a in ACTS], dtype=object)[act],
            "act_date": dates(np.full(n, day)),
            "decided_at": clock.second_texts(decided),
            "fine": np.array([a[2] for a in ACTS])[act] * (1.0 + (rng.random(n) * 6).astype(int)),
            "status": np.where(rng.random(n) < 0.97, "已结案", "撤销"),
        }
    )
    return versions(frame, np.full(n, day * DAY + 61200), decided, {"decided_at": None, "fine": None, "status": "立案"})


TABLES = (
    LiveTable(OVERLIMIT, ("permit_id",), "yz_updated_at", day_permits, 40),
    LiveTable(PENALTY, ("case_no",), "yz_updated_at", day_penalties, 25),
)
