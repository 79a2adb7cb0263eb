"""The gate: one function in front of every request of the whole server, closed unless the allow-list opens it.

Decides from method, path and cookie only, never from a request body. `viewer()` tells the rest of the code who asks.
What may be seen without signing on is listed in OPEN; what a wall device may see in DEVICE; all else is for people.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from flask import Flask, Request, Response, abort, current_app, g, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from cockpit.identity import callback_validation, sessions
from cockpit.identity.sessions import Viewer, create_device, create_one_time_link, devices, revoke_device
from cockpit.store import audit
from warehouse.core.settings import Settings

__all__ = [
    "Viewer",
    "create_device",
    "create_one_time_link",
    "devices",
    "guard",
    "requires",
    "revoke_device",
    "viewer",
]

OPEN = frozenset(
    {
        "/login",
        "/healthz",
        "/assets/css/00_tokens.css",
        "/assets/css/10_base.css",
        "/assets/css/15_login.css",
        "/assets/js/cockpit/theme.js",
        "/assets/js/cockpit/leave.js",
        "/assets/mark.svg",
        "/favicon.ico",
    }
)
OPEN_ENDPOINTS = frozenset({"enter"})
"""By endpoint, not by prefix: a prefix would also open /enter/../anything to the catch-all route."""
DEVICE = frozenset({"/api/version"})
DEVICE_PREFIXES = ("/wall/", "/api/wall/", "/assets/")
DEVICE_ONLY = re.compile(r"/wall/[^/]+/heartbeat")
"""What only the screen itself may say: that it is there, and what it shows."""
HEARTBEATS = frozenset({"/api/version"})
"""Asked by the page itself, so they never keep a session alive."""
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Handler = TypeVar("Handler", bound=Callable[..., Any])


def viewer() -> Viewer:
    """Who is asking, in a request that has passed the gate. Aborts with 401 on an open path without a session."""
    found: Viewer | None = g.get("viewer")
    if found is None:
        abort(401)
    return found


def requires(*roles: str) -> Callable[[Handler], Handler]:
    """Decorator of a view: only these roles, others get 403 and a line in the audit log."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        def checked(*args: Any, **kwargs: Any) -> Any:
            who = viewer()
            if who.role not in roles:
                audit.denied(settings().state, who.user, address(), request.path)
                abort(403)
            return handler(*args, **kwargs)

        return checked  # type: ignore[return-value]

    return wrap


def settings() -> Settings:
    """The settings the running server was created with."""
    found: Settings = current_app.config["ZHENGBEI"]
    return found


def secure() -> bool:
    """True when the site is served over TLS (option `tls`): cookies are then Secure and carry the __Host- prefix."""
    return settings().options.tls


def cookie_name(kind: str) -> str:
    """Cookie of a person ("person") or a wall ("device")."""
    plain = "zb_session" if kind == "person" else "zb_screen"
    return f"__Host-{plain}" if secure() else plain


def set_cookie(response: BaseResponse, kind: str, identifier: str, max_age: float | None = None) -> None:
    """Puts a session identifier into a HttpOnly, SameSite=Lax cookie."""
    response.set_cookie(
        cookie_name(kind),
        identifier,
        max_age=int(max_age) if max_age else None,
        httponly=True,
        samesite="Lax",
        secure=secure(),
        path="/",
    )


def address() -> str:
    """The address of the other end; a forwarded one only behind the proxy named in the settings."""
    return request.remote_addr or "0.0.0.0"


def handed_on() -> bool:
    """True when a proxy that the settings do not know of has handed the request on: then its sender may be anybody, even
    where it comes from this machine."""
    return not settings().options.behind_proxy and any(name in request.headers for name in FORWARDED)


def wants_page(incoming: Request) -> bool:
    """True when a browser navigates to a page, False for scripts, Dash and API calls: those get a status, no
    redirect."""
    machine = incoming.path.startswith(("/_", "/api/", "/assets/")) or incoming.headers.get("X-Requested-With")
    return incoming.method in SAFE_METHODS and not machine


def navigates(incoming: Request) -> bool:
    """True when the browser will show the answer as a page: a visit, or a form that was sent."""
    return wants_page(incoming) or incoming.headers.get("Sec-Fetch-Mode") == "navigate"


def guard(server: Flask) -> None:
    """Puts the gate in front of `server`. Must be called before any other before_request is registered."""
    server.before_request(_gate)


def _gate() -> Response | BaseResponse | None:
    _same_origin()
    path = request.path
    device = _exchange(path)
    if device is not None:
        return device
    g.viewer = _identify(path)
    if path in OPEN or request.endpoint in OPEN_ENDPOINTS:
        return None
    if g.viewer is None:
        return _unknown()
    if g.viewer.kind == "device" and not _device_may(path, g.viewer):
        abort(403)
    if g.viewer.kind != "device" and DEVICE_ONLY.fullmatch(path):
        abort(403)
    callback_validation.check(request)
    return None


def host_of(url: str) -> str:
    """Host and port that an address from outside names, "" where it is none."""
    try:
        return urlsplit(url).netloc
    except ValueError:  # "http://[": half of an IPv6 address
        return ""


def _same_origin() -> None:
    """Refuses a writing request that does not come from a page of this site (CSRF)."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        same = site == "same-origin"
    else:
        same = origin is not None and host_of(origin) == request.host
    if not same:
        abort(403)


def _identify(path: str) -> Viewer | None:
    conf = settings()
    try:
        person = request.cookies.get(cookie_name("person"))
        if person:
            found = sessions.find(
                conf.state, person, idle_s=conf.options.idle_minutes * 60, touch=path not in HEARTBEATS
            )
            if found:
                return found
        screen = request.cookies.get(cookie_name("device"))
        return sessions.find_device(conf.state, screen, address()) if screen else None
    except sqlite3.Error:
        # no state file, no identity: closed, and the page says so instead of showing a trace
        current_app.logger.exception("state.sqlite cannot be read")
        abort(503)


def _exchange(path: str) -> BaseResponse | None:
    """A wall's first call carries its token; it is swapped for a cookie and leaves the address bar at once."""
    token = request.args.get("token")
    if not token or not path.startswith("/wall/") or request.method != "GET":
        return None
    screen = path.split("/")[2]
    identifier = sessions.bind_device(settings().state, token[:100], screen, address())
    if identifier is None:
        abort(403)
    response = redirect(path)
    # a wall runs for weeks; revoking the device ends the cookie, its age does not
    set_cookie(response, "device", identifier, max_age=400 * 86400)
    return response


def _device_may(path: str, who: Viewer) -> bool:
    if path.startswith("/wall/"):
        return path.split("/")[2] == who.screen
    return path in DEVICE or path.startswith(DEVICE_PREFIXES)


def _unknown() -> Response | BaseResponse:
    if wants_page(request):
        target = request.full_path.rstrip("?")
        return redirect("/login" if target == "/" else f"/login?next={quote(target, safe='')}")
    response = jsonify(error="需要登录")
    response.status_code = 401
    return response
