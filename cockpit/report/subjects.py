"""Whom a sheet is about: the district, a town, a company or an office of the bureau. Owns how one is named in a form, in
the settings and in the archive, and who may see whose."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cockpit.casework.task_routes import offices
from cockpit.casework.task_store import Task
from warehouse.compile.reading import DISTRICT, UNPLACED, Place
from warehouse.core.errors import UsageError
from warehouse.query.snapshot import Snapshot

KINDS = {"district": "全区", "town": "镇街", "company": "企业", "office": "科室"}
WHOLE = "全区"
HOW = "请写镇街、科室或企业的名称，同名的写代码"


@dataclass(frozen=True)
class Subject:
    """kind: a key of KINDS. code: of the place; of an office a digest of its name. label: what a person calls it."""

    kind: str
    code: str
    label: str

    @property
    def slug(self) -> str:
        """How the archive names it: letters and digits only."""
        return f"{self.kind}{self.code}"

    @property
    def place(self) -> str:
        """The code at which its numbers are read: an office answers for numbers of the district."""
        return DISTRICT if self.kind == "office" else self.code

    def facts(self) -> dict[str, str]:
        """As it is archived."""
        return asdict(self)


def of_facts(facts: dict[str, Any]) -> Subject:
    """The subject of an archived sheet."""
    return Subject(**facts["subject"])


def of_place(place: Place) -> Subject:
    """The subject that a place is."""
    return Subject(place.grain, place.code, WHOLE if place.grain == "district" else place.label)


def of_office(name: str) -> Subject:
    """The subject that an office is."""
    return Subject("office", hashlib.blake2b(name.encode(), digest_size=5).hexdigest(), name)


def towns(book: Snapshot) -> list[Subject]:
    """The towns of a scope in the order of the register; 归属待核 is nobody's."""
    return [of_place(place) for place in book.places("town") if place.code != UNPLACED]


def offices_of(book: Snapshot) -> list[Subject]:
    """The offices that own a number; none for who sees some places only: they answer for the whole district."""
    return [of_office(name) for name in offices(book)] if book.scope.is_all else []


def choices(book: Snapshot) -> list[Subject]:
    """Whom somebody with the scope of `book` may ask about by name. Companies of one name are left out: they are named by
    their code."""
    companies = [of_place(place) for place in book.places("company")]
    names = Counter(one.label for one in companies)
    whole = [of_place(book.home)] if book.scope.is_all else []
    return [*whole, *towns(book), *offices_of(book), *(one for one in companies if names[one.label] == 1)]


def find(book: Snapshot, named: str) -> Subject:
    """The subject of a name or code. Raises UsageError where there is none in the scope of `book`, or more than one."""
    wanted = named.strip()
    fitting = {one for one in choices(book) if wanted in (one.label, one.code)}
    place = book.known(wanted)
    if place is not None and place.grain in ("town", "company") and place.code != UNPLACED:
        fitting.add(of_place(place))
    if len(fitting) != 1:
        raise UsageError("没有这个镇街、科室或企业" if not fitting else "名称不唯一", where=wanted[:40], to_do=HOW)
    return fitting.pop()


def ordered(book: Snapshot, named: Sequence[str]) -> list[Subject]:
    """Those that the settings name, each once and in their order; 镇街 and 科室 stand for all of these. Raises UsageError
    for a name that there is not."""
    groups = {KINDS["town"]: towns, KINDS["office"]: offices_of}
    return list(
        dict.fromkeys(one for name in named for one in (groups[name](book) if name in groups else [find(book, name)]))
    )


def is_within(book: Snapshot, subject: Subject) -> bool:
    """Whether who has the scope of `book` may see a sheet about it."""
    return book.scope.is_all or (subject.kind in ("town", "company") and book.known(subject.code) is not None)


def answers_for(book: Snapshot, subject: Subject, task: Task) -> bool:
    """Whether a task is its business: an office's own, those about a place or, for a town, about a company in it."""
    if subject.kind == "district":
        return True
    if subject.kind == "office":
        return task.office == subject.label
    about = task.subject
    code = about.place if about.is_metric else about.key.removeprefix("/company/").partition("/")[0]
    place = book.known(code)
    return place is not None and subject.code in (place.code, place.parent)
