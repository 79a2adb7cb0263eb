"""账号管理 as the security administrator meets it, and that nobody else meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit.identity import accounts, entry, password_links, second_factor
from cockpit.store import app_db, one_time_key
from tests.cockpit.signing_in import PASSWORD, SAME_ORIGIN, pass_code, post_login, sign_in
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

FORM = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def sun(server: Flask, data: Path) -> FlaskClient:
    """A security administrator."""
    return sign_in(server.test_client(), data, "security", "sun")


@pytest.fixture
def wang(server: Flask, data: Path) -> FlaskClient:
    return sign_in(server.test_client(), data, "leader", "wang")


def act(client: FlaskClient, name: str, deed: str, **values: object) -> TestResponse:
    return client.post(f"/accounts/{name}/{deed}", data=values, headers=FORM)


def text(client: FlaskClient, path: str = "/accounts") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def is_in(client: FlaskClient) -> bool:
    return client.get("/api/version").status_code == 200


def test_the_list_shows_role_scope_last_log_in_and_state(sun: FlaskClient, wang: FlaskClient, data: Path) -> None:
    file, town = Settings(data).state, SnapshotStore(data).current(Scope.ALL).places("town")[0]
    assert 'href="/accounts"' in text(sun, "/") and 'href="/accounts"' not in text(wang, "/")
    accounts.set_scope(file, "wang", [town.code], [], by="sun")
    accounts.add(file, "li", None, "duty", "李**", by="sun")
    page = text(sun)
    for words in ("wang", "张**", "领导", town.label, "已绑定", "可用", "待设密码", "不要求", "满 90 天未登录"):
        assert words in page, words
    assert "还没有可用的系统管理账号" in page and "还没有可用的安全管理账号" not in page


def test_a_new_account_gets_a_link_that_is_shown_once(sun: FlaskClient, data: Path) -> None:
    answer = sun.post("/accounts/add", data={"name": "li", "role": "duty", "display": "李**"}, headers=FORM)
    page = answer.get_data(as_text=True)
    token = page.split("/password/")[1].split("<")[0]
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert password_links.owner(Settings(data).state, token) == "li" and "/password/" not in text(sun, "/accounts/li")
    for odd in ({"name": "li", "role": "duty"}, {"name": "x y", "role": "duty"}, {"name": "zhao", "role": "root"}):
        assert sun.post("/accounts/add", data=odd, headers=FORM).status_code == 400


def test_role_scope_disable_and_reset_end_the_sessions_at_once(
    sun: FlaskClient, wang: FlaskClient, server: Flask, data: Path
) -> None:
    town = SnapshotStore(data).current(Scope.ALL).places("town")[0].code
    for deed, values in (("role", {"role": "safety"}), ("scope", {"town": [town]}), ("disable", {}), ("reset", {})):
        client = server.test_client()
        accounts.enable(Settings(data).state, "wang", by="sun")
        sign_in(client, data, "leader", "wang")
        assert is_in(client)
        assert act(sun, "wang", deed, **values).status_code in (200, 303), deed
        assert not is_in(client), deed
    found = accounts.find(Settings(data).state, "wang")
    assert found and (found.role, found.towns, found.disabled, found.has_password) == ("safety", (town,), False, False)


def test_what_was_done_is_said_and_the_other_way_offered(sun: FlaskClient, wang: FlaskClient) -> None:
    answer = act(sun, "wang", "disable")
    assert answer.location == "/accounts/wang?done=disable"
    page = text(sun, answer.location)
    assert "账号已停用" in page and "已停用" in page and "/accounts/wang/enable" in page
    assert "账号已启用" in text(sun, act(sun, "wang", "enable").location)


def test_a_lost_phone_is_reset_and_the_next_log_in_sets_up_another(
    sun: FlaskClient, wang: FlaskClient, server: Flask, data: Path
) -> None:
    assert "还有 10 个恢复码" in text(sun, "/accounts/wang")
    act(sun, "wang", "factor")
    assert not is_in(wang) and not second_factor.is_set_up(Settings(data).state, "wang")
    client = server.test_client()
    assert post_login(client, "wang", PASSWORD).location == entry.CODE_PAGE
    assert "恢复码" in pass_code(client, data, "wang").get_data(as_text=True) and is_in(client)


def test_a_locked_account_can_be_unlocked_before_the_quarter_of_an_hour(
    sun: FlaskClient, wang: FlaskClient, server: Flask
) -> None:
    for _ in range(accounts.ACCOUNT_FAILS):
        post_login(server.test_client(), "wang", "wrong password!!")
    assert "已锁定" in text(sun) and "/accounts/wang/unlock" in text(sun, "/accounts/wang")
    act(sun, "wang", "unlock")
    assert post_login(server.test_client(), "wang", PASSWORD).status_code == 302


@pytest.mark.parametrize("deed", ["role", "scope", "disable", "enable", "factor", "unlock", "reset"])
def test_nobody_does_any_of_it_to_the_own_account(sun: FlaskClient, data: Path, deed: str) -> None:
    accounts.add(Settings(data).state, "second", PASSWORD, "security")
    answer = act(sun, "sun", deed, role="admin")
    assert answer.status_code == 403 and "自己的账号" in answer.get_data(as_text=True)
    assert is_in(sun) and "/accounts/sun/" not in text(sun, "/accounts/sun")


@pytest.mark.parametrize("kind", ["admin", "auditor"])
def test_the_last_administrator_of_a_kind_stays_also_on_the_page(sun: FlaskClient, data: Path, kind: str) -> None:
    accounts.add(Settings(data).state, "only", PASSWORD, kind)
    for deed, values in (("disable", {}), ("role", {"role": "duty"})):
        answer = act(sun, "only", deed, **values)
        assert answer.status_code == 403 and "最后一个" in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", ["leader", "analyst", "admin", "auditor"])
def test_nobody_else_opens_it_or_acts(as_role: Callable[[str], FlaskClient], wang: FlaskClient, role: str) -> None:
    client = as_role(role)
    assert client.get("/accounts").status_code == client.get("/accounts/wang").status_code == 403
    assert act(client, "wang", "disable").status_code == 403 and is_in(wang)


def test_a_form_without_its_key_or_sent_twice_does_nothing_more(
    sun: FlaskClient, wang: FlaskClient, data: Path
) -> None:
    file, key = Settings(data).state, {one_time_key.FIELD: one_time_key.key()}
    bare = sun.post("/accounts/wang/disable", data={one_time_key.FIELD: ""}, headers=FORM)
    assert bare.status_code == 400 and is_in(wang)
    for _ in range(2):
        assert act(sun, "wang", "disable", **key).location == "/accounts/wang?done=disable"
    with app_db.reading(file) as connection:
        assert connection.execute("SELECT count(*) FROM audit WHERE event = 'user_disabled'").fetchone()[0] == 1


def test_odd_names_deeds_and_places_are_answered_in_chinese(sun: FlaskClient, wang: FlaskClient) -> None:
    assert sun.get("/accounts/nobody").status_code == act(sun, "nobody", "disable").status_code == 404
    assert act(sun, "wang", "delete").status_code == 404
    for values in ({"companies": "91330110MA2ABCDE12 不存在"}, {"town": "a b"}, {"companies": "<script>"}):
        answer = act(sun, "wang", "scope", **values)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 400 and ("没有这家企业" in page or "范围写法不对" in page)
        assert values.get("companies") != "<script>" or "&lt;script&gt;" in page


def test_before_anything_is_published_accounts_can_be_managed(tmp_path: Path) -> None:
    from cockpit.web import app

    (tmp_path / "empty").mkdir()
    client = sign_in(app.create_app(Settings(tmp_path / "empty")).test_client(), tmp_path / "empty", "security", "sun")
    assert "账号管理" in text(client) and "数据发布后" not in text(client, "/accounts/sun")
    accounts.add(Settings(tmp_path / "empty").state, "li", None, "duty")
    assert "数据发布后这里列出镇街" in text(client, "/accounts/li")
