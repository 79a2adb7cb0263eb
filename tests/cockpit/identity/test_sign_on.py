"""Single sign-on against a real OpenID provider on loopback, a CAS server and a proxy: in, out both ways, and whatever
does not fit is one sentence and a line in the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey

from cockpit.identity import accounts, entry
from cockpit.identity.sign_on import oidc, routes, ways
from cockpit.presentation import texts
from cockpit.store import app_db
from cockpit.web import app
from tests.cockpit.signing_in import PASSWORD, SAME_ORIGIN, pass_code
from warehouse.core.errors import ConfigError, Refused
from warehouse.core.settings import Options, Settings

OIDC = 'kind = "oidc"\nissuer = "{issuer}"\nclient_id = "zhengbei"\nclient_secret = "hush"\nclaim = "account"\n'
FAILED = texts.SIGN_ON_FAILED


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as provider:
        place = f"http://localhost:{provider.server_port}"
        for sub, account in (("u-1", "wang"), ("u-2", "nobody"), ("u-3", "li"), ("u-4", "no such name!")):
            httpx.put(f"{place}/users/{sub}", json={"account": account, "name": "张三丰"}).raise_for_status()
        yield place


@pytest.fixture
def house(data: Path) -> Callable[..., Flask]:
    """The site with that signon.toml."""

    def made(text: str, **options: Any) -> Flask:
        (data / "signon.toml").write_text(text, "utf-8")
        (data / "signon.toml").chmod(0o600)
        for name, role in (("wang", "leader"), ("li", "duty")):
            if accounts.find(Settings(data).state, name) is None:
                accounts.add(Settings(data).state, name, PASSWORD, role, "张**")
        return app.create_app(Settings(data, Options(**options)))

    return made


def log(data: Path, event: str) -> list[tuple[str, str]]:
    with app_db.reading(Settings(data).state) as connection:
        rows = connection.execute("SELECT who, detail FROM audit WHERE event = ? ORDER BY seq", (event,))
        return [(row["who"], row["detail"]) for row in rows]


def is_in(client: FlaskClient) -> bool:
    return client.get("/api/version").status_code == 200


def went(client: FlaskClient, sub: str, start: str = "/signon") -> str:
    """To the provider, there as that person, and the address it leads back to."""
    away = client.get(start)
    assert away.status_code == 302, away.get_data(as_text=True)[:200]
    return httpx.post(away.location, data={"sub": sub}, trust_env=False).headers["Location"]


def arrived(client: FlaskClient, back: str) -> Any:
    parts = urlsplit(back)
    return client.get(f"{parts.path}?{parts.query}")


def refused(answer: Any) -> bool:
    page = answer.get_data(as_text=True)
    return answer.status_code == 401 and FAILED in page and "Traceback" not in page


# ---- OpenID Connect ----------------------------------------------------------------------------------------------


def test_a_leader_signs_on_with_our_own_code_after_it_and_leaves_on_both_sides(
    house: Callable[..., Flask], issuer: str, data: Path
) -> None:
    client = house(OIDC.format(issuer=issuer)).test_client()
    assert 'href="/signon"' in client.get("/login").get_data(as_text=True)
    answer = arrived(client, went(client, "u-1", "/signon?next=/health"))
    assert answer.location == entry.CODE_PAGE and not is_in(client), "the second factor is ours"
    assert 'href="/health"' in pass_code(client, data, "wang").get_data(as_text=True) and is_in(client)
    assert log(data, "login") == [("wang", "leader")]
    out = client.post("/logout", headers=SAME_ORIGIN)
    assert out.location == "/login?left=1" and not is_in(client)
    assert "/signon/left" in client.get("/login?left=1").get_data(as_text=True)
    left = urlsplit(client.get("/signon/left").location)
    asked = parse_qs(left.query)
    assert left.path == "/oauth2/end_session" and asked["post_logout_redirect_uri"] == ["http://localhost/login"]
    assert asked["client_id"] == ["zhengbei"]


def test_what_is_sent_to_the_provider_has_state_nonce_and_a_challenge_and_no_secret(
    house: Callable[..., Flask], issuer: str
) -> None:
    client = house(OIDC.format(issuer=issuer)).test_client()
    first, second = (parse_qs(urlsplit(client.get("/signon").location).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"] and first["response_type"] == ["code"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43 and first[name] != second[name]
    assert "hush" not in str(first)


def test_a_provider_that_sees_to_the_second_factor_is_believed_where_the_settings_say_so(
    house: Callable[..., Flask], issuer: str
) -> None:
    client = house(OIDC.format(issuer=issuer) + "second_factor = false\n").test_client()
    assert arrived(client, went(client, "u-1")).location == "/" and is_in(client)


@pytest.mark.parametrize("wrong", ["state", "cookie", "over", "code", "error", "twice"])
def test_what_does_not_fit_is_one_sentence_and_a_line(
    house: Callable[..., Flask], issuer: str, data: Path, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = house(OIDC.format(issuer=issuer)).test_client()
    back = went(client, "u-3")
    if wrong == "state":
        back = back.replace("state=", "state=x")
    elif wrong == "cookie":
        client.delete_cookie(routes.TRIP)
    elif wrong == "over":
        monkeypatch.setattr(routes, "TRIP_S", -1)
    elif wrong == "code":
        back = back.replace("code=", "code=x")
    elif wrong == "error":
        back = f"/signon/back?error=access_denied&state={parse_qs(urlsplit(back).query)['state'][0]}"
    elif wrong == "twice":
        stored = client.get_cookie(routes.TRIP)
        assert stored and arrived(client, back).location == "/"
        client.post("/logout", headers=SAME_ORIGIN)
        client.set_cookie(routes.TRIP, stored.value)
    answer = arrived(client, back)
    assert refused(answer) and not is_in(client)
    [(who, reason)] = log(data, "sign_on_failed")
    assert who == "" and reason and "hush" not in reason


@pytest.mark.parametrize(("sub", "state"), [("u-2", "unknown"), ("u-4", "odd"), ("u-3", "disabled"), ("u-3", "idle")])
def test_who_has_no_account_to_sign_in_to_is_told_no_more_than_anybody(
    house: Callable[..., Flask], issuer: str, data: Path, sub: str, state: str
) -> None:
    client, file = house(OIDC.format(issuer=issuer)).test_client(), Settings(data).state
    if state == "disabled":
        accounts.disable(file, "li", by="sun")
    if state == "idle":
        with app_db.writing(file) as connection:
            connection.execute("UPDATE users SET counted_from = counted_from - ?", (91 * 86400,))
    answer = arrived(client, went(client, sub))
    assert refused(answer) and not is_in(client) and len(log(data, "sign_on_failed")) == 1
    assert {one.name for one in accounts.everyone(file)} == {"wang", "li"}, "nobody is created"


def test_an_unknown_person_gets_an_account_only_with_the_role_that_the_settings_name(
    house: Callable[..., Flask], issuer: str, data: Path
) -> None:
    client = house(OIDC.format(issuer=issuer) + 'new_role = "duty"\n').test_client()
    assert arrived(client, went(client, "u-2")).location == "/" and is_in(client)
    found = accounts.find(Settings(data).state, "nobody")
    assert found and found.role == "duty" and not found.has_password
    assert refused(arrived(client.application.test_client(), went(client.application.test_client(), "u-4")))


def test_a_name_may_be_called_otherwise_here(house: Callable[..., Flask], issuer: str, data: Path) -> None:
    client = house(OIDC.format(issuer=issuer) + '[names]\nnobody = "li"\n').test_client()
    assert arrived(client, went(client, "u-2")).location == "/" and log(data, "login") == [("li", "duty")]


@pytest.mark.parametrize(
    ("change", "is_out"),
    [
        ({}, True),
        ({"iss": "http://elsewhere"}, False),
        ({"aud": "another"}, False),
        ({"iat": 1}, False),
        ({"events": {}}, False),
        ({"nonce": "n"}, False),
        ({"sub": "u-1"}, False),
        ("forged", False),
    ],
)
def test_the_provider_ends_a_session_by_a_signed_token_and_by_nothing_else(
    house: Callable[..., Flask], issuer: str, monkeypatch: pytest.MonkeyPatch, data: Path, change: Any, is_out: bool
) -> None:
    server = house(OIDC.format(issuer=issuer))
    client = server.test_client()
    arrived(client, went(client, "u-3"))
    assert is_in(client)
    key, real = RSAKey.generate_key(2048, {"kid": "test", "use": "sig"}), oidc._remembered

    def remembered(place: str, *, is_new: bool = False) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False)]} if "jwks" in place else real(place, is_new=is_new)

    monkeypatch.setattr(oidc, "_remembered", remembered)
    claims = {
        "iss": issuer,
        "aud": "zhengbei",
        "sub": "u-3",
        "iat": int(time.time()),
        "events": {oidc.LOGOUT_EVENT: {}},
    }
    signing = RSAKey.generate_key(2048, {"kid": "test"}) if change == "forged" else key
    token = jwt.encode({"alg": "RS256", "kid": "test"}, claims | (change if isinstance(change, dict) else {}), signing)
    answer = server.test_client().post("/signon/logout", data={"logout_token": token})
    assert answer.status_code == (204 if is_out or change == {"sub": "u-1"} else 400)
    assert is_in(client) is not is_out


def test_an_unreachable_or_foreign_provider_is_one_sentence_too(house: Callable[..., Flask], issuer: str) -> None:
    for wrong in ("http://127.0.0.1:9", f"{issuer}/elsewhere", f"{issuer}/"):
        client = house(OIDC.format(issuer=wrong)).test_client()
        assert refused(client.get("/signon")) and client.get("/signon/left").location == "/login"


# ---- CAS ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def cas() -> Iterator[tuple[str, dict[tuple[str, str], str]]]:
    """A CAS server: its address, and (ticket, service) → the body that answers it once."""
    tickets: dict[tuple[str, str], str] = {}

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = tickets.pop((query.get("ticket", ""), query.get("service", "")), FAILURE).encode()
            known = urlsplit(self.path).path in ("/cas/p3/serviceValidate", "/cas/serviceValidate")
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/cas", tickets
    server.shutdown()


RESPONSE = '<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">{}</cas:serviceResponse>'
FAILURE = RESPONSE.format('<cas:authenticationFailure code="INVALID_TICKET">no</cas:authenticationFailure>')
SUCCESS = RESPONSE.format(
    "<cas:authenticationSuccess><cas:user>{}</cas:user><cas:attributes><cas:uid>li</cas:uid></cas:attributes>"
    "</cas:authenticationSuccess>"
)
BOMB = '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>' + SUCCESS.format("li&c;")


def service(client: FlaskClient, place: str) -> str:
    """The address that the server is to lead back to."""
    away = client.get("/signon").location
    assert away.startswith(f"{place}/login?")
    return parse_qs(urlsplit(away).query)["service"][0]


@pytest.mark.parametrize("version", [2, 3])
def test_a_ticket_opens_a_session_and_the_server_ends_it(
    house: Callable[..., Flask], cas: tuple[str, dict[tuple[str, str], str]], version: int, data: Path
) -> None:
    place, tickets = cas
    server = house(f'kind = "cas"\nserver = "{place}"\nversion = {version}\n')
    client = server.test_client()
    back = service(client, place)
    tickets[("ST-1", back)] = SUCCESS.format("li")
    assert arrived(client, f"{back}&ticket=ST-1").location == "/" and is_in(client)
    assert b"ST-1" not in Settings(data).state.read_bytes(), "the ticket itself is not stored"
    for said in ("ST-2", "<", "&x;"):
        server.test_client().post("/signon/back", data={"logoutRequest": LOGOUT.format(said)})
        assert is_in(client)
    server.test_client().post("/signon/back", data={"logoutRequest": LOGOUT.format("ST-1")})
    assert not is_in(client) and log(data, "logout")[-1] == ("li", "统一认证已退出")
    assert server.test_client().get("/signon/left").location == f"{place}/logout?service=http%3A%2F%2Flocalhost%2Flogin"


LOGOUT = (
    '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="1">'
    "<samlp:SessionIndex>{}</samlp:SessionIndex></samlp:LogoutRequest>"
)


@pytest.mark.parametrize(
    "body", [FAILURE, "no xml", "", RESPONSE.format(""), SUCCESS.format(""), SUCCESS.format("x"), BOMB]
)
def test_any_other_answer_of_the_server_opens_nothing(
    house: Callable[..., Flask], cas: tuple[str, dict[tuple[str, str], str]], body: str, data: Path
) -> None:
    place, tickets = cas
    client = house(f'kind = "cas"\nserver = "{place}"\n').test_client()
    back = service(client, place)
    tickets[("ST-1", back)] = body
    assert refused(arrived(client, f"{back}&ticket=ST-1")) and not is_in(client)
    assert len(log(data, "sign_on_failed")) == 1


def test_a_ticket_of_another_trip_opens_nothing_and_an_attribute_may_name_the_account(
    house: Callable[..., Flask], cas: tuple[str, dict[tuple[str, str], str]], data: Path
) -> None:
    place, tickets = cas
    server = house(f'kind = "cas"\nserver = "{place}"\nattribute = "uid"\n')
    mine, other = server.test_client(), server.test_client()
    back, theirs = service(mine, place), service(other, place)
    tickets[("ST-1", theirs)] = tickets[("ST-2", back)] = SUCCESS.format("somebody@elsewhere")
    assert refused(arrived(mine, f"{theirs}&ticket=ST-1")), "a session that somebody else began"
    back = service(mine, place)
    tickets[("ST-3", back)] = SUCCESS.format("somebody@elsewhere")
    assert arrived(mine, f"{back}&ticket=ST-3").location == "/" and log(data, "login") == [("li", "duty")]


# ---- a proxy in front --------------------------------------------------------------------------------------------

HEADER = (
    'kind = "header"\nheader = "X-Remote-User"\nproxies = ["10.20.30.1", "10.40.0.0/16"]\nlogout = "https://sso/out"\n'
)


@pytest.mark.parametrize(
    ("peer", "headers", "opens"),
    [
        ("10.20.30.1", {"X-Remote-User": "li"}, True),
        ("10.40.7.7", {"X-Remote-User": "li"}, True),
        ("10.20.30.2", {"X-Remote-User": "li"}, False),
        ("127.0.0.1", {"X-Remote-User": "li"}, False),
        ("10.20.30.2", {"X-Remote-User": "li", "X-Forwarded-For": "10.20.30.1"}, False),
        ("10.20.30.1", {"X-Remote-User": "li,wang"}, False),
        ("10.20.30.1", {"X-Remote-User": ""}, False),
        ("10.20.30.1", {}, False),
        ("10.20.30.1", {"X-Remote-User": "nobody"}, False),
        ("10.20.30.1", {"X-Remote-User": "li", "X-Forwarded-For": "10.1.1.1"}, True),
    ],
)
@pytest.mark.parametrize("behind_proxy", [False, True])
def test_a_header_is_believed_from_the_named_proxy_only(
    house: Callable[..., Flask], peer: str, headers: dict[str, str], opens: bool, behind_proxy: bool
) -> None:
    client = house(HEADER, behind_proxy=behind_proxy).test_client()
    answer = client.get("/signon", headers=headers, environ_base={"REMOTE_ADDR": peer})
    assert (answer.location == "/") if opens else refused(answer)
    assert is_in(client) is opens and client.get("/signon/left").location == "https://sso/out"
    assert client.get("/signon/back").status_code == 404


def test_a_header_on_any_other_page_signs_nobody_in(house: Callable[..., Flask]) -> None:
    client = house(HEADER).test_client()
    headers = {"X-Remote-User": "wang"}
    assert client.get("/", headers=headers, environ_base={"REMOTE_ADDR": "10.20.30.1"}).location == "/login"


def test_a_proxy_by_a_socket_is_named_as_such(house: Callable[..., Flask]) -> None:
    server = house('kind = "header"\nheader = "X-Remote-User"\nproxies = ["unix"]\n')
    for peer, opens in (("", True), ("10.20.30.1", False)):
        client = server.test_client()
        client.get("/signon", headers={"X-Remote-User": "li"}, environ_base={"REMOTE_ADDR": peer})
        assert is_in(client) is opens


# ---- settings ----------------------------------------------------------------------------------------------------


def test_without_the_file_there_is_no_such_way(client: FlaskClient) -> None:
    for path in ("/signon", "/signon/back", "/signon/left"):
        assert client.get(path).status_code == 404
    assert client.post("/signon/logout").status_code == client.post("/signon/back").status_code == 404
    assert "/signon" not in client.get("/login").get_data(as_text=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('kind = "saml"\n', "kind"),
        ('kind = "oidc"\nissuer = "https://sso"\nclient_id = "x"\n', "client_secret"),
        (OIDC.format(issuer="sso.example"), "issuer"),
        (OIDC.format(issuer="https://sso") + 'new_role = "admin"\n', "new_role"),
        (OIDC.format(issuer="https://sso") + 'scope = "profile"\n', "openid"),
        (OIDC.format(issuer="https://sso") + "colour = 1\n", "colour"),
        ('kind = "header"\nheader = "X-User"\nproxies = ["elsewhere"]\n', "proxies"),
        ('kind = "header"\nheader = "X-User"\nproxies = []\n', "proxies"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_names_the_key(data: Path, text: str, says: str) -> None:
    (data / "signon.toml").write_text(text, "utf-8")
    (data / "signon.toml").chmod(0o600)
    with pytest.raises(ConfigError) as stopped:
        ways.read(Settings(data))
    assert says in str(stopped.value) and "hush" not in str(stopped.value)


def test_settings_that_others_can_read_stop_the_start(data: Path) -> None:
    (data / "signon.toml").write_text(OIDC.format(issuer="https://sso"), "utf-8")
    (data / "signon.toml").chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        app.create_app(Settings(data))
