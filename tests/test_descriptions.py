"""Whatever is described in TOML: a wrong key or value is refused by file, key, value and cure, before anything starts,
and the JSON Schema files for editors are those of the structures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpit.alerts import schemas as of_alerts
from cockpit.identity.sign_on import schemas as of_sign_on
from cockpit.messages import receivers
from cockpit.messages import schemas as of_delivery
from etl.config import schemas as of_sources
from etl.config.checks import check_mapping
from etl.config.descriptions import described, endpoints, feeds
from etl.config.schema import FileMapping
from warehouse.catalog import announcement, contracts, metrics, models
from warehouse.catalog import schemas as of_catalog
from warehouse.core import json_schema, toml
from warehouse.core.errors import ConfigError
from warehouse.core.settings import ROOT, Settings

FOLDERS = ("raw", "staging", "marts", "metrics", "catalog")
Wrong = tuple[str, str, str, str, str]
"""What stands in the file, what is written instead, and three things that are said: where, what, cure."""

METRIC = "metrics/fleet/fleet_online_rate.toml"
METRICS: list[Wrong] = [
    ('drill = ["town",', 'drill = ["twon",', "drill", "twon", "请改成 town"),
    ('drill = ["town", "company", "vehicle"]', 'drill = "town"', "drill", '"town"', '请写成 drill = ["town"]'),
    ('slices = ["energy",', 'slices = ["enregy",', "slices", "enregy", "请改成 energy"),
    ('sources = ["gps_location"', 'sources = ["gps_loaction"', "sources", "gps_loaction", "请改成 gps_location"),
    ('show = ["wall",', 'show = ["wal",', "show", "wal", "请改成 wall"),
    ('unit = "ratio"', 'unit = "ratoi"', "unit", "ratoi", "请改成 ratio"),
    ("freeze_h = 72", 'freeze_h = "72"', "freeze_h", '"72"', "请去掉引号，写成 freeze_h = 72"),
    ("freeze_h = 72", "freeze_h = -1", "freeze_h", "-1", "不小于 0"),
    ("freeze_h = 72", "freeze_hours = 72", "未知的键：freeze_hours", "", "请改成 freeze_h 或删去"),
    ('windows = ["', 'windows = ["fortnight", "', "windows", "fortnight", "now、day、week、month、quarter、year"),
    ('windows = ["week", "day", "month", "quarter"]', "windows = []", "windows", "[]", "不能为空"),
    ('windows = ["', 'windows = ["now", "', "windows", "now", 'kind = "now"'),
    ('better = "up"', 'better = "upp"', "better", "upp", "请改成 up"),
    ('better = "up"', "better = true", "better", "true", "up、down、context"),
    ('kind = "flow"', 'kind = "flaw"', "kind", "flaw", "请改成 flow"),
    ('owner = "运输管理科"', 'owner = "运输管理"', "owner", "运输管理", "请改成 运输管理科"),
    ('mart = "vehicle_day"', 'mart = "vehicle_days"', "mart", "vehicle_days", "请改成 vehicle_day"),
    ('mart = "vehicle_day"', 'mart = "company50_day"', "drill", "vehicle", "town、company"),
    ('numerator = "', 'numerator = ""\nformula2 = "', "未知的键：formula2", "", "请改成 formula 或删去"),
    ("number = ", "number = 1\ndecimals = 1.5 #", "decimals", "1.5", "整数"),
    ('denominator = "', 'where = "', "denominator", "", "unit 为 ratio 时必填"),
    ('label = "', 'name = "', "未知的键：name", "", "或删去"),
    ('describe = "', '#"', "缺少必填的键：describe", "", "请补上 describe"),
    ("on = 2026", 'on = "soon" #', "changed", '"soon"', "日期，如 2026-11-23"),
    ('better = "up"', 'better = "up"\nlevel = "L5"', "level", "L5", "L1、L2、L3、L4"),
    ('better = "up"', 'better = "up"\nperson = true', "level", "L1", "L3"),
    ('better = "up"', 'better = "up"\npopulation = "drivers"', "population", "drivers", "person = true"),
    ('better = "up"', 'better = "up"\npopulation = "driver"', "population", "driver", "请改成 drivers"),
    ('better = "up"', 'better = "up"\noptional = ["gps_alarm"]', "optional", "gps_alarm", "gps_location"),
    ('better = "up"', 'better = "up"\nprogramme = 7', "programme", "7", "不大于 6"),
    ('better = "up"', 'better = "up', "无法读取", "line", ""),
]

CONTRACT = "raw/yz_vehicle.toml"
CONTRACTS: list[Wrong] = [
    ('load = "upsert"', 'load = "upsrt"', "load", "upsrt", "请改成 upsert"),
    ('key = ["plate_no"', 'key = ["plate_nr"', "key", "plate_nr", "请改成 plate_no"),
    ('version = "yz_updated_at"', 'version = "yz_update_at"', "version", "yz_update_at", "请改成 yz_updated_at"),
    ('touches = "yz_updated_at"', 'touches = "plate_no"', "touches", "plate_no", "DATE 或 TIMESTAMP"),
    ('"register_date"', '"registered_date"', "reaches_back", "registered_date", "请改成 register_date"),
    ("stale_after_s = ", 'stale_after_s = "5" #', "stale_after_s", '"5"', "stale_after_s = 5"),
    ("stale_after_s = ", "stale_after = ", "未知的键：stale_after", "", "请改成 stale_after_s"),
    ('entity = "vehicle"', 'entity = "vehicles"', "entity", "yz_vehicles", "文件名 yz_vehicle"),
    ('load = "upsert"', 'load = "upsert"\nfeeds = "gps_loc"', "feeds", "gps_loc", "gps_location"),
    ('load = "upsert"', 'load = "upsert"\nmax_bad_ratio = 2', "max_bad_ratio", "2", "不大于 1"),
    ('rule = "plate"', 'rule = "plates"', "columns.plate_no.rule", "plates", "请改成 plate"),
    (
        'plate_no = { type = "VARCHAR"',
        'plate_no = { type = "VARCHR"',
        "columns.plate_no.type",
        "VARCHR",
        "改成 VARCHAR",
    ),
    (
        'plate_no = { type = "VARCHAR", level = "L',
        'plate_no = { type = "VARCHAR", level = "l',
        "plate_no.level",
        "l2",
        "请改成 L2",
    ),
    ("required = true", 'required = "yes"', "required", '"yes"', "true 或 false"),
    ("required = true", "requird = true", "columns.plate_no", "requird", "请改成 required"),
    ('rule = "plate"', 'treatment = "persn"', "columns.plate_no.treatment", "persn", "请改成 person"),
    ('rule = "plate"', 'treatment = "person"', "columns.plate_no.level", "L2", "L3"),
]

MODEL = "marts/alarm_event.toml"
MODELS: list[Wrong] = [
    ('build = "table"', 'build = "tabel"', "build", "tabel", "请改成 table"),
    ('publish = "open"', 'publish = "opne"', "publish", "opne", "请改成 open"),
    ('publish = "open"', "publish = true", "publish", "true", "open、restricted、no"),
    ('grain = ["alarm_uid"]', 'grain = ["alarm_id"]', "grain", "alarm_id", "alarm_event.sql"),
    ('grain = ["alarm_uid"]', 'grain = "alarm_uid"', "grain", '"alarm_uid"', 'grain = ["alarm_uid"]'),
    ("[[checks]]", '[[checks]]\nseverity = "error"', "第 1 个 checks（报警编号唯一）", "error", "fail、warn"),
    ('message = "', 'mesage = "', "未知的键：mesage", "第 1 个 checks", "请改成 message"),
    ("[defects]", 'touched_by = { gps_alrm = "day" }\n[defects]', "touched_by", "gps_alrm", "请改成 gps_alarm"),
    ("[defects]", 'touched_by = { gps_alarm = "dya" }\n[defects]', "touched_by.gps_alarm", "dya", "请改成 day"),
    ('publish = "open"', "publish = 5", "publish", "5", "请把 publish 改为 open、restricted、no"),
    ("[defects]", 'spill_days = "1"\n[defects]', "spill_days", '"1"', "spill_days = 1"),
    ("level = { label", "levle = { label", "dimensions", "levle", "请改成 level"),
    ("level = { label", "level = { labels", "dimensions.level", "labels", "请改成 label"),
    ('name = "raised_at"', 'name = "raised"', "entity.name", "raised", "请改成 raised_at"),
    ("columns = { raised_at", "columns = { rose_at", "entity", "rais", "raised_at"),
    ("[entity]", '[columns]\nkind = "L9"\n[entity]', "columns.kind", "L9", "L1、L2、L3、L4"),
]

ANNOUNCEMENT = "catalog/announcement.toml"
FACTS: list[Wrong] = [
    ('says = "', 'say = "', "未知的键：say", "第 1 个 fact", "says"),
    ('tables = ["own_unit"', 'tables = ["own_unti"', "tables", "own_unti", "请改成 own_unit"),
    ('origin = ["A"', 'origin = "A" #', "origin", '"A"', 'origin = ["A"]'),
    ('origin = ["A", "P1a"]', 'origin = ["Z9"]', "origin", "Z9", "请改 origin"),
]

SOURCE = (
    '[[feeds]]\nentity = "company"\njobs = ["refresh"]\ntransport = "files"\nglob = "*.csv"\nencoding = "gb18030"\n'
    '[feeds.columns]\nuscc = "代码"\nyz_updated_at = { from = "时间", time_zone = "UTC" }\n'
)
SOURCES: list[Wrong] = [
    ('entity = "company"', 'entity = "companies"', "第 1 个 feeds（companies）", "yz_companies", "company"),
    ('jobs = ["refresh"]', 'jobs = "refresh"', "jobs", '"refresh"', 'jobs = ["refresh"]'),
    ('jobs = ["refresh"]', 'jobs = ["refesh"]', "jobs", "refesh", "请改成 refresh"),
    ('jobs = ["refresh"]', "jobs = []", "jobs", "[]", "不能为空"),
    ('transport = "files"', 'transport = "file"', "transport", "file", "请改成 files"),
    ('transport = "files"', 'transport = "files"\ntable = "t"', "table", "sql_database", "请删去 table"),
    ('transport = "files"', 'transport = "files"\npaging = "page"', "paging", "http_json", "请删去 paging"),
    ('transport = "files"', 'transport = "files"\npage_size = "5"', "page_size", '"5"', "page_size = 5"),
    ('transport = "files"', 'transport = "files"\nsnapshot = "yes"', "snapshot", '"yes"', "true 或 false"),
    ('glob = "*.csv"', "", "glob", "files", "请补上 glob"),
    ('encoding = "gb18030"', 'encoding = "gbk18030"', "encoding", "gbk18030", "gb18030"),
    ('encoding = "gb18030"', 'encodign = "gb18030"', "未知的键：encodign", "", "请改成 encoding"),
    ("[[feeds]]", '[defaults]\nauht = "none"\n[[feeds]]', "未知的键：auht", "defaults", "请改成 auth"),
    ('uscc = "代码"', 'ussc = "代码"', "columns", "ussc", "请改成 uscc"),
    ("from = ", "form = ", "未知的键：form", "columns.yz_updated_at", "请改成 from"),
    ('"UTC"', '"Shanghai"', "columns.yz_updated_at.time_zone", "Shanghai", "请改成 Asia/Shanghai"),
    ('time_zone = "UTC"', 'unit = "hour"', "columns.yz_updated_at.unit", "hour", "s、ms、us、ns"),
    ('time_zone = "UTC"', 'scale = "10"', "columns.yz_updated_at.scale", '"10"', "scale = 10"),
    ('time_zone = "UTC"', "values = { a = [1] }", "columns.yz_updated_at.values.a", "[1]", "文字（加引号） 或 数"),
    ('time_zone = "UTC"', 'time = "dmy"', "columns.yz_updated_at.time", "dmy", "strptime"),
]

MAPPING = 'encoding = "utf-8"\n[columns]\nuscc = "代码"\n[constants]\nstatus = "营业"\n'
MAPPINGS: list[Wrong] = [
    ("encoding", "encodnig", "未知的键：encodnig", "", "请改成 encoding"),
    ('encoding = "utf-8"', "pseudonyms = 1", "pseudonyms", "1", "true 或 false"),
    ("uscc = ", "usc = ", "columns", "usc", "请改成 uscc"),
    ("status = ", "statsu = ", "constants", "statsu", "请改成 status"),
    ('uscc = "代码"', "uscc = 5", "columns.uscc", "5", "请加引号"),
    ('"营业"', "[1]", "constants.status", "[1]", "文字"),
]

SETTINGS: list[Wrong] = [
    ("", 'hosts = "cockpit.local"', "hosts", '"cockpit.local"', '请写成 hosts = ["cockpit.local"]'),
    ("", "hosts = []", "hosts", "[]", "不能为空"),
    ("", 'tls = "false"', "tls", '"false"', "请去掉引号，写成 tls = false"),
    ("", "behind_proxi = true", "未知的键：behind_proxi", "", "请改成 behind_proxy"),
    ("", "behind_proxy = 1", "behind_proxy", "1", "true 或 false"),
    ("", "idle_minuts = 5", "未知的键：idle_minuts", "", "请改成 idle_minutes"),
    ("", 'idle_minutes = "5"', "idle_minutes", '应为数（不加引号），大于 0，不大于 1440，现为 "5"', "idle_minutes = 5"),
    ("", "idle_minutes = 0", "idle_minutes", "0", "大于 0"),
    ("", "session_hours = nan", "session_hours", "nan", "大于 0"),
    ("", 'wall_dim = "22:00-6:00"', "wall_dim", "22:00-6:00", '"22-6"'),
    ("", "wall_drift_px = -2", "wall_drift_px", "-2", "不小于 0"),
    ("", 'public_url = "cockpit.example"', "public_url", "cockpit.example", "https://主机名"),
    ("", "report_at = 8", "report_at", "8", "请加引号"),
    ("", "[report]", "未知的键：report", "", "report_at"),
]

DELIVERY = (
    '[mail]\nhost = "m"\nsender = "a@b"\nport = 25\npassword = "very-secret"\n'
    '[[to]]\nname = "值班"\nkind = "mail"\naddress = "duty@b"\nduty = true\n[[to]]\nname = "门户"\nkind = "webhook"\nurl = "http://p"\n'
)
DELIVERIES: list[Wrong] = [
    ('kind = "mail"', 'kind = "mial"', "第 1 个 to（值班）", "mial", "请改成 mail"),
    ('kind = "mail"\n', "", "缺少必填的键：kind", "值班", "mail、webhook、chat"),
    ('address = "duty@b"', 'url = "http://x"', "未知的键：url", "值班", "address"),
    ('address = "duty@b"', 'address = "duty"', "address", "duty", "一个邮件地址"),
    ("duty = true", 'duty = "true"', "duty", '"true"', "duty = true"),
    ('url = "http://p"', "", "缺少必填的键：url", "门户", "请补上 url"),
    ("port = 25", 'port = "25"', "port", '"25"', "port = 25"),
    ("port = 25", "port = 70000", "port", "70000", "不大于 65535"),
    ("port = 25", 'tls = "startls"', "tls", "startls", "请改成 starttls"),
    ('sender = "a@b"', 'from = "a@b"', "未知的键：from", "mail", "sender"),
    ('password = "very-secret"', "password = 12345678", "password", "（不显示）", "文字（加引号）"),
    ('"门户"', '"值班"', "同名", "", "请改名"),
    ("[mail]", "[post]", "未知的键：post", "", "mail、proxy、to"),
]

ADDRESSES = '[yz]\nurl = "http://a"\nclient_secret = "very-secret"\n'
SECTIONS: list[Wrong] = [
    ("url = ", "ulr = ", "未知的键：ulr", "[yz]", "请改成 url"),
    ('"very-secret"', "12345678", "client_secret", "（不显示）", "文字（加引号）"),
    ("[yz]", 'is_demo = "false"\n[yz]', "is_demo", '"false"', "is_demo = false"),
    ("url", "options = 'very-secret'\nurl", "options", "（不显示）", "一张表"),
    ("[yz]", 'yz = "very-secret"\n[gps]', "键 yz", "（不显示）", "一张表"),
]


def described_by(wrong: list[Wrong], text: str, *, where: str) -> object:
    return pytest.mark.parametrize(
        ("text", "said"),
        [pytest.param(edited(text, one), (where, *one[2:]), id=f"{one[2]}-{one[3]}") for one in wrong],
    )


def edited(text: str, wrong: Wrong) -> str:
    old, new = wrong[:2]
    assert old in text, old
    return text.replace(old, new, 1) if old else new + "\n"


def refused(load: Callable[[], object], said: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as error:
        load()
    text = str(error.value)
    assert not [part for part in said if part not in text], text
    assert "\n" not in text and "very-secret" not in text and "处理办法" in text


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the descriptions."""
    home = tmp_path_factory.mktemp("warehouse")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__", "*.py", "*.csv"))
    return home


@pytest.fixture
def catalogue(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The copy, read in place of the product's own until the test ends; files are as they were afterwards."""
    caches = (announcement.facts, metrics.metrics, models.models, contracts.contracts)
    for module in (announcement, metrics, models, contracts):
        monkeypatch.setattr(module, "ROOT", copy)
    for cached in caches:
        cached.cache_clear()
    yield copy
    for cached in caches:
        cached.cache_clear()
    for name in (METRIC, CONTRACT, MODEL, ANNOUNCEMENT):
        shutil.copyfile(ROOT / name, copy / name)


IN_CATALOGUE = [
    pytest.param(name, one, id=f"{Path(name).stem}-{one[2]}-{one[3]}")
    for name, listed in ((METRIC, METRICS), (CONTRACT, CONTRACTS), (MODEL, MODELS), (ANNOUNCEMENT, FACTS))
    for one in listed
]


@pytest.mark.parametrize(("name", "wrong"), IN_CATALOGUE)
def test_a_wrong_description_of_the_catalogue_is_refused_by_file_key_and_cure(
    name: str, wrong: Wrong, catalogue: Path
) -> None:
    file = catalogue / name
    file.write_text(edited(file.read_text("utf-8"), wrong), "utf-8")
    refused(announcement.facts, (file.name, *wrong[2:]))


def test_a_number_is_given_once_and_a_folder_is_a_group(catalogue: Path) -> None:
    twin = catalogue / "metrics" / "fleet" / "twin.toml"
    shutil.copyfile(catalogue / METRIC, twin)
    refused(metrics.metrics, ("twin.toml", "number", "fleet_online_rate", "81"))
    (catalogue / "metrics" / "flete").mkdir()
    twin.rename(catalogue / "metrics" / "flete" / "twin.toml")
    refused(metrics.metrics, ("twin.toml", "flete", "请改成 fleet"))
    shutil.rmtree(catalogue / "metrics" / "flete")


@described_by(SOURCES, SOURCE, where="yz.toml")
def test_a_wrong_source_is_refused_by_file_key_and_cure(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "yz.toml").write_text(text, "utf-8")
    refused(lambda: feeds(Settings(tmp_path)), said)
    assert set(described(Settings(tmp_path))[1]) == {"yz"}, "and stops no other"


@described_by(MAPPINGS, MAPPING, where="a.csv")
def test_a_wrong_mapping_beside_a_file_is_refused_by_file_key_and_cure(text: str, said: tuple[str, ...]) -> None:
    def load() -> None:
        given = toml.convert(toml.parse(text, "a.csv"), FileMapping, "a.csv")
        check_mapping(given, contracts.contracts()["yz_company"], "a.csv")

    refused(load, said)


@described_by(SETTINGS, "", where="zhengbei.toml")
def test_wrong_settings_are_refused_by_file_key_and_cure(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "zhengbei.toml").write_text(text, "utf-8")
    refused(lambda: Settings.at(tmp_path), said)


@described_by(DELIVERIES, DELIVERY, where="delivery.toml")
def test_a_wrong_delivery_is_refused_by_file_key_and_cure(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    secret(tmp_path / "delivery.toml", text)
    refused(lambda: receivers.configured(Settings(tmp_path)), said)


@described_by(SECTIONS, ADDRESSES, where="sources.toml")
def test_a_wrong_address_is_refused_by_file_key_and_cure(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    secret(tmp_path / "sources.toml", text)
    refused(lambda: endpoints(Settings(tmp_path)), said)


def secret(file: Path, text: str) -> None:
    file.touch(0o600)
    file.write_text(text, "utf-8")


def test_the_examples_are_right_before_they_are_made_wrong(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "yz.toml").write_text(SOURCE, "utf-8")
    secret(tmp_path / "delivery.toml", DELIVERY)
    secret(tmp_path / "sources.toml", ADDRESSES)
    assert any(feed.source == "yz" and feed.encoding == "gb18030" for feed in feeds(Settings(tmp_path)))
    assert len(receivers.configured(Settings(tmp_path))[1]) == 2 and endpoints(Settings(tmp_path))[0]["yz"].url
    check_mapping(toml.convert(toml.parse(MAPPING, ""), FileMapping, ""), contracts.contracts()["yz_company"], "")


@pytest.mark.parametrize("words", [("serve", "--port", "1"), ("etl", "schedule"), ("etl", "run")], ids=" ".join)
def test_wrong_settings_and_a_wrong_catalogue_stop_the_start(words: tuple[str, ...], tmp_path: Path) -> None:
    home = tmp_path / "product"
    for package in ("warehouse", "etl", "cockpit"):
        shutil.copytree(ROOT.parent / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "assets").symlink_to(ROOT.parent / "assets")
    settings = tmp_path / "data" / "zhengbei.toml"
    settings.parent.mkdir()
    settings.write_text('tls = "false"\n', "utf-8")
    assert "tls" in stopped(home, *words, "--data", str(settings.parent))
    settings.write_text("tls = false\n", "utf-8")
    secret(settings.parent / "sources.toml", "is_demo = true\n")
    file = home / "warehouse" / METRIC
    file.write_text(file.read_text("utf-8").replace('"ratio"', '"ratoi"'), "utf-8")
    assert "请改成 ratio" in stopped(home, *words, "--data", str(settings.parent))


def stopped(home: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", *words],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(home)},
    )
    assert done.returncode == ConfigError.exit_code == 78, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "schemas", [of_catalog, of_sources, of_delivery, of_alerts, of_sign_on], ids=lambda module: module.__name__
)
def test_the_schema_files_are_those_of_the_structures(schemas: object) -> None:
    folder, kinds = schemas.FOLDER, schemas.KINDS  # type: ignore[attr-defined]
    wanted = json_schema.files(folder, kinds)
    assert {file: file.read_text("utf-8") for file in folder.glob("*.json")} == wanted, (
        f"python -m {schemas.__name__}"  # type: ignore[attr-defined]
    )
