"""The process that serves: gunicorn looks after the processes, waitress after the lines, our threads after the answers.

A thread is given a request only when the whole of it has arrived, and an answer leaves without one. Somebody who sends
a byte a second or reads as slowly costs an open file, never a thread. No rule of the site is here.

The master loads this module before it forks, so it must not bring the application or the database along: a library that
has threads of its own does not survive a fork."""

from __future__ import annotations

import logging
import os
import resource
import threading
import time
from collections.abc import Callable
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from cockpit.web import renewal

THREADS = 4
ARRIVE_S = 30
"""A request that has not arrived so long after its first byte is given up; measured whole, so that a byte now and then
does not prolong it."""
IDLE_S = 30
"""An open line on which nothing is asked is closed after so long."""
MOST_LINES = 2000
"""Open lines of one worker; beyond them the oldest that asks nothing makes room."""
FILES_ELSEWHERE = 256
"""Files that a worker holds open beside its lines, at most."""
MOST_HEADER, MOST_BODY = 32 * 1024, 10 * 1024 * 1024
"""The application refuses what is too long for it, in words; these only bound what is taken in before it is asked."""
MOST_HELD = 256 * 1024 * 1024
"""Of all bodies that have not arrived whole, in memory and on disk; beyond it the largest are given up."""
LAST_S = 1
"""So long a worker that takes nobody new still hears those who had just come: their request is on its way."""
STUCK_S = 120
"""A worker whose every thread has been at one request for so long is ended by the master."""
WARM_S = 60
"""A worker that takes another's place is waited for so long, at most, to ask ahead."""
TURN = renewal.Turn()
"""Made where the master loads this module, before it forks the first worker."""


REFUSALS = {
    400: "请求写得不对，没有处理。请检查地址后重试。",
    413: "请求太大，没有处理。上传的文件最大 8 MB。",
    431: "请求头太长，没有处理。请清除本站的 Cookie 后重试。",
    501: "不支持这种传送方式，请求没有处理。",
}
"""What is said of a request that cannot be read at all, before the application sees it."""
SAFE = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cache-Control", "no-store"),
]


class Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to a request that is none: one Chinese sentence, and nothing of what serves it."""

    def execute(self) -> None:
        fault = self.request.error
        body = REFUSALS.get(fault.code, "服务器没能处理这个请求。请稍后重试。").encode()
        self.status = f"{fault.code} {fault.reason}"
        self.response_headers.extend(SAFE)
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Line(HTTPChannel):  # type: ignore[misc]
    """One connection. begun: when the first byte of a request came that has not arrived whole, 0 = there is none;
    served: how many it has been answered."""

    begun, served = 0.0, 0
    error_task_class = Refusal

    def received(self, data: bytes) -> bool:
        taken = bool(super().received(data))
        self.begun = (self.begun or time.time()) if self.request is not None else 0.0
        return taken

    def service(self) -> None:
        self.server.at_work[self] = time.monotonic()
        try:
            super().service()
        finally:
            self.server.at_work.pop(self, None)
            self.served += 1

    def held(self) -> int:
        """Bytes of a body that has not arrived whole."""
        return 0 if self.request is None else int(self.request.body_bytes_received)

    def is_quiet(self) -> bool:
        """True while nothing is made for it or on its way to it."""
        return not self.requests and not self.total_outbufs_len


class Lines(TcpWSGIServer):  # type: ignore[misc]
    """All connections on one socket of the master's."""

    channel_class = Line

    def __init__(self, *args: Any, **words: Any) -> None:
        self.at_work: dict[Line, float] = {}
        super().__init__(*args, **words)

    def handle_accept(self) -> None:
        super().handle_accept()
        if len(self.active_channels) > most_lines():
            quiet = [line for line in self.active_channels.values() if line.is_quiet() and not line.will_close]
            # whoever has been answered before is more likely to be a reader
            for line in sorted(quiet, key=lambda line: (line.served > 0, line.creation_time))[:1]:
                line.handle_close()

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for line in self.active_channels.values():
            if not line.is_quiet():
                line.begun = line.begun and now  # the next request waits for us, not for its sender
            elif line.begun and now - line.begun > ARRIVE_S:
                line.will_close = True

        held = [line for line in self.active_channels.values() if line.held()]
        total = sum(line.held() for line in held)
        for line in sorted(held, key=Line.held, reverse=True):
            if total <= MOST_HELD:
                break
            line.will_close, total = True, total - line.held()

    def is_stuck(self) -> bool:
        """True when every thread has been at one request for too long."""
        since = time.monotonic() - STUCK_S
        return sum(began < since for began in list(self.at_work.values())) >= THREADS

    def is_at_rest(self) -> bool:
        """True when nobody waits for an answer or for the rest of one."""
        return all(line.is_quiet() for line in self.active_channels.values())


def most_lines() -> int:
    """What the machine lets one process hold open, and MOST_LINES at most."""
    return min(MOST_LINES, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - FILES_ELSEWHERE)


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Our threads, which can be waited for: one that is still about to end when the interpreter goes takes the process
    down by SIGABRT."""

    def __init__(self) -> None:
        super().__init__()
        self._all: list[threading.Thread] = []

    def start_new_thread(self, target: Callable[[int], None], thread_no: int) -> None:
        thread = threading.Thread(target=target, args=(thread_no,), name=f"answer-{thread_no}", daemon=True)
        self._all.append(thread)
        thread.start()

    def end(self, wait_s: float) -> bool:
        """False when one is still at work."""
        self.shutdown(timeout=wait_s)
        for thread in self._all:
            thread.join(wait_s)
        return not any(thread.is_alive() for thread in self._all)


class BufferingWorker(Worker):  # type: ignore[misc]
    """See the module."""

    def run(self) -> None:
        """Serves until the master says that it is over."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # a queue is no news: two hundred readers and four threads
        logging.getLogger("waitress").setLevel(logging.ERROR)
        self._warm()
        threads, polled = Threads(), dict[int, Any]()
        threads.set_thread_count(THREADS)
        lines = [_lines(self.wsgi, polled, one.sock, threads) for one in self.sockets]
        TURN.end(self.ppid)
        while self.alive and os.getppid() == self.ppid:
            if not any(each.is_stuck() for each in lines):
                self.notify()
            wasyncore.loop(timeout=1, use_poll=True, map=polled, count=1)
            if renewal.Served.count >= self.max_requests and TURN.take(self.ppid):
                renewal.Served.count = 0  # the oldest goes, and that may be another
        self._finish(lines, polled, threads)

    def handle_quit(self, *_: object) -> None:
        """Ctrl-C: as quick as the answers under way allow. An exit in the middle of one would end by SIGABRT."""
        self.alive = False

    def _warm(self) -> None:
        """Whoever takes the place of a worker that still serves takes its time first."""
        from cockpit.web import cache_warmer

        end = time.monotonic() + WARM_S
        while self.alive and TURN.taken() and time.monotonic() < end and not cache_warmer.READY.wait(0.5):
            self.notify()

    def _finish(self, lines: list[Lines], polled: dict[int, Any], threads: Threads) -> None:
        """Nobody new; whoever waits is answered, as long as the master lets us."""
        began = time.monotonic()
        end = began + self.cfg.graceful_timeout - 1
        for each in lines:
            each.accepting = False
            each.del_channel(polled)
        while (now := time.monotonic()) < end:
            if now - began > LAST_S and all(each.is_at_rest() for each in lines):
                break
            self.notify()
            wasyncore.loop(timeout=0.2, use_poll=True, map=polled, count=1)
        if not threads.end(1):
            os._exit(0)


def _lines(application: Any, polled: dict[int, Any], socket: Any, threads: Threads) -> Lines:
    rules = Adjustments(
        sockets=[socket],
        threads=THREADS,
        ident=None,
        backlog=2048,
        connection_limit=MOST_LINES * 2,  # ours comes first
        channel_timeout=IDLE_S,
        cleanup_interval=2,
        max_request_header_size=MOST_HEADER,
        max_request_body_size=MOST_BODY,
        # what a proxy says is believed, or not, by the application (option behind_proxy)
        clear_untrusted_proxy_headers=False,
    )
    where = (socket.family, socket.type, socket.proto, socket.getsockname())
    return Lines(application, polled, True, socket, dispatcher=threads, adj=rules, sockinfo=where, bind_socket=False)
