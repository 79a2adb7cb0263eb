"""One small prepared world for all tests of the stand-in, and a client for its frozen service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from etl.demo.server import runner
from etl.demo.world import clock
from etl.demo.world.world import World
from tests import templates

STARTED = datetime(2026, 11, 23, 15, 0, tzinfo=clock.SHANGHAI)
SCALE, SEED, DAYS = 60, 7, 40


class SettableClock:
    """A clock the test moves by hand."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant


class Client:
    """Asks the stand-in as the product would."""

    def __init__(self, server: runner.Server) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.secret = server.client_secret
        self.tokens = {system: self.token(system) for system in ("gps", "rdm", "as", "ext")}

    def token(self, system: str) -> str:
        answer = self.http.post(f"/{system}/oauth/token", json={"client_id": "zhengbei", "client_secret": self.secret})
        return answer.json()["data"]["access_token"]

    def page(self, path: str, since: datetime, until: datetime, page: int = 1, page_size: int = 5000) -> dict:
        params = {
            "updated_since": since.isoformat(),
            "updated_until": until.isoformat(),
            "page": page,
            "page_size": page_size,
        }
        answer = self.http.get(
            path, params=params, headers={"Authorization": f"Bearer {self.tokens[path.split('/')[1]]}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def rows(self, path: str, since: datetime, until: datetime, page_size: int = 5000) -> list[dict]:
        rows: list[dict] = []
        number = 1
        while True:
            data = self.page(path, since, until, number, page_size)
            rows += data["items"]
            if len(rows) >= data["total"]:
                return rows
            number += 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = templates.prepared("stand-in", lambda place: runner.prepare(place, SCALE, SEED, STARTED, history_days=DAYS))
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("stand-in") / "demo"))


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return runner.load(folder)


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    server = runner.serve(folder, clock.frozen(STARTED + timedelta(minutes=10)))
    yield Client(server)
    server.stop()
