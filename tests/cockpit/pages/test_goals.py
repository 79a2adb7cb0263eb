"""Every target of the bureau stands in one list, as its own page says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g

from cockpit.pages import goals
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, walk, words
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
        for window, goal in targets.whole(book, metric.id).items():
            amber = str(fmt.value(goal.amber, metric.unit, metric.decimals)) if goal.amber is not None else "—"
            shown = fmt.target(goal, metric.unit, metric.better, metric.decimals)
            found[metric.label, texts.WINDOWS[window]] = [
                shown,
                amber,
                targets.pace(book, metric, window),
                goal.basis,
                goal.source,
            ]
    return found


def test_all_of_them_with_their_authority(draw: Any, book: Snapshot) -> None:
    rows = draw("")
    assert {(row[0], row[1]): row[2:] for row in rows} == stated(book) and len(rows) == len(stated(book)) > 40


def test_they_are_narrowed_by_authority_and_what_has_none_is_named(draw: Any, book: Snapshot) -> None:
    mine = {key: row for key, row in stated(book).items() if row[3] == "法规"}
    assert {(row[0], row[1]): row[2:] for row in draw("?only=basis:法规")} == mine != {}
    bare = [metric.label for metric in book.metrics.values() if not targets.whole(book, metric.id)]
    assert sorted(row[0] for row in draw("?only=basis:none")) == sorted(bare) != []
    assert len(draw("?only=basis:unknown")) == len(stated(book))


def test_what_counts_while_a_period_runs_is_said(book: Snapshot) -> None:
    def of(metric: str, window: str) -> str:
        return targets.pace(book, book.metrics[metric], window)

    assert of("fleet_online_rate", "week") == "按整期目标评"
    assert of("fleet_online_rate", "year") == "", "there is none"
    paces = {targets.pace(book, m, w) for m in book.metrics.values() for w in targets.whole(book, m.id)}
    assert "按已过天数折算" in paces and "期末才评" in paces
