"""Who is a Party member, which organisation covers which company, who is on the way in: the facts behind 党建台账.

All of it is drawn once per world with the day on which each thing happened, also days to come, so that a ledger of any
month is a look at the same facts. Rows of people are row numbers of `World.drivers`; days are day numbers, -1 = never.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from etl.demo.registers.registry import booked_elsewhere
from etl.demo.world import clock
from etl.demo.world.places import TOWNS
from etl.demo.world.world import World

STAGES = ("入党申请人", "入党积极分子", "发展对象", "预备党员", "正式党员")
MEMBER_SHARE, EXCLUDED_SHARE, OPEN_SHARE, CANDIDATE_SHARE = 0.045, 0.085, 0.025, 0.03
LEAD_SOURCES = ("走访摸排", "企业申报", "社区比对", "小程序点亮红心")
BUILT_BEFORE, FEW = 0.4, 5  # share of organisations older than the history; fewer than these are all older
REGISTER_SIZE, REGISTER_GRACE_DAYS = 50, 30
NEVER = -1


@lru_cache(maxsize=400)
def fleet_counts(world: World, day: int) -> np.ndarray:
    """Freight motor vehicles in service per company at the end of a day, as the registry has them."""
    t = world.vehicles
    here = (t["left_day"] >= 0) & (day < t["left_day"]) | (t["left_day"] < 0) & (
        (t["status"] == "营运") | (day < t["idle_from"]) & (t["idle_from"] < 10**7)
    )
    counted = here & ~t["is_trailer"] & (t["register_day"] <= day) & ~booked_elsewhere(world)
    return np.bincount(t["company"][counted], minlength=len(world.companies))


@lru_cache(maxsize=400)
def register_on(world: World, day: int) -> np.ndarray:
    """Row numbers of the companies in the register of 50 and more on a day; one leaves it thirty days after falling
    below."""
    counts = np.max([fleet_counts(world, d) for d in range(day - REGISTER_GRACE_DAYS, day + 1, 10)], axis=0)
    return np.flatnonzero(counts >= REGISTER_SIZE)


@lru_cache(maxsize=32)
def entered_by(world: World, month: int) -> frozenset[int]:
    """Companies that have been in the register at the end of some month of the history up to `month` (since
    1970-01)."""
    months = range(min(clock.month_of(world.first_day), month), month + 1)
    return frozenset(int(c) for m in months for c in register_on(world, clock.month_first_day(m + 1) - 1))


@lru_cache(maxsize=4)
def ever_large(world: World) -> np.ndarray:
    """Row numbers of the companies that are in the register at some time."""
    table = world.companies
    return np.flatnonzero((table["is_big"] | table["is_shrinking"]).to_numpy())


@lru_cache(maxsize=4)
def members(world: World) -> pd.DataFrame:
    """People in the sheet 党员: driver, company, stage (of a member; '' = by the events), outcome (confirmed, excluded,
    '' = never found out), lead_day (-1 = no lead, always known), verified_day, badge_day, lead_source."""
    people = world.drivers
    here = np.flatnonzero((people["to_day"] < 0).to_numpy())
    company = people["company"].to_numpy()[here]
    u = world.chance(901, here)
    large = world.companies["is_big"].to_numpy()[company]
    # members gather: a company with a branch has more of them
    weight = np.where(large, 1.0, 0.45) * (0.35 + 1.5 * world.chance(902, company))
    order = here[np.argsort(u / weight, kind="stable")]
    sizes = [
        max(least, round(share * len(here)))
        for share, least in ((MEMBER_SHARE, 4), (EXCLUDED_SHARE, 4), (OPEN_SHARE, 2), (CANDIDATE_SHARE, 6))
    ]
    kind = np.repeat(["member", "excluded", "open", "candidate"], sizes)[: len(order)]
    who = order[: len(kind)]
    u = [world.chance(903 + j, who) for j in range(6)]
    is_lead = np.where(kind == "member", u[0] < 0.72, kind != "candidate")
    lead = np.where(is_lead, world.anchor_day - 560 + (u[1] * 620).astype(int), NEVER)
    verified = np.where(is_lead & (kind != "open"), lead + 12 + (u[2] * 130).astype(int), NEVER)
    known = np.where(is_lead, verified, world.first_day)
    badge = np.where(
        (kind == "member") & (u[3] < 0.74), np.maximum(known, world.anchor_day - 420) + (u[4] * 260).astype(int), NEVER
    )
    return pd.DataFrame(
        {
            "driver": who,
            "company": people["company"].to_numpy()[who],
            "stage": np.where(kind == "member", "正式党员", ""),
            "outcome": np.select(
                [kind == "member", kind == "excluded", kind == "candidate"], ["confirmed", "excluded", "confirmed"], ""
            ),
            "lead_day": lead,
            "verified_day": verified,
            "badge_day": badge,
            "lead_source": np.where(
                is_lead, np.array(LEAD_SOURCES, dtype=object)[(u[5] * len(LEAD_SOURCES)).astype(int)], None
            ),
            "is_candidate": kind == "candidate",
        }
    )


@dataclass(frozen=True)
class Stages:
    """Stage events: driver, stage (index into STAGES), day; and the drivers whose events are wrong on purpose (D17)."""

    driver: np.ndarray
    stage: np.ndarray
    day: np.ndarray
    wrong: np.ndarray


@lru_cache(maxsize=4)
def stages(world: World) -> Stages:
    """Events of the candidates, also those to come, and the day on which older members were admitted.

    Up to four candidates break the rules (D17): too fast, a stage skipped, out of order, probation without an end."""
    table = members(world)
    who = table["driver"].to_numpy()[table["is_candidate"].to_numpy()]
    u = [world.chance(911 + j, who) for j in range(6)]
    begin = world.anchor_day - 20 - (u[0] * 1500).astype(int)
    days = np.cumsum(
        [
            begin,
            60 + (u[1] * 240).astype(int),
            366 + (u[2] * 200).astype(int),
            45 + (u[3] * 260).astype(int),
            366 + (u[4] * 30).astype(int),
        ],
        axis=0,
    ).T
    wrong = who[:0]
    if world.rates.d17_stages:
        old = np.argsort(begin)[: world.rates.d17_stages]
        wrong = who[old]
        for k, row in enumerate(old):
            if k % 4 == 0:
                days[row, 2:] -= days[row, 2] - days[row, 1] - 40
            elif k % 4 == 1:
                days[row, 2] = NEVER
            elif k % 4 == 2:
                days[row, 3] = days[row, 2] - 15
            else:
                days[row, 4] = NEVER
    full = table["driver"].to_numpy()[~table["is_candidate"].to_numpy() & (table["outcome"] == "confirmed").to_numpy()]
    admitted = world.anchor_day - 500 - (world.chance(917, full) * 7000).astype(int)
    driver = np.concatenate([np.repeat(who, len(STAGES)), full])
    stage = np.concatenate([np.tile(np.arange(len(STAGES)), len(who)), np.full(len(full), 4)])
    day = np.concatenate([days.ravel(), admitted])
    keep = day >= 0
    return Stages(driver[keep], stage[keep], day[keep], wrong)


def stage_on(world: World, day: int) -> dict[int, str]:
    """Driver → stage of the newest event up to a day, as the ledger's writer copies it."""
    events = stages(world)
    seen = events.day <= day
    order = np.argsort(events.day[seen], kind="stable")
    return {int(d): STAGES[s] for d, s in zip(events.driver[seen][order], events.stage[seen][order], strict=True)}


@dataclass(frozen=True)
class Org:
    """An organisation: companies covered (row numbers), the one it sits in (-1 = none), and how the ledger lists them:
    all by code, the first only, or by a short name (D24)."""

    org_id: str
    name: str
    org_type: str
    company: int
    companies: tuple[int, ...]
    set_up_day: int
    listing: str = "code"


def short_name(name: str) -> str:
    """杭州正安物流有限公司 → 正安物流."""
    return name.removeprefix("杭州").removesuffix("有限公司")


@lru_cache(maxsize=4)
def organisations(world: World) -> list[Org]:
    """The industry's committee, own branches of companies with three full members, joint branches by neighbourhood.

    Some were there before the history begins; the last are set up in the months to come."""
    table = members(world)
    full = table[(table["stage"] == "正式党员") & (table["outcome"] == "confirmed")]
    counts = np.bincount(full["company"], minlength=len(world.companies))
    names, large = world.companies["name"].to_numpy(), ever_large(world)
    found = [
        Org("ZB000", "区交通运输行业党委", "党委", NEVER, (), world.first_day - 900),
        Org("ZB001", "货运行业流动党员党支部", "流动", NEVER, (), world.first_day - 200),
    ]
    own = [int(c) for c in large if counts[c] >= 3]
    rest = [int(c) for c in large if counts[c] < 3]
    rest.sort(key=lambda c: (int(world.companies["op_town_index"].iat[c]) // 3, c))
    if len(rest) < 2:  # a small world too has a joint branch, with firms outside the register
        rest += np.setdiff1d(np.arange(min(4, len(world.companies))), [*own, *rest])[:2].tolist()
    groups = [tuple(rest[i : i + 3]) for i in range(0, len(rest), 3)]
    units = [(c,) for c in own] + groups
    # in the order of chance, so that few organisations already make a steady rise
    place = np.argsort(np.argsort(world.chance(921, np.arange(len(units))))) / max(len(units), 1)
    for number, companies in enumerate(units, 2):
        u = float(place[number - 2])
        day = (
            world.first_day - 30 - int(u * 1500)
            if u < BUILT_BEFORE or len(units) < FEW
            else world.first_day + 20 + int((u - BUILT_BEFORE) / (1 - BUILT_BEFORE) * (world.history_days + 60))
        )
        first = companies[0]
        if number < 2 + len(own):
            found.append(
                Org(
                    f"ZB{number:03d}",
                    f"{short_name(names[first])}党支部",
                    "总支" if counts[first] > 9 else "支部",
                    first,
                    companies,
                    day,
                )
            )
        else:
            town = TOWNS[int(world.companies["op_town_index"].iat[first])][1]
            found.append(
                Org(
                    f"ZB{number:03d}",
                    f"{town}货运企业第{number - 1 - len(own)}联合党支部",
                    "联合",
                    NEVER,
                    companies,
                    day,
                )
            )
    return _listed(world, found)


def _listed(world: World, found: list[Org]) -> list[Org]:
    """One joint branch of the early ones is listed with short names, another under its first company only (D24)."""
    joint = sorted((o for o in found if o.org_type == "联合"), key=lambda o: o.set_up_day)
    odd = {o.org_id: ("short", "first")[k % 2] for k, o in enumerate(joint[: world.rates.d24_coverage])}
    return [
        Org(o.org_id, o.name, o.org_type, o.company, o.companies, o.set_up_day, odd.get(o.org_id, "code"))
        for o in found
    ]
