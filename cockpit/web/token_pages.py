"""/tokens: 接口令牌, for the security administrator: given out, shown once, withdrawn."""

from __future__ import annotations

import datetime as dt
import time

from flask import Blueprint, Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.identity import gate, tokens
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.web import api_v1, template_pages
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

TONES = {"active": "good", "over": "warn", "revoked": "context"}


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /tokens and its forms."""
    routes, file = Blueprint("tokens", __name__, url_prefix="/tokens"), settings.state

    @routes.get("")
    def index() -> Response:
        now = time.time()
        rows = [(one, one.state(now), TONES[one.state(now)]) for one in tokens.every(file)]
        return template_pages.page(
            "tokens.html",
            rows=rows,
            states=texts.TOKEN_STATES,
            clock=_clock,
            per_minute=tokens.PER_MINUTE,
            most_days=tokens.MOST_DAYS,
            root=api_v1.ROOT,
        )

    @routes.post("/add")
    def add() -> Response:
        days = request.form.get("days", type=int) or 0
        token = tokens.issue(file, request.form.get("name", ""), days, by=gate.viewer().user, ip=gate.address())
        page = template_pages.page("token.html", token=token, root=f"{request.host_url.rstrip('/')}{api_v1.ROOT}")
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.post("/<int:number>/revoke")
    def revoke(number: int) -> Answer:
        if not tokens.revoke(file, number, by=gate.viewer().user, ip=gate.address()):
            abort(404)
        return redirect("/tokens", code=303)

    server.register_blueprint(routes)


def _clock(seconds: float | None) -> str:
    return fmt.DASH if seconds is None else fmt.clock(dt.datetime.fromtimestamp(seconds, dt.UTC))
