"""The wall's page and endpoints: the numbers of one generation, four looks that differ, nothing that names anybody."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import gate
from cockpit.presentation import assets
from cockpit.presentation import format as fmt
from cockpit.presentation.charts import svg, svg_responsive, ticks
from cockpit.wall import alarm_panels, layouts, needs, routes, scenes
from cockpit.web import app
from warehouse.compile.reading import DISTRICT, Place, Point, Reading, Target
from warehouse.core.settings import Settings
from warehouse.insight import operations
from warehouse.publish import live
from warehouse.query import alarms
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

NOW = dt.datetime(2026, 11, 23, 6, 6, 33, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 22)
VALUE = re.compile(r"data-value>([^<]*)<")
FULL_PLATE = re.compile(r"[\u4e00-\u9fa5][A-Z][·-]?[A-Z0-9]{5,6}")


def reading(**facts: Any) -> Reading:
    given: dict[str, Any] = {
        "metric": "fleet_online_rate",
        "label": "车辆上线率",
        "unit": "ratio",
        "better": "up",
        "window": "day",
        "win_start": DAY,
        "win_end": DAY,
        "place": Place(DISTRICT, "余杭区", "district"),
        "value": 0.934,
        "num": 934.0,
        "den": 1000.0,
        "status": "ok",
        "as_of": NOW,
        "stale_after_s": 3600,
        "generation": "g",
        **facts,
    }
    return Reading(**given)


@pytest.fixture
def book(data_with_picture: Path) -> Snapshot:
    return SnapshotStore(data_with_picture).current(Scope.ALL)


@pytest.fixture
def screen(data_with_picture: Path, tmp_path: Path) -> FlaskClient:
    """The wall's routes alone, without the gate, at a fixed moment; what a screen says goes to a folder of its own."""
    server = Flask("wall-test")
    settings = Settings(tmp_path)
    for name in ("published", "live"):
        if (data_with_picture / name).exists():
            (tmp_path / name).symlink_to(data_with_picture / name)
    routes.register(server, SnapshotStore(tmp_path), settings, clock=lambda: NOW)
    return server.test_client()


@pytest.fixture
def empty(tmp_path: Path) -> FlaskClient:
    server = Flask("wall-empty")
    routes.register(server, SnapshotStore(tmp_path), Settings(tmp_path), clock=lambda: NOW)
    return server.test_client()


def test_every_number_on_the_wall_is_the_reading_of_the_same_generation(screen: FlaskClient, book: Snapshot) -> None:
    answer = screen.get("/wall/hall/scenes").get_json()
    assert answer["generation"] == book.generation.id and list(answer["scenes"]) == list(layouts.SCENES)
    for name, scene in answer["scenes"].items():
        seen = set()
        for slot in (*scene["slots"], *scene["cards"]):
            if slot["kind"] not in ("tile", "card"):
                continue
            metric = slot["id"].partition("-")[2]
            item = book.read(metric)
            shown = fmt.reading(item, book.metrics[metric].decimals)
            printed = VALUE.findall(slot["html"]) or re.findall(r"<b>([^<]*)</b>", slot["html"])
            assert printed[0] == shown.text == scene["figures"][slot["id"]], (name, metric)
            assert f'data-metric="{metric}"' in slot["html"]
            seen.add(slot["id"])
        assert seen == {slot for slot in scene["figures"] if not slot.startswith("strip-")} and seen, name


def test_a_scene_stands_complete_on_every_shape_of_screen() -> None:
    """Areas are rectangles, every name in a layout is a slot of the scene, and every slot stands somewhere."""
    for name, scene in layouts.SCENES.items():
        slots = {slot.name for slot in scene.slots}
        assert len(slots) == len(scene.slots) and set(scene.layouts) == set(layouts.SHAPES), name
        placed = set()
        for shape, layout in scene.layouts.items():
            rows = [row.split() for count, row in layout.rows for _ in range(count)]
            assert len(rows) == 24 and {len(row) for row in rows} == {len(layout.columns.split())}, (name, shape)
            for area in {cell for row in rows for cell in row}:
                cells = [(y, x) for y, row in enumerate(rows) for x, cell in enumerate(row) if cell == area]
                tall, wide = ({cell[axis] for cell in cells} for axis in (0, 1))
                assert len(cells) == (max(tall) - min(tall) + 1) * (max(wide) - min(wide) + 1), (name, shape, area)
                assert area in slots or (area == "map" and scene.map), (name, shape, area)
                placed.add(area)
            placed |= set(layout.over)
        assert slots <= placed, (name, slots - placed)


def test_what_needs_a_person_is_told_from_what_is_known(book: Snapshot) -> None:
    late = operations.overdue(book, 200)
    today = book.generation.built_at.date()
    now = [one for one in late if one.late_s < 86_400]
    stated = [need.text for need in needs.of(book, "safety", today)]
    assert any(text.startswith(f"{len(now)} 起报警超时未处置") for text in stated) == bool(now)
    for name in layouts.SCENES:
        found = needs.of(book, name, today)
        assert len(found) <= needs.SHOWN and [need.tone for need in found] == sorted(
            [need.tone for need in found], key=lambda tone: tone != "bad"
        )


def test_page_and_scene_are_of_one_generation_and_carry_no_inline_code(screen: FlaskClient, book: Snapshot) -> None:
    page = screen.get("/wall/hall").get_data(as_text=True)
    assert f'data-generation="{book.generation.id}"' in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"\s(style|on\w+)=", page)
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page)) == {
        "data:,",
        *(assets.url(name) for name in ("css/wall.css", "js/wall.js")),
        f"/wall/hall/layout.css?m={assets.build_id()}",
    }


def test_the_wall_shows_no_full_plate_and_no_company_of_an_alarm(screen: FlaskClient, book: Snapshot) -> None:
    scenes = screen.get("/wall/hall/scenes").get_json()["scenes"]
    html = [slot["html"] for scene in scenes.values() for slot in (*scene["slots"], *scene["cards"])]
    everything = " ".join([*html, screen.get("/wall/hall/live").get_data(as_text=True)])
    assert not FULL_PLATE.search(re.sub(r"<[^>]+>", " ", everything))
    rows = " ".join(
        slot["html"] for scene in scenes.values() for slot in scene["slots"] if slot["kind"] in ("alarms", "overdue")
    )
    for alarm in alarms.newest(book, 200):
        assert not alarm["company"] or alarm["company"].removeprefix("杭州").removesuffix("有限公司") not in rows
    assert "（个体" not in everything, "an individual operator is a person"


def test_the_live_answer_is_parallel_arrays_without_plate_speed_or_town(
    screen: FlaskClient, data_with_picture: Path
) -> None:
    frame = live.read(data_with_picture)
    if frame is None:
        pytest.skip("no live picture in the shared folder")
    answer = screen.get("/wall/hall/live").get_json()
    assert set(answer) == {"version", "as_of", "grid", "ref", "lon", "lat", "state", "heading", "counts"}
    lengths = {len(answer[name]) for name in ("ref", "lon", "lat", "state", "heading")}
    assert lengths == {sum(dot.lon is not None and dot.lat is not None for dot in frame.dots)}
    assert answer["counts"] == {state: fmt.number(frame.counts[state]) for state in routes.STATE_CODES}
    assert screen.get("/wall/hall/version").get_json()["live"] == frame.version == answer["version"]


def test_the_version_is_small_and_tells_the_servers_time(screen: FlaskClient, book: Snapshot) -> None:
    answer = screen.get("/wall/hall/version")
    assert len(answer.data) < 512
    assert answer.get_json()["generation"] == book.generation.id
    assert dt.datetime.fromisoformat(answer.get_json()["server_time"]) == NOW
    assert answer.headers["Cache-Control"] == "no-store"


def test_before_the_first_generation_the_page_says_so_instead_of_failing(empty: FlaskClient) -> None:
    page = empty.get("/wall/hall")
    assert page.status_code == 200 and routes.NO_DATA in page.get_data(as_text=True)
    assert empty.get("/wall/hall/version").get_json()["generation"] is None
    assert empty.get("/wall/hall/scenes").get_json() == {"generation": None, "scenes": {}}
    assert empty.get("/wall/hall/live").get_json() == {"version": None}


@pytest.mark.parametrize("path", ["/wall/HALL", "/wall/a%20b/version", f"/wall/{'x' * 33}/scenes", "/wall/hall/scene"])
def test_odd_screens_and_scenes_are_not_found(screen: FlaskClient, path: str) -> None:
    assert screen.get(path).status_code == 404


def test_a_heartbeat_is_kept_and_what_is_not_believable_becomes_null(screen: FlaskClient, tmp_path: Path) -> None:
    text = {
        "width": 3840,
        "height": 2160,
        "fps": 29.7,
        "heap": "big",
        "errors": True,
        "level": -1,
        "scene": "overview",
        "build": "b" * 500,
        "live_version": 7,
        "plate": "浙A12345",
    }
    assert screen.post("/wall/hall/heartbeat", json=text).status_code == 204
    assert screen.post("/wall/hall/heartbeat", json={**text, "fps": 12}).status_code == 204
    rows = routes.Heartbeats(Settings(tmp_path).state).roll()
    assert len(rows) == 1 and rows[0]["screen"] == "hall" and rows[0]["fps"] == 12 and rows[0]["width"] == 3840
    assert rows[0]["heap"] is rows[0]["errors"] is rows[0]["level"] is None
    assert len(rows[0]["build"]) == routes.WORD_LIMIT and "plate" not in rows[0]
    assert rows[0]["seen_at"] == NOW.timestamp()


@pytest.mark.parametrize(("body", "code"), [(b"not json", 400), (b"[1]", 400), (b'{"a":"' + b"x" * 5000 + b'"}', 413)])
def test_an_odd_heartbeat_is_refused(screen: FlaskClient, body: bytes, code: int) -> None:
    assert screen.post("/wall/hall/heartbeat", data=body, content_type="application/json").status_code == code


def test_only_a_device_of_that_screen_passes_the_gate(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    server = app.create_app(settings)
    assert server.test_client().get("/wall/hall/version", headers={"X-Requested-With": "wall"}).status_code == 401
    device = server.test_client()
    token = gate.create_device(settings.state, "hall")
    assert device.get(f"/wall/hall?token={token}").status_code == 302
    assert device.get("/wall/hall/version").status_code == 200
    assert device.get("/wall/other/version").status_code == 403
    assert device.get("/reports").status_code == 403


def test_a_true_zero_and_the_three_kinds_of_no_number_look_different(book: Snapshot) -> None:
    def look(**facts: Any) -> str:
        made = scenes.tile(book, reading(**facts), "card", DAY)
        return scenes._macro("card", made)

    none = {"value": None, "num": None}
    looks = [look(value=0.0, num=0.0)] + [look(status=s, **none) for s in ("missing", "failed", "insufficient")]
    words = ["data-value>0.0<", "未上报", "采集故障", "数据不足"]
    for html, word in zip(looks, words, strict=True):
        assert word in html and sum(w in html for w in words) == 1
    assert "data-asof" in looks[0] and not any("data-asof" in html for html in looks[1:])


def test_progress_puts_value_and_target_on_one_scale() -> None:
    goal = Target(green=0.98, amber=0.95, source="")
    assert scenes.progress(reading(target=goal)) == (0.934, 0.98)
    fill, tick = scenes.progress(reading(unit="次/辆", better="down", value=0.12, target=Target(0.16, None, "")))
    assert fill is not None and tick is not None and fill < tick
    assert scenes.progress(reading(value=None, num=None, status="missing")) == (None, None)
    assert scenes.progress(reading(unit="人", better="context", value=7000.0, den=None)) == (None, None)


def test_the_window_is_told_in_words() -> None:
    today = DAY + dt.timedelta(days=1)
    assert scenes.when(reading(), today) == "昨日"
    assert scenes.when(reading(), DAY) == "今日"
    assert scenes.when(reading(), today + dt.timedelta(days=3)) == "11-22"
    assert scenes.when(reading(window="week", win_start=dt.date(2026, 11, 16)), today) == "第 47 周"


def test_a_gap_breaks_the_line_and_is_never_drawn_as_zero() -> None:
    drawn = svg.spark([1.0, 2.0, None, 3.0, 4.0])
    assert drawn.count('class="line"') == 2 and "<circle" in drawn
    assert svg.spark([None, 5.0]) == ""
    week = dt.timedelta(days=7)
    points = [
        Point(DAY + week * i, DAY + week * i, v, v, None, "ok", i < 3) for i, v in enumerate([0.9, None, 0.92, 0.93])
    ]
    chart = svg.trend(points, unit="ratio", window="week", decimals=1, goal=0.92)
    assert "93.0%" in chart and 'class="dot open"' in chart and 'class="goal"' in chart
    assert chart.count('class="line open"') == 1 and 'class="area"' not in chart, "dotted, and nothing above a cut axis"
    assert 'class="line open"' in svg.spark([1.0, 2.0, 0.5], is_open=True)
    assert "open" not in svg.spark([1.0, 2.0, None], is_open=True), "what is not known is not drawn at all"


def test_a_running_period_is_dotted_on_the_wall_and_areas_stand_on_zero_only() -> None:
    def chart(values: list[float | None], is_open: bool) -> str:
        return svg_responsive.lines(
            values, [], ["", "", ""], unit="辆", decimals=0, goal=None, last="", every=1, is_open=is_open
        )

    assert 'class="line open"' in chart([900.0, 950.0, 400.0], True) and 'class="dot open"' in chart(
        [1.0, 2.0, 3.0], True
    )
    assert "open" not in chart([900.0, 950.0, 400.0], False) and "open" not in chart([900.0, 950.0, None], True)
    assert 'class="area"' not in chart([900.0, 950.0, 940.0], False) and 'class="area"' in chart(
        [0.0, 950.0, 40.0], False
    )
    assert alarm_panels.bare_plate("浙A·D**65 渐变绿") == "浙A·D**65" and alarm_panels.bare_plate("") == ""


@pytest.mark.parametrize(
    ("low", "high", "unit"), [(0.93, 0.94, "ratio"), (0, 0, "次/辆"), (6000, 6012, "辆"), (0.999, 1.0, "ratio")]
)
def test_the_scale_covers_the_values_with_round_ticks(low: float, high: float, unit: str) -> None:
    levels = ticks.around(low, high, unit)
    assert levels[0] <= low and levels[-1] >= high and 2 <= len(levels) <= 8 and levels[0] >= 0
    assert unit != "ratio" or levels[-1] <= 1.0 + 1e-9


@pytest.mark.parametrize(("top", "last"), [(0, 1), (1, 1), (3, 3), (7, 8), (9, 10), (10, 10), (23, 30), (1270, 1500)])
def test_what_is_counted_has_whole_ticks_from_zero(top: float, last: float) -> None:
    levels = ticks.counts(top)
    assert levels[0] == 0 and levels[-1] == last and 2 <= len(levels) <= 6
    assert all(level.is_integer() for level in map(float, levels))


def test_the_outlines_hold_our_district_and_a_place_for_every_name(screen: FlaskClient) -> None:
    shapes = screen.get("/wall/hall/outlines").get_json()
    assert [d["name"] for d in shapes["districts"] if d["ours"]] == ["余杭区"]
    for item in (*shapes["districts"], *shapes["towns"]):
        west, east = min(p[0] for r in item["rings"] for p in r), max(p[0] for r in item["rings"] for p in r)
        assert west < item["at"][0] < east
