"""Each rule makes the change that it names, the rest of the text stays, and the same seed draws the same sample."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import descriptions, far, near, python, run, sql
from tests.mutants.mutant import RULES, Place, of_text
from warehouse.catalog.metrics import metrics


def changed(text: str, found: list[Place]) -> set[tuple[str, str]]:
    """(rule, the whole text with the change)"""
    return {(place.rule, text[: place.start] + place.after + text[place.end :]) for place in found}


@pytest.mark.parametrize(
    ("text", "rule", "after"),
    [
        ("select a from t where a > 1", "boundary", "select a from t where a >= 1"),
        ("select a from t where a <= 1", "boundary", "select a from t where a < 1"),
        ("select a from t where a and b", "branch", "select a from t where b"),
        ("select a from t where a and b", "branch", "select a from t where a "),
        ("select a from t where a or b and c", "branch", "select a from t where a "),
        ("select a from t where a between 2 and 3 and b", "branch", "select a from t where a between 2 and 3 "),
        ("select a from t where (a or b) and c", "branch", "select a from t where (b) and c"),
        ("select case when a and b then c else d and e end", "branch", "select case when a  then c else d and e end"),
        ("select a from t left join u using (a)", "join", "select a from t join u using (a)"),
        ("select a from t join u using (a)", "join", "select a from t left join u using (a)"),
        ("select distinct a from t", "distinct", "select a from t"),
        ("select a from t union select b from u", "distinct", "select a from t union all select b from u"),
        ("select max(a) from t", "extreme", "select min(a) from t"),
        ("select a - 1 from t", "sign", "select a + 1 from t"),
        ("select a from t where a = 5", "constant", "select a from t where a = 6"),
        ("select a from t where a = 5", "constant", "select a from t where a = 4"),
        ("select date '2026-12-31'", "day", "select date '2027-01-01'"),
        ("select date '9999-12-31'", "day", "select date '9999-12-30'"),
        ("select a + interval 7 day from t", "day", "select a + interval 8 day from t"),
        ("select coalesce(a, false) from t", "default", "select coalesce(a, true) from t"),
        ("select coalesce(a, 0) from t", "default", "select coalesce(a, 1) from t"),
        ("select coalesce(a, 'x') from t", "default", "select coalesce(a, 'x？') from t"),
        ("select a from t where not b", "not", "select a from t where b"),
        ("select a is not null from t", "not", "select a is null from t"),
        ("select a from t order by t.a desc", "order", "select a from t order by t.a asc"),
        ("select a from t order by a desc, b + 1", "constant", "select a from t order by a desc, b + 2"),
        ("select f(a, 1) from t", "constant", "select f(a, 2) from t"),
        ("select a from t order by t.a", "order", "select a from t order by t.a desc"),
        ("select true from t", "boolean", "select false from t"),
    ],
)
def test_a_select_is_changed_by_its_rule(text: str, rule: str, after: str) -> None:
    assert (rule, after) in changed(text, sql.places(text)) and sql.parses(after)


@pytest.mark.parametrize(
    "text",
    [
        "select a from t group by 1, 2",
        "select a from t group by t.a, 2",
        "select round(a, 2) from t",
        "select a from t limit 5",
        "select a is distinct from b from t",
        "select a from t cross join u",
        "select -a from t",
        "select cast(a as decimal(9, 4)) from t",
    ],
)
def test_what_counts_nothing_is_left_alone(text: str) -> None:
    assert sql.places(text) == []


INDICATOR = """number = 1
better = "up"
where = "is_v AND a > 1"
numerator = "count(DISTINCT k) FILTER (a)"
denominator = "sum(b)"
scale = 100
min_den = 10
events = true
drill = ["town"]

[parts]
"另" = "sum(c)"
"再" = "max(c)"

[[changed]]
on = 2026-11-23
what = "首次发布"
"""


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("swap", '"count(DISTINCT k) FILTER (a)"\ndenominator = "sum(b)"', '"sum(b)"\ndenominator = "count(DISTINCT k) FILTER (a)"'),
        ("filter", 'where = "is_v AND a > 1"\n', ""),
        ("filter", " FILTER (a)", ""),
        ("boundary", "a > 1", "a >= 1"),
        ("branch", "is_v AND a > 1", "a > 1"),
        ("better", '"up"', '"down"'),
        ("distinct", "DISTINCT k", "k"),
        ("count", "sum(b)", "count(b)"),
        ("floor", "min_den = 10", "min_den = 11"),
        ("floor", "min_den = 10", "min_den = 9"),
        ("scale", "scale = 100", "scale = 1000"),
        ("parts", '"另" = "sum(c)"\n', ""),
        ("extreme", "max(c)", "min(c)"),
        ("flag", "events = true\n", ""),
    ],
)  # fmt: skip
def test_an_indicator_is_changed_by_its_rule(rule: str, before: str, after: str) -> None:
    assert (rule, INDICATOR.replace(before, after, 1)) in changed(INDICATOR, descriptions.places(INDICATOR))


def test_history_labels_and_drill_are_left_alone() -> None:
    lines = {of_text("toml", "x", INDICATOR, place).before for place in descriptions.places(INDICATOR)}
    assert not [line for line in lines if line.startswith(("on", "what", "number", "drill"))]


@pytest.mark.parametrize(
    ("line", "rule", "after"),
    [
        ("return a < b", "boundary", "return a <= b"),
        ("return a < b >= c", "boundary", "return a < b > c"),
        ("return a == b", "compare", "return a != b"),
        ("return a is not None", "compare", "return a is None"),
        ("return a + b", "sign", "return a - b"),
        ("return a and b and c", "logic", "return a and b or c"),
        ("return not a", "not", "return a"),
        ("return 5", "constant", "return 6"),
        ("return timedelta(days=1)", "constant", "return timedelta(days=2)"),
        ("return True", "boolean", "return False"),
        ("return max(a)", "extreme", "return min(a)"),
        ("return a", "return", "return None"),
        ("return '字' + a", "sign", "return '字' - a"),
    ],
)
def test_a_function_is_changed_by_its_rule(line: str, rule: str, after: str) -> None:
    text = f"def f():\n    {line}\n"
    assert (rule, f"def f():\n    {after}\n") in changed(text, python.places(text)) and python.parses(after[7:])


def test_texts_annotations_and_what_is_outside_a_function_are_left_alone() -> None:
    text = 'LIMIT = 5\n\n\ndef f(a: Literal[1] = 2) -> Literal[3]:\n    """4"""\n    b: list[5] = f"{a + 6}"\n'
    assert python.places(text) == []


@pytest.mark.parametrize("kind", list(run.FINDERS))
def test_a_sample_is_drawn_by_its_seed_over_all_files_and_parses(kind: str) -> None:
    chosen = run.sample(run.HOME, kind, 40, 3)
    assert chosen == run.sample(run.HOME, kind, 40, 3) != run.sample(run.HOME, kind, 40, 4)
    assert len({mutant.file for mutant in chosen}) == min(40, len(run.candidates(run.HOME, kind)))
    assert all(run.parses(run.HOME, mutant) and mutant.place.rule in RULES for mutant in chosen)
    assert all(mutant.before != mutant.after for mutant in chosen)


def test_one_kind_one_file(tmp_path: Path) -> None:
    chosen = run.sample(run.HOME, "sql", 5, 1, "award")
    assert {mutant.file for mutant in chosen} == {"warehouse/marts/award.sql"}
    rows = [
        {"file": mutant.file, "before": mutant.before, "after": mutant.after, "state": state}
        for mutant, state in zip(chosen, ("survived", "noticed", "survived", "late", "noticed"), strict=True)
    ]
    (tmp_path / "mutants.json").write_text(json.dumps(rows), "utf-8")
    assert {mutant.key for mutant in run.remaining(run.HOME, tmp_path)} == {chosen[0].key, chosen[2].key}


def test_who_stands_once_in_a_day_is_counted_once_in_any_words() -> None:
    """A stock is read on one day, of which its mart holds one row a company; of a driver one for each company."""
    there = {
        file: {
            place.rule for place in descriptions.places((run.HOME / "warehouse" / "metrics" / file).read_text("utf-8"))
        }
        for file in ("fleet/fleet_company_cnt.toml", "driver/drv_driver_cnt.toml")
    }
    assert ["distinct" in rules for rules in there.values()] == [False, True]


def test_every_known_one_is_still_there_and_has_a_reason() -> None:
    there = {
        mutant.key for kind in run.FINDERS for listed in run.candidates(run.HOME, kind).values() for mutant in listed
    }
    assert not set(run.known()) - there and all(run.known().values())


def test_a_report_names_the_survivors_and_what_known_says_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = run.sample(run.HOME, "sql", 3, 1)
    monkeypatch.setattr(run, "known", lambda: {two.key: "相同", three.key: "相同", ("gone.sql", "a", "b"): "相同"})
    run.report(run.HOME, [(one, run.SURVIVED, 1), (two, run.SURVIVED, 1), (three, run.NOTICED, 1)], tmp_path)
    text = (tmp_path / "mutants.md").read_text("utf-8")
    assert "2 处，察觉 1 处（50.0%）" in text and f"`{one.file}:{one.line}`" in text and one.after in text
    assert f"`{two.file}:{two.line}`" not in text and "另有 1 处改了也一样" in text
    assert "已没有这一处：`gone.sql`" in text and f"已能察觉：`{three.file}:{three.line}`" in text
    assert [row["state"] for row in json.loads((tmp_path / "mutants.json").read_text("utf-8"))] == [
        "survived", "survived", "noticed",
    ]  # fmt: skip


def test_what_forks_has_imported_nothing_that_a_change_could_be_in() -> None:
    words = (
        "import sys; from tests.mutants import run; import tests.mutants.near; "
        "print(*(name for name in sys.modules if name.split('.')[0] in ('warehouse', 'etl', 'cockpit')))"
    )
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("start", near.OF_MODULES)
def test_every_module_has_tests_that_are_tried_on_it(request: pytest.FixtureRequest, start: str) -> None:
    """Of those that this run has read: a list of tests that are all left out would say nothing of any change."""
    listed = [run.HOME / name for name in near.OF_MODULES[start]]
    assert all(place.exists() for place in listed)
    items = [item for item in request.session.items if any(item.path.is_relative_to(place) for place in listed)]
    assert not items or near.Near("python", start).chosen(items)


@pytest.mark.parametrize(
    ("kind", "file", "is_all"),
    [
        ("python", "warehouse/compile/metric_sql.py", True),
        ("sql", "warehouse/query/sql/towns.sql", True),
        ("python", "warehouse/insight/operations.py", False),
        ("python", "warehouse/ingest/parse.py", False),
        ("python", "cockpit/presentation/format.py", False),
    ],
)
def test_what_no_number_hangs_on_is_not_computed_again(kind: str, file: str, is_all: bool) -> None:
    assert far.reached(kind, file) == (list(metrics().values()) if is_all else [])
