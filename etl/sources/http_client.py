"""One source's HTTP side: requests, retries, tokens, pace. Owns what is worth another try and when to leave a source
alone.

Redirects to anywhere are refused, proxies of the environment ignored, and no secret is in any message."""

from __future__ import annotations

import datetime as dt
import re
import ssl
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, quote_plus, urljoin, urlsplit

import httpx
import orjson
import stamina

from etl.config.schema import Endpoint, Feed
from etl.sources import bounded, reasons
from warehouse.core.errors import ConfigError, ContractBroken, SourceDown, SourceRefused
from warehouse.ingest.json_paths import at_path

stamina.instrumentation.set_on_retry_hooks([])  # a retry is no news; what stays broken is told once, at the end
TRIES = 5
DEADLINE_S, REQUEST_S = 60.0, 20.0
MOST_BYTES = 256 << 20
RENEW_S = 30.0
"""A token is renewed this long before it expires, or after half its life where that is shorter."""
PATIENCE, FIRST_PAUSE_S, LONGEST_PAUSE_S = 3, 60.0, 900.0
OPTIONS = {"timeout_s", "deadline_s"}
CAUSES = {
    "ConnectError": "无法连接",
    "ConnectTimeout": "连接超时",
    "ReadTimeout": "应答太慢",
    "WriteTimeout": "发送太慢",
    "ReadError": "连接中断",
    "WriteError": "连接中断",
    "RemoteProtocolError": "应答没有传完或不合 HTTP",
    "DecodingError": "应答的压缩内容损坏",
    "InvalidURL": "地址写法不对",
}


@dataclass(frozen=True)
class Answer:
    """A body, or is_same where the server says it is the one we have."""

    body: bytes
    etag: str = ""
    is_same: bool = False


class Transient(Exception):
    """Worth another try: the network, 429 or 5xx. wait_s: what the server asked for, 0 = nothing; to_do: the cure where
    it is known, "" = wait and see."""

    def __init__(self, reason: str, wait_s: float = 0.0, to_do: str = "") -> None:
        super().__init__(reason)
        self.wait_s, self.to_do = wait_s, to_do


class HttpClient:
    """Keeps tokens, pace and pauses between requests; safe among threads. Endpoint options: timeout_s (one request, in
    all) and deadline_s (one request with its retries)."""

    def __init__(self, source: str, endpoint: Endpoint) -> None:
        unknown = set(endpoint.options) - OPTIONS
        if unknown and endpoint.url and not endpoint.drop:
            raise ConfigError(f"未知的键：{'、'.join(sorted(unknown))}", where=f"sources.toml [{source}] options")
        self._source, self._endpoint = source, endpoint
        self._shown = re.sub(r"//[^/@]*@", "//", endpoint.url)  # a password may stand in an address
        self._timeout_s, self._deadline_s = (
            float(endpoint.options.get("timeout_s", REQUEST_S)),
            float(endpoint.options.get("deadline_s", DEADLINE_S)),
        )
        try:
            verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=endpoint.ca) if endpoint.ca else True
        except OSError as error:
            raise ConfigError("证书文件无法读取", where=f"sources.toml [{source}] ca") from error
        self._client = httpx.Client(
            base_url=endpoint.url,
            timeout=self._timeout_s,
            follow_redirects=False,
            trust_env=False,
            transport=bounded.transport(verify),
        )
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = threading.RLock()
        self._turns: list[float] = []
        self._quiet_until = 0.0
        self._failures = 0

    def get(self, feed: Feed, path: str, query: dict[str, object], etag: str = "") -> Answer:
        """The answer to a GET. Raises SourceDown after TRIES tries or the deadline, or at once while the source is left
        alone; ContractBroken for an answer that asking again will not better."""
        left = self._quiet_until - time.monotonic()
        if left > 0:
            raise SourceDown(f"来源连续无法访问或要求暂缓，{left:.0f} 秒后再试", where=f"{feed.source} {path}")
        reason, to_do, ends = "期限已到", "", time.monotonic() + self._deadline_s
        try:
            for attempt in stamina.retry_context(
                on=lambda error: _backoff(error, ends - time.monotonic()),
                attempts=TRIES,
                timeout=self._deadline_s,
                wait_initial=0.3,
                wait_max=8.0,
                wait_jitter=0.5,
            ):
                with attempt:
                    found = self._once(feed, path, query, etag)
            self._failures = 0
            return found
        except Transient as error:
            reason, to_do = str(error), error.to_do
            self._failures += 1
            pause = (
                min(FIRST_PAUSE_S * 2 ** (self._failures - PATIENCE), LONGEST_PAUSE_S)
                if self._failures >= PATIENCE
                else 0.0
            )
            self._quiet_until = time.monotonic() + max(pause, error.wait_s)
        where = f"{feed.source} {self._shown}{path}"
        raise SourceDown(f"来源无法访问：{reason}", where=where, to_do=to_do)

    def joined(self, path: str, link: str) -> str:
        """The whole address of a link that stands in the answer to `path`."""
        return urljoin(f"{self._endpoint.url.rstrip('/')}{path}", link)

    def is_ours(self, address: SplitResult) -> bool:
        """Whether an address lies on the host that is written in sources.toml."""
        mine = httpx.URL(self._endpoint.url)
        theirs = httpx.URL(address.geturl())
        return (theirs.scheme, theirs.host, theirs.port) == (mine.scheme, mine.host, mine.port)

    def beneath(self, path: str) -> str:
        """A path on our host as it is asked for: what is written in sources.toml stands before every path."""
        return path.removeprefix(urlsplit(self._endpoint.url).path.rstrip("/"))

    def sign_in(self, feed: Feed) -> None:
        """Asks for a token where the feed needs one. Raises SourceDown at the first failure, SourceRefused when client
        or secret is wrong."""
        if feed.auth == "none":
            return
        try:
            self._token(feed)
        except Transient as error:
            where = f"{feed.source} {self._shown}{feed.token_path}"
            raise SourceDown(f"来源无法访问：{error}", where=where, to_do=error.to_do) from None

    def _once(self, feed: Feed, path: str, query: dict[str, object], etag: str) -> Answer:
        headers = {"If-None-Match": etag} if etag else {}
        if feed.auth != "none":
            headers["Authorization"] = f"Bearer {self._token(feed)}"
        answer, body = self._send(
            feed, "GET", path, params={name: str(value) for name, value in query.items()}, headers=headers
        )
        if answer.status_code == 401:  # an expired token is renewed on the next try
            if feed.auth == "none":
                raise ContractBroken(
                    "来源要求登录（401）", where=f"{feed.source} {path}", to_do="请在来源描述里写明 auth 与 token_path"
                )
            with self._lock:
                self._tokens.pop((feed.auth, feed.token_path), None)
            raise Transient("令牌失效（401）")
        if answer.status_code == 304 and etag:
            return Answer(b"", etag, True)
        _check(answer)
        return Answer(body, answer.headers.get("ETag", ""))

    def _send(self, feed: Feed, method: str, path: str, **keywords: object) -> tuple[httpx.Response, bytes]:
        """One request, read whole within the time limit however slowly it drips, and within MOST_BYTES."""
        self._wait_turn(feed.max_per_s)
        body = bytearray()
        try:
            with bounded.within(self._timeout_s), self._client.stream(method, path, **keywords) as answer:  # type: ignore[arg-type]
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise ContractBroken(f"应答超过 {MOST_BYTES >> 20} MB", where=f"{feed.source} {path}")
                return answer, bytes(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = reasons.network(error)
            raise Transient(_cause(error), to_do=reason.to_do if reason else "") from None

    def _wait_turn(self, max_per_s: float) -> None:
        if not max_per_s:
            return
        # at most so many in any second: a few in a row need not wait for each other
        most, span = (int(max_per_s), 1.0) if max_per_s >= 1 else (1, 1.0 / max_per_s)
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._turns[-most] + span) if len(self._turns) >= most else now
            self._turns = [*self._turns[-most:], turn]
        time.sleep(turn - now)

    def _token(self, feed: Feed) -> str:
        key = (feed.auth, feed.token_path)
        with self._lock:
            token, until = self._tokens.get(key, ("", 0.0))
            if token and time.monotonic() < until:
                return token
            token, life_s = self._ask_token(feed)
            self._tokens[key] = token, time.monotonic() + (life_s - min(RENEW_S, life_s / 2) if life_s else 1e9)
            return token

    def _ask_token(self, feed: Feed) -> tuple[str, float]:
        """(token, seconds it lives, 0 = not said). oauth2: client credentials (RFC 6749, 4.4) with HTTP Basic, both
        parts form-encoded first (2.3.1)."""
        client = (self._endpoint.client_id, self._endpoint.client_secret)
        if feed.auth == "oauth2":
            form = {"grant_type": "client_credentials", **({"scope": feed.scope} if feed.scope else {})}
            answer, body = self._send(
                feed,
                "POST",
                feed.token_path,
                data=form,
                auth=httpx.BasicAuth(*map(quote_plus, client)),
                headers={"Accept": "application/json"},
            )
        else:
            answer, body = self._send(
                feed, "POST", feed.token_path, json={"client_id": client[0], "client_secret": client[1]}
            )
        where = f"{self._shown}{feed.token_path}"
        if answer.status_code in (400, 401, 403):
            raise SourceRefused(
                "来源拒绝了客户端编号或密钥", where=where, to_do="请核对 sources.toml 中的 client_id 与 client_secret"
            )
        _check(answer)
        try:
            given = at_path(orjson.loads(body), "" if feed.auth == "oauth2" else "data")
            return str(given["access_token"]), float(given.get("expires_in") or 0)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ContractBroken("令牌接口返回内容不对", where=where) from error

    def close(self) -> None:
        self._client.close()


def _backoff(error: Exception, left_s: float) -> bool | float:
    """stamina's hook: no retry for other errors, nor when the server wants longer than half of the `left_s` we have;
    else the server's Retry-After, or the exponential default."""
    if not isinstance(error, Transient):
        return False
    return error.wait_s if 0 < error.wait_s <= left_s / 2 else not error.wait_s


def _cause(error: Exception) -> str:
    """The failure in words, with the library's own name for it; never its text, which may hold an address."""
    reason, kind = reasons.network(error), type(error).__name__
    words = CAUSES.get(kind, "")
    if reason is reasons.CERTIFICATE:
        stated = next(one for one in reasons.causes(error) if isinstance(one, ssl.SSLCertVerificationError))
        return f"{reason.words}（{stated.verify_code}）"
    if kind == "ConnectError" and reason is not None:
        words = reason.words
    return f"{words}({kind})" if words else kind


def _check(answer: httpx.Response) -> None:
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        raise Transient(
            f"HTTP {answer.status_code}", retry_after(answer.headers.get("Retry-After", ""), dt.datetime.now(dt.UTC))
        )
    where = str(answer.request.url.path)
    if answer.status_code == 403:
        raise SourceRefused(
            "来源不允许这个账号读取（HTTP 403）", where=where, to_do="请对方为该客户端编号开通这个接口的读取权限"
        )
    if answer.status_code == 404:
        raise ContractBroken(
            "来源没有这个接口（HTTP 404）", where=where, to_do="请与来源核对，或在来源描述里改成现在的 path"
        )
    if answer.status_code != 200:
        raise ContractBroken(f"来源返回 HTTP {answer.status_code}", where=where)


def retry_after(text: str, now: dt.datetime) -> float:
    """Seconds to wait by a Retry-After header, given in seconds or as an HTTP date; 0 when it says nothing. `now` is
    aware."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0
