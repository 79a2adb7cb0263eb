"""/connecting: 接入 as a page – how each source stands, a button that has it tried, and what came of that.

Owns nothing of the trial: the button is a request to the loading process, and what it brings back is shown. What is
written about a source stands in files and nowhere else."""

from __future__ import annotations

import time

import msgspec
from flask import Blueprint, Flask, abort, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.casework import loader_requests
from cockpit.web import template_pages
from warehouse.catalog.contracts import contracts
from warehouse.core import request_queue, trial_report
from warehouse.core.errors import DataMissing
from warehouse.core.request_queue import Request
from warehouse.core.settings import Settings
from warehouse.core.trial_report import Trial
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

PATIENCE_S = 20
"""The loader takes requests up within seconds; one that waits longer than this is not being looked at."""
LOOKED_AT = 200
"""How many of the newest trials are looked through for the last one of each source."""


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /connecting and /connecting/<source>."""
    routes = Blueprint("connecting", __name__, url_prefix="/connecting")

    @routes.get("")
    def index() -> Answer:
        tried = request_queue.newest(settings.state, LOOKED_AT, "try")
        latest: dict[str, Request] = {}
        for one in tried:
            latest.setdefault(str(one.details["source"]), one)
        number = request.args.get("n", "")
        shown = next((one for one in tried if str(one.id) == number), None)
        if number and shown is None:
            abort(404)
        waits = shown is not None and shown.state in ("waiting", "running")
        return template_pages.page(
            "connecting.html",
            sources=_sources(library),
            latest=latest,
            shown=shown,
            trial=_trial(shown),
            waits=waits,
            is_slow=waits and shown and shown.state == "waiting" and time.time() - shown.at.timestamp() > PATIENCE_S,
            states=request_queue.STATES,
            ways=trial_report.WAYS,
        )

    @routes.post("/<source>")
    def attempt(source: str) -> Answer:
        if source not in {contract.source for contract in contracts().values() if contract.load != "own"}:
            abort(404)
        number = loader_requests.put(settings, "try", {"source": source})
        return redirect(f"/connecting?n={number}", code=303)

    server.register_blueprint(routes)


def _sources(library: SnapshotStore) -> list[dict[str, object]]:
    """Every source with how it stands by the newest snapshot; nothing known before the first one."""
    try:
        states = library.current(Scope.ALL).sources()
    except DataMissing:
        states = []
    found = []
    for name in sorted({contract.source for contract in contracts().values() if contract.load != "own"}):
        own = [contract for contract in contracts().values() if contract.source == name]
        mine = [state for state in states if state.source == name]
        known = [state for state in mine if state.is_connected]
        found.append(
            {
                "name": name,
                "label": own[0].label.partition("·")[0],
                "tables": len(own),
                "connected": len(known),
                "newest": max((state.data_time for state in known if state.data_time), default=None),
                "error": next((state.error for state in mine if state.error), ""),
            }
        )
    return found


def _trial(shown: Request | None) -> Trial | None:
    """What a trial came to; None while there is none, or where an earlier release wrote it in another form."""
    if shown is None or shown.result is None:
        return None
    try:
        return trial_report.decode(shown.result)
    except msgspec.DecodeError:
        return None
