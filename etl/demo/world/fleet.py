"""The tables of a world: companies, vehicles, drivers, drawn with true check digits and before any defect."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from etl.demo.world import clock, identity
from etl.demo.world.places import PARK_NODES, PLATFORM_SHARES, PLATFORMS, TOWNS


class Draws(Protocol):
    """What the tables are drawn from: a world's size, its anchor day, its generators, and the tables drawn before."""

    @property
    def scale(self) -> int: ...

    @property
    def anchor_day(self) -> int: ...
    @property
    def companies(self) -> pd.DataFrame: ...
    @property
    def vehicles(self) -> pd.DataFrame: ...
    @property
    def drivers(self) -> pd.DataFrame: ...
    def rng(self, *salt: int) -> np.random.Generator: ...


FLEET_OF_50, SAFELY_ABOVE, AVERAGE_LARGE = (
    50,
    53,
    58,
)  # a few vehicles are lost to defects, and the company must not fall below for it
# share of motor vehicles, GA 24.4 type, gross mass range t, axle range
TYPES = (
    (0.28, "Q11", (36.0, 49.0), (2, 3)),
    (0.09, "H11", (16.0, 31.0), (2, 4)),
    (0.08, "H12", (16.0, 25.0), (2, 3)),
    (0.03, "H14", (18.0, 31.0), (2, 4)),
    (0.05, "H17", (25.0, 31.0), (3, 4)),
    (0.03, "H19", (16.0, 31.0), (2, 4)),
    (0.02, "H15", (18.0, 31.0), (2, 4)),
    (0.05, "H21", (5.0, 11.9), (2, 2)),
    (0.07, "H22", (5.0, 11.9), (2, 2)),
    (0.02, "H29", (5.0, 11.9), (2, 2)),
    (0.10, "H31", (2.5, 4.5), (2, 2)),
    (0.15, "H32", (2.5, 4.5), (2, 2)),
    (0.03, "H33", (2.0, 3.5), (2, 2)),
)


def _big_sizes(world: Draws) -> np.ndarray:
    """Sizes of the companies with 50 vehicles or more, largest first; the last is the one growing past 50."""
    count = max(
        1 if world.scale >= 60 else 0,
        min(round(30 * np.sqrt(world.scale / 2000)), int(world.scale * 0.78 / AVERAGE_LARGE)),
    )
    if count <= 1:
        return np.full(count, SAFELY_ABOVE)
    tail = world.rng(11).exponential(4, count)
    sizes = np.sort(np.clip(SAFELY_ABOVE + tail * (world.scale / 2000) ** 0.5, SAFELY_ABOVE, 160).astype(int))[::-1]
    sizes[-1] = FLEET_OF_50 + 1
    return sizes


def companies(world: Draws) -> pd.DataFrame:
    """See World.companies. Rows: companies of 50+, the shrinking one (46 left), other firms, individuals."""
    rng = world.rng(12)
    big = _big_sizes(world)
    shrinking = [46] if len(big) >= 3 else []
    total = max(4, world.scale // 4)
    individuals = round(total * 0.78)
    firms = max(1, total - individuals - len(big) - len(shrinking))
    left = max(individuals + firms, world.scale - int(big.sum()) - sum(shrinking))
    solo = np.ones(individuals, dtype=int)
    extra = left - individuals
    small = (
        np.maximum(1, np.floor(rng.dirichlet(np.full(firms, 1.2)) * extra)).astype(int)
        if extra > 0
        else np.ones(firms, dtype=int)
    )
    small = np.minimum(small, 44)
    size = np.concatenate([big, shrinking, small, solo]).astype(int)
    n = len(size)
    is_firm = np.arange(n) < n - individuals
    town = rng.choice(len(TOWNS), n, p=np.array([t[2] for t in TOWNS]))
    op_town = np.where(rng.random(n) < 0.12, rng.choice(len(TOWNS), n), town)
    node = np.array([PARK_NODES[t][int(k * len(PARK_NODES[t]))] for t, k in zip(op_town, rng.random(n), strict=True)])
    owners = identity.person_names(rng, n)
    care = np.clip(rng.normal(0.55, 0.13, n), 0.15, 0.98)
    worst = 2 if len(big) > 3 else n - individuals - 1  # in a tiny world the bad one must not be nearly everyone
    care[worst] = -1.6
    start = world.anchor_day - rng.integers(500, 5200, n)
    return pd.DataFrame(
        {
            "uscc": identity.credit_codes(rng, is_firm),
            "name": identity.company_names(rng, is_firm, owners),
            "is_firm": is_firm,
            "size": size,
            "owner": owners,
            "phone": identity.phones(rng, n),
            "town_index": town,
            "op_town_index": op_town,
            "node": node,
            "care": care,
            "start_day": start,
            "is_big": np.arange(n) < len(big),
            "is_growing": np.arange(n) == (len(big) - 1 if len(big) >= 3 else -1),
            "is_shrinking": (np.arange(n) == len(big)) & bool(shrinking),
            "licence_no": [f"330110{300000 + k:06d}" for k in rng.permutation(n)],
        }
    )


def _statuses(world: Draws, rng: np.random.Generator) -> np.ndarray:
    counts = {"营运": world.scale, "停运": 0.015, "转出": 0.034, "注销": 0.03, "锁定": 0.003, "歇业": 0.004}
    return np.concatenate(
        [np.full(int(c if s == "营运" else round(c * world.scale)), s, dtype=object) for s, c in counts.items()]
    )


def vehicles(world: Draws) -> pd.DataFrame:
    """See World.vehicles. Columns beside the registry's: company, town_index, entered_day, left_day, stop_from/to,
    has_terminal, platform, profile …"""
    rng = world.rng(13)
    status = _statuses(world, rng)
    motor = len(status)
    n = motor + round(0.12 * world.scale)
    status = np.concatenate([status, np.full(n - motor, "营运", dtype=object)])
    is_trailer = np.arange(n) >= motor
    table = pd.DataFrame(
        {"status": status, "is_trailer": is_trailer, "company": _owners(world, rng, status, is_trailer)}
    )
    _kinds(table, rng)
    _dates(world, table, rng)
    _terminals(world, table, rng)
    return table


def _owners(world: Draws, rng: np.random.Generator, status: np.ndarray, is_trailer: np.ndarray) -> np.ndarray:
    companies_ = world.companies
    size = companies_["size"].to_numpy()
    service = np.flatnonzero((status == "营运") & ~is_trailer)
    # cut before shuffling: in a tiny world the large companies keep their size and the last individuals get no vehicle
    slots = rng.permutation(np.repeat(np.arange(len(size)), size)[: len(service)])
    spare = rng.choice(len(size), len(service), p=size / size.sum())
    owner = rng.choice(len(size), len(status), p=size / size.sum())
    owner[service] = np.concatenate([slots, spare])[: len(service)]
    shrinking = np.flatnonzero(companies_["is_shrinking"].to_numpy())
    if len(shrinking):  # those who left within the year are why it is below 50 now
        owner[np.flatnonzero(status == "转出")[:9]] = shrinking[0]
    return owner


def _kinds(table: pd.DataFrame, rng: np.random.Generator) -> None:
    n = len(table)
    pick = rng.choice(len(TYPES), n, p=np.array([t[0] for t in TYPES]) / sum(t[0] for t in TYPES))
    trailer = table["is_trailer"].to_numpy()
    low, high = np.array([t[2] for t in TYPES]).T
    gross = np.where(trailer, rng.uniform(34, 40, n), low[pick] + rng.random(n) * (high - low)[pick]).round(2)
    axles = np.array([t[3] for t in TYPES])
    table["veh_type"] = np.where(
        trailer, rng.choice(["B11", "B12", "B16"], n), np.array([t[1] for t in TYPES], dtype=object)[pick]
    )
    table["gross_mass_t"] = gross
    table["tonnage_t"] = np.where(table["veh_type"] == "Q11", gross - 9, gross * rng.uniform(0.5, 0.66, n)).round(2)
    table["axles"] = np.where(
        trailer, 3, axles[pick, 0] + (rng.random(n) * (axles[pick, 1] - axles[pick, 0] + 1)).astype(int)
    )
    is_heavy = ~trailer & (np.char.startswith(table["veh_type"].to_numpy().astype(str), "Q") | (gross >= 12))
    small = ~trailer & (gross <= 4.5)
    electric = ~trailer & (rng.random(n) < np.where(small, 0.19, 0.055))
    gas = ~electric & is_heavy & (rng.random(n) < 0.09)
    table["energy_code"] = np.select([trailer, electric, gas, small & (rng.random(n) < 0.3)], ["Y", "C", "E", "A"], "B")
    table["plate_color"] = np.select([electric & small, electric, small], [94, 93, 1], 2)
    kinds = np.select([trailer, electric & small, electric], ["trailer", "new_small", "new_large"], "ordinary")
    table["plate_no"] = identity.plates(rng, kinds)
    table["vin"] = identity.vins(rng, n)
    table["is_heavy"] = is_heavy


def _dates(world: Draws, table: pd.DataFrame, rng: np.random.Generator) -> None:
    n, anchor = len(table), world.anchor_day
    companies_ = world.companies
    is_new = rng.random(n) < np.where(table["energy_code"] == "C", 0.35, 0.075)
    growing = companies_["is_growing"].to_numpy()[table["company"]]
    age = np.where(is_new, rng.uniform(3, 400, n), rng.gamma(2.2, 640, n) + 400)
    age = np.where(growing & (rng.random(n) < 0.3), rng.uniform(20, 320, n), np.minimum(age, 5200)).astype(int)
    gone = table["status"].isin(["转出", "注销"]).to_numpy()
    left = np.where(gone, anchor - rng.integers(1, 400, n), -1)
    age = np.where(gone & (anchor - age > left - 300), age + 900, age)
    registered = anchor - age
    table["register_day"] = registered
    table["left_day"] = left
    stage = np.select(
        [
            registered < clock.day_of(2013, 7, 1),
            registered < clock.day_of(2017, 7, 1),
            registered < clock.day_of(2021, 7, 1),
        ],
        [3, 4, 5],
        6,
    )
    table["emission_stage"] = np.where(np.isin(table["energy_code"], ["C", "Y"]), 0, stage)
    stopped = (table["status"] == "营运").to_numpy() & (rng.random(n) < 0.02)
    table["stop_from"] = np.where(stopped, anchor - rng.integers(1, 80, n), -1)
    table["stop_to"] = np.where(stopped, table["stop_from"] + rng.integers(30, 180, n), -1)
    idle = table["status"].isin(["停运", "锁定", "歇业"]).to_numpy()
    table["idle_from"] = np.where(idle, anchor - rng.integers(5, 250, n), 10**7)
    overdue = rng.random(n) < 0.035
    to_birthday = 365 - (anchor - registered) % 365
    table["review_day"] = np.where(overdue, anchor - rng.integers(1, 120, n), anchor + to_birthday)
    town = companies_["op_town_index"].to_numpy()[table["company"]]
    table["town_index"] = np.where(rng.random(n) < 0.06, rng.integers(0, 12, n), town)


def _terminals(world: Draws, table: pd.DataFrame, rng: np.random.Generator) -> None:
    n = len(table)
    heavy = table["is_heavy"].to_numpy()
    light = ~heavy & ~table["is_trailer"].to_numpy()
    table["has_terminal"] = (heavy & (rng.random(n) < 0.988)) | (light & (rng.random(n) < 0.33))
    table["platform"] = rng.choice(len(PLATFORMS), n, p=PLATFORM_SHARES)
    u = rng.random(n)
    tractor = (table["veh_type"] == "Q11").to_numpy()
    far = np.where(tractor, 0.22, np.where(heavy, 0.06, 0.0))
    near = np.where(tractor, 0.40, np.where(heavy, 0.24, 0.12))
    table["profile"] = np.select([u < far, u < far + near], [2, 1], 0)  # 0 local, 1 neighbouring cities, 2 long haul
    table["diligence"] = np.clip(rng.beta(9, 1.3, n), 0.35, 0.985)
    table["is_night"] = rng.random(n) < np.where(table["profile"] == 0, 0.07, 0.12)
    table["pace"] = np.clip(rng.normal(1.0, 0.05, n), 0.85, 1.13)
    care = world.companies["care"].to_numpy()[table["company"]]
    table["risk"] = rng.gamma(0.7, 1.4, n) * np.where(care < 0, 5.0, 1.35 - 0.6 * care)
    table["odometer_km"] = ((world.anchor_day - table["register_day"]) * rng.uniform(110, 260, n)).astype(int)
    home = world.companies["node"].to_numpy()[table["company"]]
    table["home"] = np.where(rng.random(n) < 0.8, home, rng.choice(32, n))


def vehicle_drivers(world: Draws) -> np.ndarray:
    """See World.vehicle_driver."""
    table, people = world.vehicles, world.drivers
    result = np.full(len(table), -1)
    own = people["vehicle"].to_numpy()
    main = np.flatnonzero(own >= 0)
    result[own[main]] = main
    roster: dict[int, np.ndarray] = {
        int(c): rows.to_numpy() for c, rows in pd.Series(people.index, index=people["company"]).groupby(level=0)
    }
    for i in np.flatnonzero(result < 0):
        mates = roster.get(int(table["company"].iat[i]))
        if mates is not None and len(mates):
            result[i] = mates[i % len(mates)]
    return result


def drivers(world: Draws) -> pd.DataFrame:
    """See World.drivers: one per vehicle above 4.5 t, 17 % more as relief."""
    rng = world.rng(14)
    table = world.vehicles
    main = np.flatnonzero((table["gross_mass_t"] > 4.5) & ~table["is_trailer"] & (table["status"] != "注销"))
    relief = rng.choice(main, round(0.17 * len(main)), replace=False)
    vehicle = np.concatenate([main, np.full(len(relief), -1)])
    company = table["company"].to_numpy()[np.concatenate([main, relief])]
    n = len(vehicle)
    female = rng.random(n) < 0.03
    ids, births = identity.id_numbers(rng, n, female, 2003)
    registered = table["register_day"].to_numpy()[np.concatenate([main, relief])]
    began = np.maximum(registered, world.anchor_day - rng.integers(30, 2500, n))
    left = np.where((vehicle < 0) & (rng.random(n) < 0.12), world.anchor_day - rng.integers(1, 350, n), -1)
    left = np.where(left > began, left, -1)
    return pd.DataFrame(
        {
            "id_no": ids,
            "birth_date": births,
            "is_female": female,
            "name": identity.person_names(rng, n),
            "phone": identity.phones(rng, n),
            "vehicle": vehicle,
            "company": company,
            "second_company": np.where(rng.random(n) < 0.004, rng.choice(len(world.companies), n), -1),
            "from_day": began,
            "to_day": left,
            "is_captain": world.companies["is_firm"].to_numpy()[company] & (rng.random(n) < 0.04),
            "skill": np.clip(rng.normal(0, 1, n), -2.5, 2.5),
            "town_index": rng.integers(0, 12, n),
        }
    )
