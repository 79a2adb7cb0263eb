"""/glossary: the words of the field as this product uses them; the table stands once, in warehouse/README.md."""

from __future__ import annotations

import re
from functools import cache

from dash import html

from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation.tiles.table import table
from warehouse.core.settings import ROOT

HEADING = "## 术语"


@cache
def terms() -> tuple[tuple[str, str], ...]:
    """(word, meaning) in the order of the table, without the names that only programmers use."""
    text = (ROOT / "README.md").read_text("utf-8").partition(HEADING)[2].partition("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in text.splitlines() if line.startswith("|")]
    return tuple((cells[0].strip(), cells[2].strip().replace("`", "")) for cells in rows[2:])


def render(visit: PageContext) -> Page:
    """All of them."""
    listed = table(["名词", "意思"], [[html.B(word), meaning] for word, meaning in terms()])
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("名词", "")),
        html.Span(className="spacer"),
        toolbar.copy_link(),
    ]
    return Page("名词", [toolbar.card("名词", "指标自己的口径见各指标页", listed)], group="overview", tools=bar)
