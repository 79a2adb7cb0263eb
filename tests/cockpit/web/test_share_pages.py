"""A number for somebody without an account: one view, aggregates only, a week at most, withdrawn at any time, and a
link that is only good as it was given."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.casework import shares
from cockpit.identity import accounts
from cockpit.store import app_db
from tests.cockpit.signing_in import SAME_ORIGIN, sign_in
from warehouse.core.settings import Settings
from warehouse.query.snapshot import Snapshot

FORM = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}
METRIC = "/metric/fleet_online_rate"


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def li(server: Flask, data: Path) -> FlaskClient:
    return sign_in(server.test_client(), data, "analyst", "li")


def make(client: FlaskClient, subject: str = METRIC, **values: str) -> str:
    """The path of a new link."""
    answer = client.post("/shares/add", data={"subject": subject, **values}, headers=FORM)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store", page[-500:]
    return page.split("<code>http://localhost")[1].split("<")[0]


def log(data: Path) -> list[tuple[str, str]]:
    with app_db.reading(Settings(data).state) as connection:
        rows = connection.execute("SELECT event, who FROM audit WHERE event LIKE 'share%' ORDER BY seq")
        return [(row["event"], row["who"]) for row in rows]


def test_who_has_the_link_sees_one_number_with_its_trend_and_towns_and_no_way_on(
    li: FlaskClient, server: Flask, data: Path, book: Snapshot
) -> None:
    assert 'action="/shares/add"' in li.get(METRIC).get_data(as_text=True)
    link, anybody = make(li, f"{METRIC}?window=week&of=rows&q=x"), server.test_client()
    answer = anybody.get(link)
    page = answer.get_data(as_text=True)
    assert (answer.status_code == 200 and "车辆上线率" in page and "余杭街道" in page) or book.places("town")[
        0
    ].label in page
    value = book.read("fleet_online_rate", "week").value
    assert value is not None and f"{value:.1%}".rstrip("%") in page.replace(" ", "")
    assert not re.search(r"<script(?! src=\"/assets/js/theme)", page) and 'href="/' not in page.split("<body")[1]
    assert not any(company.label in page for company in book.places("company")[:50])
    for other in ("/", METRIC, "/api/version", "/shares", "/_dash-layout"):
        assert anybody.get(other).status_code in (302, 401), "the link opens nothing else"
    assert log(data) == [("share_made", "li"), ("share_opened", "share:1")]
    assert "<td>1</td>" in li.get("/shares").get_data(as_text=True).replace(' class="col-figure"', "")


def test_every_altered_letter_closes_the_link(li: FlaskClient, server: Flask, data: Path) -> None:
    link, anybody = make(li), server.test_client()
    token = link.removeprefix("/s/")
    for at in range(len(token)):
        letter = "A" if token[at] != "A" else "B"
        answer = anybody.get(f"/s/{token[:at]}{letter}{token[at + 1 :]}")
        # the last letter of a base64 word may carry bits that mean nothing
        assert answer.status_code == 404 or at in (len(token) - 1, token.index(".") - 1), at
    for odd in ("x", "a.b.c", token[:-5], f"{token}{token}", "%00"):
        page = anybody.get(f"/s/{odd}")
        assert page.status_code == 404 and "Traceback" not in page.get_data(as_text=True)
    assert token not in repr(log(data)) and token.encode() not in Settings(data).state.read_bytes()


@pytest.mark.parametrize("end", ["revoked", "over", "disabled", "role", "signature"])
def test_a_link_ends_at_once_and_says_no_more_than_that(
    li: FlaskClient, server: Flask, data: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, file = make(li), Settings(data).state
    assert server.test_client().get(link).status_code == 200
    if end == "revoked":
        assert li.post("/shares/1/revoke", headers=FORM).status_code == 303
        assert li.post("/shares/1/revoke", headers=FORM).status_code == 404
    elif end == "over":
        with app_db.writing(file) as connection:
            connection.execute("UPDATE share SET expires_at = ?", (time.time() - 1,))
    elif end == "disabled":
        accounts.disable(file, "li", by="sun")
    elif end == "role":
        accounts.set_role(file, "li", "auditor", by="sun")
    else:  # a week after it was signed, whatever the file says
        monkeypatch.setattr(shares, "MOST_DAYS", -1)
    answer = server.test_client().get(link)
    assert answer.status_code == 404 and "已到期或已撤销" in answer.get_data(as_text=True)
    assert log(data)[-1] == ("share_refused", "")


def test_only_numbers_of_the_district_or_a_town_can_be_shared(li: FlaskClient, book: Snapshot) -> None:
    company, town = book.places("company")[0].code, book.places("town")[0].code
    assert make(li, f"{METRIC}?place={town}")
    for subject in (f"{METRIC}?place={company}", f"/company/{company}", "/", "/metric/nope", "//evil", "/shares", ""):
        answer = li.post("/shares/add", data={"subject": subject}, headers=FORM)
        assert answer.status_code == 400, subject
    assert 'action="/shares/add"' not in li.get(f"{METRIC}?place={company}").get_data(as_text=True)


@pytest.mark.parametrize("days", ["8", "-1", "999999999"])
def test_no_link_lives_longer_than_a_week(li: FlaskClient, data: Path, days: str) -> None:
    answer = li.post("/shares/add", data={"subject": METRIC, "days": days}, headers=FORM)
    assert answer.status_code == 400 and "1–7 天" in answer.get_data(as_text=True)


def test_looking_where_a_link_leads_is_not_opening_it(li: FlaskClient, server: Flask, data: Path) -> None:
    assert server.test_client().head(make(li)).status_code == 204
    assert log(data) == [("share_made", "li")]


def test_one_withdraws_only_ones_own(li: FlaskClient, server: Flask, data: Path) -> None:
    link = make(li)
    zhao = sign_in(server.test_client(), data, "duty", "zhao")
    assert zhao.post("/shares/1/revoke", headers=FORM).status_code == 404
    assert link and server.test_client().get(link).status_code == 200
    assert "车辆上线率" not in zhao.get("/shares").get_data(as_text=True)


def test_administrators_share_no_numbers(as_role: Callable[[str], FlaskClient]) -> None:
    for role in ("admin", "security", "auditor"):
        client = as_role(role)
        assert client.get("/shares").status_code == 403
        assert client.post("/shares/add", data={"subject": METRIC}, headers=FORM).status_code == 403
        assert 'action="/shares/add"' not in client.get(METRIC).get_data(as_text=True)
