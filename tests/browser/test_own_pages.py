"""What people make their own, as a person does it: stars and 我的页面, words beside a trend, the way from a number to
its sources; by mouse, keyboard and finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cockpit.identity import gate
from tests.browser.surroundings import WAIT_MS, Site, Watched, show
from warehouse.core.settings import Settings

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
FINGER_PX = 44


def test_stars_fill_my_page_and_the_keyboard_puts_it_in_order(watched: Watched, site: Site) -> None:
    page = watched.page
    show(page, site, "/group/fleet?window=week")
    stars = page.locator(".tile-star")
    labels = [page.locator(".tile-label").nth(n).inner_text() for n in range(2)]
    for n in range(2):
        stars.nth(n).focus()
        page.keyboard.press("Space")
        expect(stars.nth(n)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status")).to_contain_text("2 / 60")
    show(page, site, "/programme/1")
    page.locator(".button.star").click()
    expect(page.locator(".button.star")).to_have_attribute("aria-pressed", "true")
    page.locator(".person > summary").click()
    with page.expect_response("**/_dash-update-component*"):
        page.get_by_role("link", name="我的页面").click()
    names = page.locator(".mine-item .tile-label")
    expect(names).to_have_text(labels)
    expect(page.locator(".mine-name")).to_have_text("领航护航")
    page.locator(".mine-item [data-mine=up]").nth(1).focus()
    page.keyboard.press("Enter")
    expect(names).to_have_text(labels[::-1])
    expect(page.locator(".mine-item [data-mine=up]").nth(0)).to_be_focused()
    page.reload()
    expect(names).to_have_text(labels[::-1])
    page.set_viewport_size(PHONE)
    for button in page.locator(".mine-acts button").all():
        box = button.bounding_box()
        assert box is not None and min(box["width"], box["height"]) >= FINGER_PX
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    show(page, site, "/group/fleet?window=week")
    box = stars.nth(0).bounding_box()
    assert box is not None and min(box["width"], box["height"]) >= FINGER_PX
    show(page, site, "/mine")
    while page.locator("[data-mine=drop]").count():
        left = page.locator("[data-mine=drop]").count()
        page.locator("[data-mine=drop]").first.click()
        expect(page.locator("[data-mine=drop]")).to_have_count(left - 1)
    expect(page.locator("#main")).to_contain_text("还没有收藏")
    assert not watched.errors and not watched.violations and not watched.foreign


def test_a_star_that_cannot_be_kept_says_so_and_stays_empty(watched: Watched, site: Site) -> None:
    page = watched.page
    show(page, site, "/metric/fleet_online_rate?window=week")
    page.route("**/mine/keep", lambda route: route.abort())
    page.locator(".button.star").click()
    expect(page.get_by_role("status")).to_contain_text("没有保存", timeout=WAIT_MS)
    expect(page.locator(".button.star")).to_have_attribute("aria-pressed", "false")


def test_a_note_beside_a_trend_is_written_read_on_hover_and_on_the_phone_and_taken_back(
    watched: Watched, site: Site
) -> None:
    page = watched.page
    page.goto(f"{site.address}/enter/{gate.create_one_time_link(Settings(site.data).state, role='analyst')}")
    show(page, site, "/metric/fleet_online_rate?window=day")
    page.get_by_text("添加批注").click()
    page.get_by_label("日期").fill("2026-11-17")
    page.get_by_label("至（单日不填）").fill("2026-11-18")
    page.get_by_role("textbox", name="批注", exact=True).fill("平台升级 <i>两天</i>")
    page.get_by_role("button", name="保存批注").click()
    line = page.locator("#metric-notes li", has_text="2026-11-17 至 2026-11-18")
    expect(line).to_contain_text("平台升级 <i>两天</i>", timeout=WAIT_MS)
    expect(line).to_be_in_viewport()
    page.wait_for_selector("#metric-trend .main-svg", timeout=WAIT_MS)
    chart = page.locator("#metric-trend .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    mark = page.locator("#metric-trend .annotation", has_text="Ⓐ").bounding_box()
    assert box is not None and mark is not None
    page.mouse.move(mark["x"] + mark["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#metric-trend .hoverlayer")).to_contain_text("平台升级 <i>两天</i>", timeout=WAIT_MS)
    page.set_viewport_size(PHONE)
    page.reload()
    expect(line).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    line.get_by_role("button").click()
    expect(page.locator("#metric-notes")).to_contain_text("已撤回 1 条", timeout=WAIT_MS)
    assert not watched.errors and not watched.violations and not watched.foreign


def test_the_way_from_a_number_to_its_sources_is_a_picture_on_a_screen_and_a_list_on_a_phone(
    watched: Watched, site: Site
) -> None:
    page = watched.page
    show(page, site, "/metric/fleet_online_rate?window=week")
    with page.expect_response("**/_dash-update-component*"):
        page.get_by_role("link", name="从指标到来源的全图").click()
    boxes = page.locator(".line-box")
    expect(boxes.first).to_contain_text("车辆上线率")
    places = [box.bounding_box() for box in boxes.all()]
    frame = page.locator(".line-picture").bounding_box()
    assert frame is not None and len(places) > 30
    for number, one in enumerate(places):
        assert (
            one is not None
            and one["x"] >= frame["x"] - 1
            and one["x"] + one["width"] <= frame["x"] + frame["width"] + 1
        )
        for other in places[:number]:
            assert other is not None
            assert (
                one["x"] >= other["x"] + other["width"]
                or other["x"] >= one["x"] + one["width"]
                or one["y"] >= other["y"] + other["height"]
                or other["y"] >= one["y"] + one["height"]
            )
    expect(page.locator(".line-lines")).to_be_visible()
    page.set_viewport_size(PHONE)
    expect(page.locator(".line-lines")).to_be_hidden()
    expect(boxes.nth(1).locator(".line-reads")).to_be_visible()
    indents = [box["x"] for box in (boxes.nth(n).bounding_box() for n in range(3)) if box is not None]
    assert indents == sorted(indents) and indents[0] < indents[2]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    with page.expect_response("**/_dash-update-component*"):
        page.locator(".line-box a[href='/health#source-yz_vehicle']").click()
    row = page.locator("#source-yz_vehicle")
    expect(row).to_be_in_viewport(timeout=WAIT_MS)
    expect(row).to_have_class("is-named")
    show(page, site, "/lineage")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not watched.errors and not watched.violations and not watched.foreign
