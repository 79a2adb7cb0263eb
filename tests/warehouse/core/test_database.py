"""What every reading stands on: a published file answers the same question the same way, to the last digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.core.database import Reader, create
from warehouse.core.errors import WarehouseBroken


def test_a_sum_of_many_doubles_is_the_same_each_time_it_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "published.duckdb"
    with create(file) as made:
        made.execute("CREATE TABLE km AS SELECT 1 / (i + 1.7) AS km FROM range(1_500_000) t(i)")
    answers = set()
    for _ in range(12):
        reader = Reader(file)
        answers.add(reader.rows("SELECT sum(km) FROM km")[0][0])
        reader.close()
    assert len(answers) == 1


def test_a_question_without_end_is_interrupted_and_the_next_one_is_answered(tmp_path: Path) -> None:
    file = tmp_path / "published.duckdb"
    create(file).close()
    reader = Reader(file)
    with pytest.raises(WarehouseBroken, match="没有算完"):
        reader.rows(
            "SELECT count(*) FROM range(10_000_000_000) a, range(1000) b WHERE (a.range * b.range) % 7 = 3",
            timeout_s=0.1,
        )
    assert reader.rows("SELECT 42") == [(42,)]
    reader.close()


def test_records_are_named_as_the_question_names_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "published.duckdb"
    create(file).close()
    reader = Reader(file)
    assert reader.records("SELECT $town AS town, NULL AS km", {"town": "良渚"}) == [{"town": "良渚", "km": None}]
    assert reader.records("SELECT 1 AS n WHERE false") == []
    reader.close()
