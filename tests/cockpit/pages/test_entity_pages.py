"""Pages of single things: every one of the published picture can be drawn, leads on, and an unknown one is a
sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, g

from cockpit.pages import routes
from cockpit.presentation.key_numbers import key_numbers
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, OUTSIDE, links, words
from warehouse.insight import profiles
from warehouse.query.places import plate
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture
def draw(web: Flask, library: SnapshotStore):  # type: ignore[no-untyped-def]
    def drawn(path: str, search: str = "") -> Any:
        with web.test_request_context("/"):
            g.viewer = LEADER
            page = page_callback.draw(library, path, search)[0]
        assert all(
            routes.known(link.split("?")[0].split("#")[0])
            for link in links(page)
            if link.startswith("/") and not link.startswith(OUTSIDE)
        ), path
        return page

    return drawn


def framed(page: Any) -> bool:
    return getattr(page, "id", "") == "shell-frame"


def test_every_company_and_town_has_its_page(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    for place in book.places("town") + book.places("company"):
        page = draw(f"/{place.grain}/{place.code}")
        assert framed(page) and place.label in words(page), (place, words(page))


def test_a_company_shows_both_flags_its_score_and_who_is_in_charge(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    code = book.ask("SELECT company_key FROM marts.company_day ORDER BY day DESC, v_cnt DESC LIMIT 1")[0][0]
    text = words(draw(f"/company/{code}"))
    found = profiles.company(book, code)
    assert "50辆以上（全部货车）" in text and "50辆以上（重型与牵引）" in text
    assert f"{found.today['v_cnt']} 辆" in text and f"{found.today['vh_cnt']} 辆" in text
    assert all(label in text for label, _ in profiles.ITEMS.values()) and f"{found.scores[0]['score']:.1f}" in text
    assert all(post["role"] in text for post in found.posts)
    total = sum(points for key in profiles.ITEMS if (points := found.scores[0][key]) is not None)
    full = sum(full for key, (_, full) in profiles.ITEMS.items() if found.scores[0][key] is not None)
    assert found.scores[0]["score"] == pytest.approx(100 * total / full, abs=0.1), "the items make the score"


def test_every_vehicle_leads_to_its_alarms_and_every_alarm_to_its_handling(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    for (key,) in book.ask("SELECT vehicle_key FROM marts.vehicle_current WHERE NOT is_trailer ORDER BY 1 LIMIT 12"):
        page = draw(f"/vehicle/{quote(key, safe='')}")
        assert framed(page) and plate(key) in words(page)
    # those of owners with one driver or one vehicle are for a purpose only
    uid, vehicle = book.ask(
        "SELECT a.alarm_uid, a.vehicle_key FROM marts.alarm_event a JOIN marts.alarm_step s USING (alarm_uid) "
        "WHERE a.must_handle AND a.is_v AND a.company_key NOT IN (SELECT company_key FROM marts.one_person_owner) ORDER BY a.raised_at DESC LIMIT 1"
    )[0]
    assert any(f"/alarm/{uid}" in link for link in links(draw(f"/vehicle/{quote(vehicle, safe='')}")))
    text = words(draw(f"/alarm/{uid}"))
    steps = profiles.alarm(book, uid).steps
    assert steps and all(step["action"] in text for step in steps) and "处置过程" in text
    for (other,) in book.ask("SELECT alarm_uid FROM marts.alarm_event ORDER BY raised_at DESC LIMIT 30"):
        assert framed(draw(f"/alarm/{quote(other, safe='')}"))


def test_a_paper_that_no_source_ever_told_of_is_not_called_missing(
    draw: Any, library: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red is what the register of certificates does not hold, not a register that never came."""
    book = library.current(Scope.ALL)
    key = next(
        key
        for (key,) in book.ask("SELECT vehicle_key FROM marts.vehicle_current WHERE NOT is_trailer ORDER BY 1")
        if profiles.vehicle(book, key).facts["permit_to"] is None
    )
    assert "无有效证件" in words(draw(f"/vehicle/{quote(key, safe='')}"))
    monkeypatch.setitem(book._landed, "yz_certificate", 0)
    text = words(draw(f"/vehicle/{quote(key, safe='')}"))
    assert "无有效证件" not in text and "未接入" in text


def test_sites_programmes_units_and_organisations_have_their_pages(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    sites = profiles.sites(book)
    assert sites and framed(draw("/site"))
    for site in sites:
        assert "五项免费基本服务" in words(draw(f"/site/{site['site_id']}"))
    for number in range(1, 7):
        assert "指标与权重" in words(draw(f"/programme/{number}"))
    for unit in profiles.units_of(book):
        text = words(draw(f"/unit/{unit['unit_id']}"))
        assert unit["unit"] in text and not unit["unit"].startswith("DW"), "a unit has a name"
    for (org,) in book.ask(
        "SELECT DISTINCT org_id FROM marts.company_organisation WHERE to_day >= (SELECT max(day) FROM marts.company_day)"
    ):
        assert framed(draw(f"/organisation/{quote(org, safe='')}"))


@pytest.mark.parametrize(
    "path",
    [
        "/company/nope",
        "/town/330110999",
        "/vehicle/xx%231",
        "/alarm/none",
        "/site/none",
        "/programme/7",
        "/unit/none",
        "/organisation/none",
        "/company/330110010",
        "/town/91330110",
    ],
)
def test_an_unknown_one_is_a_sentence(draw: Any, path: str) -> None:
    assert "没有这一页" in words(draw(path))


def test_pages_of_things_keep_to_the_chosen_snapshot(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    company = book.places("company")[0].code
    chosen = f"as_of={book.generation.id}"
    for path in (f"/company/{company}", "/site", "/programme/1", f"/town/{book.places('town')[0].code}"):
        ways = [
            link
            for link in links(draw(path, f"?{chosen}"))
            if link.startswith(("/metric", "/company", "/vehicle", "/alarm", "/site", "/town", "/unit"))
        ]
        assert ways and all(chosen in way for way in ways if not way.startswith(path)), path


def test_pages_of_things_stand_on_an_older_picture(elsewhere: Callable[[str], Flask]) -> None:
    web = elsewhere(
        "".join(
            f"DROP TABLE marts.{name};"
            for name in ("company_organisation", "company_post", "alarm_step", "vehicle_current", "company50_day")
        )
    )
    library: SnapshotStore = web.config["ZHENGBEI_LIBRARY"]
    company = next(one.code for one in library.current(Scope.ALL).places("company") if "个体" not in one.label)
    with web.test_request_context("/"):
        g.viewer = LEADER
        text = words(page_callback.draw(library, f"/company/{company}", "")[0])
    assert "没有党群组织覆盖" in text and "没有登记在册的货车" in text


def test_what_is_searched_leads_to_its_page_and_nothing_found_says_what_can_be_typed(
    draw: Any, library: SnapshotStore
) -> None:
    company = library.current(Scope.ALL).places("company")[0]
    assert f"/company/{company.code}" in links(draw("/search", f"?q={quote(company.label)}"))
    assert "/metric/safe_alarm_handled_rate" in links(draw("/search", "?q=bjczl"))
    assert "没有找到" in words(draw("/search", "?q=zzzz")) and "拼音首字母" in words(draw("/search"))
    assert "<script>" in words(draw("/search", f"?q={quote('<script>')}")), "told as text"


def test_a_place_opens_with_the_numbers_it_answers_for(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    for grain in ("town", "company"):
        named = key_numbers().of(grain)
        assert named and all(grain in book.metrics[name].drill for name in named if name in book.metrics), grain
        page = draw(f"/{grain}/{book.places(grain)[0].code}")
        led = [link.split("?")[0].removeprefix("/metric/") for link in links(page) if link.startswith("/metric/")]
        cards = list(dict.fromkeys(name for name in led if name in named))
        assert cards[:3] == [name for name in named if name in cards][:3] and "fleet_online_rate" in cards
    assert key_numbers().of("district") == ()
