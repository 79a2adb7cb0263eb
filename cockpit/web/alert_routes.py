"""Where the forms of /alerts arrive: an alert is taken, a rule is silenced, a silence is ended."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, redirect, request
from werkzeug.wrappers import Response

from cockpit.alerts import rules, store
from cockpit.identity import gate
from cockpit.pages.alerts import HOURS
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the three routes."""
    routes, file = Blueprint("alerts", __name__), settings.state

    @routes.post("/alerts/<int:number>/take")
    def take(number: int) -> Response:
        store.take(file, number, gate.viewer().user, ip=gate.address(), now=time.time())
        return redirect("/alerts", code=303)

    @routes.post("/alerts/silence")
    def silence() -> Response:
        rule, _, subject = request.form.get("about", "").partition("/")
        if rule not in {one.id for one in rules.plan(settings).rules}:
            raise UsageError("没有这条告警规则", where=rule[:40], to_do="请从告警页的列表中选择")
        hours = request.form.get("hours", type=int) or 0
        if hours not in HOURS:
            raise UsageError("静默的时间不对", to_do=f"请选择 {'、'.join(map(str, HOURS))} 小时之一")
        now = time.time()
        why = request.form.get("why", "")
        store.silence(file, rule, subject[:80], now + hours * 3600, gate.viewer().user, why, ip=gate.address(), now=now)
        return redirect("/alerts", code=303)

    @routes.post("/alerts/silences/<int:number>/end")
    def speak(number: int) -> Response:
        store.speak(file, number, gate.viewer().user, ip=gate.address(), now=time.time())
        return redirect("/alerts", code=303)

    server.register_blueprint(routes)
