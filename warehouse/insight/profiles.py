"""One company, vehicle, alarm, site, organisation or member unit with what the open file knows of it. Owns the
questions; every one is about a single key, and an unknown key is a PageMissing. Rows come as dicts by column name,
times naive Shanghai as stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from warehouse.catalog.schema import PROGRAMMES
from warehouse.core import statements
from warehouse.core.errors import PageMissing
from warehouse.query.alarms import status as alarm_status
from warehouse.query.places import plate
from warehouse.query.snapshot import Snapshot

text = statements.beside(__file__)
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


def brief(book: Snapshot, kind: str, key: str) -> tuple[str, str]:
    """What a thing is called, and one line about it, without the rest of its page. kind: town, company, vehicle, alarm,
    site, unit, organisation or programme. Raises PageMissing for an unknown kind or when this generation does not hold
    the thing."""
    if kind not in _BRIEF:
        raise PageMissing()
    return _BRIEF[kind](book, key)


def _brief_place(book: Snapshot, key: str, grain: str) -> tuple[str, str]:
    place = book.known(key)
    if place is None or place.grain != grain:
        raise PageMissing()
    if grain == "town":
        return place.label, f"镇街 · 业户 {len(book.places('company', key))} 户"
    town, size = book.known(place.parent), _first(book, "company_today", company=key)
    return place.label, " · ".join(
        ["企业", *([town.label] if town else []), *([f"货车 {size['v_cnt']} 辆"] if size else [])]
    )


def _brief_vehicle(book: Snapshot, key: str) -> tuple[str, str]:
    facts = _first(book, "vehicle", vehicle=key)
    if not facts and not _records(book, "vehicle_days", vehicle=key, most=1):
        raise PageMissing()
    owner = book.known(facts.get("company_key") or "")
    return plate(key), " · ".join(["车辆", *([owner.label] if owner else []), facts.get("energy") or "不在册"])


def _brief_alarm(book: Snapshot, key: str) -> tuple[str, str]:
    facts = alarm_facts(book, key)
    if facts is None:
        raise PageMissing()
    if facts["company_key"] in book.pooled:
        return "报警", "单人单车业户 · 说明用途后查看"
    return (
        f"{facts['kind']} {facts['raised_at']:%m-%d %H:%M}",
        f"报警 · {plate(facts['vehicle_key'])} · {facts['status']}",
    )


def _brief_site(book: Snapshot, key: str) -> tuple[str, str]:
    facts = _only(book, "site", site=key)
    town = book.known(facts["town_code"] or "")
    return str(facts["name"]), " · ".join(["服务阵地", str(facts["kind"]), *([town.label] if town else [])])


def _brief_programme(book: Snapshot, key: str) -> tuple[str, str]:
    name, force = next((words for number, words in PROGRAMMES.items() if str(number) == key), ("", ""))
    if not name:
        raise PageMissing()
    return name, f"六大工程 · 提升{force}"


_BRIEF: dict[str, Callable[[Snapshot, str], tuple[str, str]]] = {
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


def company(book: Snapshot, key: str) -> Company:
    """Raises PageMissing for an unknown one."""
    facts = _only(book, "company", company=key)
    today = book.generation.built_at.date()
    return Company(
        facts,
        _first(book, "company_today", company=key),
        _first(book, "company_programmes", company=key),
        _records(book, "company_scores", company=key),
        _records(book, "company_organisations", company=key, today=today),
        _records(book, "company_posts", company=key, today=today),
        _records(book, "company_visits", company=key),
        # everything whose day has passed without its being done
        _records(book, "company_open_items", company=key, since=today - dt.timedelta(days=DAYS), today=today),
    )


def vehicles(book: Snapshot, company_key: str) -> list[Fact]:
    """The vehicles of a company on the newest day, with what they did in the last seven days that are over: valid km
    (None without a day), days online, alarms."""
    last = book.generation.built_at.date() - dt.timedelta(days=1)
    return _records(book, "company_vehicles", company=company_key, since=last - dt.timedelta(days=6), last=last)


def peers(book: Snapshot, company_key: str, most: int) -> list[str]:
    """Keys of the companies whose fleets are nearest in size, the nearest first; individual operators are none."""
    return [str(key) for (key,) in book.ask(text("peers"), {"company": company_key, "most": most})]


def alarms(book: Snapshot, column: str, key: str, limit: int = 12) -> list[Fact]:
    """The newest alarms of a company_key or vehicle_key that must be handled, open ones first."""
    window = {"since": book.generation.built_at.date() - dt.timedelta(days=DAYS), "most": limit}
    if column == "company_key":
        newest = _records(book, "company_alarms", company=key, **window)
    elif column == "vehicle_key":
        newest = _records(book, "vehicle_alarms", vehicle=key, **window)
    else:
        raise ValueError(column)
    return [_with_status(alarm) for alarm in newest]


def vehicle(book: Snapshot, key: str) -> Vehicle:
    """Raises PageMissing for one that is in no register and sent nothing in the last weeks."""
    facts = _first(book, "vehicle", vehicle=key)
    days = _records(book, "vehicle_days", vehicle=key, most=DAYS)
    if not facts and not days:
        raise PageMissing()
    return Vehicle(key, facts, days, alarms(book, "vehicle_key", key, 30))


def alarm_facts(book: Snapshot, uid: str) -> Fact | None:
    """One alarm with its status in words, None for an unknown one."""
    facts = _first(book, "alarm", uid=uid)
    return _with_status(facts) if facts else None


def alarm(book: Snapshot, uid: str) -> Alarm:
    """Raises PageMissing for an unknown one."""
    facts = alarm_facts(book, uid)
    if facts is None:
        raise PageMissing()
    others = _records(book, "alarms_beside", vehicle=facts["vehicle_key"], day=facts["raised_at"].date(), uid=uid)
    return Alarm(
        facts,
        _records(book, "alarm_steps", uid=uid),
        _records(book, "alarm_urges", uid=uid),
        [_with_status(other) for other in others],
    )


def site(book: Snapshot, key: str) -> Site:
    """Raises PageMissing for an unknown one."""
    facts = _only(book, "site", site=key)
    day = book.generation.built_at.date()
    rating = _first(book, "site_ratings", site=key, after=day - dt.timedelta(days=90))
    return Site(
        facts,
        _records(book, "site_days", site=key, today=day, most=DAYS),
        (float(rating["stars"]), float(rating["ratings"])) if rating else (0.0, 0.0),
    )


def sites(book: Snapshot, town: str = "") -> list[Fact]:
    """All sites, or those of a town."""
    return _records(book, "sites", town=town)


def organisation(book: Snapshot, key: str) -> list[Fact]:
    """The companies that an organisation covers today, with what it is on every row. Raises PageMissing for an unknown
    one."""
    companies = _records(book, "organisation", organisation=key, today=book.generation.built_at.date())
    if not companies:
        raise PageMissing()
    return companies


def unit(book: Snapshot, key: str) -> list[Fact]:
    """The tasks of a member unit, newest first. Raises PageMissing for an unknown one."""
    tasks = _records(book, "unit", unit=key)
    if not tasks:
        raise PageMissing()
    return tasks


def units_of(book: Snapshot) -> list[Fact]:
    """The member units with their tasks: all, due, done in time."""
    return _records(book, "units", today=book.generation.built_at.date())


def milestones(book: Snapshot) -> list[Fact]:
    """The ten items of care with weights: all, due by today, done."""
    return _records(book, "warm_items", today=book.generation.built_at.date())


def _with_status(facts: Fact) -> Fact:
    took = None if facts["handled_at"] is None else (facts["handled_at"] - facts["raised_at"]).total_seconds()
    status = alarm_status(
        facts["result"], facts["is_handled"], facts["must_handle"], facts["is_due"], took, facts["limit_s"]
    )
    return {**facts, "status": status}


def _records(book: Snapshot, name: str, **values: object) -> list[Fact]:
    return book.records(text(name), values)


def _first(book: Snapshot, name: str, **values: object) -> Fact:
    """{} where there is no row."""
    return next(iter(_records(book, name, **values)), {})


def _only(book: Snapshot, name: str, **values: object) -> Fact:
    facts = _first(book, name, **values)
    if not facts:
        raise PageMissing()
    return facts
