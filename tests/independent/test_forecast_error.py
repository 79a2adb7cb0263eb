"""The forecast of a period's end held against how periods ended, over the weeks of the large world."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.independent.conftest import Audit
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.core import units
from warehouse.insight import forecast
from warehouse.insight.forecast import Forecast

pytestmark = [pytest.mark.independent, pytest.mark.nightly]  # by day its world has no year
EVERY_DAYS = 3
"""A forecast is made so often; of no multiple of a week, so that each weekday has its turn."""
HELD = (0.75, 0.85)
"""Of a band of 80 %, over some hundred forecasts."""


def earlier(metric: Metric, days: forecast.Days, item: Reading) -> list[tuple[Forecast, float]]:
    """(what was forecast, what became of it) of every day of earlier periods, by who knew the days until then."""
    assert item.target is not None
    newest, found = max(days), []
    for back in range(EVERY_DAYS, len(days), EVERY_DAYS):
        stand = newest - dt.timedelta(days=back)
        start, end = units.window_of(item.window, stand)
        if end > newest or stand == end:
            continue
        known = {day: parts for day, parts in days.items() if day <= stand}
        one = forecast.project(metric, known, item.window, start, item.target.entire) if known else None
        if isinstance(one, Forecast):
            inside = [parts for day, parts in days.items() if start <= day <= end]
            num, den = (sum(part[side] for part in inside) for side in (0, 1))
            found.append((one, metric.scale * (num / den if metric.denominator else num)))
    return found


def naive(metric: Metric, one: Forecast) -> float | None:
    """The period's end by going on as it has begun; None before its first day."""
    if one.so_far is None or metric.denominator:
        return one.so_far
    return one.so_far * ((one.end - one.start).days + 1) / ((one.until - one.start).days + 1)


def test_the_band_holds_four_of_five_outcomes_and_is_nearer_than_going_on(usual: Audit) -> None:
    tried = held = nearer = metrics = 0
    for metric in usual.book.metrics.values():
        for item in forecast.running(usual.book, metric, usual.book.home.code):
            if not isinstance(forecast.of(usual.book, metric, item), Forecast):
                continue
            days = usual.book.daily(item, item.win_end - dt.timedelta(days=forecast.HISTORY_DAYS))
            found = earlier(metric, days, item)
            tried += len(found)
            held += sum(one.low - 1e-9 <= outcome <= one.high + 1e-9 for one, outcome in found)
            both = [(one.value, guess, outcome) for one, outcome in found if (guess := naive(metric, one)) is not None]
            ours, theirs = (sum(abs(row[side] - row[2]) for row in both) for side in (0, 1))
            nearer, metrics = nearer + (ours <= theirs), metrics + 1
            print(
                f"{metric.id} {item.window}: {len(found)} forecasts, error {ours / len(both):.4g}, going on {theirs / len(both):.4g}"
            )
    assert tried >= 100 and HELD[0] <= held / tried <= HELD[1], (held, tried)
    assert nearer >= metrics * 2 / 3, (nearer, metrics)
