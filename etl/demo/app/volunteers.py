"""志愿服务 in the mini-program: activities and the records of those who came, month by month, with their defects (D20).

Backbone people (members, activists, captains) come most. Planted: records that overlap, run beyond twelve hours, end
before they begin, or are verified although the activity was called off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.app.users import user_texts, users
from etl.demo.ledgers.party import members
from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.people import written_ids
from etl.demo.world.units import MEMBER_UNITS, SITE_IDS
from etl.demo.world.world import World

TITLES = (
    "阵地值守与便民服务",
    "文明交通劝导",
    "爱心送考",
    "春运暖途",
    "交通安全宣传进企业",
    "困难司机结对看望",
    "防汛抢险运输演练",
    "环境清洁志愿行",
)
ACTIVITIES_A_MONTH = 9
BACKBONE_CHANCE, ORDINARY_CHANCE = 0.42, 0.03


@lru_cache(maxsize=30)
def month_activities(world: World, month: int) -> pd.DataFrame:
    """act_id, title, site_id, organiser, begin_s, end_s, status of a month, in order of time."""
    rng = world.rng(month, 1101)
    n = ACTIVITIES_A_MONTH
    days = np.sort(rng.integers(clock.month_first_day(month), clock.month_first_day(month + 1), n))
    begin = days * DAY + rng.choice([28800, 32400, 48600, 50400], n)
    called_off = rng.random(n) < 0.06
    if world.rates.d20_cancelled:
        called_off[n // 2] |= month % 4 == 3
    return pd.DataFrame(
        {
            "act_id": [f"ZY{clock.month_text(month).replace('-', '')}{k + 1:02d}" for k in range(n)],
            "title": np.array(TITLES, dtype=object)[rng.integers(0, len(TITLES), n)],
            "site_id": np.where(
                rng.random(n) < 0.6, np.array(SITE_IDS, dtype=object)[rng.integers(0, len(SITE_IDS), n)], None
            ),
            "organiser": np.array(MEMBER_UNITS, dtype=object)[rng.integers(0, 10, n)],
            "begin_s": begin,
            "end_s": begin + rng.choice([7200, 10800, 14400], n),
            "status": np.where(called_off, "取消", "正常"),
        }
    )


def activity_versions(world: World, month: int) -> pd.DataFrame:
    """Versions of a month's activities: announced a week before, called off a day before."""
    table = month_activities(world, month)
    begin = table["begin_s"].to_numpy()
    frame = table.assign(begin_at=clock.second_texts(begin), end_at=clock.second_texts(table["end_s"].to_numpy()))[
        ["act_id", "title", "site_id", "organiser", "begin_at", "end_at", "status"]
    ]
    return versions(frame, begin - 7 * DAY, np.where(table["status"] == "取消", begin - DAY, -1), {"status": "正常"})


@lru_cache(maxsize=4)
def backbone(world: World) -> np.ndarray:
    """Mask over the drivers: member, candidate or captain."""
    mask = world.drivers["is_captain"].to_numpy().copy()
    known = members(world)
    mask[known["driver"][known["outcome"] == "confirmed"].to_numpy()] = True
    return mask


@lru_cache(maxsize=30)
def month_records(world: World, month: int) -> pd.DataFrame:
    """Records of a month: act_id, user, driver, start_s, end_s, verified_s (-1 = not), rule ('' or D20)."""
    table, acts = users(world), month_activities(world, month)
    number = np.flatnonzero(((table["driver"] >= 0) & (table["bind_day"] >= 0) & ~table["is_second"]).to_numpy())
    driver = table["driver"].to_numpy()[number]
    begin = acts["begin_s"].to_numpy()
    first = np.where(acts["status"] == "正常")[0]
    progress = np.clip((clock.month_first_day(month) - world.first_day) / 400, 0, 1.2)
    chance = np.where(backbone(world)[driver], BACKBONE_CHANCE * (0.75 + 0.5 * progress), ORDINARY_CHANCE)
    came = (world.chance(1102, number, month) < chance) & (len(first) > 0)
    number, driver = number[came], driver[came]
    u = [world.chance(1103 + j, number, month) for j in range(4)]
    act = first[(u[0] * len(first)).astype(int)]
    keep = table["bind_day"].to_numpy()[number] * DAY < begin[act]
    number, driver, act, u = number[keep], driver[keep], act[keep], [x[keep] for x in u]
    start = begin[act] - 600 + (u[1] * 1200).astype(np.int64)
    end = acts["end_s"].to_numpy()[act] - 900 + (u[2] * 1500).astype(np.int64)
    verified = np.where(u[3] < 0.93, end + DAY + (u[3] * 4 * DAY).astype(np.int64), -1)
    frame = pd.DataFrame(
        {
            "act_id": acts["act_id"].to_numpy()[act],
            "user": number,
            "driver": driver,
            "start_s": start,
            "end_s": end,
            "verified_s": verified,
            "rule": "",
        }
    )
    return _spoilt(world, frame, acts, month)


def _spoilt(world: World, frame: pd.DataFrame, acts: pd.DataFrame, month: int) -> pd.DataFrame:
    """The records of a month with its share of D20: one kind a month, in turn."""
    rates, kind = world.rates, month % 4
    count = min((rates.d20_overlap, rates.d20_long, rates.d20_backwards, rates.d20_cancelled)[kind], len(frame))
    if not count:
        return frame
    bad = frame.iloc[:count].copy()
    bad["rule"] = "D20"
    bad["verified_s"] = np.maximum(bad["verified_s"], bad["end_s"] + DAY)
    if kind == 0:
        bad["start_s"], bad["end_s"] = bad["start_s"] + 1800, bad["end_s"] + 1800
        return pd.concat([frame, bad], ignore_index=True)
    if kind == 1:
        bad["end_s"] = bad["start_s"] + 14 * 3600
    elif kind == 2:
        bad["end_s"] = bad["start_s"] - 3600
    else:
        off = acts[acts["status"] == "取消"]
        if len(off):
            bad["act_id"], bad["start_s"], bad["end_s"] = (
                off["act_id"].iat[0],
                off["begin_s"].iat[0],
                off["end_s"].iat[0],
            )
    bad["verified_s"] = np.maximum(bad["start_s"], bad["end_s"]) + 2 * DAY
    return pd.concat([bad, frame.iloc[count:]], ignore_index=True)


def _record_ids(month: int, count: int) -> list[str]:
    return [f"ZR{clock.month_text(month).replace('-', '')}{k:05d}" for k in range(count)]


def spoilt_records(world: World, month: int) -> list[str]:
    """Ids of the records of a month that carry D20."""
    table = month_records(world, month)
    return [i for i, rule in zip(_record_ids(month, len(table)), table["rule"], strict=True) if rule]


def record_versions(world: World, month: int) -> pd.DataFrame:
    """Versions of a month's records: handed in when the activity ends, verified some days later."""
    table = month_records(world, month)
    start, end = table["start_s"].to_numpy(), table["end_s"].to_numpy()
    verified = table["verified_s"].to_numpy()
    frame = pd.DataFrame(
        {
            "rec_id": _record_ids(month, len(table)),
            "act_id": table["act_id"],
            "user_id": user_texts(table["user"].to_numpy()),
            "id_no": written_ids(world, 851)[0][table["driver"].to_numpy()],
            "start_at": clock.second_texts(start),
            "end_at": clock.second_texts(end),
            "hours": ((end - start) / 3600).round(2),
            "verified": verified >= 0,
            "verified_at": clock.second_texts(verified),
        }
    )
    return versions(frame, np.maximum(start, end) + 600, verified, {"verified": False, "verified_at": None})
