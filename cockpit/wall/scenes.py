"""What the wall's scenes show: Snapshot → slots of HTML, all of one generation. Pure; no request, no clock of its own.

A slot is replaced as a whole when its HTML changes, so the first page and every later update come from the same
template. Nothing here names a person, a company of an alarm, a phone or a full plate.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from cockpit.casework.task_store import Task
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.charts import svg
from cockpit.presentation.reading_view import SPARK_POINTS, present, verdict, when
from cockpit.presentation.templates import environment
from cockpit.presentation.theme import tone
from cockpit.wall import alarm_panels, layouts, needs, panels, programme_panels
from warehouse.compile.reading import NEUTRAL, Reading
from warehouse.insight import operations
from warehouse.query.alarms import newest, summary
from warehouse.query.programmes import scores
from warehouse.query.snapshot import Snapshot

ALARMS_SHOWN = 14
SOURCES_SHOWN = 12
TARGET_AT = 0.75
"""Where on a progress track the target stands when the scale has no natural end (scores, counts and means)."""
SCORE = "分"
"""A mean of scores: its parts are a sum of points and a number of companies, which tell a viewer nothing."""

MILEAGE = "fleet_km_per_vehicle_day"
TOTALS = ("fleet_vehicle_cnt", "fleet_company50_cnt")
TOWN_VALUES = "fleet_online_rate"
"""What the live map writes beside a town's name."""


def build(book: Snapshot, names: Iterable[str], now: dt.datetime, tasks: Sequence[Task] = ()) -> dict[str, Any]:
    """{"generation", "demo", "release", "built", "scenes": {id: scene}}, a scene as `scene` makes it. `now` (aware)
    decides only how a date is said (今日, 11-22). `tasks`: those of 督办, for the scene that tells of them."""
    today = fmt.local(now).date()
    generation = book.generation
    return {
        "generation": generation.id,
        "demo": generation.is_demo,
        "release": generation.release,
        "built": fmt.clock(generation.built_at, today),
        "scenes": {name: scene(book, name, today, tasks) for name in names},
    }


def scene(book: Snapshot, name: str, today: dt.date, tasks: Sequence[Task] = ()) -> dict[str, Any]:
    """{"label", "question", "needs": html, "fine": html, "map": what the map draws, "slots": [{"id", "area", "kind",
    "html"}], "cards": the same, "figures": {slot id: shown text}}. Metrics that the catalogue does not hold are left
    out."""
    found = layouts.SCENES[name]
    slots, figures = [], {}
    for slot in found.slots:
        if slot.kind in ("tile", "towns", "trend") and slot.what not in book.metrics:
            continue
        macro = slot.kind
        if slot.kind == "tile":
            facts = tile(book, book.read(slot.what), "tile", today)
            figures[f"tile-{slot.what}"] = facts["shown"].text
        elif (lost := panels.unreported(book, slot.kind)) is not None:
            macro, facts = "unreported", lost
        elif slot.kind in OWN:
            facts = OWN[slot.kind](book, slot.what, today)
            figures |= {
                f"strip-{one['id']}": one["shown"].text for one in facts.get("totals", ()) if one["id"] in book.metrics
            }
        else:
            facts = panels.PANELS[slot.kind](book, slot.what, today)
        slots.append(
            {
                "id": f"{slot.kind}-{slot.what}" if slot.what else slot.kind,
                "area": slot.name,
                "kind": slot.kind,
                "html": _macro(macro, facts),
            }
        )
    cards = []
    for one in scores(book) if found.programmes else []:
        cards.append(
            {
                "id": f"outline-{one.number}",
                "area": "",
                "kind": "outline",
                "html": _macro("outline", programme_panels.outline(one)),
            }
        )
    for metric in layouts.cards(name, book.metrics):
        facts = tile(book, book.read(metric), "card", today)
        figures[f"card-{metric}"] = facts["shown"].text
        cards.append({"id": f"card-{metric}", "area": "", "kind": "card", "html": _macro("card", facts)})
    return {
        "label": found.label,
        "question": found.question,
        "needs": _macro("needs", {"rows": needs.of(book, name, today, tasks)}),
        "map": drawn(book, found.map),
        "fine": _macro("fine", {"words": fine_print(book, name)}),
        "slots": slots,
        "cards": cards,
        "figures": figures,
    }


def drawn(book: Snapshot, kind: str) -> dict[str, Any]:
    """What the map of a scene draws beside outlines and names: {"mode": "", "vehicles", "heat" or "sites", "sites":
    marks, "cells": heat by hour, "cell": side in degrees, "towns": {name: [text, tone]}}."""
    if not kind:
        return {"mode": ""}
    marks = [
        {"name": one.name, "at": [one.lon, one.lat], "open": one.is_open}
        for one in operations.sites(book)
        if one.lon is not None
    ]
    made: dict[str, Any] = {
        "mode": kind,
        "sites": marks,
        "cell": operations.CELL_DEG,
        "cells": operations.alarm_cells(book) if kind == "heat" else [],
        "towns": {},
    }
    if kind == "vehicles" and TOWN_VALUES in book.metrics:
        metric = book.metrics[TOWN_VALUES]
        made["towns"] = {
            item.place.label: [str(fmt.reading(item, metric.decimals)).replace(" %", "%"), item.tone]
            for item in book.by(TOWN_VALUES)
            if item.value is not None
        }
    return made


def tile(book: Snapshot, item: Reading, kind: str, today: dt.date) -> dict[str, Any]:
    """Everything a KPI tile or card prints, already in words."""
    metric = book.metrics[item.metric]
    view = present(item, metric.decimals, today=today)
    points = SPARK_POINTS[item.window]
    series = book.series(item.metric, item.window, points) if points and kind == "tile" else []
    share, mark = progress(item)
    return {
        "metric": item.metric,
        "label": view.label,
        "tone": tone(metric.group),
        "shown": view.shown,
        "status": item.status,
        "reason": view.reason_short,
        "delta": view.delta,
        "previous": view.previous,
        "year": view.year,
        # the unit stands beside the value already; a second and third one would push the line out of the tile
        "target": view.target.removesuffix(f" {item.unit}"),
        # beside 建议 the word 建议值 once more would push the line out of the tile
        "gap": view.gap.removesuffix(f" {item.unit}").replace("优于建议值", "优").replace("距建议值", "差"),
        "judgement": view.tone,
        "mark": view.mark,
        "word": verdict(item),
        "parts": view.parts if item.status == "ok" else "",
        "spark": svg.spark([p.value for p in series], is_open=bool(series) and not series[-1].complete),
        "bar": svg.bar(share, mark=mark, tone=tone(metric.group) if view.tone in NEUTRAL else view.tone),
        "when": view.when,
        "held": item.held,
        "provisional": item.provisional,
        "complete": item.complete or item.window == "now",
        "as_of": view.as_of_iso,
        "stale_after": view.stale_after_s,
    }


def fine_print(book: Snapshot, name: str) -> str:
    """Which periods may still change and what a grey mark means, said once instead of on every tile; "" when nothing
    of it is on the picture."""
    found, is_advised = {}, False
    for metric in layouts.metrics(name, book.metrics):
        if metric in book.metrics:
            item = book.read(metric)
            is_advised = is_advised or item.is_advised
            if item.provisional and item.complete:
                found[item.win_end] = (
                    f"第 {fmt.tick('week', item.win_start)}"
                    if item.window == "week"
                    else fmt.tick(item.window, item.win_start)
                )
    names = "、".join(dict.fromkeys(found[end] for end in sorted(found, reverse=True)))
    stated = [f"{names}为暂定值，期末后 72 小时内补传的数据仍会改变它"] if names else []
    return "；".join([*stated, *(["灰色标记按建议值评，未经本局确认"] if is_advised else [])])


def progress(item: Reading) -> tuple[float | None, float | None]:
    """(filled share, place of the target tick) of a track, both 0–1. Ratios and scores fill 0–100; anything else is
    drawn against its target, so that less than the tick is what a 'down' metric wants."""
    if item.value is None:
        return None, None
    goal = item.target.green if item.target else None
    if item.unit in ("ratio", SCORE) and item.better == "up":
        full = 1.0 if item.unit == "ratio" else 100.0
        return item.value / full, None if goal is None else goal / full
    if not goal:
        return None, None
    return item.value / goal * TARGET_AT, TARGET_AT


def strip(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The totals that come from the generation; the live counts beside them come with the positions."""
    found = []
    for metric in TOTALS:
        if metric in book.metrics:
            item = book.read(metric)
            found.append(
                {
                    "id": metric,
                    "label": item.label,
                    "shown": fmt.reading(item, book.metrics[metric].decimals),
                    "when": when(item, today),
                    **_age(item),
                }
            )
    if MILEAGE in book.metrics:
        item = book.read(MILEAGE, "day")
        shown = fmt.value(item.num, "公里") if item.num is not None else fmt.reading(item)
        found.insert(
            1, {"id": "mileage", "label": f"{when(item, today)}里程", "shown": shown, "when": "", **_age(item)}
        )
    return {"totals": found}


def towns(book: Snapshot, metric: str, today: dt.date) -> dict[str, Any]:
    """One metric by town, best first; a town without a number keeps its place at the end and says why."""
    definition = book.metrics[metric]
    items = book.by(metric, grain="town")
    sign = 1 if definition.better == "down" else -1
    items = sorted(items, key=lambda r: (r.value is None, sign * (r.value or 0.0)))
    top = max((r.value for r in items if r.value is not None), default=0.0)
    full = 1.0 if definition.unit == "ratio" else top or 1.0
    rows = [
        {
            "town": r.place.label,
            "shown": fmt.reading(r, definition.decimals),
            "status": r.status,
            "mark": texts.MARKS.get(r.judgement or "", ""),
            "judgement": r.tone,
            "bar": svg.bar(
                None if r.value is None else r.value / full,
                mark=r.target.green / full if r.target else None,
                tone=r.tone,
            ),
        }
        for r in items
    ]
    head = items[0] if items else None
    return {"label": definition.label, "rows": rows, "when": when(head, today) if head else "", "metric": metric}


def alarms(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """Newest alarms with masked plates, and the day's sum; how they stand only where handling is reported at all."""
    is_known = book.delivered(operations.HANDLED[0])
    rows = [
        {
            "time": moment(a["raised_at"], today),
            "plate": alarm_panels.bare_plate(a["plate_mask"]),
            "kind": a["kind"],
            "town": fmt.town(a["town"]),
            # of a state and its reason the narrow column has room for the reason
            "status": a["status"].rpartition("，")[2] if is_known else "处置未接入",
            "tone": texts.ALARM_TONES.get(a["status"], "flat") if is_known else "flat",
        }
        for a in newest(book, ALARMS_SHOWN)
    ]
    total = summary(book)
    day = total.get("day")
    words = "今日" if day == today else fmt.day(day)
    return {
        "rows": rows,
        "day": words,
        "raised": fmt.number(total.get("raised")),
        "handled": fmt.number(total.get("handled")) if is_known else fmt.DASH,
    }


def moment(raised: dt.datetime, today: dt.date) -> str:
    """ "14:06:21" today, "11-22 21:16" before: an alarm of yesterday must not read like one of tonight."""
    here = fmt.local(raised)
    return f"{here:%H:%M:%S}" if here.date() == today else fmt.clock(raised)


def sources(book: Snapshot, _what: str, today: dt.date) -> dict[str, Any]:
    """The landed tables that need a look first, as many as the panel holds: failed ones, then those that have used up
    most of their promise. The browser's clock ages the rows; all, late and never count every table: how many, how
    many failed, how many have never delivered."""
    built = book.generation.built_at
    states = sorted(
        book.sources(),
        key=lambda s: (
            not s.error,
            -((built - s.data_time).total_seconds() / s.stale_after_s if s.data_time else 1.0),
            s.label,
        ),
    )
    rows = [
        {
            "label": s.label,
            "time": fmt.clock(s.data_time, today),
            "error": s.error,
            "as_of": s.data_time.isoformat() if s.data_time else "",
            "stale_after": s.stale_after_s,
        }
        for s in states[:SOURCES_SHOWN]
    ]
    never = sum(1 for s in states if s.data_time is None and not s.error)
    return {"rows": rows, "all": len(states), "late": sum(1 for s in states if s.error), "never": never}


OWN = {"strip": strip, "towns": towns, "alarms": alarms, "sources": sources}
"""Kinds of panels that are made here; all others are in wall_panels.py."""


def _age(item: Reading) -> dict[str, Any]:
    """What the browser needs to age a number; where there is no number there is nothing to age."""
    view = present(item)
    return {"as_of": view.as_of_iso, "stale_after": view.stale_after_s}


def _macro(name: str, facts: dict[str, Any]) -> str:
    made = getattr(environment().get_template("wall_slots.html").module, name)(facts)
    return " ".join(str(made).split("\n")).strip()
