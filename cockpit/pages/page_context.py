"""What a page is given and what it gives back. One visit reads from exactly one generation, so no page can mix two."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dash.development.base_component import Component

from cockpit.identity.sessions import Viewer
from cockpit.presentation.address import Address
from cockpit.presentation.format import ZONE
from cockpit.presentation.theme import LIGHT, Theme

if TYPE_CHECKING:
    from cockpit.casework.task_store import Task
    from cockpit.identity.driver_access import People
    from warehouse.query.snapshot import Snapshot


@dataclass(frozen=True)
class PageContext:
    """One rendering of one page. now: the server's time, aware. generations: ids, newest first. theme: of the reader.
    people: the reader's way to single drivers, None where there is none. supervised: the tasks of 督办 that stand,
    newest first. newest: the current generation where the visit is to an earlier one, else None. favourites: the places
    the reader keeps, in their order."""

    book: Snapshot
    address: Address
    viewer: Viewer
    now: dt.datetime
    generations: tuple[str, ...] = ()
    theme: Theme = LIGHT
    people: People | None = None
    supervised: tuple[Task, ...] = ()
    newest: Snapshot | None = None
    favourites: tuple[str, ...] = ()

    def at(self, address: Address) -> PageContext:
        """The visit as it would be to another address."""
        return replace(self, address=address)

    @property
    def today(self) -> dt.date:
        """The business day, Asia/Shanghai."""
        return self.now.astimezone(ZONE).date()


@dataclass(frozen=True)
class Page:
    """A rendered page. group: the navigation entry to mark; tools: the bar under the navigation."""

    title: str
    body: list[Component]
    group: str = ""
    tools: list[Component] = field(default_factory=list)
