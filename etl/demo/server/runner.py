"""Prepares a demo folder and serves it: the only module of `etl.demo` meant to be called from elsewhere.

A folder holds `world.json` (the whole state), the registry database, `drop/`, `history/` (a cache), `planted.json` and,
while served, `endpoints.json`. Everything missing is made; nothing present is changed.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import orjson
import pandas as pd
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from etl.demo.app import points, sites, users, volunteers
from etl.demo.ledgers import papers, party_book
from etl.demo.positions.positions import chosen
from etl.demo.registers import cases, churn, live_tables, matters, registry
from etl.demo.server import files
from etl.demo.server.feeds import SILENT_DAY_AHEAD, Feeds
from etl.demo.server.http import CLIENT_ID, create_app
from etl.demo.world import clock, people
from etl.demo.world.clock import Clock, system_clock
from etl.demo.world.defects import Planted
from etl.demo.world.units import SITE_IDS
from etl.demo.world.world import HISTORY_DAYS, World

DEFAULT_SEED, DEFAULT_SCALE = 20260901, 2000
SMALLEST_SCALE = 20
DIGITAL = "digital.sqlite"
CHURN_LOOK_S = 1.0
# salt of a source's own miswriting of id numbers → what it writes them into
SPOKEN_IDS = {
    605: ("rdm",),
    845: ("as_alarm",),
    846: ("ext_safety_code",),
    848: ("un_member",),
    849: ("wf",),
    850: ("hn_award",),
    851: ("mp",),
}
HOST = "127.0.0.1"


def _write(path: Path, content: dict[str, object], mode: int = 0o644) -> None:
    """JSON, atomically: written aside with its final permissions, synced, renamed."""
    aside = path.with_name(path.name + ".part")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


@lru_cache(maxsize=4)
def _world(seed: int, scale: int, started_at: datetime, clean: bool, history_days: int) -> World:
    """One World object per identity, so that the caches of pure functions are shared."""
    return World(seed, scale, started_at, clean, history_days)


def load(folder: Path) -> World:
    """The world of a prepared folder."""
    state = orjson.loads((folder / "world.json").read_bytes())
    return _world(
        state["seed"],
        state["scale"],
        datetime.fromisoformat(state["started_at"]),
        state["clean"],
        state["history_days"],
    )


def _state(folder: Path, scale: int, seed: int, now: datetime, clean: bool, history_days: int) -> World:
    if not (folder / "world.json").exists():
        started = now.astimezone(clock.SHANGHAI).replace(microsecond=0)
        _write(
            folder / "world.json",
            {
                "seed": seed,
                "scale": scale,
                "started_at": started.isoformat(),
                "clean": clean,
                "history_days": history_days,
            },
        )
    world = load(folder)
    if (world.scale, world.seed, world.clean) != (scale, seed, clean):
        raise ValueError(
            f"{folder} 里已有另一个模拟世界 (规模 {world.scale}, 种子 {world.seed}); 请换一个目录或先删除它"
        )
    return world


def registry_dsn_of(folder: Path, registry_dsn: str | None) -> str:
    """The given SQLAlchemy URL, or the SQLite file in the folder."""
    return registry_dsn or f"sqlite:///{(folder / 'yunzheng.sqlite').resolve()}"


def digital_dsn_of(folder: Path) -> str:
    """SQLAlchemy URL of 数字化管理平台, a SQLite file in the folder."""
    return f"sqlite:///{(folder / DIGITAL).resolve()}"


def prepare(
    dir: str | Path,
    scale: int = DEFAULT_SCALE,
    seed: int = DEFAULT_SEED,
    now: datetime | None = None,
    progress: files.Progress | None = None,
    registry_dsn: str | None = None,
    clean: bool = False,
    history_days: int = HISTORY_DAYS,
) -> World:
    """Make what is missing of a demo folder and return its world.

    `now` (aware) becomes `started_at` of a new world and is otherwise ignored; `progress(label, done, total)` is called
    after each part. `history_days` shortens the past (tests; at least 3). Raises ValueError when the folder holds a
    world of another seed or scale."""
    if scale < SMALLEST_SCALE:
        raise ValueError(f"规模至少为 {SMALLEST_SCALE}")
    folder = Path(dir)
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda label, done, total: None)
    world = _state(folder, scale, seed, now or system_clock(), clean, history_days)
    # a registry elsewhere is looked at each time: only it knows whether its tables are there
    if not registry_dsn and all(
        (folder / name).exists() for name in ("planted.json", "drop", "history", "yunzheng.sqlite", DIGITAL)
    ):
        return world
    engine = registry.engine_for(registry_dsn_of(folder, registry_dsn))
    planted = registry.create(world, engine, _cases)
    engine.dispose()
    tell("道路运政数据库", 1, 1)
    digital = registry.engine_for(digital_dsn_of(folder))
    live_tables.create(world, digital, matters.METADATA, matters.TABLES)
    digital.dispose()
    files.prepare(world, folder, tell, planted)
    _note_live(world, planted)
    _write(folder / "planted.json", planted.manifest())
    return world


def _cases(world: World) -> dict[str, pd.DataFrame]:
    return {live.table.name: live_tables.everything(world, live) for live in cases.TABLES}


def _note_live(world: World, planted: Planted) -> None:
    """Adds what the live services plant by rate or by vehicle."""
    rates, pick, plates = world.rates, chosen(world), world.track["plate_no"]
    for rule, vehicles in (
        ("D01", pick.clone_target),
        ("D04", pick.swapped),
        ("D04", pick.scaled),
        ("D05", pick.utc),
        ("D05", pick.rollover),
        ("D08", pick.odometer),
    ):
        planted.note(rule, "gps_location", [str(plates[v]) for v in vehicles])
    for rule, rate in (
        ("D02", rates.d02_plate_text),
        ("D06", rates.d06_not_fixed),
        ("D07", rates.d07_blind_vehicle_day),
        ("D09", rates.d09_drift_vehicle_month),
    ):
        if rate:
            planted.note(rule, "gps_location", [f"rate={rate}"])
    if rates.d03_platform_colours:
        planted.note("D03", "gps_location", ["33011000003: 145-148", "33011000005: ETC"])
    if rates.d08_platform_speed:
        planted.note("D08", "gps_location", ["33011000004: km/h"])
    if rates.d21_silent_day:
        planted.note("D21", "rdm_learning", [clock.day_text(world.anchor_day + SILENT_DAY_AHEAD, "%Y-%m-%d")])
    if rates.d22_hard_delete:
        planted.note("D22", "yz_vehicle", ["live"])
    planted.note(
        "D04",
        "st_site",
        [SITE_IDS[k] for k, site in enumerate(sites.SITES) if site[-1] == sites.GCJ02]
        if rates.d04_gcj_companies
        else [],
    )
    party_book.note(world, planted)
    users.note(world, planted)
    for month in range(clock.month_of(world.first_day), clock.month_of(world.anchor_day) + 1):
        planted.note("D19", "mp_points", points.month_ledger(world, month).planted)
        planted.note("D20", "mp_volunteer_record", volunteers.spoilt_records(world, month))
    for system, things in SPOKEN_IDS.items():
        ids, kinds = people.written_ids(world, system)
        for thing in things:
            planted.note("D10", thing, [str(i) for i in ids[kinds != ""]])


class _Handler(WSGIRequestHandler):
    """No line per request on stderr: the stand-in is asked thousands of times an hour."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server:
    """The running stand-in. `url` is its address, `client_secret` its key, `stop()` ends threads and socket."""

    def __init__(self, folder: Path, world: World, clock_: Clock, port: int, dsn: str) -> None:
        self.folder, self.world = folder, world
        self._clock = clock_
        before = self._endpoints()
        self.client_id, self.client_secret = CLIENT_ID, str(before.get("client_secret") or secrets.token_urlsafe(24))
        self.registry_dsn = dsn
        self._engine, self._digital = registry.engine_for(dsn), registry.engine_for(digital_dsn_of(folder))
        self._feeds = Feeds(world, folder / "history")
        app = create_app(self._feeds, clock_, self.client_secret)
        self._http = self._listen(app, port, before)
        self.url = f"http://{HOST}:{self._http.server_port}"
        self._over = threading.Event()
        self.catch_up()
        self._threads = [
            threading.Thread(target=work, daemon=True, name=name)
            for name, work in (("demo-http", self._http.serve_forever), ("demo-registry", self._live))
        ]
        for thread in self._threads:
            thread.start()
        self._announce()

    def _endpoints(self) -> dict[str, object]:
        path = self.folder / "endpoints.json"
        return orjson.loads(path.read_bytes()) if path.exists() else {}

    def _listen(self, app: Callable[..., object], port: int, before: dict[str, object]) -> BaseWSGIServer:
        wanted = port or int(str(before.get("http", ":0")).rpartition(":")[2])
        try:
            return make_server(HOST, wanted, app, threaded=True, request_handler=_Handler)
        except (OSError, SystemExit):  # werkzeug turns a taken port into SystemExit
            if port:
                raise OSError(f"端口 {port} 已被占用") from None
            return make_server(HOST, 0, app, threaded=True, request_handler=_Handler)

    def _announce(self) -> None:
        _write(
            self.folder / "endpoints.json",
            {
                "http": self.url,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "registry_dsn": self.registry_dsn,
                "digital_dsn": digital_dsn_of(self.folder),
                "drop": str((self.folder / "drop").resolve()),
                "started_at": self.world.started_at.isoformat(),
            },
            mode=0o600,
        )

    def catch_up(self) -> int:
        """Apply every change of the databases due by now and write the files that have come due; returns how many slots
        of the registry changed something."""
        note = self.folder / "registry_slot.json"
        begun = {"slot": -1, "through": clock.local_second(self.world.started_at)}
        done = begun | (orjson.loads(note.read_bytes()) if note.exists() else {})
        now = clock.local_second(self._clock())
        last = churn.last_slot(self.world, now)
        if last <= done["slot"]:
            return 0
        changed = churn.apply(self.world, self._engine, done["slot"] + 1, last)
        live_tables.apply(self.world, self._engine, cases.TABLES, done["through"], now)
        live_tables.apply(self.world, self._digital, matters.TABLES, done["through"], now)
        papers.write_missing(self.world, self.folder / "drop", papers.due(self.world, now))
        sites.write_missing_days(self.world, self.folder / "drop", now)
        _write(note, {"slot": last, "through": now})
        return changed

    def raise_alarm(self, *, vehicle: int = 0, warn_type: int = 3, level: int = 2) -> str:
        """An alarm of the tracked vehicle number `vehicle` begins now (warn_type as in JT/T 809, 3 = 紧急报警); returns
        its uid. The list has it from this second on."""
        return self._feeds.raise_alarm(clock.local_second(self._clock()), vehicle, warn_type, level)

    def _live(self) -> None:
        while not self._over.wait(CHURN_LOOK_S):
            self.catch_up()

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        if not self._over.is_set():
            self._over.set()
            self._http.shutdown()
            self._http.server_close()
            for thread in self._threads:
                thread.join(10)
            self._engine.dispose()
            self._digital.dispose()


def serve(dir: str | Path, clock: Clock = system_clock, port: int = 0, registry_dsn: str | None = None) -> Server:
    """Serve a prepared folder in this process on 127.0.0.1; port 0 takes the port of the last time if it is free."""
    folder = Path(dir)
    return Server(folder, load(folder), clock, port, registry_dsn_of(folder, registry_dsn))
