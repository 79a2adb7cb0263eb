"""What a stored number was made by: a definition's digest runs from the macros through every SELECT below it to the
indicator, so that a change anywhere reaches all that stands on it."""

from __future__ import annotations

import hashlib
import re
from functools import cache

from warehouse.build.graph import inputs
from warehouse.catalog.models import models
from warehouse.catalog.schema import Metric
from warehouse.core.settings import ROOT

MACRO = re.compile(r"CREATE OR REPLACE TEMP MACRO (\w+)\(.*?;\s*$", re.S | re.M)
CALLED = re.compile(r"(\w+)\(")
COUNTED = (
    "mart",
    "kind",
    "where",
    "numerator",
    "denominator",
    "present",
    "parts",
    "scale",
    "min_den",
    "lookback_days",
    "windows",
    "drill",
    "slices",
    "person",
    "population",
    "persons",
    "weighs",
    "family",
)
"""What of an indicator's file decides its numbers; a better label changes none."""


@cache
def of_model(name: str) -> str:
    """Hex digest of a model's SELECT, how it is built, the macros it uses and the models it reads."""

    model = models()[name]
    below = sorted(table.split(".")[1] for table in inputs(name) if table.split(".")[0] in ("staging", "marts"))
    stated = [model.sql, model.build, str(model.touched_by), str(model.spill_days), *_macros_in(model.sql)]
    return _digest([*stated, *(of_model(other) for other in below)])


def of_metric(metric: Metric) -> str:
    """Hex digest of all that decides an indicator's numbers."""
    return _digest([*(f"{key}={getattr(metric, key)}" for key in COUNTED), of_model(metric.mart)])


@cache
def _macros() -> dict[str, str]:
    text = (ROOT / "core" / "sql" / "macros.sql").read_text("utf-8")
    return {found[1]: found[0] for found in MACRO.finditer(text)}


def _macros_in(sql: str) -> list[str]:
    """Definitions of the macros that a text calls, and of those that they call, by name."""
    found: dict[str, str] = {}
    waiting = [sql]
    while waiting:
        for name in _macros().keys() & set(CALLED.findall(waiting.pop())) - found.keys():
            found[name] = _macros()[name]
            waiting.append(found[name])
    return [found[name] for name in sorted(found)]


def _digest(stated: list[str]) -> str:
    return hashlib.sha256("\n".join(stated).encode()).hexdigest()
