"""A leader's way as a person goes it: from the overview to the handling of one alarm, by links alone; and a link that
shows the same numbers to somebody else, and of the snapshot it was copied from."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.surroundings import WAIT_MS, Site, Watched, show
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.browser
METRIC = "safe_alarm_handled_rate"
PATHS = (
    f"/metric/{METRIC}?window=week",
    f"/metric/{METRIC}?window=week&by=kind&of=rows&sort=-raised_at",
    "/metric/fleet_online_rate?window=week&only=energy:%E6%9F%B4%E6%B2%B9",
    "/group/safety",
    "/",
)
WATCH = """() => {
    window.painted = window.drawn = null;
    document.addEventListener('click', () => {
        const start = performance.now();
        const after = done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
        const charts = () => [...document.querySelectorAll('#main .dash-graph')].every(one => one.querySelector('.main-svg')) ? after(time => { window.drawn = time; }) : requestAnimationFrame(charts);
        const seen = new MutationObserver(changes => {
            if (changes.every(change => change.target.matches('.age, .asof, #shell-lost'))) return;
            seen.disconnect();
            after(time => { window.painted = time; charts(); });
        });
        seen.observe(document.getElementById('shell-root'), { childList: true, subtree: true });
    }, { capture: true, once: true });
}"""
"""Notes when the page after the next click stands (its second frame), and when its charts are drawn too."""


def click(page: Page, selector: str) -> tuple[float, float]:
    """Clicks the first such link; milliseconds from the click until the next page is painted, and until its charts are
    drawn."""
    link = page.locator(selector).first
    link.scroll_into_view_if_needed()
    page.evaluate(WATCH)
    link.click()
    page.wait_for_function("() => window.drawn !== null", timeout=WAIT_MS)
    return page.evaluate("() => window.painted"), page.evaluate("() => window.drawn")


def settled(page: Page) -> None:
    """Waits until the page stands with its charts."""
    page.wait_for_selector("#main", timeout=WAIT_MS)
    page.wait_for_function(
        "() => [...document.querySelectorAll('#main .dash-graph')].every(one => one.querySelector('.main-svg'))",
        timeout=WAIT_MS,
    )


def numbers(page: Page) -> list[str]:
    """Every figure on the page, without ages and clocks, which move on."""
    page.wait_for_load_state("networkidle", timeout=WAIT_MS)
    settled(page)
    return re.findall(r"[−+]?\d[\d,.]*", page.locator("#main").inner_text())


def test_from_the_overview_to_the_handling_of_one_alarm_in_four_clicks(
    watched: Watched, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    page = watched.page
    show(page, site, "/")
    took = [click(page, f".tile a[href*='/metric/{METRIC}']")]
    # the worst town with a company of several drivers; where an owner is one person the alarms stand behind a purpose
    book = SnapshotStore(site.data).current(Scope.ALL)
    listed = [item for item in book.by(METRIC, "week", grain="company") if item.place.code not in book.pooled]
    names = {item.place.label for item in listed if item.den}
    homes = {book.place(item.place.parent).label for item in listed if item.den}
    town = [one for one in page.locator("#main .bar-name").all_inner_texts() if one in homes][-1]
    links = [page.url]
    took.append(click(page, f"a.bar:has(.bar-name:text-is('{town}'))"))
    links.append(page.url)
    assert town in page.locator(".chip").first.inner_text()
    # the worst company comes first; its row leads to the list of its alarms
    rows = page.locator("#metric-list tbody a").all_inner_texts()
    took.append(click(page, f"#metric-list tbody a:text-is('{next(name for name in rows if name in names)}')"))
    links.append(page.url)
    alarm = page.locator("#metric-list tbody a[href*='/alarm/']").first
    assert alarm.count() == 1, "at a company the alarms themselves stand there"
    took.append(click(page, "#metric-list tbody a[href*='/alarm/']"))
    links.append(page.url)
    assert page.locator("#alarm-steps").count() == 1 and "处置过程" in page.locator("#alarm-steps").inner_text()
    assert len(took) == 4 and not watched.errors and not watched.violations and not watched.foreign
    with capsys.disabled():
        print(f"\n从点击到画出、连同图表(ms):{'、'.join(f'{painted:.0f}({drawn:.0f})' for painted, drawn in took)}")


def test_a_copied_link_shows_another_person_the_same_numbers(watched: Watched, chromium: Browser, site: Site) -> None:
    other = Watched(chromium, site)
    other.page.goto(site.link())
    other.page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)
    for path in PATHS:
        show(watched.page, site, path)
        link = watched.page.url
        mine = numbers(watched.page)
        other.page.goto(link)
        assert numbers(other.page) == mine and len(mine) > 10, path
    other.context.close()


def test_back_and_forward_lead_through_the_same_pages(watched: Watched, site: Site) -> None:
    page = watched.page
    show(page, site, f"/metric/{METRIC}?window=week")
    first = numbers(page)
    page.locator("#metric-why a.seg:text-is('报警类型')").click()
    page.wait_for_function("() => location.search.includes('by=kind')", timeout=WAIT_MS)
    page.wait_for_function(
        "() => document.querySelector('#metric-why .seg.is-on')?.textContent === '报警类型'", timeout=WAIT_MS
    )
    page.go_back()
    page.wait_for_function(
        "() => document.querySelector('#metric-why .seg.is-on')?.textContent === '镇街'", timeout=WAIT_MS
    )
    assert numbers(page) == first
    page.go_forward()
    page.wait_for_function(
        "() => document.querySelector('#metric-why .seg.is-on')?.textContent === '报警类型'", timeout=WAIT_MS
    )


def test_a_snapshot_in_the_address_holds_on_every_page(watched: Watched, site: Site) -> None:
    old = SnapshotStore(site.data).generations()[-1]
    for path in ("/", f"/metric/{METRIC}", "/group/safety", "/site"):
        show(watched.page, site, f"{path}?as_of={old}")
        assert watched.page.locator("#shell-frame").get_attribute("data-generation") == old
        ways = watched.page.locator("#main a[href^='/']").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        assert ways and all(f"as_of={old}" in way or way.startswith("/n/") for way in ways), (
            path
        )  # a passport has its snapshot in itself
