"""A page can be read and walked before any script runs and without one; Dash takes it over without asking twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.surroundings import WAIT_MS, Site, Watched, show

pytestmark = pytest.mark.browser
METRIC = "/metric/fleet_online_rate?window=week"


@pytest.fixture
def scriptless(chromium: Browser, site: Site) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(site.link())
    if page.locator("form button[type=submit], form button").count() and "/enter/" in page.url:
        page.locator("form button").first.click()
    yield page
    context.close()


def test_overview_and_metric_are_read_and_their_links_followed_without_a_script(scriptless: Page, site: Site) -> None:
    page, foreign = scriptless, []
    page.on("request", lambda r: None if r.url.startswith((site.address, "data:")) else foreign.append(r.url))
    page.goto(site.address + "/")
    expect(page.locator(".tile-value").first).to_be_visible()
    page.locator("a[href^='/metric/']").first.click()
    page.wait_for_url("**/metric/**")
    page.goto(site.address + METRIC)
    expect(page.locator(".hero-value")).to_be_visible()
    expect(page.locator("#metric-list tbody tr").first).to_be_visible()
    expect(page.locator("[data-chart]").first).to_contain_text("未启用脚本")
    page.locator("#search-box").fill("余杭")
    page.locator("#search-box").press("Enter")
    page.wait_for_url("**/search?**")
    page.locator("nav.nav a[href^='/supervision']").click()
    page.wait_for_url("**/supervision")
    assert page.goto(site.address + "/town/999999999").status == 404  # type: ignore[union-attr]
    expect(page.locator("main")).to_contain_text("没有这一页")
    assert foreign == []


@pytest.mark.parametrize("path", ["/", METRIC])
def test_the_served_page_is_taken_over_as_it_stands(watched: Watched, site: Site, path: str) -> None:
    page, requested = watched.page, list[Request]()
    page.on("request", lambda request: requested.append(request))
    page.route("**/_dash-layout", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.goto(site.address + path, wait_until="commit")
    page.wait_for_selector("#shell-served #search-box", timeout=WAIT_MS)
    page.locator("#search-box").fill("浙A")
    # nothing is painted before the style sheets are there, and nobody scrolls before
    page.evaluate(
        "Promise.all([...document.querySelectorAll('link[rel=stylesheet]')]"
        ".map(link => link.sheet || new Promise(done => link.addEventListener('load', done))))"
    )
    page.evaluate("window.mark = document.querySelector('#shell-frame'); window.scrollTo(0, 120)")
    page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)
    page.wait_for_load_state("networkidle", timeout=WAIT_MS)
    assert page.evaluate("window.mark === document.querySelector('#shell-root #shell-frame')"), "the very same nodes"
    assert page.evaluate("document.activeElement.id") == "search-box" and page.input_value("#search-box") == "浙A"
    assert page.evaluate("window.scrollY") == 120
    names = [request.url for request in requested]
    assert not [url for url in names if "_dash-update-component" in url], "drawn once"
    assert bool([url for url in names if "plotly" in url]) == (path == METRIC), "the charts' library only with a chart"
    assert watched.errors == [] and watched.violations == [] and watched.foreign == []


def test_charts_come_with_the_clicks_that_follow(watched: Watched, site: Site) -> None:
    page = watched.page
    show(page, site, METRIC)
    page.wait_for_selector("#metric-trend .main-svg", timeout=WAIT_MS)
    with page.expect_response("**/_dash-update-component*"):
        page.locator("#metric-list thead a").nth(1).click()
    page.wait_for_url("**sort=**", timeout=WAIT_MS)
    page.wait_for_selector("#metric-trend .main-svg", timeout=WAIT_MS)
    with page.expect_response("**/_dash-update-component*"):
        page.locator("nav.nav a[href^='/supervision']").click()
    page.wait_for_selector("#metric-trend", state="detached", timeout=WAIT_MS)
    with page.expect_response("**/_dash-update-component*"):
        page.go_back()
    page.wait_for_selector("#metric-trend .main-svg", timeout=WAIT_MS)
    width = page.evaluate("document.querySelector('#metric-trend .main-svg').getBoundingClientRect().width")
    assert abs(width - page.evaluate("document.querySelector('[data-chart]').clientWidth")) < 1
    assert watched.errors == []


def test_charts_in_the_colours_of_the_other_theme_are_drawn_anew(watched: Watched, site: Site) -> None:
    page = watched.page
    page.context.clear_cookies(name="zb-theme")
    page.evaluate("localStorage.setItem('zb-theme', 'dark')")
    with page.expect_response("**/_dash-update-component*"):
        page.goto(site.address + METRIC)
    page.wait_for_selector("#metric-trend .main-svg", timeout=WAIT_MS)
    assert watched.errors == []
