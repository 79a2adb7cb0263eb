"""Logging in and out: plain server-rendered pages without a script, so that they work when nothing else does."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, render_template, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from cockpit.identity import accounts, gate, sessions
from cockpit.identity.accounts import Account
from cockpit.presentation import texts
from warehouse.core.errors import TooSoon

FORM_S = 2 * 3600
NONCE = "zb_form"


def register(server: Flask) -> None:
    """Adds /login, /logout and /enter/<token>."""
    server.add_url_rule("/login", "login", _login, methods=["GET", "POST"])
    server.add_url_rule("/logout", "logout", _logout, methods=["POST"])
    server.add_url_rule("/enter/<token>", "enter", _enter, methods=["GET"])


def local_target(target: str | None) -> str:
    """A path on this site to go to after logging in; anything that could lead elsewhere becomes "/"."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    odd = any(ord(char) < 32 for char in target)
    machine = target.startswith(("/_", "/api/", "/assets/", "/log"))
    return "/" if parts.scheme or parts.netloc or odd or machine else target


def _signer() -> URLSafeTimedSerializer:
    from flask import current_app

    return URLSafeTimedSerializer(current_app.secret_key or "", salt="login-form")


def _form(message: str = "", status: int = 200) -> Response:
    """The login page; the form token is bound to a cookie of this browser, so a form from elsewhere does not fit."""
    nonce = secrets.token_urlsafe(16)
    page = render_template(
        "login.html",
        texts=texts,
        message=message,
        token=_signer().dumps(nonce),
        target=local_target(request.values.get("next")),
        user=request.form.get("user", "")[:64],
    )
    response = Response(page, status=status, mimetype="text/html")
    response.set_cookie(NONCE, nonce, httponly=True, samesite="Strict", secure=gate.secure(), max_age=FORM_S)
    return response


def _form_is_ours() -> bool:
    try:
        nonce = _signer().loads(request.form.get("token", ""), max_age=FORM_S)
    except BadSignature:
        return False
    return secrets.compare_digest(str(nonce), request.cookies.get(NONCE, ""))


def _login() -> Response:
    if request.method == "GET":
        return redirect("/") if g.viewer and g.viewer.kind == "person" else _form()
    if not _form_is_ours():
        return _form(texts.LOGIN_STALE, 400)
    user, password = request.form.get("user", ""), request.form.get("password", "")
    try:
        account = accounts.check(gate.settings().state, user, password, gate.address())
    except TooSoon as slow:
        return _form(f"{slow.what}，{slow.to_do}。", slow.http_status)
    if account is None:
        return _form(texts.LOGIN_FAILED, 401)
    return _welcome(account, local_target(request.form.get("next")))


def _welcome(account: Account, target: str) -> Response:
    """Opens a session under a new identifier (against fixation) and leaves for `target`."""
    conf = gate.settings()
    former = request.cookies.get(gate.cookie_name("person"), "")
    identifier = sessions.start(
        conf.state, account, gate.address(), absolute_s=conf.options.session_hours * 3600, replaces=former
    )
    response = redirect(target)
    gate.set_cookie(response, "person", identifier)
    response.delete_cookie(NONCE)
    return response


def _logout() -> Response:
    sessions.end(gate.settings().state, request.cookies.get(gate.cookie_name("person"), ""), gate.address())
    response = redirect("/login", code=303)
    response.delete_cookie(gate.cookie_name("person"), secure=gate.secure(), httponly=True, samesite="Lax")
    return response


def _enter(token: str) -> Response:
    if len(token) > 100:
        abort(404)
    if request.method == "HEAD":  # whoever only looks whether there is something has not come in
        return Response()
    if gate.handed_on():
        return _form(texts.LINK_ELSEWHERE, 401)
    account = sessions.spend_link(gate.settings().state, token, gate.address())
    if account is None:
        return _form(texts.LINK_SPENT, 401)
    return _welcome(account, local_target(request.args.get("next")))
