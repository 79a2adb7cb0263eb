"""Persons by town and company: everything is counted, judged by `disclosure`, and only what it lets out is handed on.

A number that is published for some places is published for the same places as every other number of its family, and a
slice of it only where the number itself is. Which drivers a place has is taken as known to everybody."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from warehouse.build.disclosure import POOL, Row, Rule, Standing, published, renewed
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import Span, number, select, select_grains
from warehouse.compile.reading import DISTRICT
from warehouse.core.database import Writer

DOMINATED = 0.9
"""Share of a sum that two persons together must not exceed: (n, k) = (2, 90 %)."""
GUESSED = 0.1
"""How near, as a part of it, the second largest contributor may come to guessing the largest (the p % rule)."""
GRAINS = ("town", "company")
OWN = ("", "")
"""Names the numbers of a family themselves where (metric, slice) names one of its slices."""
Standings = Callable[[tuple[str, str], str, str, dt.date], Standing | None]
"""OWN or (metric, slice), grain, parent and start of a window → what is published of the parent's children already."""
Cell = tuple[float, float, float]
"""Numerator, denominator (0 where there is none), persons behind them."""


@dataclass(frozen=True)
class Place:
    """What is published of one metric. slice, member: "" for the number itself; den: None for a plain count, and for a
    mean, which num is then. held_from: start of the earlier window whose number it is; None for its own. is_withdrawn:
    it was published once and is not any more."""

    metric: str
    start: dt.date
    grain: str
    place: str
    slice: str
    member: str
    num: float
    den: float | None
    held_from: dt.date | None = None
    is_withdrawn: bool = False


@dataclass
class Drivers:
    """Who is known to be where on one day: persons of each place, and the town of each company."""

    people: dict[str, float] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)


@dataclass
class _Counts:
    """One metric in one window, by place. cuts: slice → place → member → cell; uneven: places where a sum is nearly
    that of one or two persons."""

    cells: dict[str, Cell] = field(default_factory=dict)
    cuts: dict[str, dict[str, dict[str, Cell]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    uneven: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Counted:
    """A family of metrics in several windows, everything counted, nothing judged. drivers: by the last day of a window;
    counts: of each metric by start."""

    family: Sequence[Metric]
    drivers: dict[dt.date, Drivers]
    counts: list[dict[dt.date, _Counts]]


def count(writer: Writer, family: Sequence[Metric], spans: Sequence[Span]) -> Counted:
    """Everything about a family of metrics in those windows, towns and companies."""
    drivers = drivers_of(writer, [item.last for item in spans])
    return Counted(family, drivers, [_counts(writer, metric, spans, drivers) for metric in family])


def is_anybody(writer: Writer, family: Sequence[Metric]) -> bool:
    """Whether there is a row to count in any of the marts: a source of persons may not be connected yet."""
    marts = sorted({metric.mart for metric in family})
    found = writer.execute(f"SELECT {' OR '.join(f'EXISTS (FROM marts.{mart})' for mart in marts)}")
    return bool(found[0][0])


def let_out(counted: Counted, item: Span, rule: Rule, standings: Standings | None = None) -> list[Place]:
    """What is published anew of a closed window, towns and companies. standings: what is published already of the
    windows before; None where there is nothing."""
    family, known, here = counted.family, counted.drivers[item.last], [one[item.start] for one in counted.counts]
    rows = {place: _row(family, here, place, known) for place in _places(here, known)}
    whole = rows.get(DISTRICT) or _row(family, here, DISTRICT, known)
    rows |= dict(_of_one_company(rows, known, rule))

    def listed(children: list[Row], parent: Row, district: Row, grain: str, cut: tuple[str, str] = OWN) -> set[str]:
        void = {index for index, size in enumerate(district.classes) if size <= 0}
        standing = standings(cut, grain, parent.place, item.start) if standings else None
        if standing is None:
            return published(children, parent, void, rule, POOL[grain])
        return renewed(children, parent, void, rule, POOL[grain], standing)

    of_towns = [row for code, row in rows.items() if code not in known.homes and code != DISTRICT]
    towns = listed(of_towns, whole, whole, "town")
    shown: dict[str, list[str]] = {"town": sorted(towns), "company": []}
    for town in shown["town"]:
        mine = [rows[code] for code, home in known.homes.items() if home == town and code in rows]
        shown["company"] += sorted(listed(mine, rows[town], whole, "company"))
    found = []
    for metric, one in zip(family, here, strict=True):
        for grain in GRAINS:
            for place in shown[grain] if grain in metric.drill else ():
                num, den, _ = one.cells.get(place, (0.0, 0.0, 0.0))
                found.append(_place(metric, item, grain, place, "", "", num, den))
        for name, cut in one.cuts.items():
            children, parent = _cut_rows(metric, cut, towns, known)
            for place in sorted(listed(children, parent, parent, "town", (metric.id, name))):
                for member in sorted(cut[DISTRICT]):
                    num, den, _ = cut[place].get(member, (0.0, 0.0, 0.0))
                    found.append(_place(metric, item, "town", place, name, member, num, den))
    return found


def _place(metric: Metric, item: Span, grain: str, place: str, name: str, member: str, num: float, den: float) -> Place:
    """One line. Of a sum that is shared out only the mean leaves: how much there is tells of those who did most."""
    if metric.weighs:
        return Place(metric.id, item.start, grain, place, name, member, num / den, None)
    return Place(metric.id, item.start, grain, place, name, member, num, den if metric.denominator else None)


def _of_one_company(rows: dict[str, Row], known: Drivers, rule: Rule) -> Iterator[tuple[str, Row]]:
    """The towns whose number is nearly that of one company."""
    largest: dict[str, float] = defaultdict(float)
    for company, town in known.homes.items():
        if company in rows:
            largest[town] = max(largest[town], rows[company].people)
    for town, people in largest.items():
        if town in rows and rows[town].people - people < rule.least:
            yield town, replace(rows[town], is_dominated=True)


def _places(counts: Sequence[_Counts], known: Drivers) -> set[str]:
    return {*known.people, *(place for one in counts for place in one.cells)}


def _row(family: Sequence[Metric], counts: Sequence[_Counts], place: str, known: Drivers) -> Row:
    """A place as it is judged: everything that the family publishes of it, on the smallest of its populations."""
    people, classes, uneven = float("inf"), [], False
    for metric, one in zip(family, counts, strict=True):
        about, sizes = _judged(metric, one.cells.get(place, (0.0, 0.0, 0.0)), known.people.get(place, 0.0))
        people, uneven = min(people, about), uneven or place in one.uneven
        classes += sizes
    return Row(place, people, tuple(classes), uneven)


def _judged(metric: Metric, cell: Cell, drivers: float) -> tuple[float, list[float]]:
    """The population of a cell and the persons in each of its classes."""
    num, den, persons = cell
    if metric.weighs:
        return persons, [persons]
    if not metric.denominator:
        return drivers, [persons, drivers - persons]
    if metric.population == "drivers":
        return drivers, [num, den - num, drivers - den]
    return den, [num, den - num]


def _cut_rows(
    metric: Metric, cut: dict[str, dict[str, Cell]], towns: set[str], known: Drivers
) -> tuple[list[Row], Row]:
    """The towns of a slice, and the district. A town's is published whole or not at all: each member is a class, and
    what belongs to none of them; and only beside its own number."""
    members = sorted(cut[DISTRICT])

    def row(place: str) -> Row:
        classes: list[float] = []
        drivers = left = known.people.get(place, 0.0)
        for member in members:
            cell = cut[place].get(member, (0.0, 0.0, 0.0))
            sizes = _judged(metric, cell, drivers)[1]
            classes += sizes[:2] if metric.denominator else sizes[:1]
            left -= cell[1] if metric.denominator else cell[2]
        if metric.population == "drivers":
            classes.append(left)
        return Row(place, drivers, tuple(classes), is_dominated=place != DISTRICT and place not in towns)

    return [row(place) for place in cut if place != DISTRICT], row(DISTRICT)


def drivers_of(writer: Writer, days: Sequence[dt.date]) -> dict[dt.date, Drivers]:
    """Day → who is where on it; nobody on a day that is not held."""
    found: dict[dt.date, Drivers] = {day: Drivers() for day in days}
    for day, grain, place, town, people in writer.execute(
        """SELECT day, CASE WHEN grouping(company_key) = 0 THEN 'company' WHEN grouping(town_code) = 0 THEN 'town' ELSE 'district' END AS grain,
            CASE WHEN grouping(company_key) = 0 THEN company_key WHEN grouping(town_code) = 0 THEN town_code ELSE ? END AS place,
            min(town_code), count(DISTINCT person_key)
        FROM marts.driver_day WHERE day IN (SELECT unnest(?)) GROUP BY GROUPING SETS ((day), (day, town_code), (day, company_key))""",
        [DISTRICT, list(days)],
    ):
        if place:
            found[day].people[place] = float(people)
            if grain == "company":
                found[day].homes[place] = town or ""
    return found


def populations(
    writer: Writer, metric: Metric, spans: Sequence[Span], drivers: dict[dt.date, Drivers]
) -> dict[dt.date, dict[str, float]]:
    """Start of a window → place → persons whom the metric could tell of there, which is no secret: the drivers, or those
    whom it counts below."""
    if metric.population == "drivers":
        return {item.start: drivers[item.last].people for item in spans}
    found: dict[dt.date, dict[str, float]] = {item.start: {} for item in spans}
    about = msgspec.structs.replace(metric, numerator=metric.denominator, denominator="", parts={})
    sql, bound = select_grains(about, metric.windows[0], spans, ("district", *GRAINS))
    for start, place, *_, people, _den, _present, _grain in writer.execute(sql, bound):
        if place:
            found[start][place] = float(people or 0)
    return found


def _counts(
    writer: Writer, metric: Metric, spans: Sequence[Span], drivers: dict[dt.date, Drivers]
) -> dict[dt.date, _Counts]:
    """Start of a window → what is counted in it; companies that have no driver on its last day are placed by the mart."""
    found: dict[dt.date, _Counts] = defaultdict(_Counts)
    window = metric.windows[0]
    ends = {item.start: item.last for item in spans}
    persons = msgspec.structs.replace(metric, numerator=metric.persons or metric.numerator, denominator="", parts={})
    beside = 1 + len(metric.parts)  # after `present` and the parts stands the number of persons
    for cut in ("", *metric.slices):
        grains = ("district", "town") if cut else ("district", *GRAINS)
        sql, bound = select_grains(metric, window, spans, grains, member=cut, beside=[persons])
        for start, place, town, member, num, den, *more, grain in writer.execute(sql, bound):
            if not place:
                continue
            cell = (num or 0.0, den or 0.0, number(more[beside]) or 0.0)
            if cut:
                found[start].cuts[cut][place][member] = cell
            else:
                found[start].cells[place] = cell
                if grain == "company":
                    drivers[ends[start]].homes.setdefault(place, town or "")
    for grain in GRAINS if metric.weighs else ():
        for start, place in _uneven(writer, metric, spans, grain):
            found[start].uneven.add(place)
    return found


def _uneven(writer: Writer, metric: Metric, spans: Sequence[Span], grain: str) -> list[tuple[dt.date, str]]:
    """Windows and places where one of the sums is nearly that of one or two persons, or would let the second largest
    guess the largest."""
    sql, bound = select(metric, metric.windows[0], spans, grain, member=metric.weighs)
    tests = []
    for side in ("num", "den") if not metric.denominator.startswith("count(") else ("num",):
        first, second, whole = f"max({side})", f"coalesce(max({side}, 2)[2], 0)", f"sum({side})"
        tests.append(
            f"{first} + {second} > {DOMINATED} * {whole} OR {whole} - {first} - {second} < {GUESSED} * {first}"
        )
    return [
        (start, place)
        for start, place in writer.execute(
            f"SELECT win_start, place FROM ({sql}) GROUP BY ALL HAVING {' OR '.join(tests)}", bound
        )
    ]
