"""Rows that were put aside are read, corrected in a spreadsheet and loaded again, all through the command line; the raw
data alone then end in the same warehouse."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from etl.runtime.context import clock, opened
from tests.command import zhengbei
from tests.etl.pipeline.planting import DRIVER, FIRM, company, vehicle
from tests.house import House, id_number
from warehouse.core.settings import Settings
from warehouse.publish import recover
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow

RIGHT, WRONG = id_number(1), id_number(1)[:17] + ("1" if id_number(1)[17] != "1" else "2")


class Desk:
    """An operator at the command line of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.settings, self.folder = Settings(folder / "data"), folder

    def do(self, *words: str, code: int = 0) -> str:
        found, text = zhengbei("etl", *words, data=self.settings.data)
        assert found == code, text
        return text

    def export(self, table: str) -> list[dict[str, str]]:
        self.do("quarantine", "export", "--table", table, "--out", str(self.folder / "out.csv"))
        return list(csv.DictReader(io.StringIO((self.folder / "out.csv").read_bytes().decode("utf-8-sig"))))

    def fix(self, rows: list[dict[str, str]], code: int = 0) -> str:
        with open(self.folder / "in.csv", "w", encoding="utf-8-sig", newline="") as out:
            sheet = csv.DictWriter(out, list(rows[0]))
            sheet.writeheader()
            sheet.writerows(rows)
        return self.do(
            "quarantine",
            "fix",
            str(self.folder / "in.csv"),
            "--who",
            "李四",
            "--why",
            "电话核对 13800000001",
            code=code,
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with opened(self.settings) as context:
            return context.writer.execute(sql)

    def fingerprint(self) -> dict[str, tuple[int, int]]:
        with opened(self.settings) as context:
            return recover.fingerprint(context.writer, context.settings)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small fleet of which one vehicle, one driver and one company were put aside."""
    house = House.with_own_tables(tmp_path_factory.mktemp("fleet") / "data", clock().replace(microsecond=0))
    house.put(
        "yz_company",
        [company(), company(uscc=None, licence_no=None, name='=HYPERLINK("http://x","甲")', address="＝1+1")],
    )
    house.put("yz_vehicle", [vehicle(), vehicle(plate_no="无牌")])
    house.put("yz_driver", [{**DRIVER, "id_no": WRONG}])
    house.put(
        "yz_employment",
        [
            {
                "id_no": RIGHT,
                "uscc": FIRM,
                "from_date": "2020-01-01",
                "to_date": "9999-12-31",
                "yz_updated_at": "2020-01-01 08:00:00",
            }
        ],
    )
    house.publish()
    return house.hand_over().data


@pytest.fixture
def desk(fleet: Path, tmp_path: Path) -> Desk:
    """Somebody at the command line of a copy of it."""
    shutil.copytree(fleet, tmp_path / "data")
    return Desk(tmp_path)


def count(desk: Desk, metric: str) -> float | None:
    return SnapshotStore(desk.settings.data).current(Scope.ALL).read(metric).value


def test_a_plate_and_a_person_are_put_right_and_count_and_a_rebuild_ends_in_the_same(desk: Desk) -> None:
    assert count(desk, "fleet_vehicle_cnt") == 1
    listed = desk.do("quarantine", "list")
    assert "无牌" in listed and WRONG not in listed
    rows = desk.export("yz_vehicle")
    assert [row["plate_no"] for row in rows] == ["无牌"] and rows[0]["规则"] == "D02"
    rows[0]["plate_no"] = "浙A22222"
    assert "更正 1 行，全部装入" in desk.fix(rows)
    assert count(desk, "fleet_vehicle_cnt") == 2

    rows = desk.export("yz_driver")
    assert (
        WRONG.encode() not in (desk.folder / "out.csv").read_bytes()
        and rows[0]["person_key"] == rows[0]["phone_hash"] == ""
    )
    rows[0]["person_key"] = RIGHT
    assert "更正 1 行，全部装入" in desk.fix(rows)
    assert desk.ask("SELECT count(*) FROM raw.yz_driver d JOIN raw.yz_employment USING (person_key)") == [(1,)], (
        "the key of the right number"
    )
    assert desk.ask("SELECT rule, count(*) FROM raw.quarantine GROUP BY 1") == [("required:uscc", 1)]
    assert desk.ask("SELECT source_table, who, why FROM run.redo ORDER BY 1") == [
        (table, "李四", "电话核对 〔已隐去〕") for table in ("yz_driver", "yz_vehicle")
    ]

    before = desk.fingerprint()
    assert "已发布快照" in desk.do("rebuild")
    assert desk.fingerprint() == before and count(desk, "fleet_vehicle_cnt") == 2


def test_no_exported_cell_is_a_formula_and_an_untouched_one_keeps_its_value(desk: Desk) -> None:
    rows = desk.export("yz_company")
    assert [rows[0][name] for name in ("name", "address")] == ['\'=HYPERLINK("http://x","甲")', "'＝1+1"]
    rows[0]["uscc"] = "91330110MA2ABCDE23"
    desk.fix(rows)
    assert desk.ask("SELECT name, address FROM raw.yz_company WHERE uscc = '91330110MA2ABCDE23'") == [
        ('=HYPERLINK("http://x","甲")', "＝1+1")
    ]


def test_what_is_still_wrong_is_named_by_its_line_and_waits_again(desk: Desk) -> None:
    rows = desk.export("yz_vehicle")
    rows[0] |= {"plate_no": "仍无牌", "plate_color": "黄"}
    text = desk.fix(rows, code=65)
    assert "其中 1 行仍不合约定" in text and "第 2 行：号牌写法（D02）、读不懂（plate_color）" in text
    rows = desk.export("yz_vehicle")
    assert rows[0]["plate_no"] == "仍无牌", "the newest attempt is what waits"
    rows[0] |= {"plate_no": "浙A33333", "plate_color": "2"}
    assert "全部装入" in desk.fix(rows)
    assert count(desk, "fleet_vehicle_cnt") == 2


def test_a_file_that_is_none_of_ours_is_refused_in_words_and_changes_nothing(desk: Desk) -> None:
    rows = desk.export("yz_vehicle")
    assert "表头不对" in desk.fix([{"号牌": "浙A22222"}], code=2)
    assert "第 2 行：隔离里没有 序号 999999 行 0" in desk.fix([{**rows[0], "序号": "999999", "行": "0"}], code=2)
    assert "第 2 行的序号或行不是数字" in desk.fix([{**rows[0], "行": "一"}], code=2)
    assert "第 2 行：道路运政·车辆 没有这些列：车主" in desk.fix([{**rows[0], "车主": "张三"}], code=2)
    assert "第 3 行与第 2 行是同一条记录" in desk.fix([rows[0], {**rows[0], "plate_no": "浙A22222"}], code=2)
    (desk.folder / "book.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    assert "更正文件无法读取" in desk.do("quarantine", "fix", str(desk.folder / "book.csv"), "--why", "试", code=2)
    assert "没有这张落地表" in desk.do(
        "quarantine", "export", "--table", "nobody", "--out", str(desk.folder / "x.csv"), code=2
    )
    assert "没有隔离的行" in desk.do(
        "quarantine", "export", "--table", "pb_visit", "--out", str(desk.folder / "x.csv"), code=2
    )
    assert count(desk, "fleet_vehicle_cnt") == 1
