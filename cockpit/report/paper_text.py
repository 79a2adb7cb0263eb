"""A report as text that can be proofread: the blocks of its HTML (paragraphs, headings, cells) with what they are, and the
lines of the printed pages. Pure; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

BLOCKS = frozenset({"p", "li", "h1", "h2", "h3", "td", "th", "dt", "dd", "aside"})
CELLS = frozenset({"td", "th"})
MUTED = frozenset({"style", "title", "svg"})
VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})
APART = frozenset({"small", "span", "em", "br"})
"""Inline parts that stand apart from what is before them."""


@dataclass
class Block:
    """One paragraph, heading or cell. is_cell: of a table; is_bulletin: on the first two pages; is_definition: where
    identifiers and formulas may stand; is_quoted: words that somebody else chose (names of sources, reasons, people)."""

    text: str
    is_cell: bool = False
    is_bulletin: bool = False
    is_definition: bool = False
    is_quoted: bool = False


@dataclass
class Paper:
    """blocks in order; figures: (what names a number, its text) wherever a number is marked by its metric; lines: of the
    printed pages, each page's own."""

    blocks: list[Block] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)


def read(html: str, lines: list[list[str]] | None = None) -> Paper:
    """The blocks of a page; lines: of the paper printed from it, as poppler.lines gives them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    made = [replace(one, text=" ".join(one.text.split())) for one in reader.done]
    figures = [(name, " ".join(text.split())) for name, text in reader.figures]
    return Paper([one for one in made if one.text], figures, lines or [])


class _Reader(HTMLParser):
    """Collects the words of the innermost block; what is muted is not read."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Block] = []
        self.figures: list[tuple[str, str]] = []
        self._open: list[tuple[str, Block | None, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in APART and (block := self._block()) is not None:
            block.text += " "
        if tag in VOID:
            return
        given = dict(attrs)
        names, metric = given.get("class") or "", given.get("data-metric") or ""
        made = None
        if tag in BLOCKS and not self._is_within(MUTED):
            is_bulletin = self._has("bulletin")
            is_quoted = "quoted" in names.split() or (tag in CELLS and self._has("sources"))
            is_definition = is_quoted or any(map(self._has, ("definitions", "sources")))
            made = Block("", tag in CELLS, is_bulletin, is_definition, is_quoted)
            self.done.append(made)
        if metric:
            self.figures.append((metric, ""))
        self._open.append((tag, made, names, metric))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened = self._open.pop()
            if opened[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if self._is_within(MUTED):
            return
        if (block := self._block()) is not None:
            block.text += data
        if any(metric for *_, metric in self._open) and self.figures:
            name, text = self.figures[-1]
            self.figures[-1] = (name, text + data)

    def _block(self) -> Block | None:
        return next((block for _, block, _, _ in reversed(self._open) if block is not None), None)

    def _is_within(self, tags: frozenset[str]) -> bool:
        return any(tag in tags for tag, *_ in self._open)

    def _has(self, name: str) -> bool:
        return any(name in names.split() for _, _, names, _ in self._open)
