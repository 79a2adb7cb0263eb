"""KPIs 56–68: care, the mini-program, examples."""

from __future__ import annotations

import pandas as pd

from tests.independent import ledgers
from tests.independent.population import day_of, true
from tests.independent.tally import Data, Parts, Spread, kpi, number, rate, spread, total

DAY_HOURS = 12.0
BENEFITS = {"疗休养", "高温慰问", "女性成长课程", "亲子课程"}
LEVELS = {"区": 0, "市": 1, "省": 2, "国家": 3}


def cases(data: Data, last: pd.Timestamp) -> pd.DataFrame:
    """Qualified hardship cases open on that day: town of the case, companies of the person."""
    frame = data.rows.all("wf_hardship")
    frame = frame[~(day_of(frame["_deleted_at"]) <= last)]
    frame = frame[
        (day_of(frame["opened_at"]) <= last) & ~(day_of(frame["closed_at"]) <= last) & true(frame["qualified"])
    ]
    return frame.assign(town=frame["town"].map(data.rows.towns.of), day=last)


def _cases(data: Data, good: pd.Series, frame: pd.DataFrame) -> Spread:
    frame = ledgers.at_companies(data, frame.assign(good=good, home=frame["town"]), "person_key", "day")
    return spread(frame.assign(town=frame["home"]), rate("case_id", "good"))


@kpi(56, "p4_relief_covered_rate", "stock", person=True)
def relief(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Cases taken into relief / qualified cases."""
    frame = cases(data, last)
    return _cases(data, day_of(frame["enrolled_at"]) <= last, frame)


@kpi(57, "p4_pairing_rate", "stock", person=True)
def pairing(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Cases with a helper / qualified cases."""
    pairs = data.rows.current("wf_pairing")
    pairs = pairs[(day_of(pairs["from_date"]) <= last) & ~(day_of(pairs["to_date"]) < last)]
    frame = cases(data, last)
    return _cases(data, frame["case_id"].isin(set(pairs["case_id"])), frame)


def guests(data: Data, first: pd.Timestamp, last: pd.Timestamp, kinds: set[str]) -> pd.DataFrame:
    """People on the lists of events of those kinds held in the window, at the companies that employed them that day."""
    events = data.rows.current("wf_benefit_event")
    events = events.assign(day=day_of(events["held_at"]))
    events = events[events["type"].isin(kinds) & events["day"].between(first, last)]
    frame = data.rows.current("wf_benefit_person").merge(events[["event_id", "day", "type"]], on="event_id")
    frame = frame.assign(
        came=true(frame["attended"]),
        chosen=true(frame["selected"]),
        entry=frame["event_id"] + "|" + frame["entry_no"].astype(str),
    )
    return ledgers.at_companies(data, frame, "person_key", "day")


@kpi(58, "p4_checkup_rate", "flow", person=True)
def checkup(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Chosen persons who came / chosen persons."""
    frame = guests(data, first, last, {"体检"})
    return spread(frame[frame["chosen"] & frame["person_key"].notna()], rate("person_key", "came"))


@kpi(59, "p4_benefit_reach_cnt", "flow", ratio=False, person=True)
def benefit(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Attendances of the four kinds, families included."""
    frame = guests(data, first, last, BENEFITS)
    return spread(frame[frame["came"]], number("entry"))


@kpi(60, "p4_camp_child_cnt", "flow", ratio=False)
def camp(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Children as the organisers counted them."""
    frame = data.rows.current("wf_camp")
    frame = frame[day_of(frame["begin_at"]).between(first, last)]
    return spread(frame, total("child_cnt"), levels=("district",))


@kpi(61, "p5_mp_register_rate", "stock", person=True)
def registered(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """P with a bound account / P."""
    bound = ledgers.users(data)
    bound = bound[day_of(bound["bind_at"]) <= last]
    frame = data.people.drivers(last)
    return spread(
        frame.assign(good=frame["person_key"].isin(set(bound["person"].dropna()))), rate("person_key", "good")
    )


@kpi(62, "p5_mp_mau_rate", "flow", person=True)
def monthly_active(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Bound users with an action in the month / users bound by its last counted day; at the person's companies, else
    the user's town."""
    bound = ledgers.users(data)
    bound = bound[day_of(bound["bind_at"]) <= last].assign(
        day=last, own=lambda frame: frame["town"].map(data.rows.towns.of)
    )
    acts = data.rows.current("mp_event_day")
    acts = acts[day_of(acts["day"]).between(first, last)].groupby("user_id")["actions"].sum()
    frame = ledgers.at_companies(data, bound.assign(good=bound["user_id"].map(acts).fillna(0) >= 1), "person", "day")
    frame["town"] = frame["town"].where(frame["town"].notna(), frame["own"])
    return spread(frame, rate("user_id", "good"))


@kpi(63, "p5_red_heart_rate", "stock", person=True)
def red_heart(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """M with a lit heart / M."""
    frame, members = data.people.drivers(last), set(data.people.members(last)["person_key"])
    frame = frame.assign(due=frame["person_key"].isin(members), good=frame["person_key"].isin(ledgers.lit(data, last)))
    return spread(frame, rate("person_key", "good", "due"))


@kpi(64, "p5_volunteer_hours", "flow", person=True)
def hours(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Hours of verified records, overlaps merged and no more than 12 a person and day / persons with one."""
    found = []
    for (person, day), own in (
        ledgers.volunteering(data, first, last).sort_values("start_at").groupby(["person", "day"])
    ):
        spent, until = 0.0, pd.Timestamp.min
        for begin, end in zip(own["start_at"], own["end_at"], strict=True):
            spent += max((end - max(begin, until)).total_seconds(), 0.0)
            until = max(until, end)
        found.append((person, day, min(spent / 3600, DAY_HOURS)))
    frame = ledgers.at_companies(data, pd.DataFrame(found, columns=["person", "day", "h"]), "person", "day")

    def count(part: pd.DataFrame) -> Parts:
        return float(part.drop_duplicates(["person", "day"])["h"].sum()), float(part["person"].nunique())

    return spread(frame, count)


@kpi(65, "p5_points_redeem_rate", "flow")
def points(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Points redeemed net of cancelled / points issued net of adjusted, each business number once."""
    return spread(ledger_entries(data, first, last), total("spent", "issued"), levels=("district",))


def ledger_entries(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Entries of the window with what each issued, redeemed or let expire, what it moved (nothing where it is booked a
    second time), and the `gap` between that and what the account's own balance did."""
    frame = data.rows.current("mp_points").sort_values("entry_id")
    once = frame["biz_no"].isna() | ~frame.duplicated(["type", "biz_no"])
    delta = frame["delta"].astype(float).where(once, 0.0)
    balance = frame["balance_after"].astype(float).fillna(0.0)
    went = balance - balance.groupby(frame["user_id"]).shift().fillna(0.0)
    frame = frame.assign(
        spent=-delta.where(frame["type"].isin({"REDEEM", "CANCEL"}), 0.0),
        issued=delta.where(frame["type"].isin({"SIGN", "VOLUNTEER", "ACTIVITY", "ADJUST"}), 0.0),
        expired=-delta.where(frame["type"] == "EXPIRE", 0.0),
        moved=delta,
        gap=went - delta,
        town=None,
        company=None,
    )
    return frame[day_of(frame["created_at"]).between(first, last)]


def honours(data: Data, first: pd.Timestamp, last: pd.Timestamp, status: str = "获得") -> pd.DataFrame:
    """Honours won in the window's year (`status`: or nominated for), each at its highest level, at the holder's companies on the day it was given (1
    January when no day of that year is known); one given after `last` does not count yet."""
    frame = data.rows.current("hn_award")
    frame = frame[(frame["year"] == first.year) & (frame["status"] == status)]
    given = day_of(frame["awarded_at"])
    frame = frame.assign(day=given.where(given.dt.year == first.year, pd.Timestamp(first.year, 1, 1)))
    frame = frame[frame["day"] <= last]
    holder = frame["person_key"].where(
        frame["person_key"].notna(), frame["org_id"].where(frame["org_id"].notna(), frame["uscc"])
    )
    holder = holder.where(holder.notna(), frame["award_id"])
    frame = frame.assign(honour=frame["award_code"] + "|" + holder.astype(str), rank=frame["level"].map(LEVELS))
    frame = frame.sort_values(["rank", "award_id"]).drop_duplicates("honour", keep="last")
    people = frame[frame["person_key"].notna()]
    firms = ledgers.at_home(data, frame.drop(index=people.index), "uscc", "day")
    return pd.concat([firms, ledgers.at_companies(data, people, "person_key", "day")], ignore_index=True)


@kpi(66, "p6_beauty_driver_cnt", "flow", ratio=False)
def beauty(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct persons with the title."""
    frame = honours(data, first, last)
    return ledgers.headcount(frame[frame["award_code"] == "最美货车司机"])


@kpi(67, "p6_award_cnt", "flow", ratio=False)
def awards(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Distinct honours of a holder."""
    return spread(honours(data, first, last), number("honour"))


@kpi(68, "p6_demo_org_cnt", "stock", ratio=False)
def demos(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> Spread:
    """Organisations with the title in force."""
    return spread(demo_orgs(data, last, "认定"), number("org_id"))


def demo_orgs(data: Data, last: pd.Timestamp, stage: str) -> pd.DataFrame:
    """Organisations at a stage on that day, with company and town."""
    frame = data.rows.current("hn_demo")
    frame = frame[
        (frame["stage"] == stage) & (day_of(frame["from_date"]) <= last) & ~(day_of(frame["to_date"]) < last)
    ].assign(day=last)
    return ledgers.at_home(data, frame, "uscc", "day")
