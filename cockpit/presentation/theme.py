"""Colours, fonts and chart manners, read from assets/css/00_tokens.css; never a colour written a second time.

LIGHT is browser and paper, DARK the wall and the dark browser. `template()` gives a Plotly template, `graph_config()`
the only Plotly configuration in the house: no logo, no sharing, no editing, Chinese words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cockpit.presentation import texts
from cockpit.presentation.assets import STYLES

TOKENS = STYLES / "00_tokens.css"
FONT = '"Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif'

_BLOCK = re.compile(r"(?P<selector>:root(?:\[data-theme=\"dark\"\])?)\s*\{(?P<body>[^}]*)\}")
_COLOUR = re.compile(r"--(?P<name>[\w-]+):\s*(?P<value>#[0-9a-fA-F]{3,8}|rgba?\([^)]*\))\s*;")

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme(Mapping[str, str]):
    """Token name without the dashes ("ink-2") → CSS colour. An unknown name raises KeyError."""

    name: ThemeName
    colours: dict[str, str]

    def __getitem__(self, token: str) -> str:
        return self.colours[token]

    def __iter__(self) -> Iterator[str]:
        return iter(self.colours)

    def __len__(self) -> int:
        return len(self.colours)

    def __hash__(self) -> int:
        return hash(self.name)


def read_tokens(path: Path = TOKENS) -> dict[ThemeName, dict[str, str]]:
    """The colour tokens of both themes as written in the style sheet: {"light": {...}, "dark": {...}}."""
    found: dict[ThemeName, dict[str, str]] = {"light": {}, "dark": {}}
    for block in _BLOCK.finditer(path.read_text(encoding="utf-8")):
        which: ThemeName = "dark" if "dark" in block["selector"] else "light"
        found[which].update({m["name"]: m["value"] for m in _COLOUR.finditer(block["body"])})
    return found


_TOKENS = read_tokens()
LIGHT = Theme("light", _TOKENS["light"])
DARK = Theme("dark", _TOKENS["dark"])

GROUP_TONE = {"fleet": "fleet", "safety": "fleet", "driver": "fleet", "health": "steel"}
"""Accent token of a metric group: fleet blue for running and safety, gold is kept for membership and programmes."""


def tone(group: str) -> str:
    """Accent token of a metric group; groups of membership and programmes (anything not fleet-like) are gold."""
    return GROUP_TONE.get(group, "member")


def template(theme: Theme = LIGHT) -> dict[str, Any]:
    """Plotly template of one theme: transparent ground, quiet grid, no zero line, tabular-looking labels."""
    axis: dict[str, Any] = {
        "gridcolor": theme["grid"],
        "linecolor": theme["line-2"],
        "tickcolor": theme["line-2"],
        "tickfont": {"color": theme["ink-3"], "size": 12},
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
    }
    return {
        "layout": {
            "font": {"family": FONT, "color": theme["ink-2"], "size": 12},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [theme[t] for t in ("fleet", "member-2", "good", "steel", "warn-2", "bad")],
            "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
            "showlegend": False,
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": theme["panel"],
                "bordercolor": theme["line-2"],
                "font": {"family": FONT, "color": theme["ink"], "size": 13},
            },
            "dragmode": False,
            "separators": ".,",
        }
    }


def graph_config(*, download_name: str = "", modebar: bool = False) -> dict[str, Any]:
    """Plotly.js config. The mode bar shows at most 下载图片 (named `download_name`); nothing on it leaves this
    machine."""
    config: dict[str, Any] = {
        "displaylogo": False,
        "displayModeBar": "hover" if modebar else False,
        "modeBarButtons": [["toImage"]],
        "showSendToCloud": False,
        "showEditInChartStudio": False,
        "plotlyServerURL": "",
        "editable": False,
        "scrollZoom": False,
        "doubleClick": False,
        "showTips": False,
        "responsive": True,
        "locale": "zh-CN",
        "locales": {"zh-CN": {"dictionary": texts.CHARTS}},
    }
    if download_name:
        config["toImageButtonOptions"] = {"filename": download_name, "format": "png", "scale": 2}
    return config
