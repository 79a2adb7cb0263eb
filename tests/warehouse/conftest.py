"""Fixtures that tests of the warehouse share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house import House
from tests.warehouse import world as written
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Snapshot]]:
    """The world of boundaries/*.toml, published, and its newest picture. Only for reading."""
    house = written.copied(tmp_path_factory.mktemp("boundaries") / "data")
    is_other = written.is_made_otherwise(house)
    yield house, house.publish(trail=False) if is_other else SnapshotStore(house.settings.data).current(Scope.ALL)
    house.close()
