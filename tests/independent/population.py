"""Who belongs to what on a day: V, V45, VH, VN, C, C50, P, P45, P50, M, each with its company and town of that day."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pandas as pd

from tests.independent import text
from tests.independent.rows import Rows
from tests.independent.track import vehicle_days

CLOSED_DRIVER = {"注销", "离职"}
FULL, PROBATION = "正式党员", "预备党员"
DAY = pd.Timedelta(days=1)
SPANS = 8
"""Spans of vehicle-days that are remembered: a quarter is large."""


def true(column: pd.Series) -> pd.Series:
    """A flag that may be missing, as plain bool: missing is False."""
    flags = [value is not pd.NA and value is not None and value == True for value in column]  # noqa: E712
    return pd.Series(flags, index=column.index, dtype=bool)


def day_of(column: pd.Series) -> pd.Series:
    """Instants as their day."""
    return pd.to_datetime(column).dt.normalize()


def by_latest(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The last row of each key in the order given."""
    return frame.drop_duplicates(keys, keep="last")


class Timeline:
    """Versions of one register. On a day the newest version that had come by then counts; the first one of a key
    reaches back to the day in `back` (None: for ever); a key that the source deleted counts until the day before.
    `alive`: the status before a first version that already says something else (an end is known from the day of that
    version on, not before)."""

    def __init__(
        self, versions: pd.DataFrame, raw: list[str], key: str, back: pd.Series | None, alive: str = ""
    ) -> None:
        frame = versions.assign(_from=day_of(versions["_version"]), _gone=day_of(versions["_deleted_at"]))
        first = ~frame.duplicated(key)
        if alive:
            ended = frame[first & (frame["status"] != alive)]
            frame = pd.concat([ended.assign(status=alive), frame], ignore_index=True)
            back = None if back is None else pd.concat([back[ended.index], back], ignore_index=True)
            frame.loc[: len(ended) - 1, "_gone"] = pd.NaT
            first = ~frame.duplicated(key)
        if back is None:
            frame.loc[first, "_from"] = pd.Timestamp(1900, 1, 1)
        else:
            reach = day_of(back)
            frame.loc[first & (reach < frame["_from"]), "_from"] = reach
        self._frame, self._raw, self._key = frame, raw, key

    def on(self, day: pd.Timestamp) -> pd.DataFrame:
        """One row a key that stands on that day."""
        known = by_latest(self._frame[self._frame["_from"] <= day], self._raw)
        return (
            by_latest(known[~(known["_gone"] <= day)], [self._key])
            .drop(columns=["_from", "_gone"])
            .reset_index(drop=True)
        )


class Population:
    """The populations of the catalogue by day. Frames carry town and company (None: owner unknown)."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._days: dict[tuple[str, pd.Timestamp], pd.DataFrame] = {}
        self._made: dict[str, Any] = {}
        self._spans: dict[tuple[pd.Timestamp, pd.Timestamp], pd.DataFrame] = {}

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once and changed by nobody."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def remember(self, name: str, day: pd.Timestamp, make: Any) -> pd.DataFrame:
        """A frame of a day, made once."""
        if (name, day) not in self._days:
            self._days[name, day] = make(day)
        return self._days[name, day]

    # -- vehicles ---------------------------------------------------------------------------------------------------

    @cached_property
    def _vehicle_line(self) -> Timeline:
        frame = self.rows.versions("yz_vehicle")
        frame["vehicle"] = text.vehicles(frame)
        frame["company"] = frame["uscc"].map(text.code_or_none)
        frame["town"] = frame["home_town"].map(self.rows.towns.of)
        frame["register_date"] = frame["register_date"].map(text.real_date)
        kind = frame["veh_type"].map(text.code_or_none).fillna("")
        mass = pd.to_numeric(frame["gross_mass_t"])
        frame["trailer"] = true(frame["is_trailer"])
        frame["v45"] = mass > 4.5
        frame["vh"] = kind.str.fullmatch(r"Q.1") | (mass >= 12)
        return Timeline(frame, ["plate_no", "plate_color"], "vehicle", frame["register_date"], alive="营运")

    def register(self, day: pd.Timestamp) -> pd.DataFrame:
        """Every vehicle of the register on that day, whatever its status, with its owner."""
        return self.remember("register", day, self._vehicle_line.on)

    def trucks(self, day: pd.Timestamp) -> pd.DataFrame:
        """V with flags v45, vh, vn, stopped; one row a vehicle."""
        return self.remember("V", day, self._trucks)

    def trailers(self, day: pd.Timestamp) -> pd.DataFrame:
        """Trailers in service."""
        return self._service(day).query("trailer")

    def _service(self, day: pd.Timestamp) -> pd.DataFrame:
        frame = self.register(day)
        return frame[(frame["status"] == "营运") & frame["town"].map(self.rows.towns.inside)]

    def _trucks(self, day: pd.Timestamp) -> pd.DataFrame:
        frame = self._service(day).query("not trailer").copy()
        first = frame["vehicle"].map(self.first_seen)
        frame["vn"] = frame["vh"] & (first <= day)
        begin, end = frame["stop_from"].map(text.real_date), frame["stop_to"].map(text.real_date)
        frame["stopped"] = (pd.to_datetime(begin) <= day) & ~(pd.to_datetime(end) < day)
        return frame.reset_index(drop=True)

    @cached_property
    def activity(self) -> pd.DataFrame:
        """Vehicle-days: what was received and driven, whoever owns the vehicle."""
        return vehicle_days(self.rows, lambda vehicle, day: self.owner(day)["company"].get(vehicle) in self.hazmat)

    @cached_property
    def first_seen(self) -> dict[str, pd.Timestamp]:
        """Day of the first qualified position of each vehicle."""
        seen = self.activity[self.activity["pts_ok"] > 0]
        return dict(seen.groupby("vehicle")["day"].min())

    def fleet_days(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """V on each day of first..last beside its activity of that day (NaN: nothing received)."""
        if (first, last) not in self._spans:
            self._spans = dict(list(self._spans.items())[-SPANS:]) | {(first, last): self._fleet_days(first, last)}
        return self._spans[first, last].copy()

    def _fleet_days(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        everyone = [self.trucks(day).assign(day=day) for day in pd.date_range(first, last)]
        if not everyone:
            return (
                self.trucks(first).iloc[0:0].assign(day=first).merge(self.activity, on=["vehicle", "day"], how="left")
            )
        return pd.concat(everyone, ignore_index=True).merge(self.activity, on=["vehicle", "day"], how="left")

    # -- companies --------------------------------------------------------------------------------------------------

    @cached_property
    def _company_line(self) -> Timeline:
        frame = self.rows.versions("yz_company")
        frame["company"] = frame["uscc"].map(text.code_or_none).fillna(frame["licence_no"].map(text.code_or_none))
        frame["town"] = [
            self._company_town(op, reg) for op, reg in zip(frame["op_town"], frame["reg_town"], strict=True)
        ]
        frame["begin"], frame["end"] = (
            frame["licence_from"].map(text.real_date),
            frame["licence_to"].map(text.real_date),
        )
        return Timeline(frame, ["uscc"], "company", None, alive="营业")

    def _company_town(self, operating: Any, registered: Any) -> str:
        return self.rows.towns.of(registered if text.code_or_none(operating) is None else operating)

    def companies(self, day: pd.Timestamp) -> pd.DataFrame:
        """The register of companies on that day with `licensed` (member of C)."""
        return self.remember("companies", day, self._companies)

    def _companies(self, day: pd.Timestamp) -> pd.DataFrame:
        frame = self._company_line.on(day)
        within = ~(pd.to_datetime(frame["begin"]) > day) & ~(pd.to_datetime(frame["end"]) < day)
        return frame.assign(licensed=within & (frame["status"] == "营业"))

    @cached_property
    def hazmat(self) -> set[str]:
        """Companies whose scope, as the register has it now, names dangerous goods."""
        frame = self.companies(self.rows.today)
        return set(frame.loc[frame["scope_text"].fillna("").str.contains("危险货物"), "company"])

    def licensed(self, day: pd.Timestamp) -> pd.DataFrame:
        """C."""
        return self.companies(day).query("licensed").reset_index(drop=True)

    def counts(self, day: pd.Timestamp) -> pd.DataFrame:
        """V, V45 and VH of each company on that day (index: company)."""
        return self.remember(
            "counts",
            day,
            lambda at: (
                self.trucks(at).groupby("company").agg(v=("vehicle", "nunique"), v45=("v45", "sum"), vh=("vh", "sum"))
            ),
        )

    def big(self, day: pd.Timestamp) -> pd.DataFrame:
        """C50 with v (vehicles that day); leaves only after 30 days below 50."""
        return self.remember("C50", day, self._big)

    def _big(self, day: pd.Timestamp) -> pd.DataFrame:
        month = pd.concat([self.counts(day - DAY * back) for back in range(30)])
        most = month.groupby(level=0).max()
        frame = self.licensed(day)
        frame["v"] = frame["company"].map(self.counts(day)["v"]).fillna(0)
        return frame[frame["company"].map(most["v"]).fillna(0) >= 50].reset_index(drop=True)

    def heavy(self, day: pd.Timestamp) -> pd.DataFrame:
        """C50H: fifty vehicles that must carry a terminal, by the same 30 days."""
        most = pd.concat([self.counts(day - DAY * back) for back in range(30)]).groupby(level=0).max()
        frame = self.licensed(day)
        return frame[frame["company"].map(most["vh"]).fillna(0) >= 50].reset_index(drop=True)

    # -- people -----------------------------------------------------------------------------------------------------

    @cached_property
    def _driver_line(self) -> Timeline:
        return Timeline(self.rows.versions("yz_driver"), ["person_key"], "person_key", None)

    def drivers(self, day: pd.Timestamp) -> pd.DataFrame:
        """P: one row a person and company, with is_captain, p45, p50, and what the register of drivers says that
        day."""
        return self.remember("P", day, self._drivers)

    def _drivers(self, day: pd.Timestamp) -> pd.DataFrame:
        people = self._driver_line.on(day)
        people = people[~people["status"].isin(CLOSED_DRIVER)]
        jobs = self.rows.all("yz_employment")
        jobs = jobs[~(day_of(jobs["_deleted_at"]) <= day)]
        begin, end = (
            pd.to_datetime(jobs["from_date"].map(text.real_date)),
            pd.to_datetime(jobs["to_date"].map(text.real_date)),
        )
        jobs = jobs[~(begin > day) & ~(end < day)].assign(company=jobs["uscc"].map(text.code_or_none))
        jobs["captain"] = true(jobs["is_captain"])
        jobs = jobs.groupby(["person_key", "company"], as_index=False)["captain"].max()
        companies = self.licensed(day)[["company", "town", "owner_type", "name"]].rename(
            columns={"name": "company_name"}
        )
        frame = jobs.merge(companies, on="company").merge(people.drop(columns=["status", "home_town"]), on="person_key")
        frame["p45"] = frame["company"].map(self.counts(day)["v45"]).fillna(0) > 0
        frame["p50"] = frame["company"].isin(set(self.big(day)["company"]))
        return frame

    @cached_property
    def _member_line(self) -> Timeline:
        frame = self.rows.versions("pb_member")
        return Timeline(frame, ["person_key"], "person_key", frame["verified_at"].map(text.real_date))

    def ledger(self, day: pd.Timestamp) -> pd.DataFrame:
        """The Party ledger's rows on that day (leads and excluded ones too)."""
        return self.remember("ledger", day, self._member_line.on)

    def members(self, day: pd.Timestamp) -> pd.DataFrame:
        """M: rows of P (person and company) that are verified members, with stage and badge_at."""
        frame = self.ledger(day)
        good = (
            (frame["verify_status"] == "confirmed")
            & frame["stage"].isin({FULL, PROBATION})
            & ~(day_of(frame["verified_at"]) > day)
        )
        return self.drivers(day).merge(frame[good][["person_key", "stage", "badge_at"]], on="person_key")

    # -- places -----------------------------------------------------------------------------------------------------

    def owner(self, day: pd.Timestamp) -> pd.DataFrame:
        """Owner and town of every registered vehicle on that day (index: vehicle)."""
        return self.remember("owner", day, lambda at: self.register(at).set_index("vehicle")[["company", "town"]])

    def home(self, day: pd.Timestamp) -> dict[str, str]:
        """Town of every company of the register on that day."""
        frame = self.companies(day)
        return dict(zip(frame["company"], frame["town"], strict=True))

    def with_owner(self, frame: pd.DataFrame, day: str) -> pd.DataFrame:
        """`frame` (columns vehicle and `day`) with the company, town and flags of V on that row's day; rows of vehicles
        that were not in V that day are left out."""
        parts = [
            group.merge(
                self.trucks(at).drop(columns=[name for name in group if name != "vehicle"], errors="ignore"),
                on="vehicle",
            )
            for at, group in frame.groupby(day)
            if at <= self.rows.today
        ]
        return pd.concat(parts, ignore_index=True) if parts else frame.iloc[0:0].assign(company=None, town=None)
