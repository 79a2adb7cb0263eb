"""A question in plain words → what is asked for, by a dictionary and rules. Nothing is guessed in silence: each word is
part of what was understood, or is named as not understood. Owns the rules; reads names from the book, no figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from warehouse.compile.reading import Place
from warehouse.core import units
from warehouse.insight.questions import lexicon, terms
from warehouse.insight.questions.dates import Period
from warehouse.insight.questions.lexicon import Kind
from warehouse.insight.questions.terms import Term
from warehouse.query.snapshot import Snapshot

Ask = Literal["value", "rank", "list", "trend", "compare", "record", "page"]
Problem = Literal["", "future", "person", "words", "choose", "empty"]
"""Why there is no answer. future: the time has not begun; person: single persons are not searched; words: `leftover` was
not understood; choose: `choices`; empty: nothing is asked about."""
ASKING: tuple[Kind, ...] = ("order", "top", "grain", "ask", "against", "off_target", "why")
"""Words that say how a number is asked for."""
DATED = ("/", "/all")
"""Pages that can be of a period; an answer that cannot be leaves the words of time over."""
OVERDUE = "/#home-alarms"
"""Alarms beyond their time; they can be counted of a town too."""


@dataclass(frozen=True)
class Understood:
    """text: the question as it was read; terms: all of it, in order. metrics: ids. periods: [] = the newest. places:
    [] = all of the scope. grain: what is set beside each other in a rank or list. order: high and low by the figure,
    worst and best by the metric's direction. top: how many are wanted, 0 = not said. which: the members of a list.
    only: filter. against: what the number is held against (year, previous, target). page: path of a record or page.
    choices: metric ids, company codes or vehicle keys, of which one has to be chosen for `chosen_for`."""

    text: str
    terms: tuple[Term, ...] = ()
    metrics: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    places: tuple[Place, ...] = ()
    ask: Ask = "value"
    grain: str = ""
    order: str = ""
    top: int = 0
    which: Literal["", "lacking", "off_target"] = ""
    only: tuple[tuple[str, str], ...] = ()
    against: str = ""
    page: str = ""
    problem: Problem = ""
    choices: tuple[str, ...] = ()
    chosen_for: Term | None = None
    leftover: tuple[Term, ...] = ()

    def of(self, *kinds: Kind) -> tuple[Term, ...]:
        """The terms of some kinds, in the order of the question."""
        return tuple(term for term in self.terms if term.kind in kinds)

    def words(self, term: Term) -> str:
        """The term as it was typed."""
        return self.text[term.start : term.end]

    def without(self, terms: Iterable[Term]) -> str:
        """The question without these words."""
        return self.instead(terms, "")

    def instead(self, terms: Iterable[Term], words: str) -> str:
        """The question with other words in the place of these; at its end where there are none."""
        spans = sorted((term.start, term.end) for term in terms)
        if not spans:
            return f"{self.text} {words}".strip()
        parts, last = [], 0
        for number, (start, end) in enumerate(spans):
            parts += [self.text[last:start], words if number == 0 else ""]
            last = end
        return "".join([*parts, self.text[last:]]).strip()

    @property
    def is_name_only(self) -> bool:
        """Whether it is no question: nothing was understood, or it is the name of one thing and nothing else, which is
        to be searched."""
        used = [term for term in self.terms if term.kind not in ("unknown", "filler")]
        is_one_name = len(used) == 1 and used[0].kind in ("place", "several", "site", "vehicle")
        return not used or (is_one_name and not self.of("unknown"))


def understand(book: Snapshot, typed: str) -> Understood:
    """What a question asks of a book; days are relative to the day of its snapshot. "" asks nothing (problem empty)."""
    question = lexicon.plain(typed)
    return _resolved(book, Understood(question, terms.cut(book, question)))


def _resolved(book: Snapshot, read: Understood) -> Understood:
    read = _about(book, read)
    read = replace(read, leftover=tuple(sorted({*read.of("unknown"), *read.leftover}, key=lambda term: term.start)))
    if read.of("future"):
        return replace(read, problem="future")
    if read.of("person") or (read.of("drivers") and not read.page.endswith("/drivers")):
        return replace(read, problem="person")
    if read.leftover:
        return replace(read, problem="words")
    if read.choices:
        return replace(read, problem="choose")
    return read if read.metrics or read.page else replace(read, problem="empty")


def _about(book: Snapshot, read: Understood) -> Understood:
    """What is asked about: numbers, one thing, or a page."""
    periods = tuple(dict.fromkeys(_period(term.value) for term in read.of("period")))
    read = replace(read, periods=periods, places=_places(book, read))
    if several := read.of("several"):
        read = replace(read, choices=tuple(several[0].value.split(",")), chosen_for=several[0])
    if read.of("vehicle"):
        return _vehicle(read)
    read = _metrics(book, read)
    return _of_metrics(book, read) if read.metrics else _thing(book, read)


def _thing(book: Snapshot, read: Understood) -> Understood:
    """A page, or the page of a site, a company or a town."""
    things = [place for place in read.places if place != book.home]
    if pages := read.of("page"):
        page = pages[0].value
        dated: tuple[Kind, ...] = ("period",) if page in DATED and len(read.periods) == 1 else ()
        is_placed = not things or (page == OVERDUE and len(things) == 1 and things[0].grain == "town")
        placed: tuple[Kind, ...] = ("place",) if is_placed else ()
        return _left(replace(read, ask="page", page=page), "page", *dated, *placed)
    if sites := read.of("site"):
        return _left(replace(read, ask="record", page=f"/site/{sites[0].value}"), "site")
    if len(things) == 1 and not read.choices:
        thing = things[0]
        is_listed = thing.grain == "company" and bool(read.of("drivers"))
        page = f"/{thing.grain}/{thing.code}{'/drivers' if is_listed else ''}"
        return _left(replace(read, ask="record", page=page), "place", "grain", "drivers")
    if read.of("choose"):
        return _left(read, "choose", "place", "several", "period", "only", "site", *ASKING)
    return _left(read, "place", "period", "several", "drivers", "grain")


def _left(read: Understood, *used: Kind) -> Understood:
    """With the words that the answer makes no use of as not understood."""
    spare = ("filler", "noun", "population", "person", "future", "unknown", *used)
    return replace(read, leftover=(*read.leftover, *(term for term in read.terms if term.kind not in spare)))


def _period(word: str) -> Period:
    window, at, name = word.partition(":")
    if at:
        return Period(window, name)
    window, _, count = word.partition("*")
    return Period(window, None, int(count))


def _places(book: Snapshot, read: Understood) -> tuple[Place, ...]:
    """The places named; a town that only says where a company is, is left out."""
    named = list(dict.fromkeys(book.place(term.value) for term in read.of("place")))
    within = {place.parent for place in named if place.grain == "company"}
    return tuple(place for place in named if place.code not in within)


def _vehicle(read: Understood) -> Understood:
    plate = read.of("vehicle")[0]
    keys = plate.value.split(",")
    if len(keys) > 1:
        read = replace(read, choices=tuple(keys), chosen_for=plate)
    path = f"/vehicle/{keys[0]}"
    if not read.of("track"):
        return _left(replace(read, ask="record", page=path), "vehicle")
    is_of_a_day = len(read.periods) == 1 and read.periods[0].window == "day" and read.periods[0].at
    dated: tuple[Kind, ...] = ("period",) if is_of_a_day else ()
    return _left(replace(read, ask="record", page=f"{path}/track"), "vehicle", "track", *dated)


def _metrics(book: Snapshot, read: Understood) -> Understood:
    """Which metrics are meant; beside one that is named, words for what is counted say only what it is about."""
    strong = tuple(dict.fromkeys(term.value.partition("/")[0] for term in read.of("metric", "part", "lacks")))
    if strong:
        about = "".join(book.metrics[one].describe for one in strong)
        strange = [term for term in read.of("choose") if not set(term.value.split(",")) & set(strong)]
        strange += [term for term in read.of("population") if "50辆" not in about]
        return replace(read, metrics=strong, leftover=(*strange, *read.of("page", "track")))
    if (choose := read.of("choose")) and not read.of("page"):
        return replace(read, choices=tuple(choose[0].value.split(",")), chosen_for=choose[0])
    if read.of("page", "site", "drivers"):
        return read
    if population := read.of("population"):
        others = tuple(term for term in read.of("noun") if term.value != "fleet_company_cnt")
        return replace(read, metrics=(population[0].value,), leftover=(*others, *read.of("track")))
    return replace(
        read, metrics=tuple(dict.fromkeys(term.value for term in read.of("noun"))), leftover=read.of("track")
    )


NOUN_GRAINS = {"fleet_vehicle_cnt": "vehicle", "fleet_company_cnt": "company"}
"""What is set beside each other where a noun stands beside another metric: 超速最多的车."""


def _of_metrics(book: Snapshot, read: Understood) -> Understood:
    """How the metrics are asked for."""
    first, read = book.metrics[read.metrics[0]], _filtered(book, read)
    ranks = read.of("order", "top") + tuple(term for term in read.of("ask") if term.value == "rank")
    grain = _grain(read, ranks)
    against = next((term.value for term in read.of("against")), "")
    read = replace(read, grain=grain, against=against)
    asks = {term.value for term in read.of("ask")}
    which: Literal["", "lacking", "off_target"] = (
        "lacking" if read.of("lacks") else "off_target" if read.of("off_target") else ""
    )
    if read.of("why"):
        spare = (*ranks, *read.of("grain"), *read.of("place")[1:], *read.of("period")[1:])
        return _of_one(replace(read, ask="page", page=f"/metric/{first.id}", leftover=(*read.leftover, *spare)))
    if "than" in asks and len(read.periods) == 1 and len(read.places) < 2:
        return _than(book, read)
    lengths = tuple(term for term in read.of("period") if "*" in term.value and not term.value.endswith("*1"))
    if lengths and (ranks or grain or which or len(read.periods) > 1):  # 近三个月 is a line, no one number
        read = replace(read, leftover=(*read.leftover, *lengths))
    if len(read.places) > 1 or len(read.periods) > 1:
        is_between = len(read.places) > 1 and (not grain or {place.grain for place in read.places} == {grain})
        strange = (*read.of("lacks", "off_target"), *(() if is_between else (*read.of("grain"), *ranks)))
        return replace(read, ask="compare", against="", leftover=(*read.leftover, *strange))
    if "trend" in asks or (lengths and not ranks and not grain and not which):
        return _of_one(replace(read, ask="trend", leftover=(*read.leftover, *read.of("grain", "against"), *ranks)))
    if ranks or grain or which == "lacking":  # the change of a number is not what places are ranked by
        read = replace(read, leftover=(*read.leftover, *read.of("against")))
    if which == "lacking" or (which and grain):
        return _of_one(replace(read, ask="list", which=which, grain=grain or "company"))
    if ranks or grain:
        return _ranked(book, _of_one(read), first.better)
    if asks & {"compare", "than"} and not against:
        return replace(read, against="previous")
    return read


def _filtered(book: Snapshot, read: Understood) -> Understood:
    """What narrows the metric: one member of each dimension that it can be cut by; the others are left over."""
    slices, names = book.metrics[read.metrics[0]].slices, dict(terms.sites(book))
    stated = {term: term.value.rpartition("/")[2].partition(":") for term in read.of("only", "part")}
    stated |= {term: ("name", ":", names[term.value]) for term in read.of("site")}
    only: dict[str, str] = {}
    for name, _, member in stated.values():
        if name in slices:
            only.setdefault(name, member)
    strange = (term for term, (name, _, member) in stated.items() if only.get(name) != member)
    return replace(read, only=tuple(only.items()), leftover=(*read.leftover, *strange))


def _than(book: Snapshot, read: Understood) -> Understood:
    """比上月: the running period beside the one that is named; a year that the metric is not counted by is 同比."""
    period, today = read.periods[0], book.generation.built_at.date()
    now = Period(period.window, units.at_label(period.window, units.window_of(period.window, today)[0]))
    read = replace(read, leftover=(*read.leftover, *read.of("grain", "top", "off_target", "lacks")), grain="")
    if period.window == "year" and all("year" not in book.metrics[one].windows for one in read.metrics):
        was = Period("year", str(today.year - 1))
        other = () if period == was else read.of("period")
        return replace(read, periods=(), against="year", leftover=(*read.leftover, *other))
    if period.at is None or period == now:
        return replace(read, against=read.against or "previous")
    return replace(read, ask="compare", against="", periods=(now, period))


def _grain(read: Understood, ranks: tuple[Term, ...]) -> str:
    """What is set beside each other; below a company nothing is."""
    grains = read.of("grain")
    if grains:
        return grains[0].value
    nouns = [NOUN_GRAINS.get(term.value, "") for term in read.of("noun") if term.value not in read.metrics]
    return next(filter(None, nouns), "") if ranks else ""


def _ranked(book: Snapshot, read: Understood, better: str) -> Understood:
    tops = [term.value.partition(",") for term in read.of("top")]
    order = next((term.value for term in read.of("order")), "") or next((side for _, _, side in tops if side), "")
    if order == "top":
        order = "best" if better == "up" else "high"
    if not order:
        order = "high" if better == "context" else "best"
    drill = book.metrics[read.metrics[0]].drill
    grain = read.grain or ("town" if "town" in drill else "company")
    return replace(read, ask="rank", grain=grain, order=order, top=int(tops[0][0]) if tops else 0)


def _of_one(read: Understood) -> Understood:
    """A rank, list or line is of one metric: of several, one has to be chosen."""
    if len(read.metrics) == 1:
        return read
    return replace(read, choices=read.metrics, chosen_for=None)
