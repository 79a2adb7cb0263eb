"""What the catalogue says of the KPIs besides their formulas, by number."""

from __future__ import annotations

LESS_IS_GOOD = {5, 11, 12, 13, 19, 31, 77, 80}
NO_DIRECTION = {1, 2, 3, 9, 10, 14, 18, 21, 33, 65}
EVENTS = {17, 27, 43, 45, 46, 53, 54, 55, 58, 59, 60, 64, 66, 67}
"""Happenings: none of them, with the sources delivering, is a true nothing."""
WHOLE_ONLY = {25, 30, 62}
"""Gather through their month against its plan: only a whole one is shown unasked and judged."""
ALWAYS = {51, 68}
"""Those of them that hold no persons, and so are known however long ago."""
WHOLE_WINDOWS = {20, *WHOLE_ONLY}
"""Worked out for whole windows: a running one has nothing to be held against."""
ARCHIVES = {"gps_vehicle_day"}
"""Sum up what has come before: nobody waits for them."""
HISTORY_DAYS = 400
"""So far back the registers are read, and what persons did is known (whole years a year longer)."""
UNSURE_TODAY = {10, 18, 26, 29, 75}
"""Made of kilometres, departures and trips: a position is judged by those around it, and of the running day's last ones those after
are not there yet; they are not compared."""
MAKE_UP = {7, 8, 10, 11, 12, 13, 14, 15, 16, 18, 20, 26, 29, 73, 75, 76, 77}
"""Made of positions and device alarms, which may come up to 72 hours late: provisional until then."""
MAKE_UP_H = 72
LEDGERS = {51, 52, 56, 57, 68}
"""Stocks of papers and cases, which carry their own days: known of any day."""
FLEET = {8, 10, 11, 12, 13, 18, 19, 26, 29, 75, 76, 77}
"""Flows over the vehicle-days, which begin with the first day of positions or statistics."""
HAPPENS = {
    14: [("as_alarm", "alarm_time")],
    15: [("gps_alarm", "start_at"), ("as_alarm", "alarm_time")],
    16: [("gps_alarm", "start_at"), ("as_alarm", "alarm_time")],
    17: [("gps_alarm_urge", "sent_at")],
    27: [("rdm_check_item", "due")],
    28: [("gps_post_check", "sent_at")],
    43: [("pb_visit", "due")],
    45: [("pb_activity", "held_at")],
    46: [("pb_task", "due")],
    53: [("yz_overlimit", "decided_at")],
    54: [("yz_overlimit", "decided_at")],
    55: [("pj_appeal", "due")],
    60: [("wf_camp", "begin_at")],
    65: [("mp_points", "created_at")],
    69: [("st_open_log", "day"), ("st_visit", "visited_at"), ("st_facility", "_version")],
    70: [("st_open_log", "day"), ("st_visit", "visited_at"), ("st_facility", "_version")],
    71: [("st_open_log", "day"), ("st_visit", "visited_at"), ("st_facility", "_version")],
    72: [("st_rating", "day")],
    78: [("gps_link_day", "day")],
}
"""The tables whose rows are counted, and when these happened; the first of them begins what is known."""
TOLD_ON = {
    "as_alarm": "alarm_time",
    "as_device_day": "day",
    "ext_safety_code": "day",
    "gps_alarm": "start_at",
    "gps_alarm_urge": "sent_at",
    "gps_link_day": "day",
    "gps_post_check": "sent_at",
    "gps_vehicle_day": "day",
    "mp_points": "created_at",
    "rdm_alarm_handle": "handled_at",
    "rdm_check": "checked_at",
    "rdm_check_item": "due",
    "rdm_identity": "recognized_at",
    "st_open_log": "day",
    "st_rating": "day",
    "st_visit": "visited_at",
    "pj_appeal": "received_at",
    "yz_penalty": "act_date",
    "yz_overlimit": "decided_at",
    "pb_activity": "held_at",
    "pb_task": "due",
    "pb_visit": "due",
}
"""Sources of events and the column that says when one happened."""
BUSY_PER_DAY = 5
"""Rows a day from which on a source is one that speaks every day: a window that begins before its first whole day is
known in part only."""
COMPANY_DAYS = 62
"""Persons of a company are counted that far back."""
LEAST, POPULATION = 5, 10
"""Fewer persons than that are not shown below the district."""


def direction(number: int) -> str:
    """up: more is good · down: less is good · context: neither."""
    return "context" if number in NO_DIRECTION else "down" if number in LESS_IS_GOOD else "up"
