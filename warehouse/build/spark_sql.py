"""A model's SELECT in the words of Apache Spark: the same file, read by sqlglot, with what the two engines write
differently written as Spark does.

Owns how a SELECT is taken apart into steps, what stands for its tables, and the macros in their places; what else the
two write differently stands in spark_rewrites. Knows no cluster. What it cannot say it refuses, so that a model never
means something else there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from warehouse.build.graph import view
from warehouse.build.spark_rewrites import REWRITES, SPARKS_OWN, Rewrite
from warehouse.core.errors import ConfigError
from warehouse.core.settings import ROOT


@dataclass(frozen=True)
class Step:
    """A part of a model that is worked out once and then used several times, or the model itself, which comes last.
    name: the view that the steps after it read; sql: one SELECT of Spark's."""

    name: str
    sql: str


@cache
def steps(name: str, sql: str) -> tuple[Step, ...]:
    """The model `name` as Spark works it out. What its SELECT calls MATERIALIZED is a step of its own: Spark would work
    it out again for each use. Raises ConfigError for what has no equal there."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    once: dict[str, str] = {}
    found: list[Step] = []
    plain: list[exp.CTE] = []
    clause = tree.args.get("with_")
    for part in list(clause.expressions) if clause else []:
        if part.args.get("materialized"):
            once[part.alias] = f"{view(name)}__{part.alias}"
            found.append(Step(once[part.alias], _written(_with(part.this, plain), name, once)))
        else:
            plain.append(part)
    found.append(Step(view(name), _written(_with(tree, plain), name, once)))
    return tuple(found)


def _with(query: exp.Expr, parts: list[exp.CTE]) -> exp.Expr:
    """The query with those of the parts before it that it needs, directly or through one another."""
    out = query.copy()
    out.set("with_", None)
    wanted, named = set[str](), {part.alias for part in parts}
    waiting = [out]
    while waiting:
        used = {table.name for table in waiting.pop().find_all(exp.Table) if not table.db} & named - wanted
        wanted |= used
        waiting += [part.this for part in parts if part.alias in used]
    needed = [part.copy() for part in parts if part.alias in wanted]
    if needed:
        out.set("with_", exp.With(expressions=needed))
    return out


def _written(tree: exp.Expr, where: str, once: dict[str, str]) -> str:
    tree = _expanded(tree)
    _rename(tree, once)
    for rewrite in REWRITES:
        tree = _from_within(tree, rewrite)
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower() not in SPARKS_OWN:
            raise ConfigError(
                f"Spark 不认识函数 {call.name}", where=f"{where}.sql", to_do="请在 spark_sql.py 写明它的对应"
            )
    return tree.sql("spark", pretty=True)


def _from_within(tree: exp.Expr, rewrite: Rewrite) -> exp.Expr:
    """Every node rewritten, those within it first."""
    for node in reversed(list(tree.walk(bfs=False))):
        made = rewrite(node)
        if node is tree:
            tree = made
        elif made is not node:
            node.replace(made)
    return tree


def _rename(tree: exp.Expr, once: dict[str, str]) -> None:
    for table in tree.find_all(exp.Table):
        own = table.name
        target = view(f"{table.db}.{own}") if table.db else once.get(own)
        if target:
            table.set("db", None)
            table.set("this", exp.to_identifier(target))
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(own)))


@cache
def _macros() -> dict[str, tuple[list[str], exp.Expr]]:
    """Name → (parameters, expression) of the shared rules."""
    text = (ROOT / "core" / "sql" / "macros.sql").read_text("utf-8")
    made = [tree for tree in sqlglot.parse(text, read="duckdb") if isinstance(tree, exp.Create)]
    return {
        tree.this.this.name.lower(): ([one.name for one in tree.this.expressions], tree.expression) for tree in made
    }


def _expanded(tree: exp.Expr) -> exp.Expr:
    """The same with every macro's expression in its place."""

    def expand(node: exp.Expr) -> exp.Expr:
        if not (isinstance(node, exp.Anonymous) and node.name.lower() in _macros()):
            return node
        names, body = _macros()[node.name.lower()]
        given = dict(zip(names, (_expanded(one) for one in node.expressions), strict=True))
        return exp.paren(_expanded(body.copy().transform(lambda part: _put_in(part, given), copy=False)), copy=False)

    return tree.transform(expand, copy=False)


def _put_in(part: exp.Expr, given: dict[str, exp.Expr]) -> exp.Expr:
    """A parameter, or a field of one, of a macro's expression as what the call gives."""
    if isinstance(part, exp.Column) and not part.table and part.name in given:
        return _operand(given[part.name])
    if isinstance(part, exp.Column) and part.table in given:
        return exp.Dot(this=_operand(given[part.table]), expression=exp.to_identifier(part.name))
    if (
        isinstance(part, exp.Identifier)
        and part.name in given
        and not isinstance(part.parent, exp.Column | exp.PropertyEQ)
    ):
        is_field = isinstance(part.parent, exp.Dot) and part.arg_key == "expression"
        return part if is_field else _operand(given[part.name])
    return part


def _operand(given: exp.Expr) -> exp.Expr:
    one = given.copy()
    return exp.paren(one, copy=False) if isinstance(one, exp.Binary) and not isinstance(one, exp.Dot) else one
