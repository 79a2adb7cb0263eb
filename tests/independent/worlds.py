"""The data folders that are counted a second time: one large enough for every population (companies of 50 trucks, every
source; five months by day, a whole calendar year in the night), and small ones whose clocks stand elsewhere in the
year."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from etl.demo.server import runner
from etl.jobs import refresh
from etl.runtime.context import opened
from tests import templates
from tests.conftest import WORLD_NOW, whole_line
from tests.depth import depth
from tests.independent import changes
from warehouse.core.settings import Settings


@dataclass(frozen=True)
class World:
    """A name, the moment at which its data are refreshed, its size (trucks and days of history), and the KPIs of which
    a world so small has nothing to say."""

    name: str
    now: dt.datetime
    scale: int
    days: int
    mute: frozenset[str] = frozenset()


USUAL = World("audited", WORLD_NOW, depth(200, 420), depth(150, 330))
CLOCKS = (
    World("may", dt.datetime(2027, 5, 12, 14, 5), 120, 130),
    World("spring-festival", dt.datetime(2027, 2, 8, 14, 5), 120, 60),
    World("leap-day", dt.datetime(2028, 3, 1, 10, 20), 120, 90, frozenset({"rdm_safety_score_avg"})),
    World("week-53", dt.datetime(2027, 1, 4, 9, 10), 120, 60),
)
"""The middle of a quarter; the week of the Spring Festival; the day after 29 February; the first day of 2027-W01, after
2026-W53."""


def made(world: World) -> Path:
    """The world's data folder, built by the whole real line."""
    return templates.prepared(world.name, lambda folder: fill(folder, world))


def fill(folder: Path, world: World) -> Path:
    """Fills a folder with that world, then with what its stand-in sources lack."""
    whole_line(folder, scale=world.scale, history_days=world.days, live_after=False, now=world.now)
    with opened(Settings(folder), now=lambda: world.now) as context:
        landed = changes.Changes(context, runner.load(folder / "demo"), world.now)
        three_members_more(landed)
        changes.everything(landed)
        refresh.publish(context)
    return folder


def three_members_more(landed: changes.Changes) -> None:
    """A world this small may have no company with three Party members, and KPI 35 nothing to say: a ledger page names
    some more."""
    world, now = landed.world, landed.now
    people = world.drivers
    big = people[world.companies["is_big"].to_numpy()[people["company"]] & (people["to_day"] < 0)]
    page = [
        {
            "id_no": number,
            "stage": "正式党员",
            "verify_status": "confirmed",
            "verified_at": f"{now - dt.timedelta(days=322):%Y-%m-%d}",
            "ledger_at": f"{now - dt.timedelta(days=22):%Y-%m-%d} 00:00:00",
        }
        for number in big.groupby("company")["id_no"].head(6)
    ]
    landed.land("pb_member", page)
