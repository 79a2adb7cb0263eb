"""Files that never change under their address, and how all that is text leaves: compressed.

A static file is read and compressed once a process and held in memory; what is drawn for one reader is compressed on
its way out. An address that carries the digest or the fingerprint of its file may be held by a browser for ever; any
other is asked for again each time, and answered 304 while nothing has changed."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import threading
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

import brotli
from dash.exceptions import DashException
from dash.fingerprint import check_fingerprint
from flask import Flask, Response, abort, request
from werkzeug.datastructures import Accept

from cockpit.presentation import assets

SUITES = "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"
"""Dash's own rule for the bundles of its packages."""
YEAR_S = 365 * 86400
FOR_EVER, EACH_TIME = f"private, max-age={YEAR_S}, immutable", "private, no-cache"
CODINGS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "br": (lambda body: brotli.compress(body, quality=9), lambda body: brotli.compress(body, quality=4)),
    "gzip": (lambda body: gzip.compress(body, 9, mtime=0), lambda body: gzip.compress(body, 5, mtime=0)),
}
"""Coding → how a file is compressed once, and how an answer is on its way out; the better one first."""
COMPRESSED_FROM = 1024
TEXTS = ("text/", "application/json", "application/javascript", "application/geo+json", "image/svg+xml")
mimetypes.add_type("application/geo+json", ".geojson")


class StaticFile:
    """One file as it leaves. Each coding of it is made when it is first asked for."""

    def __init__(self, body: bytes, mimetype: str) -> None:
        self.body, self.mimetype = body, mimetype
        self._coded: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[: assets.DIGEST_LENGTH]

    def coded(self, coding: str) -> bytes:
        """The body in that coding, "" for as it is."""
        if not coding:
            return self.body
        with self._lock:
            if coding not in self._coded:
                self._coded[coding] = CODINGS[coding][0](self.body)
            return self._coded[coding]


class StaticFiles:
    """The files that were asked for so far, each by a key that names it."""

    def __init__(self) -> None:
        self._files: dict[Hashable, StaticFile] = {}

    def answer(self, key: Hashable, read: Callable[[], StaticFile], lasts: Callable[[StaticFile], bool]) -> Response:
        """The file of that key, read when it is new, for the request that stands. lasts: whether this address can
        never come to mean another file."""
        file = self._files.get(key)
        if file is None:
            file = self._files.setdefault(key, read())
        compresses = _compresses(file.mimetype, len(file.body))
        coding = preferred(request.accept_encodings) if compresses else ""
        response = Response(file.coded(coding), mimetype=file.mimetype)
        _describe(response, coding, compresses)
        response.set_etag(f"{file.digest}-{coding}" if coding else file.digest)
        response.headers["Cache-Control"] = FOR_EVER if lasts(file) else EACH_TIME
        response.make_conditional(request)
        return response


def register(server: Flask) -> None:
    """Adds /assets/. Before Dash, whose own rule of that path reads the disk at every request."""
    files = StaticFiles()
    known = {file.relative_to(assets.ASSETS).as_posix() for file in assets.ASSETS.rglob("*") if file.is_file()}
    known |= assets.BUNDLES.keys()

    def read(name: str) -> StaticFile:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return StaticFile(assets.content(name), kind)

    @server.get(f"{assets.PREFIX}<path:filename>")
    def asset(filename: str) -> Response:
        if filename not in known:
            abort(404)
        return files.answer(
            filename, lambda: read(filename), lambda file: request.args.get(assets.VERSION) == file.digest
        )


def hold_bundles(server: Flask) -> None:
    """Puts the held files before Dash's own answer for its bundles, which reads the package at every request."""
    files = StaticFiles()
    endpoint = next(rule.endpoint for rule in server.url_map.iter_rules() if rule.rule == SUITES)
    original: Callable[..., Any] = server.view_functions[endpoint]

    def read(**path: str) -> StaticFile:
        try:
            response = original(**path)
        except DashException:  # no such bundle
            abort(404)
        return StaticFile(response.get_data(), response.mimetype)

    def bundle(package_name: str, fingerprinted_path: str) -> Response:
        path = {"package_name": package_name, "fingerprinted_path": fingerprinted_path}
        return files.answer(
            (package_name, fingerprinted_path),
            lambda: read(**path),
            lambda _: check_fingerprint(fingerprinted_path)[1],  # type: ignore[no-untyped-call]
        )

    server.view_functions[endpoint] = bundle


def compress(server: Flask) -> None:
    """Compresses pages and JSON on their way out. Files that people take away are compressed by themselves, and the
    login page, where a secret stands beside what anybody may have put into the address, leaves as it is."""

    @server.after_request
    def _compressed(response: Response) -> Response:
        is_done = response.direct_passthrough or "Content-Encoding" in response.headers or response.is_streamed
        if is_done or request.path == "/login" or response.status_code in (204, 304):
            return response
        body = response.get_data()
        if not _compresses(response.mimetype, len(body)):
            return response
        coding = preferred(request.accept_encodings)
        if coding:
            response.set_data(CODINGS[coding][1](body))
        _describe(response, coding, True)
        return response


def preferred(accepted: Accept) -> str:
    """The coding that a browser likes best, ours first among equals; "" when it takes none of them."""
    return max(("", *CODINGS), key=lambda coding: accepted.quality(coding) if coding else 0)


def _compresses(mimetype: str | None, size: int) -> bool:
    return size >= COMPRESSED_FROM and (mimetype or "").startswith(TEXTS)


def _describe(response: Response, coding: str, compresses: bool) -> None:
    if coding:
        response.headers["Content-Encoding"] = coding
    if compresses:
        response.vary.add("Accept-Encoding")
