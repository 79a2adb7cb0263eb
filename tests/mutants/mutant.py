"""One small change of one file: where it is and what stands there instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RULES = {
    "boundary": "边界",
    "branch": "少一个条件",
    "join": "连接方式",
    "distinct": "不去重",
    "extreme": "最大与最小",
    "sign": "加与减",
    "constant": "常数差一",
    "day": "日期差一天",
    "default": "缺省值",
    "not": "少一个非",
    "order": "次序",
    "boolean": "真与假",
    "swap": "分子分母对调",
    "filter": "少一个筛选",
    "better": "好坏方向",
    "count": "求和变计数",
    "floor": "下限差一",
    "scale": "倍数",
    "parts": "少一个副值",
    "flag": "少一个标记",
    "compare": "相等与不等",
    "logic": "且与或",
    "return": "没有结果",
}
"""Each rule with the words of the report."""


class Place(NamedTuple):
    """A part of a text, from start to before end, and what a rule puts there."""

    rule: str
    start: int
    end: int
    after: str


@dataclass(frozen=True)
class Mutant:
    """A file with one change. kind: sql, toml or python; before, after: the lines it concerns, without indentation."""

    kind: str
    file: str
    place: Place
    line: int
    before: str
    after: str

    def applied(self, text: str) -> str:
        """The whole text with the change."""
        return text[: self.place.start] + self.place.after + text[self.place.end :]

    @property
    def key(self) -> tuple[str, str, str]:
        """What known.toml names it by: it stays the same when the lines above it move."""
        return self.file, self.before, self.after


def of_text(kind: str, file: str, text: str, place: Place) -> Mutant:
    """The mutant that a place of a file's text makes."""
    first = text.rfind("\n", 0, place.start) + 1
    last = text.find("\n", place.end)
    last = len(text) if last < 0 else last
    before = " ".join(text[first:last].split())
    after = " ".join((text[first : place.start] + place.after + text[place.end : last]).split())
    return Mutant(kind, file, place, text.count("\n", 0, place.start) + 1, before, after)
