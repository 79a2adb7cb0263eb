"""From which size on something is spoken of, who is behind, for how long, and in which order: each on its line."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from tests.house import House
from warehouse.compile.reading import DISTRICT, UNPLACED, Place, Point, Reading, Target
from warehouse.insight.findings import data, numbers, order, ranking, thresholds
from warehouse.query import data_quality
from warehouse.query.snapshot import Snapshot


@pytest.fixture(scope="module")
def book(world: tuple[House, Snapshot]) -> Snapshot:
    return world[1]


@pytest.fixture(scope="module")
def rate(book: Snapshot) -> Reading:
    """A ratio that is good when it is high: 90 of 100, as before, without a target."""
    one = book.read("fleet_online_rate", "week", "2026-W47")
    return replace(one, value=0.9, num=90.0, den=100.0, previous=0.9, target=None, judgement=None, status="ok")


@pytest.fixture(scope="module")
def count(rate: Reading) -> Reading:
    """A number that is good when it is low: 10 a vehicle, as before."""
    return replace(
        rate, metric="safe_overspeed_per_vehicle", unit="次/辆", better="down", value=10.0, previous=10.0, den=100.0
    )


def at(one: Reading, code: str, value: float | None, den: float = 100.0, **more: Any) -> Reading:
    return replace(one, place=Place(code, code, "town", DISTRICT), value=value, den=den, **more)


def test_ten_are_enough_to_be_ranked_and_a_plain_count_always_is(rate: Reading) -> None:
    assert [thresholds.is_ranked(replace(rate, den=den)) for den in (9.0, 10.0, None)] == [False, True, True]
    assert not thresholds.is_ranked(replace(rate, value=None, den=None))


def test_how_far_from_the_target_is_relative_to_it(rate: Reading) -> None:
    goal = Target(0.8, 0.7, "局")
    assert thresholds.shortfall(replace(rate, value=0.6, target=goal)) == pytest.approx(0.25)
    assert thresholds.shortfall(replace(rate, value=1.0, target=goal)) == pytest.approx(0.25)
    assert (
        thresholds.shortfall(replace(rate, value=0.6))
        == 0
        == thresholds.shortfall(replace(rate, value=None, target=goal))
    )
    assert thresholds.shortfall(replace(rate, value=0.6, target=Target(0.0, None, "局"))) == pytest.approx(0.6)


def test_a_ratio_moves_by_more_than_half_a_point(book: Snapshot, rate: Reading) -> None:
    metric = book.metrics[rate.metric]

    def move(value: float | None, previous: float | None, **more: Any) -> float:
        return thresholds.movement(metric, replace(rate, value=value, previous=previous, **more))

    assert move(0.005, 0.0) == 0 and move(0.0051, 0.0) == pytest.approx(0.0051)
    assert move(0.494, 0.5) == pytest.approx(-0.006) and move(0.0, 0.005) == 0
    assert move(0.506, 0.5, better="down") == pytest.approx(-0.006)
    assert move(0.9, 0.5, better="context") == move(0.9, None) == move(None, 0.5) == move(0.9, 0.5, den=9.0) == 0
    assert move(0.9, 0.5, den=10.0) == pytest.approx(0.4)


def test_another_number_moves_by_more_than_a_twentieth(book: Snapshot, count: Reading) -> None:
    metric = book.metrics[count.metric]

    def move(value: float, previous: float) -> float:
        return thresholds.movement(metric, replace(count, value=value, previous=previous))

    assert move(19.0, 20.0) == 0 and move(20.0, 19.0) == 0
    assert move(18.9, 20.0) == pytest.approx(1.1 / 20) and move(21.2, 20.0) == pytest.approx(-1.2 / 21.2)
    assert move(0.0, 0.0) == 0 and move(1.0, 0.0) == -1
    assert metric.decimals == 2 and move(0.004, 0.008) == 0 and move(0.004, 0.012) != 0


def test_the_worst_come_first_and_equal_ones_by_code(rate: Reading, count: Reading) -> None:
    towns = [at(rate, "c", 0.5), at(rate, "b", 0.4), at(rate, "a", 0.5), at(rate, UNPLACED, 0.1), at(rate, "d", None)]
    assert [one.place.code for one in ranking.ranked(towns)] == ["b", "a", "c"]
    assert [one.place.code for one in ranking.ranked([replace(one, better="down") for one in towns])] == ["a", "c", "b"]
    assert ranking.ranked([replace(one, better="context") for one in towns]) == []
    none = [at(count, "x", 0.0), at(count, "y", 3.0)]
    assert [one.place.code for one in ranking.ranked(none)] == ["y", "x"], "nothing is best where less is better"


def behind(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch, one: Reading, towns: list[Reading]
) -> tuple[list[str], list[Any]]:
    heard: list[Any] = []
    monkeypatch.setattr(Snapshot, "by", lambda _, *words: heard.append(words) or towns)
    return [town.place.code for town in ranking.behind(book, one)], heard


def test_who_is_behind_misses_the_target_or_the_district(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch, rate: Reading
) -> None:
    goal = Target(0.9, 0.8, "局")
    judged = [
        at(rate, "a", 0.95, target=goal, judgement="good"),
        at(rate, "b", 0.85, target=goal, judgement="warn"),
        at(rate, "c", 0.5, target=goal, judgement="bad"),
    ]
    assert behind(book, monkeypatch, rate, judged) == (["c", "b"], [("fleet_online_rate", "week", "2026-W47")])
    free = [at(rate, "a", 0.9), at(rate, "b", 0.89), at(rate, "c", 0.0)]
    assert behind(book, monkeypatch, rate, free)[0] == ["c", "b"], "as good as the district is not behind"
    assert behind(book, monkeypatch, rate, free[1:2])[0] == []
    assert behind(book, monkeypatch, rate, free[1:])[0] == ["c", "b"], "two can be compared"
    down = replace(rate, metric="safe_overspeed_per_vehicle", better="down")
    worse = [at(down, "a", 0.9), at(down, "b", 0.91), at(down, "c", 0.1)]
    assert behind(book, monkeypatch, down, worse)[0] == ["b"]
    assert behind(book, monkeypatch, replace(rate, value=None), free) == ([], [])
    assert behind(book, monkeypatch, at(rate, "t", 0.5), free) == ([], [])
    for name in ("fleet_vehicle_cnt", "mem_party_share", "p3_warm_item_done_rate", "site_visit_cnt"):
        assert behind(book, monkeypatch, replace(rate, metric=name), free) == ([], []), name
    now = replace(rate, window="now")
    assert behind(book, monkeypatch, now, free)[1] == [("fleet_online_rate", "now", None)]


def test_bad_comes_before_warnings_the_heavier_first_then_the_larger_then_the_catalogue() -> None:
    given = (
        ("good", 3, 9, 1),
        ("none", 2, 1, 1),
        ("warn", 2, 1, 2),
        ("warn", 2, 2, 3),
        ("warn", 3, 0, 8),
        ("bad", 1, 0, 9),
    )
    keys = [order.key(*one) for one in given]
    assert sorted(keys) == keys[::-1]
    assert order.key("bad", 2, 1, 1) < order.key("bad", 2, 1, 2)


def test_each_number_stands_in_one_list_of_its_tone(book: Snapshot, rate: Reading, count: Reading) -> None:
    goal = Target(0.9, 0.8, "局")
    rows = [
        replace(rate, value=0.85, previous=0.85, target=goal, judgement="warn"),
        replace(rate, value=0.7, previous=0.9, target=goal, judgement="bad"),
        replace(rate, value=0.95, previous=0.9, target=goal, judgement="good"),
        replace(count, value=20.0),
        replace(count, value=5.0, status="missing"),
        replace(count, doubt="存疑"),
        replace(count, held="沿用上期"),
        replace(count, status="failed"),
        replace(count, status="insufficient"),
    ]
    found = numbers.judge(book, rows)
    assert [one.reading for one in found.off_target] == rows[1:2] and [one.reading for one in found.near] == rows[:1]
    assert [one.reading for one in found.worse] == rows[3:4] and [one.reading for one in found.better] == rows[2:3]
    assert [one.reading for one in found.unknown] == rows[4:8]
    tones = [(one.kind, one.tone, round(one.size, 3)) for one in (*found.pressing, *found.worse, *found.better)]
    assert tones == [
        ("off_target", "bad", 0.222),
        ("near", "warn", 0.056),
        ("worse", "warn", 0.5),
        ("better", "good", 0.05),
    ]
    assert found.pressing == found.off_target + found.near and found.better[0].behind == ()
    assert numbers.falls(book, rows) == [rows[3], rows[1]], "off target or not, the largest move first"


def test_a_district_names_its_worst_town(book: Snapshot, monkeypatch: pytest.MonkeyPatch, rate: Reading) -> None:
    monkeypatch.setattr(Snapshot, "by", lambda *_: [at(rate, "a", 0.9), at(rate, "b", 0.2), at(rate, "c", 0.3)])
    (one,) = numbers.judge(book, [replace(rate, value=0.5, previous=0.9)]).worse
    assert [town.place.code for town in one.behind] == ["b", "c"] and one.worst is one.behind[0]
    monkeypatch.setattr(Snapshot, "by", lambda *_: [])
    assert numbers.judge(book, [replace(rate, value=0.5, previous=0.9)]).worse[0].worst is None


def weeks(monkeypatch: pytest.MonkeyPatch, values: list[float | None]) -> list[Any]:
    heard: list[Any] = []
    first = dt.date(2026, 1, 5)
    points = [Point(first, first, value, None, None, "ok") for value in values]
    monkeypatch.setattr(Snapshot, "series", lambda _, *words: heard.append(words) or points)
    monkeypatch.setattr(Snapshot, "by", lambda *_: [])
    return heard


@pytest.mark.parametrize(
    ("values", "lasting"),
    [
        ([0.5, 0.7, 0.79, 0.7], 4),
        ([0.5, 0.8, 0.7, 0.7], 2),
        ([0.5, None, 0.7], 1),
        ([0.9], 1),
        ([0.7] * 12, 12),
    ],
)
def test_off_target_lasts_as_long_as_it_is_below_the_line(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch, rate: Reading, values: list[float | None], lasting: int
) -> None:
    goal = Target(0.9, 0.8, "局")
    heard = weeks(monkeypatch, values)
    (one,) = numbers.judge(book, [replace(rate, value=0.7, target=goal, judgement="bad", previous=None)]).off_target
    assert one.lasting == lasting and heard == [("fleet_online_rate", "week", 12, "2026-W47", DISTRICT)]


def test_near_the_target_lasts_below_green_and_where_less_is_better_above_it(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch, rate: Reading, count: Reading
) -> None:
    weeks(monkeypatch, [0.9, 0.85, 0.85])
    goal = Target(0.9, 0.8, "局")
    assert numbers.judge(book, [replace(rate, value=0.85, target=goal, judgement="warn")]).near[0].lasting == 2
    weeks(monkeypatch, [10.0, 10.1, 12.0])
    low = Target(5.0, 10.0, "局")
    assert numbers.judge(book, [replace(count, target=low, judgement="bad")]).off_target[0].lasting == 2
    grows = Target(5.0, None, "局", 10.0, 0.5)
    assert numbers.judge(book, [replace(count, target=grows, judgement="bad")]).off_target[0].lasting == 1


def test_worse_and_better_last_as_long_as_the_row_goes_on(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch, rate: Reading, count: Reading
) -> None:
    weeks(monkeypatch, [0.9, 0.9, 0.8, 0.7])
    assert numbers.judge(book, [replace(rate, value=0.7)]).worse[0].lasting == 2
    weeks(monkeypatch, [0.7, 0.8, 0.9])
    assert numbers.judge(book, [replace(rate, value=0.9, previous=0.8)]).better[0].lasting == 2
    weeks(monkeypatch, [0.8, 0.8, 0.9])
    assert numbers.judge(book, [replace(rate, value=0.9, previous=0.8)]).better[0].lasting == 1
    weeks(monkeypatch, [3.0, None, 4.0, 5.0])
    assert numbers.judge(book, [replace(count, value=20.0)]).worse[0].lasting == 1
    weeks(monkeypatch, [5.0, 5.0, 4.0, 3.0])
    assert numbers.judge(book, [replace(count, value=5.0)]).better[0].lasting == 2


@pytest.mark.parametrize(
    ("window", "known", "value", "better", "said"),
    [
        ("week", 12, 0.91, "up", 13),
        ("week", 12, 0.9, "up", 0),
        ("week", 11, 0.91, "up", 0),
        ("week", 12, 0.89, "down", 13),
        ("week", 12, 0.9, "down", 0),
        ("month", 6, 0.91, "up", 7),
        ("month", 5, 0.91, "up", 0),
        ("quarter", 4, 0.91, "up", 5),
        ("quarter", 3, 0.91, "up", 0),
        ("day", 12, 0.91, "up", 0),
        ("week", 12, 0.91, "context", 0),
        ("week", 12, None, "up", 0),
    ],
)
def test_a_record_is_better_than_all_of_enough_windows(
    book: Snapshot,
    monkeypatch: pytest.MonkeyPatch,
    rate: Reading,
    window: Any,
    known: int,
    value: float | None,
    better: Any,
    said: int,
) -> None:
    heard = weeks(monkeypatch, [None, *[0.9] * known, value])
    assert numbers.record(book, replace(rate, window=window, value=value, better=better)) == said
    if said:
        among = {"week": 26, "month": 12, "quarter": 8}[window]
        assert heard[0][2] == among and heard[0][0] == "fleet_online_rate"


def test_the_findings_of_a_period_are_those_of_its_readings(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    found = numbers.of_period(book, "week", "2026-W47", ["dh_data_qualified_rate", "fleet_running_now_cnt"])
    assert [one.reading.metric for one in found.off_target] == ["dh_data_qualified_rate"]
    assert found.off_target[0].reading.win_start == dt.date(2026, 11, 16)
    newest = numbers.of_period(book, "week", None, ["dh_data_qualified_rate"])
    assert newest.off_target[0].reading.win_start == dt.date(2026, 11, 16)
    heard: list[int] = []
    monkeypatch.setattr(numbers, "judge", lambda _, readings: heard.append(len(readings)))
    numbers.of_period(book, "week", "2026-W47")
    assert heard == [79], "all but the one of this moment"


# ---- the data themselves ------------------------------------------------------------------------------------------


def test_late_is_older_than_promised_and_not_as_old(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    built = book.generation.built_at
    ages: dict[str, dict[str, Any]] = {
        "yz_vehicle": {"data_time": built - dt.timedelta(seconds=101)},
        "st_visit": {"data_time": built - dt.timedelta(seconds=100)},
        "st_rating": {"data_time": None},
        "pb_visit": {"data_time": built, "error": "断线"},
        "st_inspection": {"data_time": None},
    }
    states = [
        replace(one, **{"data_time": built, "stale_after_s": 100, "error": ""} | ages.get(name, {}))
        for one in book.sources()
        for name in [f"{one.source}_{one.entity}"]
    ]
    monkeypatch.setattr(Snapshot, "sources", lambda _: states)
    found = [(f"{one.source.source}_{one.source.entity}", one.metrics) for one in data.late(book)]
    assert found[0][0] == "yz_vehicle" and found[0][1] > 5
    assert sorted(found[1:]) == [("pb_visit", 1)], "what is not connected has promised nothing"


def test_what_never_delivered_is_not_connected_unless_its_run_failed(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric, states = book.metrics["p4_camp_child_cnt"], book.sources()

    def names() -> list[str]:
        return [f"{one.source}_{one.entity}" for one in data.unconnected(book, [metric])]

    assert names() == []
    monkeypatch.setattr(Snapshot, "delivered", lambda *_: False)
    assert names() == [*metric.sources]
    monkeypatch.setattr(Snapshot, "sources", lambda _: [replace(one, error="断线") for one in states])
    assert names() == []


def test_a_revision_of_the_last_week_is_told_once_and_only_when_it_is_printed_otherwise(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = book.generation.built_at

    def row(**more: Any) -> dict[str, Any]:
        base = {"metric": "fleet_online_rate", "window": "week", "at": "2026-W46", "place": DISTRICT}
        return base | {"old": 0.9, "new": 0.91, "at_time": built} | more

    rows = [
        row(),
        row(old=0.8),
        row(at="2026-W45", at_time=built - dt.timedelta(days=7)),
        row(at="2026-W44", at_time=built - dt.timedelta(days=7, seconds=1)),
        row(at="2026-W43", place="330110010"),
        row(at="2026-W42", metric="gone"),
        row(at="2026-W41", new=0.90004),
        row(at="2026-W40", new=0.9006),
        row(at="2026-W39", old=None),
        row(at="2026-W38", new=None),
        row(metric="site_visit_cnt", old=7.0, new=7.4),
        row(metric="site_visit_cnt", at="2026-W45", old=7.0, new=7.6),
    ]
    monkeypatch.setattr(data_quality, "revisions", lambda *_: rows)
    found = [(one.metric, one.at, one.old, one.new) for one in data.revised(book)]
    assert found == [
        ("fleet_online_rate", "2026-W46", 0.9, 0.91),
        ("fleet_online_rate", "2026-W45", 0.9, 0.91),
        ("fleet_online_rate", "2026-W40", 0.9, 0.9006),
        ("fleet_online_rate", "2026-W39", None, 0.91),
        ("fleet_online_rate", "2026-W38", 0.9, None),
        ("site_visit_cnt", "2026-W45", 7.0, 7.6),
    ]
    assert (found and data.revised(book)[0].recorded_at, data.revised(book)[0].window) == (built, "week")
