"""Dash components to an HTML string, so that wall and PDF show the same tiles without Dash in the page.

Every text and attribute is escaped; there is no way to pass markup through. Components that need a script of their
own (charts, inputs) are refused with TypeError: paper and wall draw those their own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from dash.development.base_component import Component

VOID = {"img", "br", "hr", "input", "wbr", "col", "source"}
RENAMED = {"className": "class", "htmlFor": "for", "colSpan": "colspan", "rowSpan": "rowspan", "tabIndex": "tabindex"}
SKIPPED = {"children", "n_clicks", "n_clicks_timestamp", "key", "refresh", "loading_state", "disable_n_clicks"}
HTML_NAMESPACE = "dash_html_components"


def render(component: Any) -> str:
    """HTML of a component, a list of components, a text, a number or None ("")."""
    if component is None or isinstance(component, bool):
        return ""
    if isinstance(component, str | int | float):
        return escape(str(component), quote=False)
    if isinstance(component, list | tuple):
        return "".join(render(child) for child in component)
    if not isinstance(component, Component):
        raise TypeError(f"cannot render {type(component).__name__}")
    return _element(component)


def _element(component: Component) -> str:
    tag = _tag(component)
    attributes = "".join(_attributes(component))
    if tag in VOID:
        return f"<{tag}{attributes}>"
    return f"<{tag}{attributes}>{render(getattr(component, 'children', None))}</{tag}>"


def _tag(component: Component) -> str:
    name = type(component).__name__
    if name == "Link":
        return "a"
    if component._namespace != HTML_NAMESPACE:
        raise TypeError(f"{name} needs a script and cannot be printed")
    return name.lower()


def _attributes(component: Component) -> Iterable[str]:
    for name, item in component.to_plotly_json()["props"].items():
        if name in SKIPPED or item is None or item is False:
            continue
        label = RENAMED.get(name, name)
        if name == "style":
            item = ";".join(f"{_kebab(k)}:{v}" for k, v in item.items())
        if item is True:
            yield f" {label}"
        else:
            yield f' {label}="{escape(str(item), quote=True)}"'


def _kebab(name: str) -> str:
    return name if name.startswith("--") else re.sub(r"[A-Z]", lambda m: "-" + m[0].lower(), name)
