"""Whose numbers somebody may see: all of the district, or those of some towns and companies. Owns which rows of a
generation lie in a scope, and what stands in their place where a row names somebody outside.

A scope is applied below every question: a book that was opened for one reads a database in which there is nothing else
(database.Reader). What a table holds of a scope is told from its columns, and a table that says of no row where it
belongs is not there at all, unless it is named here as one that tells of no place. So neither a question nor a table
that is new can forget it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from warehouse.compile.reading import Place
from warehouse.core.database import WHOLE, Statement
from warehouse.core.errors import UsageError

ELSEWHERE = "~"
"""Begins what stands for a town or company outside in a row that lies inside."""
NAMED_ELSEWHERE = "范围外"
TOTAL = "scope-"
"""Begins the code of all places of a scope together. No other place has it, so that their number is never taken for the
district's."""
NAMES = 3
"""Places that a scope is called by."""
PLACELESS = frozenset(
    {
        "meta.generation",
        "meta.source",
        "meta.check_result",
        "meta.defect",
        "meta.held",
        "meta.programme",
        "meta.target",
        "meta.quarantine",
        "meta.refused",
        "marts.platform_link",
        "marts.source_delivery",
    }
)
"""Tables that tell of the data themselves or of what the bureau has set, never of a place: everybody reads them."""
_TOWN, _COMPANY = "IN (SELECT code FROM scope.town)", "IN (SELECT code FROM scope.company)"
BELONGS = {
    "marts.dim_town": f"code {_TOWN}",
    "marts.site_hour": f"site_id IN (SELECT site_id FROM {WHOLE}.marts.site WHERE town_code {_TOWN})",
    "marts.alarm_step": "alarm_uid IN (SELECT alarm_uid FROM marts.alarm_event)",
    "meta.person_reading": f"place {_TOWN} OR place {_COMPANY}",
    "meta.kpi_revision": f"grain_key {_TOWN} OR grain_key {_COMPANY}",
    # a vehicle inside may belong to an owner outside, and is a person's all the same
    "marts.one_person_owner": "true",
    "marts.pooled_owner": "true",
}
"""Tables whose rows say otherwise than by town_code and company_key where they belong."""


@dataclass(frozen=True)
class Scope:
    """towns, companies: codes; both () = everything. A company is inside by itself or by the town in which it is
    registered. Equal for equal places, in whatever order they were named."""

    towns: tuple[str, ...]
    companies: tuple[str, ...]
    ALL: ClassVar[Scope]

    def __post_init__(self) -> None:
        object.__setattr__(self, "towns", tuple(sorted(set(self.towns))))
        object.__setattr__(self, "companies", tuple(sorted(set(self.companies))))

    @property
    def is_all(self) -> bool:
        """Whether nothing lies outside."""
        return not self.towns and not self.companies

    @property
    def code(self) -> str:
        """The code of all its places together."""
        text = " ".join((*self.towns, "/", *self.companies))
        return TOTAL + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def has(self, place: Place) -> bool:
        """Whether a place lies inside. The district does in the scope of everything only."""
        return (
            self.is_all
            or place.code in (self.code, *self.towns, *self.companies)
            or (place.grain == "company" and place.parent in self.towns)
        )

    def total(self, places: Sequence[Place]) -> Place:
        """All its places together as one, called by the names of the first. places: those of them that there are."""
        names = "、".join(place.label for place in places[:NAMES])
        more = f" 等 {len(places)} 处" if len(places) > NAMES else ""
        return Place(self.code, f"本范围（{names or '现无镇街、企业'}{more}）", "district")

    def rows(self, columns: Collection[str]) -> tuple[str, list[object]]:
        """The condition by which rows count for all places together, with what is bound in it: those of its towns and
        those of companies that it names. columns: of the table."""
        held = {"town_code": self.towns, "company_key": self.companies}
        named = {column: list(codes) for column, codes in held.items() if column in columns and codes}
        text = " OR ".join(f"list_contains(?, {column})" for column in named)
        return (f"({text})" if text else "false"), list(named.values())

    def narrowed(self, tables: Mapping[str, Collection[str]]) -> list[Statement]:
        """What makes a database in which only this scope is, out of a whole one that is called WHOLE. tables: its
        tables by schema and name, with their columns."""
        made: list[Statement] = [
            ("CREATE SCHEMA scope", []),
            ("CREATE TABLE scope.town AS SELECT unnest(?::VARCHAR[]) AS code", [list(self.towns)]),
            ("CREATE TABLE scope.company AS SELECT unnest(?::VARCHAR[]) AS code", [list(self.companies)]),
        ]
        if "marts.dim_company" in tables:
            inside = f"SELECT company_key FROM {WHOLE}.marts.dim_company WHERE town_code {_TOWN}"
            made.append((f"INSERT INTO scope.company {inside} EXCEPT SELECT code FROM scope.company", []))
        made += [(f"CREATE SCHEMA {schema}", []) for schema in sorted({name.partition(".")[0] for name in tables})]
        salt = secrets.token_hex(16)
        # what asks another table comes after it
        for name, columns in sorted(tables.items(), key=lambda table: table[0] in BELONGS):
            where = _belonging(name, columns)
            if where:
                made.append(
                    (f"CREATE VIEW {name} AS SELECT {_shown(columns, salt)} FROM {WHOLE}.{name} WHERE {where}", [])
                )
        return made


Scope.ALL = Scope((), ())


def is_total(place: Place) -> bool:
    """Whether a place is several of a scope together: nobody but who has that scope can look at it."""
    return place.code.startswith(TOTAL)


def one_place(place: Place, act: str) -> None:
    """Raises UsageError where something that others will look at (`act`) is about several places of a scope together."""
    if is_total(place):
        raise UsageError(f"本范围的合计数不能{act}", where=place.label, to_do="请先选定一个镇街或企业，再办理")


def _belonging(name: str, columns: Collection[str]) -> str:
    """The condition for the rows of a table that lie inside; "" for a table that does not say where its rows belong."""
    if name in PLACELESS:
        return "true"
    if name in BELONGS:
        return BELONGS[name]
    known = {"town_code": _TOWN, "company_key": _COMPANY}
    return " OR ".join(f"{column} {inside}" for column, inside in known.items() if column in columns)


def _shown(columns: Collection[str], salt: str) -> str:
    """All columns, with a word for each town and company outside: still different ones where they differ, as counts of
    companies want it, and no way back to which they are."""
    words = {
        "town_code": f"CASE WHEN town_code {_TOWN} OR town_code = '' THEN town_code ELSE '{ELSEWHERE}' || left(town_code, 0) END",
        "company_key": f"CASE WHEN company_key {_COMPANY} OR company_key = '' THEN company_key "
        f"ELSE '{ELSEWHERE}' || left(md5(company_key || '{salt}'), 16) END",
    }
    replaced = ", ".join(f"{word} AS {column}" for column, word in words.items() if column in columns)
    return f"* REPLACE ({replaced})" if replaced else "*"
