"""From an address to a page, and when to make it again. Every rendering reads one generation from start to end.

The first page comes with the document (page_routes.py). There is one server callback for all later ones. It is asked
when the address changes and when freshness.js reports a new generation that the reader accepted; nothing polls through
Dash, so a slow answer can never pile up behind an interval.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dash import ClientsideFunction, Dash, Input, Output
from dash.development.base_component import Component
from flask import Flask, current_app, request

from cockpit.alerts import loading
from cockpit.casework import favourites, task_routes, task_store
from cockpit.identity import gate, rights
from cockpit.identity.driver_access import People
from cockpit.pages import overview, routes
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import static_html, texts
from cockpit.presentation.address import Address
from cockpit.presentation.static_html import PageParts
from cockpit.presentation.theme import DARK, LIGHT, Theme
from cockpit.web import page_store, shell
from warehouse.core import keys, units
from warehouse.core.errors import CockpitError, DataMissing, PageMissing
from warehouse.core.settings import Settings
from warehouse.publish import live
from warehouse.query.scope import Scope

if TYPE_CHECKING:
    from warehouse.query.snapshot_store import SnapshotStore

MENU_GENERATIONS = 12
THEME_COOKIE = "zb-theme"
PAGES = "ZHENGBEI_PAGES"
LOG = logging.getLogger("cockpit")


class Drawn(NamedTuple):
    """A page as it is made. status: what HTTP says of it."""

    page: Component
    title: str
    status: int = 200


class Answer(NamedTuple):
    """A page as it leaves."""

    page: PageParts
    title: str
    status: int


def hold_pages(server: Flask, file: Path) -> None:
    """What was made for one reader is given to others. file: the state file."""
    server.config[PAGES] = page_store.PageStore(routes.render, file)


def register(app: Dash, library: SnapshotStore) -> None:
    """Adds the callback that draws pages and the client-side one that names the browser tab. The first page came with
    the document, so nothing is drawn when Dash begins."""

    @app.callback(
        Output("shell-root", "children"),
        Output("shell-title", "data"),
        Input("shell-address", "pathname"),
        Input("shell-address", "search"),
        Input("shell-generation", "data"),
        prevent_initial_call=True,
    )
    def _draw(path: str | None, search: str | None, _generation: str | None) -> tuple[Component, str]:
        page, title, _ = answer(library, path, search)
        return page, title

    app.clientside_callback(ClientsideFunction("zb", "title"), Input("shell-title", "data"))  # type: ignore[no-untyped-call]


def answer(library: SnapshotStore, path: str | None, search: str | None) -> Answer:
    """What leaves for the browser: the page as finished HTML, its title and status. A callback that raised would leave
    old numbers standing there in silence, so a page that cannot be written out becomes a sentence too."""
    page, title, status = draw(library, path, search, None, _held)
    try:
        return Answer(static_html.finished(page), title, status)
    except ValueError:
        LOG.exception("page %s cannot be written out", path)
        heading, advice = texts.ERRORS[500]
        return Answer(static_html.finished(shell.unframed(_failure(heading, advice))), heading, 500)


def draw(
    library: SnapshotStore,
    path: str | None,
    search: str | None,
    now: dt.datetime | None = None,
    render: Callable[[PageContext], Page] | None = None,
) -> Drawn:
    """The framed page of an address; a page that cannot be made becomes a sentence in the frame, never a trace. render:
    what makes the page itself, None = its function as it is."""
    moment, address = now or units.now(), None
    try:
        address = Address.parse(path, search)
        right = rights.of_page(address.path)
        if right is None or not routes.known(address.path):  # also before anything is published
            raise PageMissing()
        gate.require(right)
        visit = _visit(library, address, moment)
        page = (render or routes.render)(visit)
        return Drawn(_framed(visit, page), f"{page.title} · {texts.BRAND}")
    except CockpitError as error:
        if isinstance(error, PageMissing) and address is not None and routes.known(address.path):
            gate.out_of_reach(address.here())
        if error.http_status >= 500 and not isinstance(error, DataMissing):
            LOG.error("page %s failed", path, exc_info=error)
        return _failed(library, moment, error.http_status, *_explained(error))
    except Exception:
        LOG.exception("page %s failed", path)
        return _failed(library, moment, 500, *texts.ERRORS[500])


def _held(visit: PageContext) -> Page:
    """The page as it is held or comes to be."""
    pages: page_store.PageStore = current_app.config[PAGES]
    return pages.page(visit)


def theme() -> Theme:
    """Of the one who asks: theme.js keeps the choice in a cookie, because charts are drawn here."""
    return DARK if request.cookies.get(THEME_COOKIE) == "dark" else LIGHT


def _explained(error: CockpitError) -> tuple[str, str, str]:
    """Heading, advice and detail."""
    if isinstance(error, PageMissing):
        return *texts.ERRORS[404], ""
    if isinstance(error, DataMissing):
        return texts.ERRORS[error.http_status][0], error.to_do, error.what
    return error.what, error.to_do, ""


def _failure(heading: str, advice: str, detail: str = "") -> Page:
    return Page(heading, [shell.failure(heading, advice, detail)])


def _failed(
    library: SnapshotStore, now: dt.datetime, status: int, heading: str, advice: str, detail: str = ""
) -> Drawn:
    page = _failure(heading, advice, detail)
    try:
        drawn = _framed(_visit(library, Address("/", {}), now), page)
    except Exception as error:  # whatever keeps the frame from being made, the sentence leaves
        if not isinstance(error, DataMissing):
            LOG.exception("the frame cannot be made")
        drawn = shell.unframed(page)
    return Drawn(drawn, f"{heading} · {texts.BRAND}", status)


def _framed(visit: PageContext, page: Page) -> Component:
    return shell.frame(visit, page, list(overview.grouped(visit.book.metrics.values())))


def _visit(library: SnapshotStore, address: Address, now: dt.datetime) -> PageContext:
    wanted = address.get("as_of")
    viewer = gate.viewer()
    book = library.open(wanted, viewer.scope) if wanted else library.current(viewer.scope)
    people = People(
        gate.settings(), viewer, gate.address(), book.generation.id, keys.secret(gate.settings().keys, "people")
    )
    file = gate.settings().state
    return PageContext(
        book,
        address,
        viewer,
        now,
        tuple(library.generations()[:MENU_GENERATIONS]),
        theme(),
        people,
        tuple(task for task in task_store.standing(file) if task_routes.is_within(book, task)),
        library.current(viewer.scope) if wanted else None,
        favourites.places(file, viewer),
    )


def version(library: SnapshotStore, data: Any, build: str, now: dt.datetime | None = None) -> dict[str, Any]:
    """What the heartbeat answers: generation (None before the first publication), live, loader_silent_s (see
    alerts.loading), build, server_time (ISO)."""
    try:
        generation = library.current(Scope.ALL).generation.id
    except DataMissing:
        generation = None
    moment = now or units.now()
    return {
        "generation": generation,
        "live": live.version(data) or None,
        "loader_silent_s": loading.silent_s(Settings(data)),
        "build": build,
        "server_time": moment.isoformat(timespec="milliseconds"),
    }
