"""A proxy that says 502 in the very moment in which a page or a wall wants to load itself anew: nobody stands there to
press F5."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.surroundings import WAIT_MS, Site
from tests.browser.walls import until
from warehouse.core.errors import DataMissing

pytestmark = pytest.mark.browser
RETRY = Path("cockpit/deploy/retry.html")
BARE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"
HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "server", "date"}
OUTAGE_MS = 6000


class Proxy:
    """Hands on what the site says. down: the page with which all but heartbeats is answered 502, None = all is well.
    build: what heartbeats say of the build instead."""

    def __init__(self, site: Site) -> None:
        self.down: bytes | None = None
        self.build, self.refused = "", 0
        self._site, self._upstream = (
            site.address,
            httpx.HTTPTransport(),
        )  # the bare wire: it keeps no cookies of its own
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.serve(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self, asked: BaseHTTPRequestHandler) -> None:
        is_beat = asked.path.endswith("/version")
        if self.down is not None and not (is_beat and self.build):
            self.refused += 1
            self._say(asked, 502, [("Content-Type", "text/html; charset=utf-8")], self.down)
            return
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        answer = self._upstream.handle_request(
            httpx.Request(asked.command, self._site + asked.path, headers=list(asked.headers.items()), content=body)
        )
        answer.read()
        shown_text = (
            json.dumps(answer.json() | {"build": self.build}).encode()
            if is_beat and self.build and answer.is_success
            else answer.content
        )
        self._say(
            asked,
            answer.status_code,
            [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in HOP],
            shown_text,
        )

    def _say(self, asked: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            asked.send_response(status)
            for name, value in headers:
                asked.send_header(name, value)
            asked.send_header("Content-Length", str(len(body)))
            asked.end_headers()
            asked.wfile.write(body)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._upstream.close()


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    made = Proxy(site)
    yield made
    made.stop()


@pytest.fixture
def page(chromium: Browser, site: Site, proxy: Proxy) -> Iterator[Page]:
    context = chromium.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(site.link().replace(site.address, proxy.address))
    page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)
    yield page
    context.close()


def bad_moment(page: Page, proxy: Proxy, alive: str) -> None:
    """A new build, and all but the heartbeat is 502 for a while: the page lives on, and loads itself anew once the next
    one is there."""
    page.evaluate("window.sameDocument = true")
    proxy.down, proxy.build = BARE, "newer"
    page.wait_for_timeout(OUTAGE_MS)
    assert proxy.refused and page.evaluate("window.sameDocument") is True and page.is_visible(alive)
    proxy.down = None
    until(page, "window.sameDocument === undefined && document.readyState === 'complete'", 2 * WAIT_MS)
    page.wait_for_selector(alive, timeout=WAIT_MS)


def test_a_page_lives_on_until_the_next_one_is_there(page: Page, proxy: Proxy) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_timeout(1000)
    beats = page.evaluate("setInterval(() => window.dispatchEvent(new Event('online')), 1000)")
    assert beats
    bad_moment(page, proxy, "#shell-frame")


def test_a_wall_lives_on_until_the_next_one_is_there(page: Page, proxy: Proxy, data: Path) -> None:
    page.goto(f"{proxy.address}/wall/hall")
    until(page, "window.Wall !== undefined && Wall.state.scenes !== null")
    bad_moment(page, proxy, "#stage")


@pytest.mark.parametrize("path", ["/", "/wall/hall"])
def test_a_screen_that_boots_before_the_web_comes_alive_alone(page: Page, proxy: Proxy, path: str) -> None:
    proxy.down = RETRY.read_bytes()
    page.goto(proxy.address + path)
    assert "正在自动重试" in page.inner_text("main")
    page.wait_for_timeout(3000)
    proxy.down = None
    page.wait_for_selector("#shell-frame, #stage", timeout=2 * WAIT_MS)


def test_our_own_error_page_tries_again_by_itself(page: Page, proxy: Proxy, site: Site) -> None:
    library = site.web.config["ZHENGBEI_LIBRARY"]
    current, library.current = library.current, lambda _scope: (_ for _ in ()).throw(DataMissing("还没有发布任何数据"))
    try:
        page.goto(f"{proxy.address}/export/fleet_vehicle_cnt.csv")
        assert "503" in page.inner_text("main") and "自动重试" in page.inner_text("main")
    finally:
        library.current = current
    with page.expect_download(timeout=2 * WAIT_MS):  # what was asked for comes after all
        pass


def test_a_log_out_that_did_not_happen_is_said(page: Page, proxy: Proxy) -> None:
    proxy.down = BARE
    page.locator("[data-act=logout]").dispatch_event("click")
    page.wait_for_selector("#shell-lost >> text=没有退出登录", timeout=WAIT_MS)
    proxy.down = None
    page.click("#shell-lost button")
    page.wait_for_url("**/login", timeout=WAIT_MS)
