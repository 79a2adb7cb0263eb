"""A form is carried out once, however often its answer is cut off and it is sent again."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, url_for
from werkzeug.serving import make_server

from cockpit.casework import task_store
from cockpit.identity import rights
from cockpit.store import app_db, one_time_key
from tests.cockpit.casework.test_task_store import form
from tests.cockpit.signing_in import SAME_ORIGIN, said, sign_in
from warehouse.core.settings import Settings

NAVIGATES = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}
SENT_AGAIN = 7


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def leader(server: Flask, data: Path) -> Iterator[httpx.Client]:
    """A browser at a real server, signed in."""
    cookie = sign_in(server.test_client(), data).get_cookie("zb_session")
    assert cookie is not None
    web = make_server("127.0.0.1", 0, server, threaded=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with httpx.Client(
        base_url=f"http://127.0.0.1:{web.port}", cookies={"zb_session": cookie.value}, timeout=60, headers=NAVIGATES
    ) as client:
        yield client
    web.shutdown()
    web.server_close()


def tasks(data: Path) -> int:
    return len(task_store.every(Settings(data).state))


def test_one_click_makes_one_task_however_often_it_is_sent(leader: httpx.Client, server: Flask, data: Path) -> None:
    stated = {**form(server), one_time_key.FIELD: one_time_key.key()}
    answers = [leader.post("/supervision/open", data=stated) for _ in range(SENT_AGAIN)]
    assert tasks(data) == 1 and {(answer.status_code, answer.headers["Location"]) for answer in answers} == {
        (303, stated["next"])
    }


def test_the_same_click_at_the_same_time_makes_one_task(leader: httpx.Client, server: Flask, data: Path) -> None:
    stated, answers = {**form(server), one_time_key.FIELD: one_time_key.key()}, []
    threads = [
        threading.Thread(target=lambda: answers.append(leader.post("/supervision/open", data=stated).status_code))
        for _ in range(SENT_AGAIN)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert tasks(data) == 1 and answers == [303] * SENT_AGAIN


def test_what_was_refused_may_be_put_right_and_sent_with_the_same_key(
    leader: httpx.Client, server: Flask, data: Path
) -> None:
    stated = {**form(server), one_time_key.FIELD: one_time_key.key()}
    assert leader.post("/supervision/open", data={**stated, "due": "2020-01-01"}).status_code == 400
    assert leader.post("/supervision/open", data={**stated, "what": ""}).status_code == 400
    assert leader.post("/supervision/open", data=stated).status_code == 303 and tasks(data) == 1


def test_other_words_are_another_deed_even_from_a_page_of_the_back_button(
    leader: httpx.Client, server: Flask, data: Path
) -> None:
    stated = {**form(server), one_time_key.FIELD: one_time_key.key()}
    leader.post("/supervision/open", data=stated)
    leader.post("/supervision/open", data={**stated, "what": "另一件事"})
    assert tasks(data) == 2


def test_a_form_without_a_key_is_refused_with_what_to_do(leader: httpx.Client, server: Flask, data: Path) -> None:
    answer = leader.post("/supervision/open", data=form(server))
    assert answer.status_code == 400 and "请刷新页面后再提交" in answer.text and tasks(data) == 0


def test_a_deed_that_may_have_been_done_is_not_done_again(
    leader: httpx.Client, server: Flask, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_time_key, "WAIT_S", 0.3)
    monkeypatch.setattr(one_time_key, "_keep", lambda *_: None)  # the worker dies between the deed and its note
    stated = {**form(server), one_time_key.FIELD: one_time_key.key()}
    leader.post("/supervision/open", data=stated)
    answer = leader.post("/supervision/open", data=stated)
    assert answer.status_code == 409 and "核对是否已经办理" in answer.text and tasks(data) == 1


def test_what_is_shown_once_is_not_kept_for_a_repeat(server: Flask, data: Path) -> None:
    admin, stated = (
        sign_in(server.test_client(), data, "admin", "root"),
        {"screen": "hall", one_time_key.FIELD: one_time_key.key()},
    )
    first, second = (admin.post("/screens/add", data=stated, headers=NAVIGATES) for _ in range(2))
    assert first.status_code == 200 and second.status_code == 409 and "撤销后重新登记" in second.get_data(as_text=True)
    with sqlite3.connect(Settings(data).state) as file:
        assert [row[0] for row in file.execute("SELECT answer FROM once")] == ["{}"] and file.execute(
            "SELECT count(*) FROM devices"
        ).fetchone()[0] == 1


def test_a_script_gets_the_first_answer_again(server: Flask, data: Path) -> None:
    reader, key = sign_in(server.test_client(), data), {one_time_key.HEADER: one_time_key.key(), **SAME_ORIGIN}
    answers = [reader.post("/mine/keep", data={"place": "/metric/fleet_vehicle_cnt"}, headers=key) for _ in range(3)]
    assert {(answer.status_code, answer.get_json()["count"]) for answer in answers} == {(200, 1)}


def test_keys_are_forgotten_after_a_day(server: Flask, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = sign_in(server.test_client(), data)
    reader.post("/mine/keep", data={"place": "/metric/fleet_vehicle_cnt"}, headers=SAME_ORIGIN)
    monkeypatch.setattr(one_time_key, "HOLD_S", -1)
    time.sleep(0.01)
    reader.post("/mine/keep", data={"place": "/metric/fleet_vehicle_cnt"}, headers=SAME_ORIGIN)
    with app_db.reading(Settings(data).state) as file:
        assert file.execute("SELECT count(*) FROM once").fetchone()[0] == 1


VALUES: dict[str, Any] = {
    "source": "yz",
    "screen": "hall",
    "number": 1,
    "seq": 1,
    "row": 1,
    "table": "pb_register50",
    "kind": "run",
    "word": "take",
    "act": "keep",
    "name": "wang",
    "deed": "disable",
    "metric": "fleet_online_rate",
}


def test_every_route_that_writes_takes_the_key_or_says_why_not(server: Flask, data: Path) -> None:
    writes = {rule.endpoint: rule for rule in server.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert set(one_time_key.FREE) <= set(writes), "nothing stands on the list that is not there"
    with server.test_request_context():
        paths = {
            name: url_for(name, **{part: VALUES[part] for part in rule.arguments})
            for name, rule in writes.items()
            if name not in one_time_key.FREE
        }
    able = {name: next(r for r in rights.PEOPLE if rights.has(r, rights.of_route(name) or "")) for name in paths}
    clients = {role: sign_in(server.test_client(), data, role, f"user-{role}") for role in set(able.values())}
    answers = {
        name: clients[able[name]].post(path, headers={one_time_key.HEADER: "", **NAVIGATES})
        for name, path in paths.items()
    }
    assert [
        name
        for name, answer in answers.items()
        if answer.status_code != 400 or "一次性编号" not in answer.get_data(as_text=True)
    ] == []


def test_every_form_of_a_template_has_the_key() -> None:
    found = 0
    for file in Path("cockpit/presentation/templates").glob("*.html"):
        for opened in re.findall(r'<form method="post"[^>]*>.*?</form>', file.read_text("utf-8"), re.S):
            found += 1
            assert "once()" in opened or 'name="token"' in opened, (file.name, opened[:80])
    assert found > 10


def test_every_form_of_a_page_has_a_key_of_its_own(server: Flask, data: Path) -> None:
    admin = sign_in(server.test_client(), data, "admin", "root")
    keys = [
        key
        for _ in range(2)
        for path in ("/screens", "/health", "/metric/fleet_vehicle_cnt")
        for key in re.findall(r'name="once"[^>]* value="([^"]+)"', said(admin, path))
    ]
    forms = sum(
        len(re.findall(r"<form[^>]*method=\"post\"", said(admin, path)))
        for path in ("/screens", "/health", "/metric/fleet_vehicle_cnt")
    )
    assert len(set(keys)) == len(keys) >= 2 * forms > 0
