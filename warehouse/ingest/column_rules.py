"""What a mapping says of a column beyond its name: parts joined or cut out, words that mean empty, their codes, a value
where nothing is written; and which rows count. Owns the order in which that is done; judges no value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]
DONE_HERE = ("empty", "match", "split", "values", "default")
WHOLE = re.compile(r"-?\d+\.0+", re.ASCII)


def theirs(rule: str | Rule) -> tuple[str, ...]:
    """The source's own columns of which a column of ours is made, in their order."""
    given = rule if isinstance(rule, str) else rule["from"]
    return (given,) if isinstance(given, str) else tuple(given)


def joined(parts: Sequence[Sequence[str | None]], rule: Rule) -> list[str | None]:
    """Several columns as one, row by row, with `join` (a blank) between what is written; None where nothing is."""
    between = rule.get("join", " ")
    return [between.join(filter(None, row)) or None for row in zip(*parts, strict=True)]


def carried_out(values: Iterable[str | None], rule: Rule) -> list[str | None]:
    """Trimmed values after empty, match, split, values and default, in this order. What a rule does not fit stays as it
    is, for the contract to refuse; a part that is not there is empty."""
    known = {name: as_text(word) for name, word in rule.get("values", {}).items()}
    empty, default = set(rule.get("empty", ())), as_text(rule.get("default"))
    return [one if (one := _carried_out(value, rule, known, empty)) is not None else default for value in values]


def _carried_out(value: str | None, rule: Rule, known: dict[str, str | None], empty: set[str]) -> str | None:
    if value is None or value in empty:
        return None
    if "match" in rule and (found := re.search(rule["match"], value)):
        value = (found[1] if found.re.groups else found[0]) or ""
    if "split" in rule:
        parts, take = value.split(rule["split"]), rule.get("take", 1)
        value = parts[take - 1 if take > 0 else take].strip() if abs(take) <= len(parts) else ""
    if not value or value in empty:
        return None
    if value in known:
        return known[value]
    return known.get(whole(value), value)


def whole(value: str) -> str:
    """A code that came as 1.0 is the code 1."""
    return value.partition(".")[0] if WHOLE.fullmatch(value) else value


def as_text(value: object) -> str | None:
    """What is written in a description as the text of a cell; None for nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else whole(str(value)) or None


def accepted(given: object) -> set[str]:
    """The texts that a condition of `where` lets through; "" stands for an empty cell."""
    listed = given if isinstance(given, (list, tuple)) else [given]
    return {as_text(one) or "" for one in listed}


def fits(values: Iterable[str | None], given: object) -> list[bool]:
    """Row by row, whether a condition of `where` lets a value through."""
    known = accepted(given)
    return [whole((value or "").strip()) in known for value in values]
