"""`./zhengbei test --mutants`: samples small changes, tries each with the tests near it, then with the second
computation of a small world, and says which nobody noticed.

Works in a copy of the tree. One process imports the libraries and forks; each fork has one change in its files and
meets the tests as they are. A change that takes too long is noticed."""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.mutants import descriptions, python, sql
from tests.mutants.mutant import RULES, Mutant, of_text

HOME = Path(__file__).resolve().parents[2]
KNOWN = Path(__file__).with_name("known.toml")
FINDERS = {"sql": sql.places, "toml": descriptions.places, "python": python.places}
GLOBS = {
    "sql": (
        "warehouse/staging/*.sql",
        "warehouse/marts/*.sql",
        "warehouse/query/sql/*.sql",
        "warehouse/insight/sql/*.sql",
    ),
    "toml": ("warehouse/metrics/*/*.toml",),
    "python": (
        "warehouse/build/checks.py",
        "warehouse/build/disclosure*.py",
        "warehouse/build/fingerprints.py",
        "warehouse/build/graph.py",
        "warehouse/build/person_*.py",
        "warehouse/build/revisions.py",
        "warehouse/catalog/*.py",
        "warehouse/compile/*.py",
        "warehouse/core/festivals.py",
        "warehouse/core/keys.py",
        "warehouse/core/redaction.py",
        "warehouse/core/timetable.py",
        "warehouse/core/units.py",
        "warehouse/ingest/*.py",
        "warehouse/insight/*.py",
        "warehouse/insight/*/*.py",
        "warehouse/publish/*.py",
        "warehouse/query/*.py",
        "etl/config/checks.py",
        "etl/jobs/overdue.py",
        "etl/sources/*.py",
        "cockpit/alerts/*.py",
        "cockpit/casework/*.py",
        "cockpit/identity/*.py",
        "cockpit/presentation/address.py",
        "cockpit/presentation/data_notes.py",
        "cockpit/presentation/day_range.py",
        "cockpit/presentation/format.py",
        "cockpit/presentation/reading_view.py",
        "cockpit/report/changes.py",
        "cockpit/report/content.py",
        "cockpit/report/day_span.py",
        "cockpit/report/highlights.py",
        "cockpit/report/proofreading.py",
        "cockpit/store/*.py",
        "cockpit/wall/direction.py",
        "cockpit/wall/legibility.py",
        "cockpit/wall/needs.py",
        "cockpit/wall/stages.py",
    ),
}
SHARES = {"sql": 0.6, "toml": 0.15, "python": 0.25}
LONGEST_S, LONGEST_FAR_S = 300, 800
"""Of a processor, so that a busy machine makes no mutant noticed."""
HANGS = 10
"""A fork that uses no processor hangs: it is given up after so many times as long."""
LIBRARIES = ("duckdb", "pandas", "sqlglot", "pytest", "msgspec", "flask", "dash", "hypothesis", "pyarrow", "httpx")
COPIED = ("warehouse", "etl", "cockpit", "assets", "tests", "pyproject.toml", "zhengbei", "README.md", "CHANGELOG.md")
NOTICED, FAR, SURVIVED, LATE, BROKEN = "noticed", "far", "survived", "late", "broken"
"""FAR: by the second computation only."""


@cache
def candidates(home: Path, kind: str, only: str = "") -> dict[str, list[Mutant]]:
    """Every mutant of a kind by file, those that the language does not know left out later (see parses)."""
    found: dict[str, list[Mutant]] = {}
    for file in sorted(itertools.chain.from_iterable(home.glob(pattern) for pattern in GLOBS[kind])):
        name = str(file.relative_to(home))
        if only in name:
            text = file.read_text("utf-8")
            if listed := [of_text(kind, name, text, place) for place in FINDERS[kind](text)]:
                found[name] = listed
    return found


def parses(home: Path, mutant: Mutant) -> bool:
    """True when the changed text is still one of its language."""
    text = mutant.applied((home / mutant.file).read_text("utf-8"))
    if mutant.kind == "toml":
        tomllib.loads(text)
        return True
    return sql.parses(text) if mutant.kind == "sql" else python.parses(text)


def sample(home: Path, kind: str, count: int, seed: int, only: str = "") -> list[Mutant]:
    """So many of a kind, the same for the same seed: one of every file in turn, so that no file is left out."""
    chance = random.Random(f"{seed} {kind}")
    waiting = {file: list(listed) for file, listed in candidates(home, kind, only).items()}
    for listed in waiting.values():
        chance.shuffle(listed)
    files = list(waiting)
    chance.shuffle(files)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(waiting.values()):
        for file in files:
            while waiting[file] and len(chosen) < count:
                mutant = waiting[file].pop()
                if parses(home, mutant):
                    chosen.append(mutant)
                    break
    return chosen


def wanted(home: Path, options: argparse.Namespace) -> list[Mutant]:
    """The sample of a run."""
    shares = {options.kind: 1.0} if options.kind else SHARES
    return [
        mutant
        for kind, share in shares.items()
        for mutant in sample(home, kind, round(options.count * share), options.seed, options.file)
    ]


def remaining(home: Path, folder: Path) -> list[Mutant]:
    """What nobody noticed in the run that reported there, as far as it is still in the tree."""
    rows = json.loads((folder / "mutants.json").read_text("utf-8"))
    keys = {(row["file"], row["before"], row["after"]) for row in rows if row["state"] == SURVIVED}
    found = {
        mutant.key: mutant
        for kind in FINDERS
        for listed in candidates(home, kind).values()
        for mutant in listed
        if mutant.key in keys
    }
    return list(found.values())


def known() -> dict[tuple[str, str, str], str]:
    """Changes that change nothing anybody could see, with the reason."""
    listed = tomllib.loads(KNOWN.read_text("utf-8")).get("known", [])
    return {(one["file"], one["before"], one["after"]): one["reason"] for one in listed}


# ---- one fork a mutant -------------------------------------------------------------------------------------------


def attempt(home: Path, mutant: Mutant, names: list[str], log: Path) -> str:
    """What the tests of that name say in a fork in which the mutant is in place."""
    return _state(_forked(home, mutant, log, LONGEST_S, lambda: _tests(mutant.kind, mutant.file, names)))


def as_it_is(home: Path, mutant: Mutant, names: list[str], log: Path) -> str:
    """What the same tests say without a change: of a module those that are chosen for it, else all cases once."""
    near = (mutant.kind, mutant.file) if mutant.kind == "python" else ("", "")
    return _state(_forked(home, None, log, LONGEST_S, lambda: _tests(*near, names)))


def _state(code: int | None) -> str:
    if code is None:
        return LATE
    return {0: SURVIVED, 1: NOTICED, 2: NOTICED, 4: NOTICED}.get(code, BROKEN)


def attempt_far(home: Path, mutant: Mutant | None, log: Path) -> str:
    """What the second computation says of it; None is the tree as it is."""
    code = _forked(home, mutant, log, LONGEST_FAR_S, lambda: _computed_again(mutant))
    return SURVIVED if code == 0 else FAR


def _forked(home: Path, mutant: Mutant | None, log: Path, longest_s: float, run: Callable[[], int]) -> int | None:
    """With which code `run` ends in a fork that has the change in its files; None when it takes too long, in seconds of a
    processor."""
    original = (home / mutant.file).read_text("utf-8") if mutant else ""
    if mutant:
        (home / mutant.file).write_text(mutant.applied(original), "utf-8")
    child = os.fork()
    if not child:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (round(longest_s), round(longest_s)))
        _in_fork(log, run)
    try:
        return _ended(child, longest_s)
    finally:
        if mutant:
            (home / mutant.file).write_text(original, "utf-8")


def _ended(child: int, longest_s: float) -> int | None:
    until = time.monotonic() + HANGS * longest_s
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _in_fork(log: Path, run: Callable[[], int]) -> None:
    """Never returns. The prepared data folders are those of the tree without the change."""
    code = 3
    try:
        with open(log, "w") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        templates = importlib.import_module("tests.templates")
        templates.digest = lambda: os.environ["ZHENGBEI_TEMPLATES"]
        code = run()
    except BaseException as error:
        print(repr(error))
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def _tests(kind: str, file: str, names: list[str]) -> int:
    pytest, near = importlib.import_module("pytest"), importlib.import_module("tests.mutants.near")
    words = ["-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return int(pytest.main([*words, *names], plugins=[near.Near(kind, file)]))


def _computed_again(mutant: Mutant | None) -> int:
    far = importlib.import_module("tests.mutants.far")
    found = far.difference(mutant.kind, mutant.file) if mutant else far.difference("", "")
    print(found)
    return bool(found)


# ---- the whole run -----------------------------------------------------------------------------------------------


def try_all(home: Path, chosen: list[Mutant], *, far: bool) -> Iterator[tuple[Mutant, str, float]]:
    """Each mutant with what became of it and how long that took. Raises SystemExit when the tests fail as they are."""
    near = importlib.import_module("tests.mutants.near")
    log = home / "mutant.log"
    for names, mutant in {tuple(near.tests(mutant.kind, mutant.file)): mutant for mutant in chosen}.items():
        if as_it_is(home, mutant, list(names), log) != SURVIVED:
            print(log.read_text("utf-8")[-4000:])
            raise SystemExit(f"没有改动时测试就不通过：{'、'.join(names)}")
    if far and attempt_far(home, None, log) != SURVIVED:
        print(log.read_text("utf-8")[-4000:])
        raise SystemExit("没有改动时另算一遍就不一致")
    for mutant in chosen:
        began = time.monotonic()
        state = attempt(home, mutant, near.tests(mutant.kind, mutant.file), log)
        if state == SURVIVED and far:
            state = attempt_far(home, mutant, log)
        yield mutant, state, time.monotonic() - began


def copied(place: Path) -> Path:
    """The tree as it is, in a folder of its own."""
    home = place / "tree"
    home.mkdir()
    for name in COPIED:
        source = HOME / name
        if source.is_dir():
            shutil.copytree(source, home / name, ignore=shutil.ignore_patterns("__pycache__", "*.png", ".git"))
        elif source.exists():
            shutil.copyfile(source, home / name)
    return home


def main(words: list[str]) -> int:
    """Tries a sample and reports; 0 whatever comes out, for the report is to be read."""
    options = _options(words)
    if options.inside:
        return _inside(options)
    out, again = options.out.resolve(), options.again and options.again.resolve()
    with tempfile.TemporaryDirectory(prefix="zhengbei-mutants-") as place:
        home = copied(Path(place))
        os.chdir(home)
        environment = {**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1", "CI": ""}
        places = ["--out", str(out)] + (["--again", str(again)] if again else [])
        command = [sys.executable, "-m", "tests.mutants.run", "--inside", *words, *places]
        return os.spawnve(os.P_WAIT, sys.executable, command, environment)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./zhengbei test --mutants", description="改一处，看测试是否察觉")
    parser.add_argument("--count", type=int, default=450, help="试多少处")
    parser.add_argument("--kind", choices=list(FINDERS), help="只试一种：sql、toml、python")
    parser.add_argument("--file", default="", help="只试名字里有这些字的文件")
    parser.add_argument("--seed", type=int, default=1, help="抽样的种子；同一个种子抽到同样的改动")
    parser.add_argument("--out", type=Path, default=Path("mutants"), help="报告放在哪个文件夹")
    parser.add_argument("--again", type=Path, help="只再试那个文件夹的报告里没有察觉的")
    parser.add_argument("--near", dest="far", action="store_false", help="只用附近的测试，不另算一遍")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _inside(options: argparse.Namespace) -> int:
    home = Path.cwd()
    chosen = remaining(home, options.again) if options.again else wanted(home, options)
    for library in LIBRARIES:
        importlib.import_module(library)
    os.environ["ZHENGBEI_TEMPLATES"] = _digest()
    results = []
    for number, (mutant, state, seconds) in enumerate(try_all(home, chosen, far=options.far), 1):
        results.append((mutant, state, seconds))
        survived = sum(state == SURVIVED for _, state, _ in results)
        write(results, options.out)
        line = f"[{number}/{len(chosen)}] 未察觉 {survived}  {seconds:4.1f} s  {state}  {mutant.file}:{mutant.line}"
        print(line, flush=True)
    report(home, results, options.out)
    return 0


def _digest() -> str:
    """Of the copied tree, told by a process of its own: this one imports nothing of the product."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, importlib.import_module("tests.templates").digest().encode())
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reading, 100).decode()


# ---- what came out -----------------------------------------------------------------------------------------------


def report(home: Path, results: list[tuple[Mutant, str, float]], out: Path) -> None:
    """Prints the report and writes it as mutants.md and mutants.json."""
    text = "\n".join(_lines(home, results, known()))
    write(results, out)
    (out / "mutants.md").write_text(text + "\n", "utf-8")
    print(text)


def write(results: list[tuple[Mutant, str, float]], out: Path) -> None:
    """Writes what is known so far as mutants.json."""
    excused = known()
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "kind": mutant.kind,
            "rule": mutant.place.rule,
            "file": mutant.file,
            "line": mutant.line,
            "before": mutant.before,
            "after": mutant.after,
            "state": state,
            "known": excused.get(mutant.key, ""),
            "seconds": round(seconds, 1),
        }
        for mutant, state, seconds in results
    ]
    (out / "mutants.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")


def _lines(
    home: Path, results: list[tuple[Mutant, str, float]], excused: dict[tuple[str, str, str], str]
) -> Iterator[str]:
    counted = [(mutant, state) for mutant, state, _ in results if not (mutant.key in excused and state == SURVIVED)]
    survivors = [mutant for mutant, state in counted if state == SURVIVED]
    far = sum(state == FAR for _, state in counted)
    share = 100 * (1 - len(survivors) / len(counted)) if counted else 100
    yield f"# 改一处，测试是否察觉：{len(counted)} 处，察觉 {len(counted) - len(survivors)} 处（{share:.1f}%）\n"
    yield f"其中 {far} 处附近的测试没有察觉，由另算一遍察觉。\n"
    yield "| 类别 | 规则 | 试 | 察觉 | 未察觉 |\n| --- | --- | ---: | ---: | ---: |"
    for kind in FINDERS:
        tried = Counter(mutant.place.rule for mutant, _ in counted if mutant.kind == kind)
        missed = Counter(mutant.place.rule for mutant in survivors if mutant.kind == kind)
        for rule in [rule for rule in RULES if tried[rule]]:
            row = f"{tried[rule]} | {tried[rule] - missed[rule]} | {missed[rule]}"
            yield f"| {kind} | {RULES[rule]} | {row} |"
        if tried:
            row = f"{tried.total()} | {tried.total() - missed.total()} | {missed.total()}"
            yield f"| **{kind}** | 合计 | {row} |"
    if survivors:
        yield "\n## 没有察觉的\n"
    for mutant in survivors:
        yield f"- `{mutant.file}:{mutant.line}` {RULES[mutant.place.rule]}：`{mutant.before}` → `{mutant.after}`"
    yield from _about_known(home, results, excused)
    if broken := [mutant for mutant, state, _ in results if state == BROKEN]:
        yield "\n## 没有试成的\n"
        yield from (f"- `{mutant.file}:{mutant.line}`：`{mutant.before}` → `{mutant.after}`" for mutant in broken)


def _about_known(
    home: Path, results: list[tuple[Mutant, str, float]], excused: dict[tuple[str, str, str], str]
) -> Iterator[str]:
    """What known.toml says and is no longer so."""
    there = {mutant.key for kind in FINDERS for listed in candidates(home, kind).values() for mutant in listed}
    gone = [key for key in excused if key not in there]
    seen = [mutant for mutant, state, _ in results if mutant.key in excused and state != SURVIVED]
    same = [mutant for mutant, state, _ in results if mutant.key in excused and state == SURVIVED]
    if same:
        yield f"\n另有 {len(same)} 处改了也一样，理由见 known.toml。"
    if gone or seen:
        yield "\n## known.toml 需要更正\n"
    yield from (f"- 已没有这一处：`{file}`：`{before}` → `{after}`" for file, before, after in gone)
    yield from (f"- 已能察觉：`{mutant.file}:{mutant.line}`：`{mutant.before}`" for mutant in seen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
