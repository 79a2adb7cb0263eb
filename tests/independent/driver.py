"""KPIs 21–31: drivers and remote management."""

from __future__ import annotations

import re

import pandas as pd

from tests.independent import text
from tests.independent.fleet import certificates, in_force
from tests.independent.population import DAY, day_of, true
from tests.independent.safety import device_alarms, profiled
from tests.independent.tally import Data, Parts, Spread, kpi, number, rate, spread, total

FREIGHT = {"经营性道路货物运输驾驶员", "道路危险货物运输驾驶员"}


@kpi(21, "drv_driver_cnt", "stock", ratio=False, person=True)
def drivers(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct P."""
    return spread(data.people.drivers(last), number("person_key"))


@kpi(22, "drv_qualification_valid_rate", "stock", person=True)
def qualification(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P45 with a freight or hazmat qualification in force / P45."""
    papers = certificates(data, last)
    papers = papers[in_force(papers, last) & (papers["cert_type"] == "CYZG")]
    freight = papers["category"].map(
        lambda value: not text.absent(value) and bool(FREIGHT & set(re.split(r"[;；、,,\s]+", str(value))))
    )
    held = set(papers.loc[freight.astype(bool), "holder_key"])
    frame = data.people.drivers(last)
    return spread(frame.assign(good=frame["person_key"].isin(held)), rate("person_key", "good", "p45"))


@kpi(23, "drv_integrity_aaa_rate", "stock", person=True)
def integrity(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P45 graded AAA / P45 graded in the last twelve months."""
    frame = data.people.drivers(last)
    until = pd.to_datetime(frame["integrity_to"].map(text.real_date))
    due = (
        frame["p45"]
        & frame["integrity_grade"].isin({"AAA", "AA", "A", "B"})
        & (until - pd.DateOffset(years=1) <= last)
        & (until >= last)
    )
    return spread(frame.assign(due=due, good=frame["integrity_grade"] == "AAA"), rate("person_key", "good", "due"))


@kpi(24, "rdm_coverage_rate", "stock", person=True)
def coverage(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P50 with an account in use and something done in the last 30 days / P50."""
    accounts = data.rows.current("rdm_account")
    opened = accounts[(accounts["status"] == "启用") & ~(day_of(accounts["opened_at"]) > last)]
    done = pd.concat(
        [
            pd.DataFrame({"person_key": accounts["person_key"], "day": day_of(accounts["last_event_at"])}),
            pd.DataFrame(
                {
                    "person_key": data.rows.current("rdm_learning")["person_key"],
                    "day": day_of(data.rows.current("rdm_learning")["begin_at"]),
                }
            ),
            pd.DataFrame(
                {
                    "person_key": data.rows.current("rdm_check")["person_key"],
                    "day": day_of(data.rows.current("rdm_check")["checked_at"]),
                }
            ),
        ]
    )
    active = set(done.loc[(done["day"] > last - 30 * DAY) & (done["day"] <= last), "person_key"].dropna()) & set(
        opened["person_key"]
    )
    frame = data.people.drivers(last)
    return spread(frame.assign(good=frame["person_key"].isin(active)), rate("person_key", "good", "p50"))


@kpi(25, "rdm_learning_done_rate", "flow", person=True)
def learning(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Drivers with enough valid learning in the month / drivers with a plan for it; 20 days of leave take out of
    both."""
    plans = data.rows.current("rdm_plan")
    plans = plans[(plans["month"] == f"{first:%Y-%m}") & ~(pd.to_numeric(plans["leave_days"]).fillna(0) >= 20)]
    records = data.rows.current("rdm_learning")
    records = records[day_of(records["begin_at"]).between(first, last) & true(records["face_ok"])]
    learned = records.groupby(["person_key", "course_id"])["valid_s"].max().groupby("person_key").sum()
    frame = plans.assign(
        good=plans["person_key"].map(learned).fillna(0).astype(float) >= plans["required_s"].astype(float)
    )
    frame["company"] = frame["uscc"].map(text.code_or_none)
    frame["town"] = frame["company"].map(data.people.home(min(last, data.rows.today)))
    return spread(frame, rate("person_key", "good"))


@kpi(26, "rdm_pretrip_check_rate", "flow")
def pretrip(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Vehicle-days of 5 km or more that began after a stop of two hours, with a complete pre-trip check between that
    stop's begin and the departure / all such vehicle-days."""
    checks = data.rows.current("rdm_check")
    checks = checks[(checks["check_type"] == 1) & true(checks["complete"])]
    by_vehicle = {key: group["checked_at"].sort_values() for key, group in checks.groupby(text.vehicles(checks))}
    frame = data.people.fleet_days(first, last)
    frame = frame[(frame["valid_km"] >= 5) & frame["depart_at"].notna()].copy()
    leave, since = frame["depart_at"], frame["depart_after"]
    frame["good"] = [
        vehicle in by_vehicle and bool(by_vehicle[vehicle].between(begin, end).any())
        for vehicle, begin, end in zip(frame["vehicle"], since, leave, strict=True)
    ]
    return spread(frame, total("good", "*"))


@kpi(27, "rdm_defect_fix_rate", "flow")
def defects(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Defects of V mended by their due day / defects due, at the vehicle's owner on the day of the check."""
    items = data.rows.current("rdm_check_item")
    items = items[(items["result"] == "fail") & items["due"].notna()]
    items = items.assign(day=pd.to_datetime(items["due"]))
    items = items[items["day"].between(first, last) & (items["day"] < data.rows.today)]
    checks = data.rows.current("rdm_check")
    checks = pd.DataFrame(
        {"check_id": checks["check_id"], "vehicle": text.vehicles(checks), "at": day_of(checks["checked_at"])}
    )
    frame = data.people.with_owner(
        items.merge(checks, on="check_id")[["check_id", "item_code", "day", "fixed_at", "vehicle", "at"]], "at"
    )
    frame["good"] = day_of(frame["fixed_at"]) <= frame["day"]
    return spread(frame, total("good", "*"))


@kpi(28, "rdm_post_response_rate", "flow")
def post_checks(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Post checks answered in time, with words, not before they were sent / post checks whose time is up."""
    frame = data.rows.current("gps_post_check")
    limit = pd.to_timedelta(frame["limit_s"].astype(float), unit="s")
    frame = frame[day_of(frame["sent_at"]).between(first, last) & (frame["sent_at"] + limit <= data.rows.now)]
    waited = (frame["answered_at"] - frame["sent_at"]).dt.total_seconds()
    frame = frame.assign(
        good=waited.between(0, frame["limit_s"].astype(float))
        & frame["content"].map(lambda words: not text.absent(words) and bool(str(words).strip()))
    )
    frame["company"] = frame["uscc"].map(text.code_or_none)
    homes = {day: data.people.home(day) for day in set(day_of(frame["sent_at"]))}
    frame["town"] = [
        homes[day].get(company) for day, company in zip(day_of(frame["sent_at"]), frame["company"], strict=True)
    ]
    return spread(frame, total("good", "*"))


@kpi(29, "rdm_identity_match_rate", "flow")
def identity(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Trips recognised as the rostered driver / trips with a recognition; a trip's last match or mismatch decides."""
    frame = data.rows.current("rdm_identity")
    frame = (
        frame[frame["result"].isin({"match", "mismatch"})]
        .sort_values(["recognized_at", "rec_id"])
        .drop_duplicates("trip_id", keep="last")
    )
    frame = pd.DataFrame(
        {
            "vehicle": text.vehicles(frame),
            "day": day_of(frame["recognized_at"]),
            "good": frame["result"] == "match",
            "trip_id": frame["trip_id"],
        }
    )
    frame = data.people.with_owner(frame[frame["day"].between(first, last)], "day")
    return spread(frame, total("good", "*"))


def scores(data: Data, month: str) -> pd.DataFrame:
    """Our own score of each person for a month, with the vendor's kilometres; at least 200 km."""
    driven = data.rows.current("rdm_score_month")
    driven = driven[(driven["month"] == month) & (driven["km"].astype(float) >= 200)][
        ["person_key", "km", "score"]
    ].rename(columns={"score": "vendor"})
    weights = data.rows.current("own_score_weight")[["module", "level", "weight"]].astype(float)
    rang = device_alarms(data)
    rang = rang[rang["module"].isin({100, 101}) & (rang["day"].dt.strftime("%Y-%m") == month)][
        ["person_key", "module", "level"]
    ].astype({"module": float, "level": float})
    points = rang.merge(weights, on=["module", "level"]).groupby("person_key")["weight"].sum()
    km = driven["km"].astype(float)
    return driven.assign(km=km, score=(100 - driven["person_key"].map(points).fillna(0) / km * 1000).clip(lower=0))


@kpi(30, "rdm_safety_score_avg", "flow")
def safety_score(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Mean of our score weighted with kilometres over P on the month's last counted day."""
    frame = data.people.drivers(last).merge(scores(data, f"{first:%Y-%m}"), on="person_key")

    def count(part: pd.DataFrame) -> Parts:
        once = part.drop_duplicates("person_key")
        return float((once["score"] * once["km"]).sum()), float(once["km"].sum())

    return spread(frame, count)


@kpi(31, "rdm_high_risk_driver_cnt", "stock", ratio=False, person=True)
def high_risk(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P with a low score, or two level-2 fatigue alarms in seven days, or a red code."""
    month = (last.replace(day=1) - DAY).strftime("%Y-%m")
    low = scores(data, month)
    found = set(low.loc[low["score"] < data.rows.parameters["high_risk_score"], "person_key"])
    week = last - 6 * DAY
    tired = profiled(data)
    tired = tired[(tired["is_fatigue"] == True) & (tired["level"] == 2) & tired["day"].between(week, last)]  # noqa: E712
    often = tired.groupby("person_key")["alarm_uid"].nunique()
    found |= set(often[often >= 2].index)
    codes = data.rows.current("ext_safety_code")
    codes = (
        codes[pd.to_datetime(codes["day"]).between(week, last)]
        .sort_values("day")
        .drop_duplicates("person_key", keep="last")
    )
    found |= set(codes.loc[codes["colour"] == "红", "person_key"])
    frame = data.people.drivers(last)
    return spread(frame.assign(good=frame["person_key"].isin(found)), number("person_key", "good"))
