"""Where a value lies in a JSON document: a name or dotted path, else an expression of JMESPath (https://jmespath.org)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

HEAD = re.compile(r'[^.\[|("@]+')
EXPRESSION = re.compile(r'[\[|("@*&{?]')
"""What no dotted path of names has."""


@cache
def _compiled(path: str) -> Any:
    try:
        return jmespath.compile(path)
    except JMESPathError as error:
        raise ValueError(path) from error


def check(path: str) -> None:
    """Raises ValueError for an expression that JMESPath cannot read; a plain name may be any text."""
    if EXPRESSION.search(path):
        _compiled(path)


def at_path(document: Any, path: str) -> Any:
    """What lies at a path of a JSON document, "" = the document itself. Raises KeyError or TypeError when nothing
    does, ValueError for what is no path."""
    if EXPRESSION.search(path):
        found = _compiled(path).search(document)
        if found is None:
            raise KeyError(path)
        return found
    for name in filter(None, path.split(".")):
        document = document[name]
    return document


def value(row: dict[str, Any], path: str) -> Any:
    """A row's value: of the key that is called so, else what lies at the path; None where nothing does."""
    if path in row:
        return row[path]
    try:
        return at_path(row, path)
    except (KeyError, TypeError, ValueError, JMESPathError):
        return None


def column(rows: Sequence[dict[str, Any]], path: str) -> list[Any] | None:
    """The value at a path of every row; None where no row has even the name with which the path begins: then the
    source has no such column, rather than an empty one."""
    found = [value(row, path) for row in rows]
    head = HEAD.match(path)
    is_there = any(one is not None for one in found) or (head is not None and any(head[0] in row for row in rows))
    return found if is_there else None
