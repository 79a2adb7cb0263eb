"""What the founding announcement says, sentence by sentence, and where each is answered: source, indicator, screen.

Made of announcement.toml and of the indicators' own files, so that it can't tell what the cockpit does not do."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from warehouse.catalog import definitions
from warehouse.catalog.definitions import Metric
from warehouse.core.errors import ConfigError
from warehouse.core.settings import ROOT

SCREENS = {"wall": "大屏", "weekly": "周报"}


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
    return tuple(_fact(given, file.name) for given in tomllib.loads(file.read_text("utf-8"))["fact"])


def _fact(given: dict[str, object], where: str) -> Fact:
    origin, names = given.get("origin", []), given.get("tables", [])
    assert isinstance(origin, list) and isinstance(names, list)
    unknown = [name for name in names if name not in definitions.contracts()]
    metrics = tuple(
        metric
        for metric in definitions.metrics().values()
        if set(origin) & set(metric.origin) or ("programme" in origin and metric.programme)
    )
    if unknown or not (metrics or given.get("archive")):
        raise ConfigError(
            f"公告对照表:{'没有这些表:' + '、'.join(unknown) if unknown else '没有指标回答这一句'}",
            where=f"{where} {given['says']}",
        )
    groups = dict.fromkeys(definitions.GROUPS[metric.group] for metric in metrics)
    shown = [label for key, label in SCREENS.items() if any(key in metric.show for metric in metrics)]
    return Fact(
        str(given["says"]),
        tuple(definitions.contracts()[name].label for name in names),
        metrics,
        tuple([*(f"浏览器·{name}" for name in groups), *shown]),
        str(given.get("open", "")),
        str(given.get("archive", "")),
    )
