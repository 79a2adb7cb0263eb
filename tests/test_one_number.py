"""One number everywhere: what the command line reads is, digit by digit, what stands on the overview, the metric page,
the wall and the printed week, all of one generation and for the same window."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from flask import Flask, g

from cockpit.identity.sessions import Viewer
from cockpit.pages.overview import window_of
from cockpit.presentation import format as fmt
from cockpit.report import poppler, release
from cockpit.wall import routes
from cockpit.web import app, page_callback
from warehouse.catalog.metrics import metrics
from warehouse.cli import commands
from warehouse.compile.reading import DISTRICT, Reading, Target
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

NOW = dt.datetime(2026, 11, 23, 6, 6, tzinfo=dt.UTC)
LEADER = Viewer("person", "zhang", "leader", "", "张**", scope=Scope.ALL)
ONLINE = "fleet_online_rate"
Read = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def data(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is published."""
    folder = tmp_path_factory.mktemp("one")
    for name in ("published", "live"):
        shutil.copytree(published / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def library(data: Path) -> SnapshotStore:
    return SnapshotStore(data)


@pytest.fixture(scope="module")
def cli(data: Path) -> Read:
    """`zhengbei metric read … --json`, in this process: the subprocess has a test of its own."""
    runner = CliRunner()

    def read(metric: str, **options: str) -> dict[str, Any]:
        arguments = [
            metric,
            *(word for name, value in options.items() for word in (f"--{name}", value)),
            "--json",
            "--data",
            str(data),
        ]
        done = runner.invoke(commands.metric_read, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.output)
        return found

    return read


@pytest.fixture(scope="module")
def draw(data: Path) -> Callable[[str, str], Any]:
    web: Flask = app.create_app(Settings(data))

    def drawn(path: str, search: str) -> Any:
        with web.test_request_context("/"):
            g.viewer = LEADER
            return page_callback.draw(web.config["ZHENGBEI_LIBRARY"], path, search)[0].to_plotly_json()

    return drawn


def below(component: Any) -> list[dict[str, Any]]:
    """Properties of every component of a page, in order."""
    if isinstance(component, list | tuple):
        return [found for child in component for found in below(child)]
    if hasattr(component, "to_plotly_json"):
        component = component.to_plotly_json()
    if not isinstance(component, dict) or "props" not in component:
        return []
    return [component["props"], *below(component["props"].get("children"))]


def figure_in(component: Any, name: str) -> str:
    """Text of the big figure, or of the words in its place."""
    for props in below(component):
        if {name, f"{name.split('-')[0]}-state"} & set(str(props.get("className", "")).split()):
            return str(props["children"])
    raise AssertionError(f"no {name} here")


def said(answer: dict[str, Any]) -> Reading:
    """The command line's answer, and nothing else, as the one formatter takes it."""
    facts: Any = SimpleNamespace(
        **{name: answer[name] for name in ("status", "value", "unit", "num", "den", "judgement")},
        target=answer["target"] and Target(**answer["target"]),
    )
    return cast("Reading", facts)


def as_shown(answer: dict[str, Any]) -> fmt.Shown:
    return fmt.reading(said(answer), metrics()[answer["metric"]].decimals)


@pytest.mark.parametrize("window", ["day", "week"])
def test_the_command_line_answers_with_everything_that_makes_a_number_checkable(
    data: Path, library: SnapshotStore, window: str
) -> None:
    command = [
        sys.executable,
        "-m",
        "warehouse",
        "metric",
        "read",
        ONLINE,
        "--window",
        window,
        "--json",
        "--data",
        str(data),
    ]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert {"value", "num", "den", "unit", "as_of", "status", "generation"} <= set(answer)
    expected = library.current(Scope.ALL).read(ONLINE, window)
    assert answer["value"] == expected.value and answer["num"] == expected.num and answer["den"] == expected.den
    assert (answer["status"], answer["generation"]) == ("ok", library.current(Scope.ALL).generation.id)
    assert dt.datetime.fromisoformat(answer["as_of"]) == expected.as_of
    assert answer["value"] == pytest.approx(answer["num"] / answer["den"])


@pytest.mark.parametrize("window", ["day", "week", "month"])
def test_every_tile_of_the_overview_is_the_number_of_the_command_line(draw: Any, cli: Read, window: str) -> None:
    tiles = {
        props["data-metric"]: props
        for props in below(draw("/all", f"?window={window}"))
        if "tile" in str(props.get("className", "")).split() and "data-metric" in props
    }
    assert set(tiles) == set(metrics())
    for metric, props in tiles.items():
        answer = cli(metric, window=window_of(metrics()[metric], window))
        assert figure_in(props["children"], "tile-value") == as_shown(answer).text, metric
        assert props["data-generation"] == answer["generation"]
        assert props.get("data-asof") == answer["as_of"], metric
        assert f"is-{answer['status']}" in props["className"].split()


def test_every_metric_page_carries_value_parts_and_time_of_the_command_line(draw: Any, cli: Read) -> None:
    for metric in metrics().values():
        for window in metric.windows[:2]:
            answer = cli(metric.id, window=window)
            page = draw(f"/metric/{metric.id}", f"?window={window}")
            hero = next(props for props in below(page) if "hero" in str(props.get("className", "")).split())
            assert figure_in(hero["children"], "hero-value") == as_shown(answer).text, metric.id
            assert (hero["data-generation"], hero.get("data-asof")) == (answer["generation"], answer["as_of"]), (
                metric.id
            )
            words = " ".join(str(props.get("children")) for props in below(hero["children"]))
            assert fmt.parts(said(answer)) in words, metric.id


def test_every_figure_of_the_wall_is_the_number_of_the_command_line(
    data: Path, library: SnapshotStore, cli: Read
) -> None:
    server = Flask("wall-one")
    routes.register(server, library, Settings(data), clock=lambda: NOW)
    wall_of = server.test_client().get("/wall/hall/scenes").get_json()
    assert wall_of["generation"] == library.current(Scope.ALL).generation.id
    seen = set()
    for scene in wall_of["scenes"].values():
        shown = {slot["id"]: slot["html"] for slot in (*scene["slots"], *scene["cards"])}
        for slot, text in scene["figures"].items():
            metric = slot.partition("-")[2]
            answer = cli(metric, window=metrics()[metric].windows[0])
            assert text == as_shown(answer).text and answer["generation"] == wall_of["generation"], slot
            assert text in re.sub(r"<[^>]+>", " ", shown.get(slot, shown.get("strip", ""))), slot
            seen.add(metric)
    # what runs at this moment comes with the live positions, not with the generation
    assert (
        ONLINE in seen
        and {name for name, metric in metrics().items() if "wall" in metric.show and metric.kind != "now"} <= seen
    )


@pytest.mark.browser
def test_every_figure_of_the_printed_week_is_the_number_of_the_command_line(
    data: Path, library: SnapshotStore, cli: Read
) -> None:
    printed = release.release(library, Settings(data), now=NOW)
    text = "".join(poppler.pages(data / "reports" / f"{printed['name']}.pdf"))
    assert printed["generation"] == library.current(Scope.ALL).generation.id and ONLINE in printed["figures"]
    for metric, stored in printed["figures"].items():
        if "week" not in metrics()[metric].windows:
            continue
        answer = (
            cli(metric, window="week") if metrics()[metric].newest else cli(metric, window="week", at=printed["at"])
        )
        assert (stored["value"], stored["num"], stored["den"], stored["status"]) == tuple(
            answer[name] for name in ("value", "num", "den", "status")
        ), metric
        assert "".join(str(as_shown(answer)).split()) in text, metric


def test_all_four_surfaces_say_the_same_of_the_newest_week(
    data: Path, library: SnapshotStore, draw: Any, cli: Read
) -> None:
    """车辆上线率 stands on all of them with its week: one text."""
    assert metrics()[ONLINE].windows[0] == "week", "the wall shows a metric's first window"
    answer = cli(ONLINE, window="week", place=DISTRICT)
    server = Flask("wall-four")
    routes.register(server, library, Settings(data), clock=lambda: NOW)
    tile = next(props for props in below(draw("/", "?window=week")) if props.get("data-metric") == ONLINE)
    hero = next(
        props for props in below(draw(f"/metric/{ONLINE}", "?window=week")) if props.get("data-metric") == ONLINE
    )
    figures = server.test_client().get("/wall/hall/scenes").get_json()["scenes"]["overview"]["figures"]
    on_wall = next(text for slot, text in figures.items() if slot.endswith(ONLINE))
    assert {figure_in(tile["children"], "tile-value"), figure_in(hero["children"], "hero-value"), on_wall} == {
        as_shown(answer).text
    }
