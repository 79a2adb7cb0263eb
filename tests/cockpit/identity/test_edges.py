"""Locks, sessions, tokens and lengths on the second and the number they are bound to, one before and one after."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cockpit.identity import accounts, passwords, sessions, throttle, tokens
from cockpit.identity.accounts import ACCOUNT_FAILS, DAY_S, IDLE_DAYS, LOCK_S, Account
from cockpit.store import app_db
from warehouse.core.errors import Refused, UsageError

NOW = 1_800_000_000.0
IDLE_S = IDLE_DAYS * DAY_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def one(**rest: object) -> Account:
    return Account("zhang", "leader", "张**", **{"counted_from": NOW, **rest})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("account", "state"),
    [
        (one(), "active"),
        (one(has_password=False), "invited"),
        (one(locked_until=NOW), "active"),
        (one(locked_until=NOW + 1), "locked"),
        (one(locked_until=NOW + 1, has_password=False), "locked"),
        (one(disabled=True), "disabled"),
        (one(counted_from=NOW - IDLE_S), "active"),
        (one(counted_from=NOW - IDLE_S - 1), "idle"),
        (one(counted_from=NOW - IDLE_S - 1, seen_at=NOW - IDLE_S), "active"),
        (one(counted_from=NOW - IDLE_S, seen_at=NOW - IDLE_S - 1), "active"),
        (one(counted_from=NOW - IDLE_S - 1, disabled=True), "idle"),
    ],
)
def test_an_account_is_in_one_state(account: Account, state: str) -> None:
    assert account.state(NOW) == state


def test_a_kind_of_administrator_is_lacking_when_none_of_it_can_sign_in() -> None:
    every = [Account(role, role, role, counted_from=NOW) for role in ("admin", "security", "auditor")]
    assert accounts.lacking(every, NOW) == []
    assert accounts.lacking(every[1:], NOW) == ["admin"]
    assert accounts.lacking(every, NOW + IDLE_S + 1) == ["admin", "security", "auditor"]
    off = Account("admin", "admin", "admin", disabled=True, counted_from=NOW)
    assert accounts.lacking([off, *every[1:]], NOW) == ["admin"]
    locked = Account("admin", "admin", "admin", counted_from=NOW, locked_until=NOW + 9)
    assert accounts.lacking([locked, *every[1:]], NOW) == [], "a lock ends by itself"


def admitted(path: Path, *seconds: float) -> list[bool]:
    with app_db.writing(path) as connection:
        return [accounts.admit(connection, "user:zhang", ACCOUNT_FAILS, NOW + second) for second in seconds]


def test_a_lock_holds_to_its_second_and_the_count_begins_anew_after_it(path: Path) -> None:
    assert admitted(path, 0, 0, 0, 0, 0) == [True] * 5, "the fifth is still checked"
    assert admitted(path, 1, LOCK_S - 1) == [False, False]
    assert admitted(path, LOCK_S, LOCK_S, LOCK_S, LOCK_S, LOCK_S, LOCK_S) == [True] * 5 + [False]


def test_a_count_lasts_a_quarter_of_an_hour_after_the_last_try(path: Path) -> None:
    assert admitted(path, 0, 0, 0, 0) == [True] * 4
    assert admitted(path, LOCK_S, LOCK_S + 1) == [True, False]
    with app_db.writing(path) as connection:
        connection.execute("DELETE FROM attempts")
    assert admitted(path, 0, 0, 0, 0) == [True] * 4
    assert admitted(path, LOCK_S + 1, LOCK_S + 2) == [True, True]


def tried(path: Path, times: int, second: float, name: str = "zhang") -> list[bool]:
    with app_db.writing(path) as connection:
        return [throttle.admits(connection, name, "10.0.0.1", NOW + second) for _ in range(times)]


def test_an_address_is_slowed_from_its_twentieth_failure_on_and_forgotten_after_a_quarter_of_an_hour(
    path: Path,
) -> None:
    assert tried(path, 21, 0) == [True] * 20 + [False]
    assert tried(path, 1, throttle.PACE_S - 0.1) == [False]
    assert tried(path, 2, throttle.PACE_S) == [True, False]
    assert tried(path, 2, throttle.PACE_S + throttle.WINDOW_S) == [True, False], "on the quarter it is remembered"
    assert tried(path, 20, throttle.PACE_S + 2 * throttle.WINDOW_S + 1) == [True] * 20, "after it, it is not"


def test_a_right_password_is_no_failure_and_is_known_there_for_ninety_days(path: Path) -> None:
    with app_db.writing(path) as connection:
        throttle.learn(connection, "li", "10.0.0.1", NOW - throttle.KNOWN_S - 1)
        throttle.learn(connection, "zhang", "10.0.0.1", NOW)
        assert [row["user"] for row in connection.execute("SELECT user FROM signed_in_from")] == ["zhang"]
    last = throttle.KNOWN_S - 1
    assert tried(path, 25, last) == [True] * 25, "not slowed where it is known"
    assert tried(path, 1, last, "li") == [False]
    with app_db.writing(path) as connection:
        accounts.admit(connection, "user:zhang", 1, NOW + last)
    assert tried(path, 1, last) == [False], "a locked account is no pass"
    with app_db.writing(path) as connection:
        connection.execute("DELETE FROM attempts")
        for _ in range(20):
            throttle.admits(connection, "zhang", "10.0.0.1", NOW + throttle.KNOWN_S)
        throttle.learn(connection, "wu", "10.0.0.1", NOW + throttle.KNOWN_S)
        failed = connection.execute("SELECT failed FROM attempts WHERE scope='ip:10.0.0.1'").fetchone()[0]
        assert failed == 19
        throttle.admits(connection, "zhang", "10.0.0.1", NOW + throttle.KNOWN_S)
        assert not throttle.admits(connection, "zhang", "10.0.0.1", NOW + throttle.KNOWN_S + 1), "known no more"


def test_a_session_ends_on_the_second_and_is_seen_every_half_minute(path: Path) -> None:
    accounts.add(path, "zhang", "correct horse battery", "leader")
    session = sessions.start(path, one(), "10.0.0.1", absolute_s=10_000)
    with app_db.reading(path) as connection:
        began = connection.execute("SELECT seen_at FROM sessions").fetchone()[0]

    def alive(second: float, idle_s: float = 100_000) -> bool:
        return sessions.find(path, session, idle_s=idle_s, now=began + second) is not None

    def seen() -> float:
        with app_db.reading(path) as connection:
            return float(connection.execute("SELECT seen_at FROM sessions").fetchone()[0]) - began

    assert alive(sessions.TOUCH_S) and seen() == 0
    assert alive(sessions.TOUCH_S + 1) and seen() == pytest.approx(sessions.TOUCH_S + 1)
    assert alive(sessions.TOUCH_S + 30, idle_s=30) and not alive(sessions.TOUCH_S + 31, idle_s=30)
    assert alive(9_999) and not alive(10_000)


def test_a_new_session_sweeps_out_what_is_over_and_what_it_replaces(path: Path) -> None:
    accounts.add(path, "zhang", "correct horse battery", "leader")
    sessions.start(path, one(), "10.0.0.1", absolute_s=-1)
    first = sessions.start(path, one(), "10.0.0.1")
    second = sessions.start(path, one(), "10.0.0.1")
    third = sessions.start(path, one(), "10.0.0.1", replaces=second)
    assert [sessions.find(path, each) is not None for each in (first, second, third)] == [True, False, True]
    with app_db.reading(path) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone()[0] == 2
    assert sessions.end(path, first) is False and sessions.end(path, "unknown") is False
    marked = sessions.start(path, one(), "10.0.0.1", marks=["a", "b"])
    assert sessions.end(path, marked) is True, "a single sign-on had opened it"
    sessions.start(path, one(), "10.0.0.1", marks=["a", "b"])
    assert (sessions.end_marked(path, "c"), sessions.end_marked(path, "b"), sessions.end_marked(path, "b")) == (0, 1, 0)


def test_a_link_is_good_for_ten_minutes_at_most(path: Path) -> None:
    for asked, good in ((60.0, 60), (sessions.LINK_S + 60, sessions.LINK_S)):
        sessions.create_one_time_link(path, valid_s=asked, by="zhang")
        with app_db.reading(path) as connection:
            [left] = connection.execute("SELECT expires_at - created_at FROM links ORDER BY rowid DESC").fetchone()
        assert left == pytest.approx(good)


@pytest.mark.parametrize(
    ("network", "bound_from", "inside", "outside"),
    [
        ("", "10.0.0.9", "10.0.0.255", "10.0.1.0"),
        ("", "2001:db8:0:1::5", "2001:db8:0:1:ffff::1", "2001:db8:0:2::5"),
        ("10.0.0.9", "10.0.0.9", "10.0.0.9", "10.0.0.8"),
        ("10.0.0.0/30", "10.0.0.1", "10.0.0.3", "10.0.0.4"),
    ],
)
def test_a_wall_device_stays_in_its_block(path: Path, network: str, bound_from: str, inside: str, outside: str) -> None:
    token = sessions.create_device(path, "hall-1", "zhang", network)
    assert sessions.bind_device(path, token, "hall-2", bound_from) is None
    cookie = sessions.bind_device(path, token, "hall-1", bound_from)
    assert cookie is not None
    assert sessions.find_device(path, cookie, inside) and sessions.find_device(path, cookie, outside) is None
    assert sessions.bind_device(path, token, "hall-1", outside) is None
    assert sessions.move_device(path, 1, outside, "zhang") and sessions.find_device(path, cookie, inside) is None
    assert not sessions.move_device(path, 2, "", "zhang") and not sessions.revoke_device(path, 2)
    assert sessions.revoke_device(path, 1) and not sessions.revoke_device(path, 1)
    assert not sessions.move_device(path, 1, "", "zhang") and sessions.find_device(path, cookie, outside) is None


@pytest.mark.parametrize("days", [0, tokens.MOST_DAYS + 1, -1])
def test_a_token_is_for_a_day_to_a_year(path: Path, days: int) -> None:
    with pytest.raises(UsageError):
        tokens.issue(path, "大数据局", days)
    for good in (1, tokens.MOST_DAYS):
        token = tokens.issue(path, "大数据局", good, by="zhang")
        ends = tokens.every(path)[0].expires_at
        assert ends - time.time() == pytest.approx(good * DAY_S, abs=60)
        assert tokens.find(path, token, ends - 1) and tokens.find(path, token, ends) is None


@pytest.mark.parametrize(
    ("name", "fits"), [("局", False), ("区局", True), ("区" * 40, True), ("区" * 41, False), ("a\nb", False)]
)
def test_a_token_names_its_reader(path: Path, name: str, fits: bool) -> None:
    if fits:
        tokens.issue(path, f" {name} ", 7)
        assert tokens.every(path)[0].name == name
    else:
        with pytest.raises(UsageError):
            tokens.issue(path, name, 7)


def test_a_token_asks_so_often_a_minute_and_the_next_minute_again(path: Path) -> None:
    token, minute = tokens.issue(path, "大数据局", 7), time.time() // 60 * 60 + 60
    asked = [tokens.find(path, token, minute + 59) for _ in range(tokens.PER_MINUTE + 1)]
    assert [answer and answer[1] for answer in asked] == [True] * tokens.PER_MINUTE + [False]
    answer = tokens.find(path, token, minute + 60)
    assert answer and answer[1] and answer[0].kind == "token" and answer[0].scope.is_all
    assert tokens.find(path, token + "x") is None
    assert tokens.every(path)[0].seen_at == pytest.approx(minute + 60)
    assert not tokens.revoke(path, 2) and tokens.revoke(path, 1) and not tokens.revoke(path, 1)
    assert tokens.find(path, token, minute + 61) is None


def test_how_a_token_stands() -> None:
    token = tokens.Token(1, "区局", NOW, "zhang", NOW + 9, None, None)
    assert [token.state(NOW + second) for second in (8, 9)] == ["active", "over"]
    assert tokens.Token(1, "区局", NOW, "zhang", NOW + 9, NOW, None).state(NOW + 99) == "revoked"


@pytest.mark.parametrize(("length", "fits"), [(11, False), (12, True), (256, True), (257, False)])
def test_a_password_has_twelve_to_256_characters(length: int, fits: bool) -> None:
    word = ("xK4-vem2-Qp9s-lw0雨伞慢跑" * 20)[:length]
    if fits:
        passwords.check(word, "zhang")
        assert passwords.fits(passwords.hashed(word), word) and not passwords.fits(passwords.hashed(word), word + "x")
    else:
        with pytest.raises(UsageError, match="12–256"):
            passwords.check(word, "zhang")


def test_the_name_of_the_account_is_in_no_password_and_that_of_the_person_only_estimated() -> None:
    with pytest.raises(UsageError, match="账号名"):
        passwords.check("城东雨伞ZHANG慢跑着的算盘", "zhang", "王立")
    passwords.check("王立城东雨伞慢跑着的蓝色算盘", "zhang", "王立")
    passwords.check("城东雨伞慢跑着的蓝色算盘", "", "")


@pytest.mark.parametrize(
    ("towns", "companies", "fits"),
    [
        (["330110012"], [], True),
        (["a" * 64], [], True),
        (["a" * 65], [], False),
        ([], ["甲"], False),
        ([str(n) for n in range(200)], [], True),
        ([str(n) for n in range(201)], [], False),
        ([], [str(n) for n in range(201)], False),
    ],
)
def test_a_scope_is_a_list_of_codes(path: Path, towns: list[str], companies: list[str], fits: bool) -> None:
    accounts.add(path, "zhang", None, "analyst", "张" * 41)
    if not fits:
        with pytest.raises(UsageError, match="范围写法不对"):
            accounts.set_scope(path, "zhang", towns, companies)
        return
    accounts.set_scope(path, "zhang", towns, companies)
    found = accounts.find(path, "zhang")
    assert found and (found.towns, found.companies) == (tuple(towns), tuple(companies))
    assert found.display == "张" * 40 and not found.has_password and not found.has_factor


def test_an_administrator_has_no_scope_and_the_last_one_remains(path: Path) -> None:
    accounts.add(path, "zhang", None, "security")
    accounts.add(path, "wang", None, "analyst")
    accounts.set_scope(path, "wang", ["330110012"], [], by="zhang")
    for act in (
        lambda: accounts.set_scope(path, "zhang", ["330110012"], [], by="wang"),
        lambda: accounts.set_role(path, "wang", "security", by="zhang"),
        lambda: accounts.set_role(path, "zhang", "analyst", by="wang"),
        lambda: accounts.disable(path, "zhang", by="wang"),
        lambda: accounts.disable(path, "zhang", by="zhang"),
    ):
        with pytest.raises((Refused, UsageError)):
            act()
    accounts.set_role(path, "zhang", "security", by="wang")
    accounts.disable(path, "wang", by="zhang")
    found = accounts.find(path, "wang")
    assert found and found.disabled
    accounts.enable(path, "wang", by="zhang")
    accounts.set_scope(path, "wang", [], [], by="zhang")
    accounts.set_role(path, "wang", "security", by="zhang")
    accounts.disable(path, "zhang", by="wang")
