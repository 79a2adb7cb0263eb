"""Tiles: four looks that cannot be mistaken for one another, and markup that no source text can break out of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from dash import dcc, html

from cockpit.presentation.reading_view import of_towns, uneven
from cockpit.presentation.static_html import written as render
from cockpit.presentation.tiles import bars, waterfall
from cockpit.presentation.tiles.definition import definition
from cockpit.presentation.tiles.entities import View, entities, pick
from cockpit.presentation.tiles.hero import hero, movement
from cockpit.presentation.tiles.kpi import tile
from cockpit.presentation.tiles.town_map import town_map
from warehouse.catalog.schema import DefinitionChange
from warehouse.compile.metric_sql import Span
from warehouse.compile.reading import DISTRICT, Place, Point, Reading, SourceState, Target
from warehouse.query.contribution import Change, Piece

DAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 23, 6, 6, tzinfo=dt.UTC)
HERE = Place(DISTRICT, "余杭区", "district")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def reading(**changes: object) -> Reading:
    base = Reading(
        "fleet_online_rate",
        "车辆上线率",
        "ratio",
        "up",
        "week",
        dt.date(2026, 11, 16),
        DAY,
        HERE,
        0.934,
        7842.0,
        8396.0,
        "ok",
        NOW,
        900,
        "20261123T060000",
        previous=0.926,
        last_year=0.913,
        target=Target(0.92, 0.9, "区局"),
        judgement="good",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def town(name: str, num: float | None, den: float | None, **changes: object) -> Reading:
    value = None if num is None or not den else num / den
    place = Place(name, name, "town", DISTRICT)
    return reading(
        place=place, num=num, den=den, value=value, status="ok" if value is not None else "insufficient", **changes
    )


def text_of(markup: str) -> str:
    import re

    return re.sub(r"<[^>]+>", " ", markup)


def test_a_card_says_value_unit_change_target_parts_and_its_own_time() -> None:
    markup = render(tile(reading(), decimals=1, href="/metric/fleet_online_rate"))
    words = text_of(markup)
    for expected in (
        "车辆上线率",
        "93.4",
        "%",
        "▲",
        "0.8",
        "目标 ≥ 92%",
        "✓",
        "同比 +2.1",
        "7,842 / 8,396",
        "11-23 14:06",
    ):
        assert expected in words, expected
    assert 'href="/metric/fleet_online_rate"' in markup
    assert f'data-asof="{NOW.isoformat()}"' in markup and 'data-stale-after="21600"' in markup
    running = render(tile(reading(complete=False), decimals=1))
    assert 'data-stale-after="900"' in running, "a running period keeps the promise of its inputs"


LOOKS = {
    "zero": reading(value=0.0, num=0.0, den=8396.0, previous=0.0, judgement="bad"),
    "missing": reading(value=None, num=None, den=None, status="missing", as_of=None, judgement=None),
    "failed": reading(value=None, num=None, den=None, status="failed", judgement=None),
    "insufficient": reading(value=None, num=0.0, den=0.0, status="insufficient", judgement=None),
    "small_cell": reading(value=None, num=3.0, den=None, unit="人", status="small_cell", judgement=None),
}


def test_the_looks_of_zero_missing_failed_insufficient_and_small_are_all_different() -> None:
    text = {}
    for name, item in LOOKS.items():
        markup = render(tile(item, decimals=1))
        shown = markup.split('class="tile-main">')[1].split('<div class="tile-middle"')[0]
        text[name] = text_of(shown).strip()
        assert f"is-{item.status}" in markup
    assert "0.0" in text["zero"] and "%" in text["zero"]
    assert text["missing"] == "未上报" and text["failed"] == "采集故障" and text["insufficient"] == "数据不足"
    assert text["small_cell"] == "不单列"
    assert len(set(text.values())) == len(LOOKS)


def test_a_small_cell_tells_its_number_nowhere() -> None:
    markup = render(tile(LOOKS["small_cell"])) + render(hero(LOOKS["small_cell"]))
    assert "3" not in text_of(markup).replace("11-23 14:06", "").replace("2026", "")


def test_a_card_without_a_data_time_is_not_aged_and_says_so() -> None:
    markup = render(tile(LOOKS["missing"]))
    assert "data-asof" not in markup and "无数据时间" in markup


def test_provisional_held_and_running_numbers_are_marked_in_words() -> None:
    markup = render(tile(reading(provisional=True, held="检查未通过", complete=False)))
    for word in ("暂定", "沿用上期", "本期未结束", "检查未通过"):
        assert word in markup
    assert "is-held" in markup


def test_colour_never_stands_alone() -> None:
    for judgement, mark in (("good", "✓"), ("warn", "!"), ("bad", "✕")):
        assert mark in render(tile(reading(judgement=judgement)))


def test_the_trend_of_a_card_skips_unknown_points() -> None:
    points = [Point(DAY, DAY, v, None, None, "ok") for v in (1.0, 2.0)] + [Point(DAY, DAY, None, None, None, "missing")]
    assert "data:image/svg+xml;base64," in render(tile(reading(), points=points))
    assert "<img" not in render(tile(reading(), points=points[2:]))


def test_source_text_stays_text() -> None:
    place = Place("c1", HOSTILE, "company", "330110001")
    item = reading(label=HOSTILE, place=place, held=HOSTILE, parts={HOSTILE: 1.0})
    table = entities([item], View(), decimals=1, town_name=lambda _: HOSTILE, href=lambda _: "/", link=lambda _: "/")
    for markup in (render(tile(item)), render(hero(item, sentence=HOSTILE)), render(bars.bars([item])), render(table)):
        assert "<script" not in markup and "<img src=x" not in markup
        assert "&lt;script&gt;" in markup


def test_rendering_refuses_what_needs_a_script() -> None:
    for part in (dcc.Graph(), dcc.Store(id="x")):
        with pytest.raises(ValueError, match="脚本"):
            render(html.Div(part))


def test_rendering_writes_plain_html() -> None:
    part = html.Div(
        ["a & b", None, 3, html.Br(), html.Details(html.Summary("x"), open=True)],
        className="c",
        style={"marginTop": "2px", "--n": "1"},
    )
    assert (
        render(part)
        == '<div class="c" style="margin-top:2px;--n:1">a &amp; b3<br><details open><summary>x</summary></details></div>'
    )


# ---- bars, table -------------------------------------------------------------------------------------------------


def test_bars_put_the_best_first_and_places_without_a_value_last() -> None:
    rows = [town("甲", 90, 100), town("乙", None, 0), town("丙", 95, 100)]
    assert [r.place.label for r in bars.ordered(rows)] == ["丙", "甲", "乙"]
    down = [replace(r, better="down") for r in rows]
    assert [r.place.label for r in bars.ordered(down)] == ["甲", "丙", "乙"]
    assert "数据不足" in render(bars.bars(rows))
    assert render(bars.bars([])) and bars.scale([]) == (0.0, 1.0)


def test_bars_of_counts_start_at_zero() -> None:
    assert bars.scale([reading(unit="辆", value=100.0, target=None), reading(unit="辆", value=90.0, target=None)]) == (
        0.0,
        100.0,
    )


def test_the_table_sorts_filters_and_pages_on_the_server() -> None:
    rows = [
        reading(place=Place(f"c{n}", f"公司{n:02d}", "company", "t"), value=n / 100, previous=0.5) for n in range(30)
    ]
    rows.append(reading(place=Place("cx", "公司无数", "company", "t"), value=None, status="missing", previous=None))
    assert [r.place.code for r in pick(rows, View("value", False))][:2] == ["c0", "c1"]
    assert pick(rows, View("value", True))[-1].place.code == "cx", "unknown comes last in either direction"
    assert [r.place.code for r in pick(rows, View(query="公司07"))] == ["c7"]
    made = render(
        entities(
            rows,
            View(page=99),
            decimals=1,
            town_name=str,
            href=lambda r: f"/company/{r.place.code}",
            link=lambda v: f"?page={v.page}",
        )
    )
    assert "3 / 3" in made and "公司无数" in made
    assert "没有符合条件的企业" in render(
        entities(rows, View(query="无此"), decimals=1, town_name=str, href=lambda r: "/", link=lambda v: "/")
    )


# ---- why it changed ----------------------------------------------------------------------------------------------


def split(levels: dict[str, float], mix: float = 0.0, special: tuple[Piece, ...] = ()) -> Change:
    """A change of a ratio from 0.8 by these level effects, with the same part of `mix` in each."""
    day = dt.date(2026, 11, 16)
    spans = (Span(day, day, day), Span(day, day, day))
    pieces = [
        Piece(name, name, "part", level + mix / len(levels), level, (0.0, 1.0), (0.0, 1.0))
        for name, level in levels.items()
    ]
    return Change(
        "town", "previous", True, 0.8, 0.8 + sum(p.amount for p in (*pieces, *special)), spans, (*pieces, *special)
    )


def test_the_waterfall_folds_small_members_without_losing_any() -> None:
    change = split(
        {f"镇{n}": (n - 4) / 100 for n in range(10)},
        0.03,
        (Piece("不单列", "", "hidden", 0.002, 0.002, (0.0, 0.0), (0.0, 0.0)),),
    )
    steps = waterfall.shortened(change, 4)
    assert sum(s.amount for s in steps) == pytest.approx(change.after - change.before, abs=1e-12)
    assert [s.label for s in steps][-3:] == ["其余 6 个", "不单列", "结构变化"]
    markup = render(waterfall.waterfall(change, unit="ratio", decimals=1, better="up", ends=("上周", "本周")))
    assert markup.count("fall-end") == 2 and "结构变化" in markup and "不单列" in markup


def test_the_sentence_of_a_change_names_the_largest_on_both_sides_and_the_mix() -> None:
    text = waterfall.sentence(split({"甲": 0.02, "乙": 0.01, "丙": -0.005, "丁": 0.000001}, 0.004), "ratio", 1)
    assert text == "甲拉升 2.00 个百分点、乙拉升 1.00 个百分点，丙拉低 0.50 个百分点；结构变化 +0.40 个百分点"
    assert waterfall.sentence(split({"甲": 0.0, "乙": 0.0}), "ratio", 1) == ""
    down = waterfall.sentence(split({"甲": 0.01, "乙": -0.03}), "ratio", 1)
    assert down.startswith("乙拉低 3.00 个百分点"), "what went with the change comes first"


def test_the_sentence_names_the_extremes_and_no_cause() -> None:
    towns = [town("甲", 95, 100, previous=0.9), town("乙", 80, 100, previous=0.85)]
    text = movement(reading(), towns, 1)
    assert text == "本周上升 0.8 个百分点；1 个镇街上升、1 个下降，升幅最大 甲 +5.0，降幅最大 乙 −5.0。"
    assert movement(reading(previous=None), towns, 1) == ""


# ---- definition, map ---------------------------------------------------------------------------------------------


class Metric:
    describe, basis, owner, freeze_h, level, id = (
        "统计期内上线 ÷ 入网",
        "参照 160 号",
        "运输管理科",
        72,
        "L1",
        "fleet_online_rate",
    )
    changed = (DefinitionChange(on=dt.date(2026, 11, 23), what="首次发布"),)
    sources = ("gps_location",)


def test_the_definition_card_shows_only_the_sources_below_the_metric() -> None:
    states = [
        SourceState("gps", "location", "动态监控 定位", NOW, NOW, 300, 1000, 3),
        SourceState("yz", "penalty", "运政 处罚", NOW, NOW, 300, 7, 0),
    ]
    words = text_of(
        render(definition(Metric(), states, "SELECT 1", dt.date(2026, 11, 23), "/lineage?metric=fleet_online_rate"))
    )
    for expected in (
        "统计期内上线",
        "动态监控 定位",
        "14:06",
        "运输管理科",
        "首次发布",
        "0.30 %",
        "SELECT 1",
        "72 小时",
    ):
        assert expected in words, expected
    assert "处罚" not in words


def test_without_outlines_there_is_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    from cockpit.presentation.charts import townmap

    monkeypatch.setattr(townmap, "load", lambda: None)
    assert town_map([town("甲", 90, 100)]) is None


@pytest.mark.parametrize(
    ("basis", "tone", "words", "name"),
    [
        ("法规", "good", "达成", "目标"),
        ("本局", "good", "达成", "目标"),
        ("产品建议", "advice", "达到建议值", "建议值"),
    ],
)
def test_only_a_target_with_authority_gives_a_colour(basis: Any, tone: str, words: str, name: str) -> None:
    item = reading(target=Target(0.92, 0.9, "待局确认", basis=basis))
    markup = render(tile(item, decimals=1, href="/metric/fleet_online_rate"))
    assert f"is-{tone}" in markup and f"{name} ≥ 92%" in text_of(markup) and words in markup
    assert (f"优于{name}" in text_of(render(hero(item, decimals=1)))) and f"目标来源：{basis}：待局确认" in render(
        hero(item, decimals=1)
    )
    missed = reading(value=0.8, judgement="bad", target=Target(0.92, 0.9, "待局确认", basis=basis))
    assert ("is-bad" in render(tile(missed, decimals=1))) == (basis != "产品建议")


def test_one_of_one_is_not_ranked_above_22_missed_of_137() -> None:
    rows = [town("一", 1, 1), town("甲", 115, 137), town("乙", 9, 10), town("零", 0, 1), town("无", None, None)]
    assert [r.place.code for r in pick(rows, View("value", True))] == ["乙", "甲", "一", "零", "无"]
    assert [r.place.code for r in pick(rows, View("value", False))] == ["甲", "乙", "零", "一", "无"]
    assert [r.place.code for r in pick(rows, View("den", True))][:3] == ["甲", "乙", "零"]
    table = entities(rows, View("value", True), decimals=1, town_name=str, href=lambda _: "/", link=lambda _: "/")
    assert text_of(render(table)).index("以下分母不足 10，不参与排名") > text_of(render(table)).index("甲")


@pytest.mark.parametrize(
    ("district", "towns", "words"),
    [
        (459, [200, 264], "各镇街合计 464 家，全区 459 家：同一对象可计入几个镇街，全区只计一次。"),
        (464, [200, 259], "各镇街合计 459 家，全区 464 家：其余未能归到镇街。"),
        (459, [200, 259], ""),
        (668, [530, None], "其余 1 个镇街为保护个人不单列。"),
    ],
)
def test_towns_that_do_not_come_to_the_district_say_so(district: float, towns: list[float | None], words: str) -> None:
    def count(value: float | None) -> Reading:
        return reading(value=value, num=value, den=None, unit="家", status="small_cell" if value is None else "ok")

    assert uneven(count(district), [count(one) for one in towns]) == words


def test_a_count_of_persons_of_an_earlier_month_says_so_wherever_it_stands() -> None:
    """On its card, in the row of its company and beside the towns; the year is named where it is another one."""
    month = {"window": "month", "win_start": dt.date(2026, 10, 1), "win_end": dt.date(2026, 10, 31)}
    item = town("良渚", 12, 60, held_from=dt.date(2026, 8, 31), **month)
    card = render(tile(item))
    assert "沿用 8 月" in text_of(card) and "2026 年 8 月以来没有变动，或变动的人数少到会说明是谁" in card
    row = entities([item], View(), decimals=1, town_name=str, href=lambda _: "/", link=lambda _: "/")
    assert "沿用 8 月" in text_of(render(row))
    assert "沿用 2025 年 12 月" in text_of(render(tile(replace(item, held_from=dt.date(2025, 12, 31)))))
    district = reading(num=100.0, den=400.0, value=0.25, **month)
    words = of_towns(district, district, [item, town("仓前", 30, 100, **month)])
    assert words.startswith("1 个镇街沿用较早一期的数")
    hidden = town("五常", None, None, **month)
    rest = of_towns(district, district, [item, replace(hidden, status="small_cell")])
    assert rest.endswith("其余 1 个镇街为保护个人不单列，合计 88 / 340（含沿用的镇街此后的变动）。")
    assert "沿用" not in of_towns(district, district, [replace(item, held_from=None)])
