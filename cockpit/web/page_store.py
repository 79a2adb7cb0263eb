"""Pages that were made, held for whoever asks for the same: what a page was made from says for whom it holds.

A visit that would read the same of the reader, the day, the tasks and the state file gets the same page. What reads the
minute, single persons or a table that cannot be compared is held for nobody. Of several who ask for a page that is not
there, one makes it and the others wait for it. Owns the pages of one process; the frame around them (name, menu, age of
the data) is made for each reader."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import static_html
from cockpit.store import app_db, witness

MOST_BYTES = 32 * 1024 * 1024
"""Of all pages of a process, as they leave; the ones that nobody asks for go first."""
MOST_VARIANTS = 12
"""Of one address: roles, themes, states of its tasks."""
COMPARED = {
    "supervision": "SELECT max(id) FROM supervision",
    "supervision_step": "SELECT max(seq) FROM supervision_step",
    "note": "SELECT max(id) FROM note",
    "note_withdrawn": "SELECT count(*) FROM note_withdrawn",
    "users": "SELECT group_concat(name || '/' || display || '/' || role || '/' || disabled) FROM users",
}
"""Tables of the state file that a held page may have been made from, and what tells whether they have changed: to the
first four rows are only added."""
ENTERED = "passport"
"""The one table that making a page writes: the number's own passport, the same each time, and it stays."""


class Reader:
    """Stands for a visit or for its viewer, and notes what a page reads of it. The address is what a page is held by, so
    it is not noted."""

    def __init__(self, of: Any, read: dict[str, object], path: str = "") -> None:
        self._of, self._read, self._path = of, read, path

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._of, name)
        if name == "viewer":
            return Reader(value, self._read, "viewer.")
        if name != "address":
            self._read[self._path + name] = value
        return value

    def at(self, address: Any) -> Any:
        """See PageContext."""
        return Reader(self._of.at(address), self._read, self._path)


@dataclass(frozen=True)
class Held:
    """A page as it leaves and what it was made from."""

    page: Page
    read: dict[str, object]
    tables: dict[str, object]
    size: int

    def fits(self, visit: PageContext, file: Path) -> bool:
        """Whether this visit would read the same."""
        return all(attrgetter(path)(visit) == value for path, value in self.read.items()) and (
            self.tables == _versions(file, self.tables)
        )


class PageStore:
    """See the module. render: makes the page of a visit. file: the state file."""

    def __init__(self, render: Callable[[PageContext], Page], file: Path) -> None:
        self._render, self._file = render, file
        self._held: OrderedDict[tuple[Any, ...], list[Held]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._turns: dict[tuple[Any, ...], tuple[threading.Lock, int]] = {}

    def page(self, visit: PageContext) -> Page:
        """The page of the visit, its body and tools as finished parts. Raises what making it raises."""
        key = (visit.book.generation.id, visit.book.scope, visit.address.here())
        if (found := self._find(key, visit)) is not None:
            return found
        with self._turn(key):
            return self._find(key, visit) or self._made(key, visit)

    def _find(self, key: tuple[Any, ...], visit: PageContext) -> Page | None:
        with self._lock:
            variants = list(self._held.get(key, ()))
            if variants:
                self._held.move_to_end(key)
        return next((one.page for one in variants if one.fits(visit, self._file)), None)

    def _made(self, key: tuple[Any, ...], visit: PageContext) -> Page:
        before = _versions(self._file, COMPARED)
        with witness.making() as seen:
            page = self._render(cast(PageContext, Reader(visit, seen.read)))
            tools, body = static_html.unsigned(page.tools), static_html.unsigned(page.body)
        made = Page(page.title, [body], page.group, [tools])
        tables = seen.tables - {ENTERED}
        if not (seen.is_single or {"now", "people"} & seen.read.keys() or tables - COMPARED.keys()):
            versions = {name: before[name] for name in tables}
            self._hold(key, Held(made, seen.read, versions, len(body.inside) + len(tools.inside)))
        return made

    def _hold(self, key: tuple[Any, ...], held: Held) -> None:
        with self._lock:
            variants = self._held.setdefault(key, [])
            variants.append(held)
            self._size += held.size
            if len(variants) > MOST_VARIANTS:
                self._size -= variants.pop(0).size
            while self._size > MOST_BYTES and len(self._held) > 1:
                _, gone = self._held.popitem(last=False)
                self._size -= sum(one.size for one in gone)

    @contextmanager
    def _turn(self, key: tuple[Any, ...]) -> Iterator[None]:
        """One at a time for a key; a key that nobody waits for any more is forgotten."""
        with self._lock:
            lock, waiting = self._turns.get(key, (threading.Lock(), 0))
            self._turns[key] = lock, waiting + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, waiting = self._turns[key]
                if waiting > 1:
                    self._turns[key] = lock, waiting - 1
                else:
                    del self._turns[key]


def _versions(file: Path, tables: Iterable[str]) -> dict[str, object]:
    """How the tables stand now. Opens the file only when there is one to look at."""
    wanted = list(tables)
    if not wanted:
        return {}
    with app_db.reading(file) as connection:
        return {name: connection.execute(COMPARED[name]).fetchone()[0] for name in wanted}
