"""问数 on the search page: the answer is the number of its own page, and never stands without what was understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask, g

from cockpit.identity import rights
from cockpit.identity.sessions import Viewer
from cockpit.pages.questions import card as card_of
from cockpit.pages.questions import pages
from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import present
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, links, walk, words
from tests.warehouse.insight.test_questions import QUESTIONS
from warehouse.insight import operations
from warehouse.insight.findings.ranking import ranked
from warehouse.insight.questions import lexicon
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

HANDLED, ONLINE, COVERED = "safe_alarm_handled_rate", "fleet_online_rate", "mem_org_coverage_rate"
Draw = Callable[..., Any]


@pytest.fixture
def draw(web: Flask, library: SnapshotStore) -> Draw:
    """The card 问数 for what is typed, None where the page has none."""

    def drawn(typed: str, viewer: Viewer = LEADER) -> Any:
        with web.test_request_context("/"):
            g.viewer = viewer
            page = page_callback.draw(library, "/search", f"?q={quote(typed)}")[0]
        return next((part for part in walk(page) if getattr(part, "id", "") == "question"), None)

    return drawn


@pytest.fixture
def book(library: SnapshotStore) -> Snapshot:
    return library.current(Scope.ALL)


def as_role(role: str) -> Viewer:
    return Viewer("person", "li", role, "", "李**", scope=Scope.ALL)


def rows(card: Any) -> list[list[str]]:
    """The lines of its table, in words."""
    lines = [item for item in walk(card) if type(item).__name__ == "Tr"]
    return [[words(cell) for cell in line.children] for line in lines if type(line.children[0]).__name__ == "Td"]


def test_a_number_is_that_of_its_page_and_says_period_and_parts(draw: Draw, book: Snapshot) -> None:
    reading = next(one for one in book.by(HANDLED, "week", "2026-W47") if one.status == "ok")
    town = reading.place
    card = draw(f"上周{town.label}报警处置率")
    view = present(reading, book.metrics[HANDLED].decimals)
    assert view.shown.text in words(card) and view.parts in words(card)
    for chip in ("指标：报警处置率", f"时间：{view.period}", f"地点：{town.label}", "问什么：数值"):
        assert chip in words(card)
    ways = links(card)
    assert f"/metric/{HANDLED}?window=week&at=2026-W47&place={town.code}" in ways
    again = [parse_qs(urlsplit(way).query)["q"][0] for way in ways if way.startswith("/search")]
    assert "上周报警处置率" in again and f"{town.label}报警处置率" in again, "each chip can be dropped"
    assert f"上月{town.label}报警处置率" in again, "and changed"


def test_a_period_without_data_has_no_number(draw: Draw) -> None:
    text = words(draw("2020年10月报警处置率"))
    assert "未上报" in text and "2020 年 10 月" in text


def test_a_period_that_a_metric_is_not_counted_by_is_not_silently_another(draw: Draw) -> None:
    assert "“报警处置率”不按“年”统计" in words(draw("今年以来报警处置率"))
    assert "“企业动态监管得分”不按“日”统计" in words(draw("昨天动态监管得分"))


@pytest.mark.parametrize("order", ["最好", "最差"])
def test_a_ranking_is_that_of_the_findings_with_its_floor(draw: Draw, book: Snapshot, order: str) -> None:
    everyone = book.by(ONLINE, "week", "2026-W47", "company")
    best = [one.place.label for one in ranked(everyone)]
    expected = (best if order == "最差" else best[::-1])[:10]
    card = draw(f"上周上线率{order}的企业")
    assert [line[1] for line in rows(card)] == expected
    assert f"列出 {len(expected)} / {len(best)} 家企业" in words(card)
    if len(everyone) > len(best):
        assert f"另有 {len(everyone) - len(best)} 家没有数或分母不足 10" in words(card)


def test_what_has_no_good_side_is_ranked_by_size_only(draw: Draw) -> None:
    assert "没有好坏之分" in words(draw("夜间行驶占比最差的镇街")) and not rows(draw("夜间行驶占比最差的镇街"))
    assert rows(draw("夜间行驶占比最高的镇街"))


def test_companies_that_lack_something_are_those_with_none_of_it(draw: Draw, book: Snapshot) -> None:
    known = [one for one in book.by(COVERED, grain="company") if one.status == "ok"]
    without = sorted(one.place.label for one in known if not one.value)
    card = draw("哪些50辆以上企业没有党组织")
    assert sorted(line[0] for line in rows(card)) == without
    assert f"{len(known)} 家企业中有 {len(without)} 家没有" in words(card)
    refused = draw("哪些50辆以上企业没有党组织", as_role("duty"))
    assert not rows(refused) and "逐个党群组织与企业的组织覆盖" in words(refused)


def test_places_and_periods_stand_beside_each_other(draw: Draw, book: Snapshot) -> None:
    card = draw("闲林和良渚上月轨迹完整率对比")
    assert [line[0] for line in rows(card)] == ["轨迹完整率 · 闲林街道", "轨迹完整率 · 良渚街道"]
    assert any(
        way.startswith("/compare/dh_track_complete_rate?") and "with=330110011%2C330110010" in way
        for way in links(card)
    )
    periods = [line[1] for line in rows(draw("上周和上上周上线率比较"))]
    assert [one.partition("（")[0] for one in periods] == ["2026 年第 47 周", "2026 年第 46 周"]


def test_the_way_of_a_vehicle_is_its_own_page_with_its_own_right(draw: Draw, book: Snapshot) -> None:
    key = str(book.ask("SELECT max(vehicle_key) FROM marts.vehicle_current")[0][0])
    typed = f"{key.partition('#')[0]} 上周二去了哪里"
    assert f"/vehicle/{quote(key, safe='')}/track?at=2026-11-17" in links(draw(typed))
    refused = draw(typed, as_role("party"))
    assert "/track" not in " ".join(links(refused)) and "车辆行程回放" in words(refused)


def test_alarms_beyond_their_time_are_counted_as_on_the_first_page(draw: Draw, book: Snapshot) -> None:
    waiting = operations.open_by_town(book)
    total, late = (fmt.number(sum(pair[index] for pair in waiting.values())) for index in (0, 1))
    card = draw("超时未处置报警有多少")
    assert f"待处置报警{total}起，其中超时未处置{late}起" in words(card).replace(" ", "")
    assert "/#home-alarms" in links(card)


def test_what_was_not_understood_is_named_and_has_no_answer(draw: Draw) -> None:
    card = draw("西湖区上线率")
    assert "没有理解“西湖区”，因此不作答" in words(card) and "指标：车辆上线率" in words(card)
    assert "hero-value" not in str(card) and not rows(card)
    assert any(parse_qs(urlsplit(way).query).get("q") == ["上线率"] for way in links(card)), "without these words"
    assert "不作预测" in words(draw("明天会有多少报警"))
    assert "不按姓名查人" in words(draw("张三的电话"))


def test_a_word_of_several_meanings_is_offered_as_choices(draw: Draw) -> None:
    again = [parse_qs(urlsplit(way).query).get("q", [""])[0] for way in links(draw("上周报警情况"))]
    assert "上周报警处置率情况" in again and "上周报警处置及时率情况" in again


def test_a_name_to_be_searched_is_no_question(draw: Draw, web: Flask, library: SnapshotStore) -> None:
    assert draw("bjczl") is None and draw("") is None and draw("局长的工资") is None
    with web.test_request_context("/"):
        g.viewer = LEADER
        text = words(page_callback.draw(library, "/search", f"?q={quote('局长的工资')}")[0])
    assert "没有找到“局长的工资”" in text and "也可以直接提问" in text


def test_every_answer_stands_below_what_was_understood(draw: Draw, book: Snapshot) -> None:
    names = {"company": "永途物流", "plate": "浙A00000", "key": "", "code": ""}
    for question in QUESTIONS[::4]:
        card = draw(question["text"].format(**names))
        chips = [part for part in walk(card) if getattr(part, "className", "") == "chip chip-on"]
        assert chips or "none" in question or "{" in question["text"], question["text"]


def test_every_page_that_is_asked_for_has_a_name_and_a_right() -> None:
    paths = set(lexicon.words().pages)
    assert paths == set(pages.PAGES)
    assert all(rights.of_page(path.partition("#")[0]) for path in paths - {"/reports"}), "that one is a route"


def test_the_examples_are_answered(draw: Draw) -> None:
    for example in card_of.EXAMPLES:
        card = draw(example)
        assert "没有理解" not in words(card) and "问什么" in words(card), example
