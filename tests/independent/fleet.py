"""KPIs 1–10: the fleet."""

from __future__ import annotations

import pandas as pd

from tests.independent import text
from tests.independent.population import Timeline
from tests.independent.tally import Data, Spread, kpi, number, rate, spread, total
from tests.independent.track import judged


@kpi(1, "fleet_vehicle_cnt", "stock", ratio=False)
def vehicles(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct V."""
    return spread(data.people.trucks(last), number("vehicle"))


@kpi(2, "fleet_company_cnt", "stock", ratio=False)
def companies(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct C, with vehicles or without."""
    return spread(data.people.licensed(last), number("company"))


@kpi(3, "fleet_company50_cnt", "stock", ratio=False)
def big_companies(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct C50."""
    return spread(data.people.big(last), number("company"))


@kpi(4, "fleet_new_energy_rate", "stock")
def new_energy(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """V of a new-energy plate or electric / V."""
    frame = data.people.trucks(last)
    shade = frame["plate_color"].map(text.colour)
    return spread(frame.assign(good=shade.isin({93, 94}) | (frame["energy_code"] == "C")), rate("vehicle", "good"))


@kpi(5, "fleet_diesel_g4_rate", "stock")
def old_diesel(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Diesel V of stage ≤ 4 / diesel V whose stage is known."""
    frame = data.people.trucks(last)
    stage = pd.to_numeric(frame["emission_stage"]).astype(float)
    due = (frame["energy_code"] == "B") & stage.notna()
    return spread(frame.assign(due=due, good=stage <= 4), rate("vehicle", "good", "due"))


@kpi(6, "fleet_permit_valid_rate", "stock")
def permits(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """V45 with a permit in force and the annual review not overdue / V45."""
    papers = certificates(data, last)
    papers = papers[in_force(papers, last) & (papers["cert_type"] == "YSZ") & papers["holder_key"].notna()]
    held = set(papers["holder_key"].map(text.holder))
    frame = data.people.trucks(last)
    review = pd.to_datetime(frame["review_due"].map(text.real_date))
    return spread(frame.assign(good=frame["vehicle"].isin(held) & ~(review < last)), rate("vehicle", "good", "v45"))


def certificates(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    """The certificates as the register had them on that day; the first version reaches back to the day of issue."""
    return data.people.remember("certificates", day, data.people.once("certificates", lambda: _line(data)).on)


def _line(data: Data) -> Timeline:
    frame = data.rows.versions("yz_certificate")
    keys = ["cert_type", "cert_no", "holder_key"]
    frame["_key"] = ["|".join(map(str, values)) for values in zip(*(frame[key] for key in keys), strict=True)]
    return Timeline(frame, keys, "_key", frame["issue_date"].map(text.real_date))


def in_force(papers: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Certificates with a real number, not cancelled, issued by then and not run out."""
    issued, until = (
        pd.to_datetime(papers["issue_date"].map(text.real_date)),
        pd.to_datetime(papers["valid_to"].map(text.real_date)),
    )
    real = ~papers["cert_no"].map(text.certificate_filler).astype(bool)
    return real & (papers["status"] != "注销") & ~(issued > day) & ~(until < day)


@kpi(7, "fleet_network_rate", "stock")
def networked(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """VN / VH."""
    return spread(data.people.trucks(last), rate("vehicle", "vn", "vh"))


@kpi(8, "fleet_online_rate", "flow")
def online(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """VN with a qualified position in the window / VN, each vehicle on the days on which it was not on approved
    stop."""
    frame = data.people.fleet_days(first, last)
    return spread(
        frame.assign(due=frame["vn"] & ~frame["stopped"], good=frame["pts_ok"] > 0), rate("vehicle", "good", "due")
    )


@kpi(9, "fleet_running_now_cnt", "now", ratio=False)
def running(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """V whose newest qualified position is at most ten minutes old and drives at 5 km/h or more."""
    frame = data.people.trucks(data.rows.today)
    points = judged(data.rows)
    points = points[points["ok"]].sort_values("loc_time").drop_duplicates("vehicle", keep="last").set_index("vehicle")
    age = data.rows.now - frame["vehicle"].map(points["loc_time"])
    fresh = age <= pd.Timedelta(minutes=10)
    good = fresh & (frame["vehicle"].map(points["speed"]) >= 5)
    return spread(frame.assign(good=good, fresh=fresh), total("good"))


@kpi(10, "fleet_km_per_vehicle_day", "flow", tolerance=1e-9)
def kilometres(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Σ valid_km / vehicle-days with more than 1 km; days above the cap are a defect and count on neither side."""
    frame = data.people.fleet_days(first, last)
    out = (frame["valid_km"] > 1) & (frame["valid_km"] <= data.rows.parameters["day_km_cap"])
    return spread(frame.assign(km=frame["valid_km"].where(out, 0.0), out=out), total("km", "out"))
