"""Which shape a data folder has. Owns its file `format` and the refusal of a folder that this release must not touch."""

from __future__ import annotations

import os
from pathlib import Path

from warehouse.core.errors import ConfigError

FORMAT = 3
"""What this release writes."""
UNNUMBERED = 1
"""The shape of all folders from before there was a number."""
RESTORING = "restoring"
"""Stands in the file while a backup is being restored into the folder."""


def number(data: Path) -> int | None:
    """The format of the folder; None for one that holds nothing yet. Raises ConfigError when it cannot be read or a
    restore was cut off in it."""
    file = data / "format"
    try:
        text = file.read_text("ascii").strip()
    except FileNotFoundError:
        # the first account may be made before anything is loaded; state.sqlite brings itself up to date
        is_used = any((data / name).exists() for name in ("warehouse.duckdb", "landing"))
        return UNNUMBERED if is_used else None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"数据文件夹的格式号读不出来：{error}", where=str(file), to_do="请由备份恢复该文件"
        ) from error
    if text == RESTORING:
        raise ConfigError("上次恢复没有完成", where=str(data), to_do="请再运行一次 ./zhengbei restore")
    if not text.isdecimal():
        raise ConfigError("数据文件夹的格式号不是数字", where=str(file), to_do="请由备份恢复该文件")
    return int(text)


def refuse_newer(data: Path) -> None:
    """Raises ConfigError when a later release has written the folder: an older one would read it wrongly."""
    current = number(data)
    if current is not None and current > FORMAT:
        raise ConfigError(
            f"数据文件夹由更新的版本写成（格式 {current}，本程序只认到 {FORMAT}）",
            where=str(data),
            to_do="请换用写它的版本或更新的版本",
        )


def write(data: Path, text: int | str) -> None:
    """Puts the number down; a power cut leaves the old one or the new one."""
    file, aside = data / "format", data / ".tmp-format"
    with open(aside, "w", encoding="ascii") as out:
        out.write(f"{text}\n")
        out.flush()
        os.fsync(out.fileno())
    os.replace(aside, file)
    handle = os.open(data, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
