"""The same at other times of the year: the middle of May, the week of the Spring Festival, the day after 29 February and
the first days after a year of 53 weeks. In the night: each builds a world of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.independent import worlds
from tests.independent.conftest import audit_of
from tests.independent.verdict import check
from warehouse.catalog.metrics import metrics

pytestmark = [pytest.mark.independent, pytest.mark.nightly]


@pytest.mark.parametrize("world", worlds.CLOCKS, ids=lambda world: world.name)
def test_the_kpis_say_what_the_raw_rows_say_at_another_time(
    world: worlds.World, record_property: Callable[[str, object], None]
) -> None:
    audit, wrong, mute = audit_of(world), [], set()
    counts: Counter[str] = Counter()
    for metric in metrics().values():
        found = check(audit.oracle, audit.book, metric)
        wrong += found.differences
        counts.update(found.counts())
        if not any(grain == "district" and what == "value" for _, grain, what in found.compared):
            mute.add(metric.id)
    record_property("compared", dict(counts))
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:20])
    assert mute <= world.mute, "no window has a value at district level"
