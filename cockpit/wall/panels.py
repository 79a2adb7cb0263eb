"""What the wall's panels say, already in words: boards, programmes and readings → facts for the macros of
wall_slots.html. Pure.

One function a kind of panel, named as the kind; each takes the book, what the slot names, and today. A panel without
data says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import svg_responsive
from cockpit.wall import alarm_panels, programme_panels
from warehouse.catalog.contracts import contracts
from warehouse.insight import operations
from warehouse.insight.operations import ALARMS, HANDLED
from warehouse.query.snapshot import Snapshot

TREND_STEPS = {"day": 35, "week": 26, "month": 13, "quarter": 8, "year": 4}
YEAR_STEPS = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}
LABEL_EVERY = {"day": 7, "week": 5, "month": 3, "quarter": 2, "year": 1}
MADE_OF: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "alarms": ("实时报警", (ALARMS,)),
    "alarm_hours": ("报警分时", (ALARMS,)),
    "kinds": ("报警类型", (ALARMS,)),
    "clock": ("待处置报警时长分布", (ALARMS, HANDLED)),
    "overdue": ("超时未处置", (ALARMS, HANDLED)),
    "companies": ("企业未按时处置", (ALARMS, HANDLED)),
    "interventions": ("报警处置措施", (HANDLED,)),
    "bands": ("安全评分分布", (("as_alarm",),)),
    "pipeline": ("发展党员各阶段", (("pb_stage_event",),)),
    "activities": ("党建活动", (("pb_activity",),)),
    "points": ("司机之家积分账", (("mp_points",),)),
    "milestones": ("十件暖心实事", (("pj_milestone",),)),
    "unit_tasks": ("成员单位任务", (("pb_task",),)),
    "sites": ("服务阵地", (("st_site",),)),
    "visit_hours": ("到访分时", (("st_visit",),)),
}
"""Kind of a panel → its title, and the landed tables that it is made of: of each group one must have delivered, else the
panel says 未接入, because its own words for nothing would read as a good sign or as somebody's omission."""


Panel = Callable[[Snapshot, str, dt.date], dict[str, Any]]


def unreported(book: Snapshot, kind: str) -> dict[str, Any] | None:
    """What stands in place of a panel whose sources have never delivered: no 0, no ✓; None where they have."""
    title, groups = MADE_OF.get(kind, ("", ()))
    if all(any(book.delivered(table) for table in group) for group in groups):
        return None
    lost = [table for group in groups if not any(map(book.delivered, group)) for table in group]
    return {"title": title, "tables": "、".join(contracts()[table].label for table in lost)}


def trend(book: Snapshot, metric: str, today: dt.date) -> dict[str, Any]:
    """One metric over time with the same time a year before; by week where it has weeks, by month else."""
    definition = book.metrics[metric]
    window = next(name for name in ("week", "month", "quarter", "year", "day") if name in definition.windows)
    count, year = TREND_STEPS[window], YEAR_STEPS[window]
    series = book.series(metric, window, count + year)
    now, before = series[-count:], series[:count]
    item = book.read(metric, window)
    goal = item.target.green if item.target and item.target.whole is None else None
    newest = next((p for p in reversed(now) if p.value is not None), None)
    last = fmt.value(newest.value, definition.unit, definition.decimals) if newest else None
    chart = svg_responsive.lines(
        [p.value for p in now],
        [p.value for p in before],
        [fmt.tick(window, p.win_start) for p in now],
        unit=definition.unit,
        decimals=definition.decimals,
        goal=goal,
        last=f"{last.text}{last.unit}" if last else "",
        every=LABEL_EVERY[window],
        is_open=not now[-1].complete,
    )
    return {
        "label": definition.label,
        "chart": chart,
        "goal": f"{item.target.called} {fmt.target(item.target, item.unit, item.better)}"
        if item.target and goal is not None
        else "",
        "past": any(p.value is not None for p in before),
        "span": f"近 {count} {texts.WINDOWS[window]}",
    }


def sites(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The service sites: open or not, visits, what drivers may use there."""
    found = operations.sites(book)
    day, _ = operations.visit_hours(book)
    rows = [
        {
            "name": one.name,
            "town": one.town,
            "kind": one.kind,
            "is_open": one.is_open,
            "hours": one.hours,
            "visits": fmt.number(one.visits),
            "usual": fmt.delta(one.visits, one.usual, "人次", "up"),
            "stars": fmt.number(one.stars, 1),
            "basics": [{"label": label, "state": _state(one, code)} for code, label in texts.BASIC_SERVICES.items()],
            "nine": sum(1 for code in texts.NINE_SERVICES if code in one.usable),
            "broken": "、".join(texts.FACILITIES.get(code, code) for code in one.broken),
        }
        for one in found
    ]
    return {
        "rows": rows,
        "open": sum(1 for one in found if one.is_open),
        "all": len(found),
        "day": fmt.day(day) if day else "",
    }


def _state(one: operations.Site, code: str) -> str:
    return (
        "broken" if code in one.broken else "free" if code in one.free else "usable" if code in one.usable else "none"
    )


def visit_hours(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Visits by hour of the newest day beside what is usual on that weekday."""
    day, rows = operations.visit_hours(book)
    usual = [number for _, _, number in rows]
    chart = (
        svg_responsive.columns(
            [(visits,) for _, visits, _ in rows],
            ("member",),
            [f"{hour}时" for hour, _, _ in rows],
            line=usual if any(v is not None for v in usual) else (),
            every=3,
        )
        if day
        else ""
    )
    return {
        "chart": chart,
        "day": fmt.day(day) if day else "",
        "total": fmt.number(sum(visits or 0 for _, visits, _ in rows)) if day else "",
    }


PANELS: dict[str, Panel] = {
    one.__name__: one
    for one in (
        trend,
        alarm_panels.alarm_hours,
        alarm_panels.kinds,
        alarm_panels.clock,
        alarm_panels.overdue,
        alarm_panels.companies,
        alarm_panels.interventions,
        alarm_panels.bands,
        programme_panels.pipeline,
        programme_panels.activities,
        programme_panels.points,
        programme_panels.programme,
        programme_panels.milestones,
        programme_panels.unit_tasks,
        sites,
        visit_hours,
    )
}
"""Kind of a slot → what it says."""
