"""A wall that nobody touches: ten times the wear, servers that die, networks that go, a phone that steers, an alarm
that interrupts.

Half a minute at every change; an hour by `./zhengbei test --nightly`, which also loses the network for ten minutes.
What a page holds is read from Chromium itself after a collection of garbage, and the second half of the soak is
compared with the first."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Page

from cockpit.identity import gate
from cockpit.wall.direction import Director
from etl.cli.demonstration import write_endpoints
from etl.demo.server import runner
from etl.jobs import live, refresh
from etl.runtime.context import opened
from tests.browser.surroundings import Served, Site, Watched
from tests.browser.walls import CUT_MS, folder_of, publish_live, ready, until
from tests.depth import depth
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

SOAK_S = depth(18, 3600)
OUTAGES_S = depth((1,), (1, 60, 600))
DEATHS = depth(2, 20)
SAYS_SO_S = 26
"""Twenty seconds of silence, and the rounds before and after them."""
SAMPLES = 20
WEIGHINGS = 3
PAINTED_MS = 150
GROWTH = 1.10
SPEED = 10
PATIENCE_MS = 30_000

pytestmark = [pytest.mark.browser, pytest.mark.soak]


@pytest.fixture(scope="module")
def data(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(published, tmp_path_factory.mktemp("weeks") / "data")


def screen(chromium: Browser, site: Site | Served, data: Path, name: str, query: str = "") -> Watched:
    found = Watched(chromium, site, (1920, 1080))
    found.page.goto(f"{site.address}/wall/{name}?token={gate.create_device(Settings(data).state, name)}")
    if query:
        found.page.goto(f"{site.address}/wall/{name}{query}")
    ready(found.page)
    return found


@pytest.fixture
def served(data: Path) -> Iterator[Served]:
    running = Served(data)
    yield running
    running.stop()


def held(page: Page) -> dict[str, float]:
    """Heap in bytes, DOM nodes and listeners of the page after a collection: the least of three weighings. What leaks
    is in all of them; a scene that is just being replaced, or an answer that is just being read, is in one."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    weighed = []
    for _ in range(WEIGHINGS):
        page.evaluate("Wall.present('overview')")  # scenes differ in size: always the same one is weighed
        page.wait_for_timeout(PAINTED_MS)  # what was on the glass before is held until the next picture is painted
        for _ in range(2):  # what the first collection finalizes, the second one frees
            session.send("HeapProfiler.collectGarbage")
        weighed.append({one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]})
    session.detach()
    return {
        name: min(one[metric] for one in weighed)
        for name, metric in (("heap", "JSHeapUsedSize"), ("nodes", "Nodes"), ("listeners", "JSEventListeners"))
    }


@pytest.mark.timeout(SOAK_S + 600)
def test_ten_times_the_wear_leaves_page_and_server_as_small_as_they_were(
    chromium: Browser, served: Served, data: Path, record_property: Any
) -> None:
    """A new live picture every half second, a new generation of numbers by turns of the day, a scene every five
    seconds."""
    Director(Settings(data)).configure("soak", by="test", dwell_s=5, urgent_level=0)
    wall = screen(chromium, served, data, "soak", f"?speed={SPEED}")
    curve, version, end, seen = [], 100, time.monotonic() + SOAK_S, set()
    step = SOAK_S / SAMPLES
    for sample in range(SAMPLES):
        until_ = time.monotonic() + step
        while time.monotonic() < until_:
            version += 1
            publish_live(data, version, shift=0.0004 * (version % 40))
            wall.page.wait_for_timeout(500)
        wall.page.evaluate(
            "Wall.state.generation = 'older'"
        )  # the next poll brings every scene afresh, as a new generation does
        seen.add(wall.page.evaluate("Wall.state.scene"))
        curve.append({**held(wall.page), "server": float(served.resident())})
        print(
            f"soak {sample + 1}/{SAMPLES} heap {curve[-1]['heap'] / 2**20:.1f} MB nodes {curve[-1]['nodes']:.0f} listeners {curve[-1]['listeners']:.0f} server {curve[-1]['server'] / 2**20:.0f} MB"
        )
    assert time.monotonic() >= end - step and wall.page.evaluate("Wall.state.live") >= version - 3
    assert len(seen) > 1 and wall.errors == [] and wall.page.evaluate("Wall.state.errors") == 0
    settled, last = curve[SAMPLES // 4 : SAMPLES // 2], curve[-SAMPLES // 4 :]
    for name in ("heap", "nodes", "listeners", "server"):
        early, late = median(one[name] for one in settled), median(one[name] for one in last)
        record_property(f"soak_{name}", f"{early:.0f} → {late:.0f}")
        assert late <= early * GROWTH, f"{name} grew from {early:.0f} to {late:.0f}"
    wall.context.close()


def test_many_deaths_of_the_server_and_a_lost_network_heal_without_a_hand(
    chromium: Browser, site: Site, data: Path
) -> None:
    wall = screen(chromium, site, data, "phoenix")
    wall.page.evaluate("window.sameDocument = true")
    for death in range(DEATHS):
        site.stop()
        wall.page.wait_for_timeout(400)
        site.start()
        publish_live(data, 5000 + death)
        until(wall.page, f"Wall.state.live === {5000 + death}", PATIENCE_MS)
        assert wall.page.evaluate("document.getElementById('cut').hidden") is True
    assert wall.page.evaluate("window.sameDocument") is True, "healed without a reload"
    wall.context.close()


@pytest.mark.timeout(max(OUTAGES_S) + 600)
@pytest.mark.parametrize("outage_s", OUTAGES_S)
def test_a_network_that_is_gone_for_a_while_is_told_and_heals_without_a_hand(
    chromium: Browser, site: Site, data: Path, outage_s: int, record_property: Any
) -> None:
    """While it is gone the scenes go on turning, and after twenty seconds the glass says how long it has been alone and
    dims the map."""
    name, version = f"lost-{outage_s}", 6000 + outage_s
    Director(Settings(data)).configure(name, by="test", dwell_s=5, urgent_level=0)
    wall = screen(chromium, site, data, name)
    wall.page.evaluate("window.sameDocument = true")
    wall.context.set_offline(True)
    gone = time.monotonic()
    publish_live(data, version)
    seen = set()
    while time.monotonic() - gone < outage_s:
        wall.page.wait_for_timeout(min(1000, max(1, int((outage_s - (time.monotonic() - gone)) * 1000))))
        seen.add(wall.page.evaluate("Wall.state.scene"))
        alone = time.monotonic() - gone
        if alone > SAYS_SO_S:
            text = wall.page.inner_text("#cut")
            assert text.startswith("连接中断") and ("分钟" if alone > 75 else "已中断 ") in text, (alone, text)
            assert wall.page.evaluate("document.body.classList.contains('is-cut') && Wall.state.live") != version
    assert outage_s < 30 or len(seen) > 1, "it goes on turning the scenes it has"
    wall.context.set_offline(False)
    back = time.monotonic()
    until(wall.page, f"Wall.state.live === {version} && document.getElementById('cut').hidden", PATIENCE_MS)
    record_property("healed_s", round(time.monotonic() - back, 1))
    print(f"network gone for {outage_s} s, the newest picture back after {time.monotonic() - back:.1f} s")
    assert wall.page.evaluate("window.sameDocument") is True, "healed without a reload"
    wall.context.close()


def test_a_token_that_is_withdrawn_and_given_again_brings_the_wall_back(
    chromium: Browser, site: Site, data: Path
) -> None:
    wall, state = screen(chromium, site, data, "again"), Settings(data).state
    for device in gate.devices(state):
        if device["screen"] == "again":
            gate.revoke_device(state, device["id"])
    wall.page.wait_for_selector("#cut:not([hidden])", timeout=CUT_MS)
    assert "授权已失效" in wall.page.inner_text("#cut")
    wall.page.goto(f"{site.address}/wall/again?token={gate.create_device(state, 'again')}")
    ready(wall.page)
    assert wall.page.evaluate("document.getElementById('cut').hidden") is True
    wall.context.close()


def test_over_midnight_and_with_a_clock_that_jumps_the_wall_goes_by_the_servers_time(
    chromium: Browser, site: Site, data: Path
) -> None:
    wall = screen(chromium, site, data, "midnight")
    wall.page.evaluate(
        "window.realNow = Date.now.bind(Date); Date.now = () => realNow() + 86400000"
    )  # the screen's own clock jumps a day
    here = f"{dt.datetime.now(SHANGHAI):%Y-%m-%d}"
    until(wall.page, f"document.getElementById('date').textContent === '{here}'", 15_000)
    wall.page.evaluate("Date.now = () => realNow() - 7200000")
    until(
        wall.page,
        f"Math.abs(Wall.state.offset - 7200000) < 60000 && document.getElementById('date').textContent === '{here}'",
        15_000,
    )
    assert wall.page.evaluate("document.getElementById('cut').hidden") is True
    requested: list[str] = []
    wall.page.on("request", lambda request: requested.append(request.url))
    tomorrow = f"{dt.datetime.now(SHANGHAI) + dt.timedelta(days=1):%Y-%m-%d}"
    wall.page.route("**/version", lambda route: route.fulfill(json={**route.fetch().json(), "day": tomorrow}))
    until(wall.page, f"Wall.state.day === '{tomorrow}'")
    assert any(url.endswith("/scenes") for url in requested), "words like 昨日 are said anew on a new day"
    wall.context.close()


def test_the_phone_steers_and_the_glass_follows(chromium: Browser, site: Site, data: Path) -> None:
    wall, hand = screen(chromium, site, data, "lobby"), Watched(chromium, site, (390, 844))
    hand.page.goto(site.link())
    hand.page.goto(f"{site.address}/remote/lobby")
    hand.page.wait_for_selector("#tiles button")
    hand.page.click("[data-scene=members]")
    until(wall.page, "Wall.state.scene === 'members'", 10_000)
    hand.page.wait_for_selector("#tiles [data-metric=mem_org_built_rate]")
    hand.page.click("#tiles [data-metric=mem_org_built_rate]")
    until(wall.page, "document.querySelector('[data-metric=mem_org_built_rate]').classList.contains('is-lit')", 10_000)
    hand.page.click("[data-verb=resume]")
    until(
        wall.page,
        "document.getElementById('turn').textContent.includes('秒') && !document.getElementById('turn').textContent.includes('保持')",
        10_000,
    )
    assert hand.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wall.errors == hand.errors == [] and hand.foreign == [] and hand.violations == []
    for one in (wall, hand):
        one.context.close()


def test_an_alarm_of_the_source_interrupts_the_wall_and_the_phone_sends_it_back(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory, record_property: Any
) -> None:
    """Raised at the stand-in source, landed by the live job, seen on the glass: the time from landing to glass is
    told."""
    folder = tmp_path_factory.mktemp("alarm") / "data"
    moment = dt.datetime.now(SHANGHAI)
    runner.prepare(folder / "demo", scale=60, now=moment, history_days=3)
    for file in (folder / "demo" / "drop").rglob("*.*"):
        os.utime(file, (moment.timestamp() - 600,) * 2)
    source = runner.serve(folder / "demo", clock=lambda: dt.datetime.now(SHANGHAI))
    settings = Settings(folder)
    write_endpoints(settings, orjson.loads((folder / "demo" / "endpoints.json").read_bytes()))
    Director(settings).configure("hall", by="test", scenes=["sites"], quiet_s=0)
    site = Site(folder)
    try:
        with opened(settings) as context:
            refresh.run(context)
            live.run(context)
            wall, hand = screen(chromium, site, folder, "hall"), Watched(chromium, site, (390, 844))
            hand.page.goto(site.link())
            hand.page.goto(f"{site.address}/remote/hall")
            acknowledge_all(hand.page)
            until(wall.page, "Wall.state.scene === 'sites'", 15_000)
            wall.page.wait_for_timeout(1500)
            source.raise_alarm(vehicle=3)
            wall.page.wait_for_timeout(1100)
            live.run(context)
            landed = time.monotonic()
            until(wall.page, "Wall.state.scene === 'safety' && !document.getElementById('urgent').hidden", 15_000)
            record_property("alarm_to_glass_s", round(time.monotonic() - landed, 2))
            print(f"alarm on the glass {time.monotonic() - landed:.1f} s after its landing")
            assert "紧急报警" in wall.page.inner_text("#urgent")
            hand.page.wait_for_selector("#urgent:not([hidden]) button", timeout=15_000)
            hand.page.click("#urgent button")
            until(wall.page, "Wall.state.scene === 'sites' && document.getElementById('urgent').hidden", 15_000)
            for one in (wall, hand):
                one.context.close()
    finally:
        site.stop()
        source.stop()


def acknowledge_all(page: Page) -> None:
    """An alarm that the stand-in world raised by itself may be on already."""
    page.wait_for_selector("#tiles button")
    if page.evaluate("!document.getElementById('urgent').hidden"):
        page.click("#urgent button")
