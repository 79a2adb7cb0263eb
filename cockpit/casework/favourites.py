"""What a person keeps for 我的页面: places, in an order of one's own. Owns the table `favourite` of state.sqlite, what
may be kept there, and where the stars are heard: /mine/<act>.

A place is a path and its query without the snapshot: the question is kept, never a number, a name or a word that
somebody has typed. What is shown of it is looked up anew at every visit, by the rights the person has then."""

from __future__ import annotations

import re
import time
from pathlib import Path

from flask import Flask, Response, abort, jsonify, request

from cockpit.identity import gate, rights
from cockpit.identity.sessions import Viewer
from cockpit.presentation.address import Address
from cockpit.store import app_db, audit
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

MOST = 60
LONGEST = 600
MOST_WARMED = 120
"""Numbers that are read before anybody asks; what only few people keep beyond that is read when they ask."""
METRIC = "/metric/"
PLACES = re.compile(
    r"/metric/[a-z0-9_]{2,60}|/(?:town|company|vehicle|alarm|site|unit|organisation)/[^/\x00-\x1f]{1,64}|/programme/[1-6]|/company/[^/\x00-\x1f]{1,64}/drivers"
)
"""Pages of a number or of a single thing. Single people are not among them: who looks at one says why, each time."""
ACTS = ("keep", "drop", "up", "down")


def is_place(path: str) -> bool:
    """True for a page that can be kept."""
    return PLACES.fullmatch(path) is not None


def place_of(address: Address) -> str:
    """What is kept of a page: without the snapshot, without the page of a list and what was typed to search it."""
    return address.here(as_of=None, page=None, q=None)


def address_of(place: str) -> Address:
    """The address of a place. Raises UsageError for anything that cannot be kept."""
    path, _, search = place[:LONGEST].partition("?")
    address = Address.parse(path, search)
    if not is_place(address.path):
        raise UsageError("这一页不能收藏", to_do="可收藏指标页与企业、镇街、车辆、报警、阵地、单位、组织、工程等页面")
    return address


def may_see(viewer: Viewer, path: str) -> bool:
    """Whether the role is let to such a page: lists of drivers are not for everybody."""
    right = rights.of_page(path)
    return right is not None and rights.may(viewer, right)


def places(file: Path, viewer: Viewer) -> tuple[str, ...]:
    """The places of a person in their order; a device has none."""
    if viewer.kind != "person":
        return ()
    with app_db.reading(file) as connection:
        return tuple(
            row["place"]
            for row in connection.execute("SELECT place FROM favourite WHERE user = ? ORDER BY rank", (viewer.user,))
        )


def numbers(file: Path) -> tuple[str, ...]:
    """The places of numbers that anybody keeps, those of most people first, MOST_WARMED at most."""
    with app_db.reading(file) as connection:
        rows = connection.execute(
            "SELECT place FROM favourite WHERE place LIKE ? GROUP BY place ORDER BY count(*) DESC, place LIMIT ?",
            (f"{METRIC}%", MOST_WARMED),
        )
        return tuple(row["place"] for row in rows)


def keep(file: Path, viewer: Viewer, place: str, *, ip: str = "") -> None:
    """Adds a place at the end; one that is there stays where it is. Raises UsageError beyond MOST."""
    with app_db.writing(file) as connection:
        count, last, known = connection.execute(
            "SELECT count(*), coalesce(max(rank), 0), count(*) FILTER (WHERE place = ?) FROM favourite WHERE user = ?",
            (place, viewer.user),
        ).fetchone()
        if known:
            return
        if count >= MOST:
            raise UsageError(f"已收藏 {count} 项，最多 {MOST} 项", to_do="请先在“我的页面”移除不再需要的")
        connection.execute(
            "INSERT INTO favourite (user, place, rank, kept_at) VALUES (?,?,?,?)",
            (viewer.user, place, last + 1, time.time()),
        )
        audit.append(connection, "favourite_keep", who=viewer.user, ip=ip, subject=place)


def drop(file: Path, viewer: Viewer, place: str, *, ip: str = "") -> None:
    """Takes a place away; one that is not there is no error (it may have been taken away in another window)."""
    with app_db.writing(file) as connection:
        if connection.execute("DELETE FROM favourite WHERE user = ? AND place = ?", (viewer.user, place)).rowcount:
            audit.append(connection, "favourite_drop", who=viewer.user, ip=ip, subject=place)


def move(file: Path, viewer: Viewer, place: str, by: int) -> None:
    """Changes places with the neighbour before (by −1) or after (+1) of the same kind: numbers among numbers, pages
    among pages. The first does not go up, the last not down."""
    with app_db.writing(file) as connection:
        ranks = {
            row["place"]: row["rank"]
            for row in connection.execute(
                "SELECT place, rank FROM favourite WHERE user = ? ORDER BY rank", (viewer.user,)
            )
        }
        kind = [other for other in ranks if other.startswith(METRIC) == place.startswith(METRIC)]
        if place not in ranks or not 0 <= kind.index(place) + by < len(kind):
            return
        other = kind[kind.index(place) + by]
        connection.executemany(
            "UPDATE favourite SET rank = ? WHERE user = ? AND place = ?",
            [(ranks[other], viewer.user, place), (ranks[place], viewer.user, other)],
        )


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /mine/<act>; answers how many places the person has then."""

    @server.post("/mine/<act>")
    def mine_act(act: str) -> Response:
        viewer, file = gate.viewer(), settings.state
        if act not in ACTS or viewer.kind != "person":
            abort(404)
        # what is in the list already may go whatever it is: the catalogue and the rules may have changed since
        given = request.form.get("place", "")[:LONGEST]
        if act == "keep":
            keep(file, viewer, _believed(library, settings, viewer, given), ip=gate.address())
        elif act == "drop":
            drop(file, viewer, given, ip=gate.address())
        else:
            move(file, viewer, given, -1 if act == "up" else 1)
        return jsonify(count=len(places(file, viewer)), most=MOST)


def _believed(library: SnapshotStore, settings: Settings, viewer: Viewer, given: str) -> str:
    """The place that a form names: well-formed, a known metric where it is one, and allowed to this role."""
    address = address_of(given)
    if (
        address.path.startswith(METRIC)
        and address.path.removeprefix(METRIC) not in library.current(viewer.scope).metrics
    ):
        abort(404)
    if not may_see(viewer, address.path):
        audit.denied(settings.state, viewer.user, gate.address(), address.path)
        abort(403)
    return place_of(address)
