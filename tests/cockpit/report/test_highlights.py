"""The sentence about the data: of one thing it is said which, of several which is first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cockpit.report import highlights

UNREVISED: dict[str, Any] = {"rows": [], "more": 0}


def lacking(*labels: str) -> Any:
    return SimpleNamespace(
        unknown=[SimpleNamespace(reading=SimpleNamespace(label=label)) for label in labels], unconnected=[]
    )


@pytest.mark.parametrize(
    ("missing", "unconnected", "unknown", "text"),
    [
        (["甲系统"], [], [], "数据还缺 1 处，即甲系统，本期为草稿。"),
        (["甲系统", "乙系统"], [], [], "数据还缺 2 处，首先是甲系统，本期为草稿。"),
        ([], [], ["上线率"], "各来源数据已到齐，但有 1 项指标没有数，即上线率，本周以来已发布的数没有被修订。"),
        (
            [],
            [],
            ["上线率", "处置率"],
            "各来源数据已到齐，但有 2 项指标没有数，首先是上线率，本周以来已发布的数没有被修订。",
        ),
        ([], ["阵地"], ["上线率"], "已接入的来源数据已到齐，另有 1 项没有数，即上线率，本周以来已发布的数没有被修订。"),
        ([], [], [], "数据完整，本周以来已发布的数没有被修订。"),
    ],
)
def test_what_is_lacking_is_named_by_how_many_there_are(
    missing: list[str], unconnected: list[str], unknown: list[str], text: str
) -> None:
    assert highlights._data(UNREVISED, missing, unconnected, lacking(*unknown), "week") == text
