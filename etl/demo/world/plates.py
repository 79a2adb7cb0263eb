"""Plate texts as careless systems write them (D02): full width, lower case, blanks, dots, colour in the text."""

from __future__ import annotations

import numpy as np

from etl.demo.world.noise import uniform
from etl.demo.world.world import World

COLOUR_NAMES = {1: "蓝", 2: "黄", 93: "黄绿", 94: "渐变绿"}
_WIDE = {c: chr(ord(c) + 0xFEE0) for c in "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"}


def _garble(plate: str, kind: int, colour: int) -> str:
    if kind == 0:
        return plate.lower()
    if kind == 1:
        return "".join(_WIDE.get(c, c) for c in plate)
    if kind == 2:
        return f"{plate[:2]}·{plate[2:]}"
    if kind == 3:
        return f"{plate[:2]} {plate[2:]} "
    if kind == 4:
        return f"{plate}_{COLOUR_NAMES[colour]}"
    return f"{plate}({COLOUR_NAMES[colour]})"


def garbled_plates(world: World, plates: np.ndarray, salt: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Copy of `plates` (one per vehicle row) with about `share` of them badly written, and the mask of those."""
    rows = np.arange(len(plates))
    bad = uniform(world.seed, salt, rows) < share
    kinds = (uniform(world.seed, salt + 1, rows) * 6).astype(int)
    colours = world.vehicles["plate_color"].to_numpy()
    result = plates.astype(object).copy()
    for i in np.flatnonzero(bad):
        result[i] = _garble(result[i], int(kinds[i]), int(colours[i]))
    return result, bad
