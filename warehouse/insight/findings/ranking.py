"""Which places are behind in a number. Nobody's town (归属待核), places without a value, places that count too few and places that are
where they should be are never named."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.catalog.schema import Metric
from warehouse.compile.reading import UNPLACED, Reading
from warehouse.core import units
from warehouse.insight.findings.thresholds import is_ranked
from warehouse.query.snapshot import Snapshot


def ranked(readings: Sequence[Reading]) -> list[Reading]:
    """The places that may be ranked, the worst first, equal ones by code. Numbers without a direction are not ranked."""
    known = [one for one in readings if one.better != "context" and one.place.code != UNPLACED and is_ranked(one)]
    return sorted(known, key=lambda one: ((one.value or 0.0) * (1 if one.better == "up" else -1), one.place.code))


def behind(book: Snapshot, reading: Reading) -> list[Reading]:
    """The towns that are behind in a district's number, the worst first.

    With a target: those that miss it; without one: those on the wrong side of the district's own value. [] for a place below the
    district, where the towns are of another period (persons, by closed months), for plain counts (a large town has more
    of everything) and where fewer than two towns can be compared."""
    metric = book.metrics[reading.metric]
    if reading.place.grain != "district" or reading.value is None or not _is_comparable(metric):
        return []
    at = None if reading.window == "now" else units.at_label(reading.window, reading.win_start)
    towns = [
        town
        for town in ranked(book.by(reading.metric, reading.window, at))
        if (town.window, town.win_start) == (reading.window, reading.win_start)
    ]
    return [town for town in towns if _is_behind(town, reading)] if len(towns) > 1 else []


def _is_comparable(metric: Metric) -> bool:
    return bool(metric.denominator) and metric.better != "context" and "town" in metric.drill


def _is_behind(town: Reading, district: Reading) -> bool:
    if town.target is not None:
        return town.judgement in ("warn", "bad")
    sign = 1 if district.better == "up" else -1
    return sign * (town.value or 0.0) < sign * (district.value or 0.0)
