"""What breaks while a report is printed: caught, said in Chinese without a trace, tried again or refused; no process is
left and nothing is released."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pikepdf
import psutil
import pytest

from cockpit.report import archive, content, printing, release
from tests.conftest import WORLD_NOW
from warehouse.core.errors import PrintFailed
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = [pytest.mark.browser, pytest.mark.crash]
NIGHT = pytest.mark.nightly
NOW, WEEK = WORLD_NOW.replace(tzinfo=SHANGHAI), "2026-W47"


@pytest.fixture
def settings(published: Path, tmp_path: Path) -> Iterator[Settings]:
    made = Settings(tmp_path / "data")
    made.data.mkdir()
    (made.data / "published").symlink_to(published / "published")
    yield made
    assert not [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "chrom" in child.name()
    ], "a browser is left"
    assert (
        not list(made.reports.glob("*.pdf")) and archive.every(made) == [] and not list(made.reports.glob(".print-*"))
    )


def weekly_command(settings: Settings, **environment: str) -> str:
    """The command as the scheduler calls it; what it says in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", "report", "weekly", "--week", WEEK, "--data", str(settings.data)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 74 and "Traceback" not in done.stderr, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("错误")]
    return line


def test_without_a_chinese_font_the_operator_is_told_to_install_one(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{tmp_path}/none</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>'
    )
    text = weekly_command(settings, FONTCONFIG_FILE=str(tmp_path / "fonts.conf"))
    assert "自检未通过，没有发布" in text and "中文字体缺失" in text and "fonts-noto-cjk" in text and len(text) < 200


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[Callable[[str], None]]:
    """Puts the data folder onto a file system of that size, with the published files outside of it."""
    mounted = []

    def mount(size: str) -> None:
        target = (settings.data / "published").resolve()
        (settings.data / "published").unlink()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(settings.data)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            (settings.data / "published").symlink_to(target)
            pytest.skip("needs the right to mount a small file system")
        mounted.append(settings.data)
        (settings.data / "published").symlink_to(target)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
@pytest.mark.parametrize("size", [pytest.param("16k", marks=NIGHT), pytest.param("400k", marks=NIGHT), "1200k"])
def test_a_full_disk_is_named_whatever_is_being_written(
    settings: Settings, small_disk: Callable[[str], None], size: str
) -> None:
    small_disk(size)
    text = weekly_command(settings)
    assert "磁盘已满，请腾出空间" in text and "处理办法" in text
    assert (
        archive.every(settings) == []
        and not list(settings.reports.glob("*.pdf"))
        and not list(settings.reports.glob(".print-*"))
    )


@pytest.mark.parametrize(
    ("place", "said"),
    [
        pytest.param('class="core"', "车辆上线率：核心指标表没有 ", marks=NIGHT),
        pytest.param('class="block"', "车辆上线率：分组页没有 ", marks=NIGHT),
        ('class="bulletin"', "要点与读数不符："),
    ],
)
def test_a_number_altered_in_the_page_before_printing_is_found_wherever_it_stands(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    library, plain = SnapshotStore(settings.data), release.html
    shown = content.build(library.current(Scope.ALL), WEEK).figures["fleet_online_rate"]["text"].split()[0]

    def forged(issue: content.Issue) -> str:
        page = plain(issue)
        start = page.index(place)
        if "bulletin" not in place:
            start = page.index("车辆上线率", start)
            return page[:start] + page[start:].replace(f">{shown}", ">12.3", 1)
        return page[:start] + page[start:].replace("未达成", "已达成", 1)

    monkeypatch.setattr(release, "html", forged)
    with pytest.raises(PrintFailed, match="自检未通过，没有发布") as error:
        release.release(library, settings, WEEK, now=NOW)
    assert said in str(error.value)


BLANK = "<html><head><meta charset='utf-8'></head><body></body></html>"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("blank", "页数 1 不在"),
        ("cut", "读不出来|没有产出完整"),
        ("first pages", "缺少“数据修订”一节"),
        ("killed", "退出码"),
        ("silent", "没有产出完整的 PDF"),
    ],
)
def test_a_blank_a_cut_or_a_partial_paper_is_never_released(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, harm: str, said: str
) -> None:
    """A browser that ends well and leaves something else than the report: a shim in its place, with real files of the
    real browser."""
    library, made = SnapshotStore(settings.data), tmp_path / "made.pdf"
    page = tmp_path / "page.html"
    page.write_text(BLANK if harm == "blank" else release.html(content.build(library.current(Scope.ALL), WEEK)))
    printing.print_pdf(page, made)
    if harm == "cut":
        made.write_bytes(made.read_bytes()[: made.stat().st_size // 2] + b"\n%%EOF\n")
    if harm == "first pages":
        with pikepdf.open(made, allow_overwriting_input=True) as part:
            del part.pages[5:]
            part.save(made)
    script = {"killed": "kill -9 $$", "silent": "exit 0"}.get(
        harm, f'for word; do case "$word" in --print-to-pdf=*) cp {made} "${{word#--print-to-pdf=}}";; esac; done'
    )
    shim = tmp_path / "browser"
    shim.write_text(f"#!/bin/sh\n{script}\n")
    shim.chmod(0o755)
    monkeypatch.setenv(printing.BROWSER_VARIABLE, str(shim))
    monkeypatch.setattr(printing, "PAUSE_S", 0.0)
    with pytest.raises(PrintFailed, match=said):
        release.release(library, settings, WEEK, now=NOW)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("INSERT INTO meta.held SELECT 'vehicle_day', '轨迹里程小于零'", "沿用上期"),
        (
            "UPDATE meta.source SET data_time = TIMESTAMP '2026-11-20 08:00' WHERE source = 'gps'",
            "数据只到 11-20 08:00",
        ),
        pytest.param("UPDATE meta.source SET error = '连接被拒绝' WHERE source = 'gps'", "采集故障", marks=NIGHT),
    ],
)
def test_a_held_model_or_a_late_or_failed_source_makes_a_draft_that_names_it(
    published: Path, tmp_path: Path, sql: str, said: str
) -> None:
    shutil.copytree(published / "published", tmp_path / "house" / "published")
    file = next(file for file in (tmp_path / "house" / "published").glob("*.duckdb") if "restricted" not in file.name)
    file.chmod(0o600)
    with duckdb.connect(str(file)) as connection:
        connection.execute(sql)
    settings = Settings(tmp_path / "house")
    facts = release.release(SnapshotStore(settings.data), settings, WEEK, now=NOW)
    assert facts is not None and facts["draft"] and any(said in line for line in facts["missing"])
    assert release.release(SnapshotStore(settings.data), settings, WEEK, now=NOW, is_held=True) is None, (
        "a held draft waits"
    )
