"""A web application of its own for every test: own accounts, keys and sessions over a shared published picture."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.web import app
from tests.cockpit.signing_in import sign_in
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder without anything published."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def pictured(published: Path, tmp_path: Path) -> Path:
    """Accounts and log of its own over the shared picture."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "published").symlink_to(published / "published")
    return folder


@pytest.fixture
def book(server: Flask) -> Snapshot:
    """What the site shows."""
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    return library.current(Scope.ALL)


@pytest.fixture
def server(data: Path) -> Flask:
    return app.create_app(Settings(data))


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return server.test_client()


@pytest.fixture
def signed_in(client: FlaskClient, data: Path) -> Iterator[FlaskClient]:
    yield sign_in(client, data)


@pytest.fixture
def as_role(server: Flask, data: Path) -> Callable[[str], FlaskClient]:
    return lambda role: sign_in(server.test_client(), data, role, f"user-{role}")


@pytest.fixture(scope="session")
def elsewhere(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Flask]:
    """A copy of the picture in which something has happened: SQL run on its open file."""

    def made(sql: str) -> Flask:
        data = tmp_path_factory.mktemp("state") / "data"
        shutil.copytree(published / "published", data / "published")
        file = next(file for file in (data / "published").glob("*.duckdb") if "restricted" not in file.name)
        file.chmod(0o600)
        with duckdb.connect(str(file)) as con:
            con.execute(sql)
        return app.create_app(Settings(data))

    return made


@pytest.fixture(scope="module")
def web(data_with_picture: Path) -> Flask:
    """The application over the shared picture."""
    return app.create_app(Settings(data_with_picture))


@pytest.fixture(scope="module")
def library(web: Flask) -> SnapshotStore:
    found: SnapshotStore = web.config["ZHENGBEI_LIBRARY"]
    return found
