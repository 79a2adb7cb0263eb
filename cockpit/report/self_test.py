"""The self-test of a printed report: nothing is released that fails it. Reads the PDF as a reader would and compares it
with readings taken anew from the same generation; changes nothing.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np

from cockpit.casework import permalinks
from cockpit.presentation import format as fmt
from cockpit.presentation.theme import LIGHT
from cockpit.report import bulletin, content, paper_text, pdf_text, poppler, proofreading, typefaces
from cockpit.report.bulletin import ANNEXES
from cockpit.report.content import Issue
from warehouse.catalog.schema import GROUPS
from warehouse.query import periods
from warehouse.query.snapshot import Snapshot

MIN_PAGES, MAX_PAGES = 4, 60
BULLETIN_PAGES = 2
HALF = 0.5
MARK, MARK_PT, MARK_TOLERANCE_PT = "注意保存", 15.8, 0.4
"""Words of the letterhead in 3号, and how wide a character of them is: 16 pt less the letter-spacing."""
DPI, POINTS_PER_INCH = 96, 72
"""At 60 the ring of a chart of one point is eight pixels or seven, as it falls."""
CHART_BELOW_CAPTION_PT = (26, 108)
"""Where a chart lies under the words 图n of its heading, from..to in points."""
MIN_INK_PX = 8
"""A lone known value is a dot of about 15 pixels; a chart that failed has none."""
INK_TOLERANCE = 48
CHINESE = re.compile("[\u4e00-\u9fff]")
LOST_SHOWN = 40
NO_FONTS = Path("/nonexistent")
TITLES = ("要点", "核心指标", "需要关注", "督办", "数据修订", "指标口径", "数据质量")
HEADINGS = (*TITLES, *GROUPS.values())
"""With which a page must not end; the first is 本周要点, 本月要点 or 本季要点."""


def faults(pdf: Path, html: str, issue: Issue, book: Snapshot, own_fonts: Path | None = None) -> list[str]:
    """Every reason not to release `pdf`, in Chinese; empty when it is sound. own_fonts: the bureau's own faces. Raises
    PrintFailed without poppler."""
    texts = poppler.pages(pdf)
    whole = "".join(texts)
    if len(texts) >= MIN_PAGES and (blank := no_chinese(whole, html)):  # all else would only be what follows from it
        return blank
    found = _pages(texts, issue)
    found += _scale(pdf) + _half_empty(pdf, texts)
    found += [f"缺少“{title}”一节" for title in TITLES if title not in whole]
    found += [f"缺少附件{n}" for n, title in enumerate(ANNEXES, 1) if f"附件{n}{title}" not in whole]
    found += _figures(texts, issue, book)
    found += glyphs(pdf, whole, html, own_fonts)
    if not issue.draft:  # what a draft lacks has to reach the person on duty, however its source is called
        found += [str(fault) for fault in proofreading.faults(paper_text.read(html, poppler.lines(pdf)))]
    return found + ink(pdf, issue.charts)


def no_chinese(whole: str, html: str) -> list[str]:
    """Why a paper without a single Chinese character is no paper; [] for one with."""
    return (
        []
        if CHINESE.search(whole)
        else [f"中文字体缺失：{len(_lost(whole, html))} 种字没有印出来，请安装 fonts-noto-cjk"]
    )


def glyphs(pdf: Path, whole: str, html: str, own_fonts: Path | None) -> list[str]:
    """Characters that were lost, cannot be searched or come from nowhere, and fonts that are not in the file. whole: the
    text of the paper."""
    lost, odd = _lost(whole, html), sorted(set(pdf_text.ODD.findall(whole)))
    found = [f"缺字：{lost[:LOST_SHOWN]}"] if lost else []
    found += [f"无法检索的字：{''.join(odd)}"] if odd else []
    inside, all_fonts = poppler.fonts(pdf)
    if not all_fonts or inside < all_fonts:
        found.append(f"{all_fonts - inside} 个字体没有嵌入")
    strange = typefaces.strangers(whole, own_fonts or NO_FONTS)
    return found + ([f"有字落到版式以外的字体：{strange[:LOST_SHOWN]}"] if strange else [])


def _pages(texts: list[str], issue: Issue) -> list[str]:
    found = []
    if not MIN_PAGES <= len(texts) <= MAX_PAGES:
        found.append(f"页数 {len(texts)} 不在 {MIN_PAGES}–{MAX_PAGES} 之间")
    for number, text in enumerate(texts, 1):
        if f"—{number}—" not in text or issue.generation not in text:
            found.append(f"第 {number} 页没有页码或快照号")
        if number != BULLETIN_PAGES and text.endswith(
            HEADINGS
        ):  # the frame of the page comes first in its text, so this is the last line above the foot
            found.append(f"第 {number} 页以标题结尾，内容在下一页")
    if not texts[BULLETIN_PAGES:] or bulletin_end(texts) != BULLETIN_PAGES:
        found.append(f"公文部分不是 {BULLETIN_PAGES} 页")
    return found


def _scale(pdf: Path) -> list[str]:
    """The browser prints everything smaller when something is wider than the page: then 3号 is no longer 16 pt."""
    printed = poppler.width(pdf, MARK)
    is_whole = printed is not None and abs(printed / len(MARK) - MARK_PT) < MARK_TOLERANCE_PT
    return [] if is_whole else ["版面被缩小：有内容比页面宽"]


def _half_empty(pdf: Path, texts: list[str]) -> list[str]:
    """Pages that end above the middle although their annex goes on."""
    ends = {number for number, text in enumerate(texts) if re.search(r"附件\d" + f"(?:{'|'.join(ANNEXES)})", text)}
    return [
        f"第 {number} 页下半页是空的"
        for number, depth in enumerate(poppler.depths(pdf), 1)
        if BULLETIN_PAGES < number < len(texts) and number not in ends and depth < HALF
    ]


def bulletin_end(texts: list[str]) -> int:
    """The number of pages before the first annex; all of them where there is none."""
    first = f"附件1{ANNEXES[0]}"
    return next((number for number, text in enumerate(texts) if first in text), len(texts))


def _figures(texts: list[str], issue: Issue, book: Snapshot) -> list[str]:
    """Wherever the paper tells a number (core table, what needs a look, its section) it must print, after the label,
    exactly what the generation answers when asked again; and the points must be printed as they were made."""
    core, attention, sections = _places("".join(texts))
    noted = {entry["metric"]: entry for entry in issue.context["attention"]}
    found = []
    for metric, archived in issue.figures.items():
        again = periods.read(book, book.metrics[metric], issue.window, issue.at)
        shown = str(fmt.reading(again, book.metrics[metric].decimals))
        if again.value != archived["value"] or shown != archived["text"]:
            found.append(f"{again.label}：同一快照两次读数不同")
        line = content.row(book.metrics[metric], again, issue.window, issue.at)
        row = f"{again.label}{line['period']}{shown}"
        wanted = [("核心指标表", core, row), ("分组页", sections, row)]
        if metric in noted:
            wanted.append(("需要关注表", attention, f"{again.label}{shown}{noted[metric]['target']}"))
        if permalinks.spaced(permalinks.id_of(permalinks.address_of(again))) not in core:
            found.append(f"{again.label}：没有印出溯源码")
        found += [
            f"{again.label}：{name}没有 {shown}" for name, text, words in wanted if "".join(words.split()) not in text
        ]
    stated = ["".join(text.split()) for text in bulletin.prose(issue.context["lead"])]
    return found + [f"要点与读数不符：{text[:20]}…" for text in stated if not _stands(text, texts)]


def _stands(sentence: str, texts: list[str]) -> bool:
    """Whether a page prints it, or one begins it and the next goes on with it below its frame."""
    return any(sentence in text for text in texts) or any(
        above.endswith(sentence[:at]) and sentence[at:] in below
        for above, below in pairwise(texts)
        for at in range(1, len(sentence))
    )


def _places(whole: str) -> tuple[str, str, str]:
    """The text of the core table, of 需要关注 and of the sections by group; all of it where a heading is not found,
    which is a fault by itself."""
    marks, at = [], -1
    for title in (f"附件1{ANNEXES[0]}", "核心指标", "需要关注", "督办", f"附件2{ANNEXES[1]}", "数据修订"):
        at = whole.find(title, at + 1)
        if at < 0:
            return whole, whole, whole
        marks.append(at)
    return whole[marks[0] : marks[2]], whole[marks[2] : marks[3]], whole[marks[4] : marks[5]]


def _lost(whole: str, html: str) -> str:
    """Characters of the page that did not reach the text of the PDF: the font has no glyph for them."""
    reader = _Words()
    reader.feed(html)
    return "".join(sorted(set("".join("".join(reader.words).split())) - set(whole)))


class _Words(HTMLParser):
    """The visible words of a page: no style, no title of the window."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.muted += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self.muted -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self.muted:
            self.words.append(data)


def ink(pdf: Path, charts: int) -> list[str]:
    """Every chart must show its line: enough pixels of the accent colour below its caption."""
    accent = np.array([int(LIGHT["fleet"][i : i + 2], 16) for i in (1, 3, 5)])
    top, bottom = (int(p * DPI / POINTS_PER_INCH) for p in CHART_BELOW_CAPTION_PT)
    seen, bare = 0, []
    for number, captions in enumerate(poppler.captions(pdf), 1):
        if not captions:
            continue
        near = (np.abs(poppler.raster(pdf, number, DPI).astype(int) - accent) < INK_TOLERANCE).all(axis=2)
        for y, name in captions:
            seen += 1
            line = int(y * DPI / POINTS_PER_INCH)
            if near[line + top : line + bottom].sum() < MIN_INK_PX:
                bare.append(name)
    found = [f"图 {name} 没有画出来" for name in bare]
    return found + ([f"应有 {charts} 张图，纸面上有 {seen} 张"] if seen != charts else [])
