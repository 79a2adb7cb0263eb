"""The passport of a number: ten characters on screen, in an export and on paper that open exactly that number again.

Made from the whole question (metric, window, period, place, filters, generation), so the same number has the same
passport wherever it is met. Owns the table `passport` of state.sqlite and /n/<id>; what the number was stays known
there when its snapshot is long gone."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, redirect
from werkzeug.wrappers import Response

from cockpit.identity import gate
from cockpit.presentation import format as fmt
from cockpit.presentation.address import Address
from cockpit.store import app_db
from warehouse.compile.reading import DISTRICT, Reading
from warehouse.core.errors import DataMissing, PageMissing
from warehouse.core.settings import Settings
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it is mistaken for something else when it is read out or typed from paper."""
LENGTH = 10
TYPED = str.maketrans("OIL", "011", "- ")
SHAPE = re.compile(rf"[{LETTERS}]{{{LENGTH}}}")
MOST_REMEMBERED = 20_000

_remembered: set[tuple[Path, str]] = set()
"""What this process has written already: a page that is read often writes once."""


@dataclass(frozen=True)
class Passport:
    """href: the page of the number, with its generation. label: metric, place and period in words. shown: the number as
    it was printed."""

    id: str
    href: str
    label: str
    shown: str
    generation: str


def address_of(reading: Reading, only: str | None = None) -> str:
    """The one address of a number: whoever asks for it, and however, gets the same."""
    at = "" if reading.window == "now" else fmt.period_key(reading.window, reading.win_start)
    place = "" if reading.place.code == DISTRICT else reading.place.code
    return Address(f"/metric/{reading.metric}", {}).here(
        window=reading.window, at=at, place=place, only=only, as_of=reading.generation
    )


def id_of(href: str) -> str:
    """The passport of an address."""
    number = int.from_bytes(hashlib.sha256(href.encode()).digest()[:8], "big")
    return "".join(LETTERS[number >> 5 * place & 31] for place in reversed(range(LENGTH)))


def issue(file: Path, reading: Reading, decimals: int, only: str | None = None) -> str:
    """The passport of a reading, kept so that it can be opened."""
    href = address_of(reading, only)
    made = id_of(href)
    if (file, made) not in _remembered:
        when = "" if reading.window == "now" else f" · {fmt.period(reading.window, reading.win_start, reading.win_end)}"
        where = "" if reading.place.code == DISTRICT else f" · {reading.place.label}"
        with app_db.writing(file) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO passport (id, href, label, shown, generation, made_at) VALUES (?,?,?,?,?,?)",
                (
                    made,
                    href,
                    f"{reading.label}{where}{when}",
                    str(fmt.reading(reading, decimals)),
                    reading.generation,
                    time.time(),
                ),
            )
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered.add((file, made))
    return made


def spaced(passport: str) -> str:
    """As it is printed: two groups of five."""
    return f"{passport[:5]}-{passport[5:]}"


def find(file: Path, typed: str) -> Passport | None:
    """The number behind what somebody typed; small letters, blanks, hyphens and O for 0 are forgiven. None when there
    is none."""
    requested = typed.upper().translate(TYPED)
    if not SHAPE.fullmatch(requested):
        return None
    with app_db.reading(file) as connection:
        row = connection.execute(
            "SELECT id, href, label, shown, generation FROM passport WHERE id = ?", (requested,)
        ).fetchone()
    return Passport(*row) if row else None


def is_within(book: Snapshot, found: Passport) -> bool:
    """Whether a number is of a place that the book holds: elsewhere it is not told, nor that there is one."""
    path, _, search = found.href.partition("?")
    return book.scope.is_all or book.known(Address.parse(path, search).get("place") or "") is not None


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /n/<id>."""

    @server.get("/n/<typed>")
    def number(typed: str) -> Response:
        found = find(settings.state, typed[:40])
        scope = gate.viewer().scope
        if found is None or not is_within(library.current(scope), found):
            raise PageMissing(
                "没有这个溯源码", where=typed[:40], to_do="请核对十位编号；字母 O 与数字 0、字母 I 与数字 1 不区分"
            )
        try:
            library.open(found.generation, scope)
        except DataMissing as gone:
            raise DataMissing(
                f"{found.label}：{found.shown}",
                where=f"快照 {found.generation}",
                to_do=f"溯源码 {spaced(found.id)} 所指的快照已不再保存，这是当时的数",
            ) from gone
        return redirect(found.href)
