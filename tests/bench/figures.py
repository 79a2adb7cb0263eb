"""The figures of the bench: each beside a baseline that ran in the same minute. Owns what is measured and what it is
called; judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench import positions, spent
from tests.bench.spent import Spent

TIMES = 5
SHORT_HOURS = range(8, 10)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Figure:
    """name: stable, for programs; label: in words. ours, bare: what the product and the baseline took for `rows` rows;
    ratio: processor seconds of ours for one of the baseline's (of several pairs the median)."""

    name: str
    label: str
    baseline: str
    rows: int
    ratio: float
    ours: Spent
    bare: Spent

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"ours_rows_per_cpu_s": self.pace(self.ours), "bare_rows_per_cpu_s": self.pace(self.bare)}

    def pace(self, one: Spent) -> int:
        """Rows a processor second."""
        return round(self.rows / one.cpu_s)

    @property
    def text(self) -> str:
        """As a person reads it."""
        helper = f"，解析进程 {self.ours.helper_mb} MB" if self.ours.helper_mb else ""
        return (
            f"{self.label}：{self.rows:,} 行，每 CPU 秒 {self.pace(self.ours):,} 行，为基准的 {self.ratio:.1f} 倍 CPU"
            f"（{self.baseline}：每 CPU 秒 {self.pace(self.bare):,} 行）；"
            f"内存峰值 {self.ours.peak_mb} MB{helper}（基准 {self.bare.peak_mb} MB）"
        )


def csv(folder: Path, scale: int, say: Say) -> Figure:
    say("生成两小时的定位文件")
    files = positions.made(folder, scale, SHORT_HOURS)
    return _landed(folder, "csv", "CSV 定位装载", "file", files[0], f"read_csv('{files[0]}', header = true)", say)


def json(folder: Path, scale: int, say: Say) -> Figure:
    say("生成两小时的定位接口分页")
    pages, rows = positions.as_json(positions.made(folder, scale, SHORT_HOURS)[:1], folder)
    return _landed(folder, "json", "JSON 定位装载", "json_pages", pages, f"read_json('{rows}')", say)


def _landed(folder: Path, name: str, label: str, kind: str, file: Path, source: str, say: Say) -> Figure:
    homes = iter(folder / f"house-{number}" for number in range(TIMES))
    say(f"{label}，{TIMES} 次，每次与基准并排")
    ours, bare, ratio = spent.beside(
        lambda: spent.of(positions.landed, next(homes), file, kind),
        lambda: spent.of(positions.bare, source, False, folder / "bare.parquet"),
        TIMES,
    )
    return Figure(name, label, "DuckDB 直接读入并写成 Parquet", bare.result, ratio, ours, bare)


def line(folder: Path, scale: int, say: Say) -> Figure:
    say("生成一天的定位文件")
    files = positions.made(folder, scale, range(24))
    say("从来源到发布：车辆日、行程、停车")
    listed = ", ".join(f"'{file}'" for file in files)
    ours, bare, ratio = spent.beside(
        lambda: spent.of(positions.published, folder, files),
        lambda: spent.of(positions.bare, f"read_csv([{listed}], header = true)", True, folder / "bare.parquet"),
        1,
    )
    return Figure("line", "定位从来源到发布", "DuckDB 直接读入、写出、算距离", bare.result, ratio, ours, bare)


FIGURES: dict[str, Callable[[Path, int, Say], Figure]] = {"csv": csv, "json": json, "line": line}
"""Name → how it is measured, in an empty folder and for so many vehicles."""
