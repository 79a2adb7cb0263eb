"""What is wrong with the rows of a payload: each cell is typed and held against its contract. Owns the temp table
`batch`; writes nothing that stays.

A fault in a required or key column costs the row (`_bad`); in any other it costs the field alone (`_aside`), which is
unknown from then on. Either way it is listed in quarantine with what stood there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from warehouse.catalog.schema import Column, Contract
from warehouse.core.database import Writer
from warehouse.core.errors import ContractBroken
from warehouse.ingest import lake, parse
from warehouse.ingest.landing import Landed

FEW = 100
"""A payload of fewer rows is never refused as a whole for single bad ones."""
LEAST_BAD = 20
MOST_ASIDE = 0.5
"""Share of rows from which on an unreadable column is another format, not single slips: the payload waits for a
mapping, and what was known stays."""


EXAMPLES = (
    "SELECT DISTINCT min(_row) FROM (SELECT _row, unnest(list_concat(_bad, _aside)) AS rule FROM batch) GROUP BY rule"
)
"""Of each fault the number of the first row that has it."""
FAULTY = "SELECT _row FROM batch WHERE len(_bad) > 0 OR len(_aside) > 0"


def typed(writer: Writer, contract: Contract, note: Landed, *, early: Collection[str] = (), more: bool = False) -> None:
    """Leaves `incoming` (text) as temp table `batch`: typed, with `_bad` and `_aside`, lists of rule:column. early: the
    columns that are values of their type already (early_types); more: adds to the `batch` that is there.

    What is worked out of a cell (its bare text, its value, each fault) is a column of a level of its own: said twice, a
    macro is planned and run twice, and planning took longer than reading a small payload."""
    cells = [_Cell(column, number, column.name in early) for number, column in enumerate(contract.stored)]
    faults: list[str] = []
    casts: list[str] = []
    row_rules: list[str] = []
    field_rules: list[str] = []
    for cell in cells:
        column = cell.column
        unfit: list[str] = []
        rules = row_rules if column.required or column.name in contract.key else field_rules
        for number, fault in enumerate(_faults(contract, cell, note)):
            name = f"_f{cell.number}_{number}"
            faults.append(f"{fault} AS {name}")
            rules.append(name)
            # a text or a number that reads well but is no value of ours must go as well
            if column.type == "VARCHAR" or not fault.endswith(f"'type:{column.name}' END"):
                unfit.append(f"{name} IS NOT NULL")
        value = f"CASE WHEN {' OR '.join(unfit)} THEN NULL ELSE {cell.value} END" if unfit else cell.value
        casts.append(f"{value} AS {column.name}")
        if column.required:
            row_rules.append(_required(cell))
    version = "NULL::TIMESTAMP"
    if contract.version:
        value = next(cell.value for cell in cells if cell.column.name == contract.version)
        # a clock that runs ahead at the source must not freeze a row for ever (F15); a row that does not say when it
        # changed is as new as its arrival
        version = f"CASE WHEN {value} IS NULL THEN _landed ELSE least({value}, _landed + clock_slack()) END"
    # no row of the lake is ever compared as a whole
    key = "NULL" if contract.load == "lake" else "hash(" + ", ".join(item.name for item in contract.stored) + ")"
    bare = ", ".join(f"{cell.bare} AS {cell.text}" for cell in cells)
    values = ", ".join(f"{cell.cast} AS {cell.value}" for cell in cells)
    bad, bound = "_broken", "_landed + clock_slack()"
    if contract.happens:  # nothing that is still to come may be the newest of anything (F15)
        bad = f"CASE WHEN len(_broken) = 0 AND {_moment_of(contract)} > {bound} THEN ['F15'] ELSE _broken END"
    writer.execute(f"""{"INSERT INTO batch" if more else "CREATE OR REPLACE TEMP TABLE batch AS"} SELECT * EXCLUDE (_broken), {bad} AS _bad, {key}::UBIGINT AS _hash FROM (
        SELECT {", ".join(casts)}, {version} AS _version, _seq, _row, _landed,
        {_list(field_rules)} AS _aside, {_list(row_rules)} AS _broken FROM (
            SELECT {", ".join(["*", *faults])} FROM (SELECT *, {values} FROM (SELECT *, {bare} FROM incoming))))""")


@dataclass(frozen=True)
class _Cell:
    """A column of a payload, and what its bare text and its value are called meanwhile. is_early: it came as a value."""

    column: Column
    number: int
    is_early: bool

    @property
    def text(self) -> str:
        return f"_t{self.number}"

    @property
    def value(self) -> str:
        return f"_v{self.number}"

    @property
    def bare(self) -> str:
        return self.column.name if self.is_early else f"trim({self.column.name})"

    @property
    def cast(self) -> str:
        return self.text if self.is_early else cast(self.column, self.text)

    @property
    def is_given(self) -> str:
        return f"{self.text} IS NOT NULL" if self.is_early else f"nullif({self.text}, '') IS NOT NULL"


def cast(column: Column, text: str) -> str:
    """What a text says as the type of a column; NULL = not that type. How is written in macros.sql."""
    if column.type in ("TIMESTAMP", "DATE"):
        return f"CAST(as_moment({text}) AS {column.type})"
    if column.type in parse.WHOLE:
        return f"TRY_CAST(as_whole({text}) AS {column.type})"
    if column.type == "DOUBLE":
        return f"as_number({text})"
    if column.type == "BOOLEAN":
        return f"as_boolean({text})"
    return text if column.type == "VARCHAR" else f"TRY_CAST({text} AS {column.type})"


def share(writer: Writer, column: Column, values: list[str | None]) -> float | None:
    """The part of some values (0–1, empty ones left out) that a column could hold; None where it could hold anything,
    or there are none."""
    given = [value for value in values if value and value.strip()]
    if column.rule == "plate":
        test = "coalesce(is_plate(plate_norm(cell)), false)"
    elif column.allowed:
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in column.allowed)
        test = f"list_contains([{words}], trim(cell))"
    elif column.type != "VARCHAR":
        test = f"({cast(column, 'trim(cell)')}) IS NOT NULL"
    else:
        return None
    if not given:
        return None
    with writer.registered(given=pa.table({"cell": pa.array(given, pa.string())})):
        return float(writer.execute(f"SELECT avg(CAST({test} AS INTEGER)) FROM given")[0][0])


def readable(writer: Writer, contract: Contract, limit: int) -> list[dict[str, str | None]]:
    """The first rows of `batch` as text, as far as the level of each column lets it be seen."""
    names = [column.name for column in contract.stored]
    seen = ", ".join(
        f"left(CAST({name} AS VARCHAR), 60)"
        if name in contract.open
        else f"CASE WHEN {name} IS NOT NULL THEN '〔已隐去〕' END"
        for name in names
    )
    rows = writer.execute(f"SELECT {seen} FROM batch ORDER BY _row LIMIT {limit}")
    return [dict(zip(names, row, strict=True)) for row in rows]


def refuse_drifted(writer: Writer, contract: Contract, note: Landed, count: int, bad: int) -> None:
    """Raises ContractBroken when more rows are bad than the contract allows, or a column is unreadable throughout: then
    the format has changed and somebody must look. Says which column, what stands there, and in which line."""
    if count < FEW or note.mapping.get("accept_bad"):
        return
    rules = writer.execute(
        "SELECT rule, count(*) FROM (SELECT unnest(list_concat(_bad, _aside)) AS rule FROM batch WHERE _seq = ?) GROUP BY 1 ORDER BY 2 DESC, 1",
        [note.seq],
    )
    drifted = [rule for rule, number in rules if number > MOST_ASIDE * count]
    if bad <= max(contract.max_bad_ratio * count, LEAST_BAD) and not drifted:
        return
    if rules[0][0] == "F15":
        ahead = writer.execute(
            f"SELECT round(median(epoch({_moment_of(contract)} - _landed)) / 3600, 1) FROM batch WHERE _seq = ? AND _bad[1] = 'F15'",
            [note.seq],
        )[0][0]
        raise ContractBroken(
            f"{count} 行中有 {bad} 行的时间晚于到达时间，约快 {ahead} 小时",
            where=f"{contract.label} {note.name.split('|')[0]}",
            to_do=f"请核对来源的时钟，或在映射里给 {contract.happens} 写明 time_zone（如 UTC），改正后用 etl replay 重放",
        )
    stated = "；".join(_example(writer, contract, note, rule, number) for rule, number in rules[:3])
    what = f"{count} 行中有 {bad} 行不合约定" if bad else f"{count} 行里整列读不懂"
    raise ContractBroken(
        f"{what}，超过上限：{stated}",
        where=f"{contract.label} {note.name.split('|')[0]}",
        to_do="请核对来源是否改了格式；在来源描述或映射文件里写明后运行 etl replay",
    )


def _moment_of(contract: Contract) -> str:
    """When what a row tells of happened, in SQL."""
    return lake.MOMENT if contract.load == "lake" else contract.happens


def _example(writer: Writer, contract: Contract, note: Landed, rule: str, number: int) -> str:
    name = rule.partition(":")[2] or next((c.name for c in contract.stored if rule in _rule_names(c)), "")
    column = next((item for item in contract.stored if item.name == name), None)
    if column is None:
        return f"{rule} {number} 行"
    found = writer.execute(
        f"""SELECT {shown(column)}, i._row, i._line FROM batch b JOIN incoming i ON i._seq = b._seq AND i._row = b._row
        WHERE b._seq = ? AND list_contains(list_concat(_bad, _aside), ?) ORDER BY i._row LIMIT 1""",
        [note.seq, rule],
    )
    value, row, line = found[0]
    place = f"第 {line} 行" if line else f"第 {row + 1} 条"
    return f"{column.label}（{column.name}）{number} 行，如{place}{f'“{value}”' if value else '是空的'}"


def shown(column: Column) -> str:
    """SQL: what stood in a cell of `incoming`, as far as the level of its column lets it be seen: open values in their
    words, personal ones as their length."""
    text = f"nullif(trim(i.{column.name}), '')"
    if column.level in ("L1", "L2") and column.treatment in ("", "text"):
        return f"left(regexp_replace({text}, '\\d{{11,}}[\\dXx]?', '〔已隐去〕', 'g'), 60)"
    if column.treatment:
        return "NULL::VARCHAR"  # it is no longer what stood there
    return f"'〔' || length({text}) || ' 个字〕'"


def _list(rules: list[str]) -> str:
    if not rules:
        return "[]::VARCHAR[]"
    listed = ", ".join(rules)  # nearly every row breaks none, and needs no list made and sifted
    return f"CASE WHEN coalesce({listed}) IS NULL THEN []::VARCHAR[] ELSE list_filter([{listed}]::VARCHAR[], lambda x: x IS NOT NULL) END"


def _required(cell: _Cell) -> str:
    column = cell.column
    unreadable = f" AND NOT list_contains(_untreated, '{column.name}')" if column.treatment else ""
    empty = (
        f"NOT ({cell.is_given})"
        if column.type == "VARCHAR" or cell.is_early
        else f"(NOT ({cell.is_given}) OR says_nothing({cell.text}))"
    )
    return f"CASE WHEN {empty}{unreadable} THEN 'required:{column.name}' END"


def _rule_names(column: Column) -> list[str]:
    return [
        *(["D10"] if column.treatment in ("person", "holder") else []),
        *(["D02"] if column.rule == "plate" else []),
    ]


def _faults(contract: Contract, cell: _Cell, note: Landed) -> list[str]:
    """SQL expressions that name the rule a cell breaks, NULL = none. Personal and plate rules of a row's own key go by
    their number alone (D10, D02), as its reason."""
    column, text = cell.column, cell.text
    tail = "" if column.required or column.name in contract.key else f":{column.name}"
    found = []
    if column.treatment in ("person", "holder"):
        found.append(f"CASE WHEN list_contains(_untreated, '{column.name}') THEN 'D10{tail}' END")
    elif column.type == "VARCHAR" and column.treatment in ("", "text"):
        found.append(f"CASE WHEN is_cut_short({text}) OR is_cell_error({text}) THEN 'type:{column.name}' END")
    elif column.type != "VARCHAR" and not cell.is_early:
        found.append(
            f"CASE WHEN {cell.is_given} AND {cell.value} IS NULL AND NOT says_nothing({text}) THEN 'type:{column.name}' END"
        )
    if column.rule == "month":  # the day it begins is reckoned from it: one odd word must not stop a build
        found.append(
            f"CASE WHEN {cell.is_given} AND NOT regexp_full_match({text}, '\\d{{4}}-(0[1-9]|1[0-2])') THEN 'type:{column.name}' END"
        )
    if column.rule == "plate" and not note.mapping.get("pseudonyms"):
        unless = "" if column.required else f"{cell.is_given} AND "
        found.append(
            f"CASE WHEN {unless}NOT coalesce(if(is_plate({text}), true, is_plate(plate_norm({column.name}))), false) THEN 'D02{tail}' END"
        )
    if column.allowed:
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in column.allowed)
        code = text if column.type == "VARCHAR" else f"CAST({cell.value} AS VARCHAR)"
        found.append(
            f"CASE WHEN {cell.is_given} AND NOT says_nothing({text}) AND NOT list_contains([{words}], {code}) THEN 'code:{column.name}' END"
        )
    return found
