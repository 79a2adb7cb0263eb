"""Rows from somebody's SQL database through SQLAlchemy, read-only and incremental by a cursor column."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import orjson
from sqlalchemy import DateTime, MetaData, Table, create_engine, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from etl.config import Endpoint, Feed
from warehouse.errors import ContractBroken, SourceDown


@dataclass(frozen=True)
class Rows:
    """Rows as a JSON array of objects, their number and the greatest cursor value among them ("" = none)."""

    body: bytes
    rows: int
    newest: str


class SqlDatabase:
    """One source's database. Nothing is written there; every read is one SELECT."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._dsn = endpoint.dsn
        self._engine: Engine = create_engine(endpoint.dsn, pool_pre_ping=True)

    def since(self, feed: Feed, cursor: str) -> Rows:
        """Rows whose cursor column is greater than `cursor` (text as the source writes it, "" = all), in its order.

        Raises SourceDown when the database does not answer, ContractBroken when the table is not there."""
        table = self._table(feed)
        column = table.c[feed.cursor_column]
        question = select(table).order_by(column)
        if cursor:
            question = question.where(column > (dt.datetime.fromisoformat(cursor) if isinstance(column.type, DateTime) else cursor))
        rows = self._rows(feed, question)
        # which of two rows of one key and one time stamp comes last must not hang on the database's mood
        rows.sort(key=lambda row: (str(row[feed.cursor_column] or ""), orjson.dumps(row, default=str)))
        newest = str(rows[-1][feed.cursor_column]) if rows else ""
        return Rows(orjson.dumps(rows, default=str), len(rows), newest)

    def keys(self, feed: Feed, names: tuple[str, ...]) -> Rows:
        """All present keys, for the search for hard deletes."""
        table = self._table(feed)
        rows = self._rows(feed, select(*(table.c[name] for name in names)))
        return Rows(orjson.dumps(rows, default=str), len(rows), "")

    def _table(self, feed: Feed) -> Table:
        try:
            return Table(feed.table, MetaData(), autoload_with=self._engine)
        except NoSuchTableError as error:
            raise ContractBroken(f"来源没有表 {feed.table}", where=feed.source) from error
        except SQLAlchemyError as error:
            raise SourceDown(f"来源数据库无法访问:{type(error).__name__}", where=feed.source) from error

    def _rows(self, feed: Feed, question: object) -> list[dict[str, object]]:
        try:
            with self._engine.connect() as connection:
                return [{str(name): value for name, value in row.items()} for row in connection.execute(question).mappings()]  # type: ignore[call-overload]
        except SQLAlchemyError as error:
            raise SourceDown(f"来源数据库读取失败:{type(error).__name__}", where=f"{feed.source}.{feed.table}") from error

    def close(self) -> None:
        self._engine.dispose()
