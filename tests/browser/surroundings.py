"""What browser tests stand on: the web application on a port of its own, and a page that notes what it should not have
done."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page
from werkzeug.serving import BaseWSGIServer, make_server

from cockpit.identity import gate
from cockpit.web import app
from warehouse.core.settings import Settings

CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--enable-precise-memory-info",
]
SIZES = [(1440, 900), (1920, 1080), (390, 844)]
WAIT_MS = 20_000


class Site:
    """The web application on a port of its own, which can be stopped and started again like a dying server."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.data, self.web = data, app.create_app(Settings(data))
        self.address = f"http://127.0.0.1:{self.port}"
        self._server: BaseWSGIServer | None = None
        self.start()

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.web, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def link(self) -> str:
        return f"{self.address}/enter/{gate.create_one_time_link(Settings(self.data).state)}"


class Served:
    """The site as it is served for real: workers that are renewed now and then, in processes of their own that can be
    weighed."""

    def __init__(self, data: Path, *more: str, environment: dict[str, str] | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.data, self.address = data, f"http://127.0.0.1:{self.port}"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 – it is read as long as the site runs
        command = [sys.executable, "-m", "warehouse", "serve", "--data", str(data), "--port", str(self.port), *more]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=self._log, env=os.environ | (environment or {})
        )
        end = time.monotonic() + WAIT_MS / 1000
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError("the site does not come up")
            time.sleep(0.2)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def resident(self) -> int:
        """Bytes that the server and its workers hold."""
        found = 0
        for one in (master := psutil.Process(self._process.pid), *master.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # a worker that is being renewed
                found += one.memory_info().rss
        return found

    def renew(self) -> None:
        """Every worker ends as it does after its last request, and others take their places."""
        old = psutil.Process(self._process.pid).children()
        for one in old:
            one.terminate()
        psutil.wait_procs(old, 30)
        end = time.monotonic() + WAIT_MS / 1000
        while len(psutil.Process(self._process.pid).children()) < len(old) and time.monotonic() < end:
            time.sleep(0.1)

    def said(self) -> str:
        """What the server and its workers have complained of so far."""
        self._log.seek(0)
        return self._log.read().decode()

    def link(self, role: str = "leader") -> str:
        return f"{self.address}/enter/{gate.create_one_time_link(Settings(self.data).state, role=role)}"

    def stop(self) -> int:
        """Its exit code."""
        self._process.terminate()
        return self._process.wait(30)


class Watched:
    """A page and everything it did that it should not have done."""

    def __init__(self, browser: Browser, site: Site | Served, size: tuple[int, int] = SIZES[0]) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        self.page: Page = self.context.new_page()
        self.foreign: list[str] = []
        self.violations: list[str] = []
        self.errors: list[str] = []
        self.page.on(
            "request",
            lambda r: None if r.url.startswith((site.address, "data:", "blob:")) else self.foreign.append(r.url),
        )
        self.page.on("websocket", lambda w: self.foreign.append(w.url))
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("console", self._console)

    def _console(self, message: object) -> None:
        text = message.text  # type: ignore[attr-defined]
        if "Content Security Policy" in text or "violates" in text:
            self.violations.append(text)
        elif message.type == "error":  # type: ignore[attr-defined]
            self.errors.append(text)


def show(page: Page, site: Site, path: str) -> None:
    page.goto(site.address + path)
    page.wait_for_selector("#main", timeout=WAIT_MS)
    page.wait_for_load_state("networkidle", timeout=WAIT_MS)
