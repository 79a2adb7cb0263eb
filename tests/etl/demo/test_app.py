"""The mini-program's stand-in: OAuth2, cursors, entity tags, pace; the ledger of points; defects of volunteers and
accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from etl.demo.app import points, users, volunteers
from etl.demo.server import runner
from etl.demo.world import clock
from etl.demo.world.world import World
from tests.etl.demo.conftest import STARTED

NOW = STARTED + timedelta(minutes=10)
TOKEN, LIST = "/mp/oauth2/token", "/mp/api/v2/"


class App:
    """Asks as a client of the mini-program would."""

    def __init__(self, server: runner.Server) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.secret = server.client_secret
        answer = self.http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=("zhengbei", self.secret)).json()
        assert answer["token_type"] == "Bearer" and answer["expires_in"] == 3600
        self.head = {"Authorization": f"Bearer {answer['access_token']}"}

    def get(self, entity: str, headers: dict[str, str] | None = None, **query: str | int) -> httpx.Response:
        return self.http.get(LIST + entity, params=query, headers=self.head | (headers or {}))

    def rows(self, entity: str, since: datetime, until: datetime, limit: int = 500) -> list[dict]:
        rows, cursor = [], ""
        while True:
            body = self.get(
                entity,
                updated_from=since.isoformat(),
                updated_to=until.isoformat(),
                limit=limit,
                **({"cursor": cursor} if cursor else {}),
            ).json()
            assert body["count"] == len(body["items"]) <= limit
            rows += body["items"]
            cursor = body["next_cursor"]
            if cursor is None:
                return rows


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[App]:
    server = runner.serve(folder, clock.frozen(NOW))
    yield App(server)
    server.stop()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests ask faster than a client should."""
    monkeypatch.setattr("etl.demo.app.http.Pace.is_too_fast", lambda self: False)


@pytest.mark.parametrize(
    "data, auth, status, error",
    [
        ({"grant_type": "client_credentials"}, ("zhengbei", "错"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "password"}, "right", 400, "unsupported_grant_type"),
        ({}, "right", 400, "invalid_request"),
    ],
)
def test_a_token_is_given_for_the_right_client_and_grant_only(
    app: App, data: dict, auth: tuple | str | None, status: int, error: str
) -> None:
    answer = app.http.post(TOKEN, data=data, auth=("zhengbei", app.secret) if auth == "right" else auth)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_list_wants_a_token_of_its_own_system(app: App) -> None:
    other = app.http.post("/gps/oauth/token", json={"client_id": "zhengbei", "client_secret": app.secret}).json()[
        "data"
    ]["access_token"]
    for head in ({}, {"Authorization": f"Bearer {other}"}):
        assert app.http.get(LIST + "users", headers=head).status_code == 401


@pytest.mark.parametrize("entity", ["users", "event_days", "volunteer_activities", "points", "orders", "goods"])
def test_pages_of_a_cursor_lose_nothing_and_windows_join(app: App, entity: str) -> None:
    since = NOW - timedelta(days=800)
    whole = app.rows(entity, since, NOW)
    assert whole and whole == app.rows(entity, since, NOW, limit=7)
    stamp = "created_at" if entity == "points" else "updated_at"
    middle = datetime.fromisoformat(whole[len(whole) // 2][stamp]).replace(tzinfo=clock.SHANGHAI)
    parts = app.rows(entity, since, middle) + app.rows(entity, middle, NOW)
    key = lambda row: sorted((k, str(v)) for k, v in row.items())  # noqa: E731
    assert {str(key(row)) for row in whole} <= {str(key(row)) for row in parts}


def test_a_first_page_that_has_not_changed_is_not_sent_again(app: App) -> None:
    query = {"updated_from": (NOW - timedelta(days=30)).isoformat(), "updated_to": NOW.isoformat()}
    first = app.get("points", **query)
    assert first.status_code == 200 and first.headers["ETag"]
    same = app.get("points", {"If-None-Match": first.headers["ETag"]}, **query)
    assert same.status_code == 304 and not same.content


def test_updated_to_is_capped_to_the_clock_and_bad_questions_are_refused(app: App) -> None:
    assert app.get("points", updated_to=(NOW + timedelta(days=1)).isoformat()).json()["updated_to"] == NOW.isoformat(
        timespec="seconds"
    )
    assert app.get("nothing").status_code == 404
    for query in ({"limit": "0"}, {"updated_from": "gestern"}, {"cursor": "x"}):
        assert app.get("points", **query).status_code == 400


def test_who_asks_too_fast_is_told_to_wait(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    answers = [app.get("goods") for _ in range(30)]
    late = [a for a in answers if a.status_code == 429]
    assert late and all(a.headers["Retry-After"] == "1" for a in late)


def ledger(world: World) -> list[tuple[int, int, int, str, str, int, int]]:
    months = range(clock.month_of(world.first_day), clock.month_of(world.anchor_day) + 1)
    return [entry for month in months for entry in points.month_ledger(world, month).entries]


@pytest.fixture(scope="module")
def large() -> World:
    return World(5, 500, STARTED, history_days=400)


def test_the_ledger_of_points_balances_in_a_clean_world(large: World) -> None:
    balance: dict[int, int] = {}
    booked = set()
    for number, user, delta, kind, biz_no, after, _ in ledger(replace(large, clean=True)):
        balance[user] = balance.get(user, 0) + delta
        assert balance[user] == after >= 0, number
        assert (kind, biz_no) not in booked
        booked.add((kind, biz_no))
    assert len(booked) > 1000


def test_the_ledger_breaks_only_where_it_was_planted(large: World) -> None:
    months = [
        points.month_ledger(large, m)
        for m in range(clock.month_of(large.first_day), clock.month_of(large.anchor_day) + 1)
    ]
    planted = {name for month in months for name in month.planted}
    entries = [entry for month in months for entry in month.entries]
    assert [e[0] for e in entries] == sorted({e[0] for e in entries})
    names = [f"{e[3]}|{e[4]}" for e in entries]
    twice = {name for name in names if names.count(name) > 1}
    cancelled = {
        f"CANCEL|{o[0]}"
        for month in months
        for o in month.orders
        if o[6] == "取消" and o[5] < clock.local_second(large.started_at)
    }
    lost = {f"{kind}|{no}" for kind, no in (p.split("|") for p in planted if not p.startswith("CANCEL"))} - set(names)
    assert twice and twice <= planted
    assert lost and cancelled - set(names) and cancelled - set(names) <= planted


def test_volunteers_spoil_only_what_was_planted(large: World) -> None:
    months = range(clock.month_of(large.first_day), clock.month_of(large.anchor_day) + 1)
    clean = replace(large, clean=True)
    for month in months:
        table = volunteers.month_records(clean, month)
        assert ((table["end_s"] > table["start_s"]) & (table["end_s"] - table["start_s"] < 12 * 3600)).all()
        assert not volunteers.spoilt_records(clean, month)
    kinds = {month % 4 for month in months if volunteers.spoilt_records(large, month)}
    assert kinds == {0, 1, 2, 3}


def test_some_drivers_have_two_accounts_and_some_are_bound_by_phone_only(large: World) -> None:
    table = users.users(large)
    twice = table[table["driver"] >= 0].groupby("driver").size()
    assert (twice == 2).sum() == large.rates.d25_two_phones and twice.max() == 2
    assert ((table["bind_day"] >= 0) & ~table["with_id"]).any()
    clean = users.users(replace(large, clean=True))
    assert clean[clean["driver"] >= 0]["driver"].is_unique and clean["with_id"].all()
