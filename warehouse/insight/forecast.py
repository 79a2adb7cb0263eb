"""Where a number will stand at the end of its month, quarter or year: what has happened so far and, for the days that are
left, what such days brought in the last weeks.

The model is simple on purpose: a mean by weekday over the last eight, four or two weeks, a factor for public holidays. How
many weeks, the band and the error are not assumed but measured: the same forecast is made from every earlier week that lies
as far before an end that is known; the weeks that were least off are taken, and four of five of their errors fit into the
band. Where too few such weeks lie behind us there is no forecast."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span
from warehouse.compile.reading import Reading, Target
from warehouse.core import festivals, units
from warehouse.query import targets
from warehouse.query.aggregates import Only
from warehouse.query.snapshot import Snapshot, sums_days

WINDOWS = ("month", "quarter", "year")
PACES = (8, 4, 2)
"""Weeks whose mean is tried, the steadiest first."""
RECENT_DAYS = 7 * max(PACES)
HISTORY_DAYS = 2 * 366
BAND = 0.8
"""Share of outcomes that the band is to hold."""
MIN_TRIALS, MOST_TRIALS = 8, 26
"""Earlier forecasts that are looked at; fewer tell no band."""
MIN_HOLIDAYS = 3
"""Days of public holidays from which on they have a factor of their own; before that they count as Sundays."""
KNOWN_SHARE = 0.9
"""Part of the days of an earlier forecast that must be known to hold it against its outcome."""
MIN_CASES = 10
"""Of less the days that are left say nothing."""
TRIED_DAYS = 28
"""Days over which it is looked at whether the days add up to the whole."""
SUNDAY, FRIDAY, HOLIDAY = 6, 4, 7

Days = Mapping[dt.date, tuple[float, float]]
"""Day → numerator and denominator (0 of a plain count)."""
Reason = Literal["uncounted", "distinct", "rare", "young", "no_days"]
"""uncounted: not a sum over days · distinct: counts each vehicle or person once a period, so days do not add up · rare:
the days left will hardly bring anything · young: too little history to measure the error · no_days: no days reached us, or
they are not listed."""


@dataclass(frozen=True)
class Rest:
    """What the days that are left are expected to bring, in the parts of the number, by the mean of so many weeks; error:
    of the rest's own value, its mean amount over `trials` earlier forecasts; naive: that of going on as the period has
    begun, None where it has not begun; margin: half the band."""

    num: float
    den: float
    margin: float
    error: float
    naive: float | None
    trials: int
    weeks: int


@dataclass(frozen=True)
class Forecast:
    """Values in the metric's stored unit. until: the newest day that is counted; left: days after it. low..high: the band
    of BAND. so_far: the value until then, None before the first day. pace: what, by the mean of the last `weeks`, the days left are expected to bring, as
    a ratio or, of a count, a day; needed: what they must bring to reach the goal (at most, where less is better).
    is_open: whether the goal can still be reached or missed. error and naive: mean amount by which `trials` earlier
    forecasts of as many days were off, ours and that of going on as the period has begun. unannounced: the year of
    days whose holidays are not announced, None without."""

    window: str
    start: dt.date
    end: dt.date
    until: dt.date
    left: int
    value: float
    low: float
    high: float
    so_far: float | None
    target: Target
    pace: float
    needed: float
    is_open: bool
    error: float
    naive: float | None
    trials: int
    weeks: int
    unannounced: int | None

    def outlook(self, better: str) -> Literal["good", "warn", "bad"]:
        """good: the whole band reaches the goal, bad: no part of it does, warn: it lies on both sides."""
        sign, goal = (1 if better == "up" else -1), self.target.green
        sides = {sign * edge >= sign * goal for edge in (self.low, self.high)}
        return "warn" if len(sides) > 1 else "good" if sides == {True} else "bad"


@dataclass(frozen=True)
class Unknown:
    """Why there is no forecast. has_days and needs_days: history there is and would be needed, of a young one."""

    window: str
    reason: Reason
    has_days: int = 0
    needs_days: int = 0


def running(book: Snapshot, metric: Metric, place: str, only: Only = ()) -> list[Reading]:
    """The month, quarter and year of today that have a target at a place, of a metric that is judged."""
    today = book.generation.built_at.date()
    stated = {row.period for row in targets.stated(book, metric.id)} if metric.better != "context" else set()
    wanted = [window for window in WINDOWS if window in metric.windows and window in stated]
    found = [
        book.read(metric.id, window, units.at_label(window, units.window_of(window, today)[0]), place, only)
        for window in wanted
    ]
    return [item for item in found if item.target is not None and item.status not in ("small_cell", "no_total")]


def of(book: Snapshot, metric: Metric, item: Reading, only: Only = ()) -> Forecast | Unknown:
    """The end of the period of a reading that runs and has a target (one of `running`)."""
    if not sums_days(metric):
        return Unknown(item.window, "uncounted")
    days = book.daily(item, item.win_end - dt.timedelta(days=HISTORY_DAYS), only)
    if not days:
        return Unknown(item.window, "no_days")
    if not _adds_up(book, metric, item, days, only):
        return Unknown(item.window, "distinct")
    target = item.target
    assert target is not None
    return project(metric, days, item.window, item.win_start, target.entire)


def project(metric: Metric, days: Days, window: str, start: dt.date, target: Target) -> Forecast | Unknown:
    """The end of the window that starts on `start`, from what is known of the days until the newest of `days`."""
    end, until = units.window_of(window, start)[1], max(days)
    ahead = _range(max(until + dt.timedelta(days=1), start), end)
    begun = [days[day] for day in _range(start, until) if day in days]
    rest = _rest(days, ahead, max(0, (until - start).days + 1), is_ratio=bool(metric.denominator))
    if isinstance(rest, int):
        return Unknown(window, "young", (until - min(days)).days + 1, rest)
    if (rest.den if metric.denominator else rest.num) < MIN_CASES:
        return Unknown(window, "rare")
    num, den = sum(day[0] for day in begun), sum(day[1] for day in begun)
    whole_num, whole_den = num + rest.num, den + rest.den
    if metric.denominator:
        share, value, so_far = rest.den / whole_den, whole_num / whole_den, num / den if den else None
        pace, needed = rest.num / rest.den, (target.green / metric.scale * whole_den - num) / rest.den
        least = num / whole_den
        most = (num + rest.den) / whole_den if metric.unit == "ratio" else math.inf
        is_open = needed <= 1 if metric.unit == "ratio" and metric.better == "up" else needed >= 0
    else:
        share, value, so_far = 1.0, whole_num, num if begun else None
        pace, needed = rest.num / len(ahead), (target.green / metric.scale - num) / len(ahead)
        least, most = num, math.inf
        is_open = needed >= 0
    off = rest.margin * share
    scale = metric.scale
    return Forecast(
        window,
        start,
        end,
        until,
        len(ahead),
        scale * value,
        scale * max(least, value - off),
        scale * min(most, value + off),
        None if so_far is None else scale * so_far,
        target,
        scale * pace,
        scale * needed,
        is_open,
        scale * share * rest.error,
        None if rest.naive is None else scale * share * rest.naive,
        rest.trials,
        rest.weeks,
        next((day.year for day in ahead if _kind(day) is None), None),
    )


def _adds_up(book: Snapshot, metric: Metric, item: Reading, days: Days, only: Only) -> bool:
    """Whether the days of the last weeks come to what the metric says of them together."""
    last = max(days)
    first = max(min(days), last - dt.timedelta(days=TRIED_DAYS - 1))
    num, den, _ = book.figures(metric, item.window, Span(first, first, last), item.place, only=only).get(
        "", (0.0, 0.0, 0.0)
    )
    mine = [days[day] for day in _range(first, last) if day in days]
    return all(
        math.isclose(sum(day[side] for day in mine), whole or 0.0, rel_tol=1e-6, abs_tol=1e-6)
        for side, whole in enumerate((num, den))
    )


def _rest(days: Days, ahead: Sequence[dt.date], begun: int, *, is_ratio: bool) -> Rest | int:
    """What `ahead` will bring, with what the same forecast was off by when it was made in earlier weeks; the days of
    history that would be needed where these are too few. begun: days of the period that are over."""
    last, left = max(days), len(ahead)
    errors: dict[int, list[float]] = {weeks: [] for weeks in PACES}
    naive: list[float] = []
    for stand, outcome in _trials(days, left):
        actual = _sums(days, outcome)
        factor = _on_holidays(days, stand)
        guesses = {weeks: _expected(days, stand, outcome, weeks, factor) for weeks in PACES}
        if is_ratio and not all(den for _, den in (actual, *guesses.values())):
            continue
        for weeks, guess in guesses.items():
            errors[weeks].append(abs(_value(actual, is_ratio=is_ratio) - _value(guess, is_ratio=is_ratio)))
        before = [day for day in _range(stand - dt.timedelta(days=begun - 1), stand) if day in days]
        past = _sums(days, before)
        if before and (past[1] or not is_ratio):
            going_on = past[0] / past[1] if is_ratio else past[0] / len(before) * len(outcome)
            naive.append(abs(_value(actual, is_ratio=is_ratio) - going_on))
    weeks = min(PACES, key=lambda one: sum(errors[one]))  # of equal ones the first, which is the steadiest
    off = sorted(errors[weeks])
    if len(off) < MIN_TRIALS:
        return RECENT_DAYS + left + 7 * (MIN_TRIALS - 1)
    # so that, of errors that are alike, four of five of the next ones are no larger either
    margin = off[min(len(off), math.ceil((len(off) + 1) * BAND)) - 1]
    num, den = _expected(days, last, ahead, weeks, _on_holidays(days, last))
    going = sum(naive) / len(naive) if len(naive) == len(off) else None
    return Rest(num, den, margin, sum(off) / len(off), going, len(off), weeks)


def _trials(days: Days, left: int) -> Iterator[tuple[dt.date, list[dt.date]]]:
    """(last day known, days then ahead) of the same forecast made in earlier weeks, the newest first."""
    first, last = min(days), max(days)
    for trial in range(MOST_TRIALS):
        stand = last - dt.timedelta(days=left + 7 * trial)
        if stand - dt.timedelta(days=RECENT_DAYS - 1) < first:
            return
        outcome = [day for day in _range(stand + dt.timedelta(days=1), stand + dt.timedelta(days=left)) if day in days]
        if len(outcome) >= KNOWN_SHARE * left:
            yield stand, outcome


def _expected(
    days: Days, stand: dt.date, ahead: Sequence[dt.date], weeks: int, factor: tuple[float, float] | None
) -> tuple[float, float]:
    """What is expected of the days `ahead` by who knows the days until `stand`, from as many weeks before it. factor: see
    `_on_holidays`."""
    recent = [day for day in _range(stand - dt.timedelta(days=7 * weeks - 1), stand) if day in days]
    plain = [day for day in recent if _kind(day) != HOLIDAY] or recent
    if not plain:
        return 0.0, 0.0
    alike: dict[int, list[dt.date]] = {}
    for day in plain:
        alike.setdefault(_like(day), []).append(day)
    usual = {kind: _mean(days, like) for kind, like in alike.items()}
    mean = _mean(days, plain)
    usual[HOLIDAY] = usual.get(SUNDAY, mean) if factor is None else (mean[0] * factor[0], mean[1] * factor[1])
    found = [usual.get(_like(day), mean) for day in ahead]
    return sum(day[0] for day in found), sum(day[1] for day in found)


def _like(day: dt.date) -> int:
    """Which days a day is like; in a year whose holidays are not announced those of its weekday."""
    kind = _kind(day)
    return day.weekday() if kind is None else kind


def _on_holidays(days: Days, stand: dt.date) -> tuple[float, float] | None:
    """By what a day of a public holiday differs from the weeks before it; None where too few of them are known."""
    off, around = [], []
    for day in days:
        if day <= stand and _kind(day) == HOLIDAY:
            near = [
                one
                for one in _range(day - dt.timedelta(days=RECENT_DAYS), day)
                if one in days and _kind(one) != HOLIDAY
            ]
            if near:
                off.append(days[day])
                around.append(_mean(days, near))
    if len(off) < MIN_HOLIDAYS:
        return None
    whole = [sum(part[side] for part in around) for side in (0, 1)]
    return (
        sum(part[0] for part in off) / whole[0] if whole[0] else 1.0,
        sum(part[1] for part in off) / whole[1] if whole[1] else 1.0,
    )


@cache
def _kind(day: dt.date) -> int | None:
    """The weekday (0 = Monday), HOLIDAY on a public holiday, FRIDAY for a weekend day that is worked instead; None in a
    year whose holidays are not announced."""
    try:
        if festivals.of_day(day):
            return HOLIDAY
        return FRIDAY if day.weekday() > FRIDAY and festivals.is_workday(day) else day.weekday()
    except LookupError:
        return None


def _range(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=step) for step in range((last - first).days + 1)]


def _sums(days: Days, which: Sequence[dt.date]) -> tuple[float, float]:
    return sum(days[day][0] for day in which), sum(days[day][1] for day in which)


def _mean(days: Days, which: Sequence[dt.date]) -> tuple[float, float]:
    num, den = _sums(days, which)
    return num / len(which), den / len(which)


def _value(parts: tuple[float, float], *, is_ratio: bool) -> float:
    return parts[0] / parts[1] if is_ratio else parts[0]
