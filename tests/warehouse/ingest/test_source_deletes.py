"""Whole lists: what the newest one lacks is gone, whatever the order in which the lists arrived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.house import House
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Column, Contract
from warehouse.core.errors import ContractBroken, Refused
from warehouse.ingest import load, parse

LEDGER = Contract(
    source="tx",
    entity="ledger",
    label="试验台账",
    load="upsert",
    key=("org",),
    columns=tuple(
        Column(name=name, type=kind, level="L1", label=name, source=name, required=name in ("org", "head_count"))
        for name, kind in (("org", "VARCHAR"), ("head_count", "INTEGER"), ("ledger_at", "TIMESTAMP"))
    ),
    stale_after_s=86400,
    version="ledger_at",
    touches="ledger_at",
    history=True,
)
MAPPING = {"columns": {"org": "组织", "head_count": "人数"}, "name_date": r"(\d{4})-?年?(\d{2})", "snapshot": True}


@pytest.fixture
def ledger() -> Iterator[Contract]:
    """A ledger's contract for as long as the test runs."""
    contracts()[LEDGER.table] = LEDGER
    yield LEDGER
    del contracts()[LEDGER.table]


class Ledgers:
    """A house that takes one workbook a month; rows: organisation → head count (None = a bad one)."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)

    def put(self, month: int, rows: dict[str, int | None], name: str = "", **mapping: object) -> None:
        body = "组织,人数\n" + "".join(f"{org},{'坏' if count is None else count}\n" for org, count in rows.items())
        note = self.house.landing.put(
            "tx",
            "ledger",
            body.encode(),
            kind="file",
            name=f"{name}台账2026年{month:02d}月.csv|1|1",
            at=dt.datetime.fromisoformat("2026-11-23T08:00:00+08:00"),
            sealed=False,
            mapping={**MAPPING, **mapping},
        )
        load.load(self.house.writer, self.house.settings, self.house.privacy, note, parse.parse(note, body.encode()))

    def state(self) -> list[tuple[object, ...]]:
        return self.house.rows("SELECT org, head_count, ledger_at, _deleted_at FROM raw.tx_ledger ORDER BY 1")

    def alive(self) -> dict[str, int]:
        return dict(self.house.rows("SELECT org, head_count FROM raw.tx_ledger WHERE _deleted_at IS NULL ORDER BY 1"))


MONTHS = st.dictionaries(
    st.integers(1, 4), st.dictionaries(st.sampled_from("甲乙丙丁"), st.integers(1, 3), min_size=1), min_size=2
)


@pytest.mark.slow
@given(months=MONTHS, data=st.data())
@settings(max_examples=depth(4, 12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_arrival_of_ledgers_does_not_matter(
    months: dict[int, dict[str, int | None]],
    data: st.DataObject,
    ledger: Contract,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    states = []
    for order in (sorted(months), data.draw(st.permutations(sorted(months)))):
        ledgers = Ledgers(tmp_path_factory.mktemp("ledgers"))
        for month in order:
            ledgers.put(month, months[month])
        states.append(ledgers.state())
        assert ledgers.alive() == dict(sorted(months[max(months)].items())), "alive is what the newest ledger has"
        ledgers.house.close()
    assert states[0] == states[1]


def test_a_corrected_ledger_of_the_same_month_counts(ledger: Contract, tmp_path: Path) -> None:
    ledgers = Ledgers(tmp_path)
    ledgers.put(9, {"甲": 1, "乙": 2, "丙": 3})
    ledgers.put(9, {"甲": 1, "乙": 5}, name="更正")
    assert ledgers.alive() == {"甲": 1, "乙": 5}
    ledgers.put(8, {"甲": 7, "丁": 1}, name="迟到")
    assert ledgers.alive() == {"甲": 1, "乙": 5}, "an older ledger that comes late deletes nothing and revives nobody"


def test_a_row_that_is_there_but_bad_is_not_gone(ledger: Contract, tmp_path: Path) -> None:
    ledgers = Ledgers(tmp_path)
    ledgers.put(9, {"甲": 1, "乙": 2})
    ledgers.put(10, {"甲": 1, "乙": None})
    assert ledgers.alive() == {"甲": 1, "乙": 2}
    ledgers.put(11, {"甲": 1})
    assert ledgers.alive() == {"甲": 1}


def test_half_a_ledger_is_refused_whole_and_goes_in_on_a_persons_word(ledger: Contract, tmp_path: Path) -> None:
    ledgers, all_of_them = Ledgers(tmp_path), {f"组织{n:03d}": n for n in range(100)}
    ledgers.put(9, all_of_them)
    half = dict(list(all_of_them.items())[:50])
    with pytest.raises(Refused, match="一次少了 50 条"):
        ledgers.put(10, half)
    assert ledgers.alive() == all_of_them
    with pytest.raises(ContractBroken, match="不当作全部删除"):
        ledgers.put(10, {})
    ledgers.put(10, half, confirmed=True)
    assert ledgers.alive() == half
    ledgers.put(11, all_of_them)
    assert ledgers.alive() == all_of_them
    assert ledgers.house.rows(
        "SELECT count(*) FROM raw.tx_ledger_history WHERE _deleted_at = TIMESTAMP '2026-10-01'"
    ) == [(50,)], "that they were gone for a month is kept"


def test_a_file_without_a_date_in_its_name_is_refused(ledger: Contract, tmp_path: Path) -> None:
    with pytest.raises(ContractBroken, match="文件名里没有台账日期"):
        Ledgers(tmp_path).put(9, {"甲": 1}, name_date=r"第(\d+)期(\d+)")
