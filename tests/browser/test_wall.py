"""The wall in a real Chromium: four sizes without a scroll bar, no other host, an honest end and a return by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from cockpit.identity import gate
from cockpit.presentation import format as fmt
from cockpit.wall import layouts, legibility, stages
from cockpit.wall.big_layouts import BIG
from cockpit.wall.direction import Director
from tests.browser.surroundings import Site, Watched
from tests.browser.walls import BACK_MS, CUT_MS, READY_MS, VEHICLES, folder_of, keep, publish_live, ready, until
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

SIZES = {(1920, 1080): "hd", (3840, 2160): "hd", (3840, 1080): "wide", (5760, 1080): "ultra"}
OTHERS = {(1280, 1024): "hd", (2560, 1080): "hd", (1366, 768): "hd"}

pytestmark = pytest.mark.browser

TOO_SMALL = """(smallest) => {
  const bad = [], walker = document.createTreeWalker(document.getElementById("stage"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, box = node.parentElement;
    if (!node.textContent.trim() || !box.offsetParent && !box.closest("svg")) continue;
    if (box.closest("svg") && !box.closest("section").offsetParent) continue;
    const size = parseFloat(getComputedStyle(box).fontSize);
    if (size < smallest) bad.push(size + " " + node.textContent.trim());
  }
  return bad;
}"""

OUTSIDE = """() => {
  const stage = document.getElementById("stage").getBoundingClientRect(), bad = [];
  for (const box of document.querySelectorAll("#stage *")) {
    const r = box.getBoundingClientRect();
    if (!r.width || box.closest("svg, #map-labels")) continue;
    if (r.left < stage.left - 1 || r.right > stage.right + 1 || r.top < stage.top - 1 || r.bottom > stage.bottom + 1)
      bad.push(box.tagName + "." + box.className + " " + box.textContent.slice(0, 20));
  }
  return bad;
}"""

SPILLED = """() => {
  const bad = [];
  for (const slot of document.querySelectorAll("main > [data-area], #cards > *, #needs, .top, .small")) {
    const outer = slot.getBoundingClientRect();
    if (!outer.width) continue;
    for (const box of slot.querySelectorAll("h2, h3, h4, p, b, span, small, time, li, em, i.unit, figure")) {
      const r = box.getBoundingClientRect();
      if (r.width && (r.right > outer.right + 1 || r.left < outer.left - 1 || r.bottom > outer.bottom + 1 || r.top < outer.top - 1))
        bad.push((slot.dataset.slot || slot.className) + ": " + box.textContent.trim().slice(0, 30));
    }
  }
  return bad;
}"""

OVERLAPPING = """() => {
  const boxes = [...document.querySelectorAll("#stage > *, main > [data-area], #cards > *")]
    .filter((box) => box.offsetParent && box.tagName !== "MAIN" && box.id !== "cards").map((box) => [box, box.getBoundingClientRect()]);
  const bad = [], map = document.getElementById("map").getBoundingClientRect();
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const [a, r] = boxes[i], [b, q] = boxes[j];
    if (r.left < q.right - 1 && q.left < r.right - 1 && r.top < q.bottom - 1 && q.top < r.bottom - 1)
      bad.push((a.dataset.slot || a.className) + " / " + (b.dataset.slot || b.className));
  }
  return bad;
}"""

CLIPPED = """() => [...document.querySelectorAll("main .value, main h2, main b, #cards .value, #cards h3, main .name, main .kind, main .plate, #needs .need, main .note, #fine")]
  .filter((box) => box.offsetParent && box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflow !== "visible")
  .map((box) => box.textContent.trim())"""
"""Texts that end in an ellipsis."""


@pytest.fixture(scope="module")
def data(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(published, tmp_path_factory.mktemp("wall") / "data")


@pytest.fixture
def wall(chromium: Browser, site: Site, data: Path) -> Iterator[Watched]:
    """A screen that signed on with its own device token and shows its first picture."""
    found = Watched(chromium, site, (1920, 1080))
    token = gate.create_device(Settings(data).state, "hall")
    Director(Settings(data)).steer("hall", "show", dt.datetime.now(SHANGHAI), by="test", scene="overview")
    found.page.goto(f"{site.address}/wall/hall?token={token}")
    assert "token" not in found.page.url
    ready(found.page)
    yield found
    found.context.close()


@pytest.mark.parametrize("scene", list(layouts.SCENES))
def test_no_size_scrolls_spills_overlaps_or_sets_small_type_and_no_other_host_is_asked(
    wall: Watched, data: Path, scene: str
) -> None:
    for (width, height), layout in {**SIZES, **OTHERS}.items():
        wall.page.set_viewport_size({"width": width, "height": height})
        keep(wall.page, data, scene)
        wall.page.wait_for_timeout(900)
        at = (scene, width, height)
        assert wall.page.evaluate("[document.getElementById('stage').dataset.layout, Wall.state.scene]") == [
            layout,
            scene,
        ]
        page = "document.documentElement"
        assert wall.page.evaluate(f"[{page}.scrollWidth <= innerWidth, {page}.scrollHeight <= innerHeight]") == [
            True,
            True,
        ]
        assert wall.page.evaluate(OUTSIDE) == [], at
        assert wall.page.evaluate(SPILLED) == [], at
        assert wall.page.evaluate(OVERLAPPING) == [], at
        assert wall.page.evaluate(TOO_SMALL, stages.SMALLEST_PX) == [], at
        print(*at, "ends in an ellipsis:", wall.page.evaluate(CLIPPED))
    assert wall.foreign == [] and wall.violations == [] and wall.errors == []


def test_a_wall_for_far_seats_spills_overlaps_and_shrinks_no_more_than_any_other(wall: Watched, data: Path) -> None:
    legibility.enter(Settings(data).state, "hall", legibility.Setting(1.9, 4.0), by="test")
    try:
        until(wall.page, "document.getElementById('stage').dataset.type === 'big'")  # while it runs, without a reload
        for (width, height), layout in {size: shape for size, shape in SIZES.items() if size[1] == 1080}.items():
            wall.page.set_viewport_size({"width": width, "height": height})
            for scene in layouts.SCENES:
                keep(wall.page, data, scene)
                wall.page.wait_for_timeout(300)
                at = (scene, width, height)
                assert wall.page.evaluate("document.getElementById('stage').dataset.layout") == layout
                assert wall.page.evaluate("Wall.state.scale") == pytest.approx(stages.ZOOM["big"]), at
                for fault in (OUTSIDE, SPILLED, OVERLAPPING):
                    assert wall.page.evaluate(fault) == [], at
                assert wall.page.evaluate(TOO_SMALL, stages.SMALLEST_PX) == [], at
                seen = wall.page.evaluate(
                    "[...document.querySelectorAll('main > [data-area]')].filter(x => x.offsetParent).map(x => x.dataset.area)"
                )
                cells = {cell for _, row in BIG[scene][layout].rows for cell in row.split()}
                assert set(seen) == cells - {"map"}, at
    finally:
        legibility.enter(Settings(data).state, "hall", legibility.Setting(), by="test")
        until(wall.page, "document.getElementById('stage').dataset.type === 'normal'")
    assert wall.foreign == [] and wall.violations == [] and wall.errors == []


def test_every_scene_shows_its_own_slots_and_takes_the_map_with_it(wall: Watched, data: Path) -> None:
    for name, scene in layouts.SCENES.items():
        keep(wall.page, data, name)
        seen = wall.page.evaluate(
            "[...document.querySelectorAll('main > [data-area]')].filter(x => x.offsetParent).map(x => x.dataset.area)"
        )
        layout = scene.layouts["hd"]
        assert set(seen) == {cell for _, row in layout.rows for cell in row.split()} - {"map"} | set(layout.over), name
        assert wall.page.evaluate("Boolean(document.getElementById('map').offsetParent)") is bool(scene.map)
        assert wall.page.inner_text("#scene-label") == scene.label
        assert wall.page.evaluate("document.querySelectorAll('canvas').length") == 3, (
            "no scene brings a canvas of its own"
        )


def test_the_numbers_on_the_glass_are_the_readings(wall: Watched, data: Path) -> None:
    book = SnapshotStore(data).current(Scope.ALL)
    shown: dict[str, str] = wall.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.tile[data-metric]')].map(t => "
        "[t.dataset.metric, (t.querySelector('.value') || t.querySelector('.state')).textContent.trim()]))"
    )
    assert len(shown) >= 4
    for metric, text in shown.items():
        assert text == fmt.reading(book.read(metric), book.metrics[metric].decimals).text
    live: Any = wall.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-live]')].map(n => [n.dataset.live, n.textContent]))"
    )
    assert sum(int(text.replace(",", "")) for text in live.values()) == VEHICLES


def test_a_new_generation_changes_every_tile_of_the_scene_in_one_frame(wall: Watched, data: Path) -> None:
    """In each frame that is painted either no tile is of the new generation or all are."""

    def newer(route: Route) -> None:
        stated = route.fetch().json()
        for scene in stated["scenes"].values():
            for slot in [*scene["slots"], *scene["cards"]]:
                slot["html"] = "<i class=new-generation></i>" + slot["html"]
        route.fulfill(json={**stated, "generation": "20991231T235959"})

    keep(wall.page, data, "overview")
    tiles = wall.page.evaluate("document.querySelectorAll('main > [data-slot], #cards > [data-slot]').length")
    wall.page.evaluate("""window.frames_ = []; (function watch() {
        frames_.push(document.querySelectorAll('[data-slot] > .new-generation').length); requestAnimationFrame(watch); })()""")
    wall.page.route("**/scenes", newer)
    wall.page.evaluate("Wall.state.generation = 'older'")
    until(wall.page, f"frames_[frames_.length - 1] === {tiles}")
    counts = wall.page.evaluate("frames_")
    assert tiles >= 8 and set(counts) == {0, tiles} and counts.count(0) > 3, (tiles, sorted(set(counts)))
    wall.page.unroute("**/scenes")
    wall.page.evaluate("Wall.state.generation = 'older'")


def test_a_stopped_server_is_announced_and_the_wall_comes_back_by_itself(wall: Watched, site: Site) -> None:
    before = wall.page.inner_text(".tile .figure, .tile .state")
    try:
        site.stop()
        wall.page.wait_for_selector("#cut:not([hidden])", timeout=CUT_MS)
        assert "连接中断" in wall.page.inner_text("#cut")
        assert wall.page.inner_text(".tile .figure, .tile .state") == before
    finally:
        site.start()
    wall.page.wait_for_selector("#cut", state="hidden", timeout=BACK_MS)


def test_a_revoked_screen_says_so_and_keeps_its_last_picture(wall: Watched, data: Path) -> None:
    state = Settings(data).state
    for device in gate.devices(state):
        gate.revoke_device(state, device["id"])
    wall.page.wait_for_selector("#cut:not([hidden])", timeout=CUT_MS)
    assert "授权已失效" in wall.page.inner_text("#cut")
    assert wall.page.locator(".tile").count() >= 4


def test_numbers_age_by_the_clock_of_the_browser(wall: Watched) -> None:
    seen = wall.page.evaluate(
        """async () => {
            const tile = document.querySelector(".tile"), seen = [];
            for (const share of [0.5, 1.5, 3, 9]) {
                tile.dataset.staleAfter = "1000";
                tile.dataset.asof = new Date(Date.now() - share * 1000 * 1000).toISOString();
                await new Promise(done => setTimeout(done, 1200));
                seen.push(tile.dataset.age);
            }
            return seen.concat(tile.querySelector(".age-note").textContent, document.getElementById("oldest").textContent);
        }"""
    )
    assert seen[:4] == ["live", "ageing", "stale", "dead"]
    assert "延迟 2 小时" in seen[4] and "已延迟" in seen[5]


def test_vehicles_glide_and_a_long_jump_snaps(wall: Watched, data: Path) -> None:
    ref = 11
    publish_live(data, 2, shift=0.005)
    until(wall.page, "Wall.state.live === 2")
    early = wall.page.evaluate(f"WallMap.where({ref})[0]")
    wall.page.wait_for_timeout(1500)
    later = wall.page.evaluate(f"WallMap.where({ref})[0]")
    assert later > early
    publish_live(data, 3, shift=0.1)
    until(wall.page, "Wall.state.live === 3")
    landed = wall.page.evaluate(f"WallMap.where({ref})[0]")
    wall.page.wait_for_timeout(500)
    assert wall.page.evaluate(f"WallMap.where({ref})[0]") == landed
    publish_live(data, 4)


def test_a_new_build_reloads_an_untouched_page_and_never_in_a_circle(wall: Watched) -> None:
    wall.page.route("**/version", lambda route: route.fulfill(json={**route.fetch().json(), "build": "newer"}))
    with wall.page.expect_event("load", timeout=READY_MS):
        pass
    ready(wall.page)
    wall.page.evaluate("window.sameDocument = true")
    wall.page.wait_for_timeout(7000)
    assert wall.page.evaluate("window.sameDocument") is True


def test_the_frame_rate_with_six_thousand_vehicles_is_reported(wall: Watched, record_property: Any, data: Path) -> None:
    """Measured and told, never judged: a shared machine without a graphics card says little about a wall."""
    for width, height in SIZES:
        wall.page.set_viewport_size({"width": width, "height": height})
        wall.page.wait_for_timeout(1500)
        fps = wall.page.evaluate("WallMap.trial(4000)")
        assert wall.page.evaluate("WallMap.stats().vehicles") == VEHICLES and fps > 0
        record_property(f"fps_{width}x{height}", fps)
        print(f"{width}x{height}: {fps:.1f} fps, every frame drawn, {VEHICLES} vehicles")
