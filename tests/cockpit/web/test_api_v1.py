"""The read API: the page's numbers, described as they are, for who has a token, as long as it holds and no oftener than
it may."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import gate, rights, tokens
from cockpit.store import app_db
from cockpit.web import api_v1
from tests.cockpit.identity.test_gate import every_path
from tests.cockpit.signing_in import SAME_ORIGIN, sign_in
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot import Snapshot

METRIC = "fleet_online_rate"
FORM = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def token(data: Path) -> str:
    return tokens.issue(Settings(data).state, "区数据共享平台", 30, by="sun")


@pytest.fixture
def ask(server: Flask, token: str) -> Callable[..., Any]:
    def get(path: str, given: str = token, **headers: str) -> Any:
        return server.test_client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {given}", **headers})

    return get


def test_a_number_is_that_of_the_page_and_fits_its_description(ask: Callable[..., Any], book: Snapshot) -> None:
    listing = msgspec.convert(ask("/metrics").get_json(), api_v1.Listing)
    assert listing.generation == book.generation.id and len(listing.metrics) == len(book.metrics) == 80
    town = book.places("town")[0].code
    for query in ("?window=week", f"?window=day&place={town}", "?window=month&at=2026-11"):
        found = ask(f"/metrics/{METRIC}{query}").get_json()
        reading = msgspec.convert(found, api_v1.Reading, strict=False)
        window = reading.window
        at = "2026-11" if "at=" in query else None
        assert reading == book.read(METRIC, window, at, reading.place.code), query
    series = msgspec.convert(
        ask(f"/metrics/{METRIC}/series?window=day&count=5").get_json(), api_v1.Series, strict=False
    )
    assert [point.value for point in series.points] == [p.value for p in book.series(METRIC, "day", 5)]
    places = msgspec.convert(ask(f"/metrics/{METRIC}/places?window=day").get_json(), api_v1.Places, strict=False)
    assert {one.place.code for one in places.readings} == {
        one.place.code for one in book.by(METRIC, "day", None, "town")
    }


def test_the_description_names_every_operation_and_nothing_else(ask: Callable[..., Any], server: Flask) -> None:
    stated = ask("/openapi.json").get_json()
    assert stated["openapi"] == "3.1.0"
    there = {
        api_v1._braced(rule.rule.removeprefix("/api/v1"))
        for rule in server.url_map.iter_rules()
        if rule.rule.startswith("/api/v1") and rule.endpoint != "api_v1.description"
    }
    assert set(stated["paths"]) == there

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            return [*([part["$ref"]] if "$ref" in part else []), *(r for v in part.values() for r in references(v))]
        return [r for one in part for r in references(one)] if isinstance(part, list) else []

    for reference in references(stated):
        found = stated
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    assert len(references(stated)) > 20


def test_an_answer_is_the_same_until_its_generation_changes(ask: Callable[..., Any]) -> None:
    first = ask(f"/metrics/{METRIC}?window=week")
    tag = first.headers["ETag"]
    same = ask(f"/metrics/{METRIC}?window=week", **{"If-None-Match": tag})
    assert same.status_code == 304 and same.data == b"" and first.headers["Cache-Control"] == "no-store"
    assert ask(f"/metrics/{METRIC}?window=day").headers["ETag"] != tag
    assert ask(f"/metrics/{METRIC}?window=day", **{"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/metrics/nope", 404),
        (f"/metrics/{METRIC}?window=decade", 400),
        (f"/metrics/{METRIC}?windows=day", 400),
        (f"/metrics/{METRIC}?place=x", 400),
        (f"/metrics/{METRIC}?as_of=19990101T000000", 410),
        (f"/metrics/{METRIC}/series?count=0", 400),
        (f"/metrics/{METRIC}/series?count=61", 400),
        (f"/metrics/{METRIC}/series?count=%D9%A3", 400),
        (f"/metrics/{METRIC}/places?grain=vehicle", 400),
        ("/metrics?x=" + "1" * 300, 400),
    ],
)
def test_a_wrong_question_is_one_chinese_sentence_with_a_way_out(
    ask: Callable[..., Any], path: str, status: int
) -> None:
    answer = ask(path)
    assert answer.status_code == status and set(answer.get_json()) == {"error", "to_do"}
    assert answer.get_json()["error"] and "Traceback" not in answer.get_data(as_text=True)


def test_a_token_reads_the_api_and_opens_nothing_else(ask: Callable[..., Any], server: Flask, token: str) -> None:
    client, bearer = server.test_client(), {"Authorization": f"Bearer {token}", **SAME_ORIGIN}
    for path, method, endpoint in every_path(server):
        if endpoint in rights.OPEN:
            continue
        status = client.open(path, method=method, headers=bearer).status_code
        is_api = endpoint.startswith("api_v1.")
        assert (status not in (302, 401, 403)) == (is_api or path.startswith("/assets/css")), (path, status)
    for method in ("POST", "PUT", "DELETE"):
        assert client.open(f"/api/v1/metrics/{METRIC}", method=method, headers=bearer).status_code == 405


@pytest.mark.parametrize("wrong", ["", "x", "zbt_" + "A" * 43, "revoked", "over", "basic"])
def test_without_a_token_in_force_nothing_is_said(
    ask: Callable[..., Any], server: Flask, data: Path, token: str, wrong: str
) -> None:
    file = Settings(data).state
    given = token if wrong in ("revoked", "over", "basic") else wrong
    if wrong == "revoked":
        assert tokens.revoke(file, 1, by="sun") and not tokens.revoke(file, 1, by="sun")
    if wrong == "over":
        with app_db.writing(file) as connection:
            connection.execute("UPDATE api_token SET expires_at = ?", (time.time() - 1,))
    if wrong == "basic":
        answer = server.test_client().get("/api/v1/metrics", auth=("sun", token))
    else:
        answer = ask("/metrics", given)
    assert answer.status_code == 401 and set(answer.get_json()) == {"error"}


def test_more_than_so_many_questions_a_minute_are_429_for_all_workers_and_the_next_minute_is_new(
    ask: Callable[..., Any], data: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "PER_MINUTE", 3)
    file, now = Settings(data).state, 1_790_000_000.0
    seen = [tokens.find(file, token, now=now) for _ in range(4)]
    assert [one and one[1] for one in seen] == [True, True, True, False]
    later = tokens.find(file, token, now=now + 60)
    assert later and later[1]
    answers = [ask("/metrics") for _ in range(8)]  # at most one minute ends meanwhile: in one of both there are four
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200 and refused and "频繁" in refused[0].get_json()["error"]


def test_people_read_it_too_and_walls_do_not(server: Flask, data: Path) -> None:
    assert sign_in(server.test_client(), data, "analyst", "li").get("/api/v1/metrics").status_code == 200
    wall = server.test_client()
    wall.get(f"/wall/hall?token={gate.create_device(Settings(data).state, 'hall')}")
    assert wall.get("/api/v1/metrics").status_code == 403


def test_a_token_is_given_out_once_on_the_page_withdrawn_and_written_down(server: Flask, data: Path) -> None:
    sun, file = sign_in(server.test_client(), data, "security", "sun"), Settings(data).state
    made = sun.post("/tokens/add", data={"name": "区平台 <b>", "days": "30"}, headers=FORM)
    token = made.get_data(as_text=True).split("<code>")[1].split("<")[0]
    page = sun.get("/tokens").get_data(as_text=True)
    assert made.headers["Cache-Control"] == "no-store" and tokens.find(file, token) is not None
    assert token not in page and "区平台 &lt;b&gt;" in page and "有效" in page and "张**" in page
    assert token.encode() not in b"".join(f.read_bytes() for f in data.iterdir() if f.is_file())
    assert sun.post("/tokens/1/revoke", headers=FORM).status_code == 303 and tokens.find(file, token) is None
    assert sun.post("/tokens/1/revoke", headers=FORM).status_code == 404 and "已撤销" in sun.get("/tokens").get_data(
        as_text=True
    )
    for odd in ({"name": "x", "days": "30"}, {"name": "区平台", "days": "0"}, {"name": "区平台", "days": "x"}):
        assert sun.post("/tokens/add", data=odd, headers=FORM).status_code == 400
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT event, who, detail FROM audit WHERE event LIKE 'token_%'").fetchall()
    assert [row[:2] for row in rows] == [("token_added", "sun"), ("token_revoked", "sun")] and token not in repr(rows)


@pytest.mark.parametrize("days", [0, -1, 367, 10**6])
def test_no_token_is_for_ever(data: Path, days: int) -> None:
    with pytest.raises(UsageError, match="有效期"):
        tokens.issue(Settings(data).state, "区平台", days)


def test_nobody_but_the_security_administrator_gives_out_tokens(as_role: Callable[[str], FlaskClient]) -> None:
    for role in ("leader", "analyst", "admin", "auditor"):
        client = as_role(role)
        assert client.get("/tokens").status_code == client.post("/tokens/add", headers=FORM).status_code == 403
