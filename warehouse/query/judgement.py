"""How a number stands to what is expected of it: reached, nearly, missed, or not to be believed."""

from __future__ import annotations

from typing import Any

from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Target


def judge(metric: Metric, value: float | None, target: Target | None) -> Any:
    """good when the target is reached (inclusive), warn up to amber, bad beyond; None without value, target or
    direction."""
    if value is None or target is None or metric.better == "context":
        return None
    sign = 1 if metric.better == "up" else -1
    if sign * value >= sign * target.green:
        return "good"
    return "warn" if target.amber is not None and sign * value >= sign * target.amber else "bad"


def doubt(metric: Metric, value: float | None) -> str:
    """Why a number is not to be believed without a look at the data (D18), "" when it is plausible."""
    if not metric.doubt_above or value is None or value <= metric.doubt_above:
        return ""
    return (
        f"超过 {metric.doubt_above:.0%}，数据存疑，请核对台账"
        if metric.unit == "ratio"
        else f"超过 {metric.doubt_above:g}，数据存疑"
    )
