"""Puts the cockpit together: gate, headers, pages, wall, report. Short on purpose; every rule lives in its own
module."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from dash import Dash
from flask import Flask, Response, jsonify, render_template, request, request_started
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.middleware.proxy_fix import ProxyFix

from cockpit.alerts import watch
from cockpit.casework import favourites, loader_requests, notes, permalinks, task_routes
from cockpit.identity import (
    callback_validation,
    device_routes,
    driver_access,
    gate,
    login,
    login_code,
    password_pages,
    rights,
    security_headers,
)
from cockpit.identity.sign_on import routes as sign_on
from cockpit.pages import routes
from cockpit.presentation import assets, templates, texts
from cockpit.store import app_db, one_time_key
from cockpit.wall import legibility, remote
from cockpit.wall import routes as wall_routes
from cockpit.web import (
    account_pages,
    alert_routes,
    api,
    api_v1,
    audit_export,
    cache_warmer,
    connecting,
    export,
    filing,
    issue_pages,
    monitoring,
    page_callback,
    page_routes,
    renewal,
    report_routes,
    share_pages,
    shell,
    static_files,
    target_form,
    token_pages,
)
from warehouse.core import keys, log
from warehouse.core.errors import CockpitError, DataMissing, PageMissing, Refused
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore


class Routes(Protocol):
    """A module that brings routes."""

    def register(self, server: Flask, library: SnapshotStore, settings: Settings) -> None:
        """Adds them to `server`."""


FORBIDDEN = ("DASH_DEBUG", "DASH_HOT_RELOAD", "DASH_UI", "DASH_MCP_ENABLED", "FLASK_DEBUG")
"""Environment switches that open a debugger, a reloader or a remote-control endpoint on the served site."""

ROUTES: tuple[Routes, ...] = (
    api,
    monitoring,
    wall_routes,
    remote,
    legibility,
    report_routes,
    issue_pages,
    task_routes,
    device_routes,
    account_pages,
    alert_routes,
    token_pages,
    share_pages,
    api_v1,
    permalinks,
    export,
    audit_export,
    loader_requests,
    connecting,
    filing,
    target_form,
    favourites,
    notes,
)
"""Modules that bring routes of their own, in the order in which they are added."""
LOG = logging.getLogger("cockpit")


def create_app(settings: Settings) -> Flask:
    """The whole web application of one data folder. Opens nothing published yet: pages say so until there is data.

    Raises Refused for an unsafe environment or a weak key."""
    refuse_unsafe(os.environ)
    server = _server(settings)
    gate.guard(server)
    library = SnapshotStore(settings.data)
    server.config["ZHENGBEI_LIBRARY"] = library
    for open_page in (login, login_code, password_pages, driver_access):
        open_page.register(server)
    sign_on.register(server, settings)
    for module in ROUTES:
        module.register(server, library, settings)
    static_files.register(server)
    page_routes.register(server, library)
    dash = _dash(server)
    page_callback.hold_pages(server, settings.state)
    page_callback.register(dash, library)
    static_files.hold_bundles(server)
    one_time_key.guard(server, settings.state)
    with server.app_context():
        # what Dash leaves to the first request would be done by several at once, and the second finds no script yet
        dash._setup_server()  # type: ignore[no-untyped-call]
        page_routes.prepare(server, dash)
    server.config["ZHENGBEI_CALLBACKS"] = lambda: dash.callback_map
    unplaced = rights.unplaced({rule.endpoint for rule in server.url_map.iter_rules()}, routes.paths())
    if unplaced:
        raise RuntimeError(f"without a right in identity/rights.py, or in it twice: {unplaced}")
    security_headers.protect(server, dash.csp_hashes)
    static_files.compress(server)
    renewal.count(server)
    _errors(server)
    return server


def from_env() -> Flask:
    """The application of the folder in ZHENGBEI_DATA: what the web workers call."""
    stay_light()
    server = create_app(Settings.from_env())
    settle()
    settings: Settings = server.config["ZHENGBEI"]
    log.begin(settings, log.WEB)
    request_started.connect(lambda *_, **__: log.next_run("request"), server, weak=False)  # before the gate answers
    server.config["ZHENGBEI_STANDING"] = app_db.stand_open(settings.state)
    cache_warmer.start(server.config["ZHENGBEI_LIBRARY"], settings.state)
    watch.start(settings, server.config["ZHENGBEI_LIBRARY"])
    return server


def stay_light() -> None:
    """DuckDB loads pandas with the first value that is bound, to know its missing ones: 78 MB and half a second in each
    worker, which hands it none (257 and 179 MB, all pages asked for once). To this process pandas is not installed."""
    if "pandas" not in sys.modules:
        sys.modules["pandas"] = None  # type: ignore[assignment]


def settle() -> None:
    """What stands after start-up is left out of the search for garbage, and the search comes seldom: a page is tens of
    thousands of small objects, and walking all that a worker keeps took longer than many a page (a tenth of a second,
    in one page of ten)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 10)


def refuse_unsafe(environment: Mapping[str, str]) -> None:
    """Raises Refused when a development switch is set; an empty, "0" or "false" one is as good as none."""
    for name in FORBIDDEN:
        if environment.get(name, environment.get(name.lower(), "")).lower() not in ("", "0", "false"):
            raise Refused("环境变量会打开调试或远程接口，拒绝启动", where=name, to_do=f"请取消环境变量 {name} 后重试")


def _server(settings: Settings) -> Flask:
    server = Flask("cockpit", static_folder=None, template_folder=str(templates.FOLDER))
    server.config.update(
        ZHENGBEI=settings,
        MAX_CONTENT_LENGTH=callback_validation.MAX_BODY,
        MAX_FORM_PARTS=50,
        PROPAGATE_EXCEPTIONS=False,
    )
    server.jinja_env.globals |= {"asset": assets.url, "basic": assets.BASIC}
    if settings.options.hosts:
        # whoever watches the machine from the machine itself asks by these names, past the proxy
        server.config["TRUSTED_HOSTS"] = [*settings.options.hosts, "127.0.0.1", "localhost"]
    server.json.ensure_ascii = False  # type: ignore[attr-defined]
    server.secret_key = keys.secret(settings.keys, "web")
    if settings.options.behind_proxy:
        # one known proxy in front, which leaves the Host as it came; without this option nothing forwarded is believed
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    return server


def _dash(server: Flask) -> Dash:
    host: Any = server
    dash = page_routes.Cockpit(
        "cockpit",
        server=host,
        include_assets_files=False,
        serve_locally=True,
        suppress_callback_exceptions=True,
        use_pages=False,
        title=texts.BRAND,
        update_title="",
        index_string=page_routes.INDEX,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        enable_mcp=False,
        compress=False,
        add_log_handler=False,
        include_pages_meta=False,
    )
    dash.renderer = page_routes.RENDERER
    dash.layout = shell.layout
    return dash


def _errors(server: Flask) -> None:
    """Every failure becomes a Chinese page or a JSON sentence; details go to the log only."""

    @server.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        return _answer(error.code or 500)

    @server.errorhandler(CockpitError)
    def _known(error: CockpitError) -> Response:
        if isinstance(error, PageMissing):
            gate.out_of_reach(request.full_path)
        if error.http_status >= 500 and not isinstance(error, DataMissing):
            LOG.error("request %s failed", request.path, exc_info=error)
        return _answer(error.http_status, f"{error.what}。{error.to_do}")

    @server.errorhandler(Exception)
    def _unknown(error: Exception) -> Response:
        LOG.exception("request %s failed", request.path)
        # our callback answers for itself; what Dash still stumbles over was not sent by one of our pages
        return _answer(400 if request.path == callback_validation.CALLBACKS else InternalServerError.code or 500)


def _answer(code: int, detail: str = "") -> Response:
    heading, advice = texts.ERRORS.get(code, texts.ERRORS[500 if code >= 500 else 400])
    if gate.navigates(request):
        page = render_template(
            "error.html",
            texts=texts,
            code=code,
            heading=heading,
            advice=advice,
            detail=detail,
            back=_back(),
            retries=code >= 500 and request.method == "GET",
        )
        return Response(page, status=code, mimetype="text/html")
    response = jsonify(error=heading, to_do=detail or advice)
    response.status_code = code
    return response


def _back() -> str:
    """The page whose form was refused, "" when it was no form or nothing is known of it."""
    try:
        came = urlsplit(request.referrer or "")
    except ValueError:
        return ""
    return (
        login.local_target(f"{came.path}?{came.query}" if came.query else came.path)
        if request.method == "POST" and came.netloc == request.host
        else ""
    )
