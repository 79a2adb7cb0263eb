"""A wall under test: six thousand vehicles for it to show, and ways to wait for what it shows."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import msgspec
import numpy as np
import orjson
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from cockpit.wall.direction import Director
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import live

VEHICLES = 6000
CUT_MS, BACK_MS, READY_MS, STEP_MS = 60_000, 60_000, 20_000, 200
STATES = ("running", "parked", "offline", "alarm")
SHARES = (0.31, 0.34, 0.343, 0.007)


def folder_of(published: Path, folder: Path) -> Path:
    """`folder`, which looks at the shared published picture and has a live picture of its own."""
    folder.mkdir()
    (folder / "published").symlink_to(published / "published")
    publish_live(folder, 1)
    return folder


def publish_live(data: Path, version: int, *, shift: float = 0.0) -> None:
    """A live picture of 6,000 vehicles as warehouse.publish.live writes it; `shift` (deg) moves every one to the
    east."""
    dice = np.random.default_rng(7)
    state = dice.choice(STATES, VEHICLES, p=SHARES)
    now = dt.datetime.now(SHANGHAI).replace(tzinfo=None, microsecond=0)
    dots = [
        live.Dot(ref, lon + shift, lat, 40.0, float(heading), of, "良渚街道", now)
        for ref, lon, lat, heading, of in zip(
            range(11, 11 + 7 * VEHICLES, 7),
            dice.uniform(119.75, 120.1, VEHICLES).tolist(),
            dice.uniform(30.2, 30.5, VEHICLES).tolist(),
            dice.integers(0, 360, VEHICLES).tolist(),
            state.tolist(),
            strict=True,
        )
    ]
    folder = data / "live"
    folder.mkdir(exist_ok=True)
    (folder / f"{version}.json").write_bytes(msgspec.json.encode(dots))
    counts = {name: int((state == name).sum()) for name in STATES}
    note = {"version": version, "file": f"{version}.json", "as_of": now.isoformat(), "counts": counts}
    aside = folder / ".tmp-current.json"
    aside.write_bytes(orjson.dumps(note))
    aside.replace(folder / "current.json")


def until(page: Page, expression: str, limit_ms: int = READY_MS) -> None:
    """Waits for a truth of the page. Not wait_for_function: its eval is what the page's policy forbids."""
    for _ in range(0, limit_ms, STEP_MS):
        with contextlib.suppress(PlaywrightError):  # a page that is just leaving has no truth; the next one has
            if page.evaluate(expression):
                return
        page.wait_for_timeout(STEP_MS)
    raise AssertionError(f"not within {limit_ms} ms: {expression}")


def keep(page: Page, data: Path, scene: str) -> None:
    """Holds one scene on the screen, as a person does with a phone."""
    Director(Settings(data)).steer("hall", "show", dt.datetime.now(SHANGHAI), by="test", scene=scene)
    until(page, f"Wall.state.scene === {scene!r} && document.getElementById('turn').textContent.includes('保持')")


def ready(page: Page) -> None:
    until(
        page,
        "Boolean(window.Wall) && Wall.state.live !== null && Wall.state.scenes !== null && WallMap.stats().vehicles > 0",
    )
