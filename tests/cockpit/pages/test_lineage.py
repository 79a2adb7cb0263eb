"""The lineage picture: boxes that do not cover each other, a line for every reading, a state in words on every box, and
ways on."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g

from cockpit.pages import routes
from cockpit.presentation import texts
from cockpit.presentation.charts import lineage as figure
from cockpit.presentation.theme import DARK, LIGHT
from cockpit.presentation.tiles.lineage import State, tree
from cockpit.web import page_callback
from tests.cockpit.pages.test_pages import LEADER, OUTSIDE, links, walk, words
from warehouse.catalog.metrics import metrics
from warehouse.insight import lineage
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

METRICS = list(metrics())
PICTURE = "fleet_online_rate"


@pytest.fixture
def draw(web: Flask, library: SnapshotStore):  # type: ignore[no-untyped-def]
    def drawn(search: str = "", path: str = "/lineage", of: Flask = web, now: dt.datetime | None = None) -> Any:
        found: SnapshotStore = of.config["ZHENGBEI_LIBRARY"]
        with of.test_request_context("/"):
            g.viewer = LEADER
            return page_callback.draw(found, path, search, now or found.current(Scope.ALL).generation.built_at)[0]

    return drawn


def boxes(page: Any) -> dict[str, str]:
    """Name in the warehouse (of a source: its label) → the words of its state with their glyph."""
    found = {}
    for item in walk(page):
        if "line-box" in getattr(item, "className", "").split():
            label, foot = item.children.children[:2]
            name = foot.children[1].children if len(foot.children) > 1 else words(label)
            found[name] = words(foot.children[0])
    return found


@pytest.mark.parametrize("metric", METRICS)
def test_no_box_covers_another_and_every_line_is_drawn(metric: str) -> None:
    nodes = lineage.of(metric)
    drawn = figure.picture(nodes)
    columns: dict[int, list[float]] = {}
    for node in nodes:
        place = drawn.places[node.id]
        columns.setdefault(place.column, []).append(place.top)
        assert 0 <= place.top <= drawn.height - figure.BOX
    for tops in columns.values():
        assert all(b - a >= figure.BOX for a, b in zip(sorted(tops), sorted(tops)[1:], strict=False))
    assert (max(columns) * drawn.step + drawn.width) <= 1 + 1e-9 and drawn.places[metric].column == 0
    for node in nodes:
        assert node.layer == "source" or all(
            drawn.places[node.id].column < drawn.places[below].column
            for below in node.reads
            if below.startswith(("raw.", "source."))
        )
    svg = base64.b64decode(figure.lines(nodes, drawn, LIGHT).partition(",")[2]).decode()
    assert svg.count("<path ") == sum(len(node.reads) for node in nodes)
    assert figure.lines(nodes, drawn, DARK) != figure.lines(nodes, drawn, LIGHT) and figure.picture(nodes) == drawn


def test_the_tables_of_a_source_stand_together() -> None:
    for metric in METRICS:
        nodes = [node for node in lineage.of(metric) if node.layer == "landed"]
        drawn = figure.picture(lineage.of(metric))
        order = [node.reads[0] for node in sorted(nodes, key=lambda node: drawn.places[node.id].top)]
        assert len([source for source, before in zip(order, [None, *order], strict=False) if source != before]) == len(
            set(order)
        ), metric


def test_every_metric_has_its_picture_with_a_state_on_every_box_and_ways_that_exist(
    draw: Any, library: SnapshotStore
) -> None:
    for metric in library.current(Scope.ALL).metrics.values():
        page = draw(f"?metric={metric.id}")
        assert getattr(page, "id", "") == "shell-frame", words(page)
        found = boxes(page)
        assert len(found) >= 4 and all(
            state.split()[0] in texts.GLYPHS.values() and len(state.split()) > 1 for state in found.values()
        ), (metric.id, found)
        assert all(
            routes.known(link.split("?")[0].split("#")[0])
            for link in links(page)
            if link.startswith("/") and not link.startswith(OUTSIDE)
        )
    assert "没有这一页" in words(draw("?metric=no_such"))


def test_a_box_leads_to_the_metric_or_to_its_row_on_data_health(draw: Any, library: SnapshotStore) -> None:
    ways = links(draw(f"?metric={PICTURE}"))
    assert f"/metric/{PICTURE}" in ways and "/health#source-gps_location" in ways and "/health#health-checks" in ways
    rows = {item.id for item in walk(draw(path="/health")) if getattr(item, "id", None)}
    assert {way.partition("#")[2] for way in ways if way.startswith("/health#")} <= rows
    generation = library.current(Scope.ALL).generation.id
    assert f"/health?as_of={generation}#source-gps_location" in links(draw(f"?metric={PICTURE}&as_of={generation}"))
    for path in (f"/metric/{PICTURE}", "/health"):
        assert any(link.startswith("/lineage") for link in links(draw(path=path)))


def test_all_metrics_stand_under_the_sources_that_tell_their_time(draw: Any, library: SnapshotStore) -> None:
    page = draw()
    ways = links(page)
    for metric in library.current(Scope.ALL).metrics.values():
        assert f"/lineage?metric={metric.id}" in ways
    text = words(page)
    assert (
        all(source.label.partition("·")[0] in text for source in library.current(Scope.ALL).sources())
        and "参与" in text
    )


def test_states_are_told_apart(draw: Any, elsewhere: Callable[[str], Flask], library: SnapshotStore) -> None:
    built = library.current(Scope.ALL).generation.built_at
    fresh = boxes(draw(f"?metric={PICTURE}"))
    assert fresh["vehicle_day"] == "● 正常" and fresh["own_town"] == "○ 自有表" and fresh["动态监控"].startswith("●")
    changed = elsewhere(
        "UPDATE meta.source SET quarantined = 0; UPDATE meta.source SET quarantined = 12 WHERE source = 'yz' AND entity = 'vehicle'; "
        "UPDATE meta.source SET error = '连接超时' WHERE source = 'gps' AND entity = 'terminal'; "
        "UPDATE meta.source SET data_time = data_time - INTERVAL 40 MINUTE WHERE source = 'gps' AND entity = 'location'; "
        "INSERT INTO meta.held VALUES ('dim_vehicle', '车辆唯一'); UPDATE meta.check_result SET failed_rows = 3 WHERE model = 'as_alarm_day'"
    )
    states = boxes(draw(f"?metric={PICTURE}", of=changed, now=built))
    assert (
        states["yz_vehicle"] == "◐ 正常，隔离 12 行"
        and states["gps_terminal"] == "✕ 采集故障"
        and states["gps_location"] == "▲ 延迟"
    )
    assert (
        states["dim_vehicle"] == "■ 沿用上期"
        and states["stg_gps_location"] == "▲ 上游延迟"
        and states["stg_yz_vehicle"] == "● 正常"
    )
    assert states["道路运政"].startswith("●") and states["动态监控"].startswith("✕")
    assert not states["vehicle_day"].startswith("●")
    later = boxes(draw(f"?metric={PICTURE}", of=changed, now=built + dt.timedelta(days=9)))
    assert later["gps_location"] == "✕ 中断" and later[PICTURE].startswith("▲") and "数据延迟" in later[PICTURE]
    pinned = boxes(
        draw(f"?metric={PICTURE}&as_of={library.current(Scope.ALL).generation.id}", now=built + dt.timedelta(days=9))
    )
    assert pinned == fresh, "a snapshot is judged by its own time"


def test_a_box_tells_in_words_what_its_lines_show() -> None:
    nodes = lineage.of("p5_points_redeem_rate")
    made = tree(nodes, {node.id: State("good", "正常") for node in nodes}, {})
    text = words(made)
    assert (
        "取自：积分账（按日）".replace(" ", "") in text.replace(" ", "")
        and "取自：司机之家小程序·积分账" in text
        and "取自：司机之家小程序" in text
    )
    assert links(made) == []
