"""/accounts: 账号管理, for the security administrator. Owns what of a form is believed; what may be done to an account is
said in identity/accounts.py. Server-made pages outside Dash: they work before anything is published."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from flask import Blueprint, Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.identity import accounts, gate, password_links, rights, second_factor
from cockpit.identity.accounts import Account
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.web import template_pages
from warehouse.compile.reading import Place
from warehouse.core.errors import DataMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

DONE = {
    "role": "角色已改，该账号已退出登录。",
    "scope": "范围已设定，该账号已退出登录。",
    "disable": "账号已停用，该账号已退出登录。",
    "enable": "账号已启用，不登录的天数重新计。",
    "factor": "动态码已重置，下次登录时重新绑定。",
    "unlock": "锁定已解除。",
}
"""Deed → what is said when it is done."""
TONES = {"active": "good", "invited": "context", "locked": "warn", "disabled": "bad", "idle": "bad"}


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /accounts, /accounts/<name> and the forms of both."""
    routes = Blueprint("accounts", __name__, url_prefix="/accounts")
    file = settings.state

    @routes.get("")
    def index() -> Response:
        found, now = accounts.everyone(file), time.time()
        return template_pages.page(
            "accounts.html",
            rows=[_shown(one, library, now) for one in found],
            lacking=[texts.ROLES[role] for role in accounts.lacking(found, now)],
            roles=_roles(),
            is_relaxed=not settings.options.second_factor,
            idle_days=accounts.IDLE_DAYS,
        )

    @routes.post("/add")
    def add() -> Answer:
        name, form = request.form.get("name", "").strip(), request.form
        accounts.add(file, name, None, form.get("role", ""), form.get("display", ""), **_actor())
        return _link(settings, name)

    @routes.get("/<name>")
    def one(name: str) -> Response:
        found = _found(settings, name)
        return template_pages.page(
            "account.html",
            account=_shown(found, library, time.time()),
            done=DONE.get(request.args.get("done", ""), ""),
            towns=_towns(library),
            roles=_roles(),
            is_own=name == gate.viewer().user,
            codes_left=second_factor.left(file, name),
            chosen=found,
        )

    @routes.post("/<name>/<deed>")
    def act(name: str, deed: str) -> Answer:
        _found(settings, name)
        if deed == "reset":
            return _link(settings, name)
        if deed == "role":
            accounts.set_role(file, name, request.form.get("role", ""), **_actor())
        elif deed == "scope":
            accounts.set_scope(file, name, request.form.getlist("town"), _companies(library), **_actor())
        elif deed in DONE:
            plain = {
                "disable": accounts.disable,
                "enable": accounts.enable,
                "factor": second_factor.reset,
                "unlock": accounts.unlock,
            }
            plain[deed](file, name, **_actor())
        else:
            abort(404)
        return redirect(f"/accounts/{name}?done={deed}", code=303)

    server.register_blueprint(routes)


def _actor() -> dict[str, str]:
    return {"by": gate.viewer().user, "ip": gate.address()}


def _found(settings: Settings, name: str) -> Account:
    found = accounts.find(settings.state, name)
    if found is None:
        abort(404)
    return found


def _link(settings: Settings, name: str) -> Response:
    """The page with the address where the person sets a password; it is in this one answer and is stored nowhere."""
    token = password_links.issue(settings.state, name, **_actor())
    address = f"{request.host_url.rstrip('/')}/password/{token}"
    page = template_pages.page("account_link.html", account=name, address=address)
    page.headers["Cache-Control"] = "no-store"
    return page


def _roles() -> list[tuple[str, str, str]]:
    """Key, name and what it opens, of every role that a person may have."""
    common = set(rights.PEOPLE)
    return [
        (
            role,
            texts.ROLES[role],
            "；".join(r.label for r in rights.TABLE.values() if role in r.roles and not common <= set(r.roles)),
        )
        for role in rights.PEOPLE
    ]


def _shown(one: Account, library: SnapshotStore, now: float) -> dict[str, Any]:
    """An account in words."""
    state = one.state(now)
    return {
        "name": one.name,
        "display": one.display,
        "role": texts.ROLES.get(one.role, one.role),
        "scope": _scope(one, library),
        "seen": "从未登录" if one.seen_at is None else fmt.clock(dt.datetime.fromtimestamp(one.seen_at, dt.UTC)),
        "state": state,
        "word": texts.ACCOUNT_STATES[state],
        "tone": TONES[state],
        "factor": "已绑定" if one.has_factor else "未绑定" if one.role in rights.TWO_FACTORS else "不要求",
    }


def _book(library: SnapshotStore) -> Snapshot | None:
    try:
        return library.current(Scope.ALL)
    except DataMissing:
        return None


def _towns(library: SnapshotStore) -> list[Place]:
    """The towns of the newest picture, none before there is one."""
    book = _book(library)
    return list(book.places("town")) if book else []


def _scope(one: Account, library: SnapshotStore) -> str:
    """The names of the places that an account is limited to; a code that has no place says so itself."""
    book = _book(library)

    def named(code: str) -> str:
        place = book.known(code) if book else None
        return place.label if place else code

    places = [named(code) for code in (*one.towns, *one.companies)]
    return "、".join(places[:3]) + (f" 等 {len(places)} 处" if len(places) > 3 else "") if places else "全部"


def _companies(library: SnapshotStore) -> list[str]:
    """The codes of companies in the form. Raises UsageError for one that the newest picture does not know."""
    codes, book = request.form.get("companies", "").split(), _book(library)
    for code in codes:
        place = book.known(code) if book else None
        if book and (place is None or place.grain != "company"):
            raise UsageError(f"没有这家企业：{code[:40]}", to_do="请填统一社会信用代码，多家用空格或换行分开")
    return codes
