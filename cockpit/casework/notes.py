"""批注: what somebody who knows wrote beside a trend about a day or some days. Owns their words and their withdrawal in
state.sqlite, who may write and withdraw, and where the forms arrive: /notes/add and /notes/<number>/withdraw.

A note is written once and never changed; taking it back is a line of its own with who and when (the file itself refuses
anything else), so what stood beside a trend at any earlier moment can be told again."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

from cockpit.casework import loader_requests
from cockpit.identity import gate, login, rights
from cockpit.identity.sessions import Viewer
from cockpit.presentation.address import Address
from cockpit.store import app_db, audit
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import PageMissing, Refused, UsageError
from warehouse.core.redaction import in_line
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI, now
from warehouse.query.scope import Scope, one_place
from warehouse.query.snapshot_store import SnapshotStore

LONGEST = 120
MOST_DAYS = 366


@dataclass(frozen=True)
class Note:
    """first..last: business days of Asia/Shanghai, both inclusive. place: code of the place whose trend it was written
    beside. who: account name. at: aware, Asia/Shanghai. withdrawn: who took it back and when, None while it stands."""

    id: int
    metric: str
    place: str
    first: dt.date
    last: dt.date
    words: str
    who: str
    at: dt.datetime
    withdrawn: tuple[str, dt.datetime] | None = None

    def stood(self, moment: dt.datetime) -> bool:
        """True when it was written by then and not yet taken back; a note of that very second counts."""
        return self.at <= moment and (self.withdrawn is None or self.withdrawn[1] > moment)


def may(viewer: Viewer) -> bool:
    """True for those who may write beside a trend."""
    return rights.may(viewer, "notes")


def may_withdraw(viewer: Viewer, note: Note) -> bool:
    """True for who wrote the note and for an administrator, while it stands."""
    return may(viewer) and note.withdrawn is None and (viewer.user == note.who or rights.may(viewer, "notes_of_others"))


def add(
    path: Path,
    viewer: Viewer,
    metric: str,
    place: str,
    first: dt.date,
    last: dt.date,
    words: str,
    *,
    ip: str = "",
    at: dt.datetime | None = None,
) -> int:
    """A new note; returns its number. Personal numbers in the words are blotted out. Raises Refused without the role,
    UsageError for words that are empty or too long and for days that are the wrong way round, too many or not over
    yet."""
    moment = at or now()
    if not may(viewer):
        raise Refused("当前角色不能批注", to_do=f"批注由{rights.holders('notes')}岗位填写")
    plain = in_line(words)
    if not plain:
        raise UsageError("没有填写批注", to_do=f"请写明发生了什么，最多 {LONGEST} 字")
    if len(plain) > LONGEST:
        raise UsageError(f"批注有 {len(plain)} 字，超过 {LONGEST} 字", to_do="请写得短一些")
    if last < first:
        raise UsageError(f"截止日 {last} 早于起始日 {first}", to_do="请调换后再提交")
    if (last - first).days >= MOST_DAYS:
        raise UsageError(f"一条批注最多 {MOST_DAYS} 天，这里是 {(last - first).days + 1} 天", to_do="请分成几条")
    if last > moment.astimezone(SHANGHAI).date():
        raise UsageError(f"{last} 还没有到", to_do="批注写已经发生的日子")
    with app_db.writing(path) as connection:
        made = connection.execute(
            "INSERT INTO note (metric, place, first, last, words, who, at) VALUES (?,?,?,?,?,?,?)",
            (metric, place, first.isoformat(), last.isoformat(), plain, viewer.user, moment.timestamp()),
        )
        number = int(made.lastrowid or 0)
        subject = f"批注 {number}"
        audit.append(connection, "note_add", who=viewer.user, ip=ip, subject=subject, detail=f"{metric} {place}")
    return number


def withdraw(path: Path, viewer: Viewer, number: int, *, ip: str = "", at: dt.datetime | None = None) -> None:
    """Takes a note back; it stays in the file. Raises PageMissing for an unknown one, Refused for a reader who neither
    wrote it nor is an administrator, UsageError when it is taken back already."""
    with app_db.writing(path) as connection:
        found = _read(connection, "n.id = ?", (number,))
        if not found:
            raise PageMissing()
        if found[0].withdrawn is not None:
            raise UsageError("这条批注已经撤回", where=f"批注 {number}", to_do="请刷新后再看")
        if not may_withdraw(viewer, found[0]):
            raise Refused("不能撤回他人的批注", to_do="请由填写人或系统管理员撤回")
        connection.execute(
            "INSERT INTO note_withdrawn (note, who, at) VALUES (?,?,?)",
            (number, viewer.user, (at or now()).timestamp()),
        )
        audit.append(connection, "note_withdraw", who=viewer.user, ip=ip, subject=f"批注 {number}")


def beside(path: Path, metric: str, place: str, scope: Scope) -> list[Note]:
    """All notes beside a metric's trend at a place, taken back or not, earliest days first: its own, and those of the
    whole district, which hold everywhere; these may name any place, so they are for who sees all."""
    with app_db.reading(path) as connection:
        others = DISTRICT if scope.is_all else place
        return _read(connection, "n.metric = ? AND n.place IN (?, ?)", (metric, place, others))


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the two routes."""

    @server.post("/notes/add")
    def note_add() -> Response:
        path, _, search = request.form.get("subject", "")[:600].partition("?")
        address, book = Address.parse(path, search), library.current(gate.viewer().scope)
        metric = book.metrics.get(address.path.removeprefix("/metric/"))
        place = book.place(address.get("place") or DISTRICT)
        if metric is None or not address.path.startswith("/metric/") or place.grain not in ("district", *metric.drill):
            abort(404)
        one_place(place, "批注")
        first = loader_requests.day("first")
        last = loader_requests.day("last") if request.form.get("last", "").strip() else first
        add(
            settings.state,
            gate.viewer(),
            metric.id,
            place.code,
            first,
            last,
            request.form.get("words", ""),
            ip=gate.address(),
        )
        return _back()

    @server.post("/notes/<int:number>/withdraw")
    def note_withdraw(number: int) -> Response:
        try:
            withdraw(settings.state, gate.viewer(), number, ip=gate.address())
        except Refused:
            audit.denied(settings.state, gate.viewer().user, gate.address(), request.path)
            abort(403)
        return _back()


def _back() -> Response:
    return redirect(login.local_target(request.form.get("next") or "/"), code=303)


def _read(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Note]:
    rows = connection.execute(
        f"SELECT n.*, w.who AS by, w.at AS gone FROM note n LEFT JOIN note_withdrawn w ON w.note = n.id WHERE {where} ORDER BY n.first, n.id",
        values,
    )
    return [
        Note(
            row["id"],
            row["metric"],
            row["place"],
            dt.date.fromisoformat(row["first"]),
            dt.date.fromisoformat(row["last"]),
            row["words"],
            row["who"],
            dt.datetime.fromtimestamp(row["at"], SHANGHAI),
            None if row["gone"] is None else (row["by"], dt.datetime.fromtimestamp(row["gone"], SHANGHAI)),
        )
        for row in rows
    ]
