"""驾驶员远程管理系统, second part: courses, monthly exams, failed check items, recognition of the driver; 浙运安 codes.

Rows are functions of (world, day | month) in versions where a row changes later. Identity is the raw id number.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.drivers.management import COURSE_S, COURSES, FACE, _employed, day_checks, spoken_ids
from etl.demo.positions.statistics import departures
from etl.demo.positions.terminals import equipped
from etl.demo.registers.registry import dates
from etl.demo.world import clock
from etl.demo.world.books import versions
from etl.demo.world.clock import DAY
from etl.demo.world.people import written_ids
from etl.demo.world.world import World

TOPICS = (
    ("行车安全", "雨雪雾天行车"),
    ("行车安全", "弯坡路段与右转盲区"),
    ("行车安全", "疲劳驾驶的识别与预防"),
    ("法规", "超限超载的后果"),
    ("法规", "道路运输条例要点"),
    ("车辆", "出车前检查"),
    ("车辆", "制动与轮胎"),
    ("应急", "车辆起火处置"),
    ("应急", "交通事故现场处置"),
    ("职业", "货物装载与捆扎"),
    ("职业", "职业健康与心理"),
    ("警示", "事故案例警示"),
)
ITEMS = ("制动", "轮胎", "灯光", "转向", "雨刮", "消防器材", "反光标识", "卫星定位终端", "装载捆扎", "随车证件")
FAIL_SHARE, PASS_MARK = 0.008, 80
CODES_HELD_DAYS = 60


@lru_cache(maxsize=4)
def courses(world: World) -> pd.DataFrame:
    """The list of courses; all older than the history."""
    number = np.arange(COURSES)
    return pd.DataFrame(
        {
            "course_id": [f"C{k:03d}" for k in number],
            "title": [TOPICS[k % len(TOPICS)][1] + ("(上)" if k < len(TOPICS) else "(下)") for k in number],
            "category": [TOPICS[k % len(TOPICS)][0] for k in number],
            "seconds": np.array(COURSE_S)[number % len(COURSE_S)],
            "updated_s": (world.first_day - 90 + number) * DAY + 36000,
        }
    )


def month_exams(world: World, month: int) -> pd.DataFrame:
    """Exams of a month, taken between the 18th and the 27th; who fails takes it again two days later."""
    who = _employed(world, month)
    first = clock.month_first_day(month)
    people = world.drivers.iloc[who]
    u = [world.chance(871 + j, who, month) for j in range(4)]
    sat = u[0] < 0.93
    score = np.clip(
        86 + 8 * world.care(people["company"].to_numpy(), first) + 3 * people["skill"].to_numpy() - 16 * u[1] ** 3,
        30,
        100,
    ).astype(int)
    at = (first + 17 + (u[2] * 10).astype(np.int64)) * DAY + 25200 + (u[3] * 50000).astype(np.int64)
    parts = []
    for taken, mark, mask in (
        (at, score, sat),
        (at + 2 * DAY, np.minimum(score + 12 + (u[3] * 10).astype(int), 100), sat & (score < PASS_MARK)),
    ):
        parts.append(
            pd.DataFrame(
                {
                    "exam_id": f"E{clock.month_text(month).replace('-', '')}",
                    "id_no": spoken_ids(world)[who][mask],
                    "taken_at": clock.second_texts(taken[mask]),
                    "score": mark[mask],
                    "pass": mark[mask] >= PASS_MARK,
                    "updated_s": taken[mask] + 300,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def day_failed_items(world: World, day: int) -> pd.DataFrame:
    """Versions of the items that failed in the checks of a day: found, then put right; most in time, some never."""
    checks = day_checks(world, day)
    key = np.arange(len(checks)) + day * 100_000
    failed = (world.chance(881, key) < FAIL_SHARE) & checks["complete"].to_numpy().astype(bool)
    key, found = key[failed], checks[failed]
    u = [world.chance(882 + j, key) for j in range(5)]
    due = day + 3 + (u[0] * 5).astype(np.int64)
    last = np.where(u[1] < 0.90, u[2] * (due - day), due - day + 1 + 9 * u[2])
    fixed = np.where(u[1] < 0.965, found["updated_s"].to_numpy() + np.maximum(last * DAY, 1800).astype(np.int64), -1)
    fixed = np.where((u[1] < 0.90) & (fixed >= 0), np.minimum(fixed, due * DAY + 64800), fixed)
    fixed = np.where(fixed >= 0, np.maximum(fixed, found["updated_s"].to_numpy() + 600), -1)
    frame = pd.DataFrame(
        {
            "check_id": found["check_id"].to_numpy(),
            "item_code": np.array(ITEMS, dtype=object)[(u[3] * len(ITEMS)).astype(int)],
            "result": "fail",
            "photo_cnt": 1 + (u[4] * 3).astype(int),
            "due": dates(due),
            "fixed_at": clock.second_texts(fixed),
        }
    )
    return versions(frame, found["updated_s"].to_numpy(), fixed, {"fixed_at": None})


def day_identities(world: World, day: int) -> pd.DataFrame:
    """Recognition at the first departure of equipped vehicles on a day: 97 % the rostered driver; a failed try is
    repeated."""
    due = departures(world, day)
    due = due[equipped(world)[due["veh"].to_numpy()]]
    ids = world.tracked[due["veh"].to_numpy()]
    u = [world.chance(891 + j, ids, day) for j in range(5)]
    driver = world.vehicle_driver[ids]
    other = (driver + 1 + (u[3] * 5).astype(int)) % len(world.drivers)
    shown = (u[0] < 0.965) & (driver >= 0)
    outcome = np.select([u[1] < 0.965, u[1] < 0.987], ["match", "mismatch"], "fail").astype(object)
    at = due["depart_s"].to_numpy() + 25 + (u[2] * 260).astype(np.int64)
    twice = shown & (u[3] < 0.03)
    plate, colour = (world.track[name][due["veh"].to_numpy()] for name in ("plate_no", "plate_color"))
    parts = []
    for number, moment, result, mask in (
        (1, at, np.where(twice, "fail", outcome), shown),
        (2, at + 45, np.where(outcome == "fail", "match", outcome), twice),
    ):
        person = np.where(result == "match", driver, other)
        parts.append(
            pd.DataFrame(
                {
                    "rec_id": [f"S{clock.day_text(day)}{k:06d}{number}" for k in ids[mask]],
                    "trip_id": [f"T{clock.day_text(day)}{k:06d}" for k in ids[mask]],
                    "plate_no": plate[mask],
                    "plate_color": colour[mask],
                    "id_no": np.where(result == "fail", None, spoken_ids(world)[np.maximum(person, 0)])[mask],
                    "at": clock.second_texts(moment[mask]),
                    "method": np.select([u[4] < 0.86, u[4] < 0.95], ["face", "card"], "code")[mask],
                    "result": result[mask],
                    "face_image": np.where((u[4] < 0.03), FACE, None)[mask],
                    "updated_s": moment[mask] + 20 + np.where(u[2] < 0.02, 7200, (u[2] * 120).astype(np.int64))[mask],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@lru_cache(maxsize=4)
def hazmat_drivers(world: World) -> np.ndarray:
    """Row numbers of the drivers qualified for dangerous goods or employed by a company that carries them."""
    people = world.drivers
    names = world.companies["name"].to_numpy().astype(str)
    hazardous = np.char.find(names, "危化品") >= 0
    # the same draw as the certificate's category
    qualified = world.chance(7733, people.index.to_numpy()) < 0.05
    return np.flatnonzero((hazardous[people["company"].to_numpy()] | qualified) & (people["to_day"] < 0).to_numpy())


def day_codes(world: World, day: int) -> pd.DataFrame:
    """浙运安 colour of each hazmat driver on a day (蓝 low, 黄 medium, 红 high risk), told at six in the morning."""
    who = hazmat_drivers(world)
    u = world.chance(895, who, (day + who % 9) // 9)
    return pd.DataFrame(
        {
            "id_no": written_ids(world, 846)[0][who],
            "day": clock.day_text(day, "%Y-%m-%d"),
            "colour": np.select([u < 0.012, u < 0.075], ["红", "黄"], "蓝"),
            "updated_s": np.full(len(who), day * DAY + 21600),
        }
    )
