"""A page leaves as finished HTML, which can be read without any script; only its charts stay Dash components.

Dash asks every component at every turn whether it has changed: a page made of two thousand of them answers a click 0.2
s later than the same page made of ten. Pages are still written as Dash components; `finished` is the last step before
one leaves. assets/js/cockpit/markup.js puts it in place and follows its links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import texts
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


class PageParts(Component):
    """A page as it leaves: its finished HTML with a slot for every chart, and as `children` the charts, in the order of
    their slots."""

    _namespace = "zhengbei"
    _type = "Page"

    def __init__(self, inside: str, children: list[Component]) -> None:
        self._prop_names = ["inside", "children"]
        self._valid_wildcard_attributes: list[str] = []
        self.available_properties = self._prop_names
        self.available_wildcard_properties: list[str] = []
        # not by the constructor of all components: for its messages it would look for a package of this name on the
        # disk, each time
        self.inside, self.children = inside, children


def finished(page: Any) -> PageParts:
    """A component, text or list of them as finished HTML and the charts in it. Raises ValueError for a part that is
    neither, and for a link that leaves this site."""
    made = unsigned(page)
    made.inside = one_time_key.filled(made.inside)
    return made


def unsigned(page: Any) -> PageParts:
    """The same without the keys of its forms: it can be held, and becomes part of a page that is finished later."""
    charts: list[Any] = []
    inside = _joined(page, charts)
    return PageParts(inside, charts)


def written(part: Any) -> str:
    """A component, text or list of them as HTML. Raises ValueError for a chart, which needs a script, and for a link
    that leaves this site."""
    charts: list[Any] = []
    inside = _joined(part, charts)
    if charts:
        raise ValueError("图表需要脚本，不能写成 HTML")
    return one_time_key.filled(inside)


def _joined(part: Any, charts: list[Any]) -> str:
    out: list[str] = []
    for node in part if isinstance(part, list | tuple) else (part,):
        _write(node, out, charts)
    return "".join(out)


def _write(node: Any, out: list[str], charts: list[Any]) -> None:
    if node is None or isinstance(node, bool):
        return
    if not isinstance(node, Component):
        out.append(escape(str(node), quote=False))
        return
    if isinstance(node, PageParts):
        out.append(node.inside)
        charts.extend(node.children)
        return
    if isinstance(node, dcc.Graph):
        charts.append(node)
        out.append(_slot(node))
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
            value = _css(value)
        out.append(
            f" {NAMES.get(name) or name.lower()}"
            if value is True
            else f' {NAMES.get(name) or name.lower()}="{escape(value if isinstance(value, str) else str(value))}"'
        )
    out.append(">")
    if tag not in VOID:
        for child in _children(node):
            _write(child, out, charts)
        out.append(f"</{tag}>")


def _slot(chart: Any) -> str:
    """Where a chart comes to stand: as high as the chart will be, with a sentence that the style sheet hides
    where scripts run (theme.js has left its mark then)."""
    style = escape(_css(getattr(chart, "style", None) or {}))
    return (
        f'<div class="chart-slot" data-chart="{escape(str(getattr(chart, "id", "")))}" style="{style}">'
        f"<p>{texts.CHART_NEEDS_SCRIPT}</p></div>"
    )


@cache
def _tag(kind: type[Component]) -> str | None:
    """The element a component is; None for one that needs a script."""
    return kind.__name__.lower() if kind.__module__.startswith(html.__name__) else TAGS.get(kind)


def _children(node: Component) -> list[Any] | tuple[Any, ...]:
    inside = getattr(node, "children", None)
    found = inside if isinstance(inside, list | tuple) else () if inside is None else (inside,)
    if (
        isinstance(node, html.Form) and getattr(node, "method", "get") == "post"
    ):  # no page has to think of it, and none can forget it
        return [dcc.Input(type="hidden", name=one_time_key.FIELD, value=one_time_key.SLOT, autoComplete="off"), *found]
    return found


def _given(node: Component) -> Iterator[tuple[str, Any]]:
    """What was said of an element, by Dash's names."""
    for name, value in vars(node).items():
        if _is_internal(name):
            continue
        if name == "href" and not OUR_PAGE.match(value):
            raise ValueError(f"链接只能指向本站的页面：{value!r}")
        yield name, str(value).lower() if isinstance(value, bool) and name.startswith(("aria-", "data-")) else value
    if isinstance(node, dcc.Link):
        yield "data-link", ""


@cache
def _is_internal(name: str) -> bool:
    """True for what a component keeps for itself."""
    return name == "children" or name in DASH_ONLY or name.startswith(("_", "available_"))


def _css(style: dict[str, Any]) -> str:
    return ";".join(f"{_dashed(key)}:{value}" for key, value in style.items())


@cache
def _dashed(name: str) -> str:
    """fontSize → font-size; --share stays."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
