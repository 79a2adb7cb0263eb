"""/login/code: the second factor at the log-in – the code, or where there is none yet, its setting up with a QR code
that is drawn here, without any other host."""

from __future__ import annotations

import segno
from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import entry, gate, open_forms, second_factor
from cockpit.identity.entry import HalfWay
from cockpit.presentation import texts

LONGEST = 20


def register(server: Flask) -> None:
    """Adds /login/code."""
    server.add_url_rule(entry.CODE_PAGE, "login_code", _code, methods=["GET", "POST"])


def _code() -> Response:
    half = entry.half_way()
    if half is None:
        return redirect("/login")
    if request.method == "GET":
        return _form(half)
    if not open_forms.is_ours():
        return _form(half, texts.LOGIN_STALE, 400)
    typed, conf = request.form.get("code", "")[:LONGEST], gate.settings()
    if half.secret:
        codes = second_factor.set_up(conf, half.account.name, half.secret, typed, ip=gate.address())
        if codes is not None:
            return entry.open_session(
                open_forms.page("recovery.html", codes=codes, target=half.target), half.account, half.marks
            )
    elif second_factor.check(conf, half.account.name, typed, ip=gate.address()):
        return entry.open_session(redirect(half.target, code=303), half.account, half.marks)
    return _form(half, texts.CODE_FAILED, 401)


def _form(half: HalfWay, message: str = "", status: int = 200) -> Response:
    drawing = ""
    if half.secret:
        drawing = segno.make(second_factor.uri(half.account.name, half.secret)).svg_data_uri(
            scale=5, border=3, dark="black", light="white"
        )
    secret = " ".join(half.secret[at : at + 4] for at in range(0, len(half.secret), 4))
    return open_forms.page("login_code.html", status, message=message, drawing=drawing, secret=secret)
