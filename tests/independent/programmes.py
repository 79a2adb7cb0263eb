"""KPIs 42–55: the first three programmes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.independent import ledgers, text
from tests.independent.fleet import certificates, in_force
from tests.independent.population import day_of, true
from tests.independent.tally import Data, Spread, kpi, number, rate, spread, total

SENDS = {"送课", "送书", "送宣讲"}


@kpi(42, "p1_instructor_rate", "stock")
def instructors(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 with a Party instructor and a resident officer in office / C50."""
    office = ledgers.in_office(data, last)
    roles = office.groupby("company")["role"].agg(set)
    return ledgers.share(
        data.people.big(last), [company for company, held in roles.items() if {"党建指导员", "驻企服务员"} <= held]
    )


@kpi(43, "p1_visit_done_rate", "flow")
def visits(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Planned visits done (day, visitor and note known) / visits planned for the window. Two on one day at one company
    are one: the earlier plan has it."""
    frame = data.rows.current("pb_visit").sort_values(["due", "visit_id"])
    filled = (
        frame["visitor"].map(text.code_or_none).notna()
        & frame["note"].map(text.code_or_none).notna()
        & frame["visit_at"].notna()
    )
    frame = frame.assign(
        day=day_of(frame["due"]), at=day_of(frame["visit_at"]), firm=frame["uscc"].map(text.code_or_none)
    )
    once = ~frame[filled].duplicated(["firm", "at"])
    frame["done"] = (frame["at"] <= last) & once.reindex(frame.index, fill_value=False)
    frame = ledgers.at_home(data, frame[frame["day"].between(first, last)], "uscc", "day")
    return spread(frame, total("done", "*"))


@kpi(44, "p1_six_one_rate", "stock")
def six_one(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Items done of the quarter / C50 × items."""
    items = set(data.rows.current("own_six_one")["item_no"].astype(int))
    done = data.rows.current("pb_six_one")
    done = done[
        (done["period"] == f"{first.year}Q{first.quarter}")
        & (day_of(done["done_at"]) <= last)
        & done["item_no"].isin(items)
    ]
    done = done.assign(company=done["uscc"].map(ledgers.company_names(data, last))).drop_duplicates(
        ["company", "item_no"]
    )
    per = done.groupby("company").size()
    frame = data.people.big(last)
    frame["done"] = frame["company"].map(per).fillna(0)
    return spread(frame.assign(due=len(items)), total("done", "due"))


@kpi(45, "p1_three_send_cnt", "flow", ratio=False)
def sends(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct activities of the three kinds; town of the site, else of the company."""
    from tests.independent.sites import site_towns

    frame = data.rows.current("pb_activity")
    frame = frame.assign(day=day_of(frame["held_at"]))
    frame = ledgers.at_home(
        data, frame[frame["act_type"].isin(SENDS) & frame["day"].between(first, last)], "uscc", "day"
    )
    site = [site_towns(data, day).get(key) for key, day in zip(frame["site_id"], frame["day"], strict=True)]
    frame["town"] = pd.Series(site, index=frame.index, dtype=object).where(lambda found: found.notna(), frame["town"])
    return spread(frame, number("act_id"))


@kpi(46, "p1_unit_task_ontime_rate", "flow")
def tasks(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Tasks done by their due day / tasks due."""
    frame = data.rows.current("pb_task")
    frame = frame[day_of(frame["due"]).between(first, last)]
    good = day_of(frame["done_at"]) <= day_of(frame["due"])
    return spread(frame.assign(good=good), total("good", "*"), levels=("district",))


@kpi(47, "p2_survey_done_rate", "stock")
def survey(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 with a complete form in the current round / C50."""
    frame = ledgers.on(data, "pb_survey", ["round_no", "uscc"], last, "finished_at")
    begun = data.rows.versions("pb_survey")
    rounds = begun.loc[day_of(begun["_version"]) <= last, "round_no"]
    frame = frame[
        (frame["round_no"] == rounds.max()) & (day_of(frame["finished_at"]) <= last) & (frame["missing_cnt"] == 0)
    ]
    return ledgers.share(
        data.people.big(last), [found for value in frame["uscc"] if (found := ledgers.company_names(data, last)(value))]
    )


def register(data: Data, last: pd.Timestamp) -> pd.DataFrame:
    """The register of 50+ companies on that day, with `company`."""
    frame = ledgers.on(data, "pb_register50", ["uscc"], last, "confirmed_at")
    frame = frame.assign(company=frame["uscc"].map(ledgers.company_names(data, last)))
    return frame[frame["company"].notna()].sort_values("_version").drop_duplicates("company", keep="last")


@kpi(48, "p2_register_fresh_rate", "stock")
def fresh(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """C50 whose row was confirmed in the last 90 days / C50."""
    frame = register(data, last)
    age = (last - day_of(frame["confirmed_at"])).dt.days
    return ledgers.share(data.people.big(last), frame.loc[age <= 90, "company"])


@kpi(49, "p2_volunteer_join_rate", "stock", person=True)
def volunteers(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Backbone (M, 积极分子, captains) with a verified record in the quarter / backbone."""

    active = set(ledgers.stages(data, last).query("rank == 1")["person_key"])
    frame = data.people.drivers(last)
    core = set(data.people.members(last)["person_key"]) | active
    frame = frame[
        frame["person_key"].isin(core) | frame["captain"]
    ]  # a captain is one of the company that made him one
    helped = set(ledgers.volunteering(data, ledgers.quarter(last), last)["person"])
    return spread(frame.assign(good=frame["person_key"].isin(helped)), rate("person_key", "good"))


@kpi(50, "p2_identity_show_rate", "stock", person=True)
def shown(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """M with a lit heart or a badge / M."""
    frame = data.people.members(last)
    good = frame["person_key"].isin(ledgers.lit(data, last)) | (day_of(frame["badge_at"]) <= last)
    return spread(frame.assign(good=good), rate("person_key", "good"))


@kpi(51, "p3_warm_item_done_rate", "stock")
def warm_items(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Weight of the year's milestones done with evidence / weight of all."""
    frame = data.rows.current("pj_milestone")
    frame = frame[frame["year"] == first.year]
    done = (day_of(frame["done_at"]) <= last) & frame["evidence"].map(text.code_or_none).notna()
    weight = frame["weight"].astype(float)
    return spread(
        frame.assign(w=weight, d=weight.where(done, 0.0)),
        total("d", "w"),
        levels=("district",),
    )


@kpi(52, "p3_ecert_rate", "stock")
def ecerts(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Certificates in force with an electronic one / certificates in force, at the holder's company."""
    papers = certificates(data, last)
    papers = papers[in_force(papers, last)]
    papers = papers.assign(
        key=papers["cert_type"] + "|" + papers["cert_no"].map(text.code),
        held=papers["holder_key"].map(lambda value: None if text.absent(value) else text.holder(str(value))),
    )
    papers["good"] = papers["ecert_id"].map(text.code_or_none).notna() & ~(day_of(papers["ecert_at"]) > last)
    fleet = data.people.register(last)[["vehicle", "company", "town"]].rename(columns={"vehicle": "held"})
    people = data.people.drivers(last)[["person_key", "company", "town"]].rename(columns={"person_key": "held"})
    firms = data.people.companies(last)[["company", "town"]].assign(held=lambda frame: frame["company"])
    gone = set(
        fleet.loc[~fleet["town"].map(data.rows.towns.inside), "held"]
    )  # vehicles of the towns that left the district
    frame = papers[~papers["held"].isin(gone)].merge(
        pd.concat([fleet, people, firms]).drop_duplicates(), on="held", how="left"
    )
    return spread(frame, rate("key", "good"))


def permits(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Overlimit permits decided in the window, at their company."""
    frame = data.rows.current("yz_overlimit")
    frame = frame.assign(day=day_of(frame["decided_at"]))
    return ledgers.at_home(data, frame[frame["day"].between(first, last)], "uscc", "day")


@kpi(53, "p3_overlimit_auto_rate", "flow")
def auto(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Permits inside the district decided without a hand / permits inside the district decided."""
    frame = permits(data, first, last)
    frame = frame[frame["scope"] == "区内"]
    return spread(frame.assign(good=true(frame["auto_flag"])), rate("permit_id", "good"))


@kpi(54, "p3_overlimit_ontime_rate", "flow")
def permits_in_time(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Permits decided within the working days of their scope and class / permits decided."""
    frame = permits(data, first, last)
    limits = data.rows.current("own_permit_limit")
    limit = {
        (scope, kind): int(days)
        for scope, kind, days in zip(limits["scope"], limits["permit_class"], limits["workdays"], strict=True)
    }
    free, extra = calendar(data)
    taken = [
        np.busday_count(begin + pd.Timedelta(days=1), end + pd.Timedelta(days=1), holidays=free)
        + sum(begin < day <= end for day in extra)
        for begin, end in zip(day_of(frame["accepted_at"]).dt.date, frame["day"].dt.date, strict=True)
    ]
    most = [limit.get(key) for key in zip(frame["scope"], frame["permit_class"], strict=True)]
    frame["known"] = [value is not None for value in most]
    frame["good"] = [value is not None and used <= value for used, value in zip(taken, most, strict=True)]
    return spread(frame, rate("permit_id", "good", "known"))


def calendar(data: Data) -> tuple[list[object], list[object]]:
    """Weekdays that are free, and weekend days that are worked."""
    own = data.rows.current("own_workday")
    working, day = true(own["is_workday"]), day_of(own["day"])
    week = day.dt.weekday < 5
    return list(day[week & ~working].dt.date), list(day[~week & working].dt.date)


@kpi(55, "p3_appeal_ontime_rate", "flow")
def appeals(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Appeals closed by their due day / appeals due; one appeal through two channels is one."""
    frame = data.rows.current("pj_appeal").sort_values(["received_at", "ticket_no", "channel"]).reset_index(drop=True)
    group: list[int] = []
    by_ticket: dict[str, int] = {}
    by_phone: dict[tuple[str, str], tuple[int, pd.Timestamp]] = {}
    for row in frame.itertuples():
        key = (str(row.phone_hash), str(row.category))
        near = by_phone.get(key) if not text.absent(row.phone_hash) else None
        found = by_ticket.get(row.ticket_no)
        if found is None and near and row.received_at - near[1] <= pd.Timedelta(hours=24):
            found = near[0]
        if found is None:
            found = len(group)
            if not text.absent(row.phone_hash):
                by_phone[key] = (found, row.received_at)
        by_ticket.setdefault(row.ticket_no, found)
        group.append(found)
    merged = (
        frame.assign(group=group, open=frame["closed_at"].isna())
        .groupby("group")
        .agg(
            due=("due", "min"),
            received_at=("received_at", "first"),
            closed_at=("closed_at", "max"),
            open=("open", "any"),
            uscc=("uscc", "first"),
            category=("category", "first"),
            channel=("channel", "first"),
        )
        .reset_index()
    )
    merged["day"] = day_of(merged["due"])
    merged["received"] = day_of(merged["received_at"])
    merged = ledgers.at_home(data, merged[merged["day"].between(first, last)], "uscc", "received")
    merged["good"] = ~merged["open"] & (day_of(merged["closed_at"]) <= merged["day"])
    return spread(merged, total("good", "*"))
