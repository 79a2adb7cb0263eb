"""Tables of somebody's database that grow while the stand-in runs: permits and cases of 道路运政, and the whole
数字化管理平台.

A row is written anew in each of its states (delete by key, insert), so that doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import Engine, MetaData, Table, delete, insert, inspect, tuple_

from etl.demo.registers.registry import records
from etl.demo.world import clock
from etl.demo.world.books import Book
from etl.demo.world.clock import DAY
from etl.demo.world.world import World

AT_ONCE = 200


@dataclass(frozen=True)
class LiveTable:
    """A table, its key, the column that holds the time of the last change and how its versions are made.

    make(day) → versions of the rows that began on a day; slack_days: latest change of a row after its day."""

    table: Table
    key: tuple[str, ...]
    stamp: str
    make: Callable[[World, int], pd.DataFrame]
    slack_days: int

    def rows(self, world: World, after: int, until: int) -> pd.DataFrame:
        """Rows changed in (after, until] as they are at `until`, with the stamp as text."""
        book = Book(lambda day: self.make(world, day), *self.key, cached=2)
        first = max(after // DAY - self.slack_days, world.first_day)
        frame = book.window(range(first, max(until // DAY, first) + 1), after, until)
        return frame.assign(**{self.stamp: clock.second_texts(frame["updated_s"].to_numpy())}).drop(columns="updated_s")


def apply(world: World, engine: Engine, tables: tuple[LiveTable, ...], after: int, until: int) -> int:
    """Brings the tables from local second `after` to `until`; returns how many rows were written. Safe to repeat."""
    written = 0
    for live in tables:
        found = records(live.rows(world, after, until))
        for start in range(0, len(found), AT_ONCE):
            part = found[start : start + AT_ONCE]
            keys = [tuple(row[name] for name in live.key) for row in part]
            columns = [live.table.c[name] for name in live.key]
            with engine.begin() as connection:
                connection.execute(delete(live.table).where(tuple_(*columns).in_(keys)))
                connection.execute(insert(live.table), part)
        written += len(found)
    return written


def everything(world: World, live: LiveTable) -> pd.DataFrame:
    """The whole table as of `started_at`."""
    return live.rows(world, int(np.iinfo(np.int32).min), clock.local_second(world.started_at))


def create(world: World, engine: Engine, metadata: MetaData, tables: tuple[LiveTable, ...]) -> None:
    """Creates and fills a database of live tables unless it is there."""
    if metadata.tables.keys() <= set(inspect(engine).get_table_names()):
        return
    metadata.drop_all(engine)
    with engine.begin() as connection:
        metadata.create_all(connection)
        for live in tables:
            found = records(everything(world, live))
            if found:
                connection.execute(insert(live.table), found)
