"""One bar in the terminal for long work; plain lines where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from etl.runtime.context import Progress


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress listener: label, done, total. total 0 means unknown."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}", justify="left"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        task = bars.add_task("准备", total=None)
        yield lambda label, done, total: bars.update(task, description=label, completed=done, total=total or None)


def _lines() -> Progress:
    last = [""]

    def line(label: str, done: int, total: int) -> None:
        word = label.split(" ", maxsplit=1)[0]
        if word != last[0]:
            print(f"{label} …", file=sys.stderr, flush=True)
            last[0] = word

    return line
