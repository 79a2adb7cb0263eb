"""Places in an indicator's file that a small mistake could be in: its expressions, and the keys that decide what a
number means."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.mutants import sql
from tests.mutants.mutant import Place

MARTS = Path(__file__).resolve().parents[2] / "warehouse" / "marts"
LINE = re.compile(r'^(?P<key>\w+|"[^"\n]+") = (?P<value>.+)$', re.M)
EXPRESSIONS = ("numerator", "denominator", "where", "present")
FILTER = re.compile(r" FILTER \((?:[^()]|\([^()]*\))*\)")
FLOORS = ("min_den", "min_cell", "lookback_days")
FLAGS = ("cumulative", "events", "newest", "hide_num", "through")


def places(text: str) -> list[Place]:
    """Every place of an indicator's file and what each rule makes of it, in the order of the text."""
    parts = text.find("\n[parts]")
    parts = len(text) if parts < 0 else parts
    lines = {found["key"]: found for found in LINE.finditer(text, 0, parts)}
    changed = text.find("\n[[", parts)
    own = list(LINE.finditer(text, parts, changed if changed >= 0 else len(text))) if parts < len(text) else []
    single = _single(lines["mart"]["value"].strip('"'), lines["kind"]["value"].strip('"')) if "mart" in lines else ""
    found = [place for line in (*lines.values(), *own) for place in _of_line(line, is_part=line in own)]
    counted = f"DISTINCT {single})"
    found = [place for place in found if place.rule != "distinct" or not text.startswith(counted, place.start)]
    if "denominator" in lines:
        found.append(_swap(text, lines["numerator"], lines["denominator"]))
    return sorted(found, key=lambda place: (place.start, place.end, place.after))


@cache
def _single(mart: str, kind: str) -> str:
    """The column of which a mart holds one row on any day, "" for none: whoever reads one day of it counts it once
    without a word."""
    file = MARTS / f"{mart}.toml"
    grain = tomllib.loads(file.read_text("utf-8"))["grain"] if file.exists() else []
    things = [name for name in grain if name not in ("day", "from_day")]
    return things[0] if kind in ("stock", "state") and len(things) == 1 else ""


def _swap(text: str, one: re.Match[str], other: re.Match[str]) -> Place:
    first, second = sorted((one, other), key=lambda line: line.start())
    between = text[first.end("value") : second.start("value")]
    return Place("swap", first.start("value"), second.end("value"), second["value"] + between + first["value"])


def _of_line(line: re.Match[str], *, is_part: bool) -> Iterator[Place]:
    key, value, start = line["key"], line["value"], line.start("value")
    gone = (line.start(), line.end() + 1, "")
    if is_part or key in EXPRESSIONS:
        yield from _of_expression(value[1:-1], start + 1)
    if is_part:
        yield Place("parts", *gone)
    elif key == "where":
        yield Place("filter", *gone)
    elif key == "better" and value != '"context"':
        yield Place("better", start, line.end(), '"down"' if value == '"up"' else '"up"')
    elif key == "scale":
        yield Place("scale", start, line.end(), str(int(value) * 10))
    elif key in FLOORS:
        yield Place("floor", start, line.end(), str(int(value) + 1))
        yield Place("floor", start, line.end(), str(int(value) - 1))
    elif key in FLAGS:
        yield Place("flag", *gone)


def _of_expression(expression: str, start: int) -> Iterator[Place]:
    for place in sql.places(expression):
        yield place._replace(start=place.start + start, end=place.end + start)
    for found in FILTER.finditer(expression):
        yield Place("filter", start + found.start(), start + found.end(), "")
    for found in re.finditer(r"\bsum\(", expression):
        yield Place("count", start + found.start(), start + found.end(), "count(")
