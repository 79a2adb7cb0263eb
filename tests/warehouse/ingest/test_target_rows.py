"""A new target takes its place: what was in force ends the day before, and nothing that was set is lost."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from warehouse.catalog.metrics import metric
from warehouse.core.errors import UsageError
from warehouse.ingest.target_rows import NewTarget, Row, check, periods, placed

ON = dt.date(2026, 11, 23)
NEW = NewTarget("fleet_online_rate", "week", "", 0.95, 0.9, "本局", "局发〔2026〕12 号", "", ON, None)
TOWNS = ["良渚街道", "瓶窑镇"]


def row(first: str | None = None, last: str | None = None, *, town: str | None = None, green: str = "0.92") -> Row:
    return {
        "kpi_id": "fleet_online_rate",
        "period": "week",
        "green": green,
        "source": "待局确认",
        "town": town,
        "valid_from": first,
        "valid_to": last,
    }


def ends(rows: list[Row]) -> list[tuple[str | None, str | None, str | None]]:
    return [(one["green"], one["valid_from"], one["valid_to"]) for one in rows]


def test_what_was_in_force_ends_on_the_day_before_and_stays() -> None:
    made = placed([row(), row(town="良渚街道", green="0.8")], NEW, by="王科长", on=ON)
    assert ends(made) == [("0.92", None, "2026-11-22"), ("0.8", None, None), ("0.95", "2026-11-23", None)]
    assert (made[-1]["confirmed_by"], made[-1]["confirmed_at"], made[-1]["town"]) == ("王科长", "2026-11-23", None)


def test_one_that_begins_on_the_same_day_is_replaced_and_one_that_is_over_stays_as_it_was() -> None:
    made = placed([row("2025-01-01", "2025-12-31"), row("2026-11-23", None, green="0.93")], NEW, by="", on=ON)
    assert ends(made) == [("0.92", "2025-01-01", "2025-12-31"), ("0.95", "2026-11-23", None)]


def test_next_years_target_stands_beside_this_years_and_is_not_covered() -> None:
    next_year = row("2027-01-01", "2027-12-31", green="0.97")
    with pytest.raises(UsageError, match="自 2027-01-01 起已另有目标"):
        placed([next_year], NEW, by="", on=ON)
    until = dataclasses.replace(NEW, last=dt.date(2026, 12, 31))
    assert ends(placed([next_year], until, by="", on=ON)) == [
        ("0.97", "2027-01-01", "2027-12-31"),
        ("0.95", "2026-11-23", "2026-12-31"),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"period": "year"}, "没有这种统计期"),
        ({"town": "塘栖镇"}, "不能给“塘栖镇”单独定目标"),
        ({"green": float("nan")}, "不小于 0 的数字"),
        ({"green": -0.1, "amber": None}, "不小于 0 的数字"),
        ({"green": 92.0}, "不能超过 100%"),
        ({"amber": 0.97}, "预警值须低于达标值"),
        ({"basis": "产品建议"}, "依据类别"),
        ({"progress": "fast"}, "依据类别或序时进度"),
        ({"source": ""}, "请写明依据的文件"),
        ({"source": "长" * 81}, "请写明依据的文件"),
        ({"last": ON - dt.timedelta(days=1)}, "早于生效日"),
    ],
)
def test_a_target_that_the_indicator_cannot_have_is_refused(changes: dict[str, object], said: str) -> None:
    check(metric("fleet_online_rate"), NEW, TOWNS)
    with pytest.raises(UsageError, match=said):
        check(metric("fleet_online_rate"), dataclasses.replace(NEW, **changes), TOWNS)  # type: ignore[arg-type]


def test_where_less_is_better_the_warning_lies_above() -> None:
    new = dataclasses.replace(NEW, kpi_id="safe_alarm_per_1000km", green=6.0, amber=5.0)
    with pytest.raises(UsageError, match="预警值须高于达标值"):
        check(metric("safe_alarm_per_1000km"), new, TOWNS)


def test_a_number_of_a_moment_has_the_target_of_its_day() -> None:
    assert "day" in periods(metric("mem_org_built_rate")) and "day" in periods(metric("fleet_online_rate"))
    assert periods(metric("fleet_vehicle_cnt")) == () and periods(metric("fleet_running_now_cnt")) == ()


def test_a_target_on_its_limits_is_one() -> None:
    rate, count = metric("fleet_online_rate"), metric("safe_alarm_per_1000km")
    for changes in (
        {"green": 1.0, "amber": 1.0},
        {"green": 0.0, "amber": 0.0},
        {"amber": None},
        {"source": "文" * 80},
        {"last": ON},
        {"town": "良渚街道"},
    ):
        check(rate, dataclasses.replace(NEW, **changes), TOWNS)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="100%"):
        check(rate, dataclasses.replace(NEW, green=1.01, amber=None), TOWNS)
    check(count, dataclasses.replace(NEW, kpi_id=count.id, green=6.0, amber=6.0), TOWNS)
    with pytest.raises(UsageError, match="没有这种统计期"):
        check(metric("fleet_vehicle_cnt"), dataclasses.replace(NEW, kpi_id="fleet_vehicle_cnt"), TOWNS)


def test_a_new_row_says_all_that_was_set_and_nothing_for_what_was_not() -> None:
    [made] = placed([], dataclasses.replace(NEW, green=0.1 + 0.2, progress="linear", town="瓶窑镇"), by="王", on=ON)
    assert (made["green"], made["amber"], made["progress"], made["town"]) == ("0.3", "0.9", "linear", "瓶窑镇")
    [bare] = placed([], dataclasses.replace(NEW, amber=None), by="王", on=ON)
    assert (bare["amber"], bare["progress"], bare["town"], bare["valid_to"]) == (None, None, None, None)
    assert (bare["kpi_id"], bare["period"], bare["basis"], bare["source"]) == (NEW.kpi_id, "week", "本局", NEW.source)


def test_a_row_of_another_place_or_period_stays_and_one_that_ends_meanwhile_is_cut() -> None:
    others = [row(town="瓶窑镇"), {**row(), "period": "month"}, {**row(), "kpi_id": "other"}]
    assert placed(others, NEW, by="", on=ON)[:3] == others
    assert ends(placed([row("2026-01-01", "2026-11-22")], NEW, by="", on=ON))[0][2] == "2026-11-22"
    assert ends(placed([row("2026-01-01", "2026-11-23")], NEW, by="", on=ON))[0][2] == "2026-11-22"
    assert ends(placed([row("2026-01-01", "2026-11-21")], NEW, by="", on=ON))[0][2] == "2026-11-21"
    until = dataclasses.replace(NEW, last=dt.date(2026, 12, 1))
    with pytest.raises(UsageError, match="2026-11-30"):
        placed([row("2026-12-01")], until, by="", on=ON)
    assert len(placed([row("2026-12-02")], until, by="", on=ON)) == 2
