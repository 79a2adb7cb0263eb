"""Persons by town and company: what is counted before anything is let out, and that what is let out tells of many. Both
from the raw rows; who could be meant is worked out from the employments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pandas as pd
import pytest

from tests.depth import depth
from tests.independent import catalogue
from tests.independent.compare import near
from tests.independent.conftest import Audit
from tests.independent.oracle import Oracle
from tests.independent.tally import DISTRICT, KPIS
from tests.independent.windows import Span, Window
from tests.independent.worlds import USUAL, made
from warehouse.build import person_places
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile import metric_sql
from warehouse.core.database import Writer
from warehouse.core.settings import Settings

pytestmark = pytest.mark.independent
PERSONS = [metric for metric in metrics().values() if metric.person]
MONTHS = 3
Enter = Callable[[str, object], None]


@pytest.fixture(scope="module")
def writer(usual: Audit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """The warehouse of the usual world, in a copy."""
    copy = tmp_path_factory.mktemp("counts")
    (copy / "warehouse.duckdb").write_bytes(Settings(made(USUAL)).warehouse.read_bytes())
    with closing(Writer(copy / "warehouse.duckdb", copy / "tmp")) as opened:
        yield opened


def windows(oracle: Oracle, metric: Metric) -> list[Window]:
    """The last closed ones."""
    closed = oracle.closed(metric)
    return [closed.before(steps) for steps in range(MONTHS if closed.name == "month" else 1)]


def span_of(oracle: Oracle, metric: Metric, window: Window) -> tuple[Span, metric_sql.Span]:
    """The days that count, as the oracle and as the product write them."""
    ours = oracle.span(KPIS[metric.id], window)
    is_stock = metric.kind in ("stock", "state")
    start = (ours.last if is_stock else window.start).date()
    return ours, metric_sql.Span(start, start if is_stock else ours.first.date(), ours.last.date())


@pytest.mark.parametrize("metric", PERSONS, ids=lambda metric: metric.id)
def test_every_town_and_company_is_counted_as_the_raw_rows_say(
    usual: Audit, writer: Writer, metric: Metric, record_property: Enter
) -> None:
    compared, wrong = 0, []
    for window in windows(usual.oracle, metric):
        days, span = span_of(usual.oracle, metric, window)
        known = person_places.drivers_of(writer, [span.last])
        counted = person_places._counts(writer, metric, [span], known)[span.start].cells
        found = usual.oracle.places(KPIS[metric.id], days)
        for place in sorted({*counted, *found.index} - {"330110000"}):
            num, den, _ = counted.get(place, (0.0, 0.0, 0.0))
            row = found.loc[place] if place in found.index else pd.Series({"num": 0.0, "den": 0.0})
            theirs, whole = (0.0 if pd.isna(row[side]) else float(row[side]) for side in ("num", "den"))
            if not near(KPIS[metric.id], num, theirs) or (metric.denominator and not near(KPIS[metric.id], den, whole)):
                wrong.append(f"{place} {window.at}: product {num}/{den}, independent {theirs}/{whole}")
            compared += 2 if metric.denominator else 1
    assert not wrong, "\n".join(wrong[:20])
    record_property("compared", {"persons by town and company": compared})


@pytest.mark.parametrize("metric", PERSONS, ids=lambda metric: metric.id)
def test_what_is_listed_tells_of_many_and_so_does_the_rest(usual: Audit, metric: Metric) -> None:
    """At least ten persons, five in each class, unless the district has none of a class; and the same of what remains
    when the listed towns are taken from the district. A town that shows the number of an earlier month is in the rest."""
    closed = usual.oracle.closed(metric)
    days, _ = span_of(usual.oracle, metric, closed)
    drivers = usual.oracle.data.people.drivers(days.last)
    towns = {
        reading.place.code: (reading.num or 0.0, reading.den or 0.0)
        for reading in usual.book.by(metric.id, closed.name, closed.at, "town")
        if reading.status in ("ok", "insufficient") and not reading.held_from
    }
    if not towns or metric.weighs or (metric.persons and not metric.denominator):
        return
    whole = usual.book.read(metric.id, closed.name, closed.at)
    everybody = float(drivers["person_key"].nunique())
    parts = classes(metric, (whole.num or 0.0, whole.den or 0.0), everybody)
    void = {index for index, size in enumerate(parts) if size <= 0}
    for code, pair in towns.items():
        people = float(drivers.loc[drivers["town"] == code, "person_key"].nunique())
        held = classes(metric, pair, people)
        assert all(size >= catalogue.LEAST for at, size in enumerate(held) if at not in void), (code, held)
        assert sum(held) >= catalogue.POPULATION, (code, held)
        parts = [left - size for left, size in zip(parts, held, strict=True)]
    if any(size > 0 for size in parts):
        assert all(size >= catalogue.LEAST for at, size in enumerate(parts) if at not in void), parts


def classes(metric: Metric, pair: tuple[float, float], people: float) -> list[float]:
    """The groups that a pair of numbers divides those into whom it could tell of."""
    num, den = pair
    if not metric.denominator:
        return [num, people - num]
    return [num, den - num, people - den] if metric.population == "drivers" else [num, den - num]


def test_leaders_do_see_towns_and_companies(usual: Audit) -> None:
    """The rule hides persons, not the district: towns with enough drivers have their numbers, and companies with
    many; in the smaller world of the day few are so large."""
    closed = usual.oracle.closed(metrics()["drv_driver_cnt"])
    for identifier, grain, least in (
        ("drv_driver_cnt", "town", depth(2, 5)),
        ("p5_mp_register_rate", "town", depth(2, 4)),
    ):
        listed = usual.book.by(identifier, closed.name, closed.at, grain)
        assert sum(reading.status == "ok" for reading in listed) >= least, (identifier, DISTRICT)
