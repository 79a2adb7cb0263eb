"""数字化管理平台 as a vendor's own database: the ten 暖心实事 with their milestones, and what drivers ask for (诉求).

Table and column names are the vendor's, in initials of pinyin; channels are code numbers. Three of the ten are named by
the announcement, seven have no name. A request may come through two channels under one number, or twice within a day.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import Column, Float, Integer, MetaData, Table, Text

from etl.demo.registers.cases import after_working_days, progress, working_day
from etl.demo.registers.live_tables import LiveTable
from etl.demo.registers.registry import dates, written_codes
from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.units import MEMBER_UNITS
from etl.demo.world.world import World

METADATA = MetaData()
MATTER = Table(
    "t_matter",
    METADATA,
    Column("nd", Integer),
    Column("xh", Integer),
    Column("mc", Text),
    Column("qtdw", Text),
    Column("gxsj", Text),
)
NODE = Table(
    "t_matter_node",
    METADATA,
    Column("nd", Integer),
    Column("xh", Integer),
    Column("jdh", Integer),
    Column("qz", Float),
    Column("jhrq", Text),
    Column("wcrq", Text),
    Column("zjcl", Text),
    Column("gxsj", Text),
)
TICKET = Table(
    "t_ticket",
    METADATA,
    Column("gdh", Text),
    Column("qd", Integer),
    Column("lb", Text),
    Column("tyshxydm", Text),
    Column("lxdh", Text),
    Column("slsj", Text),
    Column("bjqx", Text),
    Column("bjsj", Text),
    Column("cbcs", Integer),
    Column("myd", Integer),
    Column("gxsj", Text),
)

NAMED = ("电子证照全面推广使用", "从业资格制度管理改革", "公路超限运输智能审批")
ITEMS, BEGINS = 10, (1, 5)
CHANNEL_CODES = (1, 2, 3, 4)  # 12345, 12328, 小程序, 走访
CATEGORIES = ("停车难", "运费结算", "证照办理", "通行限行", "处罚异议", "生活困难", "服务阵地", "其他")
TICKETS_A_DAY, DEFAULT_SCALE = 2.1, 2000


def years_begun(world: World, day: int) -> list[int]:
    """Years whose list of ten is published on a day; on the first day of the history also what was there before."""
    year = int(clock.day_text(day, "%Y"))
    if day == world.first_day:
        return list(range(min(year, int(clock.day_text(world.anchor_day, "%Y")) - 1), year + 1))
    return [year] if day == clock.day_of(year, *BEGINS) else []


def _published(year: int, count: int) -> np.ndarray:
    return np.full(count, clock.day_of(year, *BEGINS) * DAY + 34200)


def day_items(world: World, day: int) -> pd.DataFrame:
    """The ten of each year that begins on a day."""
    parts = [
        pd.DataFrame(
            {
                "nd": year,
                "xh": np.arange(1, ITEMS + 1),
                "mc": [NAMED[k] if k < len(NAMED) else None for k in range(ITEMS)],
                "qtdw": [MEMBER_UNITS[0 if k < len(NAMED) else (k + year) % len(MEMBER_UNITS)] for k in range(ITEMS)],
                "updated_s": _published(year, ITEMS),
            }
        )
        for year in years_begun(world, day)
    ]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame({"nd": [], "xh": [], "mc": [], "qtdw": [], "updated_s": np.zeros(0, dtype=np.int64)})
    )


def _nodes(world: World, year: int) -> pd.DataFrame:
    """Versions of the milestones of a year: planned, then done; weights of an item add up to ten."""
    rng = world.rng(year, 1131)
    count = rng.integers(3, 6, ITEMS)
    item, n = np.repeat(np.arange(1, ITEMS + 1), count), int(count.sum())
    number = np.arange(n) - np.repeat(np.cumsum(count) - count, count) + 1
    weight = np.round(10 / count[item - 1], 2)
    first = number == 1
    weight[first] = np.round(weight[first] + 10 - weight[first] * count, 2)
    due = clock.day_of(year, 2, 20) + ((number - 0.4 * rng.random(n)) / count[item - 1] * 305).astype(np.int64)
    late = rng.random(n) < 0.14
    done = np.where(late, due + 6 + (rng.random(n) * 40).astype(np.int64), due - (rng.random(n) * 18).astype(np.int64))
    done = np.where(rng.random(n) < 0.03, -1, done)
    proof = np.array(["通知文件", "系统截图", "验收报告", "现场照片"], dtype=object)[rng.integers(0, 4, n)]
    proof[rng.random(n) < 0.05] = None
    frame = pd.DataFrame(
        {"nd": year, "xh": item, "jdh": number, "qz": weight, "jhrq": dates(due), "wcrq": dates(done), "zjcl": proof}
    )
    return versions(
        frame, _published(year, n) + 600, np.where(done >= 0, done * DAY + 60000, -1), {"wcrq": None, "zjcl": None}
    )


def day_nodes(world: World, day: int) -> pd.DataFrame:
    """Versions of the milestones of each year that begins on a day."""
    parts = [_nodes(world, year) for year in years_begun(world, day)]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame({"nd": [], "xh": [], "jdh": [], "updated_s": np.zeros(0, dtype=np.int64)})
    )


def day_tickets(world: World, day: int) -> pd.DataFrame:
    """Versions of the requests received on a day: received, closed, some taken up again and closed a second time."""
    rng, people = world.rng(day, 1132), world.drivers
    n = int(rng.poisson(max(TICKETS_A_DAY * world.scale / DEFAULT_SCALE, 0.3) * (1.0 if working_day(day) else 0.45)))
    driver = rng.integers(0, len(people), n)
    kind = rng.choice(len(CATEGORIES), n, p=[0.2, 0.15, 0.17, 0.15, 0.12, 0.07, 0.08, 0.06])
    received = day * DAY + 27000 + (rng.random(n) * 50000).astype(np.int64)
    due = np.array([after_working_days(day, int(k)) for k in rng.choice([5, 7, 10, 15], n)], dtype=np.int64)
    in_time = rng.random(n) < 0.86 + 0.09 * progress(world, day)
    closed = np.where(
        in_time,
        np.minimum(received + (rng.random(n) * (due - day) * DAY).astype(np.int64) + 7200, due * DAY + 61200),
        due * DAY + DAY + (rng.random(n) * 9 * DAY).astype(np.int64),
    )
    code = np.where(rng.random(n) < 0.8, written_codes(world)[1][people["company"].to_numpy()[driver]], None)
    satisfied = np.where(rng.random(n) < 0.72, (rng.random(n) < 0.93).astype(int), -1).astype(object)
    satisfied[satisfied == -1] = None
    frame = pd.DataFrame(
        {
            "gdh": [f"GD{clock.day_text(day)}{k:03d}" for k in range(n)],
            "qd": rng.choice(CHANNEL_CODES, n, p=[0.34, 0.22, 0.33, 0.11]),
            "lb": np.array(CATEGORIES, dtype=object)[kind],
            "tyshxydm": code,
            "lxdh": people["phone"].to_numpy()[driver],
            "slsj": clock.second_texts(received),
            "bjqx": dates(due),
            "bjsj": clock.second_texts(closed),
            "cbcs": 0,
            "myd": satisfied,
        }
    )
    frame, received, closed = _doubled(world, frame, received, closed, day)
    seen = versions(frame, received, closed, {"bjsj": None, "myd": None})
    again = world.chance(1133, received, np.arange(len(frame))) < 0.05
    second = closed + 2 * DAY + (received % 7 + 1) * DAY
    opened = frame[again].assign(bjsj=None, myd=None, cbcs=1, updated_s=closed[again] + 2 * DAY)
    settled = frame[again].assign(bjsj=clock.second_texts(second[again]), cbcs=1, updated_s=second[again])
    return pd.concat([seen, opened, settled], ignore_index=True)


def _doubled(
    world: World, frame: pd.DataFrame, received: np.ndarray, closed: np.ndarray, day: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Adds second arrivals: the same number through another channel, or the same caller and matter under a new number
    within hours."""
    u = world.chance(1134, received, np.arange(len(frame)))
    same, new = np.flatnonzero(u < 0.06), np.flatnonzero((u >= 0.06) & (u < 0.10))
    pick = np.concatenate([same, new])
    more = frame.iloc[pick].copy()
    more["qd"] = more["qd"] % 4 + 1
    more["gdh"] = list(more["gdh"].iloc[: len(same)]) + [
        f"GD{clock.day_text(day)}{900 + k:03d}" for k in range(len(new))
    ]
    later = received[pick] + 1800 + received[pick] % 20000
    more["slsj"] = clock.second_texts(later)
    return (
        pd.concat([frame, more], ignore_index=True),
        np.concatenate([received, later]),
        np.concatenate([closed, np.maximum(closed[pick], later + 3600)]),
    )


TABLES = (
    LiveTable(MATTER, ("nd", "xh"), "gxsj", day_items, 400),
    LiveTable(NODE, ("nd", "xh", "jdh"), "gxsj", day_nodes, 430),
    LiveTable(TICKET, ("gdh", "qd"), "gxsj", day_tickets, 60),
)
