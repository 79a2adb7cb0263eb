"""Sources that misbehave over HTTP: whatever they answer, the rows end up as without the fault, and the cursor never
passes a window that did not arrive whole. A real socket, the real stand-in behind it, and a script of faults
between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import orjson
import pytest
from msgspec import structs
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

from etl.config.descriptions import feeds
from etl.config.schema import Feed
from etl.demo.server import runner
from etl.demo.server.feeds import Feeds
from etl.demo.server.http import CLIENT_ID, create_app
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.conftest import TINY, WORLD_NOW
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import recover

pytestmark = pytest.mark.world

SECRET = "the-right-secret"
PAGE, PATH = 40, "/gps/api/v1/post_checks"
Answer = tuple[str, list[tuple[str, str]], bytes]
Fault = Callable[["Faulty", dict[str, Any], int], Answer | None]


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Faulty:
    """The stand-in behind a script: `fault` is asked for each list request of PATH, with its number, from 1."""

    def __init__(self, app: Any) -> None:
        self.app, self.fault, self.asked, self.paused = app, None, 0, 0.0
        self.fault: Fault | None = None
        self._lock = threading.Lock()

    def real(self, environ: dict[str, Any], **query: object) -> Answer:
        """What the stand-in says, to the query of the request or a changed one."""
        wanted = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()} | {
            name: str(value) for name, value in query.items()
        }
        body, status, headers = run_wsgi_app(
            self.app, {**environ, "QUERY_STRING": urlencode(wanted), "HTTP_ACCEPT_ENCODING": ""}, buffered=True
        )
        return status, list(headers), b"".join(body)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = None
        if environ["PATH_INFO"] == PATH and self.fault:
            with self._lock:
                self.asked += 1
                answer = self.fault(self, environ, self.asked)
        status, headers, body = answer or self.real(environ)
        start_response(status, headers)
        return [body]


def json_answer(body: object, status: str = "200 OK") -> Answer:
    return status, [("Content-Type", "application/json")], orjson.dumps(body)


def page_of(environ: dict[str, Any]) -> int:
    return int(parse_qs(environ["QUERY_STRING"])["page"][0])


def at(*numbers: int, answer: Answer) -> Fault:
    return lambda server, environ, n: answer if n in numbers else None


def truncated(server: Faulty, environ: dict[str, Any], n: int) -> Answer | None:
    if n != 3:
        return None
    status, headers, body = server.real(environ)
    return (
        status,
        [*((k, v) for k, v in headers if k != "Content-Length"), ("Content-Length", str(len(body)))],
        body[: len(body) // 2],
    )


def too_many(server: Faulty, environ: dict[str, Any], n: int) -> Answer | None:
    if n == 2:
        server.paused = time.monotonic()
        return "429 Too Many Requests", [("Retry-After", "1")], b""
    if n == 3:
        server.paused = time.monotonic() - server.paused
    return None


def page_twice(server: Faulty, environ: dict[str, Any], n: int) -> Answer | None:
    """The third page is the second one again, and nobody says so."""
    return server.real(environ, page=2) if n == 3 else None


def overlapping(server: Faulty, environ: dict[str, Any], n: int) -> Answer | None:
    """Every page brings the last ten rows of the page before along."""
    number = page_of(environ)
    if number == 1:
        return None
    before, here = (orjson.loads(server.real(environ, page=p)[2]) for p in (number - 1, number))
    here["data"]["items"] = before["data"]["items"][-10:] + here["data"]["items"]
    return json_answer(here)


def short_pages(server: Faulty, environ: dict[str, Any], n: int) -> Answer | None:
    """The server gives smaller pages than it was asked for."""
    return server.real(environ, page_size=17)


def missing_pages(server: Faulty, environ: dict[str, Any], n: int) -> Answer | None:
    """From page 5 on there is nothing, although the total says more (the first time it is asked)."""
    return server.real(environ, page=9999) if n == 5 else None


FAULTS: dict[str, tuple[Fault, str]] = {
    "500 three times, then well": (at(2, 3, 4, answer=("500 Internal Server Error", [], b"boom")), ""),
    "429 with Retry-After": (too_many, ""),
    "a truncated body": (truncated, ""),
    "a token that expires half-way": (
        at(4, answer=json_answer({"code": 40102, "message": "令牌已过期"}, "401 Unauthorized")),
        "",
    ),
    "overlapping pages": (overlapping, ""),
    "smaller pages than asked for": (short_pages, ""),
    "200 with a log-in page": (
        at(3, answer=("200 OK", [("Content-Type", "text/html")], "<html>登录</html>".encode())),
        "不是约定的 JSON",
    ),
    "an error inside a 200": (at(3, answer=json_answer({"code": 50001, "message": "系统繁忙"})), "系统繁忙"),
    "an empty page that says there is nothing": (
        at(4, answer=json_answer({"code": 0, "message": "ok", "data": {"total": 0, "items": []}})),
        "分页不完整",
    ),
    "one page twice in place of another": (page_twice, "分页不完整"),
    "too few pages": (missing_pages, "分页不完整"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Faulty, str]]:
    """A world of its own: no other line of work can make these tests fail."""
    moment, demo = WORLD_NOW.replace(tzinfo=SHANGHAI), tmp_path_factory.mktemp("world")
    runner.prepare(demo, scale=TINY, now=moment, history_days=40)
    faulty = Faulty(create_app(Feeds(runner.load(demo), demo / "history"), lambda: moment, SECRET))
    http = make_server("127.0.0.1", 0, faulty, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield faulty, f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join(10)
    http.server_close()


def wanted() -> list[Feed]:
    return [
        structs.replace(feed, page_size=PAGE, window_s=40_000_000) for feed in feeds() if feed.entity == "post_check"
    ]


def house(folder: Path, url: str, secret: str = SECRET) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.toml").touch(0o600)
    (folder / "sources.toml").write_text(
        f'is_demo = true\n[gps]\nurl = "{url}"\nclient_id = "{CLIENT_ID}"\nclient_secret = "{secret}"\n', "utf-8"
    )
    return Settings(folder)


def cursor(context: Context) -> list[Any]:
    return context.writer.execute("SELECT cursor FROM run.cursor WHERE entity LIKE 'post_check%'")


@pytest.fixture(scope="module")
def faultless(
    server: tuple[Faulty, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, tuple[int, int]], list[Any]]:
    server[0].fault = None
    with opened(house(tmp_path_factory.mktemp("calm"), server[1]), now=lambda: WORLD_NOW) as context:
        assert intake.run(context, wanted()) == []
        assert context.writer.execute("SELECT count(*) > 5 * ? FROM raw.gps_post_check", [PAGE]) == [(True,)], (
            "the windows have several pages"
        )
        return recover.fingerprint(context.writer), cursor(context)


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_the_source_does_the_rows_end_as_without_the_fault(
    name: str, server: tuple[Faulty, str], tmp_path: Path, faultless: tuple[dict[str, tuple[int, int]], list[Any]]
) -> None:
    faulty, url = server
    faulty.fault, text = FAULTS[name]
    faulty.asked = 0
    with opened(house(tmp_path, url), now=lambda: WORLD_NOW) as context:
        problems = intake.run(context, wanted())
        assert faulty.asked > 1
        if text:  # it cannot be helped now: told in words, nothing of it in, and asked for again from where it was
            assert len(problems) == 1 and text in problems[0] and "\n" not in problems[0]
            assert cursor(context) == [] and context.writer.execute("SELECT count(*) FROM raw.gps_post_check") == [(0,)]
            problems = intake.run(context, wanted())
        assert problems == []
        assert (recover.fingerprint(context.writer), cursor(context)) == faultless
        assert context.writer.execute(
            "SELECT count(*) FROM run.batch WHERE rows_in <> merged + older + duplicate + quarantined"
        ) == [(0,)]
    if name.startswith("429"):
        assert faulty.paused >= 1, "as long as the source asked for"


def test_a_wrong_secret_is_one_clear_sentence_at_once(server: tuple[Faulty, str], tmp_path: Path) -> None:
    server[0].fault = None
    started = time.monotonic()
    with opened(house(tmp_path, server[1], secret="not-the-secret"), now=lambda: WORLD_NOW) as context:
        problems = intake.run(context, wanted())
    assert len(problems) == 1 and "来源拒绝了客户端编号或密钥" in problems[0] and "请核对 sources.toml" in problems[0]
    assert "not-the-secret" not in problems[0] and "\n" not in problems[0]
    assert time.monotonic() - started < 5, "a wrong secret does not become right by asking again"
