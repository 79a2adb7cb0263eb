"""Logging in and out: plain server-rendered pages without a script, so that they work when nothing else does."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import accounts, entry, gate, open_forms, sessions
from cockpit.presentation import texts
from warehouse.core.errors import TooSoon


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


def form(message: str = "", status: int = 200) -> Response:
    """The log-in page, with what went wrong."""
    return open_forms.page(
        "login.html",
        status,
        message=message,
        target=local_target(request.values.get("next")),
        user=request.form.get("user", "")[:64],
        has_left=request.method == "GET" and "left" in request.args,
    )


def _login() -> Response:
    if request.method == "GET":
        return redirect("/") if g.viewer and g.viewer.kind == "person" else form()
    if not open_forms.is_ours():
        return form(texts.LOGIN_STALE, 400)
    user, password = request.form.get("user", ""), request.form.get("password", "")
    try:
        account = accounts.check(gate.settings().state, user, password, gate.address())
    except TooSoon as slow:
        return form(f"{slow.what}，{slow.to_do}。", slow.http_status)
    if account is None:
        return form(texts.LOGIN_FAILED, 401)
    return entry.proceed(account, local_target(request.form.get("next")))


def _logout() -> Response:
    by_sign_on = sessions.end(
        gate.settings().state, request.cookies.get(gate.cookie_name("person"), ""), gate.address()
    )
    response = redirect("/login?left=1" if by_sign_on else "/login", code=303)
    response.delete_cookie(gate.cookie_name("person"), secure=gate.secure(), httponly=True, samesite="Lax")
    return response


def _enter(token: str) -> Response:
    if len(token) > 100:
        abort(404)
    if request.method == "HEAD":  # whoever only looks whether there is something has not come in
        return Response(status=204)
    if gate.handed_on():
        return form(texts.LINK_ELSEWHERE, 401)
    account = sessions.spend_link(gate.settings().state, token, gate.address())
    if account is None:
        return form(texts.LINK_SPENT, 401)
    # who can make such a link can read and change the file that holds the second factors
    return entry.open_session(redirect(local_target(request.args.get("next"))), account)
