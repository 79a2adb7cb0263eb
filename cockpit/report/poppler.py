"""A printed report as poppler reads it, another program than the one that made it: its words, fonts and pixels. Each
question is a process of its own with a time limit; without poppler PrintFailed says what to install."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from warehouse.core.errors import PrintFailed

TIMEOUT_S = 60
CAPTION = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="[\d.]+" yMax="[\d.]+">图(\d+)')
FONT = re.compile(r"^(?P<name>.*\S)\s+\S.*?\s(?P<inside>yes|no)\s+(?:yes|no)\s+(?:yes|no)\s+\d+\s+\d+$", re.M)


def pages(pdf: Path) -> list[str]:
    """Text of every page in the order in which it was written, white space removed."""
    text = _run("pdftotext", "-raw", "-enc", "UTF-8", str(pdf), "-").decode("utf-8", "replace")
    return ["".join(page.split()) for page in text.split("\f")[:-1]]


def fonts(pdf: Path) -> tuple[int, int]:
    """(fonts whose outlines are in the file, fonts in all)."""
    listed = FONT.findall(_run("pdffonts", str(pdf)).decode("utf-8", "replace"))
    return sum(inside == "yes" for _, inside in listed), len(listed)


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
