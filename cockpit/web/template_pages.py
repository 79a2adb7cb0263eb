"""Pages outside Dash in the frame of the cockpit: the same bar, navigation and marks, made by a template and without a
script of their own; and the files that people take away.

For what is a form or a table and nothing more: such a page works in any browser and when nothing else does."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from flask import Response, current_app, send_file

from cockpit.identity import accounts, gate, rights
from cockpit.presentation import texts
from cockpit.presentation.templates import render
from cockpit.web import shell
from warehouse.compile.reading import Generation
from warehouse.core.errors import DataMissing
from warehouse.query.snapshot_store import SnapshotStore


def page(template: str, **values: Any) -> Response:
    """The template (one that extends framed.html) with its values, for the person who asks."""
    who = gate.viewer()
    body = render(
        template,
        viewer=who,
        here=_generation(),
        places=shell.places(list(texts.GROUPS)),
        called=accounts.display_names(gate.settings().state),
        reads_reports=rights.may(who, "sheets"),
        **values,
    )
    return Response(body, mimetype="text/html")


def file(content: bytes | Path, mimetype: str, name: str, *, opens: bool = False) -> Response:
    """A file under a name of any script. opens: the browser may show it itself instead of saving it. The one place that
    names a file to a browser: a header is Latin-1, and a Chinese name that is put there as it stands ends the answer
    inside the server."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    answer = send_file(source, mimetype=mimetype, as_attachment=not opens, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _generation() -> Generation | None:
    """What the cockpit shows now; None before anything was published: such pages stand without it."""
    library: SnapshotStore = current_app.config["ZHENGBEI_LIBRARY"]
    try:
        return library.current(gate.viewer().scope).generation
    except DataMissing:
        return None
