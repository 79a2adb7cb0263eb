"""The way to single drivers: who may, why, how often, and a line in the audit log before anything is read.

A purpose is asked for each company, holds for a quarter of an hour and is kept with every look. Closed on any doubt:
without a line in the log nothing is read. On a page a driver is called by a reference that only this installation can
make."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import gate, login, rights
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from warehouse.core.errors import DataMissing, PageMissing, Refused
from warehouse.core.redaction import in_line
from warehouse.core.settings import Settings
from warehouse.query.person_store import Driver, Fact, Restricted

PURPOSE_S = 15 * 60
SHORTEST, LONGEST = 4, 80
LOOKS_PER_HOUR = 50


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

    def drivers(self, company: str) -> list[tuple[str, Fact]]:
        """(reference, what is known) of the drivers of a company. Raises Refused without role, purpose or looks
        left."""
        self._note(company, "person_list", "")
        with Restricted(self.settings, self.generation) as file:
            return [(self.reference(row["person_key"]), row) for row in file.drivers(company)]

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

    def track(self, company: str, vehicle_key: str, day: dt.date | None) -> Track:
        """Where a vehicle of a company went on a day (None = the newest with trips): that tells where its driver
        was."""
        self._note(company, "track_read", f"{vehicle_key} {day or ''}")
        with Restricted(self.settings, self.generation) as file:
            days = file.trip_days(vehicle_key)
            chosen = day or next(iter(days), None)
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

    def _note(self, company: str, event: str, reference: str) -> None:
        """The line before the look; counts looks at single drivers inside the same transaction, so that parallel ones
        cannot slip past."""
        right = "tracks" if event == "track_read" else "drivers"
        purpose = self.purpose(company) if rights.may(self.viewer, right) else None
        if purpose is None:
            raise Refused("没有权限或尚未说明用途", to_do="请先说明查看用途")
        try:
            spent = self._written(company, event, reference, purpose)
        except sqlite3.Error as error:
            raise DataMissing(
                "审计日志写不进去，没有读取任何个人信息",
                where=str(self.settings.state),
                to_do="请联系系统管理员检查磁盘空间与该文件",
            ) from error
        if spent:
            raise Refused(
                f"一小时内查看驾驶员与轨迹已达 {LOOKS_PER_HOUR} 次", to_do="请稍后再看；确有需要请联系系统管理员"
            )

    def _written(self, company: str, event: str, reference: str, purpose: str) -> bool:
        """True when the looks of the hour are spent: then that is what is written down."""
        with app_db.writing(self.settings.state) as connection:
            looks = connection.execute(
                "SELECT count(*) FROM audit WHERE who=? AND event IN ('person_read', 'track_read', 'vehicle_read') AND at>?",
                (self.viewer.user, time.time() - 3600),
            ).fetchone()[0]
            spent = event != "person_list" and looks >= LOOKS_PER_HOUR
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
    company, purpose = request.form.get("subject", "")[:64], in_line(request.form.get("purpose", ""))[:LONGEST]
    if not company or len(purpose) < SHORTEST:
        abort(400)
    _keep(gate.settings().state, who.user, company, purpose)
    return redirect(login.local_target(request.form.get("next")), code=303)


def _keep(path: Path, user: str, company: str, purpose: str) -> None:
    now = time.time()
    with app_db.writing(path) as connection:
        connection.execute("DELETE FROM purposes WHERE until<? OR (user=? AND subject=?)", (now, user, company))
        connection.execute("INSERT INTO purposes VALUES (?,?,?,?)", (user, company, purpose, now + PURPOSE_S))
        audit.append(connection, "person_purpose", who=user, ip=gate.address(), subject=company, purpose=purpose)
