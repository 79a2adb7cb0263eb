"""Every model that a cluster works out can be said in Spark's words, and each difference between the two engines is
written as Spark means it. What Spark then answers is compared in test_spark.py."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from warehouse.build import spark
from warehouse.build.graph import inputs, view
from warehouse.build.spark_sql import steps
from warehouse.catalog.models import models
from warehouse.core.errors import ConfigError

FAR = [name for name, model in models().items() if spark.takes(model)]
READ_THERE = sorted(
    {*FAR, *(table.split(".")[1] for name in FAR for table in inputs(name) if table == "staging.stg_gps_location")}
)


def translated(sql: str) -> str:
    [one] = steps("test.model", sql)
    return " ".join(one.sql.split())


def test_what_is_made_of_positions_is_worked_out_there() -> None:
    assert sorted(FAR) == ["gps_stop", "gps_trip", "gps_vehicle_day", "stg_gps_step"]


@pytest.mark.parametrize("name", READ_THERE)
def test_a_model_is_read_back_as_spark_reads_it(name: str) -> None:
    model = models()[name]
    found = steps(f"{model.layer}.{name}", model.sql)
    known = {view(table) for table in inputs(name)} | {one.name for one in found}
    for one in found:
        tree = sqlglot.parse_one(one.sql, read="spark")
        parts = {part.alias for part in tree.find_all(exp.CTE)}
        assert {table.name for table in tree.find_all(exp.Table)} <= known | parts
        assert not any(table.db for table in tree.find_all(exp.Table)), "a temporary view has no schema"
    # what the model calls materialized, in its order, and then the model itself
    asked = [part.alias for part in sqlglot.parse_one(model.sql, read="duckdb").ctes if part.args.get("materialized")]
    assert [one.name for one in found] == [f"{view(f'{model.layer}.{name}')}__{part}" for part in asked] + [
        view(f"{model.layer}.{name}")
    ]
    columns = [column for column in sqlglot.parse_one(model.sql, read="duckdb").named_selects]
    assert sqlglot.parse_one(found[-1].sql, read="spark").named_selects[: len(columns)] == columns


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("select epoch(a) from t", "UNIX_MICROS(CAST(a AS TIMESTAMP_LTZ)) / 1e6"),
        (
            "select epoch(a - b) from t",
            "(UNIX_MICROS(CAST(a AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(b AS TIMESTAMP_LTZ))) / 1e6",
        ),
        (
            "select time_bucket(interval 5 minute, a) from t",
            "PMOD(UNIX_MICROS(CAST(a AS TIMESTAMP_LTZ)) - 946857600000000, 300000000)",
        ),
        ("select round(a, 3) from t", "ROUND((a) * 1e3) / 1e3"),
        ("select cast(a as integer) from t", "CAST(RINT(a) AS INT)"),
        ("select a * 1.5 from t", "a * CAST(1.5 AS DOUBLE)"),
        ("select timestamp '2005-01-01' from t", "CAST('2005-01-01' AS TIMESTAMP_NTZ)"),
        ("select arg_min(a, b) from t", "MIN_BY(a, CASE WHEN NOT a IS NULL THEN b END)"),
        (
            "select count(*) filter (c) over (partition by a) from t",
            "COUNT(CASE WHEN c THEN 1 END) OVER (PARTITION BY a)",
        ),
        ("select n + unnest([-1, 1]) as m from t", "EXPLODE(TRANSFORM(ARRAY(-1, 1), _e -> n + _e)) AS m"),
        ("select regexp_full_match(a, 'b+') from t", "a RLIKE '^(?:b+)\\\\z'"),
        ("select regexp_replace(a, 'b$', '') from t", "REGEXP_REPLACE(a, 'b\\\\z', '')"),
        ("select hash(a) % 2 = 0 from t", "SHIFTRIGHTUNSIGNED(XXHASH64(a), 1) % 2 = 0"),
        ("select vehicle_key(a, b) from t", "(a || '#' || b)"),
        ("select a from x.t", "FROM x_t AS t"),
        (
            "select a as x, b as y from t union all by name select c as y from u",
            "SELECT NULL AS x, c AS y FROM u",
        ),
        (
            "select 1 from s asof left join r on r.k = s.k and r.at <= s.at",
            "LEAD(at) OVER (PARTITION BY k ORDER BY at NULLS LAST) AS _until FROM r",
        ),
        (
            "select list_sort(list(struct_pack(k := b, x := a)) filter (c)) from t",
            "THEN SORT_ARRAY(COLLECT_LIST(STRUCT(b AS k, a AS x)) FILTER(WHERE c))",
        ),
    ],
)
def test_a_difference_is_written_as_spark_means_it(ours: str, theirs: str) -> None:
    packed = translated(ours).replace("( ", "(").replace(" )", ")").replace("FILTER(WHERE", "FILTER(WHERE")
    assert theirs in packed, packed


@pytest.mark.parametrize(
    "sql",
    [
        "select strange(a) from t",
        "select regexp_replace(a, 'b', '') from t",
        "select list(a order by b) from t",
        "select time_bucket(interval 1 month, a) from t",
        "select * from t union all by name select a from u",
        "select 1 from s asof left join r on r.k = s.k and r.at >= s.at",
    ],
)
def test_what_has_no_equal_there_is_refused(sql: str) -> None:
    with pytest.raises(ConfigError):
        steps("test.model", sql)
