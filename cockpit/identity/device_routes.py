"""Where the forms of the roll call arrive: a wall screen is registered, bound to an address, withdrawn. For who may,
see rights.py."""

from __future__ import annotations

from flask import Flask, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from cockpit.identity import gate, sessions
from cockpit.presentation import texts
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

PAGE = "/screens"


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the three routes."""
    file = settings.state

    @server.post("/screens/add")
    def screen_add() -> Response:
        name = request.form.get("screen", "").strip()[:64]
        token = sessions.create_device(file, name, by=gate.viewer().user, network=request.form.get("network", "")[:64])
        address = f"{request.host_url.rstrip('/')}/wall/{name}?token={token}"
        # the token is kept nowhere: it is in this one answer, and no proxy or back button may bring it again
        page = Response(
            render_template("enrolled.html", texts=texts, screen=name, address=address), mimetype="text/html"
        )
        page.headers["Cache-Control"] = "no-store"
        return page

    @server.post("/screens/<int:number>/bind")
    def screen_bind(number: int) -> Response:
        return _back(sessions.move_device(file, number, request.form.get("network", "")[:64], by=gate.viewer().user))

    @server.post("/screens/<int:number>/revoke")
    def screen_revoke(number: int) -> Response:
        return _back(sessions.revoke_device(file, number, by=gate.viewer().user))


def _back(is_done: bool) -> Response:
    if not is_done:
        abort(404)
    return redirect(PAGE, code=303)
