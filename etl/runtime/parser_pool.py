"""Foreign bytes are read in a child process with a memory and time limit. Owns that child; a hostile file ends it, not
us."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pyarrow as pa

from warehouse.catalog.contracts import contracts
from warehouse.core.errors import CockpitError, ContractBroken
from warehouse.ingest import parse, pieces
from warehouse.ingest.early_types import Rows, Split
from warehouse.ingest.landing import Landed

MEMORY_BYTES = 8 << 30
"""Address space, not resident memory: Arrow reserves generously."""
BOOK_BYTES = 1 << 30
"""What a workbook, archive or hook may take on top: a sheet of five million cells fits, a bomb does not."""
TIMEOUT_S = 120.0


class ParserDied(ContractBroken):
    """The child ended while this payload was at hand or waiting; whose fault it was is not known yet."""


SPLIT = b"rows"
"""Metadata of a table that holds only the odd rows of a payload: how many there are with the others."""
CONTEXT = multiprocessing.get_context("forkserver")
"""Children come from a process that has read the parser's code once and holds nothing else of the loader: the next one
starts at once when a file has cost the one before its life."""
CONTEXT.set_forkserver_preload(["warehouse.ingest.pieces"])


def _limit() -> None:
    threading.Thread(target=_end_with_loader, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Arrow reserves a gigabyte of addresses with its first value: it must not be the first workbook's that it takes
    pa.array(["一"])
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), 2
    )  # a reader that gives up writes pages there; the reason comes back by itself


def _end_with_loader() -> None:
    """A killed loader must not leave its parser behind."""
    loader = multiprocessing.parent_process()
    assert loader is not None
    loader.join()
    os._exit(1)


@contextlib.contextmanager
def _tight(note: Landed, body: bytes) -> Iterator[None]:
    """A lower memory limit while a workbook or archive is open, or the bureau's own function at work."""
    if body[:2] not in (b"PK", b"\xd0\xcf") and not note.mapping.get("hook"):
        yield
        return
    with open("/proc/self/statm") as pages:
        taken = int(pages.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (min(taken + BOOK_BYTES, MEMORY_BYTES), MEMORY_BYTES))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _work(note: Landed, body: bytes, aside: Path | None) -> bytes:
    try:
        with _tight(note, body):
            found = _spooled(note, body, aside) if aside is not None else None
            if found is not None:
                return _packed(found[0].replace_schema_metadata({SPLIT: str(found[1])}))
            table = parse.parse(note, body)
    except (CockpitError, MemoryError):
        raise
    except BaseException as error:  # a reader written in another language may raise what is no Exception
        raise ContractBroken(f"文件无法解析：{type(error).__name__}", where=note.name.split("|")[0]) from None
    return _packed(table)


def _spooled(note: Landed, body: bytes, aside: Path) -> tuple[pa.Table, int] | None:
    """As pieces.split, its stream in the file `aside`; None too where that cannot be written."""
    try:
        with pa.OSFile(str(aside), "wb") as sink:
            return pieces.split(note, body, sink)
    except OSError:
        return None


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _split(file: Path, odd: pa.Table, count: int) -> Split:
    handle = file.open("rb")

    def stream() -> pa.RecordBatchReader:
        handle.seek(0)
        return pa.ipc.open_stream(pa.PythonFile(handle, mode="r"))

    return Split(stream, odd, count)


class Parser:
    """One child, started on first use, replaced when it dies. aside: a folder for the rows of large payloads, which do
    not fit through a pipe; None: all of them come as text."""

    def __init__(self, aside: Path | None = None) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._aside = aside
        for stray in aside.glob("rows-*") if aside else ():  # of a loader that was killed
            stray.unlink()

    def submit(self, note: Landed, body: bytes) -> Future[bytes]:
        """Starts parsing; result() with the same note fetches the rows."""
        return self._submit(note, body, self._file(note))

    def result(self, note: Landed, future: Future[bytes]) -> Rows:
        """The rows. Raises ContractBroken when the payload is unreadable, too large or too slow."""
        file = self._file(note)
        try:
            table = self._table(note, future)
            count = (table.schema.metadata or {}).get(SPLIT)
            return table if count is None or file is None else _split(file, table, int(count))
        finally:
            if file is not None:
                file.unlink(missing_ok=True)  # what is open stays readable

    def rows(self, note: Landed, body: bytes) -> Rows:
        """submit() and result() in one."""
        return self.result(note, self.submit(note, body))

    def parse(self, note: Landed, body: bytes) -> pa.Table:
        """The rows as VARCHAR columns. Raises as result() does."""
        return self._table(note, self._submit(note, body, None))

    def _file(self, note: Landed) -> Path | None:
        contract = contracts().get(note.table)
        return self._aside / f"rows-{note.seq}" if self._aside and contract and contract.load == "lake" else None

    def _submit(self, note: Landed, body: bytes, aside: Path | None) -> Future[bytes]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=CONTEXT, initializer=_limit)
        return self._pool.submit(_work, note, body, aside)

    def _table(self, note: Landed, future: Future[bytes]) -> pa.Table:
        try:
            return pa.ipc.open_stream(future.result(TIMEOUT_S)).read_all()
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            raise ParserDied("解析进程超出内存或时间限制", where=note.name) from error
        except MemoryError as error:
            raise ContractBroken("解析所需内存超出限制", where=note.name) from error

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool = None
