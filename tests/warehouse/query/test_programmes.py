"""Six programmes against time, slices that add up, and the announcement without an empty cell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from warehouse.catalog import announcement
from warehouse.catalog.metrics import metrics
from warehouse.core.errors import UsageError
from warehouse.query.programmes import scores
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


def test_every_sentence_of_the_announcement_has_a_source_an_indicator_and_a_screen_or_says_why_not() -> None:
    for fact in announcement.facts():
        assert (fact.tables and fact.metrics and fact.screens) or (fact.archive and fact.open), fact.says
    answered = {metric.id for fact in announcement.facts() for metric in fact.metrics}
    assert answered == set(metrics()), "no indicator without a sentence that asked for it"


def test_there_are_six_programmes_in_the_announcements_order_and_each_tells_its_indicators(book: Snapshot) -> None:
    found = scores(book)
    assert [row.label for row in found] == ["领航护航", "提质示范", "红能聚力", "暖心礼遇", "数字赋能", "典型培育"]
    assert [row.force for row in found] == ["引领力", "组织力", "服务力", "获得力", "科技力", "成长力"]
    for row in found:
        assert {item.reading.metric for item in row.items} == {
            metric.id for metric in metrics().values() if metric.programme == row.number
        }
        stated = [item for item in row.items if item.share is not None]
        assert (row.score is None) == (not stated)
        if row.score is not None and row.due is not None:
            weight = sum(item.weight for item in stated)
            assert (
                row.score == pytest.approx(sum(item.weight * (item.share or 0) for item in stated) / weight)
                and 0 <= row.score <= 1
            )
            assert row.due == pytest.approx(sum(item.weight * item.due for item in stated) / weight)


def test_a_target_that_grows_with_its_year_is_asked_for_by_the_days_that_are_over(book: Snapshot) -> None:
    reading = book.read("p3_warm_item_done_rate", "year")
    built = book.generation.built_at.date()
    elapsed = ((built - dt.date(built.year, 1, 1)).days + 1) / (
        dt.date(built.year, 12, 31) - dt.date(built.year - 1, 12, 31)
    ).days
    assert reading.target is not None and reading.target.whole == 1 and reading.target.elapsed == pytest.approx(elapsed)
    assert reading.target.green == pytest.approx(elapsed) and reading.judgement == (
        "good" if (reading.value or 0) >= elapsed else "warn" if (reading.value or 0) >= 0.9 * elapsed else "bad"
    )
    last = book.read("p3_warm_item_done_rate", "month")
    assert last.target is None or last.target.whole is None


def test_slices_add_up_to_the_whole_and_an_undeclared_one_is_refused(book: Snapshot) -> None:
    whole = book.read("p3_ecert_rate", "day")
    parts = book.slices("p3_ecert_rate", "cert_type", "day")
    assert {member for member, *_ in parts} <= {"JYXK", "YSZ", "CYZG"} and sum(
        den or 0 for _, _, _, den, _ in parts
    ) == whole.den
    drivers = book.read("drv_driver_cnt", "day")
    assert sum(num or 0 for _, _, num, _, _ in book.slices("drv_driver_cnt", "sex", "day")) == drivers.num
    with pytest.raises(UsageError, match="可用"):
        book.slices("drv_driver_cnt", "company_key")


def test_a_count_is_measured_against_its_target_for_the_district_only(book: Snapshot) -> None:
    assert book.read("mem_party_driver_cnt", "day").target is not None
    assert all(reading.target is None for reading in book.by("mem_party_driver_cnt", "day"))
