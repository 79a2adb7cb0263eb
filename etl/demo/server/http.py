"""动态监控 (/gps), 驾驶员远程管理 (/rdm), 主动安全 (/as) and 浙运安 (/ext) as one HTTP service: tokens, the list
protocol, pages. The mini-program (/mp) has a protocol of its own: see app_http.

List protocol: `updated_since` exclusive, `updated_until` inclusive and capped to the server's now; items sorted by
(updated_at, key). Envelope and error bodies are JSON with a Chinese message. Instants in items are Shanghai wall time
'YYYY-MM-DD HH:MM:SS'; `server_time` and `updated_until` are ISO 8601 with +08:00.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import threading
from collections import OrderedDict
from datetime import datetime

import numpy as np
import orjson
import pandas as pd
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from etl.demo.app import http
from etl.demo.server.feeds import Feed, Feeds
from etl.demo.world import clock
from etl.demo.world.clock import Clock

CLIENT_ID = "zhengbei"
TOKEN_S = 7200
DEFAULT_PAGE, LARGEST_PAGE = 2000, 5000
CACHED_WINDOWS = 8
GZIP_FROM_BYTES = 1000
INSTANT_COLUMNS = ("loc_time", "recv_time")


class BadRequest(Exception):
    """A parameter the list protocol does not allow; carries the message for the caller."""


class Windows:
    """Keeps the last few windows so that page 2 costs no second computation; safe among threads."""

    def __init__(self) -> None:
        self._cache: OrderedDict[tuple[str, int, int, int], pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, feed: Feed, after: int, until: int, now: int) -> pd.DataFrame:
        """The frame of a window; computed at most once at a time (the generators share caches)."""
        key = (name, after, until, now // clock.DAY)
        with self._lock:
            if key not in self._cache:
                self._cache[key] = feed(after, until, now)
                while len(self._cache) > CACHED_WINDOWS:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(key)
            return self._cache[key]


def items(page: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of a page as plain dictionaries; `updated_s` becomes `updated_at`, missing becomes null."""
    columns: dict[str, list[object]] = {}
    for name in page.columns:
        values = page[name]
        if name == "updated_s" or name in INSTANT_COLUMNS:
            columns["updated_at" if name == "updated_s" else name] = clock.second_texts(
                np.maximum(values.to_numpy(), 0)
            ).tolist()
        elif values.dtype.kind in "ifb":
            columns[name] = values.to_numpy().tolist()
        else:
            plain = values.astype(object)
            columns[name] = plain.where(plain.notna(), None).tolist()
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _token(secret: str, system: str, expires: int) -> str:
    """A signed token: it outlives a restart of the service, and cannot be used on the other system."""
    signature = hmac.new(secret.encode(), f"{system}.{expires}".encode(), hashlib.sha256).hexdigest()
    return f"{expires}.{signature}"


def _instant(text: str, name: str) -> float:
    try:
        instant = datetime.fromisoformat(text.replace(" ", "+"))  # an unescaped + arrives as a blank
    except ValueError as error:
        raise BadRequest(f"{name} 不是 ISO8601 时间: {text}") from error
    return clock.local_time(instant if instant.tzinfo else instant.replace(tzinfo=clock.SHANGHAI))


def _whole(name: str, default: int, largest: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= largest:
        raise BadRequest(f"{name} 应为 1 至 {largest} 的整数")
    return int(text)


def _reply(body: dict[str, object], status: int = 200) -> Response:
    payload = orjson.dumps(body)
    headers = {"Content-Type": "application/json; charset=utf-8", "Vary": "Accept-Encoding"}
    if len(payload) >= GZIP_FROM_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        payload = gzip.compress(payload, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return Response(payload, status, headers)


def _page(name: str, feed: Feed, windows: Windows, now_time: float) -> dict[str, object]:
    now = int(now_time)
    # a row is stamped in whole seconds: > 12:00:00.7 and > 12:00:00 ask for the same rows
    after = int(_instant(request.args.get("updated_since", "1970-01-01T00:00:00+08:00"), "updated_since"))
    until = (
        min(now, int(_instant(request.args["updated_until"], "updated_until")))
        if request.args.get("updated_until")
        else now
    )
    number, size = _whole("page", 1, 10**9), _whole("page_size", DEFAULT_PAGE, LARGEST_PAGE)
    frame = windows.get(name, feed, after, max(until, after), now)
    rows = frame.iloc[(number - 1) * size : number * size]
    stamp = clock.instant_of(now).isoformat(timespec="seconds")
    return {
        "total": len(frame),
        "page": number,
        "page_size": size,
        "server_time": stamp,
        "updated_until": clock.instant_of(until).isoformat(timespec="seconds"),
        "items": items(rows),
    }


def create_app(feeds: Feeds, clock_: Clock, client_secret: str) -> Flask:
    """The WSGI application; `clock_` is asked once per request."""
    app = Flask("stand_in")
    windows = Windows()

    def token(system: str) -> Response:
        requested = request.get_json(silent=True) or {}
        right = requested.get("client_id") == CLIENT_ID and hmac.compare_digest(
            str(requested.get("client_secret", "")).encode(), client_secret.encode()
        )
        if not right:
            return _reply({"code": 40101, "message": "客户端标识或密钥错误"}, 401)
        expires = int(clock_().timestamp()) + TOKEN_S
        return _reply(
            {
                "code": 0,
                "message": "ok",
                "data": {"access_token": _token(client_secret, system, expires), "expires_in": TOKEN_S},
            }
        )

    def is_allowed(system: str) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        expires = given.partition(".")[0]
        fresh = scheme == "Bearer" and expires.isascii() and expires.isdigit() and int(expires) > clock_().timestamp()
        return fresh and hmac.compare_digest(given.encode(), _token(client_secret, system, int(expires)).encode())

    def listing(system: str, entity: str) -> Response:
        if not is_allowed(system):
            return _reply({"code": 40102, "message": "令牌缺失、无效或已过期"}, 401)
        feed = feeds.systems[system].get(entity)
        if feed is None:
            return _reply({"code": 40401, "message": f"没有接口 {entity}"}, 404)
        return _reply(
            {"code": 0, "message": "ok", "data": _page(f"{system}/{entity}", feed, windows, clock.local_time(clock_()))}
        )

    for system in feeds.systems:
        app.add_url_rule(
            f"/{system}/oauth/token", f"{system}_token", lambda system=system: token(system), methods=["POST"]
        )
        app.add_url_rule(
            f"/{system}/api/v1/<entity>",
            f"{system}_list",
            lambda entity, system=system: listing(system, entity),
            methods=["GET"],
        )
    http.add_to(app, feeds.world, clock_, CLIENT_ID, client_secret)
    app.register_error_handler(BadRequest, lambda error: _reply({"code": 40001, "message": str(error)}, 400))
    app.register_error_handler(
        HTTPException,
        lambda error: _reply(
            {"code": (error.code or 500) * 100, "message": "请求的地址或方法不存在"}, error.code or 500
        ),
    )
    return app
