"""血缘 is told from the catalogue: whole, without a loose end, in words, and nothing that a metric names is missing
below it."""

from __future__ import annotations

import re

import pytest

from warehouse.build import graph
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.insight import lineage

METRICS = list(metrics())


@pytest.mark.parametrize("metric", METRICS)
def test_the_way_down_from_a_metric_is_whole(metric: str) -> None:
    nodes = lineage.of(metric)
    by_id = {node.id: node for node in nodes}
    assert len(by_id) == len(nodes) and nodes[0].id == metric and nodes[0].layer == "metric"
    seen = {metric}
    for node in nodes:
        assert node.id in seen, "a node stands after one that reads it"
        seen |= set(node.reads)
        assert set(node.reads) <= set(by_id)
        assert bool(node.reads) == (node.layer != "source"), "only a source reads nothing"
    below = {lineage.NEWEST.get(table, table) for table in graph.raw_below(metrics()[metric].mart)}
    assert {node.name.removeprefix("raw.") for node in nodes if node.layer == "landed"} == below


@pytest.mark.parametrize("metric", METRICS)
def test_what_a_metric_tells_its_data_time_by_lies_below_its_mart(metric: str) -> None:
    nodes, found = lineage.of(metric), metrics()[metric]
    assert nodes[0].reads == (f"marts.{found.mart}",)
    assert {node.name for node in nodes if node.is_timed} == set(found.sources)
    assert [node.name for node in nodes if node.is_counted] == [found.mart]


def test_every_step_has_words() -> None:
    for metric in METRICS:
        for node in lineage.of(metric):
            assert re.search(r"[一-鿿]", node.label), node
    assert lineage.sources()["yz"] == "道路运政" and len(lineage.sources()) == len(
        {contract.source for contract in contracts().values()}
    )


def test_only_what_is_read_is_below() -> None:
    points = lineage.of("p5_points_redeem_rate")
    assert [node.id for node in points] == ["p5_points_redeem_rate", "marts.points_day", "raw.mp_points", "source.mp"]
    online = {node.id for node in lineage.of("fleet_online_rate")}
    assert (
        "raw.gps_location" in online
        and "raw.yz_company" in online
        and not [node for node in online if "history" in node or node.startswith(("lake.", "build."))]
    )
    assert {"run.delivery", "source.run"} <= {node.id for node in lineage.of("dh_source_ontime_rate")}
    with pytest.raises(KeyError):
        lineage.of("no_such")
