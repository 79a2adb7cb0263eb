"""Every address that can be asked, asked once through the server that ships: what only gunicorn refuses is seen
here."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import httpx
import pytest
from flask import Flask
from selectolax.lexbor import LexborHTMLParser

from cockpit.casework import shares
from cockpit.identity import accounts, password_links, rights, sessions
from cockpit.pages import routes
from cockpit.presentation import texts
from cockpit.report import archive
from cockpit.web import export
from etl.runtime.context import opened
from etl.worker import filing_forms, request_handlers
from tests.browser.surroundings import Served
from tests.cockpit.report.test_archive import PDF, facts
from tests.cockpit.signing_in import CALLBACK, SAME_ORIGIN, good_body
from tests.conftest import WORLD_NOW
from warehouse.core import request_queue
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow

XLSX, CSV, HTML, JSON = export.TYPES["xlsx"], "text/csv", "text/html", "application/json"
SCREEN, METRIC = "hall", "fleet_vehicle_cnt"
PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"


class World(NamedTuple):
    """What addresses are made of."""

    site: Served
    settings: Settings
    tables: list[str]
    filed: tuple[str, int]
    report: str
    sheet: str

    def shared(self) -> str:
        """The path of a link to a number, made by somebody who is not there any more."""
        secret = (self.settings.keys / "web.key").read_bytes().hex()
        who = sessions.Viewer("person", "li", "analyst", scope=Scope.ALL)
        return f"/s/{shares.make(self.settings.state, who, secret, f'/metric/{METRIC}', METRIC, 1)}"

    def passport(self) -> str:
        with sqlite3.connect(self.settings.state) as state:
            return str(state.execute("SELECT id FROM passport").fetchone()[0])


Asked = list[tuple[str, str]]
ADDRESSES: dict[str, Callable[[World], Asked]] = {
    "/": lambda w: [("/", HTML)],
    "/<path:path>": lambda w: [(path, HTML) for path in pages(w)],
    "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>": lambda w: [
        ("/_dash-component-suites/plotly/package_data/plotly.min.js", "text/javascript")
    ],
    "/_dash-dependencies": lambda w: [("/_dash-dependencies", JSON)],
    "/_dash-layout": lambda w: [("/_dash-layout", JSON)],
    "/_favicon.ico": lambda w: [("/_favicon.ico", "image/")],
    "/_reload-hash": lambda w: [("/_reload-hash", JSON)],
    "/api/metric/<metric>": lambda w: [(f"/api/metric/{METRIC}", JSON)],
    "/accounts": lambda w: [("/accounts", HTML)],
    "/accounts/<name>": lambda w: [("/accounts/wang", HTML)],
    "/api/v1/metrics": lambda w: [("/api/v1/metrics", JSON)],
    "/api/v1/metrics/<metric>": lambda w: [(f"/api/v1/metrics/{METRIC}", JSON)],
    "/api/v1/metrics/<metric>/places": lambda w: [(f"/api/v1/metrics/{METRIC}/places", JSON)],
    "/api/v1/metrics/<metric>/series": lambda w: [(f"/api/v1/metrics/{METRIC}/series", JSON)],
    "/api/v1/openapi.json": lambda w: [("/api/v1/openapi.json", JSON)],
    "/api/version": lambda w: [("/api/version", JSON)],
    "/assets/<path:filename>": lambda w: [("/assets/js/cockpit/freshness.js", "text/javascript")],
    "/audit/export.<kind>": lambda w: [],  # auditors only: tests/cockpit/pages/test_audit.py
    "/connecting": lambda w: [("/connecting", HTML)],
    "/enter/<token>": lambda w: [(w.site.link("auditor").removeprefix(w.site.address), HTML)],
    "/export/<name>.<kind>": lambda w: [
        (f"/export/{METRIC}.xlsx?of=rows", XLSX),
        (f"/export/{METRIC}.csv?of=rows", CSV),
    ],
    "/filing": lambda w: [("/filing", HTML)],
    "/filing/<table>": lambda w: [(f"/filing/{table}", HTML) for table in w.tables],
    "/filing/<table>/current/<int:number>.xlsx": lambda w: [(f"/filing/{w.filed[0]}/current/{w.filed[1]}.xlsx", XLSX)],
    "/filing/<table>/template.xlsx": lambda w: [(f"/filing/{table}/template.xlsx", XLSX) for table in w.tables],
    "/filing/own_target/set/<metric>": lambda w: [("/filing/own_target/set/fleet_online_rate", HTML)],
    "/healthz": lambda w: [("/healthz", "text/plain")],
    "/metrics": lambda w: [("/metrics", "text/plain")],
    "/issues": lambda w: [("/issues", HTML)],
    "/login": lambda w: [("/login", HTML)],
    "/login/code": lambda w: [("/login/code", HTML)],
    "/n/<typed>": lambda w: [(f"/n/{w.passport()}", HTML)],
    "/password": lambda w: [("/password", HTML)],
    "/password/<token>": lambda w: [(f"/password/{password_links.issue(w.settings.state, 'wang')}", HTML)],
    "/readyz": lambda w: [],  # no loader runs here: tests/cockpit/web/test_monitoring.py
    "/remote": lambda w: [("/remote", HTML)],
    "/remote/<screen>": lambda w: [(f"/remote/{SCREEN}", HTML)],
    "/remote/<screen>/state": lambda w: [(f"/remote/{SCREEN}/state", JSON)],
    "/reports": lambda w: [("/reports", HTML)],
    "/reports/<name>.docx": lambda w: [],  # the report of this world has no words: tests/cockpit/report/test_word.py
    "/reports/<name>.pdf": lambda w: [(f"/reports/{w.report}.pdf", "application/pdf")],
    "/reports/sheet/<name>.pdf": lambda w: [(f"/reports/sheet/{w.sheet}.pdf", "application/pdf")],
    "/reports/compare": lambda w: [(f"/reports/compare?first={w.report}&second={w.report}", HTML)],
    "/s/<link>": lambda w: [(w.shared(), HTML)],
    "/shares": lambda w: [("/shares", HTML)],
    "/tokens": lambda w: [("/tokens", HTML)],
    "/wall/<screen>": lambda w: [(f"/wall/{SCREEN}", HTML)],
    "/wall/<screen>/layout.css": lambda w: [(f"/wall/{SCREEN}/layout.css", "text/css")],
    "/wall/<screen>/live": lambda w: [(f"/wall/{SCREEN}/live", JSON)],
    "/wall/<screen>/outlines": lambda w: [(f"/wall/{SCREEN}/outlines", JSON)],
    "/wall/<screen>/scenes": lambda w: [(f"/wall/{SCREEN}/scenes", JSON)],
    "/wall/<screen>/version": lambda w: [(f"/wall/{SCREEN}/version", JSON)],
}
"""Every rule of the site that answers GET → what is asked of it, and the type of the answer. A rule that is not here
fails a test by name."""
SIGN_ON = ("/signon", "/signon/back", "/signon/left")
"""These answer 404 where no single sign-on is set up; tests/cockpit/identity/test_sign_on.py asks them."""
LAST = ("/enter/<token>",)
"""Whoever asks these is somebody else afterwards."""


FIRST = {
    "company": ("company_key", "dim_company"),
    "vehicle": ("vehicle_key", "vehicle_current"),
    "alarm": ("alarm_uid", "alarm_event"),
    "site": ("site_id", "site"),
    "unit": ("unit_id", "unit_task"),
    "organisation": ("org_id", "company_organisation"),
    "town": ("code", "dim_town"),
}
"""What a page is about → the column and mart that name one."""


def pages(world: World) -> list[str]:
    """An address of every kind of page."""
    book = SnapshotStore(world.settings.data).current(Scope.ALL)
    one = {
        kind: quote(str(book.ask(f"SELECT min({key}) FROM marts.{mart}")[0][0]), safe="")
        for kind, (key, mart) in FIRST.items()
    }
    records = [f"/{kind}/{key}" for kind, key in one.items()]
    below = [
        f"/company/{one['company']}/drivers",
        f"/company/{one['company']}/driver/{'0' * 18}",
        f"/vehicle/{one['vehicle']}/track",
    ]
    return [
        *records,
        *below,
        "/all",
        "/targets",
        "/glossary",
        "/group/fleet",
        f"/metric/{METRIC}",
        f"/compare/{METRIC}",
        "/site",
        "/programme/1",
        "/search",
        "/health",
        "/lineage",
        "/quarantine",
        "/alerts",
        "/announcement",
        "/screens",
        "/supervision",
        "/mine",
    ]  # /audit is the auditor's: tests/cockpit/pages/test_audit.py


@pytest.fixture(scope="module")
def world(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(shutil.copytree(published, folder / "data", symlinks=True))
    report = facts("2026-W47", "g1", cars=10)
    settings.reports.mkdir(exist_ok=True)
    (folder / "report.pdf").write_bytes(PDF)
    archive.keep(settings, folder / "report.pdf", report, by="li")
    subject = {"kind": "town", "code": "330110010", "label": "良渚街道"}
    sheet = {**report, "name": f"{report['name']}-town330110010", "subject": subject}
    (folder / "sheet.pdf").write_bytes(PDF)
    archive.keep(settings, folder / "sheet.pdf", sheet, by="li")
    sessions.create_device(settings.state, SCREEN, by="test")
    accounts.add(settings.state, "wang", None, "leader")
    with opened(settings, now=lambda: WORLD_NOW) as context:
        filing_forms.offer(context)
        offered = request_queue.offered(settings.state)
        table = next(name for name, stated in offered.items() if stated["current"])
        with sqlite3.connect(settings.state) as state:
            number = request_queue.add(
                state, "file", {"table": table, "step": "current"}, "li", at=WORLD_NOW.timestamp()
            )
        request_handlers.serve(context)
    site = Served(settings.data, "--workers", "1")
    yield World(site, settings, list(offered), (table, number), report["name"], sheet["name"])
    assert site.stop() == 0


class Readers:
    """Somebody of every role, signed in; who asks is the first that has the right."""

    def __init__(self, site: Served) -> None:
        self._site, self._clients = site, dict[str, httpx.Client]()

    def get(self, web: Flask, rule: str, path: str) -> httpx.Response:
        """The answer to who may have it."""
        found = {one.endpoint for one in web.url_map.iter_rules() if one.rule == rule}
        right = rights.of_page(unquote(path)) if "page" in found else rights.of_route(min(found))
        return self.able(right).get(path)

    def able(self, right: str | None) -> httpx.Client:
        """Who has a right; None = the right that nobody needs."""
        role = next(role for role in rights.PEOPLE if right is None or rights.has(role, right))
        if role not in self._clients:
            self._clients[role] = httpx.Client(base_url=self._site.address, follow_redirects=True, timeout=60)
            self._clients[role].get(self._site.link(role))
        return self._clients[role]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@pytest.fixture(scope="module")
def readers(world: World) -> Iterator[Readers]:
    made = Readers(world.site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.site.address, follow_redirects=True, timeout=60) as client:
        client.get(world.site.link("admin"))
        yield client


def getters(web: Flask) -> list[str]:
    return sorted({rule.rule for rule in web.url_map.iter_rules() if "GET" in (rule.methods or ())})


def test_every_route_that_can_be_asked_is_asked_here(web: Flask) -> None:
    assert getters(web) == sorted([*ADDRESSES, *SIGN_ON])


def test_every_kind_of_page_is_asked_here(world: World) -> None:
    requested = [unquote(path) for path in ["/", "/audit", *pages(world)]]
    assert [
        pattern.pattern for pattern, _ in routes.ROUTES if not any(pattern.fullmatch(path) for path in requested)
    ] == []


def test_the_server_that_ships_draws_every_page(world: World, readers: Readers) -> None:
    for path in ["/", *pages(world)]:
        reader = readers.able(rights.of_page(unquote(path)))
        answer = reader.post(CALLBACK, json=good_body(unquote(path)), headers=SAME_ORIGIN)
        assert answer.status_code == 200 and "shell-frame" in answer.text, (path, answer.status_code, answer.text[:300])
        assert "没有权限" not in answer.json()["response"]["shell-title"]["data"], path


def test_a_file_comes_under_its_chinese_name(world: World, admin: httpx.Client) -> None:
    table = world.tables[0]
    for path, name in (
        (f"/filing/{table}/template.xlsx", f"{table}-模板.xlsx"),
        (f"/reports/{world.report}.pdf", "周报"),
        (f"/reports/sheet/{world.sheet}.pdf", "良渚街道单页"),
    ):
        assert quote(name, safe="") in admin.get(path).headers["Content-Disposition"]


def test_renewed_workers_end_quietly_under_load(world: World, admin: httpx.Client) -> None:
    """A thread that is inside the database when the interpreter goes takes the worker down by SIGABRT, and the reader's
    answer with it."""
    over = threading.Event()

    def read() -> None:
        with httpx.Client(base_url=world.site.address, cookies=admin.cookies, timeout=20) as client:
            while not over.is_set():
                with contextlib.suppress(httpx.TransportError):  # cut off with its worker
                    client.post(CALLBACK, json=good_body(), headers=SAME_ORIGIN)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for one in readers:
        one.start()
    for _ in range(10):
        time.sleep(1.5)
        world.site.renew()
    over.set()
    for one in readers:
        one.join()
    assert world.site.said() == ""


def test_a_process_that_ends_while_it_asks_ahead_ends_well(world: World) -> None:
    script = "import sys, time; from cockpit.web import app; app.from_env(); time.sleep(float(sys.argv[1]))"
    for seconds in ("0.1", "0.3", "0.6"):
        done = subprocess.run(
            [sys.executable, "-c", script, seconds],
            env=os.environ | {"ZHENGBEI_DATA": str(world.settings.data)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), seconds


def test_only_one_place_names_a_file_to_the_browser() -> None:
    """A name that is put into a header as it stands ends the answer inside the server: nobody writes that header by
    hand."""
    found = [
        file.name
        for file in Path("cockpit").rglob("*.py")
        if re.search(r"Content-Disposition|send_file\(|send_from_directory\(", file.read_text())
    ]
    assert found == ["template_pages.py"]


@pytest.mark.parametrize("rule", sorted(ADDRESSES, key=lambda rule: (rule in LAST, rule)))
def test_the_server_that_ships_answers_every_route(world: World, readers: Readers, web: Flask, rule: str) -> None:
    for path, mimetype in ADDRESSES[rule](world):
        answer = readers.get(web, rule, path)
        assert (answer.status_code, answer.headers["Content-Type"].startswith(mimetype)) == (200, True), (
            path,
            answer.status_code,
            answer.headers,
        )


MISSING = ["/metric/nope", "/town/999999999", "/company/NOPE", "/group/nope", "/vehicle/NOPE%231", "/nope", "/a/b/c"]


@pytest.mark.parametrize("path", MISSING)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_404_in_the_frame(admin: httpx.Client, path: str, method: str) -> None:
    answer = admin.request(method, path)
    assert answer.status_code == 404 and answer.headers["Cache-Control"] == "no-store"
    if method == "GET":
        page = LexborHTMLParser(answer.text)
        assert page.css_first("#shell-frame nav.nav a[href='/supervision']") is not None
        assert texts.ERRORS[404][0] in page.css_first("main").text() and texts.ERRORS[404][0] in title(page)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/metric/x?window=never", 400),
        ("/?as_of=nope", 404),
        ("/?as_of=20000101T000000", 410),
        ("/?as_of=29990101T000000", 404),
        ("/_nope", 404),
        ("/api/nope", 404),
    ],
)
def test_every_refusal_has_its_status(admin: httpx.Client, path: str, status: int) -> None:
    answer = admin.get(path)
    assert answer.status_code == status
    assert ("shell-frame" in answer.text) == (not path.startswith(("/_", "/api")))


ODD = [
    ("GET", "/nope", {"Referer": "http://[", "Sec-Fetch-Mode": "navigate"}, 404),
    ("GET", "/nope", {"Origin": "http://[::1", "Sec-Fetch-Mode": "navigate"}, 404),
    ("POST", "/health/ask/run", {"Origin": "http://[", "Referer": "http://["}, 403),
    (
        "POST",
        "/health/ask/run",
        {"Sec-Fetch-Site": "same-origin", "Referer": "http://[", "Sec-Fetch-Mode": "navigate"},
        400,
    ),
    ("GET", "/_dash-component-suites/dash/nope.js", {}, 404),
    ("GET", "/_dash-component-suites/nope/nope.js", {}, 404),
    ("GET", "/?" + "&".join(f"a{number}=1" for number in range(60)), {}, 400),
    ("GET", "/api/metric/fleet_online_rate?" + "&".join(f"a{number}=1" for number in range(60)), {}, 400),
    ("GET", "/login?next=//[", {}, 200),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), ODD)
def test_an_odd_request_is_refused_and_no_fault_of_ours(
    admin: httpx.Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = admin.request(method, path, headers=headers)
    assert answer.status_code == status and "Content-Security-Policy" in answer.headers
    assert "Traceback" not in answer.text


def test_a_page_that_the_role_may_not_see_is_403_in_the_frame(world: World) -> None:
    with httpx.Client(base_url=world.site.address, follow_redirects=True, timeout=60) as leader:
        leader.get(world.site.link("leader"))
        answer = leader.get("/screens")
    assert answer.status_code == 403 and "shell-frame" in answer.text and "只对系统管理开放" in answer.text


def title(page: LexborHTMLParser) -> str:
    found = page.css_first("title")
    assert found is not None
    return found.text()


def test_a_page_has_its_number_and_its_title_before_any_script(world: World, admin: httpx.Client) -> None:
    reading = admin.get(f"/api/metric/{METRIC}").json()
    page = LexborHTMLParser(admin.get(f"/metric/{METRIC}").text)
    assert f"{reading['value']:,.0f}" in page.css_first("#shell-served .hero-value").text()
    label = SnapshotStore(world.settings.data).current(Scope.ALL).metrics[METRIC].label
    assert title(page) == f"{label} · {texts.BRAND}"
    assert page.css_first("body > noscript") is None


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("identity", None), ("br;q=0, gzip;q=0.1", "gzip"), ("", None)],
)
def test_pages_callbacks_and_files_leave_in_the_coding_that_is_accepted(
    admin: httpx.Client, accepted: str, coding: str | None
) -> None:
    headers = {"Accept-Encoding": accepted, **SAME_ORIGIN}
    sheet, script = loaded(admin.get("/").text)
    for answer in (
        admin.get("/", headers=headers),
        admin.post(CALLBACK, json=good_body(), headers=headers),
        admin.get(sheet, headers=headers),
        admin.get(script, headers=headers),
    ):
        assert answer.status_code == 200 and answer.headers.get("Content-Encoding") == coding, answer.url
        assert "Accept-Encoding" in answer.headers["Vary"] and len(answer.text) > 1024
    assert admin.get(script, headers=headers).text == admin.get(script, headers={"Accept-Encoding": "identity"}).text


def loaded(page: str) -> tuple[str, str]:
    """A style sheet of ours and a script of Dash that the page loads."""
    sheets, scripts = re.findall(r'href="(/assets/css/[^"]+)"', page), re.findall(r'src="(/_dash-[^"]+)"', page)
    return sheets[0], scripts[0]


def test_files_are_held_for_ever_under_names_that_change_with_them(admin: httpx.Client) -> None:
    page = admin.get("/").text
    addresses = re.findall(r'(?:src|href)="(/(?:assets|_dash-component-suites)/[^"]+)"', page)
    assert len(addresses) > 8
    for address in addresses:
        answer = admin.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable", address
    for address in ("/assets/css/00_tokens.css", "/assets/css/00_tokens.css?v=other", PLOTLY):
        assert admin.get(address).headers["Cache-Control"] == "private, no-cache", address


def test_a_file_that_has_not_changed_is_not_sent_again(admin: httpx.Client) -> None:
    for address in ("/assets/css/cockpit/20_tiles.css", PLOTLY):
        tags = set()
        for accepted in ("br", "gzip", "identity"):
            first = admin.get(address, headers={"Accept-Encoding": accepted})
            again = admin.get(address, headers={"Accept-Encoding": accepted, "If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["Cache-Control"] == "private, no-cache" and "Accept-Encoding" in again.headers["Vary"]
            tags.add(first.headers["ETag"])
        assert len(tags) == 3, "each coding is another body"


def test_a_page_loads_only_the_bundles_that_it_uses(admin: httpx.Client) -> None:
    scripts = re.findall(r'<script src="([^"]+)"', admin.get("/").text)
    names = [re.sub(r"\.v[\w]+m\w+|\?.*", "", script.rsplit("/", 1)[1]) for script in scripts]
    assert names == [
        "theme.js",
        "polyfill@7.12.1.min.js",
        "react@18.3.1.min.js",
        "react-dom@18.3.1.min.js",
        "prop-types@15.8.1.min.js",
        "dash_renderer.min.js",
        "dash_core_components.js",
        "dash_core_components-shared.js",
        "cockpit.js",
    ]
