"""Places beside each other say what each says alone; what cannot stand there is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import pytest
from flask import Flask, g

from cockpit.pages import compare as page_of
from cockpit.presentation.charts import compare
from cockpit.presentation.charts.compare import Line
from cockpit.presentation.reading_view import present
from cockpit.presentation.theme import DARK, LIGHT, Theme
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, links, walk, words
from warehouse.compile.reading import Point, Reading
from warehouse.insight import profiles
from warehouse.insight.findings.ranking import ranked
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

ONLINE = "fleet_online_rate"
Draw = Callable[[str], Any]


@pytest.fixture
def draw(web: Flask, library: SnapshotStore) -> Draw:
    def drawn(search: str, metric: str = ONLINE) -> Any:
        with web.test_request_context("/"):
            g.viewer = LEADER
            return page_callback.draw(library, f"/compare/{metric}", search)[0]

    return drawn


@pytest.fixture
def book(library: SnapshotStore) -> Snapshot:
    return library.current(Scope.ALL)


def known(book: Snapshot, grain: str) -> list[Reading]:
    return [item for item in book.by(ONLINE, "week", grain=grain) if item.status == "ok"]


def rows(page: Any) -> dict[str, list[str]]:
    """Name of a row → its other cells in words."""
    found = {}
    for row in (item for item in walk(page) if type(item).__name__ == "Tr"):
        cells = [words(cell) for cell in row.children]
        found[cells[0]] = cells[1:]
    return found


def test_each_place_says_what_it_says_alone_and_its_rank_among_its_kind(draw: Draw, book: Snapshot) -> None:
    towns, companies = known(book, "town")[:2], known(book, "company")[:2]
    chosen = [*towns, *companies]
    page = draw(f"?window=week&with={','.join(item.place.code for item in chosen)}")
    table = rows(page)
    for reading in [book.read(ONLINE, "week"), *chosen]:
        cells = table[reading.place.label]
        assert cells[:2] == [present(reading, 1).text, present(reading, 1).parts]
    for grain, shown in (("town", towns), ("company", companies)):
        best = [item.place.code for item in reversed(ranked(book.by(ONLINE, "week", grain=grain)))]
        for reading in shown:
            place = reading.place.code
            assert table[reading.place.label][5] == (f"{best.index(place) + 1} / {len(best)}" if place in best else "—")
    assert f"{len(chosen)} / {page_of.MOST}" in words(page)
    ways = [way for way in links(page) if way.startswith("/compare/") and "with=" in way]
    first, last = chosen[0].place.code, chosen[-1].place.code
    assert any(first not in way and last in way for way in ways), "each can be left out"


def test_what_is_not_counted_so_and_what_is_too_much_is_said(draw: Draw, book: Snapshot) -> None:
    company = known(book, "company")[0].place
    metric = next(one for one in book.metrics.values() if one.drill == ("town",) and one.kind != "now")
    assert f"“{metric.label}”不按{company.label}所在的层级统计" in words(draw(f"?with={company.code}", metric.id))
    assert "链接中的参数不正确" in words(draw(f"?with={','.join(['330110010'] * 7)}"))
    assert "没有这个地方或企业" in words(draw("?with=nowhere"))
    assert "选择镇街或企业" in words(draw(""))


def test_an_owner_who_is_one_person_is_not_listed(draw: Draw, book: Snapshot) -> None:
    alone = next(place for place in book.places("company") if place.code in book.pooled)
    assert rows(draw(f"?window=week&with={alone.code}"))[alone.label][0] == "不单列"


def test_companies_of_a_like_fleet_are_proposed(draw: Draw, book: Snapshot) -> None:
    size = dict(book.ask("SELECT company_key, arg_max(v_cnt, day) FROM marts.company_day GROUP BY 1"))
    company = known(book, "company")[0].place
    near = profiles.peers(book, company.code, 3)
    assert near and company.code not in near
    away = [abs(size[key] - size[company.code]) for key in near]
    assert away == sorted(away) and all(size[key] > 0 for key in near)
    assert f"与{company.label}规模相近的企业" in words(draw(f"?window=week&with={company.code}"))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_library_knows_every_property_of_the_lines(theme: Theme, book: Snapshot) -> None:
    points = book.series(ONLINE, "week", 12)
    drawn = compare.figure([Line("甲", points), Line("乙", points)], window="week", unit="ratio", theme=theme)
    assert [trace.name for trace in go.Figure(drawn).data] == ["甲", "乙"]
    assert compare.figure([], window="week", unit="ratio")["data"] == []
    unknown = [Point(point.win_start, point.win_end, None, None, None, "missing", True) for point in points]
    assert go.Figure(compare.figure([Line("丙", unknown)], window="week", unit="ratio")).layout.yaxis.visible is False
