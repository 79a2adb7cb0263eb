"""What no description can say: a Python function of the bureau between the rows as they came and the mapping.

    def rows(entity: str, rows: list[dict[str, str | None]]) -> list[dict[str, str | None]]

It gets every row of a payload under the source's own names, all values text, None = empty, and returns the rows that
the mapping is then applied to; it may add, change and leave out columns and rows. Its text lies with the payload, so
that the same payload is read the same way at any later time. Runs in the parsing child only, for SECONDS at most and
without files, network or other programs: a guard against slips of the pen, as whoever may write it owns the folder."""

from __future__ import annotations

import signal
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from warehouse.core.errors import ContractBroken

FUNCTION = "rows"
SECONDS = 20
SHUT = ("socket.", "subprocess.", "ctypes.", "os.", "shutil.", "tempfile.", "sqlite3.", "urllib.", "http.", "ftplib.")
FREE = ("os.listdir", "os.scandir")
"""What importing a module of the standard library asks for."""
LIBRARY = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


class Forbidden(Exception):
    """A file, the network or another program was reached for."""


def check(name: str, code: str) -> str:
    """Why the text of a hook is none, in Chinese with its line; "" when it is one. Runs nothing."""
    try:
        compile(code, name, "exec")
    except (SyntaxError, ValueError) as error:
        return f"第 {getattr(error, 'lineno', None) or 1} 行不是正确的 Python"
    return ""


def run(hook: dict[str, str], entity: str, rows: list[dict[str, str | None]]) -> list[dict[str, Any]]:
    """The rows as the hook returns them. hook: its file's name and its code. Raises ContractBroken naming file and line
    for whatever goes wrong in it; never its text, which may quote a cell."""
    name = hook["file"]
    space: dict[str, Any] = {"__name__": "hook"}
    try:
        with WALL.closed():
            exec(compile(hook["code"], name, "exec"), space)  # noqa: S102 – the bureau's own text
            found = space[FUNCTION](entity, rows) if callable(space.get(FUNCTION)) else None
    except BaseException as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        raise _broken(name, f"第 {line} 行出错：{_word(error)}") from None
    if not callable(space.get(FUNCTION)):
        raise _broken(name, f"里没有函数 {FUNCTION}(entity, rows)")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _broken(name, f"的 {FUNCTION} 应返回行的清单，每行是列名到值的字典")
    return found


def _broken(name: str, what: str) -> ContractBroken:
    return ContractBroken(
        f"处理程序 {name} {what}",
        to_do="请改正数据文件夹 sources 下的这个文件，再运行 etl replay；其他来源照常取数",
    )


def _word(error: BaseException) -> str:
    if isinstance(error, Forbidden):
        return "不能访问文件、网络或其他程序"
    return f"超过 {SECONDS} 秒" if isinstance(error, TimeoutError) else type(error).__name__


def _late(_number: int, _frame: object) -> None:
    raise TimeoutError


class Wall:
    """What a hook may not reach, as long as it is closed, and the time it has."""

    def __init__(self) -> None:
        self._is_closed, self._is_watching = False, False

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Only in the main thread of a process, which the parsing child's work is done in."""
        if not self._is_watching:
            sys.addaudithook(self._watch)  # it stays as long as the process
            self._is_watching = True
        before = signal.signal(signal.SIGALRM, _late)
        signal.alarm(SECONDS)
        self._is_closed = True
        try:
            yield
        finally:
            self._is_closed = False
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_closed:
            return
        if event == "open":
            path, mode = str(arguments[0]), arguments[1]
            if path.startswith(LIBRARY) and (mode is None or "r" in str(mode)):
                return
            raise Forbidden
        if event.startswith(SHUT) and event not in FREE:
            raise Forbidden


WALL = Wall()
