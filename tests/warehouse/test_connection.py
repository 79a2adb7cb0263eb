"""What every reading stands on: a published file answers the same question the same way, to the last digit."""

from __future__ import annotations

from pathlib import Path

from warehouse.connection import Reader, create


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
