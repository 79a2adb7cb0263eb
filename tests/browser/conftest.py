"""One Chromium and one site a module. A module that wants other data brings its own fixture `data`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.surroundings import CHROMIUM, SWITCHES, WAIT_MS, Site, Watched


@pytest.fixture(scope="module")
def data(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "data"
    folder.mkdir()
    for name in ("published", "live"):
        if (published / name).exists():
            (folder / name).symlink_to(published / name)
    return folder


@pytest.fixture(scope="module")
def site(data: Path) -> Iterator[Site]:
    running = Site(data)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium: Browser, site: Site) -> Iterator[Watched]:
    found = Watched(chromium, site)
    found.page.goto(site.link())
    found.page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)
    yield found
    found.context.close()
