"""The end of a period: exact where days repeat themselves, measured where they do not, silent where too little is known."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable

import pytest

from warehouse.catalog.metrics import metric
from warehouse.compile.reading import Target
from warehouse.core import festivals
from warehouse.insight import forecast
from warehouse.insight.forecast import Forecast, Unknown

VISITS, HANDLED, ALARMS = (
    metric(name) for name in ("site_visit_cnt", "safe_alarm_handled_rate", "safe_alarm_per_1000km")
)
START, UNTIL = dt.date(2026, 11, 1), dt.date(2026, 11, 22)
"""A month without a public holiday, eight days before its end."""
Day = Callable[[dt.date], tuple[float, float]]


def history(of: Day, days: int = 220, until: dt.date = UNTIL) -> forecast.Days:
    return {day: of(day) for day in (until - dt.timedelta(days=step) for step in range(days - 1, -1, -1))}


def weekly(day: dt.date) -> tuple[float, float]:
    """Ten on a working day, four on a weekend; nothing else."""
    return (4.0, 0.0) if day.weekday() > 4 else (10.0, 0.0)


def is_plain(day: dt.date) -> bool:
    """No public holiday, and no weekend that is worked for one."""
    return not festivals.of_day(day) and festivals.is_workday(day) == (day.weekday() < 5)


def end_of(item: object, known: forecast.Days, goal: float = 280) -> Forecast:
    found = forecast.project(item, known, "month", START, Target(goal, None, ""))  # type: ignore[arg-type]
    assert isinstance(found, Forecast)
    return found


def test_days_that_repeat_themselves_are_forecast_exactly() -> None:
    known = {day: parts for day, parts in history(weekly).items() if is_plain(day)}
    found = end_of(VISITS, known)
    month = [dt.date(2026, 11, number) for number in range(1, 31)]
    assert found.value == pytest.approx(sum(weekly(day)[0] for day in month))
    assert found.low == found.high == pytest.approx(found.value) and found.error == pytest.approx(0)
    assert (found.left, found.until) == (8, UNTIL)
    assert found.so_far == pytest.approx(sum(weekly(day)[0] for day in month[:22]))
    assert found.so_far is not None and found.needed == pytest.approx((280 - found.so_far) / 8)
    # going on as the month has begun counts its share of weekends twice or not at all
    assert found.naive is not None and found.naive > 0


@pytest.mark.parametrize(
    ("goal", "side", "is_open"), [(235, "good", True), (150, "good", False), (260, "bad", True), (247, "warn", True)]
)
def test_the_band_says_whether_the_goal_is_reached(goal: float, side: str, is_open: bool) -> None:
    drawn = random.Random(7)
    found = end_of(VISITS, history(lambda day: (weekly(day)[0] + drawn.gauss(0, 1), 0.0)), goal)
    assert found.low < found.value < found.high
    assert (found.outlook("up"), found.is_open) == (side, is_open)


def test_the_band_of_a_ratio_holds_four_of_five_outcomes() -> None:
    drawn, held, tried = random.Random(3), 0, 0
    for _ in range(40):
        whole = history(
            lambda _day: ((den := drawn.randint(40, 60)) * drawn.uniform(0.85, 0.99), den), 238, dt.date(2026, 11, 30)
        )
        found = end_of(HANDLED, {day: parts for day, parts in whole.items() if day <= UNTIL}, 0.98)
        month = [parts for day, parts in whole.items() if day >= START]
        outcome = sum(num for num, _ in month) / sum(den for _, den in month)
        held, tried = held + (found.low <= outcome <= found.high), tried + 1
    assert 0.65 <= held / tried <= 0.95


def test_what_is_left_of_a_ratio_cannot_be_more_than_all_or_less_than_nothing() -> None:
    drawn = random.Random(5)
    found = end_of(HANDLED, history(lambda _day: (drawn.choice([40.0, 100.0]), 100.0)), 0.98)
    done = found.so_far or 0.0
    assert done * 22 / 30 <= found.low and found.high <= (done * 22 + 8) / 30
    assert not found.is_open and found.needed > 1 and found.outlook("up") == "bad"


def test_less_is_better_where_it_is() -> None:
    found = end_of(ALARMS, history(lambda _day: (9.0, 1000.0)), 6)
    assert found.value == pytest.approx(9) and found.outlook("down") == "bad"
    assert not found.is_open and found.needed < 0
    assert end_of(ALARMS, history(lambda _day: (9.0, 1000.0)), 10).outlook("down") == "good"


def test_too_little_history_tells_no_error_and_so_no_forecast() -> None:
    found = forecast.project(VISITS, history(weekly, 112), "month", START, Target(280, None, ""))
    assert found == Unknown("month", "young", 112, 113)
    assert isinstance(forecast.project(VISITS, history(weekly, 113), "month", START, Target(280, None, "")), Forecast)


def test_a_public_holiday_brings_what_public_holidays_brought() -> None:
    until = dt.date(2026, 9, 30)  # 国庆节 is ahead, 劳动节 and 端午节 behind

    def quiet(day: dt.date) -> tuple[float, float]:
        return (1.0, 0.0) if festivals.of_day(day) else (10.0, 0.0)

    found = forecast.project(VISITS, history(quiet, until=until), "month", dt.date(2026, 10, 1), Target(300, None, ""))
    assert isinstance(found, Forecast)
    off = sum(bool(festivals.of_day(dt.date(2026, 10, number))) for number in range(1, 32))
    assert off > 5 and found.value == pytest.approx(off * 1 + (31 - off) * 10, rel=0.02)
    assert found.so_far is None and found.naive is None


def test_a_year_whose_holidays_are_not_announced_is_named() -> None:
    until = dt.date(2030, 11, 22)
    found = forecast.project(VISITS, history(weekly, until=until), "month", until.replace(day=1), Target(280, None, ""))
    assert isinstance(found, Forecast) and found.unannounced == 2030
    assert end_of(VISITS, history(weekly)).unannounced is None


def test_what_happens_on_a_few_days_a_year_is_not_forecast_by_days() -> None:
    known = history(lambda day: (20.0 if day.day == 15 else 0.0, 0.0))
    assert forecast.project(VISITS, known, "month", START, Target(20, None, "")) == Unknown("month", "rare")


def test_outlooks_on_the_goal_itself() -> None:
    known = {day: parts for day, parts in history(weekly).items() if is_plain(day)}
    whole = sum(weekly(dt.date(2026, 11, number))[0] for number in range(1, 31))
    for goal, up, down in ((whole, "good", "good"), (whole + 1, "bad", "good"), (whole - 1, "good", "bad")):
        found = end_of(VISITS, known, goal)
        assert (found.outlook("up"), found.outlook("down")) == (up, down)
    so_far = end_of(VISITS, known).so_far or 0.0
    assert [end_of(VISITS, known, so_far + more).is_open for more in (-0.5, 0, 0.5)] == [False, True, True]


def test_a_period_that_has_not_begun_is_all_ahead_and_one_that_is_over_has_a_day_left_at_least() -> None:
    until = dt.date(2026, 10, 31)
    found = forecast.project(VISITS, history(weekly, until=until), "month", START, Target(280, None, ""))
    assert isinstance(found, Forecast)
    assert (found.left, found.so_far, found.naive, found.end) == (30, None, None, dt.date(2026, 11, 30))
    last = forecast.project(VISITS, history(weekly, until=dt.date(2026, 11, 29)), "month", START, Target(280, None, ""))
    assert isinstance(last, Forecast) and last.left == 1 and last.weeks == 8, "of paces alike the steadiest"


def test_a_change_of_pace_is_followed_by_fewer_weeks() -> None:
    def rising(day: dt.date) -> tuple[float, float]:
        return float((day - dt.date(2026, 1, 1)).days), 0.0

    assert end_of(VISITS, history(rising)).weeks == 2


def test_ten_cases_ahead_are_enough_and_one_less_is_rare() -> None:
    def even(amount: float) -> object:
        return forecast.project(VISITS, history(lambda _: (amount, 0.0)), "month", START, Target(20, None, ""))

    assert isinstance(even(1.25), Forecast) and even(1.24) == Unknown("month", "rare"), "eight days are left"
    thin = history(lambda _day: (1.0, 1.24))
    assert forecast.project(HANDLED, thin, "month", START, Target(0.98, None, "")) == Unknown("month", "rare")


def test_a_trial_needs_nine_of_ten_days() -> None:
    known = history(weekly)
    full = [stand for stand, _ in forecast._trials(known, 10)]
    assert full[0] == UNTIL - dt.timedelta(days=10) and len(full) == min(26, (220 - 10 - 56) // 7 + 1)
    assert [one - other for one, other in itertools.pairwise(full)] == [dt.timedelta(days=7)] * (len(full) - 1)
    without = {day: parts for day, parts in known.items() if day != UNTIL}
    assert len(next(outcome for _, outcome in forecast._trials(without | {UNTIL: (0.0, 0.0)}, 10))) == 10
    gone = [UNTIL - dt.timedelta(days=step) for step in (1, 2)]
    one_less = {day: parts for day, parts in known.items() if day != gone[0]}
    two_less = {day: parts for day, parts in known.items() if day not in gone}
    assert next(stand for stand, _ in forecast._trials(one_less, 10)) == full[0]
    assert next(stand for stand, _ in forecast._trials(two_less, 10)) == full[1]
