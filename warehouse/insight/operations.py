"""What the wall's panels show beside the indicators: alarms by hour, kind and waiting time, bands of scores, points,
milestones, sites. Each function reads one published generation, counts as the indicators count (vehicles in service
only), and returns plain rows.

Owns no rule of its own: what must be handled, what is due and what counts as handled is decided in marts.alarm_event.
Days are business days of Asia/Shanghai; "today" is the day the generation was built on."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from warehouse.query.snapshot_store import Book

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


def alarm_hours(book: Book) -> list[Hour]:
    """24 rows."""
    built = book.generation.built_at
    today = built.date()
    days = [today - dt.timedelta(days=7 * week) for week in range(WEEKS + 1)]
    rows = book.ask(
        "SELECT day, hour(raised_at), level, count(*) FROM marts.alarm_event WHERE is_v AND day IN (SELECT unnest(?)) GROUP BY ALL",
        [days],
    )
    known = {day for day, *_ in rows if day != today}
    count: Counter[tuple[bool, int, int]] = Counter()
    for day, hour, level, number in rows:
        count[day == today, hour, min(level, 2)] += number
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


def alarm_kinds(book: Book, limit: int = 9) -> list[tuple[str, int, int]]:
    """(kind, alarms of the last seven whole days, alarms of the seven days before), the most frequent first."""
    today = book.generation.built_at.date()
    return book.ask(
        """SELECT kind, count(*) FILTER (day >= ?::DATE - 7) AS now, count(*) FILTER (day < ?::DATE - 7) FROM marts.alarm_event
        WHERE is_v AND day BETWEEN ?::DATE - 14 AND ?::DATE - 1 GROUP BY 1 ORDER BY now DESC, kind LIMIT ?""",
        [today, today, today, today, limit],
    )


_OPEN = """SELECT *, epoch(?::TIMESTAMP - raised_at) - limit_s AS late_s FROM marts.alarm_event
    WHERE is_v AND must_handle AND NOT is_handled AND day >= ?::DATE"""


def _since(book: Book) -> list[Any]:
    built = book.generation.built_at.replace(tzinfo=None)
    return [built, built.date() - dt.timedelta(days=OPEN_DAYS)]


def waiting(book: Book) -> list[tuple[str, int]]:
    """(label, alarms that must be handled and are not), by how long they are beyond the time allowed; the labels of
    WAITS."""
    late = [row[0] for row in book.ask(f"SELECT late_s FROM ({_OPEN})", _since(book))]
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


def overdue(book: Book, limit: int = 8) -> list[Waiting]:
    """Alarms beyond the time allowed, the newest first: those that can still be reached on the road."""
    rows = book.ask(
        f"""SELECT a.raised_at, a.plate_mask, a.kind, coalesce(t.name, '') AS town, a.late_s FROM ({_OPEN}) a
        LEFT JOIN marts.dim_town t ON t.code = a.town_code WHERE a.late_s > 0 ORDER BY a.raised_at DESC, a.alarm_uid LIMIT ?""",
        [*_since(book), limit],
    )
    return [Waiting(*row) for row in rows]


def companies_waiting(book: Book, limit: int = 10) -> list[tuple[str, int, int, int]]:
    """(company, overdue, handled, due) over the last seven whole days and today, most overdue first; individual
    operators, who are persons, stand together in one row."""
    today = book.generation.built_at.date()
    return book.ask(
        """SELECT CASE WHEN c.owner_type = '个体' THEN '个体业户' ELSE c.name END,
            count(*) FILTER (is_due AND NOT is_handled) AS overdue, count(*) FILTER (is_due AND is_handled) AS handled, count(*) FILTER (is_due) AS due
        FROM marts.alarm_event a JOIN marts.dim_company c USING (company_key) WHERE a.is_v AND a.must_handle AND a.day >= ?::DATE - 7
        GROUP BY 1 HAVING overdue > 0 ORDER BY overdue DESC, due DESC, 1 LIMIT ?""",
        [today, limit],
    )


def handling_time(book: Book) -> list[tuple[int, float, float, float, int]]:
    """(level, median s, 90th percentile s, time allowed s, alarms) of alarms handled in the last seven whole days and
    today."""
    today = book.generation.built_at.date()
    return book.ask(
        """SELECT level, quantile_cont(epoch(handled_at - raised_at), 0.5), quantile_cont(epoch(handled_at - raised_at), 0.9), max(limit_s), count(*)
        FROM marts.alarm_event WHERE is_v AND is_handled AND must_handle AND NOT coalesce(is_clock_error, false) AND day >= ?::DATE - 7 GROUP BY 1 ORDER BY 1 DESC""",
        [today],
    )


def interventions(book: Book) -> list[tuple[str, int]]:
    """(measure, alarms) handled in the last seven whole days and today, most frequent first; a handling without a
    measure is 未注明."""
    today = book.generation.built_at.date()
    return book.ask(
        """SELECT coalesce(action, '未注明'), count(*) AS n FROM marts.alarm_event WHERE is_v AND is_handled AND day >= ?::DATE - 7
        GROUP BY 1 ORDER BY n DESC, 1""",
        [today],
    )


def alarm_cells(book: Book) -> list[tuple[int, int, int, int]]:
    """(hour of the day, lon cell, lat cell, alarms) of the last HEAT_DAYS whole days; a cell's centre is (cell + ½) ·
    CELL_DEG degrees."""
    today = book.generation.built_at.date()
    return book.ask(
        """SELECT hour(raised_at), CAST(floor(lon / ?) AS INTEGER), CAST(floor(lat / ?) AS INTEGER), count(*) FROM marts.alarm_event
        WHERE is_v AND lon IS NOT NULL AND lat IS NOT NULL AND day BETWEEN ?::DATE - ? AND ?::DATE - 1 GROUP BY ALL ORDER BY ALL""",
        [CELL_DEG, CELL_DEG, today, HEAT_DAYS, today],
    )


def score_bands(book: Book) -> tuple[dt.date | None, list[tuple[str, int, int | None]]]:
    """(first day of the newest month with scores, [(band, drivers, drivers of the month before or None)]), lowest band
    first."""
    rows = book.ask(
        "SELECT day, band, driver_cnt FROM marts.driver_band WHERE day IN (SELECT DISTINCT day FROM marts.driver_band ORDER BY day DESC LIMIT 2) ORDER BY day DESC, band"
    )
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


def points(book: Book) -> Points | None:
    """None when no entry has come."""
    rows = book.ask(
        "SELECT sum(issued), sum(redeemed), sum(expired), sum(delta), sum(gap), count(*) FROM marts.points_day"
    )
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


def milestones(book: Book) -> list[Milestone]:
    """This year's nodes in the order of items and nodes. A node counts as done only with evidence (KPI 51)."""
    today = book.generation.built_at.date()
    found = []
    for number, item, node, weight, due, done in book.ask(
        "SELECT item_no, item, ms_no, weight, due, done_day FROM marts.warm_milestone WHERE year = ? ORDER BY item_no, ms_no",
        [today.year],
    ):
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
        found.append(Milestone(number, item, node, float(weight or 0), due, done, state))
    return found


def unit_tasks(book: Book) -> list[tuple[str, int, int, int, int]]:
    """(member unit, done in time, done late, overdue, not due yet) this year, most overdue first."""
    today = book.generation.built_at.date()
    return book.ask(
        """SELECT unit, count(*) FILTER (is_ontime), count(*) FILTER (done_at IS NOT NULL AND NOT is_ontime), count(*) FILTER (done_at IS NULL AND day < ?::DATE) AS overdue,
        count(*) FILTER (done_at IS NULL AND (day IS NULL OR day >= ?::DATE)) FROM marts.unit_task WHERE day IS NULL OR year(day) = year(?::DATE) GROUP BY 1 ORDER BY overdue DESC, 1""",
        [today, today, today],
    )


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


def sites(book: Book) -> list[Site]:
    """Every site of the register, those out of use included, by name."""
    day, past = _newest_visits(book)
    rows = book.ask(
        """WITH now AS (SELECT site_id, sum(visit_cnt) AS visits FROM marts.site_hour WHERE day = ? GROUP BY 1),
        before AS (SELECT site_id, sum(visit_cnt) / count(DISTINCT day) AS usual FROM marts.site_hour WHERE day IN (SELECT unnest(?)) GROUP BY 1),
        rated AS (SELECT site_id, sum(stars) / sum(ratings) AS stars FROM marts.site_rating WHERE day > ?::DATE - 90 GROUP BY 1)
        SELECT s.site_id, s.name, s.kind, coalesce(t.name, s.home_area, ''), s.lon, s.lat, s.is_open, coalesce(s.hours, ''), n.visits, b.usual, r.stars, s.usable, s.broken, s.free
        FROM marts.site s LEFT JOIN marts.dim_town t ON t.code = s.town_code LEFT JOIN now n USING (site_id) LEFT JOIN before b USING (site_id) LEFT JOIN rated r USING (site_id)
        ORDER BY s.name""",
        [day, past, book.generation.built_at.date()],
    )
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


def visit_hours(book: Book) -> tuple[dt.date | None, list[tuple[int, int | None, float | None]]]:
    """(newest day with counts, [(hour, visits, usual)]): 24 rows; usual is the mean of the same weekday in the weeks
    before. Visits are None for an hour that is not over; no rows when nothing was ever counted."""
    built = book.generation.built_at
    day, past = _newest_visits(book)
    if day is None:
        return None, []
    now = dict(book.ask("SELECT hour, sum(visit_cnt) FROM marts.site_hour WHERE day = ? GROUP BY 1", [day]))
    usual = dict(
        book.ask(
            """SELECT hour, sum(visit_cnt) / (SELECT count(DISTINCT day) FROM marts.site_hour WHERE day IN (SELECT unnest(?))) FROM marts.site_hour
        WHERE day IN (SELECT unnest(?)) GROUP BY 1""",
            [past, past],
        )
    )
    begun = built.hour if day == built.date() else 24
    return day, [
        (hour, int(now.get(hour, 0)) if hour < begun else None, float(usual.get(hour, 0)) if usual else None)
        for hour in range(24)
    ]


def _newest_visits(book: Book) -> tuple[dt.date | None, list[dt.date]]:
    """The newest day with counts of visits and the same weekday of the weeks before."""
    found = book.ask("SELECT max(day) FROM marts.site_hour WHERE day <= ?", [book.generation.built_at.date()])
    day: dt.date | None = found[0][0] if found else None
    return day, [] if day is None else [day - dt.timedelta(days=7 * week) for week in range(1, WEEKS + 1)]


def activities(book: Book) -> list[tuple[str, int, int]]:
    """(kind, events, people there) of Party activities this year, most frequent first."""
    first = book.generation.built_at.date().replace(month=1, day=1)
    return book.ask(
        "SELECT act_type, count(*) AS n, sum(attend_cnt) FROM marts.party_activity WHERE day >= ? GROUP BY 1 ORDER BY n DESC, 1",
        [first],
    )
