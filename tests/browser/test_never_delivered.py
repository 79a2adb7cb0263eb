"""Where alarms, checks, ledgers and the points were never connected, no screen shows a 0, a ✓ or a red mark of theirs,
none blames anybody for them, and the report of the week is final."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cockpit.presentation import texts
from cockpit.report import content, release
from cockpit.wall import layouts, panels
from tests import templates
from tests.browser.surroundings import Site
from tests.conftest import TINY, whole_line
from warehouse.catalog.metrics import metrics
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WITHOUT = {
    "gps": ("alarm", "post_check", "alarm_urge"),
    "rdm": ("check", "check_item", "alarm_handle"),
    "as": ("alarm", "device_day"),
    "mp": ("points",),
    "pb": ("activity", "stage_event", "task"),
    "pj": ("item", "milestone"),
    "st": ("facility", "inspection", "open_log", "rating", "site", "visit"),
}
NEVER = {f"{source}_{table}" for source, tables in WITHOUT.items() for table in tables}
MARK = re.compile(r"[✓✕]|达成|达标(?!率)|建议值 [0-9]|(?<![-\d:/年 第])\b0(\.0+)?\s*(%|起|次|分|人)")
"""What says that something is well, ill, or none."""


@pytest.fixture(scope="module")
def data() -> Path:
    return templates.prepared(
        "never_delivered",
        lambda folder: whole_line(folder, scale=TINY, history_days=40, live_after=True, without=WITHOUT),
    )


@pytest.fixture(scope="module")
def book(data: Path) -> Snapshot:
    return SnapshotStore(data).current(Scope.ALL)


@pytest.fixture(scope="module")
def lost(book: Snapshot) -> list[str]:
    """Indicators of which nothing is known."""
    found = [
        metric.id
        for metric in metrics().values()
        if NEVER & set(metric.sources) and all(book.read(metric.id, w).status == "unconnected" for w in metric.windows)
    ]
    assert len(found) >= 11, "all but 远程管理接入率, which checks only add to"
    return found


@pytest.fixture
def page(chromium: Browser, site: Site) -> Page:
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(site.link())
    return opened


def texts_about(page: Page, metric: str) -> list[str]:
    """Text of every tile, card and line of a page that stands for an indicator."""
    return [str(one.inner_text()) for one in page.query_selector_all(f'[data-metric="{metric}"]')]


def test_every_page_says_that_nothing_is_known(page: Page, site: Site, lost: list[str]) -> None:
    seen: set[str] = set()
    pages = ["/", *(f"/?window={w}" for w in ("day", "month", "quarter")), *(f"/group/{g}" for g in texts.GROUPS)]
    for address in pages:
        page.goto(site.address + address)
        for metric in lost:
            for text in texts_about(page, metric):
                assert "未接入" in text and not MARK.search(text), (address, metric, text)
                seen.add(metric)
    assert seen == set(lost), "each stands on the overview or its group's page"


def test_the_page_of_such_a_number_says_so(page: Page, site: Site, lost: list[str]) -> None:
    for metric in lost:
        page.goto(f"{site.address}/metric/{metric}")
        hero = page.inner_text(".hero")
        assert "未接入" in hero and not MARK.search(hero), (metric, hero)
        for bar in page.query_selector_all(".bars .bar"):
            assert "未接入" in bar.inner_text() and not MARK.search(bar.inner_text()), metric


def test_profiles_do_not_say_that_there_are_no_alarms(page: Page, site: Site, book: Snapshot) -> None:
    company = next(place for place in book.places("company"))
    page.goto(f"{site.address}/company/{company.code}")
    body = page.inner_text("body")
    assert "没有须处置的报警" not in body and "未接入" in body
    page.goto(f"{site.address}/metric/fleet_online_rate?of=rows")
    vehicle = page.query_selector('a[href*="/vehicle/"]')
    assert vehicle is not None
    page.goto(site.address + str(vehicle.get_attribute("href")))
    body = page.inner_text("body")
    assert "没有须处置的报警" not in body and "没有带位置的报警" not in body and "未检查" not in body


def test_no_scene_of_the_wall_counts_what_never_came(book: Snapshot, lost: list[str]) -> None:
    from cockpit.wall import scenes

    kinds = set()
    for name in layouts.SCENES:
        scene = scenes.scene(book, name, book.generation.built_at.date())
        assert "目前没有需要立即处置的事项" not in scene["needs"]
        for slot in [*scene["slots"], *scene["cards"]]:
            text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", slot["html"], flags=re.S)
            if slot["kind"] in panels.MADE_OF:
                kinds.add(slot["kind"])
                assert "未接入" in text and "未上报" not in text and not MARK.search(text), (name, text)
            if any(slot["id"].endswith(metric) for metric in lost) and slot["kind"] in ("tile", "card", "towns"):
                assert "未接入" in text and not MARK.search(text), (name, text)
            if slot["kind"] == "sources":
                assert "采集正常" not in text and "张未接入" in text
    assert kinds == set(panels.MADE_OF)


def test_what_was_never_connected_keeps_no_report_a_draft(book: Snapshot) -> None:
    issue = content.build(book, "2026-W47")
    assert issue.missing == [] and not issue.draft
    line = issue.unconnected
    assert line.startswith("未接入：") and "服务阵地" in line and "项指标" in line and line.count("。") == 1
    quality = issue.context["quality"]
    assert not [s["label"] for s in quality["late"] if f"{s['label']}" in line]
    systems = {s["label"]: s for s in quality["systems"]}
    assert systems["服务阵地"]["feeds"] == 0 and systems["党建台账"]["absent"] >= 3
    points = "".join(point["head"] + point["rest"] for point in issue.context["points"])
    assert "项指标因来源未接入没有数" in points and "草稿" not in points and "数据完整" not in points
    lacking = {one["label"] for one in issue.context["attention"]}
    assert lacking.isdisjoint(issue.context["unconnected"]["labels"]), "nobody owes them"


def test_the_list_of_what_is_late_names_nothing_that_was_never_connected(
    page: Page, site: Site, lost: list[str]
) -> None:
    page.goto(site.address)
    for title in page.query_selector_all(".decision"):
        text = title.inner_text()
        assert not [metric for metric in lost if metrics()[metric].label in text], text
    assert re.search(r"另有 \d+ 项指标的来源未接入", page.inner_text(".decisions"))


def test_no_page_of_the_paper_counts_what_never_came(book: Snapshot, lost: list[str]) -> None:
    issue = content.build(book, "2026-W47")
    rows = {row["metric"]: row for group in issue.context["groups"] for row in group["rows"]}
    named = [metric for metric in lost if metric in rows]
    assert named and all((rows[m]["word"], str(rows[m]["shown"])) == ("无值", "未接入") for m in named)
    printed = re.sub(r"<(style|svg).*?</\1>", "", release.html(issue), flags=re.S)
    for metric in named:
        label = metrics()[metric].label
        for line in re.findall(
            rf"<(?:tr|li|article)[^>]*>(?:(?!</?(?:tr|li|article)).)*{label}.*?</(?:tr|li|article)>", printed, re.S
        ):
            assert not MARK.search(re.sub(r"<[^>]+>", " ", line)), line


def test_the_live_count_of_alarms_is_not_none_of_them(data: Path) -> None:
    from warehouse.publish import live

    frame = live.read(Settings(data).data)
    assert frame is not None and frame.counts["alarm"] is None and (frame.counts["running"] or 0) > 0
