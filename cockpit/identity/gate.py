"""The gate: one function in front of every request of the whole server, closed unless the allow-list opens it.

Decides from method, path and cookie only, never from a request body. `viewer()` tells the rest of the code who asks.
Who may see what stands in rights.py; here are only the few files that the log-in page needs.
"""

from __future__ import annotations

import sqlite3
from urllib.parse import quote, urlsplit

from flask import Flask, Request, Response, abort, current_app, g, jsonify, redirect, request
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from cockpit.identity import callback_validation, rights, sessions, tokens
from cockpit.identity.sessions import Viewer, create_device, create_one_time_link, devices, revoke_device
from cockpit.presentation.assets import BASIC
from cockpit.store import audit, witness
from warehouse.core.errors import Refused
from warehouse.core.settings import Settings

__all__ = [
    "Viewer",
    "create_device",
    "create_one_time_link",
    "devices",
    "guard",
    "revoke_device",
    "viewer",
]

OPEN = frozenset(
    {
        "/assets/css/00_tokens.css",
        *(f"/assets/{sheet}" for sheet in BASIC),
        "/assets/css/login.css",
        "/assets/js/theme.js",
        "/assets/js/cockpit/leave.js",
        "/assets/mark.svg",
        "/favicon.ico",
    }
)
API = "/api/v1/"
HEARTBEATS = frozenset({"/api/version"})
"""Asked by the page itself, so they never keep a session alive."""
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def viewer() -> Viewer:
    """Who is asking, in a request that has passed the gate. Aborts with 401 on an open path without a session."""
    witness.single()
    found: Viewer | None = g.get("viewer")
    if found is None:
        abort(401)
    return found


def require(right: str) -> None:
    """Lets on who has a right. Others leave a line in the audit log and a Refused that says who has it."""
    who = viewer()
    if not rights.may(who, right):
        _denied(who)
        if rights.has(who.role, right):
            words = f"“{rights.TABLE[right].label}”涉及全区，范围受限的账号不开放"
            raise Refused("没有权限", to_do=f"{words}；如需要请联系安全管理员")
        raise Refused(
            "没有权限",
            to_do=f"“{rights.TABLE[right].label}”只对{rights.holders(right)}开放，如需要请联系安全管理员",
        )


def _denied(who: Viewer) -> None:
    audit.denied(settings().state, who.user, address(), request.path)


def out_of_reach(what: str) -> None:
    """Leaves a line where somebody who sees some places only asked for what is not among them, or is nowhere: the answer
    is the same, so that nobody learns which."""
    who: Viewer | None = g.get("viewer")
    if who is not None and not who.scope.is_all:
        audit.denied(settings().state, who.user, address(), what)


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
    witness.single()
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
    if isinstance(request.routing_exception, BadRequest):  # a host that we do not answer to
        raise request.routing_exception
    _same_origin()
    path = request.path
    device = _exchange(path)
    if device is not None:
        return device
    g.viewer = _identify(path)
    if path in OPEN or request.endpoint in rights.OPEN:
        return None
    if g.viewer is None:
        return _unknown()
    _admit(g.viewer)
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
    if request.method in SAFE_METHODS or request.endpoint in rights.FROM_ELSEWHERE:
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
        if path.startswith(API) and request.authorization is not None:
            return _reader(request.authorization)
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


def _reader(given: Authorization) -> Viewer | None:
    """Another system that reads by a token. Aborts with 429 when it asks too much."""
    found = tokens.find(settings().state, (given.token or "")[:200]) if given.type == "bearer" else None
    if found is None:
        return None
    who, may_ask = found
    if not may_ask:
        abort(429)
    return who


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


def _admit(who: Viewer) -> None:
    """By the table; a device moreover only to its own wall. Where no route fits, people get Flask's own answer."""
    right = rights.of_route(request.endpoint or "")
    if who.kind == "device":
        screen = (request.view_args or {}).get("screen", who.screen)
        if right is None or not rights.may(who, right) or screen != who.screen:
            abort(403)
    elif right is not None:
        require(right)
    elif request.endpoint is not None:
        abort(403)


def _unknown() -> Response | BaseResponse:
    if wants_page(request):
        target = request.full_path.rstrip("?")
        return redirect("/login" if target == "/" else f"/login?next={quote(target, safe='')}")
    response = jsonify(error="需要登录")
    response.status_code = 401
    return response
