"""The way to single drivers: who may, why, how often, and a line in the audit log before anything is read.

A purpose is chosen from a list and put into words for each company, holds for a quarter of an hour and is kept with every
look. A page of a list costs as many looks as it shows persons. Closed on any doubt:
without a line in the log nothing is read. On a page a driver is called by a reference that only this installation can
make."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, abort, current_app, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import gate, login, rights
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from warehouse.core.errors import DataMissing, PageMissing, Refused
from warehouse.core.redaction import in_line
from warehouse.core.settings import Settings
from warehouse.query.person_store import Driver, Fact, Restricted
from warehouse.query.snapshot_store import SnapshotStore

PURPOSE_S = 15 * 60
PURPOSES = ("约谈培训", "事故调查", "投诉核查", "救助帮扶", "党群工作", "其他履职")
SHORTEST, LONGEST = 10, 80
LIST_ROWS = 20
LOOKS = {3600: ("一小时", 50), 24 * 3600: ("一天", 200)}
"""Span in seconds → what it is called, and how many persons somebody may look at within it, from lists or one by one."""
ALERT_AT = 0.8
"""Part of a day's looks from which on the log says that somebody looks at many."""


@dataclass(frozen=True)
class Track:
    """A vehicle's way on a day, None when there is none; days: those that can be looked at, newest first."""

    day: dt.date | None
    days: list[dt.date]
    trips: list[Fact]
    stops: list[Fact]


@dataclass(frozen=True)
class People:
    """One reader's way to the drivers of one generation."""

    settings: Settings
    viewer: Viewer
    ip: str
    generation: str
    secret: bytes

    def purpose(self, company: str) -> str | None:
        """What the reader has said the drivers of a company are looked at for, None when nothing or too long ago."""
        with app_db.reading(self.settings.state) as connection:
            row = connection.execute(
                "SELECT purpose FROM purposes WHERE user=? AND subject=? AND until>?",
                (self.viewer.user, company, time.time()),
            ).fetchone()
        return None if row is None else str(row["purpose"])

    def drivers(self, company: str, page: int = 1) -> tuple[list[tuple[str, Fact]], int]:
        """(reference, what is known) of LIST_ROWS drivers of a company, page from 1, and how many it has. Raises Refused
        without role, purpose or looks left."""
        self._stated(company, "person_list")
        with Restricted(self.settings, self.generation) as file:
            total, first = file.driver_count(company), (page - 1) * LIST_ROWS
            self._note(company, "person_list", "", max(1, min(LIST_ROWS, total - first)))
            rows = file.drivers(company)[first : first + LIST_ROWS]
            return [(self.reference(row["person_key"]), row) for row in rows], total

    def driver(self, company: str, reference: str) -> Driver:
        """One driver. Raises Refused as drivers() does, PageMissing for an unknown reference."""
        self._note(company, "person_read", reference)
        with Restricted(self.settings, self.generation) as file:
            key = next(
                (row["person_key"] for row in file.drivers(company) if self.reference(row["person_key"]) == reference),
                None,
            )
            if key is None:
                raise PageMissing()
            return file.driver(key, company)

    def track(self, company: str, vehicle_key: str, day: dt.date | None, within: Collection[dt.date] | None) -> Track:
        """Where a vehicle of a company went on a day (None = the newest with trips): that tells where its driver was.
        within: the days that the reader may look at, None = all."""
        self._note(company, "track_read", f"{vehicle_key} {day or ''}")
        with Restricted(self.settings, self.generation) as file:
            days = [one for one in file.trip_days(vehicle_key) if within is None or one in within]
            chosen = day or next(iter(days), None)
            if within is not None and chosen not in within:
                chosen = None
            return Track(
                chosen,
                days,
                file.trips(vehicle_key, chosen) if chosen else [],
                file.stops(vehicle_key, chosen) if chosen else [],
            )

    def vehicle(self, company: str, reference: str) -> None:
        """Notes a look at a vehicle, or at one of its alarms, of an owner with one driver or one vehicle: what it did is
        what a person did. Raises Refused as drivers() does."""
        self._note(company, "vehicle_read", reference)

    def reference(self, person_key: str) -> str:
        """What a driver is called in an address: the same for everybody here, meaningless elsewhere."""
        return hashlib.blake2b(person_key.encode(), key=self.secret[:64], digest_size=9, person=b"driver").hexdigest()

    def _note(self, company: str, event: str, reference: str, persons: int = 1) -> None:
        """The line before the look; counts the persons looked at inside the same transaction, so that parallel looks
        cannot slip past."""
        purpose = self._stated(company, event)
        try:
            spent = self._written(company, event, reference, purpose, persons)
        except sqlite3.Error as error:
            raise DataMissing(
                "审计日志写不进去，没有读取任何个人信息",
                where=str(self.settings.state),
                to_do="请联系系统管理员检查磁盘空间与该文件",
            ) from error
        if spent:
            raise Refused(f"{spent}内查看驾驶员、车辆与轨迹已到上限", to_do="请稍后再看；确有需要请联系安全管理员")

    def _stated(self, company: str, event: str) -> str:
        """The purpose of a look. Raises Refused without the right or without one."""
        right = "tracks" if event in ("track_read", "vehicle_read") else "drivers"
        purpose = self.purpose(company) if rights.may(self.viewer, right) else None
        if purpose is None:
            raise Refused("没有权限或尚未说明用途", to_do="请先说明查看用途")
        return purpose

    def _written(self, company: str, event: str, reference: str, purpose: str, persons: int) -> str:
        """ "" when the look may be taken; else the span whose looks are spent, and that is what is written down."""
        now, user = time.time(), self.viewer.user
        with app_db.writing(self.settings.state) as connection:
            seen = {
                span: connection.execute(
                    "SELECT coalesce(sum(persons), 0) FROM looks WHERE user=? AND at>?", (user, now - span)
                ).fetchone()[0]
                for span in LOOKS
            }
            spent = next((word for span, (word, most) in LOOKS.items() if seen[span] + persons > most), "")
            if not spent:
                connection.execute("INSERT INTO looks VALUES (?,?,?)", (user, now, persons))
                span, (_, most) = max(LOOKS.items())
                if seen[span] < ALERT_AT * most <= seen[span] + persons:
                    words = f"{seen[span] + persons} / {most}"
                    audit.append(connection, "person_alert", who=user, ip=self.ip, subject=user, detail=words)
            audit.append(
                connection,
                "person_refused" if spent else event,
                who=self.viewer.user,
                ip=self.ip,
                subject=f"{company} {reference}".strip(),
                purpose=purpose,
                result=audit.REFUSED if spent else audit.DONE,
                detail=self.generation,
            )
        return spent


def register(server: Flask) -> None:
    """Adds /purpose, where a reader says what drivers are looked at for."""
    server.add_url_rule("/purpose", "purpose", _purpose, methods=["POST"])


def _purpose() -> Response:
    who = gate.viewer()
    company, words = request.form.get("subject", "")[:64], in_line(request.form.get("purpose", ""))[:LONGEST]
    kind = request.form.get("kind", "")
    if not company or kind not in PURPOSES or len(words.replace(" ", "")) < SHORTEST:
        abort(400)
    if not who.scope.is_all:
        library: SnapshotStore = current_app.config["ZHENGBEI_LIBRARY"]
        if library.current(who.scope).known(company) is None:
            raise PageMissing()
    _keep(gate.settings().state, who.user, company, f"{kind}：{words}")
    return redirect(login.local_target(request.form.get("next")), code=303)


def _keep(path: Path, user: str, company: str, purpose: str) -> None:
    now = time.time()
    with app_db.writing(path) as connection:
        connection.execute("DELETE FROM purposes WHERE until<? OR (user=? AND subject=?)", (now, user, company))
        connection.execute("INSERT INTO purposes VALUES (?,?,?,?)", (user, company, purpose, now + PURPOSE_S))
        audit.append(connection, "person_purpose", who=user, ip=gate.address(), subject=company, purpose=purpose)
