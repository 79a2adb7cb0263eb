"""How an alarm and a programme stand, in one word, case by case; and days as runs without a gap."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from warehouse.compile.reading import Place, Reading, Target
from warehouse.insight import trend_annotations
from warehouse.query import alarms
from warehouse.query.programmes import FAR_BEHIND, Item, Programme

D = dt.date


@pytest.mark.parametrize(
    ("result", "handled", "must", "due", "took", "allowed", "words"),
    [
        (1, True, True, True, 60.0, 60.0, "已处置"),
        (1, True, True, True, 60.1, 60.0, "超时处置"),
        (1, True, False, False, 60.1, 60.0, "已处置"),
        (1, True, True, True, None, 60.0, "已处置"),
        (1, True, True, True, 60.1, None, "已处置"),
        (1, True, True, True, 0.0, 60.0, "已处置"),
        (1, True, True, True, -0.1, 60.0, "处置时间早于报警，存疑"),
        (None, False, True, True, -1.0, 60.0, "处置时间早于报警，存疑"),
        (2, True, True, False, 1.0, 60.0, "不予处理"),
        (2, True, True, True, 61.0, 60.0, "超时处置"),
        (2, False, True, True, None, None, "不予处理，未写理由"),
        (0, False, True, True, None, None, "超时处理中"),
        (3, False, True, False, None, None, "处理中"),
        (1, False, True, True, None, None, "超时未处置"),
        (None, False, True, True, None, None, "超时未处置"),
        (None, False, True, False, None, None, "待处置"),
        (None, False, False, False, None, None, "提示"),
    ],
)
def test_an_alarm_in_words(
    result: int | None, handled: bool, must: bool, due: bool, took: float | None, allowed: float | None, words: str
) -> None:
    assert alarms.status(result, handled, must, due, took, allowed) == words


def item(share: float | None = 0.5, **rest: Any) -> Item:
    place, day = Place("330110", "余杭区", "district"), D(2026, 11, 23)
    base = Reading("m", "指标", "ratio", "up", "month", day, day, place, 0.5, 1.0, 2.0, "ok", None, 300, "g")
    return Item(replace(base, **rest), 1.0, share, 1.0)


@pytest.mark.parametrize(
    ("score", "due", "items", "ahead", "tone", "status"),
    [
        (0.5, 0.5, (item(),), 0, "good", "ok"),
        (0.494, 0.5, (item(),), -1, "warn", "ok"),
        (0.4, 0.5, (item(),), -FAR_BEHIND, "warn", "ok"),
        (0.39, 0.5, (item(),), -11, "bad", "ok"),
        (0.9, 0.5, (item(target=Target(1, None, "", basis="产品建议")),), 40, "advice", "ok"),
        (
            0.9,
            0.5,
            (item(None, target=Target(1, None, "", basis="产品建议")), item(target=Target(1, None, ""))),
            40,
            "good",
            "ok",
        ),
        (0.0, 0.0, (item(0.0),), 0, "good", "ok"),
        (None, None, (item(None),), None, "", "insufficient"),
        (None, None, (), None, "", "insufficient"),
        (None, None, (item(None, status="unconnected"),), None, "", "unconnected"),
        (None, None, (item(None, status="unconnected"), item(None, status="missing")), None, "", "insufficient"),
    ],
)
def test_a_programme_against_the_time_that_has_passed(
    score: float | None, due: float | None, items: tuple[Item, ...], ahead: int | None, tone: str, status: str
) -> None:
    one = Programme(1, "领航护航", "引领力", score, due, items)
    assert (one.ahead, one.tone, one.status) == (ahead, tone, status)


def test_days_are_runs_without_a_gap() -> None:
    days = [D(2026, 11, 1), D(2026, 11, 2), D(2026, 11, 4), D(2026, 11, 30), D(2026, 12, 1), D(2026, 12, 2)]
    assert trend_annotations._runs(days) == [
        (days[0], days[1]), (days[2], days[2]), (days[3], days[5]),
    ]  # fmt: skip
    assert trend_annotations._runs([]) == []
