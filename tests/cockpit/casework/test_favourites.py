"""我的页面: what a person keeps, in whose order, told anew by the rights of the day; stars on cards and in toolbars."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.casework import favourites
from cockpit.identity import accounts, sessions
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from tests.cockpit.signing_in import SAME_ORIGIN, said, sign_in
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot

WANG, LI = Viewer("person", "wang", "leader", scope=Scope.ALL), Viewer("person", "li", "analyst", scope=Scope.ALL)
ONLINE, TRUCKS = "/metric/fleet_online_rate?window=week", "/metric/fleet_vehicle_cnt"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


def act(client: FlaskClient, word: str, place: str, **headers: str) -> Any:
    return client.post(f"/mine/{word}", data={"place": place}, headers=headers or SAME_ORIGIN)


def stars(client: FlaskClient, path: str, search: str = "") -> dict[str, str]:
    """Place → aria-pressed of the stars on a page."""
    buttons = [
        dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<button[^>]*>", said(client, path, search))
    ]
    return {unescape(one["data-place"]): one["aria-pressed"] for one in buttons if one.get("data-mine") == "star"}


def company(book: Snapshot) -> str:
    return book.places("company")[0].code


def test_places_stand_in_the_order_of_their_owner_and_of_nobody_else(file: Path) -> None:
    for place in (ONLINE, "/site/a", TRUCKS, ONLINE):
        favourites.keep(file, WANG, place)
    favourites.keep(file, LI, TRUCKS)
    assert favourites.places(file, WANG) == (ONLINE, "/site/a", TRUCKS) and favourites.places(file, LI) == (TRUCKS,)
    favourites.move(file, WANG, TRUCKS, -1)
    assert favourites.places(file, WANG) == (TRUCKS, "/site/a", ONLINE), "numbers change places among themselves"
    for place, by in ((TRUCKS, -1), (ONLINE, 1), ("/site/a", 1), ("/site/b", 1)):
        favourites.move(file, WANG, place, by)
    assert favourites.places(file, WANG) == (TRUCKS, "/site/a", ONLINE), "the first does not go up, the last not down"
    favourites.drop(file, WANG, "/site/a")
    favourites.drop(file, WANG, "/site/a")
    favourites.keep(file, WANG, "/site/a")
    assert favourites.places(file, WANG) == (TRUCKS, ONLINE, "/site/a")
    assert audit.verify(file).faults == ()
    with app_db.reading(file) as connection:
        events = [
            (row["event"], row["subject"])
            for row in connection.execute("SELECT event, subject FROM audit WHERE who = 'wang' ORDER BY seq")
        ]
    assert events == [
        ("favourite_keep", ONLINE),
        ("favourite_keep", "/site/a"),
        ("favourite_keep", TRUCKS),
        ("favourite_drop", "/site/a"),
        ("favourite_keep", "/site/a"),
    ]


def test_sixty_are_enough_and_one_more_is_refused_in_words(file: Path) -> None:
    for number in range(favourites.MOST):
        favourites.keep(file, WANG, f"/site/{number}")
    favourites.keep(file, WANG, "/site/3")
    with pytest.raises(UsageError, match="最多 60 项"):
        favourites.keep(file, WANG, "/site/one-more")
    assert len(favourites.places(file, WANG)) == favourites.MOST


def test_a_device_has_none(file: Path, server: Flask, data: Path) -> None:
    assert favourites.places(file, Viewer("device", "wang", "screen", scope=Scope.ALL)) == ()
    wall = server.test_client()
    token = sessions.create_device(Settings(data).state, "hall", by="admin")
    assert wall.get(f"/wall/hall?token={token}").status_code == 302
    assert act(wall, "keep", ONLINE).status_code == 403 and wall.get("/mine").status_code == 403


@pytest.mark.parametrize(
    "place",
    [
        "/",
        "/group/fleet",
        "/company/x/driver/000000000000000000",
        "/metric/no_such",
        "//evil.example/",
        "https://evil.example/",
        "/search?q=x",
        "/quarantine",
        "/metric/fleet_online_rate?at=x'",
        "",
    ],
)
def test_what_is_no_place_is_not_kept(as_role: Callable[[str], FlaskClient], data: Path, place: str) -> None:
    assert act(as_role("leader"), "keep", place).status_code in (400, 404)
    assert favourites.places(Settings(data).state, Viewer("person", "user-leader", "leader", scope=Scope.ALL)) == ()


def test_neither_the_snapshot_nor_typed_words_are_kept(
    as_role: Callable[[str], FlaskClient], data: Path, book: Snapshot
) -> None:
    answer = act(
        as_role("leader"),
        "keep",
        f"/metric/fleet_online_rate?window=week&as_of={book.generation.id}&q=13800138000&page=2&by=town&evil=1",
    )
    assert answer.status_code == 200 and answer.get_json() == {"count": 1, "most": favourites.MOST}
    assert favourites.places(Settings(data).state, Viewer("person", "user-leader", "leader", scope=Scope.ALL)) == (
        "/metric/fleet_online_rate?window=week&by=town",
    )


def test_a_star_on_card_and_page_says_whether_its_place_is_kept(as_role: Callable[[str], FlaskClient]) -> None:
    leader, shown = (
        as_role("leader"),
        [
            ("/", ""),
            ("/group/fleet", ""),
            ("/metric/fleet_online_rate", "?window=week"),
            ("/metric/fleet_online_rate", "?window=week&page=2"),
        ],
    )
    assert [stars(leader, *page).get(ONLINE) for page in shown] == ["false"] * 4
    act(leader, "keep", ONLINE)
    assert [stars(leader, *page).get(ONLINE) for page in shown] == ["true"] * 4
    assert stars(as_role("analyst"), "/")[ONLINE] == "false", "another person has other stars"


def test_my_page_shows_the_same_numbers_and_leads_on(as_role: Callable[[str], FlaskClient], book: Snapshot) -> None:
    leader, town = as_role("leader"), book.places("town")[0]
    assert "还没有收藏" in said(leader, "/mine")
    vehicle = book.ask("SELECT vehicle_key FROM marts.vehicle_current ORDER BY 1 LIMIT 1")[0][0]
    alarm = book.ask("SELECT alarm_uid FROM marts.alarm_event ORDER BY raised_at DESC LIMIT 1")[0][0]
    site, unit = (
        book.ask("SELECT site_id FROM marts.site LIMIT 1")[0][0],
        book.ask("SELECT unit_id FROM marts.unit_task LIMIT 1")[0][0],
    )
    organisation = book.ask("SELECT org_id FROM marts.company_organisation WHERE to_day >= current_date LIMIT 1")[0][0]
    places = [
        ONLINE,
        f"/metric/fleet_online_rate?window=week&at=2026-W46&place={town.code}",
        f"/town/{town.code}",
        f"/company/{company(book)}",
        f"/company/{company(book)}/drivers",
        f"/vehicle/{quote(vehicle, safe='')}",
        f"/alarm/{quote(alarm, safe='')}",
        f"/site/{quote(site, safe='')}",
        f"/unit/{quote(unit, safe='')}",
        f"/organisation/{quote(organisation, safe='')}",
        "/programme/1",
    ]
    for place in places:
        assert act(leader, "keep", place).status_code == 200, place
    page = said(leader, "/mine")
    value = book.read("fleet_online_rate", "week").value
    assert value is not None and f"{value * 100:.1f}" in page and town.label in page and "第 46 周" in page
    for place in places:
        assert f'href="{escape(place)}"' in page, place
    assert (
        "镇街 · 业户" in page
        and "领航护航" in page
        and "驾驶员名单" in page
        and "当前快照中没有" not in page
        and "无法显示" not in page
    )
    pinned = said(leader, "/mine", f"?as_of={book.generation.id}")
    assert f'href="{escape(places[1])}&amp;as_of={book.generation.id}"' in pinned
    for place in places:
        assert act(leader, "drop", place).status_code == 200
    assert "还没有收藏" in said(leader, "/mine")


def test_what_cannot_be_shown_stays_with_its_reason(
    as_role: Callable[[str], FlaskClient], data: Path, book: Snapshot
) -> None:
    file, viewer = Settings(data).state, Viewer("person", "user-auditor", "auditor", scope=Scope.ALL)
    auditor = as_role("auditor")
    assert act(auditor, "keep", f"/company/{company(book)}/drivers").status_code == 403
    for place in (
        f"/company/{company(book)}/drivers",
        "/metric/abolished_rate",
        "/vehicle/gone",
        "/metric/fleet_online_rate?place=330110999",
        "/group/fleet",
    ):
        favourites.keep(file, viewer, place)
    page = said(auditor, "/mine")
    assert all(
        words in page
        for words in ("没有权限", "该指标已不在目录中", "当前快照中没有这一项", "没有这个地方或企业", "这一页不能收藏")
    )
    assert page.count('data-mine="drop"') == 5
    for place in favourites.places(file, viewer):
        assert act(auditor, "drop", place).status_code == 200
    assert favourites.places(file, viewer) == ()


def test_a_role_that_is_taken_away_takes_the_sight_and_not_the_entry(server: Flask, data: Path, book: Snapshot) -> None:
    file, place = Settings(data).state, f"/company/{company(book)}/drivers"
    assert act(sign_in(server.test_client(), data, "leader", "chen"), "keep", place).status_code == 200
    accounts.set_role(file, "chen", "auditor")
    page = said(sign_in(server.test_client(), data, "auditor", "chen"), "/mine")
    assert "没有权限" in page and f'href="{place}"' not in page and f'data-place="{place}"' in page


def test_nothing_is_kept_from_another_site_or_by_an_unknown_word(
    as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    leader = as_role("leader")
    assert act(leader, "keep", ONLINE, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert act(leader, "destroy", ONLINE).status_code == 404 and leader.get("/mine/keep").status_code in (404, 405)
    assert favourites.places(Settings(data).state, Viewer("person", "user-leader", "leader", scope=Scope.ALL)) == ()
