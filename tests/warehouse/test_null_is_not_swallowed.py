"""least, greatest, arg_min, arg_max and their like leave out NULL without a word: "nothing is known" becomes a number.
Each use stands here with the reason why no NULL can come in, or why leaving it out is what is meant."""

from __future__ import annotations

from pathlib import Path

import sqlglot
from sqlglot import exp

ROOT = Path(__file__).resolve().parents[2]
SWALLOWING = (
    exp.ArgMax,
    exp.ArgMin,
    exp.Least,
    exp.Greatest,
    exp.AnyValue,
    exp.First,
    exp.Last,
    exp.FirstValue,
    exp.LastValue,
)

OPEN_END = "an end that nobody has set is open: the ends that are set decide"
REGISTERED = "from_day and to_day of a span are never NULL: staging gives open ones a day"
GUARDED = "its argument cannot be NULL"
ONE_VALUE = "all rows of the group have the same value, or none that matters"
STEP = "a step that is driven or stood has both ends; a number of a vehicle has one key"

ALLOWED: dict[str, tuple[int, str]] = {
    "warehouse/core/sql/macros.sql": (
        4,
        "reach_km: a witness that is NULL says nothing; the speed is asked for NULL; version_begins, version_ends: what is "
        "not stated is the version's own day, an end that nobody has set is open",
    ),
    "warehouse/insight/sql/handling_time.sql": (1, ONE_VALUE),
    "warehouse/insight/sql/organisation_names.sql": (2, ONE_VALUE),
    "warehouse/insight/sql/unit_names.sql": (1, ONE_VALUE),
    "warehouse/insight/sql/units.sql": (1, ONE_VALUE),
    "warehouse/insight/sql/warm_items.sql": (2, ONE_VALUE),
    "warehouse/marts/appeal.sql": (2, "what it is sorted by is a pair, which is never NULL as a whole"),
    "warehouse/marts/certificate.sql": (4, REGISTERED),
    "warehouse/marts/company_post.sql": (1, OPEN_END),
    "warehouse/marts/company_score.sql": (5, "asked only where vehicles were online, so that the mean is known"),
    "warehouse/marts/company_span.sql": (4, OPEN_END),
    "warehouse/marts/demo_org.sql": (2, OPEN_END),
    "warehouse/marts/dim_vehicle.sql": (3, OPEN_END),
    "warehouse/marts/driver_band.sql": (2, "a score is never NULL: driver_score leaves out who has none"),
    "warehouse/marts/driver_day.sql": (2, "stage and colour are required by their contracts"),
    "warehouse/marts/driver_month.sql": (1, GUARDED),
    "warehouse/marts/driver_score.sql": (1, "kilometres are at least score_min_km, points are coalesced"),
    "warehouse/marts/driver_span.sql": (4, REGISTERED),
    "warehouse/marts/gps_stop.sql": (5, STEP),
    "warehouse/marts/gps_trip.sql": (5, STEP),
    "warehouse/marts/gps_vehicle_day.sql": (
        5,
        "the limits are required by their contract; a departure and a recognition have their moment; a number of a vehicle has one key",
    ),
    "warehouse/marts/hardship.sql": (5, "opened_at is required, to_day coalesced, those of a span are never NULL"),
    "warehouse/marts/mp_user_month.sql": (1, GUARDED),
    "warehouse/marts/open_alarm.sql": (2, "number and kind of an alarm are never NULL"),
    "warehouse/marts/platform_link.sql": (1, ONE_VALUE),
    "warehouse/marts/site_day.sql": (1, "the first day of whichever table has one"),
    "warehouse/query/sql/arrivals.sql": (1, "a day is there by the condition beside it"),
    "warehouse/query/sql/busy_sources.sql": (1, "a source without a day has been busy for one"),
    "warehouse/query/sql/drivers.sql": (1, "a score is never NULL: driver_score leaves out who has none"),
    "warehouse/staging/stg_gps_alarm.sql": (1, "the number of an alarm is its key"),
    "warehouse/staging/stg_gps_step.sql": (
        15,
        "a number of a vehicle has one key; top speeds: the end that reported one tells; of two windows the one that tells more; a counter that cannot be believed is 0 beside the place; an "
        "interval that nobody knows leaves the limit as it is",
    ),
    "warehouse/staging/stg_mp_volunteer.sql": (3, "records without beginning or end have been left out before"),
    "warehouse/staging/stg_pb_org.sql": (3, OPEN_END),
    "warehouse/staging/stg_yz_certificate.sql": (2, OPEN_END),
    "warehouse/staging/stg_yz_employment.sql": (1, OPEN_END),
}
"""File → how many uses it has, and why none of them turns nothing into something."""


def uses(path: Path) -> int:
    trees = sqlglot.parse(path.read_text("utf-8"), read="duckdb")
    return sum(1 for tree in trees if tree is not None for _ in tree.find_all(*SWALLOWING))


def test_whatever_swallows_null_is_known_with_its_reason() -> None:
    found = {
        str(path.relative_to(ROOT)): number
        for package in ("warehouse", "etl")
        for path in sorted((ROOT / package).rglob("*.sql"))
        if (number := uses(path))
    }
    assert found == {path: number for path, (number, _) in ALLOWED.items()}


def test_the_distance_from_nowhere_is_not_known(house: object) -> None:
    from tests.house import House

    assert isinstance(house, House)
    assert house.rows("SELECT distance_km(NULL, NULL, 120, 30), distance_km(120, 30, 120, NULL)") == [(None, None)]
    [(near, half)] = house.rows("SELECT distance_km(120, 30, 121, 30), distance_km(0, 0, 180, 0)")
    assert abs(near - 96.297) < 0.01 and abs(half - 20015.115) < 0.01
