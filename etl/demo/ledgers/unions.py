"""群团台账: trade union, youth league and women's organisations and the union's members, one workbook a quarter.

Coverage rises over the year. Joint unions list the firms they cover in one cell; a few people are in two unions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from etl.demo.ledgers import ledger
from etl.demo.ledgers.ledger import Sheet, day_date
from etl.demo.ledgers.party import ever_large, short_name
from etl.demo.ledgers.party_work import Rows
from etl.demo.registers.registry import written_codes
from etl.demo.world import clock
from etl.demo.world.people import written_ids
from etl.demo.world.places import TOWNS
from etl.demo.world.world import World

KINDS = (("工会", 0.86), ("团", 0.55), ("妇", 0.50))
JOINED_SHARE, LEFT_SHARE, TWICE_SHARE = 0.96, 0.04, 0.008
CHANNELS = ("企业集体入会", "扫码入会", "小程序入会")


@dataclass(frozen=True)
class Union:
    """An organisation of one of the three; company -1 = joint, then `covered` are row numbers of companies."""

    org_id: str
    org_type: str
    company: int
    covered: tuple[int, ...]
    set_up_day: int


@lru_cache(maxsize=4)
def organisations(world: World) -> list[Union]:
    """All organisations, also those to be set up in the months to come."""
    large, found = ever_large(world), []
    span = world.history_days + 250
    for k, (kind, share) in enumerate(KINDS):
        for company in large.tolist():
            u, v = float(world.chance(1011, company, k)), float(world.chance(1012, company, k))
            if u < share:
                day = (
                    world.first_day - 100 - int(v * 1800) if v < 0.6 else world.first_day + int((v - 0.6) / 0.4 * span)
                )
                found.append(Union(f"{'GTF'[k]}H{company:04d}", kind, company, (), day))
    firms = np.setdiff1d(np.flatnonzero(world.companies["is_firm"].to_numpy()), large)
    towns = world.companies["op_town_index"].to_numpy()
    for town in range(len(TOWNS)):
        covered = tuple(firms[towns[firms] == town].tolist())
        lone = tuple(c for c in large.tolist() if towns[c] == town and world.chance(1013, c) < 0.5)
        if covered + lone:
            found.append(
                Union(
                    f"LH{town + 1:03d}",
                    "联合工会",
                    -1,
                    covered + lone,
                    world.first_day - 400 + int(world.chance(1014, town) * 700),
                )
            )
    return found


@lru_cache(maxsize=4)
def memberships(world: World) -> pd.DataFrame:
    """driver, org_id, join_day, leave_day (-1 = still in), channel; also those who will join."""
    people = world.drivers
    who = np.arange(len(people))
    own: dict[int, Union] = {}
    for union in organisations(world):
        for company in (
            (union.company,) if union.org_type == "工会" else union.covered if union.org_type == "联合工会" else ()
        ):
            own.setdefault(company, union)
    company = people["company"].to_numpy()
    u = [world.chance(1021 + j, who) for j in range(5)]
    join = np.maximum(people["from_day"].to_numpy() + 20, world.anchor_day - 1400 + (u[1] ** 0.9 * 1650).astype(int))
    leave = np.where(
        people["to_day"] >= 0,
        people["to_day"] + 10,
        np.where(u[2] < LEFT_SHARE, join + 100 + (u[3] * 300).astype(int), -1),
    )
    rows = []
    for k in np.flatnonzero(u[0] < JOINED_SHARE).tolist():
        union = own.get(int(company[k]))
        if union is not None and (leave[k] < 0 or leave[k] > join[k]):
            begin = max(int(join[k]), union.set_up_day + 15)
            rows.append((k, union.org_id, begin, int(leave[k]) if leave[k] > begin else -1, CHANNELS[int(u[4][k] * 3)]))
            if u[3][k] < TWICE_SHARE:
                rows.append((k, "LH001", begin + 40, -1, CHANNELS[1]))
    table = pd.DataFrame(rows, columns=["driver", "org_id", "join_day", "leave_day", "channel"])
    return table.drop_duplicates(["driver", "org_id"])


def sheets(world: World, month: int) -> list[Sheet]:
    """Both sheets as of the end of a month."""
    day = clock.month_first_day(month + 1) - 1
    codes, names, ids = written_codes(world)[1], world.companies["name"].to_numpy(), written_ids(world, 848)[0]
    orgs: Rows = []
    for union in organisations(world):
        if union.set_up_day <= day:
            # a clerk shortens every fifth name he copies
            covered = "；".join(
                short_name(str(names[c])) if world.rates.d24_coverage and c % 5 == 0 else str(codes[c])
                for c in union.covered
            )
            orgs.append(
                (
                    union.org_id,
                    union.org_type,
                    str(codes[union.company]) if union.company >= 0 else None,
                    covered or None,
                    day_date(union.set_up_day),
                )
            )
    people: Rows = []
    for driver, org, join, leave, channel in memberships(world).itertuples(index=False):
        if join <= day:
            people.append(
                (
                    str(ids[driver]),
                    str(org),
                    day_date(join),
                    day_date(leave) if 0 <= leave <= day else None,
                    str(channel),
                )
            )
    text = clock.month_text(month)
    title = f"{text[:4]}年第{(int(text[5:]) + 2) // 3}季度"
    return [
        Sheet("组织", ("组织编号", "类别", "所在企业", "覆盖企业", "成立日期"), orgs, f"货运行业群团组织({title})"),
        Sheet(
            "工会会员",
            ("身份证号", "组织编号", "入会日期", "离会日期", "入会方式"),
            people,
            f"货车司机工会会员({title})",
            has_hidden_row=True,
        ),
    ]


def file_name(month: int) -> str:
    """Path in the drop folder."""
    text = clock.month_text(month)
    return f"un/群团台账_{text[:4]}年{text[5:]}月.xlsx"


def write(world: World, drop: Path, month: int) -> None:
    """Writes the workbook of the quarter that ends with a month."""
    ledger.write(drop / file_name(month), sheets(world, month), world.rates.d14_workbook)
