"""荣誉台账: honours of people and collectives, and the companies on their way to 双强六好; a workbook in May and a
supplement in October.

Most honours are named in April and given in May, the province's and those of skill in autumn. The same honour may be
given at two levels in one year."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from etl.demo.ledgers import ledger
from etl.demo.ledgers.ledger import Sheet, day_date
from etl.demo.ledgers.party import ever_large, organisations
from etl.demo.ledgers.party_work import Rows
from etl.demo.registers.registry import written_codes
from etl.demo.world import clock
from etl.demo.world.people import written_ids
from etl.demo.world.world import World

FIRST_YEARS_BEFORE = 1
# honour, holder, how many at 区, 市, 省 and how many more only nominated
AWARDS = (
    ("最美货车司机", "个人", 3, 1, 0, 3),
    ("五一劳动奖章", "个人", 2, 1, 0, 1),
    ("工人先锋号", "集体", 2, 1, 0, 0),
    ("青年文明号", "集体", 2, 1, 1, 0),
    ("青年岗位能手", "个人", 3, 1, 0, 1),
    ("巾帼文明岗", "集体", 1, 1, 0, 0),
    ("最美家庭", "个人", 4, 1, 0, 2),
    ("技能人才", "个人", 4, 2, 0, 0),
)
LEVELS = ("区", "市", "省", "国家")


def _holder(world: World, rng: np.random.Generator, kind: str) -> tuple[str | None, str | None, str | None]:
    """(id number, organisation, company code) of a made-up holder; one of the first two is missing."""
    people, codes = world.drivers, written_codes(world)[1]
    if kind == "个人":
        here = np.flatnonzero(((people["to_day"] < 0) & (people["skill"] > 0.4)).to_numpy())
        driver = int(rng.choice(here if len(here) else np.arange(len(people))))
        return str(written_ids(world, 850)[0][driver]), None, str(codes[people["company"].iat[driver]])
    own = [o for o in organisations(world) if o.companies]
    org = own[int(rng.random() * len(own))] if own else None
    return None, org.org_id if org else None, str(codes[org.companies[0]]) if org else None


@lru_cache(maxsize=8)
def year_awards(world: World, year: int) -> Rows:
    """Rows of a year: 荣誉编号, 荣誉代码, 级别, 对象, 身份证号, 组织编号, 企业, 年份, 状态, 授予日期, 文号. The first
    holders of an honour rise through the levels."""
    rng, rows = world.rng(year, 1061), Rows()
    for honour, kind, district, city, province, nominated in AWARDS:
        holders = [_holder(world, rng, kind) for _ in range(district + nominated)]
        for level, count in zip(LEVELS, (district, city, province), strict=False):
            for k in range(count):
                month = 10 if honour == "技能人才" else 9 if level == "省" else 4 if honour == "五一劳动奖章" else 5
                day = clock.day_of(year, month, 6 + int(rng.random() * 20))
                status = "撤销" if honour == "技能人才" and level == "区" and k == 3 and year % 2 else "获得"
                rows.append(
                    (
                        f"RY{year}{len(rows) + 1:03d}",
                        honour,
                        level,
                        kind,
                        *holders[k],
                        year,
                        status,
                        day_date(day),
                        f"余表〔{year}〕{len(rows) + 1}号",
                    )
                )
        for k in range(nominated):
            level, status = ("省", "公示") if k == 0 and honour == "最美货车司机" else ("区", "提名")
            rows.append(
                (f"RY{year}{len(rows) + 1:03d}", honour, level, kind, *holders[district + k], year, status, None, None)
            )
    return rows


def demo_rows(world: World, day: int) -> Rows:
    """组织编号, 企业, 阶段, 起, 止 of the 双强六好 companies: in cultivation, then recognised after about a year, one
    revoked."""
    codes, rows = written_codes(world)[1], Rows()
    own = {c: o.org_id for o in organisations(world) for c in o.companies}
    for k, company in enumerate(ever_large(world)[:9].tolist()):
        org = own.get(company, f"QY{company:04d}")
        begin = world.anchor_day - 700 + 65 * k
        recognised = begin + 300 + 20 * (k % 3)
        ended = recognised + 150 if k == 1 else -1
        steps = (("培育", begin, recognised - 1), ("认定", recognised, ended), ("撤销", ended, -1))
        rows += [
            (org, str(codes[company]), stage, day_date(first), day_date(last) if 0 <= last <= day else None)
            for stage, first, last in steps
            if 0 <= first <= day
        ]
    return rows


def sheets(world: World, month: int) -> list[Sheet]:
    """Both sheets as of the end of a month; an honour is listed once it is given, nominations from their year's May
    on."""
    day = clock.month_first_day(month + 1) - 1
    last, limit = int(clock.day_text(day, "%Y")), day_date(day)
    assert limit is not None
    rows: Rows = []
    for year in range(int(clock.day_text(world.first_day, "%Y")) - FIRST_YEARS_BEFORE, last + 1):
        rows += [r for r in year_awards(world, year) if (r[9] or limit.replace(year=year, month=5, day=1)) <= limit]
    return [
        Sheet(
            "荣誉",
            (
                "荣誉编号",
                "荣誉代码",
                "级别",
                "对象",
                "身份证号",
                "组织编号",
                "企业",
                "年份",
                "状态",
                "授予日期",
                "文号",
            ),
            rows,
            f"各级荣誉汇总({last}年)",
            texts=("年份",),
            merged=1,
        ),
        Sheet("双强六好", ("组织编号", "企业", "阶段", "起", "止"), demo_rows(world, day), "双强六好示范点"),
    ]


def file_name(month: int) -> str:
    """Path in the drop folder."""
    text = clock.month_text(month)
    return f"hn/荣誉_{text[:4]}年{text[5:]}月.xlsx"


def write(world: World, drop: Path, month: int) -> None:
    """Writes the workbook of a month."""
    ledger.write(drop / file_name(month), sheets(world, month), world.rates.d14_workbook)
