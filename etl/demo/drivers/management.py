"""驾驶员远程管理系统: accounts, learning plans and records, vehicle checks, alarm handling, monthly scores.

Rows are functions of (world, month | day); `updated_s` is when a row became visible in its present form. Learners are
the drivers of the companies of 50+ and a third of the others. Person identity is the raw id number.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.positions.statistics import departures
from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.people import written_ids
from etl.demo.world.world import World, person_names

FACE = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAEB"  # the beginning of a picture: something for the privacy filter to drop
COURSES = 24
COURSE_S = (1500, 1800, 2100, 2400, 2700)
REQUIRED_S = 3 * 1800


@lru_cache(maxsize=4)
def learners(world: World) -> np.ndarray:
    """Row numbers of the drivers who have an account."""
    people = world.drivers
    big = world.companies["is_big"].to_numpy()[people["company"]]
    u = world.chance(601, people.index.to_numpy())
    return np.flatnonzero(np.where(big, u < 0.955, u < 0.34))


def spoken_ids(world: World) -> np.ndarray:
    """Id number of each driver as this system writes it; a few are badly written (D10), the same way every time."""
    return written_ids(world, 605)[0]


@lru_cache(maxsize=60)
def _events(world: World, day: int) -> np.ndarray:
    """Local second at which each learner used the system on a day, -1 = did not."""
    who = learners(world)
    people = world.drivers.iloc[who]
    rate = np.where(world.chance(602, who) < 0.035, 0.0, 0.45)
    at = day * DAY + 21600 + (world.chance(603, who, day) * 54000).astype(np.int64)
    left = people["to_day"].to_numpy()
    return np.where((world.chance(604, who, day) < rate) & ((left < 0) | (day < left)), at, -1)


def accounts(world: World, now: int, after: int = -1) -> pd.DataFrame:
    """One row per account in its state at local second `now`, if that is later than `after`; updated = last event, or
    opening."""
    who = learners(world)
    people = world.drivers.iloc[who]
    opened = (
        np.maximum(people["from_day"].to_numpy() + 5, world.anchor_day - 700 + who % 200) * DAY + 9 * 3600 + who % 20000
    )
    left = people["to_day"].to_numpy()
    last = opened.copy()
    for day in range(now // DAY - 21, now // DAY + 1):
        at = _events(world, day)
        last = np.where(at <= now, np.maximum(last, at), last)
    dormant = (last == opened) & (left >= 0)
    last = np.where(dormant, np.maximum(opened, left * DAY), last)
    keep = (opened <= now) & (last > after) & (last <= now)
    who, opened, last = who[keep], opened[keep], last[keep]
    codes = world.companies["uscc"].to_numpy()[people["company"].to_numpy()[keep]]
    return pd.DataFrame(
        {
            "account_id": [f"A{k:07d}" for k in who],
            "id_no": spoken_ids(world)[who],
            "uscc": codes,
            "status": np.where(left[keep] >= 0, "停用", "启用"),
            "opened_at": clock.second_texts(opened),
            "last_event_at": clock.second_texts(last),
            "updated_s": last,
        }
    )


@lru_cache(maxsize=20)
def month_plans(world: World, month: int) -> pd.DataFrame:
    """Learning plans of a month (months since 1970-01), written on the 25th before; later leave moves `updated_s`."""
    who = _employed(world, month)
    people = world.drivers.iloc[who]
    first = clock.month_first_day(month)
    u = world.chance(611, who, month)
    leave = np.where(u < 0.03, 20 + (u * 300).astype(int) % 9, np.where(u < 0.08, 3 + (u * 700).astype(int) % 9, 0))
    written = (clock.month_first_day(month) - 6) * DAY + 9 * 3600 + who % 3600
    updated = np.where(leave > 0, (first + 4 + who % 14) * DAY + 10 * 3600, written)
    text = clock.month_text(month)
    return pd.DataFrame(
        {
            "plan_id": [f"P{text.replace('-', '')}{k:06d}" for k in who],
            "month": text,
            "uscc": world.companies["uscc"].to_numpy()[people["company"]],
            "id_no": spoken_ids(world)[who],
            "required_s": REQUIRED_S,
            "leave_days": leave,
            "updated_s": updated,
        }
    )


def _employed(world: World, month: int) -> np.ndarray:
    who = learners(world)
    people = world.drivers.iloc[who]
    first = clock.month_first_day(month)
    return who[((people["from_day"] < first) & ((people["to_day"] < 0) | (people["to_day"] >= first + 15))).to_numpy()]


@lru_cache(maxsize=20)
def month_learnings(world: World, month: int) -> pd.DataFrame:
    """Learning records of a month: three or four per learner; about 90 % of them reach the planned seconds."""
    who = _employed(world, month)
    first, after = clock.month_first_day(month), clock.month_first_day(month + 1)
    care = world.care(world.drivers["company"].to_numpy()[who], first)
    done = world.chance(621, who, month) < np.clip(0.865 + 0.2 * care, 0.4, 0.99)
    count = np.where(done, 3 + (world.chance(622, who, month) < 0.28), (world.chance(623, who, month) * 3).astype(int))
    person = np.repeat(who, count)
    number = np.arange(len(person)) - np.repeat(np.cumsum(count) - count, count)
    u = [world.chance(624 + j, person, month, number) for j in range(6)]
    course = ((person * 7 + month * 5 + np.where(u[0] < 0.04, 0, number)) % COURSES).astype(int)
    length = np.array(COURSE_S)[course % len(COURSE_S)]
    span = after - first - 1
    begin = (first + np.minimum((u[1] ** 0.8 * span).astype(int), span)) * DAY + (
        6.5 * 3600 + u[2] * 15.5 * 3600
    ).astype(np.int64)
    finished = np.repeat(done, count)
    # finishing learners get what the plan asks for in their first three courses
    valid = np.where(finished, np.maximum(length, 1800 + 60), (length * (0.3 + 0.6 * u[3])).astype(int))
    end = begin + (valid * (1.02 + 0.2 * u[4])).astype(np.int64)
    face = finished & (number < 3) | (u[5] < 0.93)
    late = np.where(u[3] < 0.02, 3600 + (u[4] * 20 * 3600).astype(np.int64), 5 + (u[4] * 400).astype(np.int64))
    text = clock.month_text(month).replace("-", "")
    return pd.DataFrame(
        {
            "rec_id": [f"L{text}{p:06d}{k}" for p, k in zip(person, number, strict=True)],
            "id_no": spoken_ids(world)[person],
            "course_id": [f"C{c:03d}" for c in course],
            "begin_at": clock.second_texts(begin),
            "end_at": clock.second_texts(end),
            "valid_s": valid,
            "face_ok": face,
            "device": np.where(u[0] < 0.9, "手机", "车载终端"),
            "face_image": np.where(u[4] < 0.02, FACE, None),
            "updated_s": end + late,
        }
    )


@lru_cache(maxsize=64)
def day_checks(world: World, day: int) -> pd.DataFrame:
    """Vehicle checks of a calendar day: before departure (type 1, about 88 % of departures in time and complete), under
    way (2), after (3)."""
    due = departures(world, day)
    veh, ids = due["veh"].to_numpy(), world.tracked[due["veh"].to_numpy()]
    care = world.care(world.track["company"][veh], day)
    u = [world.chance(631 + j, ids, day) for j in range(4)]
    good = np.clip(0.795 + 0.17 * care, 0.30, 0.985)
    depart, stop = due["depart_s"].to_numpy(), due["stop_s"].to_numpy()
    before = np.minimum(180 + 2400 * u[1], (depart - stop) * 0.8)
    late = u[0] > good
    at = np.where(late, depart + 900 + 5400 * u[1], depart - before).astype(np.int64)
    exists = u[0] < good + (1 - good) * 0.45
    complete = ~(late & (u[2] < 0.5))
    parts = [_checks(world, ids, at, complete, 1, exists, day)]
    parts.append(_checks(world, ids, depart + 7200 + (3000 * u[3]).astype(np.int64), u[3] < 0.97, 2, u[2] < 0.06, day))
    parts.append(_checks(world, ids, depart + 30000 + (7000 * u[3]).astype(np.int64), u[2] < 0.97, 3, u[3] < 0.10, day))
    return pd.DataFrame({name: np.concatenate([p[name] for p in parts]) for name in parts[0]})


def _checks(
    world: World, ids: np.ndarray, at: np.ndarray, complete: np.ndarray, check_type: int, exists: np.ndarray, day: int
) -> dict[str, np.ndarray]:
    ids, at, complete = ids[exists], at[exists], complete[exists]
    rows = world.vehicles
    driver = world.vehicle_driver[ids]
    odometer = rows["odometer_km"].to_numpy()[ids] + (at - world.anchor_day * DAY) * 190 // DAY
    upload = np.where(world.chance(639, ids, at) < 0.03, 3600 + at % 50000, 20 + at % 300)
    numbers = np.where(driver >= 0, spoken_ids(world)[np.maximum(driver, 0)], None)
    stem = f"J{clock.day_text(day)}{check_type}"
    return {
        "check_id": np.array([f"{stem}{k:06d}" for k in ids.tolist()], dtype=object),
        "plate_no": rows["plate_no"].to_numpy()[ids],
        "plate_color": rows["plate_color"].to_numpy()[ids],
        "id_no": numbers,
        "check_type": np.full(len(ids), check_type),
        "checked_at": clock.second_texts(at),
        "complete": complete,
        "odometer": np.maximum(odometer, 100),
        "updated_s": at + upload,
    }


def touched(world: World, book: pd.DataFrame, day: int) -> np.ndarray:
    """Mask over the alarms `book` of a service day: somebody handled it. Level 2 nearly always, one in five of level
    1."""
    u = world.chance(641, alarm_keys(book))
    good = np.clip(0.935 + 0.065 * world.care(book["company"].to_numpy(), day), 0.62, 0.995)
    return np.where(book["level"] == 2, u < good, u < 0.2)


def handles_of(world: World, book: pd.DataFrame, day: int) -> pd.DataFrame:
    """Handling steps of the alarms `book` of service day `day` (see touched); the last step decides."""
    key = alarm_keys(book)
    u = [world.chance(641 + j, key) for j in range(6)]
    care = world.care(book["company"].to_numpy(), day)
    is_touched = touched(world, book, day)
    delay = np.where(u[1] < np.clip(0.925 + 0.08 * care, 0.5, 0.995), 60 + 1400 * u[2] ** 2, 2400 + 40000 * u[2] ** 3)
    start = book["start_s"].to_numpy()
    done_at = np.maximum(start + delay.astype(np.int64), book["updated_s"].to_numpy() + 5)
    early = u[5] < world.rates.d05_handled_early
    names = np.array(person_names(world, 52, 300), dtype=object)
    who = names[(book["company"].to_numpy() * 2 + (u[3] > 0.5)) % 300]
    parts = []
    for step, mask in ((1, is_touched & (u[4] < 0.35)), (2, is_touched)):
        at = np.where(early, start - 600, np.where(step == 1, start + (done_at - start) // 2, done_at))[mask]
        false_alarm = u[3][mask] < 0.09
        result = np.zeros(mask.sum(), int) if step == 1 else np.where(false_alarm, 2, 1)
        action = np.where(
            step == 1,
            "语音",
            np.where(
                false_alarm, "误报", np.where(u[3][mask] < 0.75, "电话", np.where(u[3][mask] < 0.97, "约谈", "停运"))
            ),
        )
        reason = np.where(false_alarm & (step == 2), np.where(u[2][mask] < 0.95, "设备误判", ""), "")
        parts.append(
            pd.DataFrame(
                {
                    "handle_id": [f"H{a}{step}" for a in book["alarm_uid"][mask]],
                    "alarm_uid": book["alarm_uid"][mask].to_numpy(),
                    "step": step,
                    "action": action,
                    "result": result,
                    "reason": reason,
                    "handler": who[mask],
                    "handled_at": clock.second_texts(at),
                    "updated_s": np.maximum(at, book["updated_s"].to_numpy()[mask]) + 4,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def alarm_keys(book: pd.DataFrame) -> np.ndarray:
    """Whole number of each alarm, for chance: its `hash_key`, else made of its uid (a date and hexadecimal digits)."""
    if "hash_key" in book:
        return book["hash_key"].to_numpy()
    return np.array([int(u[:8]) * 1_000_003 + int(u[8:], 16) for u in book["alarm_uid"]], dtype=np.int64)


@lru_cache(maxsize=20)
def month_scores(world: World, month: int) -> pd.DataFrame:
    """Safety scores (0–100) of a month, computed by the vendor on the second of the next month at 03:00."""
    who = _employed(world, month)
    people = world.drivers.iloc[who]
    care = world.care(people["company"].to_numpy(), clock.month_first_day(month))
    u = world.chance(651, who, month)
    score = np.clip(86 + 9 * care + 2.5 * people["skill"].to_numpy() - 7 * u**3, 35, 100).round(2)
    vehicle = people["vehicle"].to_numpy()
    profile = np.where(vehicle >= 0, world.vehicles["profile"].to_numpy()[np.maximum(vehicle, 0)], 0)
    km = (np.array([2600, 4600, 7400])[profile] * (0.35 + u)).round(1)
    updated = (clock.month_first_day(month + 1) + 1) * DAY + 3 * 3600 + who % 600
    return pd.DataFrame(
        {
            "id_no": spoken_ids(world)[who],
            "month": clock.month_text(month),
            "score": score,
            "km": km,
            "algo_ver": "v3.2",
            "updated_s": updated,
        }
    )
