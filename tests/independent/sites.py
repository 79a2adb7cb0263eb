"""KPIs 69–73: service sites."""

from __future__ import annotations

import re

import pandas as pd

from tests.independent import track
from tests.independent.population import DAY, Timeline, day_of, true
from tests.independent.tally import Data, Spread, kpi, rate, spread, total

LEVELS = ("district", "town")
BASICS = ["PARK", "REST", "HOTWATER", "MEALHEAT", "SHOWER", "LAUNDRY"]
METHODS = {"checkin": 0, "counter": 1, "manual": 2}


def sites(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    """Sites on that day with town (no company) and `used`; what is known first reaches back."""
    return data.people.remember("sites", day, lambda at: _sites(data, at))


def _sites(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    line = data.people.once("sites", lambda: Timeline(data.rows.versions("st_site"), ["site_id"], "site_id", None))
    frame = line.on(day)
    return frame.assign(town=frame["town"].map(data.rows.towns.of), company=None, used=frame["status"] == "在用")


def site_towns(data: Data, day: pd.Timestamp) -> dict[str, str]:
    """Site → town."""
    frame = sites(data, day)
    return dict(zip(frame["site_id"], frame["town"], strict=True))


def _at_sites(data: Data, frame: pd.DataFrame) -> pd.DataFrame:
    parts = [
        group.merge(sites(data, day)[["site_id", "name", "town", "company", "used"]], on="site_id")
        for day, group in frame.groupby("day")
    ]
    return pd.concat(parts, ignore_index=True) if parts else frame.assign(town=None, company=None, used=False)


def promised(hours: object) -> float | None:
    """Minutes between two clock times; all day where it says 24小时."""
    if "24小时" in str(hours) or "全天" in str(hours):
        return 1440.0
    clocks = [int(a) * 60 + int(b) for a, b in re.findall(r"(\d{1,2})[:：](\d{2})", str(hours))]
    return float((clocks[1] - clocks[0]) % 1440) if len(clocks) == 2 else None


@kpi(69, "site_open_rate", "flow")
def opened(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Minutes open / minutes due of sites in use, without approved closures. A site that reports nothing of a day, of
    which any site reports or a later one, was not open for as long as its hours (08:00-20:00) promise."""
    reported = data.rows.current("st_open_log")
    reported = reported.assign(day=day_of(reported["day"]))
    days = pd.date_range(max(first, reported["day"].min()), min(last, reported["day"].max()))
    every = pd.concat(
        [sites(data, day).assign(day=day)[["site_id", "day", "hours"]] for day in days]
        or [reported.iloc[0:0][["site_id", "day"]].assign(hours="")]
    )
    frame = every.merge(reported.assign(silent=False), on=["site_id", "day"], how="left")
    frame["silent"] = frame["silent"].isna()
    frame = _at_sites(data, frame[frame["day"].between(first, last) & ~true(frame["is_excused"])])
    frame["opened_min"] = pd.to_numeric(frame["opened_min"]).fillna(0).astype(float)
    frame["scheduled_min"] = pd.to_numeric(frame["scheduled_min"]).astype(float).fillna(frame["hours"].map(promised))
    return spread(
        frame[frame["used"]],
        total("opened_min", "scheduled_min"),
        levels=LEVELS,
    )


@kpi(70, "site_visit_cnt", "flow", ratio=False)
def visited(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Visits, of each site and day by the best method only."""
    frame = data.rows.current("st_visit")
    frame = frame.assign(day=day_of(frame["visited_at"]), rank=frame["method"].map(METHODS))
    frame = frame[frame["day"].between(first, last) & frame["rank"].notna()]
    frame = frame[frame["rank"] == frame.groupby(["site_id", "day"])["rank"].transform("min")].assign(pts=1)
    every = [sites(data, day).assign(day=day)[["site_id", "day"]] for day in pd.date_range(first, last)]
    frame = pd.concat(every).merge(frame, on=["site_id", "day"], how="left").fillna({"cnt": 0, "pts": 0})
    return spread(_at_sites(data, frame), total("cnt"), levels=LEVELS)


def facilities(data: Data, day: pd.Timestamp) -> dict[str, set[str]]:
    """Site → what is available there on that day."""
    frame = data.rows.versions("st_facility")
    frame["_key"] = frame["site_id"] + "|" + frame["fac_code"]
    known = Timeline(frame, ["site_id", "fac_code"], "_key", frame["_version"]).on(day)
    ready = known[known["status"] == "可用"].groupby("site_id")["fac_code"].agg(set)
    return {str(site): codes for site, codes in ready.items()}


@kpi(71, "site_base_service_rate", "stock")
def basics(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Sites in use with all basic services / sites in use."""
    full = {site for site, codes in facilities(data, last).items() if set(BASICS) <= codes}
    own = sites(data, last)
    return spread(
        own[own["used"]].assign(good=lambda part: part["site_id"].isin(full)), rate("site_id", "good"), levels=LEVELS
    )


@kpi(72, "site_satisfaction", "flow", floor=10, lookback=90)
def satisfaction(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Stars / ratings of the last 90 days, one a person, site and day."""
    frame = data.rows.current("st_rating")
    frame = (
        frame.assign(at=day_of(frame["day"]))
        .sort_values("rated_at")
        .drop_duplicates(["site_id", "user_id", "at"], keep="last")
    )
    frame = frame[(frame["at"] > last - 90 * DAY) & (frame["at"] <= last)].drop(columns="day")
    return spread(_at_sites(data, frame.rename(columns={"at": "day"})), total("stars", "*"), levels=LEVELS)


def stops(data: Data) -> pd.DataFrame:
    """Stops in the lake that are over, of at least trip_rest_s, where they began: vehicle, day (of the end),
    lon, lat, and whether a site in use that day was near."""
    return data.people.once("stops", lambda: _stops(data)).copy()


def _stops(data: Data) -> pd.DataFrame:
    walk = track.steps(data.rows)
    walk = track.walked(data.rows, walk[~walk["drift"]].copy())
    found = track.stands(walk, data.rows.parameters["trip_rest_s"])
    found = found[found["over"]]
    found = found[["vehicle", "lon", "lat"]].assign(day=day_of(found["end"]), near=False)
    for day, stood in found.groupby("day"):
        for site in sites(data, day).query("used").itertuples():
            away = track.distance_km(stood["lon"], stood["lat"], site.lon, site.lat)
            found.loc[stood.index, "near"] |= away <= data.rows.parameters["site_reach_km"]
    return found


def inside(data: Data, lon: pd.Series, lat: pd.Series) -> pd.Series:
    """Points inside the district's outline (even-odd rule over the rings of own_outline)."""
    own = data.rows.current("own_outline")
    found = pd.Series(False, index=lon.index)
    for _, ring in own.sort_values(["ring_no", "seq"]).groupby("ring_no"):
        x, y = ring["lon"].astype(float).to_numpy(), ring["lat"].astype(float).to_numpy()
        for i in range(len(x)):
            j = i - 1
            crosses = (y[i] > lat) != (y[j] > lat)
            if y[i] != y[j]:
                found ^= crosses & (lon < (x[j] - x[i]) * (lat - y[i]) / (y[j] - y[i]) + x[i])
    return found


@kpi(73, "site_reach_rate", "flow")
def reach(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Stops of V inside the district within reach of a site in use / such stops."""
    frame = stops(data)
    frame = frame[frame["day"].between(first, last)]
    frame = data.people.with_owner(frame[inside(data, frame["lon"], frame["lat"])], "day")
    return spread(frame, total("near", "*"))
