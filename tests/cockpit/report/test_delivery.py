"""Reports on their way to people: against a real SMTP server and a real webhook, each receiver once, whatever dies
when."""

from __future__ import annotations

import asyncio
import email
import hashlib
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email import policy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from cockpit.messages.receivers import configured
from cockpit.report import archive, commands, delivery
from cockpit.store import app_db
from etl.jobs import send as job
from tests.depth import depth
from tests.etl.sources.lists import Quiet
from warehouse.core.errors import ConfigError, Refused, UsageError
from warehouse.core.settings import Settings

PDF = b"%PDF-1.7\r\n.\r\n..dots at the start of lines\r\n" + bytes(range(256)) * 40
RESTARTS = depth(6, 50)


class Mail:
    """An SMTP server (RFC 5321, the part a client needs) that keeps what it accepted; `pause_s` before each answer;
    `refuse`: the answer to RCPT."""

    def __init__(self) -> None:
        self.accepted: list[email.message.EmailMessage] = []
        self.pause_s, self.refuse, self.drop_after_dot = 0.0, "", False
        self.calls = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0, limit=1 << 24))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(text: str) -> None:
            await asyncio.sleep(self.pause_s)
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        self.calls += 1
        try:
            await say("220 here")
            while line := await reader.readline():
                word = line.split(b" ")[0].strip().upper()
                if word == b"DATA":
                    await say("354 go on")
                    lines = []
                    while (part := await reader.readline()) not in (b".\r\n", b""):
                        lines.append(part[1:] if part.startswith(b".") else part)
                    if part:  # without the lone dot nothing was handed over
                        self.accepted.append(email.message_from_bytes(b"".join(lines), policy=policy.default))
                        if self.drop_after_dot:
                            writer.transport.abort()
                            return
                        await say("250 taken")
                elif word == b"QUIT":
                    await say("221 bye")
                    break
                else:
                    await say(self.refuse if word == b"RCPT" and self.refuse else "250 ok")
        except (ConnectionError, OSError):
            pass
        finally:
            writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class Hook:
    """A webhook that keeps which reports it was given; `status`: its answer."""

    def __init__(self) -> None:
        self.given: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.pause_s = 200, 0.0
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._http.server_port}/hook"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def _answer(self, environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        if self.status < 300:
            self.given.append((request.headers["Idempotency-Key"], dict(request.form), request.files["pdf"].read()))
        time.sleep(self.pause_s)
        return Response("ok", self.status)(environ, start)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def mail() -> Iterator[Mail]:
    made = Mail()
    yield made
    made.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path, mail: Mail, hook: Hook) -> Settings:
    made = Settings(tmp_path / "data")
    made.reports.mkdir(parents=True)
    file = made.data / "delivery.toml"
    file.touch(0o600)
    file.write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "cockpit@yuhang.example"\n'
        '[[to]]\nname = "值班"\nkind = "mail"\naddress = "duty@yuhang.example"\nduty = true\n'
        '[[to]]\nname = "局领导"\nkind = "mail"\naddress = "head@yuhang.example"\n'
        f'[[to]]\nname = "门户"\nkind = "webhook"\nurl = "{hook.url}"\n',
        "utf-8",
    )
    return made


@pytest.fixture
def put(settings: Settings, tmp_path: Path) -> Callable[..., str]:
    def put_(
        week: str, generation: str = "g1", *, draft: bool = False, age_s: float = 60, unconnected: str = ""
    ) -> str:
        import datetime as dt

        pdf = tmp_path / "made.pdf"
        pdf.write_bytes(PDF)
        printed = dt.datetime.fromtimestamp(time.time() - age_s, dt.UTC).isoformat(timespec="seconds")
        facts = {
            "name": f"{week}-{generation}",
            "window": "week",
            "at": week,
            "generation": generation,
            "period": f"{week} 期",
            "cutoff": "2026-11-23 06:00",
            "demo": True,
            "pages": 14,
            "printed_at": printed,
            "bytes": len(PDF),
            "sha256": hashlib.sha256(PDF).hexdigest(),
            "draft": draft,
            "missing": ["动态监控·定位：数据只到 11-21 08:00"] if draft else [],
            "figures": {},
            **({"unconnected": unconnected} if unconnected else {}),  # reports of older versions do not say
        }
        return str(archive.keep(settings, pdf, facts, by="test")["name"])

    return put_


def test_a_letter_says_which_sources_were_never_connected(
    settings: Settings, put: Callable[..., str], mail: Mail
) -> None:
    put("2026-W46", "g1")
    put("2026-W47", "g1", unconnected="未接入：服务阵地，因此没有阵地服务人次。")
    assert delivery.send(settings) == []
    older, newer = sorted((one.get_body().get_content() for one in mail.accepted if "duty" in one["To"]), key=len)
    assert "各来源齐全" in older and "未接入" not in older
    assert "已接入的来源齐全" in newer and "未接入：服务阵地" in newer and "各来源齐全" not in newer


def test_a_sheet_of_the_plan_goes_to_those_it_is_about_and_one_that_is_asked_for_to_who_asked(
    settings: Settings, put: Callable[..., str], mail: Mail, hook: Hook, tmp_path: Path
) -> None:
    file = settings.data / "delivery.toml"
    file.write_text(
        file.read_text("utf-8")
        + '[[to]]\nname = "良渚"\nkind = "mail"\naddress = "lz@yuhang.example"\nsheet = "良渚街道"\n'
        + '[[to]]\nname = "王"\nkind = "mail"\naddress = "wang@yuhang.example"\naccount = "wang"\nregular = false\n',
        "utf-8",
    )

    def sheet(generation: str, by: str, label: str = "良渚街道", code: str = "330110010") -> archive.Facts:
        (tmp_path / "sheet.pdf").write_bytes(PDF)
        whole = archive.one(settings, report)
        more = {"name": f"2026-W47-{generation}-town{code}", "subject": {"kind": "town", "code": code, "label": label}}
        return archive.keep(settings, tmp_path / "sheet.pdf", {**whole, **more, "generation": generation}, by=by)

    report = put("2026-W47", "g1")
    planned, by_hand = sheet("g1", archive.SCHEDULE), sheet("g2", "li")
    sheet("g1", archive.SCHEDULE, "仓前街道", "330110012")
    for _ in range(2):
        assert delivery.send(settings) == []
    assert Counter(one["To"].partition("@")[0] for one in mail.accepted) == {"duty": 1, "head": 1, "lz": 1}
    [letter] = [one for one in mail.accepted if one["To"].startswith("lz")]
    assert "良渚街道单页" in letter["Subject"] and [part.get_filename() for part in letter.iter_attachments()]
    known = configured(settings)[1]
    assert delivery.own(known, "wang") and delivery.own(known, "") == delivery.own(known, "li") == []
    for facts in (by_hand, archive.one(settings, report), planned):
        delivery.order(settings, facts, delivery.own(known, "wang"), by="wang")
        assert delivery.send(settings) == []
    delivery.order(settings, planned, delivery.usual(known, planned), by="li")
    assert delivery.send(settings) == [] == delivery.send(settings)
    assert Counter(one["To"].partition("@")[0] for one in mail.accepted) == {"duty": 1, "head": 1, "lz": 2, "wang": 3}
    assert len(hook.given) == 1


def test_a_draft_goes_to_the_duty_only_and_the_final_to_everybody_once(
    settings: Settings, put: Callable[..., str], mail: Mail, hook: Hook
) -> None:
    put("2026-W47", "g1", draft=True)
    assert (
        delivery.send(settings) == []
        and [one["To"] for one in mail.accepted] == ["duty@yuhang.example"]
        and hook.given == []
    )
    assert (
        mail.accepted[0]["Subject"].startswith("【草稿】【演示数据】")
        and "数据只到 11-21" in mail.accepted[0].get_body().get_content()
    )
    final = put("2026-W47", "g2")
    put("2026-W47", "g3")  # a reprint
    put("2026-W40", "g4", age_s=30 * 86400)
    for _ in range(3):
        assert delivery.send(settings) == []
    assert Counter(one["To"] for one in mail.accepted) == {"duty@yuhang.example": 2, "head@yuhang.example": 1}
    assert [next(mail.accepted[-1].iter_attachments()).get_content(), hook.given[0][2]] == [PDF, PDF], (
        "byte for byte, whatever a line begins with"
    )
    assert [(name, form["at"], form["draft"]) for name, form, _ in hook.given] == [(final, "2026-W47", "false")]
    assert {(row["report"], row["receiver"], row["state"]) for row in delivery.ledger(settings)} == {
        ("2026-W47-g1", "值班", "sent"),
        (final, "值班", "sent"),
        (final, "局领导", "sent"),
        (final, "门户", "sent"),
    }
    text = CliRunner().invoke(commands.report, ["sent", "--data", str(settings.data)]).output
    assert text.count("已送达") == 4


def test_what_does_not_get_through_is_tried_again_later_and_in_the_end_given_up(
    settings: Settings, put: Callable[..., str], mail: Mail, hook: Hook
) -> None:
    put("2026-W47")
    mail.refuse, hook.status, clock = "450 later", 503, [time.time()]
    stated = delivery.send(settings, now=lambda: clock[0])
    assert len(stated) == 3 and all("稍后自动重试" in line for line in stated)
    assert delivery.send(settings, now=lambda: clock[0]) == [] and mail.accepted == hook.given == [], (
        "not before its time"
    )
    clock[0] += delivery.FIRST_WAIT_S + 1
    hook.status = 200
    assert delivery.send(settings, now=lambda: clock[0]) == [] and len(hook.given) == 1
    for _ in range(delivery.MOST_ATTEMPTS):
        clock[0] += delivery.FIRST_WAIT_S * 2**delivery.MOST_ATTEMPTS
        stated += delivery.send(settings, now=lambda: clock[0])
    assert {row["receiver"]: row["state"] for row in delivery.ledger(settings)} == {
        "值班": "failed",
        "局领导": "failed",
        "门户": "sent",
    } and len(hook.given) == 1
    mail.refuse = ""
    again = CliRunner().invoke(
        commands.report, ["send", "--again", "2026-W47-g1", "局领导", "--data", str(settings.data)]
    )
    assert again.exit_code == 0 and [one["To"] for one in mail.accepted] == ["head@yuhang.example"]
    with pytest.raises(UsageError):
        delivery.again(settings, "2026-W47-g1", "没有这个人", "test")


def test_a_line_cut_after_the_last_byte_is_not_known_and_not_sent_again(
    settings: Settings, put: Callable[..., str], mail: Mail
) -> None:
    put("2026-W47")
    mail.drop_after_dot = True
    assert any("不能确定是否送达" in line for line in delivery.send(settings))
    mail.drop_after_dot = False
    for _ in range(3):
        delivery.send(settings)
    assert len(mail.accepted) == 2 and {row["state"] for row in delivery.ledger(settings)} == {"unknown", "sent"}


@pytest.mark.crash
def test_many_deaths_at_random_moments_send_nothing_twice_and_lose_nothing_untold(
    settings: Settings, put: Callable[..., str], mail: Mail, hook: Hook
) -> None:
    dice = random.Random(20261125)
    names = [put(f"2026-W{week:02d}") for week in range(30, 47)]
    mail.pause_s = hook.pause_s = 0.02
    command = [
        sys.executable,
        "-c",
        f"from cockpit.report import delivery; from warehouse.core.settings import Settings; from pathlib import Path; delivery.send(Settings(Path({str(settings.data)!r})))",
    ]
    for _ in range(RESTARTS):
        before = mail.calls + len(hook.given)
        running = subprocess.Popen(command)
        end = time.monotonic() + 20
        while mail.calls + len(hook.given) == before and running.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.4))
        running.kill()
        running.wait()
    mail.pause_s = hook.pause_s = 0.0
    delivery.send(settings)
    got = Counter((one["To"], one["Message-ID"]) for one in mail.accepted) + Counter(
        ("门户", name) for name, _, _ in hook.given
    )
    assert max(got.values()) == 1, "nothing twice"
    rows = delivery.ledger(settings)
    assert len(rows) == 3 * len(names) and {row["state"] for row in rows} <= {"sent", "unknown"}
    sent, unknown = (sum(row["state"] == word for row in rows) for word in ("sent", "unknown"))
    assert (
        sent <= sum(got.values()) <= sent + unknown
        and sent > 2 * len(names)
        and all("请核实" in row["message"] for row in rows if row["state"] == "unknown")
    )
    print(
        f"{RESTARTS} 次中断：{len(rows)} 条中 {sent} 条已送达，{unknown} 条待人核实，收到 {sum(got.values())} 条，重复 0 条"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mail]\nhost = 'x'\n", "缺少必填的键：sender"),
        ("[mail]\nhost = 'x'\nsender = 'a@b'\ntls = 'perhaps'\n", "tls 的值"),
        ("[[to]]\nname = 'a'\nkind = 'fax'\n", "kind 的值 fax"),
        ("[[to]]\nname = 'a'\nkind = 'mail'\naddress = 'a@b'\n", "没有 [mail]"),
        ("[[to]]\nname = 'a'\nkind = 'webhook'\n", "缺少必填的键：url"),
        ("x = 1\n", "未知的键：x"),
        ("[[to]", "无法读取"),
        (
            "[mail]\nhost = 'x'\nsender = 'a@b'\n[[to]]\nname = 'a'\nkind = 'mail'\naddress = 'a@b, c@d'\n",
            "一个邮件地址",
        ),
    ],
)
def test_a_wrong_word_in_the_settings_is_named(settings: Settings, text: str, said: str) -> None:
    (settings.data / "delivery.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said.replace("[", r"\[").replace("]", r"\]")):
        delivery.send(settings)


def test_settings_that_others_can_read_are_refused_and_none_means_nobody(
    settings: Settings, put: Callable[..., str], mail: Mail
) -> None:
    put("2026-W47")
    (settings.data / "delivery.toml").chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        delivery.send(settings)
    (settings.data / "delivery.toml").unlink()
    assert delivery.send(settings) == [] and mail.calls == 0 and delivery.ledger(settings) == []


def test_the_loaders_job_sends_and_tells_what_was_not_delivered(
    settings: Settings, put: Callable[..., str], mail: Mail
) -> None:
    put("2026-W47")
    mail.refuse = "550 unknown"

    class Context:
        def __init__(self) -> None:
            self.settings = settings

    stated = job.run(Context())  # type: ignore[arg-type]
    assert len(stated) == 2 and all("邮件服务器没有收下" in line for line in stated)
    with app_db.reading(settings.state) as connection:
        assert connection.execute("SELECT count(*) AS n FROM delivery WHERE state = 'sent'").fetchone()["n"] == 1
