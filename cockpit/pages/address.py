"""The address bar is the whole state of a page: reading it, checking it, and writing the next one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from warehouse.errors import UsageError

KEYS = ("window", "at", "place", "as_of", "span", "sort", "page", "q")
CARRIED = ("as_of",)
"""Goes along to every other page: a chosen snapshot holds until it is left."""

_PATTERNS = {
    "window": re.compile(r"now|day|week|month|quarter|year"),
    "at": re.compile(r"\d{4}(-(W\d{2}|Q[1-4]|\d{2}(-\d{2})?))?"),
    "place": re.compile(r"[0-9A-Za-z_.\-]{1,64}"),
    "as_of": re.compile(r"[0-9A-Za-z_.\-]{1,64}"),
    "span": re.compile(r"now|day|week|month|quarter|year"),
    "sort": re.compile(r"-?(value|change|num|den|name)"),
    "page": re.compile(r"\d{1,4}"),
    "q": re.compile(r"[^\x00-\x1f]{0,40}"),
}


@dataclass(frozen=True)
class Address:
    """A path and the known, well-formed part of its query."""

    path: str
    query: Mapping[str, str]

    @classmethod
    def parse(cls, path: str | None, search: str | None) -> Address:
        """From the browser's pathname and search. Unknown keys are dropped; a malformed known one raises UsageError."""
        found = {}
        for key, value in parse_qsl((search or "").lstrip("?"), max_num_fields=40):
            if key not in KEYS or not value:
                continue
            if not _PATTERNS[key].fullmatch(value):
                raise UsageError("链接中的参数不正确", where=key, to_do="请从总览重新进入")
            found[key] = value
        return cls("/" + (path or "/").strip("/"), found)

    def get(self, key: str) -> str | None:
        """The value of a key, None when it is not in the address."""
        return self.query.get(key)

    def here(self, **changes: str | None) -> str:
        """This page with some keys changed; None or "" removes a key."""
        return _build(self.path, {**self.query, **changes})

    def to(self, path: str, **query: str | None) -> str:
        """Another page with its own query; the chosen snapshot goes along."""
        kept = {key: self.query[key] for key in CARRIED if key in self.query}
        return _build(path, {**kept, **query})


def _build(path: str, query: Mapping[str, str | None]) -> str:
    pairs = [(key, query[key]) for key in KEYS if query.get(key)]
    return f"{path}?{urlencode(pairs)}" if pairs else path
