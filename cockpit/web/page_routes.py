"""A path is a page: what a browser asks for is answered finished, with its true status, and can be read before any
script runs and without one. Dash takes the page over as it stands (assets/js/cockpit/markup.js) and its callback draws
what is clicked later. Which paths there are is said in cockpit/pages/routes.py."""

from __future__ import annotations

import re
from html import escape
from importlib import metadata
from typing import Any
from urllib.parse import quote

from dash import Dash
from dash.fingerprint import build_fingerprint
from flask import Flask, Response, abort, current_app, request
from plotly.io.json import to_json_plotly

from cockpit.identity import gate
from cockpit.presentation import assets
from cockpit.web import page_callback
from warehouse.query.snapshot_store import SnapshotStore

TITLE, PAGE, DRAWN = "@title@", "@page@", "@drawn@"
"""Where the three things stand that differ from page to page."""
INDEX = f"""<!DOCTYPE html>
<html lang="zh-CN">
<head>
{{%metas%}}
<title>{TITLE}</title>
<link rel="icon" href="{assets.url("mark.svg")}" type="image/svg+xml">
<script src="{assets.url("js/theme.js")}"></script>
{{%css%}}
</head>
<body>
<div id="shell-lost" class="lost" role="alert"></div>
<div id="shell-served">{PAGE}</div>
{{%app_entry%}}
<script id="shell-drawn" type="application/json">{DRAWN}</script>
<div>{{%config%}}{{%scripts%}}{{%renderer%}}</div>
</body>
</html>"""
"""The document of every page. Dash's own asks for a favicon and carries an inline script for Internet Explorer."""
RENDERER = "var renderer = new DashRenderer(window.zhengbei.hooks);"
NEEDLESS = re.compile(r'<script src="[^"]*/(?:html|dash_table)/[^"]*"></script>\n?')
"""Bundles of Dash that none of our pages uses: its HTML elements (a page is finished HTML) and its table. The one that
is named polyfill stays: Dash's own components call what it defines."""
CONFIG = "ZHENGBEI_DOCUMENT"


class Cockpit(Dash):
    """Dash with our own files in its document, under addresses that change with them, and without what nobody uses."""

    def interpolate_index(self, *_: Any, **parts: Any) -> str:
        """See Dash."""
        sheets = f'<link rel="stylesheet" href="{assets.url("css/cockpit.css")}">'
        own = f'<script src="{assets.url("js/cockpit.js")}"></script>'
        parts |= {"css": sheets, "scripts": NEEDLESS.sub("", parts["scripts"]) + own}
        return str(super().interpolate_index(**parts))  # type: ignore[no-untyped-call]


def register(server: Flask, library: SnapshotStore) -> None:
    """Adds the page of every path. Before Dash, which answers any path with the same empty document."""

    def page(path: str = "") -> Response:
        if not gate.wants_page(request):
            abort(404)
        return _answer(library)

    server.add_url_rule("/", "page", page)
    server.add_url_rule("/<path:path>", "page", page)


def prepare(server: Flask, dash: Dash) -> None:
    """Makes the document around all pages, once. In an application context, when Dash is set up."""
    server.config[CONFIG] = re.split("|".join((TITLE, PAGE, DRAWN)), dash.index())  # type: ignore[no-untyped-call]


def _answer(library: SnapshotStore) -> Response:
    drawn = page_callback.answer(library, quote(request.path), request.query_string.decode("utf-8", "replace"))
    before, between, after, end = current_app.config[CONFIG]
    rest = {
        "charts": drawn.page.children,
        "theme": page_callback.theme().name,
        "plotly": _plotly(),
    }
    island = to_json_plotly(rest).replace("<", "\\u003c")
    body = "".join((before, escape(drawn.title), between, drawn.page.inside, after, island, end))
    return Response(body, status=drawn.status, mimetype="text/html")


def _plotly() -> str:
    """Address of the charts' library, with its version in it."""
    name = build_fingerprint("package_data/plotly.min.js", metadata.version("plotly"), "0")  # type: ignore[no-untyped-call]
    return f"/_dash-component-suites/plotly/{name}"
