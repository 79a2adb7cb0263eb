"""Places in a module that a small mistake could be in, found by its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.mutants.mutant import Place

COMPARE: dict[type[ast.cmpop], tuple[str, str, str]] = {
    ast.Lt: ("boundary", "<", "<="),
    ast.LtE: ("boundary", "<=", "<"),
    ast.Gt: ("boundary", ">", ">="),
    ast.GtE: ("boundary", ">=", ">"),
    ast.Eq: ("compare", "==", "!="),
    ast.NotEq: ("compare", "!=", "=="),
    ast.Is: ("compare", "is", "is not"),
    ast.IsNot: ("compare", "is not", "is"),
    ast.In: ("compare", "in", "not in"),
    ast.NotIn: ("compare", "not in", "in"),
}
EXTREMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Source:
    """A module's text; the tree counts columns in bytes, we count letters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def start(self, node: ast.AST) -> int:
        return self.at(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        return self.at(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def between(self, rule: str, one: ast.AST, other: ast.AST, before: str, after: str) -> Place:
        """The operator between two operands replaced."""
        begin = self.text.index(before, self.end(one), self.start(other))
        return Place(rule, begin, begin + len(before), after)

    def whole(self, rule: str, node: ast.AST, after: str) -> Place:
        return Place(rule, self.start(node), self.end(node), after)


def places(text: str) -> list[Place]:
    """Every place of a module inside its functions and what each rule makes of it, in the order of the text.
    Annotations, texts and what stands inside an f-string are left alone."""
    source = Source(text)
    found = set[Place]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            for statement in node.body:
                found |= set(_inside(source, statement))
    return sorted(found, key=lambda place: (place.start, place.end, place.after))


def parses(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _inside(source: Source, node: ast.AST) -> Iterator[Place]:
    if isinstance(node, ast.JoinedStr):
        return
    yield from _at(source, node)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _inside(source, child)


def _at(source: Source, node: ast.AST) -> Iterator[Place]:
    if isinstance(node, ast.Compare):
        for one, operator, other in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield source.between(COMPARE[type(operator)][0], one, other, *COMPARE[type(operator)][1:])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        signs = ("+", "-") if isinstance(node.op, ast.Add) else ("-", "+")
        yield source.between("sign", node.left, node.right, *signs)
    elif isinstance(node, ast.BoolOp):
        words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for one, other in zip(node.values, node.values[1:], strict=False):
            yield source.between("logic", one, other, *words)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield Place("not", source.start(node), source.start(node.operand), "")
    elif isinstance(node, ast.Constant):
        yield from _constants(source, node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXTREMES:
        yield source.whole("extreme", node.func, EXTREMES[node.func.id])
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield source.whole("return", node.value, "None")


def _constants(source: Source, node: ast.Constant) -> Iterator[Place]:
    if isinstance(node.value, bool):
        yield source.whole("boolean", node, str(not node.value))
    elif isinstance(node.value, int):
        yield source.whole("constant", node, str(node.value + 1))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
