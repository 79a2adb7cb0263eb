"""The restricted file of a generation: what is known of single drivers. Owns the questions to it.

Whoever opens it has to have asked who is reading and why, and to have written that down: nothing here checks it.
Persons are named by their pseudonym, which stays on the server; a screen gets a masked name at most."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from warehouse.core import statements
from warehouse.core.database import Reader
from warehouse.core.errors import OlderShape, PageMissing
from warehouse.core.settings import Settings

text = statements.beside(__file__)
Fact = dict[str, Any]
MONTHS = 6
ALARMS = 20


@dataclass(frozen=True)
class Driver:
    """One driver at one company. facts: card and flags of the newest day; scores, learning: newest month first; alarms:
    ids of the newest alarms of level 2, raised with that driver; honours: of that person."""

    facts: Fact
    scores: list[Fact]
    learning: list[Fact]
    alarms: list[str]
    honours: list[Fact]


class Restricted:
    """Opened for one look and closed after it."""

    def __init__(self, settings: Settings, generation: str) -> None:
        """Raises DataMissing when that generation's file is not kept (any more)."""
        self._reader = Reader(settings.published / f"{generation}.restricted.duckdb")

    def __enter__(self) -> Restricted:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def driver_count(self, company_key: str) -> int:
        """How many drivers a company has on the newest day; says nothing of one of them."""
        return int(self._records("driver_count", company=company_key)[0]["drivers"])

    def drivers(self, company_key: str) -> list[Fact]:
        """The drivers of a company on the newest day, those with a risk first."""
        return self._records("drivers", company=company_key)

    def driver(self, person_key: str, company_key: str) -> Driver:
        """Raises PageMissing for one who does not drive for that company on the newest day."""
        who = {"person": person_key, "company": company_key}
        facts = self._records("driver", **who)
        if not facts:
            raise PageMissing()
        return Driver(
            facts[0],
            self._records("driver_scores", **who, most=MONTHS),
            self._records("driver_learning", **who, most=MONTHS),
            [alarm["alarm_uid"] for alarm in self._records("driver_alarms", person=person_key, most=ALARMS)],
            self._records("driver_honours", **who),
        )

    def trips(self, vehicle_key: str, day: dt.date) -> list[Fact]:
        """The trips of a vehicle that ended on a day and its ways without data (kind drive, unseen), first to last;
        path: one point (at, lon, lat, is_unseen) a minute, WGS-84, naive Shanghai, None of the latter."""
        return self._records("trips", vehicle=vehicle_key, day=day)

    def stops(self, vehicle_key: str, day: dt.date) -> list[Fact]:
        """What lay between them: it stood, was silent, or moved unseen (kind stand, silent, unseen)."""
        return self._records("stops", vehicle=vehicle_key, day=day)

    def trip_days(self, vehicle_key: str) -> list[dt.date]:
        """The last 31 days with trips, newest first."""
        return [trip["day"] for trip in self._records("trip_days", vehicle=vehicle_key)]

    def quarantine(self, table: str = "") -> list[Fact]:
        """Single rows put aside, newest delivery first (payload: JSON of what may be shown of the row; no personal
        value); table: only of that one."""
        return self._records("quarantined_rows", table=table)

    def _records(self, name: str, **values: object) -> list[Fact]:
        """The rows of that statement; none where the generation was published before what is asked for existed."""
        try:
            return self._reader.records(text(name), values)
        except OlderShape:
            return []
