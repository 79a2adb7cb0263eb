"""The wall's panels of alarms and of scores: how many, of which kind, how long they wait, what was done."""

from __future__ import annotations

import datetime as dt
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation.charts import svg, svg_responsive
from warehouse.insight import operations
from warehouse.query.snapshot import Snapshot

WAIT_TONES = ("good", "warn", "warn", "bad", "bad")


def bare_plate(mask: str) -> str:
    """A masked plate without its colour, which would stand over what comes after it."""
    return mask.partition(" ")[0]


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
