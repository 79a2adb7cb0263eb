"""From rows with a place to the three levels, each counted by itself: never the sum of its children. Also the list of
KPIs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import pandas as pd

from tests.independent.population import Population
from tests.independent.rows import Rows

DISTRICT = "330110"
LEVELS = ("district", "town", "company")
Parts = tuple[float | None, float | None]
Count = Callable[[pd.DataFrame], Parts]


@dataclass(frozen=True)
class Data:
    """What every KPI is computed from."""

    rows: Rows
    people: Population


@dataclass(frozen=True)
class Rate:
    """Distinct `key` with the flag `good` / distinct `key` with the flag `due` ("" = all rows); only good ones that are
    due count."""

    key: str
    good: str
    due: str = ""

    def __call__(self, part: pd.DataFrame) -> Parts:
        within = part[part[self.due].astype(bool)] if self.due else part
        return within.loc[within[self.good].astype(bool), self.key].nunique(), within[self.key].nunique()

    def by(self, frame: pd.DataFrame, level: str) -> pd.DataFrame:
        """The same of every place of a level that has a row."""
        within = frame[frame[self.due].astype(bool)] if self.due else frame
        good = within[within[self.good].astype(bool)].groupby(level)[self.key].nunique()
        found = pd.DataFrame({"num": good, "den": within.groupby(level)[self.key].nunique()})
        return found.reindex(sorted(frame[level].dropna().unique())).fillna(0)


@dataclass(frozen=True)
class Number:
    """Distinct `key` with the flag `good` ("" = all rows), no denominator."""

    key: str
    good: str = ""

    def __call__(self, part: pd.DataFrame) -> Parts:
        return (part[part[self.good].astype(bool)] if self.good else part)[self.key].nunique(), None

    def by(self, frame: pd.DataFrame, level: str) -> pd.DataFrame:
        """The same of every place of a level that has a row."""
        good = frame[frame[self.good].astype(bool)] if self.good else frame
        found = pd.DataFrame({"num": good.groupby(level)[self.key].nunique()})
        return found.reindex(sorted(frame[level].dropna().unique())).fillna(0).assign(den=None)


@dataclass(frozen=True)
class Total:
    """Σ num / Σ den; den "" = no denominator, "*" = the number of rows."""

    num: str
    den: str = ""

    def __call__(self, part: pd.DataFrame) -> Parts:
        below = None if not self.den else float(len(part)) if self.den == "*" else float(part[self.den].sum())
        return float(part[self.num].sum()), below

    def by(self, frame: pd.DataFrame, level: str) -> pd.DataFrame:
        """The same of every place of a level that has a row."""
        own = frame.groupby(level)
        below = None if not self.den else own.size() if self.den == "*" else own[self.den].sum()
        return pd.DataFrame({"num": own[self.num].sum(), "den": below})


@dataclass(frozen=True)
class Spread:
    """Rows with town and company, and what is counted of them at every place that has one. A column `pts` that sums up
    to nothing says that nothing was received."""

    frame: pd.DataFrame
    count: Count
    levels: tuple[str, ...] = LEVELS

    def places(self) -> pd.DataFrame:
        """num, den (NaN: no denominator), `heard` and `parent` (the town of a company) by place."""
        parts = [self._level(level) for level in self.levels if level == "district" or len(self.frame)]
        found = pd.concat([part for part in parts if len(part)] or parts[:1])
        return found.astype({"num": float, "den": float, "heard": bool})

    def _level(self, level: str) -> pd.DataFrame:
        frame = self.frame
        if level == "district":
            num, den = self.count(frame) if len(frame) else (0, None)
            heard = "pts" not in frame or frame["pts"].sum() > 0
            found = {"num": [num], "den": [den], "heard": [heard], "parent": [""]}
            return pd.DataFrame(found, index=[DISTRICT]) if len(frame) else pd.DataFrame(found).iloc[0:0]
        frame = frame[frame[level].notna()]
        if hasattr(self.count, "by"):
            found = self.count.by(frame, level)
        else:
            counts = {str(place): self.count(part) for place, part in frame.groupby(level)}
            found = pd.DataFrame.from_dict(counts, orient="index", columns=["num", "den"])
        found["heard"] = frame.groupby(level)["pts"].sum() > 0 if "pts" in frame else True
        found["parent"] = frame.groupby(level)["town"].min() if level == "company" else ""
        return found

    def members(self, names: pd.Series, place: str) -> dict[str, Parts]:
        """Member → what is counted of its rows at a place (the district or a town); `names` says whose each row is."""
        frame = self.frame.assign(_member=names.where(names.notna(), "未知"))
        frame = frame if place == DISTRICT else frame[frame["town"] == place]
        return {str(member): self.count(part) for member, part in frame.groupby("_member")}


Compute = Callable[[Data, pd.Timestamp, pd.Timestamp], Spread]


@dataclass(frozen=True)
class Kpi:
    """One KPI: how its window is read (stock: its last day · flow: up to yesterday · today: up to today · now), whether
    it has a denominator, its factor, whether it is about persons (`person`), the relative tolerance, the least denominator, the days that a flow looks back."""

    id: str
    number: int
    compute: Compute
    kind: str
    ratio: bool
    scale: float
    person: bool
    tolerance: float
    floor: float
    lookback: int


KPIS: dict[str, Kpi] = {}


def kpi(
    number: int,
    identifier: str,
    kind: str,
    *,
    ratio: bool = True,
    scale: float = 1,
    person: bool = False,
    tolerance: float = 1e-9,
    floor: float = 0,
    lookback: int = 0,
) -> Callable[[Compute], Compute]:
    """Enters a function as the computation of a KPI."""

    def enter(compute: Compute) -> Compute:
        @wraps(compute)
        def run(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
            return compute(data, first, last)

        KPIS[identifier] = Kpi(identifier, number, run, kind, ratio, scale, person, tolerance, floor, lookback)
        return run

    return enter


def spread(frame: pd.DataFrame, count: Count, *, levels: tuple[str, ...] = LEVELS) -> Spread:
    """What is counted of rows with town and company, at each of the levels."""
    return Spread(frame, count, levels)


def rate(key: str, good: str, due: str = "") -> Count:
    """Distinct `key` with the flag `good` / distinct `key` with the flag `due`."""
    return Rate(key, good, due)


def number(key: str, good: str = "") -> Count:
    """Distinct `key` with the flag `good`, no denominator."""
    return Number(key, good)


def total(num: str, den: str = "") -> Count:
    """Σ num / Σ den ("" = no denominator, "*" = the number of rows)."""
    return Total(num, den)
