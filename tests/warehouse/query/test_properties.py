"""What holds for any data: sums that add up and counts that must not, no rate without a denominator, small cells that
stay small."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.house import House, id_number
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.query.snapshot import Snapshot

pytestmark = pytest.mark.independent

TOWNS = ["330110005", "330110009", "330110010", "330110011", "330110012", "330110013"]
DAY = "2026-11-22"
THEN = "2020-01-01 08:00:00"
FEW = settings(
    max_examples=depth(1, 4),
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Small:
    """A small world. towns: town of each company; trucks: gross mass of each truck by company; jobs: the companies of
    each driver; members, qualified: drivers by number."""

    towns: list[str]
    trucks: list[list[float]]
    jobs: list[set[int]]
    members: set[int]
    qualified: set[int]


@st.composite
def worlds(draw: st.DrawFn, *, one_job: bool = False) -> Small:
    """Up to seven companies in six towns and up to forty drivers, some of them in two companies."""
    count = draw(st.integers(2, 7))
    towns = [draw(st.sampled_from(TOWNS)) for _ in range(count)]
    trucks = [draw(st.lists(st.sampled_from([3.5, 8.0, 25.0]), max_size=4)) for _ in range(count)]
    company = st.integers(0, count - 1)
    jobs = [draw(st.sets(company, min_size=1, max_size=1 if one_job else 2)) for _ in range(draw(st.integers(1, 40)))]
    driver = st.integers(0, len(jobs) - 1)
    return Small(towns, trucks, jobs, draw(st.sets(driver)), draw(st.sets(driver)))


def code(company: int) -> str:
    return f"91330110MA2ABCD{company:02d}X"


def rows(world: Small) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The world's rows by table, under the sources' column names."""
    yield (
        "yz_company",
        [
            {
                "uscc": code(n),
                "name": f"杭州{n}号物流有限公司",
                "owner_type": "企业",
                "op_town": town,
                "status": "营业",
                "licence_from": "2019-01-01",
                "licence_to": "2030-01-01",
                "yz_updated_at": THEN,
            }
            for n, town in enumerate(world.towns)
        ],
    )
    trucks = [(n, serial, mass) for n, own in enumerate(world.trucks) for serial, mass in enumerate(own)]
    yield (
        "yz_vehicle",
        [
            {
                "plate_no": f"浙A{n}{serial:04d}",
                "plate_color": 2,
                "uscc": code(n),
                "veh_type": "H11",
                "is_trailer": False,
                "gross_mass_t": mass,
                "status": "营运",
                "energy_code": "B" if serial % 2 else "C",
                "emission_stage": 4 + serial % 3,
                "register_date": "2020-01-01",
                "home_town": world.towns[n],
                "yz_updated_at": THEN,
            }
            for n, serial, mass in trucks
        ],
    )
    yield (
        "gps_vehicle_day",
        [
            {
                "plate_no": f"浙A{n}{serial:04d}",
                "plate_color": 2,
                "day": DAY,
                "pts": 100,
                "pts_ok": 90 + serial,
                "drift_pts": serial,
                "km_total": 100,
                "km_complete": 90,
                "valid_km": 100 * (serial % 3),
                "drive_s": 7200,
                "night_drive_s": 0,
                "fatigue_s": serial,
                "km_night05": 5,
                "depart_at": f"{DAY} 07:00:00",
                "depart_after": f"{DAY} 00:00:00",
            }
            for n, serial, mass in trucks
            if serial < 3
        ],
    )
    yield (
        "yz_driver",
        [
            {
                "id_no": id_number(n),
                "name": "张三",
                "status": "在岗",
                "integrity_grade": "AAA" if n % 2 else "A",
                "integrity_to": "2027-03-01",
                "yz_updated_at": THEN,
            }
            for n in range(len(world.jobs))
        ],
    )
    yield (
        "yz_employment",
        [
            {"id_no": id_number(n), "uscc": code(company), "from_date": "2020-01-01", "yz_updated_at": THEN}
            for n, own in enumerate(world.jobs)
            for company in own
        ],
    )
    yield (
        "yz_certificate",
        [
            {
                "cert_type": "CYZG",
                "cert_no": f"3301{n:010d}",
                "holder_no": id_number(n),
                "category": "经营性道路货物运输驾驶员",
                "issue_date": "2021-01-01",
                "valid_to": "2028-01-01",
                "status": "有效",
                "yz_updated_at": "2021-01-01 08:00:00",
            }
            for n in world.qualified
        ],
    )
    yield (
        "pb_member",
        [
            {
                "id_no": id_number(n),
                "stage": "正式党员",
                "verify_status": "confirmed",
                "verified_at": "2024-01-01",
                "ledger_at": "2024-02-01 08:00:00",
            }
            for n in world.members
        ],
    )


@contextmanager
def published(world: Small) -> Iterator[Snapshot]:
    with tempfile.TemporaryDirectory() as folder:
        house = House.with_own_tables(Path(folder) / "data")
        for table, given_rows in rows(world):
            if given_rows:
                house.put(table, given_rows)
        try:
            yield house.publish()
        finally:
            house.close()


def levels(book: Snapshot, metric: Metric) -> Iterator[tuple[Reading, list[Reading]]]:
    """Each place that has places below it, with them: the district and its towns, each town and its companies."""
    window = metric.windows[0]
    at = DAY if window == "day" else None
    top = book.read(metric.id, window, at)
    towns = book.by(metric.id, window, at, "town")
    yield top, towns
    if "company" in metric.drill:
        for town in towns:
            yield town, book.by(metric.id, window, at, "company", town.place.code)


@given(worlds())
@FEW
def test_additive_numbers_add_up_and_people_in_two_companies_count_once(world: Small) -> None:
    with published(world) as book:
        for identifier in (
            "fleet_vehicle_cnt",
            "fleet_diesel_g4_rate",
            "fleet_new_energy_rate",
            "fleet_km_per_vehicle_day",
            "dh_data_qualified_rate",
            "safe_night_km_share",
        ):
            for parent, children in levels(book, metrics()[identifier]):
                shown = [child for child in children if child.status != "missing"]
                assert sum(child.num or 0 for child in shown) == pytest.approx(parent.num or 0), identifier
                assert sum(child.den or 0 for child in shown) == pytest.approx(parent.den or 0), identifier
        people = book.read("drv_driver_cnt", "day", DAY)
        assert people.value == len(world.jobs), "once in the district, however many companies"
        towns = {reading.place.code: reading for reading in book.by("drv_driver_cnt", "day", DAY, "town")}
        for town in set(world.towns):
            here = [n for n, own in enumerate(world.jobs) if any(world.towns[company] == town for company in own)]
            assert towns[town].value in (len(here), None) and (
                towns[town].value is not None or towns[town].status in ("small_cell", "missing")
            )
        for reading in book.by("drv_driver_cnt", "day", DAY, "company"):
            here = [n for n, own in enumerate(world.jobs) if reading.place.code in {code(company) for company in own}]
            assert reading.value in (len(here), None), "once in each company"


@given(worlds())
@FEW
def test_without_a_denominator_there_is_no_rate(world: Small) -> None:
    with published(world) as book:
        for metric in metrics().values():
            if not metric.denominator:
                continue
            for reading in [reading for parent, children in levels(book, metric) for reading in (parent, *children)]:
                if not reading.den:
                    assert reading.value is None and reading.status in (
                        "insufficient",
                        "missing",
                        "unconnected",
                        "small_cell",
                    ), f"{metric.id} {reading.place.code}: {reading.value}"
                else:
                    assert reading.num is not None, (
                        f"{metric.id} {reading.place.code}: a rate of {reading.value} without its numerator"
                    )


@given(worlds(one_job=True))
@FEW
def test_what_is_not_listed_has_no_number_anywhere_and_what_is_listed_is_about_many(world: Small) -> None:
    with published(world) as book:
        for metric in metrics().values():
            if not metric.person:
                continue
            for parent, children in levels(book, metric):
                for child in (child for child in children if child.status == "small_cell"):
                    assert (child.value, child.num, child.den, child.previous, child.parts) == (None,) * 4 + ({},)
                listed = [child for child in children if child.status in ("ok", "insufficient")]
                assert len(listed) != len(children) - 1 or len(children) < 3, (
                    f"{metric.id}: one is missing at {parent.place.code}"
                )


def test_a_ledger_that_never_came_is_missing_and_not_zero() -> None:
    """Registers and statistics have come, the ledgers of Party, union, mini-program, sites, care and honours have not:
    nobody may read that there are no members, no unions, no hearts."""
    world = Small(
        towns=TOWNS[:2], trucks=[[25.0] * 52, [25.0]], jobs=[{0}] * 12 + [{1}] * 9, members=set(), qualified={0, 1}
    )
    ledgers = ("pb_", "un_", "mp_", "st_", "wf_", "hn_", "pj_")
    with published(world) as book:
        text = {}
        for metric in metrics().values():
            own = [table for table in metric.sources if not table.startswith(("yz_", "own_"))]
            if own and all(table.startswith(ledgers) for table in own):
                reading = book.read(metric.id, metric.windows[0])
                if reading.value is not None:
                    text[metric.id] = f"{reading.num}/{reading.den}"
        assert not text, f"a number without a single row of its source: {text}"
