"""One company, vehicle, alarm, site, organisation or member unit with what the open file knows of it. Owns the
questions; every one is about a single key, and an unknown key is a PageMissing. Rows come as dicts by column name,
times naive Shanghai as stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from warehouse.catalog.schema import PROGRAMMES
from warehouse.core.errors import PageMissing
from warehouse.query.aggregates import plate
from warehouse.query.snapshot_store import Book, alarm_status

Fact = dict[str, Any]
DAYS = 35
"""How far back a profile looks for days and alarms."""
ITEMS = {
    "network_pts": ("入网率", 5),
    "online_pts": ("上线率", 5),
    "track_pts": ("轨迹完整率", 15),
    "qualified_pts": ("数据合格率", 15),
    "drift_pts": ("漂移车辆率", 10),
    "overspeed_pts": ("平均超速次数", 20),
    "fatigue_pts": ("平均疲劳时长", 20),
    "post_pts": ("查岗响应率", 10),
}
"""Items of the company score and their full marks (交运发〔2016〕160号)."""
ALARM = (
    "alarm_uid, vehicle_key, plate_mask, company_key, town_code, raised_at, kind, level, origin, result, is_handled, must_handle, is_due, is_ontime, "
    "is_clock_error, handled_at, limit_s, speed_kmh, limit_kmh, lon, lat"
)


@dataclass(frozen=True)
class Company:
    """facts: the register. today: fleet size and both 50 flags on the newest day. ledger: what the programmes know of
    it there, {} for one under fifty. scores: newest first, one a finished week. open_items: what is overdue, by
    kind."""

    facts: Fact
    today: Fact
    ledger: Fact
    scores: list[Fact]
    organisations: list[Fact]
    posts: list[Fact]
    visits: list[Fact]
    open_items: list[Fact]


@dataclass(frozen=True)
class Vehicle:
    """facts: the register on the newest day ({} for one that has left it). days: newest first. alarms: newest first."""

    key: str
    facts: Fact
    days: list[Fact] = field(default_factory=list)
    alarms: list[Fact] = field(default_factory=list)


@dataclass(frozen=True)
class Alarm:
    """facts with `status` in words and limit_s, the seconds allowed for its level; steps and urges in order; others:
    what else the vehicle raised on that day."""

    facts: Fact
    steps: list[Fact]
    urges: list[Fact]
    others: list[Fact]


@dataclass(frozen=True)
class Site:
    """facts (with the facility codes that are usable, broken, free) and days (newest first), and the ratings of the
    last 90 days as (stars, number)."""

    facts: Fact
    days: list[Fact]
    rating: tuple[float, float]


def brief(book: Book, kind: str, key: str) -> tuple[str, str]:
    """What a thing is called, and one line about it, without the rest of its page. kind: town, company, vehicle, alarm,
    site, unit, organisation or programme. Raises PageMissing for an unknown kind or when this generation does not hold
    the thing."""
    if kind not in _BRIEF:
        raise PageMissing()
    return _BRIEF[kind](book, key)


def _brief_place(book: Book, key: str, grain: str) -> tuple[str, str]:
    found = book.known(key)
    if found is None or found.grain != grain:
        raise PageMissing()
    if grain == "town":
        return found.label, f"镇街 · 业户 {len(book.places('company', key))} 户"
    town, size = (
        book.known(found.parent),
        _first(book, "v_cnt", "marts.company_day WHERE company_key = ? ORDER BY day DESC LIMIT 1", [key]),
    )
    return found.label, " · ".join(
        ["企业", *([town.label] if town else []), *([f"货车 {size['v_cnt']} 辆"] if size else [])]
    )


def _brief_vehicle(book: Book, key: str) -> tuple[str, str]:
    facts = _first(book, "company_key, energy", "marts.vehicle_current WHERE vehicle_key = ?", [key])
    if not facts and not _first(book, "day", "marts.vehicle_day WHERE vehicle_key = ? LIMIT 1", [key]):
        raise PageMissing()
    owner = book.known(facts.get("company_key") or "")
    return plate(key), " · ".join(["车辆", *([owner.label] if owner else []), facts.get("energy") or "不在册"])


def _brief_alarm(book: Book, key: str) -> tuple[str, str]:
    facts = alarm_facts(book, key)
    if facts is None:
        raise PageMissing()
    return (
        f"{facts['kind']} {facts['raised_at']:%m-%d %H:%M}",
        f"报警 · {plate(facts['vehicle_key'])} · {facts['status']}",
    )


def _brief_site(book: Book, key: str) -> tuple[str, str]:
    facts = _one(book, "name, kind, town_code", "marts.site WHERE site_id = ?", [key])
    town = book.known(facts["town_code"] or "")
    return str(facts["name"]), " · ".join(["服务阵地", str(facts["kind"]), *([town.label] if town else [])])


def _brief_programme(book: Book, key: str) -> tuple[str, str]:
    name, force = next((told for number, told in PROGRAMMES.items() if str(number) == key), ("", ""))
    if not name:
        raise PageMissing()
    return name, f"六大工程 · 提升{force}"


_BRIEF: dict[str, Callable[[Book, str], tuple[str, str]]] = {
    "town": lambda book, key: _brief_place(book, key, "town"),
    "company": lambda book, key: _brief_place(book, key, "company"),
    "vehicle": _brief_vehicle,
    "alarm": _brief_alarm,
    "site": _brief_site,
    "programme": _brief_programme,
    "unit": lambda book, key: (str(unit(book, key)[0]["unit"]), "成员单位 · 领航护航工程"),
    "organisation": lambda book, key: (
        str(organisation(book, key)[0]["name"]),
        f"组织 · 覆盖 {len(organisation(book, key))} 家企业",
    ),
}


def company(book: Book, key: str) -> Company:
    """Raises PageMissing for an unknown one."""
    facts = _one(
        book,
        "name, owner_type, is_hazmat, town_code, lon, lat, status, licence_from, licence_to, credit_grade, scope_text, address",
        "marts.dim_company WHERE company_key = ?",
        [key],
    )
    today = book.generation.built_at.date()
    return Company(
        facts,
        _first(
            book,
            "day, v_cnt, vh_cnt, v45_cnt, is_licensed, is_reg50, is_reg50_heavy",
            "marts.company_day WHERE company_key = ? ORDER BY day DESC LIMIT 1",
            [key],
        ),
        _first(
            book,
            "day, formal_cnt, is_covered, has_own_org, has_union, has_youth, has_women, is_surveyed, is_registered, is_fresh, register_veh_cnt, is_diff, six_due, six_done",
            "marts.company50_day WHERE company_key = ? AND day = (SELECT max(day) FROM marts.company50_day) LIMIT 1",
            [key],
        ),
        _rows(
            book,
            f"win_start, score, weight, overspeed_a, fatigue_a, {', '.join(ITEMS)}",
            "marts.company_score WHERE company_key = ? AND win = 'week' ORDER BY win_start DESC LIMIT 8",
            [key],
        ),
        _rows(
            book,
            "org_id, kind, org_type, name, is_own, from_day, to_day",
            "marts.company_organisation WHERE company_key = ? AND to_day >= ? ORDER BY kind, from_day",
            [key, today],
        ),
        _rows(
            book,
            "role, unit, from_day, to_day",
            "marts.company_post WHERE company_key = ? AND to_day >= ? AND from_day <= ? ORDER BY role, from_day DESC",
            [key, today, today],
        ),
        _rows(
            book,
            "visit_id, day, done_day",
            "marts.company_visit WHERE company_key = ? ORDER BY day DESC LIMIT 6",
            [key],
        ),
        _open_items(book, key, today),
    )


def _open_items(book: Book, key: str, today: dt.date) -> list[Fact]:
    """Everything at a company whose day has passed without being done."""
    since = today - dt.timedelta(days=DAYS)
    return _rows(
        book,
        "kind, id, day, what, alarm_uid",
        """(
        SELECT '督办' AS kind, urge_id AS id, day, CASE WHEN is_urgent THEN '紧急督办' ELSE '一般督办' END AS what, alarm_uid FROM marts.alarm_urge
            WHERE company_key = $key AND is_due AND NOT is_done AND day >= $since
        UNION ALL SELECT '走访', visit_id, day, '计划走访未完成', NULL FROM marts.company_visit WHERE company_key = $key AND done_day IS NULL AND day < $today AND day >= $since
        UNION ALL SELECT '隐患', check_id, day, item_code || ' 未按期整改', NULL FROM marts.check_defect WHERE company_key = $key AND NOT is_fixed AND day < $today AND day >= $since
        UNION ALL SELECT '诉求', ticket_no, day, category || ' 未按期办结', NULL FROM marts.appeal WHERE company_key = $key AND NOT is_ontime AND day < $today AND day >= $since
        ) ORDER BY day DESC, id LIMIT 30""",
        {"key": key, "since": since, "today": today},
    )


def vehicles(book: Book, company_key: str) -> list[Fact]:
    """The vehicles of a company on the newest day, with what they did in the last seven days that are over."""
    last = book.generation.built_at.date() - dt.timedelta(days=1)
    return _rows(
        book,
        "vehicle_key, energy, is_heavy, status, review_due, permit_to, km, days, alarms",
        """(
        SELECT v.vehicle_key, v.energy, v.is_heavy, v.status, v.review_due, v.permit_to, d.km, coalesce(d.days, 0) AS days, coalesce(a.alarms, 0) AS alarms FROM marts.vehicle_current v
        LEFT JOIN (SELECT vehicle_key, sum(valid_km) AS km, count(*) FILTER (is_online) AS days FROM marts.vehicle_day WHERE day BETWEEN $since AND $last GROUP BY 1) d USING (vehicle_key)
        LEFT JOIN (SELECT vehicle_key, count(*) AS alarms FROM marts.alarm_event WHERE day BETWEEN $since AND $last GROUP BY 1) a USING (vehicle_key)
        WHERE v.company_key = $key AND NOT v.is_trailer) ORDER BY alarms DESC, vehicle_key""",
        {"key": company_key, "since": last - dt.timedelta(days=6), "last": last},
    )


def alarms(book: Book, column: str, key: str, limit: int = 12) -> list[Fact]:
    """The newest alarms of a company_key or vehicle_key that must be handled, open ones first."""
    if column not in ("company_key", "vehicle_key"):
        raise ValueError(column)
    since = book.generation.built_at.date() - dt.timedelta(days=DAYS)
    return [
        _told(row)
        for row in _rows(
            book,
            ALARM,
            f"marts.alarm_event WHERE {column} = ? AND day >= ? AND must_handle ORDER BY is_handled, raised_at DESC, alarm_uid LIMIT ?",
            [key, since, limit],
        )
    ]


def vehicle(book: Book, key: str) -> Vehicle:
    """Raises PageMissing for one that is in no register and sent nothing in the last weeks."""
    facts = _first(
        book,
        "vehicle_key, company_key, town_code, veh_type, is_trailer, tonnage_t, gross_mass_t, energy, vehicle_class, is_heavy, emission_stage, status, review_due, stop_from, stop_to, "
        "permit_to",
        "marts.vehicle_current WHERE vehicle_key = ?",
        [key],
    )
    days = _rows(
        book,
        "day, company_key, is_online, is_networked, is_stopped, pts, pts_ok, drift_pts, valid_km, drive_s, fatigue_s, overspeed_cnt, pretrip_due, pretrip_done, active_cnt",
        "marts.vehicle_day WHERE vehicle_key = ? ORDER BY day DESC LIMIT ?",
        [key, DAYS],
    )
    if not facts and not days:
        raise PageMissing()
    return Vehicle(key, facts, days, alarms(book, "vehicle_key", key, 30))


def alarm_facts(book: Book, uid: str) -> Fact | None:
    """One alarm with its status in words, None for an unknown one."""
    found = _first(book, ALARM, "marts.alarm_event WHERE alarm_uid = ?", [uid])
    return _told(found) if found else None


def alarm(book: Book, uid: str) -> Alarm:
    """Raises PageMissing for an unknown one."""
    facts = alarm_facts(book, uid)
    if facts is None:
        raise PageMissing()
    steps = _rows(
        book,
        "step, action, result, reason, handled_at",
        "marts.alarm_step WHERE alarm_uid = ? ORDER BY step, handled_at",
        [uid],
    )
    urges = _rows(
        book,
        "urge_id, day, is_urgent, is_due, is_done",
        "marts.alarm_urge WHERE alarm_uid = ? ORDER BY day, urge_id",
        [uid],
    )
    day = facts["raised_at"].date()
    others = _rows(
        book,
        ALARM,
        "marts.alarm_event WHERE vehicle_key = ? AND day = ? AND alarm_uid <> ? ORDER BY raised_at LIMIT 20",
        [facts["vehicle_key"], day, uid],
    )
    return Alarm(facts, steps, urges, [_told(row) for row in others])


def site(book: Book, key: str) -> Site:
    """Raises PageMissing for an unknown one."""
    facts = _one(
        book,
        "site_id, name, kind, town_code, home_area, address, operator, hours, level, lon, lat, is_open, usable, broken, free",
        "marts.site WHERE site_id = ?",
        [key],
    )
    day = book.generation.built_at.date()
    stars = book.ask(
        "SELECT coalesce(sum(stars), 0), coalesce(sum(ratings), 0) FROM marts.site_rating WHERE site_id = ? AND day > ?",
        [key, day - dt.timedelta(days=90)],
    )
    return Site(
        facts,
        _rows(
            book,
            "day, visit_cnt, visit_method, opened_min, scheduled_min, is_excused",
            "marts.site_day WHERE site_id = ? AND day < ? ORDER BY day DESC LIMIT ?",
            [key, day, DAYS],
        ),
        (float(stars[0][0]), float(stars[0][1])) if stars else (0.0, 0.0),
    )


def sites(book: Book, town: str = "") -> list[Fact]:
    """All sites, or those of a town."""
    return _rows(
        book,
        "site_id, name, kind, town_code, hours, is_open, lon, lat",
        "marts.site WHERE ? = '' OR town_code = ? ORDER BY name",
        [town, town],
    )


def organisation(book: Book, key: str) -> list[Fact]:
    """The companies that an organisation covers today, with what it is on every row. Raises PageMissing for an unknown
    one."""
    today = book.generation.built_at.date()
    found = _rows(
        book,
        "org_id, kind, org_type, name, is_own, from_day, to_day, company_key",
        "marts.company_organisation WHERE org_id = ? AND to_day >= ? ORDER BY is_own DESC, company_key",
        [key, today],
    )
    if not found:
        raise PageMissing()
    return found


def unit(book: Book, key: str) -> list[Fact]:
    """The tasks of a member unit, newest first. Raises PageMissing for an unknown one."""
    found = _rows(
        book,
        "task_id, unit_id, unit, title, day, is_ontime, done_at",
        "marts.unit_task WHERE unit_id = ? ORDER BY day DESC, task_id",
        [key],
    )
    if not found:
        raise PageMissing()
    return found


def units_of(book: Book) -> list[Fact]:
    """The member units with their tasks: all, due, done in time."""
    today = book.generation.built_at.date()
    return _rows(
        book,
        "unit_id, unit, tasks, due, ontime",
        "(SELECT unit_id, any_value(unit) AS unit, count(*) AS tasks, count(*) FILTER (day <= $today) AS due, "
        "count(*) FILTER (day <= $today AND is_ontime) AS ontime FROM marts.unit_task WHERE year(day) = year($today) GROUP BY 1) ORDER BY unit_id",
        {"today": today},
    )


def milestones(book: Book) -> list[Fact]:
    """The ten items of care with weights: all, due by today, done."""
    today = book.generation.built_at.date()
    return _rows(
        book,
        "item, owner_unit, weight, due, done",
        """(
        SELECT item, any_value(owner_unit) AS owner_unit, any_value(item_no) AS n, CAST(sum(weight) AS DOUBLE) AS weight, CAST(coalesce(sum(weight) FILTER (due <= $today), 0) AS DOUBLE) AS due,
            CAST(coalesce(sum(weight) FILTER (done_day <= $today), 0) AS DOUBLE) AS done FROM marts.warm_milestone WHERE year = year($today) GROUP BY 1) ORDER BY n""",
        {"today": today},
    )


def _told(row: Fact) -> Fact:
    return {**row, "status": alarm_status(row["result"], row["is_handled"], row["must_handle"], row["is_due"])}


def _rows(book: Book, columns: str, rest: str, values: list[Any] | dict[str, Any]) -> list[Fact]:
    names = [name.strip() for name in columns.split(",")]
    return [dict(zip(names, row, strict=True)) for row in book.ask(f"SELECT {columns} FROM {rest}", values)]


def _first(book: Book, columns: str, rest: str, values: list[Any]) -> Fact:
    return next(iter(_rows(book, columns, rest, values)), {})


def _one(book: Book, columns: str, rest: str, values: list[Any]) -> Fact:
    found = _first(book, columns, rest, values)
    if not found:
        raise PageMissing()
    return found
