"""Where a number comes from: metric → the models below its mart → landed tables → source systems. Told from the
catalogue and from what the models' SELECTs read, never from a list kept by hand. Knows no state and no picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from warehouse.build import graph
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models

Layer = Literal["metric", "mart", "staging", "landed", "source"]
BOOKS = {"run.delivery": "到货记录", "raw.quarantine": "隔离区"}
"""What the loading process writes of itself and a model may read, in words."""
NEWEST = {"gps_latest": "gps_location"}
"""A table that is kept beside a landed one and holds nothing else."""
LOADER = "run"
"""The source of the books."""


@dataclass(frozen=True)
class Node:
    """id: the metric's id, "marts.vehicle_day", "staging.stg_…", "raw.yz_vehicle", "run.delivery" or "source.yz". name:
    what it is called in the warehouse, "" for a source. label: in words. reads: ids of the nodes that it is made of.
    is_timed: a landed table by which the metric tells its data time. is_counted: the mart that the metric itself
    counts."""

    id: str
    layer: Layer
    name: str
    label: str
    reads: tuple[str, ...] = ()
    is_timed: bool = False
    is_counted: bool = False


@cache
def of(metric_id: str) -> tuple[Node, ...]:
    """Everything below a metric, once each, every node before what it reads for the first time. Raises KeyError for an
    unknown metric."""
    metric = metrics()[metric_id]
    mart, timed = f"marts.{metric.mart}", tuple(f"raw.{table}" for table in metric.sources)
    found: dict[str, Node] = {}

    def follow(identifier: str) -> None:
        if identifier not in found:
            found[identifier] = _node(identifier, is_timed=identifier in timed, is_counted=identifier == mart)
            for below in found[identifier].reads:
                follow(below)

    follow(mart)
    # a source that the metric names and its mart does not read would be a fault of the catalogue; it is shown, not
    # hidden
    beside = tuple(table for table in timed if table not in found)
    for table in beside:
        follow(table)
    return (Node(metric.id, "metric", metric.id, metric.label, (mart, *beside)), *found.values())


@cache
def above(table: str) -> tuple[str, ...]:
    """Ids of the metrics that a landed table is anywhere below, those first that tell it as their source."""
    found = [metric for metric in metrics().values() if table in graph.raw_below(metric.mart)]
    return tuple(metric.id for metric in sorted(found, key=lambda metric: table not in metric.sources))


def _node(identifier: str, *, is_timed: bool, is_counted: bool) -> Node:
    layer, _, name = identifier.partition(".")
    if layer == "source":
        return Node(identifier, "source", "", _source_label(name))
    if layer in ("marts", "staging"):
        model = models()[name]
        return Node(
            identifier,
            "mart" if layer == "marts" else "staging",
            name,
            model.label,
            _reads(name),
            is_counted=is_counted,
        )
    contract = contracts().get(name) if layer == "raw" else None
    if contract is None:
        return Node(identifier, "landed", identifier, BOOKS.get(identifier, identifier), (f"source.{LOADER}",))
    return Node(identifier, "landed", name, contract.label, (f"source.{contract.source}",), is_timed)


@cache
def _reads(model: str) -> tuple[str, ...]:
    found = []
    for table in sorted(graph.inputs(model)):
        if table.split(".")[0] in ("marts", "staging"):
            found.append(table)
        elif (landed := graph.landed(table)) is not None:
            found.append(_id(landed))
    return tuple(dict.fromkeys(found))


def _id(landed: str) -> str:
    """The node of a landed table or book as the build names it."""
    return landed if landed.startswith(f"{LOADER}.") else f"raw.{NEWEST.get(landed, landed)}"


@cache
def landed_below(model: str) -> tuple[str, ...]:
    """Ids of the landed tables and books anywhere below a model, in the order of their names."""
    return tuple(dict.fromkeys(_id(landed) for landed in sorted(graph.raw_below(model))))


def _source_label(source: str) -> str:
    return sources().get(source, "装载程序自记")


@cache
def sources() -> dict[str, str]:
    """Source systems by id with what they are called, in the order of their ids."""
    return {contract.source: contract.label.split("·")[0] for _, contract in sorted(contracts().items())}
