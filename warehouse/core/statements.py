"""Where business SQL lies: in .sql files, one SELECT each, in the folder sql/ beside the modules that ask.

Owns how they are read. No templates: what differs from call to call are named parameters, which are bound."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path


def beside(module: str) -> Callable[[str], str]:
    """text(name) of a module, given its `__file__`: the SELECT in sql/<name>.sql beside it, read once."""
    folder = Path(module).with_name("sql")

    @cache
    def text(name: str) -> str:
        return (folder / f"{name}.sql").read_text("utf-8")

    return text
