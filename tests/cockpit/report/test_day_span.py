"""The days of a sheet: what names them, what they are called, and which are refused."""

from __future__ import annotations

import datetime as dt

import pytest

from cockpit.report import day_span
from cockpit.report.day_span import DaySpan
from warehouse.core.errors import DataMissing, UsageError

D = dt.date
NEWEST = D(2026, 11, 22)


@pytest.mark.parametrize(
    ("at", "window", "first", "last", "words"),
    [
        ("2026-W47", "week", D(2026, 11, 16), D(2026, 11, 22), "2026 年第 47 周（11-16 至 11-22）"),
        ("2026-11", "month", D(2026, 11, 1), D(2026, 11, 30), "2026 年 11 月"),
        ("2026-Q4", "quarter", D(2026, 10, 1), D(2026, 12, 31), "2026 年第 4 季度"),
        ("2026-11-22_2026-11-22", "range", NEWEST, NEWEST, "2026-11-22 至 2026-11-22（1 天）"),
        ("2026-01-01_2026-11-28", "range", D(2026, 1, 1), NEWEST, "2026-01-01 至 2026-11-22（326 天）"),
    ],
)
def test_a_span_goes_by_its_name(at: str, window: str, first: dt.date, last: dt.date, words: str) -> None:
    span = day_span.named(at, NEWEST)
    name = f"{first}_{last}" if window == "range" else at
    assert span == DaySpan(name, window, first, last)
    assert (span.words, span.is_range) == (words, window == "range")


@pytest.mark.parametrize(
    "at", ["2026", "2026-11-22", "x", "2026-11-23_2026-11-23", "2026-11-02_2026-11-01", "2026-11_"]
)
def test_what_names_no_span_is_refused(at: str) -> None:
    with pytest.raises(UsageError):
        day_span.named(at, NEWEST)


@pytest.mark.parametrize(
    ("at", "newest"), [("2026-W48", NEWEST), ("2026-12", D(2026, 11, 30)), ("2027-Q1", D(2026, 12, 31))]
)
def test_a_window_that_has_not_begun_has_no_data(at: str, newest: dt.date) -> None:
    with pytest.raises(DataMissing):
        day_span.named(at, newest)
    assert day_span.named(at, newest + dt.timedelta(days=1)).at == at
