"""How a test logs in and calls back: through the real form and the real endpoint, like a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit.identity import accounts
from warehouse.core.settings import Settings

PASSWORD = "correct horse battery"
CALLBACK = "/_dash-update-component"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def sign_in(client: FlaskClient, data: Path, role: str = "leader", name: str = "zhang") -> FlaskClient:
    """Creates the account when it is new and opens a session for this client through the real form."""
    if name not in {one.name for one in accounts.everyone(Settings(data).state)}:
        accounts.add(Settings(data).state, name, PASSWORD, role, "张**")
    answer = post_login(client, name, PASSWORD)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:300]
    return client


def post_login(client: FlaskClient, name: str, password: str, **more: str) -> TestResponse:
    page = client.get("/login").get_data(as_text=True)
    token = page.split('name="token" value="')[1].split('"')[0]
    form = {"user": name, "password": password, "token": token, **more}
    return client.post("/login", data=form, headers=SAME_ORIGIN)


def good_body(path: str = "/") -> dict[str, Any]:
    names = ("shell-address.pathname", "shell-address.search", "shell-generation.data")
    values = (path, "", None)
    return {
        "output": "..shell-root.children...shell-title.data..",
        "outputs": [{"id": "shell-root", "property": "children"}, {"id": "shell-title", "property": "data"}],
        "inputs": [
            {"id": n.split(".")[0], "property": n.split(".")[1], "value": v} for n, v in zip(names, values, strict=True)
        ],
        "changedPropIds": [names[0]],
    }


def said(client: FlaskClient, path: str, search: str = "") -> str:
    """All that a page says, as the browser gets it: finished HTML, and what stands around it as JSON."""
    body = good_body(path)
    body["inputs"][1]["value"] = search
    answer = post(client, body)
    assert answer.status_code == 200
    return json.dumps(answer.get_json(), ensure_ascii=False).replace('\\"', '"')


def post(client: FlaskClient, body: object, content_type: str = "application/json") -> TestResponse:
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(CALLBACK, data=raw, content_type=content_type, headers=SAME_ORIGIN)
