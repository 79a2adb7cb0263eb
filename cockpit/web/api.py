"""The few JSON addresses: the heartbeat and one reading. Same gate, same readings as the pages."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, jsonify, request

from cockpit.identity import gate
from cockpit.presentation.address import Address
from cockpit.presentation.assets import build_id
from cockpit.web import page_callback
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import CockpitError, DataMissing, PageMissing, UsageError
from warehouse.core.settings import Settings

if TYPE_CHECKING:
    from warehouse.query.snapshot_store import SnapshotStore


def plain(value: Any) -> Any:
    """A reading as plain JSON values: dataclasses become objects, times ISO 8601 with offset, days YYYY-MM-DD."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /api/version and /api/metric/<id>."""

    @server.get("/api/version")
    def api_version() -> Response:
        return jsonify(page_callback.version(library, settings.data, build_id()))

    @server.get("/api/metric/<metric>")
    def api_metric(metric: str) -> Response:
        return _metric(library, metric)


def _metric(library: SnapshotStore, metric: str) -> Response:
    """One reading; `?window=&at=&place=&as_of=` as on the page. 404 for an unknown metric or snapshot, 410 for a
    snapshot that is no longer held, 400 for a bad parameter, 503 before anything is published."""
    try:
        address = Address.parse(request.path, request.query_string.decode("utf-8", "replace"))
        wanted, scope = address.get("as_of"), gate.viewer().scope
        book = library.open(wanted, scope) if wanted else library.current(scope)
        if metric not in book.metrics:
            abort(404)
        reading = book.read(metric, address.get("window"), address.get("at"), address.get("place") or DISTRICT)
    except (UsageError, DataMissing, PageMissing) as error:
        if isinstance(error, PageMissing):
            gate.out_of_reach(request.full_path)
        return _refusal(error, error.http_status)
    return jsonify(plain(reading))


def _refusal(error: CockpitError, status: int) -> Response:
    response = jsonify(error=error.what, to_do=error.to_do)
    response.status_code = status
    return response
