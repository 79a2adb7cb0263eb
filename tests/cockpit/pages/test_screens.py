"""The roll call of the walls, and the verbs that let somebody in."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask, g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit.identity.sessions import Viewer, create_device, devices
from cockpit.presentation.assets import build_id
from cockpit.store import app_db
from cockpit.wall.routes import Heartbeats
from cockpit.web import app, cli, page_callback
from tests.cockpit.pages.test_pages import links, words
from tests.cockpit.signing_in import SAME_ORIGIN, sign_in
from warehouse.core import units
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

SAID = {
    "width": 3840,
    "height": 1080,
    "fps": 29,
    "heap": 40 * 2**20,
    "errors": 0,
    "scene": "overview",
    "layout": "wide",
    "generation": "20261123T060000",
}


def draw(web: Flask, role: str, path: str = "/screens") -> object:
    with web.test_request_context("/"):
        g.viewer = Viewer("person", "li", role, "", "李**", scope=Scope.ALL)
        return page_callback.draw(web.config["ZHENGBEI_LIBRARY"], path, "")[0]


def test_the_roll_says_which_screen_is_there_which_is_slow_and_which_is_lost(
    web: Flask, data_with_picture: Path
) -> None:
    file = Settings(data_with_picture).state
    now = units.now()
    Heartbeats(file).record("hall", {**SAID, "build": build_id()}, now)
    Heartbeats(file).record("duty", {**SAID, "build": "old", "fps": 9}, now)
    Heartbeats(file).record("gate", SAID, now - dt.timedelta(minutes=7))
    create_device(file, "hall", by="test")
    text = words(draw(web, "admin"))
    for expected in (
        "hall",
        "● 在线",
        "! 画面慢",
        "✕ 失联",
        "7 分钟前",
        "3840×1080",
        "宽屏 32:9",
        "40 MB",
        "待刷新",
        "未登录",
    ):
        assert expected in text, expected


def test_the_roll_is_for_the_administrator_only(web: Flask) -> None:
    for role in ("leader", "analyst", "auditor"):
        assert "只对系统管理开放" in words(draw(web, role))
        assert "/screens" not in links(draw(web, role, "/"))
    assert "/screens" in links(draw(web, "admin", "/"))


def test_every_page_leads_to_the_archive_of_reports(web: Flask) -> None:
    assert "/reports" in links(draw(web, "leader", "/"))


def test_a_dark_reader_gets_dark_charts(web: Flask, data_with_picture: Path) -> None:
    library = SnapshotStore(data_with_picture)
    shown = []
    for cookie in ("zb-theme=light", "zb-theme=dark"):
        with web.test_request_context("/", headers={"Cookie": cookie}):
            g.viewer = Viewer("person", "li", "leader", "", "李**", scope=Scope.ALL)
            shown.append(str(page_callback.draw(library, "/", "")[0].to_plotly_json()))
    assert shown[0] != shown[1]


def test_a_one_time_link_from_the_command_line_opens_the_site_once(data: Path) -> None:
    made = CliRunner().invoke(cli.user, ["link", "--role", "admin", "--data", str(data)])
    assert made.exit_code == 0 and made.output.startswith("/enter/")
    client = app.create_app(Settings(data)).test_client()
    path = made.output.strip()
    local = {"REMOTE_ADDR": "127.0.0.1"}
    first = client.get(path, environ_base=local)
    if first.status_code == 200:
        first = client.post(path, headers={"Sec-Fetch-Site": "same-origin"}, environ_base=local)
    assert first.status_code == 302
    assert client.get("/", environ_base=local).status_code == 503  # inside, and nothing is published yet
    other = app.create_app(Settings(data)).test_client()
    again = other.post(path, headers={"Sec-Fetch-Site": "same-origin"}, environ_base=local)
    assert again.status_code != 302 or "/login" in again.headers["Location"]
    assert other.get("/", environ_base=local).status_code == 302


def test_a_link_for_a_role_that_does_not_exist_is_refused(data: Path) -> None:
    assert CliRunner().invoke(cli.user, ["link", "--role", "screen", "--data", str(data)]).exit_code == 2


def ask(client: FlaskClient, path: str, values: dict[str, str], ip: str = "127.0.0.1", **headers: str) -> TestResponse:
    return client.post(
        path,
        data=values,
        headers={**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate", **headers},
        environ_base={"REMOTE_ADDR": ip},
    )


def opens(web: Flask, address: str, ip: str) -> int:
    """The status a screen gets that opens the address it was given, and then its wall."""
    client, found = web.test_client(), urlsplit(address)
    first = client.get(f"{found.path}?{found.query}", environ_base={"REMOTE_ADDR": ip})
    return (
        client.get(found.path, environ_base={"REMOTE_ADDR": ip}).status_code
        if first.status_code == 302
        else first.status_code
    )


def test_an_administrator_registers_binds_and_withdraws_a_screen_on_the_page(
    web: Flask, data_with_picture: Path
) -> None:
    file = Settings(data_with_picture).state
    admin = sign_in(web.test_client(), data_with_picture, "admin", "root")
    made = ask(admin, "/screens/add", {"screen": "gate", "network": "10.20.30.40"})
    assert made.status_code == 200 and made.headers["Cache-Control"] == "no-store"
    address = html.unescape(re.search(r"<code>(.+)</code>", made.get_data(as_text=True)).group(1))
    number = next(one["id"] for one in devices(file) if one["screen"] == "gate")
    text = words(draw(web, "admin"))
    assert "gate" in text and "张**" in text and "root" not in text and address.partition("token=")[2] not in text, (
        "the token is shown once"
    )
    assert [opens(web, address, ip) for ip in ("10.20.30.41", "10.20.30.40")] == [403, 200]
    assert ask(admin, f"/screens/{number}/bind", {"network": "10.20.31.0/24"}).status_code == 303
    assert [opens(web, address, ip) for ip in ("10.20.30.40", "10.20.31.7")] == [403, 200]
    assert ask(admin, f"/screens/{number}/bind", {"network": ""}).status_code == 303
    assert [opens(web, address, ip) for ip in ("10.1.1.7", "10.1.2.7")] == [200, 403], "the next call's subnet counts"
    assert ask(admin, f"/screens/{number}/revoke", {}).status_code == 303 and opens(web, address, "10.1.1.7") == 403
    assert ask(admin, f"/screens/{number}/revoke", {}).status_code == 404
    with app_db.reading(file) as connection:
        events = [
            row["event"]
            for row in connection.execute(
                "SELECT event FROM audit WHERE who = 'root' AND event LIKE 'device%' ORDER BY seq"
            )
        ]
    assert events == ["device_added", "device_moved", "device_moved", "device_revoked", "device_revoked"]


@pytest.mark.parametrize(
    ("values", "said"),
    [({"screen": "Große Wand"}, "屏幕名须为"), ({"screen": "gate", "network": "10.20.30"}, "不是网络地址")],
)
def test_a_wrong_word_in_the_form_is_a_page_that_says_so(
    web: Flask, data_with_picture: Path, values: dict[str, str], said: str
) -> None:
    before = devices(Settings(data_with_picture).state)
    answer = ask(sign_in(web.test_client(), data_with_picture, "admin", "root"), "/screens/add", values)
    assert answer.status_code == 400 and said in answer.get_data(as_text=True) and answer.mimetype == "text/html"
    assert devices(Settings(data_with_picture).state) == before


@pytest.mark.parametrize("role", ["leader", "analyst", "auditor"])
def test_nobody_else_registers_or_withdraws_screens(web: Flask, data_with_picture: Path, role: str) -> None:
    file = Settings(data_with_picture).state
    create_device(file, "hall", by="test")
    before = devices(file)
    client, number = sign_in(web.test_client(), data_with_picture, role, "li"), before[0]["id"]
    for path in ("/screens/add", f"/screens/{number}/bind", f"/screens/{number}/revoke"):
        assert ask(client, path, {"screen": "gate"}).status_code == 403
    admin = sign_in(web.test_client(), data_with_picture, "admin", "root")
    assert ask(admin, f"/screens/{number}/revoke", {}, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert devices(file) == before
