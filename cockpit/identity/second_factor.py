"""The second factor: a code of six digits that changes every half minute (TOTP, RFC 6238), and recovery codes for when
the phone is lost. No HTTP.

A code opens once: the last step that was taken is stored, in the same transaction in which it is compared, so that a
code that was looked over a shoulder is worth nothing. Clocks may differ by one step. The shared secret lies encrypted
in state.sqlite, under a key that is not in it; of the recovery codes there are only hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
import time
from pathlib import Path

import pyotp

from cockpit.identity import accounts
from cockpit.presentation.texts import BRAND
from cockpit.store import app_db, audit
from warehouse.core import keys
from warehouse.core.settings import Settings

STEP_S = 30
TOLERANCE = 1
FAILS = 5
"""So many wrong codes within a quarter of an hour, then none is compared for as long."""
RECOVERY_CODES = 10
KEY = "second-factor"
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 that are not mistaken for each other on paper."""
_DIGITS = re.compile(r"\d{6}")


def new_secret() -> str:
    """A secret for an authenticator, in base 32."""
    return pyotp.random_base32()


def uri(name: str, secret: str) -> str:
    """What the QR code says: the account and the secret, as authenticators read them."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=BRAND)


def step_of(secret: str, typed: str, now: float) -> int | None:
    """The half minute whose code was typed, None when it is none of those that count now."""
    code = re.sub(r"\s", "", typed)
    if not (code.isascii() and _DIGITS.fullmatch(code)):
        return None
    here, totp = int(now // STEP_S), pyotp.TOTP(secret)
    steps = range(here - TOLERANCE, here + TOLERANCE + 1)
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)), None)


def is_set_up(path: Path, name: str) -> bool:
    """Whether the account has a second factor."""
    with app_db.reading(path) as connection:
        return connection.execute("SELECT 1 FROM second_factor WHERE user=?", (name,)).fetchone() is not None


def set_up(
    settings: Settings, name: str, secret: str, typed: str, *, ip: str = "", now: float | None = None
) -> list[str] | None:
    """Makes a secret the account's second factor when its code was typed; returns the recovery codes, shown this once.
    None for a wrong code, after too many of them, and when there is a second factor already."""
    moment = time.time() if now is None else now
    codes = [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    ]
    sealed = keys.Vault(settings.keys, KEY).seal(secret.encode(), name.encode())
    with app_db.writing(settings.state) as connection:
        admitted = accounts.admit(connection, f"code:{name}", FAILS, moment)
        step = step_of(secret, typed, moment) if admitted else None
        if step is None:
            audit.append(connection, "factor_failed", who="", subject=name, ip=ip, result=audit.REFUSED, now=moment)
            return None
        added = connection.execute(
            "INSERT OR IGNORE INTO second_factor VALUES (?,?,?,?)", (name, sealed, step, moment)
        ).rowcount
        if not added:
            return None
        connection.execute("DELETE FROM recovery_code WHERE user=?", (name,))
        connection.executemany(
            "INSERT INTO recovery_code VALUES (?,?,NULL)", [(name, _hash(settings, name, code)) for code in codes]
        )
        connection.execute("DELETE FROM attempts WHERE scope=?", (f"code:{name}",))
        audit.append(connection, "factor_added", who=name, subject=name, ip=ip, now=moment)
    return codes


def check(settings: Settings, name: str, typed: str, *, ip: str = "", now: float | None = None) -> bool:
    """Whether what was typed is the account's code of now, or a recovery code: each opens once. Counts wrong ones; after
    FAILS of them nothing is compared for a quarter of an hour."""
    moment = time.time() if now is None else now
    with app_db.writing(settings.state) as connection:
        admitted = accounts.admit(connection, f"code:{name}", FAILS, moment)
        row = connection.execute("SELECT secret, step FROM second_factor WHERE user=?", (name,)).fetchone()
        event = ""
        if admitted and row is not None:
            secret = keys.Vault(settings.keys, KEY).open(row["secret"], name.encode()).decode()
            step = step_of(secret, typed, moment)
            if step is not None and step > row["step"]:
                connection.execute("UPDATE second_factor SET step=? WHERE user=?", (step, name))
                event = "factor_passed"
            elif step is None and _recover(settings, connection, name, typed, moment):
                event = "factor_recovered"
        if event:
            connection.execute("DELETE FROM attempts WHERE scope=?", (f"code:{name}",))
        if event == "factor_recovered":
            audit.append(connection, event, who=name, subject=name, ip=ip, now=moment)
        elif not event:  # a code that passes leads to the log-in, which is a line of its own
            refusal = "factor_failed" if admitted else "factor_locked"
            audit.append(connection, refusal, who="", subject=name, ip=ip, result=audit.REFUSED, now=moment)
    return bool(event)


def _recover(settings: Settings, connection: sqlite3.Connection, name: str, typed: str, now: float) -> bool:
    done = connection.execute(
        "UPDATE recovery_code SET used_at=? WHERE user=? AND code_hash=? AND used_at IS NULL",
        (now, name, _hash(settings, name, typed)),
    )
    return done.rowcount == 1


def _hash(settings: Settings, name: str, code: str) -> str:
    """What is stored of a recovery code: without the key, which is not in the file, its 50 bits cannot be tried."""
    plain = re.sub(r"[\s\-]", "", code).upper()
    return hmac.new(keys.secret(settings.keys, KEY), f"{name}:{plain}".encode(), hashlib.sha256).hexdigest()


def left(path: Path, name: str) -> int:
    """How many recovery codes are not used yet."""
    with app_db.reading(path) as connection:
        row = connection.execute("SELECT count(*) FROM recovery_code WHERE user=? AND used_at IS NULL", (name,))
        return int(row.fetchone()[0])


def reset(path: Path, name: str, *, by: str = "", ip: str = "") -> None:
    """Takes the second factor and the recovery codes away and ends the sessions; the next log-in sets up a new one.
    Raises Refused for one's own account, UsageError for an unknown name."""
    with app_db.writing(path) as connection:
        accounts.others_only(name, by)
        accounts.present(connection, name)
        for table in ("second_factor", "recovery_code", "sessions"):
            connection.execute(f"DELETE FROM {table} WHERE user=?", (name,))
        connection.execute("DELETE FROM attempts WHERE scope=?", (f"code:{name}",))
        accounts.note(connection, "factor_reset", name, by, ip)
