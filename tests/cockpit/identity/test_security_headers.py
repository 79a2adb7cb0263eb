"""Headers on every answer, and files that ask no other host for anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from cockpit.presentation.assets import ASSETS, BUNDLES, STYLES
from cockpit.web import app
from warehouse.core.settings import Options, Settings

PATHS = [
    "/",
    "/login",
    "/healthz",
    "/nope",
    "/_dash-layout",
    "/_dash-dependencies",
    "/api/version",
    "/api/metric/nope",
    "/assets/js/cockpit/freshness.js",
    "/wall/x",
]
FOREIGN = re.compile(r"""(?:https?:)?//[\w.-]+\.\w{2,}""")
ALLOWED = ("http://www.w3.org/2000/svg",)
"""A namespace is a name, not an address: nothing is fetched from it."""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("known", [True, False])
def test_every_answer_carries_the_security_headers(
    client: FlaskClient, request: pytest.FixtureRequest, path: str, known: bool
) -> None:
    asking = request.getfixturevalue("signed_in") if known else client
    headers = asking.get(path).headers
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'" and policy["connect-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"] and "'sha256-" in policy["script-src"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "X-Powered-By" not in headers
    assert headers["Cache-Control"] == "no-store" or (
        path.startswith("/assets/") and "private" in headers["Cache-Control"]
    )


def test_tls_adds_hsts_and_plain_http_does_not(data: Path, client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/login").headers
    secure = app.create_app(Settings(data, Options(tls=True))).test_client()
    assert "max-age" in secure.get("/login").headers["Strict-Transport-Security"]


def test_the_page_has_no_inline_script_but_the_hashed_one(signed_in: FlaskClient) -> None:
    page = signed_in.get("/").get_data(as_text=True)
    inline = [
        body.strip()
        for kind, body in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.S)
        if body.strip() and "json" not in kind
    ]
    assert len(inline) == 1 and "DashRenderer" in inline[0]


def test_pages_load_only_their_own_files(signed_in: FlaskClient) -> None:
    page = signed_in.get("/").get_data(as_text=True)
    assert not FOREIGN.search(page)
    loaded = re.findall(r"/assets/(?:[\w.\-]+/)*([\w.\-]+)", page)
    assert {"cockpit.css", "cockpit.js"} <= set(loaded)
    others = {path.name for path in STYLES.glob("[a-z]*.css")} | {"wall.css", "wall.js"}
    assert not others & set(loaded), "files of the wall, the paper, the phone and the login page"


def test_a_bundle_is_its_files_one_after_the_other(signed_in: FlaskClient) -> None:
    for name, parts in BUNDLES.items():
        text, at = signed_in.get(f"/assets/{name}").get_data(as_text=True), -1
        for part in parts:
            at = text.index((ASSETS / part).read_text("utf-8"), at + 1)
    assert (
        "css/cockpit/20_tiles.css" in BUNDLES["css/cockpit.css"]
        and "js/cockpit/freshness.js" in BUNDLES["js/cockpit.js"]
    )


@pytest.mark.parametrize(
    "file", sorted(p for p in ASSETS.rglob("*") if p.suffix in (".css", ".js", ".svg")), ids=lambda p: p.name
)
def test_no_asset_names_another_host(file: Path) -> None:
    found = [
        m
        for m in FOREIGN.findall(file.read_text("utf-8"))
        if m not in ALLOWED and not m.startswith("http://www.w3.org")
    ]
    assert not found
    assert "@import" not in file.read_text("utf-8")
