"""The proofreader of printed reports: eighteen rules of GB/T 9704, 15834 and 15835 that a machine can hold a paper to.
Part of the release gate: a report that breaks one is not archived. Pure.

A rule finds what is wrong and mends nothing: what it finds is put right where the words are made (the formatter, the
wording, a description), never in the template."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from cockpit.report.paper_text import Block, Paper

HAN = "\u3400-\u9fff"
CLOSING, OPENING = "，。；：、？！）”》〉〕", "（“《〈〔"
AROUND = 8
"""Characters shown on either side of what is wrong."""
SEAM = 6
"""Characters at the end of two lines that tell a sentence from two short cells."""
CODES = re.compile(
    r"https?://\S+|/[a-z]+(?:/\S*)?"
    r"|\d{8}T\d{6}\w*"  # a snapshot
    r"|[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}"  # 溯源码
    r"|(?:GB|GA|JT|DB\d*|YZ|MH)(?:/T)?\s?\d+(?:\.\d+)?\s?[-—]\s?\d{4}"  # a standard
    r"|\d{4}-\d{2}(?:-\d{2})?(?!\d)"  # a date of GB/T 7408
    r"|(?<!\d)\d{2}-\d{2}(?!\d)"  # a day in a table
    r"|(?:GB|GA|JT|DB\d*)/?T?\s?\d+"
)
STANDS_FOR_CODE = "◇"


@dataclass(frozen=True)
class Fault:
    """A place that breaks a rule. words: what stands there."""

    rule: int
    words: str

    def __str__(self) -> str:
        return f"第 {self.rule} 条（{RULES[self.rule][0]}）：{self.words}"


Find = Callable[[Paper], Iterator[str]]


def faults(paper: Paper) -> list[Fault]:
    """Every place at which the paper breaks a rule, rule by rule."""
    return [Fault(number, words) for number, (_, find) in RULES.items() for words in find(paper)]


def of_sentence(text: str) -> list[Fault]:
    """The breaches of a sentence that is to stand in the bulletin."""
    return faults(Paper([Block(text, is_bulletin=True)]))


def everywhere(_: Block) -> bool:
    return True


def in_prose(block: Block) -> bool:
    return not block.is_cell


def in_bulletin(block: Block) -> bool:
    return block.is_bulletin


def outside_definitions(block: Block) -> bool:
    return not block.is_definition


def _pattern(pattern: str, where: Callable[[Block], bool], *, codes: bool = False) -> Find:
    """A rule that is a pattern in the blocks of that kind; codes: also in addresses, standards, dates and ids."""
    return partial(_matches, re.compile(pattern), where, codes)


def _matches(pattern: re.Pattern[str], where: Callable[[Block], bool], codes: bool, paper: Paper) -> Iterator[str]:
    for block in paper.blocks:
        text = block.text if codes else CODES.sub(STANDS_FOR_CODE, block.text)
        if where(block) and not block.is_quoted:
            yield from (_shown(text, match) for match in pattern.finditer(text))


def _shown(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - AROUND) : match.end() + AROUND]


def _line_edges(paper: Paper) -> Iterator[str]:
    for line in (line for page in paper.lines for line in page if len(line) > 1):
        if line[0] in CLOSING:
            yield f"行首 {line[: AROUND * 2]}"
        if line[-1] in OPENING:
            yield f"行末 {line[-AROUND * 2 :]}"


def _dashes(paper: Paper) -> Iterator[str]:
    yield from _pattern(rf"(?<!…)…(?!…)|(?<=[{HAN}])(?<!—)—(?!—)(?=[{HAN}])", everywhere)(paper)
    for above, below in _neighbours(paper):
        if above[-1] == below[0] and below[0] in "—…" and above[-2:-1].strip(" —…▲▼") and below[1:2].strip():
            yield f"{above[-AROUND:]}|{below[:AROUND]}"


def _broken_numbers(paper: Paper) -> Iterator[str]:
    """A number that goes on in the next line: the two ends must be one number in a block, else they are two cells."""
    whole = "\n".join("".join(block.text.split()) for block in paper.blocks)
    for above, below in _neighbours(paper):
        if re.search(r"\d[.,]?$", above) and re.match(r"[.,]?\d|%", below):
            seam = "".join(above.split())[-AROUND:] + "".join(below.split())[:AROUND]
            if len(seam) >= SEAM and re.search(f"[{HAN}]", seam) and seam in whole:
                yield f"{above[-AROUND:]}|{below[:AROUND]}"


def _neighbours(paper: Paper) -> Iterator[tuple[str, str]]:
    for page in paper.lines:
        yield from ((above, below) for above, below in pairwise(page) if above and below)


def _groups(paper: Paper) -> Iterator[str]:
    # a definition may name a hotline or a code
    yield from _pattern(r"(?<![\dA-Za-z.,◇])\d{5,}(?![\dA-Za-z])", outside_definitions)(paper)
    texts = [CODES.sub(STANDS_FOR_CODE, block.text) for block in paper.blocks]
    grouped = any(re.search(r"(?<![\d,])\d,\d{3}(?![\d,])", text) for text in texts)
    loose = rf"(?<![\dA-Za-z.,◇〔])(?!(?:19|20)\d\d)\d{{4}}(?=\s?[{HAN}])"
    if grouped:
        yield from _pattern(loose, everywhere)(paper)


def _dates(paper: Paper) -> Iterator[str]:
    """Tables may have days as 11-23; a sentence of the bulletin has months and days in words."""
    short = r"(?<!\d)\d{2}\s?年\s?\d|年\s?0\d\s?月|月\s?0\d\s?日|\d{4}[./]\d{1,2}[./]\d{1,2}(?!\d)"
    yield from _pattern(rf"{short}|(?<![\d:])\d:\d{{2}}(?!\d)", everywhere, codes=True)(paper)
    yield from _pattern(r"(?<![\d-])\d{2}-\d{2}(?![\d-])", in_bulletin, codes=True)(paper)


def _one_value(paper: Paper) -> Iterator[str]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, text in paper.figures:
        found[name].add("".join(text.split()))
    yield from (f"{name}：{'、'.join(sorted(texts))}" for name, texts in found.items() if len(texts) > 1)


ROUND = (
    r"(?<![\d.,])\d{1,3}(?:,?000){2,}(?!\d)"  # 1,200,000
    rf"|(?<![\d.,])\d{{2,3}},?000(?![\d,])(?=\s?[{HAN}])"  # 12,000 辆
    r"|\d[十百千]万|\d[十百](?=[辆家起次人项件])|\d\s?亿\s?\d[\d.]*\s?万"
)
WORDS = "一二三四五六七八九十"
COUNTED = "个|辆|家|起|次|人|项|件|处|名|天|公里|吨"
RULES: dict[int, tuple[str, Find]] = {
    1: ("汉字之间用全角标点", _pattern(rf'[{HAN}][,;:!?("]|[,;:!?)"][{HAN}]|[{HAN}]\.(?=[{HAN}])', everywhere)),
    2: ("数字、百分号与字母用半角", _pattern(r"[０-９Ａ-Ｚａ-ｚ％．]|\d，\d{3}(?!\d)|\d。\d", everywhere)),
    3: ("行首行末的标点", _line_edges),
    4: ("破折号、省略号占两格、不断行", _dashes),
    5: (
        "范围用～或—，两端都写百分号",
        _pattern(rf"\d%?\s?[-~–]\s?\d+(?:\.\d+)?\s?(?:%|[{HAN}])|\d\s?[～—]\s?\d+(?:\.\d+)?\s?%", everywhere),
    ),
    6: ("一个数不拆到两行", _broken_numbers),
    7: ("尾数为零的大数用万、亿", _pattern(ROUND, in_prose)),
    8: ("五位起分节，四位全文一致", _groups),
    9: ("小数点前的零不省", _pattern(r"(?<![\d)])\.\d", everywhere)),
    10: (
        "比率之差用个百分点",
        _pattern(r"率[^，。；]{0,4}，?(?:上升|下降|提高|降低|升|降)[^，。；\d]{0,3}\d[\d.]*\s?%|\d\s?百分点", in_prose),
    ),
    11: ("不说减少几倍", _pattern(r"(?:减少|降低|下降|缩小|减)了?\s?\d[\d.]*\s?倍|增加\s?\d[\d.]*\s?倍", everywhere)),
    12: ("统计数字用阿拉伯数字", _pattern(rf"[二三四五六七八九十百]{{2,}}(?:{COUNTED})|百分之[{WORDS}百]", in_prose)),
    13: ("日期与时刻的写法", _dates),
    14: ("发文年份用六角括号", _pattern(r"[\[(（［【]\d{4}[\])）］】]\s?第?\d+\s?号|〔\d{4}〕\s?(?:第|0)", everywhere)),
    15: ("序号后的标点", _pattern(rf"第[{WORDS}]、|^[{WORDS}]+[，,.．]|^\d{{1,2}}、|^（[{WORDS}]+）[、，.]", everywhere)),
    16: ("不出现英文标识与编号", _pattern(
        r"[A-Za-z]+_[A-Za-z_]+|(?<![A-Za-z\d])[DF]\d{2}(?!\d)|(?<![A-Za-z])W\d{2}(?!\d)|(?<![A-Za-z./])[a-z]{4,}(?![A-Za-z])",
        outside_definitions)),
    17: ("叙述中的单位用汉字", _pattern(r"\d\s?(?:km[/]h|km|kg|min|ms|h|s|t|m)(?![A-Za-z\d/])", in_prose)),
    18: ("同名的数处处相同", _one_value),
}  # fmt: skip
"""Number → what it is called, and what finds its breaches."""
