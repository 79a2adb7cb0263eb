"""One typing error stops one source: the others load, and everybody who looks is told file, key and cure."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.cli import commands
from etl.config.descriptions import described as read
from etl.pipeline import intake, status
from etl.runtime.context import opened
from etl.worker import filing_forms, request_handlers
from tests.conftest import WORLD_NOW
from tests.etl.sources.test_connecting import FILES, MAPPED, addressed, described
from tests.etl.sources.test_files_hostile import drop
from warehouse.core.errors import ConfigError
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

GOOD = FILES + MAPPED
WRONG = '[[feeds]]\nentity = "vehicle_day"\njobs = ["refresh"]\ntransport = "files"\nglob = "v/*.csv"\n[feeds.columns]\nkm_total = { from = "km", scaal = 0.1 }\n'
COMPANIES = "uscc,name,status,yz_updated_at\n91330110MA2ABCDE12,甲,营业,2026-11-01 08:00:00\n".encode()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two sources that drop files; gps has a wrong key in its description."""
    data = tmp_path / "data"
    addressed(data, f'is_demo = true\n[yz]\ndrop = "{tmp_path / "yz"}"\n[gps]\ndrop = "{tmp_path / "gps"}"\n')
    described(data, GOOD)
    drop(tmp_path / "yz", "a.csv", COMPANIES)
    return described(data, WRONG, "gps")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (WRONG, "scaal"),
        (WRONG.replace("scaal = 0.1", 'scale = "0.1"'), "scale"),
        (WRONG.replace("scaal = 0.1", "values = { a = [94] }"), "values"),
        (WRONG.replace("scaal = 0.1", 'unit = "h"'), "unit"),
        (WRONG.replace("scaal = 0.1", 'time_zone = "Shanghai"'), "time_zone"),
        (WRONG.replace('["refresh"]', '["refesh"]'), "jobs"),
        (WRONG.replace('["refresh"]', '"refresh"'), "jobs"),
        (WRONG.replace("[feeds.columns]", "columns = 5\n#").replace("km_total", "#"), "columns"),
        ("feeds = 3", "feeds"),
        ("defaults = 3", "defaults"),
        ("[[feeds]\n", "gps.toml"),
        (WRONG.replace("scaal", "scale") + 'odd = "x"', "odd"),
        (WRONG.replace("scaal", "scale") + "odd = 1", "odd"),
    ],
)
def test_the_wrong_source_alone_is_left_out_and_named(wrong: str, said: str, settings: Settings) -> None:
    described(settings.data, wrong, "gps")
    found, faults = read(settings)
    assert (
        set(faults) == {"gps"}
        and "gps.toml" in str(faults["gps"])
        and said in str(faults["gps"])
        and "处理办法" in str(faults["gps"])
    )
    assert {"yz", "pb"} <= {feed.source for feed in found} and "gps" not in {feed.source for feed in found}


def test_the_cure_is_told_where_the_word_is_nearly_right(settings: Settings) -> None:
    assert "请改成 scale" in str(read(settings)[1]["gps"])


@pytest.mark.slow
def test_a_run_loads_the_others_says_what_is_wrong_and_ends_as_a_wrong_setting(settings: Settings) -> None:
    ended = CliRunner().invoke(commands.run, ["--data", str(settings.data)])
    assert ended.exit_code == ConfigError.exit_code == 78, ended.output
    assert "gps.toml" in ended.output and "scaal" in ended.output and "请改成 scale" in ended.output
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert context.writer.execute("SELECT count(*) FROM raw.yz_company") == [(1,)]


def errors(settings: Settings, source: str) -> set[str]:
    return {
        state.error for state in SnapshotStore(settings.data).current(Scope.ALL).sources() if state.source == source
    }


@pytest.mark.slow
def test_status_and_the_pages_name_the_wrong_source_and_forget_it_with_the_cure(settings: Settings) -> None:
    from etl.jobs import refresh

    stated = status.text(status.collect(settings))
    assert "来源 gps 未取数" in stated and "gps.toml" in stated and "scaal" in stated and "请改成 scale" in stated, (
        "before anything has run"
    )
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert "scaal" in refresh.run(context)[0]
    assert errors(settings, "yz") == {""}
    assert len(errors(settings, "gps")) == 1 and "scaal" in errors(settings, "gps").pop()
    described(settings.data, WRONG.replace("scaal", "scale"), "gps")
    with opened(settings, now=lambda: WORLD_NOW + dt.timedelta(minutes=5)) as context:
        assert refresh.run(context) == []
    assert errors(settings, "gps") == {""} and "未取数" not in status.text(status.collect(settings))


@pytest.mark.parametrize(
    ("section", "said"),
    [("dns = 'x'", "请改成 dsn"), ("drop = 'env:ZHENGBEI_NOT_SET'", "没有环境变量"), ("options = 'x'", "options")],
)
def test_a_wrong_section_of_the_addresses_stops_its_source_alone(
    section: str, said: str, settings: Settings, tmp_path: Path
) -> None:
    described(settings.data, WRONG.replace("scaal", "scale"), "gps")
    addressed(settings.data, f'is_demo = true\n[yz]\ndrop = "{tmp_path / "yz"}"\n[gps]\n{section}\n')
    with opened(settings, now=lambda: WORLD_NOW) as context:
        problems = intake.run_job(context, "refresh")
        assert len(problems) == 1 and "sources.toml [gps]" in problems[0] and said in problems[0]
        assert context.writer.execute("SELECT count(*) FROM raw.yz_company") == [(1,)]
    assert said in status.text(status.collect(settings))


def test_the_queue_of_requests_goes_on_and_a_fault_in_it_is_one_entry(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert "own_target" in filing_forms.forms(context), "what can be filed does not hang on the wrong source"
        monkeypatch.setattr(request_handlers, "EVERY_S", 0.01)
        monkeypatch.setattr(filing_forms, "offer", lambda _: 1 / 0)
        ended = threading.Event()
        threading.Timer(0.5, ended.set).start()
        with caplog.at_level(logging.ERROR, "zhengbei.etl"):
            request_handlers.watch(context, ended, lambda: None)
    assert len(caplog.records) == 1
