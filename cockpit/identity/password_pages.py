"""Where a person sets a password: /password/<token>, by a link that somebody gave out, and /password, one's own, by the
old one."""

from __future__ import annotations

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import accounts, gate, open_forms, password_links
from cockpit.presentation import texts
from warehouse.core.errors import UsageError


def register(server: Flask) -> None:
    """Adds both pages."""
    server.add_url_rule("/password/<token>", "password_link", _by_link, methods=["GET", "POST"])
    server.add_url_rule("/password", "password", _own, methods=["GET", "POST"])


def _by_link(token: str) -> Response:
    file = gate.settings().state
    name = password_links.owner(file, token[:100])
    if name is None:
        return open_forms.page("password.html", 404, message=texts.PASSWORD_LINK_SPENT, name="", is_own=False)
    if request.method != "POST":
        return _page(name)
    if not open_forms.is_ours():
        return _page(name, texts.LOGIN_STALE, 400)
    try:
        password_links.spend(file, token, _typed(), ip=gate.address())
    except UsageError as error:
        return _page(name, f"{error.what}。{error.to_do}。", 400)
    return open_forms.page("password.html", message="", name=name, is_own=False, is_done=True)


def _own() -> Response:
    who, file = gate.viewer(), gate.settings().state
    if request.method != "POST":
        return _page(who.user, is_own=True)
    if not open_forms.is_ours():
        return _page(who.user, texts.LOGIN_STALE, 400, is_own=True)
    if accounts.check(file, who.user, request.form.get("old", ""), gate.address()) is None:
        return _page(who.user, texts.OLD_PASSWORD_FAILED, 401, is_own=True)
    try:
        accounts.set_password(file, who.user, _typed(), by=who.user, ip=gate.address())
    except UsageError as error:
        return _page(who.user, f"{error.what}。{error.to_do}。", 400, is_own=True)
    return redirect("/login", code=303)  # every session has ended, this one too


def _typed() -> str:
    """The new password. Raises UsageError when it was not typed twice alike."""
    first, second = request.form.get("password", ""), request.form.get("again", "")
    if first != second:
        raise UsageError("两次填写的密码不一样", to_do="请重新填写")
    return first


def _page(name: str, message: str = "", status: int = 200, *, is_own: bool = False) -> Response:
    return open_forms.page("password.html", status, message=message, name=name, is_own=is_own)
