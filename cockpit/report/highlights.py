"""本周要点 (本月, 本季): what a reader of page one must know, a sentence for each kind of fact and none twice alike.
Pure; asks the Snapshot only.

Each rule says its sentence or nothing: how many targets are met and what that was a period ago, what has been off
longest, what fell most and who made it fall, what rose most and whether that is a record, which programme is behind,
what stands under supervision, how the data are. Moves are told of numbers of the period itself; in a week, one that
gathers over a month or a year has no week before to be held against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import is_of, present
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import UNPLACED, Reading
from warehouse.core import units
from warehouse.insight.findings import numbers
from warehouse.insight.findings.numbers import LOOK_BACK, Concern, Numbers
from warehouse.query import periods
from warehouse.query.contribution import Change, explain
from warehouse.query.programmes import scores
from warehouse.query.snapshot import Snapshot

NAMED = 2


def sentences(
    book: Snapshot,
    metrics: Sequence[Metric],
    readings: dict[str, Reading],
    found: Numbers,
    window: str,
    start: dt.date,
    tasks: dict[str, Any] | None,
    revised: dict[str, Any],
    missing: Sequence[str],
    unconnected: Sequence[str],
) -> dict[str, str]:
    """The sentences by kind, the most important first; each begins with what it is about, up to its first comma. tasks,
    revised: as changes.py makes them; found: what the period's numbers need somebody for; missing: why the report is a draft;
    unconnected: sources that are 未接入."""
    before = {
        metric.id: periods.read(book, metric, window, fmt.period_key(window, units.back(window, start, 1)))
        for metric in metrics
    }
    at = fmt.period_key(window, start)
    own = [one for one in readings.values() if is_of(one, window, at)]
    lines = {
        "tally": _tally(list(readings.values()), list(before.values()), window),
        "longest": _longest(book, found, window),
        "fall": _fall(book, own),
        "rise": _rise(book, found, window),
        "programmes": _programmes(book),
        "tasks": _tasks(tasks),
        "data": _data(revised, missing, unconnected, found, window),
    }
    return {kind: text for kind, text in lines.items() if text}


def missed(one: Concern, window: str) -> str:
    """That a number is off its target, and for how long: 已连续 3 周未达标."""
    off = "未到建议值" if one.reading.is_advised else "未达标"
    if one.lasting <= 1:
        return f"{texts.THIS[window]}{off}"
    return f"已连续 {one.lasting} {texts.RUN[window]}{'以上' if one.lasting >= LOOK_BACK else ''}{off}"


def _tally(now: Sequence[Reading], before: Sequence[Reading], window: str) -> str:
    def count(readings: Sequence[Reading], word: str) -> int:
        return sum(1 for item in readings if item.judgement == word)

    judged = sum(1 for item in now if item.judgement)
    if not judged:
        return ""
    met, was = count(now, "good"), count(before, "good")
    than = (
        f"与{texts.BEFORE[window]}相同"
        if met == was
        else f"比{texts.BEFORE[window]}{'多' if met > was else '少'} {abs(met - was)} 项"
    )
    proposed = sum(1 for item in now if item.is_advised)
    return (
        f"有目标可评的指标 {judged} 项，达成 {met} 项（{than}），接近 {count(now, 'warn')} 项，未达成 {count(now, 'bad')} 项"
        + (f"；其中 {proposed} 项按产品建议值评，待局确认" if proposed else "")
        + "。"
    )


def _longest(book: Snapshot, found: Numbers, window: str) -> str:
    """The number that has been off its target longest, the worst of those."""
    off = [one for one in found.off_target if one.reading.window == window]
    if not off:
        return ""
    one = max(off, key=lambda concern: concern.lasting)  # of equals the first: the order of the findings
    view = present(one.reading, book.metrics[one.reading.metric].decimals)
    direction = "低" if one.reading.better == "up" else "高"
    worst = f"；{one.worst.place.label}最{direction}（{_value(book, one.worst)}）" if one.worst else ""
    return f"{view.label}{missed(one, window)}，{texts.THIS[window]} {view.text}，{view.gap}{worst}。"


def _fall(book: Snapshot, own: Sequence[Reading]) -> str:
    """The number that moved farthest against its direction, and the towns that made it."""
    worst = next(iter(numbers.falls(book, own)), None)
    if worst is None:
        return ""
    metric = book.metrics[worst.metric]
    text = f"变差最多的是{metric.label}，由 {_said(metric, worst.previous)} 到 {_said(metric, worst.value)}"
    at = fmt.period_key(worst.window, worst.win_start)
    split = explain(book, metric.id, worst.window, at, by="town") if "town" in metric.drill else None
    if isinstance(split, Change):
        sign = 1 if metric.better == "up" else -1
        down = [piece for piece in split.pieces if piece.code not in ("", UNPLACED) and piece.amount * sign < 0]
        down = [piece for piece in down if _amount(metric, piece.amount).strip("0.")][:NAMED]
        unit = " 个百分点" if metric.unit == "ratio" else f" {metric.unit}"
        parts = "、".join(f"{piece.label}占 {_amount(metric, piece.amount)}" for piece in down)
        text += f"，其中{parts}{unit}" if down else ""
    return f"{text}。"


def _rise(book: Snapshot, found: Numbers, window: str) -> str:
    """The number that moved farthest in its direction, and whether that is a record."""
    best = next((one.reading for one in found.better if one.reading.window == window), None)
    if best is None:
        return ""
    view = present(best, book.metrics[best.metric].decimals)
    among = numbers.record(book, best)
    than = f"，是近 {among} {texts.RUN[window]}最{'高' if best.better == 'up' else '低'}" if among else ""
    unit = {"%": "%", "百分点": " 个百分点"}.get(view.delta.unit, "")
    rise = "升" if (best.value or 0) > (best.previous or 0) else "降"
    return f"改善最多的是{view.label}，{rise} {view.delta.text}{unit}，到 {view.text}{than}。"


def _programmes(book: Snapshot) -> str:
    stated = [(item.ahead, item) for item in scores(book) if item.ahead is not None]
    if not stated:
        return ""
    (behind, last), (ahead, first) = min(stated, key=lambda pair: pair[0]), max(stated, key=lambda pair: pair[0])
    if behind >= 0:
        return f"六大工程都不落后于序时，最快的{first.label}{fmt.pace(ahead)}。"
    late = sum(1 for pace, _ in stated if pace < 0)
    return (
        f"六大工程有 {late} 项落后于序时，最慢的{last.label}完成 {last.score or 0:.0%}、{fmt.pace(behind)}"
        + (f"，{first.label}{fmt.pace(ahead)}" if ahead > 0 else "")
        + "。"
    )


def _tasks(tasks: dict[str, Any] | None) -> str:
    if not tasks or not tasks["standing"]:
        return ""
    late = next((row for row in tasks["rows"] if row["late"]), None)
    return f"督办在办 {tasks['standing']} 件，" + (
        f"逾期 {tasks['overdue']} 件，最久的是{late['about']}（{late['office']}）{late['word']}。"
        if late
        else "均未到期。"
    )


def _data(
    revised: dict[str, Any], missing: Sequence[str], unconnected: Sequence[str], found: Numbers, window: str
) -> str:
    if missing:
        return f"数据还缺 {len(missing)} 处，{_first_of(missing)}，本期为草稿。"
    unknown = [one.reading.label for one in found.unknown]
    whole = f"各来源数据已到齐，但有 {len(unknown)} 项指标没有数，{_first_of(unknown)}" if unknown else "数据完整"
    if unconnected:
        lacking = f"，{len(found.unconnected)} 项指标因来源未接入没有数" if found.unconnected else ""
        but = f"，另有 {len(unknown)} 项没有数，{_first_of(unknown)}" if unknown else ""
        whole = f"已接入的来源数据已到齐{lacking}{but}"
    number = len(revised["rows"]) + revised["more"]
    if not number:
        return f"{whole}，{texts.THIS[window]}以来已发布的数没有被修订。"
    row = revised["rows"][0]
    change = f"{row['label']}（{row['period']}）{row['old']} 改为 {row['new']}".replace(" %", "%")
    return f"{whole}，已发布的数修订了 {number} 处，最近一处是{change}。"


def _first_of(names: Sequence[str]) -> str:
    """Which they are: the only one, or the first of several."""
    return f"{'首先是' if len(names) > 1 else '即'}{names[0]}"


def _value(book: Snapshot, reading: Reading) -> str:
    return present(reading, book.metrics[reading.metric].decimals).text


def _said(metric: Metric, value: float | None) -> str:
    return str(fmt.value(value, metric.unit, metric.decimals)).replace(" %", "%")


def _amount(metric: Metric, amount: float) -> str:
    return f"{abs(amount) * 100:.2f}" if metric.unit == "ratio" else f"{abs(amount):,.{metric.decimals + 1}f}"
