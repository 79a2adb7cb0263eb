"""The table of rights is what the server does: every role × every route, every role × every page, no difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import gate, rights
from cockpit.identity.rights import ADMINISTRATORS, PEOPLE, TABLE
from cockpit.identity.sessions import Viewer
from cockpit.pages import routes
from cockpit.presentation import texts
from cockpit.store import app_db
from tests.cockpit.identity.test_gate import every_path
from tests.cockpit.signing_in import SAME_ORIGIN, good_body, post
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope

README = Path(__file__).parents[3] / "cockpit" / "README.md"
NAMES = {
    "/programme/*": "/programme/1",
    "/town/*": "/town/330110",
    "/company/*/driver/*": f"/company/c/driver/{'0' * 18}",
}
"""Pages whose names are numbers."""


def page_paths() -> list[str]:
    return [NAMES.get(page, page.replace("*", "sample")) for page in sorted(routes.paths())]


@pytest.mark.parametrize("role", PEOPLE)
def test_every_route_answers_a_role_as_the_table_says(
    server: Flask, as_role: Callable[[str], FlaskClient], role: str
) -> None:
    client, differences = as_role(role), []
    for path, method, endpoint in every_path(server):
        right = rights.of_route(endpoint)
        if right is None or endpoint in ("/", "/<path:path>", "_dash_assets.static"):  # ours stand before Dash's own
            continue
        status = client.open(path, method=method, headers=SAME_ORIGIN).status_code
        if (status != 403) != rights.has(role, right):
            differences.append((role, method, path, status, right))
    assert differences == []


@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_answers_a_role_as_the_table_says(
    as_role: Callable[[str], FlaskClient], data: Path, role: str
) -> None:
    client, differences = as_role(role), []
    for path in page_paths():
        right = rights.of_page(path)
        assert right is not None, path
        drawn = post(client, good_body(path)).get_json()["response"]["shell-title"]["data"]
        answers = {client.get(path).status_code != 403, not drawn.startswith("没有权限")}
        if answers != {rights.has(role, right)}:
            differences.append((role, path, answers, right))
    assert differences == []
    with app_db.reading(Settings(data).state) as connection:
        denied = connection.execute("SELECT count(*), count(DISTINCT who) FROM audit WHERE event = 'denied'").fetchone()
    assert tuple(denied) in ((0, 0), (2 * sum(not rights.has(role, rights.of_page(p) or "") for p in page_paths()), 1))


def test_a_wall_device_has_its_two_rights_and_no_page(server: Flask, data: Path) -> None:
    wall = server.test_client()
    wall.get(f"/wall/sample?token={gate.create_device(Settings(data).state, 'sample', by='test')}")
    for path, method, endpoint in every_path(server):
        right = rights.of_route(endpoint)
        if right is None or endpoint == "_dash_assets.static":
            continue
        status = wall.open(path, method=method, headers=SAME_ORIGIN).status_code
        assert (status != 403) == (right in ("files", "wall", "heartbeat")), (path, status)
    assert {name for name, right in TABLE.items() if rights.SCREEN in right.roles} == {"files", "wall", "heartbeat"}


def test_administration_is_divided() -> None:
    """What one kind of administrator may, another may only where everybody may."""
    own = {role: {name for name, right in TABLE.items() if role in right.roles != PEOPLE} for role in ADMINISTRATORS}
    common = {name for name, right in TABLE.items() if set(PEOPLE) <= set(right.roles)}
    for role, others in ((role, set(ADMINISTRATORS) - {role}) for role in ADMINISTRATORS):
        for other in others:
            assert own[role] & own[other] <= common, (role, other)
    assert not any(rights.has(role, right) for role in ADMINISTRATORS for right in ("drivers", "tracks", "alarms"))


def test_a_role_that_nobody_declared_may_do_nothing() -> None:
    for role in ("", "root", "Admin", "screen "):
        assert not any(rights.has(role, right) for right in TABLE)
    assert not rights.may(Viewer("device", "screen:1", "admin", "hall", scope=Scope.ALL), "screens"), (
        "a device is a screen"
    )


def test_a_new_route_or_page_without_a_right_is_named() -> None:
    routes_, pages = {*rights.OPEN, *(r for right in TABLE.values() for r in right.routes)}, routes.paths()
    assert rights.unplaced(routes_, pages) == []
    assert rights.unplaced({*routes_, "backdoor"}, {*pages, "/secret"}) == ["/secret", "backdoor"]
    assert rights.unplaced(routes_ - {"export"}, pages) == ["export"]


def test_every_role_has_a_name_and_the_readme_shows_the_table() -> None:
    assert {*PEOPLE, rights.SCREEN, rights.TOKEN} == set(texts.ROLES)
    assert {role for right in TABLE.values() for role in right.roles} <= set(texts.ROLES)
    stated = re.search(r"\n(\| \| 领导 .*?)\n*\Z", README.read_text("utf-8"), re.S)
    assert stated and stated[1].strip() == rights.table(), f"cockpit/README.md › 谁能看什么:\n{rights.table()}"
