"""What one wall scene shows: Book → named slots of HTML, all of one generation. Pure; no request, no clock of its own.

A slot is replaced as a whole when its HTML changes, so the first page and every later update come from the same
template. Nothing here names a person, a company of an alarm, a phone or a full plate.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from cockpit import format as fmt
from cockpit import texts, vector
from cockpit.templates import environment
from cockpit.theme import tone
from warehouse.reading import Reading
from warehouse.readings import Book

SPARK_POINTS = {"day": 21, "week": 16, "month": 12, "quarter": 4, "year": 2}
TREND_WEEKS = 26
YEAR_WEEKS = 52
ALARMS_SHOWN = 14
SOURCES_SHOWN = 12
TREND_PX = (716, 206)
TARGET_AT = 0.75
"""Where on a progress track the target stands when the scale has no natural end (scores, counts and means)."""
SCORE = "分"
"""A mean of scores: its parts are a sum of points and a number of companies, which tell a viewer nothing."""
MARKS = {"good": "✓", "warn": "!", "bad": "✕"}
REASONS = {"missing": "本期没有收到记录", "failed": "来源上次采集失败", "insufficient": "分母低于下限,不计算", "small_cell": "人数过少,不显示"}
ALARM_TONES = {"超时": "bad", "已处": "good", "处理": "warn", "待处": "warn", "未处": "warn"}
"""Beginning of an alarm's status → tone; any other status is told without a judgement."""


@dataclass(frozen=True)
class Scene:
    """One scene as data: which metric stands where. `towns` and `trends` are seen on wide walls only."""

    label: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    cards: tuple[str, ...]
    towns: tuple[str, ...] = ()
    trends: tuple[str, ...] = ()
    strip: tuple[str, ...] = field(default=("fleet_vehicle_cnt", "fleet_company50_cnt"))


OVERVIEW = Scene(
    label="综合态势",
    left=("fleet_online_rate", "fleet_network_rate", "fleet_km_per_vehicle_day", "dh_track_complete_rate"),
    right=(
        "safe_alarm_handled_rate",
        "safe_fatigue_sec_per_vehicle",
        "mem_org_coverage_rate",
        "p3_appeal_ontime_rate",
    ),
    cards=(
        "safe_alarm_per_1000km",
        "safe_company_score",
        "rdm_learning_done_rate",
        "rdm_pretrip_check_rate",
        "mem_work_coverage_rate",
        "mem_union_member_rate",
        "p3_warm_item_done_rate",
        "p5_red_heart_rate",
        "site_visit_cnt",
        "dh_source_ontime_rate",
    ),
    towns=("fleet_online_rate", "safe_overspeed_per_vehicle"),
    trends=("fleet_online_rate", "safe_alarm_handled_rate"),
)
SCENES = {"overview": OVERVIEW}
MILEAGE = "fleet_km_per_vehicle_day"


def build(book: Book, scene: Scene, now: dt.datetime) -> dict[str, Any]:
    """{"generation", "demo", "release", "built", "slots": {name: html}, "figures": {slot: shown text}}.

    `now` (aware) decides only how a date is said (今日, 11-22). Metrics that the catalogue does not hold are left out.
    """
    today = fmt.local(now).date()
    slots: dict[str, str] = {}
    figures: dict[str, str] = {}
    for kind, ids in (("tile", (*scene.left, *scene.right)), ("card", scene.cards)):
        for metric in ids:
            if metric in book.metrics:
                facts = tile(book, book.read(metric), kind, today)
                slots[f"{kind}-{metric}"] = _macro(kind, facts)
                figures[f"{kind}-{metric}"] = facts["shown"].text
    for item in strip(book, scene, today):
        slots[f"strip-{item['id']}"] = _macro("total", item)
        figures[f"strip-{item['id']}"] = item["shown"].text
    for metric in scene.towns:
        if metric in book.metrics:
            slots[f"towns-{metric}"] = _macro("towns", towns(book, metric, today))
    for metric in scene.trends:
        if metric in book.metrics:
            slots[f"trend-{metric}"] = _macro("trend", trend(book, metric))
    slots["fine"] = _macro("fine", {"words": fine_print(book, scene)})
    slots["alarms"] = _macro("alarms", alarms(book, today))
    slots["sources"] = _macro("sources", sources(book, today))
    generation = book.generation
    return {
        "generation": generation.id,
        "demo": generation.is_demo,
        "release": generation.release,
        "built": fmt.clock(generation.built_at, today),
        "slots": slots,
        "figures": figures,
    }


def tile(book: Book, item: Reading, kind: str, today: dt.date) -> dict[str, Any]:
    """Everything a KPI tile or card prints, already in words."""
    metric = book.metrics[item.metric]
    places = metric.decimals
    points = SPARK_POINTS.get(item.window, 0)
    series = book.series(item.metric, item.window, points) if points and kind == "tile" else []
    share, mark = progress(item)
    return {
        "metric": item.metric,
        "label": item.label,
        "tone": tone(metric.group),
        "shown": fmt.reading(item, places),
        "status": item.status,
        "reason": REASONS.get(item.status, ""),
        "delta": fmt.delta(item.value, item.previous, item.unit, item.better, places),
        "previous": texts.PREVIOUS[item.window],
        "year": fmt.delta(item.value, item.last_year, item.unit, item.better, places),
        # the unit stands beside the value already; a second and third one would push the line out of the tile
        "target": fmt.target(item.target, item.unit, item.better, places).removesuffix(f" {item.unit}"),
        "gap": fmt.target_gap(item, places).removesuffix(f" {item.unit}"),
        "judgement": item.judgement or "",
        "mark": MARKS.get(item.judgement or "", ""),
        "word": texts.JUDGEMENTS.get(item.judgement or "", ""),
        "parts": parts(item),
        "spark": vector.spark([p.value for p in series]),
        "bar": vector.bar(share, mark=mark, tone=item.judgement or tone(metric.group)),
        "when": when(item, today),
        "held": item.held,
        "provisional": item.provisional,
        "complete": item.complete or item.window == "now",
        **_age(item),
    }


def fine_print(book: Book, scene: Scene) -> str:
    """Which periods may still change, said once instead of on every tile; "" when none may."""
    found = {}
    for metric in (*scene.left, *scene.right, *scene.cards):
        if metric in book.metrics:
            item = book.read(metric)
            if item.provisional and item.complete:
                found[item.win_end] = f"第 {fmt.tick('week', item.win_start)}" if item.window == "week" else fmt.tick(item.window, item.win_start)
    names = "、".join(dict.fromkeys(found[end] for end in sorted(found, reverse=True)))
    return f"{names}为暂定值,期末后 72 小时内补传的数据仍会改变它" if names else ""


def parts(item: Reading) -> str:
    """Numerator and denominator short enough for a card: "7,842 / 8,396", large ones as "484.4万 / 487.1万"."""
    return fmt.parts(item) if item.status == "ok" else ""


def when(item: Reading, today: dt.date) -> str:
    """The window in a few characters: 今日, 昨日, 11-20, 第 47 周, 11 月."""
    if item.window == "now":
        return "当前"
    if item.window == "day":
        return {0: "今日", 1: "昨日"}.get((today - item.win_end).days, fmt.day(item.win_end))
    return f"第 {fmt.tick('week', item.win_start)}" if item.window == "week" else fmt.tick(item.window, item.win_start)


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


def strip(book: Book, scene: Scene, today: dt.date) -> list[dict[str, Any]]:
    """The totals that come from the generation; the live counts beside them come with the positions."""
    found = []
    for metric in scene.strip:
        if metric in book.metrics:
            item = book.read(metric)
            found.append({"id": metric, "label": item.label, "shown": fmt.reading(item, book.metrics[metric].decimals),
                          "when": when(item, today), **_age(item)})
    if MILEAGE in book.metrics:
        item = book.read(MILEAGE, "day")
        shown = fmt.value(item.num, "km") if item.num is not None else fmt.reading(item)
        found.append({"id": "mileage", "label": f"{when(item, today)}里程", "shown": shown, "when": "", **_age(item)})
    return found


def towns(book: Book, metric: str, today: dt.date) -> dict[str, Any]:
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
            "mark": MARKS.get(r.judgement or "", ""),
            "judgement": r.judgement or "",
            "bar": vector.bar(
                None if r.value is None else r.value / full, mark=r.target.green / full if r.target else None, tone=r.judgement or ""
            ),
        }
        for r in items
    ]
    head = items[0] if items else None
    return {"label": definition.label, "rows": rows, "when": when(head, today) if head else "", "metric": metric}


def trend(book: Book, metric: str) -> dict[str, Any]:
    """26 weeks of one metric with the same weeks a year before (a longer series read once and cut in two)."""
    definition = book.metrics[metric]
    window = "week" if "week" in definition.windows else definition.windows[-1]
    reach = YEAR_WEEKS if window == "week" else 12
    series = book.series(metric, window, reach + TREND_WEEKS)
    now, before = series[-TREND_WEEKS:], series[-TREND_WEEKS - reach : -reach]
    item = book.read(metric, window)
    goal = item.target.green if item.target else None
    width, height = TREND_PX
    chart = vector.trend(
        now, before, unit=definition.unit, window=window, decimals=definition.decimals, goal=goal,
        width=width, height=height,
    )
    return {"label": definition.label, "chart": chart, "goal": fmt.target(item.target, item.unit, item.better),
            "span": f"近 {TREND_WEEKS} {texts.WINDOWS[window]}"}


def alarms(book: Book, today: dt.date) -> dict[str, Any]:
    """Newest alarms with masked plates, and the day's sum."""
    rows = [
        {
            "time": moment(a["raised_at"], today),
            "plate": a["plate_mask"],
            "kind": a["kind"],
            "town": (a["town"] or "未分").removesuffix("街道").removesuffix("镇"),
            "status": a["status"],
            "tone": ALARM_TONES.get(a["status"][:2], "flat"),
        }
        for a in book.alarms(ALARMS_SHOWN)
    ]
    total = book.alarm_summary()
    day = total.get("day")
    words = "今日" if day == today else fmt.day(day)
    return {"rows": rows, "day": words, "raised": fmt.number(total.get("raised")), "handled": fmt.number(total.get("handled"))}


def moment(raised: dt.datetime, today: dt.date) -> str:
    """"14:06:21" today, "11-22 21:16" before: an alarm of yesterday must not read like one of tonight."""
    here = fmt.local(raised)
    return f"{here:%H:%M:%S}" if here.date() == today else fmt.clock(raised)


def sources(book: Book, today: dt.date) -> dict[str, Any]:
    """The landed tables that need a look first, as many as the panel holds: failed ones, then those that have used up most of
    their promise. The browser's clock ages the rows; `late` counts all failed ones."""
    built = book.generation.built_at
    states = sorted(book.sources(), key=lambda s: (not s.error, -((built - s.data_time).total_seconds() / s.stale_after_s if s.data_time else 1.0), s.label))
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
    return {"rows": rows, "late": sum(1 for s in states if s.error)}


def _age(item: Reading) -> dict[str, Any]:
    """What the browser needs to age a number; where there is no number there is nothing to age."""
    if item.status not in ("ok", "small_cell"):
        return {"as_of": "", "stale_after": 0}
    return {"as_of": item.as_of.isoformat() if item.as_of else "", "stale_after": fmt.patience(item)}


def _macro(name: str, facts: dict[str, Any]) -> str:
    made = getattr(environment().get_template("wall_slots.html").module, name)(facts)
    return " ".join(str(made).split("\n")).strip()
