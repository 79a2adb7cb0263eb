"""The one formatter: numbers, differences, dates, ages and states as a Chinese reader says them.

Pure functions of plain values; no HTML, no colour, no clock of its own (ages take the age). Times are shown in
Asia/Shanghai. None is always "—"; a true 0 is always "0" in the metric's decimals.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from warehouse.compile.reading import STATUS_LABELS, Reading, Target
from warehouse.core import units

ZONE = ZoneInfo("Asia/Shanghai")
DASH = "—"
WAN, YI = 10_000, 100_000_000
WAN_FROM = 100_000
"""From here on counts are read in 万: 21,486 辆 is still read exactly, 128.6 万 km is not."""
NOW_S, RUNNING_S, FINISHED_S = 600, 900, 6 * 3600
"""Instead of a ratio or mean over so few people that it would tell who they are."""
RELATIVE_FROM = 20
"""Below this a relative change says less than the difference itself (2 家 of 18 家 is not "11 %")."""

Tone = Literal["good", "bad", "flat", "context"]


@dataclass(frozen=True)
class Shown:
    """A value split for setting the unit smaller: text "93.4", unit "%". `status`: words instead of a value, else
    ""."""

    text: str
    unit: str
    status: str = ""

    def __str__(self) -> str:
        return self.text if not self.unit else f"{self.text} {self.unit}"


@dataclass(frozen=True)
class Delta:
    """A difference: glyph ▲ ▼ or —, text without sign ("0.8"), unit ("百分点", "%" or the metric's), and its tone.

    `signed` carries the sign instead of a glyph (表格、句子). All empty texts are "—" when nothing can be compared."""

    glyph: str
    text: str
    unit: str
    tone: Tone
    signed: str

    @property
    def known(self) -> bool:
        return self.text != DASH


UNKNOWN_DELTA = Delta("", DASH, "", "context", DASH)


def number(value: float | None, decimals: int = 0) -> str:
    """Grouped digits: 21,486 or 93.40. None, and what is no number (NaN, infinite) → "—". Minus sign is "−"; never
    "-0"."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{abs(value):,.{decimals}f}"
    zero = not text.strip("0.,")
    return f"−{text}" if value < 0 and not zero else text


MOST_FINER = 3
"""Decimals beyond the usual that a number may be given to say what it is."""


def value(amount: float | None, unit: str, decimals: int = 0) -> Shown:
    """A stored value as shown: ratios become %, counts from 100,000 are told in 万, from 100 million in 亿."""
    if amount is None or not math.isfinite(amount):
        return Shown(DASH, "")
    if unit == "ratio":
        return Shown(number(amount * 100, decimals + _finer(amount, decimals)), "%")
    if abs(amount) >= YI:
        return Shown(number(amount / YI, 2), f"亿{unit}")
    if abs(amount) >= WAN_FROM:
        return Shown(number(amount / WAN, 1), f"万{unit}")
    return Shown(number(amount, decimals), unit)


def _finer(share: float, decimals: int) -> int:
    """Further decimals that a share needs: what is not all is never printed 100 %, what is not nothing never 0 %."""
    for more in range(MOST_FINER):
        percent = round(share * 100, decimals + more)
        if not ((share < 1 <= percent / 100) or (share > 1 >= percent / 100) or (share > 0 and percent == 0)):
            return more
    return MOST_FINER


def _beside_target(item: Reading, decimals: int) -> int:
    """The decimals that keep a number on its side of the target: 97.96 against 98 is not printed 98.0 未达成."""
    if item.target is None or item.value is None or item.judgement in (None, "good"):
        return decimals
    scale = 100 if item.unit == "ratio" else 1
    for more in range(MOST_FINER):
        if round(item.value * scale, decimals + more) != round(item.target.green * scale, decimals + more):
            return decimals + more
    return decimals + MOST_FINER


def reading(item: Reading, decimals: int = 0) -> Shown:
    """A Reading as shown: its value, or the words of its status (未上报 · 未接入 · 采集故障 · 数据不足 · 不单列)."""
    if item.status == "ok":
        return value(item.value, item.unit, _beside_target(item, decimals))
    return Shown(STATUS_LABELS[item.status], "", item.status)


def reason(error: str) -> str:
    """What went wrong, for a reader who is not the operator: without addresses in brackets and without what to do."""
    return re.split("；处理办法|[(（]", error, maxsplit=1)[0].strip()


def delta(now: float | None, before: float | None, unit: str, better: str = "context", decimals: int = 0) -> Delta:
    """Difference of two stored values of equal windows.

    Ratios: 百分点. Scores and small rates: the difference in the metric's unit. Counts and large means: relative %.
    Tone follows `better`; "context" metrics are never good or bad. None on either side → UNKNOWN_DELTA.
    """
    if now is None or before is None or not math.isfinite(now - before):
        return UNKNOWN_DELTA
    gap = now - before
    if unit == "ratio":
        shown, amount, label = number(abs(gap) * 100, max(decimals, 1)), gap, "百分点"
    elif unit == "分" or abs(before) < RELATIVE_FROM:
        shown, amount, label = number(abs(gap), decimals), gap, unit
    else:
        shown, amount, label = number(abs(gap / before) * 100, 1), gap, "%"
    if not shown.strip("0.,"):
        return Delta(DASH, shown, label, "flat", shown)
    rising = amount > 0
    tone: Tone = "context" if better == "context" else ("good" if rising == (better == "up") else "bad")
    return Delta("▲" if rising else "▼", shown, label, tone, f"{'+' if rising else '−'}{shown}")


def parts(item: Reading) -> str:
    """Numerator and denominator as "7,842 / 8,396", large ones as "484.4万 / 487.1万"; "" where there are not two.

    Suppressed cells tell no parts; of a mean of scores the sum of points tells nobody anything."""
    if item.status == "small_cell" or item.unit == "分" or item.num is None or item.den is None:
        return ""
    return f"{_part(item.num)} / {_part(item.den)}"


def _part(amount: float) -> str:
    if abs(amount) >= WAN_FROM and math.isfinite(amount):
        shown = value(amount, "")
        return f"{shown.text}{shown.unit}"
    # metres of a kilometre or tenths of a day count only in small sums
    return number(amount, 1 if abs(amount) < RELATIVE_FROM and not float(amount).is_integer() else 0)


def patience(item: Reading) -> int:
    """Seconds after which a reading counts as stale: the promise of its inputs, but no less than what its window can
    show.

    A period that is over changes only by late data and ages by hours; a running one is published every five minutes, so
    it is late when rounds were missed (RUNNING_S), a number of this moment when one was (NOW_S)."""
    floor = NOW_S if item.window == "now" else FINISHED_S if item.complete else RUNNING_S
    return max(item.stale_after_s, floor)


def ages(item: Reading) -> bool:
    """Whether its number grows old as its data do: one that is current, or the newest of its kind. A period that is
    over, settled and followed by another that is over too is history, which no later data were to change."""
    if item.as_of is None:
        return False
    if item.window == "now" or not item.complete or item.provisional:
        return True
    following = units.window_of(item.window, item.win_end + dt.timedelta(days=1))[1]
    return item.as_of.astimezone(units.SHANGHAI).date() <= following


def visible(now: float | None, before: float | None, unit: str, decimals: int = 0) -> bool:
    """True when the difference of two stored values is more than nothing in the decimals that are shown."""
    change = delta(now, before, unit, "context", decimals)
    return change.known and change.tone != "flat"


def target(goal: Target | None, unit: str, better: str, decimals: int = 0) -> str:
    """The goal as "≥ 92%" or "≤ 5 次/辆"; "" when there is none."""
    if goal is None:
        return ""
    exact = goal.green * 100 if unit == "ratio" else goal.green
    # a goal is a round number: "≥ 95 分" even where the metric itself has a decimal
    places = next((d for d in range(decimals) if round(exact, d) == round(exact, 6)), decimals)
    shown = value(goal.green, unit, places)
    sign = "≤" if better == "down" else "≥"
    return f"{sign} {shown.text}%" if shown.unit == "%" else f"{sign} {shown}"


def target_gap(item: Reading, decimals: int = 0) -> str:
    """Distance to the goal in words: "超目标 1.4 个百分点", "差 0.9 个百分点"; "" when either side is unknown."""
    if item.target is None or item.value is None or not math.isfinite(item.value) or item.better == "context":
        return ""
    gap = item.value - item.target.green
    ahead = gap >= 0 if item.better == "up" else gap <= 0
    amount = abs(gap) * 100 if item.unit == "ratio" else abs(gap)
    text = number(amount, max(decimals, 1) if item.unit == "ratio" else decimals)
    if not text.strip("0.,"):
        return "正好达标"
    label = "个百分点" if item.unit == "ratio" else item.unit
    return f"{'优于' if ahead else '距'}{item.target.called} {text} {label}"


def local(moment: dt.datetime) -> dt.datetime:
    """The same instant on the wall clock of Hangzhou; a naive time is refused with ValueError."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return moment.astimezone(ZONE)


def clock(moment: dt.datetime | None, today: dt.date | None = None, *, year: int | None = None) -> str:
    """ "14:06" when `today` is that day, else "11-23 14:06", with the year when it is another one than that of `today`
    (or `year`, where the day is to stand there always); None → "—"."""
    if moment is None:
        return DASH
    here = local(moment)
    if today is not None and here.date() == today:
        return f"{here:%H:%M}"
    if here.year != (year or (today.year if today else here.year)):
        return f"{here:%Y-%m-%d %H:%M}"
    return f"{here:%m-%d %H:%M}"


def snapshot(generation: str) -> str:
    """A generation's id as the time it was made at: "20261123T140500" → "2026-11-23 14:05:00"."""
    return f"{dt.datetime.strptime(generation, '%Y%m%dT%H%M%S'):%Y-%m-%d %H:%M:%S}"


def day(date: dt.date | None) -> str:
    """ "11-23"; None → "—"."""
    return DASH if date is None else f"{date:%m-%d}"


def week(date: dt.date) -> str:
    """ "2026 年第 47 周": the ISO week of a day."""
    year, number_, _ = date.isocalendar()
    return f"{year} 年第 {number_} 周"


def period(window: str, start: dt.date, end: dt.date) -> str:
    """A window in words: "11-22 周日", "2026 年第 47 周(11-16 至 11-22)", "2026 年 11 月", now → "当前"."""
    if window == "week":
        return f"{week(start)}（{day(start)} 至 {day(end)}）"
    if window == "month":
        return f"{start.year} 年 {start.month} 月"
    if window == "quarter":
        return f"{start.year} 年第 {(start.month + 2) // 3} 季度"
    if window == "year":
        return f"{start.year} 年"
    if window == "now":
        return "当前"
    return f"{start:%Y-%m-%d} 周{'一二三四五六日'[start.weekday()]}"


def date_words(date: dt.date, *, year: bool = False) -> str:
    """ "12月4日" or "2026年12月4日": a date in a sentence of an official paper (GB/T 15835)."""
    return f"{f'{date.year}年' if year else ''}{date.month}月{date.day}日"


def period_words(window: str, start: dt.date, end: dt.date) -> str:
    """A window as a title says it: "2026年第47周（11月16日至22日）", "2026年10月"."""
    if window != "week":
        return tight(period(window, start, end))
    last = f"{end.day}日" if end.month == start.month else date_words(end)
    return f"{tight(week(start))}（{date_words(start)}至{last}）"


HAN = "\u3400-\u9fff\u3000-\u303f\uff00-\uffef"
DAY = re.compile(r"(?<![\d-])(\d{2})-(\d{2})(?![\d-])")
LOOSE = re.compile(rf"(?<=[{HAN}]) (?=[^{HAN}\s])|(?<=[^\s]) (?=[{HAN}%])|(?<=[≥≤]) ")


def tight(text: str) -> str:
    """A sentence without the blanks between Han and digits that screens have: on paper the characters stand in a
    grid."""
    return LOOSE.sub("", text)


def in_prose(text: str) -> str:
    """A sentence of a screen as one of an official paper: without those blanks, its days in words (11-23 as
    11月23日)."""
    return tight(DAY.sub(lambda found: f"{int(found[1])}月{int(found[2])}日", text))


def period_key(window: str, start: dt.date) -> str:
    """The `at` word of a window for URLs and Snapshot: "2026-11-22", "2026-W47", "2026-11", "2026-Q4", "2026"."""
    return units.at_label(window, start)


def tick(window: str, start: dt.date) -> str:
    """The short name of a window on an axis: "11-22", "47 周", "11 月", "4 季度", "2026 年"."""
    if window == "week":
        return f"{start.isocalendar()[1]} 周"
    names = {"month": f"{start.month} 月", "quarter": f"{(start.month + 2) // 3} 季度", "year": f"{start.year} 年"}
    return names.get(window, day(start))


def duration(seconds: float | None) -> str:
    """ "45 秒", "12 分钟", "2 小时 5 分", "3 天 4 小时"; None → "—"."""
    if seconds is None:
        return DASH
    total = max(0, int(seconds))
    if total < 60:
        return f"{total} 秒"
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if hours < 1:
        return f"{minutes} 分钟"
    if days < 1:
        return f"{hours} 小时 {minutes % 60} 分" if minutes % 60 else f"{hours} 小时"
    return f"{days} 天 {hours % 24} 小时" if hours % 24 else f"{days} 天"


def age(seconds: float | None) -> str:
    """ "12 秒前", "3 分钟前", "2 小时前", "3 天前"; a clock slightly ahead counts as "刚刚"; None → "—"."""
    if seconds is None:
        return DASH
    total = int(seconds)
    if total < 1:
        return "刚刚"
    for size, name in ((86400, "天"), (3600, "小时"), (60, "分钟")):
        if total >= size:
            return f"{total // size} {name}前"
    return f"{total} 秒前"


def pace(ahead: int | None) -> str:
    """ "超序时 4 个百分点", "落后序时 19 个百分点", "与序时持平" against the time that has passed; None → "—"."""
    if ahead is None:
        return DASH
    return f"{'超' if ahead > 0 else '落后'}序时 {abs(ahead)} 个百分点" if ahead else "与序时持平"


def town(name: str) -> str:
    """A town in two or three characters for a narrow place; "待核" when none is known."""
    return "待核" if name == "归属待核" else name.removesuffix("街道").removesuffix("镇") or "待核"


def company(name: str) -> str:
    """A company without what all of them share: 杭州海川运输有限公司 → 海川运输."""
    return name.removeprefix("杭州").removesuffix("有限公司").removesuffix("有限责任公司")
