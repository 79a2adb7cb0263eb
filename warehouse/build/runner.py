"""From landed tables to marts: only the models whose inputs changed, only the days touched, in the order the SQL itself
tells.

Owns build.* (clock, day, pending) and the model tables. A model is one SELECT; this module only decides what is asked
for when. Stopping anywhere is harmless: the days stay pending and are made again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from warehouse.build import fingerprints, spark
from warehouse.build.graph import above, inputs, order, raw_below, reads_positions
from warehouse.catalog.models import models
from warehouse.catalog.schema import Model
from warehouse.compile.person_windows import HISTORY_DAYS
from warehouse.core import units
from warehouse.core.database import Writer
from warehouse.core.errors import EngineDown
from warehouse.core.settings import Settings
from warehouse.ingest import lake

Progress = Callable[[str, int, int], None]
Pending = dict[str, set[dt.date | None]]
"""Landed table → days that new rows touched; None among them: rows that belong to no day."""
PART_ROWS = 600_000
"""Positions that are worked out together: what their ways take in between fits into POSITIONS_MEMORY."""
ANEW = "temp.anew"
"""Where a table is worked out that only time may have changed; it is written only when it is another one."""

TABLES = """
CREATE SCHEMA IF NOT EXISTS lake;
CREATE TABLE IF NOT EXISTS build.clock (as_of TIMESTAMP);
CREATE TABLE IF NOT EXISTS build.today (day DATE);
CREATE TABLE IF NOT EXISTS build.day (day DATE);
CREATE OR REPLACE TABLE build.part AS SELECT CAST(0 AS BIGINT) AS part, CAST(1 AS BIGINT) AS parts;
CREATE TABLE IF NOT EXISTS build.reading_day (day DATE);
CREATE TABLE IF NOT EXISTS build.pending (source_table VARCHAR, day DATE);
CREATE TABLE IF NOT EXISTS build.made (model VARCHAR, fingerprint VARCHAR, as_of TIMESTAMP);
CREATE TABLE IF NOT EXISTS build.unpublished (model VARCHAR, day DATE);
CREATE TABLE IF NOT EXISTS build.unmade (model VARCHAR, why VARCHAR);
"""


@dataclass
class Built:
    """What a build did: models made anew, for day-wise ones which days, and for each the days that new rows below it
    touched (None = any day may have changed). rules: the bureau's own tables that have changed. unmade: models that the
    engine of the positions could not make, each with the reason; they are made with the next build."""

    models: list[str] = field(default_factory=list)
    days: dict[str, list[dt.date]] = field(default_factory=dict)
    touched: dict[str, set[dt.date] | None] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)
    unmade: dict[str, str] = field(default_factory=dict)


def build(
    writer: Writer,
    settings: Settings,
    as_of: dt.datetime,
    *,
    full: bool = False,
    only: Collection[str] = (),
    progress: Progress | None = None,
) -> Built:
    """Brings every model up to date as of `as_of` (naive, Asia/Shanghai). `full` makes all days anew; `only` brings up
    those models and what they stand on, for somebody who works on them (the others are then behind, and nothing may be
    published).

    What a finished build used up is forgotten by settled(), which the caller calls after publishing."""
    pending = _begin(writer, as_of)
    made: dict[str, dt.datetime] = dict(writer.execute("SELECT model, as_of FROM build.made"))
    result, changed = Built(), set[str]()
    result.rules = {table for table in pending if table.startswith("own_")}
    anew = set(order()) if full else _new(writer)
    # a scratch table is gone by now; it is needed anew when one that is made of it is
    anew |= {name for name in order() if models()[name].build == "scratch" and anew & _users(name)}
    wanted = set().union(*(above(name) for name in only or order()))
    down: EngineDown | None = None
    idle: list[Model] = []
    with spark.cluster(writer, settings) as cluster:
        for index, name in enumerate(order()):
            model = models()[name]
            if name not in wanted:
                continue
            if progress:
                progress(f"计算 {model.label}", index, len(order()))
            fresh = name in anew
            touched = {table for table in raw_below(name) if table in pending or table.startswith("run.")}
            # what hangs on the minute is made every time, what hangs on the day once a day
            timed = "build.clock" in inputs(name) or (
                _hangs_on_the_day(model) and (name not in made or made[name].date() != as_of.date())
            )
            uses = {table.split(".")[1] for table in inputs(name)}
            if not (fresh or touched or timed or uses & changed):
                continue
            if model.build in ("days", "scratch") and not fresh and not _days(writer, model, as_of, pending, fresh):
                continue  # what has changed below concerns no day of it
            if down is not None and spark.takes(model):
                _leave(writer, model, down, result, is_known=name in made)
                continue  # it stands on what could not be made, or would meet the same
            only_time = not (fresh or touched or uses & changed) and model.build == "table"
            with (
                writer.sparing() if reads_positions(name) else writer.alone()
            ):  # build.day and lake.gps_location belong to this model while it is made
                if only_time and _is_same(writer, model):
                    idle.append(model)  # time has passed, and nothing in it is different
                    continue
                try:
                    there = _prepare(writer, settings, model, as_of, pending, fresh, result, cluster)
                except EngineDown as error:
                    down = error
                    _leave(writer, model, down, result, is_known=name in made)
                    continue
                # what is made, that it is, and that it is to be published are in the file together or not at all
                with writer.transaction():
                    _make(writer, settings, model, fresh, ANEW if only_time else there)
                    _book(writer, model, as_of)
                    _remember(writer, model, fresh, result)
            result.touched[name] = _touched(model, pending, fresh, result)
            if model.build != "view":
                changed.add(name)
    if progress:
        progress("计算完成", len(order()), len(order()))
    _tidy(writer)
    with writer.transaction():
        for model in idle:
            _book(writer, model, as_of)
    return result


def _begin(writer: Writer, as_of: dt.datetime) -> Pending:
    """Sets the build's clock and takes over what has been touched since the last one: landed table → its days."""
    writer.execute(TABLES)
    with writer.transaction():
        writer.execute("INSERT INTO build.pending SELECT DISTINCT source_table, day FROM run.touched")
        writer.execute("DELETE FROM run.touched")
        writer.execute("DELETE FROM build.clock")
        writer.execute("INSERT INTO build.clock VALUES (?)", [as_of])
        writer.execute("DELETE FROM build.today")
        writer.execute("INSERT INTO build.today VALUES (?)", [as_of.date()])
        writer.execute("DELETE FROM build.unmade")
        writer.execute("DELETE FROM build.reading_day")
        writer.execute(
            "INSERT INTO build.reading_day SELECT unnest(CAST(? AS DATE[]))",
            [units.reading_days(as_of.date(), HISTORY_DAYS)],
        )
    pending: Pending = {}
    for table, day in writer.execute("SELECT DISTINCT source_table, day FROM build.pending"):
        pending.setdefault(table, set()).add(day)
    return pending


def _tidy(writer: Writer) -> None:
    """Takes away what was needed only while models were made."""
    for name in order():
        if models()[name].build == "scratch":
            writer.execute(f"DROP TABLE IF EXISTS {models()[name].layer}.{name}")
    writer.execute(f"DROP TABLE IF EXISTS {ANEW}")
    writer.execute("UPDATE build.part SET parts = 1")


def settled(writer: Writer, held: Collection[str] = ()) -> None:
    """Forgets the days that are built, checked and published. What a model that could not be made waits for stays, and
    so does what is still to be published of those that are held."""
    unmade = [name for (name,) in writer.execute("SELECT model FROM build.unmade")]
    owed = sorted({table for name in unmade for table in models()[name].touched_by})
    with writer.transaction():
        for table, column, stays in (("pending", "source_table", owed), ("unpublished", "model", sorted(held))):
            writer.execute(
                f"DELETE FROM build.{table} WHERE {column} NOT IN (SELECT unnest(CAST(? AS VARCHAR[])))", [stays]
            )


def _leave(writer: Writer, model: Model, down: EngineDown, result: Built, *, is_known: bool) -> None:
    """Books that a model stays as it was. Raises EngineDown where it never was: there is nothing to go on with."""
    if not is_known:
        raise down
    result.unmade[model.name] = str(down)
    writer.execute("INSERT INTO build.unmade VALUES (?, ?)", [model.name, result.unmade[model.name]])


def _new(writer: Writer) -> set[str]:
    """Models that were never made, or made by another SELECT."""
    there = set(
        writer.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() UNION ALL SELECT schema_name, view_name FROM duckdb_views()"
        )
    )
    made_by = dict(writer.execute("SELECT model, fingerprint FROM build.made"))
    return {
        name
        for name, model in models().items()
        if made_by.get(name) != fingerprints.of_model(name)
        or (model.build != "scratch" and (model.layer, name) not in there)
    }


def _users(name: str) -> set[str]:
    """Models that read this one directly."""
    return {other for other in order() if f"{models()[name].layer}.{name}" in inputs(other)}


def _touched(model: Model, pending: Pending, fresh: bool, result: Built) -> set[dt.date] | None:
    if fresh:
        return None
    if model.name in result.days and not model.by_window:
        return set(result.days[model.name])
    days = {day for table in raw_below(model.name) for day in pending.get(table, ())}
    return None if None in days else {day for day in days if day}


def _hangs_on_the_day(model: Model) -> bool:
    return bool({"build.today", "build.reading_day"} & inputs(model.name)) or (
        model.build == "days" and bool(set(model.touched_by) - {"gps_location"}) and not reads_positions(model.name)
    )


def _prepare(
    writer: Writer,
    settings: Settings,
    model: Model,
    as_of: dt.datetime,
    pending: Pending,
    fresh: bool,
    result: Built,
    cluster: spark.Cluster | None,
) -> str | None:
    """What comes before the one transaction in which a model is made: says which days it is made for, makes a scratch
    table, whose parts together would be too much for one, and has the cluster work out what it takes. Returns the FROM
    item of what the cluster has made ("" = no row), None where the model is made here. Raises EngineDown."""
    if model.build not in ("days", "scratch"):
        return None
    days = _days(writer, model, as_of, pending, fresh)
    paths = _set_days(writer, settings, model, days, result)
    there = cluster.make(model, days, paths) if cluster is not None and days and spark.takes(model) else None
    if model.build == "scratch":
        if there is None:
            _make_scratch(writer, model)
        else:
            _make_shape(writer, model)
    return there


def _make(writer: Writer, settings: Settings, model: Model, fresh: bool, there: str | None) -> None:
    """Makes a model in the open transaction. there: the FROM item of what has been worked out before it ("" = no row),
    None where that is to be done."""
    name = f"{model.layer}.{model.name}"
    if model.build == "days":
        if fresh:
            _make_room(writer, model)
        writer.execute(f"DELETE FROM {name} WHERE day IN (SELECT day FROM build.day)")
        if there is None:
            for _ in _parts(writer) if reads_positions(model.name) else (0,):
                writer.execute(f"INSERT INTO {name} SELECT * FROM ({model.sql})")
        elif there:
            columns = ", ".join(row[0] for row in writer.execute(f"DESCRIBE {name}"))
            writer.execute(f"INSERT INTO {name} SELECT {columns} FROM {there}")
    elif model.build == "view":
        if "lake.gps_location" in inputs(model.name):
            _open_lake(writer, settings, [])
        writer.execute(f"CREATE OR REPLACE VIEW {name} AS {model.sql}")
    elif model.build == "table":
        writer.execute(f"CREATE OR REPLACE TABLE {name} AS {model.sql if there is None else f'FROM {there}'}")


def _book(writer: Writer, model: Model, as_of: dt.datetime) -> None:
    """Writes down when the model was made and by which SELECT."""
    writer.execute("DELETE FROM build.made WHERE model = ?", [model.name])
    writer.execute("INSERT INTO build.made VALUES (?, ?, ?)", [model.name, fingerprints.of_model(model.name), as_of])


def _make_scratch(writer: Writer, model: Model) -> None:
    """The table of a model of positions, made for so many vehicles at a time as fit, with the part that each belongs
    to. The models that stand on it are made in the same parts."""
    positions = writer.execute("SELECT count(*) FROM lake.gps_location")[0][0] if reads_positions(model.name) else 0
    writer.execute("UPDATE build.part SET parts = ?", [1 + positions // PART_ROWS])
    name = f"{model.layer}.{model.name}"
    for part in _parts(writer):
        made = f"INSERT INTO {name}" if part else f"CREATE OR REPLACE TABLE {name} AS"
        writer.execute(f"{made} SELECT *, CAST({part} AS BIGINT) AS part FROM ({model.sql})")


def _make_shape(writer: Writer, model: Model) -> None:
    """The empty table of a model whose rows lie with the cluster: what stands on it has the same columns here."""
    writer.execute(f"CREATE OR REPLACE VIEW lake.gps_location AS SELECT * FROM {lake.read([])}")
    writer.execute(
        f"CREATE OR REPLACE TABLE {model.layer}.{model.name} AS SELECT *, CAST(0 AS BIGINT) AS part FROM ({model.sql})"
    )


def _parts(writer: Writer) -> Iterator[int]:
    """Numbers of the parts, each while build.part holds it."""
    for part in range(writer.execute("SELECT parts FROM build.part")[0][0]):
        writer.execute("UPDATE build.part SET part = ?", [part])
        yield part
    writer.execute("UPDATE build.part SET part = 0")


def _make_room(writer: Writer, model: Model) -> None:
    """An empty table in the model's shape. Days whose positions are no longer held cannot be made again: theirs stay,
    where the shape is the same."""
    name = f"{model.layer}.{model.name}"
    if "gps_location" not in model.touched_by:
        writer.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM ({model.sql}) LIMIT 0")
        return
    writer.execute(f"CREATE OR REPLACE TEMP TABLE shape AS SELECT * FROM ({model.sql}) LIMIT 0")
    is_there = writer.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [model.layer, model.name]
    )
    if not is_there or writer.execute("DESCRIBE temp.shape") != writer.execute(f"DESCRIBE {name}"):
        writer.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM shape")


def _is_same(writer: Writer, model: Model) -> bool:
    """Works a table out into ANEW; whether it is what stands there already."""
    writer.execute(f"CREATE OR REPLACE TEMP TABLE {ANEW.split('.')[1]} AS {model.sql}")
    old, new = (
        writer.execute(f"SELECT count(*), sum(hash(t)) FROM {name} t") for name in (f"{model.layer}.{model.name}", ANEW)
    )
    return old == new


def _remember(writer: Writer, model: Model, fresh: bool, result: Built) -> None:
    """Books what a publication must renew: the whole model, or some of its days."""
    result.models.append(model.name)
    if model.publish != "no":
        days = [None] if fresh or model.build != "days" else result.days[model.name]
        writer.execute("INSERT INTO build.unpublished SELECT ?, unnest(CAST(? AS DATE[]))", [model.name, days])


def _days(writer: Writer, model: Model, as_of: dt.datetime, pending: Pending, fresh: bool) -> list[dt.date]:
    """Days to make: the touched ones and `spill_days` after each; of a register change all days since (since ever, when
    the change names no day); always today. A model by windows makes the weeks and months of those days."""
    today = as_of.date()
    days: set[dt.date] = set()
    first = _first(writer, today)
    received = {
        day
        for table in ("gps_vehicle_day", "gps_location")
        if table in raw_below(model.name)
        for day in pending.get(table, ())
        if day and day >= first
    }
    if fresh and "gps_location" in model.touched_by:
        days |= {row[0] for row in writer.execute("SELECT DISTINCT day FROM run.lake_file")}
    if "build.reading_day" in inputs(model.name) and not fresh:  # days that are compared with for the first time
        days |= {
            row[0]
            for row in writer.execute(
                f"SELECT day FROM build.reading_day WHERE day >= ? AND day NOT IN (SELECT day FROM {model.layer}.{model.name} WHERE day IS NOT NULL)",
                [first],
            )
        }
    # where history begins earlier than before, the days between are new as well
    if set(model.touched_by) - {"gps_location"} and (fresh or (received and min(received) == first)):
        days |= _span(first, today)
    for table, manner in model.touched_by.items():
        touched = pending.get(table, set())
        known = {day for day in touched if day}
        if touched and manner == "since":
            days |= _span(first if None in touched else max(min(known), first), today)
        else:
            days |= known
    for step in range(1, model.spill_days + 1):
        days |= {day + dt.timedelta(days=step) for day in set(days)}
    if set(model.touched_by) - {"gps_location"} and not reads_positions(model.name):
        days.add(today)
    days = {day for day in days if day <= today}
    if reads_positions(model.name):
        days &= {row[0] for row in writer.execute("SELECT DISTINCT day FROM run.lake_file")}
    return sorted(
        {units.window_of(window, day)[0] for day in days for window in ("week", "month")} if model.by_window else days
    )


def _first(writer: Writer, today: dt.date) -> dt.date:
    """The day on which history begins: the oldest with positions or statistics within HISTORY_DAYS; without any, as far
    back as that."""
    begin = today - dt.timedelta(days=HISTORY_DAYS)
    found: dt.date | None = writer.execute(
        "SELECT min(day) FROM (SELECT day FROM raw.gps_vehicle_day UNION ALL SELECT day FROM run.lake_file) WHERE day BETWEEN ? AND ?",
        [begin, today],
    )[0][0]
    return found or begin


def _span(first: dt.date, last: dt.date) -> set[dt.date]:
    return {first + dt.timedelta(days=step) for step in range((last - first).days + 1)}


def _set_days(writer: Writer, settings: Settings, model: Model, days: list[dt.date], result: Built) -> list[str]:
    """Says which days a model is made for, and opens their positions; returns the files of these."""
    writer.execute("DELETE FROM build.day")
    writer.execute("INSERT INTO build.day SELECT unnest(CAST(? AS DATE[]))", [days])
    result.days[model.name] = days
    return _open_lake(writer, settings, days) if "gps_location" in model.touched_by else []


def _open_lake(writer: Writer, settings: Settings, days: list[dt.date]) -> list[str]:
    """Points lake.gps_location at the files of `days` and of the day before each (a drive may cross midnight);
    at all files when `days` is empty. Returns their paths."""
    if days:
        wanted = set(days) | {day - dt.timedelta(days=1) for day in days}
        paths = [
            path
            for path in lake.files(writer, settings, min(wanted), max(wanted))
            if dt.date.fromisoformat(path.split("day=")[1].split("/")[0]) in wanted
        ]
    else:
        paths = lake.files(writer, settings)
    writer.execute(f"CREATE OR REPLACE VIEW lake.gps_location AS SELECT * FROM {lake.read(paths)}")
    return paths
