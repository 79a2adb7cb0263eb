"""享运物流联盟“司机之家”小程序, its people: users, their active days, red hearts.

A user is a driver or somebody else (family, drivers from elsewhere); more come all the time. Some drivers have two
accounts under two phones, some are bound by phone only (D25). Users are whole numbers until they become text.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.ledgers.party import members
from etl.demo.positions.movement import activity
from etl.demo.world import clock, identity
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.defects import Planted
from etl.demo.world.people import written_ids
from etl.demo.world.world import World, town_codes

REGISTERED_SHARE, OTHERS_SHARE = 0.9, 0.13
AHEAD_DAYS = 400  # users who will come after the stand-in began


def user_texts(numbers: np.ndarray) -> np.ndarray:
    """User numbers as the application writes them."""
    return np.array([f"U{100000 + k}" for k in np.asarray(numbers).tolist()], dtype=object)


@lru_cache(maxsize=4)
def users(world: World) -> pd.DataFrame:
    """driver (-1 = none), phone, created_day, bind_day (-1 = never), with_id (bound with the id number), keen (0–1),
    closed_day; in order of creation, also those to come. The row number is the user's number."""
    people = world.drivers
    rows = np.arange(len(people))
    known = members(world)
    is_member = np.isin(rows, known["driver"][known["outcome"] == "confirmed"])
    large = world.companies["is_big"].to_numpy()[people["company"]]
    joined = np.flatnonzero(
        world.chance(1081, rows) < np.where(is_member, 0.96, np.where(large, REGISTERED_SHARE, 0.55))
    )
    twice = joined[: world.rates.d25_two_phones * 3 : 3]
    other = np.full(max(6, round(OTHERS_SHARE * len(people))), -1)
    driver = np.concatenate([joined, twice, other])
    n = len(driver)
    key = np.arange(n)
    u = [world.chance(1082 + j, key) for j in range(7)]
    span = world.history_days + 330 + AHEAD_DAYS
    # members come first
    first = (driver >= 0) & is_member[np.maximum(driver, 0)]
    created = world.first_day - 330 + (u[0] * np.where(first, 0.66 * span, span)).astype(int)
    created[: len(joined)] = np.maximum(created[: len(joined)], people["from_day"].to_numpy()[joined])
    second = np.zeros(n, dtype=bool)
    second[len(joined) : len(joined) + len(twice)] = True
    fresh = np.array(identity.phones(world.rng(1089), n), dtype=object)
    phone = np.where((driver >= 0) & ~second, people["phone"].to_numpy().astype(object)[np.maximum(driver, 0)], fresh)
    by_phone = (driver >= 0) & ~second & (u[1] < world.rates.d25_phone_only)
    # who has not bound his account yet is known by his phone only; nobody is in a clean world
    waits = np.where((u[3] < 0.7) | (world.rates.d25_phone_only == 0), 0, (u[3] * 40).astype(int))
    bind = np.where((driver >= 0) & ((u[2] < 0.94) | (world.rates.d25_phone_only == 0)), created + waits, -1)
    closed = np.where(u[4] < 0.02, created + 60 + (u[5] * 400).astype(int), -1)
    table = pd.DataFrame(
        {
            "driver": driver,
            "phone": phone,
            "created_day": created,
            "bind_day": bind,
            "with_id": ~by_phone,
            "keen": u[6] ** 1.4,
            "closed_day": closed,
            "is_second": second,
        }
    )
    return table.sort_values(["created_day", "driver"], kind="stable", ignore_index=True)


def user_ids(world: World, day: int) -> np.ndarray:
    """Texts of the users there are at the end of a day."""
    return user_texts(np.flatnonzero((users(world)["created_day"] <= day).to_numpy()))


def user_versions(world: World) -> pd.DataFrame:
    """Versions of all users: created, bound, closed."""
    table = users(world)
    people, ids = world.drivers, written_ids(world, 851)[0]
    who = np.maximum(table["driver"].to_numpy(), 0)
    bind_day, n = table["bind_day"].to_numpy(), len(table)
    second = np.arange(n) * 4091 % 46800 + 25200
    created, bound = (
        table["created_day"].to_numpy() * DAY + second,
        np.where(bind_day >= 0, bind_day * DAY + second + 240, -1),
    )
    closed = np.where(table["closed_day"] >= 0, table["closed_day"] * DAY + second, -1)
    town = np.where(world.chance(1091, np.arange(n)) < 0.85, town_codes()[people["town_index"].to_numpy()[who]], None)
    frame = pd.DataFrame(
        {
            "user_id": user_texts(np.arange(n)),
            "id_no": np.where((bind_day >= 0) & table["with_id"], ids[who], None),
            "phone": table["phone"],
            "bind_at": clock.second_texts(bound),
            "town": town,
            "status": "正常",
        }
    )
    seen = versions(frame, created, bound, {"id_no": None, "bind_at": None})
    left = closed >= 0
    return pd.concat([seen, frame[left].assign(status="注销", updated_s=closed[left])], ignore_index=True)


def active_on(world: World, day: int) -> np.ndarray:
    """Numbers of the users who do something on a day."""
    table = users(world)
    there = (table["created_day"] <= day) & ((table["closed_day"] < 0) | (day < table["closed_day"]))
    number = np.arange(len(table))
    chance = np.where(table["created_day"] == day, 1.0, 0.004 + 0.24 * table["keen"] * (0.5 + 0.5 * activity(day)))
    return np.flatnonzero(there.to_numpy() & (world.chance(1092, number, day) < chance))


def month_event_days(world: World, month: int) -> pd.DataFrame:
    """One row a user and active day of a month, told at a quarter past midnight."""
    parts = []
    for day in range(clock.month_first_day(month), clock.month_first_day(month + 1)):
        who = active_on(world, day)
        parts.append(
            pd.DataFrame(
                {
                    "user_id": user_texts(who),
                    "day": clock.day_text(day, "%Y-%m-%d"),
                    "actions": 1 + (world.chance(1093, who, day) ** 2 * 17).astype(int),
                    "updated_s": np.full(len(who), (day + 1) * DAY + 900),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def red_hearts(world: World) -> pd.DataFrame:
    """Versions of the red hearts: most members light one, so do some who are not; each is checked, some go out
    again."""
    table, known = users(world), members(world).set_index("driver")
    driver = table["driver"].to_numpy()
    number = np.flatnonzero((table["bind_day"] >= 0).to_numpy() & ~table["is_second"].to_numpy())
    driver = driver[number]
    outcome = np.array([known["outcome"].get(d, "none") if d >= 0 else "none" for d in driver.tolist()], dtype=object)
    u = [world.chance(1094 + j, number) for j in range(5)]
    lights = u[0] < np.select([outcome == "confirmed", outcome == "excluded", outcome == ""], [0.82, 0.12, 0.4], 0.02)
    number, outcome, u = number[lights], outcome[lights], [x[lights] for x in u]
    lit = (
        (table["bind_day"].to_numpy()[number] + 1 + (u[1] ** 3 * 150).astype(int)) * DAY
        + 28800
        + (u[2] * 45000).astype(np.int64)
    )
    checked = lit + DAY + (u[3] * 9 * DAY).astype(np.int64)
    status = np.where(outcome == "confirmed", "通过", np.where(outcome == "excluded", "驳回", "待核实"))
    checked = np.where(status == "待核实", -1, checked)
    off = np.where(u[4] < 0.05, lit + 90 * DAY, -1)
    frame = pd.DataFrame(
        {
            "user_id": user_texts(number),
            "lit_at": clock.second_texts(lit),
            "off_at": clock.second_texts(off),
            "audit_status": status,
        }
    )
    seen = versions(frame.assign(off_at=None), lit, checked, {"audit_status": "待核实"})
    return pd.concat([seen, frame[off >= 0].assign(updated_s=off[off >= 0])], ignore_index=True)


def note(world: World, planted: Planted) -> None:
    """Adds the people who are known under two accounts or by their phone only."""
    table = users(world)
    there = (table["driver"] >= 0) & (table["created_day"] <= world.anchor_day)
    planted.note(
        "D25",
        "mp_user",
        [f"{u}: 同一司机的第二个账号" for u in user_texts(np.flatnonzero((there & table["is_second"]).to_numpy()))],
    )
    planted.note(
        "D25",
        "mp_user",
        [
            f"{u}: 仅按手机号绑定"
            for u in user_texts(np.flatnonzero((there & ~table["with_id"] & (table["bind_day"] >= 0)).to_numpy()))
        ],
    )
