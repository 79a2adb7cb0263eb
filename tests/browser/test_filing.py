"""A clerk files a list: the template, a broken workbook with every error named by its cell, the right one, the number
that moves, and back."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page

from cockpit.identity import gate
from etl.runtime.context import opened
from etl.worker import filing_forms, request_handlers
from tests.browser.surroundings import WAIT_MS, Site, Watched, show
from tests.etl.pipeline.planting import company, credit_code, vehicle
from tests.house import House
from warehouse.core.settings import Settings

pytestmark = pytest.mark.browser
NOW = dt.datetime(2026, 11, 23, 14, 0)
FIRMS = [credit_code(f"91330110MA2AB{letter}DE1") for letter in "CD"]
TABLE, METRIC = "/filing/pb_register50", "/metric/p2_register_fresh_rate?window=week"
OVER = ".filing-now:not(.is-waiting):not(.is-running)"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two companies of sixty trucks in the register, one confirmed last month, one long ago; and the loader beside
    them."""
    house = House.with_own_tables(tmp_path_factory.mktemp("filing") / "data", NOW)
    house.put(
        "yz_company",
        [
            company(uscc=firm, licence_no=f"33011012345{n}", name=f"杭州{'甲乙'[n]}物流有限公司")
            for n, firm in enumerate(FIRMS)
        ],
    )
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A{n:05d}", uscc=FIRMS[n % 2]) for n in range(120)])
    confirmed = dict(zip(FIRMS, ("2026-10-02", "2026-01-05"), strict=True))
    house.put(
        "pb_register50",
        [
            {"uscc": firm, "veh_cnt": 60, "confirmed_at": day, "version": 1, "ledger_at": "2026-10-01 00:00:00"}
            for firm, day in confirmed.items()
        ],
    )
    house.publish()
    house.hand_over()
    over = threading.Event()
    loader = threading.Thread(target=_load, args=(house.settings, over))
    loader.start()
    yield house.settings.data
    over.set()
    loader.join()


def _load(settings: Settings, over: threading.Event) -> None:
    """What the loading process does with requests, for as long as the site stands."""
    start = time.monotonic()
    with opened(settings, now=lambda: NOW + dt.timedelta(minutes=5, seconds=time.monotonic() - start)) as context:
        filing_forms.offer(context)
        while not over.wait(0.2):
            request_handlers.serve(context)


@pytest.fixture
def clerk(chromium: Browser, site: Site) -> Iterator[Watched]:
    found = Watched(chromium, site)
    found.page.goto(f"{site.address}/enter/{gate.create_one_time_link(Settings(site.data).state, role='admin')}")
    found.page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)
    yield found
    found.context.close()


def upload(page: Page, book: openpyxl.Workbook, file: Path) -> str:
    """The uploaded workbook's outcome as the page says it."""
    book.save(file)
    page.fill(".filing-month", f"{NOW:%Y-%m}")  # the loader lives in the world's month, the browser in ours
    page.set_input_files(".filing-file input", file)
    assert page.locator(".filing-file output").inner_text() == file.name
    page.click("button:text-is('上传检查')")
    return outcome(page)


def outcome(page: Page) -> str:
    page.wait_for_selector(OVER, timeout=3 * WAIT_MS)
    return page.locator(OVER).inner_text()


def hero(page: Page, site: Site) -> str:
    """The number of the metric as its page shows it."""
    with contextlib.suppress(Exception):
        page.wait_for_load_state("networkidle", timeout=WAIT_MS)
    show(page, site, METRIC)
    return page.locator(".hero-value, .hero-state").first.inner_text()


def test_a_broken_list_is_named_by_cell_the_right_one_moves_the_number_and_undo_moves_it_back(
    clerk: Watched, site: Site, tmp_path: Path
) -> None:
    page = clerk.page
    before = hero(page, site)
    show(page, site, "/health")
    page.click("a.button:text-is('名录填报')")
    page.click("a[href='/filing/pb_register50']")
    page.click("button:text-is('带现有内容的模板')")
    outcome(page)
    with page.expect_download() as download:
        page.click("a:text-is('下载现有内容')")
    given = Path(download.value.path()).read_bytes()

    broken = openpyxl.load_workbook(io.BytesIO(given))
    sheet = broken.worksheets[0]
    sheet["B2"], sheet["A3"], sheet["E2"] = "很多", None, "2026-13-45"
    stated = upload(page, broken, tmp_path / "有错.xlsx")
    assert "3 处不合约定" in stated
    assert [cell.inner_text() for cell in page.locator(".filing-now .mono").all()] == ["B2", "E2", "A3"]

    right = openpyxl.load_workbook(io.BytesIO(given))
    stale = next(row for row in right.worksheets[0].iter_rows(min_row=2) if row[4].value.date() == dt.date(2026, 1, 5))
    stale[4].value = dt.date(2026, 11, 10)
    stated = upload(page, right, tmp_path / "改好.xlsx")
    assert "2 行全部合格" in stated and "修改 1" in stated and "2026-01-05 → 2026-11-10" in stated
    page.click("button:text-is('提交生效')")
    assert "已生效" in outcome(page)
    way_back = page.url
    assert page.locator(".filing-moved a[href='/metric/p2_register_fresh_rate']").count() == 1
    after = hero(page, site)
    page.goto(way_back)
    page.click("button:text-is('撤销这一次')")
    assert "已退回" in outcome(page)
    assert (before, after, hero(page, site)) == ("50.0", "100.0", "50.0")
    assert not clerk.errors and not clerk.violations and not clerk.foreign
