"""A list service on a bare socket that follows a script: each list request, by its number, may be answered in any wrong
way.

Behind the script stands tests.etl.sources.lists; between, everything a network and a tired server can do to an
answer."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import io
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from tests.etl.sources.lists import Answer, Lists

Fault = Callable[["Wire", "Ask"], None]


@dataclass(frozen=True)
class Ask:
    """A list request: its number (from 1), and what the service would answer to it, or to the request with other
    words."""

    number: int
    environ: dict[str, Any]
    service: Lists

    def right(self, **words: object) -> Answer:
        query = "&".join([self.environ["QUERY_STRING"], *(f"{name}={value}" for name, value in words.items())])
        # of a word that is there twice the service takes the first
        pairs = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        return self.service.answer(
            {**self.environ, "QUERY_STRING": "&".join(f"{name}={value}" for name, value in pairs.items())}
        )


class Wire:
    """The open connection: whole answers, or bytes, or nothing."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler

    def send(self, status: str, headers: list[tuple[str, str]], body: bytes, *, length: int | None = None) -> None:
        """An answer; `length`: what it claims to be long, −1 = it claims nothing and ends with the connection."""
        lines = [
            f"HTTP/1.1 {status}",
            *(f"{name}: {value}" for name, value in headers if name.lower() != "content-length"),
        ]
        if length != -1:
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.raw("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)

    def raw(self, content: bytes) -> None:
        with contextlib.suppress(OSError):  # the other side may have had enough
            self._handler.wfile.write(content)
            self._handler.wfile.flush()

    def drip(self, content: bytes, every_s: float) -> None:
        for byte in content:
            try:
                self._handler.wfile.write(bytes([byte]))
                self._handler.wfile.flush()
            except OSError:
                return
            time.sleep(every_s)

    def reset(self) -> None:
        """A TCP reset in place of an answer."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.connection.close()


@dataclass
class Server:
    """script: request number → fault; `always` stands for every number that is not in it. moments: when each came."""

    service: Lists
    url: str = ""
    script: dict[int, Fault] = field(default_factory=dict)
    always: Fault | None = None
    moments: list[float] = field(default_factory=list)

    def behave(self, script: dict[int, Fault] | None = None, always: Fault | None = None) -> None:
        """A new script from the next request on, which is number 1."""
        self.script, self.always, self.moments = script or {}, always, []


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *words: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError, ValueError, ssl.SSLError):
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            Wire(self).send(*server.service.answer(self._environ(body)))

        def do_GET(self) -> None:
            server.moments.append(time.monotonic())
            ask = Ask(len(server.moments), self._environ(b""), server.service)
            fault = server.script.get(ask.number, server.always)
            if fault:
                fault(Wire(self), ask)
            else:
                Wire(self).send(*ask.right())

        def _environ(self, body: bytes) -> dict[str, Any]:
            path, _, query = self.path.partition("?")
            return {
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
                "HTTP_AUTHORIZATION": self.headers.get("Authorization", ""),
                "HTTP_IF_NONE_MATCH": self.headers.get("If-None-Match", ""),
            }

    return Handler


@contextlib.contextmanager
def served(service: Lists, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """The server while the block runs."""
    made = Server(service)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    http.daemon_threads = True
    if tls:
        http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        http.shutdown()
        thread.join(10)
        http.server_close()


def answers(status: str, body: bytes = b"", *headers: tuple[str, str]) -> Fault:
    """A fixed answer."""
    return lambda wire, ask: wire.send(status, list(headers), body)


def says(document: object) -> Fault:
    """200 and this JSON."""
    return answers("200 OK", orjson.dumps(document), ("Content-Type", "application/json"))


def reset(wire: Wire, ask: Ask) -> None:
    wire.reset()


def drip(wire: Wire, ask: Ask) -> None:
    status, _, body = ask.right()
    wire.raw(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    wire.drip(body[:60], 0.05)


def drip_headers(wire: Wire, ask: Ask) -> None:
    wire.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 60, 0.05)


def closed_early(wire: Wire, ask: Ask) -> None:
    status, headers, body = ask.right()
    wire.send(status, headers, body[: len(body) // 3], length=len(body))


def torn_chunks(wire: Wire, ask: Ask) -> None:
    body = ask.right()[2]
    wire.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + f"{len(body):x}\r\n".encode() + body[:200])


def zipped(spoil: Callable[[bytes], bytes], length: int | None = None) -> Fault:
    def fault(wire: Wire, ask: Ask) -> None:
        wire.send("200 OK", [("Content-Encoding", "gzip")], spoil(gzip.compress(ask.right()[2])), length=length)

    return fault


def no_words(wire: Wire, ask: Ask) -> None:
    wire.raw(b"SSH-2.0-OpenSSH_9.6\r\n")


def soon(wire: Wire, ask: Ask) -> None:
    answers("429 Too Many Requests", b"", ("Retry-After", email.utils.formatdate(time.time() + 2, usegmt=True)))(
        wire, ask
    )
