"""The one voice: what a Reading says, in words. Tile, wall, report, export and interface dress these words and never make their own.

Pure; a period, a mark, a reason or a unit that two surfaces print is decided here. No HTML, no colour: a tone is a word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from warehouse.compile.reading import DISTRICT, Place, Reading, Tone
from warehouse.core import festivals, units
from warehouse.insight import town_totals

REASONS = {
    "missing": "本期没有收到任何记录",
    "unconnected": "所需的来源还没有接入",
    "failed": "来源上次采集失败，本期无数据",
    "insufficient": "分母为 0 或低于下限，不作计算",
    "small_cell": "为保护个人不单列，计入合计",
    "no_total": "本指标没有按范围合计的数",
}
"""Status → why there is no number."""
REASONS_SHORT = {
    "missing": "没有收到记录",
    "unconnected": "来源还没有接入",
    "failed": "来源采集失败",
    "insufficient": "分母过小",
    "small_cell": "计入合计",
    "no_total": "没有范围合计数",
}
"""The same where a dozen characters fit."""
SPARK_POINTS = {"now": 0, "day": 14, "week": 12, "month": 12, "quarter": 4, "year": 2}
"""Windows behind a card's small trend: as many as the findings look back for weeks, so that both read the same rows."""
FESTIVAL_DAYS = 2
"""Days of a holiday more or fewer from which on a comparison of weeks or months is marked."""
AS_SUPPOSED = ("ok", "small_cell", "no_total")
"""Statuses with something to age."""


@dataclass(frozen=True)
class Tag:
    """A word beside a number that limits it: 沿用上期, 沿用 9 月, 存疑, 本期未结束, 暂定. why: what it means here; kind: held, standing
    (persons of which too few have changed), doubt, running, provisional. full: the word as it stands where there is room, "" for the
    same."""

    kind: Literal["held", "standing", "doubt", "running", "provisional", "festival"]
    word: str
    why: str
    full: str = ""


@dataclass(frozen=True)
class ReadingView:
    """A Reading in words. Every text is "" where there is nothing to say, "—" (fmt.DASH) only inside `delta` and `year`.

    shown: value and unit apart, or the words of the status; text: both together, "93.4%". delta, year: against the window before and
    the year before, `previous` says which. target "≥ 92%", gap "距目标 0.9 个百分点", parts "7,842 / 8,396", side "挂车 12". period in full,
    `when` in a few characters. mark ✓ ! ✕ and word 达成 … of the judgement, tone its colour (Reading.tone). reason: why there is no number.
    as_of: data time in words; as_of_iso, stale_after_s: for a clock that ages the number, "" and 0 where there is none to age."""

    reading: Reading
    label: str
    shown: fmt.Shown
    text: str
    delta: fmt.Delta
    year: fmt.Delta
    previous: str
    target: str
    gap: str
    source: str
    parts: str
    side: str
    period: str
    when: str
    mark: str
    word: str
    tone: Tone
    reason: str
    reason_short: str
    tags: tuple[Tag, ...]
    as_of: str
    as_of_iso: str
    stale_after_s: int


def goal_name(item: Reading) -> str:
    """目标, or 建议值 for one that is proposed; "" without one."""
    return item.target.called if item.target else ""


def aim(view: ReadingView) -> str:
    """The target, whose it is and how it stands: "建议值 ≥ 98% ✕"; — without one."""
    return f"{goal_name(view.reading)} {view.target} {view.mark}".strip() if view.target else fmt.DASH


def present(item: Reading, decimals: int = 0, *, today: dt.date | None = None) -> ReadingView:
    """The words of a reading. decimals: the metric's (of the % figure for a ratio). today: that day's times carry no date, and a day
    that is today or yesterday is called so; None: dates only."""
    shown = fmt.reading(item, decimals)
    ages = item.status in AS_SUPPOSED and fmt.ages(item)
    return ReadingView(
        reading=item,
        label=item.label,
        shown=shown,
        text=str(shown).replace(" %", "%"),
        delta=fmt.delta(item.value, item.previous, item.unit, item.better, decimals),
        # the year before a year is the period before
        year=fmt.UNKNOWN_DELTA
        if item.window == "year"
        else fmt.delta(item.value, item.last_year, item.unit, item.better, decimals),
        previous=texts.PREVIOUS[item.window] + (texts.PER_DAY if "previous" in item.evened else ""),
        target=fmt.target(item.target, item.unit, item.better, decimals),
        gap=fmt.target_gap(item, decimals),
        source=item.target.authority if item.target else "",
        parts=fmt.parts(item),
        side=" · ".join(f"{label} {fmt.number(amount)}" for label, amount in item.parts.items()),
        period=fmt.period(item.window, item.win_start, item.win_end),
        when=when(item, today),
        mark=texts.MARKS.get(item.judgement or "", ""),
        word=word(item),
        tone=item.tone,
        reason=_reason(item),
        reason_short=REASONS_SHORT.get(item.status, ""),
        tags=_tags(item),
        as_of=fmt.clock(item.as_of, today) if item.as_of else "",
        as_of_iso=item.as_of.isoformat() if ages and item.as_of else "",
        stale_after_s=fmt.patience(item) if ages else 0,
    )


def of_towns(shown: Reading, district: Reading | None, towns: Sequence[Reading]) -> str:
    """What has to be said beside the towns of a number: of which period they are where it is another one, and why they
    do not come to the district's. district: its number for the towns' period; "" where there is nothing to say."""
    if district is None:
        return ""
    is_other = (district.window, district.win_start) != (shown.window, shown.win_start)
    period = fmt.period(district.window, district.win_start, district.win_end)
    first = f"镇街的人数按{'年' if district.window == 'year' else '月'}公布，为 {period}。" if is_other else ""
    return first + _standing(towns) + uneven(district, towns)


def _standing(towns: Sequence[Reading]) -> str:
    """That some towns show the number of an earlier period, in a sentence; "" where none does."""
    number = sum(1 for town in towns if town.held_from)
    if not number:
        return ""
    return f"{number} 个镇街沿用较早一期的数：此后没有变动，或变动的人数少到会说明是谁。"


def uneven(district: Reading, towns: Sequence[Reading]) -> str:
    """Why the towns do not come to the district's number, in a sentence; "" where they do."""
    found = town_totals.gap(district, towns)
    if found is None:
        return ""
    if found.hidden == len(towns):
        return f"各镇街为保护个人都不单列，只看{whole(district.place)}。"
    if found.hidden:
        sizes = " / ".join(fmt.number(size) for size in found.rest if size is not None)
        counts = district.unit in ("ratio", "人", "人次", "项") and min(found.rest[0] or 0, found.rest[1] or 0) >= 0
        moved = "（含沿用的镇街此后的变动）" if any(town.held_from for town in towns) else ""
        total = f"，合计 {sizes}{moved}" if sizes and counts else ""
        return f"其余 {found.hidden} 个镇街为保护个人不单列{total}。"
    unit = f" {district.unit}" if district.den is None else ""
    both = f"{'' if district.den is None else '分母'}各镇街合计 {fmt.number(found.towns)}{unit}，{whole(district.place)} {fmt.number(found.district)}{unit}"
    if found.towns > found.district:
        return f"{both}：同一对象可计入几个镇街，{whole(district.place)}只计一次。"
    return f"{both}：其余未能归到{'镇街' if district.place.code == DISTRICT else '范围内的镇街'}。"


def whole(home: Place) -> str:
    """What all places together are called in a few characters: 全区, or 本范围 for who sees some only."""
    return "全区" if home.code == DISTRICT else "本范围"


def when(item: Reading, today: dt.date | None = None) -> str:
    """The period in a few characters: 当前, 今日, 昨日, 11-20, 第 47 周, 11 月. Days have names only where `today` is given."""
    if item.window == "now":
        return "当前"
    if item.window == "day" and today is not None:
        return {0: "今日", 1: "昨日"}.get((today - item.win_end).days, fmt.day(item.win_end))
    return f"第 {fmt.tick('week', item.win_start)}" if item.window == "week" else fmt.tick(item.window, item.win_start)


def word(item: Reading) -> str:
    """How a number stands in one word: 达成, 接近目标, 未达成; 未评: it has a target that judges another window; 参考: it has none;
    无值: there is no number."""
    if item.status != "ok":
        return "无值"
    return verdict(item) or ("未评" if item.target else "参考")


def verdict(item: Reading) -> str:
    """The judgement in one word, "" without one; against a proposal it says so."""
    return (texts.ADVISED if item.is_advised else texts.JUDGEMENTS).get(item.judgement or "", "")


def is_of(item: Reading, window: str, at: str | None) -> bool:
    """Whether a reading is of that period; where it is not, its own period must stand beside it."""
    return item.window == window and (at is None or fmt.period_key(item.window, item.win_start) == at)


def _reason(item: Reading) -> str:
    return REASONS.get(item.status, "")


def _tags(item: Reading) -> tuple[Tag, ...]:
    found = []
    if item.held:
        found.append(Tag("held", texts.HELD, item.held))
    if (tag := standing(item)) is not None:
        found.append(tag)
    if item.doubt:
        found.append(Tag("doubt", texts.DOUBT, item.doubt))
    if not item.complete and item.window != "now":
        until = f"（截至 {fmt.day(fmt.local(item.as_of).date())}）" if item.as_of else ""
        found.append(
            Tag("running", texts.INCOMPLETE, "本期尚未结束，为截至数据时间的累计", f"{texts.INCOMPLETE}{until}")
        )
    if item.provisional:
        found.append(Tag("provisional", texts.PROVISIONAL, "72 小时内补传的数据仍会改变它"))
    if (festival := _festival(item)) is not None:
        found.append(festival)
    return tuple(found)


def standing(item: Reading) -> Tag | None:
    """That a count of persons is that of an earlier period, and why; None for one of its own."""
    if item.held_from is None:
        return None
    start, end = units.window_of(item.window, item.held_from)
    called = fmt.period(item.window, start, end)
    why = f"{called}以来没有变动，或变动的人数少到会说明是谁；为保护个人，沿用该期的数"
    short = fmt.tick(item.window, start) if start.year == item.win_start.year else called
    return Tag("standing", f"沿用 {short}", why, f"沿用 {called}")


def _festival(item: Reading) -> Tag | None:
    """What a holiday does to a comparison: the window holds one that the window beside it does not, or the other way
    round. None where nothing is bent, and where the holidays of a year are not known (`doctor` says so)."""
    if item.window not in ("day", "week", "month") or item.status != "ok":
        return None
    ours = festivals.within(item.win_start, item.win_end)
    words = []
    for before, called in (
        (units.back(item.window, item.win_start, 1), texts.BEFORE[item.window]),
        (units.year_ago(item.window, item.win_start), texts.LAST_YEAR_SAME[item.window]),
    ):
        theirs = festivals.within(*units.window_of(item.window, before))
        if ours is None or theirs is None:
            continue
        for name in dict.fromkeys([*ours, *theirs]):
            mine, other = ours.get(name, 0), theirs.get(name, 0)
            if abs(mine - other) >= (1 if item.window == "day" else FESTIVAL_DAYS):
                words.append((name, f"{name}假期本期 {mine} 天，{called} {other} 天"))
    if not words:
        return None
    return Tag("festival", f"{words[0][0]}影响", "；".join(text for _, text in words) + "，比较时请留意")
