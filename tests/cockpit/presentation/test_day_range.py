"""Any days: which are offered, which are refused and in what words, and what they are held against."""

from __future__ import annotations

import datetime as dt

import pytest

from cockpit.presentation import day_range
from warehouse.catalog.metrics import metrics

D = dt.date
NEWEST = D(2026, 11, 22)


@pytest.mark.parametrize(
    ("last", "ended"), [(D(2026, 1, 31), None), (D(2026, 2, 1), D(2026, 1, 31)), (D(2026, 3, 1), D(2026, 2, 28))]
)
def test_the_year_so_far_is_offered_and_its_months_that_have_ended(last: dt.date, ended: dt.date | None) -> None:
    found = {"年初至今": (D(2026, 1, 1), last)}
    assert day_range.offered(last) == found | ({"年初至上月末": (D(2026, 1, 1), ended)} if ended else {})


@pytest.mark.parametrize(
    ("since", "until", "answer"),
    [
        ("2026-11-01", " 2026-11-09 ", (D(2026, 11, 1), D(2026, 11, 9))),
        ("2026-11-09", "2026-11-09", (D(2026, 11, 9), D(2026, 11, 9))),
        ("2026-11-22", "2026-12-31", (NEWEST, D(2026, 12, 31))),
        ("2026-11-23", "2026-12-31", "2026-11-23 还没有数据，数据止于 2026-11-22。"),
        ("2026-11-10", "2026-11-09", "起始日 2026-11-10 晚于截止日 2026-11-09，请调换。"),
        ("2023-11-22", "2026-11-23", (D(2023, 11, 22), D(2026, 11, 23))),  # 3 × 366 days
        ("2023-11-22", "2026-11-24", "区间超过三年，请分段查看。"),
        ("2026-11-01", None, "起止日期须写成 2026-01-31 的样子，两个都要填。"),
        (None, "2026-11-01", "起止日期须写成 2026-01-31 的样子，两个都要填。"),
        ("2026-02-30", "2026-11-01", "起止日期须写成 2026-01-31 的样子，两个都要填。"),
    ],
)
def test_typed_days_are_a_range_or_a_sentence(since: str | None, until: str | None, answer: object) -> None:
    assert day_range.typed(since, until, NEWEST) == answer


@pytest.mark.parametrize(
    ("first", "last", "before", "year"),
    [
        (D(2026, 11, 9), D(2026, 11, 9), (D(2026, 11, 8), D(2026, 11, 8)), (D(2025, 11, 9), D(2025, 11, 9))),
        (D(2026, 11, 1), D(2026, 11, 10), (D(2026, 10, 22), D(2026, 10, 31)), (D(2025, 11, 1), D(2025, 11, 10))),
        (D(2028, 2, 29), D(2028, 3, 1), (D(2028, 2, 27), D(2028, 2, 28)), (D(2027, 2, 28), D(2027, 3, 1))),
        (D(2028, 2, 28), D(2028, 3, 1), (D(2028, 2, 25), D(2028, 2, 27)), (D(2027, 2, 28), D(2027, 3, 2))),
        (D(2028, 3, 29), D(2028, 3, 29), (D(2028, 3, 28), D(2028, 3, 28)), (D(2027, 3, 29), D(2027, 3, 29))),
    ],
)
def test_days_are_held_against_as_many(
    first: dt.date, last: dt.date, before: tuple[dt.date, dt.date], year: tuple[dt.date, dt.date]
) -> None:
    assert (day_range.before(first, last), day_range.year_before(first, last)) == (before, year)


def test_what_is_no_sum_of_days_is_refused_with_its_reason() -> None:
    known = metrics()
    assert day_range.refusal(known["fleet_online_rate"]) is None
    assert day_range.refusal(
        known["fleet_running_now_cnt"]
    ) == "“正在行驶车辆数”只有当前时刻的数，不能按任意区间统计。".replace(
        "正在行驶车辆数", known["fleet_running_now_cnt"].label
    )
    assert "涉及个人" in str(day_range.refusal(known["drv_driver_cnt"]))
    assert "每次取近 90 天" in str(day_range.refusal(known["site_satisfaction"]))
    stocks = [known[name] for name in ("fleet_vehicle_cnt", "fleet_online_rate", "fleet_company_cnt", "drv_driver_cnt")]
    assert day_range.refusals(stocks) == [
        f"“{stocks[0].label}”“{stocks[2].label}”是某一时点（期末）的数，不能按任意区间累计。",
        f"“{stocks[3].label}”涉及个人，只按已结束的统计期公布，不能按任意区间统计。",
    ]
