"""Whether the loader still speaks, for the head of every page and every wall: without it the numbers stand still, however
fresh the screen looks."""

from __future__ import annotations

import sqlite3

from warehouse.core import beats
from warehouse.core.settings import Settings


def silent_s(settings: Settings) -> int | None:
    """For how many seconds the loader has been silent, once it has stopped (beats.SILENT_S); None while it speaks, where
    it never ran, and where that cannot be read now."""
    try:
        silent = beats.silent_s(settings.state, beats.LOADER)
    except sqlite3.Error:
        return None
    return None if silent is None or silent <= beats.SILENT_S else int(silent)
