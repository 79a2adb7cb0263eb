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
Parts = tuple[float | None, float | None]
Count = Callable[[pd.DataFrame], Parts]


@dataclass(frozen=True)
class Data:
    """What every KPI is computed from."""

    rows: Rows
    people: Population


Compute = Callable[[Data, pd.Timestamp, pd.Timestamp], pd.DataFrame]


@dataclass(frozen=True)
class Kpi:
    """One KPI: how its window is read (stock: its last day · flow: up to yesterday · today: up to today · now), whether
    it has a denominator, its factor, whether small cells are hidden, the relative tolerance, the least denominator."""

    id: str
    number: int
    compute: Compute
    kind: str
    ratio: bool
    scale: float
    person: bool
    tolerance: float
    floor: float


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
) -> Callable[[Compute], Compute]:
    """Enters a function as the computation of a KPI."""

    def enter(compute: Compute) -> Compute:
        @wraps(compute)
        def run(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
            return compute(data, first, last)

        KPIS[identifier] = Kpi(identifier, number, run, kind, ratio, scale, person, tolerance, floor)
        return run

    return enter


def spread(
    frame: pd.DataFrame, count: Count, *, levels: tuple[str, ...] = ("district", "town", "company")
) -> pd.DataFrame:
    """num and den (NaN: no denominator) of every place that has a row, index place; `heard`: False where `frame` has a
    column pts and it says that nothing was received. `frame` needs town and company."""
    parts = [(DISTRICT, frame)] if "district" in levels else []
    for level in ("town", "company"):
        if level in levels and len(frame):
            parts += [(str(place), part) for place, part in frame.groupby(level)]
    found = {place: (*count(part), "pts" not in part or part["pts"].sum() > 0) for place, part in parts}
    return pd.DataFrame.from_dict(found, orient="index", columns=["num", "den", "heard"]).astype(
        {"num": float, "den": float}
    )


def rate(key: str, good: str, due: str | None = None) -> Count:
    """Distinct `key` with the flag `good` / distinct `key` with the flag `due` (None: all rows). Only good ones that
    are due count."""

    def count(part: pd.DataFrame) -> Parts:
        within = part if due is None else part[part[due].astype(bool)]
        return within.loc[within[good].astype(bool), key].nunique(), within[key].nunique()

    return count


def number(key: str) -> Count:
    """Distinct `key`, no denominator."""
    return lambda part: (part[key].nunique(), None)


def total(num: str, den: str | None = None) -> Count:
    """Σ num / Σ den (None: no denominator)."""
    return lambda part: (float(part[num].sum()), None if den is None else float(part[den].sum()))
