"""Which engine works out the positions: how it is set, and what happens where it is not there. Needs no cluster."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest

from tests.etl.pipeline import planting
from tests.etl.sources.servers import free_port
from tests.house import House
from tests.warehouse.build.test_models import spread
from warehouse.build import spark
from warehouse.cli import doctor
from warehouse.core.errors import ConfigError, EngineDown
from warehouse.core.settings import Lake, Options, Settings

TRACK = {"plate_no": "浙A12345", "track": {"from": "2026-11-22T08:00:00", "minutes": 30, "kmh": 60}}
LATER = {"plate_no": "浙A12345", "track": {"from": "2026-11-22T12:00:00", "minutes": 30, "kmh": 60, "lat": 30.5698}}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('engine = "flink"', "duckdb、spark"),
        ('engine = "spark"', "spark://主机:7077"),
        ('engine = "spark"\nspark_master = "http://a:1"', "spark://主机:7077"),
        ('engine = "spark"\nspark_master = "spark://a"', "spark://主机:7077"),
        ('engine = "spark"\nspark_master = "local[0]"', "local[*]"),
        ('spark_master = "local[2]"\nspark_minutes = 0', "不小于 1"),
        ('spark_options = { "spark.executor.cores" = 4 }', '"4"'),
        ('masters = "spark://a:7077"', "未知的键"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "zhengbei.toml").write_text(f"[lake]\n{text}\n", "utf-8")
    with pytest.raises(ConfigError) as error:
        Settings.at(tmp_path)
    said = str(error.value)
    assert word in said and "zhengbei.toml" in said and "处理办法" in said and "\n" not in said


@pytest.mark.parametrize(
    "master",
    [
        "local[*]",
        "local[2]",
        "spark://10.0.0.1:7077",
        "spark://a.b:7077,c.d:7077",
        "sc://a:15002",
        "sc://a:15002/;token=x",
    ],
)
def test_an_address_of_a_cluster_is_taken(master: str, tmp_path: Path) -> None:
    (tmp_path / "zhengbei.toml").write_text(f'[lake]\nengine = "spark"\nspark_master = "{master}"\n', "utf-8")
    assert Settings.at(tmp_path).options.lake == Lake(engine="spark", spark_master=master)
    assert "token" not in spark.shown(master)


def test_the_usual_engine_needs_nothing_and_says_nothing(tmp_path: Path) -> None:
    assert Settings.at(tmp_path).options.lake.engine == "duckdb"
    assert list(doctor._engine(Settings.at(tmp_path))) == []


def test_whatever_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)  # as where it is not installed
    with pytest.raises(EngineDown, match=r"pyspark.*pip install '\.\[spark\]'"):
        spark.missing("local[1]")


def test_a_missing_java_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineDown, match="openjdk-17-jre-headless"):
        spark.missing("local[1]")
    with pytest.raises(EngineDown, match="没有应答"):  # the far one brings its own Java
        spark.missing(f"sc://127.0.0.1:{free_port()}")


def test_a_build_without_its_engine_goes_on_with_the_last_good_and_catches_up(house: House, tmp_path: Path) -> None:
    house.put("gps_location", spread([TRACK]))
    book = house.publish(trail=False)
    before = house.rows("SELECT * FROM marts.gps_vehicle_day")
    assert len(before) == 1 and "gps_vehicle_day" not in book.held()
    duckdb, gone = house.settings, Lake(engine="spark", spark_master=f"spark://127.0.0.1:{free_port()}")
    house.settings = Settings(house.settings.data, Options(lake=gone))
    house.put("gps_location", spread([LATER]))
    house.put("yz_company", [planting.company()])
    house.at = house.at.replace(minute=5)
    held = house.publish(trail=False).held()
    assert {"gps_vehicle_day", "gps_trip", "gps_stop", "vehicle_day"} <= set(held)
    assert "dim_company" not in held and house.rows("SELECT count(*) FROM marts.dim_company") == [(1,)]
    assert held["vehicle_day"].count("处理办法") == 1
    assert house.rows("SELECT * FROM marts.gps_vehicle_day") == before
    assert not (house.settings.lake / "exchange").exists()
    # nothing new comes, and still the days that wait are made as soon as somebody can
    house.settings, house.at = duckdb, house.at.replace(minute=10)
    book = house.publish(trail=False)
    assert book.held() == {} and house.built.days["gps_vehicle_day"] != []
    [(km,)] = house.rows("SELECT sum(km_total) FROM marts.gps_vehicle_day")
    assert km == pytest.approx(60, abs=1)


def test_an_engine_that_is_missing_from_the_first_day_on_is_said(house: House) -> None:
    """Where there is no last good there is nothing to go on with."""
    house.rows("DELETE FROM build.made WHERE model IN ('stg_gps_step', 'gps_stop', 'gps_trip', 'gps_vehicle_day')")
    gone = Lake(engine="spark", spark_master=f"spark://127.0.0.1:{free_port()}")
    house.settings = Settings(house.settings.data, Options(lake=gone))
    house.put("gps_location", spread([TRACK]))
    with pytest.raises(EngineDown):
        house.build()


def test_a_folder_that_the_cluster_does_not_share_is_said(house: House, tmp_path: Path) -> None:
    """What the files hold is not what Spark says it wrote: nothing of it is used."""
    far = spark.Cluster(house.writer, house.settings)
    (tmp_path / "day=2026-11-22").mkdir()
    house.rows(f"COPY (SELECT 1 AS a) TO '{tmp_path}/day=2026-11-22/part-0.parquet'")
    with pytest.raises(EngineDown, match="写了 1 行，这里只看到 0 行"):  # not closed yet
        far._proven(tmp_path, 1, by_day=True)
    (tmp_path / "_SUCCESS").touch()
    with pytest.raises(EngineDown, match=r"写了 5 行，这里只看到 1 行.*lake/"):
        far._proven(tmp_path, 5, by_day=True)
    [row] = house.rows(f"SELECT * FROM {far._proven(tmp_path, 1, by_day=True)}")
    assert row == (1, dt.date(2026, 11, 22))
