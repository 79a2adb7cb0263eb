"""How a test logs in and calls back: through the real form and the real endpoint, like a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit.identity import accounts, entry, second_factor
from warehouse.core.settings import Settings

PASSWORD = "correct horse battery"
CALLBACK = "/_dash-update-component"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def sign_in(client: FlaskClient, data: Path, role: str = "leader", name: str = "zhang") -> FlaskClient:
    """Creates the account when it is new and opens a session for this client through the real form."""
    if name not in {one.name for one in accounts.everyone(Settings(data).state)}:
        accounts.add(Settings(data).state, name, PASSWORD, role, "张**")
    if _recovery.get((data, name)) == []:  # all used: what a person then does
        second_factor.reset(Settings(data).state, name)
    answer = post_login(client, name, PASSWORD)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:300]
    if answer.location == entry.CODE_PAGE:
        pass_code(client, data, name)
    return client


_recovery: dict[tuple[Path, str], list[str]] = {}
"""What every person of a test wrote down when the second factor was set up: a code of the clock opens only once in half
a minute, and a test signs in oftener."""


def pass_code(client: FlaskClient, data: Path, name: str) -> TestResponse:
    """The second step: sets the factor up with its first code, and later uses what was written down then."""
    page = client.get(entry.CODE_PAGE).get_data(as_text=True)
    if "login-qr" in page:
        secret = page.split("<code>")[1].split("</code>")[0].replace(" ", "")
        answer = post_code(client, pyotp.TOTP(secret).now())
        shown = answer.get_data(as_text=True)
        assert answer.status_code == 200, shown[:300]
        _recovery[(data, name)] = re.findall(r"<li><code>([0-9A-Z-]+)</code>", shown)
        return answer
    return post_code(client, _recovery[(data, name)].pop())


def post_code(client: FlaskClient, code: str) -> TestResponse:
    page = client.get(entry.CODE_PAGE).get_data(as_text=True)
    token = page.split('name="token" value="')[1].split('"')[0]
    return client.post(entry.CODE_PAGE, data={"token": token, "code": code}, headers=SAME_ORIGIN)


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
