"""The gate: nothing answers without a session, nothing that a body says can open it."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import accounts, gate, rights
from cockpit.identity.gate import OPEN
from cockpit.identity.login import local_target
from cockpit.identity.throttle import ADDRESS_FAILS, PACE_S
from cockpit.pages.routes import known
from cockpit.store import app_db, audit
from cockpit.wall.routes import Heartbeats
from cockpit.web import app
from tests.cockpit.signing_in import CALLBACK, PASSWORD, SAME_ORIGIN, good_body, post, post_login, sign_in
from warehouse.core.errors import Refused
from warehouse.core.settings import Options, Settings

SAMPLES = {"path": "x", "filename": "js/wall/wall.js", "package_name": "dash", "fingerprinted_path": "a.js"}


def every_path(server: Flask) -> list[tuple[str, str, str]]:
    """Path, method and endpoint of every route."""
    found = []
    for rule in server.url_map.iter_rules():
        numbered = re.sub(r"<int:[^>]+>", "1", rule.rule)
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda m: SAMPLES.get(m[1], "sample"), numbered)
        found += [
            (path, method, rule.endpoint) for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS")
        ]
    return found


def test_every_route_is_closed_to_an_anonymous_caller(server: Flask) -> None:
    for path, method, endpoint in every_path(server):
        if path in OPEN or endpoint in rights.OPEN:
            continue
        answer = server.test_client().open(path, method=method, headers=SAME_ORIGIN)
        assert answer.status_code in (302, 401), (method, path, answer.status_code)
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith("/login")


@pytest.mark.parametrize(
    "path",
    [
        "/_dash-layout",
        "/_dash-dependencies",
        "/_reload-hash",
        "/api/version",
        "/api/metric/x",
        "/assets/js/wall/wall.js",
    ],
)
def test_machine_paths_answer_401_and_no_data(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert set(answer.get_json()) == {"error"}


def test_every_callback_is_closed_to_an_anonymous_caller(server: Flask, client: FlaskClient) -> None:
    callbacks = server.config["ZHENGBEI_CALLBACKS"]()
    assert callbacks
    for output in callbacks:
        assert post(client, {**good_body(), "output": output}).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/_dash-layout", "/assets/x", "/healthz"])
def test_a_forged_pathname_in_the_body_opens_nothing(client: FlaskClient, path: str) -> None:
    assert post(client, good_body(path)).status_code == 401


def test_encoded_and_odd_spellings_of_open_paths_stay_closed(client: FlaskClient) -> None:
    for path in (
        "/login/../",
        "//login/..//",
        "/enter/../_dash-layout",
        "/healthz/",
        "/LOGIN",
        "/assets/../login",
        "/%2e%2e/login",
    ):
        assert client.get(path).status_code in (302, 308, 401, 404), path
        assert "react-entry-point" not in client.get(path).get_data(as_text=True)


def test_the_login_page_and_its_files_are_open(client: FlaskClient) -> None:
    page = client.get("/login").get_data(as_text=True)
    for file in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page):
        assert client.get(file).status_code == 200, file
    assert client.get("/healthz").get_data(as_text=True) in ("ok", "empty")


def test_a_page_asked_for_before_login_is_reached_after_it(client: FlaskClient, data: Path) -> None:
    answer = client.get("/metric/fleet_online_rate?window=week")
    assert answer.headers["Location"] == "/login?next=%2Fmetric%2Ffleet_online_rate%3Fwindow%3Dweek"
    sign_in(client, data, "analyst")
    target = "/metric/fleet_online_rate?window=week"
    assert post_login(client.application.test_client(), "zhang", PASSWORD, next=target).headers["Location"] == target


@pytest.mark.parametrize(
    "target",
    ["//evil", "https://evil/", "/\\evil", "javascript:alert(1)", "/_dash-layout", "", None, "/a\r\nb", "/api/x"],
)
def test_the_way_on_after_login_never_leaves_the_site(target: str | None) -> None:
    assert local_target(target) == "/"


# ---- malformed callbacks ----------------------------------------------------------------------------------------

BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"1",
    b"{",
    b"\xff\xfe",
    b"true",
    json.dumps({**good_body(), "output": None}).encode(),
    json.dumps({**good_body(), "output": "nope.children"}).encode(),
    json.dumps({**good_body(), "output": ["a"]}).encode(),
    json.dumps({**good_body(), "outputs": []}).encode(),
    json.dumps({**good_body(), "outputs": {"id": "x", "property": "y"}}).encode(),
    json.dumps({**good_body(), "inputs": None}).encode(),
    json.dumps({**good_body(), "inputs": []}).encode(),
    json.dumps({**good_body(), "inputs": [1, 2, 3]}).encode(),
    json.dumps({**good_body(), "inputs": [{"id": "a", "property": "b", "value": {"c": 1}}] * 3}).encode(),
    json.dumps({**good_body(), "changedPropIds": None}).encode(),
    json.dumps({**good_body(), "changedPropIds": [None]}).encode(),
    json.dumps({**good_body(), "surplus": 1}).encode(),
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_malformed_callback_bodies_are_refused_without_a_trace(signed_in: FlaskClient, body: bytes) -> None:
    answer = post(signed_in, body)
    assert answer.status_code == 400
    assert b"Traceback" not in answer.data and b"File " not in answer.data


def test_a_huge_body_is_413_and_another_type_415(signed_in: FlaskClient) -> None:
    assert post(signed_in, b"x" * 2_000_000).status_code == 413
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert post(signed_in, good_body(), content_type=kind).status_code == 415
    assert signed_in.get(CALLBACK).status_code == 405


@pytest.mark.parametrize(
    "value", ["/metric/" + "a" * 500, "/../../etc/passwd", "\x00", "/metric/x'; DROP TABLE", 7, True, 1e300]
)
def test_odd_values_of_a_well_formed_body_never_fail_the_server(signed_in: FlaskClient, value: object) -> None:
    body = good_body()
    body["inputs"][0]["value"] = value
    answer = post(signed_in, body)
    assert answer.status_code in (200, 400)
    assert b"Traceback" not in answer.data


# ---- cross-site requests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    ],
)
def test_a_writing_request_from_elsewhere_is_refused(signed_in: FlaskClient, headers: dict[str, str]) -> None:
    answer = signed_in.post(CALLBACK, data=json.dumps(good_body()), content_type="application/json", headers=headers)
    assert answer.status_code == 403


def test_our_own_origin_is_enough_where_the_browser_sends_no_fetch_metadata(signed_in: FlaskClient) -> None:
    answer = signed_in.post(
        CALLBACK, data=json.dumps(good_body()), content_type="application/json", headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 200


def test_a_login_form_without_its_own_token_is_refused(client: FlaskClient, data: Path) -> None:
    sign_in(client.application.test_client(), data)
    form = {"user": "zhang", "password": PASSWORD, "token": "forged"}
    assert client.post("/login", data=form, headers=SAME_ORIGIN).status_code == 400
    other = (
        client.application.test_client()
        .get("/login")
        .get_data(as_text=True)
        .split('name="token" value="')[1]
        .split('"')[0]
    )
    client.get("/login")
    assert client.post("/login", data={**form, "token": other}, headers=SAME_ORIGIN).status_code == 400


# ---- sessions over HTTP ------------------------------------------------------------------------------------------


def test_logging_out_ends_the_session_on_the_server(signed_in: FlaskClient) -> None:
    cookie = signed_in.get_cookie("zb_session")
    assert cookie is not None
    assert signed_in.post("/logout", headers=SAME_ORIGIN).status_code == 303
    signed_in.set_cookie("zb_session", cookie.value)
    assert signed_in.get("/api/version").status_code == 401


def test_logging_in_again_gives_a_new_identifier_and_kills_the_old_one(
    signed_in: FlaskClient, server: Flask, data: Path
) -> None:
    first = signed_in.get_cookie("zb_session")
    assert first is not None
    assert signed_in.post("/logout", headers=SAME_ORIGIN).status_code == 303
    sign_in(signed_in, data)
    second = signed_in.get_cookie("zb_session")
    assert second is not None and second.value != first.value
    thief = server.test_client()
    thief.set_cookie("zb_session", first.value)
    assert thief.get("/api/version").status_code == 401


def test_the_session_cookie_is_not_readable_by_scripts_nor_sent_across_sites(client: FlaskClient, data: Path) -> None:
    sign_in(client, data, "analyst")
    header = next(
        h
        for h in post_login(client.application.test_client(), "zhang", PASSWORD).headers.getlist("Set-Cookie")
        if h.startswith("zb_session")
    )
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Path=/" in header and "Secure" not in header


def test_with_tls_the_cookie_is_secure_and_bound_to_the_host(data: Path) -> None:
    secure = app.create_app(Settings(data, Options(tls=True))).test_client()
    sign_in(secure, data, "analyst")
    header = next(
        h
        for h in post_login(secure.application.test_client(), "zhang", PASSWORD).headers.getlist("Set-Cookie")
        if h.startswith("__Host-zb")
    )
    assert "Secure" in header


def test_a_one_time_link_works_once(client: FlaskClient, data: Path, server: Flask) -> None:
    token = gate.create_one_time_link(Settings(data).state)
    assert client.get(f"/enter/{token}").status_code == 302
    assert client.get("/api/version").status_code == 200
    assert server.test_client().get(f"/enter/{token}").status_code == 401


def test_looking_at_where_a_one_time_link_leads_does_not_use_it(server: Flask, data: Path) -> None:
    """A chat or a mail program asks with HEAD before anybody clicks."""
    token = gate.create_one_time_link(Settings(data).state)
    looked = server.test_client().head(f"/enter/{token}")
    assert looked.status_code == 204 and "Set-Cookie" not in looked.headers
    assert server.test_client().get(f"/enter/{token}").status_code == 302


def test_an_address_that_guesses_is_told_to_wait_in_words(client: FlaskClient, server: Flask, data: Path) -> None:
    accounts.add(Settings(data).state, "zhang", PASSWORD, "leader")
    for number in range(ADDRESS_FAILS):
        assert post_login(client, f"guess{number}", "wrong wrong wrong").status_code == 401
    refused = post_login(client, "zhang", PASSWORD)
    assert refused.status_code == 429 and "请等 2 秒再试" in refused.text
    time.sleep(PACE_S)
    assert post_login(server.test_client(), "zhang", PASSWORD).status_code == 302


def test_a_proxy_that_is_not_in_the_settings_does_not_make_everybody_local(client: FlaskClient, data: Path) -> None:
    token = gate.create_one_time_link(Settings(data).state)
    assert client.get(f"/enter/{token}", headers={"X-Forwarded-For": "10.9.9.9"}).status_code == 401
    assert client.get(f"/enter/{token}").status_code == 302, "and it is not spent"


def test_only_the_screen_itself_says_that_it_is_there(
    as_role: Callable[[str], FlaskClient], server: Flask, data: Path
) -> None:
    state = Settings(data).state
    gate.create_device(state, "door")
    wall, token = server.test_client(), gate.create_device(state, "hall")
    assert wall.get(f"/wall/hall?token={token}").status_code == 302
    for role in ("leader", "analyst", "admin", "auditor"):
        client = as_role(role)
        assert 'data-speaks=""' in client.get("/wall/hall").text
        for screen in ("hall", "door", "never"):
            said = client.post(f"/wall/{screen}/heartbeat", json={"scene": "overview"}, headers=SAME_ORIGIN)
            assert said.status_code == 403
    assert wall.post("/wall/door/heartbeat", json={}, headers=SAME_ORIGIN).status_code == 403
    assert Heartbeats(state).roll() == []
    assert 'data-speaks="1"' in wall.get("/wall/hall").text
    assert wall.post("/wall/hall/heartbeat", json={"scene": "overview"}, headers=SAME_ORIGIN).status_code == 204
    assert [row["screen"] for row in Heartbeats(state).roll()] == ["hall"]


def test_a_one_time_link_is_only_good_on_this_machine(client: FlaskClient, data: Path) -> None:
    token = gate.create_one_time_link(Settings(data).state)
    assert client.get(f"/enter/{token}", environ_base={"REMOTE_ADDR": "10.1.2.3"}).status_code == 401


def test_a_forwarded_address_is_not_believed_without_a_known_proxy(client: FlaskClient, data: Path) -> None:
    token = gate.create_one_time_link(Settings(data).state)
    answer = client.get(
        f"/enter/{token}", environ_base={"REMOTE_ADDR": "10.1.2.3"}, headers={"X-Forwarded-For": "127.0.0.1"}
    )
    assert answer.status_code == 401


def test_a_state_file_that_cannot_be_opened_is_an_error_of_the_database(tmp_path: Path) -> None:
    """Whatever stands in its place, and whether or not this process has seen the file before: the gate knows one kind
    of error."""
    (tmp_path / "state.sqlite").mkdir()
    with pytest.raises(sqlite3.Error), app_db.reading(tmp_path / "state.sqlite"):
        pass


def test_without_the_state_file_the_site_is_closed_not_broken(signed_in: FlaskClient, data: Path) -> None:
    Settings(data).state.unlink()
    Settings(data).state.mkdir()
    answer = signed_in.get("/")
    assert answer.status_code == 503
    assert "Traceback" not in answer.get_data(as_text=True)


# ---- wall devices ------------------------------------------------------------------------------------------------


def device(server: Flask, data: Path, screen: str = "hall") -> FlaskClient:
    token = gate.create_device(Settings(data).state, screen, by="test")
    wall = server.test_client()
    answer = wall.get(f"/wall/{screen}?token={token}")
    assert answer.status_code == 302 and "token" not in answer.headers["Location"]
    return wall


def test_a_wall_device_sees_its_wall_and_nothing_else(server: Flask, data: Path) -> None:
    wall = device(server, data)
    assert wall.get("/api/version").status_code == 200
    for path in (
        "/",
        "/metric/fleet_online_rate",
        "/health",
        "/_dash-layout",
        "/api/metric/fleet_online_rate",
        "/wall/other",
    ):
        assert wall.get(path).status_code == 403, path
    assert post(wall, good_body()).status_code == 403


def test_a_stolen_device_cookie_is_useless_from_another_network_and_after_revoking(server: Flask, data: Path) -> None:
    wall = device(server, data)
    assert wall.get("/api/version", environ_base={"REMOTE_ADDR": "10.9.9.9"}).status_code == 401
    number = gate.devices(Settings(data).state)[0]["id"]
    assert gate.revoke_device(Settings(data).state, number)
    assert wall.get("/api/version").status_code == 401


def test_a_device_token_of_one_screen_does_not_open_another(server: Flask, data: Path) -> None:
    token = gate.create_device(Settings(data).state, "hall")
    assert server.test_client().get(f"/wall/lobby?token={token}").status_code == 403


# ---- starting up -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", app.FORBIDDEN)
def test_development_switches_stop_the_start(data: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(Refused, match="拒绝启动"):
        app.create_app(Settings(data))


def test_a_readable_or_short_key_stops_the_start(data: Path) -> None:
    app.create_app(Settings(data))
    key = data / "keys" / "web.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    with pytest.raises(Refused):
        app.create_app(Settings(data))
    key.chmod(0o600)
    for weak in (b"short", bytes(32), b"k" * 32, b"ab" * 16):
        key.write_bytes(weak)
        with pytest.raises(Refused):
            app.create_app(Settings(data))


def test_a_rotated_key_only_asks_to_log_in_again(signed_in: FlaskClient, data: Path) -> None:
    (data / "keys" / "web.key").write_bytes(bytes(range(32)))
    later = app.create_app(Settings(data)).test_client()
    assert post_login(later, "zhang", PASSWORD).status_code == 302


def test_unknown_hosts_are_refused_when_hosts_are_named(data: Path) -> None:
    named = app.create_app(Settings(data, Options(hosts=("cockpit.intranet",)))).test_client()
    assert named.get("/login", headers={"Host": "evil.example"}).status_code == 400
    assert named.get("/login", headers={"Host": "cockpit.intranet"}).status_code == 200


def test_unknown_pages_are_404_not_an_empty_shell(signed_in: FlaskClient) -> None:
    for path in ("/nope", "/metric/", "/metric/../etc/passwd", "/_mcp", "/admin", "/metric/A", "/group/x/y"):
        assert signed_in.get(path).status_code == 404, path
        assert not known(path)


def test_traversal_out_of_the_assets_finds_nothing(signed_in: FlaskClient) -> None:
    for path in (
        "../pyproject.toml",
        "%2e%2e/pyproject.toml",
        "..%2fpyproject.toml",
        "geo/../../pyproject.toml",
        "/etc/passwd",
        "a\x00b",
    ):
        answer = signed_in.get(f"/assets/{path}")
        assert answer.status_code in (400, 404), path


def test_the_audit_log_tells_of_logins_refusals_and_logouts(signed_in: FlaskClient, data: Path) -> None:
    post_login(signed_in.application.test_client(), "zhang", "wrong password!!")
    signed_in.post("/logout", headers=SAME_ORIGIN)
    path = Settings(data).state
    with app_db.reading(path) as connection:
        events = [row["event"] for row in connection.execute("SELECT event FROM audit ORDER BY seq")]
    assert events == ["user_added", "factor_added", "login", "login_failed", "logout"]
    assert audit.verify(path).faults == ()
