"""What the wall's panels show beside the indicators: alarms by hour, kind and waiting time, bands of scores, points,
milestones, sites. Each function reads one published generation, counts as the indicators count (vehicles in service
only), and returns plain rows.

Owns no rule of its own: what must be handled, what is due and what counts as handled is decided in marts.alarm_event.
Days are business days of Asia/Shanghai; "today" is the day the generation was built on."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from warehouse.core import statements
from warehouse.query.one_person import POOLED, TOWN
from warehouse.query.snapshot import Snapshot

text = statements.beside(__file__)
WEEKS = 4
"""What is usual is the mean of the same weekday in so many weeks before."""
HEAT_DAYS = 28
CELL_DEG = 0.01
"""Side of a heat cell, about a kilometre: coarser than a street, so it shows where, never who."""
WAITS = (
    ("时限内", None, 0.0),
    ("超时不足1小时", 0.0, 3600.0),
    ("1–4小时", 3600.0, 4 * 3600.0),
    ("4–24小时", 4 * 3600.0, 86400.0),
    ("24小时以上", 86400.0, None),
)
"""Label, from, below: seconds beyond the time allowed for the alarm's level; None: without limit."""
ALARMS, HANDLED = ("gps_alarm", "as_alarm"), ("rdm_alarm_handle",)
"""The landed tables that alarms, and that what is done about them, come from."""
OPEN_DAYS = 30
"""Alarms older than that wait in the records of the company, not on a wall."""


@dataclass(frozen=True)
class Hour:
    """One hour of today. first, second: alarms of level 1 and 2; usual: mean of both on the same weekday, None when
    none of those weeks was recorded; over: False for an hour that has not begun."""

    hour: int
    first: int
    second: int
    usual: float | None
    over: bool


def alarm_hours(book: Snapshot) -> list[Hour]:
    """24 rows."""
    built = book.generation.built_at
    today = built.date()
    days = [today - dt.timedelta(days=7 * week) for week in range(WEEKS + 1)]
    rows = book.ask(text("alarm_hours"), {"days": days})
    known = {day for day, *_ in rows if day != today}
    count: Counter[tuple[bool, int, int]] = Counter()
    for day, hour, level, alarms in rows:
        count[day == today, hour, min(level, 2)] += alarms
    return [
        Hour(
            hour,
            count[True, hour, 1],
            count[True, hour, 2],
            (count[False, hour, 1] + count[False, hour, 2]) / len(known) if known else None,
            hour <= built.hour,
        )
        for hour in range(24)
    ]


def alarm_kinds(book: Snapshot, limit: int = 9) -> list[tuple[str, int, int]]:
    """(kind, alarms of the last seven whole days, alarms of the seven days before), the most frequent first."""
    today = book.generation.built_at.date()
    return book.ask(text("alarm_kinds"), {"today": today, "most": limit})


def _open(book: Snapshot) -> list[tuple[Any, ...]]:
    """(raised_at, plate_mask, kind, town, late_s) of every alarm that must be handled and is not, the newest first; no
    name of a town whose trucks are those of a few persons, and in a scope where that would say which, none of them."""
    now = book.generation.built_at.replace(tzinfo=None)
    rows = book.ask(text("open_alarms"), {"now": now, "since": now.date() - dt.timedelta(days=OPEN_DAYS)})
    return [
        (*one, TOWN if code in book.pooled else town, late_s)
        for *one, town, code, late_s in rows
        if book.shows_vehicles_of(code)
    ]


def waiting(book: Snapshot) -> list[tuple[str, int]]:
    """(label, alarms that must be handled and are not), by how long they are beyond the time allowed; the labels of
    WAITS. An alarm without a time allowed is in none."""
    late = [late_s for *_, late_s in _open(book)]
    return [
        (label, sum(1 for s in late if s is not None and (low is None or s > low) and (high is None or s <= high)))
        for label, low, high in WAITS
    ]


@dataclass(frozen=True)
class Waiting:
    """An alarm somebody must handle now. raised_at: naive, Asia/Shanghai; late_s: seconds beyond the time allowed. No
    full plate, no company: both together would tell the driver."""

    raised_at: dt.datetime
    plate_mask: str
    kind: str
    town: str
    late_s: float


def overdue(book: Snapshot, limit: int = 8) -> list[Waiting]:
    """Alarms beyond the time allowed, the newest first: those that can still be reached on the road."""
    late = (alarm for alarm in _open(book) if alarm[-1] is not None and alarm[-1] > 0)
    return [Waiting(*alarm) for alarm in itertools.islice(late, limit)]


def are_alarms_known(book: Snapshot) -> bool:
    """Whether alarms and what is done about them are both delivered: else nobody knows which of them wait."""
    return all(any(map(book.delivered, tables)) for tables in (ALARMS, HANDLED))


def open_by_town(book: Snapshot) -> dict[str, tuple[int, int]]:
    """Town code → (alarms that must be handled and are not, those of them beyond the time allowed), most overdue first;
    towns without any are left out. Those whose number would tell what one person did are one sum, under POOLED; in a scope
    where that would be one of a few, they are left out."""
    now = book.generation.built_at.replace(tzinfo=None)
    rows = book.ask(text("open_by_town"), {"now": now, "since": now.date() - dt.timedelta(days=OPEN_DAYS)})
    found: dict[str, tuple[int, int]] = {}
    for code, waiting, overdue in (row for row in rows if book.shows_vehicles_of(row[0])):
        place = POOLED if code in book.pooled else code
        before = found.get(place, (0, 0))
        found[place] = (before[0] + waiting, before[1] + overdue)
    return found


def companies_waiting(book: Snapshot, limit: int = 10) -> list[tuple[str, int, int, int]]:
    """(company, overdue, handled, due) over the last seven whole days and today, most overdue first; individual
    operators, who are persons, stand together in one row."""
    today = book.generation.built_at.date()
    return book.ask(text("companies_waiting"), {"today": today, "most": limit})


def handling_time(book: Snapshot) -> list[tuple[int, float, float, float, int]]:
    """(level, median s, 90th percentile s, time allowed s, alarms) of alarms handled in the last seven whole days and
    today."""
    today = book.generation.built_at.date()
    return book.ask(text("handling_time"), {"today": today})


def interventions(book: Snapshot) -> list[tuple[str, int]]:
    """(measure, alarms) handled in the last seven whole days and today, most frequent first; a handling without a
    measure is 未注明."""
    today = book.generation.built_at.date()
    return book.ask(text("interventions"), {"today": today})


def alarm_cells(book: Snapshot) -> list[tuple[int, int, int, int]]:
    """(hour of the day, lon cell, lat cell, alarms) of the last HEAT_DAYS whole days; a cell's centre is (cell + ½) ·
    CELL_DEG degrees."""
    today = book.generation.built_at.date()
    return book.ask(text("alarm_cells"), {"cell_deg": CELL_DEG, "today": today, "days": HEAT_DAYS})


def score_bands(book: Snapshot) -> tuple[dt.date | None, list[tuple[str, int, int | None]]]:
    """(first day of the newest month with scores, [(band, drivers, drivers of the month before or None)]), lowest band
    first."""
    rows = book.ask(text("score_bands"))
    months = sorted({row[0] for row in rows}, reverse=True)
    if not months:
        return None, []
    count = {(day, band): number for day, band, number in rows}
    labels = {50: "60 分以下", 60: "60–69 分", 70: "70–79 分", 80: "80–89 分", 90: "90 分以上"}
    return months[0], [
        (label, count.get((months[0], band), 0), count.get((months[1], band), 0) if len(months) > 1 else None)
        for band, label in labels.items()
    ]


@dataclass(frozen=True)
class Points:
    """The points ledger since it began, in points: issued = redeemed + expired + balance, whatever has been doubled or
    lost is in gap (what the balances say beyond the entries; 0 when the ledger reconciles, D19)."""

    issued: int
    redeemed: int
    expired: int
    balance: int
    gap: int


def points(book: Snapshot) -> Points | None:
    """None when no entry has come."""
    rows = book.ask(text("points"))
    if not rows or not rows[0][5]:
        return None
    return Points(*(int(value or 0) for value in rows[0][:5]))


@dataclass(frozen=True)
class Milestone:
    """One node of one of the ten items. state: done (in time), late (done after its due day), overdue, next (due within
    30 days), open."""

    item_no: int
    item: str
    ms_no: int
    weight: float
    due: dt.date | None
    done_on: dt.date | None
    state: str


def milestones(book: Snapshot) -> list[Milestone]:
    """This year's nodes in the order of items and nodes. A node counts as done only with evidence (KPI 51)."""
    today = book.generation.built_at.date()
    nodes = []
    for item_no, item, ms_no, weight, due, done in book.ask(text("milestones"), {"year": today.year}):
        if done is not None:
            state = "done" if due is None or done <= due else "late"
        else:
            state = (
                "overdue"
                if due is not None and due < today
                else "next"
                if due is not None and (due - today).days <= 30
                else "open"
            )
        nodes.append(Milestone(item_no, item, ms_no, float(weight or 0), due, done, state))
    return nodes


def unit_tasks(book: Snapshot) -> list[tuple[str, int, int, int, int]]:
    """(member unit, done in time, done late, overdue, not due yet) this year, most overdue first."""
    today = book.generation.built_at.date()
    return book.ask(text("unit_tasks"), {"today": today})


@dataclass(frozen=True)
class Site:
    """A service site today. lon, lat: WGS-84, None when the register gives none; visits: of the newest day with counts,
    usual: mean of the same weekday in the weeks before, both None when nothing was counted; stars: mean of the last 90
    days, None without ratings; usable, broken (under repair), free: facility codes."""

    site_id: str
    name: str
    kind: str
    town: str
    lon: float | None
    lat: float | None
    is_open: bool
    hours: str
    visits: int | None
    usual: float | None
    stars: float | None
    usable: tuple[str, ...]
    broken: tuple[str, ...]
    free: tuple[str, ...]


def sites(book: Snapshot) -> list[Site]:
    """Every site of the register, those out of use included, by name."""
    day, past = _newest_visits(book)
    rows = book.ask(text("sites_today"), {"day": day, "past": past, "today": book.generation.built_at.date()})
    return [
        Site(
            key,
            name,
            kind,
            town,
            lon,
            lat,
            is_open,
            hours,
            None if visits is None else int(visits),
            usual,
            stars,
            tuple(usable or ()),
            tuple(broken or ()),
            tuple(free or ()),
        )
        for key, name, kind, town, lon, lat, is_open, hours, visits, usual, stars, usable, broken, free in rows
    ]


def visit_hours(book: Snapshot) -> tuple[dt.date | None, list[tuple[int, int | None, float | None]]]:
    """(newest day with counts, [(hour, visits, usual)]): 24 rows; usual is the mean of the same weekday in the weeks
    before. Visits are None for an hour that is not over; no rows when nothing was ever counted."""
    built = book.generation.built_at
    day, past = _newest_visits(book)
    if day is None:
        return None, []
    now = dict(book.ask(text("visits_by_hour"), {"day": day}))
    usual = dict(book.ask(text("usual_visits_by_hour"), {"days": past}))
    begun = built.hour if day == built.date() else 24
    return day, [
        (hour, int(now.get(hour, 0)) if hour < begun else None, float(usual.get(hour, 0)) if usual else None)
        for hour in range(24)
    ]


def _newest_visits(book: Snapshot) -> tuple[dt.date | None, list[dt.date]]:
    """The newest day with counts of visits and the same weekday of the weeks before."""
    rows = book.ask(text("newest_visit_day"), {"today": book.generation.built_at.date()})
    day: dt.date | None = rows[0][0] if rows else None
    return day, [] if day is None else [day - dt.timedelta(days=7 * week) for week in range(1, WEEKS + 1)]


def activities(book: Snapshot) -> list[tuple[str, int, int]]:
    """(kind, events, people there) of Party activities this year, most frequent first."""
    first = book.generation.built_at.date().replace(month=1, day=1)
    return book.ask(text("activities"), {"since": first})
