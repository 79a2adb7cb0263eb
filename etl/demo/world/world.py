"""Who exists: companies, vehicles and drivers of one world, drawn once from (seed, scale, started_at).

Everything else (movement, alarms, learning …) is a function of this and an instant. Keeps no state and writes nothing.
Attributes prefixed `is_` are booleans; days are day numbers (see clock); shares are 0–1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from etl.demo.world import clock, fleet, identity
from etl.demo.world.defects import Rates, clean_rates
from etl.demo.world.noise import uniform
from etl.demo.world.places import IMPROVING_TOWN, TOWNS
from etl.demo.world.roads import RoadNet, road_net

HISTORY_DAYS = 400


@dataclass(frozen=True)
class World:
    """One made-up world.

    seed and scale (freight motor vehicles in service at `started_at`, an aware datetime) name it completely; `clean`
    plants no defects, `history_days` is how far back lists and files reach (tests take few). Instances are immutable
    apart from caches of pure functions."""

    seed: int
    scale: int
    started_at: datetime
    clean: bool = False
    history_days: int = HISTORY_DAYS

    @cached_property
    def rates(self) -> Rates:
        """Rates of planted defects."""
        return clean_rates() if self.clean else Rates()

    @cached_property
    def anchor_day(self) -> int:
        """Day number of `started_at`."""
        return clock.local_second(self.started_at) // clock.DAY

    @property
    def first_day(self) -> int:
        """First day with history, `history_days` before the anchor."""
        return self.anchor_day - self.history_days

    @property
    def roads(self) -> RoadNet:
        """The shared road net."""
        return road_net()

    def rng(self, *salt: int) -> np.random.Generator:
        """A generator for one table or one day of this world."""
        return np.random.default_rng([self.seed, *salt])

    def chance(self, salt: int, *keys: np.ndarray | int) -> np.ndarray:
        """Hash in [0, 1) of (seed, salt, keys)."""
        return uniform(self.seed, salt, *keys)

    @cached_property
    def companies(self) -> pd.DataFrame:
        """One row per company: uscc, name, is_firm, size (motor vehicles in service), town, op_town, node, care (0–1,
        higher is better)."""
        return fleet.companies(self)

    @cached_property
    def vehicles(self) -> pd.DataFrame:
        """One row per vehicle ever seen, motor vehicles first, then trailers; the row number is the vehicle's id
        everywhere."""
        return fleet.vehicles(self)

    @cached_property
    def drivers(self) -> pd.DataFrame:
        """One row per driver: id_no (true form), name, company, second_company (-1 = none), from_day, to_day (-1 =
        still there) …"""
        return fleet.drivers(self)

    @cached_property
    def vehicle_driver(self) -> np.ndarray:
        """Row number of each vehicle's usual driver, -1 where none is on record."""
        return fleet.vehicle_drivers(self)

    @cached_property
    def tracked(self) -> np.ndarray:
        """Row numbers of the vehicles that carry a terminal and have ever reported, ascending."""
        return np.flatnonzero(self.vehicles["has_terminal"].to_numpy())

    @cached_property
    def track(self) -> dict[str, np.ndarray]:
        """Columns of the tracked vehicles as arrays, in the order of `tracked`."""
        rows = self.vehicles.iloc[self.tracked]
        return {name: rows[name].to_numpy() for name in rows.columns}

    def care(self, company: np.ndarray, day: int) -> np.ndarray:
        """How well each company (row numbers) minds its duties on a day: 0 = badly, about 0.5 = ordinary, 1 = very
        well."""
        table = self.companies
        care = table["care"].to_numpy()[company]
        rising = table["op_town_index"].to_numpy()[company] == IMPROVING_TOWN
        progress = np.clip((day - self.anchor_day + HISTORY_DAYS) / HISTORY_DAYS, 0, 1)
        return np.where(rising, care - 0.35 + 0.5 * progress, care)


def town_codes() -> np.ndarray:
    """Codes of the twelve towns in the order of TOWNS."""
    return np.array([t[0] for t in TOWNS], dtype=object)


@lru_cache(maxsize=16)
def person_names(world: World, salt: int, count: int) -> list[str]:
    """Names of people who are not drivers (legal representatives, monitors)."""
    return identity.person_names(world.rng(salt, 7), count)
