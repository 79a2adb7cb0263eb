"""The Word twin: prose may be edited, and every figure that is not the archive's is named."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from docx import Document
from docx.oxml.ns import qn
from flask import Flask

from cockpit.report import archive, bulletin, commands, content, signing, word
from tests.cockpit.report.test_archive import PDF, facts
from tests.cockpit.signing_in import sign_in
from warehouse.core.errors import ContractBroken, UsageError
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

REPORT = "2026-W47-g2"
Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def lead(published: Path) -> dict[str, Any]:
    issue = content.build(SnapshotStore(published).current(Scope.ALL), "2026-W47")
    return {"lead": {**issue.context["lead"], "annexes": list(bulletin.ANNEXES)}, "figures": issue.figures}


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def told(lead: dict[str, Any]) -> archive.Facts:
    return {**facts("2026-W47", "g2"), **lead, "stage": "review", "issue": ""}


def changed(content_: bytes, change: Change) -> bytes:
    document = Document(io.BytesIO(content_))
    change(document.element.body)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def control(body: Any, tag: str) -> Any:
    return next(one for one in body.iter(qn("w:sdt")) if one.find(f".//{qn('w:tag')}").get(qn("w:val")) == tag)


def write(text: str, tag: str) -> Change:
    def change(body: Any) -> None:
        next(control(body, tag).iter(qn("w:t"))).text = text

    return change


def test_every_figure_is_sealed_and_an_untouched_file_passes(told: archive.Facts) -> None:
    made = word.make(told, bulletin.Imprint())
    verdict = word.check(made, told, bulletin.Imprint())
    numbers = sum(len(word.NUMBER.findall(text)) for text in bulletin.prose(told["lead"]))
    assert (verdict.altered, verdict.gone, verdict.free) == ([], [], [])
    assert verdict.checked == numbers + len(told["figures"]) > 60
    locks = [one.get(qn("w:val")) for one in Document(io.BytesIO(made)).element.body.iter(qn("w:lock"))]
    assert len(locks) == verdict.checked and set(locks) == {"sdtContentLocked"}
    shown = "".join(text.text or "" for text in Document(io.BytesIO(made)).element.body.iter(qn("w:t")))
    assert all(text in shown for text in bulletin.prose(told["lead"]))


def test_an_altered_figure_a_lost_one_and_a_new_number_are_named(told: archive.Facts) -> None:
    made, imprint = word.make(told, bulletin.Imprint()), bulletin.Imprint()
    label, text = (told["figures"]["fleet_online_rate"][name] for name in ("label", "text"))
    verdict = word.check(changed(made, write("99.9 %", "figure:fleet_online_rate")), told, imprint)
    assert verdict.altered == [f"{label}：应为 {text}，文件里是 99.9 %"] and verdict.gone == []
    verdict = word.check(changed(made, write("7", "sentence:0:0")), told, imprint)
    assert len(verdict.altered) == 1 and "文件里是 7" in verdict.altered[0]

    def lose(body: Any) -> None:
        one = control(body, "figure:fleet_online_rate")
        one.getparent().remove(one)

    assert word.check(changed(made, lose), told, imprint).gone == [f"{label}：应为 {text}，文件里已删去"]

    def add(body: Any) -> None:
        loose = next(one for one in body.iter(qn("w:t")) if next(one.iterancestors(qn("w:sdt")), None) is None)
        loose.text = f"{loose.text}，另增 321 辆"

    verdict = word.check(changed(made, add), told, imprint)
    assert verdict.free == ["321"] and verdict.altered == []


def test_words_may_be_edited(told: archive.Facts) -> None:
    def edit(body: Any) -> None:
        for one in body.iter(qn("w:t")):
            if next(one.iterancestors(qn("w:sdt")), None) is None and one.text and not word.NUMBER.search(one.text):
                one.text = "改过的文字"

    made = changed(word.make(told, bulletin.Imprint()), edit)
    verdict = word.check(made, told, bulletin.Imprint())
    assert (verdict.altered, verdict.gone, verdict.free) == ([], [], [])


@pytest.mark.parametrize("content_", [b"", b"PK\x03\x04 half", b"%PDF-1.7", b"\0" * 64])
def test_what_is_no_such_file_is_refused_in_words(content_: bytes) -> None:
    with pytest.raises(UsageError, match="不是 Word 文档"):
        word.report_of(content_)


def test_a_word_file_of_somebody_else_names_no_report() -> None:
    made = io.BytesIO()
    Document().save(made)
    with pytest.raises(UsageError, match="没有写明是哪一期"):
        word.report_of(made.getvalue())


def test_the_command_writes_verifies_and_names_one_altered_figure(told: archive.Facts, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")
    settings.reports.mkdir(parents=True)
    (tmp_path / "report.pdf").write_bytes(PDF)
    archive.keep(settings, tmp_path / "report.pdf", told, by="li")
    file, data = tmp_path / "week.docx", ["--data", str(settings.data)]
    assert CliRunner().invoke(commands.report, ["word", REPORT, "--out", str(file), *data]).exit_code == 0
    done = CliRunner().invoke(commands.report, ["verify", str(file), *data])
    assert done.exit_code == 0 and "处数字与归档相同" in done.output
    file.write_bytes(changed(file.read_bytes(), write("99.9 %", "figure:fleet_online_rate")))
    done = CliRunner().invoke(commands.report, ["verify", str(file), *data])
    assert isinstance(done.exception, ContractBroken) and "1 处与归档不同" in str(done.exception)
    assert told["figures"]["fleet_online_rate"]["label"] in str(done.exception)
    plain = archive.keep(settings, _pdf(tmp_path), facts("2026-W46", "g1"), by="li")
    with pytest.raises(UsageError, match="还没有文字稿"):
        word.make(plain, signing.plain(settings.options.bulletin))


def _pdf(folder: Path) -> Path:
    (folder / "other.pdf").write_bytes(PDF)
    return folder / "other.pdf"


def test_the_archive_gives_it_out_and_writes_that_down(
    server: Flask, data: Path, told: archive.Facts, tmp_path: Path
) -> None:
    settings = Settings(data)
    settings.reports.mkdir(exist_ok=True)
    archive.keep(settings, _pdf(tmp_path), told, by="li")
    wang = sign_in(server.test_client(), data, "leader", "wang")
    assert f"/reports/{REPORT}.docx" in wang.get("/reports").get_data(as_text=True)
    answer = wang.get(f"/reports/{REPORT}.docx")
    assert answer.status_code == 200 and word.report_of(answer.data) == REPORT
    assert [who for _, who in archive.opened(settings)[REPORT]] == ["wang"]
    assert wang.get("/reports/2026-W40-none.docx").status_code == 404
