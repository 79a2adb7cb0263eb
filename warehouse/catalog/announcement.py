"""What the founding announcement says, sentence by sentence, and where each is answered: source, indicator, screen.

Made of announcement.toml and of the indicators' own files, so that it can't tell what the cockpit does not do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import GROUPS, AnnouncementDescription, FactDescription, Metric
from warehouse.core import toml
from warehouse.core.settings import ROOT

SCREENS = {"wall": "大屏", "weekly": "周报"}
EVERY_PROGRAMME = "programme"
"""The origin of a sentence that all indicators of the six programmes answer."""


@dataclass(frozen=True)
class Fact:
    """A sentence of the announcement. tables: landed tables behind it, by label; metrics: indicators that answer it;
    screens: where they are seen; open: what only the bureau can say ("" = nothing); archive: why it has no indicator of
    its own today."""

    says: str
    tables: tuple[str, ...]
    metrics: tuple[Metric, ...]
    screens: tuple[str, ...]
    open: str = ""
    archive: str = ""


@cache
def facts() -> tuple[Fact, ...]:
    """All sentences in their order. Raises ConfigError for an unknown table or a sentence that nothing answers."""
    file = ROOT / "catalog" / "announcement.toml"
    given = toml.read(file, AnnouncementDescription)
    return tuple(_fact(one, f"{file.name} {one.says}") for one in given.fact)


def _fact(given: FactDescription, where: str) -> Fact:
    for name in given.tables:
        toml.one_of(name, contracts(), "tables", where)
    answering = tuple(
        metric
        for metric in metrics().values()
        if set(given.origin) & set(metric.origin) or (EVERY_PROGRAMME in given.origin and metric.programme)
    )
    if not (answering or given.archive):
        marks = sorted({mark for metric in metrics().values() for mark in metric.origin})
        raise toml.refuse(
            "origin",
            "、".join(given.origin),
            f"指标写过的句号（{'、'.join(marks)}）",
            where,
            to_do="没有指标回答这一句：请改 origin，或在 archive 写明原因",
        )
    groups = dict.fromkeys(GROUPS[metric.group] for metric in answering)
    shown = [label for key, label in SCREENS.items() if any(key in metric.show for metric in answering)]
    return Fact(
        given.says,
        tuple(contracts()[name].label for name in given.tables),
        answering,
        tuple([*(f"浏览器·{name}" for name in groups), *shown]),
        given.open,
        given.archive,
    )
