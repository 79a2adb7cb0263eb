"""Fixtures that several packages' tests share: a house of one's own, and one data folder built by the whole real
line."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit.store import one_time_key
from tests import needs, templates
from tests.depth import NIGHTLY
from tests.etl.pipeline import planting
from tests.house import House
from warehouse.cli.commands import LONG
from warehouse.core import safe_start
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

os.environ.setdefault(safe_start.ALLOW_ROOT, "1")  # whoever tests may be anybody; what is tested may not
TINY = 60
ROOT = Path(__file__).resolve().parent.parent
FIRST = (
    "tests/independent/test_all_kpis",  # makes the large world, which the other second computations find ready
    "tests/browser/test_wall_weeks",  # makes the small one
    "tests/etl/pipeline/test_crash",
    "tests/etl/sources/test_fault_server",
    "tests/etl/pipeline/test_defects",
    "tests/browser",
    "tests/etl/pipeline",
    "tests/cockpit/report",
    "tests/etl/worker",
    "tests/etl/sources",
    "tests/independent",
    "tests/cockpit/pages",
)
"""What takes longest begins first, so that no worker is left with it at the end; and what needs no world while the worlds
are made, so that no worker waits for another's."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what starts from the whole world, puts the longest first, and what is for the night aside."""
    for item in items:
        if "published" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.world)
        if item.get_closest_marker("nightly") and not NIGHTLY:
            item.add_marker(pytest.mark.skip(reason="only in a nightly run"))
    items.sort(
        key=lambda item: next((rank for rank, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many numbers were computed again and compared, by window and grain."""
    total: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "compared":
                total.update(value)
    if total:
        terminalreporter.section("numbers computed again")
        for place, number in sorted(total.items()):
            terminalreporter.write_line(f"{number:>9,} {place}")
        terminalreporter.write_line(f"{sum(total.values()):>9,} in all")


SLOW_S = 15.0
"""So much of a processor a test may use, what it prepares for itself included, before it should say that it is slow; on
an idle machine a third of it is the right measure for the mark."""
BEGAN = pytest.StashKey[float]()


def _spent() -> float:
    """Seconds of a processor that this process and its ended children have used, but for what is made once for all."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system - templates.spent_s


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[BEGAN] = _spent()
    if item.get_closest_marker("browser"):
        needs.chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A slow test without a mark makes every quick run slow: it is named, and fails nothing by the clock."""
    result = yield
    used = _spent() - item.stash[BEGAN]
    if used > SLOW_S and not any(item.get_closest_marker(mark) for mark in (*LONG, "nightly")):
        item.warn(pytest.PytestWarning(f"uses a processor for {used:.1f} s: mark it slow, or make it lighter"))
    return result


class Keyed(FlaskClient):
    """Sends every form with a fresh one-time key, as the forms of our pages do; a test that gives a key of its own
    keeps it."""

    def open(self, *args: Any, **keywords: Any) -> TestResponse:
        data = keywords.get("data")
        if keywords.get("method") == "POST" and not (isinstance(data, dict) and one_time_key.FIELD in data):
            keywords["headers"] = {one_time_key.HEADER: one_time_key.key(), **(keywords.get("headers") or {})}
        return super().open(*args, **keywords)


Flask.test_client_class = Keyed


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with the own tables in it and its models empty: what a test puts in is built upon them, as on any day."""
    made = House.published_empty(tmp_path / "data")
    yield made
    made.close()


WORLD_NOW = dt.datetime(2026, 11, 23, 14, 5)
"""Monday afternoon in the tiny world: the newest complete week is 2026-W47."""


def whole_line(
    data: Path,
    *,
    scale: int,
    history_days: int,
    live_after: bool,
    without: Mapping[str, Collection[str]] = {},
    now: dt.datetime = WORLD_NOW,
) -> Path:
    """Fills the folder `data` by the whole real line from stand-in sources of that size, as if it were `now`.
    live_after: one more live round after the refresh, whose positions are in no generation yet. without: source →
    tables that were never connected."""
    from etl.cli.demonstration import write_endpoints
    from etl.demo.server import runner
    from etl.jobs import live, refresh
    from etl.pipeline import intake
    from etl.runtime.context import opened

    moment = now.replace(tzinfo=SHANGHAI)
    runner.prepare(data / "demo", scale=scale, now=moment, history_days=history_days)
    for file in (data / "demo" / "drop").rglob("*.*"):  # a file younger than files.SETTLE_S would wait for the next run
        os.utime(file, (moment.timestamp(),) * 2)
    server = runner.serve(data / "demo", clock=lambda: moment)
    try:
        settings = Settings(data)
        write_endpoints(settings, orjson.loads((data / "demo" / "endpoints.json").read_bytes()))
        for source, tables in without.items():
            leave_out(data / "sources", source, tables)
        with opened(settings, now=lambda: now) as context:
            live.run(context)
            refresh.run(context)
            if live_after:
                live.run(context)
            assert intake.pending(context) == 0
    finally:
        server.stop()
    return data


def leave_out(folder: Path, source: str, tables: Collection[str]) -> None:
    """Writes the description of a source into `folder` without the feeds of these tables."""
    folder.mkdir(exist_ok=True)
    head, *feeds = (ROOT / "etl" / "sources" / f"{source}.toml").read_text("utf-8").split("[[feeds]]\n")
    left = [feed for feed in feeds if not any(f'entity = "{table}"\n' in feed for table in tables)]
    assert len(left) < len(feeds)
    (folder / f"{source}.toml").write_text("[[feeds]]\n".join([head, *left]), "utf-8")


@pytest.fixture(scope="session")
def published() -> Path:
    """A data folder built by the whole real line from the stand-in sources: a tiny fleet, 40 days, every defect, one
    afternoon. Read-only for tests; copy what you want to change."""
    return templates.prepared(
        "published", lambda folder: whole_line(folder, scale=TINY, history_days=40, live_after=True)
    )


@pytest.fixture(scope="module")
def data_with_picture(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks at the published files of the shared one; accounts and log are the module's own."""
    data = tmp_path_factory.mktemp("picture") / "data"
    data.mkdir()
    for name in ("published", "live"):
        (data / name).symlink_to(published / name)
    return data


@pytest.fixture(scope="session")
def fleet_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published fleet of two vehicles, of which one was put aside for its plate; copy it to change it."""
    made = House.with_own_tables(tmp_path_factory.mktemp("fleet") / "data", WORLD_NOW)
    made.put("yz_company", [planting.company()])
    made.put("yz_vehicle", [planting.vehicle(), planting.vehicle(plate_no="没有牌")])
    made.publish()
    return made.hand_over().data
