"""Where the forms of 督办 arrive: /supervision/open and /supervision/<number>/<step>. Owns what of a form is believed.

Nothing of a number is taken from the form but its address; label, place and period are looked up in the generation it
names."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import quote

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

from cockpit.casework import task_store
from cockpit.casework.task_store import Subject, Task
from cockpit.identity import gate, login
from cockpit.presentation import format as fmt
from cockpit.presentation.address import Address
from cockpit.store import audit
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import PageMissing, Refused, UsageError
from warehouse.core.settings import Settings
from warehouse.insight import profiles
from warehouse.query.scope import one_place
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

RECORDS = re.compile(r"/(company|town|vehicle|alarm|site)/[^/]+")
"""Pages of single things that a task may be about; those of single people are not among them."""
KINDS = {"company": "企业", "town": "镇街", "vehicle": "车辆", "alarm": "报警", "site": "阵地"}


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the two routes."""

    @server.post("/supervision/open")
    def supervision_open() -> Response:
        return _answered(settings, lambda: _open(library, settings))

    @server.post("/supervision/<int:number>/<word>")
    def supervision_step(number: int, word: str) -> Response:
        if word not in task_store.FROM:
            abort(404)
        found = task_store.find(settings.state, number)
        if found is None or not is_within(library.current(gate.viewer().scope), found):
            raise PageMissing()
        return _answered(
            settings,
            lambda: task_store.step(
                settings.state, gate.viewer(), number, word, request.form.get("words", ""), ip=gate.address()
            ),
        )


def _answered(settings: Settings, act: object) -> Response:
    try:
        act()  # type: ignore[operator]
    except Refused:
        audit.denied(settings.state, gate.viewer().user, gate.address(), request.path)
        abort(403)
    return redirect(login.local_target(request.form.get("next") or "/supervision"), code=303)


def _open(library: SnapshotStore, settings: Settings) -> None:
    path, _, search = request.form.get("subject", "")[:600].partition("?")
    address = Address.parse(path, search)
    wanted, scope = address.get("as_of"), gate.viewer().scope
    book = library.open(wanted, scope) if wanted else library.current(scope)
    office = request.form.get("office", "")
    if office not in offices(book):
        raise UsageError("没有这个责任科室", where=office[:30], to_do="请从列表中选择")
    try:
        due = dt.date.fromisoformat(request.form.get("due", ""))
    except ValueError as error:
        raise UsageError("办结期限不是日期", to_do="请填成 2026-01-31 的样子") from error
    about = subject(book, address)
    if about.is_metric:
        one_place(book.place(about.place), "交办")
    task_store.make(
        settings.state,
        gate.viewer(),
        request.form.get("what", ""),
        office,
        due,
        about,
        person=request.form.get("person", ""),
        ip=gate.address(),
    )


def offices(book: Snapshot) -> list[str]:
    """The offices that own a metric, by the catalogue, most metrics first."""
    owners: list[str] = [metric.owner for metric in book.metrics.values() if metric.owner]
    return sorted(set(owners), key=lambda name: (-owners.count(name), name))


def is_within(book: Snapshot, task: Task) -> bool:
    """Whether a task is about something that the book holds; a book of everything holds all, also what has gone since."""
    if book.scope.is_all:
        return True
    about = task.subject
    if about.is_metric:
        return about.place != DISTRICT and book.known(about.place) is not None
    _, kind, key = about.key.split("/", 2)
    try:
        return bool(book.remember(("brief", kind, key), lambda: profiles.brief(book, kind, key)))
    except PageMissing:
        return False


def subject(book: Snapshot, address: Address) -> Subject:
    """What an address is about, in the words of the generation. Raises PageMissing for a page that no task can be
    about, UsageError for a window or place that does not fit."""
    here = book.generation.id
    if address.path.startswith("/metric/"):
        metric = book.metric(address.path.removeprefix("/metric/"))
        reading = book.read(
            metric.id,
            address.get("window") or metric.windows[0],
            address.get("at"),
            address.get("place") or DISTRICT,
            address.only,
        )
        period = "" if reading.window == "now" else fmt.period_key(reading.window, reading.win_start)
        code = reading.place.code
        where = "" if code == DISTRICT else f" · {reading.place.label}"
        when = "" if reading.window == "now" else f" · {fmt.period(reading.window, reading.win_start, reading.win_end)}"
        query = {
            "window": reading.window,
            "at": period or None,
            "place": None if code == DISTRICT else code,
            "only": address.get("only"),
            "as_of": here,
        }
        return Subject(
            metric.id, f"{metric.label}{where}{when}", Address(address.path, {}).here(**query), here, code, period
        )
    if not RECORDS.fullmatch(address.path):
        raise PageMissing()
    _, kind, key = address.path.split("/", 2)
    return Subject(
        address.path,
        f"{KINDS[kind]} {profiles.brief(book, kind, key)[0]}",
        f"/{kind}/{quote(key, safe='')}?as_of={here}",
        here,
    )
