"""What every job needs at hand. Owns the lock on the data folder and the life of writer, landing and parser."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from etl.config.descriptions import Faults, addressed
from etl.config.schema import Endpoint
from etl.runtime.parser_pool import Parser
from etl.sources.files import Folder
from etl.sources.http_json import HttpJson
from warehouse.catalog import announcement
from warehouse.core import units
from warehouse.core.database import Writer
from warehouse.core.errors import Locked
from warehouse.core.keys import Pseudonyms, Vault
from warehouse.core.settings import Settings
from warehouse.ingest.landing import Landing
from warehouse.ingest.pseudonymize import PrivacyFilter
from warehouse.publish import recover

if TYPE_CHECKING:  # SQLAlchemy comes with the first database that is asked
    from etl.sources.sql_database import SqlDatabase

Progress = Callable[[str, int, int], None]


def silent(label: str, done: int, total: int) -> None:
    """A progress listener for nobody."""


@dataclass
class Context:
    """The open data folder of the one etl process. `clock` gives naive Shanghai time: jobs never read the clock
    themselves."""

    settings: Settings
    writer: Writer
    landing: Landing
    privacy: PrivacyFilter
    parser: Parser
    endpoints: dict[str, Endpoint]
    is_demo: bool
    notes: list[str]
    clock: Callable[[], dt.datetime]
    progress: Progress = silent
    heavy: threading.RLock = field(default_factory=threading.RLock)
    """Held by refresh, nightly and other long jobs, so that two of them never run at once; live does not wait for
    it."""
    http: dict[str, HttpJson] = field(default_factory=dict)
    sql: dict[str, SqlDatabase] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    looked_at: dict[tuple[str, str], str] = field(default_factory=dict)
    """Feed → the state of its source that was found to be no restored backup (F22), so that it is not examined each
    time."""
    tried: dict[str, tuple[str, dt.datetime]] = field(default_factory=dict)
    """Period of a report that is due → the snapshot this process looked at last ("" when the print failed), and when it
    may be tried again."""
    faults: Faults = field(default_factory=dict)
    """What is wrong with the address of a source, as read at the start: that source is not asked."""

    def http_of(self, source: str) -> HttpJson:
        """The source's HTTP side, opened on first use."""
        if source not in self.http:
            self.http[source] = HttpJson(source, self.endpoints[source])
        return self.http[source]

    def sql_of(self, source: str) -> SqlDatabase:
        """The source's database, opened on first use."""
        from etl.sources.sql_database import SqlDatabase

        if source not in self.sql:
            self.sql[source] = SqlDatabase(source, self.endpoints[source])
        return self.sql[source]

    def folder_of(self, source: str) -> Folder:
        """The source's drop folder, opened on first use; opened again after a failure."""
        if source not in self.folders:
            self.folders[source] = Folder(source, self.endpoints[source], self.privacy.shown)
        return self.folders[source]

    def close(self) -> None:
        """Ends the child and every connection."""
        self.parser.close()
        for http in self.http.values():
            http.close()
        for sql in self.sql.values():
            sql.close()


def clock() -> dt.datetime:
    """Now, naive Shanghai time, as the warehouse keeps it."""
    return units.now().replace(tzinfo=None)


@contextlib.contextmanager
def opened(
    settings: Settings, *, progress: Progress = silent, now: Callable[[], dt.datetime] = clock
) -> Iterator[Context]:
    """The data folder, locked for us. Raises Locked naming the holder when another process has it,
    ConfigError when a description of the catalogue is wrong."""
    announcement.facts()  # a wrong description of the catalogue is said here, before anything is opened
    with held(settings.lock):
        writer, notes = recover.open_warehouse(settings, progress)
        context: Context | None = None
        try:
            found, is_demo, faults = addressed(settings)
            context = Context(
                settings,
                writer,
                Landing(settings.landing, Vault(settings.keys)),
                PrivacyFilter(Pseudonyms(settings.keys)),
                Parser(settings.temp),
                found,
                is_demo,
                notes,
                now,
                progress,
                faults=faults,
            )
            yield context
        finally:
            if context is not None:
                context.close()
            writer.close()


@contextlib.contextmanager
def held(file: Path, busy: str = "数据文件夹正被占用") -> Iterator[None]:
    """An exclusive lock on `file`, which tells who holds it; busy: what is said to who comes second. The kernel frees it
    when the process dies, however it dies."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
            raise Locked(f"{busy}：{holder or '占用者未知'}", where=str(file.parent)) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"进程 {os.getpid()}，自 {clock():%Y-%m-%d %H:%M:%S} 起\n".encode(), 0)
        yield
    finally:
        os.close(handle)
