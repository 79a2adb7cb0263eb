"""What a number says beside its value, on the world of boundaries/*.toml: windows, places, filters, comparisons,
targets, judgement, freshness."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cachetools import LRUCache

from tests.house import House, stand_alone
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.compile import metric_sql
from warehouse.compile.metric_sql import Span
from warehouse.compile.reading import DISTRICT, Place, Reading, Target
from warehouse.core.errors import PageMissing, UsageError
from warehouse.core.settings import ROOT
from warehouse.core.units import SHANGHAI
from warehouse.publish import snapshot
from warehouse.query import alarms, data_quality, periods, targets
from warehouse.query.aggregates import text
from warehouse.query.alarms import status as alarm_status
from warehouse.query.contribution import SUMS, Change, NoSplit, adds, effect, explain
from warehouse.query.judgement import doubt, judge
from warehouse.query.opened import aware
from warehouse.query.person_store import Restricted
from warehouse.query.places import plate
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore
from warehouse.query.targets import Stated
from warehouse.query.windows import evening

World = tuple[House, Snapshot]


def day(number: int) -> dt.date:
    """Of November 2026."""
    return dt.date(2026, 11, number)


@pytest.fixture(scope="module")
def book(world: World) -> Snapshot:
    return world[1]


# ---- one number ---------------------------------------------------------------------------------------------------


def test_a_count_of_a_day_with_all_that_stands_beside_it(book: Snapshot) -> None:
    reading = book.read("site_visit_cnt", "day", "2026-11-21")
    assert (reading.value, reading.num, reading.den, reading.status) == (10, 10, None, "ok")
    assert (reading.previous, reading.last_year, reading.evened) == (7, None, ())
    assert (reading.win_start, reading.win_end, reading.window) == (day(21), day(21), "day")
    assert (reading.place, reading.generation) == (Place(DISTRICT, "余杭区", "district"), "20261123T140000")
    assert (reading.complete, reading.provisional, reading.held, reading.doubt) == (True, False, "", "")
    assert (reading.target, reading.judgement, reading.unit, reading.better) == (None, None, "人次", "up")


def test_a_day_of_positions_is_provisional_for_72_hours(book: Snapshot) -> None:
    """At 14:00 on the 23rd the 20th has 10 hours left, and the 21st 34."""
    given = {number: book.read("fleet_online_rate", "day", f"2026-11-{number}").provisional for number in (19, 20, 22)}
    assert given == {19: False, 20: True, 22: True}
    assert not book.read("fleet_online_rate", "day", "2026-11-23").complete


def test_a_target_is_reached_on_the_line(book: Snapshot) -> None:
    reading = book.read("fleet_online_rate", "day", "2026-11-22", "SC")
    assert reading.target is not None and (reading.target.green, reading.target.amber) == (0.88, 0.84)
    assert (reading.target.whole, reading.target.elapsed, reading.judgement) == (None, 1.0, "good")
    metric, target = metrics()["fleet_online_rate"], reading.target
    found = [judge(metric, value, target) for value in (0.88, 0.8799, 0.84, 0.8399)]
    assert found == ["good", "warn", "warn", "bad"]
    assert book.read("dh_data_qualified_rate", "week", "2026-W47").judgement == "bad"
    assert book.read("site_visit_cnt", "week", "2026-W47").target is None


@pytest.mark.parametrize(
    ("value", "better", "green", "amber", "said"),
    [
        (0.9, "up", 0.9, 0.8, "good"),
        (0.89, "up", 0.9, 0.8, "warn"),
        (0.8, "up", 0.9, 0.8, "warn"),
        (0.79, "up", 0.9, 0.8, "bad"),
        (0.89, "up", 0.9, None, "bad"),
        (0.1, "down", 0.1, 0.2, "good"),
        (0.11, "down", 0.1, 0.2, "warn"),
        (0.2, "down", 0.1, 0.2, "warn"),
        (0.21, "down", 0.1, 0.2, "bad"),
        (0.9, "context", 0.9, 0.8, None),
        (None, "up", 0.9, 0.8, None),
    ],
)
def test_judgement_includes_the_lines(
    value: float | None, better: str, green: float, amber: float | None, said: str | None
) -> None:
    sample = {"up": "fleet_online_rate", "down": "safe_overspeed_per_vehicle", "context": "mem_party_share"}[better]
    assert metrics()[sample].better == better
    assert judge(metrics()[sample], value, Target(green, amber, "局")) == said
    assert judge(metrics()[sample], value, None) is None


def test_a_doubt_is_beyond_the_bound_and_not_on_it() -> None:
    share = metrics()["mem_party_share"]
    assert doubt(share, 0.1) == "" and doubt(share, None) == ""
    assert doubt(share, 0.11).startswith("超过 10%，数据存疑")
    assert doubt(metrics()["fleet_online_rate"], 5.0) == "", "no bound, no doubt"


@pytest.mark.parametrize(
    ("result", "handled", "must", "due", "said"),
    [
        (1, True, True, True, "已处置"),
        (2, True, True, False, "不予处理"),
        (0, False, True, True, "超时处理中"),
        (3, False, True, False, "处理中"),
        (None, False, True, True, "超时未处置"),
        (None, False, True, False, "待处置"),
        (None, False, False, False, "提示"),
        (2, False, True, False, "不予处理，未写理由"),
        (2, False, True, True, "不予处理，未写理由"),
    ],
)
def test_how_an_alarm_stands_is_said_in_words(
    result: int | None, handled: bool, must: bool, due: bool, said: str
) -> None:
    assert alarm_status(result, handled, must, due) == said


@pytest.mark.parametrize(
    ("took_s", "limit_s", "handled", "must", "said"),
    [
        (1800.0, 1800.0, True, True, "已处置"),
        (1801.0, 1800.0, True, True, "超时处置"),
        (1801.0, 1800.0, True, False, "已处置"),
        (1801.0, None, True, True, "已处置"),
        (None, 1800.0, True, True, "已处置"),
        (0.0, 1800.0, True, True, "已处置"),
        (-1.0, 1800.0, True, True, "处置时间早于报警，存疑"),
        (-1.0, 1800.0, False, True, "处置时间早于报警，存疑"),
    ],
)
def test_late_handling_and_handling_before_the_alarm_are_no_plain_success(
    took_s: float | None, limit_s: float | None, handled: bool, must: bool, said: str
) -> None:
    assert alarm_status(1, handled, must, True, took_s, limit_s) == said


def test_the_oldest_input_is_the_one_that_has_used_most_of_its_promise(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, hour = book.generation.built_at, dt.timedelta(hours=1)
    ages = {"yz_vehicle": (2 * hour, 36_000), "yz_company": (hour, 3_600), "gps_alarm": (9 * hour, 60)}
    states = [
        dataclasses.replace(one, data_time=built - age, stale_after_s=promise)
        for one in book.sources()
        for age, promise in [ages.get(f"{one.source}_{one.entity}", (hour, 60))]
    ]
    monkeypatch.setattr(Snapshot, "sources", lambda _: states)
    assert book._oldest(metrics()["fleet_new_energy_rate"]) == (built - hour, 3_600)
    assert book._oldest(dataclass_like(metrics()["fleet_new_energy_rate"], sources=())) == (built, 3600)
    monkeypatch.setattr(Snapshot, "sources", lambda _: [])
    assert book._oldest(metrics()["fleet_new_energy_rate"]) == (None, 3600)


def test_a_place_that_an_indicator_does_not_go_down_to_is_refused(book: Snapshot) -> None:
    with pytest.raises(UsageError, match="不按企业统计"):
        book.read("site_visit_cnt", "day", place="G")
    with pytest.raises(UsageError, match="不按镇街统计"):
        book.read("p4_camp_child_cnt", "year", place="330110010")
    with pytest.raises(UsageError, match="没有这个地方或企业"):
        book.read("fleet_vehicle_cnt", place="nowhere")
    assert book.by("site_visit_cnt", "day", grain="company") == []
    assert book.known("nowhere") is None and book.known("G") == Place("G", "车辆公司", "company", "330110010")
    with pytest.raises(PageMissing):
        book.metric("nothing")


def test_places_are_those_of_a_town(book: Snapshot) -> None:
    assert [place.code for place in book.places("district")] == [DISTRICT]
    towns = book.places("town")
    assert len(towns) == 13 and towns[-1].code == "330110000" and {place.parent for place in towns} == {DISTRICT}
    assert [place.code for place in book.places("company", "330110014")] == ["SC"]
    assert [place.code for place in book.places("company", "SC")] == ["SC"]
    assert len(book.places("company")) == 37


def test_the_rows_of_a_town_and_of_each_company(book: Snapshot) -> None:
    found = {one.place.code: one.value for one in book.by("fleet_vehicle_cnt", grain="company", within="330110013")}
    assert found == {"F4": 80, "F7": 0}, "companies that never had a truck have no row"
    towns = {one.place.code: one.value for one in book.by("fleet_vehicle_cnt") if one.value}
    assert towns["330110013"] == 80 and towns["330110014"] == 22
    assert book.read("fleet_vehicle_cnt", place="330110014").value == 22
    assert all(one.last_year is None and one.place.grain == "town" for one in book.by("fleet_vehicle_cnt"))


def test_one_kind_of_truck_is_asked_for_by_its_word(book: Snapshot) -> None:
    only = (("energy", "新能源"),)
    assert book.read("fleet_vehicle_cnt", place="G", only=only).value == 2
    assert book.read("fleet_vehicle_cnt", place="HZ", only=(("vehicle_class", "hazmat"),)).value == 1
    with pytest.raises(UsageError, match="没有“colour”这一筛选条件"):
        book.read("fleet_vehicle_cnt", only=(("colour", "red"),))
    assert book.read("drv_driver_cnt", only=(("sex", "女"),), at="2026-11-22").value == 1
    with pytest.raises(UsageError, match="只按一个条件"):
        book.read("drv_driver_cnt", only=(("sex", "女"), ("employer", "个体")))
    with pytest.raises(UsageError, match="只按一个条件"):
        book.read("drv_driver_cnt", place="F1", only=(("sex", "女"),))
    with pytest.raises(UsageError, match="没有“stage”这一筛选条件"):
        book.read("drv_driver_cnt", only=(("stage", "x"),))


def test_slices_are_in_the_order_of_their_members(book: Snapshot) -> None:
    found = book.slices("fleet_vehicle_cnt", "energy", place="G")
    assert [(member, value, num, den, status) for member, value, num, den, status in found] == [
        ("其他", 2, 2, None, "ok"),
        ("新能源", 2, 2, None, "ok"),
        ("柴油", 3, 3, None, "ok"),
    ]
    ages = {member: value for member, value, *_ in book.slices("drv_driver_cnt", "age_band")}
    assert ages["30岁以下"] == 1 and ages["60岁及以上"] == 1 and sum(ages.values()) == 32
    with pytest.raises(UsageError, match="不能按“colour”拆分"):
        book.slices("fleet_vehicle_cnt", "colour")
    assert "SELECT" in book.sql("fleet_vehicle_cnt")


def test_figures_by_what_an_indicator_has_and_by_nothing_else(book: Snapshot) -> None:
    metric, spot = metrics()["fleet_vehicle_cnt"], book.place("G")
    item = Span(day(22), day(22), day(22))
    assert book.figures(metric, "day", item, spot) == {"": (7, None, 10)}
    assert book.figures(metric, "day", item, spot, "vehicle_class") == {"freight": (7, None, 10)}
    with pytest.raises(UsageError, match="不能按“town”拆分"):
        book.figures(metric, "day", item, spot, "town")
    people = metrics()["drv_driver_cnt"]
    assert book.figures(people, "day", item, book.place(DISTRICT), "sex") == {
        "女": (1, None, 1),
        "未知": (1, None, 1),
        "男": (31, None, 1),
    }
    assert book.figures(people, "day", item, book.place(DISTRICT), "town") == {}
    assert book.figures(people, "day", item, book.place("330110011"), "company") == {}


def test_dimensions_are_the_places_below_and_the_columns_of_the_mart(book: Snapshot) -> None:
    fleet, people = metrics()["fleet_vehicle_cnt"], metrics()["drv_driver_cnt"]
    assert list(book.dimensions(fleet, book.place(DISTRICT)))[:2] == ["town", "company"]
    assert list(book.dimensions(fleet, book.place("330110010")))[:2] == ["company", "vehicle"]
    assert "town" not in book.dimensions(fleet, book.place("G"))
    assert list(book.dimensions(people, book.place("330110010"))) == ["company", "employer", "sex", "age_band"]
    assert book.dimensions(people, book.place("G")) == {}


@pytest.mark.parametrize(
    ("dimension", "code", "said"),
    [
        ("town", "", "归属待核"),
        ("vehicle", "未知", "归属待核"),
        ("energy", "", "未知"),
        ("energy", "柴油", "柴油"),
        ("vehicle", "浙C00001#2", "浙C00001 黄"),
        ("town", "330110010", "良渚街道"),
        ("company", "gone", "gone"),
        ("vehicle_class", "hazmat", "危险货物"),
    ],
)
def test_a_member_is_called_by_its_name(book: Snapshot, dimension: str, code: str, said: str) -> None:
    assert book.member(metrics()["fleet_vehicle_cnt"], dimension, code) == said


def test_a_plate_is_written_with_its_colour() -> None:
    assert [plate(key) for key in ("浙A12345#2", "浙AD12345#94", "浙A12345#7")] == [
        "浙A12345 黄",
        "浙AD12345 渐变绿",
        "浙A12345 其他",
    ]


# ---- windows ------------------------------------------------------------------------------------------------------


def test_a_trend_of_every_kind_of_indicator(book: Snapshot) -> None:
    def values(metric: str, window: str, count: int, at: str | None = None, place: str = DISTRICT) -> list[Any]:
        return [point.value for point in book.series(metric, window, count, at, place)]

    assert values("site_visit_cnt", "day", 3, "2026-11-21") == [None, 7, 10], "a flow, and before the first day nothing"
    assert values("fleet_vehicle_cnt", "day", 3, "2026-11-22", "G") == [10, 7, 7], "a stock: three left on the 21st"
    assert values("p6_demo_org_cnt", "day", 3, "2026-11-23") == [2, 2, 2] and values(
        "p6_demo_org_cnt", "day", 2, "2026-11-12"
    ) == [1, 2], "what holds on a day"
    assert values("safe_company_score", "week", 2, "2026-W47", "SC") == [None, 76.5], "what has its window itself"
    assert values("drv_driver_cnt", "day", 3, "2026-11-23") == [34, 33, 32], "persons, by the day that is read"
    assert values("p5_mp_mau_rate", "month", 2, "2026-11") == [pytest.approx(1 / 2), pytest.approx(1 / 7)]
    assert book.series("fleet_running_now_cnt", "now", 3) == []
    points = book.series("site_visit_cnt", "day", 2, "2026-11-23")
    assert [(point.win_start, point.win_end, point.complete) for point in points] == [
        (day(22), day(22), True),
        (day(23), day(23), False),
    ]


def test_the_week_that_is_shown_unasked_is_at_least_half_over(book: Snapshot) -> None:
    assert periods.newest(book, "week") == "2026-W47" and book.usual("week") == day(16)
    assert periods.newest(book, "day") == "2026-11-22" and periods.newest(book, "now") is None
    assert book.read("site_visit_cnt", "month").win_start == day(1), "22 days of 30"
    assert book.read("fleet_vehicle_cnt", "week").win_start == day(23), "a stock is read today"
    assert book.read("p5_mp_mau_rate").win_start == dt.date(2026, 10, 1), "what gathers through its month, once whole"


def test_the_days_before_are_as_many_as_ours(book: Snapshot) -> None:
    visits = metrics()["site_visit_cnt"]
    assert book.spans(visits, "week", "2026-W47") == (Span(day(9), day(9), day(15)), Span(day(16), day(16), day(22)))
    before, ours = book.spans(visits, "month", "2026-11")
    assert ours == Span(day(1), day(1), day(22))
    assert before == Span(dt.date(2026, 10, 1), dt.date(2026, 10, 1), dt.date(2026, 10, 22), is_cut=True)
    year, _ = book.spans(visits, "month", "2026-11", "year")
    assert year == Span(dt.date(2025, 11, 1), dt.date(2025, 11, 1), dt.date(2025, 11, 22), is_cut=True)
    whole, ours = book.spans(visits, "month", "2026-10")
    assert (whole.last, ours.last) == (dt.date(2026, 9, 30), dt.date(2026, 10, 31))
    assert book.spans(visits, "day", "2026-11-23")[1] == Span(day(23), day(23), day(23)), "a day asked for by name"


def test_an_indicator_without_that_window_answers_with_its_own(book: Snapshot) -> None:
    assert book.read("p1_visit_done_rate", "week", "2026-W45").window == "month"
    assert book.read("p1_visit_done_rate", "week", "2026-W45").win_start == day(1)
    assert book.read("p1_visit_done_rate", "week", "2026-W41").win_start == dt.date(2026, 10, 1)
    assert book.read("rdm_learning_done_rate", "week", "2026-W47").win_start == dt.date(2026, 10, 1)
    assert book.read("rdm_learning_done_rate", "week", "2026-W44").win_start == dt.date(2026, 10, 1)
    assert periods.at_for(book, metrics()["rdm_learning_done_rate"], "week", "2026-W47") == "2026-10"
    assert periods.at_for(book, metrics()["rdm_learning_done_rate"], "month", "2026-11") == "2026-11"
    assert periods.at_for(book, metrics()["rdm_learning_done_rate"], "month", "2026-11", is_named=False) == "2026-10"
    assert periods.at_for(book, metrics()["fleet_running_now_cnt"], "week", "2026-W47") is None
    assert periods.at_for(book, metrics()["dh_key_quality_rate"], "week", "2026-W47") is None
    assert periods.at_for(book, metrics()["site_visit_cnt"], "week", None) is None
    assert periods.at_for(book, metrics()["site_visit_cnt"], "week", "2026-W47") == "2026-W47"
    assert periods.read(book, metrics()["site_visit_cnt"], "week", "2026-W47").value == 18
    assert periods.read(book, metrics()["site_visit_cnt"], "day", "2026-11-21").value == 10
    assert periods.read(book, metrics()["p1_visit_done_rate"], "week", "2026-W45").window == "month"


def test_the_newest_day_of_which_something_has_come_is_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Snapshot, "arrived", lambda *_: day(21))
    book = Snapshot(world[0].settings, world[1].id, Scope.ALL, None)
    whole = {number: book.read("site_visit_cnt", "day", f"2026-11-{number}").complete for number in (21, 22)}
    assert whole == {21: True, 22: False}
    points = book.series("site_visit_cnt", "day", 2, "2026-11-22")
    assert [point.complete for point in points] == [True, False]


def test_persons_of_a_company_are_counted_for_62_days(book: Snapshot) -> None:
    people = metrics()["drv_driver_cnt"]
    ends = [dt.date(2026, 10, 31), dt.date(2026, 9, 23), dt.date(2026, 9, 22), dt.date(2026, 8, 31)]
    assert [book._is_counted(people, "month", Span(end, end, end), "company") for end in ends] == [
        True,
        True,
        False,
        False,
    ]
    assert all(book._is_counted(people, "month", Span(end, end, end), "town") for end in ends)


def test_persons_below_the_district_are_read_by_the_last_closed_month(book: Snapshot) -> None:
    """Whatever day, week or running month is asked for; the reading says of which."""
    town = book.places("town")[0].code
    for window, at in (("day", None), ("week", "2026-W47"), ("month", "2026-11"), (None, None)):
        item = book.read("drv_driver_cnt", window, at, town)
        assert (item.window, str(item.win_start)) == ("month", "2026-10-01"), (window, at)
    assert str(book.read("drv_driver_cnt", "month", "2026-09", town).win_start) == "2026-09-01"
    assert str(book.read("drv_driver_cnt", "day", "2026-09-30", town).win_start) == "2026-09-01"
    assert str(book.read("drv_driver_cnt", "day", "2026-09-29", town).win_start) == "2026-08-01"
    assert {str(item.win_start) for item in book.by("drv_driver_cnt", "day", None, "town")} == {"2026-10-01"}
    assert book.read("drv_driver_cnt", "day").window == "day"


@pytest.mark.parametrize(("change", "value"), [("", 12), ("DROP TABLE marts.one_person_owner", None)])
def test_persons_of_a_town_are_read_where_they_were_judged_as_today(
    world: World, tmp_path: Path, change: str, value: int | None
) -> None:
    """A generation that does not know the owners who are one person comes from an earlier release."""
    town, (house, book) = "330110011", world
    (tmp_path / "published").mkdir()
    for made in snapshot.files(house.settings, [book.id]):
        shutil.copyfile(made, tmp_path / "published" / made.name)
    with duckdb.connect(stand_alone(tmp_path / "published" / f"{book.id}.duckdb")) as file:
        file.execute(
            "INSERT INTO meta.person_reading BY NAME SELECT 'drv_driver_cnt' AS metric, 'day' AS win, "
            "DATE '2026-10-31' AS win_start, 'town' AS grain, ? AS place, '' AS slice, '' AS member, 12 AS num",
            [town],
        )
        file.execute(change)
    assert SnapshotStore(tmp_path).open(book.id, Scope.ALL).read("drv_driver_cnt", place=town).value == value


@pytest.mark.parametrize(("made", "month"), [(3, "2026-09"), (4, "2026-10")])
def test_a_month_of_persons_is_closed_three_days_after_it_is_over(book: Snapshot, made: int, month: str) -> None:
    """Of November, whatever is read of it at eight."""
    later = copy.copy(book)
    later.generation = dataclasses.replace(book.generation, built_at=dt.datetime(2026, 11, made, 8))
    assert later._closed(metrics()["drv_driver_cnt"], "day", None) == ("month", month)


@pytest.mark.parametrize(
    ("metric", "window", "before"),
    [
        ("p5_volunteer_hours", "month", True),  # persons, what they did
        ("drv_driver_cnt", "month", False),  # persons, how many there are
        ("rdm_learning_done_rate", "month", False),  # persons, what they owe
        ("p3_appeal_ontime_rate", "month", False),  # no persons
    ],
)
def test_only_before_the_first_deed_of_persons_nobody_knows(
    book: Snapshot, metric: str, window: str, before: bool
) -> None:
    first = dt.date(2020, 1, 1)
    assert book.is_before_all(metrics()[metric], window, Span(first, first, dt.date(2020, 1, 31))) is before


@pytest.mark.parametrize(
    ("theirs", "ours", "factor"),
    [((1, 20), (1, 10), 0.5), ((1, 10), (1, 20), 2.0), ((1, 10), (11, 20), 1.0), ((5, 4), (1, 10), 1.0)],
)
def test_a_sum_is_evened_to_as_many_days(theirs: tuple[int, int], ours: tuple[int, int], factor: float) -> None:
    one, other = (Span(day(first), day(first), day(last)) for first, last in (theirs, ours))
    assert evening(metrics()["site_visit_cnt"], one, other) == factor
    assert evening(metrics()["site_satisfaction"], one, other) == 1.0
    assert evening(metrics()["fleet_vehicle_cnt"], one, other) == 1.0


def test_a_town_that_is_one_sum_with_a_single_owner_says_so(book: Snapshot) -> None:
    hidden = {town for (town,) in book.ask("SELECT town_code FROM marts.pooled_owner WHERE company_key = ''")}
    read = book.by("fleet_online_rate", "day", "2026-11-22", "town")
    assert {one.place.code for one in read if one.status == "small_cell"} == hidden and hidden


# ---- statuses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num", "den", "present", "said"),
    [
        (33.0, 10.0, 5.0, (3.3, "ok")),
        (33.0, 9.9, 5.0, (None, "insufficient")),
        (33.0, 0.0, 5.0, (None, "insufficient")),
        (33.0, None, 5.0, (None, "insufficient")),
        (None, 10.0, 5.0, (0.0, "ok")),
        (33.0, 10.0, 0.0, (None, "missing")),
        (33.0, 10.0, None, (None, "missing")),
        (33.0, 10.0, -1.0, (None, "small_cell")),
    ],
)
def test_what_figures_say(
    book: Snapshot, num: float | None, den: float | None, present: float | None, said: tuple[float | None, str]
) -> None:
    assert book.value(metrics()["site_satisfaction"], num, den, present) == said


def test_a_source_that_failed_is_told_apart_from_one_that_is_silent(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [dataclasses.replace(one, error="断线" if one.entity == "rating" else "") for one in book.sources()]
    monkeypatch.setattr(Snapshot, "sources", lambda _: states)
    assert book.value(metrics()["site_satisfaction"], 1.0, 1.0, 0.0) == (None, "failed")
    assert book.value(metrics()["site_visit_cnt"], 1.0, None, 0.0) == (None, "missing")


def test_events_that_did_not_happen_are_a_true_nothing(book: Snapshot) -> None:
    """The ledger of camps has delivered: a year without one is 0. A day without a visit was not reported."""
    none = book.read("p4_camp_child_cnt", "year", "2024")
    assert (none.value, none.status) == (0, "ok")
    silent = book.read("site_visit_cnt", "day", "2026-11-10")
    assert (silent.value, silent.num, silent.status, silent.parts) == (None, None, "missing", {})
    town = book.read("site_visit_cnt", "day", "2026-11-21", "330110005")
    assert (town.value, town.status) == (0, "ok"), "where others have reported, no row is none"


@pytest.mark.parametrize(
    ("identifier", "window", "status"),
    [
        ("safe_urge_done_rate", "month", "insufficient"),
        ("rdm_defect_fix_rate", "month", "insufficient"),
        ("p1_visit_done_rate", "month", "insufficient"),
        ("p1_three_send_cnt", "month", "ok"),
        ("p1_unit_task_ontime_rate", "month", "insufficient"),
        ("p3_overlimit_auto_rate", "month", "insufficient"),
        ("p3_overlimit_ontime_rate", "month", "insufficient"),
        ("p3_appeal_ontime_rate", "month", "insufficient"),
        ("p4_checkup_rate", "year", "missing"),
        ("p4_benefit_reach_cnt", "month", "missing"),
        ("p4_camp_child_cnt", "year", "ok"),
        ("p5_volunteer_hours", "month", "missing"),
        ("p6_beauty_driver_cnt", "year", "missing"),
        ("p6_award_cnt", "year", "missing"),
    ],
)
def test_what_is_counted_by_its_events_is_told_where_there_are_none(
    book: Snapshot, identifier: str, window: str, status: str
) -> None:
    """Counts of persons are there for as long as history is: before it nothing is known, not even that there was none."""
    assert book.read(identifier, window, "2024-02" if window == "month" else "2024").status == status


def test_a_table_has_delivered_when_it_or_its_archive_has(book: Snapshot) -> None:
    assert book.delivered("gps_location") and book.delivered("own_target") and book.delivered("st_visit")
    assert not book.delivered("st_inspection") and not book.reported(
        dataclass_like(metrics()["site_visit_cnt"], sources=("st_inspection",))
    )


def dataclass_like(metric: Any, **changes: Any) -> Any:
    from msgspec import structs

    return structs.replace(metric, id="another", **changes)


# ---- targets that grow --------------------------------------------------------------------------------------------


def row(period: str, green: float, amber: float | None, **more: Any) -> Stated:
    usual = {
        "town": "",
        "first": None,
        "last": None,
        "basis": "本局",
        "source": "局",
        "progress": None,
        "by": "",
        "on": None,
    }
    return Stated(period=period, green=green, amber=amber, **{**usual, **more})


def test_a_period_is_held_against_the_target_in_force_on_its_last_day(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = metrics()["site_open_rate"]
    rows = [row("month", 0.9, None, last=day(22)), row("month", 0.95, None, first=day(23))]
    monkeypatch.setattr(targets, "stated", lambda _, kpi: rows)

    def green(end: dt.date) -> float | None:
        found = targets.due(book, rate, "month", end.replace(day=1), end, end, book.home)
        return found and found.green

    assert [green(end) for end in (dt.date(2026, 10, 31), day(22), day(23), day(30))] == [0.9, 0.9, 0.95, 0.95]
    rows[1] = row("month", 0.95, None, first=dt.date(2027, 1, 1))
    assert green(day(30)) is None and green(dt.date(2027, 1, 31)) == 0.95
    assert targets.whole(book, "site_open_rate") == {}, "today neither is in force"


def test_a_town_has_its_own_target_before_that_of_the_district(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    rate, count = metrics()["site_open_rate"], metrics()["site_visit_cnt"]
    rows = [row("month", 0.9, None), row("month", 0.8, None, town="良渚街道")]
    monkeypatch.setattr(targets, "stated", lambda _, kpi: rows)
    liangzhu, other = (next(p for p in book.places("town") if (p.label == "良渚街道") is own) for own in (True, False))
    company = Place("c1", "某公司", "company", liangzhu.code)

    def green(metric: Any, place: Place, *, is_part: bool = False) -> float | None:
        found = targets.due(book, metric, "month", day(1), day(30), day(30), place, is_part=is_part)
        return found and found.green

    assert [green(rate, place) for place in (book.home, liangzhu, other, company)] == [0.9, 0.8, 0.9, 0.8]
    assert [green(count, place) for place in (book.home, liangzhu, other, company)] == [0.9, 0.8, None, None]
    assert [green(count, place, is_part=True) for place in (book.home, liangzhu)] == [None, None]
    assert green(rate, liangzhu, is_part=True) == 0.8


def test_as_much_is_due_as_of_the_period_is_over(book: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    visits, rate, done = (metrics()[name] for name in ("site_visit_cnt", "site_open_rate", "p3_warm_item_done_rate"))
    rows = {
        "site_visit_cnt": [row("month", 300.0, 240.0)],
        "site_open_rate": [row("month", 0.9, 0.8)],
        "p3_warm_item_done_rate": [row("year", 1.0, None, progress="linear")],
        "fleet_vehicle_cnt": [row("day", 500.0, None)],
    }
    monkeypatch.setattr(targets, "stated", lambda _, kpi: rows.get(kpi, []))

    def target(metric: Any, window: str, until: dt.date) -> tuple[float, float | None, float | None, float] | None:
        found = targets.due(book, metric, window, day(1), day(30), until, book.home)
        return found and (found.green, found.amber, found.whole, found.elapsed)

    assert target(visits, "month", day(15)) == (150.0, 120.0, 300.0, 0.5)
    assert target(visits, "month", day(30)) == (300.0, 240.0, None, 1.0)
    assert target(rate, "month", day(15)) == (0.9, 0.8, None, 1.0), "a rate does not grow"
    assert target(done, "year", day(15)) == (0.5, None, 1.0, 0.5)
    assert target(metrics()["fleet_vehicle_cnt"], "week", day(15)) == (500.0, None, None, 1.0)
    assert target(visits, "week", day(15)) is None, "of a flow each window has its own"
    rows["site_visit_cnt"] = [row("month", 300.0, 240.0, progress="whole")]
    assert target(visits, "month", day(15)) == (300.0, 240.0, None, 1.0)


# ---- what a generation says beside its numbers --------------------------------------------------------------------


def test_a_generation_says_when_it_was_built_and_how_far_its_days_go(book: Snapshot) -> None:
    generation = book.generation
    assert generation.id == "20261123T140000" == book.id and generation.is_demo is True
    assert generation.built_at == dt.datetime(2026, 11, 23, 14, tzinfo=SHANGHAI) == aware(dt.datetime(2026, 11, 23, 14))
    assert generation.last_day == day(23)
    assert generation.data_time == min(state.data_time for state in book.sources() if state.data_time)


def test_alarms_are_told_in_words_with_a_masked_plate(book: Snapshot) -> None:
    first, *_ = alarms.newest(book, 3)
    assert len(alarms.newest(book, 3)) == 3 and first == {
        "raised_at": dt.datetime(2026, 11, 23, 13, 41, tzinfo=SHANGHAI),
        "plate_mask": "浙F·0**99 黄",
        "kind": "疲劳驾驶",
        "level": 2,
        "town": "不单列",
        "company": "",
        "status": "待处置",
    }
    assert alarms.summary(book) == {"day": day(23), "raised": 7, "handled": 2, "due": 4}


@pytest.mark.parametrize(
    ("metric", "window", "said"),
    [
        ("site_visit_cnt", "month", "按已过天数折算"),
        ("p4_camp_child_cnt", "year", "期末才评"),
        ("rdm_learning_done_rate", "month", "期末才评"),
        ("fleet_online_rate", "week", "按整期目标评"),
    ],
)
def test_what_of_a_target_counts_while_its_period_runs(book: Snapshot, metric: str, window: str, said: str) -> None:
    (stated,) = (one for one in targets.stated(book, metric) if one.period == window)
    assert targets.pace(metrics()[metric], stated) == said


def test_programmes_checks_defects_and_quarantine_are_told(book: Snapshot) -> None:
    assert sum(len(targets.programme_weights(book, number)) for number in range(1, 7)) == 27
    assert targets.programme_weights(book, 7) == [] and all(
        weight > 0 for _, weight in targets.programme_weights(book, 1)
    )
    assert book.held() == {} and {check["held"] for check in data_quality.checks(book)} == {False}
    assert {"table": "yz_vehicle", "rule": "D02", "is_row": True, "rows": 2} in data_quality.quarantine(book)
    assert data_quality.defects(book) and all(
        one["rule"].startswith("D") and one["rows"] > 0 for one in data_quality.defects(book)
    )
    assert data_quality.review(book) and set(data_quality.review(book)[0]) == {"rule", "subject", "detail"}
    assert data_quality.revisions(book, "fleet_vehicle_cnt") == [] and book.live() is None
    newest, older = data_quality.revisions(book)
    assert newest == {
        "metric": "site_visit_cnt",
        "window": "week",
        "at": "2026-W47",
        "place": DISTRICT,
        "old": 18,
        "new": 19,
        "at_time": dt.datetime(2026, 11, 23, 11, tzinfo=SHANGHAI),
        "generation": "g3",
        "provisional": False,
        "why": "口径变更",
    }
    assert (older["old"], older["provisional"], older["why"]) == (17, True, "")
    assert data_quality.revisions(book, "site_visit_cnt") == [newest, older]


def in_order(rows: list[Any], key: Any) -> bool:
    return len(rows) > 1 and [key(row) for row in rows] == sorted(key(row) for row in rows)


def test_lists_stand_in_the_order_that_they_say(book: Snapshot, world: World) -> None:
    assert in_order(book.sources(), lambda one: (one.source, one.entity))
    assert in_order(data_quality.checks(book), lambda one: (-one["failed_rows"], one["model"]))
    assert in_order(data_quality.defects(book), lambda one: (one["rule"], one["label"]))
    assert 1 in {one["rows"] for one in data_quality.defects(book)}
    assert in_order(data_quality.review(book), lambda one: (one["rule"], one["subject"], one["detail"]))
    assert in_order(data_quality.quarantine(book), lambda one: (-one["rows"], one["table"]))
    assert in_order([place.label for place in book.places("company")], str)
    with Restricted(world[0].settings, book.id) as restricted:
        rows = restricted.quarantine()
        assert in_order(rows, lambda one: (-one["seq"], one["row"])) and len({one["seq"] for one in rows}) > 1
        assert {one["name"] for one in restricted.quarantine("yz_vehicle")} == {"yz_vehicle"}


def test_the_newest_week_of_a_company_comes_first(world: World, tmp_path: Path) -> None:
    house, book = world
    sql = (ROOT / "insight/sql/company_scores.sql").read_text("utf-8")
    with duckdb.connect() as file:
        for made in snapshot.files(house.settings, [book.id]):
            shutil.copyfile(made, tmp_path / made.name)
        whole = stand_alone(tmp_path / f"{book.id}.duckdb")
        file.execute(f"ATTACH '{whole}' AS made (READ_ONLY)")
        file.execute(
            "CREATE SCHEMA marts; CREATE TABLE marts.company_score AS FROM made.marts.company_score "
            "SELECT * REPLACE ('AL' AS company_key) WHERE company_key IN ('AL', 'SC')"
        )
        assert [row[0] for row in file.execute(sql, {"company": "AL"}).fetchall()] == [day(16), day(9)]


def test_the_check_that_most_rows_failed_comes_first() -> None:
    with duckdb.connect() as file:
        file.execute(
            """CREATE SCHEMA meta; CREATE TABLE meta.check_result AS
            FROM (VALUES ('b', 1), ('a', 1), ('c', 2)) AS t (model, failed_rows), (SELECT '' AS name, '' AS severity, '' AS message)"""
        )
        assert [row[0] for row in file.sql(text("check_results")).fetchall()] == ["c", "a", "b"]


def test_the_newest_payload_that_is_not_in_comes_first() -> None:
    columns = "name, payload, reason, landed_at, acknowledged_at, acknowledged_by, acknowledged_why"
    with duckdb.connect() as file:
        file.execute(
            f"CREATE SCHEMA meta; CREATE TABLE meta.refused (seq INT, {columns.replace(',', ' VARCHAR,')} VARCHAR)"
        )
        file.execute("INSERT INTO meta.refused BY NAME SELECT unnest([1, 3, 2]) AS seq")
        assert [row[0] for row in file.sql(text("refused_payloads")).fetchall()] == [3, 2, 1]


def test_an_indicator_is_revised_from_the_second_version_of_one_number_on() -> None:
    with duckdb.connect() as file:
        file.execute(
            """CREATE SCHEMA meta; CREATE TABLE meta.kpi_revision AS
            FROM (VALUES ('twice', 'x'), ('twice', 'x'), ('once', 'x'), ('once', 'y')) AS t (kpi_id, grain_key),
                (SELECT 'week' AS win, DATE '2026-11-16' AS win_start, 'town' AS grain)"""
        )
        assert file.sql(text("revised_metrics")).fetchall() == [("twice",)]


def test_a_source_of_many_rows_a_day_is_one_that_speaks_every_day(book: Snapshot) -> None:
    """Nine visits, of the 19th (the first whole day) to the 21st, and known up to the 22nd."""

    def begins(per_day: float, table: str = "st_visit") -> dt.date | None:
        return dict(book.ask(text("busy_sources"), {"per_day": per_day})).get(table)

    def ends(per_day: float, table: str = "st_visit") -> tuple[Any, ...] | None:
        return {row[0]: row[1:] for row in book.ask(text("arrivals"), {"per_day": per_day})}.get(table)

    assert (begins(2.25), begins(2.26)) == (day(19), None)
    assert ends(3.0) == (day(21), contracts()["st_visit"].stale_after_s) and ends(3.1) is None
    assert ends(5, "yz_penalty") and not ends(5.1, "yz_penalty"), "five on the one day there is"
    assert (begins(5, "yz_penalty"), begins(5.1, "yz_penalty")) == (day(22), None)


# ---- why a number changed -----------------------------------------------------------------------------------------


def test_a_change_is_split_over_towns_and_what_is_nobodys(book: Snapshot) -> None:
    split = explain(book, "site_visit_cnt", "day", "2026-11-21")
    assert isinstance(split, Change) and (split.before, split.after, split.is_ratio, split.against) == (
        7,
        10,
        False,
        "previous",
    )
    assert [(piece.label, piece.code, piece.amount, piece.level, piece.kind) for piece in split.pieces] == [
        ("归属待核", "330110000", 2, 2, "part"),
        ("仓前街道", "330110012", 1, 1, "part"),
    ]
    assert split.mix == 0 and split.spans[0].first == day(20)
    early = explain(book, "site_visit_cnt", "day", "2026-11-20")
    assert isinstance(early, NoSplit)
    now = explain(book, "fleet_running_now_cnt")
    assert isinstance(now, NoSplit) and "没有可比的上期" in now.reason


def test_a_member_that_counts_one_has_a_rate_of_its_own() -> None:
    """One of two, then one of four: its rate is what it was, so nothing of the change is its level."""
    amount, level = effect(((1.0, 2.0), (1.0, 4.0)), ((0.5, 1.0), (0.5, 1.0)))
    assert amount == pytest.approx(-0.03125) and level == 0.0


def test_all_words_of_a_sum_together_are_still_one() -> None:
    numerator = " ".join(f"{word}(x)" for word in SUMS)
    assert adds(dataclass_like(metrics()["fleet_online_rate"], numerator=numerator, denominator=""))
    assert not adds(dataclass_like(metrics()["fleet_online_rate"], numerator="sum(x) / count(x)"))


def test_what_is_prepared_is_not_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Snapshot(world[0].settings, world[1].id, Scope.ALL, None)
    book.prepare([("site_visit_cnt", "day", "2026-11-21"), ("drv_driver_cnt", "day", "2026-11-22")])
    monkeypatch.setattr(Snapshot, "_read_parts", lambda *_: pytest.fail("asked for again"))
    assert book.read("site_visit_cnt", "day", "2026-11-21").value == 10
    assert book.read("drv_driver_cnt", "day", "2026-11-22").value == 33


# ---- the compiler -------------------------------------------------------------------------------------------------


def test_rows_are_kept_to_a_place(book: Snapshot) -> None:
    assert metric_sql.restricted_to("district", DISTRICT) == ("", [])
    assert metric_sql.restricted_to("town", "330110010") == ("town_code = ?", ["330110010"])
    assert metric_sql.restricted_to("company", "G") == ("company_key = ?", ["G"])
    assert metric_sql.number(None) is None and metric_sql.number(3) == 3.0


def test_a_span_ends_where_days_do_not_count_yet_and_looks_back_over_so_many() -> None:
    rating, visits = metrics()["site_satisfaction"], metrics()["site_visit_cnt"]
    assert metric_sql.span(visits, "week", day(16), day(20)) == Span(day(16), day(16), day(20))
    assert metric_sql.span(visits, "week", day(16), day(30)) == Span(day(16), day(16), day(22))
    looked = metric_sql.span(rating, "week", day(16), day(20))
    assert (looked.last - looked.first).days == 89 and looked.last == day(20)


def test_what_is_counted_of_persons_is_kept_by_day_or_by_window() -> None:
    item = Span(day(16), day(16), day(22))
    assert metric_sql.counted(metrics()["drv_driver_cnt"], "week", item) == ("day", day(22))
    assert metric_sql.counted(metrics()["p4_pairing_rate"], "week", item) == ("day", day(22))
    assert metric_sql.counted(metrics()["p5_mp_mau_rate"], "month", item) == ("month", day(16))


def test_only_figures_of_the_same_rows_stand_in_one_row() -> None:
    item = Span(day(16), day(16), day(22))
    handled, ontime, raised = (
        metrics()[name] for name in ("safe_alarm_handled_rate", "safe_alarm_ontime_rate", "safe_urge_done_rate")
    )
    same = metric_sql.same_rows
    assert same(handled, "week", item) == same(ontime, "day", item) != same(raised, "week", item)
    score = metrics()["safe_company_score"]
    assert same(score, "week", item) != same(score, "month", item)


def test_a_target_stands_as_it_is_where_it_does_not_grow() -> None:
    kept = Target(0.9, 0.8, "局")
    assert kept.entire is kept and kept.elapsed == 1.0
    assert dataclasses.replace(kept, whole=1.0).entire.amber is None


def test_readings_carry_nothing_by_default() -> None:
    given = {one.name: one.default for one in dataclasses.fields(Reading) if one.default is not dataclasses.MISSING}
    assert given["complete"] is True and given["provisional"] is False and given["previous"] is None


# ---- how a number stands ------------------------------------------------------------------------------------------


def test_a_judgement_has_the_colour_of_its_authority(book: Snapshot) -> None:
    reading = book.read("fleet_online_rate", "week")
    own, proposed = Target(0.9, None, "局"), Target(0.9, None, "", basis="产品建议")
    assert dataclasses.replace(reading, judgement="bad", target=own).tone == "bad"
    assert dataclasses.replace(reading, judgement="bad", target=proposed).tone == "advice"
    assert dataclasses.replace(reading, judgement=None, target=proposed).tone == "", "not judged yet"
    assert dataclasses.replace(reading, judgement="good", target=None).tone == "good"


def test_only_a_number_of_persons_below_the_district_stands_since_an_earlier_month(
    book: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, since = book.places("town")[0].code, day(1)
    monkeypatch.setattr(book, "_answers", LRUCache(100))  # what is answered here is remembered nowhere
    monkeypatch.setattr(Snapshot, "held_from", lambda *_: {town: since, DISTRICT: since})
    persons = "rdm_learning_done_rate"
    assert {one.place.code: one.held_from for one in book.by(persons)}[town] == since
    assert book.read(persons).held_from is None and book.read("fleet_online_rate", place=town).held_from is None


def test_what_is_not_listed_by_place_in_a_running_month_is_not_split_by_place(book: Snapshot) -> None:
    split = explain(book, "rdm_learning_done_rate", "month", "2026-11", by="town")
    assert isinstance(split, NoSplit) and split.reason
