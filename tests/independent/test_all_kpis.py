"""Each of the 80 KPIs, at district, town and company, against the second computation. A KPI of which the data say
nothing fails."""

from __future__ import annotations

import pytest

from tests.independent.compare import compare, windows
from tests.independent.conftest import MODULES
from tests.independent.tally import KPIS, Data
from warehouse.catalog.metrics import metrics
from warehouse.query.snapshot_store import Snapshot

pytestmark = pytest.mark.independent


def test_eighty_are_declared_and_eighty_are_computed_again() -> None:
    assert len(metrics()) == 80 and MODULES
    assert sorted(metric.number for metric in metrics().values()) == list(range(1, 81))
    assert {(metric.id, metric.number) for metric in metrics().values()} == {
        (own.id, own.number) for own in KPIS.values()
    }


@pytest.mark.parametrize("identifier", list(metrics()))
def test_a_kpi_says_what_the_raw_rows_say(data: Data, book: Snapshot, identifier: str) -> None:
    metric, own = metrics()[identifier], KPIS[identifier]
    assert metric.scale == own.scale and bool(metric.denominator) == own.ratio and metric.person >= own.person
    wrong, compared = [], 0
    for window, at in windows(metric, own.kind, book.generation.built_at.date()):
        differences, count = compare(data, book, metric, own, window, at)
        wrong += differences
        compared += count
    assert not wrong, f"{len(wrong)} readings differ:\n" + "\n".join(map(str, wrong[:20]))
    assert compared, "the data have nothing to compare: no window has a value at district level"
