"""A page that was made is given to whoever would get the same, and to nobody else."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, g

from cockpit.casework import notes, task_store
from cockpit.casework.task_store import Subject
from cockpit.identity import accounts
from cockpit.identity.sessions import Viewer
from cockpit.pages import routes
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import assets, static_html
from cockpit.store import app_db, one_time_key
from cockpit.web import app, page_callback, page_store
from tests.cockpit.signing_in import PASSWORD, SAME_ORIGIN, sign_in
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

METRIC, TOWN = "fleet_vehicle_cnt", "330110009"
LEADER = Viewer("person", "zhang", "leader", display="甲领导", scope=Scope.ALL)
OTHER = Viewer("person", "li", "leader", display="乙领导", scope=Scope.ALL)
CLERK = Viewer("person", "wu", "analyst", display="吴**", scope=Scope.ALL)
KEY = re.compile(rf'name="{one_time_key.FIELD}"[^>]* value="([^"]+)"|value="([^"]+)"[^>]* name="{one_time_key.FIELD}"')
Ask = Callable[..., str]


@pytest.fixture
def server(published: Path, tmp_path: Path) -> Flask:
    """A site of its own: state file and held pages are this test's."""
    data = tmp_path / "data"
    data.mkdir()
    for name in ("published", "live"):
        (data / name).symlink_to(published / name)
    return app.create_app(Settings(data))


@pytest.fixture
def file(server: Flask) -> Path:
    settings: Settings = server.config["ZHENGBEI"]
    return settings.state


@pytest.fixture
def made(server: Flask, file: Path) -> Counter[str]:
    """How often the page of each address was made."""
    counts: Counter[str] = Counter()

    def counted(visit: PageContext) -> Page:
        counts[visit.address.here()] += 1
        return routes.render(visit)

    server.config[page_callback.PAGES] = page_store.PageStore(counted, file)
    return counts


@pytest.fixture
def ask(server: Flask, made: Counter[str]) -> Ask:
    """The page that somebody gets, by address."""
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]

    def asked(viewer: Viewer, path: str, search: str = "") -> str:
        with server.test_request_context(path):
            g.viewer = viewer
            found = page_callback.answer(library, path, search)
        assert found.status == 200, found.page.inside[:300]
        return found.page.inside

    return asked


def body(page: str) -> str:
    """What is the same for all readers of a role, without the keys of its forms."""
    return KEY.sub("", page.split("<main", 1)[1].split("</main>")[0])


@pytest.mark.parametrize(
    "path",
    ["/", "/all", "/group/fleet", f"/metric/{METRIC}", f"/town/{TOWN}", "/compare/" + METRIC, "/targets", "/glossary"],
)
def test_a_page_is_made_once_for_all_who_see_the_same(ask: Ask, made: Counter[str], path: str) -> None:
    first = ask(LEADER, path)
    second = ask(OTHER, path)
    assert made[path] == 1 and body(first) == body(second)
    assert "甲领导" in first and "乙领导" in second and "甲领导" not in second


@pytest.mark.parametrize("path", ["/health", "/supervision"])
def test_what_says_how_old_it_is_is_made_each_time(ask: Ask, made: Counter[str], path: str) -> None:
    ask(LEADER, path), ask(LEADER, path)
    assert made[path] == (2 if path == "/health" else 1)


def test_another_role_theme_scope_or_day_is_another_page(ask: Ask, made: Counter[str], server: Flask) -> None:
    path = f"/metric/{METRIC}"
    assert 'action="/notes/add"' not in ask(LEADER, path)
    assert 'action="/notes/add"' in ask(CLERK, path) and made[path] == 2
    narrow = Viewer("person", "hu", "leader", scope=Scope((TOWN,), ()))
    assert body(ask(narrow, path)) != body(ask(LEADER, path)) and made[path] == 3
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    with server.test_request_context(path, headers={"Cookie": f"{page_callback.THEME_COOKIE}=dark"}):
        g.viewer = LEADER
        page_callback.answer(library, path, "")
        assert made[path] == 4
        render = server.config[page_callback.PAGES].page
        tomorrow = dt.datetime.now(SHANGHAI) + dt.timedelta(days=1)
        page_callback.draw(library, path, "", tomorrow, render)
        page_callback.draw(library, path, "", tomorrow + dt.timedelta(seconds=1), render)
    assert made[path] == 5, "the day counts, the second does not"


def test_a_task_a_note_and_a_name_are_seen_at_once(ask: Ask, file: Path, made: Counter[str]) -> None:
    accounts.add(file, "wu", PASSWORD, "analyst", "吴**")
    path = f"/metric/{METRIC}"
    ask(LEADER, "/"), ask(LEADER, path)
    subject = Subject(METRIC, "在册货车数", path, "g", place="330110", period="")
    number = task_store.make(file, CLERK, "核对停运车辆", "运输科", dt.date(2099, 1, 1), subject)
    assert "核对停运车辆" in ask(LEADER, "/") and "核对停运车辆" in ask(LEADER, path)
    task_store.step(file, CLERK, number, "withdraw", "不需要了")
    assert "核对停运车辆" not in ask(LEADER, "/")
    notes.add(file, CLERK, METRIC, "330110", dt.date(2026, 11, 18), dt.date(2026, 11, 18), "道路施工")
    assert "道路施工" in ask(LEADER, path) and "吴**" in ask(LEADER, path)
    with app_db.writing(file) as connection:
        connection.execute("UPDATE users SET display = '吴科长' WHERE name = 'wu'")
    assert "吴科长" in ask(LEADER, path)


def test_every_form_that_leaves_has_a_key_of_its_own(ask: Ask) -> None:
    keys = [
        next(filter(None, found.groups())) for _ in range(3) for found in KEY.finditer(ask(CLERK, f"/metric/{METRIC}"))
    ]
    assert len(keys) >= 6 and len(set(keys)) == len(keys) and one_time_key.SLOT not in keys


def test_a_single_persons_page_is_never_held(server: Flask, file: Path, made: Counter[str]) -> None:
    """Each look is a line in the log, whoever looked before."""
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    book = library.current(Scope.ALL)
    company, uid = book.ask(
        "SELECT company_key, alarm_uid FROM marts.alarm_event WHERE company_key IN "
        "(SELECT company_key FROM marts.one_person_owner) ORDER BY 2 LIMIT 1"
    )[0]
    data = file.parent
    for name in ("a-duty", "b-duty"):
        client = sign_in(server.test_client(), data, "duty", name)
        for _ in range(2):
            page = client.get(f"/alarm/{uid}").get_data(as_text=True)
            assert "事由" in page, page[:200]
    assert made[f"/alarm/{uid}"] == 4, company


def test_whoever_asks_while_it_is_made_waits_and_gets_the_same(server: Flask, file: Path) -> None:
    counts, inside = Counter[str](), threading.Event()

    def slow(visit: PageContext) -> Page:
        counts[visit.address.here()] += 1
        inside.wait(10)
        return routes.render(visit)

    store = page_store.PageStore(slow, file)
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    found: list[str] = []

    def ask() -> None:
        with server.test_request_context("/"):
            g.viewer = LEADER
            drawn = page_callback.draw(library, "/", "", None, store.page)
            found.append(drawn.title)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(store._turns) == 0 or next(iter(store._turns.values()))[1] < 4:
        time.sleep(0.01)
    inside.set()
    for thread in threads:
        thread.join()
    assert counts["/"] == 1 and len(found) == 4 and not store._turns


def test_pages_nobody_asks_for_make_room(
    ask: Ask, server: Flask, monkeypatch: pytest.MonkeyPatch, made: Counter[str]
) -> None:
    monkeypatch.setattr(page_store, "MOST_BYTES", 150_000)
    for path in ("/glossary", "/targets", "/all", "/glossary"):
        ask(LEADER, path)
    store = server.config[page_callback.PAGES]
    assert made["/glossary"] == 2
    assert store._size == sum(one.size for variants in store._held.values() for one in variants)


@pytest.fixture
def published_pages(server: Flask) -> Iterator[list[str]]:
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    book = library.current(Scope.ALL)
    company = book.places("company")[0].code
    vehicle = book.ask("SELECT vehicle_key FROM marts.vehicle_current ORDER BY 1 LIMIT 1")[0][0]
    yield [
        "/",
        "/all",
        "/health",
        "/lineage",
        "/site",
        "/mine",
        "/supervision",
        f"/company/{company}",
        f"/vehicle/{vehicle}",
        "/programme/1",
    ]


def test_a_held_page_is_the_page_that_would_be_made(ask: Ask, server: Flask, published_pages: list[str]) -> None:
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    for viewer in (LEADER, CLERK):
        for path in published_pages:
            ask(LEADER, path), ask(CLERK, path)
            with server.test_request_context(path):
                g.viewer = viewer
                fresh = page_callback.draw(library, path, "").page
                assert body(ask(viewer, path)) == body(static_html.finished(fresh).inside), path


def test_signed_in_people_get_held_pages_through_the_site(server: Flask, file: Path, made: Counter[str]) -> None:
    for name in ("first", "second"):
        client = sign_in(server.test_client(), file.parent, "leader", name)
        assert client.get("/all", headers=SAME_ORIGIN).status_code == 200
    assert made["/all"] == 1


def test_a_page_knows_the_time_from_its_visit_alone() -> None:
    """What asks a clock of its own would stand still in a held page."""
    clocks = re.compile(r"units\.now\(|time\.time\(|datetime\.now\(|date\.today\(")
    places = [assets.ASSETS.parent / "cockpit" / name for name in ("pages", "presentation")]
    places += [assets.ASSETS.parent / "warehouse" / name for name in ("insight", "query", "compile")]
    assert [
        file.name for place in places for file in place.rglob("*.py") if clocks.search(file.read_text("utf-8"))
    ] == []
