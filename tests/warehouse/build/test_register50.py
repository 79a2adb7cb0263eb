"""The register of companies of fifty and more: fifty counts, and a company leaves only after thirty days below."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.etl.pipeline.planting import FIRM, company, vehicle
from tests.house import House

TODAY = dt.date(2026, 11, 23)


def fleet(house: House, number: int, sold: int = 0, on: dt.date = TODAY, heavy: int = 999) -> None:
    """`number` trucks, of which `sold` left the company on a day; the first `heavy` of them weigh 18 t, the others 4
    t."""
    house.put("yz_company", [company()])
    house.put(
        "yz_vehicle", [vehicle(plate_no=f"浙A{n:05d}", gross_mass_t=18 if n < heavy else 4) for n in range(number)]
    )
    if sold:
        house.put(
            "yz_vehicle",
            [
                vehicle(plate_no=f"浙A{n:05d}", status="转出", yz_updated_at=f"{on} 08:00:00")
                for n in range(number - sold, number)
            ],
        )
    house.build()


def listed(house: House, day: dt.date = TODAY) -> tuple[bool, bool]:
    """(by all trucks, by heavy ones)"""
    found: tuple[bool, bool] = house.rows(
        "SELECT is_reg50, is_reg50_heavy FROM marts.company_day WHERE company_key = ? AND day = ?", [FIRM, day]
    )[0]  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(("number", "is_listed"), [(49, False), (50, True), (51, True)])
def test_fifty_is_fifty_and_more(house: House, number: int, is_listed: bool) -> None:
    fleet(house, number)
    assert listed(house) == (is_listed, is_listed)


@pytest.mark.parametrize(("days_below", "is_listed"), [(1, True), (29, True), (30, False)])
def test_a_company_that_fell_to_49_stays_for_29_days_and_leaves_on_the_30th(
    house: House, days_below: int, is_listed: bool
) -> None:
    """The day of the sale is the first day below."""
    fleet(house, 51, sold=2, on=TODAY - dt.timedelta(days=days_below - 1))
    assert listed(house) == (is_listed, is_listed)


def test_a_company_that_recovers_within_the_month_never_left(house: House) -> None:
    fleet(house, 51, sold=2, on=TODAY - dt.timedelta(days=40))
    house.put(
        "yz_vehicle",
        [vehicle(plate_no=f"浙A{n:05d}", yz_updated_at=f"{TODAY - dt.timedelta(days=20)} 08:00:00") for n in (49, 50)],
    )
    house.build()
    assert {listed(house, TODAY - dt.timedelta(days=step)) for step in range(45)} == {(True, True)}


def test_both_fifties_are_kept_apart(house: House) -> None:
    fleet(house, 60, heavy=49)
    assert listed(house) == (True, False)


def test_a_closed_company_is_not_on_the_list(house: House) -> None:
    fleet(house, 60)
    house.put("yz_company", [company(status="注销", yz_updated_at=f"{TODAY} 08:00:00")])
    house.build()
    assert listed(house) == (False, False) and listed(house, TODAY - dt.timedelta(days=1)) == (True, True)
