"""Security and cache headers of every response; nothing else. The policy is the one measured to work with Dash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Flask, Response, request

from cockpit.identity import gate

STATIC = ("/_dash-component-suites/", "/assets/")
NOWHERE = "no-store"
YEAR_S = 365 * 86400


def policy(script_hashes: Sequence[str]) -> str:
    """The Content-Security-Policy: own files only; inline scripts only those whose hash Dash declares."""
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        # Plotly and React set element styles; strict style-src breaks 24 of them and protects little
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def protect(server: Flask, script_hashes: Callable[[], Sequence[str]]) -> None:
    """Adds the headers to every response of `server`; `script_hashes` is asked once, after all callbacks exist."""
    known: list[str] = []

    @server.after_request
    def _headers(response: Response) -> Response:
        if not known:
            known.append(policy(script_hashes()))
        response.headers["Content-Security-Policy"] = known[0]
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        # not "no-referrer": under it a browser sends "Origin: null" with our own forms on a plain-HTTP intranet,
        # and the origin check would refuse the login. To other hosts both send nothing.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), usb=(), payment=()"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["X-Zhengbei"] = "1"  # leave.js knows our own answers by it from those of a proxy
        response.headers.pop("X-Powered-By", None)
        if gate.secure():
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        response.headers["Cache-Control"] = _cache(response)
        return response


def _cache(response: Response) -> str:
    """What the route of the static files says of them, who knows which address can never mean another file; every
    answer with data is stored nowhere."""
    is_static = response.status_code in (200, 304) and request.path.startswith(STATIC)
    return response.headers.get("Cache-Control", NOWHERE) if is_static else NOWHERE
