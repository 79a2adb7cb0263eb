"""The typefaces of the printed reports: which face plays which part, the bureau's own faces in <data>/fonts, and which
fonts a finished PDF may hold.

The parts are those of GB/T 9704-2012: 小标宋 for name and title, 仿宋 for the text, 黑体 and 楷体 for headings. The
commercial faces come first and are never shipped; where they are not there the free ones that every installation has
(fonts-noto-cjk) stand in. Tables are set in 黑体 alone: the digits of Noto Serif CJK are not of one width."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

from cockpit.presentation.theme import TOKENS
from warehouse.core.errors import PrintFailed

HEI = ("Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC")
SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC")
STACKS: dict[str, tuple[str, ...]] = {
    "--song": ("方正小标宋_GBK", "方正小标宋简体", "FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", *SERIF),
    "--fang": ("仿宋_GB2312", "仿宋", "FangSong_GB2312", "FangSong", "STFangsong", "FandolFang", *SERIF),
    "--kai": ("楷体_GB2312", "楷体", "KaiTi_GB2312", "KaiTi", "STKaiti", "FandolKai", "AR PL UKai CN", *SERIF),
    "--hei": ("黑体", "SimHei", *HEI),
    "--number": ("宋体", "SimSun", *SERIF),
}
"""Part, as the style sheets name it → faces, the wanted one first; each stack ends in one that has all characters of GB 18030 level 2."""
TOKEN_STACK = re.compile(r"--(?:font|mono):([^;]+);")
OWN_FONTS = ("*.ttf", "*.otf", "*.ttc", "*.otc")
CONFIG = """<?xml version="1.0"?>
<fontconfig><include ignore_missing="yes">{system}</include><dir>{own}</dir></fontconfig>
"""
SYSTEM, VARIABLE = "/etc/fonts/fonts.conf", "FONTCONFIG_FILE"
TIMEOUT_S = 30


def css() -> str:
    """The stacks as custom properties: --song, --fang, --kai, --hei, --number."""
    quoted = {part: ", ".join(f'"{face}"' for face in faces) for part, faces in STACKS.items()}
    return f":root {{ {' '.join(f'{part}: {faces};' for part, faces in quoted.items())} }}"


def environment(own: Path, work: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What a browser's environment needs besides, so that it sees the faces in `own` as if they were installed; {} where
    the bureau has put none there. work: a folder for the one file that says so. given: the environment so far."""
    if not any(file for kind in OWN_FONTS for file in own.glob(kind)):
        return {}
    file = work / "fonts.conf"
    file.write_text(CONFIG.format(system=escape(given.get(VARIABLE, SYSTEM)), own=escape(str(own))), "utf-8")
    return {VARIABLE: str(file)}


def strangers(text: str, own: Path) -> str:
    """Characters of a text for which no face of the stacks and none in `own` has a glyph: the browser would take them from
    whatever the machine happens to have. Asked of the machine, not of the PDF: Chromium embeds the faces of a collection
    without their names. Raises PrintFailed without fontconfig."""
    named = {face for stack in STACKS.values() for face in stack} | set(_of_tokens())
    there: set[int] = set()
    for families, charset in [*_listed(), *(_listed(own) if own.is_dir() else ())]:
        if families is None or named & set(families.split(",")):
            there |= _points(charset)
    return "".join(sorted({one for one in text if not one.isspace() and ord(one) not in there}))


@cache
def _points(charset: str) -> frozenset[int]:
    """ "20-7e a0" as the code points that it means."""
    ranges = (part.partition("-") for part in charset.split())
    return frozenset(one for low, _, high in ranges for one in range(int(low, 16), int(high or low, 16) + 1))


def _of_tokens() -> list[str]:
    """The faces that the style tokens name, for tables, charts and codes."""
    stacks = TOKEN_STACK.findall(TOKENS.read_text("utf-8"))
    return [face.strip().strip('"') for stack in stacks for face in stack.split(",")]


def _listed(folder: Path | None = None) -> list[tuple[str | None, str]]:
    """Families (comma-separated) and characters of every installed face, or of those in a folder (families None)."""
    shown = "--format=%{family}\\t%{charset}\\n"
    command = ["fc-list", shown] if folder is None else ["fc-scan", shown, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PrintFailed(f"缺少 {command[0]}", to_do="请安装 fontconfig 后重试") from error
    lines = (line.partition("\t") for line in done.stdout.decode("utf-8", "replace").splitlines())
    return [(families if folder is None else None, charset) for families, _, charset in lines]
