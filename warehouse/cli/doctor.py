"""Is this machine and this data folder fit to serve? Owns the list of questions; repairs nothing."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points

from warehouse.build import spark
from warehouse.core import beats, festivals, safe_start, statements, toml, units
from warehouse.core.database import Reader
from warehouse.core.errors import CockpitError
from warehouse.core.keys import Vault
from warehouse.core.settings import Settings
from warehouse.ingest import compact
from warehouse.ingest.landing import Landing
from warehouse.publish import snapshot

text = statements.beside(__file__)
Finding = tuple[str, bool, str]
SAMPLE = 200
"""How many of the newest payloads are verified; a full pass is `etl rebuild`."""


def examine(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """(name, fine, Chinese text) for each question, in an order that puts causes before effects."""
    yield "Python", sys.version_info >= (3, 11), sys.version.split()[0]
    yield _browser()
    yield _fonts()
    yield "pdftoppm", shutil.which("pdftoppm") is not None, shutil.which("pdftoppm") or "缺少，请安装 poppler-utils"
    free = shutil.disk_usage(settings.data if settings.data.exists() else settings.data.parent).free / 2**30
    yield "磁盘", free > 2, f"剩余 {free:.1f} GB"
    yield _festivals(units.now().date())
    yield _published(settings)
    if settings.landing.exists():
        yield _landing(settings)
    yield from _safe(settings)
    yield from _engine(settings)
    is_demo = settings.sources.exists() and toml.load(settings.sources).get("is_demo") is True
    for entry in sorted(entry_points(group="zhengbei.checks"), key=lambda entry: entry.name):
        yield from entry.load()(settings, is_demo=is_demo)
    if not offline and settings.sources.exists():
        for entry in sorted(entry_points(group="zhengbei.far_checks"), key=lambda entry: entry.name):
            yield from entry.load()(settings)


def _browser() -> Finding:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    return "浏览器", found is not None, found or "缺少，请安装 chromium"


def _fonts() -> Finding:
    if not shutil.which("fc-list"):
        return "中文字体", False, "缺少 fontconfig，请安装 fonts-noto-cjk"
    listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False).stdout
    return (
        "中文字体",
        bool(listed.strip()),
        listed.strip().splitlines()[0] if listed.strip() else "缺少，请安装 fonts-noto-cjk",
    )


def _festivals(today: dt.date) -> Finding:
    """Comparisons are marked for holidays only in years whose holidays are known."""
    known = festivals.within(today, today) is not None
    return (
        "节假日",
        known,
        f"{today.year} 年放假安排{'已收录' if known else '未收录，请更新 chinesecalendar；此前的比较不标节假日'}",
    )


def _published(settings: Settings) -> Finding:
    generation = snapshot.current(settings)
    if generation is None:
        to_do = (
            "装载进程正在取第一批数据，请稍候再看"
            if _is_loading(settings)
            else "请启动装载进程，或运行 ./zhengbei etl run"
        )
        return "快照", False, f"还没有发布，{to_do}"
    try:
        snapshot.verify(settings, generation)
        rows = Reader(settings.published / f"{generation}.duckdb").rows(text("vehicle_day_count"), timeout_s=30)[0][0]
    except CockpitError as error:
        return "快照", False, str(error)
    return "快照", True, f"{generation}，车辆日 {rows:,} 行"


def _is_loading(settings: Settings) -> bool:
    """Whether the loading process is there; False where its signs cannot be read, which another line says."""
    try:
        silent = beats.silent_s(settings.state, beats.LOADER)
    except sqlite3.Error:
        return False
    return silent is not None and silent <= beats.SILENT_S


def _landing(settings: Settings) -> Finding:
    landing = Landing(settings.landing, Vault(settings.keys))
    notes = list(landing.notes())
    for note in notes[-SAMPLE:]:
        try:
            landing.body(note)
        except CockpitError as error:
            return "原始数据", False, str(error)
    return "原始数据", True, f"{len(notes)} 份，最近 {min(len(notes), SAMPLE)} 份校验和正确"


def _safe(settings: Settings) -> Iterator[Finding]:
    """What would keep the server or the loader from starting; whether they run as root is not seen from here."""
    found = [str(one) for one in safe_start.unsafe(settings, {safe_start.ALLOW_ROOT: "1"})]
    yield "密钥与权限", not found, "；".join(found) or "密钥可用，机密文件只对本账号开放"


def _engine(settings: Settings) -> Iterator[Finding]:
    """Whether the cluster that works out the positions could begin now; nothing is said where none is set."""
    if settings.options.lake.engine != "spark":
        return
    master = settings.options.lake.spark_master
    try:
        spark.missing(master)
        yield "Spark", True, f"{spark.shown(master)} 可用"
    except CockpitError as down:
        yield "Spark", False, str(down)


def lake(settings: Settings, booked: list[tuple[str, str]]) -> Finding:
    """Verifies lake files (path, sha256) one by one."""
    for path, digest in booked:
        try:
            compact.verify(settings, path, digest)
        except CockpitError as error:
            return "定位文件", False, str(error)
    return "定位文件", True, f"{len(booked)} 个校验和正确"
