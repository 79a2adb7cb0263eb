"""Every kind of page, light on a desk and dark on a phone: no fault in the eyes of axe-core, nothing wider than the
window, no button too small for a finger, and no word of English that the browser or a library brought along."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from cockpit.identity import accounts, gate, password_links
from cockpit.presentation import texts
from etl.runtime.context import opened
from etl.worker import filing_forms
from tests.browser.surroundings import WAIT_MS, Site, Watched, show
from tests.cockpit.signing_in import PASSWORD
from tests.conftest import WORLD_NOW
from tests.depth import depth
from warehouse.core.settings import Settings
from warehouse.query.person_store import Restricted
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.browser
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
ENGLISH = re.compile(
    r"(?<![A-Za-z0-9_./:@-])(Loading|No data|None|NaN|nan|undefined|null|Error|Choose|Submit|Reset|Zoom|Pan|Autoscale|Download|Monday|Sunday"
    r"|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?![A-Za-z0-9_])"
)
CRUSHED = """() => [...document.querySelectorAll(".table td > a")].filter(link => {
    const lines = document.createRange();
    lines.selectNodeContents(link);
    return new Set([...lines.getClientRects()].map(line => Math.round(line.top))).size > 2;
}).map(link => link.textContent)"""
"""Links in tables that stand in more than two lines: their column has been left no room."""
WORDS = """() => [document.title, document.body.innerText, ...[...document.querySelectorAll("[title], [aria-label], [placeholder], [alt], [data-title]")]
    .flatMap(one => ["title", "aria-label", "placeholder", "alt", "data-title"].map(name => one.getAttribute(name) || ""))].join("\\n")"""
FINGER_PX = 44
NOWHERE = "/metric/no_such_metric"
SMALL = """least => [...document.querySelectorAll("button:not(.modebar-btn), summary, .button, .seg, .menu-item, .nav a, input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < least - 0.5)
    .map(one => `${one.className || one.tagName} ${one.innerText.slice(0, 12)} ${Math.round(one.getBoundingClientRect().height)} px high`)"""


@pytest.fixture(scope="module")
def data(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole data folder of its own, in which the loader has said what can be filed."""
    folder = tmp_path_factory.mktemp("accessible") / "data"
    shutil.copytree(published, folder)
    with opened(Settings(folder), now=lambda: WORLD_NOW) as context:
        filing_forms.offer(context)
    return folder


def companies(library: SnapshotStore) -> list[str]:
    """Those that have alarms and an organisation, the most watched first."""
    rows = library.current(Scope.ALL).ask(
        "SELECT company_key FROM marts.company_organisation JOIN marts.alarm_event USING (company_key) WHERE is_v GROUP BY 1 ORDER BY count(*) DESC, 1"
    )
    return [str(key) for (key,) in rows]


def tracked(site: Site, firm: str) -> str:
    """A vehicle of the company that has been somewhere."""
    book = SnapshotStore(site.data).current(Scope.ALL)
    with Restricted(Settings(site.data), book.generation.id) as file:
        return next(
            str(key)
            for (key,) in book.ask(
                "SELECT vehicle_key FROM marts.vehicle_current WHERE company_key = ? ORDER BY 1", [firm]
            )
            if file.trip_days(key)
        )


def paths(library: SnapshotStore, firm: str) -> list[str]:
    """One page of every kind that needs no word of purpose."""
    book = library.current(Scope.ALL)

    def first(sql: str, *values: str) -> str:
        return quote(str(book.ask(f"{sql} ORDER BY 1 LIMIT 1", list(values))[0][0]), safe="")

    return [
        "/",
        "/all",
        "/targets",
        "/glossary",
        *(f"/group/{group}" for group in texts.GROUPS if group != "health"),
        "/metric/fleet_running_now_cnt",
        "/compare/fleet_online_rate?window=week&with=330110009,330110010",
        "/metric/safe_alarm_handled_rate?window=week",
        "/metric/safe_alarm_handled_rate?window=week&by=kind&of=rows&vs=year",
        f"/town/{book.places('town')[0].code}",
        f"/company/{firm}",
        f"/vehicle/{first('SELECT vehicle_key FROM marts.vehicle_current WHERE company_key = ?', firm)}",
        f"/alarm/{first('SELECT alarm_uid FROM marts.alarm_event WHERE is_v')}",
        "/site",
        f"/site/{first('SELECT site_id FROM marts.site')}",
        "/programme/1",
        "/programme/3",
        f"/unit/{first('SELECT unit_id FROM marts.unit_task')}",
        f"/organisation/{first('SELECT org_id FROM marts.company_organisation WHERE company_key = ?', firm)}",
        "/search?q=yh",
        "/search?q=没有这样的东西",
        "/search?q=上周上线率最差的镇街",
        "/health",
        "/lineage",
        "/lineage?metric=fleet_online_rate",
        "/quarantine",
        "/alerts",
        "/announcement",
        "/supervision",
        "/mine",
        "/reports",
        "/issues",
        "/filing",
        "/filing/pb_register50",
        "/filing/own_target/set/fleet_online_rate",
        "/shares",
        f"/?as_of={book.generation.id}",
        NOWHERE,
    ]


@pytest.fixture(
    scope="module", params=[(1440, 900, "light", 0), (390, 844, "dark", 1)], ids=["desk-light", "phone-dark"]
)
def looked_at(request: pytest.FixtureRequest, chromium: Browser, site: Site) -> Iterator[tuple[Watched, str, str]]:
    """A data keeper's browser of that size and theme, and a company of its own: a word of purpose holds for a quarter
    of an hour."""
    width, height, theme, number = request.param
    found = Watched(chromium, site, (width, height))
    enter(found.page, site, "analyst")
    found.page.evaluate("theme => localStorage.setItem('zb-theme', theme)", theme)
    yield found, theme, companies(SnapshotStore(site.data))[number]
    found.context.close()


def enter(page: Page, site: Site, role: str) -> None:
    page.goto(f"{site.address}/enter/{gate.create_one_time_link(Settings(site.data).state, role=role)}")
    page.wait_for_selector("#shell-root #shell-frame", timeout=WAIT_MS)


def faults(page: Page, theme: str) -> list[str]:
    """What a reader would stumble over: rule, weight, number and first place of each fault; then, with every menu and
    fold open, what the house asks beyond the rules."""
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    broken = Axe().run(page, options=RULES).response["violations"]
    found = [(one, one["nodes"][0]) for one in broken]
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    crushed = page.evaluate(CRUSHED)
    small = page.evaluate(SMALL, FINGER_PX) if page.evaluate("innerWidth") < 640 else []
    spoken = page.evaluate(WORDS)
    # an open menu would lie over what is pressed next
    page.evaluate("document.querySelectorAll('details.drop').forEach(one => { one.open = false; })")
    return [
        *(
            f"{one['id']} ({one['impact']}, {len(one['nodes'])}) {node['target']} {node['html'][:200]} {node['failureSummary']}"
            for one, node in found
        ),
        *([f"{wide} px wider than the window"] if wide > 0 else []),
        *(f"the word {word}" for word in sorted(set(ENGLISH.findall(spoken)))),
        *sorted(set(small)),
        *(f"crushed into a column: {words}" for words in crushed),
    ]


def keys_and_accounts(page: Page, site: Site, theme: str, shared: str) -> dict[str, list[str]]:
    """The pages of the security administrator, and those that stand before the door."""
    text, state, name = dict[str, list[str]](), Settings(site.data).state, f"reader-{theme}"
    accounts.add(state, name, PASSWORD, "leader")
    enter(page, site, "security")
    for path in ("/accounts", f"/accounts/{name}", "/tokens"):
        page.goto(f"{site.address}{path}")
        text[path] = faults(page, theme)
    for path in ("/password", f"/password/{password_links.issue(state, name)}"):
        page.goto(f"{site.address}{path}")
        text[path[:10]] = faults(page, theme)
    accounts.set_password(state, name, PASSWORD)
    page.context.clear_cookies()
    page.goto(shared)
    text["shared"] = faults(page, theme)
    page.goto(f"{site.address}/login")
    text["login"] = faults(page, theme)
    page.fill("#user", name)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".login-qr", timeout=WAIT_MS)
    text["code"] = faults(page, theme)
    page.fill("#code", pyotp.TOTP(page.inner_text(".login-steps code").replace(" ", "")).now())
    page.click("button[type=submit]")
    page.wait_for_selector(".login-codes", timeout=WAIT_MS)
    text["recovery"] = faults(page, theme)
    return text


def test_every_kind_of_page_can_be_read_by_everybody(looked_at: tuple[Watched, str, str], site: Site) -> None:
    """By day every other page on the phone and the rest on the desk, at night all of them on both."""
    watched, theme, firm = looked_at
    page, text = watched.page, {}
    for number, path in enumerate(paths(SnapshotStore(site.data), firm)):
        if depth((number % 2 == 0) == (theme == "dark"), True):
            show(page, site, path)
            text[path] = faults(page, theme)
    show(page, site, f"/company/{firm}/drivers")
    text["purpose"] = faults(page, theme)
    page.fill("#purpose-words", "核对名单与从业资格是否一致")
    page.click("#purpose button")
    driver = page.locator("#main tbody a").first
    driver.wait_for(timeout=WAIT_MS)
    text["drivers"] = faults(page, theme)
    with page.expect_response("**/_dash-update-component*"):
        driver.click()
    page.wait_for_url("**/driver/*", timeout=WAIT_MS)
    page.locator("#main .entity-name").wait_for(timeout=WAIT_MS)
    text["driver"] = faults(page, theme)
    show(page, site, f"/vehicle/{quote(tracked(site, firm), safe='')}/track")
    page.wait_for_selector(".replay-map", timeout=WAIT_MS)
    text["track"] = faults(page, theme)
    show(page, site, "/metric/fleet_online_rate?window=week")
    page.locator("form[action='/shares/add']").evaluate("form => form.submit()")
    page.wait_for_selector(".enrolled code", timeout=WAIT_MS)
    text["share made"], shared = faults(page, theme), page.inner_text(".enrolled code")
    enter(page, site, "admin")
    show(page, site, "/screens")
    text["screens"] = faults(page, theme)
    text |= keys_and_accounts(page, site, theme, shared)
    missing = [error for error in watched.errors if "404" in error]
    assert len(missing) == (NOWHERE in text), "the browser notes the status of the one page that is not there"
    wrong = (
        [f"{path}: {fault}" for path, found in text.items() for fault in found]
        + [error for error in watched.errors if error not in missing]
        + watched.violations
        + watched.foreign
    )
    assert not wrong, "\n".join(wrong)
