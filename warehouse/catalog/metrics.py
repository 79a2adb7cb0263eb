"""Indicators: one file each. Owns reading warehouse/metrics/<group>/<id>.toml and what an indicator may say about the
models and landed tables below it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from warehouse.catalog.contracts import contracts
from warehouse.catalog.models import models, words
from warehouse.catalog.schema import GRAIN_COLUMN, GROUPS, Metric, MetricDescription, beside
from warehouse.core import toml
from warehouse.core.errors import UsageError
from warehouse.core.settings import ROOT


@cache
def metrics() -> dict[str, Metric]:
    """All metrics by id, ordered by their number in the catalogue. Raises ConfigError naming file, key and value."""
    found = [_metric(file) for file in sorted((ROOT / "metrics").glob("*/*.toml"))]
    by_number: dict[int, Metric] = {}
    for metric in found:
        other = by_number.setdefault(metric.number, metric)
        if other is not metric:
            free = max(one.number for one in found) + 1
            taken = f"还没有用过的号，如 {free}（{metric.number} 已是 {other.id}）"
            raise toml.refuse("number", metric.number, taken, f"{metric.id}.toml", to_do=f"请把 number 改为 {free}")
    return {metric.id: metric for _, metric in sorted(by_number.items())}


def metric(identifier: str) -> Metric:
    """The metric of that id. Raises UsageError with close names when there is none."""
    if identifier not in metrics():
        near = [name for name in metrics() if identifier.split("_", maxsplit=1)[0] in name][:5]
        raise UsageError(
            f"没有这个指标：{identifier}", to_do=f"可用：{'、'.join(near or list(metrics())[:5])} …，全部见 metric list"
        )
    return metrics()[identifier]


def _metric(file: Path) -> Metric:
    metric = Metric(**beside(toml.read(file, MetricDescription)), id=file.stem, group=file.parent.name)
    toml.one_of(metric.group, GROUPS, "所在文件夹", file.name)
    toml.one_of(metric.mart, [name for name, model in models().items() if model.layer == "marts"], "mart", file.name)
    for table in metric.sources:
        toml.one_of(table, contracts(), "sources", file.name)
    for table in metric.optional:
        toml.one_of(table, metric.sources, "optional", file.name)
    _check_cuts(metric, file.name)
    _check_sums(metric, file.name)
    _check_privacy(metric, file.name)
    return metric


def _check_cuts(metric: Metric, where: str) -> None:
    """What the mart can be cut by."""
    mart = models()[metric.mart]
    grains = [grain for grain, column in GRAIN_COLUMN.items() if column in words(mart.sql)]
    for grain in metric.drill:
        toml.one_of(grain, grains, "drill", where)
    for dimension in metric.slices:
        toml.one_of(dimension, mart.dimensions, "slices", where)


def _check_sums(metric: Metric, where: str) -> None:
    if metric.unit == "ratio" and not metric.denominator:
        raise toml.refuse("denominator", metric.denominator, "一个表达式（unit 为 ratio 时必填）", where)
    if (metric.kind == "now" or "now" in metric.windows) and (metric.kind, metric.windows) != ("now", ("now",)):
        raise toml.refuse("windows", "、".join(metric.windows), '["now"]，只用于 kind = "now"，且只能有这一个', where)
    if metric.lookback_days and metric.kind != "flow":
        raise toml.refuse("lookback_days", metric.lookback_days, '0（只有 kind = "flow" 能回看）', where)
    if metric.min_den and not metric.denominator:
        raise toml.refuse("min_den", metric.min_den, "0（没有 denominator）", where)


def _check_privacy(metric: Metric, where: str) -> None:
    """What is made of persons is counted behind the wall; its rows are in the restricted file only."""
    if metric.person and metric.level != "L3":
        raise toml.refuse("level", metric.level, "L3（person = true 的指标）", where)
    if metric.person != (models()[metric.mart].publish == "restricted"):
        allowed = "true" if not metric.person else "false"
        raise toml.refuse("person", metric.person, f"{allowed}（mart {metric.mart} 的 publish）", where)
    if metric.person and not metric.population:
        raise toml.refuse(
            "population", "", "denominator 或 drivers（涉及个人的指标必填：这个数可能说到的是哪些人）", where
        )
    for key in ("population", "persons", "weighs", "family"):
        if getattr(metric, key) and not metric.person:
            raise toml.refuse(key, getattr(metric, key), "不写（只用于 person = true 的指标）", where)
    if metric.population == "denominator" and metric.unit == "ratio" and not metric.denominator:
        raise toml.refuse("population", "denominator", "drivers（没有 denominator）", where)
    if metric.person and "vehicle" in metric.drill:
        raise toml.refuse("drill", "vehicle", "town、company（涉及个人的指标不下钻到车）", where)
