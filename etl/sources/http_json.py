"""JSON over HTTP with a token, pages and a time window. Owns requests and retries; a window counts only when every page of
it has arrived whole, so the cursor never moves on a part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import stamina

from etl.config import Endpoint, Feed
from warehouse.errors import ContractBroken, SourceDown
from warehouse.units import SHANGHAI

stamina.instrumentation.set_on_retry_hooks([])  # a retry is no news; what stays broken is told once, at the end
TRIES = 5
DEADLINE_S = 60.0
REQUEST_S = 20.0


@dataclass(frozen=True)
class Fetched:
    """All pages of one window as received, one a line. until: the instant (aware) up to which the window is complete."""

    body: bytes
    rows: int
    until: dt.datetime


class Transient(Exception):
    """Worth another try: the network, 429 or 5xx. wait_s: what the server asked for, 0 = nothing."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class HttpJson:
    """One source's HTTP side; keeps its token between windows. Redirects to anywhere are refused."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = httpx.Client(base_url=endpoint.url, timeout=REQUEST_S, follow_redirects=False, trust_env=False)
        self._tokens: dict[str, str] = {}

    def windows(self, feed: Feed, since: dt.datetime, now: dt.datetime, progress: Callable[[int, int], None] | None = None) -> Iterator[Fetched]:
        """Whole windows from `since` (exclusive) to `now` (both aware), oldest first.

        Raises SourceDown after TRIES failed tries or DEADLINE_S, ContractBroken when the answer is not the agreed one."""
        start = since
        total = max(1, int((now - since).total_seconds() // feed.window_s) + 1)
        done = 0
        while start < now:
            until = min(start + dt.timedelta(seconds=feed.window_s), now)
            yield self._window(feed, start, until)
            start, done = until, done + 1
            if progress:
                progress(done, total)

    def _window(self, feed: Feed, since: dt.datetime, until: dt.datetime) -> Fetched:
        pages: list[bytes] = []
        seen: set[bytes] = set()
        got, page, total = 0, 1, None
        while total is None or got < total:
            raw = self._get(feed, {"updated_since": stamp(since), "updated_until": stamp(until), "page": page, "page_size": feed.page_size})
            data = self._envelope(feed, raw)
            items = data["items"]
            total = max(total or 0, int(data["total"]))  # a page that forgets the rest is not the end of it
            until = min(until, dt.datetime.fromisoformat(data.get("updated_until", stamp(until))))
            pages.append(raw.replace(b"\n", b" "))
            fresh = {orjson.dumps(item) for item in items} - seen
            seen |= fresh
            # a page that comes twice must not stand for one that never came; positions alone may repeat to the digit
            got += len(items) if feed.contract.load == "lake" else len(fresh)
            if not items and got < total:
                raise ContractBroken(f"分页不完整:共 {total} 条,只收到 {got} 条", where=f"{feed.source}{feed.path}")
            page += 1
        return Fetched(b"\n".join(pages), got, until)

    def _envelope(self, feed: Feed, raw: bytes) -> dict[str, Any]:
        try:
            answer = orjson.loads(raw)
            if answer["code"] != 0:
                raise ContractBroken(f"来源报告错误:{str(answer.get('message'))[:80]}", where=f"{feed.source}{feed.path}")
            data = answer["data"]
            if not isinstance(data["items"], list):
                raise TypeError("items")
            int(data["total"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise ContractBroken("返回内容不是约定的 JSON(可能是登录页或错误页)", where=f"{feed.source}{feed.path}") from error
        return data  # type: ignore[no-any-return]

    def _get(self, feed: Feed, query: dict[str, object]) -> bytes:
        try:
            for attempt in stamina.retry_context(on=_backoff, attempts=TRIES, timeout=DEADLINE_S, wait_initial=0.3, wait_max=8.0):
                with attempt:
                    return self._once(feed, query)
        except Transient as error:
            raise SourceDown(f"来源无法访问:{error}", where=f"{feed.source} {self._endpoint.url}{feed.path}") from error
        raise SourceDown("来源无法访问", where=feed.source)

    def _once(self, feed: Feed, query: dict[str, object]) -> bytes:
        if feed.token_path not in self._tokens:
            self._tokens[feed.token_path] = self._token(feed.token_path)
        try:
            answer = self._client.get(feed.path, params=query, headers={"Authorization": f"Bearer {self._tokens[feed.token_path]}"})  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            raise Transient(f"{type(error).__name__}") from error
        if answer.status_code == 401:  # an expired token is renewed on the next try
            self._tokens.pop(feed.token_path, None)
            raise Transient("令牌失效(401)")
        return _checked(answer)

    def _token(self, path: str) -> str:
        try:
            answer = self._client.post(path, json={"client_id": self._endpoint.client_id, "client_secret": self._endpoint.client_secret})
        except httpx.HTTPError as error:
            raise Transient(f"{type(error).__name__}") from error
        if answer.status_code in (401, 403):
            raise SourceDown("来源拒绝了客户端编号或密钥", where=f"{self._endpoint.url}{path}", to_do="请核对 sources.toml 中的 client_id 与 client_secret")
        try:
            return str(orjson.loads(_checked(answer))["data"]["access_token"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ContractBroken("令牌接口返回内容不对", where=f"{self._endpoint.url}{path}") from error

    def close(self) -> None:
        self._client.close()


def _backoff(error: Exception) -> bool | float:
    """stamina's hook: no retry for other errors; the server's Retry-After, else the exponential default."""
    if not isinstance(error, Transient):
        return False
    return error.wait_s or True


def _checked(answer: httpx.Response) -> bytes:
    if answer.status_code == 429 or answer.status_code >= 500:
        wait = answer.headers.get("Retry-After", "")
        raise Transient(f"HTTP {answer.status_code}", float(wait) if wait.isdigit() else 0.0)
    if answer.status_code != 200:
        raise ContractBroken(f"来源返回 HTTP {answer.status_code}", where=str(answer.request.url.path))
    return answer.content


def stamp(moment: dt.datetime) -> str:
    """An instant as the sources write it: ISO 8601 with +08:00."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")
