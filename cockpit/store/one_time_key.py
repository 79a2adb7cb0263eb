"""Every form is carried out once: it carries a key, and a repeat of it gets the first answer instead of a second deed.

A click whose answer is cut off is sent again by the browser itself, and by the person. Owns what a repeat is and how
long it is remembered. All POST routes are wrapped but those of FREE, and a form without a key is refused, so that no
new form can forget it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, g, make_response, redirect, request
from markupsafe import Markup

from cockpit.store import app_db
from warehouse.core.errors import UsageError

FIELD, HEADER = "once", "X-Once"
SLOT = secrets.token_urlsafe(24)
"""Where a key comes to stand in a page that is held. Never leaves the process, so that nobody can write it into a text."""
FREE = {
    "login": "has a signed token of its own, and nobody is signed in yet",
    "login_code": "as the log-in; a code opens once",
    "password_link": "as the log-in; the link is spent by it",
    "password": "has a signed token of its own; the old password no longer fits the second time",
    "sign_on_back": "another server says that a session is over: twice is as good as once",
    "sign_on_logout": "the same",
    "logout": "twice is as good as once",
    "wall.heartbeat": "the last one counts",
    "/_dash-update-component": "only reads",
}
"""Endpoints that take a POST without a key, and why they may."""
HOLD_S = 24 * 3600
WAIT_S, LOOK_S = 15.0, 0.1
"""A repeat waits so long for the first one that is still under way."""
LONGEST = 100


def key() -> str:
    """A new key for a form."""
    return secrets.token_urlsafe(16)


def filled(page: str) -> str:
    """A page with a new key at every SLOT."""
    return re.sub(re.escape(SLOT), lambda _: key(), page)


def field() -> Markup:
    """The hidden field with a new key, for a template's form."""
    return Markup('<input type="hidden" name="{}" value="{}" autocomplete="off">').format(FIELD, key())


def guard(server: Flask, file: Path) -> None:
    """Wraps every POST route of `server` that is registered so far. file: the state file."""
    for name in {rule.endpoint for rule in server.url_map.iter_rules() if "POST" in (rule.methods or ())} - set(FREE):
        server.view_functions[name] = _wrapped(server.view_functions[name], file)


def _wrapped(view: Callable[..., Any], file: Path) -> Callable[..., Any]:
    @wraps(view)
    def carried_out(**values: Any) -> Any:
        identity = _identity()
        earlier = _claim(file, identity)
        if earlier is not None:
            return _again(earlier)
        try:
            answer = make_response(view(**values))
        except BaseException:
            _release(file, identity)  # nothing was done: what is put right may come with the same key
            raise
        if answer.status_code >= 400:
            _release(file, identity)
        else:
            _keep(file, identity, answer)
        return answer

    return carried_out


def _identity() -> str:
    """Who sends which key with which content. A page that is found again by the back button has its old key: other
    words are another deed."""
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not given or len(given) > LONGEST:
        raise UsageError("这张表单没有一次性编号", to_do="请刷新页面后再提交")
    content = hashlib.sha256(request.get_data() if request.is_json else b"")
    for name, value in sorted(request.form.items(multi=True)):
        content.update(repr((name, value)).encode())
    for name, sent in sorted(request.files.items(multi=True)):
        content.update(repr((name, sent.filename)).encode() + sent.stream.read())
        sent.stream.seek(0)
    return app_db.digest(repr((g.viewer.user, given, request.path, content.hexdigest())))


def _claim(file: Path, identity: str) -> dict[str, Any] | None:
    """None when it is ours to carry out; else what the first one came to. Aborts with 409 when that stays unknown: a
    deed that may have been done is not done again."""
    end = time.monotonic() + WAIT_S
    while True:
        with app_db.writing(file) as connection:
            connection.execute("DELETE FROM once WHERE at < ?", (time.time() - HOLD_S,))
            if connection.execute("INSERT OR IGNORE INTO once VALUES (?, ?, NULL)", (identity, time.time())).rowcount:
                return None
            answer = connection.execute("SELECT answer FROM once WHERE id = ?", (identity,)).fetchone()["answer"]
        if answer is not None:
            found: dict[str, Any] = json.loads(answer)
            return found
        if time.monotonic() > end:
            abort(409)
        time.sleep(LOOK_S)


def _keep(file: Path, identity: str, answer: Response) -> None:
    """Remembers where the answer led, or what it said to a script. A page is not kept: it may show what is shown
    once."""
    text = {"to": answer.location} if answer.location else {"json": answer.get_json()} if answer.is_json else {}
    with app_db.writing(file) as connection:
        connection.execute("UPDATE once SET answer = ? WHERE id = ?", (json.dumps(text), identity))


def _release(file: Path, identity: str) -> None:
    with app_db.writing(file) as connection:
        connection.execute("DELETE FROM once WHERE id = ?", (identity,))


def _again(earlier: dict[str, Any]) -> Any:
    if "to" in earlier:
        return redirect(earlier["to"], code=303)
    if "json" in earlier:
        return make_response(earlier["json"])
    abort(409)
