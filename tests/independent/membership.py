"""KPIs 32–41: Party, unions, youth and women."""

from __future__ import annotations

import pandas as pd

from tests.independent import ledgers
from tests.independent.population import FULL, day_of
from tests.independent.tally import Data, Spread, kpi, number, rate, spread


@kpi(32, "mem_party_driver_cnt", "stock", ratio=False, person=True)
def members(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct M."""
    frame = data.people.drivers(last)
    members = set(data.people.members(last)["person_key"])
    return spread(frame.assign(good=frame["person_key"].isin(members)), number("person_key", "good"))


def _among(data: Data, last: pd.Timestamp, persons: set[str]) -> Spread:
    frame = data.people.drivers(last)
    return spread(frame.assign(good=frame["person_key"].isin(persons)), rate("person_key", "good"))


@kpi(33, "mem_party_share", "stock", person=True)
def share(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """M / P."""
    return _among(data, last, set(data.people.members(last)["person_key"]))


@kpi(34, "mem_lead_verified_rate", "stock", person=True)
def leads(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Leads in P that were confirmed or excluded / leads in P."""
    frame = data.people.ledger(last)
    frame = frame[frame["lead_source"].notna()].assign(good=frame["verify_status"].isin({"confirmed", "excluded"}))
    return spread(
        data.people.drivers(last).merge(frame[["person_key", "good"]], on="person_key"), rate("person_key", "good")
    )


@kpi(35, "mem_org_built_rate", "stock")
def built(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 with three full members and an organisation of their own / C50 with three full members."""
    full = (
        data.people.members(last)
        .query("stage == @FULL", local_dict={"FULL": FULL})
        .groupby("company")["person_key"]
        .nunique()
    )
    frame = data.people.big(last)
    return ledgers.share(frame[frame["company"].isin(full[full >= 3].index)], ledgers.own_org(data, last))


@kpi(36, "mem_org_coverage_rate", "stock")
def covered(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 covered by an organisation / C50."""
    return ledgers.share(data.people.big(last), ledgers.covering(data, last))


@kpi(37, "mem_work_coverage_rate", "stock")
def worked(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 covered, or with an instructor and an activity in the quarter / C50."""
    cover = ledgers.covering(data, last)
    held = data.rows.current("pb_activity")
    held = held[day_of(held["held_at"]).between(ledgers.quarter(last), last)]
    active = {company for value in held["uscc"] if (company := ledgers.company_names(data, last)(value))}
    acting = set(held["org_id"].dropna())
    active |= {company for company, orgs in cover.items() if orgs & acting}
    office = ledgers.in_office(data, last)
    guided = set(office.loc[office["role"] == "党建指导员", "company"].dropna())
    return ledgers.share(data.people.big(last), set(cover) | (guided & active))


@kpi(38, "mem_pipeline_cnt", "stock", ratio=False, person=True)
def pipeline(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P on the way to membership; full members only in the year in which they became it."""
    frame = ledgers.stages(data, last)
    frame = frame[(frame["rank"] < 4) | (frame["reached"] >= pd.Timestamp(last.year, 1, 1))]
    frame = data.people.drivers(last).merge(frame, on="person_key", how="left")
    return spread(frame.assign(good=frame["rank"].notna()), number("person_key", "good"))


@kpi(39, "mem_union_org_rate", "stock")
def union_org(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 with a union of their own or a joint one / C50."""
    return ledgers.share(data.people.big(last), ledgers.unions(data, last, {"工会", "联合工会"}))


@kpi(40, "mem_union_member_rate", "stock", person=True)
def union_member(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P in a union / P."""
    frame = ledgers.on(data, "un_member", ["person_key", "org_id"], last, "join_date")
    frame = frame[(day_of(frame["join_date"]) <= last) & ~(day_of(frame["leave_date"]) <= last)]
    return _among(data, last, set(frame["person_key"]))


@kpi(41, "mem_youth_women_org_rate", "stock")
def youth(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 with a youth organisation / C50."""
    return ledgers.share(data.people.big(last), ledgers.unions(data, last, {"团"}))
