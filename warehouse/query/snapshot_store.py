"""All published generations of a data folder: which are there, and which stay open.

Owns how many books are open at once, and that each is opened for what its reader may see."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from cachetools import LRUCache

from warehouse.core.errors import DataMissing, PageMissing, SnapshotGone
from warehouse.core.settings import Settings
from warehouse.publish import snapshot as published
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot

WRITTEN = re.compile(r"\d{8}T\d{6}")
"""How the id of a generation is written."""
MOST_OTHERS = 3
"""Books kept open beside the newest."""
MOST_SCOPED = 24
"""Books kept open of readers who see some places only."""


class SnapshotStore:
    """All published generations of a data folder. Thread-safe. The newest book stays open, with the few others that
    were asked for last: whoever reads old snapshots never closes the one that everybody reads. A book is asked for with
    the scope of who will read it; each scope has a book of its own, with answers of its own."""

    def __init__(self, data: Path) -> None:
        self._settings = Settings(Path(data))
        self._newest: Snapshot | None = None
        self._others: LRUCache[str, Snapshot] = LRUCache(MOST_OTHERS)
        self._scoped: LRUCache[tuple[str, Scope], Snapshot] = LRUCache(MOST_SCOPED)
        self._lock, self._scoped_lock = threading.Lock(), threading.Lock()

    def current(self, scope: Scope) -> Snapshot:
        """The newest published generation. Raises DataMissing before the first."""
        generation = published.current(self._settings)
        if generation is None:
            raise DataMissing("还没有发布任何数据")
        with self._lock:
            if self._newest is None or self._newest.id != generation:
                found = self._opened(generation)
                if self._newest is not None:
                    self._others[self._newest.id] = self._newest
                self._newest = found
                self._others.pop(generation, None)
            book, held = self._newest, {generation, *self._others}
        return self._limited(book, scope, held)

    def open(self, generation_id: str, scope: Scope) -> Snapshot:
        """That generation. Raises DataMissing when it is not kept (any more)."""
        with self._lock:
            if self._newest is not None and self._newest.id == generation_id:
                book = self._newest
            else:
                book = self._others.setdefault(generation_id, self._opened(generation_id))
            held = {generation_id, *self._others, *([self._newest.id] if self._newest else [])}
        return self._limited(book, scope, held)

    def _limited(self, book: Snapshot, scope: Scope, held: set[str]) -> Snapshot:
        """The book for that scope. held: generations that stay open; the others' files are let go."""
        with self._scoped_lock:
            for gone in [known for known in self._scoped if known[0] not in held]:
                del self._scoped[gone]
            if scope.is_all:
                return book
            if (book.id, scope) not in self._scoped:
                self._scoped[book.id, scope] = Snapshot(self._settings, book.id, scope, book)
            return self._scoped[book.id, scope]

    def _opened(self, generation_id: str) -> Snapshot:
        known = self._others.get(generation_id)
        held = published.generations(self._settings) if known is None else [generation_id]
        if generation_id not in held:
            what = f"没有快照 {generation_id[:32]}"
            is_past = held and WRITTEN.fullmatch(generation_id) and generation_id < held[0]
            raise SnapshotGone(f"{what}，或已不再保留") if is_past else PageMissing(what, to_do=SnapshotGone.to_do)
        return known or Snapshot(self._settings, generation_id, Scope.ALL, None)

    def generations(self) -> list[str]:
        """Ids, newest first."""
        return published.generations(self._settings)
