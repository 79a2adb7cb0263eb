"""A real Chromium on the real server: no request to any other host, no policy violation, and an honest screen when the
server dies."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.surroundings import SIZES, WAIT_MS, Site, Watched, show
from warehouse.query.scope import Scope

PATHS = [
    "/",
    "/all?window=month",
    "/group/fleet",
    "/group/safety",
    "/health",
    "/metric/fleet_online_rate?window=week",
    "/metric/fleet_vehicle_cnt?window=day",
    "/metric/fleet_running_now_cnt",
    "/supervision",
    "/mine",
]
OWN_WORDS = """[...document.querySelectorAll("#main *")].filter(one => one.className && one.childNodes.length === 1
    && one.firstChild.nodeType === Node.TEXT_NODE && !one.closest("svg, .unseen, .menu, select, table"))
    .map(one => [one, `${one.tagName}.${one.className}`])"""
LONGEST = f"Object.fromEntries({OWN_WORDS}.sort((a, b) => a[0].textContent.length - b[0].textContent.length).map(([one, kind]) => [kind, one.textContent]))"
"""Of each kind of text on a page the longest one."""
STRETCHED = f"""longest => {{ for (const [one, kind] of {OWN_WORDS})
    if ((longest[kind] || "").length > one.textContent.length) one.textContent = longest[kind]; }}"""
"""Puts the longest of its kind in the place of every text."""
LYING_OVER = """() => {
  const lines = [], walker = document.createTreeWalker(document.getElementById("main"), NodeFilter.SHOW_TEXT);
  const seen = (r, box) => {  // what the folds and ellipses around it leave of a line
    let [left, right, top, bottom] = [r.left, r.right, r.top, r.bottom];
    for (; box; box = box.parentElement) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      const edge = box.getBoundingClientRect();
      [left, right, top, bottom] = [Math.max(left, edge.left), Math.min(right, edge.right), Math.max(top, edge.top), Math.min(bottom, edge.bottom)];
    }
    return {left, right, top, bottom};
  };
  while (walker.nextNode()) {
    const node = walker.currentNode, box = node.parentElement, range = document.createRange();
    if (!node.textContent.trim() || box.closest("svg, .unseen, .menu, option") || !box.checkVisibility({visibilityProperty: true})) continue;
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) lines.push([node, seen(r, box)]);
  }
  const bad = [];
  lines.forEach(([a, r], i) => lines.slice(i + 1).forEach(([b, q]) => {
    if (a !== b && Math.min(r.right, q.right) - Math.max(r.left, q.left) > 2 && Math.min(r.bottom, q.bottom) - Math.max(r.top, q.top) > 4)
      bad.push(`${a.textContent.trim()} / ${b.textContent.trim()}`);
  }));
  return bad;
}"""

pytestmark = pytest.mark.browser


def test_no_page_asks_another_host_or_breaks_the_policy_or_scrolls_sideways_or_lies_over_itself(
    watched: Watched, site: Site
) -> None:
    """As they are, and with the longest text of its kind in every place: then no two lie over each other either."""
    page, longest = watched.page, dict[str, str]()
    for width, height in [*SIZES, SIZES[0]]:
        page.set_viewport_size({"width": width, "height": height})
        knows_all = bool(longest)
        for path in PATHS:
            show(page, site, path)
            assert page.evaluate(LYING_OVER) == [], (path, width)
            for kind, text in page.evaluate(LONGEST).items():
                longest[kind] = max(longest.get(kind, ""), text, key=len)
            if knows_all:
                page.evaluate(STRETCHED, longest)
                assert page.evaluate(LYING_OVER) == [], (path, width)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, width, wide)
    assert watched.foreign == []
    assert watched.violations == []
    assert watched.errors == []


@pytest.mark.parametrize(("width", "height", "most"), [(1440, 900, 1400), (390, 844, 3 * 844)])
def test_the_first_page_fits_a_desk_and_three_screens_of_a_phone(
    watched: Watched, site: Site, width: int, height: int, most: int
) -> None:
    """What is off, where alarms wait, the programmes, the numbers, the tasks: without a long way down."""
    watched.page.set_viewport_size({"width": width, "height": height})
    show(watched.page, site, "/")
    assert watched.page.evaluate("document.documentElement.scrollHeight") <= most
    seen = watched.page.inner_text("#main")
    for part in ("要点", "待处置报警", "领航护航", "车辆上线率", "督办"):
        assert part in seen
    assert watched.page.locator(".decision").first.locator("> ul > li").count() == 5
    assert watched.page.locator(".programme").count() == 6


def test_the_login_page_needs_no_other_host_and_no_script(chromium: Browser, site: Site) -> None:
    fresh = Watched(chromium, site)
    fresh.page.goto(site.address + "/")
    assert fresh.page.url.startswith(site.address + "/login")
    fresh.page.wait_for_load_state("networkidle")
    assert fresh.foreign == [] and fresh.violations == [] and fresh.errors == []
    fresh.page.fill("#user", "nobody")
    fresh.page.fill("#password", "not the password")
    fresh.page.click("button")
    fresh.page.wait_for_selector(".login-message")
    assert "不正确" in fresh.page.inner_text(".login-message")
    fresh.context.close()


def test_a_stopped_server_is_announced_and_its_return_is_noticed(watched: Watched, site: Site) -> None:
    show(watched.page, site, "/")
    try:
        site.stop()
        # the heartbeat is due within 15 s; the reader's return to the tab asks at once
        watched.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        watched.page.wait_for_selector("#shell-lost.is-down", timeout=WAIT_MS)
        assert "连接中断" in watched.page.inner_text("#shell-lost")
    finally:
        site.start()
    watched.page.wait_for_selector("#shell-lost.is-on", state="hidden", timeout=40_000)


def test_numbers_age_by_the_clock_of_the_browser(watched: Watched, site: Site) -> None:
    show(watched.page, site, "/")
    grades = watched.page.evaluate(
        """async () => {
            const tile = document.querySelector(".tile[data-asof]"), seen = [];
            for (const share of [0.1, 0.9, 1.5, 9]) {
                tile.dataset.staleAfter = "1000";
                tile.dataset.asof = new Date(Date.now() - share * 1000 * 1000).toISOString();
                await new Promise(done => setTimeout(done, 1300));
                seen.push(tile.dataset.age);
            }
            return seen.concat(getComputedStyle(tile.querySelector(".tile-value")).textDecorationLine);
        }"""
    )
    assert grades == ["live", "ageing", "stale", "gone", "line-through"]


def test_a_newer_generation_is_offered_and_taken_without_leaving_the_page(watched: Watched, site: Site) -> None:
    show(watched.page, site, "/metric/fleet_online_rate?window=week")
    newer = {"generation": "newer", "live": None, "build": None, "server_time": "2026-01-01T00:00:00+00:00"}

    def answer(route: object) -> None:
        response = route.fetch()  # type: ignore[attr-defined]
        route.fulfill(response=response, json={**response.json(), "generation": newer["generation"]})  # type: ignore[attr-defined]

    watched.page.route("**/api/version", answer)
    watched.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    watched.page.wait_for_selector("#shell-lost.is-offer", timeout=WAIT_MS)
    with watched.page.expect_response("**/_dash-update-component*") as drawn:
        watched.page.click("#shell-lost button")
    assert drawn.value.status == 200
    assert "window=week" in watched.page.url


def test_an_expired_login_is_said_on_the_screen(watched: Watched, site: Site) -> None:
    show(watched.page, site, "/")
    watched.context.clear_cookies()
    watched.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    watched.page.wait_for_selector("#shell-lost.is-login", timeout=WAIT_MS)
    watched.page.click("#shell-lost button")
    watched.page.wait_for_url("**/login**", timeout=WAIT_MS)


def test_drilling_goes_down_and_back_comes_up_again(watched: Watched, site: Site) -> None:
    page = watched.page
    show(page, site, "/metric/fleet_online_rate?window=week")
    whole = page.inner_text(".hero-value")
    # a small town may hold one-person owners only, of which none is listed by itself
    book = site.web.config["ZHENGBEI_LIBRARY"].current(Scope.ALL)
    towns = Counter(one.place.parent for one in book.by("fleet_online_rate", "week", grain="company"))
    with page.expect_response("**/_dash-update-component*"):
        page.click(f"a.bar[href*='place={towns.most_common(1)[0][0]}'] >> nth=0")
    page.wait_for_selector(".chip-x", timeout=WAIT_MS)
    assert "place=" in page.url and "window=week" in page.url
    town, copied = page.inner_text(".hero-number"), page.url
    with page.expect_response("**/_dash-update-component*"):
        page.click("#metric-list tbody a >> nth=0")
    # locators, not wait_for_function: that one needs eval, which our own policy forbids
    inside = page.locator(".chip summary", has_text="›")
    inside.wait_for(timeout=WAIT_MS)
    page.go_back()
    inside.wait_for(state="detached", timeout=WAIT_MS)
    page.go_back()
    page.wait_for_selector(".chip-x", state="detached", timeout=WAIT_MS)
    assert page.inner_text(".hero-value") == whole
    show(page, site, copied.removeprefix(site.address))
    assert page.inner_text(".hero-number") == town


def test_the_keyboard_goes_where_the_links_go_and_tells_its_keys(watched: Watched, site: Site) -> None:
    page = watched.page
    show(page, site, "/metric/fleet_online_rate?window=week")
    period = page.inner_text(".period")
    with page.expect_response("**/_dash-update-component*"):
        page.keyboard.press("[")
    expect(page.locator(".period")).not_to_have_text(period)
    for keys, path, title in (("ga", "/group/safety", "安全监管"), ("gd", "/supervision", "督办"), ("gz", "/", "总览")):
        with page.expect_response("**/_dash-update-component*"):
            page.keyboard.type(keys)
        page.wait_for_url(f"**{path}*", timeout=WAIT_MS)
        expect(page.locator("#main h1")).to_have_text(title)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.closest('#search-box, .search') !== null")
    page.keyboard.type("g?")
    assert page.locator("#keys-help").count() == 0, "what is typed into a field is text"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.locator("#keys-help[open]").inner_text().count("\n") > 10 and "安全监管" in page.inner_text(
        "#keys-help"
    )
    page.keyboard.press("Escape")
    assert page.locator("#keys-help[open]").count() == 0 and watched.violations == []


def test_what_is_opened_typed_and_focused_outlives_a_page_drawn_anew(watched: Watched, site: Site) -> None:
    """Somebody writes while the page is drawn anew: the drawer stays open, the words in their field and the cursor in
    it."""
    page = watched.page
    show(page, site, "/metric/fleet_online_rate?window=week")
    page.click("summary:has-text('交办督办任务')")
    page.fill("#supervise-what", "请核实三家企业")
    before = page.input_value("#supervise-subject-hidden")
    with page.expect_response("**/_dash-update-component*"):
        page.evaluate("dash_clientside.set_props('shell-address', {search: '?window=month'})")
    page.wait_for_selector("#supervise-subject-hidden[value*='window=month']", state="attached", timeout=WAIT_MS)
    assert "window=week" in before and page.input_value("#supervise-what") == "请核实三家企业"
    page.wait_for_selector("details[open] #supervise-what:focus", timeout=WAIT_MS)
    # a link that sorts leads elsewhere afterwards, and is still where the cursor was
    page.focus("#metric-list thead a >> nth=1")
    word = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#metric-list thead a:focus:has-text('{word}▼')", timeout=WAIT_MS)
    assert "sort=" in page.url
    # another page is another matter
    page.click("#shell-frame nav a:has-text('总览')")
    page.wait_for_selector("#main:focus .tile", timeout=WAIT_MS)  # a page that was walked to has the focus
    page.go_back()
    page.wait_for_selector("#supervise-what", state="attached", timeout=WAIT_MS)
    assert page.input_value("#supervise-what") == "" and watched.errors == [] and watched.violations == []
