"""The audit log holds against whoever can write its file: without the key no change goes unseen."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.identity import accounts, sessions
from cockpit.store import app_db, audit, audit_anchor
from tests.flips import FLIPS, flip, write
from warehouse.core.errors import Refused, UsageError
from warehouse.core.settings import Options, Settings

ROOT = Path(__file__).resolve().parents[3]
DAY_S = 86_400.0
OLD = """CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, ip TEXT NOT NULL, event TEXT NOT NULL,
    detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path)


@pytest.fixture
def logged(settings: Settings) -> Settings:
    """Eight rows, an anchor after the sixth."""
    for number in range(6):
        audit.record(settings.state, "denied", who="zhang", subject=f"/page/{number}", result=audit.REFUSED)
    audit_anchor.make(settings)
    for number in range(2):
        audit.record(settings.state, "exported", who="li", subject=f"/metric/{number}")
    assert audit_anchor.check(settings).faults == ()
    return settings


def tamper(settings: Settings, script: str) -> None:
    """As somebody who holds the file: no trigger stops him."""
    with sqlite3.connect(settings.state) as connection:
        connection.executescript(f"DROP TRIGGER audit_kept; DROP TRIGGER audit_held; {script}")


def rows(settings: Settings) -> list[sqlite3.Row]:
    with app_db.reading(settings.state) as connection:
        return list(connection.execute("SELECT * FROM audit ORDER BY seq"))


TAMPERINGS = {
    "edit of the actor": "UPDATE audit SET who='wang' WHERE seq=3",
    "edit of the subject": "UPDATE audit SET subject='/nothing' WHERE seq=3",
    "edit of the purpose": "UPDATE audit SET purpose='x' WHERE seq=3",
    "edit of the result": "UPDATE audit SET result='done' WHERE seq=3",
    "edit of the time": "UPDATE audit SET at=at+1 WHERE seq=3",
    "edit of the newest, no anchor yet": "UPDATE audit SET who='wang' WHERE seq=8",
    "the key is said away": "UPDATE audit SET keyed=0 WHERE seq=8",
    "delete": "DELETE FROM audit WHERE seq=3",
    "delete and close the gap": "DELETE FROM audit WHERE seq=3; UPDATE audit SET seq=seq-1 WHERE seq>3",
    "reorder": "UPDATE audit SET seq=99 WHERE seq=3; UPDATE audit SET seq=3 WHERE seq=4; UPDATE audit SET seq=4 WHERE seq=99",
    "truncated end": "DELETE FROM audit WHERE seq>4",
    "deletion of all rows": "DELETE FROM audit",
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_whatever_is_done_to_the_rows_is_found(logged: Settings, how: str) -> None:
    tamper(logged, TAMPERINGS[how])
    found = audit_anchor.check(logged)
    assert found.faults, how
    assert audit_anchor.last_check(logged.state) == found
    booked = [row for row in rows(logged) if row["event"] == "audit_broken"]
    assert len(booked) == 1 and booked[0]["result"] == audit.FAILED
    assert len(audit_anchor.check(logged).faults) >= 1


def rewritten(settings: Settings, hashed: str) -> None:
    """The whole chain anew, with other actors and hashes that fit each other, by somebody without the key."""
    previous, script = audit.GENESIS, ["DELETE FROM audit"]
    for row in rows(settings):
        plain = (row["seq"], row["at"], "nobody", row["ip"], row["event"], row["detail"])
        made = hashlib.sha256(f"{previous}{json.dumps(plain, ensure_ascii=False)}".encode()).hexdigest()
        keyed = int(hashed == "keyed")
        script.append(
            f"INSERT INTO audit (seq, at, who, ip, event, detail, previous, hash, keyed) VALUES ({row['seq']}, {row['at']!r}, 'nobody', '', '{row['event']}', '', '{previous}', '{made}', {keyed})"
        )
        previous = made
    tamper(settings, "; ".join(script))


@pytest.mark.parametrize("hashed", ["keyed", "plain"])
def test_a_chain_rewritten_without_the_key_is_found(logged: Settings, hashed: str) -> None:
    rewritten(logged, hashed)
    assert audit_anchor.check(logged).faults


def test_a_rewritten_chain_is_not_taken_over_by_the_key(logged: Settings) -> None:
    rewritten(logged, "plain")
    audit.take_over(logged.state)
    audit.record(logged.state, "denied", who="li")
    assert any("重写过" in fault for fault in audit_anchor.check(logged).faults)


def test_rows_after_a_deletion_of_all_do_not_hide_it(logged: Settings) -> None:
    tamper(logged, "DELETE FROM audit")
    for _ in range(20):
        audit.record(logged.state, "denied", who="li")
    assert any("第 6 条与锚不符" in fault for fault in audit_anchor.check(logged).faults)


def test_no_anchor_is_made_for_a_log_that_has_become_shorter(logged: Settings) -> None:
    tamper(logged, "DELETE FROM audit WHERE seq>4")
    line, faults = audit_anchor.make(logged)
    assert "count=6" in line and "锚记到第 6 条" in faults[0]


@pytest.mark.parametrize("how", ["edit", "first line out", "all out"])
def test_anchors_themselves_cannot_be_changed_or_taken_out(settings: Settings, how: str) -> None:
    now = time.time()
    with app_db.writing(settings.state) as connection:
        audit.append(connection, "denied", who="li", now=now - 3 * DAY_S)
    audit_anchor.make(settings, now=now - 3 * DAY_S)
    audit.record(settings.state, "denied", who="li")
    audit_anchor.make(settings, now=now)
    assert audit_anchor.check(settings).faults == ()
    file = audit.anchors(settings.state)
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == 2
    changed = {"edit": lines[0].replace("count=1", "count=2") + lines[1], "first line out": lines[1], "all out": ""}
    file.write_text(changed[how])
    assert audit_anchor.check(settings).faults


def test_an_anchor_from_a_mail_is_held_against_the_log(logged: Settings) -> None:
    line = audit.anchors(logged.state).read_text().strip()
    assert audit_anchor.agrees(logged, f"> {line}") == []
    audit.anchors(logged.state).unlink()
    tamper(logged, "DELETE FROM audit WHERE seq>4")
    assert audit_anchor.agrees(logged, line) == ["日志末尾不见了：锚记到第 6 条，现在只到第 4 条"]
    with pytest.raises(UsageError):
        audit_anchor.agrees(logged, "hello")


def test_an_unchanged_log_needs_no_other_anchor(logged: Settings) -> None:
    first, _ = audit_anchor.make(logged)
    assert audit_anchor.make(logged) == (first, [])
    assert len(audit.anchors(logged.state).read_text().splitlines()) == 2


def test_an_anchor_that_cannot_be_written_is_said_and_stops_nothing(logged: Settings) -> None:
    file = audit.anchors(logged.state)
    file.unlink()
    file.mkdir()
    line, faults = audit_anchor.make(logged)
    assert line == "" and str(file) in faults[0] and "属主" in faults[0]
    assert any("读不出来" in fault for fault in audit_anchor.check(logged).faults)


@pytest.fixture
def log_host() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        yield listener


def test_an_anchor_goes_to_the_system_log(tmp_path: Path, log_host: socket.socket) -> None:
    settings = Settings(tmp_path, Options(syslog=f"127.0.0.1:{log_host.getsockname()[1]}"))
    audit.record(settings.state, "denied", who="li")
    line, faults = audit_anchor.make(settings)
    assert faults == [] and line.encode() in log_host.recv(4096)
    nowhere = Settings(tmp_path, Options(syslog=str(tmp_path / "no-socket")))
    audit.record(settings.state, "denied", who="li")
    assert "syslog" in audit_anchor.make(nowhere)[1][0]


def test_the_key_is_a_secret_of_its_own(logged: Settings) -> None:
    file = logged.keys / "audit.key"
    assert file.stat().st_mode & 0o777 == 0o600 and len(file.read_bytes()) == 32
    file.chmod(0o644)
    with pytest.raises(Refused):
        audit.record(logged.state, "denied", who="li")


def test_the_log_of_an_earlier_release_is_taken_over_with_its_rows(settings: Settings) -> None:
    previous = audit.GENESIS
    with sqlite3.connect(settings.state) as connection:
        connection.executescript(OLD)
        for seq in range(1, 5):
            row = (seq, 1000.5 + seq, "zhang", "10.0.0.1", "login", "leader")
            made = hashlib.sha256(f"{previous}{json.dumps(row, ensure_ascii=False)}".encode()).hexdigest()
            connection.execute("INSERT INTO audit VALUES (?,?,?,?,?,?,?,?)", (*row, previous, made))
            previous = made
    audit.take_over(settings.state)
    audit_anchor.make(settings)
    assert audit_anchor.check(settings).faults == ()
    kept = rows(settings)
    assert [row["keyed"] for row in kept] == [0, 0, 0, 0, 1, 1]
    assert (kept[4]["event"], kept[4]["subject"], kept[4]["detail"]) == (audit.TAKEN_OVER, "1–4", previous)
    assert audit.verify(settings.state).keyed_from == 5
    tamper(settings, "UPDATE audit SET who='li' WHERE seq=2")
    assert "第 2 条被改动过" in audit_anchor.check(settings).faults


def test_account_changes_are_booked_under_the_one_who_does_them(settings: Settings) -> None:
    accounts.add(settings.state, "zhang", "correct horse battery", "leader", by="admin")
    accounts.set_role(settings.state, "zhang", "analyst")
    sessions.create_one_time_link(settings.state)
    assert [(row["event"], row["who"], row["subject"]) for row in rows(settings)] == [
        ("user_added", "admin", "zhang"),
        ("role_changed", audit.operator(), "zhang"),
        ("link_created", audit.operator(), "demo"),
    ]
    assert audit.operator().startswith("os:")


def test_the_log_cannot_be_changed_or_emptied_by_our_own_hand(logged: Settings) -> None:
    for statement in ("UPDATE audit SET who='li'", "DELETE FROM audit WHERE at < 1"):
        with pytest.raises(sqlite3.IntegrityError), app_db.writing(logged.state) as connection:
            connection.execute(statement if "UPDATE" in statement else "DELETE FROM audit")


def test_nothing_in_the_product_deletes_from_the_log() -> None:
    """It is needed for three years at least, so nothing ages out of it."""
    code = [file.read_text() for folder in ("cockpit", "warehouse", "etl") for file in (ROOT / folder).rglob("*.py")]
    assert not any(re.search(r"(DELETE FROM|UPDATE|DROP TABLE( IF EXISTS)?) audit\b", text) for text in code)


def test_every_entry_names_an_actor_or_is_of_nobody_known() -> None:
    """Whoever writes `who=""` says that nobody had signed in; only sign-ins that failed are such."""
    found = {
        match
        for file in (ROOT / "cockpit").rglob("*.py")
        for match in re.findall(r'append\(\s*connection,\s*"?(\w+)"?,\s*who=""', file.read_text())
    }
    assert found == {"event", "login_slowed", "link_refused", "device_refused", "factor_failed", "refusal"}


def test_any_flipped_bit_of_the_log_and_of_its_anchors_is_noticed(logged: Settings) -> None:
    """The bits of the rows, where SQLite keeps them in the file, and of the anchors."""
    audit_anchor.make(logged)
    with sqlite3.connect(logged.state) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cells = [
            (row[0] + row[1]).encode()
            for row in connection.execute("SELECT previous, hash FROM audit ORDER BY seq").fetchall()
        ]
        connection.execute("PRAGMA journal_mode=DELETE")
    dice, whole = random.Random(20261123), logged.state.read_bytes()
    anchors = audit.anchors(logged.state)
    for number in range(FLIPS):
        if number % 3 == 0:
            before = flip(anchors, dice)
            assert audit_anchor.known(logged)[1] or audit_anchor.check(logged).faults, number
            write(anchors, before)
            continue
        cell = cells[dice.randrange(len(cells))]
        start = whole.rindex(cell) if whole.count(cell) else whole.index(cell[64:]) - 64
        flip(logged.state, dice, first=start - 8, last=start + len(cell))
        try:
            faults = audit.verify(logged.state, audit_anchor.known(logged)[0]).faults
        except sqlite3.Error:
            faults = ("unreadable",)
        assert faults, number
        for journal in logged.data.glob(f"{logged.state.name}-*"):
            journal.unlink()
        write(logged.state, whole)
    assert audit_anchor.check(logged).faults == ()


def test_a_row_is_in_the_files_as_soon_as_it_is_written(settings: Settings, tmp_path: Path) -> None:
    """While a server stands by, a write no longer brings the log into the file: what a power cut leaves are both."""
    standing = app_db.stand_open(settings.state)
    for number in range(1, 4):
        audit.record(settings.state, "exported", who="li", subject=f"/metric/{number}")
        assert Path(f"{settings.state}-wal").stat().st_size > 0, "nobody has closed the last connection"
        cut = tmp_path / f"cut-{number}"
        cut.mkdir()
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{settings.state}{suffix}", f"{cut / settings.state.name}{suffix}")
        with sqlite3.connect(cut / settings.state.name) as left:
            assert left.execute("SELECT count(*) FROM audit WHERE event = 'exported'").fetchone() == (number,)
    assert audit.verify(settings.state).faults == ()
    standing.close()
