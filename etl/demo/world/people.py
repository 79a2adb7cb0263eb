"""How id numbers are miswritten at the source (D10), and which drivers that happens to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from etl.demo.world.identity import ID_CHECK
from etl.demo.world.world import World

KINDS = ("bad_check", "lower_x", "fifteen", "scientific", "apostrophe")


def _miswrite(number: str, kind: str) -> str:
    if kind == "bad_check":
        return number[:17] + ID_CHECK[(ID_CHECK.index(number[17]) + 3) % 11]
    if kind == "lower_x":
        return number[:17] + number[17].lower()
    if kind == "fifteen":
        return number[:6] + number[8:17]
    if kind == "scientific":
        return f"{number[0]}.{number[1:6]}E+17"
    return "'" + number


@lru_cache(maxsize=8)
def written_ids(world: World, salt: int) -> tuple[np.ndarray, np.ndarray]:
    """(id text of every driver, kind of miswriting or '') for the source named by `salt`."""
    true = world.drivers["id_no"].to_numpy().astype(object)
    rows = np.arange(len(true))
    bad = world.chance(salt, rows) < world.rates.d10_id_number
    kinds = np.where(bad, np.array(KINDS, dtype=object)[rows % len(KINDS)], "")
    lower = (world.chance(salt + 1, rows) < 0.15 * (world.rates.d10_id_number > 0)) & np.array(
        [n[17] == "X" for n in true], dtype=bool
    )
    kinds = np.where(lower & ~bad, "lower_x", kinds)
    texts = np.array([_miswrite(n, k) if k else n for n, k in zip(true, kinds, strict=True)], dtype=object)
    kinds = np.where(texts == true, "", kinds)  # lower case changes nothing without an X
    return texts, kinds
