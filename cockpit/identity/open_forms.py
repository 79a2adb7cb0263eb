"""Forms for somebody who is not signed in yet: log-in, code, new password. Plain server-made pages without a script, so
that they work when nothing else does. Owns what shows that a form is ours: its token fits a cookie of the same browser,
so a form from elsewhere does not."""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app, render_template, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from cockpit.identity import gate
from cockpit.presentation import texts

FORM_S = 2 * 3600
NONCE = "zb_form"


def signer(salt: str) -> URLSafeTimedSerializer:
    """Signs what a browser carries for a while, each purpose apart."""
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=salt)


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The template with its values and a fresh token."""
    nonce = secrets.token_urlsafe(16)
    body = render_template(template, texts=texts, token=signer("login-form").dumps(nonce), **values)
    response = Response(body, status=status, mimetype="text/html")
    set_cookie(response, NONCE, nonce, FORM_S)
    return response


def is_ours() -> bool:
    """Whether the form that was sent came from a page of ours in this browser."""
    try:
        nonce = signer("login-form").loads(request.form.get("token", ""), max_age=FORM_S)
    except BadSignature:
        return False
    return secrets.compare_digest(str(nonce), request.cookies.get(NONCE, ""))


def set_cookie(response: Response, name: str, value: str, seconds: int, same_site: str = "Strict") -> None:
    """A short-lived cookie that no script reads."""
    response.set_cookie(name, value, httponly=True, samesite=same_site, secure=gate.secure(), max_age=seconds)
