"""Telephone and identity numbers in free text are blotted out however people write them, and what only looks like one
stays."""

from __future__ import annotations

import pyarrow as pa
import pytest

from warehouse.core.redaction import BLOT, blot
from warehouse.ingest.pseudonymize import looked_at

SPELLINGS = [
    "13800138000",
    "138 0013 8000",
    "138-0013-8000",
    "138.0013.8000",
    "138\u00a00013\u00a08000",
    "138/0013/8000",
    "(138)00138000",
    "（138）0013-8000",
    "1 3 8 0 0 1 3 8 0 0 0",
    "138\u200b0013\u200b8000",
    "１３８００１３８０００",
    "+86 138 0013 8000",
    "+86-138.0013.8000",
    "0571-88886666",
    "(0571) 8888 6666",
    "0571 8888666",
    "330110 1980 0101 0016",
    "330110.19800101.0016",
    "33011019800101 001X",
    "33 01 10 19 80 01 01 00 1x",
]


@pytest.mark.parametrize("number", SPELLINGS)
@pytest.mark.parametrize("text", ["{}", "联系电话：{}。", "车主{}来访", "{},张某"])
def test_a_number_is_blotted_out_however_it_is_written(number: str, text: str) -> None:
    shown = blot(text.format(number))
    assert BLOT in shown and not any(digits in shown for digits in ("138", "8000", "8888", "1980", "１３８"))
    stored = looked_at(pa.chunked_array([pa.array([text.format(number)])]), blot)
    assert stored.to_pylist() == [shown]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 14:05:00 至 2026-11-30 08:00:00",
        "2026-11-23 2026-11-30 12 处",
        "13 行、2026-11-23：读不出",
        "91330110MA2ABCDE12",
        "浙A12345 黄",
        "120.0047, 30.3976",
        "第 15 行 3 列，共 1,234,567 行",
        "GD20261020000",
        "v1.5.6 / 2.0.0",
    ],
)
def test_what_is_no_number_of_a_person_stays(text: str) -> None:
    assert blot(text) == text
