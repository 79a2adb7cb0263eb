"""The appendices of the weekly report: what every figure means, and how good the data of the week were. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from warehouse.catalog.contracts import contracts
from warehouse.catalog.models import models
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.core import data_rules
from warehouse.insight.findings import data
from warehouse.query import data_quality
from warehouse.query.snapshot import Snapshot

ROWS_SHOWN = 14
LACKING_NAMED = 3


def quality(book: Snapshot) -> dict[str, Any]:
    """Sources, checks that did not pass, quarantine and known defects: the page about the data themselves."""
    sources = [
        {
            "label": s.label,
            "data": fmt.clock(s.data_time, year=book.generation.built_at.year),
            "landed": fmt.clock(s.landed_at),
            "promise": fmt.duration(s.stale_after_s),
            "rows": fmt.number(s.rows),
            "bad": fmt.number(s.quarantined),
            "error": s.error,
            "late": bool(
                s.data_time and s.data_time + dt.timedelta(seconds=s.stale_after_s) < book.generation.built_at
            ),
        }
        for s in book.sources()
    ]
    checks = data_quality.checks(book)
    failed = [c for c in checks if c["failed_rows"]]
    rows = sum(s.rows for s in book.sources())
    bad = sum(s.quarantined for s in book.sources())
    return {
        "systems": systems(book),
        "late": [s for s in sources if s["error"] or s["late"]],
        "checks": [
            {
                **c,
                "model": model(c["model"]),
                "word": texts.SEVERITIES[c["severity"]],
                "count": fmt.number(c["failed_rows"]),
            }
            for c in failed[:ROWS_SHOWN]
        ],
        "passed": len(checks) - len(failed),
        "checked": len(checks),
        "quarantine": [
            {
                **q,
                "rule": rule(q["rule"], q["table"]) + ("" if q["is_row"] else "，只缺该字段"),
                "table": label(book, q["table"]),
                "count": fmt.number(q["rows"]),
            }
            for q in data_quality.quarantine(book)[:ROWS_SHOWN]
        ],
        "defects": defects(book),
        "rows": fmt.number(rows),
        "bad": fmt.number(bad),
        "share": str(fmt.value(bad / (rows + bad) if rows + bad else None, "ratio", 2)),
    }


def systems(book: Snapshot) -> list[dict[str, Any]]:
    """One line a source system: its feeds that are connected, how many of these kept their promise, how many more are
    未接入, newest data, rows."""
    found: dict[str, list[Any]] = {}
    for source in book.sources():
        found.setdefault(source.label.split("·")[0], []).append(source)
    rows = []
    for name, tables in found.items():
        feeds = [s for s in tables if s.is_connected]
        times = [s.data_time for s in feeds if s.data_time]
        stored = sum(
            1
            for s in feeds
            if not s.error
            and s.data_time
            and s.data_time + dt.timedelta(seconds=s.stale_after_s) >= book.generation.built_at
        )
        rows.append(
            {
                "label": name,
                "feeds": len(feeds),
                "stored": stored,
                "absent": len(tables) - len(feeds),
                "data": fmt.clock(max(times)) if times else fmt.DASH,
                "rows": fmt.number(sum(s.rows for s in feeds)),
                "bad": fmt.number(sum(s.quarantined for s in feeds)),
            }
        )
    return rows


def unconnected(book: Snapshot, metrics: Iterable[Metric], lacking: Sequence[str]) -> dict[str, Any]:
    """What is 未接入 below these metrics and which numbers lack for it. lacking: labels of those numbers. names: a system
    none of whose tables delivers by its own name, else with its tables; labels: the numbers; line: both in one
    sentence, "" when everything is connected."""
    by_system: dict[str, list[str]] = {}
    for state in data.unconnected(book, metrics):
        system, _, table = state.label.partition("·")
        by_system.setdefault(system, []).append(table)
    delivering = {s.label.split("·")[0] for s in book.sources() if s.is_connected}
    names = [
        f"{system}（{'、'.join(tables)}）" if system in delivering else system for system, tables in by_system.items()
    ]
    if not names:
        return {"names": [], "labels": [], "line": ""}
    more = f"等 {len(lacking)} 项指标" if len(lacking) > LACKING_NAMED else ""
    for_it = f"，因此没有{'、'.join(lacking[:LACKING_NAMED])}{more}" if lacking else "，各项指标不受影响"
    return {"names": names, "labels": list(lacking), "line": f"未接入：{'、'.join(names)}{for_it}。"}


def rule(identifier: str, table: str = "") -> str:
    """A rule of quarantine or defects as a reader of numbers says it, without its id: "漂移", "必填缺失（信用代码）". table: the
    landed table whose column is at fault."""
    kind, _, name = identifier.partition(":")
    if not name:
        return data_rules.RULES.get(kind, kind)
    found = contracts().get(table)
    column = found.open.get(name, name) if found else name
    return f"{data_rules.KINDS.get(kind) or data_rules.RULES.get(kind, kind)}（{column}）"


def model(identifier: str) -> str:
    """The Chinese name of a model."""
    found = models().get(identifier)
    return found.label if found else identifier


def label(book: Snapshot, table: str) -> str:
    """The Chinese name of a landed table."""
    return next((s.label for s in book.sources() if f"{s.source}_{s.entity}" == table), table)


def defects(book: Snapshot) -> list[dict[str, Any]]:
    """Known defects, each rule and subject once: the largest count, because the same rows are found by several
    models."""
    most: dict[tuple[str, str], int] = {}
    for item in data_quality.defects(book):
        key = (item["rule"], item["label"])
        most[key] = max(most.get(key, 0), item["rows"])
    return [{"rule": rule(code), "label": label, "count": fmt.number(n)} for (code, label), n in most.items()][
        :ROWS_SHOWN
    ]


def definition(metric: Metric, item: Reading) -> dict[str, Any]:
    """One entry of the appendix."""
    # the first publication is no change, and that a target is only proposed is told once for all
    change = metric.changed[-1] if len(metric.changed) > 1 else None
    return {
        "label": metric.label,
        "number": metric.number,
        "describe": metric.describe,
        "basis": metric.basis,
        "unit": "%" if metric.unit == "ratio" else metric.unit,
        "owner": metric.owner,
        "better": {"up": "越高越好", "down": "越低越好", "context": "仅作参考"}[metric.better],
        "target": item.target.source if item.target and not item.target.is_proposed else "",
        "change": f"{change.on} {change.what}" if change else "",
    }
