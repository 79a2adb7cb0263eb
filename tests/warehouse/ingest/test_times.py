"""Days and instants as sources write them, form by form, with what is none of them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from warehouse.ingest import times


def column(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2022.9.1", "2022-09-01"),
        ("2022年9月1日", "2022-09-01"),
        ("2022年9月1", "2022-09-01"),
        ("2022/09/01 8:05", "2022-09-01 08:05:00"),
        ("2022-9-1T18:05:09", "2022-09-01 18:05:09"),
        ("2022年9月1日8:05", "2022-09-01 08:05:00"),
        ("2022年9月", "2022-09-01"),
        ("20220901", "2022-09-01"),
        ("2022090", "2022090"),
        ("45000", "2023-03-15"),  # Excel: 2023-03-15 is day 45,000
        ("45000.5", "2023-03-15 12:00:00"),
        ("45000.0", "2023-03-15"),
        ("60", "60"),
        ("4500", "4500"),
        (" 2022.9.1 ", "2022-09-01"),
        ("长期", "长期"),
        ("2022-09-01", "2022-09-01"),
        ("2022-09-01 08:05", "2022-09-01 08:05"),
        ("2022-09-01T08:05:00+09:00", "2022-09-01T08:05:00+09:00"),
        (None, None),
    ],
)
def test_a_day_as_people_write_it(written: str | None, read: str | None) -> None:
    assert times.iso(column(written, "2022.1.1")).to_pylist() == [read, "2022-01-01"]


def test_what_is_iso_throughout_is_left_alone() -> None:
    given = column("2022-09-01", None, "2022-09-01 08:05:00")
    assert times.iso(given) is given
    assert times.iso(column()).to_pylist() == []


@pytest.mark.parametrize(
    ("written", "rule", "read"),
    [
        ("20261123140500", {"time": "compact"}, "2026-11-23 14:05:00"),
        ("261123140500", {"time": "compact"}, "2026-11-23 14:05:00"),
        ("2611231405", {"time": "compact"}, "2611231405 compact Asia/Shanghai"),
        ("2026112314050", {"time": "compact"}, "2026112314050 compact Asia/Shanghai"),
        ("20261123140560", {"time": "compact"}, "20261123140560 compact Asia/Shanghai"),
        ("20261123060500", {"time": "compact", "time_zone": "UTC"}, "2026-11-23 14:05:00"),
        ("46349.25", {"time": "excel"}, "2026-11-23 06:00:00"),
        ("1", {"time": "excel"}, "1899-12-31 00:00:00"),
        ("2.5e6x", {"time": "excel"}, "2.5e6x excel Asia/Shanghai"),
        ("9999999", {"time": "excel"}, "9999999 excel Asia/Shanghai"),
        ("23/11/2026 06:05", {"time": "%d/%m/%Y %H:%M", "time_zone": "UTC"}, "2026-11-23 14:05:00"),
        ("2026/11/23 6:05", {"time": "text", "time_zone": "UTC"}, "2026-11-23 14:05:00"),
        ("0", {"time": "epoch"}, "1970-01-01 08:00:00"),
        ("1000", {"time": "epoch_ms"}, "1970-01-01 08:00:01"),
        ("1", {"unit": "s"}, "1970-01-01 08:00:01"),
        ("1500", {"unit": "ms"}, "1970-01-01 08:00:01"),
        ("2000000", {"unit": "us"}, "1970-01-01 08:00:02"),
        ("3000000000", {"unit": "ns"}, "1970-01-01 08:00:03"),
        ("-1", {"unit": "s"}, "1970-01-01 07:59:59"),
        ("x", {"unit": "s"}, "x s"),
        ("9e99", {"unit": "s"}, "9e99 s"),
        ("2026-11-23 06:05:00", {"time_zone": "UTC"}, "2026-11-23 14:05:00"),
        ("2026-11-23T15:05:00+09:00", {"time_zone": "UTC"}, "2026-11-23 14:05:00"),
        ("2026-11-23 14:05:00Z", {"time_zone": "Asia/Shanghai"}, "2026-11-23 22:05:00"),
        ("gestern", {"time_zone": "UTC"}, "gestern UTC"),
        (None, {"time_zone": "UTC"}, None),
        ("", {"time": "excel"}, ""),
    ],
)
def test_an_instant_in_the_form_that_the_mapping_names(
    written: str | None, rule: dict[str, Any], read: str | None
) -> None:
    assert times.local(column(written), rule).to_pylist() == [read]
