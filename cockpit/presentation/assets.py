"""The files beside the code that a browser loads: where they lie, under which address each leaves, and the name of the
whole build. An address carries the digest of its file, so that a browser may keep the file for ever and asks for
another one as soon as it changes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from warehouse.core.settings import RELEASE

ASSETS = Path(__file__).resolve().parents[2] / "assets"
STYLES, SCRIPTS = ASSETS / "css", ASSETS / "js"
PREFIX = "/assets/"
VERSION = "v"
"""The parameter of an address that holds the digest."""
DRAWS = {".py", ".html", ".css", ".js", ".svg", ".geojson"}
"""Kinds of files of which a screen is made."""
DIGEST_LENGTH, BUILD_LENGTH = 16, 12


def sheets(surface: str) -> list[str]:
    """The style sheets of a surface ("cockpit", "wall") in the order of their names, as `url` takes them; the colours
    (00_tokens.css), which all surfaces share, go before."""
    return [f"css/{surface}/{file.name}" for file in sorted((STYLES / surface).glob("*.css"))]


BUNDLES: dict[str, tuple[str, ...]] = {
    **{f"css/{surface}.css": ("css/00_tokens.css", *sheets(surface)) for surface in ("cockpit", "wall")},
    "js/cockpit.js": tuple(f"js/cockpit/{file.name}" for file in sorted((SCRIPTS / "cockpit").glob("*.js"))),
    "js/wall.js": ("js/cockpit/leave.js", *(f"js/wall/{name}.js" for name in ("map", "slots", "direction", "wall"))),
}
"""What leaves as one file though it is written in several: one request instead of twenty."""


def content(name: str) -> bytes:
    """The file or bundle `name` below assets/ ("css/00_tokens.css", "css/wall.css"). Raises OSError when there is
    none."""
    return b"\n".join((ASSETS / part).read_bytes() for part in BUNDLES.get(name, (name,)))


@cache
def digest(name: str) -> str:
    """Of the file or bundle `name`, 16 hex digits. Raises OSError when there is none."""
    return hashlib.sha256(content(name)).hexdigest()[:DIGEST_LENGTH]


def url(name: str) -> str:
    """The address of the file or bundle `name` below assets/, from the root of the site."""
    return f"{PREFIX}{name}?{VERSION}={digest(name)}"


BASIC = tuple(name for name in sheets("cockpit") if Path(name).name.startswith("1"))
"""What a page needs that shows no number: the login page has these and its own."""


@cache
def build_id() -> str:
    """Twelve hex digits that change exactly when the release, or the code, a template or an asset of the cockpit
    changes. A screen that was drawn by another build loads itself anew."""
    mark = hashlib.sha256(RELEASE.encode())
    for root in (Path(__file__).resolve().parents[1], ASSETS):
        for file in sorted(file for file in root.rglob("*") if file.suffix in DRAWS):
            mark.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return mark.hexdigest()[:BUILD_LENGTH]
