"""A real HTTP service over a few rows, in the three ways of paging and of signing in; what it holds may change between
requests. Rows are shown by their update time, a naive Shanghai text column."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import orjson
from werkzeug.serving import WSGIRequestHandler, make_server

from warehouse.core.units import SHANGHAI

Row = dict[str, Any]
Answer = tuple[str, list[tuple[str, str]], bytes]
CLIENT, SECRET = "zhengbei", "p:w%密"
PAGE = 'token_path = "/page/token"\n'
CURSOR = """auth = "oauth2"
token_path = "/cursor/oauth2/token"
paging = "cursor"
page_size = 500
max_per_s = 200
[defaults.request]
since = "updated_from"
until = "updated_to"
size = "limit"
cursor = "cursor"
[defaults.answer]
items = "items"
total = "count"
next = "next_cursor"
until = "updated_to"
code = ""
"""
WINDOW = """auth = "none"
paging = "window"
time = "epoch_ms"
[defaults.request]
since = "from"
until = "to"
[defaults.answer]
items = ""
total = ""
until = ""
code = ""
"""
"""How a feed's description puts each of the three protocols; before a [table] of their own, more keys may stand in
front."""


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass
class Lists:
    """rows: entity → its rows. now: the service's clock. asked: the query of each list request. life_s: of a token."""

    rows: dict[str, list[Row]]
    updated: str = "updated_at"
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(SHANGHAI))
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    life_s: float = 7200
    per_s: int = 0
    recent: list[float] = field(default_factory=list)
    refused: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        status, headers, body = self.answer(environ)
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def answer(self, environ: dict[str, Any]) -> Answer:
        kind, _, name = environ["PATH_INFO"].strip("/").partition("/")
        query = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        if name.endswith("token"):
            return self.token(kind, environ)
        if (
            kind in ("page", "cursor")
            and environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ") not in self.tokens[-1:]
        ):
            return json({"code": 401}, "401 Unauthorized")
        self.asked.append(query)
        if self.too_fast():
            return "429 Too Many Requests", [("Retry-After", "1")], b""
        return {"page": self.by_page, "cursor": self.by_cursor, "window": self.at_once, "keys": self.keys}[kind](
            name, query, environ
        )

    def token(self, kind: str, environ: dict[str, Any]) -> Answer:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if kind == "cursor":
            given = base64.b64decode(environ.get("HTTP_AUTHORIZATION", "").removeprefix("Basic ")).decode()
            who, _, secret = given.partition(":")
            if (unquote_plus(who), unquote_plus(secret), body) != (CLIENT, SECRET, b"grant_type=client_credentials"):
                return json({"error": "invalid_client"}, "401 Unauthorized")
        self.tokens.append(f"token-{len(self.tokens)}")
        stated = {"access_token": self.tokens[-1], "expires_in": self.life_s, "token_type": "Bearer"}
        return json(stated if kind == "cursor" else {"code": 0, "data": stated})

    def too_fast(self) -> bool:
        moment = time.monotonic()
        self.recent = [one for one in self.recent if moment - one < 1] + [moment]
        over = bool(self.per_s) and len(self.recent) > self.per_s
        self.refused += over
        return over

    def window(self, name: str, since: str, until: str) -> list[Row]:
        after, to = (
            dt.datetime.fromisoformat(text.replace(" ", "+")).astimezone(SHANGHAI).replace(tzinfo=None)
            for text in (since, until)
        )
        to = min(to, self.now.replace(tzinfo=None))
        found = [row for row in self.rows[name] if after < dt.datetime.fromisoformat(row[self.updated]) <= to]
        return sorted(found, key=lambda row: (row[self.updated], orjson.dumps(row)))

    def by_page(self, name: str, query: dict[str, str], environ: dict[str, Any]) -> Answer:
        rows = self.window(name, query["updated_since"], query["updated_until"])
        number, size = int(query["page"]), int(query["page_size"])
        return json(
            {
                "code": 0,
                "message": "ok",
                "data": {
                    "total": len(rows),
                    "items": rows[(number - 1) * size : number * size],
                    "updated_until": query["updated_until"].replace(" ", "+"),
                },
            }
        )

    def by_cursor(self, name: str, query: dict[str, str], environ: dict[str, Any]) -> Answer:
        rows = self.window(name, query["updated_from"], query["updated_to"])
        first, size = int(query.get("cursor", "c0")[1:]), int(query["limit"])
        tag = '"' + hashlib.sha256(orjson.dumps(rows)).hexdigest()[:16] + '"'
        if "cursor" not in query and environ.get("HTTP_IF_NONE_MATCH") == tag:
            return "304 Not Modified", [("ETag", tag)], b""
        following = f"c{first + size}" if first + size < len(rows) else None
        status, headers, body = json(
            {
                "items": rows[first : first + size],
                "next_cursor": following,
                "updated_to": query["updated_to"].replace(" ", "+"),
                "count": len(rows),
            }
        )
        return status, [*headers, *([("ETag", tag)] if "cursor" not in query else [])], body

    def at_once(self, name: str, query: dict[str, str], environ: dict[str, Any]) -> Answer:
        after, to = (dt.datetime.fromtimestamp(int(query[key]) / 1000, SHANGHAI).isoformat() for key in ("from", "to"))
        return json(self.window(name, after, to))

    def keys(self, name: str, query: dict[str, str], environ: dict[str, Any]) -> Answer:
        return json(self.rows[name])


def json(body: object, status: str = "200 OK") -> Answer:
    return status, [("Content-Type", "application/json")], orjson.dumps(body)


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """The service's address while the block runs."""
    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join(10)
        http.server_close()
