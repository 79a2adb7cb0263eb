"""What the farthest seat sees of a wall decides how it is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from cockpit.store import app_db
from cockpit.wall import legibility, stages
from cockpit.wall.big_layouts import BIG
from cockpit.wall.layouts import SCENES, SHAPES
from cockpit.wall.legibility import Setting
from cockpit.wall.routes import Heartbeats
from tests.cockpit.pages.test_pages import words
from tests.cockpit.pages.test_screens import SAID, ask, draw
from tests.cockpit.signing_in import sign_in
from warehouse.core import units
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings


@pytest.mark.parametrize(
    ("width_m", "seat_m", "least", "good"), [(1.9, 4, 20, 26), (1.9, 6, 31, 38), (3.65, 8, 21, 27), (6.0, 10, 16, 20)]
)
def test_the_minutes_of_arc_are_those_of_the_standard(width_m: float, seat_m: float, least: int, good: int) -> None:
    """The sizes of type, in pixels of 1,920, that 16 and 20 minutes need at a seat; NUREG-0700: 4.65 mm for each metre."""
    seen = legibility.sight(Setting(width_m, seat_m))
    assert seen is not None
    per_px = seen.arc["normal"] / stages.SMALLEST_PX
    assert least == pytest.approx(legibility.LEAST / per_px, abs=1) and good == pytest.approx(
        legibility.GOOD / per_px, abs=1
    )
    assert seen.arc["big"] == pytest.approx(1.5 * seen.arc["normal"])


@pytest.mark.parametrize(
    ("setting", "kind", "is_readable"),
    [
        (Setting(6.0, 6.0), "normal", True),
        (Setting(1.9, 4.0), "big", True),
        (Setting(6.0, 6.0, "big"), "big", True),
        (Setting(1.9, 8.0), "big", False),
    ],
)
def test_the_measures_call_for_a_type(setting: Setting, kind: str, is_readable: bool) -> None:
    seen = legibility.sight(setting)
    assert seen is not None and (seen.kind, seen.is_readable) == (kind, is_readable)
    assert legibility.drawn(setting) == kind
    at_reach = legibility.sight(Setting(setting.width_m, seen.reach_m, seen.kind))
    assert at_reach is not None and at_reach.arc[seen.kind] == pytest.approx(legibility.LEAST)


def test_a_wide_screen_is_reckoned_by_its_own_pixels() -> None:
    usual = legibility.glyph_mm("normal", 6.0)
    assert legibility.glyph_mm("normal", 6.0, (3840, 2160)) == pytest.approx(usual)
    assert legibility.glyph_mm("normal", 6.0, (3840, 1080)) == pytest.approx(usual / 2)
    assert legibility.glyph_mm("normal", 6.0, (1920, 1440)) == pytest.approx(usual), (
        "bars above and below make nothing larger"
    )


def test_the_normal_type_is_refused_where_it_cannot_be_read(data: Path) -> None:
    file = Settings(data).state
    with pytest.raises(UsageError, match="低于 16 角分"):
        legibility.enter(file, "hall", Setting(1.9, 4.0, "normal"), by="root")
    assert legibility.settings_of(file) == {} and legibility.type_of(file, "hall") == "normal"
    legibility.enter(file, "hall", Setting(1.9, 4.0), by="root")
    assert legibility.type_of(file, "hall") == "big" and legibility.type_of(file, "duty") == "normal"
    with app_db.reading(file) as connection:
        assert connection.execute("SELECT event, subject FROM audit ORDER BY seq DESC").fetchone()[:] == (
            "screen_configured",
            "hall",
        )
    Heartbeats(file).record("hall", {"width": 5760, "height": 1080}, units.now())
    legibility.enter(file, "hall", Setting(14.0, 4.0), by="root")
    assert legibility.type_of(file, "hall") == "normal"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"width": "六", "seat": "4"}, "画面宽不对"),
        ({"width": "6", "seat": "400"}, "最远座位不对"),
        ({"width": "nan", "seat": "4"}, "画面宽不对"),
        ({"width": "1.9", "seat": "4", "choice": "normal"}, "看不清"),
        ({"width": "1.9", "seat": "4", "choice": "huge"}, "没有这块屏或这种版式"),
    ],
)
def test_what_is_no_measure_is_refused_on_the_page(
    web: Flask, data_with_picture: Path, values: dict[str, str], said: str
) -> None:
    admin = sign_in(web.test_client(), data_with_picture, "admin", "root")
    answer = ask(admin, "/screens/legibility/gate", values)
    assert answer.status_code == 400 and said in answer.get_data(as_text=True)
    assert "gate" not in legibility.settings_of(Settings(data_with_picture).state)


def test_an_administrator_measures_a_wall_on_the_page_and_it_is_drawn_so(web: Flask, data_with_picture: Path) -> None:
    file = Settings(data_with_picture).state
    Heartbeats(file).record("hall", {**SAID, "width": 1920, "height": 1080}, units.now())
    admin = sign_in(web.test_client(), data_with_picture, "admin", "root")
    assert "请量画面宽与最远座位" in words(draw(web, "admin"))
    assert admin.get("/wall/hall/version").get_json()["type"] == "normal"
    assert ask(admin, "/screens/legibility/hall", {"width": "1.9", "seat": "4", "choice": "auto"}).status_code == 303
    text = words(draw(web, "admin"))
    assert "15 毫米，12.5 角分" in text and "22 毫米，18.8 角分" in text and "大字版，4.7 米以内看得清" in text
    assert admin.get("/wall/hall/version").get_json()["type"] == "big"
    assert 'data-type="big"' in admin.get("/wall/hall").get_data(as_text=True)
    assert ask(admin, "/screens/legibility/hall", {"width": "1.9", "seat": "8"}).status_code == 303
    assert "大字版也看不清：须坐到 4.7 米以内" in words(draw(web, "admin"))
    leader = sign_in(web.test_client(), data_with_picture, "leader", "li")
    assert ask(leader, "/screens/legibility/hall", {"width": "6", "seat": "4"}).status_code == 403


def test_every_scene_has_a_layout_for_far_seats_of_slots_that_it_has() -> None:
    assert set(BIG) == set(SCENES)
    for name, scene in SCENES.items():
        assert set(BIG[name]) == set(SHAPES) == set(stages.STAGES)
        for shape, layout in BIG[name].items():
            cells = [row.split() for _, row in layout.rows]
            assert {cell for row in cells for cell in row} <= {slot.name for slot in scene.slots} | {"map"}, (
                name,
                shape,
            )
            assert len({len(row) for row in cells}) == 1
