"""SQL is SQL: every business question lies in a .sql file that can be pasted, and only machinery puts SQL together."""

from __future__ import annotations

import ast
import datetime as dt
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from warehouse.core.database import Reader, Writer
from warehouse.core.settings import Settings
from warehouse.ingest import lake
from warehouse.publish import snapshot

ROOT = Path(__file__).resolve().parents[2]
STATEMENTS = sorted(path for package in ("warehouse", "etl") for path in (ROOT / package).rglob("sql/*.sql"))
STATEMENTS = [path for path in STATEMENTS if path.name != "macros.sql"]
"""Every question in a file; the macros are no question."""

MACHINERY = {
    "warehouse/build/person_places.py": "counts persons by the slices that metrics declare, before any of it is let out",
    "warehouse/build/revisions.py": "asks which of the marts that metrics name hold a row at all",
    "warehouse/publish/generation_file.py": "copies models, column by column as they are declared, into the published files",
    "warehouse/query/aggregates.py": "asks for the mart and the conditions that a metric and its reader name",
    "warehouse/query/attributes.py": "counts the owners behind a column that a mart declares",
    "warehouse/query/batch.py": "puts the questions for several metrics into one statement",
    "warehouse/query/windows.py": "asks from which day on the mart of a metric is told",
    "warehouse/query/scope.py": "puts in the place of every published table the part of it that somebody may see",
}
"""Modules that may name published tables in SQL of their own, each with the reason: the names in it come from contracts
and models, so it cannot be written down beforehand."""

PUBLISHED_TABLE = re.compile(
    r"(\b(from|join)|,)\s+(\w+\.)?(marts|staging|meta)\.|^\s*(marts|staging|meta)\.\w+\s+(where|order|limit)\b", re.I
)
DAY, MOMENT = dt.date(2026, 11, 20), dt.datetime(2026, 11, 20, 14, 0)
EXAMPLES: dict[str, object] = {
    "after": DAY,
    "cell_deg": 0.01,
    "company": "x",
    "day": DAY,
    "days": [DAY],
    "deliveries": [1],
    "first": DAY,
    "floor": 0.8,
    "last": DAY,
    "metric": "x",
    "most": 5,
    "now": MOMENT,
    "organisation": "x",
    "past": [DAY],
    "per_day": 5,
    "person": "x",
    "pooled": "x",
    "since": DAY,
    "site": "x",
    "table": "x",
    "today": DAY,
    "town": "x",
    "typed": "x",
    "uid": "x",
    "unit": "x",
    "vehicle": "x",
    "year": 2026,
}
"""Every parameter that a question may have, with a value of its type: one name means one thing everywhere."""
OTHER_TYPE: dict[str, dict[str, object]] = {"alarm_cells": {"days": 28}}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parameters(path: Path) -> dict[str, object]:
    """The parameters of a question, each with an example."""
    [statement] = sqlglot.parse(path.read_text("utf-8"), read="duckdb")
    assert statement is not None
    names = {found.name for found in statement.find_all(exp.Placeholder)}
    return {key: {**EXAMPLES, **OTHER_TYPE.get(path.stem, {})}[key] for key in names}


@pytest.fixture(scope="module")
def writer(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """The writer's file of the stand-in world, a copy."""
    folder = tmp_path_factory.mktemp("written")
    shutil.copy(Settings(published).warehouse, folder)
    made = Writer(folder / Settings(published).warehouse.name, folder / "tmp")
    # as the loader leaves it between two builds, but without its files, which lie elsewhere
    made.execute(f"CREATE OR REPLACE VIEW lake.gps_location AS SELECT * FROM {lake.read([])}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_file(published: Path) -> Iterator[Reader]:
    yield from _reader(published, ".duckdb")


@pytest.fixture(scope="module")
def restricted_file(published: Path) -> Iterator[Reader]:
    yield from _reader(published, ".restricted.duckdb")


def _reader(published: Path, ending: str) -> Iterator[Reader]:
    settings = Settings(published)
    made = Reader(settings.published / f"{snapshot.current(settings)}{ending}")
    yield made
    made.close()


def test_there_are_questions_in_files() -> None:
    assert {path.parent.parent.name for path in STATEMENTS} >= {"insight", "query", "publish", "pipeline"}


@pytest.mark.parametrize("path", STATEMENTS, ids=name)
def test_a_file_is_one_select_that_says_what_a_row_is(path: Path) -> None:
    text = path.read_text("utf-8")
    [statement] = sqlglot.parse(text, read="duckdb")
    assert isinstance(statement, exp.Query)
    comment = " ".join(line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--"))
    assert re.match(r"-- (A|The one) row is ", text), "the first line says what a row is"
    for parameter in parameters(path):
        assert f"${parameter}" in comment, f"nothing is said of ${parameter}"
    assert not re.search(r"\{[{%]|\?", text), "no templates, and parameters have names"


@pytest.mark.parametrize("path", STATEMENTS, ids=name)
def test_a_question_can_be_asked(path: Path, request: pytest.FixtureRequest) -> None:
    """Bound against the file that it is for: every table, column and macro in it exists."""
    sql, values = path.read_text("utf-8"), parameters(path)
    explained = f"EXPLAIN {sql}"
    if path.parent.parent.name in ("publish", "pipeline"):
        request.getfixturevalue("writer").execute(explained, values)
    elif "restricted file" in sql.partition("select")[0]:
        request.getfixturevalue("restricted_file").rows(explained, values)
    else:
        request.getfixturevalue("open_file").rows(explained, values)


@pytest.mark.parametrize("path", STATEMENTS, ids=name)
def test_a_question_is_asked_by_a_module_beside_it(path: Path) -> None:
    asking = "".join(module.read_text("utf-8") for module in path.parent.parent.glob("*.py"))
    assert f'"{path.stem}"' in asking, "nobody asks this any more"


def modules() -> list[Path]:
    return [path for package in ("warehouse", "etl", "cockpit") for path in sorted((ROOT / package).rglob("*.py"))]


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every string of a module; an f-string with {} for what is put in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )


def test_only_machinery_names_published_tables_in_its_strings() -> None:
    outside = [
        f"{name(path)}:{line}"
        for path in modules()
        if name(path) not in MACHINERY
        for line, text in strings(path)
        if PUBLISHED_TABLE.search(text)
    ]
    assert not outside, "a question about published tables belongs into a .sql file beside its module"


@pytest.mark.parametrize("module", MACHINERY)
def test_machinery_is_no_longer_a_list_than_it_must_be(module: str) -> None:
    assert any(PUBLISHED_TABLE.search(text) for _, text in strings(ROOT / module)), "needs no exception any more"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM marts.site",
        "x JOIN staging.stg_permit USING (y)",
        "FROM\n  meta.held",
        "marts.site WHERE site_id = ?",
        "FROM previous.meta.review",
        "UPDATE a SET b = c.d FROM a, marts.dim_company c",
    ],
)
def test_the_look_for_sql_in_strings_finds_it(text: str) -> None:
    assert PUBLISHED_TABLE.search(text)
