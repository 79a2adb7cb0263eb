"""What indicators came to over any days: of one below its number, of a group in a table, and why of some nothing can be
told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask, g

from cockpit.pages import overview
from cockpit.presentation import day_range
from cockpit.presentation import format as fmt
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, links, walk, words
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture
def draw(web: Flask, library: SnapshotStore):  # type: ignore[no-untyped-def]
    def drawn(path: str, search: str = "") -> Any:
        with web.test_request_context("/"):
            g.viewer = LEADER
            return page_callback.draw(library, path, search)[0]

    return drawn


def test_a_flow_is_shown_for_any_days_against_as_many(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    last = book.generation.last_day
    first, end = last - dt.timedelta(days=12), last - dt.timedelta(days=3)
    page = draw("/metric/fleet_online_rate", f"?window=week&since={first}&until={end}")
    text = words(page)
    value = book.value_of_days(book.read("fleet_online_rate", "week"), first, end)
    assert f"{first} 至 {end}（10 天）" in text and "较前等长区间" in text and "目标按统计期评价" in text
    assert value is not None and fmt.value(value, "ratio", 1).text in text
    ways = [link for link in links(page) if "since=" in link]
    assert any(f"since={last.year}-01-01&until={last}" in way for way in ways), "年初至今"
    ended = last.replace(day=1) - dt.timedelta(days=1)
    assert any(f"since={last.year}-01-01&until={ended}" in way for way in ways), "年初至上月末"
    assert f"数据止于 {last}" in words(
        draw("/metric/fleet_online_rate", f"?since={first}&until={last + dt.timedelta(days=9)}")
    )


@pytest.mark.parametrize(
    ("metric", "search", "stated"),
    [
        ("fleet_vehicle_cnt", "?since=2026-11-01&until=2026-11-09", "某一时点（期末）的数"),
        ("rdm_learning_done_rate", "?since=2026-11-01&until=2026-11-09", "涉及个人"),
        ("site_satisfaction", "?since=2026-11-01&until=2026-11-09", "每次取近 90 天"),
        ("fleet_online_rate", "?since=2026-11-09&until=2026-11-01", "请调换"),
        ("fleet_online_rate", "?since=2026-11-09", "两个都要填"),
        ("fleet_online_rate", "?since=2026-02-30&until=2026-11-01", "两个都要填"),
        ("fleet_online_rate", "?since=2099-01-01&until=2099-01-02", "还没有数据"),
        ("fleet_online_rate", "?since=2001-01-01&until=2026-11-02", "超过三年"),
        ("fleet_online_rate", "?since=2024-06-01&until=2024-06-30", "区间须在其后"),
    ],
)
def test_what_a_number_cannot_be_for_any_days_is_said(draw: Any, metric: str, search: str, stated: str) -> None:
    assert stated in words(draw(f"/metric/{metric}", search))


def test_a_group_is_shown_for_any_days_as_each_of_its_metrics_is(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    last = book.generation.last_day
    first, end = last - dt.timedelta(days=12), last - dt.timedelta(days=3)
    days = f"since={first}&until={end}"
    for group, metrics in overview.grouped(book.metrics.values()).items():
        page = draw(f"/group/{group}", f"?{days}")
        card = next(item for item in walk(page) if getattr(item, "id", "") == "metric-days")
        summed = [metric for metric in metrics if day_range.refusal(metric) is None]
        listed = {link for link in links(page) if f"{days}" in link and link.startswith("/metric/")}
        assert {link.split("?")[0] for link in listed} == {f"/metric/{metric.id}" for metric in summed}
        text = words(page)
        assert (f"{first} 至 {end}（10 天）" in text) == bool(summed)
        for metric in metrics:
            if (why := day_range.refusals([metric])) and summed:
                assert f"“{metric.label}”" in text and why[0].split("”")[1] in text
        for metric in summed:
            value = book.value_of_days(book.read(metric.id, metric.windows[0]), first, end)
            line = next(words(row) for row in walk(card) if type(row).__name__ == "Tr" and metric.label in words(row))
            assert (fmt.value(value, metric.unit, metric.decimals).text if value is not None else "—") in line, (
                metric.id
            )
    assert "请调换" in words(draw("/group/fleet", f"?since={end}&until={first}"))
    ways = [link for link in links(draw("/group/fleet", "?window=month")) if "since=" in link]
    assert any(f"since={last.year}-01-01&until={last}" in way and "window=month" in way for way in ways), "年初至今"


def test_in_january_no_month_of_the_year_has_ended() -> None:
    assert list(day_range.offered(dt.date(2026, 1, 31))) == ["年初至今"]
    assert day_range.offered(dt.date(2026, 3, 1)) == {
        "年初至今": (dt.date(2026, 1, 1), dt.date(2026, 3, 1)),
        "年初至上月末": (dt.date(2026, 1, 1), dt.date(2026, 2, 28)),
    }
