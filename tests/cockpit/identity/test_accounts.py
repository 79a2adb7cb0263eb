"""Passwords, locks, sessions and the audit chain, below HTTP; time is passed in."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cockpit.identity import accounts, password_links, passwords, sessions
from cockpit.identity.accounts import ACCOUNT_FAILS, DAY_S, IDLE_DAYS, LOCK_S, Account
from cockpit.identity.throttle import ADDRESS_FAILS, PACE_S
from cockpit.store import app_db
from warehouse.core.errors import Refused, TooSoon, UsageError
from warehouse.query.scope import Scope

PASSWORD = "correct horse battery"
ME = Account("zhang", "leader", "张**")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    accounts.add(tmp_path / "state.sqlite", "zhang", PASSWORD, "leader")
    return tmp_path / "state.sqlite"


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [
        ("zhang2", "short", "leader"),
        ("zhang2", "a-zhang2-password", "leader"),
        ("x", PASSWORD, "leader"),
        ("zhang", PASSWORD, "leader"),
        ("zhang2", PASSWORD, "root"),
        ("zhang2", PASSWORD, "screen"),
        ("a b", PASSWORD, "leader"),
        ("zhang2", "x" * 300, "leader"),
    ],
)
def test_weak_or_odd_accounts_are_refused(path: Path, name: str, password: str, role: str) -> None:
    with pytest.raises(UsageError):
        accounts.add(path, name, password, role)


def test_passwords_are_kept_as_argon2id_only(path: Path) -> None:
    with app_db.reading(path) as connection:
        stored = connection.execute("SELECT password_hash FROM users").fetchone()[0]
    assert stored.startswith("$argon2id$") and PASSWORD not in stored
    assert path.stat().st_mode & 0o077 == 0


def test_five_wrong_guesses_lock_the_account_for_a_quarter_of_an_hour(path: Path) -> None:
    for second in range(ACCOUNT_FAILS):
        assert accounts.check(path, "zhang", "wrong", "10.0.0.1", now=1000.0 + second) is None
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.2", now=1010.0) is None
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.2", now=1000.0 + LOCK_S) is None
    unlocked = accounts.check(path, "zhang", PASSWORD, "10.0.0.2", now=1005.0 + LOCK_S)
    assert unlocked is not None and unlocked.role == "leader"


def test_a_right_password_clears_the_count(path: Path) -> None:
    for _ in range(3):
        for _ in range(ACCOUNT_FAILS - 1):
            assert accounts.check(path, "zhang", "wrong", "10.0.0.1", now=1000.0) is None
        assert accounts.check(path, "zhang", PASSWORD, "10.0.0.9", now=1000.0)


def sprayed(path: Path, now: float) -> None:
    """So many wrong guesses on so many names that their address is slowed."""
    for number in range(ADDRESS_FAILS):
        assert accounts.check(path, f"user{number}", "wrong", "10.0.0.1", now=now) is None


def test_wrong_guesses_from_an_address_lock_nobody_else_there(path: Path) -> None:
    sprayed(path, 1000.0)
    with pytest.raises(TooSoon):
        accounts.check(path, "zhang", PASSWORD, "10.0.0.1", now=1000.5)
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1", now=1000.0 + PACE_S), "slowed, not locked"
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.2", now=1000.5)


def test_whoever_has_signed_in_from_there_before_is_not_even_slowed(path: Path) -> None:
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1", now=500.0)
    sprayed(path, 1000.0)
    for _ in range(3):
        assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1", now=1000.1)


def test_an_address_that_guesses_on_is_held_to_its_pace(path: Path) -> None:
    sprayed(path, 1000.0)
    checked = 0
    for tenth in range(600):
        try:
            accounts.check(path, f"other{tenth}", "wrong", "10.0.0.1", now=1000.0 + tenth / 10)
            checked += 1
        except TooSoon:
            pass
    assert checked <= 60 / PACE_S
    with app_db.reading(path) as connection:
        events = [row["event"] for row in connection.execute("SELECT event FROM audit")]
    assert events.count("login_slowed") == 1 and len(events) < 100, "the log is not filled by whoever is slowed"


def test_what_comes_too_soon_counts_against_no_account(path: Path) -> None:
    sprayed(path, 1000.0)
    for _ in range(50):
        with pytest.raises(TooSoon):
            accounts.check(path, "zhang", "wrong", "10.0.0.1", now=1001.0)
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.7", now=1001.0)


def test_no_quarter_of_an_hour_sees_more_than_five_guesses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[float] = []
    monkeypatch.setattr(passwords, "fits", lambda stored, _: stored != passwords.DECOY and checked.append(clock))
    for second in (0, 890, 892, 894, 901, 903, 905, 907, 909, 1790, 1795, 1801, 1803, 1820):
        clock = 1000.0 + second
        accounts.check(path, "zhang", "wrong", f"10.0.{second % 250}.1", now=clock)
    for began in checked:
        assert sum(began <= each < began + LOCK_S for each in checked) <= ACCOUNT_FAILS


GUESSER = """
import sys
from pathlib import Path
from cockpit.identity import accounts, passwords
real, checked = passwords.fits, 0
def counting(stored, password):
    global checked
    checked += stored != passwords.DECOY
    return False
passwords.fits = counting
for number in range(250):
    try:
        accounts.check(Path(sys.argv[1]), "zhang", f"guess {number}", f"10.{sys.argv[2]}.{number}.1")
    except accounts.TooSoon:
        pass
print(checked)
"""


@pytest.mark.slow
def test_of_a_thousand_tries_by_four_processes_five_are_checked(path: Path) -> None:
    guessers = [
        subprocess.Popen([sys.executable, "-c", GUESSER, str(path), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    assert 1 <= sum(int(one.communicate(timeout=300)[0]) for one in guessers) <= ACCOUNT_FAILS


def test_parallel_guesses_cannot_slip_past_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = passwords.fits

    def counting(stored: str, password: str) -> bool:
        if stored != passwords.DECOY:
            checked.append(password)
        return real(stored, password)

    monkeypatch.setattr(passwords, "fits", counting)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: accounts.check(path, "zhang", f"guess {n}", f"10.0.0.{n}"), range(24)))
    assert len(checked) <= ACCOUNT_FAILS


def test_an_unknown_name_costs_as_much_as_a_known_one(path: Path) -> None:
    def took(name: str, address: str) -> float:
        start = time.perf_counter()
        accounts.check(path, name, "wrong", address)
        return time.perf_counter() - start

    known = min(took("zhang", f"10.0.1.{n}") for n in range(4))
    unknown = min(took(f"nobody{n}", f"10.0.2.{n}") for n in range(4))
    assert 0.4 < unknown / known < 2.5


def test_a_new_password_or_role_ends_every_session(path: Path) -> None:
    first, second = sessions.start(path, ME, "10.0.0.1"), sessions.start(path, ME, "10.0.0.1")
    accounts.set_password(path, "zhang", "another long password")
    assert sessions.find(path, first) is None and sessions.find(path, second) is None
    third = sessions.start(path, ME, "10.0.0.1")
    accounts.set_role(path, "zhang", "analyst")
    assert sessions.find(path, third) is None


def test_a_disabled_account_cannot_log_in(path: Path) -> None:
    accounts.disable(path, "zhang")
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1") is None


def log(path: Path) -> list[tuple[str, str, str]]:
    with app_db.reading(path) as connection:
        rows = connection.execute("SELECT event, who, trim(subject || ' ' || detail) FROM audit ORDER BY seq")
        return [tuple(row) for row in rows]


CHANGES = {
    "user_added": lambda path, by: accounts.add(path, "li", None, "duty", by=by, ip="10.0.0.7"),
    "role_changed": lambda path, by: accounts.set_role(path, "zhang", "analyst", by=by),
    "scope_changed": lambda path, by: accounts.set_scope(path, "zhang", ["330110001"], [], by=by),
    "user_disabled": lambda path, by: accounts.disable(path, "zhang", by=by),
    "user_enabled": lambda path, by: accounts.enable(path, "zhang", by=by),
    "user_unlocked": lambda path, by: accounts.unlock(path, "zhang", by=by),
    "password_changed": lambda path, by: accounts.set_password(path, "zhang", "another long password", by=by),
    "password_reset": lambda path, by: password_links.issue(path, "zhang", by=by),
}


@pytest.mark.parametrize("event", CHANGES)
def test_every_change_is_a_line_under_who_made_it_about_whom_it_was_made(path: Path, event: str) -> None:
    CHANGES[event](path, "sun")
    [(who, detail)] = [(who, detail) for name, who, detail in log(path) if name == event and detail != "zhang leader"]
    assert who == "sun" and detail.split()[0] == ("li" if event == "user_added" else "zhang")


@pytest.mark.parametrize("event", ["role_changed", "scope_changed", "user_disabled", "user_enabled", "user_unlocked"])
def test_nobody_changes_their_own_account(path: Path, event: str) -> None:
    before = accounts.find(path, "zhang"), len(log(path))
    with pytest.raises(Refused, match="自己的账号"):
        CHANGES[event](path, "zhang")
    assert (accounts.find(path, "zhang"), len(log(path))) == before


@pytest.mark.parametrize("role", ["admin", "security", "auditor"])
def test_the_last_administrator_of_each_kind_stays(path: Path, role: str) -> None:
    accounts.add(path, "first", PASSWORD, role)
    for change in (accounts.disable, lambda path, name, by: accounts.set_role(path, name, "leader", by=by)):
        with pytest.raises(Refused, match="最后一个"):
            change(path, "first", by="sun")
    accounts.add(path, "second", PASSWORD, role)
    accounts.disable(path, "second", by="sun")
    with pytest.raises(Refused, match="最后一个"):
        accounts.disable(path, "first", by="sun")
    accounts.enable(path, "second", by="sun")
    accounts.set_role(path, "first", "leader", by="sun")
    found = accounts.find(path, "first")
    assert found and found.role == "leader"
    accounts.disable(path, "first", by="sun")  # a leader may go, also the last


def test_one_who_has_not_signed_in_for_a_quarter_of_a_year_is_no_remaining_administrator(path: Path) -> None:
    for name in ("first", "second"):
        accounts.add(path, name, PASSWORD, "security")
    with app_db.writing(path) as connection:
        connection.execute(
            "UPDATE users SET counted_from = counted_from - ? WHERE name = 'second'", ((IDLE_DAYS + 1) * DAY_S,)
        )
    with pytest.raises(Refused, match="最后一个"):
        accounts.disable(path, "first", by="sun")
    assert accounts.lacking(accounts.everyone(path), time.time()) == ["admin", "auditor"]


def test_an_account_unused_for_ninety_days_is_disabled_when_it_is_tried_and_can_be_enabled(path: Path) -> None:
    now = time.time()
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1", now=now + IDLE_DAYS * DAY_S - 60)
    late = now + IDLE_DAYS * DAY_S + 60
    found = accounts.find(path, "zhang")
    assert found and found.state(late) == "idle" and not found.disabled, "shown before anybody tries"
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1", now=late) is None
    found = accounts.find(path, "zhang")
    assert found and found.disabled and log(path)[-1] == ("user_disabled", "system", "zhang 90 天未登录")
    accounts.enable(path, "zhang", by="sun")
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.1")


def test_signing_in_begins_the_ninety_days_anew(path: Path) -> None:
    with app_db.writing(path) as connection:
        connection.execute("UPDATE users SET counted_from = counted_from - ?", (80 * DAY_S,))
    sessions.start(path, ME, "10.0.0.1")
    found = accounts.find(path, "zhang")
    assert found and found.seen_at and found.state(time.time() + 80 * DAY_S) == "active"


def test_unlocking_ends_the_lock_at_once(path: Path) -> None:
    for _ in range(ACCOUNT_FAILS):
        accounts.check(path, "zhang", "wrong", "10.0.0.1")
    locked = accounts.find(path, "zhang")
    assert locked and locked.state(time.time()) == "locked" and not accounts.check(path, "zhang", PASSWORD, "10.0.0.2")
    accounts.unlock(path, "zhang", by="sun")
    assert accounts.check(path, "zhang", PASSWORD, "10.0.0.2")


def test_a_link_sets_a_password_once_and_the_old_one_is_gone_from_its_issue(path: Path) -> None:
    open_session = sessions.start(path, ME, "10.0.0.1")
    first, token = password_links.issue(path, "zhang", by="sun"), password_links.issue(path, "zhang", by="sun")
    assert not accounts.check(path, "zhang", PASSWORD, "10.0.0.1") and sessions.find(path, open_session) is None
    assert password_links.owner(path, first) is None, "an earlier link dies"
    with pytest.raises(UsageError, match="容易被猜到"):
        password_links.spend(path, token, "aaaaaaaaaaaa")
    assert password_links.spend(path, token, "a sentence of one's own") == "zhang", "a refused password spends nothing"
    assert accounts.check(path, "zhang", "a sentence of one's own", "10.0.0.1")
    for spent in (token, first, "unknown"):
        with pytest.raises(UsageError, match="已使用或已过期"):
            password_links.spend(path, spent, "quite another sentence")
    assert token not in repr(log(path)) and token.encode() not in b"".join(
        f.read_bytes() for f in path.parent.iterdir() if f.is_file()
    )


def test_a_password_that_is_set_otherwise_ends_the_link(path: Path) -> None:
    token = password_links.issue(path, "zhang", by="sun")
    accounts.set_password(path, "zhang", "another long password", by="root")
    assert password_links.owner(path, token) is None


def test_a_link_is_over_after_a_day_and_once_under_many_hands(path: Path) -> None:
    token = password_links.issue(path, "zhang", by="sun")
    assert password_links.owner(path, token, now=time.time() + password_links.VALID_S + 1) is None

    def spend(number: int) -> bool:
        try:
            return bool(password_links.spend(path, token, f"sentence of hand {number}"))
        except UsageError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(8))) == 1


def test_an_account_without_a_password_lets_nobody_in(path: Path) -> None:
    accounts.add(path, "li", None, "duty", "李**", by="sun")
    assert not accounts.check(path, "li", "", "10.0.0.1") and not accounts.check(path, "li", "!", "10.0.0.1")
    found = accounts.find(path, "li")
    assert found and found.state(time.time()) == "invited"


@pytest.mark.parametrize("code", ["a b", "x;--", "镇", "x" * 65])
def test_a_scope_is_codes(path: Path, code: str) -> None:
    accounts.set_scope(path, "zhang", ["330110001", "330110002"], ["91330110MA2ABCDE12"], by="sun")
    with pytest.raises(UsageError, match="范围"):
        accounts.set_scope(path, "zhang", [code], [], by="sun")
    found = accounts.find(path, "zhang")
    assert found and found.towns == ("330110001", "330110002") and found.companies == ("91330110MA2ABCDE12",)


OLD_USERS = """CREATE TABLE users (
    name TEXT PRIMARY KEY, password_hash TEXT NOT NULL, role TEXT NOT NULL, display TEXT NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL, disabled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, ip TEXT NOT NULL, event TEXT NOT NULL,
    detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);"""


def test_the_accounts_of_an_earlier_release_go_on_and_gain_no_right(tmp_path: Path) -> None:
    """An administrator stays the system's and becomes nobody else's; who manages accounts is named on the command
    line. One that was used lately stays; the count begins by the log, or now where the log says nothing."""
    file, now = tmp_path / "state.sqlite", time.time()
    long_ago = now - 400 * DAY_S
    with sqlite3.connect(file) as connection:
        connection.executescript(OLD_USERS)
        for name, role in (("root", "admin"), ("boss", "leader"), ("gone", "analyst"), ("eye", "auditor")):
            row = (name, passwords.hashed(PASSWORD), role, name, long_ago, long_ago)
            connection.execute("INSERT INTO users VALUES (?,?,?,?,?,?,0)", row)
        for seq, (name, at) in enumerate((("boss", now - 10 * DAY_S), ("gone", now - 200 * DAY_S)), 1):
            connection.execute("INSERT INTO audit VALUES (?,?,?,'','login','','','')", (seq, at, name))
    found = {one.name: one for one in accounts.everyone(file)}
    assert {name: one.role for name, one in found.items()} == {
        "root": "admin",
        "boss": "leader",
        "gone": "analyst",
        "eye": "auditor",
    }
    states = {name: one.state(now) for name, one in found.items()}
    assert states == {"root": "active", "boss": "active", "gone": "idle", "eye": "active"}
    assert accounts.check(file, "root", PASSWORD, "10.0.0.1") and accounts.lacking(found.values(), now) == ["security"]
    accounts.add(file, "sun", PASSWORD, "security")
    assert accounts.lacking(accounts.everyone(file), now) == []


def test_a_session_ends_when_idle_and_at_its_absolute_end(path: Path) -> None:
    identifier, start = sessions.start(path, ME, "10.0.0.1"), time.time()
    assert sessions.find(path, identifier, now=start + sessions.IDLE_S - 5)
    assert sessions.find(path, identifier, now=start + 2 * sessions.IDLE_S - 20), "a request keeps it alive"
    assert sessions.find(path, identifier, now=start + 4 * sessions.IDLE_S) is None
    busy = sessions.start(path, ME, "10.0.0.1")
    assert sessions.find(path, busy, idle_s=1e9, now=start + sessions.ABSOLUTE_S + 60) is None


def test_the_heartbeat_does_not_keep_an_abandoned_session_alive(path: Path) -> None:
    identifier, start = sessions.start(path, ME, "10.0.0.1"), time.time()
    for minute in range(1, 15):
        assert sessions.find(path, identifier, touch=False, now=start + minute * 60)
    assert sessions.find(path, identifier, touch=False, now=start + sessions.IDLE_S + 1) is None


def test_session_identifiers_are_not_stored(path: Path) -> None:
    identifier = sessions.start(path, ME, "10.0.0.1")
    assert identifier.encode() not in b"".join(f.read_bytes() for f in path.parent.iterdir() if f.is_file())


def test_a_link_expires(path: Path) -> None:
    assert sessions.spend_link(path, sessions.create_one_time_link(path, valid_s=-1), "127.0.0.1") is None
    assert sessions.spend_link(path, "unknown", "127.0.0.1") is None
    account = sessions.spend_link(path, sessions.create_one_time_link(path, role="analyst"), "::1")
    assert account is not None and account.role == "analyst"


def test_a_kiosk_with_a_fresh_profile_signs_on_again_and_its_old_cookie_dies(path: Path) -> None:
    token = sessions.create_device(path, "hall")
    first = sessions.bind_device(path, token, "hall", "10.1.2.3")
    second = sessions.bind_device(path, token, "hall", "10.1.2.99")
    assert first and second and sessions.find_device(path, first, "10.1.2.3") is None
    seen = sessions.find_device(path, second, "10.1.2.3")
    assert seen is not None and (seen.kind, seen.role, seen.screen) == ("device", "screen", "hall")
    assert sessions.bind_device(path, token, "hall", "10.7.7.7") is None


def test_an_act_and_its_audit_row_stand_or_fall_together(path: Path) -> None:
    with pytest.raises(UsageError):
        accounts.set_role(path, "nobody", "leader")
    with app_db.reading(path) as connection:
        assert connection.execute("SELECT count(*) FROM audit WHERE event='role_changed'").fetchone()[0] == 0


def test_what_an_account_is_limited_to_is_what_its_session_sees(path: Path) -> None:
    accounts.add(path, "li", PASSWORD, "analyst")
    accounts.set_scope(path, "li", ("330110010", "330110009"), ("C1",), by="sun")
    found = accounts.find(path, "li")
    assert found is not None and found.scope == Scope(("330110009", "330110010"), ("C1",))
    viewer = sessions.find(path, sessions.start(path, found, "10.0.0.1"))
    assert viewer is not None and viewer.scope == found.scope
    demo = sessions.find(path, sessions.start(path, Account(sessions.DEMO_USER, "leader", "演示"), "127.0.0.1"))
    assert demo is not None and demo.scope.is_all


def test_a_session_without_an_account_sees_nothing(path: Path) -> None:
    """Nobody knows what it may see."""
    assert sessions.find(path, sessions.start(path, Account("ghost", "leader", "无"), "10.0.0.1")) is None


def test_who_did_something_is_called_by_name_and_the_command_line_in_words(path: Path) -> None:
    accounts.add(path, "t_leader", PASSWORD, "leader", "王局")
    called = accounts.display_names(path)
    assert [called(name) for name in ("t_leader", "cli", "os:root", "schedule", "gone", "")] == [
        "王局",
        accounts.COMMAND_LINE,
        accounts.COMMAND_LINE,
        accounts.UNATTENDED,
        "gone",
        "",
    ]
