"""The archive of printed reports: <data>/reports, a PDF and its facts (readings, generation, hash) for each. Owns what
is kept, the chain that ties each report to the one before, and the comparison of any two.

Nothing kept is ever replaced. The facts of report n name the SHA-256 of the facts of report n − 1 and of their own PDF,
so a changed, removed or exchanged file is found by `broken`; the newest hash stands in the audit log, so that a missing
end is found as well."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cockpit.presentation import format as fmt
from cockpit.store import app_db, audit
from warehouse.core import units
from warehouse.core.errors import DataMissing, PrintFailed
from warehouse.core.settings import Settings
from warehouse.core.timetable import REPORTS

NAME = re.compile(r"\d{4}-(?:W\d{2}|\d{2}|Q[1-4])-[0-9A-Za-z]{1,40}")
"""<period>-<generation>: 2026-W47-…, 2026-10-…, 2026-Q3-…"""
DAYS = r"\d{4}-\d{2}-\d{2}_\d{4}-\d{2}-\d{2}"
SHEET = re.compile(rf"(?:\d{{4}}-(?:W\d{{2}}|\d{{2}}|Q[1-4])|{DAYS})-[0-9A-Za-z]{{1,40}}-[a-z]+[0-9A-Za-z]{{1,60}}")
"""<period or days>-<generation>-<subject>: a sheet."""
PERIOD = re.compile(rf"{DAYS}|\d{{4}}-(?:W\d{{2}}|Q[1-4]|\d{{2}})")
GENESIS = "0" * 64
SCHEDULE = "schedule"
"""Who prints what the plan prints."""
RELEASED, OPENED = "report_released", "report_opened"
Facts = dict[str, Any]


def every(settings: Settings) -> list[Facts]:
    """Facts of the kept reports of the district, newest period and generation first; a file without readable facts is left
    out."""
    return sorted(
        _listed(settings, NAME),
        key=lambda facts: units.window_of(window(facts), units.parse_at(window(facts), period(facts)))[1],
        reverse=True,
    )


def sheets(settings: Settings) -> list[Facts]:
    """Facts of the kept sheets, the one printed last first."""
    return sorted(_listed(settings, SHEET), key=lambda facts: int(facts["number"]), reverse=True)


def _listed(settings: Settings, names: re.Pattern[str]) -> list[Facts]:
    listed = [
        _facts(file) for file in sorted(settings.reports.glob("*.json"), reverse=True) if names.fullmatch(file.stem)
    ]
    return [facts for facts in listed if facts is not None]


def _facts(file: Path) -> Facts | None:
    """The facts in a file, None where they cannot be read or there is no PDF to them."""
    try:
        facts: Facts = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return facts if file.with_suffix(".pdf").is_file() else None


def is_name(name: str) -> bool:
    """Whether a report or sheet may be called so."""
    return bool(NAME.fullmatch(name) or SHEET.fullmatch(name))


def is_sheet(facts: Facts) -> bool:
    """Whether it is a sheet about one town, company or office, or about days that are no period of a report."""
    return bool(SHEET.fullmatch(str(facts["name"])))


def period(facts: Facts) -> str:
    """2026-W47, 2026-10, 2026-Q3 or, of a sheet, 2026-01-01_2026-11-28."""
    begins = PERIOD.match(str(facts["name"]))
    return begins[0] if begins else ""


def window(facts: Facts) -> str:
    """week, month or quarter; of days that are none of these "day"."""
    return units.window_named(period(facts))


def label(facts: Facts) -> str:
    """周报, 月报 or 季报; 良渚街道单页."""
    return f"{facts['subject']['label']}单页" if is_sheet(facts) else REPORTS[window(facts)]


def title(facts: Facts) -> str:
    """周报 2026 年第 47 周（…）: what a person calls it."""
    return f"{label(facts)} {facts['period']}"


def state(facts: Facts) -> str:
    """草稿, 送审稿, 第 12 期（总第 58 期）, or 正式 for one from before reports were signed. A sheet is signed by nobody: it is
    whole or 数据不全."""
    if is_sheet(facts):
        return "数据不全" if facts["draft"] else "数据齐全"
    if facts["draft"]:
        return "草稿"
    return str(facts.get("issue") or ("送审稿" if facts.get("stage") == "review" else "正式"))


def is_released(facts: Facts) -> bool:
    """Whether it may go to everybody: complete, and signed where reports of its time were."""
    return not facts["draft"] and facts.get("stage") != "review"


def one(settings: Settings, name: str) -> Facts:
    """Facts of a kept report. Raises DataMissing when there is none of that name."""
    found = find(settings, name)
    if found is None:
        raise DataMissing(f"没有这期报告：{name[:60]}", to_do="请在 /reports 或用 report list 查看已归档的报告")
    return found


def find(settings: Settings, name: str) -> Facts | None:
    """Facts of a kept report, None when there is none of that name."""
    return _facts(settings.reports / f"{name}.json") if is_name(name) else None


def last_of(settings: Settings, at: str, *, but: str) -> Facts | None:
    """The report of the period `at` printed last from another generation than `but`, None when there is none."""
    same = [facts for facts in every(settings) if period(facts) == at and facts["generation"] != but]
    return max(same, key=lambda facts: (facts.get("number", 0), facts["printed_at"]), default=None)


def keep(settings: Settings, made: Path, facts: Facts, *, by: str) -> Facts:
    """Puts a printed file into the archive and returns its facts as kept. The report of the same period and generation
    is there already: then that one stays and its facts are returned. PDF first, facts last: whoever sees the .json
    finds the PDF it speaks of.

    Raises PrintFailed when the same generation now gives other figures: one of the two papers would be wrong."""
    folder, name = settings.reports, facts["name"]
    with _alone(folder):
        if (folder / f"{name}.json").exists() and (folder / f"{name}.pdf").exists():
            stored = one(settings, name)
            if stored["figures"] != facts["figures"]:
                raise PrintFailed(
                    "同一快照两次打印的数不同，没有发布", where=name, to_do="请核对软件版本；已归档的一份保持不变"
                )
            return stored
        number, previous = _tip(folder)
        whole = {**facts, "number": number + 1, "previous": previous, "by": by}
        aside = made.with_suffix(".json")
        aside.write_text(json.dumps(whole, ensure_ascii=False, indent=1), "utf-8")
        for file, suffix in ((made, ".pdf"), (aside, ".json")):
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
            os.replace(file, folder / f"{name}{suffix}")
        audit.record(settings.state, RELEASED, who=by, subject=name, detail=_digest(folder / f"{name}.json"))
    return whole


def broken(settings: Settings) -> list[str]:
    """Every place at which the archive is not what was put into it, in Chinese; empty when all of it holds."""
    found: list[str] = []
    files = {file.stem: file for file in settings.reports.glob("*.json") if is_name(file.stem)}
    number, previous = 0, GENESIS
    for facts, file in _in_order(files.values()):
        name, pdf = file.stem, file.with_suffix(".pdf")
        if not pdf.is_file():
            found.append(f"{name}:PDF 不见了")
        elif _digest(pdf) != facts["sha256"]:
            found.append(f"{name}:PDF 与归档时不同")
        if facts["number"] != number + 1:
            found.append(
                f"第 {number + 1} 份到第 {facts['number'] - 1} 份不见了"
                if facts["number"] > number + 1
                else f"{name}：序号 {facts['number']} 重复"
            )
        elif facts["previous"] != previous:
            found.append(f"{name}：它之前的一份被改动或调换过")
        number, previous = facts["number"], _digest(file)
    for name, digest in _released(settings):
        if name not in files:
            found.append(f"{name}：已发布的一份不见了")
        elif _digest(files[name]) != digest:
            found.append(f"{name}：数据与发布时不同")
    return list(dict.fromkeys(found))


def opened(settings: Settings) -> dict[str, list[tuple[float, str]]]:
    """Report → who opened it and when (UTC seconds), newest first."""
    found: dict[str, list[tuple[float, str]]] = {}
    with app_db.reading(settings.state) as connection:
        for row in connection.execute(
            "SELECT at, who, subject || detail AS report FROM audit WHERE event = ? ORDER BY seq DESC", (OPENED,)
        ):
            found.setdefault(row["report"], []).append((row["at"], row["who"]))
    return found


def compare(first: Facts, second: Facts) -> list[dict[str, Any]]:
    """The figures of two reports side by side in the order of the second: label, what each says ("—" where it does not
    print the number), and what lies between them (None where one has no value). A figure that only the first has comes
    last."""
    rows = []
    for metric in dict.fromkeys([*second["figures"], *first["figures"]]):
        one_, other = first["figures"].get(metric), second["figures"].get(metric)
        known = other or one_
        both = (
            one_ is not None
            and other is not None
            and one_["value"] is not None
            and other["value"] is not None
            and one_["unit"] == other["unit"]
        )
        rows.append(
            {
                "metric": metric,
                "label": known["label"],
                "first": one_["text"] if one_ else fmt.DASH,
                "second": other["text"] if other else fmt.DASH,
                "delta": fmt.delta(other["value"], one_["value"], known["unit"], "context", known["decimals"])
                if both
                else None,
            }
        )
    return rows


def _tip(folder: Path) -> tuple[int, str]:
    number, previous = 0, GENESIS
    for facts, file in _in_order(folder.glob("*.json")):
        number, previous = facts["number"], _digest(file)
    return number, previous


def _in_order(files: Any) -> Iterator[tuple[Facts, Path]]:
    """The files that are links of the chain, in its order."""
    found = []
    for file in files:
        try:
            facts = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if is_name(file.stem) and isinstance(facts.get("number"), int):
            found.append((facts, file))
    yield from sorted(found, key=lambda pair: (pair[0]["number"], pair[1].name))


def _released(settings: Settings) -> list[tuple[str, str]]:
    with app_db.reading(settings.state) as connection:
        # before subjects were a column of their own, both stood in the detail
        rows = connection.execute(
            "SELECT trim(subject || ' ' || detail) AS said FROM audit WHERE event = ? ORDER BY seq", (RELEASED,)
        ).fetchall()
    return [tuple(row["said"].split(" ", 1)) for row in rows]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One release at a time, whichever process prints: two of them would get the same number."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
