"""The phone page: who may steer, what it says of the screen, and that a command reaches the screen's next question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cockpit.identity import gate
from cockpit.wall import layouts as layout
from cockpit.web import app
from tests.cockpit.signing_in import SAME_ORIGIN, sign_in
from warehouse.catalog.metrics import metrics
from warehouse.core.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    gate.create_device(Settings(tmp_path).state, "hall")
    return tmp_path


def phone(data: Path, role: str = "leader") -> FlaskClient:
    return sign_in(app.create_app(Settings(data)).test_client(), data, role=role)


def screen(data: Path) -> FlaskClient:
    client = app.create_app(Settings(data)).test_client()
    assert client.get(f"/wall/hall?token={gate.create_device(Settings(data).state, 'hall')}").status_code == 302
    return client


def command(client: FlaskClient, **words: Any) -> Any:
    return client.post("/remote/hall/command", json=words, headers=SAME_ORIGIN)


def test_a_command_from_the_phone_is_what_the_screen_hears_next(data: Path) -> None:
    hand, wall = phone(data), screen(data)
    assert hand.get("/remote").status_code == 200 and "hall" in hand.get("/remote").get_data(as_text=True)
    assert all(label in hand.get("/remote/hall").get_data(as_text=True) for label in ("综合态势", "继续轮播", "上一屏"))
    stated = command(hand, verb="show", scene="sites").get_json()
    assert stated["mode"] == "hold" and stated["scene"] == "sites"
    received = wall.get("/wall/hall/version").get_json()["direction"]
    assert (received["scene"], received["seq"]) == ("sites", stated["seq"])
    assert {tile["metric"] for tile in stated["tiles"]} == set(layout.metrics("sites", metrics()))
    command(hand, verb="highlight", metric="site_open_rate")
    assert wall.get("/wall/hall/version").get_json()["direction"]["highlight"] == "site_open_rate"
    command(hand, verb="resume")
    assert wall.get("/wall/hall/version").get_json()["direction"]["mode"] == "rotate"


def test_the_phone_says_what_the_screen_itself_said(data: Path) -> None:
    hand, wall = phone(data), screen(data)
    assert hand.get("/remote/hall/state").get_json()["on_glass"] is None
    seq = command(hand, verb="show", scene="members").get_json()["seq"]
    wall.post("/wall/hall/heartbeat", json={"scene": "overview", "seq": seq - 1}, headers=SAME_ORIGIN)
    assert hand.get("/remote/hall/state").get_json()["on_glass"]["seq"] < seq
    wall.post("/wall/hall/heartbeat", json={"scene": "members", "seq": seq}, headers=SAME_ORIGIN)
    text = hand.get("/remote/hall/state").get_json()["on_glass"]
    assert (text["scene"], text["seq"], text["lost"]) == ("members", seq, False)


def test_only_people_who_may_steer_do(data: Path) -> None:
    assert screen(data).get("/remote/hall").status_code == 403
    assert (
        app.create_app(Settings(data))
        .test_client()
        .get("/remote/hall/state", headers={"X-Requested-With": "x"})
        .status_code
        == 401
    )
    assert phone(data, role="auditor").get("/remote/hall").status_code == 403


def test_odd_commands_and_screens_are_refused_in_words(data: Path) -> None:
    hand = phone(data)
    answer = command(hand, verb="show", scene="cinema")
    assert answer.status_code == 400 and "没有这个场景" in answer.get_json()["error"]
    assert hand.get("/remote/nowhere").status_code == 404 and hand.get("/remote/HALL").status_code == 404
    assert (
        hand.post("/remote/hall/command", data=b"[]", content_type="application/json", headers=SAME_ORIGIN).status_code
        == 400
    )
    assert (
        hand.post("/remote/hall/command", json={"verb": "resume"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )


def test_a_screen_begins_with_the_scene_it_is_told(data: Path) -> None:
    hand, wall = phone(data), screen(data)
    command(hand, verb="show", scene="programmes")
    assert 'data-scene="programmes"' in wall.get("/wall/hall").get_data(as_text=True)
