"""Everything the product says of the 80 KPIs, against the second computation: numbers, status, comparisons, target,
judgement, side values, cuts and causes, in all windows, at district, town and company."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.independent import silent
from tests.independent.conftest import MODULES, Audit
from tests.independent.cuts import CUTS
from tests.independent.sides import SIDES
from tests.independent.tally import KPIS
from tests.independent.verdict import check
from warehouse.catalog.metrics import metrics

pytestmark = pytest.mark.independent
Enter = Callable[[str, object], None]


def test_eighty_are_declared_and_eighty_are_computed_again() -> None:
    assert len(metrics()) == 80 and MODULES
    assert sorted(metric.number for metric in metrics().values()) == list(range(1, 81))
    assert {(metric.id, metric.number) for metric in metrics().values()} == {
        (own.id, own.number) for own in KPIS.values()
    }


def test_every_side_value_and_every_cut_is_computed_again() -> None:
    assert {(metric.id, label) for metric in metrics().values() for label in metric.parts} == set(SIDES)
    assert {(metric.id, name) for metric in metrics().values() for name in metric.slices} == set(CUTS)


@pytest.mark.parametrize("identifier", list(metrics()))
def test_a_kpi_says_what_the_raw_rows_say(usual: Audit, identifier: str, record_property: Enter) -> None:
    metric, own = metrics()[identifier], KPIS[identifier]
    assert metric.scale == own.scale and bool(metric.denominator) == own.ratio
    found = check(usual.oracle, usual.book, metric)
    record_property("compared", found.counts())
    assert not found.differences, f"{len(found.differences)} differ:\n" + "\n".join(found.differences[:20])
    unsaid = found.unsaid(metric)
    assert unsaid == silent.USUAL.get(identifier, set()), "compared with no value on either side"
