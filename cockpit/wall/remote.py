"""The remote control of the walls: a plain page for a phone, and the two endpoints behind it.

Owns the routes below /remote. Every command is audited by the Director.
The page says what the screen itself last said, so a command reads 已下发 until the screen has heard of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, request

from cockpit.identity import gate
from cockpit.identity.sessions import SCREEN
from cockpit.presentation import texts
from cockpit.presentation.templates import render
from cockpit.wall import direction
from cockpit.wall import layouts as layout
from cockpit.wall.routes import LOST_S, Heartbeats
from warehouse.catalog.metrics import metrics
from warehouse.core import units
from warehouse.core.errors import CockpitError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

MODES = {"rotate": "轮播中", "hold": "保持", "urgent": "报警打断"}


def register(
    server: Flask, library: SnapshotStore, settings: Settings, *, clock: Callable[[], dt.datetime] | None = None
) -> None:
    """Adds /remote and /remote/<screen> to `server`. `clock` gives the aware present."""
    director, heartbeats, now = direction.Director(settings), Heartbeats(settings.state), clock or units.now
    routes = Blueprint("remote", __name__, url_prefix="/remote")

    def situation(screen: str) -> dict[str, Any]:
        moment = now()
        stored, alarms = director.look(screen, moment)
        stated = direction.client_state(stored, alarms, moment.timestamp())
        text = next((one for one in heartbeats.roll() if one["screen"] == screen), None)
        silent = None if text is None else moment.timestamp() - text["seen_at"]
        mode, scene = direction.shown(stored.plan, stored.course, moment.timestamp())
        return {
            "screen": screen,
            "group": stored.group,
            "mode": mode,
            "mode_label": MODES[mode],
            "scene": scene,
            "seq": stated["seq"],
            "until": stated["until"],
            "highlight": stated["highlight"],
            "urgent": stated["urgent"],
            "server_time": moment.isoformat(timespec="milliseconds"),
            "on_glass": None
            if text is None
            else {
                "scene": text["scene"],
                "seq": text["seq"],
                "lost": silent is None or silent > LOST_S,
                "silent_s": round(silent or 0),
            },
            "tiles": [{"metric": name, "label": metrics()[name].label} for name in layout.metrics(scene, metrics())],
        }

    @routes.url_value_preprocessor
    def check(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values and not SCREEN.fullmatch(values.get("screen", "")):
            abort(404)

    @routes.get("")
    def choose() -> Response:
        rows = [{"screen": name, "group": group} for name, group in director.screens().items()]
        return _page("remote_choose.html", rows=rows)

    @routes.get("/<screen>")
    def page(screen: str) -> Response:
        if screen not in director.screens():
            abort(404)
        return _page("remote.html", screen=screen, scenes=texts.SCENES, base=f"{request.script_root}/remote/{screen}")

    @routes.get("/<screen>/state")
    def state_(screen: str) -> Response:
        return _fresh(jsonify(situation(screen)))

    @routes.post("/<screen>/command")
    def command(screen: str) -> Response:
        requested = request.get_json(silent=True)
        if not isinstance(requested, dict) or screen not in director.screens():
            abort(400)
        words = {name: requested[name] for name in ("scene", "metric") if isinstance(requested.get(name), str)}
        minutes = requested.get("minutes")
        if isinstance(minutes, int | float) and not isinstance(minutes, bool):
            words["minutes"] = minutes
        try:
            director.steer(
                screen, str(requested.get("verb", ""))[:20], now(), by=gate.viewer().user, ip=gate.address(), **words
            )
        except CockpitError as error:
            answer = jsonify(error=f"{error.what}。{error.to_do}")
            answer.status_code = 400
            return _fresh(answer)
        return _fresh(jsonify(situation(screen)))

    server.register_blueprint(routes)


def _page(name: str, **context: Any) -> Response:
    body = render(name, prefix=request.script_root, root=f"{request.script_root}/remote", **context)
    return _fresh(Response(body, mimetype="text/html"))


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
