"""The weekly paper: its gate, its self-test, its archive, and a browser that never gets out of hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pikepdf
import psutil
import pytest

from cockpit.presentation import format as fmt
from cockpit.report import archive, content, pdf_text, poppler, printing, release, self_test
from cockpit.web import app
from tests.cockpit.signing_in import sign_in
from warehouse.cli import doctor
from warehouse.core.errors import ConfigError, DataMissing, PrintFailed, UsageError
from warehouse.core.settings import Options, Settings
from warehouse.query import periods
from warehouse.query.programmes import scores
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

needs_chromium = pytest.mark.browser
NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def house_of_paper(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A folder with the shared published files and an archive of its own."""
    folder = tmp_path_factory.mktemp("paper")
    if (published / "published").exists():
        (folder / "published").symlink_to(published / "published")
    return Settings(folder)


@pytest.fixture(scope="module")
def library(house_of_paper: Settings) -> SnapshotStore:
    return SnapshotStore(house_of_paper.data)


@pytest.fixture(scope="module")
def printed(house_of_paper: Settings, library: SnapshotStore) -> dict[str, Any]:
    return release.release(library, house_of_paper, now=NOW)


@pytest.fixture(scope="module")
def book(library: SnapshotStore) -> Snapshot:
    return library.current(Scope.ALL)


@needs_chromium
def test_the_paper_prints_exactly_the_readings_of_its_generation(
    printed: dict[str, Any], house_of_paper: Settings, book: Snapshot
) -> None:
    text = "".join(poppler.pages(house_of_paper.reports / f"{printed['name']}.pdf"))
    assert printed["generation"] == book.generation.id and printed["figures"]
    for metric, stored in printed["figures"].items():
        item = book.read(metric, "week", None if book.metrics[metric].newest else printed["at"])
        assert (stored["value"], stored["num"], stored["den"], stored["status"]) == (
            item.value,
            item.num,
            item.den,
            item.status,
        )
        assert stored["text"] == str(fmt.reading(item, book.metrics[metric].decimals))
        assert "".join(stored["text"].split()) in text


@needs_chromium
def test_the_paper_has_bookmarks_page_numbers_fonts_and_its_own_hash(
    printed: dict[str, Any], house_of_paper: Settings
) -> None:
    file = house_of_paper.reports / f"{printed['name']}.pdf"
    with pikepdf.open(file) as paper, paper.open_outline() as outline:
        titles, pages = [entry.title for entry in _flat(outline.root)], len(paper.pages)
    assert {"一、本周要点", "二、需要关注", "核心指标", "需要关注", "指标口径", "数据质量"} <= set(titles)
    assert pages == printed["pages"]
    assert all(f"—{n}—" in page for n, page in enumerate(poppler.pages(file), 1))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == printed["sha256"]
    inside, fonts = poppler.fonts(file)
    assert inside == fonts > 0
    assert not pdf_text.ODD.search("".join(poppler.pages(file)))


@needs_chromium
def test_no_word_runs_out_of_the_type_area(printed: dict[str, Any], house_of_paper: Settings) -> None:
    """What runs over the margin of 16 mm is cut by the browser; the watermark alone lies across the page."""
    file = house_of_paper.reports / f"{printed['name']}.pdf"
    boxes = subprocess.run(["pdftotext", "-bbox", str(file), "-"], capture_output=True, text=True, check=True).stdout
    words = re.findall(r'<word xMin="[\d.]+" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>', boxes)
    edge, tall = (210 - 16) * 72 / 25.4 + 0.1, 30.0
    beyond = [text for top, right, bottom, text in words if float(right) > edge and float(bottom) - float(top) < tall]
    assert len(words) > 1000 and beyond == []


@needs_chromium
def test_the_same_week_of_the_same_generation_prints_the_same_numbers(
    printed: dict[str, Any], house_of_paper: Settings, library: SnapshotStore
) -> None:
    again = release.release(library, house_of_paper, printed["at"], now=NOW + dt.timedelta(hours=1))
    assert again["figures"] == printed["figures"] and again["missing"] == printed["missing"]
    assert len(list(house_of_paper.reports.glob("*.pdf"))) == 1
    assert not list(house_of_paper.reports.glob(".print-*"))


@needs_chromium
def test_the_self_test_refuses_a_wrong_number_a_lost_glyph_and_a_bare_chart(
    printed: dict[str, Any], house_of_paper: Settings, book: Snapshot
) -> None:
    file = house_of_paper.reports / f"{printed['name']}.pdf"
    issue = content.build(book, printed["at"])
    page = release.html(issue)
    assert self_test.faults(file, page, issue, book) == []
    metric = next(iter(issue.figures))
    issue.figures[metric] = {**issue.figures[metric], "text": "123,456 辆"}
    issue.charts += 1
    found = self_test.faults(file, page.replace("本周要点", "本周要点龘"), issue, book)
    assert any("两次读数不同" in f for f in found) and any("缺字：龘" in f for f in found)
    assert any("张图" in f for f in found)


@needs_chromium
def test_a_page_that_ends_with_a_heading_is_refused(printed: dict[str, Any], book: Snapshot, tmp_path: Path) -> None:
    issue = content.build(book, printed["at"])
    source, made = tmp_path / "report.html", tmp_path / "report.pdf"
    page = release.html(issue).replace(
        "</head>", "<style>.report tbody:nth-of-type(2) tr.group { break-after: page !important; }</style></head>"
    )
    source.write_text(page, "utf-8")
    printing.print_pdf(source, made)
    assert "第 3 页以标题结尾，内容在下一页" in self_test.faults(made, page, issue, book)


@needs_chromium
def test_every_number_of_the_core_table_has_a_passport_that_opens_it_again(
    printed: dict[str, Any], house_of_paper: Settings, library: SnapshotStore
) -> None:
    client = sign_in(app.create_app(house_of_paper).test_client(), house_of_paper.data, "leader", "wang")
    text = poppler.pages(house_of_paper.reports / f"{printed['name']}.pdf")
    found = re.findall(r"(?<![0-9A-Z])[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", "".join(text[2:5]))
    assert len(found) == len(set(found)) == len(printed["figures"])
    stated = {}
    for passport in found:
        answer = client.get(f"/n/{passport.lower()}")
        assert answer.status_code == 302, passport
        link = urlsplit(answer.headers["Location"])
        requested = {name: values[0] for name, values in parse_qs(link.query).items()}
        assert requested["as_of"] == printed["generation"]
        metric = link.path.rpartition("/")[2]
        stated[metric] = (
            library.open(requested["as_of"], Scope.ALL).read(metric, requested["window"], requested.get("at")).value
        )
    assert stated == {metric: stored["value"] for metric, stored in printed["figures"].items()}


@needs_chromium
def test_the_archive_lists_and_serves_only_its_own_files(printed: dict[str, Any], house_of_paper: Settings) -> None:
    client = sign_in(app.create_app(house_of_paper).test_client(), house_of_paper.data, "leader", "li")
    page = client.get("/reports").get_data(as_text=True)
    assert printed["name"] in page and ("草稿，缺" in page) == printed["draft"]
    answer = client.get(f"/reports/{printed['name']}.pdf")
    assert answer.status_code == 200 and answer.data.startswith(b"%PDF-")
    (house_of_paper.data / "secret.pdf").write_bytes(b"%PDF-")
    for name in ("..%2fsecret", "secret", "2026-W47-none", "%2e%2e/secret"):
        assert client.get(f"/reports/{name}.pdf").status_code == 404


def test_the_gate_names_every_source_that_does_not_reach_the_end_of_the_week(book: Snapshot) -> None:
    metrics = [m for m in book.metrics.values() if "weekly" in m.show and m.kind != "now"]
    running, *far = content.missing(book, metrics, {}, book.generation.last_day + dt.timedelta(days=400))
    assert "才结束" in running
    used = {name for m in metrics for name in m.sources}
    assert len(far) == len([s for s in book.sources() if f"{s.source}_{s.entity}" in used]) > 0


def test_the_points_are_of_different_kinds_and_say_what_the_readings_say(book: Snapshot) -> None:
    issue = content.build(book, content.newest(book, "week"))
    stated = [item["head"] + item["rest"] for item in issue.context["points"]]
    assert 4 <= len(stated) <= 7 and len({re.sub(r"[\d.,%]+", "#", text)[:5] for text in stated}) == len(stated), (
        "no two alike in shape"
    )
    tally = issue.context["tally"]
    assert (
        f"达成 {tally['good']} 项" in stated[0]
        and f"未达成 {tally['bad']} 项" in stated[0]
        and f"接近 {tally['warn']} 项" in stated[0]
    )
    moves = [text for text in stated if text.startswith(("变差最多", "改善最多")) or "未达标" in text]
    assert moves
    for text in moves:
        metric = max(
            (name for name, stored in issue.figures.items() if stored["label"] in text),
            key=lambda name: len(issue.figures[name]["label"]),
        )
        assert issue.figures[metric]["text"].replace(" %", "%") in text, text
    behind = min((item for item in scores(book) if item.ahead is not None), key=lambda item: item.ahead or 0)
    assert (
        any(behind.label in text and f"落后序时 {-(behind.ahead or 0)} 个百分点" in text for text in stated)
        or (behind.ahead or 0) >= 0
    )
    draft = content.build(book, content.newest(book, "week"))
    silent = [
        item for item in draft.readings.values() if item.status in ("missing", "failed") or item.held or item.doubt
    ]
    assert ("数据完整" in stated[-1]) == (not draft.missing and not silent), "what is not reported is not complete"


@needs_chromium
def test_the_six_programmes_stand_against_the_time_that_has_passed(
    printed: dict[str, Any], house_of_paper: Settings, book: Snapshot
) -> None:
    text = "".join(poppler.pages(house_of_paper.reports / f"{printed['name']}.pdf"))
    for one in scores(book):
        stated = f"{one.score:.0%}{one.due:.0%}{fmt.pace(one.ahead)}" if one.score is not None else "数据不足"
        assert "".join(f"{one.label}{stated}".split()) in text, one.label


def test_a_number_of_the_running_week_keeps_no_week_that_is_over_a_draft(book: Snapshot) -> None:
    """On a Wednesday a metric that always tells its newest window speaks of this week, in the report of the last one
    too."""
    over = book.generation.built_at.date() - dt.timedelta(days=1)
    running = dataclasses.replace(
        book.read("fleet_online_rate", "week"),
        win_start=over + dt.timedelta(days=1),
        win_end=over + dt.timedelta(days=7),
        complete=False,
    )
    assert running.status == "ok"
    metrics = [book.metrics["fleet_online_rate"]]
    assert not [text for text in content.missing(book, metrics, {running.metric: running}, over) if "才结束" in text]
    assert [
        text
        for text in content.missing(book, metrics, {running.metric: running}, over + dt.timedelta(days=7))
        if "才结束" in text
    ]


def test_a_gathering_month_is_never_shown_before_it_is_over(book: Snapshot) -> None:
    gathering = [m for m in book.metrics.values() if m.cumulative and "week" not in m.windows and m.windows[0] != "now"]
    assert gathering
    for metric in gathering:
        for days in range(0, 70, 7):
            monday = book.generation.last_day - dt.timedelta(days=days + book.generation.last_day.weekday())
            week = fmt.period_key("week", monday)
            found = periods.read(book, metric, "week", week)
            assert found.window == metric.windows[0] and found.complete
            assert found.win_end <= monday + dt.timedelta(days=6)


def test_the_paper_leads_back_to_its_own_generation_when_an_address_is_set(book: Snapshot, tmp_path: Path) -> None:
    issue = content.build(book, content.newest(book, "week"))
    assert release.address(Settings(tmp_path), issue) == ""
    stated = release.address(Settings(tmp_path, Options(public_url="https://cockpit.example:8443/zb/")), issue)
    assert stated == f"https://cockpit.example:8443/zb/?as_of={issue.generation}"
    issue.context["link"] = stated
    page = release.html(issue)
    assert f'"在线查看 {stated}"' in page, "a style sheet knows no &amp;"
    for odd in ("javascript:alert(1)", 'http://x"; } body { display: none', "cockpit.example"):
        (tmp_path / "zhengbei.toml").write_text(f"public_url = '{odd}'\n", "utf-8")
        with pytest.raises(ConfigError, match="public_url"):
            Settings.at(tmp_path)


def test_the_doctor_asks_for_the_tool_that_tests_the_paper(tmp_path: Path) -> None:
    assert "pdftoppm" in {name for name, _, _ in doctor.examine(Settings(tmp_path), offline=True)}


@pytest.mark.parametrize("week", ["2026-47", "2026-W54", "2026-W00", "w47", "", "2026-W47; rm"])
def test_a_week_is_an_iso_week_or_refused(week: str) -> None:
    with pytest.raises(UsageError):
        content.days(week, "week")


def test_a_week_that_has_not_begun_has_no_report(book: Snapshot) -> None:
    later = book.generation.last_day + dt.timedelta(days=14)
    with pytest.raises(DataMissing):
        content.build(book, fmt.period_key("week", later - dt.timedelta(days=later.weekday())))


def test_the_newest_week_is_the_newest_whole_one(book: Snapshot) -> None:
    _, sunday = content.days(content.newest(book, "week"), "week")
    assert sunday <= book.generation.last_day < sunday + dt.timedelta(days=7)


def test_shared_glyphs_become_the_characters_people_type() -> None:
    assert pdf_text.plain("⻋辆⼀⼾⻓⾄⾯") == "车辆一户长至面"


def test_without_a_browser_the_operator_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(printing.BROWSER_VARIABLE, raising=False)
    with pytest.raises(PrintFailed, match="没有找到 Chromium"):
        printing.print_pdf(tmp_path / "a.html", tmp_path / "a.pdf")


def _shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    shim = tmp_path / "browser"
    shim.write_text(f"#!/bin/sh\n{script}\n")
    shim.chmod(0o755)
    monkeypatch.setenv(printing.BROWSER_VARIABLE, str(shim))
    monkeypatch.setattr(printing, "PAUSE_S", 0.0)


def test_a_hanging_browser_is_ended_with_all_its_children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _shim(tmp_path, monkeypatch, f"echo $$ >> {tmp_path}/pids; sleep 600 & echo $! >> {tmp_path}/pids; wait")
    with pytest.raises(PrintFailed, match=r"已试 2 次.*没有完成"):
        printing.print_pdf(
            tmp_path / "a.html", tmp_path / "a.pdf", timeout_s=3, tries=2
        )  # long enough for the shell to note both numbers on a busy machine
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 4 and not [
        p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE
    ]


def test_a_crashing_browser_is_tried_three_times_and_leaves_no_half_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _shim(tmp_path, monkeypatch, f"echo x >> {tmp_path}/runs; echo kaputt >&2; exit 7")
    with pytest.raises(PrintFailed, match="退出码 7 kaputt"):
        printing.print_pdf(tmp_path / "a.html", tmp_path / "out" / "a.pdf")
    assert len((tmp_path / "runs").read_text().split()) == printing.TRIES
    assert list((tmp_path / "out").iterdir()) == []


@needs_chromium
def test_a_hostile_page_reaches_no_listener_and_no_other_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hits: list[str] = []
        listener.settimeout(0.2)
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                try:
                    hits.append(str(listener.accept()[1]))
                except TimeoutError:
                    continue

        watcher = threading.Thread(target=watch)
        watcher.start()
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
        secret = tmp_path / "secret.txt"
        secret.write_text("TOPSECRET")
        policy = (
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        )
        page = tmp_path / "page.html"
        page.write_text(
            f'<html><head><meta charset="utf-8">{policy}</head><body>正文<img src="{host}/i"><iframe src="{host}/f"></iframe>'
            f'<iframe src="{secret.as_uri()}"></iframe><object data="{host}/o"></object><link rel="stylesheet" href="{host}/c">'
            f'<script>fetch("{host}/s");document.write("RAN")</script></body></html>'
        )
        printing.print_pdf(page, tmp_path / "page.pdf")
        stop.set()
        watcher.join()
    text = "".join(poppler.pages(tmp_path / "page.pdf"))
    assert hits == [] and "正" in pdf_text.plain(text) and "TOPSECRET" not in text and "RAN" not in text


def test_unreadable_facts_are_left_out_of_the_archive(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.reports.mkdir()
    for name, body in (("2026-W46-a", json.dumps({"name": "2026-W46-a"})), ("2026-W45-a", "{"), ("odd name", "{}")):
        (settings.reports / f"{name}.json").write_text(body)
        (settings.reports / f"{name}.pdf").write_bytes(b"%PDF-")
    os.remove(settings.reports / "odd name.pdf")
    assert [facts["name"] for facts in archive.every(settings)] == ["2026-W46-a"]


def _flat(outline: Iterable[pikepdf.OutlineItem]) -> Iterator[pikepdf.OutlineItem]:
    for entry in outline:
        yield entry
        yield from _flat(entry.children)
