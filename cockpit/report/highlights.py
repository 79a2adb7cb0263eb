"""本周要点 (本月, 本季): what a reader of page one must know, a sentence for each kind of fact and none twice alike.
Pure; asks the Book only.

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
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import UNPLACED, Reading
from warehouse.core import units
from warehouse.insight.findings import numbers
from warehouse.insight.findings.numbers import LOOK_BACK
from warehouse.query import periods
from warehouse.query.contribution import Change, explain
from warehouse.query.programmes import scores
from warehouse.query.snapshot_store import Book

RECORD = {"week": (26, LOOK_BACK), "month": (12, 6), "quarter": (8, 4)}
"""Windows among which a value must be the best to be called so, and how many of them must be known."""
NAMED, FEW = 2, 20


def sentences(
    book: Book,
    metrics: Sequence[Metric],
    readings: dict[str, Reading],
    window: str,
    start: dt.date,
    tasks: dict[str, Any] | None,
    revised: dict[str, Any],
    missing: Sequence[str],
) -> list[str]:
    """The sentences, the most important first; each begins with what it is about, up to its first comma. tasks,
    revised: as weekly_changes tells them; missing: why the report is a draft."""
    before = {
        metric.id: periods.read(book, metric, window, fmt.period_key(window, units.back(window, start, 1)))
        for metric in metrics
    }
    moved = [
        readings[metric.id] for metric in metrics if readings[metric.id].window == window and metric.better != "context"
    ]
    found = [
        _tally(list(readings.values()), list(before.values()), window),
        _longest(book, metrics, readings, window),
        _fall(book, moved),
        _rise(book, moved),
        _programmes(book),
        _tasks(tasks),
        _data(revised, missing, window),
    ]
    return [text for text in found if text]


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
    return (
        f"{judged} 项指标有目标可评,达成 {met} 项({than}),接近 {count(now, 'warn')} 项,未达成 {count(now, 'bad')} 项。"
    )


def _longest(book: Book, metrics: Sequence[Metric], readings: dict[str, Reading], window: str) -> str:
    off = [
        item
        for item in numbers.off_target(book, [readings[metric.id] for metric in metrics])
        if item.reading.window == window
    ]
    if not off:
        return ""
    item = max(off, key=lambda one: (one.lasting, one.size))
    metric = book.metrics[item.reading.metric]
    lasting = (
        f"已连续 {item.lasting} {texts.RUN[window]}{'以上' if item.lasting >= LOOK_BACK else ''}未达标"
        if item.lasting > 1
        else f"{texts.THIS[window]}未达标"
    )
    far = f";差得最远的是{item.worst.place.label}({_said(metric, item.worst.value)})" if item.worst else ""
    return f"{metric.label}{lasting},{texts.THIS[window]} {_said(metric, item.reading.value)},{fmt.target_gap(item.reading, metric.decimals)}{far}。"


def _fall(book: Book, moved: Sequence[Reading]) -> str:
    worst = max(moved, key=lambda item: -_gain(item), default=None)
    if worst is None or _gain(worst) >= 0:
        return ""
    metric = book.metrics[worst.metric]
    text = f"变差最多的是{metric.label},由 {_said(metric, worst.previous)} 到 {_said(metric, worst.value)}"
    split = (
        explain(book, metric.id, worst.window, fmt.period_key(worst.window, worst.win_start), by="town")
        if "town" in metric.drill
        else None
    )
    if isinstance(split, Change):
        down = [
            piece
            for piece in split.pieces
            if piece.code not in ("", UNPLACED) and piece.amount * (1 if metric.better == "up" else -1) < 0
        ]
        down = [piece for piece in down if _amount(metric, piece.amount).strip("0.")][:NAMED]
        unit = " 个百分点" if metric.unit == "ratio" else f" {metric.unit}"
        text += (
            f",其中{'、'.join(f'{piece.label}占 {_amount(metric, piece.amount)}' for piece in down)}{unit}"
            if down
            else ""
        )
    return f"{text}。"


def _rise(book: Book, moved: Sequence[Reading]) -> str:
    best = max(moved, key=_gain, default=None)
    if best is None or _gain(best) <= 0 or best.value is None:
        return ""
    metric = book.metrics[best.metric]
    among, enough = RECORD[best.window]
    known = [
        p.value
        for p in book.series(metric.id, best.window, among, fmt.period_key(best.window, best.win_start))[:-1]
        if p.value is not None
    ]
    top = max(known, default=None) if metric.better == "up" else min(known, default=None)
    is_record = (
        top is not None and len(known) >= enough and (best.value > top if metric.better == "up" else best.value < top)
    )
    change = fmt.delta(best.value, best.previous, best.unit, best.better, metric.decimals)
    than = (
        f",是近 {len(known) + 1} {texts.RUN[best.window]}最{'高' if metric.better == 'up' else '低'}"
        if is_record
        else ""
    )
    unit = {"%": "%", "百分点": " 个百分点"}.get(change.unit, "")
    return f"改善最多的是{metric.label},{'升' if best.value > (best.previous or 0) else '降'} {change.text}{unit},到 {_said(metric, best.value)}{than}。"


def _programmes(book: Book) -> str:
    told = [(item.ahead, item) for item in scores(book) if item.ahead is not None]
    if not told:
        return ""
    (behind, last), (ahead, first) = min(told, key=lambda pair: pair[0]), max(told, key=lambda pair: pair[0])
    if behind >= 0:
        return f"六大工程都不落后于序时,最快的{first.label}{fmt.pace(ahead)} 个百分点。"
    late = sum(1 for pace, _ in told if pace < 0)
    return (
        f"六大工程有 {late} 项落后于序时,最慢的{last.label}完成 {last.score or 0:.0%}、{fmt.pace(behind)} 个百分点"
        + (f",{first.label}{fmt.pace(ahead)} 个百分点" if ahead > 0 else "")
        + "。"
    )


def _tasks(tasks: dict[str, Any] | None) -> str:
    if not tasks or not tasks["standing"]:
        return ""
    late = next((row for row in tasks["rows"] if row["late"]), None)
    return f"督办在办 {tasks['standing']} 件," + (
        f"逾期 {tasks['overdue']} 件,最久的是{late['about']}({late['office']}){late['word']}。"
        if late
        else "均未到期。"
    )


def _data(revised: dict[str, Any], missing: Sequence[str], window: str) -> str:
    if missing:
        return f"数据还缺 {len(missing)} 处,本期为草稿,首先是{missing[0]}。"
    number = len(revised["rows"]) + revised["more"]
    if not number:
        return f"数据完整,{texts.THIS[window]}以来已发布的数没有被修订。"
    row = revised["rows"][0]
    return f"数据完整,已发布的数修订了 {number} 处,最近一处是{row['label']}({row['period']}){row['old']} 改为 {row['new']}。".replace(
        " %", "%"
    )


def _gain(item: Reading) -> float:
    """How far a reading moved in its direction, relative to where it was (a ratio: in points); 0 where that is not
    known, or is a ripple, or where so few are counted that one of them moves it."""
    if (
        item.value is None
        or item.previous is None
        or item.status != "ok"
        or (item.unit == "ratio" and (item.den or 0) < FEW)
    ):
        return 0.0
    move = (item.value - item.previous) * (1 if item.better == "up" else -1)
    if item.unit == "ratio":
        return move if abs(move) >= numbers.WORSE_RATIO else 0.0
    share = move / max(abs(item.previous), abs(item.value), 1e-9)
    return share if abs(share) >= numbers.WORSE_SHARE and fmt.visible(item.value, item.previous, item.unit, 1) else 0.0


def _said(metric: Metric, value: float | None) -> str:
    return str(fmt.value(value, metric.unit, metric.decimals)).replace(" %", "%")


def _amount(metric: Metric, amount: float) -> str:
    return f"{abs(amount) * 100:.2f}" if metric.unit == "ratio" else f"{abs(amount):,.{metric.decimals + 1}f}"
