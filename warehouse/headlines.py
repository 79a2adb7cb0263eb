"""Sentences made by rules from readings: what is off target, what got worse, who stands behind it. No prose by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouse.catalog import Metric
from warehouse.reading import Reading

if TYPE_CHECKING:
    from warehouse.readings import Book

MOST = 6
UNPLACED = "330110000"
"""未分镇街 is nobody's town: it has its own bar, but nobody can be asked about it."""


def figure(metric: Metric, value: float | None) -> str:
    """A value in words for a sentence: 93.4%, 12.0 秒/辆, 1,234 辆."""
    if value is None:
        return "—"
    if metric.unit == "ratio":
        return f"{value * 100:.{metric.decimals}f}%"
    return f"{value:,.{metric.decimals}f} {metric.unit}"


def sentences(book: Book, window: str, at: str | None) -> list[str]:
    """At most six sentences, off target first, then worse than before, then reached."""
    found: list[tuple[int, float, str]] = []
    for metric in book.metrics.values():
        if metric.kind == "now":
            continue
        reading = book.read(metric.id, window, at)
        if reading.status != "ok" or reading.value is None:
            continue
        found.append((_rank(reading), -abs(_change(reading)), _sentence(book, metric, reading, at)))
    return [text for _, _, text in sorted(found)[:MOST]]


def _rank(reading: Reading) -> int:
    if reading.judgement == "bad":
        return 0
    if reading.judgement == "warn":
        return 1
    worse = _change(reading) * (1 if reading.better == "up" else -1) < -0.02 and reading.better != "context"
    return 2 if worse else 3 if reading.judgement == "good" else 4


def _change(reading: Reading) -> float:
    if reading.value is None or not reading.previous:
        return 0.0
    return reading.value - reading.previous if reading.unit == "ratio" else reading.value / reading.previous - 1


def _sentence(book: Book, metric: Metric, reading: Reading, at: str | None) -> str:
    head = f"{metric.label} {figure(metric, reading.value)}"
    if reading.target and reading.judgement:
        word = {"good": "达标", "warn": "接近目标", "bad": "未达标"}[reading.judgement]
        head += f",{word}(目标 {'≥' if metric.better == 'up' else '≤'} {figure(metric, reading.target.green)})"
    change = _change(reading)
    if reading.previous is not None and abs(change) >= 0.0005:  # less would print as 0.0
        size = f"{abs(change) * 100:.1f} 个百分点" if metric.unit == "ratio" else f"{abs(change) * 100:.1f}%"
        head += f",比上期{'升' if change > 0 else '降'} {size}"
    worst = _worst(book, metric, reading, at)
    return f"{head};{worst}" if worst else f"{head}。"


def _worst(book: Book, metric: Metric, reading: Reading, at: str | None) -> str:
    if metric.better == "context" or reading.judgement not in ("warn", "bad"):
        return ""
    towns = [item for item in book.by(metric.id, reading.window, at) if item.value is not None and item.place.code != UNPLACED]
    if len(towns) < 2:
        return ""
    towns.sort(key=lambda item: item.value or 0.0, reverse=metric.better == "down")
    named = "、".join(f"{item.place.label} {figure(metric, item.value)}" for item in towns[:2])
    return f"其中{named}。"
