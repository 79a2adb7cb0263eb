"""暖心台账: hardship cases, pairing, benefits, the children's summer camp; one workbook a month, all of it so far.

The workbook holds what the product must not keep (names, phones, health, children's names): all invented. Health checks
fall into spring, the women's course around 8 March, heat relief and the camp into the summer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import orjson

from etl.demo.ledgers import ledger
from etl.demo.ledgers.ledger import Sheet, day_date
from etl.demo.ledgers.party import ever_large
from etl.demo.ledgers.party_work import Rows
from etl.demo.world import clock
from etl.demo.world.people import written_ids
from etl.demo.world.units import MEMBER_UNITS, UNIT_IDS
from etl.demo.world.world import World, person_names, town_codes

CASE_SHARE, QUALIFIED_SHARE, ENROLLED_SHARE, PAIRED_SHARE = 0.021, 0.8, 0.93, 0.84
HEALTH_NOTES = ("腰椎术后休养", "慢性病长期用药", "工伤康复中", "家属重病")
HEALTH_RESULTS = ("未见异常", "血压偏高，建议复查", "腰椎轻度退变", "血脂偏高")
# type, (month, day) of the events of a year, places at 2000 trucks, share of selected who come, share of family members
PROGRAMME = (
    ("体检", ((3, 25), (4, 16), (5, 13)), 70, 0.92, 0.0),
    ("疗休养", ((6, 10), (9, 22), (10, 20)), 24, 0.95, 0.25),
    ("高温慰问", ((7, 3), (7, 10), (7, 17), (7, 24), (7, 31), (8, 7), (8, 14), (8, 21)), 60, 0.97, 0.0),
    ("女性成长课程", ((3, 6), (3, 8), (9, 12)), 26, 0.9, 0.55),
    ("亲子课程", ((5, 30), (7, 11), (8, 8), (10, 11)), 22, 0.9, 0.6),
)


@dataclass(frozen=True)
class Case:
    """A hardship case; days -1 = never."""

    case_id: str
    driver: int
    qualified: bool
    opened: int
    enrolled: int
    closed: int
    paired: int
    unpaired: int


@lru_cache(maxsize=4)
def cases(world: World) -> list[Case]:
    """All cases, also those to come."""
    who = np.flatnonzero(
        (world.chance(1041, np.arange(len(world.drivers))) < CASE_SHARE) & (world.drivers["to_day"] < 0).to_numpy()
    )
    if len(who) < 6:
        who = np.arange(min(6, len(world.drivers)))
    found = []
    for driver in who.tolist():
        u = [float(world.chance(1042 + j, driver)) for j in range(7)]
        opened = world.anchor_day - 430 + int(u[0] * 520)
        qualified = u[1] < QUALIFIED_SHARE
        enrolled = opened + 4 + int(u[2] * 22) if qualified and u[3] < ENROLLED_SHARE else -1
        closed = opened + 150 + int(u[4] * 350) if u[4] < 0.5 else -1
        paired = enrolled + 3 + int(u[5] * 40) if enrolled >= 0 and u[6] < PAIRED_SHARE else -1
        found.append(
            Case(
                f"KN{clock.day_text(opened, '%Y')}{driver:05d}",
                driver,
                qualified,
                opened,
                enrolled,
                closed,
                paired if closed < 0 or paired < closed else -1,
                paired + 240 if paired >= 0 and u[0] < 0.25 else -1,
            )
        )
    return sorted(found, key=lambda c: (c.opened, c.case_id))


def case_rows(world: World, day: int) -> Rows:
    """个案编号, 姓名, 联系电话, 身份证号, 镇街, 是否符合, 立案日期, 纳入日期, 结案日期, 健康情况."""
    people, ids, rows = world.drivers, written_ids(world, 849)[0], Rows()
    for c in cases(world):
        if c.opened <= day:
            who = people.iloc[c.driver]
            rows.append(
                (
                    c.case_id,
                    str(who["name"]),
                    str(who["phone"]),
                    str(ids[c.driver]),
                    str(town_codes()[who["town_index"]]),
                    "是" if c.qualified else "否",
                    day_date(c.opened),
                    day_date(c.enrolled) if c.enrolled <= day else None,
                    day_date(c.closed) if c.closed <= day else None,
                    HEALTH_NOTES[c.driver % 4],
                )
            )
    return rows


def pairing_rows(world: World, day: int) -> Rows:
    """结对编号, 个案编号, 帮扶单位, 结对起, 结对止."""
    return [
        (
            f"JD{c.case_id[2:]}",
            c.case_id,
            MEMBER_UNITS[c.driver % len(MEMBER_UNITS)],
            day_date(c.paired),
            day_date(c.unpaired) if c.unpaired <= day else None,
        )
        for c in cases(world)
        if 0 <= c.paired <= day
    ]


@lru_cache(maxsize=8)
def events(world: World, until: int) -> tuple[Rows, Rows]:
    """礼遇活动 (活动编号, 类别, 举办日期, 主办单位, 名额) and 礼遇人员 (活动编号, 名单序号, 姓名, 身份证号, 是否家属,
    是否入选, 是否参加, 体检结果, 子女姓名) up to a day."""
    people, ids, kin = world.drivers, written_ids(world, 849)[0], person_names(world, 56, 300)
    here = np.flatnonzero(
        (people["to_day"] < 0).to_numpy()
        & (
            np.isin(people["company"].to_numpy(), ever_large(world))
            | (world.chance(1051, np.arange(len(people))) < 0.3)
        )
    )
    women = np.flatnonzero(people["is_female"].to_numpy() & (people["to_day"] < 0).to_numpy())
    held: Rows = []
    listed: Rows = []
    begins = world.first_day - 365  # a year of benefits is there when the ledger begins
    for year in range(int(clock.day_text(begins, "%Y")), int(clock.day_text(until, "%Y")) + 1):
        for k, (kind, dates, places, coming, family) in enumerate(PROGRAMME):
            for number, (month, date) in enumerate(dates):
                day = clock.day_of(year, month, date)
                if not begins <= day <= until:
                    continue
                rng, event = world.rng(year, k, number, 1052), f"LY{year}{k + 1}{number + 1:02d}"
                count = max(4, round(places * world.scale / 2000))
                held.append((event, kind, day_date(day), UNIT_IDS[(k * 3 + number) % len(UNIT_IDS)], count))
                pool = women if kind == "女性成长课程" and len(women) else here
                picked = rng.permutation(pool)[:count].tolist()
                for entry in range(1, count + 1):
                    is_family = rng.random() < family or entry > len(picked)
                    selected = kind != "体检" or rng.random() < 0.95
                    attended = selected and rng.random() < coming
                    driver = picked[entry - 1] if not is_family else -1
                    listed.append(
                        (
                            event,
                            entry,
                            kin[(entry * 7 + number) % 300] if is_family else str(people["name"].iat[driver]),
                            None if is_family else str(ids[driver]),
                            "是" if is_family else "否",
                            "是" if selected else "否",
                            "是" if attended else "否",
                            HEALTH_RESULTS[int(rng.random() * 4)] if kind == "体检" and attended else None,
                            kin[(entry * 11 + number) % 300] if kind == "亲子课程" else None,
                        )
                    )
    return held, listed


def camp_rows(world: World, day: int) -> Rows:
    """营次编号, 年份, 开营日期, 人数, 年龄段人数, 学员名单; two weeks of camp each July, the year before the history
    too."""
    kin, rows = person_names(world, 57, 200), Rows()
    for year in range(int(clock.day_text(world.first_day, "%Y")) - 1, int(clock.day_text(day, "%Y")) + 1):
        for number, date in enumerate((12, 19)):
            begin = clock.day_of(year, 7, date)
            if begin <= day:
                rng = world.rng(year, number, 1053)
                children = 20 + int(rng.random() * 12) + 4 * (year - 2025)
                young = int(children * (0.4 + 0.2 * rng.random()))
                bands = orjson.dumps({"7–9岁": young, "10–12岁": children - young}).decode()
                rows.append(
                    (
                        f"YX{year}{number + 1}",
                        year,
                        day_date(begin),
                        children,
                        bands,
                        "、".join(kin[(number * 40 + k) % 200] for k in range(children)),
                    )
                )
    return rows


def sheets(world: World, month: int) -> list[Sheet]:
    """The five sheets as of the end of a month."""
    day = clock.month_first_day(month + 1) - 1
    held, listed = events(world, day)
    title = f"{clock.month_text(month)[:4]}年{int(clock.month_text(month)[5:])}月"
    return [
        Sheet(
            "困难司机",
            (
                "个案编号",
                "姓名",
                "联系电话",
                "身份证号",
                "镇街",
                "是否符合",
                "立案日期",
                "纳入日期",
                "结案日期",
                "健康情况",
            ),
            case_rows(world, day),
            f"困难货车司机({title})",
            note="内部资料，注意保密",
        ),
        Sheet("结对", ("结对编号", "个案编号", "帮扶单位", "结对起", "结对止"), pairing_rows(world, day), "结对帮扶"),
        Sheet(
            "礼遇活动",
            ("活动编号", "类别", "举办日期", "主办单位", "名额"),
            held,
            f"暖心礼遇活动({title})",
            totals=("名额",),
        ),
        Sheet(
            "礼遇人员",
            ("活动编号", "名单序号", "姓名", "身份证号", "是否家属", "是否入选", "是否参加", "体检结果", "子女姓名"),
            listed,
            "礼遇人员名单",
            texts=("名单序号",),
            merged=0,
        ),
        Sheet(
            "夏令营",
            ("营次编号", "年份", "开营日期", "人数", "年龄段人数", "学员名单"),
            camp_rows(world, day),
            "“卡娃”夏令营",
            texts=("人数",),
        ),
    ]


def file_name(month: int) -> str:
    """Path in the drop folder."""
    text = clock.month_text(month)
    return f"wf/暖心_{text[:4]}年{text[5:]}月.xlsx"


def write(world: World, drop: Path, month: int) -> None:
    """Writes the workbook of a month."""
    ledger.write(drop / file_name(month), sheets(world, month), world.rates.d14_workbook)
