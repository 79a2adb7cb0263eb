"""The only way to DuckDB. Owns how files are opened and hardened, a cursor per call, and the mapping of library
errors.

A connection shared by threads hands one thread another's rows, so nobody outside this module holds a bare
connection."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.core.errors import DataMissing, OlderShape, TooBusy, WarehouseBroken
from warehouse.core.settings import ROOT

if TYPE_CHECKING:
    import pyarrow as pa  # only the loader has use for tables of it; a web worker is lighter without

Parameters = Sequence[object] | dict[str, object] | None
Statement = tuple[str, list[object]]
"""SQL and what is bound in it."""
WHOLE = "whole"
"""What a file is called below the part of it that a narrowed reader sees."""
BASE = "base"
"""What the file is called that another one stands on: a published file may hold only what differs from an earlier one,
whose name, in the same folder, is then in its table fresh.base, and show the rest by views."""
FRESH = "fresh"
"""Schema of the days by which such a file differs; its views put them in their place among the others."""

HARDENED = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "512MB",
    "threads": "1",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "lock_configuration": "true",
}
"""A reader's settings: no file, no network, no extension can be reached even if an injection got through. One thread,
because two add doubles in an order of their own each time: the last digits of a sum would differ from one look to the
next, and a report that is printed again must be equal in every number. Two were no faster on the default house (p95 of
all readings 24 against 26 ms, side by side)."""
_CLOSING = ("enable_external_access", "lock_configuration")
"""What can be set only when all that is to be read is open."""
_OPENING: dict[str, str | bool | int | float | list[str]] = {
    key: value for key, value in HARDENED.items() if key not in _CLOSING
}
BUILD_THREADS = int(os.environ.get("ZHENGBEI_BUILD_THREADS", "2"))
"""Threads that the loader computes with. Where several loaders share the processors (the tests), one each is a fifth
less work than two."""


POSITIONS_MEMORY = "800MB"
"""What the writer computes positions in, which come in parts that fit; what takes more goes through the folder for
temporary files."""


class _Patience:
    """Interrupts queries that run too long. One thread looks after all of them; a timer each would start a thread a
    query, which takes longer than most of the queries do."""

    LOOK_S = 0.25

    def __init__(self) -> None:
        self._until: dict[int, tuple[float, duckdb.DuckDBPyConnection]] = {}
        self._thread, self._ended = threading.Thread(), threading.Event()
        atexit.register(self._end)

    @contextmanager
    def of(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        """The query in the block is interrupted when it is not over after `seconds`, at the next look."""
        if not self._thread.is_alive():  # the first query of this process: a worker that was forked has no threads
            self._thread = threading.Thread(target=self._watch, name="patience", daemon=True)
            self._thread.start()
        self._until[id(cursor)] = (time.monotonic() + seconds, cursor)
        try:
            yield
        finally:
            del self._until[id(cursor)]

    def _watch(self) -> None:
        while not self._ended.wait(self.LOOK_S):
            for until, cursor in list(self._until.values()):
                if time.monotonic() > until:
                    cursor.interrupt()

    def _end(self) -> None:
        """A thread that calls into the database while the interpreter goes would end the process by SIGABRT."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()


PATIENCE = _Patience()
_ONE_OPENS = threading.Lock()


class Reader:
    """A published file and the one that it stands on, read-only and hardened. Safe to share between threads: every call
    has its own cursor.

    narrowed: for one that sees a part only, from the tables ("schema.name" → columns) to the statements that put views
    of them in their place; the same questions then find nothing else."""

    def __init__(
        self, file: Path, narrowed: Callable[[Mapping[str, Sequence[str]]], Sequence[Statement]] | None = None
    ) -> None:
        if not file.exists():
            raise DataMissing("已发布的数据文件不存在", where=file.name)
        try:
            self._con = _opened(file) if narrowed is None else _narrowed(file, narrowed)
        except duckdb.Error as error:
            raise WarehouseBroken("已发布的数据文件无法打开", where=file.name) from error

    def rows(self, sql: str, parameters: Parameters = None, *, timeout_s: float = 5.0) -> list[tuple[Any, ...]]:
        """All rows. A query longer than `timeout_s` is interrupted. SQL text and paths never reach the message."""
        return self._run(sql, parameters, timeout_s).fetchall()

    def records(self, sql: str, parameters: Parameters = None, *, timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """The same rows, each a dict by the names that the SELECT gives its columns."""
        cursor = self._run(sql, parameters, timeout_s)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _run(self, sql: str, parameters: Parameters, timeout_s: float) -> duckdb.DuckDBPyConnection:
        cursor = self._con.cursor()
        try:
            with PATIENCE.of(cursor, timeout_s):
                return cursor.execute(sql, parameters) if parameters is not None else cursor.execute(sql)
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise OlderShape("这份快照里没有要读的内容") from error
        except duckdb.InterruptException as error:
            raise TooBusy(f"查询超过 {timeout_s:g} 秒，没有算完") from error
        except duckdb.Error as error:
            raise WarehouseBroken("读取数据失败", to_do="请刷新页面；反复出现时运行 ./zhengbei doctor") from error

    def close(self) -> None:
        self._con.close()


def _opened(file: Path) -> duckdb.DuckDBPyConnection:
    with _ONE_OPENS:  # who opens a file that this process has open gets the same database, closed already
        con = duckdb.connect(str(file), read_only=True, config=dict(_OPENING))
        if not con.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
            _attach_base(con, file, "SELECT file FROM fresh.base")
            _close(con)
        return con


def _narrowed(
    file: Path, narrowed: Callable[[Mapping[str, Sequence[str]]], Sequence[Statement]]
) -> duckdb.DuckDBPyConnection:
    """A database in memory that holds nothing but views of the file."""
    con = duckdb.connect(config=dict(_OPENING))
    con.execute(attaching(file, WHOLE))
    _attach_base(con, file, "SELECT file FROM whole.fresh.base")
    tables: dict[str, list[str]] = {}
    for schema, name, column in con.execute(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name <> ? AND NOT internal",
        [WHOLE, FRESH],
    ).fetchall():
        tables.setdefault(f"{schema}.{name}", []).append(column)
    for sql, bound in narrowed(tables):
        con.execute(sql, bound)
    _close(con)
    return con


def attaching(file: Path, name: str) -> str:
    """The statement that attaches a file, read-only, under a name."""
    path = str(file).replace("'", "''")
    return f"ATTACH '{path}' AS {name} (READ_ONLY)"


def _attach_base(con: duckdb.DuckDBPyConnection, file: Path, question: str) -> None:
    """Attaches what the file stands on, where there is such a one; question: asks the open file for its name."""
    try:
        name = con.execute(question).fetchall()[0][0]
    except (duckdb.CatalogException, duckdb.BinderException):
        return  # it holds everything itself
    con.execute(attaching(file.with_name(name), BASE))


def _close(con: duckdb.DuckDBPyConnection) -> None:
    """Closes the database to the outside, which is possible only when all that is to be read is open."""
    for key in _CLOSING:
        con.execute(f"SET {key} = {HARDENED[key]}")


class Writer:
    """The etl process's own file, read-write. One lock serialises its threads; `transaction()` is all or nothing."""

    def __init__(self, file: Path, temp: Path, *, memory: str = "4GB", threads: int = BUILD_THREADS) -> None:
        temp.mkdir(parents=True, exist_ok=True)
        self.file = file
        self._lock, self._memory = threading.RLock(), memory
        try:
            self._con = duckdb.connect(str(file), config={"storage_compatibility_version": "latest"})
            for key, value in (("memory_limit", memory), ("threads", threads), ("temp_directory", str(temp))):
                self._con.execute(f"SET {key}='{value}'")
            self._con.execute("SET TimeZone='Asia/Shanghai'")
            self._con.execute("SET autoinstall_known_extensions=false")
            self._con.execute("SET preserve_insertion_order=false")
            self._con.execute((ROOT / "core" / "sql" / "macros.sql").read_text("utf-8"))
        except duckdb.Error as error:
            raise WarehouseBroken(f"数据仓库无法打开：{first_line(error)}", where=file.name) from error

    def execute(self, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Runs one or several statements and returns the rows of the last. Raises WarehouseBroken with DuckDB's
        reason."""
        with self._lock:
            try:
                result = self._con.execute(sql, parameters) if parameters is not None else self._con.execute(sql)
                return result.fetchall() if result.description else []
            except duckdb.FatalException as error:
                raise WarehouseBroken(f"数据库已停止工作：{first_line(error)}", where=self.file.name) from error
            except duckdb.Error as error:
                raise WarehouseBroken(first_line(error), where=sql.strip().splitlines()[0][:120]) from error

    def table(self, sql: str, parameters: Parameters = None) -> pa.Table:
        """The rows as an Arrow table."""
        with self._lock:
            try:
                return self._con.execute(sql, parameters).to_arrow_table()
            except duckdb.Error as error:
                raise WarehouseBroken(first_line(error), where=sql.strip().splitlines()[0][:120]) from error

    def batches(self, sql: str, parameters: Parameters = None, *, rows: int = 1 << 17) -> Iterator[pa.RecordBatch]:
        """The rows in order, so many at a time (the lock is held until the last). Nothing else may be asked meanwhile."""
        with self._lock:
            try:
                yield from self._con.execute(sql, parameters).to_arrow_reader(rows)
            except duckdb.Error as error:
                raise WarehouseBroken(first_line(error), where=sql.strip().splitlines()[0][:120]) from error

    @contextmanager
    def registered(self, **tables: pa.Table) -> Iterator[None]:
        """Makes Arrow tables visible to SQL under their names while the block runs (the lock is held)."""
        with self._lock:
            for name, table in tables.items():
                self._con.register(name, table)
            try:
                yield
            finally:
                for name in tables:
                    self._con.unregister(name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other threads out while several statements belong together."""
        with self._lock:
            yield

    @contextmanager
    def unoptimized(self) -> Iterator[None]:
        """Runs statements as they are written while the block runs (the lock is held): a wide statement over few rows
        takes longer to be improved than to be run. Not for joins, which are left as the product of both sides."""
        with self._lock:
            self.execute("PRAGMA disable_optimizer")
            try:
                yield
            finally:
                self.execute("PRAGMA enable_optimizer")

    @contextmanager
    def sparing(self) -> Iterator[None]:
        """Keeps other threads out and computes in POSITIONS_MEMORY while the block runs."""
        with self._lock:
            self.execute(f"SET memory_limit='{POSITIONS_MEMORY}'")
            try:
                yield
            finally:
                self.execute(f"SET memory_limit='{self._memory}'")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. An error from COMMIT itself means "unknown": the caller reopens and reads what is there."""
        with self._lock:
            self.execute("BEGIN TRANSACTION")
            try:
                yield
            except BaseException:
                try:
                    self.execute("ROLLBACK")
                except WarehouseBroken:
                    pass  # the first error is the one to tell
                raise
            self.execute("COMMIT")

    def checkpoint(self) -> None:
        """Folds the WAL into the file."""
        self.execute("CHECKPOINT")

    def close(self) -> None:
        with self._lock:
            self._con.close()


def first_line(error: BaseException) -> str:
    """The sentence of a library error without its hints and pointers."""
    return str(error).strip().splitlines()[0][:300]


def create(file: Path) -> duckdb.DuckDBPyConnection:
    """A fresh file for the backup, which attaches it under a name of its own."""
    return duckdb.connect(str(file), config={"storage_compatibility_version": "latest"})
