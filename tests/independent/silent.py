"""What has no value to compare in a world, with the reason: anything else that is compared nowhere fails."""

from __future__ import annotations

from tests.depth import depth


def before(window: str, *grains: str) -> set[str]:
    """What stood in the window before."""
    return {f"{window} {grain} previous" for grain in grains}


def values(window: str, *grains: str) -> set[str]:
    """The number itself and what stood before."""
    return {f"{window} {grain} value" for grain in grains} | before(window, *grains)


EVERY = ("district", "town", "company")
BELOW = ("town", "company")
SPLIT = {"split"}

# the world's sources begin within the year: a year before is not known
YEAR = before("year", *EVERY)
# by day they begin within the quarter before the last whole one, and later than the ledgers of the year before
QUARTER = depth(before("quarter", *EVERY), set())
LEDGER = depth(before("year", "district"), set())
# positions lie in the lake for three days, deliveries are of one day: nothing stood before
LAKE = {place for window in ("day", "week", "month") for place in before(window, *EVERY)}
DELIVERIES = {place for window in ("day", "week", "month", "quarter") for place in before(window, "district")}

USUAL: dict[str, set[str]] = {
    "fleet_running_now_cnt": SPLIT,  # of this moment
    "safe_overlimit_per_100veh": YEAR,
    "p1_visit_done_rate": YEAR | depth(before("month", "company") | before("quarter", "company"), set()),
    "p1_three_send_cnt": YEAR | values("month", "company") | values("week", "company"),  # few are at a company
    "p1_unit_task_ontime_rate": before("year", "district"),
    "p3_overlimit_auto_rate": YEAR | QUARTER,
    "p3_appeal_ontime_rate": YEAR | QUARTER | before("week", "company"),  # a handful a week
    "p3_overlimit_ontime_rate": YEAR | QUARTER,
    "p4_checkup_rate": LEDGER,
    "p4_camp_child_cnt": LEDGER,
    "p5_volunteer_hours": before("year", "district"),
    "p5_points_redeem_rate": before("year", "district"),
    "site_reach_rate": LAKE,
    "dh_source_ontime_rate": DELIVERIES,
    "dh_key_quality_rate": DELIVERIES,  # known of the newest registers only
}
