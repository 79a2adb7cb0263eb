"""What the Party, union and register ledgers say of a company or a person on a day, shared by several KPIs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from tests.independent import text
from tests.independent.population import Timeline, day_of, true
from tests.independent.tally import Data, Spread, number, rate, spread

OWN_ORGS = {"党委", "总支", "支部"}
JOINT_ORGS = {"联合", "流动", "行业"}
RANKS = {"入党申请人": 0, "入党积极分子": 1, "发展对象": 2, "预备党员": 3, "正式党员": 4}
YEAR = pd.Timedelta(days=365)


def joined(frame: pd.DataFrame, keys: list[str]) -> list[str]:
    """The key columns of each row as one text."""
    return ["|".join(map(str, values)) for values in zip(*(frame[key] for key in keys), strict=True)]


def on(data: Data, table: str, keys: list[str], day: pd.Timestamp, own_date: str | None = None) -> pd.DataFrame:
    """The versions of a ledger valid on that day: from the ledger's date on, the first one from its own date if that is
    earlier."""

    def line() -> Timeline:
        frame = data.rows.versions(table)
        frame["_key"] = joined(frame, keys)
        back = frame[own_date].map(text.real_date) if own_date else frame["_version"]
        return Timeline(frame, keys, "_key", back)

    return data.people.remember(table, day, data.people.once(table, line).on).copy()


def company_names(data: Data, day: pd.Timestamp) -> Callable[[Any], str | None]:
    """From a code, a name or a confirmed alias to the company."""
    return data.people.once(f"names {day}", lambda: _names(data, day))


def _names(data: Data, day: pd.Timestamp) -> Callable[[Any], str | None]:
    frame = data.people.companies(day)
    known = {str(company): str(company) for company in frame["company"]}
    for name, company in zip(frame["name"], frame["company"], strict=True):
        known.setdefault(str(name), str(company))
    if data.rows.has("own_alias"):
        for row in data.rows.current("own_alias").itertuples():
            if target := text.code_or_none(row.company_key):
                known.setdefault(str(row.alias), target)

    def find(value: Any) -> str | None:
        code = text.code_or_none(value)
        return None if code is None else known.get(code) or known.get(str(value).strip())

    return find


def orgs(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    """Party organisations that exist on that day."""
    frame = on(data, "pb_org", ["org_id"], day, "set_up_at")
    return frame[(frame["status"] != "撤销") & (day_of(frame["set_up_at"]) <= day)]


def own_org(data: Data, day: pd.Timestamp) -> set[str]:
    """Companies with an organisation of their own."""
    find = company_names(data, day)
    frame = orgs(data, day)
    return {found for value in frame.loc[frame["org_type"].isin(OWN_ORGS), "uscc"] if (found := find(value))}


def covering(data: Data, day: pd.Timestamp) -> dict[str, set[str]]:
    """Company → organisations that cover it: its own, and the joint, industry and flowing ones that list it."""
    find, frame = company_names(data, day), orgs(data, day)
    lists = on(data, "pb_org_company", ["org_id", "uscc"], day)
    joint = set(frame.loc[frame["org_type"].isin(JOINT_ORGS), "org_id"])
    pairs = list(zip(frame["uscc"], frame["org_id"], strict=True)) + [
        (uscc, org) for org, uscc in zip(lists["org_id"], lists["uscc"], strict=True) if org in joint
    ]
    found: dict[str, set[str]] = {}
    for value, org in pairs:
        if company := find(value):
            found.setdefault(company, set()).add(str(org))
    return found


def unions(data: Data, day: pd.Timestamp, kinds: set[str]) -> set[str]:
    """Companies with a mass organisation of those kinds, of their own or covering them."""
    find = company_names(data, day)
    frame = on(data, "un_org", ["org_id"], day, "set_up_at")
    frame = frame[frame["org_type"].isin(kinds) & (day_of(frame["set_up_at"]) <= day)]
    named = [
        *frame["uscc"],
        *(part for value in frame["coverage"] if not text.absent(value) for part in re.split(r"[;；、]", str(value))),
    ]
    return {found for value in named if (found := find(value))}


def in_office(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    """Instructors and resident officers in office, with `company`."""
    frame = data.rows.current("pb_instructor")
    frame = frame[(day_of(frame["from_date"]) <= day) & ~(day_of(frame["to_date"]) < day)]
    return frame.assign(company=frame["uscc"].map(company_names(data, day)))


def quarter(day: pd.Timestamp) -> pd.Timestamp:
    """First day of the calendar quarter."""
    return day.to_period("Q").start_time.normalize()


def stages(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    """Each person's stage and the day it was reached; events that go back or come too soon do not count (D17)."""
    return data.people.remember("stages", day, lambda at: _stages(data, at))


def _stages(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    events = data.rows.current("pb_stage_event")
    events = events.assign(rank=events["stage"].map(RANKS), at=day_of(events["event_date"]))
    events = events[(events["at"] <= day) & events["rank"].notna()].sort_values(["at", "rank"])
    found = []
    for person, own in events.groupby("person_key"):
        held: tuple[int, pd.Timestamp] | None = None
        for rank, at in zip(own["rank"].astype(int), own["at"], strict=True):
            back = held is not None and rank <= held[0]
            early = held is not None and (held[0], rank) in {(1, 2), (3, 4)} and at - held[1] < YEAR
            held = held if back or early else (rank, at)
        if held:
            found.append((person, held[0], held[1]))
    return pd.DataFrame(found, columns=["person_key", "rank", "reached"])


def users(data: Data) -> pd.DataFrame:
    """Accounts of the mini-program with `person`: by person key, else the driver of that telephone where only one driver
    has it."""
    return data.people.once("users", lambda: _users(data)).copy()


def _users(data: Data) -> pd.DataFrame:
    frame = data.rows.current("mp_user")
    people = data.rows.current("yz_driver").dropna(subset=["phone_hash"])
    people = people[["phone_hash", "person_key"]].drop_duplicates().drop_duplicates("phone_hash", keep=False)
    by_phone = dict(zip(people["phone_hash"], people["person_key"], strict=True))
    return frame.assign(
        person=frame["person_key"].where(frame["person_key"].notna(), frame["phone_hash"].map(by_phone))
    )


def lit(data: Data, day: pd.Timestamp) -> set[str]:
    """Persons whose red heart is lit and approved."""
    hearts = data.rows.current("mp_red_heart")
    hearts = hearts[
        (hearts["audit_status"] == "通过") & (day_of(hearts["lit_at"]) <= day) & ~(day_of(hearts["off_at"]) <= day)
    ]
    return set(hearts.merge(users(data)[["user_id", "person"]], on="user_id")["person"].dropna())


def volunteering(data: Data, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Verified records that began in first..last of activities that took place, with `day` and `person`: the person's
    key, else the one of the account, else the account itself."""
    frame = data.people.once("volunteering", lambda: _volunteering(data))
    return frame[frame["day"].between(first, last) & frame["person"].notna()].copy()


def _volunteering(data: Data) -> pd.DataFrame:
    frame = data.rows.current("mp_volunteer_record")
    dropped = data.rows.current("mp_volunteer_activity")
    dropped = set(dropped.loc[dropped["status"] == "取消", "act_id"])
    frame = frame[true(frame["verified"]) & ~frame["act_id"].isin(dropped) & (frame["end_at"] > frame["start_at"])]
    bound = data.rows.current("mp_user").dropna(subset=["person_key"])
    by_user = dict(zip(bound["user_id"], bound["person_key"], strict=True))
    person = frame["person_key"].where(frame["person_key"].notna(), frame["user_id"].map(by_user))
    return frame.assign(person=person.where(person.notna(), frame["user_id"]), day=day_of(frame["start_at"]))


def at_companies(data: Data, frame: pd.DataFrame, person: str, day: str) -> pd.DataFrame:
    """One row for each company that employs the person on that row's day; persons in no company stay, without a
    place."""
    parts = []
    for at, group in frame.groupby(day):
        jobs = data.people.drivers(min(at, data.rows.today))[["person_key", "company", "town"]].rename(
            columns={"person_key": person}
        )
        parts.append(group.drop(columns=["company", "town"], errors="ignore").merge(jobs, on=person, how="left"))
    return pd.concat(parts, ignore_index=True) if parts else frame.assign(company=None, town=None)


def at_home(data: Data, frame: pd.DataFrame, uscc: str, day: str) -> pd.DataFrame:
    """`frame` with company and its town on that row's day."""
    company = [
        company_names(data, min(at, data.rows.today))(value) for value, at in zip(frame[uscc], frame[day], strict=True)
    ]
    town = [
        data.people.home(min(at, data.rows.today)).get(key) if key else None
        for key, at in zip(company, frame[day], strict=True)
    ]
    return frame.assign(company=company, town=town)


def share(frame: pd.DataFrame, good: Iterable[str]) -> Spread:
    """Companies of `frame` that are in `good` / companies of `frame`."""
    return spread(frame.assign(good=frame["company"].isin(set(good))), rate("company", "good"))


def headcount(frame: pd.DataFrame, person: str = "person_key") -> Spread:
    """Distinct persons."""
    return spread(frame, number(person))
