"""Words of time in a question: 上周二, 去年10月, 近三个月, 第46周. Owns how they are read; knows no metric and no clock.

What names a time without its year means the newest such time that has begun. ISO weeks; all days Asia/Shanghai."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from warehouse.core import units

FEW = 6
"""近几个月: so many."""
LONGEST = {"day": 62, "week": 53, "month": 24, "quarter": 8, "year": 5}
"""So many steps back may be looked at in one line."""
DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
NUMBER = r"\d{1,2}|[一二两三四五六七八九十]{1,3}"
YEAR = r"(?:(?P<year>\d{4})年?|(?P<relative>今年|本年|去年|上年|前年))的?"
WEEKDAY = r"一(?!共|直|起|样|般|个|次|项|类)|[二三四五六]|日(?!均|常|行|里)|天(?!气)"
UNITS = {"周": "week", "星期": "week", "礼拜": "week", "月": "month", "季度": "quarter", "季": "quarter", "年": "year"}
DAYS = {"今天": 0, "今日": 0, "当天": 0, "当日": 0, "昨天": 1, "昨日": 1, "前天": 2, "前日": 2, "大前天": 3}


@dataclass(frozen=True)
class Period:
    """window: day | week | month | quarter | year; at: as units.parse_at() reads it, None for so many windows (`count`)
    up to the newest. 近一周 is the newest week."""

    window: str
    at: str | None
    count: int = 1

    @property
    def word(self) -> str:
        """week:2026-W47, or month*3."""
        return f"{self.window}:{self.at}" if self.at else f"{self.window}*{self.count}"


FUTURE = "future"
Meaning = Period | str
"""A period, or FUTURE for one that has not begun."""


def read(text: str, start: int, today: dt.date) -> tuple[int, Meaning] | None:
    """The longest words of time that begin at `start`: where they end, and what they mean on that day; None where none
    begin. A date that the calendar does not have (2月30日) is none."""
    best: tuple[int, Meaning] | None = None
    for pattern, meaning in _READERS:
        matched = pattern.match(text, start)
        if matched is None or (best is not None and matched.end() <= best[0]):
            continue
        try:
            best = matched.end(), meaning(matched, today)
        except ValueError:
            return None
    return best


def numeral(word: str) -> int:
    """12, 十二 and 二十三 as numbers, up to 99. Raises ValueError for anything else."""
    if word.isdecimal():
        return int(word)
    tens, ten, ones = word.partition("十")
    parts = [tens or "一", ones or "零"] if ten else ["零", word]
    if not all(part in DIGITS for part in parts):
        raise ValueError(word)
    return 10 * DIGITS[parts[0]] + DIGITS[parts[1]]


def _begun(window: str, start: dt.date, today: dt.date) -> Meaning:
    return Period(window, units.at_label(window, start)) if start <= today else FUTURE


def _newest(window: str, starts: Callable[[int], dt.date], year: int, today: dt.date) -> Meaning:
    """Of that year, or of the year before where that year's has not begun or there is none (第53周)."""
    for candidate in (year, year - 1):
        try:
            start = starts(candidate)
        except ValueError:
            continue
        if start <= today:
            return _begun(window, start, today)
    raise ValueError(year)


def _year(matched: re.Match[str], today: dt.date) -> int | None:
    words = matched.groupdict()
    if words.get("year"):
        return int(words["year"])
    back = {"今年": 0, "本年": 0, "去年": 1, "上年": 1, "前年": 2}
    return today.year - back[words["relative"]] if words.get("relative") else None


def _of_year(
    window: str, matched: re.Match[str], today: dt.date, starts: Callable[[int], dt.date], this: int | None = None
) -> Meaning:
    year = _year(matched, today)
    return _newest(window, starts, this or today.year, today) if year is None else _begun(window, starts(year), today)


def _month(matched: re.Match[str], today: dt.date) -> Meaning:
    month = numeral(matched["month"])
    if matched["day"]:
        day = numeral(matched["day"])
        return _of_year("day", matched, today, lambda year: dt.date(year, month, day))
    return _of_year("month", matched, today, lambda year: dt.date(year, month, 1))


def _quarter(matched: re.Match[str], today: dt.date) -> Meaning:
    first = numeral(matched["quarter"]) * 3 - 2
    return _of_year("quarter", matched, today, lambda year: dt.date(year, first, 1))


def _week(matched: re.Match[str], today: dt.date) -> Meaning:
    number = numeral(matched["week"])
    # the first days of January may belong to the last week of the year before
    this = today.isocalendar()[0]
    return _of_year("week", matched, today, lambda year: dt.date.fromisocalendar(year, number, 1), this)


def _whole_year(matched: re.Match[str], today: dt.date) -> Meaning:
    year = _year(matched, today)
    return _begun("year", dt.date(today.year if year is None else year, 1, 1), today)


def _relative(matched: re.Match[str], today: dt.date) -> Meaning:
    steps, window = {"上上": 2, "上": 1}.get(matched["back"].rstrip("个一"), 0), UNITS[matched["unit"]]
    start = units.back(window, units.window_of(window, today)[0], steps)
    if matched["weekday"] and window == "week":
        return _begun("day", start + dt.timedelta(days=_weekday(matched["weekday"])), today)
    return _begun(window, start, today)


def _plain_weekday(matched: re.Match[str], today: dt.date) -> Meaning:
    back = (today.weekday() - _weekday(matched["weekday"])) % 7
    return Period("day", (today - dt.timedelta(days=back)).isoformat())


def _weekday(word: str) -> int:
    found = "一二三四五六日".find(word.replace("天", "日"))
    if found < 0:
        raise ValueError(word)
    return found


def _date(matched: re.Match[str], today: dt.date) -> Meaning:
    return _begun("day", dt.date(int(matched["year"]), int(matched["month"]), int(matched["day"])), today)


def _day_of_month(matched: re.Match[str], today: dt.date) -> Meaning:
    day = numeral(matched["day"])
    start = today.replace(day=1)
    return Period("day", (start if day <= today.day else units.back("month", start, 1)).replace(day=day).isoformat())


def _count(matched: re.Match[str], _today: dt.date) -> Meaning:
    window = {"天": "day", "日": "day"}.get(matched["unit"]) or UNITS[matched["unit"].removeprefix("个")]
    if matched["number"] == "半":
        if window != "year":
            raise ValueError(matched[0])
        return Period("month", None, 6)
    count = FEW if matched["number"] == "几" else numeral(matched["number"])
    if not 0 < count <= LONGEST[window]:
        raise ValueError(matched[0])
    if window == "year" and count == 1:
        return Period("month", None, 12)
    return Period(window, None, count)


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], dt.date], Meaning]], ...] = (
    (re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"), _date),
    (re.compile(rf"(?:{YEAR})?(?P<month>{NUMBER})月份?(?:(?P<day>{NUMBER})[日号])?"), _month),
    (re.compile(rf"(?:{YEAR})?第?(?P<quarter>[1-4一二三四])季度?"), _quarter),
    (re.compile(rf"(?:{YEAR})?第(?P<week>{NUMBER})周"), _week),
    (re.compile(r"(?P<year>\d{4})-?w(?P<week>\d{1,2})(?!\d)"), _week),
    (
        re.compile(r"(?:(?P<year>\d{4})年|(?P<relative>今年|本年|去年|上年|前年))(?:全年|度|以来|初以来|初至今|至今)?"),
        _whole_year,
    ),
    (re.compile(r"年初(?:以来|至今|到现在|到今天)"), _whole_year),
    (
        re.compile(
            rf"(?P<back>上上个?|上一?个?|本|这一?个?|当)(?P<unit>周|星期|礼拜|月|季度|季|年)(?:(?<=[周期拜])(?P<weekday>{WEEKDAY}))?"
        ),
        _relative,
    ),
    (re.compile(rf"(?:周|星期|礼拜)(?P<weekday>{WEEKDAY})"), _plain_weekday),
    (re.compile("|".join(sorted(DAYS, key=len, reverse=True))), lambda m, today: _day(today, DAYS[m[0]])),
    (re.compile(rf"(?P<day>{NUMBER})号"), _day_of_month),
    (
        re.compile(rf"(?:最近|近|过去)的?(?P<number>{NUMBER}|半|几)(?P<unit>天|日|周|个?星期|个?礼拜|个月|个?季度|年)"),
        _count,
    ),
    (
        re.compile(
            r"明[天日年后]|大?后天|下+一?个?(?:周|星期|礼拜|月|季度|季|年)[一二三四五六日天]?|未来|将来|今后|预计|预测"
        ),
        lambda _m, _today: FUTURE,
    ),
)


def _day(today: dt.date, back: int) -> Meaning:
    return Period("day", (today - dt.timedelta(days=back)).isoformat())
