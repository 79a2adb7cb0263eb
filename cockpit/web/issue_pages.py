"""/issues: 报告签发, the printed reports on their way from 送审稿 to the signed paper, and the forms of the three steps."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.identity import gate
from cockpit.presentation import format as fmt
from cockpit.report import archive, release, signing
from cockpit.report.signing import Issue, Wording
from cockpit.store import audit
from cockpit.web import template_pages
from warehouse.core import request_queue
from warehouse.core.errors import Refused, UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

LISTED = 40
TONES = {"draft": "bad", "review": "warn", "reviewed": "context", "signed": "good"}


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /issues and its forms."""
    routes = Blueprint("issues", __name__, url_prefix="/issues")

    @routes.get("")
    def index() -> Response:
        printed = archive.every(settings)
        signed = {facts["name"] for facts in printed if facts.get("stage") == "signed"}
        listed = [facts for facts in printed if facts.get("stage") == "review"][:LISTED]
        failed = _failed(settings)
        rows = [
            _row(facts, issue, signed, failed)
            for facts, issue in zip(listed, signing.of(settings, listed), strict=True)
        ]
        return template_pages.page("issues.html", rows=rows, steps=signing.STEPS, most=signing)

    @routes.post("/<name>/<word>")
    def step(name: str, word: str) -> Answer:
        if word not in signing.STEPS:
            abort(404)
        wording = _wording() if word == "edit" else None
        try:
            signing.take(
                settings,
                gate.viewer(),
                name,
                word,
                wording=wording,
                words=request.form.get("words", ""),
                ip=gate.address(),
            )
        except Refused:
            audit.denied(settings.state, gate.viewer().user, gate.address(), request.path)
            abort(403)
        return redirect("/issues", code=303)

    server.register_blueprint(routes)


def _wording() -> Wording:
    copies = request.form.get("copies", "0").strip() or "0"
    if not copies.isascii() or not copies.isdigit():
        raise UsageError("份数不是整数", where=copies[:20], to_do="请填 0 到 9999 之间的整数，0 为不印")
    given = {name: request.form.get(name, "") for name in ("note", "report_to", "send_to", "issue_to")}
    return Wording(**given, copies=int(copies[:6]))


def _failed(settings: Settings) -> dict[str, str]:
    """Report → why its signed paper was not printed, of the last attempt at each."""
    last: dict[str, request_queue.Request] = {}
    for one in request_queue.newest(settings.state, LISTED, "report"):
        last.setdefault(str(one.details.get("sign", "")), one)
    return {name: one.message for name, one in last.items() if one.state == "failed"}


def _row(facts: archive.Facts, issue: Issue, signed: set[str], failed: dict[str, str]) -> dict[str, Any]:
    """A line of the page. failed: see _failed. why: step → why this person may not take it, "" where they may."""
    paper = f"{facts['name']}{release.SIGNED}"
    return {
        "name": facts["name"],
        "title": archive.title(facts),
        "cutoff": facts["cutoff"],
        "generation": facts["generation"],
        "missing": len(facts["missing"]),
        "state": signing.STATES[issue.state],
        "tone": TONES[issue.state],
        "number": signing.called(issue),
        "wording": issue.wording,
        "steps": [(signing.STEPS[one.step], one.who, fmt.clock(one.at), signing.reason(one)) for one in issue.steps],
        "why": {step: signing.why_not(gate.viewer(), step, issue) for step in signing.STEPS},
        "paper": paper if paper in signed else "",
        "failed": failed.get(facts["name"], ""),
        "is_signed": issue.state == "signed",
    }
