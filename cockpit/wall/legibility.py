"""Whether a wall can be read from its farthest seat, and with which type it is drawn for that.

Owns `wall_legibility` in state.sqlite: how wide each screen is, how far away its farthest seat stands, and which type was
chosen. A Chinese character has to fill 16 minutes of arc at the eye to be read at all (ISO 9241-3, NUREG-0700), and 20 to
be read at ease; a wall that does not reach the first with the type that is asked for is refused, one that does not reach
it with any is drawn as large as it can be and said to be unreadable."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import gate
from cockpit.identity.sessions import SCREEN
from cockpit.store import app_db, audit
from cockpit.wall import stages
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

HAN = 0.92
"""Height of a Chinese character, in parts of the size of its type (Noto Sans CJK, measured)."""
ARC_MINUTES = 60 * 180 / math.pi
LEAST, GOOD = 16.0, 20.0
"""Minutes of arc below which a character is not read, and from which it is read at ease."""
WIDTHS_M, SEATS_M = (0.3, 60.0), (0.5, 100.0)
"""Widths of a picture and distances of a seat that are believed."""
USUAL = (1920.0, 1080.0)
"""Pixels of a screen that has not reported yet."""
NAMES = {"normal": "正常版", "big": "大字版"}
CHOICES = {"auto": "自动", **NAMES}


@dataclass(frozen=True)
class Setting:
    """width_m: of the picture; seat_m: from it to the farthest seat; None where nobody has measured. choice: type that
    was asked for, auto = what the measures call for."""

    width_m: float | None = None
    seat_m: float | None = None
    choice: str = "auto"


@dataclass(frozen=True)
class Sight:
    """What the farthest seat sees. arc: type → minutes of arc of the smallest character; kind: the type that is drawn;
    proposed: the one that the measures call for; reach_m: distance up to which the drawn type is read."""

    arc: dict[str, float]
    kind: str
    proposed: str
    reach_m: float

    @property
    def is_readable(self) -> bool:
        return self.arc[self.kind] >= LEAST


def glyph_mm(kind: str, width_m: float, pixels: tuple[float, float] = USUAL) -> float:
    """Height of the smallest character on a picture that is so wide and has so many pixels, in mm."""
    wide, high = pixels
    stage_wide, stage_high = stages.nearest(kind, wide, high)
    scale = min(wide / stage_wide, high / stage_high)
    return stages.SMALLEST_PX * HAN * scale * width_m * 1000 / wide


def sight(setting: Setting, pixels: tuple[float, float] = USUAL) -> Sight | None:
    """What is seen of a screen; None while it has not been measured."""
    if setting.width_m is None or setting.seat_m is None:
        return None
    heights = {kind: glyph_mm(kind, setting.width_m, pixels) for kind in stages.ZOOM}
    arc = {kind: high / 1000 / setting.seat_m * ARC_MINUTES for kind, high in heights.items()}
    proposed = "normal" if arc["normal"] >= GOOD else "big"
    kind = proposed if setting.choice == "auto" else setting.choice
    return Sight(arc, kind, proposed, heights[kind] / 1000 * ARC_MINUTES / LEAST)


def drawn(setting: Setting, pixels: tuple[float, float] = USUAL) -> str:
    """The type that a screen is drawn with."""
    seen = sight(setting, pixels)
    if seen is not None:
        return seen.kind
    return setting.choice if setting.choice in NAMES else "normal"


def settings_of(file: Path) -> dict[str, Setting]:
    """Screen → what was entered for it."""
    with app_db.reading(file) as connection:
        rows = connection.execute("SELECT screen, width_m, seat_m, choice FROM wall_legibility").fetchall()
    return {row["screen"]: Setting(row["width_m"], row["seat_m"], row["choice"]) for row in rows}


def type_of(file: Path, screen: str) -> str:
    """The type that a screen is drawn with, by what was entered for it and the pixels that it reported last."""
    with app_db.reading(file) as connection:
        row = connection.execute(
            "SELECT width_m, seat_m, choice FROM wall_legibility WHERE screen = ?", (screen,)
        ).fetchone()
        if row is None:
            return "normal"
        return drawn(Setting(row["width_m"], row["seat_m"], row["choice"]), _reported(connection, screen))


def _reported(connection: sqlite3.Connection, screen: str) -> tuple[float, float]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'wall_heartbeat'").fetchone():
        return USUAL
    row = connection.execute("SELECT width, height FROM wall_heartbeat WHERE screen = ?", (screen,)).fetchone()
    return pixels(row["width"], row["height"]) if row is not None else USUAL


def pixels(width: float | None, height: float | None) -> tuple[float, float]:
    """The pixels of a report, USUAL where it says none."""
    return (width, height) if width and height else USUAL


def enter(file: Path, screen: str, setting: Setting, *, by: str, ip: str = "") -> None:
    """Keeps what was entered for a screen. Raises UsageError where the normal type was asked for and cannot be read
    from the farthest seat."""
    if not SCREEN.fullmatch(screen) or setting.choice not in CHOICES:
        raise UsageError("没有这块屏或这种版式", where=screen[:40], to_do="请从大屏名册上提交")
    with app_db.writing(file) as connection:
        seen = sight(setting, _reported(connection, screen))
        if seen is not None and setting.choice == "normal" and not seen.is_readable:
            raise UsageError(
                f"正常版的最小字在 {setting.seat_m:g} 米处只有 {seen.arc['normal']:.1f} 角分，低于 {LEAST:.0f} 角分，看不清",
                where=screen,
                to_do=f"请改选自动或大字版，或把最远座位移到 {seen.reach_m:.1f} 米以内",
            )
        connection.execute(
            "INSERT OR REPLACE INTO wall_legibility VALUES (?, ?, ?, ?)",
            (screen, setting.width_m, setting.seat_m, setting.choice),
        )
        detail = f"宽 {setting.width_m or 0:g} 米 最远 {setting.seat_m or 0:g} 米 {CHOICES[setting.choice]}"
        audit.append(connection, "screen_configured", who=by, ip=ip, subject=screen, detail=detail)


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the form's route below /screens."""

    @server.post("/screens/legibility/<screen>")
    def screen_legibility(screen: str) -> Response:
        if not SCREEN.fullmatch(screen):
            abort(404)
        setting = Setting(
            _metres("width", "画面宽", WIDTHS_M),
            _metres("seat", "最远座位", SEATS_M),
            request.form.get("choice", "auto"),
        )
        enter(settings.state, screen, setting, by=gate.viewer().user, ip=gate.address())
        return redirect("/screens", code=303)


def _metres(name: str, label: str, believed: tuple[float, float]) -> float | None:
    """Metres in a field of the form; None where it is empty. Raises UsageError for anything that is no such length."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    low, high = believed
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise UsageError(f"{label}不对：{text[:20]}", to_do=f"请填 {low:g} 到 {high:g} 之间的米数，如 3.65")
    return found
