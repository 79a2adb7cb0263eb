"""The very first requests of a fresh worker come from several readers at once: none of them may find it half set up."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from dash import Dash

from cockpit.web import app
from tests.cockpit.signing_in import CALLBACK, SAME_ORIGIN, good_body, sign_in
from warehouse.core.settings import Settings

THREADS, WORKERS = 8, 3
SCRIPT = "/_dash-component-suites/plotly/package_data/plotly.min.js"
ASKED = ("/", SCRIPT, "/_dash-dependencies", CALLBACK)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting up takes as long as it does on a machine with other things to do."""
    walk = Dash._walk_assets_directory

    def slow(self: Dash) -> None:
        time.sleep(0.3)
        walk(self)

    monkeypatch.setattr(Dash, "_walk_assets_directory", slow)


def test_the_first_readers_of_a_fresh_worker_are_all_answered(pictured: Path, busy: None) -> None:
    cookie = sign_in(app.create_app(Settings(pictured)).test_client(), pictured).get_cookie("zb_session")
    assert cookie is not None
    found: list[tuple[str, int]] = []
    for _ in range(WORKERS):
        server = app.create_app(Settings(pictured))
        start = threading.Barrier(THREADS)

        def ask(number: int, server=server, start=start) -> None:  # type: ignore[no-untyped-def]
            client = server.test_client()
            client.set_cookie("zb_session", cookie.value)
            path = ASKED[number % len(ASKED)]
            start.wait()
            answer = client.post(path, json=good_body(), headers=SAME_ORIGIN) if path == CALLBACK else client.get(path)
            found.append((path, answer.status_code))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert sorted(found) == sorted((path, 200) for path in ASKED for _ in range(WORKERS * THREADS // len(ASKED)))
