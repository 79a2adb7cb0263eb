"""How a test logs in: through the real form, like a browser."""

from __future__ import annotations

from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit import accounts
from warehouse.settings import Settings

PASSWORD = "correct horse battery"
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
