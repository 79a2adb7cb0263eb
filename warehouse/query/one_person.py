"""Owners with one driver or one vehicle at most: what their vehicles did is what a person did (PIPL 28, GB/T 45574-2025
6.6: tracks). Owns which indicators tell of it; such an owner has no number of its own in them, neither in a list nor on
its page nor in a split, and is part of the sums over it. Where these would be of fewer than three owners the next
smallest have none either (marts.pooled_owner)."""

from __future__ import annotations

from warehouse.catalog.models import models, words
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import STATUS_LABELS

POOLED = "*"
"""The member that holds all such owners, or all their vehicles, where a number is split."""
TOWN = STATUS_LABELS["small_cell"]
"""Stands for such a town's name beside a single vehicle: its trucks are those of a few who are known by name."""


def tells_of_vehicles(metric: Metric) -> bool:
    """Whether its rows say what single vehicles did; that they are in the register is no secret."""
    return metric.kind not in ("stock", "state") and {"vehicle_key", "company_key"} <= words(models()[metric.mart].sql)


def among(column: str, places: str) -> str:
    """The condition that a row is of such a place. column: that holds it; places: SELECT of their codes."""
    return f"coalesce({column}, '') IN ({places})"
