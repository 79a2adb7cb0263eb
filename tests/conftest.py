"""Fixtures that several packages' tests share: a house of one's own, and one data folder built by the whole real line."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit import once
from tests.house import House
from warehouse.settings import Settings
from warehouse.units import SHANGHAI

TINY = 60


class Keyed(FlaskClient):
    """Sends every form with a fresh one-time key, as the forms of our pages do; a test that gives a key of its own keeps it."""

    def open(self, *args: Any, **keywords: Any) -> TestResponse:
        data = keywords.get("data")
        if keywords.get("method") == "POST" and not (isinstance(data, dict) and once.FIELD in data):
            keywords["headers"] = {once.HEADER: once.key(), **(keywords.get("headers") or {})}
        return super().open(*args, **keywords)


Flask.test_client_class = Keyed


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty house with the own tables in it."""
    made = House(tmp_path / "data").own()
    yield made
    made.close()


WORLD_NOW = dt.datetime(2026, 11, 23, 14, 5)
"""Monday afternoon in the tiny world: the newest complete week is 2026-W47."""


def whole_line(data: Path, *, scale: int, history_days: int, live_after: bool) -> Path:
    """Fills the folder `data` by the whole real line from stand-in sources of that size. live_after: one more live round after
    the refresh, whose positions are in no generation yet."""
    from etl import intake
    from etl.context import opened
    from etl.demo import runner
    from etl.demonstration import write_endpoints
    from etl.jobs import live, refresh

    moment = WORLD_NOW.replace(tzinfo=SHANGHAI)
    runner.prepare(data / "demo", scale=scale, now=moment, history_days=history_days)
    for file in (data / "demo" / "drop").rglob("*.*"):  # a file younger than files.SETTLE_S would wait for the next run
        os.utime(file, (moment.timestamp(),) * 2)
    server = runner.serve(data / "demo", clock=lambda: moment)
    try:
        settings = Settings(data)
        write_endpoints(settings, orjson.loads((data / "demo" / "endpoints.json").read_bytes()))
        with opened(settings, now=lambda: WORLD_NOW) as context:
            live.run(context)
            refresh.run(context)
            if live_after:
                live.run(context)
            assert intake.pending(context) == 0
    finally:
        server.stop()
    return data


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder built by the whole real line from the stand-in sources: a tiny fleet, 40 days, every defect, one
    afternoon. Read-only for tests; copy what you want to change."""
    return whole_line(tmp_path_factory.mktemp("published"), scale=TINY, history_days=40, live_after=True)
