"""Time inside the made-up world: whole seconds of Shanghai wall time.

A *local second* is the number of seconds from 1970-01-01 00:00:00 Shanghai wall time (no DST, so it is also a linear
scale); a *day number* is local second // 86400. Everything in `etl.demo` computes in these integers and turns into
text only at the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import numpy as np

from warehouse.core import units

SHANGHAI = timezone(timedelta(hours=8))
DAY = 86400

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time as an aware Shanghai datetime, moved as the product's own clock is (`demo --clock`)."""
    return units.now().astimezone(SHANGHAI)


def frozen(instant: datetime) -> Clock:
    """A clock that always answers `instant` (aware)."""
    return lambda: instant


def local_second(instant: datetime) -> int:
    """Aware datetime → local second, fractions cut off."""
    return int(local_time(instant) // 1)


def local_time(instant: datetime) -> float:
    """Aware datetime → local seconds with fraction."""
    if instant.tzinfo is None:
        raise ValueError("时间必须带时区")
    return instant.timestamp() + 8 * 3600


def instant_of(second: int) -> datetime:
    """Local second → aware Shanghai datetime."""
    return datetime.fromtimestamp(second - 8 * 3600, SHANGHAI)


def day_of(year: int, month: int, day: int) -> int:
    """Calendar date → day number."""
    return int(np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D").astype(int))


def day_text(day: int, pattern: str = "%Y%m%d") -> str:
    """Day number → text, `20261123` by default."""
    return instant_of(day * DAY).strftime(pattern)


def date_texts(days: np.ndarray) -> np.ndarray:
    """int array of day numbers → object array 'YYYY-MM-DD'."""
    return np.datetime_as_string(np.asarray(days).astype("datetime64[D]")).astype(object)


def second_texts(seconds: np.ndarray) -> np.ndarray:
    """int array of local seconds → object array 'YYYY-MM-DD HH:MM:SS'; negative values (= unknown) become None."""
    seconds = np.asarray(seconds, dtype=np.int64)
    if seconds.size == 0:
        return np.empty(0, dtype=object)
    text = np.datetime_as_string(seconds.astype("datetime64[s]")).astype(object)
    return np.array(
        [None if s < 0 else t.replace("T", " ") for s, t in zip(seconds.tolist(), text, strict=True)], dtype=object
    )


def month_of(day: int) -> int:
    """Day number → months since 1970-01."""
    return int(np.datetime64(day, "D").astype("datetime64[M]").astype(int))


def month_first_day(month: int) -> int:
    """Months since 1970-01 → day number of the first of that month."""
    return int(np.datetime64(month, "M").astype("datetime64[D]").astype(int))


def month_text(month: int) -> str:
    """Months since 1970-01 → 'YYYY-MM'."""
    return str(np.datetime64(month, "M"))
