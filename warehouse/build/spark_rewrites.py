"""What DuckDB and Apache Spark write differently: each difference is one function from a node of the syntax tree to the
node that means the same there.

Owns the list of them; knows no model, no rule of the field and no cluster."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from sqlglot import exp

from warehouse.core.errors import ConfigError

Rewrite = Callable[[exp.Expr], exp.Expr]
"""Returns the node itself where it has nothing to say."""
MICROSECONDS = {"SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000}
BUCKETS_FROM = round((dt.datetime(2000, 1, 3) - dt.datetime(1970, 1, 1)).total_seconds() * 1e6)  # noqa: DTZ001
"""DuckDB counts its time buckets from this Monday on, in microseconds since 1970."""
WITHIN = "_e"
"""The variable of an array's elements."""
UNTIL = "_until"
"""The column that says until when a row of the right side of an ASOF join is the newest."""


def _decimal(node: exp.Expr) -> exp.Expr:
    """A number with a point is a double wherever it meets one; Spark would go on in decimals of its own scale."""
    if (
        isinstance(node, exp.Literal)
        and not node.is_string
        and "." in node.name
        and not isinstance(node.parent, exp.Cast)
    ):
        return exp.cast(node.copy(), "double")
    return node


def _micros(moment: exp.Expr) -> exp.Expr:
    """Microseconds since 1970 of a moment without a zone."""
    return _call("UNIX_MICROS", exp.cast(moment.copy(), exp.DType.TIMESTAMPLTZ))


def _epoch(node: exp.Expr) -> exp.Expr:
    """Seconds of a moment, or between two."""
    if not isinstance(node, exp.TimeToUnix):
        return node
    inner = node.this.unnest()
    micros = _micros(inner)
    if isinstance(inner, exp.Sub):
        micros = exp.paren(exp.Sub(this=_micros(inner.this), expression=_micros(inner.expression)), copy=False)
    return exp.paren(exp.Div(this=micros, expression=exp.Literal.number("1e6")), copy=False)


def _bucket(node: exp.Expr) -> exp.Expr:
    """The beginning of the time bucket that a moment lies in."""
    if not isinstance(node, exp.DateBin):
        return node
    width = node.this
    if not isinstance(width, exp.Interval) or width.text("unit").upper() not in MICROSECONDS or node.args.get("zone"):
        raise ConfigError("time_bucket 只能按秒、分、小时", where=node.sql("duckdb"))
    size = int(width.this.name) * MICROSECONDS[width.text("unit").upper()]
    since = exp.Sub(this=_micros(node.expression), expression=exp.Literal.number(BUCKETS_FROM))
    begins = exp.Sub(this=_micros(node.expression), expression=_call("PMOD", since, exp.Literal.number(size)))
    return exp.cast(_call("TIMESTAMP_MICROS", begins), exp.DType.TIMESTAMPNTZ)


def _round(node: exp.Expr) -> exp.Expr:
    """Half away from zero of the double itself; Spark rounds its shortest decimal, which is another number."""
    if not (isinstance(node, exp.Round) and node.args.get("decimals")):
        return node
    scale = exp.Literal.number(f"1e{node.args['decimals'].name}")
    scaled = exp.Mul(this=exp.paren(node.this.copy(), copy=False), expression=scale)
    return exp.paren(exp.Div(this=exp.Round(this=scaled), expression=scale.copy()), copy=False)


def _whole(node: exp.Expr) -> exp.Expr:
    """A cast to a whole number rounds; Spark's cuts off."""
    if isinstance(node, exp.Cast) and node.is_type(*exp.DataType.INTEGER_TYPES) and node.this.find(exp.Column):
        node.set("this", _call("RINT", node.this.copy()))
    return node


def _aggregate(node: exp.Expr) -> exp.Expr:
    """arg_min and arg_max leave out rows whose value or whose key is NULL, Spark's only the latter."""
    if not isinstance(node, exp.ArgMin | exp.ArgMax):
        return node
    known = exp.If(this=exp.not_(exp.Is(this=node.this.copy(), expression=exp.null())), true=node.expression.copy())
    name = "MIN_BY" if isinstance(node, exp.ArgMin) else "MAX_BY"
    return _call(name, node.this.copy(), exp.Case(ifs=[known]))


def _listed(node: exp.Expr) -> exp.Expr:
    """list_sort(list(x) [filter (c)]): none is an empty list there, not NULL. What is listed without comes in no order
    there."""
    if isinstance(node, exp.ArrayAgg) and isinstance(node.this, exp.Order):
        raise ConfigError("list 的次序请用 list_sort", where=node.sql("duckdb"))
    if not isinstance(node, exp.ArraySort):
        return node
    some = exp.GT(this=_call("SIZE", node.this.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=some, true=_call("SORT_ARRAY", node.this.copy()))])


def _filtered_window(node: exp.Expr) -> exp.Expr:
    """agg(x) filter (c) over w: Spark has no filter there, and counts what a CASE lets through."""
    if not (isinstance(node, exp.Window) and isinstance(node.this, exp.Filter)):
        return node
    call, condition = node.this.this.copy(), node.this.expression.this
    key = "expression" if isinstance(call, exp.ArgMin | exp.ArgMax) else "this"
    counted = exp.Literal.number(1) if isinstance(call.args[key], exp.Star) else call.args[key].copy()
    call.set(key, exp.Case(ifs=[exp.If(this=condition.copy(), true=counted)]))
    node.set("this", call)
    return node


def _unnested(node: exp.Expr) -> exp.Expr:
    """An expression of an array's elements is an array of expressions, which is then laid out in rows."""
    if not isinstance(node, exp.Select):
        return node
    for item in node.expressions:
        inner = item.unalias()
        if isinstance(inner, exp.Explode) or not (found := inner.find(exp.Explode)):
            continue
        array = found.this.copy()
        found.replace(exp.column(WITHIN))
        inner.replace(exp.Explode(this=_call("TRANSFORM", array, _lambda(inner.copy()))))
    return node


def _by_name(node: exp.Expr) -> exp.Expr:
    """union by name: each side gives every column, NULL where it has none."""
    if not (isinstance(node, exp.Union) and node.args.get("by_name")):
        return node
    sides = list(_sides(node))
    names = list(dict.fromkeys(name for side in sides for name in side.named_selects))
    if "*" in names:
        raise ConfigError("union by name 的各部分要写明每一列", where=node.sql("duckdb")[:100])
    for side in sides:
        given = {item.alias_or_name: item for item in side.expressions}
        side.set("expressions", [given.get(name) or exp.alias_(exp.null(), name) for name in names])
    node.set("by_name", False)
    return node


def _sides(union: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(union, exp.Union):
        yield from _sides(union.this)
        yield from _sides(union.expression)
    elif isinstance(union, exp.Select):
        yield union


def _as_of(node: exp.Expr) -> exp.Expr:
    """ASOF: each row of the right side holds from its moment until the next one of the same keys."""
    if not (isinstance(node, exp.Join) and node.method == "ASOF"):
        return node
    right, parts = node.this, _conjuncts(node.args["on"])
    moments = [part for part in parts if isinstance(part, exp.LTE) and part.this.table == right.alias_or_name]
    keys = [side for part in parts if isinstance(part, exp.EQ) for side in (part.this, part.expression)]
    own = [exp.column(key.name) for key in keys if key.table == right.alias_or_name]
    if len(moments) != 1 or len(own) != len(parts) - 1:
        raise ConfigError("asof join 只能写成 右表键 = 左表键 and 右表时刻 <= 左表时刻", where=node.sql("duckdb"))
    since, at = moments[0].this, moments[0].expression
    follows = exp.Window(
        this=exp.Lead(this=exp.column(since.name)),
        partition_by=own,
        order=exp.Order(expressions=[exp.Ordered(this=exp.column(since.name))]),
    )
    held = exp.select("*", exp.alias_(follows, UNTIL)).from_(exp.to_table(right.name))
    until = exp.column(UNTIL, right.alias_or_name)
    ends = exp.or_(exp.Is(this=until, expression=exp.null()), exp.LT(this=at.copy(), expression=until.copy()))
    node.set("this", held.subquery(right.alias_or_name))
    node.set("on", exp.and_(node.args["on"].copy(), ends))
    node.set("method", None)
    return node


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def _hash(node: exp.Expr) -> exp.Expr:
    """Which number a value gets is each engine's own affair; that it is one and not negative counts."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "hash":
        return _call("SHIFTRIGHTUNSIGNED", _call("XXHASH64", *node.expressions), exp.Literal.number(1))
    return node


def _pattern(node: exp.Expr) -> exp.Expr:
    """Regular expressions: the whole text, the first match or all of them, and the very end, as Java says it."""
    if isinstance(node, exp.RegexpFullMatch):
        whole = exp.Literal.string(f"^(?:{node.expression.name})\\z")
        return exp.RegexpLike(this=node.this, expression=whole)
    if isinstance(node, exp.RegexpReplace):
        text = node.expression.name
        is_all = "g" in node.text("modifiers")
        if not is_all and not text.endswith("$"):
            raise ConfigError("regexp_replace 要写 'g'，或以 $ 结尾", where=node.sql("duckdb"))
        text = text[:-1] + "\\z" if text.endswith("$") else text
        return _call("REGEXP_REPLACE", node.this, exp.Literal.string(text), node.args["replacement"])
    return node


def _reduced(node: exp.Expr) -> exp.Expr:
    """list_reduce begins with the first element, of a list that is written out."""
    if not (isinstance(node, exp.Anonymous) and node.name.lower() == "list_reduce"):
        return node
    array, merge = node.expressions
    if not isinstance(array, exp.Array):
        raise ConfigError("list_reduce 只能用于写明各元素的 list", where=node.sql("duckdb")[:100])
    first, *rest = array.expressions
    return _call("AGGREGATE", exp.Array(expressions=[one.copy() for one in rest]), first.copy(), merge.copy())


def _call(name: str, *given: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(given))


def _lambda(body: exp.Expr) -> exp.Lambda:
    return exp.Lambda(this=body, expressions=[exp.to_identifier(WITHIN)])


REWRITES: tuple[Rewrite, ...] = (
    _by_name,
    _as_of,
    _unnested,
    _filtered_window,
    _listed,
    _aggregate,
    _epoch,
    _bucket,
    _round,
    _whole,
    _hash,
    _pattern,
    _reduced,
    _decimal,
)
"""In this order: a later one finds what an earlier one has made."""
SPARKS_OWN = frozenset(
    {
        *("aggregate", "collect_list", "max_by", "min_by", "named_struct", "pmod", "regexp_replace", "rint", "size"),
        *("shiftrightunsigned", "sort_array", "timestamp_micros", "transform", "unix_micros", "xxhash64"),
    }
)
"""What the rewrites call, and sqlglot has no name for."""
