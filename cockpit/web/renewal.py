"""When a web worker has served enough, and how another takes its place without a gap. Owns the count and the turn.

Workers are renewed so that a slow growth of memory never matters. Only what somebody signed in asked for is counted:
whoever asks without an account, a health check above all, must not be able to wear the workers out. One worker is
renewed at a time, and the new one stands, warm, before the oldest goes."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, g


class Turn:
    """Whether a worker is being replaced, known to all processes that were forked from the one that made this."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 – open as long as the server runs

    def take(self, master: int) -> bool:
        """Asks the master for one worker more, unless one is on its way already: then False."""
        with self._alone():
            if self._taken():
                return False
            os.pwrite(self._file.fileno(), b"1", 0)
        os.kill(master, signal.SIGTTIN)
        return True

    def end(self, master: int) -> None:
        """A worker stands: if it is the one more that was asked for, the master lets the oldest go."""
        with self._alone():
            if not self._taken():
                return
            os.pwrite(self._file.fileno(), b"0", 0)
        os.kill(master, signal.SIGTTOU)

    def taken(self) -> bool:
        """True while a worker more has been asked for and does not stand yet."""
        with self._alone():
            return self._taken()

    def _taken(self) -> bool:
        return os.pread(self._file.fileno(), 1, 0) == b"1"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)  # of the process, so it goes with a worker that is killed meanwhile
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


class Served:
    """How many answers this process has given to people and screens that had signed in."""

    count = 0


def count(server: Flask) -> None:
    """Counts the answers of `server`."""

    @server.after_request
    def _counted(response: Response) -> Response:
        if g.get("viewer") is not None:
            Served.count += 1  # by several threads: one too few now and then is no harm
        return response
