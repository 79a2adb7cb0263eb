"""Fixtures that tests of the warehouse share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house import House
from tests.warehouse import world as written
from warehouse.query.snapshot_store import Snapshot


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Snapshot]]:
    """The world of boundaries/*.toml, published, and its newest picture. Only for reading."""
    house = written.copied(tmp_path_factory.mktemp("boundaries") / "data")
    yield house, house.publish(trail=False)
    house.close()
