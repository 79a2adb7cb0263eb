"""Somebody who sees some towns and companies: whatever address they write, click, export or send, nothing outside is
named, and what is refused looks like what is not there."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import accounts, rights
from cockpit.identity.driver_access import People
from cockpit.identity.sessions import Viewer
from cockpit.pages import glossary, routes
from cockpit.presentation import texts
from cockpit.store import app_db
from cockpit.web import app
from tests.cockpit.signing_in import PASSWORD, SAME_ORIGIN, said, sign_in
from tests.depth import depth
from warehouse.core.database import Reader
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.places import plate
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

FORM = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}
VIEWERS, STEPS = depth((5, 4), (100, 60))
"""How many scopes are drawn, and how many links of each are followed."""
METRICS = ("fleet_online_rate", "safe_alarm_handled_rate", "drv_driver_cnt", "site_visit_cnt", "mem_org_built_rate")
TOWN, OTHER = "330110009", "330110010"


@pytest.fixture(scope="module")
def data(data_with_picture: Path) -> Path:
    return data_with_picture


@pytest.fixture(scope="module")
def server(data: Path) -> Flask:
    return app.create_app(Settings(data))


@pytest.fixture(scope="module")
def library(server: Flask) -> SnapshotStore:
    found: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    return found


@pytest.fixture(scope="module")
def whole(library: SnapshotStore) -> Snapshot:
    return library.current(Scope.ALL)


@pytest.fixture(scope="module")
def raw(published: Path, whole: Snapshot) -> Reader:
    """The published file itself."""
    return Reader(published / "published" / f"{whole.id}.duckdb")


@pytest.fixture(scope="module")
def as_scope(server: Flask, data: Path) -> Callable[..., FlaskClient]:
    """Somebody with that role and scope who has just signed in."""

    def made(scope: Scope, role: str = "leader") -> FlaskClient:
        name = f"{role}-{scope.code[-8:]}"
        file = Settings(data).state
        if accounts.find(file, name) is None:
            accounts.add(file, name, PASSWORD, role, "李**", by="sun")
            accounts.set_scope(file, name, scope.towns, scope.companies, by="sun")
        return sign_in(server.test_client(), data, role, name)

    return made


@pytest.fixture(scope="module")
def of_town(as_scope: Callable[..., FlaskClient]) -> FlaskClient:
    return as_scope(Scope((TOWN,), ()))


@dataclass(frozen=True)
class World:
    """What may be named: whole = all there is of a kind, key → what it is called; inside = the keys of the scope."""

    whole: dict[str, dict[str, str]]
    inside: dict[str, set[str]]

    def outside(self) -> set[str]:
        """Every word that would tell of something outside; not what something inside is called too."""
        shared = {
            self.whole[kind][key] for kind, keys in self.inside.items() for key in keys if key in self.whole[kind]
        }
        found: set[str] = set()
        for kind, things in self.whole.items():
            for key, label in things.items():
                if key not in self.inside[kind]:
                    found |= {key} if len(key) > 4 else {f"/{kind}/{key}"}
                    found |= {label} - shared - {""}
        return found


def world(raw: Reader, scope: Scope) -> World:
    """Told from the file by statements of this test, past everything that applies a scope."""
    bound = {"towns": list(scope.towns), "companies": list(scope.companies)}
    companies = "SELECT company_key FROM marts.dim_company WHERE list_contains($towns, town_code) OR list_contains($companies, company_key)"
    mine = f"(list_contains($towns, town_code) OR company_key IN ({companies}))"
    whole = {
        "town": dict(raw.rows("SELECT code, name FROM marts.dim_town")),
        "company": dict(raw.rows("SELECT company_key, name FROM marts.dim_company")),
        "vehicle": {key: plate(key) for (key,) in raw.rows("SELECT vehicle_key FROM marts.vehicle_current")},
        "site": dict(raw.rows("SELECT site_id, name FROM marts.site")),
        "organisation": dict(
            raw.rows("SELECT org_id, any_value(coalesce(name, '')) FROM marts.company_organisation GROUP BY 1")
        ),
        "alarm": {uid: "" for (uid,) in raw.rows("SELECT alarm_uid FROM marts.alarm_event")},
        # member units are offices whose names stand everywhere, the bureau's own among them
        "unit": {unit: "" for (unit,) in raw.rows("SELECT DISTINCT unit_id FROM marts.unit_task")},
    }
    vehicles = " UNION ".join(
        f"SELECT vehicle_key FROM marts.{table} WHERE {mine}"
        for table in ("vehicle_current", "vehicle_day", "alarm_event", "stop_reach", "as_alarm_day", "vehicle_now")
    )
    inside = {
        # the address of a company inside may well say in which town it lies
        "town": "SELECT unnest($towns) UNION SELECT town_code FROM marts.dim_company WHERE list_contains($companies, company_key)",
        "company": companies,
        "vehicle": vehicles,
        "site": "SELECT site_id FROM marts.site WHERE list_contains($towns, town_code) AND len($companies) >= 0",
        "organisation": f"SELECT org_id FROM marts.company_organisation WHERE company_key IN ({companies})",
        "alarm": f"SELECT alarm_uid FROM marts.alarm_event WHERE {mine}",
    }
    return World(
        whole, {kind: {key for (key,) in raw.rows(sql, bound)} for kind, sql in inside.items()} | {"unit": set()}
    )


def named(text: str, words: set[str]) -> list[str]:
    """The words that stand in an answer, however it writes them."""
    plain = unquote(unescape(text))
    if "\\u" in plain:
        plain = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), plain)
    return sorted(word for word in words if word in plain)


def links(text: str) -> list[str]:
    """The addresses of this site to which a page leads."""
    found = [unescape(href) for href in re.findall(r'href="(/[^"]*)"', text)]
    return [href for href in dict.fromkeys(found) if not href.startswith(("/assets", "/_", "/logout"))]


def drawn(whole: Snapshot, seed: int) -> Scope:
    chance = random.Random(seed)
    towns = [place.code for place in whole.places("town")]
    companies = [place.code for place in whole.places("company")]
    kind = chance.choice(("towns", "towns", "companies", "both"))
    return Scope(
        tuple(chance.sample(towns, chance.randint(1, 3))) if kind != "companies" else (),
        tuple(chance.sample(companies, chance.randint(1, 3))) if kind != "towns" else (),
    )


def outside_of(known: World, chance: random.Random) -> dict[str, str]:
    """One thing outside of each kind, where there is one."""
    found = {}
    for kind, things in known.whole.items():
        others = sorted(set(things) - known.inside[kind])
        if others:
            found[kind] = chance.choice(others)
    return found


def sheet_text(body: bytes) -> str:
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True)
    return "\n".join(
        str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row if cell is not None
    )


@pytest.mark.parametrize("seed", range(VIEWERS))
def test_whatever_a_viewer_reaches_lies_inside(
    as_scope: Callable[..., FlaskClient], whole: Snapshot, raw: Reader, data: Path, seed: int
) -> None:
    scope, chance = drawn(whole, seed), random.Random(seed)
    client, known = as_scope(scope, "analyst"), world(raw, scope)
    words, metric = known.outside(), chance.choice(METRICS)
    queue = ["/", f"/metric/{metric}", f"/export/{metric}.xlsx", f"/api/metric/{metric}", f"/api/v1/metrics/{metric}"]
    queue += [
        f"/api/v1/metrics/{metric}/places?grain=town",
        f"/metric/{metric}?of=rows",
        f"/export/{metric}.csv?of=rows",
    ]
    queue += [f"/compare/{metric}?with={chance.choice(sorted(known.inside['town'] or known.inside['company']))}"]
    queue += [f"/search?q={quote(text)}" for text in ("330110", "浙A", "街道", "各企业上周上线率排名")]
    queue += [
        *(f"/{kind}/{quote(chance.choice(sorted(keys)), safe='')}" for kind, keys in known.inside.items() if keys)
    ]
    asked: set[str] = set()
    steps = len(queue) + STEPS
    while queue and len(asked) < steps:
        path = queue.pop(0)
        asked.add(path)
        answer = client.get(path)
        assert answer.status_code < 500 or answer.status_code == 503, (path, answer.status_code)
        text = sheet_text(answer.data) if path.partition("?")[0].endswith(".xlsx") else answer.get_data(as_text=True)
        assert named(text, words) == [], (path, scope)
        more = [href for href in links(text) if href not in asked and href not in queue]
        chance.shuffle(more)
        queue = queue + more
    assert len(asked) > 12
    for kind, key in outside_of(known, chance).items():
        before = denials(data)
        answer = client.get(f"/{kind}/{quote(key, safe='')}")
        assert answer.status_code == 404, (kind, key)
        assert texts.ERRORS[404][0] in answer.get_data(as_text=True)
        assert named(answer.get_data(as_text=True), words - {key, f"/{kind}/{key}"}) == []
        assert denials(data) == before + 1, "one line for each"


def denials(data: Path) -> int:
    with app_db.reading(Settings(data).state) as connection:
        found: int = connection.execute("SELECT count(*) FROM audit WHERE event='denied'").fetchone()[0]
    return found


def test_every_page_there_is_is_walked_or_not_for_somebody_with_a_scope(
    of_town: FlaskClient, raw: Reader, whole: Snapshot
) -> None:
    """All patterns of the site, each with something inside."""
    known = world(raw, Scope((TOWN,), ()))
    words, chance = known.outside(), random.Random(1)
    inside = {kind: sorted(keys) for kind, keys in known.inside.items()}
    company = next(key for key in inside["company"] if key not in whole.pooled)
    fill = {
        "/group/*": "/group/fleet",
        "/metric/*": f"/metric/{METRICS[0]}",
        "/compare/*": f"/compare/{METRICS[0]}",
        "/programme/*": "/programme/1",
        "/company/*": f"/company/{company}",
        "/company/*/drivers": f"/company/{company}/drivers",
        "/company/*/driver/*": f"/company/{company}/driver/{'0' * 18}",
        "/vehicle/*/track": f"/vehicle/{quote(inside['vehicle'][0], safe='')}/track",
        "/unit/*": "/unit/none",
        "/organisation/*": f"/organisation/{(inside['organisation'] or ['none'])[0]}",
    }
    for pattern in sorted(routes.paths()):
        kind = pattern.split("/")[1]
        path = fill.get(pattern) or pattern.replace("*", quote(chance.choice(inside.get(kind) or ["none"]), safe=""))
        answer = of_town.get(path)
        right = rights.of_page(unquote(path))
        assert right is not None
        is_closed = rights.TABLE[right].is_whole or not rights.has("leader", right)
        assert (answer.status_code == 403) == is_closed, (path, answer.status_code)
        # the words that a manual explains tell of nothing outside
        explained = {word for word, _ in glossary.terms()} if pattern == "/glossary" else set()
        assert named(answer.get_data(as_text=True), words - explained) == [], path
        if not is_closed and answer.status_code == 200:
            assert "本范围（仁和街道）" in answer.get_data(as_text=True), path


@pytest.mark.parametrize("role", rights.PEOPLE)
def test_what_is_made_of_the_whole_district_is_closed(
    as_scope: Callable[..., FlaskClient], server: Flask, data: Path, role: str
) -> None:
    if role in rights.ADMINISTRATORS:
        name = f"{role}-limited"
        accounts.add(Settings(data).state, name, PASSWORD, role, by="sun")
        with pytest.raises(UsageError, match="不设范围"):
            accounts.set_scope(Settings(data).state, name, (TOWN,), (), by="sun")
        return
    client = as_scope(Scope((TOWN,), ()), role)
    for path in (
        "/reports/compare",
        "/reports/week.pdf",
        "/issues",
        "/wall/main",
        "/wall/main/live",
        "/wall/main/scenes",
    ):
        assert client.get(path).status_code == 403, path
    for path in ("/filing", "/quarantine", "/remote", "/screens", "/accounts", "/tokens", "/audit"):
        assert client.get(path).status_code == 403, path
    home = client.get("/").get_data(as_text=True)
    assert 'href="/filing"' not in home
    # of the reports who sees a part has the sheets of that part: test_report_orders.py
    assert "已归档的报告" not in client.get("/reports").get_data(as_text=True)


def test_an_administrator_does_not_get_a_scope_by_another_way(data: Path) -> None:
    file = Settings(data).state
    accounts.add(file, "climber", PASSWORD, "analyst", by="sun")
    accounts.set_scope(file, "climber", (TOWN,), (), by="sun")
    with pytest.raises(UsageError, match="不设范围"):
        accounts.set_role(file, "climber", "admin", by="sun")
    accounts.set_scope(file, "climber", (), (), by="sun")
    accounts.set_role(file, "climber", "admin", by="sun")


# -- attempts to see more ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def beyond(raw: Reader, whole: Snapshot) -> dict[str, str]:
    return outside_of(world(raw, Scope((TOWN,), ())), random.Random(7)) | {"town": OTHER}


def test_an_altered_callback_reaches_nothing_outside(
    of_town: FlaskClient, beyond: dict[str, str], raw: Reader, data: Path
) -> None:
    words = world(raw, Scope((TOWN,), ())).outside()
    for kind, key in beyond.items():
        before = denials(data)
        text = said(of_town, f"/{kind}/{quote(key, safe='')}")
        assert "没有这一页" in text and denials(data) == before + 1, kind
        assert named(text, words - {key, f"/{kind}/{key}"}) == []
    for search in (f"?place={OTHER}", f"?place={beyond['company']}", "?place=scope-0123456789abcdef", "?place=nowhere"):
        assert "没有这一页" in said(of_town, f"/metric/{METRICS[0]}", search), search
    before = denials(data)
    assert of_town.get("/nope").status_code == 404 and denials(data) == before, "a slip of the pen is no attempt"


@pytest.mark.parametrize("query", ["place={town}", "place={company}", "place=scope-0123456789abcdef"])
def test_a_place_outside_is_not_there_on_any_way(of_town: FlaskClient, beyond: dict[str, str], query: str) -> None:
    asked = query.format(**beyond)
    name = METRICS[0]
    ways = [
        f"/metric/{name}?{asked}",
        f"/export/{name}.xlsx?{asked}",
        f"/export/{name}.csv?{asked}",
        f"/api/metric/{name}?{asked}",
    ]
    ways += [f"/api/v1/metrics/{name}{tail}?{asked}" for tail in ("", "/series", "/places")]
    for path in ways:
        assert of_town.get(path).status_code == 404, path
    # whether there is such a place elsewhere cannot be told
    assert of_town.get(f"/metric/{name}?place=330110999").data.count(b"404") == of_town.get(
        f"/metric/{name}?{asked}"
    ).data.count(b"404")


def test_the_district_is_never_the_districts(of_town: FlaskClient, whole: Snapshot) -> None:
    theirs = whole.read("fleet_vehicle_cnt", "day", place=TOWN)
    for query in ("", "&place=330110", f"&place={TOWN}"):
        found = of_town.get(f"/api/v1/metrics/fleet_vehicle_cnt?window=day{query}").get_json()
        assert (found["value"], found["place"]["code"]) == (theirs.value, TOWN), query
    places = of_town.get("/api/v1/metrics/fleet_vehicle_cnt/places?window=day").get_json()["readings"]
    assert [one["place"]["code"] for one in places] == [TOWN]
    only = of_town.get(f"/api/v1/metrics/fleet_vehicle_cnt?window=day&only=town_code:{OTHER}")
    assert only.status_code == 400 or only.get_json()["value"] in (0, None)
    absent = of_town.get("/api/v1/metrics/p1_unit_task_ontime_rate").get_json()
    assert (absent["status"], absent["value"], absent["num"]) == ("no_total", None, None)


def test_an_answer_of_another_scope_is_never_taken_for_ones_own(
    of_town: FlaskClient, as_scope: Callable[..., FlaskClient]
) -> None:
    """The same address, the same generation: an ETag that one viewer got is worth nothing to the next."""
    path = "/api/v1/metrics/fleet_vehicle_cnt?window=day"
    tags = {who.get(path).headers["ETag"] for who in (of_town, as_scope(Scope((OTHER,), ())), as_scope(Scope.ALL))}
    assert len(tags) == 3
    for tag in tags:
        answers = [as_scope(Scope((OTHER,), ())).get(path, headers={"If-None-Match": tag}).status_code]
        assert answers == [304 if tag == as_scope(Scope((OTHER,), ())).get(path).headers["ETag"] else 200]


def test_a_passport_opens_only_inside(of_town: FlaskClient, as_scope: Callable[..., FlaskClient]) -> None:
    everything = as_scope(Scope.ALL)

    def passport(client: FlaskClient, path: str) -> str:
        return re.search(r'href="/n/([0-9A-Z]{10})"', client.get(path).get_data(as_text=True))[1]  # type: ignore[index]

    name = METRICS[0]
    for path in (f"/metric/{name}", f"/metric/{name}?place={OTHER}"):
        assert of_town.get(f"/n/{passport(everything, path)}").status_code == 404
    mine = passport(of_town, f"/metric/{name}")
    assert mine == passport(everything, f"/metric/{name}?place={TOWN}"), "the same number, the same passport"
    assert of_town.get(f"/n/{mine}").status_code == 302
    several = as_scope(Scope((TOWN, OTHER), ()))
    total = passport(several, f"/metric/{name}")
    assert total != passport(everything, f"/metric/{name}") and several.get(f"/n/{total}").status_code == 302
    assert of_town.get(f"/n/{total}").status_code == 404


def shared(client: FlaskClient, subject: str) -> tuple[int, str]:
    answer = client.post("/shares/add", data={"subject": subject}, headers=FORM)
    found = re.search(r"/s/([\w.\-]+)", answer.get_data(as_text=True))
    return answer.status_code, found[1] if found else ""


def test_a_link_shows_no_more_than_its_maker_sees(
    server: Flask, data: Path, of_town: FlaskClient, as_scope: Callable[..., FlaskClient], raw: Reader
) -> None:
    metric, nobody = f"/metric/{METRICS[0]}", server.test_client()
    status, link = shared(of_town, metric)
    assert status == 200
    shown = nobody.get(f"/s/{link}").get_data(as_text=True)
    assert "仁和街道" in shown and named(shown, world(raw, Scope((TOWN,), ())).outside()) == []
    assert shared(of_town, f"{metric}?place={OTHER}")[0] == 404
    several = as_scope(Scope((TOWN, OTHER), ()))
    assert shared(several, metric)[0] == 400 and "本范围的合计数不能分享" in several.post(
        "/shares/add", data={"subject": metric}, headers=FORM
    ).get_data(as_text=True)
    # what was shared by somebody who saw more ends when they do not any more
    changed = as_scope(Scope.ALL, "analyst")
    links = [shared(changed, path)[1] for path in (metric, f"{metric}?place={OTHER}", f"{metric}?place={TOWN}")]
    assert [nobody.get(f"/s/{one}").status_code for one in links] == [200, 200, 200]
    accounts.set_scope(Settings(data).state, f"analyst-{Scope.ALL.code[-8:]}", (TOWN,), (), by="sun")
    assert [nobody.get(f"/s/{one}").status_code for one in links] == [404, 404, 200]
    accounts.set_scope(Settings(data).state, f"analyst-{Scope.ALL.code[-8:]}", (), (), by="sun")


def task(client: FlaskClient, subject: str, office: str) -> int:
    form = {"subject": subject, "what": "请核实", "office": office, "due": "2099-01-01", "next": "/supervision"}
    return client.post("/supervision/open", data=form, headers=FORM).status_code


def test_tasks_are_those_of_ones_places(
    of_town: FlaskClient, as_scope: Callable[..., FlaskClient], whole: Snapshot, data: Path, beyond: dict[str, str]
) -> None:
    office, leader = whole.metrics[METRICS[0]].owner, as_scope(Scope.ALL)
    inside = whole.places("company", TOWN)[0].code
    subjects = [f"/metric/{METRICS[0]}", f"/metric/{METRICS[0]}?place={OTHER}", f"/company/{beyond['company']}"]
    subjects += [f"/metric/{METRICS[0]}?place={TOWN}", f"/company/{inside}", f"/town/{TOWN}"]
    assert [task(leader, subject, office) for subject in subjects] == [303] * 6
    page = of_town.get("/supervision?only=state:all").get_data(as_text=True)
    assert sorted(map(int, re.findall(r'id="task-(\d+)"', page))) == [4, 5, 6]
    assert "督办中" not in of_town.get("/").get_data(as_text=True) or "仁和" in page
    for number in (1, 2, 3, 99):
        assert of_town.post(f"/supervision/{number}/take", data={"next": "/"}, headers=FORM).status_code == 404
    assert of_town.post("/supervision/4/take", data={"next": "/"}, headers=FORM).status_code == 303
    assert [task(of_town, subject, office) for subject in (subjects[1], subjects[2])] == [404, 404]
    assert task(of_town, f"/metric/{METRICS[0]}", office) == 303
    assert task(as_scope(Scope((TOWN, OTHER), ())), f"/metric/{METRICS[0]}", office) == 400


def test_notes_are_those_of_ones_places(of_town: FlaskClient, as_scope: Callable[..., FlaskClient]) -> None:
    writer, mine = as_scope(Scope.ALL, "safety"), as_scope(Scope((TOWN,), ()), "safety")

    def note(client: FlaskClient, place: str, words: str) -> int:
        form = {"subject": f"/metric/{METRICS[0]}{place}", "words": words, "first": "2026-11-20", "next": "/"}
        return client.post("/notes/add", data=form, headers=FORM).status_code

    assert [note(writer, *one) for one in (("", "良渚修路"), (f"?place={TOWN}", "仁和修路"))] == [303, 303]
    page = of_town.get(f"/metric/{METRICS[0]}").get_data(as_text=True)
    assert "仁和修路" in page and "良渚修路" not in page
    assert note(mine, "", "自己写的") == 303 and "自己写的" in of_town.get(f"/metric/{METRICS[0]}").get_data(
        as_text=True
    )
    assert note(mine, f"?place={OTHER}", "别处") == 404
    assert note(as_scope(Scope((TOWN, OTHER), ()), "safety"), "", "合计") == 400


def test_single_people_are_asked_for_inside_only(of_town: FlaskClient, beyond: dict[str, str], data: Path) -> None:
    form = {"subject": beyond["company"], "kind": "约谈培训", "purpose": "核对本月安全学习情况", "next": "/"}
    assert of_town.post("/purpose", data=form, headers=FORM).status_code == 404
    for path in (f"/company/{beyond['company']}/drivers", f"/company/{beyond['company']}/driver/{'0' * 18}"):
        assert of_town.get(path).status_code == 404
    assert of_town.get(f"/vehicle/{quote(beyond['vehicle'], safe='')}/track").status_code == 404


def test_a_changed_scope_holds_at_the_next_request(
    server: Flask, data: Path, as_scope: Callable[..., FlaskClient]
) -> None:
    file, name = Settings(data).state, "moving"
    accounts.add(file, name, PASSWORD, "analyst", by="sun")
    client = sign_in(server.test_client(), data, "analyst", name)
    assert client.get(f"/town/{OTHER}").status_code == 200
    accounts.set_scope(file, name, (TOWN,), (), by="sun")
    assert client.get(f"/town/{OTHER}").status_code == 302, "signed out"
    client = sign_in(server.test_client(), data, "analyst", name)
    assert client.get(f"/town/{OTHER}").status_code == 404 and client.get(f"/town/{TOWN}").status_code == 200


def test_who_sees_all_sees_what_they_saw(as_scope: Callable[..., FlaskClient], whole: Snapshot) -> None:
    client = as_scope(Scope.ALL)
    home = client.get("/").get_data(as_text=True)
    assert "本范围" not in home and 'href="/reports"' in home and client.get("/reports").status_code == 200
    found = client.get("/api/v1/metrics/fleet_vehicle_cnt?window=day").get_json()
    assert (found["value"], found["place"]["code"]) == (whole.read("fleet_vehicle_cnt", "day").value, "330110")


def test_the_overview_of_several_says_whose_numbers_they_are(
    as_scope: Callable[..., FlaskClient], whole: Snapshot
) -> None:
    client = as_scope(Scope((TOWN, OTHER), ()))
    page = client.get("/metric/fleet_vehicle_cnt?window=day").get_data(as_text=True)
    assert "本范围（仁和街道、良渚街道）" in page and "全区" not in re.sub(
        r'<section[^>]*id="metric-definition".*?</section>', "", page, flags=re.S
    )
    persons = client.get("/metric/drv_driver_cnt").get_data(as_text=True)
    assert "不按范围统计" in persons and "本指标没有按范围合计的数" in persons
    cover = sheet_text(client.get("/export/fleet_vehicle_cnt.xlsx?window=day").data)
    assert "本范围（仁和街道、良渚街道）" in cover
    assert json.loads(client.get("/api/metric/drv_driver_cnt").data)["status"] == "no_total"


def test_of_several_together_nothing_is_offered_that_others_would_have_to_see(
    as_scope: Callable[..., FlaskClient],
) -> None:
    several, one = as_scope(Scope((TOWN, OTHER), ()), "safety"), as_scope(Scope((TOWN,), ()), "safety")
    for path in (f"/metric/{METRICS[0]}", "/metric/drv_driver_cnt"):
        total, single = several.get(path).get_data(as_text=True), one.get(path).get_data(as_text=True)
        for form in ('action="/supervision/open"', 'action="/notes/add"', 'action="/shares/add"'):
            assert form not in total and form in single, (path, form)
    assert several.get(f"/metric/{METRICS[0]}?place={OTHER}").get_data(as_text=True).count('action="/notes/add"') == 1


def test_of_a_vehicle_only_the_days_inside_are_replayed(data: Path, published: Path, whole: Snapshot) -> None:
    """It may have been somebody else's before: what it did then is not the reader's."""
    persons = Reader(published / "published" / f"{whole.id}.restricted.duckdb")
    [(vehicle,)] = persons.rows(
        "SELECT vehicle_key FROM marts.gps_trip WHERE kind = 'drive' GROUP BY 1 ORDER BY count(DISTINCT day) DESC, 1 LIMIT 1"
    )
    people = People(
        Settings(data), Viewer("person", "tracker", "leader", scope=Scope.ALL), "127.0.0.1", whole.id, b"k" * 32
    )
    with app_db.writing(Settings(data).state) as connection:
        connection.execute("INSERT INTO purposes VALUES ('tracker', 'C', '其他履职：核对行程', 9e9)")
    every = people.track("C", vehicle, None, None)
    assert every.days and every.trips and every.day is not None
    some = people.track("C", vehicle, every.day, set(every.days[1:]))
    assert (
        some.day is None and some.trips == [] and every.day not in some.days and len(some.days) == len(every.days) - 1
    )
    assert people.track("C", vehicle, None, set(every.days[1:])).day == every.days[1]


def test_nobody_asks_without_a_scope() -> None:
    found = {field.name: field for field in fields(Viewer)}["scope"]
    assert found.default is MISSING and found.default_factory is MISSING
