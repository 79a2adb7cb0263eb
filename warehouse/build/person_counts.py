"""Person metrics leave the restricted marts only as counts. Owns marts_person.reading: by metric, window, place and
declared slice. Of the district everything; below it the closed months only, and of those what `disclosure` lets out, so
the open file never holds a row that tells of one person."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from warehouse.build import fingerprints, person_places
from warehouse.build.disclosure import Rule
from warehouse.build.disclosure_audit import breaches
from warehouse.build.runner import HISTORY_DAYS, Built
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.metric_sql import CUT, Span, below, comparable, select, span
from warehouse.core import units
from warehouse.core.database import Writer

TABLE = """CREATE SCHEMA IF NOT EXISTS marts_person;
CREATE TABLE IF NOT EXISTS marts_person.reading (metric VARCHAR, win VARCHAR, win_start DATE, grain VARCHAR, place VARCHAR, slice VARCHAR, member VARCHAR,
    num DOUBLE, den DOUBLE, parts MAP(VARCHAR, DOUBLE), is_hidden BOOLEAN);
CREATE TABLE IF NOT EXISTS marts_person.counted (metric VARCHAR, day DATE, fingerprint VARCHAR);
ALTER TABLE marts_person.counted ADD COLUMN IF NOT EXISTS fingerprint VARCHAR"""
FORM = "rows judged on their population"
"""Stands in the fingerprint of what is counted: another way to protect it counts everything anew."""


def count(writer: Writer, built: Built, today: dt.date) -> None:
    """Counts anew every person metric whose mart was made, for the days that were made (all of them when it was made
    whole, or when the indicator's definition is another one). Metrics of one family go together."""
    writer.execute(TABLE)
    rule = Rule.of(dict(writer.execute("SELECT name, value FROM raw.own_parameter WHERE _deleted_at IS NULL")))
    counted = set(writer.execute("SELECT DISTINCT metric, win, win_start FROM marts_person.reading"))
    today_done = {row[0] for row in writer.execute("SELECT metric FROM marts_person.counted WHERE day = ?", [today])}
    defined = dict(writer.execute("SELECT metric, fingerprint FROM marts_person.counted"))
    families: dict[str, list[Metric]] = defaultdict(list)
    for metric in metrics().values():
        if metric.person:
            families[metric.family or metric.id].append(metric)
    for family in families.values():
        wanted: dict[str, dict[str, list[Span]]] = {}
        definitions = {metric.id: f"{fingerprints.of_metric(metric)} {FORM} {rule}" for metric in family}
        is_other = any(defined.get(name, text) != text for name, text in definitions.items())
        for metric in family:
            if metric.mart not in built.models and metric.id in today_done and not is_other:
                continue
            made = None if is_other else built.days.get(metric.mart, [] if metric.mart not in built.models else None)
            wanted[metric.id] = _wanted(metric, made, today, set() if is_other else counted)
        if not wanted:
            continue
        with writer.transaction():
            if is_other:
                writer.execute("DELETE FROM marts_person.reading WHERE metric IN (SELECT unnest(?))", [[*definitions]])
            for metric in family:
                for window, spans in wanted.get(metric.id, {}).items():
                    if window.endswith(CUT):  # of as many days as there were yesterday
                        writer.execute(
                            "DELETE FROM marts_person.reading WHERE metric = ? AND win = ?", [metric.id, window]
                        )
                    if spans:
                        _count_district(writer, metric, window, spans)
            _count_below(writer, family, _closed(family, wanted, today), today, rule)
            for name, text in definitions.items():
                writer.execute("DELETE FROM marts_person.counted WHERE metric = ?", [name])
                writer.execute("INSERT INTO marts_person.counted VALUES (?, ?, ?)", [name, today, text])
            writer.execute("INSERT INTO build.unpublished VALUES ('person_reading', NULL)")


def _wanted(
    metric: Metric, made: list[dt.date] | None, today: dt.date, counted: set[tuple[object, ...]]
) -> dict[str, list[Span]]:
    """Window → spans to count. made: days of the mart that are new, None = all."""
    if metric.kind in ("stock", "state"):
        days = [
            day
            for day in units.reading_days(today, HISTORY_DAYS)
            if made is None or day in set(made) or (metric.kind == "state" and (metric.id, "day", day) not in counted)
        ]
        return {"day": [Span(day, day, day) for day in days]}
    last = _last(metric, today)
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


def _closed(family: Sequence[Metric], wanted: dict[str, dict[str, list[Span]]], today: dt.date) -> list[Span]:
    """The spans to be counted below the district: closed ones of the window that is published there, of any metric of
    the family that is counted anew."""
    found: set[Span] = set()
    for metric in family:
        window = below(metric)
        for stored, spans in wanted.get(metric.id, {}).items():
            for item in spans:
                end = units.window_of(window, item.last)[1]
                if item.last == end < today and stored == ("day" if metric.kind in ("stock", "state") else window):
                    found.add(item)
    return sorted(found, key=lambda item: item.last)


def _last(metric: Metric, today: dt.date) -> dt.date:
    return today if metric.through == "today" else today - dt.timedelta(days=1)


def counted_since(metric: Metric, window: str, today: dt.date) -> dt.date:
    """Windows that start later are counted."""
    return _last(metric, today) - dt.timedelta(days=HISTORY_DAYS + (366 if window == "year" else 0))


def _count_district(writer: Writer, metric: Metric, window: str, spans: list[Span]) -> None:
    """The district's counts of those windows, with their further figures; of a slice those of each member."""
    writer.execute(
        "DELETE FROM marts_person.reading WHERE metric = ? AND win = ? AND win_start IN (SELECT unnest(?))",
        [metric.id, window, [item.start for item in spans]],
    )
    labels = ", ".join(
        f"'{label}': CAST(coalesce(part_{index}, 0) AS DOUBLE)" for index, label in enumerate(metric.parts)
    )
    for member in ("", *metric.slices):
        parts = f"MAP {{{labels}}}" if labels and not member else "NULL"
        sql, bound = select(metric, window, spans, "district", member=member)
        writer.execute(
            f"""INSERT INTO marts_person.reading SELECT '{metric.id}', '{window}', win_start, 'district', place, '{member}', member, num, den, {parts}, false
            FROM ({sql}) WHERE place IS NOT NULL""",
            bound,
        )


def _count_below(writer: Writer, family: list[Metric], spans: list[Span], today: dt.date, rule: Rule) -> None:
    """What may be published of the towns and companies in those windows; of companies only the last ones."""
    if not spans:
        return
    ids = {metric.id: "day" if metric.kind in ("stock", "state") else below(metric) for metric in family}
    writer.execute(
        "DELETE FROM marts_person.reading WHERE metric IN (SELECT unnest(?)) AND grain <> 'district' AND win_start IN (SELECT unnest(?))",
        [list(ids), [item.start for item in spans]],
    )
    forgotten = today - dt.timedelta(days=units.COMPANY_DAYS)
    ends = {item.start: item.last for item in spans}
    for one in person_places.let_out(writer, family, spans, rule):
        if one.grain == "company" and ids[one.metric] == "day" and ends[one.start] <= forgotten:
            continue
        writer.execute(
            "INSERT INTO marts_person.reading VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, false)",
            [one.metric, ids[one.metric], one.start, one.grain, one.place, one.slice, one.member, one.num, one.den],
        )
    _hold_back(writer, family, ids, spans, rule)


def _hold_back(writer: Writer, family: list[Metric], ids: dict[str, str], spans: list[Span], rule: Rule) -> None:
    """The attacker looks at what is about to leave; a window that tells too much loses its towns and companies, of all
    metrics of the family, and the checks say so."""
    drivers = person_places.drivers_of(writer, [item.last for item in spans])
    # those that count drivers: how many there are of anything else nobody knows beforehand
    counted = [metric for metric in family if "person_key" in metric.numerator and not metric.weighs]
    people = {metric.id: person_places.populations(writer, metric, spans, drivers) for metric in counted}
    for item in spans:
        found = 0
        for metric in counted:
            published = {
                place: (num, den)
                for place, num, den in writer.execute(
                    "SELECT place, num, den FROM marts_person.reading WHERE metric = ? AND win = ? AND win_start = ? AND slice = ''",
                    [metric.id, ids[metric.id], item.start],
                )
            }
            about, homes = people[metric.id][item.start], drivers[item.last].homes
            found += len([*breaches(published, about, homes, rule, metric.population == "drivers")])
        if found:
            writer.execute(
                "DELETE FROM marts_person.reading WHERE metric IN (SELECT unnest(?)) AND grain <> 'district' AND win_start = ?",
                [list(ids), item.start],
            )
            message = f"{family[0].label}：{item.start:%Y-%m-%d} 起一期的镇街、企业人数可以反推出未列的 {found} 处，这一期不公布"
            writer.execute(
                "INSERT INTO run.check_result SELECT as_of, ?, 'disclosure', 'warn', ?, ? FROM build.clock",
                [family[0].mart, message, found],
            )
