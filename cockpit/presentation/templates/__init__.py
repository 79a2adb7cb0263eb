"""Jinja templates of the two surfaces outside Dash: the wall page and the weekly paper. Owns the one environment:
everything is escaped, an unknown name is an error and not an empty string."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cockpit.presentation import assets, texts
from cockpit.presentation import format as fmt
from cockpit.store import one_time_key

FOLDER = Path(__file__).resolve().parent


@cache
def environment() -> Environment:
    """The environment; templates see `fmt` (the formatter), `texts` (the words), `asset()` (the address of a file),
    `basic` (style sheets) and `once()` (the key that a form carries)."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(fmt=fmt, texts=texts, asset=assets.url, basic=assets.BASIC, once=one_time_key.field)
    return made


def render(name: str, **context: Any) -> str:
    """HTML of the template `name` in this folder."""
    return environment().get_template(name).render(**context)
