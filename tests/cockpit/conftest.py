"""A web application of its own for every test: own accounts, keys and sessions over a shared published picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit import app
from tests.cockpit.signing_in import sign_in
from warehouse.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder without anything published."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def data_with_picture(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks at the published files of the shared one; nothing of the shared one is written."""
    data = tmp_path_factory.mktemp("picture") / "data"
    data.mkdir()
    for name in ("published", "live"):
        if (published / name).exists():
            (data / name).symlink_to(published / name)
    return data


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
