"""KPIs 11–20: safety."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tests.independent import text
from tests.independent.population import day_of
from tests.independent.tally import Data, Parts, Spread, kpi, rate, spread, total

OVERSPEED = 1
EVENT_S, MERGE_S = 30, 60


def alarms(data: Data) -> pd.DataFrame:
    """Alarms of the monitoring platform, reports of one overspeeding merged to one: vehicle, alarm_uid, raised_at, end,
    level, warn_type."""
    return data.people.once("platform alarms", lambda: _platform_alarms(data)).copy()


def _platform_alarms(data: Data) -> pd.DataFrame:
    frame = data.rows.current("gps_alarm")
    frame = frame.assign(
        vehicle=text.vehicles(frame), raised_at=frame["start_at"], end=frame["end_at"].fillna(frame["start_at"])
    )
    frame["level"] = pd.to_numeric(frame["level"]).astype(float)
    fast = _events(frame)
    merged = fast.groupby("event", as_index=False).agg(
        vehicle=("vehicle", "first"),
        alarm_uid=("alarm_uid", "first"),
        raised_at=("raised_at", "min"),
        end=("end", "max"),
        level=("level", "max"),
        warn_type=("warn_type", "first"),
    )
    return pd.concat([frame[frame["warn_type"] != OVERSPEED], merged], ignore_index=True)[
        ["vehicle", "alarm_uid", "raised_at", "end", "level", "warn_type"]
    ]


def _events(frame: pd.DataFrame) -> pd.DataFrame:
    """Overspeed reports in order with `event`, a number that those of one overspeeding share."""
    fast = frame[frame["warn_type"] == OVERSPEED].sort_values(["vehicle", "raised_at", "alarm_uid"])
    until = fast.groupby("vehicle")["end"].cummax().groupby(fast["vehicle"]).shift()
    fresh = ~((fast["raised_at"] - until).dt.total_seconds() <= MERGE_S)
    return fast.assign(event=fresh.cumsum())


def reports(data: Data) -> dict[str, str]:
    """Number of an overspeed report → number of the first report of its event."""
    return dict(data.people.once("reports", lambda: _reports(data)))


def _reports(data: Data) -> dict[str, str]:
    frame = data.rows.current("gps_alarm")
    frame = frame.assign(
        vehicle=text.vehicles(frame), raised_at=frame["start_at"], end=frame["end_at"].fillna(frame["start_at"])
    )
    fast = _events(frame)
    return dict(zip(fast["alarm_uid"], fast.groupby("event")["alarm_uid"].transform("first"), strict=True))


def device_alarms(data: Data) -> pd.DataFrame:
    """Alarms of the on-board devices that are alarms: code below 16, not an end mark, each once."""
    return data.people.once("device alarms", lambda: _device_alarms(data)).copy()


def _device_alarms(data: Data) -> pd.DataFrame:
    frame = data.rows.current("as_alarm")
    frame = frame[(frame["code"] < 16) & ~(pd.to_numeric(frame["flag"]).astype(float) == 2)].drop_duplicates(
        "alarm_uid"
    )
    return frame.assign(vehicle=text.vehicles(frame), raised_at=frame["alarm_time"], day=day_of(frame["alarm_time"]))


@dataclass(frozen=True)
class PerOnline:
    """Σ num / distinct vehicles that were online."""

    num: str

    def __call__(self, part: pd.DataFrame) -> Parts:
        return float(part[self.num].sum()), float(part.loc[part["pts_ok"] > 0, "vehicle"].nunique())

    def by(self, frame: pd.DataFrame, level: str) -> pd.DataFrame:
        """The same of every place of a level that has a row."""
        found = pd.DataFrame({"num": frame.groupby(level)[self.num].sum()})
        return found.assign(den=frame[frame["pts_ok"] > 0].groupby(level)["vehicle"].nunique()).fillna(0)


@kpi(11, "safe_overspeed_per_vehicle", "flow")
def overspeed(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Overspeed events of more than 30 s on V / V online in the window."""
    events = alarms(data)
    events = events[
        (events["warn_type"] == OVERSPEED) & ((events["end"] - events["raised_at"]).dt.total_seconds() > EVENT_S)
    ]
    events = events.assign(day=day_of(events["raised_at"]))
    number = events.groupby(["vehicle", "day"]).size().rename("events").reset_index()
    frame = data.people.fleet_days(first, last).merge(number, on=["vehicle", "day"], how="left")
    return spread(frame, PerOnline("events"))


@kpi(12, "safe_fatigue_sec_per_vehicle", "flow")
def fatigue(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Seconds at the wheel beyond the limit on V / V online in the window."""
    return spread(data.people.fleet_days(first, last), PerOnline("fatigue_s"))


def equipped_days(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Vehicle-days of V whose device reported that day; the day on which it is taken out belongs to the next vehicle."""
    ends = data.rows.current("gps_terminal")
    ends = ends.assign(
        vehicle=text.vehicles(ends), begin=day_of(ends["installed_at"]), until=day_of(ends["removed_at"])
    )
    days = data.rows.current("as_device_day")[["terminal_id", "day"]]
    both = days.merge(ends[["terminal_id", "vehicle", "begin", "until"]], on="terminal_id")
    both = both[(both["begin"] <= both["day"]) & ~(both["until"] <= both["day"])]
    return data.people.fleet_days(first, last).merge(both[["vehicle", "day"]].drop_duplicates(), on=["vehicle", "day"])


@kpi(13, "safe_alarm_per_1000km", "flow", scale=1000)
def device_rate(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """ADAS and DSM alarms / valid kilometres, on vehicle-days with a reporting device."""
    found = device_alarms(data)
    found = found[found["module"].isin({100, 101})]
    number = found.groupby(["vehicle", "day"]).size().rename("alarms").reset_index()
    frame = equipped_days(data, first, last).merge(number, on=["vehicle", "day"], how="left")
    return spread(frame, total("alarms", "valid_km"))


def profiled(data: Data) -> pd.DataFrame:
    """Device alarms with what the own profile says of their code (is_top, is_fatigue)."""
    own = data.rows.current("own_alarm_profile")
    return device_alarms(data).merge(
        own[["profile", "module", "code", "name", "is_top", "is_fatigue"]], on=["profile", "module", "code"], how="left"
    )


@kpi(14, "safe_dsm_top_rate", "flow")
def dsm_top(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """DSM alarms for fatigue, distraction or telephone / DSM alarms on V."""
    found = profiled(data)
    found = found[(found["module"] == 101) & found["day"].between(first, last)]
    frame = data.people.with_owner(found[["alarm_uid", "vehicle", "day", "is_top", "name", "profile"]], "day")
    return spread(frame.assign(top=frame["is_top"] == True), total("top", "*"))  # noqa: E712


def due_alarms(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Alarms on V that must be handled and whose time is up, with owner, last handling step and `clock` (handled before
    it rang)."""
    platform = alarms(data)
    types = data.rows.current("own_alarm_type")
    must = set(types.loc[types["is_due"].astype(bool), "warn_type"])
    platform = platform[(platform["level"] == 2) | platform["warn_type"].isin(must)]
    device = device_alarms(data)
    device = device[device["level"] == 2]
    columns = ["vehicle", "alarm_uid", "raised_at", "level"]
    frame = pd.concat([part[columns] for part in (platform, device) if len(part)], ignore_index=True)
    frame = frame.assign(day=day_of(frame["raised_at"]))
    frame = frame[frame["day"].between(first, last)]
    limit = data.rows.current("own_sla").set_index("level")["limit_s"]
    frame["limit"] = pd.to_timedelta(frame["level"].map(limit), unit="s")
    frame = frame[frame["raised_at"] + frame["limit"] <= data.rows.now]
    steps = (
        data.rows.current("rdm_alarm_handle")
        .sort_values(["alarm_uid", "step", "handled_at", "handle_id"])
        .drop_duplicates("alarm_uid", keep="last")
    )
    result = pd.to_numeric(steps["result"]).astype(float)
    steps["done"] = (result == 1) | ((result == 2) & steps["reason"].map(text.code_or_none).notna())
    # reports of one overspeeding are one event: it has been handled when one of them has
    first_report = reports(data)
    steps["alarm_uid"] = steps["alarm_uid"].map(first_report).fillna(steps["alarm_uid"])
    steps = steps.sort_values(["done", "handled_at"], ascending=[False, True]).drop_duplicates("alarm_uid")
    frame = frame.merge(steps[["alarm_uid", "done", "handled_at"]], on="alarm_uid", how="left")
    frame["done"] = frame["done"].eq(True)
    frame["clock"] = frame["handled_at"] < frame["raised_at"]
    frame["ontime"] = frame["done"] & (frame["handled_at"] <= frame["raised_at"] + frame["limit"])
    return data.people.with_owner(frame, "day")


@kpi(15, "safe_alarm_handled_rate", "flow")
def handled(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Handled alarms / alarms due."""
    frame = due_alarms(data, first, last)
    return spread(frame[~frame["clock"]], total("done", "*"))


@kpi(16, "safe_alarm_ontime_rate", "flow")
def handled_in_time(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Handled within the time of their level / alarms due; a handling before the alarm is a clock error, out."""
    frame = due_alarms(data, first, last)
    return spread(frame[~frame["clock"]], total("ontime", "*"))


@kpi(17, "safe_urge_done_rate", "flow")
def urges(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Urges answered with 1 by their deadline / urges whose deadline has passed, at the owner of the alarm's
    vehicle."""
    frame = data.rows.current("gps_alarm_urge")
    frame = frame[(frame["deadline"] <= data.rows.now) & day_of(frame["sent_at"]).between(first, last)]
    plain = data.rows.current("gps_alarm")
    known = [
        pd.DataFrame(
            {"alarm_uid": plain["alarm_uid"], "vehicle": text.vehicles(plain), "at": day_of(plain["start_at"])}
        )
    ]
    if data.rows.has("as_alarm"):
        device = data.rows.current("as_alarm")
        known.append(
            pd.DataFrame(
                {"alarm_uid": device["alarm_uid"], "vehicle": text.vehicles(device), "at": day_of(device["alarm_time"])}
            )
        )
    frame = frame.merge(pd.concat(known).drop_duplicates("alarm_uid"), on="alarm_uid", how="left")
    frame["good"] = (pd.to_numeric(frame["answer_result"]).astype(float) == 1) & (
        frame["answered_at"] <= frame["deadline"]
    )
    frame = placed(data, frame, "vehicle", "at")
    frame = frame[
        ~frame["town"].map(lambda town: town is not None and not data.rows.towns.inside(town)).astype(bool)
    ]  # vehicles of the towns that left are not ours
    return spread(frame, total("good", "*"))


def placed(data: Data, frame: pd.DataFrame, vehicle: str, day: str) -> pd.DataFrame:
    """`frame` with town and company of the vehicle's register row on that day (None where unknown)."""
    companies, towns = [], []
    for key, at in zip(frame[vehicle], frame[day], strict=True):
        owner = data.people.owner(at) if not text.absent(key) and not text.absent(at) else None
        found = owner is not None and key in owner.index
        companies.append(owner.at[key, "company"] if found else None)
        towns.append(owner.at[key, "town"] if found else None)
    return frame.assign(company=companies, town=towns)


@kpi(18, "safe_night_km_share", "flow")
def night_share(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Kilometres from 0 to 5 o'clock / kilometres of V."""
    return spread(
        data.people.fleet_days(first, last),
        total("km_night05", "valid_km"),
    )


@kpi(19, "safe_overlimit_per_100veh", "flow", scale=100)
def overlimit(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Overloading cases on V by day of the act / V on the last day."""
    cases = data.rows.current("yz_penalty")
    cases = cases[(cases["act_type"] == "超限超载") & (cases["status"] != "撤销")]
    cases = cases.assign(vehicle=text.vehicles(cases), day=pd.to_datetime(cases["act_date"]))
    cases = data.people.with_owner(cases[cases["day"].between(first, last)][["case_no", "vehicle", "day"]], "day")
    fleet = data.people.trucks(last)[["vehicle", "company", "town"]]
    frame = pd.concat([cases.drop(columns="vehicle"), fleet], ignore_index=True)
    return spread(frame, lambda part: (float(part["case_no"].nunique()), float(part["vehicle"].nunique())))


POINTS = {"network": 5, "online": 5, "complete": 15, "qualified": 15, "drift": 10, "fast": 20, "tired": 20, "post": 10}
"""The table for companies of the 2016 rule (domain §2)."""
ZERO_BELOW = {"network": 0.9, "complete": 0.7, "qualified": 0.8}
ZERO_ABOVE_DRIFT = 0.05
LEAST_POINTS = 60


def class_mean(part: pd.DataFrame, companies: list[str]) -> float:
    """Σ num / Σ den of those companies, 0 when none of them has a denominator."""
    own = part.reindex(companies)
    return float(own["num"].sum() / own["den"].sum()) if own["den"].sum() else 0.0


def item(name: str, value: float, mean: float) -> float:
    """Points of one item. The two relative ones: clamp(10·(2A−x)/A, 0, 20), A the district's mean; nobody at all: 20
    for none."""
    if name in ("fast", "tired"):
        return min(max(10 * (2 * mean - value) / mean, 0.0), 20.0) if mean else (0.0 if value else 20.0)
    if name == "drift":
        return 0.0 if value > ZERO_ABOVE_DRIFT else POINTS[name] * (1 - value)
    return 0.0 if value < ZERO_BELOW.get(name, 0.0) else POINTS[name] * value


@kpi(20, "safe_company_score", "flow", tolerance=1e-9)
def company_score(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Points of the 2016 table for each company with networked vehicles, to two decimals, an item that nothing is known
    of left out and the rest scaled to 100, none where less than 60 points can be judged; A is the mean of the companies
    of the same class (hazmat or not); towns and district are the means weighted with networked vehicles."""
    from tests.independent import driver, fleet, health

    days = data.people.fleet_days(first, last)
    parts = {
        "network": spread(days, rate("vehicle", "vn", "vh")).places(),
        "online": fleet.online(data, first, last).places(),
        "complete": health.track(data, first, last).places(),
        "qualified": health.qualified(data, first, last).places(),
        "drift": health.drift(data, first, last).places(),
        "fast": overspeed(data, first, last).places(),
        "tired": fatigue(data, first, last).places(),
        "post": driver.post_checks(data, first, last).places(),
    }
    values = {name: (part["num"] / part["den"])[part["den"] > 0] for name, part in parts.items()}
    weight = parts["network"]["num"]
    homes = days.sort_values("day").groupby("company")["town"].last()
    homes = pd.Series(data.people.home(last)).reindex(homes.index)
    hazmat = data.people.hazmat
    means = {
        (name, kind): class_mean(parts[name], [company for company in homes.index if (company in hazmat) is kind])
        for name in ("fast", "tired")
        for kind in (True, False)
    }
    scored = []
    for company in homes.index[weight.reindex(homes.index) > 0]:
        known = {name: float(value[company]) for name, value in values.items() if company in value.index}
        if sum(POINTS[name] for name in known) < LEAST_POINTS:
            continue
        got = sum(item(name, value, means.get((name, company in hazmat), 0.0)) for name, value in known.items())
        scored.append(
            (company, homes[company], weight[company], round(got / sum(POINTS[name] for name in known) * 100, 2))
        )
    frame = pd.DataFrame(scored, columns=["company", "town", "w", "score"])
    frame["points"] = frame["w"] * frame["score"]
    return spread(frame, total("points", "w"))
