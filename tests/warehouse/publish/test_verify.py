"""A published generation is as it was published, or verify() names the file."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.flips import FLIPS, flip, write
from tests.house import House
from warehouse.core.errors import WarehouseBroken
from warehouse.publish import snapshot


def test_any_flipped_bit_of_a_generation_is_noticed(tmp_path: Path) -> None:
    house = House.published_empty(tmp_path / "data")
    house.close()
    generation = snapshot.current(house.settings) or ""
    files = [
        house.settings.published / f"{generation}{suffix}" for suffix in (".json", ".duckdb", ".restricted.duckdb")
    ]
    dice = random.Random(20261123)
    for number in range(FLIPS):
        file = files[number % 3]
        whole = flip(file, dice)
        with pytest.raises(WarehouseBroken, match=generation):
            snapshot.verify(house.settings, generation)
        write(file, whole)
    snapshot.verify(house.settings, generation)
    files[1].unlink()
    with pytest.raises(WarehouseBroken, match="缺失"):
        snapshot.verify(house.settings, generation)
