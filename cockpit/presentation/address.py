"""The address bar is the whole state of a page: reading it, checking it, and writing the next one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode

from warehouse.core.errors import UsageError

KEYS = (
    "window",
    "at",
    "place",
    "with",
    "only",
    "vs",
    "by",
    "as_of",
    "span",
    "of",
    "sort",
    "page",
    "q",
    "metric",
    "who",
    "event",
    "about",
    "since",
    "until",
)
CARRIED = ("as_of",)
MOST_FIELDS = 40
"""Goes along to every other page: a chosen snapshot holds until it is left."""
LONGEST_TYPED = 40
"""Characters of what is typed into a search or a filter that are looked for; what is longer is cut and the page says so."""

_PATTERNS = {
    "window": re.compile(r"now|day|week|month|quarter|year"),
    "at": re.compile(r"\d{4}(-(W\d{2}|Q[1-4]|\d{2}(-\d{2})?))?"),
    "place": re.compile(r"[0-9A-Za-z_.\-]{1,64}"),
    "with": re.compile(r"[0-9A-Za-z_.\-]{1,64}(,[0-9A-Za-z_.\-]{1,64}){0,5}"),
    "as_of": re.compile(r"[0-9A-Za-z_.\-]{1,64}"),
    "span": re.compile(r"now|day|week|month|quarter|year"),
    "only": re.compile(r"[a-z0-9_]{1,24}:[^\x00-\x1f~]{1,40}(~[a-z0-9_]{1,24}:[^\x00-\x1f~]{1,40}){0,5}"),
    "vs": re.compile(r"previous|year"),
    "by": re.compile(r"[a-z0-9_]{1,24}"),
    "of": re.compile(r"[a-z0-9_]{1,24}"),
    "sort": re.compile(r"-?[a-z0-9_]{1,24}"),
    "page": re.compile(r"\d{1,4}"),
    "q": re.compile(rf"[^\x00-\x1f]{{0,{LONGEST_TYPED}}}"),
    "who": re.compile(r"[^\x00-\x1f]{0,64}"),
    "event": re.compile(r"[a-z_]{1,32}"),
    "about": re.compile(r"[^\x00-\x1f]{0,64}"),
    "since": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "until": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "metric": re.compile(r"[a-z0-9_]{2,60}"),
}


@dataclass(frozen=True)
class Address:
    """A path and the known, well-formed part of its query. is_cut: more was typed than is looked for."""

    path: str
    query: Mapping[str, str]
    is_cut: bool = False

    @classmethod
    def parse(cls, path: str | None, search: str | None) -> Address:
        """From the browser's pathname and search. Unknown keys are dropped; a malformed known one raises UsageError."""
        found, is_cut = {}, False
        try:
            pairs = parse_qsl((search or "").lstrip("?"), max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise UsageError(f"链接中的参数超过 {MOST_FIELDS} 个", to_do="请从总览重新进入") from error
        for key, value in pairs:
            if key not in KEYS or not value:
                continue
            if key == "q":
                # typed by hand, or pasted with a line break: it is answered as far as it can be
                value = " ".join(value.split())
                is_cut, value = len(value) > LONGEST_TYPED, value[:LONGEST_TYPED].strip()
            if not _PATTERNS[key].fullmatch(value):
                raise UsageError("链接中的参数不正确", where=key, to_do="请从总览重新进入")
            found[key] = value
        return cls("/" + unquote(path or "/").strip("/"), found, is_cut)

    def get(self, key: str) -> str | None:
        """The value of a key, None when it is not in the address."""
        return self.query.get(key)

    @property
    def only(self) -> tuple[tuple[str, str], ...]:
        """The filters as (dimension, member), in the order they were chosen; of one dimension the last counts."""
        pairs = [word.partition(":") for word in (self.get("only") or "").split("~") if word]
        return tuple({dimension: member for dimension, _, member in pairs}.items())

    def filtered(self, dimension: str, member: str | None) -> str | None:
        """The `only` word with one more filter, or with one less when `member` is None; None when none is left."""
        stored = {**dict(self.only), dimension: member}
        return "~".join(f"{name}:{value}" for name, value in stored.items() if value) or None

    def here(self, **changes: str | None) -> str:
        """This page with some keys changed; None or "" removes a key."""
        return _build(quote(self.path, safe="/"), {**self.query, **changes})

    def to(self, path: str, **query: str | None) -> str:
        """Another page with its own query; the chosen snapshot goes along."""
        stored = {key: self.query[key] for key in CARRIED if key in self.query}
        return _build(path, {**stored, **query})


def _build(path: str, query: Mapping[str, str | None]) -> str:
    pairs = [(key, query[key]) for key in KEYS if query.get(key)]
    return f"{path}?{urlencode(pairs)}" if pairs else path
