"""Fixtures that several packages' tests share: a house of one's own, and one data folder built by the whole real line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty house with the own tables in it."""
    made = House(tmp_path / "data").own()
    yield made
    made.close()
