"""The second step of a log-in and the pages where a password is set, over HTTP as a browser does it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import unquote

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import accounts, entry, password_links, rights, second_factor
from cockpit.store import app_db
from cockpit.web import app
from tests.cockpit.signing_in import PASSWORD, SAME_ORIGIN, pass_code, post_code, post_login, sign_in
from warehouse.core.settings import Options, Settings


@pytest.fixture
def leader(client: FlaskClient, data: Path) -> FlaskClient:
    """With the password right and the code to go."""
    accounts.add(Settings(data).state, "wang", PASSWORD, "leader", "王**")
    answer = post_login(client, "wang", PASSWORD, next="/metric/fleet_online_rate")
    assert answer.status_code == 302 and answer.location == entry.CODE_PAGE
    return client


def events(data: Path, *wanted: str) -> list[str]:
    with app_db.reading(Settings(data).state) as connection:
        rows = [row["event"] for row in connection.execute("SELECT event FROM audit ORDER BY seq")]
    return [event for event in rows if event in wanted]


def is_in(client: FlaskClient) -> bool:
    return client.get("/api/version").status_code == 200


def shown_secret(client: FlaskClient) -> str:
    page = client.get(entry.CODE_PAGE).get_data(as_text=True)
    return page.split("<code>")[1].split("</code>")[0].replace(" ", "")


def test_a_right_password_alone_opens_nothing_for_a_leader(leader: FlaskClient) -> None:
    assert not is_in(leader) and leader.get("/").location == "/login"


def test_setting_up_shows_a_code_that_is_drawn_here_and_ends_with_recovery_codes(
    leader: FlaskClient, data: Path
) -> None:
    page = leader.get(entry.CODE_PAGE).get_data(as_text=True)
    drawing = page.split('class="login-qr" src="data:image/svg+xml')[1].split('"')[0]
    assert "//" not in unquote(drawing).replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    assert post_code(leader, "000000").status_code == 401 and not is_in(leader)
    answer = pass_code(leader, data, "wang")
    codes = re.findall(r"<li><code>([0-9A-Z-]+)</code>", answer.get_data(as_text=True))
    assert len(codes) == second_factor.RECOVERY_CODES and is_in(leader)
    assert 'href="/metric/fleet_online_rate"' in answer.get_data(as_text=True), "the way on is the page asked for"
    assert answer.headers["Cache-Control"] == "no-store"
    assert events(data, "factor_failed", "factor_added", "login") == ["factor_failed", "factor_added", "login"]


def test_the_next_log_in_asks_for_a_code_and_shows_no_secret(leader: FlaskClient, server: Flask, data: Path) -> None:
    secret = shown_secret(leader)
    first = pyotp.TOTP(secret).now()
    post_code(leader, first)
    later = server.test_client()
    post_login(later, "wang", PASSWORD, next="/health")
    page = later.get(entry.CODE_PAGE).get_data(as_text=True)
    assert secret not in page.replace(" ", "") and "login-qr" not in page and "恢复码" in page
    assert post_code(later, first).status_code == 401 and not is_in(later), "a code that was seen is spent"
    found = post_code(later, pyotp.TOTP(secret).at(int(time.time()) + 30))
    assert found.status_code == 303 and found.location == "/health" and is_in(later)


@pytest.mark.parametrize("role", rights.PEOPLE)
def test_leaders_and_administrators_need_a_code_and_nobody_does_where_it_is_off(
    data: Path, server: Flask, role: str
) -> None:
    accounts.add(Settings(data).state, "li", PASSWORD, role)
    needs = post_login(server.test_client(), "li", PASSWORD).location == entry.CODE_PAGE
    assert needs == (role in ("leader", "admin", "security", "auditor"))
    relaxed = app.create_app(Settings(data, Options(second_factor=False))).test_client()
    assert post_login(relaxed, "li", PASSWORD).location == "/" and is_in(relaxed)


def test_who_becomes_a_leader_sets_up_a_code_at_the_next_log_in(server: Flask, data: Path) -> None:
    client = sign_in(server.test_client(), data, "analyst", "li")
    accounts.set_role(Settings(data).state, "li", "leader")
    assert not is_in(client) and post_login(client, "li", PASSWORD).location == entry.CODE_PAGE


def test_the_half_way_cookie_is_worth_five_minutes_and_only_as_it_was_given(
    leader: FlaskClient, server: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = leader.get_cookie(entry.HALF)
    assert cookie is not None and cookie.http_only
    # the last letter of a base64 word may carry bits that mean nothing
    last = {at - 1 for at, letter in enumerate(f"{cookie.value}.") if letter == "."}
    for at in sorted(set(range(0, len(cookie.value), 7)) - last):
        forged = server.test_client()
        letter = "A" if cookie.value[at] != "A" else "B"
        forged.set_cookie(entry.HALF, cookie.value[:at] + letter + cookie.value[at + 1 :])
        assert forged.get(entry.CODE_PAGE).location == "/login"
    monkeypatch.setattr(entry, "HALF_S", -1)
    assert leader.get(entry.CODE_PAGE).location == "/login"


@pytest.mark.parametrize("change", ["disable", "reset"])
def test_what_happens_to_the_account_meanwhile_ends_the_half_way(leader: FlaskClient, data: Path, change: str) -> None:
    file = Settings(data).state
    if change == "disable":
        accounts.disable(file, "wang")
    else:
        password_links.issue(file, "wang")
    assert leader.get(entry.CODE_PAGE).location == "/login"


def test_a_code_form_from_elsewhere_is_refused(leader: FlaskClient, data: Path) -> None:
    code = pyotp.TOTP(shown_secret(leader)).now()
    for form in ({"code": code}, {"code": code, "token": "forged"}):
        assert leader.post(entry.CODE_PAGE, data=form, headers=SAME_ORIGIN).status_code == 400
    assert (
        leader.post(entry.CODE_PAGE, data={"code": code}, headers={"Origin": "http://evil.example"}).status_code == 403
    )
    assert not is_in(leader)


# ---- passwords ---------------------------------------------------------------------------------------------------


def post_password(client: FlaskClient, path: str, **values: str) -> str:
    token = client.get(path).get_data(as_text=True).split('name="token" value="')[1].split('"')[0]
    answer = client.post(path, data={"token": token, **values}, headers=SAME_ORIGIN)
    return answer.get_data(as_text=True) if answer.status_code != 303 else answer.location or ""


def test_a_link_leads_to_a_form_that_sets_the_password_once(client: FlaskClient, data: Path) -> None:
    file, words = Settings(data).state, "a sentence of one's own"
    accounts.add(file, "li", None, "duty", "李**")
    path = f"/password/{password_links.issue(file, 'li', by='sun')}"
    assert client.head(path).status_code == 200 and "账号 li" in client.get(path).get_data(as_text=True)
    assert "不一样" in post_password(client, path, password=words, again=words + "x")
    assert "容易被猜到" in post_password(client, path, password="aaaaaaaaaaaa", again="aaaaaaaaaaaa")
    assert client.post(path, data={"password": words, "again": words}, headers=SAME_ORIGIN).status_code == 400
    assert "密码已设好" in post_password(client, path, password=words, again=words)
    spent = client.get(path)
    assert spent.status_code == 404 and "已使用或已过期" in spent.get_data(as_text=True)
    assert post_login(client, "li", words).location == "/"


def test_a_person_changes_the_own_password_by_the_old_one_and_signs_in_again(client: FlaskClient, data: Path) -> None:
    sign_in(client, data, "duty", "li")
    words = "a sentence of one's own"
    assert "现在的密码不正确" in post_password(client, "/password", old="wrong", password=words, again=words)
    assert "容易被猜到" in post_password(
        client, "/password", old=PASSWORD, password="qwertyuiop123", again="qwertyuiop123"
    )
    assert post_password(client, "/password", old=PASSWORD, password=words, again=words) == "/login"
    assert not is_in(client) and post_login(client, "li", words).location == "/"
    assert events(data, "password_changed") == ["password_changed"]
