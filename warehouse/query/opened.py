"""One published generation that is open: what it is asked, what it remembers, and which sources stand behind it.

A generation never changes, so every answer is kept while it is open. Reads only the open file, and of it what lies in
the scope that the book was opened for."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any, Self

from cachetools import LRUCache

from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Generation, SourceState
from warehouse.core import statements, units
from warehouse.core.database import Reader
from warehouse.core.errors import OlderShape, PageMissing
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope

text = statements.beside(__file__)
MOST_ANSWERS = 5_000
"""Answers kept; those that nobody has asked for the longest go first."""
UNKNOWN = object()


class Opened:
    """One published generation, read-only. Thread-safe."""

    def __init__(self, settings: Settings, generation: str, scope: Scope, whole: Self | None) -> None:
        """scope: whose numbers are read. whole: the book of the same generation without limits, None for that one
        itself; it is asked only what is known of a window at all."""
        self._settings, self.id, self.scope = settings, generation, scope
        self._of_all = whole
        file = settings.published / f"{generation}.duckdb"
        self._reader = Reader(file) if scope.is_all else Reader(file, scope.narrowed)
        self._answers: LRUCache[tuple[Any, ...], Any] = LRUCache(MOST_ANSWERS)
        self._lock = threading.Lock()
        self.metrics = metrics()

    @property
    def _whole(self) -> Self:
        # never stored in the book itself: one that nobody holds any more closes its file at once
        return self._of_all or self

    @cached_property
    def generation(self) -> Generation:
        identifier, built, demo, release, last = self._reader.rows(text("generation"))[0]
        times = [state.data_time for state in self.sources() if state.data_time]
        return Generation(identifier, aware(built), min(times) if times else None, last or built.date(), demo, release)

    def ask(self, sql: str, values: list[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a question to the published tables; none where the generation was published before what is asked for
        existed: not known is not zero."""
        return list(self.remember(("ask", sql, str(values)), lambda: self._rows(sql, values or [])))

    def records(self, sql: str, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The same as dicts by the names that the SELECT gives its columns; the caller may change them."""

        def ask() -> list[dict[str, Any]]:
            try:
                return self._reader.records(sql, values or {})
            except OlderShape:
                return []

        return [dict(record) for record in self.remember(("records", sql, str(values)), ask)]

    def _rows(self, sql: str, values: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows; none where the generation was published before what is asked for existed."""
        try:
            return self._reader.rows(sql, values)
        except OlderShape:
            return []

    def remember(self, key: tuple[Any, ...], answer: Callable[[], Any]) -> Any:
        # readers choose filters freely; memory must not follow them. The lock is not held over the question itself: two
        # may ask it at once, and both go on with the answer that came first
        with self._lock:
            if (known := self._answers.get(key, UNKNOWN)) is not UNKNOWN:
                return known
        found = answer()
        with self._lock:
            return self._answers.setdefault(key, found)

    def _has_table(self, name: str) -> bool:
        """Whether a mart of that name was published."""
        there = (
            "SELECT 1 FROM duckdb_tables() WHERE table_name = $name "
            "UNION ALL SELECT 1 FROM duckdb_views() WHERE view_name = $name"
        )
        return bool(self.ask(there, {"name": name}))

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises PageMissing when the catalogue has none."""
        if name not in self.metrics:
            raise PageMissing("没有这项指标")
        return self.metrics[name]

    def sources(self) -> list[SourceState]:
        """Freshness of every landed table."""
        return list(
            self.remember(
                ("sources",),
                lambda: [
                    SourceState(
                        source,
                        entity,
                        label,
                        aware(at) if at else None,
                        aware(landed) if landed else None,
                        stale,
                        rows,
                        bad,
                        error,
                    )
                    for source, entity, label, at, landed, stale, rows, bad, error in self._reader.rows(text("sources"))
                ],
            )
        )

    @cached_property
    def _landed(self) -> dict[str, int]:
        """Landed table → rows it holds."""
        return {f"{state.source}_{state.entity}": state.rows for state in self.sources()}

    def delivered(self, table: str, *, now: bool = False) -> bool:
        """Whether a landed table has ever delivered a row. The bureau's own are there from the start, and an archive
        stands in for the table it feeds, but not for what is `now`."""
        known = contracts()
        near = [] if now else [known[table].feeds, *(other.table for other in known.values() if other.feeds == table)]
        return known[table].load == "own" or any(self._landed.get(name) for name in [table, *near])

    def reported(self, metric: Metric) -> bool:
        """Whether every table that the metric is made of has ever delivered a row: where one has not, a 0 says
        nothing."""
        return bool(
            self.remember(
                ("reported", metric.id),
                lambda: all(
                    self.delivered(name, now=metric.kind == "now")
                    for name in metric.sources
                    if name not in metric.optional
                ),
            )
        )


def aware(moment: dt.datetime) -> dt.datetime:
    """A naive Shanghai time of the warehouse as an aware one."""
    return moment.replace(tzinfo=units.SHANGHAI)
