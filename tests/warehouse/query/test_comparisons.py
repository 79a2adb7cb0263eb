"""What stands beside a number is as long as the number is, and days that have not come are not counted as empty."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import present
from tests.house import House
from warehouse.catalog.metrics import metrics
from warehouse.compile.metric_sql import Span
from warehouse.compile.reading import DISTRICT, Place, Reading, Target
from warehouse.core import festivals, units
from warehouse.query.contribution import NoSplit, explain
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore
from warehouse.query.windows import evening

TODAY = dt.date(2026, 11, 23)


def reading(value: float, green: float | None = None, judgement: str | None = None, **more: object) -> Reading:
    target = None if green is None else Target(green, None, "本局")
    base = Reading(
        "m", "数", "ratio", "up", "week", dt.date(2026, 11, 16), dt.date(2026, 11, 22), Place(DISTRICT, "余杭区", "district"),
        value, None, None, "ok", None, 3600, "g", target=target, judgement=judgement,  # type: ignore[arg-type]
    )  # fmt: skip
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (1.0, "100.0"),
        (0.9996, "99.96"),
        (0.99996, "99.996"),
        (0.0, "0.0"),
        (0.0004, "0.04"),
        (0.934, "93.4"),
        (1.0004, "100.04"),
    ],
)
def test_what_is_not_all_is_never_printed_as_all_nor_little_as_nothing(share: float, shown: str) -> None:
    assert fmt.value(share, "ratio", 1).text == shown


@pytest.mark.parametrize(
    ("value", "green", "judgement", "shown"),
    [
        (0.9796, 0.98, "warn", "97.96"),
        (0.98, 0.98, "good", "98.0"),
        (0.97, 0.98, "bad", "97.0"),
        (0.97996, 0.98, "bad", "97.996"),
    ],
)
def test_no_rounding_contradicts_a_judgement(value: float, green: float, judgement: str, shown: str) -> None:
    assert present(reading(value, green, judgement), 1).shown.text == shown


def test_a_sum_over_more_days_is_compared_by_its_mean_a_day() -> None:
    visits = metrics()["site_visit_cnt"]
    march, february = (
        Span(dt.date(2026, 3, 1), dt.date(2026, 3, 1), dt.date(2026, 3, 31)),
        Span(dt.date(2026, 2, 1), dt.date(2026, 2, 1), dt.date(2026, 2, 28)),
    )
    assert evening(visits, february, march) == pytest.approx(31 / 28)
    assert evening(visits, march, march) == 1
    assert evening(metrics()["fleet_online_rate"], february, march) == 1, "a rate is a mean already"
    assert present(reading(0.5, evened=("previous",))).previous.endswith("（按日均）")


def test_a_year_is_compared_with_the_year_before_once() -> None:
    view = present(reading(0.5, window="year", previous=0.4, last_year=0.4))
    assert view.delta.text and view.year == fmt.UNKNOWN_DELTA


@pytest.mark.parametrize("today", [TODAY, dt.date(2026, 3, 31), dt.date(2028, 2, 29), dt.date(2027, 1, 1)])
def test_every_stock_of_the_newest_days_has_its_day_a_year_before(today: dt.date) -> None:
    days = set(units.reading_days(today, 460))
    for back in range(units.DAILY):
        day = today - dt.timedelta(days=back)
        for window in ("week", "month", "quarter", "year"):
            start = units.window_of(window, day)[0]
            for before in (units.year_ago(window, start), units.back(window, start, 1)):
                beside = min(before + (day - start), units.window_of(window, before)[1])
                if (today - beside).days <= 460:
                    assert beside in days, (day, window, beside)


def test_a_window_with_a_holiday_that_the_one_beside_it_lacks_says_so() -> None:
    spring = reading(0.5, win_start=dt.date(2026, 2, 16), win_end=dt.date(2026, 2, 22))
    (tag,) = [tag for tag in present(spring).tags if tag.kind == "festival"]
    assert tag.word == "春节影响" and "春节假期本期 7 天" in tag.why
    assert not [tag for tag in present(reading(0.5)).tags if tag.kind == "festival"]


def test_a_year_that_nobody_has_announced_is_not_guessed() -> None:
    assert festivals.within(dt.date(2049, 2, 1), dt.date(2049, 2, 2)) is None
    with pytest.raises(LookupError):
        festivals.of_day(dt.date(2049, 2, 1))


def visits(*days: int) -> list[dict[str, object]]:
    return [
        {
            "site_id": "S1",
            "at": f"2026-11-{day:02d} {hour:02d}:00:00",
            "method": "manual",
            "cnt": 1,
            "updated_at": f"2026-11-{day:02d} {hour:02d}:30:00",
        }
        for day in days
        for hour in range(8, 14)
    ]


def test_a_week_is_whole_when_its_last_day_has_come_not_when_the_clock_says_so(house: House) -> None:
    house.put(
        "st_site",
        [{"site_id": "S1", "name": "甲", "town": "330110010", "status": "在用", "updated_at": "2026-01-01 08:00:00"}],
    )
    house.put("st_visit", visits(*range(7, 22)))
    house.at = dt.datetime(2026, 11, 23, 0, 1)
    early = house.publish(trail=False).read("site_visit_cnt", "week", "2026-W47")
    assert (early.value, early.previous, early.complete) == (36, 36, False), "six days against six"
    house.put("st_visit", visits(22))
    house.at = dt.datetime(2026, 11, 23, 8)
    late = house.publish(trail=False).read("site_visit_cnt", "week", "2026-W47")
    assert (late.value, late.previous, late.complete) == (42, 42, True)


def test_part_of_a_day_is_not_compared_with_a_whole_one(house: House) -> None:
    house.put(
        "st_site",
        [{"site_id": "S1", "name": "甲", "town": "330110010", "status": "在用", "updated_at": "2026-01-01 08:00:00"}],
    )
    house.put("st_visit", visits(20, 21, 22, 23), at=dt.datetime(2026, 11, 23, 14))
    book = house.publish(trail=False)
    running = book.read("site_visit_cnt", "day", "2026-11-23")
    assert running.value == 6 and (running.previous, running.last_year) == (None, None)
    split = explain(book, "site_visit_cnt", "day", "2026-11-23", by="town")
    assert isinstance(split, NoSplit) and "尚未结束" in split.reason
    assert book.read("site_visit_cnt", "day", "2026-11-22").previous == 6


def test_a_chart_holds_whole_windows_against_the_whole_target() -> None:
    due = Target(2800, None, "本局", whole=3000, elapsed=28 / 30)
    assert (due.entire.green, due.entire.whole) == (3000, None) and Target(98, 90, "本局").entire.green == 98


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026-02-16", "2026-02-22", ("2025-01-28", "2025-02-03")),
        ("2027-02-01", "2027-02-28", ("2026-02-12", "2026-03-11")),
        ("2026-01-28", "2026-01-28", ("2025-01-09", "2025-01-09")),
        ("2026-11-16", "2026-11-22", None),
        ("2026-01-26", "2026-01-27", None),
        ("2026-03-09", "2026-03-09", ("2025-02-18", "2025-02-18")),
        ("2026-03-10", "2026-03-16", None),
    ],
)
def test_days_near_the_spring_festival_have_their_like_as_far_from_it(
    first: str, last: str, before: tuple[str, str] | None
) -> None:
    wanted = before and tuple(dt.date.fromisoformat(day) for day in before)
    assert festivals.year_before(dt.date.fromisoformat(first), dt.date.fromisoformat(last)) == wanted


def test_a_sum_of_any_days_is_the_sum_of_those_days(house: House) -> None:
    house.put(
        "st_site",
        [{"site_id": "S1", "name": "甲", "town": "330110010", "status": "在用", "updated_at": "2026-01-01 08:00:00"}],
    )
    house.put("st_visit", visits(*range(7, 22)))
    book = house.publish(trail=False)
    week = book.read("site_visit_cnt", "week", "2026-W46")
    assert book.value_of_days(week, dt.date(2026, 11, 10), dt.date(2026, 11, 12)) == 18
    assert book.value_of_days(week, dt.date(2026, 11, 10), dt.date(2026, 11, 17)) == 48, (
        "beyond the week of the first day"
    )
    assert book.value_of_days(week, dt.date(2026, 10, 10), dt.date(2026, 11, 12)) is None, "begins before our data"


def test_a_register_of_which_nobody_belongs_to_the_population_is_no_missing_report(
    published: Path, house: House
) -> None:
    """In a world so small no company of fifty trucks has three Party members: that is 0 of 0, and reported."""
    book = SnapshotStore(published).current(Scope.ALL)
    small = book.read("mem_org_built_rate")
    assert (small.status, small.num, small.den) == ("insufficient", 0, 0)
    assert house.publish(trail=False).read("mem_org_built_rate").status == "unconnected"


def test_a_late_older_version_of_a_site_changes_the_days_that_it_tells_of(house: House) -> None:
    """A move that is reported after a newer version is here already stands in the history and in the towns' numbers."""
    site = {"site_id": "S1", "name": "甲", "town": "330110010", "status": "在用", "updated_at": "2026-01-01 08:00:00"}
    house.put("st_site", [site])
    house.put("st_site", [{**site, "updated_at": "2026-11-20 08:00:00"}])
    house.put("st_visit", visits(*range(9, 22)))
    before = house.publish(trail=False)
    assert before.read("site_visit_cnt", "week", "2026-W46", "330110010").value == 42
    assert house.put("st_site", [{**site, "town": "330110012", "updated_at": "2026-11-12 08:00:00"}]).older == 1
    house.at += dt.timedelta(minutes=5)
    after = house.publish(trail=False)
    towns = {town: after.read("site_visit_cnt", "week", "2026-W46", town).value for town in ("330110010", "330110012")}
    assert towns == {"330110010": 18, "330110012": 24}, "9 to 11 November in the one, 12 to 15 in the other"
