"""Chat robots: the real messages of 钉钉, 企业微信 and 飞书 through a loopback proxy to a loopback TLS server that
stands for their hosts, and a JSON receiver that takes the file. Nothing leaves the machine; no secret is ever in the
ledger, in a line that is told or in the log."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from cockpit.messages import chat
from cockpit.report import archive, commands, delivery
from tests.cockpit.report.test_archive import facts
from tests.etl.sources.lists import Quiet
from warehouse.core.errors import ConfigError
from warehouse.core.settings import Options, Settings

PDF = b"%PDF-1.7 made up for the archive"
TOKEN, SECRET, KEY, HOOK = (
    "a" * 40 + "b" * 24,
    "SEC" + "c" * 40,
    "0d1e2f3a-4b5c-6d7e-8f90-112233445566",
    "9f8e7d6c-5b4a-3928-1706-f5e4d3c2b1a0",
)
ROBOTS = {
    "钉钉群": f"dingtalk://{SECRET}@{TOKEN}/?verify=no",
    "企微群": f"wecombot://{KEY}/?verify=no",
    "飞书群": f"feishu://{HOOK}/?verify=no",
}
HOSTS = {"钉钉群": "oapi.dingtalk.com:443", "企微群": "qyapi.weixin.qq.com:443", "飞书群": "open.feishu.cn:443"}
POINTS = [
    "27 项指标有目标可评，达成 17 项（比上周多 2 项），接近 4 项，未达成 6 项。",
    "车辆上线率已连续 3 周未达标，本周 91.2%，距目标 0.8 个百分点。",
]


class Outside:
    """A proxy that takes CONNECT to any host and answers as that host itself, with a certificate of its own. told:
    (host, path, JSON); answer: what each host says; `is_shut`: the proxy lets nobody through; `drops`: takes the
    message and hangs up."""

    def __init__(self, folder: Path) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: dict[str, Any] = {"errcode": 0}
        self.is_shut = self.drops = False
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(_certificate(folder))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                self._one(line)

    def _one(self, line: socket.socket) -> None:
        host = _until(line, b"\r\n\r\n").split(b" ")[1].decode()
        if self.is_shut:
            line.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self._tls.wrap_socket(line, server_side=True) as inner:
            head, _, body = _until(inner, b"\r\n\r\n").partition(b"\r\n\r\n")
            length = next(
                int(one.split(b":")[1]) for one in head.splitlines() if one.lower().startswith(b"content-length")
            )
            while len(body) < length:
                body += inner.recv(65536)
            self.told.append((host, head.split(b" ")[1].decode(), json.loads(body)))
            if not self.drops:
                text = json.dumps(self.answer).encode()
                inner.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                    + str(len(text)).encode()
                    + b"\r\n\r\n"
                    + text
                )

    def stop(self) -> None:
        self._listener.close()


def _until(line: Any, end: bytes) -> bytes:
    got = b""
    while end not in got and (part := line.recv(65536)):
        got += part
    return got


def _certificate(folder: Path) -> Path:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "outside")]),
    )
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "outside.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    made = Outside(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path, outside: Outside) -> Settings:
    made = Settings(tmp_path / "data", Options(public_url="https://cockpit.example:8443/zb/"))
    made.reports.mkdir(parents=True)
    _receivers(made, {name: url for name, url in ROBOTS.items()}, outside.url)
    return made


def _receivers(settings: Settings, robots: dict[str, str], proxy: str = "") -> None:
    file = settings.data / "delivery.toml"
    file.touch(0o600)
    stated = "".join(f'[[to]]\nname = "{name}"\nkind = "chat"\nurl = "{url}"\n' for name, url in robots.items())
    file.write_text((f'proxy = "{proxy}"\n' if proxy else "") + stated, "utf-8")


@pytest.fixture
def put(settings: Settings, tmp_path: Path) -> Callable[..., str]:
    def put_(week: str = "2026-W47", generation: str = "g1") -> str:
        made = tmp_path / "made.pdf"
        made.write_bytes(PDF)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        return str(
            archive.keep(settings, made, {**facts(week, generation), "printed_at": now, "points": POINTS}, by="test")[
                "name"
            ]
        )

    return put_


def test_each_group_gets_the_points_and_the_way_to_the_archive_once(
    settings: Settings, put: Callable[..., str], outside: Outside
) -> None:
    name = put()
    put(generation="g2")  # a reprint
    for _ in range(3):
        assert delivery.send(settings) == []
    assert sorted(host for host, _, _ in outside.told) == sorted(HOSTS.values())
    texts = {host: stated.get("text", stated.get("content", {})) for host, _, stated in outside.told}
    for words in (texts[HOSTS["钉钉群"]]["content"], texts[HOSTS["企微群"]]["content"], texts[HOSTS["飞书群"]]["text"]):
        assert words.startswith("【演示数据】正北数字驾驶舱周报 2026-W47 期") and all(
            point in words for point in POINTS
        )
        assert words.rstrip().endswith(f"报告：https://cockpit.example:8443/zb/reports?q={name}")
    paths = {host: path for host, path, _ in outside.told}
    assert (
        f"access_token={TOKEN}" in paths[HOSTS["钉钉群"]]
        and "sign=" in paths[HOSTS["钉钉群"]]
        and f"key={KEY}" in paths[HOSTS["企微群"]]
        and HOOK in paths[HOSTS["飞书群"]]
    )
    assert {row["state"] for row in delivery.ledger(settings)} == {"sent"} and len(delivery.ledger(settings)) == 3


@pytest.mark.parametrize(
    "answer", [{"errcode": 310000, "errmsg": "keywords not in content"}, {"code": 19024, "msg": "Key Words Not Found"}]
)
def test_a_robot_that_says_no_under_http_200_has_not_taken_it(
    settings: Settings,
    put: Callable[..., str],
    outside: Outside,
    answer: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    put()
    caplog.set_level(0)
    outside.answer, clock = answer, [dt.datetime.now().timestamp()]
    stated = delivery.send(settings, now=lambda: clock[0])
    assert len(stated) == 3 and all(
        f"拒收：{next(iter(answer))} {next(iter(answer.values()))}" in line and "稍后自动重试" in line
        for line in stated
    )
    assert {row["state"] for row in delivery.ledger(settings)} == {"waiting"}
    outside.answer = {"code": 0}
    clock[0] += delivery.FIRST_WAIT_S + 1
    assert delivery.send(settings, now=lambda: clock[0]) == [] and {
        row["state"] for row in delivery.ledger(settings)
    } == {"sent"}
    _no_secret(settings, stated, caplog.text)


def test_a_shut_proxy_and_a_dead_one_are_tried_again_and_name_no_secret(
    settings: Settings, put: Callable[..., str], outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    put()
    caplog.set_level(0)
    outside.is_shut, clock = True, [dt.datetime.now().timestamp()]
    stated = delivery.send(settings, now=lambda: clock[0])
    outside.stop()
    clock[0] += delivery.FIRST_WAIT_S + 1
    stated += delivery.send(settings, now=lambda: clock[0])
    assert len(stated) == 3 and all("连不上" in line and "proxy" in line for line in stated) and outside.told == []
    assert {(row["state"], row["attempts"]) for row in delivery.ledger(settings)} == {("waiting", 2)}
    _no_secret(settings, stated, caplog.text)


def test_a_robot_that_takes_the_message_and_hangs_up_is_not_written_to_again(
    settings: Settings, put: Callable[..., str], outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    put()
    outside.drops = True
    stated = delivery.send(settings)
    assert len(stated) == 3 and all("不能确定是否送达" in line for line in stated)
    outside.drops = False
    for _ in range(3):
        assert delivery.send(settings) == []
    assert len(outside.told) == 3 and {row["state"] for row in delivery.ledger(settings)} == {"unknown"}
    _no_secret(settings, stated, caplog.text)


def _no_secret(settings: Settings, told: list[str], log: str) -> None:
    text = CliRunner().invoke(commands.report, ["sent", "--data", str(settings.data)]).output
    for secret in (TOKEN, SECRET, KEY, HOOK):
        assert secret not in "".join(told) + text + log
        assert not any(secret.encode() in file.read_bytes() for file in settings.data.glob("state.sqlite*"))


def test_a_receiver_that_takes_files_gets_the_report_itself(settings: Settings, put: Callable[..., str]) -> None:
    given: list[dict[str, Any]] = []

    def answer(environ: dict[str, Any], start: Any) -> Any:
        given.append(json.loads(Request(environ).get_data()))
        return Response("ok")(environ, start)

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _receivers(settings, {"平台": f"json://127.0.0.1:{server.server_port}/hook"})
        name = put()
        for _ in range(2):
            assert delivery.send(settings) == []
    finally:
        server.shutdown()
        server.server_close()
    [stated] = given
    assert stated["title"].endswith("2026-W47 期") and POINTS[1] in stated["message"]
    assert [(one["filename"], base64.b64decode(one["base64"])) for one in stated["attachments"]] == [
        (f"{name}.pdf", PDF)
    ]


@pytest.mark.parametrize(
    "url",
    [
        "mailto://a:secretsecret@example",
        "syslog://secretsecret",
        "dingtalk://",
        "secretsecret",
        "https://secretsecret.example",
    ],
)
def test_other_services_and_half_an_address_are_refused_without_quoting_it(settings: Settings, url: str) -> None:
    _receivers(settings, {"群": url})
    with pytest.raises(ConfigError, match="群机器人地址看不懂") as error:
        delivery.send(settings)
    assert "secretsecret" not in str(error.value)


def test_a_short_room_gets_whole_points_and_the_way_to_the_rest() -> None:
    lines = [f"第 {number} 点，" + "很长的一句话" * 20 for number in range(9)]
    text = chat.fit("题目", lines, "报告:https://x/reports", 2048)
    assert (
        len(text.encode()) < 2048
        and text.endswith("……\n报告:https://x/reports")
        and text.splitlines()[0] == lines[0]
        and text.splitlines()[-3] in lines
    )
    assert chat.fit("题目", ["一", "二"], "", 2048) == "一\n二"
