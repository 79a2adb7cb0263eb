"""The compiler: (metric, windows, grain) → one SELECT with bound parameters over a mart.

Owns what kind, lookback and slice mean in SQL, for readings, person counts and the trail of revisions alike: a number
is asked in one way only. Knows no connection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.catalog.schema import GRAIN_COLUMN, Metric
from warehouse.compile.reading import DISTRICT
from warehouse.core import units

NO_TEXT = "''"
KEY = {"district": f"'{DISTRICT}'", "town": GRAIN_COLUMN["town"], "company": GRAIN_COLUMN["company"]}


Row = tuple[float | None, float | None, float, dict[str, float | None]]
"""Numerator, denominator, rows that reached us (−1: hidden), further figures by label."""
CUT = " cut"
"""Marks the name of a window under which a part of an earlier one is kept."""
Parts = dict[str, Row]
"""Place code or member → what is said of it."""


@dataclass(frozen=True)
class Span:
    """One window to be read: its name (start) and the first and last day that count, all inclusive. is_cut: an earlier
    window of which only as many days count as a running one has had."""

    start: dt.date
    first: dt.date
    last: dt.date
    is_cut: bool = False


def span(metric: Metric, window: str, start: dt.date, last: dt.date) -> Span:
    """What is read of the window that starts on `start` when days after `last` do not count yet."""
    end = min(units.window_of(window, start)[1], last)
    first = end - dt.timedelta(days=metric.lookback_days - 1) if metric.lookback_days else start
    return Span(start, first, end)


def comparable(metric: Metric, window: str, start: dt.date, ours: dt.date, until: dt.date) -> Span:
    """What of the window that starts on `start` is held against the one that starts on `ours` and has run until `until`:
    as many days (a full month against the full month)."""
    end = units.window_of(window, start)[1]
    if until >= units.window_of(window, ours)[1]:
        return span(metric, window, start, end)
    cut = span(metric, window, start, start + (until - ours))
    return Span(cut.start, cut.first, cut.last, is_cut=cut.last < end)


def select(
    metric: Metric,
    window: str,
    spans: Sequence[Span],
    grain: str,
    *,
    member: str = "",
    where: str = "",
    bound: Sequence[object] = (),
    schema: str = "marts",
    beside: Sequence[Metric] = (),
) -> tuple[str, list[object]]:
    """SQL and parameters for rows (win_start, place, parent, member, num, den, present, parts …): one a window, place
    and, when `member` names a slice column, value of it. parent: the town of a company, else "". where/bound narrow the
    rows. beside: metrics that count the same rows (`same_rows`); their num, den, present and parts follow in the
    row."""
    parent = "min(town_code)" if grain == "company" else NO_TEXT
    source, conditions, values = _source(metric, window, spans, schema)
    conditions += [metric.where, where, f"{KEY[grain]} IS NOT NULL" if grain != "district" else ""]
    sql = (
        f"SELECT w.win_start, {KEY[grain]} AS place, {parent} AS parent, {_slot(member)} AS member, {_figures([metric, *beside])}\n"
        f"FROM {source}\nWHERE {_all(conditions)}\n"
        f"GROUP BY {', '.join(['1', *(['2'] if grain != 'district' else []), *(['4'] if member else [])])}"
    )
    return sql, [*values, *bound]


def select_grains(
    metric: Metric,
    window: str,
    spans: Sequence[Span],
    grains: Sequence[str],
    *,
    member: str = "",
    beside: Sequence[Metric] = (),
) -> tuple[str, list[object]]:
    """As `select`, for several grains at once: the mart is read once for all of them. The last column of a row is its
    grain; parent is of use in those of companies only."""
    source, conditions, values = _source(metric, window, spans, "marts")
    keys = {grain: KEY[grain] for grain in grains if grain != "district"}
    sets = ", ".join(
        f"({', '.join(['w.win_start', *([keys[grain]] if grain in keys else []), *(['4'] if member else [])])})"
        for grain in grains
    )
    quoted = {grain: f"'{grain}'" for grain in KEY}
    known = [f"grouping({key}) = 1 OR {key} IS NOT NULL" for key in keys.values()]
    sql = (
        f"SELECT w.win_start, {_by_grain(keys, keys, KEY['district'])} AS place, {'min(town_code)' if keys else NO_TEXT} AS parent, "
        f"{_slot(member)} AS member, {_figures([metric, *beside])}, {_by_grain(keys, quoted, quoted['district'])} AS grain\n"
        f"FROM {source}\nWHERE {_all([*conditions, metric.where])}\n"
        f"GROUP BY GROUPING SETS ({sets})\nHAVING {_all(known)}"
    )
    return sql, values


def _by_grain(keys: Mapping[str, str], values: Mapping[str, str], district: str) -> str:
    """What is said of a row of several grains, by the grain that it is of."""
    cases = " ".join(f"WHEN grouping({key}) = 0 THEN {values[grain]}" for grain, key in keys.items())
    return f"CASE {cases} ELSE {district} END" if cases else district


def mark_of(number: int) -> str:
    """What stands behind the column names of one of several metrics that count the same rows: nothing behind those of the
    first (0)."""
    return f"_{number - 1}" if number else ""


def _figures(metrics: Sequence[Metric]) -> str:
    """The columns of metrics that count the same rows, those of all but the first with a mark behind their names."""
    return ", ".join(
        f"{one.numerator} AS num{mark}, {one.denominator or 'NULL'} AS den{mark}, {one.present} AS present{mark}"
        + "".join(f", {expression} AS part{mark}_{index}" for index, expression in enumerate(one.parts.values()))
        for mark, one in ((mark_of(number), one) for number, one in enumerate(metrics))
    )


def _slot(member: str) -> str:
    return f"coalesce(CAST({member} AS VARCHAR), '未知')" if member else NO_TEXT


def _all(conditions: Sequence[str]) -> str:
    return " AND ".join(f"({text})" for text in conditions if text) or "true"


def _source(metric: Metric, window: str, spans: Sequence[Span], schema: str) -> tuple[str, list[str], list[object]]:
    """The rows of a mart with the windows w that they count for, the conditions under which they do, and what is bound
    in both."""
    mart = f"{schema}.{metric.mart} m"
    values: list[object] = [day for item in spans for day in (item.start, item.first, item.last)]
    if len(spans) == 1:
        windows = "(SELECT CAST(? AS DATE) AS win_start, CAST(? AS DATE) AS win_first, CAST(? AS DATE) AS win_last) w"
        return (
            f"{windows} CROSS JOIN {mart}",
            [_single(metric)],
            [*values, *_single_bound(metric, window, spans[0])],
        )
    rows = ", ".join("(CAST(? AS DATE), CAST(? AS DATE), CAST(? AS DATE))" for _ in spans)
    windows = f"(VALUES {rows}) w(win_start, win_first, win_last)"
    if metric.kind == "flow":
        # each day with the windows it counts for: a join by equal days is several times faster than one by ranges
        windows = f"(SELECT *, CAST(unnest(generate_series(win_first, win_last, INTERVAL 1 DAY)) AS DATE) AS win_day FROM {windows}) w"
    conditions: list[str] = []
    if metric.kind == "window":
        conditions.append("m.win = ?")
        values.append(window)
    if metric.kind in ("flow", "stock"):  # lets the scan skip what no window reads
        conditions.append("m.day BETWEEN ? AND ?")
        values += [min(item.first for item in spans), max(item.last for item in spans)]
    return f"{windows} JOIN {mart} ON {_MANY[metric.kind]}", conditions, values


def restricted_to(grain: str, code: str) -> tuple[str, list[object]]:
    """The condition that keeps rows to one place, with what is bound in it; "" for the district."""
    return ("", []) if grain == "district" else (f"{KEY[grain]} = ?", [code])


def same_rows(metric: Metric, window: str, item: Span) -> tuple[object, ...]:
    """Equal for two metrics whose figures can stand in one row of `select`."""
    return metric.mart, metric.kind, metric.where, window if metric.kind == "window" else "", item


def as_row(metric: Metric, row: Sequence[Any], at: int = 4) -> Row:
    """What a row of `select` says of a metric whose figures begin in column `at`."""
    return (
        number(row[at]),
        number(row[at + 1]),
        number(row[at + 2]) or 0,
        dict(zip(metric.parts, map(number, row[at + 3 : at + 3 + len(metric.parts)]), strict=True)),
    )


def number(value: Any) -> float | None:
    """A database number as float, None stays None."""
    return None if value is None else float(value)


def counted(metric: Metric, window: str, item: Span) -> tuple[str, dt.date]:
    """Under which window and start what is counted about persons is kept: how many there are by day, what they did by
    window."""
    if metric.kind in ("stock", "state"):
        return "day", item.last
    return f"{window}{CUT}" if item.is_cut else window, item.start


def below(metric: Metric) -> str:
    """The one window in which a metric about persons is published below the district, when it is over: numbers of
    several windows, or of one that runs, could be held against each other."""
    return "month" if "month" in metric.windows else metric.windows[-1]


def _single(metric: Metric) -> str:
    return {
        "flow": "m.day BETWEEN ? AND ?",
        "stock": "m.day = ?",
        "state": "CAST(? AS DATE) BETWEEN m.from_day AND m.to_day",
        "window": "m.win = ? AND m.day = ?",
        "now": "true",
    }[metric.kind]


def _single_bound(metric: Metric, window: str, item: Span) -> list[object]:
    values: dict[str, list[object]] = {
        "flow": [item.first, item.last],
        "stock": [item.last],
        "state": [item.last],
        "window": [window, item.start],
        "now": [],
    }
    return values[metric.kind]


_MANY = {
    "flow": "m.day = w.win_day",
    "stock": "m.day = w.win_last",
    "state": "w.win_last BETWEEN m.from_day AND m.to_day",
    "window": "m.day = w.win_start",
}
"""How a row of a mart finds its windows when several are read at once; a metric of this moment has but one."""
