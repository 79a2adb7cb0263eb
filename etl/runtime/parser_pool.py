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

import pyarrow as pa

from warehouse.core.errors import CockpitError, ContractBroken
from warehouse.ingest import parse
from warehouse.ingest.landing import Landed

MEMORY_BYTES = 8 << 30
"""Address space, not resident memory: Arrow reserves generously."""
BOOK_BYTES = 1 << 30
"""What a workbook, archive or hook may take on top: a sheet of five million cells fits, a bomb does not."""
TIMEOUT_S = 120.0


class ParserDied(ContractBroken):
    """The child ended while this payload was at hand or waiting; whose fault it was is not known yet."""


CONTEXT = multiprocessing.get_context("forkserver")
"""Children come from a process that has read the parser's code once and holds nothing else of the loader: the next one
starts at once when a file has cost the one before its life."""
CONTEXT.set_forkserver_preload(["warehouse.ingest.parse"])


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


def _work(note: Landed, body: bytes) -> bytes:
    try:
        with _tight(note, body):
            table = parse.parse(note, body)
    except (CockpitError, MemoryError):
        raise
    except BaseException as error:  # a reader written in another language may raise what is no Exception
        raise ContractBroken(f"文件无法解析：{type(error).__name__}", where=note.name.split("|")[0]) from None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


class Parser:
    """One child, started on first use, replaced when it dies."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, note: Landed, body: bytes) -> Future[bytes]:
        """Starts parsing; result() with the same note fetches the rows."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=CONTEXT, initializer=_limit)
        return self._pool.submit(_work, note, body)

    def result(self, note: Landed, future: Future[bytes]) -> pa.Table:
        """The rows as VARCHAR columns. Raises ContractBroken when the payload is unreadable, too large or too slow."""
        try:
            return pa.ipc.open_stream(future.result(TIMEOUT_S)).read_all()
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            raise ParserDied("解析进程超出内存或时间限制", where=note.name) from error
        except MemoryError as error:
            raise ContractBroken("解析所需内存超出限制", where=note.name) from error

    def parse(self, note: Landed, body: bytes) -> pa.Table:
        """submit() and result() in one."""
        return self.result(note, self.submit(note, body))

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool = None
