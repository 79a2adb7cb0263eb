"""What a person reads is written in the bureau's words: terms that were given up stay away, units and rule ids are told in Chinese."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from cockpit.identity.sessions import Viewer
from cockpit.presentation import texts
from cockpit.report import content
from cockpit.wall import layouts, scenes
from cockpit.web import app, page_callback
from tests.test_punctuation import spoken, texts_of
from warehouse.core.settings import Settings
from warehouse.query import periods
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

ROOT = Path(__file__).resolve().parent.parent
GIVEN_UP = {
    "数字护照": "溯源码",
    "溯源编号": "溯源码",
    "未满期": "本期未结束",
    "处置时钟": "待处置报警时长分布",
    "差得最远": "…最低",
    "拉高": "拉升 … 个百分点",
    "未公开": "不单列",
    "未归属": "归属待核",
    "未分镇街": "归属待核",
    "超前": "超序时",
    "滞后": "落后序时",
    "客流": "到访人次",
    "较平常": "较前四周同日",
    "不做处理": "不予处理",
    "快慢": "与序时比较",
    "自有·": "本局参数·",
}
"""Term → what stands in its place."""
UNITS = re.compile(r"万\s?km|km/h|(?<![\w])\d[\d,.]*\s?km\b|里程 km")
RULE_IDS = re.compile(r"[（(\s]D\d\d\b")
MACHINE_ONLY = ("demo", "drivers")
"""Folders whose texts are rows of stand-in sources or protocol, not sentences."""


def wrong(text: str) -> list[str]:
    """The terms of a text that were given up."""
    return [word for word in GIVEN_UP if word in text] + UNITS.findall(text)


def sources() -> Iterator[tuple[str, str]]:
    """Where and what: every text of code, templates, descriptions, scripts and manuals that somebody may come to read."""
    for package in ("cockpit", "etl", "warehouse"):
        for file in (ROOT / package).rglob("*"):
            if not file.is_file() or any(part in file.parts for part in MACHINE_ONLY):
                continue
            name = str(file.relative_to(ROOT))
            if file.suffix == ".py":
                yield from ((f"{name}:{line}", text) for line, text in spoken(ast.parse(file.read_text("utf-8"))))
            elif file.suffix == ".toml":
                yield from ((name, text) for text in texts_of(tomllib.loads(file.read_text("utf-8"))))
            elif file.suffix in (".html", ".md"):
                yield from ((f"{name}:{n}", line) for n, line in enumerate(file.read_text("utf-8").splitlines(), 1))
    for file in (ROOT / "assets" / "js").rglob("*.js"):
        yield from ((file.name, line) for line in file.read_text("utf-8").splitlines())


def test_no_source_holds_a_term_that_was_given_up() -> None:
    read = list(sources())
    assert len(read) > 3000
    # units of columns are written as the sources write them; the screens say them in Chinese (texts.UNITS)
    found = [f"{where} {wrong(text)} {text[:60]}" for where, text in read if wrong(text) and text not in texts.UNITS]
    assert [one for one in found if "warehouse/raw/" not in one] == []


@pytest.fixture(scope="module")
def data(data_with_picture: Path) -> Path:
    return data_with_picture


@pytest.fixture(scope="module")
def book(data: Path) -> Snapshot:
    return SnapshotStore(data).current(Scope.ALL)


def read_by_a_leader(html: str) -> str:
    tree = HTMLParser(html)
    titles = [node.attributes.get("title") or "" for node in tree.css("[title]")]
    return " ".join([tree.text(separator=" "), *titles])


def texts_in(component: Any) -> Iterator[str]:
    """Every text and title below a component."""
    if isinstance(component, list | tuple):
        for child in component:
            yield from texts_in(child)
    elif isinstance(component, str | int | float):
        yield str(component)
    elif component is not None:
        yield from (getattr(component, name, None) or "" for name in ("title", "placeholder"))
        yield from texts_in(getattr(component, "children", None))


def addresses(book: Snapshot) -> list[str]:
    town, company = book.places("town")[0].code, book.places("company")[0].code
    return [
        "/",
        *(f"/group/{group}" for group in texts.GROUPS),
        "/metric/fleet_km_per_vehicle_day?window=week",
        "/metric/fleet_online_rate?window=week&by=town",
        "/metric/safe_alarm_handled_rate?window=week",
        "/metric/rdm_learning_done_rate?window=month",
        f"/town/{town}",
        f"/company/{company}",
        "/programme/1",
        "/health",
        "/site",
        "/supervision",
    ]


def test_no_page_of_a_prepared_world_holds_one(data: Path, book: Snapshot) -> None:
    server: Flask = app.create_app(Settings(data))
    for address in addresses(book):
        path, _, query = address.partition("?")
        with server.test_request_context(path):
            g.viewer = Viewer("person", "wording", "leader", scope=Scope.ALL)
            page = page_callback.draw(server.config["ZHENGBEI_LIBRARY"], path, f"?{query}" if query else "")[0]
            shown = " ".join(texts_in(page))
        assert len(shown) > 100 and wrong(shown) == [], address
        assert RULE_IDS.findall(shown) == [], address


def test_neither_wall_nor_paper_holds_one(book: Snapshot) -> None:
    for name in layouts.SCENES:
        made = scenes.scene(book, name, book.generation.built_at.date())
        html = " ".join([made["needs"], made["fine"], *(slot["html"] for slot in [*made["slots"], *made["cards"]])])
        shown = read_by_a_leader(html)
        assert wrong(shown) == [], (name, shown)
        assert RULE_IDS.findall(shown) == [], name
    issue = content.build(book, periods.newest(book, "week") or "")
    said = " ".join(texts_of(issue.context))
    assert wrong(said) == [] and RULE_IDS.findall(said) == []
