"""A connection on which one whole answer has a time limit, however slowly it drips: header, body and TLS handshake
alike.

Each read gets what is left of the limit, where a client's own time limit would start anew with every byte."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpcore
import httpx

_limit = threading.local()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block's reads and writes on this thread end in a timeout after so many seconds altogether."""
    _limit.ends = time.monotonic() + seconds
    try:
        yield
    finally:
        _limit.ends = None


def _left(timeout: float | None, error: type[Exception]) -> float | None:
    ends = getattr(_limit, "ends", None)
    if ends is None:
        return timeout
    left: float = ends - time.monotonic()
    if left <= 0:
        raise error("time is up")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._inner.connect_tcp(host, port, _left(timeout, httpcore.ConnectTimeout), local_address, socket_options)
        )


def transport(verify: ssl.SSLContext | bool) -> httpx.HTTPTransport:
    """A transport whose connections keep to within()."""
    made = httpx.HTTPTransport(verify=verify, trust_env=False)
    made._pool._network_backend = _Backend()
    return made
