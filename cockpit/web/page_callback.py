"""From an address to a page, and when to make it again. Every rendering reads one generation from start to end.

There is one server callback. It is asked when the address changes and when freshness.js reports a new generation that
the reader accepted; nothing polls through Dash, so a slow answer can never pile up behind an interval.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from dash import ClientsideFunction, Dash, Input, Output
from dash.development.base_component import Component
from flask import request

from cockpit.casework import favourites, task_store
from cockpit.identity import gate
from cockpit.identity.driver_access import People
from cockpit.pages import overview, routes
from cockpit.pages.page_context import Visit
from cockpit.presentation import static_html, texts
from cockpit.presentation.address import Address
from cockpit.presentation.theme import DARK, LIGHT
from cockpit.web import shell
from warehouse.core import keys, units
from warehouse.core.errors import CockpitError, DataMissing, PageMissing

if TYPE_CHECKING:
    from warehouse.query.snapshot_store import Library

MENU_GENERATIONS = 12
THEME_COOKIE = "zb-theme"
LOG = logging.getLogger("cockpit")


def register(app: Dash, library: Library) -> None:
    """Adds the callback that draws pages and the client-side one that names the browser tab."""

    @app.callback(
        Output("shell-root", "children"),
        Output("shell-title", "data"),
        Input("shell-address", "pathname"),
        Input("shell-address", "search"),
        Input("shell-generation", "data"),
    )
    def _draw(path: str | None, search: str | None, _generation: str | None) -> tuple[Component, str]:
        return answer(library, path, search)

    app.clientside_callback(ClientsideFunction("zb", "title"), Input("shell-title", "data"))  # type: ignore[no-untyped-call]


def answer(library: Library, path: str | None, search: str | None) -> tuple[Component, str]:
    """What leaves for the browser: the page as finished HTML, and its title. A callback that raised would leave old
    numbers standing there in silence, so a page that cannot be written out becomes a sentence too."""
    page, title = draw(library, path, search)
    try:
        return static_html.finished(page), title
    except ValueError:
        LOG.exception("page %s cannot be written out", path)
        return static_html.finished(shell.failure(*texts.ERRORS[500])), texts.ERRORS[500][0]


def draw(
    library: Library, path: str | None, search: str | None, now: dt.datetime | None = None
) -> tuple[Component, str]:
    """The framed page of an address and its title; a page that cannot be made becomes a sentence, never a trace."""
    try:
        return _drawn(library, Address.parse(path, search), now or units.now())
    except PageMissing:
        return shell.failure(*texts.ERRORS[404]), texts.ERRORS[404][0]
    except DataMissing as error:
        return shell.failure(texts.ERRORS[503][0], error.to_do, error.what), texts.ERRORS[503][0]
    except CockpitError as error:
        return shell.failure(error.what, error.to_do), error.what
    except Exception:
        LOG.exception("page %s failed", path)
        return shell.failure(*texts.ERRORS[500]), texts.ERRORS[500][0]


def _drawn(library: Library, address: Address, now: dt.datetime) -> tuple[Component, str]:
    wanted = address.get("as_of")
    book = library.open(wanted) if wanted else library.current()
    generations = tuple(library.generations()[:MENU_GENERATIONS])
    # theme.js keeps the reader's choice in a cookie, because charts are drawn here
    theme = DARK if request.cookies.get(THEME_COOKIE) == "dark" else LIGHT
    viewer = gate.viewer()
    people = People(
        gate.settings(), viewer, gate.address(), book.generation.id, keys.secret(gate.settings().keys, "people")
    )
    newest = library.current() if wanted else None
    file = gate.settings().state
    visit = Visit(
        book,
        address,
        viewer,
        now,
        generations,
        theme,
        people,
        task_store.standing(file),
        newest,
        favourites.kept(file, viewer),
    )
    page = routes.render(visit)
    groups = list(overview.grouped(book.metrics.values()))
    return shell.frame(visit, page, groups), f"{page.title} · {texts.BRAND}"


def version(library: Library, data: Any, build: str, now: dt.datetime | None = None) -> dict[str, Any]:
    """What the heartbeat answers: generation (None before the first publication), live, build, server_time (ISO)."""
    from warehouse.publish import live

    try:
        generation = library.current().generation.id
    except DataMissing:
        generation = None
    try:
        frame = live.read(data)
    except CockpitError:
        frame = None
    moment = now or units.now()
    return {
        "generation": generation,
        "live": None if frame is None else frame.version,
        "build": build,
        "server_time": moment.isoformat(timespec="milliseconds"),
    }
