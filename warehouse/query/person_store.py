"""The restricted file of a generation: what is known of single drivers. Owns the questions to it.

Whoever opens it has to have asked who is reading and why, and to have written that down: nothing here checks it.
Persons are named by their pseudonym, which stays on the server; a screen gets a masked name at most."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from warehouse.core.database import Reader
from warehouse.core.errors import OlderShape, PageMissing
from warehouse.core.settings import Settings

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

    def drivers(self, company_key: str) -> list[Fact]:
        """The drivers of a company on the newest day, those with a risk first."""
        return self._rows(
            "person_key, name_mask, qualified_to, is_qualified, integrity_grade, is_connected, is_high_risk, is_captain, score, is_done",
            """(
            SELECT d.person_key, c.name_mask, c.qualified_to, d.is_qualified, d.integrity_grade, d.is_connected, d.is_high_risk, d.is_captain, s.score, l.is_done FROM marts.driver_day d
            LEFT JOIN marts.driver_card c USING (person_key)
            LEFT JOIN (SELECT person_key, arg_max(score, day) AS score FROM marts.driver_month GROUP BY 1) s USING (person_key)
            LEFT JOIN (SELECT person_key, arg_max(is_done, day) AS is_done FROM marts.driver_learning WHERE company_key = $company GROUP BY 1) l USING (person_key)
            WHERE d.company_key = $company AND d.day = (SELECT max(day) FROM marts.driver_day)
            ) ORDER BY is_high_risk DESC, is_qualified, name_mask, person_key""",
            {"company": company_key},
        )

    def driver(self, person_key: str, company_key: str) -> Driver:
        """Raises PageMissing for one who does not drive for that company on the newest day."""
        facts = self._rows(
            "name_mask, licence_class, licence_to, integrity_grade, integrity_to, qualified_to, is_qualified, is_connected, is_high_risk, is_captain, is_registered, is_p45",
            """(
            SELECT c.name_mask, c.licence_class, c.licence_to, c.integrity_grade, c.integrity_to, c.qualified_to, d.is_qualified, d.is_connected, d.is_high_risk, d.is_captain,
                d.is_registered, d.is_p45 FROM marts.driver_day d LEFT JOIN marts.driver_card c USING (person_key)
            WHERE d.person_key = $person AND d.company_key = $company AND d.day = (SELECT max(day) FROM marts.driver_day))""",
            {"person": person_key, "company": company_key},
        )
        if not facts:
            raise PageMissing()
        one = {"person": person_key, "company": company_key}
        return Driver(
            facts[0],
            self._rows(
                "day, score, vendor_score, km",
                "marts.driver_month WHERE person_key = $person AND company_key = $company ORDER BY day DESC LIMIT 6",
                one,
            ),
            self._rows(
                "day, required_s, valid_s, is_done",
                "marts.driver_learning WHERE person_key = $person AND company_key = $company ORDER BY day DESC LIMIT 6",
                one,
            ),
            [
                row["alarm_uid"]
                for row in self._rows(
                    "alarm_uid",
                    f"marts.driver_alarm WHERE person_key = $person ORDER BY day DESC, alarm_uid DESC LIMIT {ALARMS}",
                    {"person": person_key},
                )
            ],
            self._rows(
                "award_code, level, day",
                "marts.award WHERE holder = $person AND status = '获得' AND company_key = $company ORDER BY day DESC",
                one,
            ),
        )

    def trips(self, vehicle_key: str, day: dt.date) -> list[Fact]:
        """The trips of a vehicle that ended on a day, first to last; path: one point (at, lon, lat) a minute, WGS-84,
        naive Shanghai."""
        return self._rows(
            "from_at, to_at, km, drive_s, rest_s, path",
            "marts.gps_trip WHERE vehicle_key = $vehicle AND day = $day ORDER BY from_at",
            {"vehicle": vehicle_key, "day": day},
        )

    def stops(self, vehicle_key: str, day: dt.date) -> list[Fact]:
        """Its stops between them, twenty minutes and longer."""
        return self._rows(
            "from_at, to_at, stop_s, lon, lat",
            "marts.gps_stop WHERE vehicle_key = $vehicle AND day = $day ORDER BY from_at",
            {"vehicle": vehicle_key, "day": day},
        )

    def trip_days(self, vehicle_key: str) -> list[dt.date]:
        """Days with trips, newest first."""
        return [
            row["day"]
            for row in self._rows(
                "day",
                "(SELECT DISTINCT day FROM marts.gps_trip WHERE vehicle_key = $vehicle) ORDER BY day DESC LIMIT 31",
                {"vehicle": vehicle_key},
            )
        ]

    def quarantine(self, table: str = "") -> list[Fact]:
        """Single rows put aside, newest delivery first (payload: JSON of what may be shown of the row; no personal
        value); table: only of that one."""
        return self._rows(
            "seq, row, name, rule, reason, payload",
            "meta.quarantine_row WHERE $table IN ('', name) ORDER BY seq DESC, row",
            {"table": table},
        )

    def _rows(self, columns: str, rest: str, values: dict[str, Any]) -> list[Fact]:
        names = [name.strip() for name in columns.split(",")]
        try:
            return [
                dict(zip(names, row, strict=True)) for row in self._reader.rows(f"SELECT {columns} FROM {rest}", values)
            ]
        except OlderShape:
            return []
