"""The wall's panels of the party, the six programmes and what the units owe to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import svg, svg_responsive
from cockpit.presentation.reading_view import present
from warehouse.compile.reading import NEUTRAL, STATUS_LABELS
from warehouse.insight import operations
from warehouse.query.programmes import Programme, scores
from warehouse.query.snapshot import Snapshot

STAGES = ("入党申请人", "入党积极分子", "发展对象", "预备党员", "正式党员")
UNNAMED = "(待局确认)"
MILESTONE_MARKS = {"done": "✓", "late": "✓", "overdue": "✕", "next": "…", "open": ""}
ITEMS_SHOWN = 5


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
