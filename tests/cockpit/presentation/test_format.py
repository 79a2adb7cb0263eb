"""The one formatter says numbers, differences, dates and ages the way the reader does."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from cockpit.presentation import format as fmt
from warehouse.compile.reading import Place, Reading, Target
from warehouse.core.units import SHANGHAI


@pytest.mark.parametrize(
    ("amount", "unit", "decimals", "said"),
    [
        (0.934, "ratio", 1, "93.4 %"),
        (0.0, "ratio", 1, "0.0 %"),
        (1.0, "ratio", 0, "100 %"),
        (21486, "辆", 0, "21,486 辆"),
        (99_999, "辆", 0, "99,999 辆"),
        (100_000, "辆", 0, "10.0 万辆"),
        (1_286_000, "公里", 1, "128.6 万公里"),
        (-100_000, "辆", 0, "−10.0 万辆"),
        (99_999_999, "km", 0, "10,000.0 万km"),
        (100_000_000, "km", 0, "1.00 亿km"),
        (234_000_000, "km", 0, "2.34 亿km"),
        (0.9999, "ratio", 1, "99.99 %"),
        (0.99999, "ratio", 1, "99.999 %"),
        (0.9999999, "ratio", 1, "100.0000 %"),
        (1.0004, "ratio", 1, "100.04 %"),
        (0.0004, "ratio", 1, "0.04 %"),
        (0.0005, "ratio", 1, "0.1 %"),
        (-0.0004, "ratio", 1, "0.0 %"),
        (3.2, "秒/辆", 1, "3.2 秒/辆"),
        (-5.0, "分", 1, "−5.0 分"),
        (-0.001, "分", 1, "0.0 分"),
        (0, "起", 0, "0 起"),
        (None, "辆", 0, "—"),
        (float("nan"), "ratio", 1, "—"),
        (float("inf"), "辆", 0, "—"),
        (float("-inf"), "km", 1, "—"),
    ],
)
def test_values(amount: float | None, unit: str, decimals: int, said: str) -> None:
    assert str(fmt.value(amount, unit, decimals)) == said


@pytest.mark.parametrize(
    ("now", "before", "unit", "better", "decimals", "glyph", "text", "label", "tone"),
    [
        (0.934, 0.926, "ratio", "up", 1, "▲", "0.8", "百分点", "good"),
        (0.926, 0.934, "ratio", "up", 1, "▼", "0.8", "百分点", "bad"),
        (0.01, 0.02, "ratio", "down", 1, "▼", "1.0", "百分点", "good"),
        (0.93401, 0.934, "ratio", "up", 1, "—", "0.0", "百分点", "flat"),
        (21486, 21000, "辆", "context", 0, "▲", "2.3", "%", "context"),
        (18, 16, "家", "up", 0, "▲", "2", "家", "good"),
        (3.2, 3.6, "秒/辆", "down", 1, "▼", "0.4", "秒/辆", "good"),
        (96.2, 95.0, "分", "up", 1, "▲", "1.2", "分", "good"),
        (5, 0, "起", "down", 0, "▲", "5", "起", "bad"),
        (22, 20, "家", "up", 0, "▲", "10.0", "%", "good"),
        (19, 20, "家", "up", 0, "▼", "5.0", "%", "bad"),
        (21, 19, "家", "up", 0, "▲", "2", "家", "good"),
        (-22, -20, "家", "up", 0, "▼", "10.0", "%", "bad"),
        (0.935, 0.925, "ratio", "up", 0, "▲", "1.0", "百分点", "good"),
        (0.9355, 0.925, "ratio", "up", 2, "▲", "1.05", "百分点", "good"),
        (7, 7, "起", "down", 0, "—", "0", "起", "flat"),
        (None, 1, "辆", "up", 0, "", "—", "", "context"),
        (1, None, "辆", "up", 0, "", "—", "", "context"),
    ],
)
def test_differences(
    now: float, before: float, unit: str, better: str, decimals: int, glyph: str, text: str, label: str, tone: str
) -> None:
    change = fmt.delta(now, before, unit, better, decimals)
    assert (change.glyph, change.text, change.unit, change.tone) == (glyph, text, label, tone)


def reading(**changes: object) -> Reading:
    day = dt.date(2026, 11, 22)
    base = Reading(
        "m",
        "指标",
        "ratio",
        "up",
        "week",
        day,
        day,
        Place("1", "良渚街道", "town"),
        0.5,
        1.0,
        2.0,
        "ok",
        None,
        300,
        "g",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_nothing_that_is_no_number_is_ever_printed() -> None:
    nan, inf = float("nan"), float("inf")
    day = dt.date(2026, 11, 22)
    reading = Reading(
        "m",
        "上线率",
        "辆",
        "up",
        "day",
        day,
        day,
        Place("330110", "余杭区", "district"),
        nan,
        inf,
        nan,
        "ok",
        None,
        3600,
        "g",
        target=Target(1.0, None, ""),
    )
    shown_text = [
        fmt.number(nan),
        fmt.number(inf, 2),
        *(
            part
            for one in (nan, inf)
            for part in (fmt.delta(one, 1.0, "ratio").signed, fmt.delta(1.0, one, "辆").signed)
        ),
        str(fmt.reading(reading)),
        fmt.parts(reading),
        fmt.target_gap(reading),
    ]
    assert not [text for text in shown_text if "nan" in text.lower() or "inf" in text.lower()], shown_text


def test_what_is_not_listed_says_nothing_of_its_size() -> None:
    small = reading(status="small_cell", value=None)
    for unit in ("人", "ratio", "分", "次/人"):
        assert str(fmt.reading(replace(small, unit=unit))) == "不单列"
    assert fmt.parts(small) == ""


def test_parts_are_short_and_of_scores_there_are_none() -> None:
    assert fmt.parts(reading(num=7842.0, den=8396.0)) == "7,842 / 8,396"
    assert fmt.parts(reading(num=1_804_008.4, den=8111.0)) == "180.4万 / 8,111"
    assert fmt.parts(reading(num=107_025.5, den=1171.0, unit="分")) == ""


def test_a_period_that_is_history_does_not_grow_old_and_the_newest_does() -> None:
    """Week 47 ends on 22 November: it is the newest until week 48 is over as well."""
    week = {"win_start": dt.date(2026, 11, 16), "win_end": dt.date(2026, 11, 22)}

    def at(month: int, day: int, hour: int = 12) -> dt.datetime:
        return dt.datetime(2026, month, day, hour, tzinfo=SHANGHAI)

    assert not fmt.ages(reading(**week))
    assert fmt.ages(reading(**week, as_of=at(11, 29, 23)))
    assert not fmt.ages(reading(**week, as_of=at(11, 30, 0)))
    assert fmt.ages(reading(**week, as_of=at(11, 30), provisional=True)), "late data are still to come"
    assert fmt.ages(reading(**week, as_of=at(11, 30), complete=False))
    assert fmt.ages(reading(window="now", as_of=at(11, 30)))


def test_a_finished_period_ages_by_hours_and_a_running_one_by_the_promise_of_its_inputs() -> None:
    assert fmt.patience(reading()) == 6 * 3600
    assert fmt.patience(reading(complete=False)) == 900, "published every 5 minutes: late after missed rounds"
    assert fmt.patience(reading(complete=False, stale_after_s=3600)) == 3600
    assert fmt.patience(reading(window="now")) == 600
    assert fmt.patience(reading(stale_after_s=86_400)) == 86_400


def test_a_failure_is_told_on_paper_without_address_and_advice() -> None:
    assert fmt.reason("接口没有应答(http://10.0.0.6:8080/x)；处理办法：请检查网络") == "接口没有应答"
    assert fmt.reason("口令已过期；处理办法：请更换") == "口令已过期"


def test_a_difference_below_the_shown_decimals_is_none() -> None:
    assert not fmt.visible(0.97601, 0.97599, "ratio", 1)
    assert fmt.visible(0.976, 0.974, "ratio", 1)
    assert not fmt.visible(0.976, None, "ratio", 1)


def test_a_difference_in_a_sentence_carries_its_sign() -> None:
    assert fmt.delta(0.9, 0.918, "ratio", "up", 1).signed == "−1.8"
    assert fmt.delta(0.918, 0.9, "ratio", "up", 1).signed == "+1.8"


@pytest.mark.parametrize(
    ("goal", "unit", "better", "decimals", "said"),
    [
        (0.92, "ratio", "up", 1, "≥ 92%"),
        (0.985, "ratio", "up", 1, "≥ 98.5%"),
        (5.0, "秒/辆", "down", 1, "≤ 5 秒/辆"),
        (0.16, "次/辆", "down", 2, "≤ 0.16 次/辆"),
        (95.0, "分", "up", 1, "≥ 95 分"),
    ],
)
def test_targets(goal: float, unit: str, better: str, decimals: int, said: str) -> None:
    assert fmt.target(Target(goal, None, ""), unit, better, decimals) == said
    assert fmt.target(None, unit, better) == ""


def test_dates_as_the_reader_says_them() -> None:
    monday, sunday = dt.date(2026, 11, 16), dt.date(2026, 11, 22)
    assert fmt.day(sunday) == "11-22"
    assert fmt.week(monday) == "2026 年第 47 周"
    assert fmt.period("week", monday, sunday) == "2026 年第 47 周（11-16 至 11-22）"
    assert fmt.period("month", dt.date(2026, 11, 1), dt.date(2026, 11, 30)) == "2026 年 11 月"
    assert fmt.period("day", sunday, sunday) == "2026-11-22 周日"
    assert [fmt.period_key(w, monday) for w in ("day", "week", "month")] == ["2026-11-16", "2026-W47", "2026-11"]
    # the first days of January belong to the last ISO week of the year before
    assert fmt.period_key("week", dt.date(2027, 1, 1)) == "2026-W53"


def test_clock_times_are_those_of_hangzhou_whatever_the_zone_given() -> None:
    moment = dt.datetime(2026, 11, 22, 22, 6, tzinfo=dt.UTC)
    assert fmt.clock(moment) == "11-23 06:06"
    assert fmt.clock(moment, dt.date(2026, 11, 23)) == "06:06"
    assert fmt.clock(moment, dt.date(2027, 1, 1)) == "2026-11-23 06:06"
    assert fmt.clock(None) == "—"
    with pytest.raises(ValueError, match="naive"):
        fmt.clock(dt.datetime(2026, 11, 22))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "刚刚"),
        (0, "刚刚"),
        (0.9, "刚刚"),
        (1, "1 秒前"),
        (12, "12 秒前"),
        (59.9, "59 秒前"),
        (60, "1 分钟前"),
        (3599, "59 分钟前"),
        (3600, "1 小时前"),
        (7199, "1 小时前"),
        (86_399, "23 小时前"),
        (86_400, "1 天前"),
        (90_000, "1 天前"),
        (None, "—"),
    ],
)
def test_ages(seconds: float | None, said: str) -> None:
    assert fmt.age(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 秒"),
        (0, "0 秒"),
        (45, "45 秒"),
        (59, "59 秒"),
        (60, "1 分钟"),
        (720, "12 分钟"),
        (3599, "59 分钟"),
        (3600, "1 小时"),
        (7500, "2 小时 5 分"),
        (86_399, "23 小时 59 分"),
        (86_400, "1 天"),
        (90_000, "1 天 1 小时"),
        (172_800, "2 天"),
        (None, "—"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert fmt.duration(seconds) == said


def test_a_snapshot_is_called_by_the_time_it_was_made_at() -> None:
    assert fmt.snapshot("20261123T140500") == "2026-11-23 14:05:00"


@pytest.mark.parametrize(
    ("value", "target", "judgement", "decimals", "said"),
    [
        (0.9796, 0.98, "warn", 1, "97.96 %"),
        (0.9796, 0.98, "good", 1, "98.0 %"),  # a number that has reached its target need not be told from it
        (0.9796, 0.98, None, 1, "98.0 %"),
        (0.97, 0.98, "bad", 1, "97.0 %"),
        (0.97999, 0.98, "warn", 1, "97.999 %"),
        (0.9799999, 0.98, "warn", 1, "98.0000 %"),
    ],
)
def test_a_number_is_printed_on_its_side_of_the_target(
    value: float, target: float, judgement: str | None, decimals: int, said: str
) -> None:
    item = reading(value=value, target=Target(target, None, ""), judgement=judgement)
    assert str(fmt.reading(item, decimals)) == said
    assert str(fmt.reading(replace(item, target=None), decimals)) == f"{value * 100:.1f} %"
    points = reading(value=value * 100, unit="分", target=Target(target * 100, None, ""), judgement=judgement)
    assert str(fmt.reading(points, decimals)) == said.replace(" %", " 分"), "and so is one of points"


@pytest.mark.parametrize(
    ("item", "decimals", "said"),
    [
        (reading(value=0.954, target=Target(0.94, None, "")), 1, "优于目标 1.4 个百分点"),
        (reading(value=0.931, target=Target(0.94, None, "")), 0, "距目标 0.9 个百分点"),
        (reading(value=0.94, target=Target(0.94, None, "")), 1, "正好达标"),
        (reading(value=0.94, better="down", target=Target(0.92, None, "")), 1, "距目标 2.0 个百分点"),
        (reading(value=0.90, better="down", target=Target(0.92, None, "")), 2, "优于目标 2.00 个百分点"),
        (reading(value=7.0, unit="起", better="down", target=Target(5.0, None, "")), 0, "距目标 2 起"),
        (reading(value=7.0, unit="起", target=Target(5.0, None, "", basis="产品建议")), 1, "优于建议值 2.0 起"),
        (reading(value=7.0, unit="起", better="context", target=Target(5.0, None, "")), 0, ""),
        (reading(value=None, target=Target(5.0, None, "")), 0, ""),
        (reading(value=0.9), 0, ""),
    ],
)
def test_the_way_to_the_target_is_told_by_its_direction(item: Reading, decimals: int, said: str) -> None:
    assert fmt.target_gap(item, decimals) == said


@pytest.mark.parametrize(
    ("num", "den", "said"),
    [
        (19.5, 20.5, "19.5 / 20"),  # halves count in small sums only
        (19.0, 20.0, "19 / 20"),
        (-19.5, 1.0, "−19.5 / 1"),
        (99_999.0, 100_000.0, "99,999 / 10.0万"),
        (1.0, None, ""),
        (None, 1.0, ""),
    ],
)
def test_parts_of_a_number_by_their_size(num: float | None, den: float | None, said: str) -> None:
    assert fmt.parts(reading(num=num, den=den)) == said


def test_windows_have_a_long_a_short_and_a_written_name() -> None:
    day, week_end = dt.date(2026, 10, 1), dt.date(2026, 10, 4)
    assert fmt.period("quarter", day, day) == "2026 年第 4 季度"
    assert [fmt.tick("quarter", dt.date(2026, month, 1)) for month in (1, 4, 7, 10)] == [
        f"{q} 季度" for q in (1, 2, 3, 4)
    ]
    assert [fmt.period("quarter", dt.date(2026, m, 1), day) for m in (3, 6, 9, 12)] == [
        f"2026 年第 {quarter} 季度" for quarter in (1, 2, 3, 4)
    ]
    assert [fmt.tick("quarter", dt.date(2026, m, 1)) for m in (3, 6, 9, 12)] == [f"{q} 季度" for q in (1, 2, 3, 4)]
    assert fmt.period("year", day, day) == "2026 年" and fmt.period("now", day, day) == "当前"
    assert [fmt.tick(window, day) for window in ("day", "week", "month", "year")] == [
        "10-01",
        "40 周",
        "10 月",
        "2026 年",
    ]
    assert fmt.period_words("week", dt.date(2026, 9, 28), week_end) == "2026年第40周（9月28日至10月4日）"
    assert fmt.period_words("week", dt.date(2026, 11, 16), dt.date(2026, 11, 22)) == "2026年第47周（11月16日至22日）"
    assert fmt.period_words("month", day, dt.date(2026, 10, 31)) == "2026年10月"
    assert fmt.date_words(day) == "10月1日" and fmt.date_words(day, year=True) == "2026年10月1日"
    assert fmt.week(dt.date(2027, 1, 3)) == "2026 年第 53 周" and fmt.day(None) == "—"
    assert (
        fmt.in_prose("截至 11-23 共 12 辆，占 ≥ 92 % ，编号 2026-11-23") == "截至11月23日共12辆，占≥92%，编号2026-11-23"
    )


def test_a_clock_says_its_year_where_it_is_another() -> None:
    moment = dt.datetime(2026, 11, 23, 6, 6, tzinfo=SHANGHAI)
    assert fmt.clock(moment, year=2026) == "11-23 06:06"
    assert fmt.clock(moment, year=2027) == "2026-11-23 06:06"
    assert fmt.clock(moment, dt.date(2026, 11, 22)) == "11-23 06:06"


def test_pace_towns_and_companies_are_short() -> None:
    assert [fmt.pace(ahead) for ahead in (4, 1, 0, -1, -19, None)] == [
        "超序时 4 个百分点", "超序时 1 个百分点", "与序时持平", "落后序时 1 个百分点", "落后序时 19 个百分点", "—",
    ]  # fmt: skip
    assert [fmt.town(name) for name in ("良渚街道", "瓶窑镇", "归属待核", "")] == ["良渚", "瓶窑", "待核", "待核"]
    assert fmt.company("杭州海川运输有限公司") == "海川运输" and fmt.company("绍兴远达有限责任公司") == "绍兴远达"


def test_a_number_ages_from_the_promise_of_its_inputs_or_the_least_its_window_can_show() -> None:
    assert fmt.patience(reading(window="now", stale_after_s=601)) == 601
    assert fmt.patience(reading(complete=False, stale_after_s=901)) == 901
    assert fmt.patience(reading(stale_after_s=6 * 3600 + 1)) == 6 * 3600 + 1


@pytest.mark.parametrize(
    ("goal", "decimals", "said"),
    [(0.98, 2, "≥ 98%"), (0.9855, 2, "≥ 98.55%"), (0.98555, 1, "≥ 98.6%"), (1.0, 1, "≥ 100%")],
)
def test_a_goal_is_as_round_as_it_is(goal: float, decimals: int, said: str) -> None:
    assert fmt.target(Target(goal, None, ""), "ratio", "up", decimals) == said
