"""Rows that tests of the defects plant, and what `etl status` says after a publication."""

from __future__ import annotations

from typing import Any

from etl.pipeline import status
from etl.runtime.context import held
from tests.house import House, id_number
from tests.warehouse.build.test_models import track
from warehouse.core.data_rules import RULES

FIRM = "91330110MA2ABCDE12"
VEHICLE = {
    "plate_no": "浙A12345",
    "plate_color": 2,
    "uscc": FIRM,
    "veh_type": "H11",
    "is_trailer": False,
    "gross_mass_t": 18,
    "status": "营运",
    "register_date": "2020-01-01",
    "home_town": "330110010",
    "yz_updated_at": "2026-01-01 08:00:00",
}
COMPANY = {
    "uscc": FIRM,
    "licence_no": "330110123456",
    "name": "杭州甲物流有限公司",
    "owner_type": "企业",
    "scope_text": "道路普通货物运输",
    "op_town": "330110010",
    "reg_town": "330110010",
    "status": "营业",
    "licence_from": "2019-01-01",
    "licence_to": "2030-01-01",
    "yz_updated_at": "2019-01-01 08:00:00",
}
DRIVER = {
    "name": "张三",
    "sex": "男",
    "birth_date": "1977-01-01",
    "status": "正常",
    "yz_updated_at": "2026-01-01 08:00:00",
}
POINT = {
    "plate_no": "浙A12345",
    "plate_color": 2,
    "status_bits": 3,
    "speed_01kmh": 300,
    "direction": 0,
    "lon_e6": 120_000_000,
    "lat_e6": 30_400_000,
}


def credit_code(body: str) -> str:
    """A company code with its check character (GB 32100)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    return body + alphabet[-sum(alphabet.index(letter) * pow(3, place, 31) for place, letter in enumerate(body)) % 31]


def vehicle(**rest: Any) -> dict[str, Any]:
    return {**VEHICLE, **rest}


def company(**rest: Any) -> dict[str, Any]:
    return {**COMPANY, **rest}


def point(at: str, received: str = "", **rest: Any) -> dict[str, Any]:
    return {
        **POINT,
        "loc_time": f"2026-11-23 {at}" if len(at) == 8 else at,
        "recv_time": f"2026-11-23 {received or at}" if len(received or at) == 8 else received or at,
        **rest,
    }


def drive(at: str = "08:00:00", minutes: int = 20, kmh: float = 60, **rest: Any) -> list[dict[str, Any]]:
    lat = rest.pop("lat", 30.3)
    return track(
        {
            "plate_no": "浙A12345",
            **rest,
            "track": {"from": f"2026-11-23T{at}", "minutes": minutes, "kmh": kmh, "lat": lat},
        }
    )


class Told:
    """What `etl status` says after a publication."""

    def __init__(self, house: House) -> None:
        house.publish(trail=False)
        with held(house.settings.lock):  # as beside a running loader
            self.found = status.collect(house.settings)
        self.text = status.text(self.found)

    def defects(self, rule: str) -> int:
        return sum(row["rows"] for row in self.found["defects"] if row["rule"] == rule)

    def quarantined(self, rule: str) -> int:
        return sum(row["rows"] for row in self.found["quarantine"] if row["rule"] == rule)

    def says(self, rule: str) -> bool:
        return f"{rule} {RULES[rule]}" in self.text


def positions(house: House, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return house.rows(f"SELECT {columns} FROM marts.gps_vehicle_day WHERE {where} ORDER BY ALL")


def reviewed(told: Told, rule: str) -> list[tuple[str, str]]:
    return [(row["subject"], row["detail"]) for row in told.found["review"] if row["rule"] == rule]


def fifty(house: House, number: int = 50, **rest: Any) -> None:
    """A company with so many trucks, all its life."""
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A{n:05d}", **rest) for n in range(number)])


def hired(house: House, persons: range, since: str = "2020-01-01") -> None:
    house.put("yz_driver", [{**DRIVER, "id_no": id_number(n), "phone": f"1390000{n:04d}"} for n in persons])
    house.put(
        "yz_employment",
        [
            {
                "id_no": id_number(n),
                "uscc": FIRM,
                "from_date": since,
                "to_date": "9999-12-31",
                "yz_updated_at": "2020-01-01 08:00:00",
            }
            for n in persons
        ],
    )


def key(house: House, number: int) -> str:
    return house.privacy._pseudonyms.person(id_number(number))
