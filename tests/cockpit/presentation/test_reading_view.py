"""What a reading says in words: period, judgement, marks, and why towns do not come to the whole."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from cockpit.presentation import reading_view as view
from cockpit.presentation import texts
from warehouse.compile.reading import Place, Reading, Target
from warehouse.core import units
from warehouse.core.units import SHANGHAI

D = dt.date
MONDAY = D(2026, 11, 16)
DISTRICT = Place("330110", "余杭区", "district")


def reading(window: Any = "week", day: dt.date = MONDAY, **rest: Any) -> Reading:
    start, end = units.window_of(window, day)
    base = Reading("m", "指标", "ratio", "up", window, start, end, DISTRICT, 0.5, 1.0, 2.0, "ok", None, 300, "g")
    return replace(base, **rest)


@pytest.mark.parametrize(
    ("window", "day", "today", "words"),
    [
        ("now", D(2026, 11, 23), D(2026, 11, 23), "当前"),
        ("day", D(2026, 11, 23), D(2026, 11, 23), "今日"),
        ("day", D(2026, 11, 22), D(2026, 11, 23), "昨日"),
        ("day", D(2026, 11, 21), D(2026, 11, 23), "11-21"),
        ("day", D(2026, 11, 24), D(2026, 11, 23), "11-24"),
        ("day", D(2026, 11, 23), None, "11-23"),
        ("week", D(2026, 11, 23), D(2026, 11, 23), "第 48 周"),
        ("month", D(2026, 11, 23), D(2026, 11, 23), "11 月"),
        ("quarter", D(2026, 11, 23), None, "4 季度"),
        ("year", D(2026, 11, 23), None, "2026 年"),
    ],
)
def test_a_period_in_a_few_characters(window: Any, day: dt.date, today: dt.date | None, words: str) -> None:
    assert view.when(reading(window, day), today) == words


GOAL, PROPOSED = Target(0.9, 0.8, "文件"), Target(0.9, 0.8, "", basis="产品建议")


@pytest.mark.parametrize(
    ("item", "word", "verdict", "tone", "mark", "name"),
    [
        (reading(), "参考", "", "", "", ""),
        (reading(target=GOAL), "未评", "", "", "", "目标"),
        (reading(target=GOAL, judgement="good"), "达成", "达成", "good", "✓", "目标"),
        (reading(target=GOAL, judgement="warn"), "接近目标", "接近目标", "warn", "!", "目标"),
        (reading(target=GOAL, judgement="bad"), "未达成", "未达成", "bad", "✕", "目标"),
        (reading(target=PROPOSED, judgement="bad"), "未到建议值", "未到建议值", "advice", "✕", "建议值"),
        (reading(target=PROPOSED), "未评", "", "", "", "建议值"),
        (reading(status="missing", value=None, target=GOAL), "无值", "", "", "", "目标"),
    ],
)
def test_a_judgement_in_one_word(item: Reading, word: str, verdict: str, tone: str, mark: str, name: str) -> None:
    shown = view.present(item)
    assert (shown.word, view.verdict(item), shown.tone, shown.mark, view.goal_name(item)) == (
        word, verdict, tone, mark, name,
    )  # fmt: skip
    assert view.aim(shown) == (f"{name} ≥ 90% {mark}".strip() if item.target else "—")


def test_a_reading_is_shown_whole() -> None:
    at = dt.datetime(2026, 11, 23, 14, 5, tzinfo=SHANGHAI)
    item = reading(
        as_of=at, target=GOAL, judgement="bad", previous=0.4, last_year=0.6, evened=("previous",), parts={"挂车": 12.0, "牵引车": 3.0}
    )  # fmt: skip
    shown = view.present(item, 1)
    assert (shown.text, shown.delta.signed, shown.year.signed) == ("50.0%", "+10.0", "−10.0")
    assert shown.previous == texts.PREVIOUS["week"] + texts.PER_DAY and shown.side == "挂车 12 · 牵引车 3"
    assert (shown.parts, shown.gap, shown.source) == ("1 / 2", "距目标 40.0 个百分点", "本局：文件")
    assert (shown.as_of, shown.as_of_iso, shown.stale_after_s) == ("11-23 14:05", at.isoformat(), 6 * 3600)
    assert view.present(item, today=D(2026, 11, 23)).as_of == "14:05"
    assert view.present(replace(item, evened=("last_year",))).previous == texts.PREVIOUS["week"]
    assert not view.present(replace(item, window="year")).year.known
    bare = view.present(replace(item, as_of=None))
    assert (bare.as_of, bare.as_of_iso, bare.stale_after_s) == ("", "", 0)
    for status in ("ok", "small_cell", "no_total"):
        assert view.present(replace(item, status=status)).as_of_iso, "what is as it is supposed to be ages"
    for status in ("missing", "unconnected", "failed", "insufficient"):
        gone = view.present(replace(item, status=status, value=None))
        assert (gone.as_of_iso, gone.stale_after_s) == ("", 0) and gone.as_of == "11-23 14:05"
        assert gone.reason == view.REASONS[status] and gone.reason_short == view.REASONS_SHORT[status]


@pytest.mark.parametrize(
    ("item", "kinds"),
    [
        (reading(), []),
        (reading(held="源故障"), ["held"]),
        (reading(doubt="暴涨"), ["doubt"]),
        (reading(complete=False), ["running"]),
        (reading("now", complete=False), []),
        (reading(provisional=True), ["provisional"]),
        (reading("month", D(2026, 12, 1), held_from=D(2026, 9, 1)), ["standing"]),
        (reading("week", D(2026, 2, 16)), ["festival"]),
        (reading(held="x", doubt="y", complete=False, provisional=True), ["held", "doubt", "running", "provisional"]),
    ],
)
def test_what_limits_a_number_stands_beside_it(item: Reading, kinds: list[str]) -> None:
    assert [tag.kind for tag in view.present(item).tags] == kinds


def test_a_running_period_says_until_when() -> None:
    at = dt.datetime(2026, 11, 22, 16, 30, tzinfo=dt.UTC)  # the 23rd in Hangzhou
    assert view.present(reading(complete=False, as_of=at)).tags[0].full == f"{texts.INCOMPLETE}（截至 11-23）"
    assert view.present(reading(complete=False)).tags[0].full == texts.INCOMPLETE


def test_a_count_that_stands_names_its_period_with_the_year_where_it_is_another() -> None:
    assert view.standing(reading("month")) is None
    this, last = (view.standing(reading("month", held_from=day)) for day in (D(2026, 8, 1), D(2025, 8, 1)))
    assert this and (this.word, this.full) == ("沿用 8 月", "沿用 2026 年 8 月")
    assert last and last.word == last.full == "沿用 2025 年 8 月"


@pytest.mark.parametrize(
    ("window", "day", "words"),
    [
        # 春节 15–23 February 2026, 元旦 1–3 January, 清明节 4–6 April
        ("week", D(2026, 2, 16), "春节假期本期 7 天，上周 1 天；春节假期本期 7 天，去年同周 0 天，比较时请留意"),
        ("week", D(2026, 1, 5), "元旦假期本期 0 天，上周 3 天，比较时请留意"),
        ("week", D(2026, 3, 30), "清明节假期本期 2 天，上周 0 天，比较时请留意"),
        ("week", D(2026, 4, 6), None),  # one day more or fewer bends no week
        ("day", D(2026, 4, 4), "清明节假期本期 1 天，前日 0 天，比较时请留意"),
        ("week", D(2026, 11, 16), None),
        ("quarter", D(2026, 2, 16), None),
        ("week", D(2004, 1, 5), None),  # nobody knows the holidays of the year before
    ],
)
def test_a_holiday_that_bends_a_comparison_is_marked(window: Any, day: dt.date, words: str | None) -> None:
    tags = [tag for tag in view.present(reading(window, day)).tags if tag.kind == "festival"]
    assert [tag.why for tag in tags] == ([words] if words else [])
    assert not words or tags[0].word == f"{words.partition('假期')[0]}影响"
    assert not view.present(reading(window, day, status="missing", value=None)).tags


def town(number: int, num: float | None, den: float | None = None, **rest: Any) -> Reading:
    value = num if den is None else num and num / den
    place = Place(f"33011000{number}", f"镇{number}", "town")
    return reading("month", place=place, num=num, den=den, value=value, unit="人", **rest)


HIDDEN = town(9, None, status="small_cell")


@pytest.mark.parametrize(
    ("whole", "towns", "words"),
    [
        (town(0, 10), [town(1, 4), town(2, 6)], ""),
        (town(0, 10), [], ""),
        (town(0, None), [town(1, 4)], ""),
        (town(0, 10, status="missing"), [town(1, 4)], ""),
        (town(0, 0), [town(1, 0), town(2, None)], ""),
        (town(0, 10), [town(1, 5), town(2, 6)], "各镇街合计 11 人，全区 10 人：同一对象可计入几个镇街，全区只计一次。"),
        (town(0, 10), [town(1, 3), town(2, 6)], "各镇街合计 9 人，全区 10 人：其余未能归到镇街。"),
        (town(0, 5, 10), [town(1, 2, 4), town(2, 3, 5)], "分母各镇街合计 9，全区 10：其余未能归到镇街。"),
        (town(0, 5, 10), [town(1, 2, 4), town(2, 3, 6)], ""),
        (town(0, 10), [HIDDEN, HIDDEN], "各镇街为保护个人都不单列，只看全区。"),
        (town(0, 10), [town(1, 4), HIDDEN], "其余 1 个镇街为保护个人不单列，合计 6。"),
        (town(0, 4), [town(1, 4), HIDDEN], "其余 1 个镇街为保护个人不单列，合计 0。"),
        (town(0, 5, 10), [town(1, 2, 4), HIDDEN, HIDDEN], "其余 2 个镇街为保护个人不单列，合计 3 / 6。"),
        (town(0, 5, 10), [town(1, 6, 7), HIDDEN], "其余 1 个镇街为保护个人不单列。"),
        (replace(town(0, 10), unit="家"), [town(1, 4), HIDDEN], "其余 1 个镇街为保护个人不单列。"),
        (
            town(0, 10),
            [town(1, 4, held_from=D(2026, 8, 1)), HIDDEN],
            "其余 1 个镇街为保护个人不单列，合计 6（含沿用的镇街此后的变动）。",
        ),
        (
            replace(town(0, 10), place=Place("S", "两镇", "district")),
            [town(1, 3), town(2, 6)],
            "各镇街合计 9 人，本范围 10 人：其余未能归到范围内的镇街。",
        ),
    ],
)
def test_why_the_towns_do_not_come_to_the_whole(whole: Reading, towns: list[Reading], words: str) -> None:
    assert view.uneven(replace(whole, place=whole.place if whole.place.code == "S" else DISTRICT), towns) == words


def test_towns_of_another_period_say_which() -> None:
    shown, month = reading(), replace(town(0, 10), place=DISTRICT)
    towns = [town(1, 4, held_from=D(2026, 8, 1)), town(2, 6)]
    assert view.of_towns(shown, None, towns) == ""
    assert view.of_towns(shown, month, towns) == (
        "镇街的人数按月公布，为 2026 年 11 月。1 个镇街沿用较早一期的数：此后没有变动，或变动的人数少到会说明是谁。"
    )
    assert view.of_towns(month, month, [town(1, 4), town(2, 6)]) == ""
    year = replace(reading("year"), place=DISTRICT, value=10.0, den=None)
    assert view.of_towns(month, year, [town(1, 4), town(2, 6)]) == "镇街的人数按年公布，为 2026 年。"


def test_a_reading_is_of_the_period_that_was_asked_for() -> None:
    item = reading()
    assert view.is_of(item, "week", None) and view.is_of(item, "week", "2026-W47")
    assert not view.is_of(item, "week", "2026-W46") and not view.is_of(item, "month", None)
