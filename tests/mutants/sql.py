"""Places in a SELECT that a small mistake could be in, found by DuckDB's tokens; the rest of the text stays as it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import sqlglot
from sqlglot.tokens import Token, TokenType

from tests.mutants.mutant import Place

BOUNDARY = {TokenType.GT: ">=", TokenType.GTE: ">", TokenType.LT: "<=", TokenType.LTE: "<"}
EXTREMES = {
    "min": "max",
    "arg_min": "arg_max",
    "least": "greatest",
    "bool_or": "bool_and",
    "first_value": "last_value",
}
EXTREMES |= {other: one for one, other in EXTREMES.items()}
OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE}
CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END}
ENDS_A_CONDITION = {"where", "on", "having", "qualify", "when", "then", "else", "end", "group by", "order by", "union"}
ENDS_A_CONDITION |= {"as", "left", "join", "cross", "full", "asof", "anti", "window", "select", "limit", ",", ";"}
OPERAND = {TokenType.VAR, TokenType.NUMBER, TokenType.STRING, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END}


BETWEEN = {",", ".", "desc", "asc"}
"""What stands between the columns to group or order by."""


class Text:
    """The tokens of a SELECT with the depth of each; an AND that belongs to a BETWEEN joins no conditions."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = sqlglot.tokenize(text, read="duckdb")
        self.words = [" ".join(text[token.start : token.end + 1].lower().split()) for token in self.tokens]
        self.depth: list[int] = []
        self.between: set[int] = set()
        depth, waiting = 0, dict[int, int]()
        for index, token in enumerate(self.tokens):
            if token.token_type in CLOSING:
                waiting.pop(depth, None)
                depth -= 1
            self.depth.append(depth)
            if token.token_type in OPENING:
                depth += 1
            elif self.words[index] == "between":
                waiting[depth] = waiting.get(depth, 0) + 1
            elif self.words[index] == "and" and waiting.get(depth):
                waiting[depth] -= 1
                self.between.add(index)

    def word(self, index: int) -> str:
        """The token in lower case; "" beyond the ends."""
        return self.words[index] if 0 <= index < len(self.words) else ""

    def is_joint(self, index: int, *words: str) -> bool:
        return self.word(index) in words and index not in self.between

    def over(self, rule: str, index: int, after: str) -> Place:
        """That token replaced."""
        return Place(rule, self.tokens[index].start, self.tokens[index].end + 1, after)

    def without(self, rule: str, index: int) -> Place:
        """That token and the blank after it left out."""
        return Place(rule, self.tokens[index].start, self.tokens[index + 1].start, "")


def places(text: str) -> list[Place]:
    """Every place of a SELECT (or of an expression) and what each rule makes of it, in the order of the text."""
    whole = Text(text)
    found = [place for index in range(len(whole.tokens)) for place in _at(whole, index)]
    return sorted(found, key=lambda place: (place.start, place.end, place.after))


def parses(text: str) -> bool:
    """True when DuckDB's grammar knows the text as one statement."""
    try:
        return len(sqlglot.parse(text, read="duckdb")) == 1
    except sqlglot.errors.SqlglotError:
        return False


def _at(whole: Text, index: int) -> Iterator[Place]:
    token, word, after = whole.tokens[index], whole.words[index], whole.word(index + 1)
    if token.token_type in BOUNDARY:
        yield whole.over("boundary", index, BOUNDARY[token.token_type])
    elif whole.is_joint(index, "and", "or"):
        yield from _branches(whole, index)
    elif word in EXTREMES and after == "(":
        yield whole.over("extreme", index, EXTREMES[word])
    elif token.token_type in (TokenType.PLUS, TokenType.DASH) and whole.tokens[index - 1].token_type in OPERAND:
        yield whole.over("sign", index, "-" if word == "+" else "+")
    elif token.token_type == TokenType.STRING:
        yield from _texts(whole, index)
    elif token.token_type == TokenType.NUMBER and word.isdigit():
        yield from _numbers(whole, index)
    else:
        yield from _words(whole, index)


def _words(whole: Text, index: int) -> Iterator[Place]:
    token, word, after = whole.tokens[index], whole.words[index], whole.word(index + 1)
    if word == "join" and whole.word(index - 1) == "left":
        yield Place("join", whole.tokens[index - 1].start, token.end + 1, "join")
    elif word == "join" and whole.word(index - 1) not in ("cross", "full", "anti"):
        yield whole.over("join", index, "left join")
    elif word == "distinct" and after != "from":
        yield whole.without("distinct", index)
    elif word == "union" and after not in ("all", "by"):
        yield whole.over("distinct", index, "union all")
    elif word == "not" and after:
        yield whole.without("not", index)
    elif word in ("true", "false"):
        yield whole.over("default" if _is_default(whole, index) else "boolean", index, str(word != "true").lower())
    elif word == "desc":
        yield whole.over("order", index, "asc")
    elif word == "order by":
        last = index + 3 if whole.word(index + 2) == "." else index + 1
        if whole.word(last + 1) in (",", ")", "rows", "range", "nulls", "limit", ""):
            yield Place("order", whole.tokens[last].end + 1, whole.tokens[last].end + 1, " desc")


def _branches(whole: Text, index: int) -> Iterator[Place]:
    """The condition on the right of an AND or OR left out, and of the first of several the one on its left."""
    joints = ("and", "or") if whole.words[index] == "and" else ("or",)
    depth, last, first = whole.depth[index], index, index
    while (at := last + 1) < len(whole.tokens) and not _ends(whole, at, depth, joints):
        last = at
    while (at := first - 1) >= 0 and not _ends(whole, at, depth, joints):
        first = at
    yield Place("branch", whole.tokens[index].start, whole.tokens[last].end + 1, "")
    if not (first and whole.is_joint(first - 1, *joints)):
        yield Place("branch", whole.tokens[first].start, whole.tokens[index + 1].start, "")


def _ends(whole: Text, index: int, depth: int, joints: tuple[str, ...]) -> bool:
    if whole.depth[index] < depth:
        return True
    if whole.depth[index] > depth or (whole.words[index] == "end" and whole.depth[index] == depth):
        return False
    return whole.is_joint(index, *joints) or whole.words[index] in ENDS_A_CONDITION


def _is_default(whole: Text, index: int) -> bool:
    """True for the last argument of a coalesce (a date's text included)."""
    if whole.word(index + 1) != ")":
        return False
    depth, at = whole.depth[index], index
    while at > 0 and whole.depth[at] >= depth:
        at -= 1
    return whole.word(at) == "(" and whole.word(at - 1) == "coalesce"


def _texts(whole: Text, index: int) -> Iterator[Place]:
    token = whole.tokens[index]
    if whole.word(index - 1) == "date":
        day = dt.date.fromisoformat(token.text)
        step = -1 if day.year == 9999 else 1
        yield whole.over("day", index, f"'{day + dt.timedelta(days=step)}'")
    elif _is_default(whole, index):
        yield whole.over("default", index, f"'{token.text}？'")


def _numbers(whole: Text, index: int) -> Iterator[Place]:
    """A number one greater and one smaller, but for those that count nothing: digits of a rounding, columns to group
    by, how many rows a list shows."""
    number = int(whole.words[index])
    if whole.word(index - 1) == "interval":
        rule = "day" if whole.word(index + 1).startswith("day") else "constant"
        yield whole.over(rule, index, str(number + 1))
        return
    if _is_default(whole, index):
        if _function(whole, index) != "round":
            yield whole.over("default", index, str(number + 1))
        return
    if _function(whole, index) in ("round", "decimal") or _is_ordinal(whole, index) or whole.word(index - 1) == "limit":
        return
    yield whole.over("constant", index, str(number + 1))
    if number > 1:
        yield whole.over("constant", index, str(number - 1))


def _function(whole: Text, index: int) -> str:
    """The function whose second or later argument the token is, "" for a first one."""
    depth, at, is_first = whole.depth[index], index - 1, True
    while at >= 0 and whole.depth[at] >= depth:
        is_first = is_first and not (whole.words[at] == "," and whole.depth[at] == depth)
        at -= 1
    name = whole.word(at - 1) if whole.word(at) == "(" else ""
    return name if not is_first or name == "decimal" else ""


def _is_ordinal(whole: Text, index: int) -> bool:
    """Whether a number names a column to group or order by, also after others by their names."""
    at = index - 1
    if whole.word(at) not in (",", "group by", "order by"):
        return False
    while at >= 0 and (whole.tokens[at].token_type in (TokenType.VAR, TokenType.NUMBER) or whole.words[at] in BETWEEN):
        at -= 1
    return whole.word(at) in ("group by", "order by")
