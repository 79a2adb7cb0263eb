"""Person metrics leave the restricted marts only as counts. Owns marts_person.reading: by metric, window, place and
declared slice. Of the district everything; below it the closed months only, and of those what `disclosure` lets out, so
the open file never holds a row that tells of one person."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from warehouse.build import fingerprints, person_hold, person_places
from warehouse.build.disclosure import Rule
from warehouse.build.disclosure_audit import breaches
from warehouse.build.runner import Built
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile import person_windows
from warehouse.compile.metric_sql import CUT, Span, below, comparable, select, span
from warehouse.compile.person_windows import counted_since, last_counted
from warehouse.compile.reading import DISTRICT
from warehouse.core import units
from warehouse.core.database import Writer

TABLE = """CREATE SCHEMA IF NOT EXISTS marts_person;
CREATE TABLE IF NOT EXISTS marts_person.reading (metric VARCHAR, win VARCHAR, win_start DATE, grain VARCHAR, place VARCHAR, slice VARCHAR, member VARCHAR,
    num DOUBLE, den DOUBLE, parts MAP(VARCHAR, DOUBLE), held_from DATE);
ALTER TABLE marts_person.reading ADD COLUMN IF NOT EXISTS held_from DATE;
ALTER TABLE marts_person.reading DROP COLUMN IF EXISTS is_hidden;
ALTER TABLE marts_person.reading ADD COLUMN IF NOT EXISTS is_withdrawn BOOLEAN DEFAULT false;
CREATE TABLE IF NOT EXISTS marts_person.counted (metric VARCHAR, day DATE, fingerprint VARCHAR);
ALTER TABLE marts_person.counted ADD COLUMN IF NOT EXISTS fingerprint VARCHAR;
ALTER TABLE marts_person.counted ADD COLUMN IF NOT EXISTS since DATE"""
FORM = "rows judged on their population and on who has changed"
"""Stands in the fingerprint of what is counted: another way to protect it withdraws what the old one let out."""


def prepare(writer: Writer) -> None:
    """Makes the tables where they are missing."""
    writer.execute(TABLE)
    writer.execute(person_hold.TABLE)


Districts = dict[tuple[str, str, dt.date], tuple[float | None, float | None]]
"""Metric, window and its start → the district's numerator and denominator."""


def count(writer: Writer, built: Built, today: dt.date) -> None:
    """Counts anew every person metric whose mart was made, for the days that were made (all of them when it was made
    whole, or when the indicator's definition is another one). Metrics of one family go together.

    What has been published below the district is never counted anew, whatever changes: the new number less the old one
    would tell of the few whom the change is about. Where another definition moves the district's number of a window, or
    persons are protected by another rule, what was published there is withdrawn; the next window is held against it."""
    prepare(writer)
    rule = Rule.of(dict(writer.execute("SELECT name, value FROM raw.own_parameter WHERE _deleted_at IS NULL")))
    counted = set(writer.execute("SELECT DISTINCT metric, win, win_start FROM marts_person.reading"))
    today_done = {row[0] for row in writer.execute("SELECT metric FROM marts_person.counted WHERE day = ?", [today])}
    defined = dict(writer.execute("SELECT metric, fingerprint FROM marts_person.counted"))
    begun = dict(writer.execute("SELECT metric, since FROM marts_person.counted WHERE since IS NOT NULL"))
    families: dict[str, list[Metric]] = defaultdict(list)
    for metric in metrics().values():
        if metric.person:
            families[metric.family or metric.id].append(metric)
    for family in families.values():
        wanted: dict[str, dict[str, list[Span]]] = {}
        protection = f" {FORM} {rule}"
        definitions = {metric.id: f"{fingerprints.of_metric(metric)}{protection}" for metric in family}
        is_other = any(defined.get(name, text) != text for name, text in definitions.items())
        is_protected_otherwise = any(
            not defined.get(name, text).endswith(protection) for name, text in definitions.items()
        )
        for metric in family:
            if metric.mart not in built.models and metric.id in today_done and not is_other:
                continue
            made = None if is_other else built.days.get(metric.mart, [] if metric.mart not in built.models else None)
            wanted[metric.id] = _wanted(metric, made, today, set() if is_other else counted)
        if not wanted:
            continue
        with writer.transaction():
            since = min((begun.get(name, today) for name in definitions), default=today)
            if not units.has_settled(since, today) and _is_late(family, built, today):
                _forget_below(writer, [*definitions])
            before = _take_out_district(writer, [*definitions]) if is_other else {}
            for metric in family:
                for window, spans in wanted.get(metric.id, {}).items():
                    _count_district(writer, metric, window, spans)
            if is_other:
                _withdraw(writer, [*definitions], None if is_protected_otherwise else before)
            count_below(writer, family, today, rule)
            for name, text in definitions.items():
                writer.execute("DELETE FROM marts_person.counted WHERE metric = ?", [name])
                writer.execute("INSERT INTO marts_person.counted VALUES (?, ?, ?, ?)", [name, today, text, since])
            writer.execute("INSERT INTO build.unpublished VALUES ('person_reading', NULL)")


def _forget_below(writer: Writer, names: list[str]) -> None:
    """What was published below the district before the sources had delivered what they hold of the past."""
    writer.execute(
        "DELETE FROM marts_person.reading WHERE metric IN (SELECT unnest(?)) AND grain <> 'district'", [names]
    )
    writer.execute("DELETE FROM marts_person.behind WHERE metric IN (SELECT unnest(?))", [names])


def _districts(writer: Writer, names: list[str]) -> Districts:
    rows = writer.execute(
        "SELECT metric, win, win_start, num, den FROM marts_person.reading "
        "WHERE metric IN (SELECT unnest(?)) AND grain = 'district' AND slice = ''",
        [names],
    )
    return {row[:3]: row[3:] for row in rows}


def _take_out_district(writer: Writer, names: list[str]) -> Districts:
    """What the district's numbers were by the definition before, which are counted anew now."""
    before = _districts(writer, names)
    writer.execute(
        "DELETE FROM marts_person.reading WHERE metric IN (SELECT unnest(?)) AND grain = 'district'", [names]
    )
    return before


def _withdraw(writer: Writer, names: list[str], before: Districts | None) -> None:
    """Takes back what is published below the district in the windows whose district number is another one than before
    (None: in all). It stands in the table still, since what is published later is held against it."""
    below_ = "metric IN (SELECT unnest(?)) AND grain <> 'district'"
    if before is None:
        writer.execute(f"UPDATE marts_person.reading SET is_withdrawn = true WHERE {below_}", [names])
        return
    after = _districts(writer, names)
    moved = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    if moved:
        writer.execute(
            "CREATE OR REPLACE TEMP TABLE moved AS SELECT unnest(?) AS metric, unnest(?) AS win, unnest(?) AS start",
            [list(column) for column in zip(*moved, strict=True)],
        )
        writer.execute(
            f"""UPDATE marts_person.reading r SET is_withdrawn = true WHERE {below_} AND EXISTS (
            SELECT 1 FROM moved m WHERE m.metric = r.metric AND m.win = r.win AND m.start IN (r.win_start, r.held_from))""",
            [names],
        )


def _is_late(family: list[Metric], built: Built, today: dt.date) -> bool:
    """Whether days of an earlier month were made anew."""
    month = units.window_of("month", today)[0]
    made = [built.days.get(metric.mart) for metric in family if metric.mart in built.models]
    return any(days is None or any(day < month for day in days) for days in made)


def _wanted(
    metric: Metric, made: list[dt.date] | None, today: dt.date, counted: set[tuple[object, ...]]
) -> dict[str, list[Span]]:
    """Window → spans to count. made: days of the mart that are new, None = all."""
    if metric.kind in ("stock", "state"):
        days = [
            day
            for day in units.reading_days(today, person_windows.HISTORY_DAYS)
            if made is None or day in set(made) or (metric.kind == "state" and (metric.id, "day", day) not in counted)
        ]
        return {"day": [Span(day, day, day) for day in days]}
    last = last_counted(metric, today)
    found = _beside(metric, last)
    for window in metric.windows:
        starts: list[dt.date] = []
        start = units.window_of(window, last)[0]
        while start > counted_since(metric, window, today):
            end = units.window_of(window, start)[1]
            if (
                made is None
                or any(start <= day <= end for day in made)
                or (metric.id, window, start) not in counted
                or end >= last
            ):
                starts.append(start)
            start = units.back(window, start, 1)
        found[window] = [span(metric, window, start, last) for start in reversed(starts)]
    return found


def _beside(metric: Metric, last: dt.date) -> dict[str, list[Span]]:
    """What the running windows are held against: as many days of the window before and of the one a year before. Of
    what gathers against the plan of its month a part says nothing."""
    found: dict[str, list[Span]] = {}
    for window in metric.windows if not metric.cumulative else ():
        start = units.window_of(window, last)[0]
        earlier = {units.back(window, start, 1), units.year_ago(window, start)}
        spans = [comparable(metric, window, before, start, last) for before in sorted(earlier)]
        found[f"{window}{CUT}"] = [item for item in spans if item.is_cut]
    return found


def _closed(metric: Metric, after: dt.date | None, today: dt.date) -> list[Span]:
    """The windows that are to be published below the district, oldest first: those whose data have come in, later than
    the last one that was published (None: all that history holds)."""
    window, found = below(metric), []
    start = units.window_of(window, today)[0]
    is_day = metric.kind in ("stock", "state")
    while start > counted_since(metric, window, today):
        end = units.window_of(window, start)[1]
        item = Span(end, end, end) if is_day else span(metric, window, start, end)
        if after is not None and item.start <= after:
            break
        if units.has_settled(end, today):
            found.append(item)
        start = units.back(window, start, 1)
    return found[::-1]


def _count_district(writer: Writer, metric: Metric, window: str, spans: list[Span]) -> None:
    """The district's counts of those windows, with their further figures; of a slice those of each member."""
    if window.endswith(CUT):  # of as many days as there were yesterday
        writer.execute("DELETE FROM marts_person.reading WHERE metric = ? AND win = ?", [metric.id, window])
    if not spans:
        return
    writer.execute(
        "DELETE FROM marts_person.reading WHERE metric = ? AND win = ? AND grain = 'district' AND win_start IN (SELECT unnest(?))",
        [metric.id, window, [item.start for item in spans]],
    )
    labels = ", ".join(
        f"'{label}': CAST(coalesce(part_{index}, 0) AS DOUBLE)" for index, label in enumerate(metric.parts)
    )
    for member in ("", *metric.slices):
        parts = f"MAP {{{labels}}}" if labels and not member else "NULL"
        sql, bound = select(metric, window, spans, "district", member=member)
        writer.execute(
            f"""INSERT INTO marts_person.reading SELECT '{metric.id}', '{window}', win_start, 'district', place, '{member}', member, num, den, {parts}, NULL, false
            FROM ({sql}) WHERE place IS NOT NULL""",
            bound,
        )


def count_below(writer: Writer, family: list[Metric], today: dt.date, rule: Rule) -> None:
    """Publishes the towns and companies of the windows that have closed since the last time; of companies only the last
    ones. What has been published of earlier windows is never counted again."""
    ledger = person_hold.Ledger(writer, family)
    spans = _closed(family[0], ledger.newest, today)
    if not spans or not person_places.is_anybody(writer, family):
        return
    ledger.enter(spans)
    counted = person_places.count(writer, family, spans)
    known = {
        metric.id: person_places.populations(writer, metric, spans, counted.drivers)
        for metric in family
        if not metric.weighs
    }
    windows = {metric.id: person_hold.stored_window(metric) for metric in family}
    forgotten = today - dt.timedelta(days=units.COMPANY_DAYS)
    rows = []
    for item in spans:
        fresh = person_places.let_out(counted, item, rule, ledger.standing)
        if fresh and _tells(writer, counted, item, fresh, rule, known):
            fresh = []
        for one in ledger.show(item, fresh):
            if one.grain == "town" or windows[one.metric] != "day" or item.last > forgotten or item == spans[-1]:
                about = [one.metric, windows[one.metric], one.start, one.grain, one.place, one.slice, one.member]
                rows.append([*about, one.num, one.den, None, one.held_from, one.is_withdrawn])
    ledger.close()
    if rows:
        writer.execute(
            f"INSERT INTO marts_person.reading SELECT {', '.join('unnest(?)' for _ in rows[0])}",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _tells(
    writer: Writer,
    counted: person_places.Counted,
    item: Span,
    fresh: list[person_places.Place],
    rule: Rule,
    known: dict[str, dict[dt.date, dict[str, float]]],
) -> bool:
    """The attacker looks at what is about to leave; where it tells too much the towns and companies stay as they are
    published, of all metrics of the family, and the checks say so. known: metric → start of a window → place → persons
    whom it could tell of there; of means there is nothing to take from the district's, so they are not in it."""
    family, found = counted.family, 0
    for metric, one in zip(family, counted.counts, strict=True):
        if metric.id not in known:
            continue
        people = known[metric.id][item.start]
        homes = counted.drivers[item.last].homes
        district = {("", ""): one[item.start].cells.get(DISTRICT, (0.0, 0.0, 0.0))}
        for name, cut in one[item.start].cuts.items():
            district |= {(name, member): cell for member, cell in cut[DISTRICT].items()}
        for (name, member), (num, den, _) in district.items():
            published = {DISTRICT: (num, den if metric.denominator else None)}
            published |= {
                own.place: (own.num, own.den)
                for own in fresh
                if (own.metric, own.slice, own.member) == (metric.id, name, member)
            }
            # there are no more of it than persons, or than what everybody knows the denominator to be
            is_capped = not (metric.denominator and name) if not metric.persons else metric.population == "denominator"
            is_secret = metric.population == "drivers" or bool(name)
            towns = people if not name else {place: size for place, size in people.items() if place not in homes}
            found += len([*breaches(published, towns, {} if name else homes, rule, is_secret, is_capped=is_capped)])
    if found:
        message = f"{family[0].label}：{item.start:%Y-%m-%d} 起一期的镇街、企业人数可以反推出未列的 {found} 处，这一期沿用上一期"
        writer.execute(
            "INSERT INTO run.check_result SELECT as_of, ?, 'disclosure', 'warn', ?, ? FROM build.clock",
            [family[0].mart, message, found],
        )
    return bool(found)
