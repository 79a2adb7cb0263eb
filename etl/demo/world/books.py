"""Rows that change as time goes on, cut by the time of their last change: what every list and live table is read from.

A *version* is a row in one state with the local second `updated_s` from which on it looks like this. A `Book` makes the
versions of one part (a day, a month) when first asked and keeps them sorted, so that a window with nothing new costs
two binary searches a part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
import pandas as pd


def versions(
    frame: pd.DataFrame, created_s: np.ndarray, changed_s: np.ndarray, later: dict[str, object]
) -> pd.DataFrame:
    """Each row as it was created, with the columns `later` holding their first value, and once more as changed.

    created_s and changed_s: local seconds per row; a changed_s below 0 means that the row stays as created."""
    changed_s = np.asarray(changed_s, dtype=np.int64)
    first = frame.assign(**{name: value for name, value in later.items()}, updated_s=created_s)
    done = changed_s >= 0
    return pd.concat([first, frame[done].assign(updated_s=changed_s[done])], ignore_index=True)


class Book:
    """The versions of one kind of row, part by part; `make(part)` → frame with `updated_s` and the columns of `key`."""

    def __init__(self, make: Callable[[int], pd.DataFrame], *key: str, cached: int = 500) -> None:
        self._key = list(key)
        self._make = make
        self._part = lru_cache(maxsize=cached)(self._sorted)

    def _sorted(self, part: int) -> tuple[pd.DataFrame, np.ndarray]:
        frame = self._make(part).sort_values(["updated_s", *self._key], kind="stable", ignore_index=True)
        return frame, frame["updated_s"].to_numpy()

    def window(self, parts: Iterable[int], after: int, until: int) -> pd.DataFrame:
        """Rows changed in (after, until] in their state at `until`, sorted by (updated_s, key)."""
        found: list[pd.DataFrame] = []
        empty = pd.DataFrame()
        for part in parts:
            frame, updated = self._part(part)
            low, high = np.searchsorted(updated, [after, until], side="right")
            empty = frame
            if high > low:
                found.append(frame.iloc[low:high])
        if not found:
            return empty.iloc[:0]
        rows = found[0] if len(found) == 1 else pd.concat(found).sort_values(["updated_s", *self._key], kind="stable")
        return rows.drop_duplicates(self._key, keep="last").reset_index(drop=True)
