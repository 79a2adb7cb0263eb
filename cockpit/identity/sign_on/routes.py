"""Where people come in by the bureau's own sign-on, and leave by it: /signon, /signon/back, /signon/logout and
/signon/left. Owns from a name to an account; whatever goes wrong is one sentence, the same for all, and a line in the
log that says what it was.

Nobody becomes somebody here: the name must be that of an account that can sign in, unless the settings say with which
role an unknown person is taken in. Our own second factor follows unless the settings leave it to the provider."""

from __future__ import annotations

import ipaddress
import secrets
import time
from typing import NamedTuple

from flask import Flask, abort, g, redirect, request
from itsdangerous import BadSignature
from werkzeug.wrappers import Response

from cockpit.identity import accounts, entry, gate, login, open_forms, sessions
from cockpit.identity.accounts import Account
from cockpit.identity.sign_on import cas, oidc, ways
from cockpit.identity.sign_on.oidc import NotSignedOn
from cockpit.identity.sign_on.ways import Cas, Header, Oidc, Way
from cockpit.presentation import texts
from cockpit.store import app_db, audit
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings

TRIP_S = 10 * 60
TRIP = "zb_sign_on"
LONGEST = 200


class Trip(NamedTuple):
    """What a browser takes along to the provider and back."""

    state: str
    nonce: str
    verifier: str
    target: str


def register(server: Flask, settings: Settings) -> None:
    """Adds the routes; without <data>/signon.toml they answer 404. Raises ConfigError for a wrong setting."""
    server.config[ways.CONFIG] = ways.read(settings)
    server.add_url_rule("/signon", "sign_on", _begin, methods=["GET"])
    server.add_url_rule("/signon/back", "sign_on_back", _back, methods=["GET", "POST"])
    server.add_url_rule("/signon/logout", "sign_on_logout", _ended, methods=["POST"])
    server.add_url_rule("/signon/left", "sign_on_left", _left, methods=["GET"])


def _begin() -> Response:
    way, target = _way(), login.local_target(request.args.get("next"))
    if g.viewer is not None and g.viewer.kind == "person":
        return redirect(target)
    if isinstance(way, Header):
        return _tried(lambda: _come_in(way, _named_by_proxy(way), target, ()))
    trip = Trip(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), target)
    back = _address("/signon/back")

    def away() -> Response:
        place = (
            oidc.authorization(way, back, trip.state, trip.nonce, trip.verifier)
            if isinstance(way, Oidc)
            else cas.authorization(way, f"{back}?state={trip.state}")
        )
        response = redirect(place)
        # Lax: the provider leads the browser back from another site
        open_forms.set_cookie(response, TRIP, str(open_forms.signer(TRIP).dumps(list(trip))), TRIP_S, "Lax")
        return response

    return _tried(away)


def _back() -> Response:
    way = _way()
    if request.method == "POST":  # a CAS server says there that a session of its own is over
        ticket = cas.ended(request.form.get("logoutRequest", "")) if isinstance(way, Cas) else ""
        if ticket:
            sessions.end_marked(gate.settings().state, _mark("ticket", ticket), gate.address())
        return Response(status=204)
    return _tried(lambda: _arrived(way))


def _arrived(way: Way) -> Response:
    if isinstance(way, Header):
        abort(404)
    try:
        trip = Trip(*open_forms.signer(TRIP).loads(request.cookies.get(TRIP, ""), max_age=TRIP_S))
    except (BadSignature, TypeError) as error:
        raise NotSignedOn("trip: none, altered or over") from error
    if not secrets.compare_digest(trip.state.encode(), request.args.get("state", "").encode()):
        raise NotSignedOn("state")
    back = _address("/signon/back")
    if isinstance(way, Oidc):
        if "code" not in request.args:
            raise NotSignedOn(f"provider: {request.args.get('error', 'no code')[:40]}")
        found = oidc.claims(way, request.args["code"], back, trip.nonce, trip.verifier)
        name, marks = str(found.get(way.claim, "")), [_mark("sub", str(found["sub"]))]
        if found.get("sid"):
            marks.append(_mark("sid", str(found["sid"])))
        response = _come_in(way, name, trip.target, tuple(marks), str(found.get("name", "")))
    else:
        ticket = request.args.get("ticket", "")[:LONGEST]
        name = cas.person(way, ticket, f"{back}?state={trip.state}")
        response = _come_in(way, name, trip.target, (_mark("ticket", ticket),))
    response.delete_cookie(TRIP)
    return response


def _come_in(way: Way, named: str, target: str, marks: tuple[str, ...], display: str = "") -> Response:
    """On with the account of a person that the provider names. Raises NotSignedOn where there is none."""
    name, conf = way.names.get(named, named), gate.settings()
    found = accounts.find(conf.state, name)
    if found is None and way.new_role:
        try:
            accounts.add(conf.state, name, None, way.new_role, display, by="signon", ip=gate.address())
        except UsageError as error:
            raise NotSignedOn(f"name: {named[:64]}") from error
        found = accounts.find(conf.state, name)
    with app_db.writing(conf.state) as connection:
        usable: Account | None = found and accounts.usable(connection, found, gate.address(), time.time())
    if usable is None:
        raise NotSignedOn(f"account: {named[:64]}")
    return entry.proceed(usable, target, marks=marks, second_factor_here=way.second_factor)


def _named_by_proxy(way: Header) -> str:
    """Whom the proxy names. The other end of the connection itself must be the proxy: what a forwarded header says of
    it is not believed."""
    before = request.environ.get("werkzeug.proxy_fix.orig") or request.environ
    peer = before.get("REMOTE_ADDR") or ways.SOCKET
    if not any(_is_within(peer, proxy) for proxy in way.proxies):
        raise NotSignedOn(f"proxy: {peer[:45]}")
    name = request.headers.get(way.header, "").strip()
    if not name or "," in name:  # two headers of one name arrive as one, joined by a comma
        raise NotSignedOn("header")
    return name


def _is_within(peer: str, proxy: str) -> bool:
    if ways.SOCKET in (peer, proxy):
        return peer == proxy
    try:
        return ipaddress.ip_address(peer) in ipaddress.ip_network(proxy, strict=False)
    except ValueError:
        return False


def _ended() -> Response:
    """The provider says that a session of its own is over: ours of the same person end."""
    way = _way()
    if not isinstance(way, Oidc):
        abort(404)
    try:
        subject, session = oidc.ended(way, request.form.get("logout_token", ""))
    except NotSignedOn as error:
        _failed(error)
        return Response(status=400)
    mark = _mark("sid", session) if session else _mark("sub", subject)
    sessions.end_marked(gate.settings().state, mark, gate.address())
    return Response(status=204)


def _left() -> Response:
    """On to where the provider's own session ends, after ours has."""
    way, back = _way(), _address("/login")
    try:
        place = (
            way.logout
            if isinstance(way, Header)
            else oidc.end_session(way, back)
            if isinstance(way, Oidc)
            else cas.end_session(way, back)
        )
    except NotSignedOn:
        place = ""
    return redirect(place or "/login")


def _tried(act: object) -> Response:
    try:
        answer: Response = act()  # type: ignore[operator]
        return answer
    except NotSignedOn as error:
        _failed(error)
        response = login.form(texts.SIGN_ON_FAILED, 401)
        response.delete_cookie(TRIP)
        return response


def _failed(error: NotSignedOn) -> None:
    audit.record(
        gate.settings().state,
        "sign_on_failed",
        who="",
        ip=gate.address(),
        result=audit.REFUSED,
        detail=error.reason[:LONGEST],
    )


def _way() -> Way:
    way = ways.current()
    if way is None:
        abort(404)
    return way


def _mark(kind: str, value: str) -> str:
    """How a session is found again when the provider ends its own: nothing of the provider's is stored as it is."""
    return app_db.digest(f"{kind}:{value}")


def _address(path: str) -> str:
    """The address of a path as the world outside reaches it."""
    return f"{gate.settings().options.public_url.rstrip('/') or request.host_url.rstrip('/')}{path}"
