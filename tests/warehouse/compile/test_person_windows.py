"""Until which day persons are counted, and of which windows."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from warehouse.catalog.metrics import metrics
from warehouse.compile import person_windows

TODAY = dt.date(2026, 11, 23)
UNTIL_YESTERDAY = metrics()["drv_driver_cnt"]
UNTIL_TODAY = msgspec.structs.replace(UNTIL_YESTERDAY, through="today")


def test_today_counts_where_it_is_said_so_and_else_yesterday_is_the_last() -> None:
    assert person_windows.last_counted(UNTIL_TODAY, TODAY) == TODAY
    assert person_windows.last_counted(UNTIL_YESTERDAY, TODAY) == dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("window", "since"),
    [("month", dt.date(2025, 10, 18)), ("quarter", dt.date(2025, 10, 18)), ("year", dt.date(2024, 10, 17))],
)
def test_four_hundred_days_are_counted_and_a_year_more_of_years(window: str, since: dt.date) -> None:
    assert person_windows.counted_since(UNTIL_YESTERDAY, window, TODAY) == since
    assert person_windows.counted_since(UNTIL_TODAY, window, TODAY) == since + dt.timedelta(days=1)
