"""Pages leave as finished HTML: the same words and links, nothing a text could smuggle in, and charts left alive."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, cast

import pytest
from dash import dcc, html
from dash.development.base_component import Component
from hypothesis import given
from hypothesis import strategies as st

from cockpit.presentation import texts
from cockpit.presentation.static_html import finished, written
from cockpit.presentation.tiles.attributes import aria, data
from cockpit.web import page_callback
from warehouse.query.snapshot_store import SnapshotStore


class Read(HTMLParser):
    """What a browser would find: elements with their attributes, and all text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def inside(page: Component) -> Read:
    return Read(finished(page).inside)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_no_text_becomes_an_element_or_an_attribute(words: str) -> None:
    read = inside(html.P([words, html.Span("尾", title=words)]))
    assert [tag for tag, _ in read.found] == ["p", "span"] and read.found[1][1] == {"title": words}
    assert read.text == words + "尾"


def test_attributes_keep_their_meaning_under_the_names_of_html() -> None:
    page = html.Table(
        html.Tr(
            html.Td(
                ["甲", None, 3],
                colSpan=2,
                className="a b",
                style={"fontSize": "12px", "--share": "4%"},
                hidden=True,
                **aria(label="说明"),
                **data(stale_after="900"),
            )
        )
    )
    ((_, _), (_, _), (tag, given_)) = inside(page).found
    assert tag == "td" and given_ == {
        "colspan": "2",
        "class": "a b",
        "style": "font-size:12px;--share:4%",
        "hidden": None,
        "aria-label": "说明",
        "data-stale-after": "900",
    }
    assert inside(page).text == "甲3"


def test_links_are_followed_without_a_load_and_fields_are_plain() -> None:
    read = inside(
        html.Form(
            [
                dcc.Link("去", href="/metric/a?window=week&at=1"),
                dcc.Input(type="search", name="q", value="浙A", debounce=True, maxLength=40),
            ]
        )
    )
    assert read.found[1] == ("a", {"href": "/metric/a?window=week&at=1", "data-link": ""})
    assert read.found[2] == ("input", {"type": "search", "name": "q", "value": "浙A", "maxlength": "40"})


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "https://example.test/", "//example.test/", "data:text/html,x", " /x"]
)
def test_a_link_leads_to_a_page_of_this_site(href: str) -> None:
    with pytest.raises(ValueError, match="链接"):
        finished(html.Div(dcc.Link("去", href=href)))


def test_a_page_that_cannot_be_written_out_says_so_instead_of_leaving_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        page_callback,
        "draw",
        lambda *_: page_callback.Drawn(html.Main(dcc.Link("去", href="https://example.test/")), "甲"),
    )
    page, title, status = page_callback.answer(cast(SnapshotStore, None), "/", "")
    assert (
        status == 500
        and title == texts.ERRORS[500][0]
        and texts.ERRORS[500][1] in page.inside
        and "返回总览" in page.inside
    )


def test_a_chart_leaves_a_slot_of_its_height_and_a_sentence_for_whoever_has_no_script() -> None:
    chart: Any = dcc.Graph(id="a-chart", figure={"data": [], "layout": {}}, style={"height": "220px"})
    page = finished(html.Main([html.H2("甲"), html.Div(chart, className="chart"), html.P("乙")], id="main"))
    assert page.children == [chart]
    assert page.inside.startswith('<main id="main"><h2>甲</h2><div class="chart"><div class="chart-slot"')
    assert 'data-chart="a-chart" style="height:220px"><p>' in page.inside and page.inside.endswith(
        "</p></div></div><p>乙</p></main>"
    )
    with pytest.raises(ValueError, match="脚本"):
        written(chart)
