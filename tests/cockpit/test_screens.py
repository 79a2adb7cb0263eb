"""The roll call of the walls, and the verbs that let somebody in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from click.testing import CliRunner
from flask import Flask, g

from cockpit import app, cli, refresh
from cockpit.sessions import Viewer, create_device
from cockpit.wall import Heartbeats, build_id
from tests.cockpit.test_pages import links, words
from warehouse import units
from warehouse.readings import Library
from warehouse.settings import Settings

SAID = {"width": 3840, "height": 1080, "fps": 29, "heap": 40 * 2**20, "errors": 0, "scene": "overview", "layout": "wide",
        "generation": "20261123T060000"}  # fmt: skip


def draw(web: Flask, role: str, path: str = "/screens") -> object:
    with web.test_request_context("/"):
        g.viewer = Viewer("person", "li", role, "", "李**")
        return refresh.draw(web.config["ZHENGBEI_LIBRARY"], path, "")[0]


def test_the_roll_says_which_screen_is_there_which_is_slow_and_which_is_lost(web: Flask, data_with_picture: Path) -> None:
    file = Settings(data_with_picture).state
    now = units.now()
    Heartbeats(file).record("hall", {**SAID, "build": build_id()}, now)
    Heartbeats(file).record("duty", {**SAID, "build": "old", "fps": 9}, now)
    Heartbeats(file).record("gate", SAID, now - dt.timedelta(minutes=7))
    create_device(file, "hall", by="test")
    said = words(draw(web, "admin"))
    for expected in ("hall", "● 在线", "! 画面慢", "✕ 失联", "7 分钟前", "3840×1080", "宽屏 32:9", "40 MB", "待刷新", "未登录"):
        assert expected in said, expected


def test_the_roll_is_for_the_administrator_only(web: Flask) -> None:
    for role in ("leader", "analyst", "auditor"):
        assert "只对系统管理员开放" in words(draw(web, role))
        assert "/screens" not in links(draw(web, role, "/"))
    assert "/screens" in links(draw(web, "admin", "/"))


def test_every_page_leads_to_the_archive_of_reports(web: Flask) -> None:
    assert "/reports" in links(draw(web, "leader", "/"))


def test_a_dark_reader_gets_dark_charts(web: Flask, data_with_picture: Path) -> None:
    library = Library(data_with_picture)
    shown = []
    for cookie in ("zb-theme=light", "zb-theme=dark"):
        with web.test_request_context("/", headers={"Cookie": cookie}):
            g.viewer = Viewer("person", "li", "leader", "", "李**")
            shown.append(str(refresh.draw(library, "/", "")[0].to_plotly_json()))
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
    assert client.get("/", environ_base=local).status_code == 200
    other = app.create_app(Settings(data)).test_client()
    again = other.post(path, headers={"Sec-Fetch-Site": "same-origin"}, environ_base=local)
    assert again.status_code != 302 or "/login" in again.headers["Location"]
    assert other.get("/", environ_base=local).status_code == 302


def test_a_link_for_a_role_that_does_not_exist_is_refused(data: Path) -> None:
    assert CliRunner().invoke(cli.user, ["link", "--role", "screen", "--data", str(data)]).exit_code == 2
