"""The operators' manual, line by line, on a bare machine without a network: what stands in README.md is what is run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator

import orjson
import pytest

from etl.cli.demonstration import write_endpoints
from tests import templates
from tests.cockpit.deploy import machine
from tests.cockpit.deploy.machine import Machine
from warehouse.cli import bundle
from warehouse.core.settings import ROOT, Settings

pytestmark = [pytest.mark.nightly, pytest.mark.servers, pytest.mark.timeout(3600)]

MANUAL = (ROOT.parent / "cockpit" / "deploy" / "README.md").read_text("utf-8")
PASSWORD = "Kuaile-de-Gonglu-2026"
CERTIFICATE = """mkdir -p /etc/ssl/zhengbei && cd /etc/ssl/zhengbei &&
openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=zhengbei.local -addext subjectAltName=DNS:zhengbei.local \\
    -keyout key.pem -out fullchain.pem 2>&1 && chmod 600 key.pem"""
ASK = """import httpx, sys
with httpx.Client(verify="/etc/ssl/zhengbei/fullchain.pem", timeout=60) as client:
    for url in sys.argv[1:]:
        answer = client.get(url)
        words = " ".join(answer.text.split()) if url.endswith("/readyz") else ""
        print(answer.status_code, answer.headers.get("location", ""), answer.headers.get("set-cookie", ""), words)
"""
READY_S = 300
EXPOSED = 3.0
"""What `systemd-analyze security` may say at most: 0 is sealed, 10 is open."""


def section(title: str) -> str:
    """A chapter of the manual."""
    return re.split(r"^## ", MANUAL.partition(f"## {title}\n")[2], maxsplit=1, flags=re.M)[0]


def blocks(text: str, kind: str) -> list[str]:
    """The blocks of commands ("sh") or of settings ("toml") in it."""
    return re.findall(rf"^```{kind}\n(.+?)^```$", text, re.M | re.S)


FIRST = blocks(MANUAL.partition("\n## ")[0], "sh")[0].splitlines()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A bare machine, and the archive that was carried to it."""
    if packages := machine.lacking():
        pytest.fail(f"apt-get install {' '.join(packages)}")
    place = tmp_path_factory.mktemp("machine")
    bare = templates.prepared("debian", machine.bare)
    subprocess.run(["cp", "-a", str(bare), str(place / "tree")], check=True)
    (place / "tree").chmod(0o755)  # the root of the machine's users, who are not root
    bundle.write(place / "bundle.tar", lambda _: None)
    with tarfile.open(place / "bundle.tar") as archive:
        archive.extractall(place / "bundle", filter="fully_trusted")
    (place / "bundle.tar").unlink()
    made = Machine(place / "tree", place / "bundle")
    (made.tree / "root" / "ask.py").write_text(ASK, "utf-8")
    yield made
    made.stop()
    shutil.rmtree(place, ignore_errors=True)


def done(here: Machine, script: str, stdin: str = "") -> str:
    code, words = here.run(script, stdin)
    assert code == 0, f"{script}\n{words}"
    return words


def ask(here: Machine, *urls: str) -> list[str]:
    return done(here, f"/opt/zhengbei/.venv/bin/python /root/ask.py {' '.join(map(repr, urls))}").splitlines()


def ready(here: Machine) -> None:
    """Waits until the site says that its numbers are those of now."""
    call = "/opt/zhengbei/.venv/bin/python /root/ask.py https://zhengbei.local/readyz"
    if not here.until(f"{call} | grep -q ^200", READY_S):
        services = here.run("journalctl -u zhengbei-etl -u zhengbei-web --no-pager -n 30")[1]
        raise AssertionError(f"{here.run(call)[1]}\n{services}")


def setting(here: Machine, text: str) -> None:
    """Writes further settings into the file that the manual names, as its owner."""
    file = here.tree / "var/lib/zhengbei/zhengbei.toml"
    file.write_text((file.read_text("utf-8") if file.exists() else "") + text, "utf-8")
    done(here, "chown zhengbei: /var/lib/zhengbei/zhengbei.toml")


def test_the_archive_installs_where_there_is_no_network(here: Machine) -> None:
    assert here.run("command -v python3")[0], "nothing of it was there before"
    assert "已装好" in done(here, "sh /media/bundle/zhengbei-*/install.sh")


def test_the_first_chapter_brings_the_services_up(here: Machine) -> None:
    """From the line after the installation on. The sources are stand-ins on the same machine."""
    done(here, "useradd --system --create-home --home /srv/demo demo")
    stand_ins = (
        "cd /opt/zhengbei && nohup .venv/bin/python -m etl.demo --dir /srv/demo/w --scale 40 >/srv/demo/log 2>&1 &"
    )
    done(here, f"runuser -u demo -- sh -c {json.dumps(stand_ins)}")
    assert here.until("test -s /srv/demo/w/endpoints.json", 300)
    aside = Settings.at(here.tree / "root")
    write_endpoints(aside, orjson.loads((here.tree / "srv/demo/w/endpoints.json").read_bytes()))
    sources = (here.tree / "root/sources.toml").read_text("utf-8")
    (here.tree / "root/sources.toml").write_text(sources.replace("is_demo = true\n", ""), "utf-8")
    assert FIRST[0].startswith("cp -a . /opt/zhengbei"), "the archive has done that"
    for line in FIRST[1:]:
        code, words = here.run(f"cd /root && {line}", f"{PASSWORD}\n{PASSWORD}\n" if "user add" in line else "")
        assert code == 0 or " doctor " in line, f"{line}\n{words}"
        if " doctor " in line:
            assert words.count("✓ 来源") == 12 and "Traceback" not in words
    assert done(here, "systemctl is-active zhengbei-etl zhengbei-web").split() == ["active", "active"]
    assert here.until("test -s /var/lib/zhengbei/published/current.json", 300)
    journal = done(here, "journalctl -u zhengbei-etl -u zhengbei-web --no-pager")
    assert "Traceback" not in journal and "已升级" not in journal, "a new folder is of today's format"


def test_both_services_are_sealed(here: Machine) -> None:
    for unit in ("zhengbei-etl", "zhengbei-web"):
        words = done(here, f"systemd-analyze security {unit} --no-pager")
        exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", words)
        assert exposed and float(exposed[1]) <= EXPOSED, (unit, exposed)


def test_the_site_stands_behind_the_proxy(here: Machine) -> None:
    done(here, f"echo 127.0.0.1 zhengbei.local >>/etc/hosts && {CERTIFICATE}")
    chapter = section("网站入口")
    setting(here, blocks(chapter, "toml")[0])
    _code, words = here.run(blocks(chapter, "sh")[0])
    assert "✓ 网站设置" in words, words
    site = "https://zhengbei.local"
    ready(here)
    plain, login, watched = ask(here, "http://zhengbei.local/", f"{site}/login", "http://127.0.0.1:8050/readyz")
    assert plain.startswith(f"301 {site}/") and login.startswith("200") and watched.startswith("200")
    screen = done(here, "runuser -u zhengbei -- /opt/zhengbei/zhengbei screen add main --data /var/lib/zhengbei")
    (entered,) = ask(here, f"{site}{screen.strip()}")
    assert entered.startswith("302 /wall/main __Host-") and "Secure; HttpOnly" in entered


def test_a_report_is_printed_inside_the_sealed_service(here: Machine) -> None:
    """By the loader: Chromium's own sandbox must find what it needs in there."""
    done(here, "runuser -u zhengbei -- /opt/zhengbei/zhengbei report weekly --data /var/lib/zhengbei")
    assert list((here.tree / "var/lib/zhengbei/reports").glob("*.pdf"))


def test_a_loader_that_is_killed_comes_back_and_a_wrong_setting_stops_it(here: Machine) -> None:
    done(here, "kill -9 $(systemctl show -p MainPID --value zhengbei-etl)")
    assert here.until("sleep 4 && systemctl is-active zhengbei-etl", 30)
    before = (here.tree / "var/lib/zhengbei/zhengbei.toml").read_text("utf-8")
    setting(here, "hostz = 1\n")
    done(here, "systemctl restart zhengbei-etl")
    assert here.until("systemctl is-failed zhengbei-etl", 30)
    state = done(here, "systemctl show -p ExecMainStatus -p NRestarts zhengbei-etl")
    assert sorted(state.split()) == ["ExecMainStatus=78", "NRestarts=0"]
    assert "未知的键：hostz" in done(here, "journalctl -u zhengbei-etl --no-pager -n 60")
    (here.tree / "var/lib/zhengbei/zhengbei.toml").write_text(before, "utf-8")
    done(here, "systemctl start zhengbei-etl")


def test_a_backup_is_taken_and_restored_as_it_is_written(here: Machine) -> None:
    chapter = section("备份与恢复")
    key, restore = blocks(chapter, "sh")
    done(here, key)
    setting(here, '\n[backup]\nto = ["/mnt/backup"]\nkey = "/etc/zhengbei/backup.key"\n')
    done(here, "systemctl restart zhengbei-etl")
    for line in re.findall(r"(?:马上备份|马上演练|列出)：`\./(zhengbei [^`]+)`", chapter):
        done(here, f"runuser -u zhengbei -- /opt/zhengbei/{line}")
    done(here, "systemctl stop zhengbei-etl zhengbei-web && mv /var/lib/zhengbei /var/lib/zhengbei.lost")
    _code, words = here.run(restore)
    assert "✓ 快照" in words and "✓ 审计日志" in words and "Traceback" not in words, words
    assert here.until("systemctl is-active zhengbei-etl zhengbei-web", 30)
    ready(here)


def test_an_upgrade_and_the_way_back_are_as_they_are_written(here: Machine) -> None:
    upgrade, back = blocks(section("升级与退回"), "sh")
    done(here, "cp -a /opt/zhengbei /root/new")
    for line in upgrade.replace("新程序", "/root/new").splitlines():
        code, words = here.run(line)
        assert code == 0 or " doctor " in line, f"{line}\n{words}"
    assert here.until("systemctl is-active zhengbei-etl zhengbei-web", 30)
    done(here, back)
    assert here.until("systemctl is-active zhengbei-etl zhengbei-web", 30)
    ready(here)
