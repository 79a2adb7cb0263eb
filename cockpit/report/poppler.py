"""A printed report as poppler reads it, another program than the one that made it: its words, fonts and pixels. Each
question is a process of its own with a time limit; without poppler PrintFailed says what to install."""

from __future__ import annotations

import re
import subprocess
import tempfile
from html import unescape
from pathlib import Path

import numpy as np

from warehouse.core.errors import PrintFailed

TIMEOUT_S = 60
HEIGHT, EDGES = re.compile(r'height="([\d.]+)"'), re.compile(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)"')
FOOT, ACROSS_PT = 0.93, 24.0
"""Below this part of a page stands its foot; a character taller than this is a watermark's."""
SAME_HEIGHT_PT, GAP_PT = 4.0, 16.0
CAPTION = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="[\d.]+" yMax="[\d.]+">图(\d+)')
LINE = re.compile(r'<line xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</line>', re.S)
WORD = re.compile(r"<word [^>]*>(.*?)</word>")
FONT = re.compile(r"^(?P<name>.*\S)\s+\S.*?\s(?P<inside>yes|no)\s+(?:yes|no)\s+(?:yes|no)\s+\d+\s+\d+$", re.M)


def pages(pdf: Path) -> list[str]:
    """Text of every page in the order in which it was written, white space removed."""
    text = _run("pdftotext", "-raw", "-enc", "UTF-8", str(pdf), "-").decode("utf-8", "replace")
    return ["".join(page.split()) for page in text.split("\f")[:-1]]


def fonts(pdf: Path) -> tuple[int, int]:
    """(fonts whose outlines are in the file, fonts in all)."""
    listed = FONT.findall(_run("pdffonts", str(pdf)).decode("utf-8", "replace"))
    return sum(inside == "yes" for _, inside in listed), len(listed)


def width(pdf: Path, word: str) -> float | None:
    """How wide that word is printed where it first stands, in points; None where it does not stand by itself."""
    boxes = _run("pdftotext", "-bbox", "-enc", "UTF-8", str(pdf), "-").decode("utf-8", "replace")
    found = re.search(rf'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">{word}</word>', boxes)
    return float(found[2]) - float(found[1]) if found else None


def lines(pdf: Path) -> list[list[str]]:
    """For every page its lines as they are set, the words of a line with blanks between them. Poppler ends a line at a wide
    gap, as justified text has beside a bracket: what goes on at the same height within GAP_PT is one line."""
    boxes = _run("pdftotext", "-bbox-layout", "-enc", "UTF-8", str(pdf), "-").decode("utf-8", "replace")
    return [_joined(page) for page in boxes.split("<page ")[1:]]


def _joined(page: str) -> list[str]:
    found: list[tuple[str, float, float]] = []  # words, right edge, top
    for left, top, right, inside in LINE.findall(page):
        words = unescape(" ".join(WORD.findall(inside)))
        if found and abs(float(top) - found[-1][2]) < SAME_HEIGHT_PT and abs(float(left) - found[-1][1]) < GAP_PT:
            words = f"{found.pop()[0]} {words}"
        found.append((words, float(right), float(top)))
    return [words for words, _, _ in found]


def depths(pdf: Path) -> list[float]:
    """For every page how far down its text reaches, as a part of its height; foot and what lies across do not count."""
    boxes = _run("pdftotext", "-bbox", "-enc", "UTF-8", str(pdf), "-").decode("utf-8", "replace")
    return [_depth(page) for page in boxes.split("<page ")[1:]]


def _depth(page: str) -> float:
    found = HEIGHT.search(page)
    height = float(found[1]) if found else 1.0
    lows = [float(low) for top, low in EDGES.findall(page) if float(low) - float(top) < ACROSS_PT]
    return max((low / height for low in lows if low / height < FOOT), default=0.0)


def captions(pdf: Path) -> list[list[tuple[float, str]]]:
    """For every page the places (points from the top) and numbers of the words 图n."""
    boxes = _run("pdftotext", "-bbox", str(pdf), "-").decode("utf-8", "replace")
    return [[(float(y), n) for _, y, n in CAPTION.findall(page)] for page in boxes.split("<page ")[1:]]


def raster(pdf: Path, number: int, dpi: int) -> np.ndarray:
    """Page `number` (from 1) as rows × columns × RGB."""
    with tempfile.TemporaryDirectory(prefix="zhengbei-ink-") as work:
        base = Path(work) / "page"
        _run("pdftoppm", "-r", str(dpi), "-f", str(number), "-l", str(number), "-singlefile", str(pdf), str(base))
        raw = base.with_suffix(".ppm").read_bytes()
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", raw)
    if head is None:
        raise PrintFailed("无法读取页面图像", where=pdf.name)
    width, height = int(head[1]), int(head[2])
    return np.frombuffer(raw, np.uint8, offset=head.end()).reshape(height, width, 3)


def _run(*command: str) -> bytes:
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S).stdout
    except FileNotFoundError as error:
        raise PrintFailed(f"缺少 {command[0]}", to_do="请安装 poppler-utils 后重试") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PrintFailed(f"{command[0]} 无法读取刚打印的文件", where=command[-1]) from error
