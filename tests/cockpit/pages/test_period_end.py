"""The end of a period in words: what is expected, what must still come, how far such forecasts were off, or why there is
none."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask, g

from cockpit.pages import period_end
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, words
from tests.warehouse.insight.test_forecast import end_of, history
from warehouse.catalog.metrics import metric
from warehouse.compile.reading import Target
from warehouse.insight import forecast
from warehouse.insight.forecast import Unknown
from warehouse.query.snapshot_store import SnapshotStore

VISITS, HANDLED, ALARMS = (
    metric(name) for name in ("site_visit_cnt", "safe_alarm_handled_rate", "safe_alarm_per_1000km")
)


def said(item: Any, of: Any, goal: float) -> str:
    return words(period_end.card(item, [end_of(item, history(of), goal)]))


def test_a_ratio_says_what_the_days_left_must_reach_beside_what_they_bring() -> None:
    text = said(HANDLED, lambda _day: (90.0, 100.0), 0.912)
    assert "2026 年 11 月末（余 8 天）" in text and "90.0%～90.0%" in text and "预计未达成" in text
    assert (
        "按近 8 周速度，月末 90.0%（目标 ≥ 91.2%）；余下 8 天须达到 94.5%，比近 8 周（90.0%）高 4.5 个百分点。" in text
    )
    assert "此前 23 次同样提前 8 天的预测，平均相差 0.0 个百分点（照本期至今直接推算为 0.0 个百分点）" in text


def test_what_can_no_longer_be_reached_or_missed_is_said() -> None:
    assert "即使余下 8 天都是 100%，也到不了目标。" in said(HANDLED, lambda _day: (90.0, 100.0), 0.98)
    assert "至今 220 人次，已经达成。" in said(VISITS, lambda _day: (10.0, 0.0), 200)
    assert "即使为 0 也回不到目标以内" in said(ALARMS, lambda _day: (9.0, 1000.0), 6)
    assert "余下 8 天须不高于" in said(ALARMS, lambda _day: (9.0, 1000.0), 9.5)


def test_a_count_says_how_many_a_day() -> None:
    assert "余下 8 天每天须有 12.5 人次，近 8 周每天 10.0 人次。" in said(VISITS, lambda _day: (10.0, 0.0), 320)


def test_a_proposal_judges_without_a_verdict_and_an_unknown_year_is_named() -> None:
    until = dt.date(2030, 11, 22)
    found = forecast.project(
        HANDLED,
        history(lambda _day: (90.0, 100.0), until=until),
        "month",
        until.replace(day=1),
        Target(0.8, None, "", basis="产品建议"),
    )
    text = words(period_end.card(HANDLED, [found]))
    assert "预计达到建议值" in text and "建议值 ≥ 80%" in text and "2030 年节假日安排尚未载入" in text


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (Unknown("month", "young", 40, 113), "月末：不作预测。检验误差需要 113 天历史，现有 40 天。"),
        (Unknown("year", "uncounted"), "不是逐日累计的数"),
        (Unknown("quarter", "distinct"), "按期去重"),
        (Unknown("year", "rare"), "不足 10 件"),
        (Unknown("month", "no_days"), "没有收到或不单列"),
    ],
)
def test_without_a_forecast_the_reason_stands_there(why: Unknown, text: str) -> None:
    assert period_end.card(HANDLED, [why]) is None
    assert text in words(period_end.silent(HANDLED, [why]))


@pytest.mark.parametrize(
    ("metric_id", "search", "text"),
    [
        ("safe_alarm_handled_rate", "", "检验误差需要"),
        ("safe_alarm_handled_rate", "?at=2026-10", ""),
        ("safe_alarm_handled_rate", "?at=2026-11", "检验误差需要"),
        ("fleet_online_rate", "", "月末、季末：“车辆上线率”按期去重"),
        ("p4_checkup_rate", "", "不是逐日累计的数"),
        ("fleet_vehicle_cnt", "", ""),
    ],
)
def test_a_page_forecasts_the_periods_of_today_alone(
    web: Flask, library: SnapshotStore, metric_id: str, search: str, text: str
) -> None:
    with web.test_request_context("/"):
        g.viewer = LEADER
        page = words(page_callback.draw(library, f"/metric/{metric_id}", search)[0])
    assert text in page and ("期末预测" in page) is bool(text)
