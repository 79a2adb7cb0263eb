"""Landing contracts: what one row of each table of each source is. Owns reading warehouse/raw/*.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from warehouse.catalog.schema import Column, Contract, ContractDescription, beside
from warehouse.core import toml
from warehouse.core.settings import ROOT


@cache
def contracts() -> dict[str, Contract]:
    """All landing contracts by table name (`yz_vehicle`). Raises ConfigError naming file, key and value."""
    files = {file: _contract(file) for file in sorted((ROOT / "raw").glob("*.toml"))}
    found = {contract.table: contract for contract in files.values()}
    for file, contract in files.items():
        if contract.feeds:
            toml.one_of(contract.feeds, found, "feeds", file.name)
    return found


def _contract(file: Path) -> Contract:
    given = toml.read(file, ContractDescription)
    columns = tuple(
        Column(name=name, **{**beside(rule), "source": rule.source or name}) for name, rule in given.columns.items()
    )
    contract = Contract(**{**beside(given), "columns": columns})
    if file.stem != contract.table:
        raise toml.refuse(
            "source、entity",
            contract.table,
            f"文件名 {file.stem} 拆成的来源与表名",
            file.name,
            to_do="请改文件名，或改 source 与 entity",
        )
    for key in ("version", "touches", "happens", "reaches_back"):
        if name := getattr(contract, key):
            toml.one_of(name, given.columns, key, file.name)
    for name in contract.key:
        toml.one_of(name, given.columns, "key", file.name)
    for key in ("touches", "happens"):
        if (name := getattr(contract, key)) and given.columns[name].type not in ("DATE", "TIMESTAMP"):
            raise toml.refuse(key, name, "一个 DATE 或 TIMESTAMP 列", file.name)
    for column in columns:
        _check_privacy(column, file.name)
    return contract


def _check_privacy(column: Column, where: str) -> None:
    """What is personal has its level, and what is sensitive never enters."""
    if column.level == "L4" and column.treatment != "drop":
        raise toml.refuse(f"columns.{column.name}.treatment", column.treatment, "drop（L4 的列不得入库）", where)
    if column.treatment in ("person", "phone", "mask_name", "holder", "birth_year") and column.level != "L3":
        raise toml.refuse(f"columns.{column.name}.level", column.level, "L3（个人信息的列）", where)


@cache
def code_columns() -> frozenset[str]:
    """Names of the columns that hold codes: a part of some table's key, or what such a key is called where others
    refer to it. They are compared, so they have one form."""
    # what the bureau writes itself is keyed by words (a parameter's name), which elsewhere are free
    sourced = [contract for contract in contracts().values() if contract.load != "own"]
    stored = [(contract, column) for contract in sourced for column in contract.stored]
    return frozenset(
        column.name
        for contract, column in stored
        if column.type == "VARCHAR"
        and not column.treatment
        and column.rule != "plate"
        and (column.name in contract.key or column.name.endswith(("_id", "_no", "_uid", "_code")))
    )
