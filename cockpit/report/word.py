"""The Word twin of a report: prose that may be edited, figures that may not. Owns how a figure is sealed and how a file is
checked against the archive.

Every number of the first pages and every value of the table is a content control (ISO/IEC 29500-1, 17.5.2) that Word does
not let be changed; its tag says which number it is. A control can be taken off by whoever means to, so the seal is the
check: `report verify file.docx` reads the file and names every figure that is not what the archive holds."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as Made
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from cockpit.presentation import texts
from cockpit.report import archive
from cockpit.report.bulletin import Imprint, prose
from warehouse.core.errors import UsageError

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")
"""What is sealed in a sentence."""
SONG, FANG, HEI = "方正小标宋简体", "仿宋", "黑体"
RED = RGBColor(0xB8, 0x28, 0x2F)
MOST_BYTES, MOST_UNPACKED = 20 << 20, 100 << 20
POINT, FIGURE = "sentence", "figure"


@dataclass
class Verdict:
    """What a check of a file found. altered, gone: figures that differ, and that are no longer there, in Chinese; free:
    numbers in the prose that nothing vouches for."""

    report: str
    checked: int = 0
    altered: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)


def make(facts: archive.Facts, imprint: Imprint) -> bytes:
    """The file. Raises UsageError for a report from before its sentences were archived."""
    lead = _lead(facts)
    document = Document()
    document.core_properties.identifier = facts["name"]
    document.core_properties.title = archive.title(facts)
    document.core_properties.author = texts.BUREAU
    _page(document)
    _head(document, facts, imprint, lead)
    number = iter(range(len(prose(lead))))
    for heading, name in (("要点", "points"), ("需要关注", "needs"), ("上期交办落实", "settled"), ("数据情况", "data")):
        said = lead[name] if isinstance(lead[name], list) else [lead[name]]
        if not any(said):
            continue
        _line(document, heading, HEI, indent=True)
        for text in said:
            _sealed(_line(document, "", FANG, indent=True), text, next(number))
    _foot(document, imprint)
    _table(document, facts)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def report_of(content: bytes) -> str:
    """The name of the report that a file is the twin of. Raises UsageError for what is no such file."""
    name = str(_opened(content).core_properties.identifier or "")
    if not archive.NAME.fullmatch(name):
        raise UsageError("这不是驾驶舱生成的报告文件，没有写明是哪一期", to_do="请核对文件；只核对由驾驶舱下载的 .docx")
    return name


def check(content: bytes, facts: archive.Facts, imprint: Imprint) -> Verdict:
    """Compares every figure in a file with the archive. Raises UsageError for what cannot be read."""
    wanted, verdict = dict(_wanted(facts)), Verdict(facts["name"])
    found: dict[str, list[str]] = {}
    for tag, text in _controls(_opened(content)):
        found.setdefault(tag, []).append(text)
    for tag, (name, should) in wanted.items():
        shown = found.get(tag)
        if shown is None:
            verdict.gone.append(f"{name}：应为 {should}，文件里已删去")
            continue
        verdict.checked += 1
        verdict.altered += [f"{name}：应为 {should}，文件里是 {text or '空白'}" for text in shown if text != should]
    usual = _numbers_outside(_opened(make(facts, imprint)))
    verdict.free = [one for one in _numbers_outside(_opened(content)) if one not in usual]
    return verdict


def _lead(facts: archive.Facts) -> dict[str, Any]:
    lead = facts.get("lead")
    if not isinstance(lead, dict):
        raise UsageError("这期报告归档时还没有文字稿", where=archive.title(facts), to_do="请重新打印这一期，或使用 PDF")
    return lead


def _wanted(facts: archive.Facts) -> Iterator[tuple[str, tuple[str, str]]]:
    """Tag → what a person calls the figure, and what it has to be."""
    for index, sentence in enumerate(prose(_lead(facts))):
        for place, match in enumerate(NUMBER.finditer(sentence)):
            before = sentence[max(0, match.start() - 12) : match.start()]
            yield f"{POINT}:{index}:{place}", (f"“{before}…”", match[0])
    for metric, stored in facts["figures"].items():
        yield f"{FIGURE}:{metric}", (stored["label"], stored["text"])


def _opened(content: bytes) -> Made:
    unreadable = UsageError("文件打不开，不是 Word 文档（.docx）或已损坏", to_do="请核对文件")
    if len(content) > MOST_BYTES:
        raise UsageError(f"文件超过 {MOST_BYTES >> 20} MB", to_do="请核对文件")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
                raise unreadable
        return Document(io.BytesIO(content))
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError, SyntaxError) as error:
        raise unreadable from error


def read(file: Path) -> bytes:
    """The content of a file on disk. Raises UsageError where it cannot be read or is too large."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UsageError(f"文件超过 {MOST_BYTES >> 20} MB", where=str(file), to_do="请核对文件")
        return file.read_bytes()
    except OSError as error:
        raise UsageError("文件读不出来", where=str(file), to_do="请核对路径与权限") from error


def _controls(document: Made) -> Iterator[tuple[str, str]]:
    for control in document.element.body.iter(qn("w:sdt")):
        tag = control.find(f"{qn('w:sdtPr')}/{qn('w:tag')}")
        if tag is not None:
            yield str(tag.get(qn("w:val"))), "".join(text.text or "" for text in control.iter(qn("w:t")))


def _numbers_outside(document: Made) -> list[str]:
    """Numbers that stand in no control, in order."""
    found: list[str] = []
    for paragraph in document.element.body.iter(qn("w:p")):
        loose = "".join(
            text.text or "" for text in paragraph.iter(qn("w:t")) if next(text.iterancestors(qn("w:sdt")), None) is None
        )
        found += NUMBER.findall(loose)
    return found


def _page(document: Made) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)


def _head(document: Made, facts: archive.Facts, imprint: Imprint, lead: dict[str, Any]) -> None:
    _line(document, "内部资料　注意保存", HEI)
    name = _line(document, f"{texts.BRAND}{archive.label(facts)}", SONG, size=36, centred=True)
    name.runs[0].font.color.rgb = RED
    _line(document, imprint.issue, FANG, centred=True)
    _line(document, f"{texts.BUREAU}　　{imprint.date}", FANG)
    _line(document, lead["title"], SONG, size=22, centred=True)
    if imprint.note:
        _line(document, f"按语：{imprint.note}", "楷体", indent=True)


def _foot(document: Made, imprint: Imprint) -> None:
    for verb, whom in imprint.to.items():
        if whom:
            _line(document, f"{verb}：{whom}", FANG, size=14)
    hands = "　".join(f"{role}：{name}" for role, name in imprint.hands.items())
    if hands:
        _line(document, hands, FANG, size=14)


def _table(document: Made, facts: archive.Facts) -> None:
    """附件 1: every figure of the report."""
    title = _line(document, f"附件1　{_lead(facts)['annexes'][0]}", HEI)
    title.paragraph_format.page_break_before = True
    table = document.add_table(rows=1, cols=2)
    table.style = "Table Grid"
    for cell, word in zip(table.rows[0].cells, ("指标", "数值"), strict=True):
        _run(cell.paragraphs[0], word, HEI, 10.5)
    for metric, stored in facts["figures"].items():
        label, shown = table.add_row().cells
        _run(label.paragraphs[0], stored["label"], FANG, 10.5)
        _control(shown.paragraphs[0], stored["text"], f"{FIGURE}:{metric}", stored["label"], HEI, 10.5)


def _line(
    document: Made, text: str, face: str, *, size: float = 16, centred: bool = False, indent: bool = False
) -> Paragraph:
    paragraph = document.add_paragraph()
    shape = paragraph.paragraph_format
    shape.space_before = shape.space_after = Pt(0)
    shape.line_spacing = Pt(29 if size <= 16 else size * 1.45)
    shape.first_line_indent = Pt(2 * size) if indent else None
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centred else WD_ALIGN_PARAGRAPH.JUSTIFY
    if text:
        _run(paragraph, text, face, size)
    return paragraph


def _run(paragraph: Paragraph, text: str, face: str, size: float) -> None:
    run = paragraph.add_run(text)
    run.font.name, run.font.size = face, Pt(size)
    for fonts in run._element.iter(qn("w:rFonts")):
        fonts.set(qn("w:eastAsia"), face)  # what Word sets Han in


def _sealed(paragraph: Paragraph, sentence: str, index: int) -> None:
    """A sentence whose numbers are controls."""
    at = 0
    for place, match in enumerate(NUMBER.finditer(sentence)):
        if match.start() > at:
            _run(paragraph, sentence[at : match.start()], FANG, 16)
        _control(paragraph, match[0], f"{POINT}:{index}:{place}", "数字", FANG, 16)
        at = match.end()
    if at < len(sentence):
        _run(paragraph, sentence[at:], FANG, 16)


def _control(paragraph: Paragraph, text: str, tag: str, alias: str, face: str, size: float) -> None:
    """A locked content control around a run."""
    _run(paragraph, text, face, size)
    run = paragraph.runs[-1]._element
    control, facts, content = (OxmlElement(f"w:{name}") for name in ("sdt", "sdtPr", "sdtContent"))
    for name, value in (("alias", alias), ("tag", tag), ("lock", "sdtContentLocked")):
        part = OxmlElement(f"w:{name}")
        part.set(qn("w:val"), value)
        facts.append(part)
    run.addprevious(control)
    content.append(run)
    control.append(facts)
    control.append(content)
