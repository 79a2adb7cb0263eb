"""Which counts of persons may leave below the district, so that nobody learns from them what one person is or did.

A row (a town or a company in one month) is judged on everybody it could tell of, on both sides: those who are counted
and those who are not. It is published when its population is at least `people` and each of its classes holds at least
`least` persons; so a zero, a handful, all but a handful and all are treated alike, and a row that is not published has
no trace at all. What is published must not give away the rest either: the parent's number less its published rows is a
row itself (the pool) and is judged the same; while it is too small, the smallest published row goes into it.

Two numbers of one place are a table as well: of those who have come, gone or changed between them. A published row is
renewed only when that table may be published, and what is renewed must not leave a rest that tells of fewer.

Sources: ESSnet Handbook on SDC 4.2–4.3 (roll-up instead of blanks), 5.2 (population as the judge) and 5.3
(differencing), OpenSAFELY and ACRO (two-sided thresholds). What a class comes to in the whole district is public: a class that nobody belongs to anywhere
says nothing of one place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

LEAST = 5
"""Persons a class of a published row holds at least; the bureau can only raise it (`person_least`)."""
PEOPLE = 10
"""Persons a published row is about at least; the bureau can only raise it (`person_population`)."""
POOL = {"town": 2, "company": 3}
"""Rows that are pooled at least: one alone would be the parent's number less the others."""


@dataclass(frozen=True)
class Rule:
    """The thresholds in force, in persons, both inclusive."""

    least: int = LEAST
    people: int = PEOPLE

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> Rule:
        """As the bureau's own parameters say, never below what this product promises."""
        return cls(
            max(LEAST, int(parameters.get("person_least", LEAST))),
            max(PEOPLE, int(parameters.get("person_population", PEOPLE))),
        )


@dataclass(frozen=True)
class Row:
    """A place in one window. people: its population; classes: persons in each class of each number that is published
    with it, in a fixed order; is_dominated: it is nearly all of one company, or a sum in it of one or two persons."""

    place: str
    people: float
    classes: tuple[float, ...]
    is_dominated: bool = False


@dataclass(frozen=True)
class Standing:
    """What is published already of the children of one parent. shown: their places. since_shown: a place → persons whose
    part in it has changed since its number was published, by class; since_parent: the same of all children but the ones
    named, taken as one, since the parent's number was published last."""

    shown: frozenset[str]
    since_shown: Callable[[str], Collection[int]]
    since_parent: Callable[[Collection[str]], Collection[int]]


def is_safe(row: Row, void: Collection[int], rule: Rule) -> bool:
    """Whether a row may stand by itself. void: the classes that nobody in the district belongs to."""
    return (
        row.people >= rule.people
        and not row.is_dominated
        and all(size >= rule.least for index, size in enumerate(row.classes) if index not in void)
    )


def published(rows: Iterable[Row], parent: Row, void: Collection[int], rule: Rule, pooled: int) -> set[str]:
    """The places whose rows are published beside their parent's: none, some with a pool that is safe itself, or all.
    pooled: how many rows with persons a pool holds at least."""
    rows = [row for row in rows if row.people or any(row.classes)]
    open_ = sorted((row for row in rows if is_safe(row, void, rule)), key=lambda row: (-row.people, row.place))
    names = {row.place for row in open_}
    hidden = [row for row in rows if row.place not in names]
    if not hidden:
        return names if _is_nothing(_rest(parent, open_)) else set()
    while open_ and not (_is_mixed(hidden, rule, pooled) and is_safe(_rest(parent, open_), void, rule)):
        hidden.append(open_.pop())
    return {row.place for row in open_}


def renewed(
    rows: Iterable[Row], parent: Row, void: Collection[int], rule: Rule, pooled: int, standing: Standing
) -> set[str]:
    """The places whose numbers are published anew; the other ones that stand already stay as they are. A place where
    nobody has changed stays too: that few have changed cannot be told from that."""
    rows, staying = list(rows), set[str]()
    people = {row.place: row.people for row in rows}
    for place in standing.shown & people.keys():
        changed = standing.since_shown(place)
        if not any(changed) or not _is_quiet(changed, rule):
            staying.add(place)
    while True:
        judged = [replace(row, is_dominated=True) if row.place in staying else row for row in rows]
        listed = published(judged, parent, void, rule, pooled)
        moved = listed & standing.shown
        if not moved or _is_quiet(standing.since_parent(moved), rule):
            return listed
        staying.add(min(moved, key=lambda place: (people[place], place)))


def _is_quiet(changed: Collection[int], rule: Rule) -> bool:
    """Whether a difference tells of nobody: in each class none have changed, or as many as a published class holds."""
    return all(not persons or persons >= rule.least for persons in changed)


def _is_mixed(hidden: Sequence[Row], rule: Rule, pooled: int) -> bool:
    """Whether the pool has enough places, and beside its largest one enough persons that could be meant as well."""
    people = [row.people for row in hidden]
    return len(hidden) >= pooled and sum(people) - max(people) >= rule.least


def _rest(parent: Row, rows: Collection[Row]) -> Row:
    """What the parent's numbers leave when the published ones are taken away: what any reader can work out. Who counts
    in two places makes it smaller than the pool really is."""
    return Row(
        "",
        parent.people - sum(row.people for row in rows),
        tuple(whole - sum(row.classes[index] for row in rows) for index, whole in enumerate(parent.classes)),
    )


def _is_nothing(rest: Row) -> bool:
    """Whether all rows together leave nobody over: else those who belong to no place would stand alone."""
    return all(size <= 0 for size in rest.classes)
