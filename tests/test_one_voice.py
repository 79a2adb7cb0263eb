"""What needs somebody is named alike on wall, overview, group page and paper: the same numbers, in one order, with the same town."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from cockpit.identity.sessions import Viewer
from cockpit.presentation import texts
from cockpit.presentation.static_html import written
from cockpit.report import content
from cockpit.wall import layouts, scenes
from cockpit.web import app, page_callback
from warehouse.core.settings import Settings
from warehouse.insight.findings import numbers, order, ranking
from warehouse.query import periods
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="module")
def data(data_with_picture: Path) -> Path:
    return data_with_picture


@pytest.fixture(scope="module")
def book(data: Path) -> Snapshot:
    return SnapshotStore(data).current(Scope.ALL)


@pytest.fixture(scope="module")
def page(data: Path) -> Callable[[str], HTMLParser]:
    server: Flask = app.create_app(Settings(data))

    def drawn(path: str) -> HTMLParser:
        with server.test_request_context(path):
            g.viewer = Viewer("person", "voice", "leader", scope=Scope.ALL)
            return HTMLParser(written(page_callback.draw(server.config["ZHENGBEI_LIBRARY"], path, "")[0]))

    return drawn


def named(tree: HTMLParser, kinds: tuple[str, ...]) -> list[str]:
    lines = tree.css("li[data-finding]")
    return [line.attributes["data-finding"] or "" for line in lines if line.attributes["data-kind"] in kinds]


def pressing(book: Snapshot) -> list[str]:
    return [one.reading.metric for one in numbers.of_period(book, "week", None).pressing]


def everywhere(book: Snapshot, page: Callable[[str], HTMLParser]) -> None:
    found = numbers.of_period(book, "week", None)
    off, both = [one.reading.metric for one in found.off_target], pressing(book)
    assert off and set(both) > set(off), "the small world misses some targets and comes close to others"
    assert named(page("/"), ("off_target",)) == off
    for group in texts.GROUPS:
        own = [name for name in both if book.metrics[name].group == group]
        assert named(page(f"/group/{group}"), ("off_target", "near")) == own, group
    for scene in layouts.SCENES:
        needs = HTMLParser(scenes.scene(book, scene, book.generation.built_at.date())["needs"])
        shown = [span.attributes["data-finding"] for span in needs.css("[data-finding]")]
        own = [name for name in both if name in layouts.metrics(scene, book.metrics)]
        assert shown == own[: len(shown)], scene
    issue = content.build(book, periods.newest(book, "week") or "")
    weekly = [name for name in both if "weekly" in book.metrics[name].show]
    assert [row["metric"] for row in issue.context["attention"] if row["judgement"]] == weekly
    table = {row["metric"]: row["word"] for group in issue.context["groups"] for row in group["rows"]}
    missed = {words[look] for words in (texts.JUDGEMENTS, texts.ADVISED) for look in ("warn", "bad")}
    assert {name for name, word in table.items() if word in missed} == set(weekly)


def test_every_surface_names_the_same_numbers_in_the_same_order(
    book: Snapshot, page: Callable[[str], HTMLParser]
) -> None:
    everywhere(book, page)


def test_the_order_is_changed_in_one_place(
    book: Snapshot, page: Callable[[str], HTMLParser], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pressing(book)
    monkeypatch.setattr(
        order, "key", lambda tone, weight, size, number: (order.TONES.index(tone), weight, size, -number)
    )
    assert pressing(book) != before
    everywhere(book, page)


def test_every_surface_names_the_same_town(book: Snapshot, page: Callable[[str], HTMLParser]) -> None:
    issue = content.build(book, periods.newest(book, "week") or "")
    on_paper = {row["metric"]: row["worst"] for row in issue.context["attention"]}
    worst = {one.reading.metric: one.worst for one in numbers.of_period(book, "week", None).pressing}
    for line in page("/").css("li[data-finding][data-kind=off_target]"):
        metric, link = line.attributes["data-finding"] or "", line.css_first("a.worst")
        town = worst[metric]
        assert (link is None) == (town is None), metric
        if town is not None and link is not None:
            assert link.text().startswith(town.place.label)
            assert metric not in on_paper or on_paper[metric].startswith(town.place.label)


def test_a_town_that_meets_its_target_or_counts_too_few_is_never_behind(book: Snapshot) -> None:
    for one in numbers.of_period(book, "week", None).pressing:
        for town in one.behind:
            assert town.judgement in ("bad", "warn") and (town.den or 0) >= 10, (one.reading.metric, town.place.label)
            assert town.place.label != "归属待核"
    assert ranking.ranked([]) == []


def test_two_numbers_of_one_name_on_one_picture_say_their_periods(book: Snapshot) -> None:
    """As 诉求按期办结率 did on the wall: 95.7 % of the month on a tile, 100 % of the year in its programme, and neither said so."""
    today = book.generation.built_at.date()
    for scene in layouts.SCENES:
        shown = scenes.scene(book, scene, today)
        for slot in shown["slots"]:
            if slot["kind"] == "programme":
                rows = HTMLParser(slot["html"]).css(".p-rows li .name")
                assert all((row.css_first("small") or row).text().strip() not in ("", row.text()) for row in rows), (
                    scene
                )
            if slot["kind"] == "tile":
                assert HTMLParser(slot["html"]).css_first(".when") is not None, slot["id"]
