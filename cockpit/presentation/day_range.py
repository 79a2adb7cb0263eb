"""Any days that follow one another: the ranges that have a name, which days may be asked for, and why a number cannot be
told of them. Screen, paper and export ask here, so that all three refuse alike. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from cockpit.presentation.reading_view import REASONS
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.query.aggregates import Only
from warehouse.query.snapshot import Snapshot, sums_days

LONGEST_DAYS = 3 * 366
JUDGED = "目标按统计期评价，不评任意区间"
"""Beside every number of a range."""


def offered(last: dt.date) -> dict[str, tuple[dt.date, dt.date]]:
    """The ranges with a name, both days inclusive. last: the newest day with data. In January no month of the year has
    ended."""
    first = last.replace(month=1, day=1)
    found = {"年初至今": (first, last)}
    ended = last.replace(day=1) - dt.timedelta(days=1)
    return found | ({"年初至上月末": (first, ended)} if ended >= first else {})


def refusal(metric: Metric) -> str | None:
    """Why a number cannot be told of any days, in a sentence; None for one that can."""
    why = _why(metric)
    return why and f"“{metric.label}”{why}。"


def refusals(metrics: Iterable[Metric]) -> list[str]:
    """The same of several, a sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for metric in metrics:
        if why := _why(metric):
            by_reason.setdefault(why, []).append(f"“{metric.label}”")
    return [f"{''.join(labels)}{why}。" for why, labels in by_reason.items()]


def _why(metric: Metric) -> str | None:
    if sums_days(metric):
        return None
    if metric.kind == "now":
        return "只有当前时刻的数，不能按任意区间统计"
    if metric.person:
        return "涉及个人，只按已结束的统计期公布，不能按任意区间统计"
    if metric.lookback_days:
        return f"每次取近 {metric.lookback_days} 天，不能按任意区间统计"
    return "是某一时点（期末）的数，不能按任意区间累计"


def typed(since: str | None, until: str | None, newest: dt.date) -> tuple[dt.date, dt.date] | str:
    """The days that somebody has typed, both inclusive, or a sentence where they are no range. newest: the last day with
    data; a range may reach beyond it but not begin there."""
    try:
        first, last = (dt.date.fromisoformat((word or "").strip()) for word in (since, until))
    except ValueError:
        return "起止日期须写成 2026-01-31 的样子，两个都要填。"
    if first > last:
        return f"起始日 {first} 晚于截止日 {last}，请调换。"
    if first > newest:
        return f"{first} 还没有数据，数据止于 {newest}。"
    if (last - first).days >= LONGEST_DAYS:
        return "区间超过三年，请分段查看。"
    return first, last


def absence(book: Snapshot, ours: Reading) -> str:
    """Why a number that can be told of any days is not known of those of `ours`."""
    begins = book.begins(book.metrics[ours.metric])
    if begins is not None and ours.win_start < begins:
        return f"数据自 {begins} 起，区间须在其后。"
    return "这些天没有收到记录。" if ours.status == "missing" else f"{REASONS[ours.status]}。"


def before(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """As many days right before."""
    return first - (last - first) - dt.timedelta(days=1), first - dt.timedelta(days=1)


def year_before(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """As many days from the same day of the year before on; 29 February begins as 28."""
    day = 28 if (first.month, first.day) == (2, 29) else first.day
    start = first.replace(year=first.year - 1, day=day)
    return start, start + (last - first)


def reading(book: Snapshot, of: Reading, first: dt.date, last: dt.date, only: Only = ()) -> Reading:
    """The number of `of` at its place over any days (both inclusive), held against as many days before (previous) and a
    year before (last_year). Judged against nothing: targets are of
    windows. Its window stays that of `of`, which is none of its own."""
    value, status = book.figure_of_days(of, first, last, only)
    was, year = (book.value_of_days(of, *days, only) for days in (before(first, last), year_before(first, last)))
    return replace(
        of,
        win_start=first,
        win_end=last,
        value=value,
        num=None,
        den=None,
        status=status,
        doubt="",
        previous=was,
        last_year=year,
        target=None,
        judgement=None,
        parts={},
        evened=(),
        held_from=None,
    )
