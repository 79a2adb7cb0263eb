"""Lists of JSON over HTTP: windows of update times, in pages, by cursor or at once. Owns the shape of the protocol,
which the feed may word in its own way; a window counts only when it has arrived whole, so the cursor never moves on a
part."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from etl.config.schema import Endpoint, Feed
from etl.sources.http_client import HttpClient
from warehouse.core.errors import ContractBroken
from warehouse.core.units import SHANGHAI
from warehouse.ingest import json_paths, parse
from warehouse.ingest.json_paths import at_path

MOST_PAGES = 20_000
RESTARTS = 2
"""A window whose rows move while we turn the pages is asked again this often."""


@dataclass(frozen=True)
class Fetched:
    """All pages of one window as received, one a line. until: the instant (aware) up to which the window is complete.
    digest: of the rows, whatever their order and wrapping. etag: of a window of one page. is_same: the server says
    nothing has changed since the etag we gave. is_last: no later window was asked for."""

    body: bytes
    rows: int
    until: dt.datetime
    digest: str = ""
    etag: str = ""
    is_same: bool = False
    is_last: bool = True


class Shifted(Exception):
    """The list changed while its pages were turned."""


@dataclass
class Pages:
    """What has come of a window so far."""

    raw: list[bytes] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    keys: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    total: int | None = None
    etag: str = ""
    until: dt.datetime | None = None


class HttpJson:
    """One source's lists; keeps its connection and token between windows."""

    def __init__(self, source: str, endpoint: Endpoint) -> None:
        self._client = HttpClient(source, endpoint)

    def windows(
        self,
        feed: Feed,
        since: dt.datetime,
        now: dt.datetime,
        progress: Callable[[int, int], None] | None = None,
        etag: str = "",
    ) -> Iterator[Fetched]:
        """Whole windows from `since` (exclusive) to `now` (both aware), oldest first. etag: that of the last answer,
        for a window that is the only one.

        Raises SourceDown when the source does not answer in time, ContractBroken when the answer is not the agreed
        one."""
        start = since
        total = max(1, int((now - since).total_seconds() // feed.window_s) + 1)
        done = 0
        while start < now:
            until = min(start + dt.timedelta(seconds=feed.window_s), now)
            found = self._window(feed, start, until, etag if total == 1 else "")
            yield found if until >= now else replace(found, is_last=False)
            start, done = until, done + 1
            if progress:
                progress(done, total)

    def sign_in(self, feed: Feed) -> None:
        """Asks for a token and nothing else. Raises like windows(), at the first failure."""
        self._client.sign_in(feed)

    def sample(self, feed: Feed, now: dt.datetime, limit: int) -> tuple[bytes, list[dict[str, Any]]]:
        """The first page of the newest window as received, and its rows; `limit` of them are asked for, which a source
        need not heed. Raises like windows()."""
        names, since = feed.request, now - dt.timedelta(seconds=max(feed.first_back_s, feed.window_s))
        moments = ((names.since, max(since, now - dt.timedelta(seconds=feed.window_s))), (names.until, now))
        query: dict[str, object] = {**names.extra}
        query |= {name: stamp(moment, feed.time) for name, moment in moments if name}
        if names.size and feed.paging != "window":
            query[names.size] = limit
        if names.page and feed.paging == "page":
            query[names.page] = 1
        pages = Pages()
        document = self._document(feed, feed.path, self._client.get(feed, feed.path, query).body, pages)
        items: list[dict[str, Any]] = at_path(document, feed.answer.items)
        return pages.raw[0], items

    def has(self, feed: Feed, moment: dt.datetime) -> bool:
        """Whether the source has any row of this very update time (aware; whole seconds)."""
        found = self._window(feed, moment - dt.timedelta(seconds=1), moment, "")
        return found.rows > 0

    def keys(self, feed: Feed) -> tuple[bytes, int]:
        """All present keys as a JSON array, in one order, and their number."""
        pages = self._turn(feed, feed.keys_path, {}, "", accept_moves=True)
        assert pages is not None
        return b"[" + b",".join(sorted(pages.items)) + b"]", len(pages.items)

    def _window(self, feed: Feed, since: dt.datetime, until: dt.datetime, etag: str) -> Fetched:
        names = feed.request
        query: dict[str, object] = {}
        for name, moment in ((names.since, since), (names.until, until)):
            if name:
                query[name] = stamp(moment, feed.time)
        for again in range(RESTARTS + 1):
            try:
                pages = self._turn(feed, feed.path, query, etag, accept_moves=again == RESTARTS)
                break
            except Shifted as moved:
                if again == RESTARTS:
                    raise ContractBroken(
                        f"分页不完整：翻页期间清单在变（{moved}）", where=f"{feed.source}{feed.path}"
                    ) from None
        if pages is None:
            return Fetched(b"", 0, until, etag=etag, is_same=True)
        whole = min(until, pages.until) if pages.until else until
        return Fetched(
            b"\n".join(pages.raw),
            len(pages.items),
            whole,
            digest_of(feed, pages.items),
            pages.etag if len(pages.raw) == 1 else "",
        )

    def _turn(self, feed: Feed, path: str, query: dict[str, object], etag: str, *, accept_moves: bool) -> Pages | None:
        """All pages of one list, None when it is the one that `etag` names."""
        names = feed.request
        requested = {**names.extra, **query}
        if names.size and feed.paging != "window":
            requested[names.size] = feed.page_size
        pages, cursor, cursors = Pages(), "", set()
        for number in range(1, MOST_PAGES + 1):
            turn = (
                {names.page: number}
                if feed.paging == "page" and names.page
                else {names.cursor: cursor}
                if cursor
                else {}
            )
            if feed.paging == "link" and cursor:
                path, requested, turn = *self._linked(feed, path, cursor), {}
            answer = self._client.get(feed, path, {**requested, **turn}, etag if number == 1 else "")
            if answer.is_same:
                return None
            document = self._document(feed, path, answer.body, pages)
            pages.etag = answer.etag
            came = self._take(feed, path, document, pages, accept_moves=accept_moves)
            if feed.paging in ("cursor", "link"):
                cursor = str(_maybe(document, feed.answer.next) or "")
                if cursor in cursors:
                    raise ContractBroken("分页游标或下一页地址原地打转", where=f"{feed.source}{path}")
                cursors.add(cursor)
            if self._is_last(feed, path, pages, came, cursor):
                return pages
        raise ContractBroken(f"分页超过 {MOST_PAGES} 页", where=f"{feed.source}{path}")

    def _linked(self, feed: Feed, path: str, link: str) -> tuple[str, dict[str, object]]:
        """Path and query of the next page. Raises ContractBroken for a page on another host: no token goes there."""
        found = urlsplit(self._client.joined(path, link))
        if not self._client.is_ours(found):
            raise ContractBroken(
                "下一页的地址指向另一台主机",
                where=f"{feed.source}{path}",
                to_do="请来源改为同一主机的地址，或核对 sources.toml 里的 url",
            )
        return self._client.beneath(found.path), dict(parse_qsl(found.query, keep_blank_values=True))

    def _is_last(self, feed: Feed, path: str, pages: Pages, came: int, cursor: str) -> bool:
        """Whether that was the last page. Raises ContractBroken when the source stops before it has kept its word."""
        got, total = len(pages.items), pages.total
        if feed.paging == "page" and total is not None:
            ended, short = got >= total, not came and got < total
        elif feed.paging == "page":  # nobody says how many: a page that is not full is the last
            ended, short = came < feed.page_size, False
        else:
            ended = feed.paging == "window" or not cursor
            short = ended and total is not None and got < total
        if short:
            raise ContractBroken(f"分页不完整：共 {total} 条，只收到 {got} 条", where=f"{feed.source}{path}")
        return ended

    def _take(self, feed: Feed, path: str, document: Any, pages: Pages, *, accept_moves: bool) -> int:
        """Adds a page's rows; returns how many came on it. A page that comes twice must not stand for one that never
        came; positions alone may repeat to the digit."""
        paths = feed.answer
        items = at_path(document, paths.items)
        total = _maybe(document, paths.total)
        if total is not None:
            if pages.total and int(total) and int(total) != pages.total and not accept_moves:
                raise Shifted(f"总数由 {pages.total} 变为 {int(total)}")
            pages.total = max(pages.total or 0, int(total))  # a page that forgets the rest is not the end of it
        until = _maybe(document, paths.until)
        if until:
            moment = _instant(until)
            pages.until = min(pages.until, moment) if pages.until else moment
        names = [name for key in feed.contract.key_sources for name in feed.theirs(key)]
        for item in items:
            line = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
            if feed.contract.load != "lake":
                if line in pages.seen:
                    continue
                pages.seen.add(line)
                key = tuple(str(json_paths.value(item, name)) for name in names)
                if pages.keys.setdefault(key, line) != line and len(pages.raw) > 1 and not accept_moves:
                    raise Shifted("同一行以两种内容出现")
            pages.items.append(line)
        return len(items)

    def _document(self, feed: Feed, path: str, raw: bytes, pages: Pages) -> Any:
        """The page's JSON, in UTF-8 and without a mark before it, kept as a line. Raises ContractBroken when it is a
        log-in page, an error inside a 200, or has no list where it should be."""
        paths = feed.answer
        try:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
            try:
                document = parse.document(raw)
            except ValueError:
                raw = raw.decode("gb18030").encode()
                document = parse.document(raw)
            if paths.code and at_path(document, paths.code) != paths.ok:
                raise ContractBroken(
                    f"来源报告错误：{str(_maybe(document, paths.message))[:80]}", where=f"{feed.source}{path}"
                )
            items = at_path(document, paths.items)
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise TypeError("items")
            if feed.paging == "page" and paths.total:
                int(at_path(document, paths.total))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ContractBroken(
                "返回内容不是约定的 JSON（可能是登录页或错误页）", where=f"{feed.source}{path}"
            ) from error
        pages.raw.append(raw.replace(b"\n", b" "))
        return document

    def close(self) -> None:
        self._client.close()


def digest_of(feed: Feed, items: list[bytes]) -> str:
    """What the rows are, whatever their order: the same digest, nothing new. The mapping is part of it."""
    whole = hashlib.sha256(orjson.dumps(feed.mapping, option=orjson.OPT_SORT_KEYS))
    for line in sorted(items):
        whole.update(line)
        whole.update(b"\n")
    return whole.hexdigest()


def _maybe(document: Any, path: str) -> Any:
    try:
        return at_path(document, path) if path else None
    except (KeyError, TypeError, IndexError):
        return None


def _instant(value: Any) -> dt.datetime:
    if isinstance(value, (int, float)):
        return dt.datetime.fromtimestamp(value / 1000 if value > 1e11 else value, SHANGHAI)
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ContractBroken("返回内容不是约定的 JSON（时间写法不对）", where=str(value)[:30]) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def stamp(moment: dt.datetime, style: str = "iso") -> str:
    """An instant as the source writes it: ISO 8601 with +08:00, naive text, or seconds or milliseconds since 1970."""
    if style.startswith("epoch"):
        return str(int(moment.timestamp() * (1000 if style == "epoch_ms" else 1)))
    local = moment.astimezone(SHANGHAI)
    return local.isoformat(timespec="seconds") if style == "iso" else local.strftime("%Y-%m-%d %H:%M:%S")
