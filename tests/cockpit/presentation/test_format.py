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
        (234_000_000, "km", 0, "2.34 亿km"),
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
    [(-3, "刚刚"), (0, "刚刚"), (12, "12 秒前"), (60, "1 分钟前"), (7199, "1 小时前"), (90_000, "1 天前"), (None, "—")],
)
def test_ages(seconds: float | None, said: str) -> None:
    assert fmt.age(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(45, "45 秒"), (720, "12 分钟"), (7500, "2 小时 5 分"), (3600, "1 小时"), (90_000, "1 天 1 小时"), (None, "—")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert fmt.duration(seconds) == said


def test_a_snapshot_is_called_by_the_time_it_was_made_at() -> None:
    assert fmt.snapshot("20261123T140500") == "2026-11-23 14:05:00"
