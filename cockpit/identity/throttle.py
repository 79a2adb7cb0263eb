"""How fast an address may try passwords. Owns the rows "ip:…" of the table `attempts` and the table `signed_in_from`;
how often an account may be tried is said in accounts.py.

An address may be a whole bureau behind one proxy, so it is never locked: one that has failed often is slowed to a try
every few seconds. Not even that holds for an account that has signed in from there before: whoever guesses next door
does not keep anybody from work. A try that comes too soon is not checked and counts against no account."""

from __future__ import annotations

import sqlite3

from cockpit.store import audit

ADDRESS_FAILS = 20
WINDOW_S = 15 * 60
PACE_S = 2.0
"""Between two tries from an address that has failed ADDRESS_FAILS times without WINDOW_S of peace: 1,800 an hour at most,
over all accounts, and each account has its own five."""
KNOWN_S = 90 * 86_400


def admits(connection: sqlite3.Connection, name: str, ip: str, now: float) -> bool:
    """Counts a try of an address before it is checked; False when it comes too soon. In the caller's transaction."""
    scope = f"ip:{ip}"
    row = connection.execute("SELECT failed, since, locked_until FROM attempts WHERE scope=?", (scope,)).fetchone()
    failed = row["failed"] if row and now - row["since"] <= WINDOW_S else 0
    if failed >= ADDRESS_FAILS and row["locked_until"] > now and not _known(connection, name, ip, now):
        return False
    next_at = now + PACE_S if failed + 1 >= ADDRESS_FAILS else 0
    connection.execute("INSERT OR REPLACE INTO attempts VALUES (?,?,?,?)", (scope, failed + 1, now, next_at))
    if failed + 1 == ADDRESS_FAILS:
        audit.append(connection, "login_slowed", who="", ip=ip, subject=ip, result=audit.REFUSED, now=now)
    return True


def learn(connection: sqlite3.Connection, name: str, ip: str, now: float) -> None:
    """The try was right: it was no failure, and the account is known at that address from now on."""
    connection.execute("UPDATE attempts SET failed=max(0, failed-1) WHERE scope=?", (f"ip:{ip}",))
    connection.execute("DELETE FROM signed_in_from WHERE at<?", (now - KNOWN_S,))
    connection.execute("INSERT OR REPLACE INTO signed_in_from VALUES (?,?,?)", (name, ip, now))


def _known(connection: sqlite3.Connection, name: str, ip: str, now: float) -> bool:
    """Whether the account has signed in from there of late and is not locked."""
    found = connection.execute(
        "SELECT 1 FROM signed_in_from WHERE user=? AND ip=? AND at>? "
        "AND NOT EXISTS (SELECT 1 FROM attempts WHERE scope='user:'||user AND locked_until>?)",
        (name, ip, now - KNOWN_S, now),
    ).fetchone()
    return found is not None
