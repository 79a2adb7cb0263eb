"""What the alliance does month by month, behind 党建台账: 一企二员, visits, 六个一, activities, surveys, tasks, the
register.

Each function returns the rows of one sheet as the ledger shows them at the end of a day; the work grows steadier over
the year, and companies that mind their duties are served better. The six items of 六个一 have no names.
"""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from etl.demo.ledgers.ledger import Cell, day_date
from etl.demo.ledgers.party import Org, entered_by, ever_large, fleet_counts, members, organisations, register_on
from etl.demo.registers.cases import progress
from etl.demo.registers.registry import written_codes
from etl.demo.world import clock
from etl.demo.world.units import MEMBER_UNITS, SITE_IDS, UNIT_IDS
from etl.demo.world.world import World, person_names

Rows = list[tuple[Cell, ...]]
ACTIVITY_KINDS = (("送课", 4.0), ("送书", 2.2), ("送宣讲", 3.0), ("主题党日", 7.0), ("其他", 1.6))
TASKS = (
    "走访联系货运企业",
    "组织司机关爱活动",
    "开展政策宣讲",
    "办理司机诉求",
    "更新企业名录",
    "推进党组织覆盖",
    "开展安全教育",
    "建设服务阵地",
)
SURVEY_MONTHS = (4, 10)  # a round each half-year begins on the first of these months
STALE_SHARE = 0.10


def _code(world: World, company: int) -> str:
    return str(written_codes(world)[1][company])


def begins(world: World) -> int:
    """First month (since 1970-01) with work in the ledger: that of the first day, in a short history the last whole
    month."""
    return min(clock.month_of(world.first_day), clock.month_of(world.anchor_day) - 1)


def _moment(day: int, second: int) -> datetime:
    date = day_date(day)
    assert date is not None
    return datetime.combine(date, time(second // 3600, second // 60 % 60))


@lru_cache(maxsize=500)
def _care(world: World, day: int) -> np.ndarray:
    return world.care(np.arange(len(world.companies)), day)


def _good(world: World, company: int, day: int, low: float, high: float) -> float:
    """Chance that a duty at a company is done: from `low` to `high` over the year, a little better with a good
    company."""
    care = float(_care(world, day)[company])
    return float(np.clip(low + (high - low) * progress(world, day) + 0.12 * (care - 0.5), 0.05, 0.995))


@lru_cache(maxsize=4)
def _postings(world: World) -> list[tuple[int, str, str, str, int, int]]:
    """(company, role, name, unit id, first day, last day or -1) of every instructor and service officer."""
    names, found = person_names(world, 53, 200), []
    for company in ever_large(world).tolist():
        for k, role in enumerate(("党建指导员", "驻企服务员")):
            u = [float(world.chance(931 + j, company, k)) for j in range(4)]
            if u[0] > 0.96:
                continue
            begin = (
                world.first_day - 20 - int(u[1] * 500)
                if u[0] < 0.62
                else world.first_day + int(u[1] * (world.history_days + 40))
            )
            who = company * 2 + (0 if u[2] < 0.03 else k)  # now and then one person holds both posts
            change = world.first_day + 60 + int(u[3] * 300) if u[3] < 0.15 else -1
            unit = UNIT_IDS[(company + 3 * k) % len(UNIT_IDS)]
            found.append((company, role, names[who % 200], unit, begin, change if change > begin else -1))
            if change > begin:
                found.append((company, role, names[(who + 91) % 200], unit, change + 12, -1))
    return found


def posting_rows(world: World, day: int) -> Rows:
    """企业, 角色, 姓名, 派出单位, 任职起, 任职止; the two of a company below each other."""
    here = entered_by(world, clock.month_of(day))  # who has left the register keeps his two
    rows = [
        (_code(world, c), role, name, unit, day_date(begin), day_date(end) if 0 <= end <= day else None)
        for c, role, name, unit, begin, end in _postings(world)
        if c in here and begin <= day
    ]
    return sorted(rows, key=lambda r: (str(r[0]), str(r[1]), str(r[4])))


def visit_rows(world: World, day: int) -> Rows:
    """走访编号, 计划编号, 企业, 计划日期, 走访人, 走访时间, 走访记录; one planned visit a month and company."""
    names, rows = person_names(world, 53, 200), Rows()
    for month in range(begins(world), clock.month_of(day) + 1):
        first, text = clock.month_first_day(month), clock.month_text(month).replace("-", "")
        for company in register_on(world, min(first + 27, world.anchor_day + 400)).tolist():
            u = [float(world.chance(941 + j, company, month)) for j in range(5)]
            due = first + 9 + int(u[0] * 18)
            is_done = u[1] < _good(world, company, due, 0.74, 0.95)
            at = due - int(u[2] * 7) if u[3] < 0.9 else due + 1 + int(u[2] * 6)
            is_done &= at <= day
            note = (
                None
                if u[4] < 0.03
                else ("了解经营与司机思想状况", "宣讲安全与惠企政策", "收集司机诉求并登记")[int(u[4] * 3)]
            )
            rows.append(
                (
                    f"ZF{text}{company:04d}",
                    f"JH{text}{company:04d}",
                    _code(world, company),
                    day_date(due),
                    names[(company * 2 + 7) % 200] if is_done else None,
                    _moment(at, 32400 + int(u[2] * 28000)) if is_done else None,
                    note if is_done else None,
                )
            )
    return rows


def quarter_of(day: int) -> int:
    """Quarters since 1970-01."""
    return clock.month_of(day) // 3


def quarter_text(quarter: int) -> str:
    """Quarters since 1970-01 → '2026Q3'."""
    return f"{1970 + quarter // 4}Q{quarter % 4 + 1}"


def six_one_rows(world: World, day: int) -> Rows:
    """企业, 事项序号, 事项名称 (nobody has named them), 期次, 完成日期, 佐证; six items a company and quarter."""
    rows = Rows()
    for quarter in range(begins(world) // 3, quarter_of(day) + 1):
        first, after = clock.month_first_day(3 * quarter), clock.month_first_day(3 * quarter + 3)
        for company in register_on(world, first + 30).tolist():
            for item in range(1, 7):
                u = [float(world.chance(951 + j, company, quarter, item)) for j in range(3)]
                done = first + 5 + int(u[0] ** 0.7 * (after - first - 8))
                is_done = u[1] < _good(world, company, done, 0.66, 0.93) and done <= day
                rows.append(
                    (
                        _code(world, company),
                        item,
                        None,
                        quarter_text(quarter),
                        day_date(done) if is_done else None,
                        ("现场照片", "签到表", "会议记录")[int(u[2] * 3)] if is_done else None,
                    )
                )
    return rows


def activity_rows(world: World, day: int) -> Rows:
    """活动编号, 类别, 阵地, 组织, 企业, 举办时间, 参加人次, 送书册数."""
    rows = Rows()
    for month in range(begins(world), clock.month_of(day) + 1):
        first, after, rng = clock.month_first_day(month), clock.month_first_day(month + 1), world.rng(month, 961)
        share = 0.5 if clock.month_text(month).endswith("-02") else 1.0
        orgs = [o for o in organisations(world) if o.companies and o.set_up_day <= first]
        number = 0
        for kind, mean in ACTIVITY_KINDS:
            for _ in range(
                int(
                    rng.poisson(
                        mean * share * min(1.0, 0.35 + world.scale / 3000) * (0.8 + 0.4 * progress(world, first))
                    )
                )
            ):
                number += 1
                row = _activity(
                    world,
                    rng,
                    kind,
                    f"HD{clock.month_text(month).replace('-', '')}{number:03d}",
                    first + int(rng.random() * (after - first)),
                    orgs,
                )
                if row[5] <= _moment(day, 86340):
                    rows.append(row)
    return rows


def _activity(world: World, rng: Generator, kind: str, act_id: str, day: int, orgs: list[Org]) -> tuple[Cell, ...]:
    held, attend = _moment(day, 32400 + int(rng.random() * 30000)), int(14 + rng.gamma(2.0, 11))
    at_site, pick = rng.random() < 0.5, rng.random()
    large = ever_large(world)
    site = org = code = None
    if kind == "主题党日" and orgs:
        found = orgs[int(pick * len(orgs))]
        org, code = found.org_id, _code(world, found.companies[0])
    elif at_site or not len(large):
        site = SITE_IDS[int(pick * len(SITE_IDS))]
    else:
        code = _code(world, int(large[int(pick * len(large))]))
    return act_id, kind, site, org, code, held, attend, int(20 + 60 * pick) if kind == "送书" else None


def survey_rows(world: World, day: int) -> Rows:
    """轮次, 企业, 完成日期, 缺项数; two rounds a year, each finished within seven weeks by nearly all."""
    rows = Rows()
    started = [m for m in range(begins(world) - 6, clock.month_of(day) + 1) if m % 12 + 1 in SURVEY_MONTHS]
    for number, month in enumerate(started, 1):
        first = clock.month_first_day(month)
        for company in register_on(world, max(first, min(world.first_day, day))).tolist():
            u = [float(world.chance(971 + j, company, month)) for j in range(3)]
            done = first + 3 + int(u[0] * 50)
            is_done = u[1] < _good(world, company, first, 0.84, 0.97) and done <= day
            missing = 0 if u[2] < 0.88 else 1 + int(u[2] * 100) % 3
            rows.append(
                (
                    number,
                    _code(world, company),
                    day_date(done) if is_done else None,
                    missing if is_done else 4 + int(u[2] * 8),
                )
            )
    return rows


def register_rows(world: World, day: int) -> Rows:
    """企业, 车辆数, 司机数, 党员数, 联系人, 最近确认日期, 版本; some counts stray far from the registry's (D23)."""
    rows, people, named = Rows(), world.drivers, person_names(world, 54, 200)
    counts, staff = (
        fleet_counts(world, day),
        np.bincount(
            people["company"][(people["from_day"] <= day) & ((people["to_day"] < 0) | (people["to_day"] > day))],
            minlength=len(world.companies),
        ),
    )
    known = members(world)
    party = np.bincount(
        known["company"][(known["outcome"] == "confirmed") & (known["stage"] != "") & (known["verified_day"] <= day)],
        minlength=len(world.companies),
    )
    odd = set(ever_large(world)[: world.rates.d23_register].tolist())
    for company in register_on(world, day).tolist():
        u = [float(world.chance(981 + j, company)) for j in range(3)]
        turn = 30 + int(u[0] * 50)
        lapse = 140 if u[1] < STALE_SHARE else 0  # nobody has asked there for months
        confirmed = max(day - lapse - (day - int(u[2] * turn)) % turn, world.first_day - 60)
        stray = (
            (6 + company % 4 if company % 2 == 0 else -7)
            if company in odd
            else int(fleet_counts(world, confirmed)[company] - counts[company])
            if lapse
            else 0
        )
        rows.append(
            (
                _code(world, company),
                int(counts[company]) + stray,
                int(staff[company]),
                int(party[company]),
                named[company % 200],
                day_date(confirmed),
                1 + max(0, (confirmed - world.first_day + 60) // turn),
            )
        )
    return rows


def task_rows(world: World, day: int) -> Rows:
    """任务编号, 单位, 任务, 期限, 完成日期; each unit has two or three tasks a quarter."""
    rows = Rows()
    for quarter in range(begins(world) // 3, quarter_of(day) + 1):
        first, after = clock.month_first_day(3 * quarter), clock.month_first_day(3 * quarter + 3)
        for unit in range(len(MEMBER_UNITS)):
            for k in range(2 + (unit + quarter) % 2):
                u = [float(world.chance(991 + j, unit, quarter, k)) for j in range(3)]
                due = after - 1 - int(u[0] * 45)
                done = due - int(u[1] * 25) if u[2] < 0.80 + 0.14 * progress(world, first) else due + 2 + int(u[1] * 20)
                is_done = u[2] < 0.97 and done <= day
                rows.append(
                    (
                        f"RW{quarter_text(quarter)}{unit + 1:02d}{k + 1}",
                        UNIT_IDS[unit],
                        TASKS[(unit + quarter + 3 * k) % len(TASKS)],
                        day_date(due),
                        day_date(done) if is_done else None,
                    )
                )
    return rows
