"""The shipped nginx.conf, run by a real nginx in front of the real application: it does what it says."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from cockpit.web import app, filing
from tests import needs
from warehouse.core.settings import Options, Settings

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[3]
CONF = ROOT / "cockpit" / "deploy" / "nginx.conf"
SERVER = "zhengbei.local"
MAIN = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/zhengbei.conf;
}}
"""


def nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found or needs.missing("nginx", "nginx-light")


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    """What arrives behind nginx."""
    asked = Request(environ)
    heard = {name.lower(): value for name, value in asked.headers}
    return Response(httpx.Response(200, json=heard | {"size": str(len(asked.get_data()))}).content)(environ, start)


class Front:
    """nginx with the shipped file before the application; only ports, paths and certificate are other ones."""

    def __init__(self, folder: Path, *, is_up: bool = True) -> None:
        self.plain, self.tls, behind, self.folder = port(), port(), port(), folder
        options = Options(hosts=(SERVER,), tls=True, behind_proxy=True)
        site = app.create_app(Settings(folder / "data", options))
        site.wsgi_app = DispatcherMiddleware(site.wsgi_app, {"/echo": echo})  # type: ignore[method-assign]
        self.server = make_server("127.0.0.1", behind, site, threaded=True) if is_up else None
        if self.server:
            threading.Thread(target=self.server.serve_forever, daemon=True).start()
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                f"/CN={SERVER}",
                "-keyout",
                str(folder / "key.pem"),
                "-out",
                str(folder / "cert.pem"),
            ],
            check=True,
            capture_output=True,
        )
        text = CONF.read_text("utf-8")
        for shipped, here in (
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.tls} ssl;"),
            ("127.0.0.1:8050", f"127.0.0.1:{behind}"),
            ("/etc/ssl/zhengbei/fullchain.pem", str(folder / "cert.pem")),
            ("/etc/ssl/zhengbei/key.pem", str(folder / "key.pem")),
            ("/opt/zhengbei/", f"{ROOT}/"),
        ):
            assert text.count(shipped) == 1, shipped
            text = text.replace(shipped, here)
        (folder / "zhengbei.conf").write_text(text, "utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "main.conf").write_text(MAIN.format(user=user, folder=folder), "utf-8")
        self.command = [nginx(), "-c", str(folder / "main.conf"), "-p", str(folder)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Front:
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.tls)) == 0:
                    return self
            time.sleep(0.1)
        raise AssertionError((self.folder / "error.log").read_text())

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        if self.server:
            self.server.shutdown()

    def client(self, **words: Any) -> httpx.Client:
        lax = ssl.create_default_context()
        lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
        host = {"Host": f"{SERVER}:{self.tls}"}
        return httpx.Client(base_url=f"https://127.0.0.1:{self.tls}", verify=lax, headers=host, timeout=30, **words)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """One of its own for every test: what is limited is counted over time."""
    made = Front(tmp_path)
    made.start()
    yield made
    made.stop()


def test_nginx_takes_the_file(front: Front) -> None:
    done = subprocess.run([*front.command, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "warn" not in done.stderr, done.stderr


def test_plain_http_leads_to_tls_on_the_named_host(front: Front) -> None:
    answer = httpx.get(f"http://127.0.0.1:{front.plain}/metric/x?window=week", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{SERVER}/metric/x?window=week")


def test_host_with_port_and_the_callers_address_arrive_and_nothing_else_that_he_says(front: Front) -> None:
    lies = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil.example", "Forwarded": "for=1.2.3.4"}
    with front.client() as client:
        heard = client.get("/echo", headers=lies).json()
    assert heard["host"] == f"{SERVER}:{front.tls}"
    assert heard["x-forwarded-for"] == "127.0.0.1" and heard["x-forwarded-proto"] == "https"
    assert "x-forwarded-host" not in heard and "forwarded" not in heard


def test_cookies_are_secure_and_the_browser_is_held_to_tls(front: Front) -> None:
    with front.client() as client:
        page = client.get("/login")
    assert page.status_code == 200 and "Secure" in page.headers["Set-Cookie"]
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    with front.client() as client:
        assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_uploads_that_the_site_accepts_pass_and_larger_ones_do_not(front: Front) -> None:
    with front.client() as client:
        accepted = client.post("/echo", content=b"x" * filing.MAX_UPLOAD)
        assert accepted.status_code == 200 and accepted.json()["size"] == str(filing.MAX_UPLOAD)
        refused = client.post("/echo", content=b"x" * (filing.MAX_UPLOAD + 2 * 2**20))
        assert refused.status_code == 413 and "8 MB" in refused.text


def answers(front: Front, path: str, count: int) -> list[httpx.Response]:
    def some(_: int) -> list[httpx.Response]:
        with front.client() as client:
            return [client.get(path) for _ in range(count // 8)]

    with ThreadPoolExecutor(8) as pool:
        return [one for found in pool.map(some, range(8)) for one in found]


def test_who_asks_too_often_is_told_to_wait(front: Front) -> None:
    first = answers(front, "/echo", 160)
    assert {one.status_code for one in first} == {200}, "a page with its files is not too much"
    flood = answers(front, "/echo", 1600)
    refused = [one for one in flood if one.status_code == 429]
    assert refused and {one.status_code for one in flood} == {200, 429}
    assert "请求过于频繁" in refused[0].text and refused[0].headers["Retry-After"] == "2"


def test_the_login_is_limited_sooner(front: Front) -> None:
    codes = [one.status_code for one in answers(front, "/login", 64)]
    assert 20 <= codes.count(200) <= 40 and codes.count(429) >= 20


def test_one_address_does_not_hold_all_lines(front: Front) -> None:
    lines = []
    lax = ssl.create_default_context()
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    for _ in range(105):
        line = lax.wrap_socket(socket.create_connection(("127.0.0.1", front.tls)))
        # the head is whole, so that the line counts, and the body never is
        line.sendall(f"POST /echo HTTP/1.1\r\nHost: {SERVER}\r\nContent-Length: 9\r\n\r\na".encode())
        lines.append(line)
    time.sleep(0.5)
    with front.client() as client:
        assert client.get("/echo").status_code == 429
    for line in lines:
        line.close()
    time.sleep(0.5)
    with front.client() as client:
        assert client.get("/echo").status_code == 200


@pytest.mark.slow
def test_a_head_that_dribbles_is_cut_off(front: Front) -> None:
    lax = ssl.create_default_context()
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    with lax.wrap_socket(socket.create_connection(("127.0.0.1", front.tls))) as line:
        line.settimeout(1)
        began = time.monotonic()
        line.sendall(f"GET /echo HTTP/1.1\r\nHost: {SERVER}\r\nX-A: ".encode())
        while time.monotonic() - began < 30:
            try:
                line.sendall(b"a")
                line.recv(1)
                break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - began < 20


def test_what_nobody_has_packed_is_packed(front: Front) -> None:
    with front.client() as client:
        assert client.get("/echo", headers={"X-Long": "a" * 3000}).headers["Content-Encoding"] == "gzip"
        assert client.get("/assets/css/cockpit/10_base.css").headers["Content-Encoding"] == "br", (
            "packed once, as it came"
        )


def test_without_the_service_a_page_that_retries_is_shown(tmp_path: Path) -> None:
    front = Front(tmp_path, is_up=False).start()
    try:
        with front.client() as client:
            answer = client.get("/login")
    finally:
        front.stop()
    assert answer.status_code == 502 and answer.text == (CONF.parent / "retry.html").read_text("utf-8")
    assert answer.headers["Cache-Control"] == "no-store"
