"""The wall: its page, its four small endpoints, and what each screen says about itself.

Owns the routes below /wall and the table `wall_heartbeat` in state.sqlite. Who may see them is decided by the guard of
the whole server, never here. Every answer is of one generation; nothing here names a vehicle, a person or a company.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, g, request
from shapely import maximum_inscribed_circle
from shapely.geometry import shape

from cockpit.alerts import loading
from cockpit.alerts import store as alert_store
from cockpit.alerts.store import Alert
from cockpit.casework import task_store
from cockpit.identity.sessions import SCREEN
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.assets import ASSETS, build_id
from cockpit.presentation.charts import townmap
from cockpit.presentation.templates import render
from cockpit.store import app_db
from cockpit.wall import direction, legibility, scenes, stages
from cockpit.wall import layouts as layout
from cockpit.wall.direction import Director
from warehouse.compile.reading import DISTRICT
from warehouse.core import units
from warehouse.core.errors import DataMissing
from warehouse.core.settings import RELEASE, Settings
from warehouse.publish import live
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

MOST_SCENES = 4
MOST_ALERTS = 3
STATE_CODES = {"running": 0, "parked": 1, "offline": 2, "alarm": 3}
GRID = 10_000
"""Positions leave as whole ten-thousandths of a degree (about 10 m): finer than a pixel, coarser than a gate."""
GZIP_FROM = 1024
BODY_LIMIT = 4096
WORD_LIMIT = 64
NO_DATA = "还没有已发布的数据，发布后本屏自动显示"

LOST_S = 120
"""A screen speaks every 30 s; after four silent beats it is lost."""
HEARTBEAT_FIELDS: dict[str, tuple[float, float]] = {
    "width": (0, 20_000),
    "height": (0, 20_000),
    "ratio": (0, 16),
    "fps": (0, 1000),
    "heap": (0, 2**40),
    "errors": (0, 10**6),
    "level": (0, 10),
    "seq": (0, 2**53),
}
"""Numbers a screen may report, with the range that is believed; anything outside is stored as NULL."""
HEARTBEAT_WORDS = ("scene", "build", "generation", "layout", "address")


class Heartbeats:
    """The last word of every screen: one row a screen in a table of its own in state.sqlite."""

    TABLE = (
        "CREATE TABLE IF NOT EXISTS wall_heartbeat (screen TEXT PRIMARY KEY, seen_at REAL NOT NULL, live_version REAL, "
        + ", ".join([*(f"{name} REAL" for name in HEARTBEAT_FIELDS), *(f"{name} TEXT" for name in HEARTBEAT_WORDS)])
        + ")"
    )

    def __init__(self, file: Path) -> None:
        self.file = file

    def record(self, screen: str, text: dict[str, Any], at: dt.datetime) -> None:
        """Stores what `screen` said at `at` (aware); unknown keys are dropped, unbelievable numbers become NULL."""
        row: dict[str, Any] = {"screen": screen, "seen_at": at.timestamp()}
        row |= {name: _believed(text.get(name), *bounds) for name, bounds in HEARTBEAT_FIELDS.items()}
        row |= {name: str(text.get(name) or "")[:WORD_LIMIT] for name in HEARTBEAT_WORDS}
        row["live_version"] = _believed(text.get("live_version"), 0, 2**53)
        with app_db.writing(self.file) as connection:
            self._prepare(connection)
            connection.execute(
                f"INSERT OR REPLACE INTO wall_heartbeat ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                list(row.values()),
            )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Makes the table, or adds the columns that an earlier release did not know."""
        connection.execute(self.TABLE)
        present = {row["name"] for row in connection.execute("PRAGMA table_info(wall_heartbeat)")}
        for name, kind in [*((n, "REAL") for n in HEARTBEAT_FIELDS), *((n, "TEXT") for n in HEARTBEAT_WORDS)]:
            if name not in present:
                connection.execute(f"ALTER TABLE wall_heartbeat ADD COLUMN {name} {kind}")

    def roll(self) -> list[dict[str, Any]]:
        """Every screen that ever reported, the longest silent first; seen_at in UTC seconds since 1970."""
        with app_db.writing(self.file) as connection:
            self._prepare(connection)
            return [dict(row) for row in connection.execute("SELECT * FROM wall_heartbeat ORDER BY seen_at")]


class Wall:
    """What the routes share: the library, the built scenes of the newest generations, the packed live frame."""

    def __init__(self, library: SnapshotStore, settings: Settings, clock: Callable[[], dt.datetime]) -> None:
        self.library, self.settings, self.clock = library, settings, clock
        self.heartbeats = Heartbeats(settings.state)
        self.director = Director(settings)
        self._lock = threading.Lock()
        self._scenes: OrderedDict[tuple[str, dt.date, tuple[str, ...], int], dict[str, Any]] = OrderedDict()
        self._packed: tuple[int, bytes] = (-1, b"")

    def today(self) -> dt.date:
        return fmt.local(self.clock()).date()

    def version(self, screen: str) -> dict[str, Any]:
        """The one-line answer screens ask for every few seconds; a missing generation or frame is null. See
        direction.told."""
        now = self.clock()
        try:
            generation = self.library.current(Scope.ALL).generation.id
        except DataMissing:
            generation = None
        return {
            "generation": generation,
            "live": live.version(self.settings.data) or None,
            "loader_silent_s": loading.silent_s(self.settings),
            "alerts": [f"{one.label}：{one.words}" for one in self._alerts()],
            "build": build_id(),
            "type": legibility.type_of(self.settings.state, screen),
            "day": self.today().isoformat(),
            "server_time": now.isoformat(timespec="milliseconds"),
            "direction": self.director.direction(screen, now),
        }

    def _alerts(self) -> list[Alert]:
        """Urgent alerts that nobody has taken yet: a wall shows that something is wrong, until somebody is at it."""
        try:
            standing = alert_store.standing(self.settings.state)
        except sqlite3.Error:
            return []
        return [one for one in standing if one.grade == "urgent" and one.taken_at is None][:MOST_ALERTS]

    def scenes(self, *names: str) -> dict[str, Any]:
        """Those scenes of the current generation. Raises DataMissing when nothing is published."""
        book = self.library.current(Scope.ALL)
        tasks = task_store.every(self.settings.state)
        # a step taken since shows with the next drawing, not only with the next generation
        key = (book.generation.id, self.today(), names, hash(tuple(tasks)))
        with self._lock:
            if key not in self._scenes:
                self._scenes[key] = scenes.build(book, names, self.clock(), tasks)
                while len(self._scenes) > MOST_SCENES:
                    self._scenes.popitem(last=False)
            return self._scenes[key]

    def frame(self) -> bytes:
        """The newest live frame as gzipped JSON: parallel arrays by `ref`, positions in 1/GRID degree, states as
        codes."""
        newest = live.version(self.settings.data)
        with self._lock:
            if self._packed[0] != newest:
                frame = live.read(self.settings.data)
                if frame is None:
                    return gzip.compress(b'{"version":null}')
                body = json.dumps(pack(frame), ensure_ascii=False, separators=(",", ":")).encode()
                self._packed = (frame.version, gzip.compress(body, 5))
            return self._packed[1]


def pack(frame: live.LiveFrame) -> dict[str, Any]:
    """A live frame as plain lists. Rows without a position are counted but not drawn; no town, plate or speed
    leaves."""
    placed = [(dot, dot.lon, dot.lat) for dot in frame.dots if dot.lon is not None and dot.lat is not None]
    return {
        "version": frame.version,
        "as_of": frame.as_of.isoformat() if frame.as_of else None,
        "grid": GRID,
        "ref": [dot.ref for dot, _, _ in placed],
        "lon": [round(lon * GRID) for _, lon, _ in placed],
        "lat": [round(lat * GRID) for _, _, lat in placed],
        "state": "".join(str(STATE_CODES.get(dot.state, STATE_CODES["offline"])) for dot, _, _ in placed),
        "heading": [int(dot.direction or 0) for dot, _, _ in placed],
        "counts": {state: fmt.number(frame.counts.get(state, 0)) for state in STATE_CODES},
    }


@cache
def outlines() -> bytes:
    """Gzipped JSON of what the map draws: districts (ours marked), towns with the point where a label sits best."""

    def features(name: str) -> list[dict[str, Any]]:
        file = ASSETS / "geo" / name
        return json.loads(file.read_text("utf-8"))["features"] if file.exists() else []

    def entry(feature: dict[str, Any]) -> dict[str, Any]:
        outline = shape(feature["geometry"])
        largest = max(getattr(outline, "geoms", [outline]), key=lambda part: part.area)
        seat = maximum_inscribed_circle(largest).coords[0]
        kind, rings = feature["geometry"]["type"], feature["geometry"]["coordinates"]
        return {
            "name": feature["properties"]["name"],
            "at": [round(seat[0], 4), round(seat[1], 4)],
            "area": round(outline.area, 6),
            "rings": [ring for part in (rings if kind == "MultiPolygon" else [rings]) for ring in part],
        }

    districts = [
        entry(f) | {"ours": str(f["properties"].get("adcode")) == DISTRICT} for f in features("districts.geojson")
    ]
    towns = [entry(f) for f in features("towns.geojson")]
    body = json.dumps({"districts": districts, "towns": towns}, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(body.encode())


def register(
    server: Flask, library: SnapshotStore, settings: Settings, *, clock: Callable[[], dt.datetime] | None = None
) -> None:
    """Adds /wall/<screen> and its endpoints to `server`. `clock` gives the aware present (tests pass their own)."""
    wall = Wall(library, settings, clock or units.now)
    routes = Blueprint("wall", __name__, url_prefix="/wall/<screen>")

    @routes.url_value_preprocessor
    def check(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if not values or not SCREEN.fullmatch(values.get("screen", "")):
            abort(404)

    @routes.get("")
    def page(screen: str) -> Response:
        return _fresh(Response(_page(wall, screen), mimetype="text/html"))

    @routes.get("/version")
    def version(screen: str) -> Response:
        return _json(wall.version(screen))

    @routes.get("/scenes")
    def all_scenes(screen: str) -> Response:
        """Every scene at once: a screen that has them turns its pages without asking, and all its numbers are of one
        generation."""
        try:
            return _json(wall.scenes(*layout.SCENES))
        except DataMissing:
            return _json({"generation": None, "scenes": {}})

    @routes.get("/layout.css")
    def style(screen: str) -> Response:
        return Response(
            stages.style(), mimetype="text/css", headers={"Cache-Control": "private, max-age=31536000, immutable"}
        )

    @routes.get("/live")
    def positions(screen: str) -> Response:
        return _packed(wall.frame())

    @routes.get("/outlines")
    def outline(screen: str) -> Response:
        return _packed(outlines())

    @routes.post("/heartbeat")
    def heartbeat(screen: str) -> Response:
        if (request.content_length or 0) > BODY_LIMIT:
            abort(413)
        text = request.get_json(silent=True)
        if not isinstance(text, dict):
            abort(400)
        wall.heartbeats.record(screen, text | {"address": request.remote_addr}, wall.clock())
        return _fresh(Response(status=204))

    server.register_blueprint(routes)


def _page(wall: Wall, screen: str) -> str:
    now = wall.clock()
    stored, _ = wall.director.look(screen, now)
    _, name = direction.shown(stored.plan, stored.course, now.timestamp())
    empty = {
        "label": layout.SCENES[name].label,
        "question": layout.SCENES[name].question,
        "needs": "",
        "fine": "",
        "slots": [],
        "cards": [],
    }
    try:
        shown, notice = wall.scenes(name), ""
    except DataMissing:
        shown, notice = {"generation": "", "demo": False, "built": fmt.DASH, "scenes": {name: empty}}, NO_DATA
    prefix = request.script_root
    return render(
        "wall.html",
        scene=shown["scenes"][name],
        scene_id=name,
        shown=shown,
        notice=notice,
        screen=screen,
        bureau=texts.BUREAU.removeprefix("杭州市"),
        build=build_id(),
        release=RELEASE,
        rough=texts.APPROXIMATE if (shapes := townmap.load()) and shapes.is_approximate else "",
        base=f"{prefix}/wall/{screen}",
        prefix=prefix,
        day=wall.today().isoformat(),
        speaks="1" if getattr(g.get("viewer"), "kind", "") == "device" else "",
        dim=wall.settings.options.wall_dim,
        drift=wall.settings.options.wall_drift_px,
        type=legibility.type_of(wall.settings.state, screen),
        stages=json.dumps({kind: stages.stages(kind) for kind in stages.ZOOM}),
    )


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _json(body: dict[str, Any]) -> Response:
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if len(raw) < GZIP_FROM:
        return _fresh(Response(raw, mimetype="application/json"))
    return _packed(gzip.compress(raw, 5))


def _packed(body: bytes) -> Response:
    """A gzipped JSON body; unpacked again for the rare client that does not take gzip."""
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response = Response(
            body, mimetype="application/json", headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        )
    else:
        response = Response(gzip.decompress(body), mimetype="application/json")
    return _fresh(response)


def _believed(text: Any, low: float, high: float) -> float | None:
    if isinstance(text, bool) or not isinstance(text, int | float):
        return None
    return float(text) if low <= text <= high else None
