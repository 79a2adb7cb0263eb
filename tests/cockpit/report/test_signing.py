"""编辑 → 审核 → 签发: who may do what, what follows what, and that a number is given once."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cockpit.identity.sessions import Viewer
from cockpit.report import archive, bulletin, delivery, poppler, release, signing
from cockpit.report.signing import Wording
from cockpit.store import app_db, audit
from etl.runtime.context import opened
from etl.worker import request_handlers
from tests.cockpit.report.test_archive import PDF, facts
from tests.conftest import WORLD_NOW
from warehouse.core import request_queue
from warehouse.core.errors import PageMissing, Refused, UsageError
from warehouse.core.settings import Bulletin, Options, Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=SHANGHAI)
REPORT = "2026-W47-g2"


def person(name: str, role: str) -> Viewer:
    return Viewer("person", name, role, scope=Scope.ALL)


LI, ZHAO, WANG, QIAN = (
    person("li", "analyst"),
    person("zhao", "analyst"),
    person("wang", "leader"),
    person("qian", "leader"),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(tmp_path / "data")
    made.reports.mkdir(parents=True)
    return made


@pytest.fixture
def put(settings: Settings, tmp_path: Path) -> Callable[..., archive.Facts]:
    def put_(week: str, generation: str, **more: Any) -> archive.Facts:
        made = tmp_path / "report.pdf"
        made.write_bytes(PDF)
        told = {**facts(week, generation, cars=10), "stage": "review", "issue": "", **more}
        return archive.keep(settings, made, told, by="schedule")

    return put_


def state(settings: Settings, report: str = REPORT) -> str:
    return signing.STATES[signing.one(settings, report).state]


def test_a_report_goes_from_review_to_signature_and_gets_number_date_and_print(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    put("2026-W47", "g2")
    assert state(settings) == "送审稿"
    signing.take(settings, LI, REPORT, "edit", wording=Wording("请各镇街  落实。", "局领导", "", "各镇街", 30), at=NOW)
    signing.take(settings, ZHAO, REPORT, "review", at=NOW)
    assert state(settings) == "已审核"
    issue = signing.take(settings, WANG, REPORT, "sign", ip="10.0.0.9", at=NOW)
    assert issue.state == "signed" and signing.called(issue) == "第1期（总第1期）"
    printed = signing.imprint(settings, issue, str.upper)
    assert printed == bulletin.Imprint(
        "第1期（总第1期）",
        "2026年11月24日",
        True,
        "请各镇街 落实。",
        {"报": "局领导", "送": "", "发": "各镇街"},
        30,
        {"编辑": "LI", "审核": "ZHAO", "签发": "WANG"},
    )
    with app_db.reading(settings.state) as connection:
        events = [row["event"] for row in connection.execute("SELECT event FROM audit WHERE subject = ?", (REPORT,))]
    assert events == ["report_released", "report_edit", "report_review", "report_sign"]
    request = request_queue.claim(settings.state, NOW.timestamp())
    assert request is not None and (request.kind, request.details) == ("report", {"at": "2026-W47", "sign": REPORT})
    assert audit.verify(settings.state).faults == ()


@pytest.mark.parametrize("who", [person("chen", role) for role in ("duty", "party", "safety", "admin", "auditor")])
def test_other_roles_may_take_no_step(settings: Settings, put: Callable[..., archive.Facts], who: Viewer) -> None:
    put("2026-W47", "g2")
    for step in signing.STEPS:
        with pytest.raises(Refused):
            signing.take(settings, who, REPORT, step, words="原因", at=NOW)
    with pytest.raises(Refused):
        signing.take(settings, LI, REPORT, "sign", at=NOW)
    with pytest.raises(Refused):
        signing.take(settings, WANG, REPORT, "edit", at=NOW)
    assert state(settings) == "送审稿"


def test_nobody_reviews_what_they_edited_or_signs_what_they_reviewed(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    put("2026-W47", "g2")
    signing.take(settings, LI, REPORT, "edit", wording=Wording("按"), at=NOW)
    with pytest.raises(UsageError, match="自己编辑过的"):
        signing.take(settings, LI, REPORT, "review", at=NOW)
    signing.take(settings, WANG, REPORT, "review", at=NOW)
    with pytest.raises(UsageError, match="自己审核过的"):
        signing.take(settings, WANG, REPORT, "sign", at=NOW)
    assert signing.take(settings, QIAN, REPORT, "sign", at=NOW).reviewer == "wang"


def test_an_edit_or_a_return_asks_for_a_new_review(settings: Settings, put: Callable[..., archive.Facts]) -> None:
    put("2026-W47", "g2")
    with pytest.raises(UsageError, match="送审稿不能签发"):
        signing.take(settings, WANG, REPORT, "sign", at=NOW)
    for word, extra in (("edit", {"wording": Wording("改")}), ("back", {"words": "按语不妥"})):
        signing.take(settings, ZHAO, REPORT, "review", at=NOW)
        who = LI if word == "edit" else ZHAO
        signing.take(settings, who, REPORT, word, **extra, at=NOW)  # type: ignore[arg-type]
        assert state(settings) == "送审稿" and signing.one(settings, REPORT).reviewer == ""
    with pytest.raises(UsageError, match="没有填写退回的原因"):
        signing.take(settings, ZHAO, REPORT, "back", at=NOW)
    with pytest.raises(UsageError, match="按语有 200 字"):
        signing.take(settings, LI, REPORT, "edit", wording=Wording("字" * 200), at=NOW)
    with pytest.raises(UsageError, match="报不合行文规则，第 1 条"):
        signing.take(settings, LI, REPORT, "edit", wording=Wording("", "局领导(分管)"), at=NOW)
    with pytest.raises(PageMissing):
        signing.take(settings, LI, REPORT, "burn", at=NOW)


def test_a_period_is_signed_once_and_numbers_run_by_kind_and_year(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    def signed(report: str, at: dt.datetime) -> str:
        signing.take(settings, ZHAO, report, "review", at=at)
        return signing.called(signing.take(settings, WANG, report, "sign", at=at))

    for week, generation in (("2026-W51", "g1"), ("2026-W52", "g2"), ("2026-W53", "g3"), ("2026-11", "g4")):
        put(week, generation)
    january = dt.datetime(2027, 1, 4, 9, tzinfo=SHANGHAI)
    assert signed("2026-W51-g1", NOW) == "第1期（总第1期）"
    assert signed("2026-W52-g2", NOW) == "第2期（总第2期）"
    assert signed("2026-11-g4", NOW) == "第1期（总第1期）", "the months have numbers of their own"
    assert signed("2026-W53-g3", january) == "第1期（总第3期）"
    put("2026-W52", "g9")
    signing.take(settings, ZHAO, "2026-W52-g9", "review", at=january)
    with pytest.raises(UsageError, match="本期已经签发"):
        signing.take(settings, WANG, "2026-W52-g9", "sign", at=january)
    with pytest.raises(UsageError, match="已签发不能退回"):
        signing.take(settings, ZHAO, "2026-W52-g2", "back", words="晚了", at=january)


def test_a_draft_and_a_paper_from_before_are_not_signed(settings: Settings, put: Callable[..., archive.Facts]) -> None:
    put("2026-W47", "g2", draft=True, missing=["动态监控：数据只到 11-20"])
    with pytest.raises(UsageError, match="数据不全的草稿"):
        signing.take(settings, ZHAO, REPORT, "review", at=NOW)
    old = put("2026-W46", "g1")
    (settings.reports / "2026-W46-g1.json").write_text(
        (settings.reports / "2026-W46-g1.json").read_text("utf-8").replace('"stage": "review",', ""), "utf-8"
    )
    with pytest.raises(PageMissing):
        signing.take(settings, ZHAO, old["name"], "review", at=NOW)


def test_the_history_is_only_added_to(settings: Settings, put: Callable[..., archive.Facts]) -> None:
    put("2026-W47", "g2")
    signing.take(settings, ZHAO, REPORT, "review", at=NOW)
    signing.take(settings, WANG, REPORT, "sign", at=NOW)
    with sqlite3.connect(settings.state) as file:
        for statement in (
            "UPDATE signing_step SET who = 'x'",
            "DELETE FROM signing_step",
            "UPDATE signing_number SET number = 9",
            "DELETE FROM signing_number",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                file.execute(statement)


def test_the_settings_may_name_a_signer_and_then_a_complete_report_is_signed_at_once(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    complete, draft = put("2026-W47", "g2"), put("2026-W48", "g3", draft=True)
    assert signing.sign_by_rule(settings, complete, NOW) is None
    named = Settings(settings.data, Options(bulletin=Bulletin(signer="张主任", copies=20)))
    issue = signing.sign_by_rule(named, complete, NOW)
    assert issue is not None and signing.imprint(named, issue, str).hands == {"签发": "张主任"}
    assert signing.sign_by_rule(named, complete, NOW) is None and signing.sign_by_rule(named, draft, NOW) is None


def test_what_nobody_has_signed_goes_to_the_person_on_duty_only(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    (settings.data / "delivery.toml").touch(0o600)
    (settings.data / "delivery.toml").write_text(
        '[mail]\nhost = "127.0.0.1"\nport = 9\nsender = "cockpit@yuhang.example"\n'
        '[[to]]\nname = "值班"\nkind = "mail"\naddress = "duty@yuhang.example"\nduty = true\n'
        '[[to]]\nname = "局领导"\nkind = "mail"\naddress = "head@yuhang.example"\n',
        "utf-8",
    )
    now = dt.datetime.fromisoformat(put("2026-W47", "g2")["printed_at"]).timestamp()
    delivery.send(settings, now=lambda: now)
    assert [row["receiver"] for row in delivery.ledger(settings)] == ["值班"]
    signed = put("2026-W47", "g2S", stage="signed", issue="第1期（总第1期）")
    delivery.send(settings, now=lambda: now)
    rows = {(row["report"], row["receiver"]) for row in delivery.ledger(settings)}
    assert rows == {(REPORT, "值班"), (signed["name"], "值班"), (signed["name"], "局领导")}
    assert delivery.subject(signed).startswith("【演示数据】")
    assert delivery.subject(archive.one(settings, REPORT)).startswith("【送审稿】")
    assert "审核、签发" in delivery.body(archive.one(settings, REPORT))


@pytest.mark.slow
@pytest.mark.browser
def test_the_signed_paper_is_printed_from_the_snapshot_that_was_reviewed(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "house")
    settings, moment = Settings(tmp_path / "house"), WORLD_NOW.replace(tzinfo=SHANGHAI)
    first = release.release(SnapshotStore(settings.data), settings, "2026-W47", now=moment, by="schedule")
    assert first is not None and archive.state(first) == "送审稿"
    with pytest.raises(UsageError, match="还没有签发"):
        release.sign(SnapshotStore(settings.data), settings, first["name"], now=moment)
    wording = Wording("请各镇（街道）对照短板，逐项整改。", "局领导", "局机关各科室", "各镇（街道）", 30)
    signing.take(settings, LI, first["name"], "edit", wording=wording, at=moment)
    signing.take(settings, ZHAO, first["name"], "review", at=moment)
    signing.take(settings, WANG, first["name"], "sign", at=moment)
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert request_handlers.serve(context)
    assert request_queue.newest(settings.state)[0].message == "周报 2026-W47 签发版已打印"
    paper = archive.one(settings, f"{first['name']}{release.SIGNED}")
    assert (paper["figures"], paper["generation"], paper["number"]) == (first["figures"], first["generation"], 2)
    assert archive.state(paper) == "第1期（总第1期）" and archive.is_released(paper) and archive.broken(settings) == []
    pages = poppler.pages(settings.reports / f"{paper['name']}.pdf")
    assert "第1期（总第1期）" in pages[0] and "2026年11月23日" in pages[0] and "送审稿" not in "".join(pages)
    assert "按语：请各镇（街道）对照短板，逐项整改。" in pages[0]
    assert "编辑：li审核：zhao签发：wang" in pages[1].replace("　", "") and "共印30份" in pages[1]
    assert "送审稿" in poppler.pages(settings.reports / f"{first['name']}.pdf")[0], "the reviewed one stays as it was"
    assert release.sign(SnapshotStore(settings.data), settings, first["name"]) == paper, "once"
