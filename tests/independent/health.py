"""KPIs 74–80: the data themselves."""

from __future__ import annotations

import pandas as pd

from tests.independent import text
from tests.independent.tally import Data, Spread, kpi, rate, spread, total


@kpi(74, "dh_source_ontime_rate", "today")
def sources(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Deliveries loaded wholly by their deadline / deliveries due."""
    frame = data.rows.run("delivery")
    frame = frame[frame["due_at"].dt.normalize().between(first, last)]
    frame["good"] = frame["ok"].astype(bool) & (frame["finished_at"] <= frame["deadline"])
    return spread(frame, total("good", "*"), levels=("district",))


@kpi(75, "dh_track_complete_rate", "flow")
def track(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Complete km / km of VN."""
    frame = data.people.fleet_days(first, last).query("vn")
    return spread(frame, total("km_complete", "km_total"))


@kpi(76, "dh_data_qualified_rate", "flow")
def qualified(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Qualified messages / messages of V."""
    return spread(data.people.fleet_days(first, last), total("pts_ok", "pts"))


@kpi(77, "dh_drift_vehicle_rate", "flow")
def drift(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """V that drifted on some day / V online."""
    frame = data.people.fleet_days(first, last)
    return spread(
        frame.assign(due=frame["pts_ok"] > 0, good=frame["drift_pts"] >= data.rows.parameters["drift_min_pts"]),
        rate("vehicle", "good", "due"),
    )


@kpi(78, "dh_platform_link_rate", "flow")
def link(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Connected minutes / minutes without excused ones of every platform and day that was due: from its first report
    to the newest report of any."""
    reported = data.rows.current("gps_link_day")
    reported = reported.assign(day=pd.to_datetime(reported["day"]))
    begins, newest = reported.groupby("platform_id")["day"].min(), reported["day"].max()
    due = pd.DataFrame(
        [(platform, day) for platform, begin in begins.items() for day in pd.date_range(begin, newest)],
        columns=["platform_id", "day"],
    )
    frame = due.merge(reported.assign(silent=False), on=["platform_id", "day"], how="left")
    frame["silent"] = frame["silent"].isna()
    frame = frame[frame["day"].between(first, last)]
    frame["up_min"] = pd.to_numeric(frame["up_min"]).fillna(0).astype(float)
    excused = pd.to_numeric(frame["excused_min"]).fillna(0).astype(float)
    return spread(
        frame.assign(due=1440 - excused),
        total("up_min", "due"),
        levels=("district",),
    )


@kpi(80, "dh_register_diff_rate", "stock")
def register_diff(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 of which the register says another number of vehicles (more than 3, or more than 5 %) or nothing / C50."""
    from tests.independent.programmes import register

    frame = data.people.big(last).merge(register(data, last)[["company", "veh_cnt"]], on="company", how="left")
    gap = (frame["veh_cnt"].astype(float) - frame["v"]).abs()
    return spread(frame.assign(good=(gap > 3) | (gap > 0.05 * frame["v"]) | gap.isna()), rate("company", "good"))


CREDIT_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(value: object) -> bool:
    """A unified social credit code with a right check character (GB 32100-2015)."""
    code = text.code_or_none(value) or ""
    if len(code) != 18 or any(letter not in CREDIT_CODE for letter in code):
        return False
    rest = sum(CREDIT_CODE.index(letter) * pow(3, place, 31) for place, letter in enumerate(code[:17])) % 31
    return CREDIT_CODE[(31 - rest) % 31] == code[17]


def _order(begin: pd.Series, end: pd.Series) -> pd.Series:
    """Dates that are no fillers and in order; a missing one breaks nothing."""
    filler = pd.Series([not text.absent(value) and text.real_date(value) is None for value in begin], index=begin.index)
    return ~filler & ~(pd.to_datetime(begin) > pd.to_datetime(end.map(text.real_date)))


@kpi(79, "dh_key_quality_rate", "stock")
def key_quality(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Rows of the newest registers that pass every key rule as they came, before any repair / rows, quarantined ones
    included (identity numbers fail before they are landed). Known for the newest registers only: other days have nothing."""
    rows = data.rows
    if last != rows.today:
        return spread(
            pd.DataFrame({"good": [], "rows": [], "town": [], "company": []}),
            total("good", "rows"),
            levels=("district",),
        )
    known = {
        name: rows.current(name)
        for name in ("yz_company", "yz_vehicle", "yz_driver", "yz_employment", "yz_certificate")
    }
    vehicle, company, driver, job, paper = (
        known[name] for name in ("yz_vehicle", "yz_company", "yz_driver", "yz_employment", "yz_certificate")
    )
    towns = {town for town in rows.towns.codes if rows.towns.inside(town)}
    always = pd.Series(rows.today, index=vehicle.index)
    fits = [
        vehicle["plate_no"].map(lambda value: bool(text.PLATE.fullmatch(str(value))))
        & vehicle["plate_color"].isin(text.COLOURS)
        & vehicle["home_town"].isin(towns)
        & _order(vehicle["register_date"], always),
        (company["uscc"].map(credit_code) | (company["uscc"] == company["licence_no"]))
        & company["op_town"].where(company["op_town"].notna(), company["reg_town"]).isin(towns)
        & _order(company["licence_from"], company["licence_to"]),
        driver["home_town"].isin(towns),
        (job["uscc"].map(credit_code) | job["uscc"].isin(set(company["licence_no"])))
        & _order(job["from_date"], job["to_date"]),
        ~paper["cert_no"].map(text.certificate_filler).astype(bool) & _order(paper["issue_date"], paper["valid_to"]),
    ]
    bad = rows.all("quarantine").assign(table=lambda entry: entry["source"] + "_" + entry["entity"])
    bad = bad[(bad["row_no"] >= 0) & bad["table"].isin(set(known))]
    names = ["yz_vehicle", "yz_company", "yz_driver", "yz_employment", "yz_certificate"]
    whole = bad["is_row"].astype(bool)
    aside = bad[whole]["table"].value_counts()
    unread = set(zip(bad[~whole]["table"], bad[~whole]["landing_seq"], bad[~whole]["row_no"], strict=True))

    def is_read(name: str) -> pd.Series:
        """Rows of which every field could be read."""
        places = zip(known[name]["_seq"], known[name]["_row"], strict=True)
        return pd.Series([(name, *place) not in unread for place in places], index=known[name].index, dtype=bool)

    frame = pd.DataFrame(
        {
            "table_name": names,
            "good": [float((flags & is_read(name)).sum()) for name, flags in zip(names, fits, strict=True)],
            "rows": [float(len(known[name]) + aside.get(name, 0)) for name in names],
        }
    )
    return spread(frame.assign(town=None, company=None), total("good", "rows"), levels=("district",))
