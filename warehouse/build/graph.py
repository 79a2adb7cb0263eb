"""Which model reads what: the order in which models are made, and what lies below and above each. Read from the
SELECTs themselves, by the parser of the database that runs them; knows no data."""

from __future__ import annotations

import re
from functools import cache
from graphlib import TopologicalSorter

import duckdb

from warehouse.catalog.models import models
from warehouse.core.errors import ConfigError

TABLE = re.compile(r'"type":"BASE_TABLE"[^{}]*?"schema_name":"(\w+)","table_name":"(\w+)"')
"""A table with its layer in DuckDB's syntax tree; names without one are common table expressions."""


@cache
def inputs(name: str) -> frozenset[str]:
    """Tables that a model's SELECT reads, as `layer.table`, from its syntax tree (not from a list kept by hand)."""
    tree = _trees().get(models()[name].sql) or _parsed([models()[name].sql])[0]
    return frozenset(f"{layer}.{table}" for layer, table in TABLE.findall(tree))


@cache
def _trees() -> dict[str, str]:
    """SELECT → syntax tree, of every model: parsed at once, which is a tenth of what it costs one by one."""
    stated = [model.sql for model in models().values()]
    return dict(zip(stated, _parsed(stated), strict=True))


def _parsed(stated: list[str]) -> list[str]:
    with duckdb.connect() as parser:
        rows = parser.execute("SELECT json_serialize_sql(sql) FROM (SELECT unnest(?) AS sql)", [stated]).fetchall()
    return [row[0] for row in rows]


@cache
def order() -> tuple[str, ...]:
    """All models, inputs before users. Raises ConfigError for a circle or a table nobody makes."""
    known = set(models())
    graph: dict[str, set[str]] = {}
    for name, model in models().items():
        uses = {table.split(".")[1] for table in inputs(name) if table.split(".")[0] in ("staging", "marts")}
        if uses - known:
            raise ConfigError(
                f"模型引用了不存在的表：{'、'.join(sorted(uses - known))}", where=f"{model.layer}/{name}.sql"
            )
        graph[name] = uses
    return tuple(TopologicalSorter(graph).static_order())


def landed(table: str) -> str | None:
    """The landed table (`yz_vehicle`) or book (`run.delivery`) behind a table that a SELECT names; None for models and
    for what the build itself keeps (build.clock)."""
    layer, bare = table.split(".")
    if layer == "lake":
        return "gps_location"
    if layer == "raw":
        return bare.removesuffix("_history")
    return table if layer == "run" else None


def view(table: str) -> str:
    """What a table (`marts.gps_stop`) is called on a cluster, whose temporary views have no schema."""
    return table.replace(".", "_")


@cache
def raw_below(name: str) -> frozenset[str]:
    """Landed tables (`yz_vehicle`) and books (`run.delivery`) anywhere below a model."""
    found: set[str] = set()
    for table in inputs(name):
        layer, bare = table.split(".")
        if layer in ("staging", "marts"):
            found |= raw_below(bare)
        elif (behind := landed(table)) is not None:
            found.add(behind)
    return frozenset(found)


@cache
def reads_positions(name: str) -> bool:
    """Whether a model is made of positions themselves: only days whose positions are held can be made again."""
    scratch = {table.split(".")[1] for table in inputs(name) if table.split(".")[0] == "staging"}
    return "lake.gps_location" in inputs(name) or any(
        models()[other].build in ("scratch", "view") and reads_positions(other) for other in scratch
    )


@cache
def below(name: str) -> frozenset[str]:
    """Models that stand on this one, itself included."""
    found = {name}
    for other in order():
        if any(table.split(".")[1] in found for table in inputs(other) if table.split(".")[0] in ("staging", "marts")):
            found.add(other)
    return frozenset(found)


def above(name: str) -> frozenset[str]:
    """Models that this one stands on, itself included."""
    found = {name}
    for table in inputs(name):
        layer, bare = table.split(".")
        if layer in ("staging", "marts"):
            found |= above(bare)
    return frozenset(found)
