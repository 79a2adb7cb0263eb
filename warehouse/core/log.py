"""What the two services write down about their work: one JSON object a line in <data>/logs, beside the words for the
system's own journal. Owns the shape of a line, the run that it belongs to, and how long it stays.

    {"at": "2026-11-23T14:05:00.123+08:00", "level": "info", "process": "loader", "run": "refresh-20261123T140500-7f3a",
     "from": "zhengbei.etl", "text": "…", "error": "…"}

Every line is one write of at most a few kilobytes at the end of a file, so that several processes may share one. Only the
loader turns files over; the others notice and go on in the new one. Numbers of persons are blotted out."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import logging.handlers
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from warehouse.core import redaction, units
from warehouse.core.settings import Settings

LOADER, WEB = "loader", "web"
MOST_BYTES = 64 << 20
"""A file is turned over before its day is out when it is larger."""
MOST_TEXT, MOST_ERROR = 2_000, 8_000
NAMES = ("zhengbei", "cockpit")
_run: ContextVar[str] = ContextVar("zhengbei_run", default="")


class Lines(logging.Formatter):
    """A record as a line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The JSON object; error only where there is one: the trace, its end rather than its beginning."""
        line = {
            "at": dt.datetime.fromtimestamp(record.created, units.SHANGHAI).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "run": _run.get(),
            "from": record.name,
            "text": redaction.blot(record.getMessage())[:MOST_TEXT],
        }
        if record.exc_info:
            line["error"] = redaction.blot(self.formatException(record.exc_info))[-MOST_ERROR:]
        return json.dumps(line, ensure_ascii=False)


def begin(settings: Settings, process: str) -> None:
    """From now on this process writes lines, if the installation wants them (log_days); what it says on its standard
    error stays the same. Once a process."""
    if not settings.options.log_days:
        return
    if not logging.getLogger().handlers:  # with a handler of ours Python's last resort would fall silent
        spoken = logging.StreamHandler()
        spoken.setLevel(logging.WARNING)
        logging.getLogger().addHandler(spoken)
    for name in NAMES:
        logger = logging.getLogger(name)
        if any(isinstance(one.formatter, Lines) for one in logger.handlers):
            continue
        settings.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = logging.handlers.WatchedFileHandler(settings.logs / f"{process}.jsonl", encoding="utf-8", delay=True)
        handler.setFormatter(Lines(process))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


@contextmanager
def run(what: str) -> Iterator[str]:
    """Everything this thread logs meanwhile belongs to one run, whose name is given; inside another run it is part of
    that one."""
    name = _run.get() or _named(what)
    token = _run.set(name)
    try:
        yield name
    finally:
        _run.reset(token)


def next_run(what: str) -> None:
    """From here on this thread is at another run: a thread that answers one request after the other."""
    _run.set(_named(what))


def _named(what: str) -> str:
    return f"{what}-{units.now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def turn_over(settings: Settings, now: dt.datetime) -> None:
    """Puts yesterday's and overlarge files aside as <process>-<day>[-<number>].jsonl and deletes those whose day is
    log_days or more ago. now: aware. A disk that does not let us is no reason to stop."""
    today = now.astimezone(units.SHANGHAI).date()
    for process in (LOADER, WEB):
        file = settings.logs / f"{process}.jsonl"
        try:
            day = _day(file)
            if day is not None and (day < today or file.stat().st_size > MOST_BYTES):
                os.replace(file, _aside(settings, process, day))
        except (OSError, ValueError, KeyError):
            continue  # the next round may
        for old in settings.logs.glob(f"{process}-????-??-??*.jsonl"):
            with contextlib.suppress(OSError, ValueError):
                if (today - dt.date.fromisoformat(old.stem[len(process) + 1 :][:10])).days >= settings.options.log_days:
                    old.unlink(missing_ok=True)


def _day(file: os.PathLike[str]) -> dt.date | None:
    """The day of the first line, None without one."""
    try:
        with open(file, encoding="utf-8") as lines:
            return dt.date.fromisoformat(json.loads(lines.readline())["at"][:10])
    except FileNotFoundError:
        return None


def _aside(settings: Settings, process: str, day: dt.date) -> os.PathLike[str]:
    number = len(list(settings.logs.glob(f"{process}-{day}*.jsonl")))
    return settings.logs / f"{process}-{day}{f'-{number}' if number else ''}.jsonl"
