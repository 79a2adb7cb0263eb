"""The answers of the overview and the groups in each window, of 我的页面 and of the numbers one click further, asked
for before the first reader of a new generation does: one quiet thread in each web worker.

A generation never changes, so what is asked here is kept for every reader after who sees all places; who sees some only
has a book of their own. Only a served site starts it; a
failure is no reader's business and is tried again with the next round."""

from __future__ import annotations

import atexit
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.casework import favourites
from cockpit.identity.sessions import Viewer
from cockpit.pages import drilldown, home, lineage, mine, overview, why
from cockpit.pages import metric as metric_page
from cockpit.pages.page_context import PageContext
from cockpit.presentation.address import Address
from warehouse.core import units
from warehouse.core.errors import CockpitError
from warehouse.query.scope import Scope

if TYPE_CHECKING:
    from warehouse.catalog.schema import Metric
    from warehouse.query.snapshot_store import SnapshotStore

ROUND_S, PAUSE_S = 5.0, 0.02
LOG = logging.getLogger("cockpit")
ENDED = threading.Event()
"""Set when the process is about to end."""
READY = threading.Event()
"""Set once the first round is over, whatever came of it."""


class _Ended(Exception):
    """No more questions."""


def start(library: SnapshotStore, file: Path) -> None:
    """Starts the thread; it ends with the process. file: the state file, where it is known what people keep."""
    thread = threading.Thread(target=_run, args=(library, file), name="ahead", daemon=True)
    thread.start()
    atexit.register(_end, thread)


def _end(thread: threading.Thread) -> None:
    """Waits for the question that is under way. A thread that is inside the database when the interpreter goes ends the
    whole process by SIGABRT."""
    ENDED.set()
    thread.join()


def _run(library: SnapshotStore, file: Path) -> None:
    done = ""
    while not ENDED.is_set():
        try:
            done = once(library, done, file)
        except _Ended:
            return
        except CockpitError:
            pass  # nothing published yet, or a file that has just gone: the next round sees
        except Exception:
            LOG.exception("asking ahead failed")
        READY.set()
        ENDED.wait(ROUND_S)


def _pause() -> None:
    if ENDED.wait(PAUSE_S):
        raise _Ended


def once(library: SnapshotStore, done: str, file: Path) -> str:
    """Asks what the first page, the overview and the groups of the newest generation, the numbers that people keep and the pages behind
    the overview's cards ask, unless that one is `done`; returns its id. Raises DataMissing before the first
    publication."""
    book = library.current(Scope.ALL)
    if book.generation.id != done:
        nobody, now = Viewer("person", "", "", scope=Scope.ALL), units.now()
        for window in (overview.DEFAULT, *(each for each in overview.WINDOWS if each != overview.DEFAULT)):
            home.render(PageContext(book, Address.parse("/", f"?window={window}"), nobody, now))
            overview.render(PageContext(book, Address.parse("/all", f"?window={window}"), nobody, now))
            for group in overview.grouped(book.metrics.values()):
                overview.render_group(
                    PageContext(book, Address.parse(f"/group/{group}", f"?window={window}"), nobody, now), group
                )
                _pause()
        lineage.render(PageContext(book, Address.parse("/lineage", ""), nobody, now))
        mine.render(PageContext(book, Address.parse("/mine", ""), nobody, now, favourites=favourites.numbers(file)))
        for metric in book.metrics.values():
            _ask(
                PageContext(
                    book,
                    Address.parse(f"/metric/{metric.id}", f"?window={overview.window_of(metric, overview.DEFAULT)}"),
                    nobody,
                    now,
                ),
                metric,
            )
            _pause()
    return book.generation.id


def _ask(visit: PageContext, metric: Metric) -> None:
    """What the page to which the overview's card leads asks; what is drawn of it is for nobody."""
    reading = metric_page.read(visit, metric)
    metric_page.towns_of(visit, metric, reading)
    metric_page.trend_of(visit, metric, reading)
    why.sentence(visit, metric, reading, why.change(visit, metric, reading))
    drilldown.card(visit, metric, reading)
