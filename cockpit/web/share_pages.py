"""/shares: one's own links, made and withdrawn; /s/<link>: what who has such a link sees – one view of one metric as
tables, without a script, a list or a way on."""

from __future__ import annotations

import datetime as dt
import time

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.casework import shares
from cockpit.identity import gate, open_forms
from cockpit.identity.sessions import Viewer
from cockpit.pages import metric
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.address import Address
from cockpit.presentation.reading_view import present
from cockpit.web import export, template_pages
from warehouse.compile.reading import DISTRICT
from warehouse.core import units
from warehouse.core.settings import Settings
from warehouse.query.scope import is_total
from warehouse.query.snapshot_store import SnapshotStore


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /shares, its forms, and /s/<link>."""
    routes, file = Blueprint("shares", __name__), settings.state

    @routes.get("/shares")
    def index() -> Response:
        now = time.time()
        rows = [(one, one.is_over(now)) for one in shares.of(file, gate.viewer())]
        return template_pages.page("shares.html", rows=rows, clock=_clock, most_days=shares.MOST_DAYS)

    @routes.post("/shares/add")
    def add() -> Response:
        href, label = shares.view_of(library.current(gate.viewer().scope), request.form.get("subject", ""))
        days = request.form.get("days", type=int) or shares.MOST_DAYS
        link = shares.make(file, gate.viewer(), _key(), href, label, days, ip=gate.address())
        address = f"{request.host_url.rstrip('/')}/s/{link}"
        page = template_pages.page("share_made.html", address=address, label=label, days=days, back=href)
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.post("/shares/<int:number>/revoke")
    def revoke(number: int) -> Answer:
        if not shares.revoke(file, gate.viewer(), number, ip=gate.address()):
            abort(404)
        return redirect("/shares", code=303)

    @routes.get("/s/<link>")
    def opened(link: str) -> Answer:
        if request.method == "HEAD":
            return Response(status=204)
        found = shares.open_(file, _key(), link, ip=gate.address())
        if found is None:
            return open_forms.page("shared.html", 404, share=None)
        return _shown(library, found)

    server.register_blueprint(routes)


def _shown(library: SnapshotStore, found: shares.Share) -> Answer:
    """The view: what stands at the head of the page, the trend and the towns, as the export has them."""
    path, _, search = found.href.partition("?")
    address = Address.parse(path, search)
    wanted = address.get("as_of")
    book = library.open(wanted, found.scope) if wanted else library.current(found.scope)
    item = book.metric(path.removeprefix(shares.METRIC))
    visit = PageContext(book, address, Viewer("share", f"share:{found.id}", "", scope=found.scope), units.now())
    reading = metric.read(visit, item)
    if reading.place.grain == "company" or is_total(reading.place):  # whatever stands in the file
        abort(404)
    sheets = [sheet for sheet in (export.trend(visit, item, reading), export.towns(visit, item, reading)) if sheet]
    return open_forms.page(
        "shared.html",
        share=found,
        label=found.label,
        shown=str(fmt.reading(reading, item.decimals)),
        tags=[tag.word for tag in present(reading).tags],
        facts=export.facts(visit, item, reading),
        tables=[(sheet.title, sheet.heads, [_row(sheet, row) for row in sheet.rows]) for sheet in sheets],
        here=book.generation,
        until=_clock(found.expires_at),
        is_town=reading.place.code != DISTRICT,
    )


def _row(sheet: export.Sheet, row: object) -> list[str]:
    """A row in words: what an export leaves to the spreadsheet's formats is written out here."""
    cells = []
    for at, value in enumerate(row):  # type: ignore[var-annotated,arg-type]
        form = sheet.formats[at] if at < len(sheet.formats) else ""
        if isinstance(value, int | float):
            digits = len(form.partition(".")[2].rstrip("%"))
            cells.append(f"{value:.{digits}%}" if form.endswith("%") else f"{value:,.{digits}f}")
        else:
            cells.append(fmt.DASH if value in (None, "") else str(value))
    return cells


def _key() -> str:
    return str(current_app.secret_key.hex() if isinstance(current_app.secret_key, bytes) else current_app.secret_key)


def _clock(seconds: float | None) -> str:
    return fmt.DASH if seconds is None else fmt.clock(dt.datetime.fromtimestamp(seconds, dt.UTC))
