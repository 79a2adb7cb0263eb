"""The server that ships, against slow senders, health checks by the thousand, and its own renewal."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from waitress import wasyncore

from cockpit.web import filing, renewal, worker
from tests.browser.surroundings import Served
from tests.house import House as Warehouse
from warehouse.core.settings import Settings

pytestmark = pytest.mark.slow

SLOW = 500
BOUND_S = 10
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "
BODY = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nuser=a"
PAGES = ("/", "/group/fleet", "/api/version", "/health")


def served(published: Path, folder: Path, *more: str) -> Served:
    settings = Settings(shutil.copytree(published, folder / "data", symlinks=True))
    site, end = Served(settings.data, *more), time.monotonic() + 20
    while len(workers(site)) < 2 and time.monotonic() < end:  # the port answers before both are there
        time.sleep(0.1)
    return site


@pytest.fixture(scope="module")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    site = served(published, tmp_path_factory.mktemp("slow"))
    yield site
    assert site.stop() == 0
    assert site.said() == ""


def reader(site: Served) -> httpx.Client:
    client = httpx.Client(base_url=site.address, follow_redirects=True, timeout=60)
    client.get(site.link())
    return client


def workers(site: Served) -> set[int]:
    return {child.pid for child in psutil.Process(site._process.pid).children()}


@pytest.mark.parametrize("count", [8, SLOW])
def test_slow_senders_keep_nobody_waiting(site: Served, count: int) -> None:
    """Half of them dribble a header, half a body, a byte a second."""
    first = reader(site)
    for path in PAGES:
        first.get(path)
    over = threading.Event()
    lines = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(count)]
    for number, line in enumerate(lines):
        line.sendall(BODY if number % 2 else HEAD)

    def dribble() -> None:
        while not over.wait(1):
            for line in lines:
                try:
                    line.send(b"a")
                except OSError:  # given up by the server, which is its right
                    pass

    sender = threading.Thread(target=dribble)
    sender.start()

    def view(_: int) -> list[tuple[int, float]]:
        with httpx.Client(base_url=site.address, cookies=first.cookies, timeout=60) as client:
            answers = [client.get(path) for path in PAGES * 2]
            return [(answer.status_code, answer.elapsed.total_seconds()) for answer in answers]

    try:
        with ThreadPoolExecutor(10) as pool:
            answers = [one for found in pool.map(view, range(20)) for one in found]
    finally:
        over.set()
        sender.join()
        for line in lines:
            line.close()
    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < BOUND_S


def test_slow_readers_keep_nobody_waiting(site: Served) -> None:
    """They ask for a whole page and take none of it."""
    first = reader(site)
    assert len(first.get("/").content) > 20_000
    cookie = "; ".join(f"{name}={value}" for name, value in first.cookies.items())
    lines = []
    for _ in range(100):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.connect(("127.0.0.1", site.port))
        line.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
        lines.append(line)
    try:
        for path in PAGES * 3:
            answer = first.get(path)
            assert answer.status_code == 200 and answer.elapsed.total_seconds() < 2 * BOUND_S
    finally:
        for line in lines:
            line.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site without data: a new worker is warm at once."""
    return Warehouse.published_empty(tmp_path_factory.mktemp("empty") / "data").hand_over().data


def test_nobody_without_an_account_wears_the_workers_out(empty: Path, tmp_path: Path) -> None:
    site = served(empty, tmp_path, "--renew-after", "20")
    try:
        before = workers(site)
        with httpx.Client(base_url=site.address, timeout=60) as client:
            for _ in range(60):
                assert client.get("/healthz").status_code == 200
                assert client.get("/login").status_code == 200
                assert client.get("/").status_code == 302
        time.sleep(2)
        assert workers(site) == before
    finally:
        site.stop()


def test_a_worker_is_renewed_without_a_gap(empty: Path, tmp_path: Path) -> None:
    """One more comes, the oldest goes, one at a time; no reader notices, and nothing is complained of."""
    site = served(empty, tmp_path, "--renew-after", "40")
    try:
        before, most, client = workers(site), 0, reader(site)
        client.get("/")
        end = time.monotonic() + 120
        while workers(site) & before and time.monotonic() < end:
            answer = client.get("/api/version", headers={"Connection": "close"})
            assert answer.status_code == 200
            most = max(most, len(workers(site)))
            time.sleep(0.05)
        assert not workers(site) & before, "both are others now"
        assert most == 3
        assert site.said() == ""
    finally:
        assert site.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_when_it_is_told_to_under_load(published: Path, tmp_path: Path, number: int) -> None:
    site = served(published, tmp_path)
    client = reader(site)
    over = threading.Event()

    def read() -> None:
        with httpx.Client(base_url=site.address, cookies=client.cookies, timeout=20) as mine:
            while not over.is_set():
                with contextlib.suppress(httpx.TransportError):
                    mine.get("/")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for one in readers:
        one.start()
    time.sleep(2)
    group = psutil.Process(site._process.pid)
    for one in [group, *group.children()]:
        one.send_signal(number)  # as a terminal does, to all of them
    assert site._process.wait(30) == 0
    over.set()
    for one in readers:
        one.join()
    assert "SIGABRT" not in site.said() and "SIGSEGV" not in site.said() and "Traceback" not in site.said()


def test_the_master_brings_no_library_with_threads_of_its_own() -> None:
    """It forks: what pyarrow and DuckDB start does not survive that."""
    script = "import sys, cockpit.web.worker; print(sorted({'duckdb', 'pyarrow', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"


def test_one_worker_at_a_time_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(renewal.os, "kill", lambda _, number: said.append(number.name))
    turn = renewal.Turn()
    turn.end(1)
    assert turn.take(1) and turn.taken() and not turn.take(1)
    turn.end(1)
    turn.end(1)
    assert turn.take(1)
    assert said == ["SIGTTIN", "SIGTTOU", "SIGTTIN"]


# ---- one line by itself --------------------------------------------------------------------------------------------


class House:
    """The loop of a worker, turned by hand."""

    def __init__(self) -> None:
        self.polled: dict[int, object] = {}
        self.threads = worker.Threads()
        self.threads.set_thread_count(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lines = worker._lines(self.answer, self.polled, self.listener, self.threads)
        self.release = threading.Event()
        self.release.set()

    def answer(self, environ: dict[str, str], start: Callable[..., object]) -> list[bytes]:
        self.release.wait(10)
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def turn(self, times: int = 5) -> None:
        for _ in range(times):
            wasyncore.loop(timeout=0.05, use_poll=True, map=self.polled, count=1)

    def line(self, first: bytes = b"") -> socket.socket:
        line = socket.create_connection(self.listener.getsockname())
        line.settimeout(5)
        line.sendall(first)
        self.turn()
        return line


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.release.set()
    made.threads.end(5)
    wasyncore.close_all(made.polled)


def is_open(house: House, line: socket.socket) -> bool:
    house.turn()
    line.setblocking(False)
    try:
        return line.recv(4096) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_a_request_that_does_not_arrive_is_given_up_whatever_still_comes(house: House) -> None:
    line, began = house.line(HEAD), time.time()
    for second in (10, 20, worker.ARRIVE_S - 1):
        line.sendall(b"a")
        house.turn()
        house.lines.maintenance(began + second)
        assert is_open(house, line)
    house.lines.maintenance(began + worker.ARRIVE_S + 1)
    assert not is_open(house, line)


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n bad\x00header\r\n\r\n", 400, "请求写得不对"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: no\r\n\r\n", 400, "请求写得不对"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n", 431, "请求头太长"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "不支持这种传送方式"),
    ],
)
def test_what_is_no_request_gets_one_chinese_sentence(house: House, sent: bytes, status: int, said: str) -> None:
    with house.line(sent) as line:
        house.turn(20)
        answer = line.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode() and said in body.decode()
    assert b"X-Content-Type-Options: nosniff" in head and b"waitress" not in answer.lower()


def test_who_waits_for_an_answer_is_not_cut_off(house: House) -> None:
    house.release.clear()
    line = house.line(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n")
    house.lines.maintenance(time.time() + 1000)
    assert is_open(house, line) and not house.lines.is_at_rest()
    house.release.set()
    time.sleep(0.2)
    house.turn()
    line.setblocking(True)
    line.settimeout(5)
    assert line.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_too_many_open_lines_make_room_the_oldest_that_asks_nothing_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "most_lines", lambda: 3)
    known = house.line(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.2)
    house.turn()
    assert known.recv(4096).endswith(b"ok")
    first, second, third = house.line(HEAD), house.line(), house.line()
    assert [is_open(house, line) for line in (known, first, second, third)] == [True, False, True, True]


def test_bodies_that_do_not_end_do_not_fill_the_disk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_HELD", 1000)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"
    lines = [house.line(head + b"a" * size) for size in (300, 900, 600)]
    house.lines.maintenance(time.time())
    assert [is_open(house, line) for line in lines] == [True, False, True]


def test_what_the_site_accepts_gets_through_to_it() -> None:
    assert filing.MAX_UPLOAD < worker.MOST_BODY


def test_a_worker_whose_threads_never_return_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "THREADS", 1)
    house.release.clear()
    house.line(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not house.lines.is_stuck()
    monkeypatch.setattr(worker, "STUCK_S", -1)
    assert house.lines.is_stuck()
