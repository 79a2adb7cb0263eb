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
from cockpit.presentation.charts import svg, svg_responsive
from cockpit.presentation.reading_view import present
from warehouse.catalog.contracts import contracts
from warehouse.compile.reading import NEUTRAL, STATUS_LABELS
from warehouse.insight import operations
from warehouse.insight.operations import ALARMS, HANDLED
from warehouse.query.programmes import Programme, scores
from warehouse.query.snapshot import Snapshot

TREND_STEPS = {"day": 35, "week": 26, "month": 13, "quarter": 8, "year": 4}
YEAR_STEPS = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}
LABEL_EVERY = {"day": 7, "week": 5, "month": 3, "quarter": 2, "year": 1}
ITEMS_SHOWN = 5
WAIT_TONES = ("good", "warn", "warn", "bad", "bad")
STAGES = ("入党申请人", "入党积极分子", "发展对象", "预备党员", "正式党员")
UNNAMED = "(待局确认)"
MILESTONE_MARKS = {"done": "✓", "late": "✓", "overdue": "✕", "next": "…", "open": ""}
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


def bare_plate(mask: str) -> str:
    """A masked plate without its colour, which would stand over what comes after it."""
    return mask.partition(" ")[0]


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


def alarm_hours(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Today's alarms by hour beside what is usual on that weekday."""
    hours = operations.alarm_hours(book)
    known = any(h.usual is not None for h in hours)
    chart = svg_responsive.columns(
        [(h.second, h.first) if h.over else (None, None) for h in hours],
        ("second", "first"),
        [f"{h.hour}时" for h in hours],
        line=[h.usual for h in hours] if known else (),
        every=3,
    )
    so_far = [h for h in hours if h.hour < book.generation.built_at.hour]
    total, usual = sum(h.first + h.second for h in so_far), sum(h.usual or 0 for h in so_far)
    day = book.generation.built_at.date()
    return {
        "chart": chart,
        "day": "今日" if day == today else fmt.day(day),
        "total": fmt.number(sum(h.first + h.second for h in hours)),
        "second": fmt.number(sum(h.second for h in hours)),
        "usual": f"前 {len(so_far)} 小时 {fmt.number(total)} 起，前四周同期 {fmt.number(usual)} 起"
        if known and so_far
        else "还没有可比的前几周",
    }


def kinds(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Alarms of seven days by kind with the change from the seven days before."""
    rows = operations.alarm_kinds(book)
    most = max((now for _, now, _ in rows), default=0) or 1
    return {
        "rows": [
            {
                "name": kind,
                "bar": svg.bar(now / most, tone="fleet"),
                "shown": fmt.number(now),
                "delta": fmt.delta(now, before or None, "起", "down"),
            }
            for kind, now, before in rows
        ]
    }


def clock(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The clock of handling: how many wait and how long, and how fast others were handled."""
    rows = operations.waiting(book)
    most = max((number for _, number in rows), default=0) or 1
    times = [
        {
            "level": {2: "二级", 1: "一级"}.get(level, str(level)),
            "middle": fmt.duration(middle),
            "slow": fmt.duration(slow),
            "limit": fmt.duration(limit),
            "count": fmt.number(count),
            "tone": "good" if slow <= limit else "bad",
        }
        for level, middle, slow, limit, count in operations.handling_time(book)
    ]
    return {
        "rows": [
            {
                "name": label,
                "bar": svg.bar(number / most, tone=tone if number else ""),
                "shown": fmt.number(number),
                "tone": tone if number else "flat",
            }
            for (label, number), tone in zip(rows, WAIT_TONES, strict=True)
        ],
        "total": fmt.number(sum(number for _, number in rows)),
        "times": times,
    }


def overdue(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The newest alarms beyond the time allowed."""
    rows = operations.overdue(book, 14)
    return {
        "rows": [
            {
                "time": f"{a.raised_at:%H:%M}" if a.raised_at.date() == today else f"{a.raised_at:%m-%d %H:%M}",
                "plate": bare_plate(a.plate_mask),
                "kind": a.kind,
                "town": fmt.town(a.town),
                "late": fmt.duration(a.late_s),
            }
            for a in rows
        ]
    }


def companies(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Companies with the most alarms beyond the time allowed, of the last week."""
    rows = operations.companies_waiting(book, 12)
    most = max((late for _, late, _, _ in rows), default=0) or 1
    return {
        "rows": [
            {
                "name": fmt.company(name),
                "bar": svg.bar(late / most, tone="bad"),
                "late": fmt.number(late),
                "parts": f"{fmt.number(done)} / {fmt.number(due)}",
            }
            for name, late, done, due in rows
        ]
    }


def interventions(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """What was done about the alarms of a week."""
    rows = operations.interventions(book)
    total = sum(number for _, number in rows)
    return {
        "rows": [
            {
                "name": action,
                "bar": svg.bar(number / total, tone="fleet"),
                "shown": fmt.number(number),
                "share": f"{100 * number / total:.0f}%",
            }
            for action, number in rows
        ],
        "total": fmt.number(total),
    }


def bands(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """How drivers' safety scores are spread."""
    month, rows = operations.score_bands(book)
    total = sum(number for _, number, _ in rows)
    before = [number for _, _, number in rows]
    chart = (
        svg_responsive.columns(
            [(number,) for _, number, _ in rows],
            ("band",),
            [label for label, _, _ in rows],
            words=[fmt.number(number) for _, number, _ in rows],
            marks=("bad", "warn", "", "", "good"),
        )
        if total
        else ""
    )
    changes = [
        f"{label} {fmt.number(number)} 人（{'+' if number > old else '−'}{abs(number - old)}）"
        for (label, number, _), old in zip(rows[:2], before, strict=False)
        if old is not None and number != old
    ]
    return {
        "chart": chart,
        "month": f"{month.month} 月" if month else "",
        "total": fmt.number(total),
        "changes": " · ".join(changes),
    }


def pipeline(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """People in each stage on the way into the Party, of the whole district."""
    found = (
        {member: (num, status) for member, _, num, _, status in book.slices("mem_pipeline_cnt", "stage")}
        if "mem_pipeline_cnt" in book.metrics
        else {}
    )
    most = max((num or 0 for num, _ in found.values()), default=0) or 1
    rows = [
        {
            "name": stage,
            "bar": svg.bar((found[stage][0] or 0) / most, tone="member"),
            "shown": fmt.number(found[stage][0]),
        }
        for stage in STAGES
        if stage in found
    ]
    return {"rows": rows, "total": fmt.number(sum(num or 0 for num, _ in found.values())) if rows else ""}


def activities(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Party activities of the year by kind."""
    rows = operations.activities(book)
    most = max((number for _, number, _ in rows), default=0) or 1
    return {
        "rows": [
            {
                "name": kind,
                "bar": svg.bar(number / most, tone="member"),
                "shown": f"{fmt.number(number)} 场",
                "people": f"{fmt.number(people)} 人次",
            }
            for kind, number, people in rows
        ],
        "total": fmt.number(sum(number for _, number, _ in rows)),
        "year": str(today.year),
    }


def points(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The points ledger as one bar: what was issued is what was redeemed, expired and is left."""
    ledger = operations.points(book)
    if ledger is None:
        return {"bar": "", "parts": [], "issued": "", "gap": "", "is_even": True}
    parts = (
        ("已兑换", "redeemed", ledger.redeemed),
        ("已过期", "expired", ledger.expired),
        ("结余", "balance", ledger.balance),
    )
    return {
        "bar": svg_responsive.balance([(name, amount) for _, name, amount in parts]),
        "issued": fmt.number(ledger.issued),
        "is_even": ledger.gap == 0,
        "parts": [
            {
                "label": label,
                "name": name,
                "shown": fmt.number(amount),
                "share": f"{100 * amount / ledger.issued:.0f}%" if ledger.issued else fmt.DASH,
            }
            for label, name, amount in parts
        ],
        "gap": f"账面余额与流水相差 {fmt.number(abs(ledger.gap))} 分，待核对" if ledger.gap else "账面余额与流水相符",
    }


def programme(book: Snapshot, what: str, today: dt.date) -> dict[str, Any]:
    """One programme: score against the time that has passed, and its indicators, the farthest behind first."""
    found = next((one for one in scores(book) if str(one.number) == what), None)
    if found is None:
        return {
            "number": what,
            "label": "",
            "status": "insufficient",
            "word": "",
            "force": "",
            "score": None,
            "rows": [],
            "pace": "",
            "tone": "flat",
            "bar": "",
            "due": "",
        }
    items = sorted(
        (item for item in found.items if item.share is not None),
        key=lambda item: item.share - item.due if item.share is not None else 0.0,
    )
    rows = [
        {
            "name": view.label,
            # the same number may stand on this picture for another period
            "when": view.when,
            "bar": svg.bar(item.share, mark=item.due, tone="member" if view.tone in NEUTRAL else view.tone),
            "shown": view.text,
            "tone": "flat" if view.tone in NEUTRAL else view.tone,
            "mark": view.mark,
        }
        for item, view in (
            (item, present(item.reading, book.metrics[item.reading.metric].decimals, today=today))
            for item in items[:ITEMS_SHOWN]
        )
    ]
    return {**outline(found), "rows": rows, "rest": len(found.items) - len(rows)}


def outline(one: Programme) -> dict[str, Any]:
    """A programme in a line: number, name, score, due part, and whether it keeps pace."""
    return {
        "number": texts.ORDER[one.number - 1],
        "label": one.label,
        "force": one.force,
        "score": None if one.score is None else f"{100 * one.score:.0f}",
        "status": one.status,
        "word": STATUS_LABELS[one.status],
        "due": fmt.DASH if one.due is None else f"{100 * one.due:.0f}%",
        "pace": fmt.pace(one.ahead),
        "tone": "flat" if one.tone in NEUTRAL else one.tone,
        "bar": svg.bar(one.score, mark=one.due, tone="member"),
    }


def milestones(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The ten items of the year as rows of nodes."""
    nodes = operations.milestones(book)
    rows: dict[int, dict[str, Any]] = {}
    for node in nodes:
        number, _, name = node.item.partition(" ")
        # an item that the announcement has not named yet is called by its number
        named = f"第 {number} 项" if name == UNNAMED else name
        row = rows.setdefault(node.item_no, {"number": number, "name": named, "nodes": [], "is_open": False})
        row["nodes"].append({"state": node.state, "mark": MILESTONE_MARKS[node.state]})
        row["is_open"] = row["is_open"] or node.state == "overdue"
    states = [node.state for node in nodes]
    return {
        "rows": list(rows.values()),
        "done": states.count("done") + states.count("late"),
        "all": len(states),
        "overdue": states.count("overdue"),
        "next": states.count("next"),
    }


def unit_tasks(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Tasks of the member units this year."""
    rows = operations.unit_tasks(book)
    return {
        "rows": [
            {
                "name": unit,
                "bar": svg_responsive.balance([("good", intime), ("warn", late), ("bad", over), ("rest", rest)]),
                "over": over,
                "parts": f"{intime + late} / {intime + late + over + rest}",
            }
            for unit, intime, late, over, rest in rows
        ],
        "over": sum(row[3] for row in rows),
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
        alarm_hours,
        kinds,
        clock,
        overdue,
        companies,
        interventions,
        bands,
        pipeline,
        activities,
        points,
        programme,
        milestones,
        unit_tasks,
        sites,
        visit_hours,
    )
}
"""Kind of a slot → what it says."""
