"""What a leader does with paper, as a person does it: a town's page printed for any days, opened, sent to oneself; and
on the phone a task taken and a report signed with the thumb, in two taps."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cockpit.casework import task_store
from cockpit.identity import gate, sessions
from cockpit.report import archive, delivery, signing
from etl.runtime.context import opened
from etl.worker import request_handlers
from tests.browser.surroundings import WAIT_MS, Site, Watched, show
from tests.cockpit.casework.test_task_store import CLERK, LEADER, ONLINE
from tests.cockpit.report.test_archive import PDF, facts
from tests.cockpit.report.test_delivery import Hook
from warehouse.core.settings import Settings

pytestmark = pytest.mark.browser
TOWN, WEEK = "330110010", "2026-W47"
PHONE, FINGER_PX, LEAST_PX = (390, 844), 44, 17
SMALL = """root => [...root.querySelectorAll('*')].filter(e => e.checkVisibility() && !e.closest('thead')
  && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
  && parseFloat(getComputedStyle(e).fontSize) < 17).map(e => e.textContent.trim().slice(0, 20))"""


@pytest.fixture(scope="module")
def data(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a loading process can open."""
    return shutil.copytree(published, tmp_path_factory.mktemp("papers") / "data", symlinks=True)


@pytest.fixture
def hook(data: Path) -> Iterator[Hook]:
    made = Hook()
    file = data / "delivery.toml"
    file.touch(0o600)
    file.write_text(
        f'[[to]]\nname = "本人"\nkind = "webhook"\nurl = "{made.url}"\naccount = "{sessions.DEMO_USER}"\nregular = false\n'
    )
    yield made
    made.stop()
    file.unlink()


def enter(page: Page, site: Site, role: str) -> None:
    page.goto(f"{site.address}/enter/{gate.create_one_time_link(Settings(site.data).state, role=role)}")
    page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)


def carried_out(site: Site) -> None:
    """What the loading process does with the next request."""
    with opened(Settings(site.data)) as context:
        end = time.monotonic() + WAIT_MS / 1000
        while not request_handlers.serve(context):
            assert time.monotonic() < end, "nothing was asked for"


def test_a_leader_prints_a_town_for_the_year_reads_it_and_sends_it_home(
    watched: Watched, site: Site, hook: Hook
) -> None:
    page, settings = watched.page, Settings(site.data)
    show(page, site, f"/town/{TOWN}")
    page.get_by_role("link", name="打印单页").click()
    expect(page.get_by_label("对象")).to_have_value("良渚街道")
    options = page.get_by_label("期间").locator("option").all_text_contents()
    page.get_by_label("期间").select_option(label=next(one for one in options if one.startswith("年初至今")))
    page.get_by_role("button", name="打印", exact=True).click()
    expect(page.locator("#now")).to_contain_text("本页每 2 秒自动更新")
    carried_out(site)
    paper = page.locator("#now").get_by_role("link")
    expect(paper).to_contain_text("良渚街道单页 2026-01-01 至", timeout=WAIT_MS)
    made = page.request.get(f"{site.address}{paper.get_attribute('href')}")
    assert made.ok and made.body().startswith(b"%PDF-")
    [facts_] = archive.sheets(settings)
    page.locator("#sheets").get_by_role("button", name="发给我").click()
    expect(page.locator("#sheets")).to_contain_text("本人 待发")
    carried_out(site)
    page.reload()
    expect(page.locator("#sheets")).to_contain_text("本人 已送达")
    [(report, form, body)] = hook.given
    assert (report, form["at"]) == (facts_["name"], facts_["at"]) and body.startswith(b"%PDF-")
    assert [row["report"] for row in delivery.ledger(settings)] == [facts_["name"]]
    assert not watched.errors and not watched.violations and not watched.foreign


@pytest.fixture
def phone(chromium: Browser, site: Site) -> Iterator[Page]:
    found = Watched(chromium, site, PHONE)
    enter(found.page, site, "leader")
    yield found.page
    assert not found.errors and not found.violations
    found.context.close()


def fits_a_thumb(*controls: Locator) -> None:
    for one in controls:
        box = one.bounding_box()
        assert box is not None and min(box["width"], box["height"]) >= FINGER_PX, one
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0], "beyond the edge"


def is_readable(part: Locator, page: Page) -> None:
    small: Any = part.evaluate(SMALL)
    assert small == [], f"under {LEAST_PX} px"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_task_is_taken_on_the_phone_with_one_tap(phone: Page, site: Site) -> None:
    state = Settings(site.data).state
    number = task_store.make(state, LEADER, "查明原因并整改", "安全监督科", dt.date(2099, 1, 31), ONLINE)
    show(phone, site, "/supervision")
    task = phone.locator(f"#task-{number}")
    take = task.get_by_role("button", name="接办")
    fits_a_thumb(take, task.get_by_role("button", name="进展"))
    is_readable(task, phone)
    take.click()
    expect(phone.locator(f"#task-{number}")).to_contain_text("督办中")


def test_a_report_is_signed_on_the_phone_with_two_taps(phone: Page, site: Site, tmp_path: Path) -> None:
    settings, made = Settings(site.data), tmp_path / "report.pdf"
    settings.reports.mkdir(exist_ok=True)
    made.write_bytes(PDF)
    stated = {**facts(WEEK, "g2", cars=10), "stage": "review", "issue": ""}
    name = str(archive.keep(settings, made, stated, by="schedule")["name"])
    signing.take(settings, CLERK, name, "review")
    phone.goto(f"{site.address}/issues")
    row = phone.locator("tbody tr").first
    opens = row.locator("summary", has_text="签发")
    fits_a_thumb(opens, row.locator("summary", has_text="退回"), row.get_by_role("link").first)
    is_readable(phone.locator("main"), phone)
    opens.click()
    fits_a_thumb(row.get_by_role("button", name="确认签发"))
    row.get_by_role("button", name="确认签发").click()
    expect(row).to_contain_text("已签发")
    assert signing.one(settings, name).number is not None
