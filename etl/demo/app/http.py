"""司机之家小程序 over HTTP: OAuth2 client credentials (RFC 6749 §4.4) and cursor paging.

`GET /mp/api/v2/<entity>?updated_from=&updated_to=&limit=&cursor=`: updated_from exclusive, updated_to inclusive and
capped to the server's now; `next_cursor` is null on the last page. The first page carries an ETag and honours
If-None-Match. Above MOST_A_SECOND requests a second the answer is 429 with Retry-After."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

import numpy as np
import orjson
import pandas as pd
from flask import Flask, Response, request

from etl.demo.app import points, users, volunteers
from etl.demo.world import clock
from etl.demo.world.books import Book
from etl.demo.world.clock import Clock
from etl.demo.world.world import World

TOKEN_S = 3600
DEFAULT_LIMIT, LARGEST_LIMIT = 500, 1000
MOST_A_SECOND = 20
Listing = Callable[[int, int], pd.DataFrame]


class AppLists:
    """The lists of the mini-program: (after, until) → rows changed in the window, sorted."""

    def __init__(self, world: World) -> None:
        self._world = world
        whole, monthly = self._whole, self._monthly
        self.lists: dict[str, Listing] = {
            "users": whole(Book(lambda _: users.user_versions(world), "user_id")),
            "red_hearts": whole(Book(lambda _: users.red_hearts(world), "user_id", "lit_at")),
            "event_days": monthly(Book(lambda m: users.month_event_days(world, m), "user_id", "day"), 1),
            "volunteer_activities": monthly(Book(lambda m: volunteers.activity_versions(world, m), "act_id"), 1),
            "volunteer_records": monthly(Book(lambda m: volunteers.record_versions(world, m), "rec_id"), 1),
            "points": monthly(Book(lambda m: points.month_points(world, m), "entry_id"), 1),
            "orders": monthly(Book(lambda m: points.month_orders(world, m), "order_no"), 1),
            "goods": monthly(Book(lambda m: points.month_goods(world, m), "goods_id"), 0),
        }

    def _whole(self, book: Book) -> Listing:
        return lambda after, until: book.window([0], after, until)

    def _monthly(self, book: Book, slack: int) -> Listing:
        begin = clock.month_of(self._world.first_day)

        def rows(after: int, until: int) -> pd.DataFrame:
            first = max(clock.month_of(max(after, 0) // clock.DAY) - slack, begin)
            last = clock.month_of(until // clock.DAY) + slack
            return book.window(range(first, max(last, first) + 1), after, until)

        return rows


class Pace:
    """Counts requests of the last second; safe among threads."""

    def __init__(self, most: int) -> None:
        self._most, self._seen, self._lock = most, deque[float](), threading.Lock()

    def is_too_fast(self) -> bool:
        """Notes one request; True when it is one too many."""
        now = time.monotonic()
        with self._lock:
            while self._seen and now - self._seen[0] >= 1.0:
                self._seen.popleft()
            if len(self._seen) >= self._most:
                return True
            self._seen.append(now)
            return False


class BadQuestion(Exception):
    """A parameter that cannot be understood; carries the message."""


def _answer(body: dict[str, object], status: int = 200, **headers: str) -> Response:
    return Response(
        orjson.dumps(body),
        status,
        {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
        | {k.replace("_", "-"): v for k, v in headers.items()},
    )


def _instant(name: str, default: float) -> int:
    text = request.args.get(name, "")
    if not text:
        return int(default)
    try:
        instant = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise BadQuestion(f"{name} 不是 ISO8601 时间") from error
    return int(clock.local_time(instant if instant.tzinfo else instant.replace(tzinfo=clock.SHANGHAI)))


def _cursor(text: str, entity: str) -> tuple[int, int, int]:
    """(after, until, offset) of an opaque cursor; the window stays that of the first page."""
    try:
        named, after, until, offset = base64.urlsafe_b64decode(text.encode()).decode().split("|")
        if named != entity:
            raise ValueError
        return int(after), int(until), int(offset)
    except ValueError as error:
        raise BadQuestion("cursor 无效") from error


def _items(entity: str, rows: pd.DataFrame) -> list[dict[str, object]]:
    columns: dict[str, list[object]] = {}
    for name in rows.columns:
        values = rows[name]
        if name == "updated_s":
            columns["created_at" if entity == "points" else "updated_at"] = clock.second_texts(
                values.to_numpy()
            ).tolist()
        else:
            columns[name] = values.astype(object).where(values.notna(), None).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _page(entity: str, listing: Listing, now: int) -> Response:
    limit = request.args.get("limit", str(DEFAULT_LIMIT))
    if not limit.isdigit() or not 1 <= int(limit) <= LARGEST_LIMIT:
        raise BadQuestion(f"limit 应为 1 至 {LARGEST_LIMIT} 的整数")
    given = request.args.get("cursor", "")
    if given:
        after, until, offset = _cursor(given, entity)
    else:
        after, until, offset = _instant("updated_from", 0), min(_instant("updated_to", now), now), 0
    rows = listing(after, max(until, after))
    newest = int(rows["updated_s"].iat[-1]) if len(rows) else 0
    etag = '"' + hashlib.sha256(f"{entity}|{after}|{len(rows)}|{newest}".encode()).hexdigest()[:24] + '"'
    if not given and request.headers.get("If-None-Match") == etag:
        return Response(status=304, headers={"ETag": etag})
    end = offset + int(limit)
    following = (
        base64.urlsafe_b64encode(f"{entity}|{after}|{until}|{end}".encode()).decode() if end < len(rows) else None
    )
    part = rows.iloc[offset:end]
    body = {
        "items": _items(entity, part),
        "next_cursor": following,
        "updated_to": clock.instant_of(until).isoformat(timespec="seconds"),
        "count": len(part),
    }
    return _answer(body, **({} if given else {"ETag": etag}))


def _token(secret: str, expires: int) -> str:
    return f"{expires}.{hmac.new(secret.encode(), f'mp.{expires}'.encode(), hashlib.sha256).hexdigest()}"


def add_to(app: Flask, world: World, clock_: Clock, client_id: str, client_secret: str) -> None:
    """Adds the mini-program's two addresses to the application."""
    lists, pace, computing = AppLists(world).lists, Pace(MOST_A_SECOND), threading.Lock()

    def token() -> Response:
        requested = request.authorization
        right = (
            requested is not None
            and requested.type == "basic"
            and requested.username == client_id
            and hmac.compare_digest(str(requested.password).encode(), client_secret.encode())
        )
        if not right:
            return _answer({"error": "invalid_client"}, 401, WWW_Authenticate='Basic realm="mp"')
        if request.form.get("grant_type") != "client_credentials":
            return _answer(
                {"error": "unsupported_grant_type" if request.form.get("grant_type") else "invalid_request"}, 400
            )
        expires = int(clock_().timestamp()) + TOKEN_S
        return _answer({"access_token": _token(client_secret, expires), "token_type": "Bearer", "expires_in": TOKEN_S})

    def is_allowed() -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        expires = given.partition(".")[0]
        fresh = (
            scheme.lower() == "bearer"
            and expires.isascii()
            and expires.isdigit()
            and int(expires) > clock_().timestamp()
        )
        return fresh and hmac.compare_digest(given.encode(), _token(client_secret, int(expires)).encode())

    def listing(entity: str) -> Response:
        if pace.is_too_fast():
            return _answer({"error": "too_many_requests", "message": "请求过于频繁"}, 429, Retry_After="1")
        if not is_allowed():
            return _answer(
                {"error": "invalid_token", "message": "令牌缺失、无效或已过期"},
                401,
                WWW_Authenticate='Bearer error="invalid_token"',
            )
        if entity not in lists:
            return _answer({"error": "not_found", "message": f"没有接口 {entity}"}, 404)
        try:
            with computing:  # the generators share caches
                return _page(entity, lists[entity], int(np.floor(clock.local_time(clock_()))))
        except BadQuestion as error:
            return _answer({"error": "invalid_request", "message": str(error)}, 400)

    app.add_url_rule("/mp/oauth2/token", "mp_token", token, methods=["POST"])
    app.add_url_rule("/mp/api/v2/<entity>", "mp_list", listing, methods=["GET"])
