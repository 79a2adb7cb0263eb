"""What of a page is only text, tables and links leaves as finished HTML; Dash keeps the charts and what stands around
them.

Dash asks every component at every turn whether it has changed: a page made of two thousand of them answers a click 0.2
s later than the same page made of ten. Pages are still written as Dash components; `finished` is the last step before
one leaves. assets/markup.js puts the pieces in place and follows their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.store import one_time_key

VOID = {"img", "input", "br", "hr", "wbr"}
NAMES = {"className": "class", "htmlFor": "for"}
"""Attributes that Dash names otherwise than HTML; the others differ by capitals at most."""
OUR_PAGE = re.compile(r"[?#]|/(?!/)")
"""How the address of a link to a page of this site begins."""
TAGS = {dcc.Link: "a", dcc.Input: "input"}
"""The two Dash components that are plain elements here: a link that markup.js follows, a field of a plain form."""
DASH_ONLY = {"debounce", "refresh"}
"""What only Dash's own link and field would know."""


class Static(Component):
    """One element whose inside is finished HTML. tag: its name; attributes: by React's names; inside: every text in it
    is escaped."""

    _namespace = "zhengbei"
    _type = "Static"

    def __init__(self, tag: str, attributes: dict[str, Any], inside: str) -> None:
        self._prop_names = ["tag", "attributes", "inside"]
        self._valid_wildcard_attributes: list[str] = []
        self.available_properties = self._prop_names
        self.available_wildcard_properties: list[str] = []
        # not by the constructor of all components: for its messages it would look for a package of this name on the
        # disk, each time
        self.tag, self.attributes, self.inside = tag, attributes, inside


def finished(page: Any) -> Any:
    """The same page with every part that has no chart in it as one Static. Raises ValueError for a link that leaves
    this site."""
    alive: set[int] = set()
    _mark(page, alive)
    return _settle(page, alive)


def written(part: Any) -> str:
    """A component, text or list of them as HTML. Raises ValueError for a chart, which needs a script, and for a link
    that leaves this site."""
    out: list[str] = []
    for node in part if isinstance(part, list | tuple) else (part,):
        _write(node, out)
    return "".join(out)


def _mark(node: Any, alive: set[int]) -> bool:
    """Notes what must stay a Dash component, and everything around it."""
    if not isinstance(node, Component):
        return False
    lives = _tag(type(node)) is None
    for child in _children(node):
        lives = _mark(child, alive) or lives
    if lives:
        alive.add(id(node))
    return lives


def _settle(node: Any, alive: set[int]) -> Any:
    if not isinstance(node, Component):
        return node
    if id(node) not in alive:
        inside: list[str] = []
        for child in _children(node):
            _write(child, inside)
        return Static(_tag(type(node)) or "", _react(node), "".join(inside))
    if _tag(type(node)) is not None:  # stands around a chart
        node.children = [_settle(child, alive) for child in _children(node)]
    return node


def _write(node: Any, out: list[str]) -> None:
    if node is None or isinstance(node, bool):
        return
    if not isinstance(node, Component):
        out.append(escape(str(node), quote=False))
        return
    tag = _tag(type(node))
    if tag is None:
        raise ValueError(f"需要脚本的部件不能写成 HTML：{type(node).__name__}")
    out.append(f"<{tag}")
    # Dash holds attributes in the order of a set: sorted, the same page is the same bytes in every process
    for name, value in sorted(_given(node), key=lambda pair: pair[0]):
        if value is None or value is False:
            continue
        if name == "style":
            value = ";".join(f"{_dashed(key)}:{one}" for key, one in value.items())
        out.append(
            f" {NAMES.get(name) or name.lower()}"
            if value is True
            else f' {NAMES.get(name) or name.lower()}="{escape(value if isinstance(value, str) else str(value))}"'
        )
    out.append(">")
    if tag not in VOID:
        for child in _children(node):
            _write(child, out)
        out.append(f"</{tag}>")


@cache
def _tag(kind: type[Component]) -> str | None:
    """The element a component is; None for one that lives, such as a chart."""
    return kind.__name__.lower() if kind.__module__.startswith(html.__name__) else TAGS.get(kind)


def _children(node: Component) -> list[Any] | tuple[Any, ...]:
    inside = getattr(node, "children", None)
    found = inside if isinstance(inside, list | tuple) else () if inside is None else (inside,)
    if (
        isinstance(node, html.Form) and getattr(node, "method", "get") == "post"
    ):  # no page has to think of it, and none can forget it
        return [dcc.Input(type="hidden", name=one_time_key.FIELD, value=one_time_key.key(), autoComplete="off"), *found]
    return found


def _given(node: Component) -> Iterator[tuple[str, Any]]:
    """What was said of an element, by Dash's names."""
    for name, value in vars(node).items():
        if _is_internal(name):
            continue
        if name == "href" and not OUR_PAGE.match(value):
            raise ValueError(f"链接只能指向本站的页面:{value!r}")
        yield name, str(value).lower() if isinstance(value, bool) and name.startswith(("aria-", "data-")) else value
    if isinstance(node, dcc.Link):
        yield "data-link", ""


@cache
def _is_internal(name: str) -> bool:
    """True for what a component keeps for itself."""
    return name == "children" or name in DASH_ONLY or name.startswith(("_", "available_"))


def _react(node: Component) -> dict[str, Any]:
    given = dict(_given(node))
    if "value" in given and isinstance(node, dcc.Input):  # a field that keeps what is typed
        given["defaultValue"] = given.pop("value")
    return given


@cache
def _dashed(name: str) -> str:
    """fontSize → font-size; --share stays."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
