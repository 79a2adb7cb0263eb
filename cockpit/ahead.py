"""The overview's answers, asked for before the first reader of a new generation does: one quiet thread in each web worker.

A generation never changes, so what is asked here is kept for every reader after. Only a served site starts it; a failure is no
reader's business and is tried again with the next round."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from cockpit.pages import overview
from cockpit.pages.address import Address
from cockpit.pages.visit import Visit
from cockpit.sessions import Viewer
from warehouse import units
from warehouse.errors import CockpitError

if TYPE_CHECKING:
    from warehouse.readings import Library

ROUND_S = 5.0
LOG = logging.getLogger("cockpit")


def start(library: Library) -> None:
    """Starts the thread; it ends with the process."""
    threading.Thread(target=_run, args=(library,), name="ahead", daemon=True).start()


def _run(library: Library) -> None:
    done = ""
    while True:
        try:
            done = once(library, done)
        except CockpitError:
            pass  # nothing published yet, or a file that has just gone: the next round sees
        except Exception:
            LOG.exception("asking ahead failed")
        time.sleep(ROUND_S)


def once(library: Library, done: str) -> str:
    """Asks what the overview of the newest generation asks, unless that one is `done`; returns its id. Raises DataMissing before the
    first publication."""
    book = library.current()
    if book.generation.id != done:
        overview.render(Visit(book, Address.parse("/", ""), Viewer("person", "", ""), units.now()))
    return book.generation.id
