"""Every column of every source says what it is: a Chinese meaning, and a unit where it is a measure."""

from __future__ import annotations

import re

import pytest

from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract
from warehouse.core.settings import ROOT

MEASURES = re.compile(
    r"(_km|_kmh|_s|_min|_t|_m|_ratio|_h|_01km|_01kmh|_e6)$|^(lon|lat|km|speed|score|fine|points|delta|hours|seconds|odometer|direction)$|_cnt$"
    "|时长|里程|速度|总质量|载质量|罚款|金额|距离|人数|人次|经度|纬度"
)
NO_UNIT = {"photo_cnt", "attach_cnt", "break_cnt", "missing_cnt", "trip_cnt", "sat_cnt", "speed_scale"}
"""Plain counts and factors: the label says of what."""


@pytest.mark.parametrize("contract", list(contracts().values()), ids=lambda contract: contract.table)
def test_every_column_has_a_type_a_level_a_meaning_and_a_unit(contract: Contract) -> None:
    assert re.search(r"[一-鿿]", contract.label)
    for column in contract.columns:
        where = f"{contract.table}.{column.name}"
        assert re.search(r"[一-鿿]", column.label), where
        is_number = column.type not in ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP")
        if is_number and column.name not in NO_UNIT and (MEASURES.search(column.name) or MEASURES.search(column.label)):
            assert column.unit, f"{where} is a measure without a unit"


@pytest.mark.parametrize("contract", list(contracts().values()), ids=lambda contract: contract.table)
def test_what_is_personal_has_its_level_and_its_door(contract: Contract) -> None:
    for column in contract.columns:
        if column.treatment in ("person", "phone", "mask_name", "holder", "birth_year"):
            assert column.level == "L3", f"{contract.table}.{column.name}"
        if column.level == "L4":
            assert column.treatment == "drop", f"{contract.table}.{column.name} must not enter the warehouse"
    assert contract.sealed == (contract.load != "own")


def test_what_is_only_warned_of_is_called_a_warning() -> None:
    """前向碰撞 reads like a crash; it is the warning of one."""
    files = ((ROOT / "raw" / f"own_alarm_{name}.csv").read_text("utf-8") for name in ("type", "profile"))
    named = [line for file in files for line in file.splitlines() if "碰撞" in line]
    assert len(named) >= 5 and all("碰撞预警" in line for line in named)
