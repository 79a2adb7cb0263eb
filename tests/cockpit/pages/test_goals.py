"""Every target of the bureau stands in one list, as its own page says it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g

from cockpit.pages import goals
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, links, walk, words
from warehouse.query import targets
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture
def draw(web: Flask, library: SnapshotStore) -> Callable[[str], list[list[str]]]:
    def drawn(search: str) -> list[list[str]]:
        with web.test_request_context("/"):
            g.viewer = LEADER
            page = page_callback.draw(library, "/targets", search)[0]
        rows = (item for item in walk(page) if type(item).__name__ == "Tr")
        found = [[words(cell) for cell in row.children] for row in rows]
        return [row for row in found if row[0] != goals.HEADS[0]]

    return drawn


@pytest.fixture
def book(library: SnapshotStore) -> Snapshot:
    return library.current(Scope.ALL)


def stated(book: Snapshot) -> dict[tuple[str, str], list[str]]:
    found = {}
    for metric in book.metrics.values():
        for row in targets.stated(book, metric.id):
            amber = str(fmt.value(row.amber, metric.unit, metric.decimals)) if row.amber is not None else "—"
            shown = fmt.target(row.target, metric.unit, metric.better, metric.decimals)
            found[metric.label, texts.WINDOWS[row.period]] = [
                "全区",
                shown,
                amber,
                targets.pace(metric, row),
                row.basis,
                row.source,
                "长期",
            ]
    return found


def test_all_of_them_with_their_authority(draw: Any, book: Snapshot) -> None:
    rows = draw("")
    assert {(row[0], row[1]): row[2:] for row in rows} == stated(book) and len(rows) == len(stated(book)) > 40


def test_they_are_narrowed_by_authority_and_what_has_none_is_named(draw: Any, book: Snapshot) -> None:
    mine = {key: row for key, row in stated(book).items() if row[4] == "法规"}
    assert {(row[0], row[1]): row[2:] for row in draw("?only=basis:法规")} == mine != {}
    bare = [metric.label for metric in book.metrics.values() if not targets.whole(book, metric.id)]
    assert sorted(row[0] for row in draw("?only=basis:none")) == sorted(bare) != []
    assert len(draw("?only=basis:unknown")) == len(stated(book))


def test_what_counts_while_a_period_runs_is_said(book: Snapshot) -> None:
    paces = {targets.pace(metric, row) for metric in book.metrics.values() for row in targets.stated(book, metric.id)}
    assert paces == {"按整期目标评", "按已过天数折算", "期末才评"}


DATED = """UPDATE meta.target SET valid_to = DATE '2026-11-22' WHERE kpi_id = 'fleet_online_rate' AND period = 'week';
INSERT INTO meta.target BY NAME SELECT 'fleet_online_rate' AS kpi_id, 'week' AS period, 0.95 AS green, 0.9 AS amber,
'本局' AS basis, '局发〔2026〕12 号' AS source, '王科长' AS confirmed_by, DATE '2026-11-23' AS confirmed_at,
unnest(['', '良渚街道']) AS town, DATE '2026-11-23' AS valid_from, DATE '2026-12-31' AS valid_to"""


def test_a_target_says_from_when_until_when_for_whom_and_who_set_it(elsewhere: Callable[[str], Flask]) -> None:
    web = elsewhere(DATED)

    def page(path: str, search: str = "", role: str = "analyst") -> Any:
        with web.test_request_context("/"):
            g.viewer = dataclasses.replace(LEADER, role=role)
            return page_callback.draw(web.config["ZHENGBEI_LIBRARY"], path, search)[0]

    said = words(page("/targets"))
    assert "良渚街道 ≥ 95%" in said and "局发〔2026〕12 号，王科长 2026-11-23 确认 自 2026-11-23 至 2026-12-31" in said
    assert "已失效 1" in said and "至 2026-11-22" not in said
    assert "至 2026-11-22" in words(page("/targets", "?only=basis:former"))
    here = "/filing/own_target/set/fleet_online_rate?period=week&town=%E8%89%AF%E6%B8%9A%E8%A1%97%E9%81%93"
    assert here in links(page("/targets")) and here in links(page("/metric/fleet_online_rate"))
    assert here not in links(page("/targets", role="leader"))
    assert "/filing/own_target/set/fleet_vehicle_cnt" not in links(page("/targets", "?only=basis:none"))


def test_a_target_set_for_later_does_not_judge_what_is_over(elsewhere: Callable[[str], Flask]) -> None:
    book = elsewhere(DATED).config["ZHENGBEI_LIBRARY"].current(Scope.ALL)
    assert [book.read("fleet_online_rate", "week", at).target.green for at in ("2026-W47", "2026-W48")] == [0.92, 0.95]
    towns = {item.place.label: item.target for item in book.by("fleet_online_rate", "week", "2026-W48")}
    assert {goal.basis for goal in towns.values()} == {"本局"}
