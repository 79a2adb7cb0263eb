"""服务阵地: five made-up sites with what they offer, when they are open and who comes; CSV (UTF-8 with BOM), one file a
day.

The names are marked 演示; the bureau's own five are not public. Months before the stand-in began are one ZIP each,
later days single files. One site speaks GCJ-02, one was closed for a week with approval, one washing machine is broken.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from etl.demo.app.users import user_ids
from etl.demo.positions.movement import activity
from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.coordinates import to_gcj02
from etl.demo.world.units import SITE_IDS
from etl.demo.world.world import World

Row = tuple[object, ...]
# name, kind, town, area, node, opens, closes, operator, stars, has a people counter, has check-in, visits a day,
# coordinate system
SITES = (
    (
        "演示·仁和物流园司机之家",
        "物流园",
        "330110009",
        "仁和街道",
        "仁和物流园",
        0,
        24,
        "演示运营单位甲",
        "AAAA",
        True,
        True,
        150,
        2,
    ),
    (
        "演示·良渚物流园司机驿站",
        "物流园",
        "330110010",
        "良渚新城",
        "良渚物流园",
        0,
        24,
        "演示运营单位甲",
        "AAA",
        True,
        True,
        120,
        2,
    ),
    (
        "演示·瓶窑加油站司机驿站",
        "加油站",
        "330110110",
        "瓶窑镇",
        "瓶窑货站",
        6,
        22,
        "演示运营单位乙",
        "AAA",
        True,
        False,
        80,
        1,
    ),
    (
        "演示·老余杭货场党群服务中心",
        "党群中心",
        "330110013",
        "余杭街道",
        "老余杭货场",
        7,
        21,
        "演示运营单位丙",
        "",
        False,
        True,
        60,
        2,
    ),
    (
        "演示·径山服务区司机之家",
        "服务区",
        "330110109",
        "径山镇",
        "长乐",
        6,
        23,
        "演示运营单位丁",
        "",
        False,
        True,
        45,
        2,
    ),
)
FACILITIES = (
    "PARK",
    "REST",
    "HOTWATER",
    "MEALHEAT",
    "SHOWER",
    "LAUNDRY",
    "TOILET",
    "DINING",
    "SHOP",
    "REPAIR",
    "FUEL",
    "LODGING",
    "WIFI",
    "AED",
    "CHARGE",
    "READING",
    "PARTY_ROOM",
    "GOV_SERVICE",
    "LEGAL",
    "HEALTH",
)
MISSING = (
    ("FUEL", "LEGAL"),
    ("FUEL", "LODGING", "GOV_SERVICE"),
    ("LODGING", "REPAIR", "LEGAL", "GOV_SERVICE"),
    ("FUEL", "REPAIR", "LODGING", "CHARGE", "SHOP"),
    ("LODGING", "PARTY_ROOM", "LEGAL", "HEALTH", "GOV_SERVICE"),
)
PAID = ("DINING", "SHOP", "REPAIR", "FUEL", "LODGING", "CHARGE")
BROKEN_SITE, BROKEN_FACILITY, BROKEN_DAYS_AGO = 1, "LAUNDRY", 33
CLOSED_SITE, CLOSED_DAYS_AGO, CLOSED_DAYS = 3, 188, 7
GCJ02, WGS84 = 1, 2
HOUR_SHARES = np.array([2, 1, 1, 1, 2, 4, 6, 7, 6, 5, 6, 9, 9, 6, 5, 5, 6, 8, 9, 8, 6, 5, 4, 3], dtype=float)
ISSUES = ("", "", "", "热水器水垢未清理", "灭火器压力偏低", "休息区座椅破损", "开放时间公示不清")
WRITTEN_S = DAY + 1800  # a day's files are written half past midnight
HEADERS = {
    "site": "阵地编号,名称,类别,镇街,所属片区,地址,经度,纬度,坐标系,运营单位,开放时间,星级,状态,更新时间",
    "facility": "阵地编号,设施代码,状态,是否免费,核查时间",
    "open_log": "阵地编号,日期,实际开放,应开放,是否批准关闭,更新时间",
    "visit": "阵地编号,时间,计数方式,人次,更新时间",
    "rating": "阵地编号,用户编号,日期,星数,评价时间,更新时间",
    "inspection": "检查编号,阵地编号,检查时间,得分,问题,更新时间",
}


def _text(second: int) -> str:
    return str(clock.second_texts(np.array([second]))[0])


def is_closed(world: World, site: int, day: int) -> bool:
    """Closed with approval on that day."""
    begin = world.anchor_day - CLOSED_DAYS_AGO
    return site == CLOSED_SITE and begin <= day < begin + CLOSED_DAYS


def _sites(world: World, day: int) -> list[Row]:
    """The list at the beginning of the history and of a month, and on the days on which a status changes."""
    changed = any(is_closed(world, k, day) != is_closed(world, k, day - 1) for k in range(len(SITES)))
    if not changed and day != world.first_day and clock.month_first_day(clock.month_of(day)) != day:
        return []
    rows, roads = list[Row](), world.roads
    for k, (name, kind, town, area, node, opens, closes, operator, stars, _, _, _, system) in enumerate(SITES):
        at = roads.names.index(node)
        lon, lat = np.array([roads.lon[at] + 0.004]), np.array([roads.lat[at] + 0.003])
        system = system if world.rates.d04_gcj_companies else WGS84
        if system == GCJ02:
            lon, lat = to_gcj02(lon, lat)
        status = "批准关闭" if is_closed(world, k, day) else "在用"
        rows.append(
            (
                SITE_IDS[k],
                name,
                kind,
                town,
                area,
                f"浙江省杭州市余杭区{area}演示路{8 + 6 * k}号",
                round(float(lon[0]), 6),
                round(float(lat[0]), 6),
                system,
                operator,
                f"{opens:02d}:00-{closes:02d}:00",
                stars,
                status,
                _text(day * DAY + WRITTEN_S),
            )
        )
    return rows


def _facilities(world: World, day: int) -> list[Row]:
    """Checked each Monday, on the first day of the history, and when something breaks."""
    breaks = day == world.anchor_day - BROKEN_DAYS_AGO
    if (day + 3) % 7 != 0 and day != world.first_day and not breaks:
        return []
    rows = list[Row]()
    for k, site in enumerate(SITE_IDS):
        for code in FACILITIES:
            is_broken = (k, code) == (BROKEN_SITE, BROKEN_FACILITY) and day >= world.anchor_day - BROKEN_DAYS_AGO
            mended = float(world.chance(1071, k, FACILITIES.index(code), day // 7)) < 0.012
            status = "无" if code in MISSING[k] else "维修" if is_broken or mended else "可用"
            rows.append((site, code, status, 0 if code in PAID else 1, _text(day * DAY + 32400 + 60 * k)))
    return rows


def _open_log(world: World, day: int) -> list[Row]:
    rows = list[Row]()
    for k, site in enumerate(SITES):
        u, v = (float(world.chance(s, k, day)) for s in (1072, 1073))
        planned = (site[6] - site[5]) * 60
        short = int(planned * 0.3 * v) if u < 0.06 else 0
        if u < 0.006 or (activity(day) < 0.3 and u < 0.4):
            short = planned
        closed = is_closed(world, k, day)
        rows.append(
            (
                SITE_IDS[k],
                clock.day_text(day, "%Y-%m-%d"),
                0 if closed else planned - short,
                planned,
                1 if closed else 0,
                _text(day * DAY + WRITTEN_S),
            )
        )
    return rows


def _visits(world: World, day: int) -> list[Row]:
    """By hour from the counter and from check-in (about half of those who come), and the keeper's own count in the
    evening."""
    rows, written, rng = list[Row](), _text(day * DAY + WRITTEN_S), world.rng(day, 1074)
    progress = np.clip((day - world.first_day) / max(world.history_days, 1), 0, 1.5)
    month = int(clock.day_text(day, "%m"))
    season = 1.25 if month in (7, 8) else 1.1 if month in (12, 1) else 1.0
    for k, (_, _, _, _, _, opens, closes, _, _, has_counter, has_checkin, mean, _) in enumerate(SITES):
        if is_closed(world, k, day):
            continue
        hours = np.where((np.arange(24) >= opens) & (np.arange(24) < closes), HOUR_SHARES, 0.0)
        real = rng.poisson(
            mean * (0.35 + 0.65 * activity(day)) * season * (0.85 + 0.3 * progress) * hours / hours.sum()
        )
        checked = rng.binomial(real, 0.34 + 0.2 * min(progress, 1.0))
        for method, counts, present in (("counter", real, has_counter), ("checkin", checked, has_checkin)):
            if present:
                rows += [
                    (SITE_IDS[k], _text(day * DAY + 3600 * h), method, int(counts[h]), written)
                    for h in np.flatnonzero(counts)
                ]
        if not has_counter or rng.random() < 0.3:
            rows.append(
                (
                    SITE_IDS[k],
                    _text(day * DAY + 20 * 3600),
                    "manual",
                    int(round(int(real.sum()) * (0.9 + 0.25 * rng.random()), -1)),
                    written,
                )
            )
    return rows


def _ratings(world: World, day: int) -> list[Row]:
    rows, written, rng, users = list[Row](), _text(day * DAY + WRITTEN_S), world.rng(day, 1075), user_ids(world, day)
    for k in range(len(SITES)):
        if is_closed(world, k, day) or not len(users):
            continue
        for user in rng.choice(
            users, min(int(rng.poisson((3.2, 2.6, 1.6, 1.4, 1.0)[k])), len(users)), replace=False
        ).tolist():
            stars = (
                int(rng.choice([5, 4, 3, 2, 1], p=[0.58, 0.27, 0.09, 0.04, 0.02]))
                if k != BROKEN_SITE or day < world.anchor_day - BROKEN_DAYS_AGO
                else int(rng.choice([5, 4, 3, 2], p=[0.3, 0.3, 0.25, 0.15]))
            )
            rows.append(
                (
                    SITE_IDS[k],
                    user,
                    clock.day_text(day, "%Y-%m-%d"),
                    stars,
                    _text(day * DAY + 30000 + int(rng.random() * 45000)),
                    written,
                )
            )
    return rows


def _inspections(world: World, day: int) -> list[Row]:
    """Each site once a month, on a day of its own."""
    rows = list[Row]()
    for k, site in enumerate(SITE_IDS):
        if clock.month_first_day(clock.month_of(day)) + 4 + 5 * k == day:
            u = float(world.chance(1076, k, day))
            issue = ISSUES[int(u * len(ISSUES))]
            rows.append(
                (
                    f"JC{clock.day_text(day)}{k + 1}",
                    site,
                    _text(day * DAY + 34000 + int(u * 20000)),
                    int(96 - 8 * u - (4 if issue else 0)),
                    issue,
                    _text(day * DAY + WRITTEN_S),
                )
            )
    return rows


ENTITIES: dict[str, Callable[[World, int], list[Row]]] = {
    "site": _sites,
    "facility": _facilities,
    "open_log": _open_log,
    "visit": _visits,
    "rating": _ratings,
    "inspection": _inspections,
}


@lru_cache(maxsize=4)
def _first_single_day(world: World) -> int:
    """First day that is a file of its own: the first of the month in which the stand-in began."""
    return clock.month_first_day(clock.month_of(world.anchor_day))


def _csv(entity: str, rows: list[Row]) -> bytes:
    return (
        "\ufeff" + HEADERS[entity] + "\r\n" + "".join(",".join(str(v) for v in row) + "\r\n" for row in rows)
    ).encode("utf-8")


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name("." + path.name + ".tmp")
    aside.write_bytes(body)
    aside.replace(path)


def write_month(world: World, drop: Path, month: int) -> None:
    """The ZIPs of a whole month of the history, one an entity."""
    days = range(max(clock.month_first_day(month), world.first_day), clock.month_first_day(month + 1))
    for entity, make in ENTITIES.items():
        path = drop / "st" / entity / f"{entity}_{clock.month_text(month)}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name("." + path.name + ".tmp")
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as packed:
            for day in days:
                rows = make(world, day)
                if rows:
                    date = datetime.fromordinal(day + 719163)
                    packed.writestr(
                        zipfile.ZipInfo(
                            f"{entity}_{clock.day_text(day, '%Y-%m-%d')}.csv",
                            (date.year, date.month, date.day, 0, 0, 0),
                        ),
                        _csv(entity, rows),
                        zipfile.ZIP_DEFLATED,
                    )
        aside.replace(path)


def zip_months(world: World) -> list[int]:
    """Months of the history that are ZIPs."""
    return list(range(clock.month_of(world.first_day), clock.month_of(world.anchor_day)))


def write_missing_days(world: World, drop: Path, now: int) -> int:
    """Single files of the days since the ZIPs end, as far as they are written by local second `now`; returns how many
    were missing."""
    written = 0
    for day in range(_first_single_day(world), (now - WRITTEN_S) // DAY + 1):
        for entity, make in ENTITIES.items():
            path = drop / "st" / entity / f"{entity}_{clock.day_text(day, '%Y-%m-%d')}.csv"
            rows = [] if path.exists() else make(world, day)
            if rows:
                _write(path, _csv(entity, rows))
                written += 1
    return written
