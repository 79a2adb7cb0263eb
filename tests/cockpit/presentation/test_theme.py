"""Colours come from one file, and no chart can send anything anywhere."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from cockpit.presentation import theme
from cockpit.presentation.assets import ASSETS, STYLES
from cockpit.presentation.charts import spark, ticks, trend
from cockpit.presentation.theme import DARK, LIGHT, TOKENS, Theme
from cockpit.presentation.tiles.graph import graph
from warehouse.compile.reading import Point, Target
from warehouse.insight.trend_annotations import Happening

COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(")
COCKPIT = Path(theme.__file__).parents[1]
OWN = [p for p in COCKPIT.rglob("*.py")] + [p for p in ASSETS.rglob("*") if p.suffix in (".css", ".js")]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_both_themes_hold_exactly_the_tokens_of_the_style_sheet() -> None:
    light = dict(re.findall(r"--([\w-]+):\s*([^;]+);", TOKENS.read_text("utf-8").split(":root[data-theme")[0]))
    assert LIGHT.colours == {k: v for k, v in light.items() if COLOUR.match(v)}
    assert set(LIGHT) == set(DARK), "a colour missing in one theme would fall back to the other"


@pytest.mark.parametrize("file", OWN, ids=lambda p: str(p.relative_to(COCKPIT.parent)))
def test_no_colour_is_written_outside_the_tokens(file: Path) -> None:
    if file in (TOKENS, Path(theme.__file__)):
        return
    text = re.sub(r"&#\d+;|url\(#[\w-]+\)|href=\"#[\w-]+\"", "", file.read_text("utf-8"))
    assert not COLOUR.findall(text)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "ink-2", "ink-3", "good", "warn", "bad", "fleet", "member", "party"])
def test_texts_can_be_read(name: str, ink: str) -> None:
    chosen = LIGHT if name == "light" else DARK
    assert contrast(chosen[ink], chosen["panel"]) >= (4.5 if ink != "party" else 3.0)


def test_every_variable_used_in_a_style_sheet_exists() -> None:
    known = set(re.findall(r"--([\w-]+):", "".join(p.read_text("utf-8") for p in STYLES.rglob("*.css"))))
    # these are set by the server on the element itself
    code = "".join(file.read_text("utf-8") for file in COCKPIT.rglob("*.py"))
    known |= set(re.findall(r'"--([\w-]+)":', code))
    for file in STYLES.rglob("*.css"):
        used = set(re.findall(r"var\(--([\w-]+)", file.read_text("utf-8")))
        assert used <= known, (file, used - known)


def test_charts_cannot_be_shared_or_uploaded() -> None:
    chart = graph(trend.figure([], window="day", unit="辆"), id="x-chart", label="趋势")
    config = chart.children.config
    assert config["showSendToCloud"] is False and config["showEditInChartStudio"] is False
    assert config["plotlyServerURL"] == "" and config["displaylogo"] is False
    assert config["modeBarButtons"] == [["toImage"]], "a fixed list: no button can be added by a new library version"


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_library_knows_every_property_of_a_trend_in_every_state(theme: Theme) -> None:
    days = [dt.date(2026, 11, n) for n in range(2, 8)]
    points = [
        Point(day, day, None if n == 2 else 0.9 + n / 100, 9, 10, "missing" if n == 2 else "ok", n < 5)
        for n, day in enumerate(days)
    ]
    storm = Happening("outage", days[1], days[2], "台风")
    for now, past in ((points, points), (points[:1], ()), ([], ())):
        made = trend.figure(
            now,
            past,
            window="day",
            unit="ratio",
            target=Target(0.98, None, "局"),
            better="up",
            theme=theme,
            events=[storm],
        )
        go.Figure(made)  # raises ValueError for a property that Plotly does not have
        assert {"data", "layout"} == set(made) and len(made["layout"]["shapes"]) == (
            2 if len(now) > 1 else 1 if now else 0
        )


def test_only_the_shared_helper_makes_graphs() -> None:
    for file in COCKPIT.rglob("*.py"):
        if file.name != "graph.py":
            assert "dcc.Graph(" not in file.read_text("utf-8"), file


def test_a_sparkline_breaks_at_gaps_and_never_draws_them_as_zero() -> None:
    assert [len(run) for run in spark.runs([1, 2, None, 3, 4, 5])] == [2, 3]
    assert spark.svg([None, None]) == "" and spark.svg([1]) == ""
    assert spark.svg([1, 1, 1]).count("<polyline") == 1
    assert spark.data_uri([1, 2], theme=DARK).startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize(
    ("low", "high"), [(86.0, 96.3), (0.0, 0.31), (20_000.0, 22_000.0), (0.0, 0.012), (-3.0, 4.0), (0.0, 1e9)]
)
def test_axis_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    found = ticks.inside(low, high)
    assert 3 <= len(found) <= 9
    assert low <= found[0] and found[-1] <= high
    assert ticks.inside(1.0, 1.0) == []
