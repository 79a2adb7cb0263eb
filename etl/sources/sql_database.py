"""Rows from somebody's SQL database through SQLAlchemy, read-only and incremental by a cursor column.

Owns the one text of a value: the same row gives the same text whichever database it lies in."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    MetaData,
    Numeric,
    Select,
    String,
    Table,
    cast,
    create_engine,
    event,
    func,
    inspect,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.types import NullType

from etl.config.schema import Endpoint, Feed
from etl.sources import cursors, reasons
from warehouse.core.errors import CockpitError, ConfigError, ContractBroken, SourceDown
from warehouse.core.units import SHANGHAI
from warehouse.ingest import column_rules
from warehouse.ingest.column_rules import theirs

CONNECT_S, READ_S = 10, 120
CURSOR = "zhengbei_cursor"
"""Name of the cursor column as it is compared, where that is not as it is kept."""
EXACT = 2.0**53
"""From here on a double does not hold every whole number; its exponent tells so, and load takes it for no code and no
count."""


@dataclass(frozen=True)
class Rows:
    """Rows as a JSON array of objects of text, their number and the greatest cursor value among them ("" = none)."""

    body: bytes
    rows: int
    newest: str


class SqlDatabase:
    """One source's database. Nothing is written there; every read is one SELECT of the columns we have a use for. read_s:
    the longest that one may take."""

    def __init__(self, source: str, endpoint: Endpoint, read_s: int = READ_S) -> None:
        self._source = source
        self._engine: Engine = _engine(source, endpoint, read_s)
        self._tables: dict[str, Table] = {}

    def since(self, feed: Feed, cursor: str) -> Rows:
        """Rows whose cursor column is greater than `cursor` (text as we write it, "" = all) or empty, in its order: a
        row that does not say when it changed may have changed since.

        Raises SourceDown when the database does not answer, ContractBroken when table or column is not there."""
        table = self._table(feed)
        question = select(*self._columns(feed, table)).where(*self._conditions(feed, table))
        if feed.cursor_column and cursor:
            column = self._cursor(feed, table)
            question = question.where(or_(column > _bound(column, cursor), column.is_(None)))
        if feed.cursor_type:
            question = question.add_columns(self._cursor(feed, table).label(CURSOR))
        rows = self._rows(feed, question)
        at = CURSOR if feed.cursor_type else feed.cursor_column
        # which of two rows of one key and one time stamp comes last must not hang on the database's mood
        rows.sort(
            key=lambda row: (
                row.get(at) is not None,
                cursors.order(row.get(at) or ""),
                orjson.dumps(row),
            )
        )
        newest = max((row.get(at) or "" for row in rows), key=cursors.order, default="") if feed.cursor_column else ""
        for row in rows:
            row.pop(CURSOR, None)
        self._check_cursor(feed, table, rows)
        return Rows(orjson.dumps(rows), len(rows), newest)

    def newest(self, feed: Feed) -> str:
        """The greatest cursor value in the table, "" when it has none."""
        found = self._rows(
            feed,
            select(func.max(self._cursor(feed, self._table(feed))).label("newest")).where(
                *self._conditions(feed, self._table(feed))
            ),
        )
        return found[0]["newest"] or ""

    def keys(self, feed: Feed) -> Rows:
        """All present keys under the source's names, for the search for hard deletes."""
        table = self._table(feed)
        rules = feed.mapping["columns"]
        names = dict.fromkeys(
            theirs
            for names in feed.contract.key_sources.values()
            for name in names
            if name in rules
            for theirs in feed.theirs(name)
        )
        question = select(*(self._column(feed, table, name) for name in names)).where(*self._conditions(feed, table))
        rows = self._rows(feed, question)
        rows.sort(key=orjson.dumps)
        return Rows(orjson.dumps(rows), len(rows), "")

    def sign_in(self, feed: Feed) -> None:
        """Connects and asks nothing of any table. Raises what it was that the database did not like."""
        try:
            with self._engine.connect():
                pass
        except SQLAlchemyError as error:
            raise _failure("来源数据库无法访问", error, feed) from None

    def tables(self, feed: Feed) -> list[str]:
        """The tables and views beside the feed's, as a description names them."""
        schema = feed.table.rpartition(".")[0]
        try:
            known = inspect(self._engine)
            names = [*known.get_table_names(schema or None), *known.get_view_names(schema or None)]
        except SQLAlchemyError as error:
            raise _failure("来源数据库无法访问", error, feed) from None
        return sorted(f"{schema}.{name}" if schema else str(name) for name in names)

    def columns(self, feed: Feed) -> list[str]:
        """The columns of the feed's table, in their order. Raises like since()."""
        return [str(column.name) for column in self._table(feed).c]

    def sample(self, feed: Feed, names: list[str], limit: int) -> Rows:
        """Some rows of the table, no more than `limit`, with these columns of theirs; the cursor column's values are
        held against what since() needs. Raises like since()."""
        table = self._table(feed)
        wanted = dict.fromkeys([*names, *([feed.cursor_column] if feed.cursor_column else [])])
        conditions = self._conditions(feed, table)
        question = select(*(self._column(feed, table, name) for name in wanted)).where(*conditions).limit(limit)
        if feed.cursor_type:  # that the database can read it so is a part of the trial
            self._rows(feed, select(self._cursor(feed, table).label(CURSOR)).where(*conditions).limit(limit))
        rows = self._rows(feed, question)
        self._check_cursor(feed, table, rows)
        return Rows(orjson.dumps(rows), len(rows), "")

    def _check_cursor(self, feed: Feed, table: Table, rows: list[dict[str, str | None]]) -> None:
        if (
            feed.cursor_column
            and not feed.cursor_type
            and isinstance(table.c[feed.cursor_column].type, (String, NullType))
        ):
            is_text = isinstance(table.c[feed.cursor_column].type, String)
            cursors.check(feed, [row.get(feed.cursor_column) or "" for row in rows], is_text=is_text)

    def _columns(self, feed: Feed, table: Table) -> list[Column[Any]]:
        rules = [{"from": rule} if isinstance(rule, str) else rule for rule in feed.mapping["columns"].values()]
        wanted: dict[str, None] = dict.fromkeys(
            name for rule in rules for name in theirs(rule) if name in table.c or not rule.get("optional")
        )
        if feed.hook:
            wanted = dict.fromkeys(feed.reads or table.c.keys())
        absent = [name for name in wanted if name not in table.c]
        if absent:
            self._tables.pop(feed.table, None)
            raise ContractBroken(
                f"来源缺少列：{'、'.join(absent)}",
                where=f"{feed.source} {feed.table}，实际列：{'、'.join(table.c.keys())[:200]}",
                to_do="请与来源核对，或在来源描述的 columns 里改成现在的列名",
            )
        if feed.cursor_column:
            wanted[self._column(feed, table, feed.cursor_column).name] = None
        return [table.c[name] for name in wanted]

    def _conditions(self, feed: Feed, table: Table) -> list[ColumnElement[bool]]:
        """What `where` lets through, compared as text, which every column can be written as."""
        found = []
        for name, given in feed.where.items():
            column, known = func.trim(cast(self._column(feed, table, name), String)), column_rules.accepted(given)
            is_one = column.in_(sorted(known))
            found.append(or_(is_one, column.is_(None)) if "" in known else is_one)
        return found

    def _cursor(self, feed: Feed, table: Table) -> ColumnElement[Any]:
        """The cursor column as it is compared."""
        column = self._column(feed, table, feed.cursor_column)
        if not feed.cursor_type:
            return column
        if feed.cursor_type == "time" and self._engine.dialect.name == "sqlite":
            raise ContractBroken(
                "SQLite 不能把文字转成时间",
                where=f"{feed.source} {feed.table}",
                to_do="请删去 cursor_type 与 cursor_column，每次取整张表",
            )
        kind = DateTime() if feed.cursor_type == "time" else Numeric(38, 6)
        return cast(func.nullif(func.trim(cast(column, String)), ""), kind)

    def _column(self, feed: Feed, table: Table, name: str) -> Column[Any]:
        if name not in table.c:
            self._tables.pop(feed.table, None)
            raise ContractBroken(
                f"来源缺少列：{name}",
                where=f"{feed.source} {feed.table}",
                to_do="请与来源核对，或在来源描述里改成现在的列名",
            )
        return table.c[name]

    def _table(self, feed: Feed) -> Table:
        if feed.table not in self._tables:
            schema, _, name = feed.table.rpartition(".")
            try:
                self._tables[feed.table] = Table(
                    name, MetaData(), schema=schema or None, autoload_with=self._engine, resolve_fks=False
                )
            except NoSuchTableError as error:
                raise ContractBroken(
                    f"来源没有表 {feed.table}", where=feed.source, to_do="请与来源核对，或在来源描述里改成现在的表名"
                ) from error
            except SQLAlchemyError as error:
                raise _failure("来源数据库无法访问", error, feed) from None
        return self._tables[feed.table]

    def _rows(self, feed: Feed, question: Select[Any]) -> list[dict[str, str | None]]:
        try:
            with self._engine.connect() as connection:
                return [
                    {str(name): text(value) for name, value in row.items()}
                    for row in connection.execute(_as_stored(question)).mappings()
                ]
        except SQLAlchemyError as error:
            self._tables.pop(feed.table, None)  # perhaps the table has changed since we looked
            if feed.cursor_type and isinstance(error, DataError):
                kind = {"time": "时间", "number": "数"}[feed.cursor_type]
                raise ContractBroken(
                    f"游标列 {feed.cursor_column} 里有不能当作{kind}的值",
                    where=f"{feed.source} {feed.table}",
                    to_do="请对方改正或建一个视图；做不到就删去 cursor_type 与 cursor_column，每次取整张表",
                ) from None
            raise _failure("来源数据库读取失败", error, feed) from None

    def close(self) -> None:
        self._engine.dispose()


def _as_stored(question: Select[Any]) -> Select[Any]:
    """The question with exact numbers as the driver hands them out: of SQLite's SQLAlchemy makes a double first, and 19
    digits become 16."""
    columns = [
        type_coerce(column, NullType()).label(column.name)
        if isinstance(column.type, Numeric) and not isinstance(column.type, Float)
        else column
        for column in question.selected_columns
    ]
    return question.with_only_columns(*columns, maintain_column_froms=True)


def _engine(source: str, endpoint: Endpoint, read_s: int) -> Engine:
    try:
        url: URL = make_url(endpoint.dsn)
        if endpoint.password:
            url = url.set(password=endpoint.password)
        known: dict[str, dict[str, Any]] = {
            "postgresql": {
                "connect_timeout": CONNECT_S,
                "options": f"-c default_transaction_read_only=on -c statement_timeout={read_s * 1000} -c timezone=Asia/Shanghai -c datestyle=ISO,YMD",
            },
            "mysql": {"connect_timeout": CONNECT_S, "read_timeout": read_s},
            "sqlite": {"timeout": CONNECT_S},
        }
        kind = url.get_backend_name().replace("mariadb", "mysql")
        engine = create_engine(url, pool_pre_ping=True, pool_recycle=600, connect_args=known.get(kind, {}))
        if kind == "mysql":
            event.listen(engine, "connect", _read_only)
        return engine
    except (ArgumentError, ImportError, ValueError) as error:
        raise ConfigError(
            f"dsn 写法不对或没有这种数据库的驱动：{type(error).__name__}",
            where=f"sources.toml [{source}]",
            to_do="写成 postgresql+psycopg://用户@主机/库、mysql+pymysql://用户@主机/库 或 sqlite:////路径",
        ) from None


def _read_only(connection: Any, record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SET time_zone = '+08:00'")


def _failure(what: str, error: SQLAlchemyError, feed: Feed) -> CockpitError:
    """The failure as one of our errors, with the database's own code; never its text, which may quote rows or the
    address."""
    where = f"{feed.source} {feed.table}"
    driver = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason, code = reasons.database(driver)
    if reason is not None:
        return reason.error(what, where, code)
    return SourceDown(f"{what}：{type(error).__name__}{f' {code}' if code else ''}", where=where)


def _bound(column: ColumnElement[Any], cursor: str) -> object:
    if isinstance(column.type, (DateTime, Date)):
        moment = dt.datetime.fromisoformat(cursor)
        if getattr(column.type, "timezone", False):
            return moment.replace(tzinfo=SHANGHAI)
        return moment.date() - dt.timedelta(days=1) if not isinstance(column.type, DateTime) else moment
    counts = isinstance(column.type, (Integer, Numeric)) or (
        isinstance(column.type, NullType) and cursors.is_number(cursor)  # SQLite asks nobody for a type
    )
    return int(Decimal(cursor)) if counts else cursor


def text(value: object) -> str | None:
    """A database value as text, the same for all of them: no trailing zeros, no exponents (but where a double has lost
    digits), true and false as 1 and 0, instants as naive Shanghai wall time, bits as their number; None for NULL and
    the zero date. NaN stays, for the contract to refuse."""
    if value is None or isinstance(value, str):
        return None if value is not None and value.startswith("0000-00-00") else value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.16E}" if abs(value) >= EXACT else _plain(Decimal(repr(value)))
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, dt.datetime):
        return (value.astimezone(SHANGHAI).replace(tzinfo=None) if value.tzinfo else value).isoformat(" ", "auto")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):  # a time of day, as MariaDB hands it out
        return f"{value.days * 24 + value.seconds // 3600:02d}:{value.seconds // 60 % 60:02d}:{value.seconds % 60:02d}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(bytes(value))
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def _plain(value: Decimal) -> str:
    if not value.is_finite() or value.adjusted() > 99:
        return str(value)
    found = f"{value:f}"
    found = found.rstrip("0").rstrip(".") if "." in found else found
    return "0" if found == "-0" else found


def _bytes(value: bytes) -> str:
    """Text kept as bytes is text; a bit field, as MariaDB hands it out, is its number; anything else is written in
    hex."""
    with contextlib.suppress(UnicodeDecodeError):
        if value.decode("utf-8").isprintable():
            return value.decode("utf-8")
    return str(int.from_bytes(value, "big")) if len(value) <= 8 else value.hex()
