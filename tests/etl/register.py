"""A tiny set of real sources for fault tests: a SQLite register and a drop folder that grows file by file."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from pathlib import Path

from etl.demo.server.files import POSITION_HEADER as HEADER
from tests.warehouse.build.test_models import track

COLUMNS = (
    "plate_no",
    "plate_color",
    "loc_time",
    "recv_time",
    "lon_e6",
    "lat_e6",
    "encrypted",
    "alt_m",
    "speed_01kmh",
    "rec_speed_01kmh",
    "direction",
    "mileage_01km",
    "status_bits",
    "alarm_bits",
    "sat_cnt",
    "is_makeup",
    "platform_id",
)


def register(file: Path, vehicles: int) -> None:
    """Companies and vehicles in tables named as in the register."""
    with sqlite3.connect(file) as db:
        db.execute(
            "CREATE TABLE yz_company (uscc, licence_no, name, owner_type, scope_text, reg_town, op_town, address, lon, lat, coord_sys, legal_rep, phone, "
            "licence_from, licence_to, credit_grade, status, yz_updated_at)"
        )
        db.execute(
            "CREATE TABLE yz_vehicle (plate_no, plate_color, vin, uscc, veh_type, is_trailer, tonnage_t, gross_mass_t, axles, energy_code, emission_stage, "
            "register_date, home_town, review_due, stop_from, stop_to, status, yz_updated_at)"
        )
        for table, columns in (
            (
                "yz_driver",
                "id_no, name, sex, birth_date, phone, licence_class, licence_to, integrity_grade, integrity_to, home_town, status",
            ),
            ("yz_employment", "id_no, uscc, from_date, to_date, is_captain, post"),
            (
                "yz_overlimit",
                "permit_id, uscc, plate_no, plate_color, class, scope, accepted_at, decided_at, result, auto_flag",
            ),
            ("yz_penalty", "case_no, uscc, plate_no, plate_color, id_no, act_type, act_date, decided_at, fine, status"),
            (
                "yz_certificate",
                "cert_type, cert_no, holder_no, category, issue_date, valid_to, ecert_id, ecert_at, status",
            ),
        ):
            db.execute(f"CREATE TABLE {table} ({columns}, yz_updated_at)")
        db.execute(
            "INSERT INTO yz_company VALUES ('91330110MA2ABCDE12', 'L1', '杭州甲物流有限公司', '企业', '道路普通货物运输', '330110010', '330110010', '', "
            "120.05, 30.37, 2, '某', '13800000000', '2019-01-01', '2030-01-01', 'AA', '营业', '2019-01-01 08:00:00')"
        )
        for number in range(vehicles):
            db.execute(
                "INSERT INTO yz_vehicle VALUES (?, 2, '', '91330110MA2ABCDE12', 'Q11', 0, 10, 25, 3, 'B', 5, '2020-01-01', '330110010', '2027-01-01', NULL, "
                "NULL, '营运', '2020-01-01 08:00:00')",
                [plate(number)],
            )


def plate(number: int) -> str:
    return f"浙A{number:05d}"


def positions(folder: Path, number: int, day: str, vehicles: int) -> None:
    """One hourly file: every vehicle drives for 20 minutes in hour `number`; every second file also repeats the one
    before."""
    target = folder / "gps" / "location" / f"gps_location_{number:04d}.csv.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}")
    with gzip.open(aside, "wt", encoding="gb18030", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for hour in {number, max(number - number % 2, 0)}:
            for vehicle in range(vehicles):
                for point in track(
                    {
                        "plate_no": plate(vehicle),
                        "track": {
                            "from": f"{day}T{hour % 24:02d}:00:00",
                            "minutes": 20,
                            "kmh": 40 + vehicle,
                            "every_s": 60,
                            "lat": 30.2 + 0.01 * vehicle,
                        },
                    }
                ):
                    writer.writerow([point.get(name, "0") for name in COLUMNS])
    os.utime(aside, (1, 1))
    os.replace(aside, target)


def endpoints(data: Path, database: Path, drop: Path) -> None:
    """Writes sources.toml of a data folder."""
    data.mkdir(parents=True, exist_ok=True)
    file = data / "sources.toml"
    file.touch(0o600)
    file.write_text(f'is_demo = true\n[yz]\ndsn = "sqlite:///{database}"\n[gps]\ndrop = "{drop}"\n', "utf-8")
