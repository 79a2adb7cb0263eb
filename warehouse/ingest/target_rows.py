"""A target that somebody sets: what it must be, and how it takes its place among the rows of own_target. Owns that what was
in force before is never overwritten: it ends on the day before, and stands there with who set it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from warehouse.catalog.schema import Metric
from warehouse.core.errors import UsageError

BASES = ("上级", "本局", "法规")
"""On whose authority the bureau sets a target; a proposal it confirms or replaces, and never makes."""
PROGRESS = {"": "按指标性质", "linear": "按已过天数折算", "whole": "期末才评"}
LONGEST_SOURCE = 80
DAY = dt.timedelta(days=1)
Row = dict[str, str | None]
"""A row of own_target: column → text, None where it is empty."""


@dataclass(frozen=True)
class NewTarget:
    """green, amber: in the stored unit of the indicator. town: name of one, "" for all of them. first..last: days on which
    it is in force, both inclusive, last None = until further notice; a period is held against the target that is in force
    on its last day. source: the paper."""

    kpi_id: str
    period: str
    town: str
    green: float
    amber: float | None
    basis: str
    source: str
    progress: str
    first: dt.date
    last: dt.date | None


def periods(metric: Metric) -> tuple[str, ...]:
    """The periods for which an indicator can have a target: one of a moment has that of the day for all of them."""
    if metric.kind == "now" or metric.better == "context":
        return ()
    return tuple(dict.fromkeys([*(("day",) if metric.kind in ("stock", "state") else ()), *metric.windows]))


def check(metric: Metric, new: NewTarget, towns: Collection[str]) -> None:
    """Raises UsageError for a target that the indicator cannot have. towns: the names that there are."""
    if new.period not in periods(metric):
        raise UsageError(f"“{metric.label}”没有这种统计期的目标", to_do="请从列出的统计期里选")
    if new.town and (new.town not in towns or "town" not in metric.drill):
        raise UsageError(f"“{metric.label}”不能给“{new.town[:20]}”单独定目标", to_do="请从列出的镇街里选，或选全区")
    if not all(math.isfinite(value) and value >= 0 for value in (new.green, new.amber or 0.0)):
        raise UsageError("达标值、预警值须为不小于 0 的数字", to_do="请改正后重新提交")
    if metric.unit == "ratio" and max(new.green, new.amber or 0.0) > 1 and not metric.doubt_above:
        raise UsageError("比率的目标不能超过 100%", to_do="请按百分数填写，如 92")
    sign = 1 if metric.better == "up" else -1
    if new.amber is not None and sign * new.amber > sign * new.green:
        raise UsageError(f"预警值须{'低' if sign > 0 else '高'}于达标值", to_do="请改正后重新提交")
    if new.basis not in BASES or new.progress not in PROGRESS:
        raise UsageError("依据类别或序时进度不对", to_do="请从列出的里选")
    if not 0 < len(new.source) <= LONGEST_SOURCE:
        raise UsageError(f"请写明依据的文件（{LONGEST_SOURCE} 字以内）", to_do="如 局发〔2026〕12 号")
    if new.last is not None and new.last < new.first:
        raise UsageError(f"截止日 {new.last} 早于生效日 {new.first}", to_do="请改正后重新提交")


def placed(rows: Sequence[Row], new: NewTarget, *, by: str, on: dt.date) -> list[Row]:
    """The rows with the new one among them, with who set it and when. A row of the same place and period that begins
    on the same day is replaced, one that begins before ends on the day before. Raises UsageError where one that begins
    later would be covered."""
    stay: list[Row] = []
    for row in rows:
        if (row["kpi_id"], row["period"], row.get("town") or "") != (new.kpi_id, new.period, new.town):
            stay.append(row)
            continue
        first, last = day(row, "valid_from"), day(row, "valid_to")
        if first is not None and first > new.first:
            if new.last is None or new.last >= first:
                raise UsageError(
                    f"自 {first} 起已另有目标（{row['source']}）",
                    to_do=f"请把截止日写在 {first - DAY} 或以前，或先改那一条",
                )
            stay.append(row)
        elif first != new.first:
            ends = new.first - DAY
            stay.append({**row, "valid_to": (ends if last is None or last > ends else last).isoformat()})
    made: Row = {
        "kpi_id": new.kpi_id,
        "period": new.period,
        "green": _text(new.green),
        "amber": None if new.amber is None else _text(new.amber),
        "basis": new.basis,
        "source": new.source,
        "progress": new.progress or None,
        "confirmed_by": by,
        "confirmed_at": on.isoformat(),
        "town": new.town or None,
        "valid_from": new.first.isoformat(),
        "valid_to": None if new.last is None else new.last.isoformat(),
    }
    return [*stay, made]


def day(row: Mapping[str, str | None], column: str) -> dt.date | None:
    """A day of a row; None where it is empty."""
    text = row.get(column)
    return dt.date.fromisoformat(text[:10]) if text else None


def _text(value: float) -> str:
    """A number as it is written into the table: 0.92, not 0.9200000000000000x."""
    return f"{value:.12g}"
