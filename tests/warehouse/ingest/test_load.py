"""Loading: nothing lost, nothing twice, whatever the order."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.house import AS_OF, House, id_number
from warehouse.catalog.contracts import contracts
from warehouse.core.errors import ContractBroken, Refused
from warehouse.publish import recover

VEHICLE = {
    "plate_color": 2,
    "uscc": "91330110MA2ABCDE1X",
    "veh_type": "Q11",
    "is_trailer": False,
    "gross_mass_t": 18,
    "status": "营运",
    "register_date": "2020-01-01",
    "home_town": "330110010",
    "yz_updated_at": "2026-11-01 08:00:00",
}


def vehicle(plate: str, at: str = "2026-11-01 08:00:00", **rest: object) -> dict[str, object]:
    return {**VEHICLE, "plate_no": plate, "yz_updated_at": at, **rest}


def test_a_row_lands_once_and_again_is_a_duplicate(house: House) -> None:
    assert house.put("yz_vehicle", [vehicle("浙A12345")]).merged == 1
    again = house.put("yz_vehicle", [vehicle("浙A12345")])
    assert (again.merged, again.duplicate) == (0, 1)


def test_a_newer_version_replaces_and_an_older_one_never_does(house: House) -> None:
    house.put("yz_vehicle", [vehicle("浙A12345", "2026-11-02 08:00:00", uscc="B")])
    late = house.put("yz_vehicle", [vehicle("浙A12345", "2026-11-01 08:00:00", uscc="A")])
    assert (late.merged, late.older) == (0, 1)
    assert house.rows("SELECT uscc FROM raw.yz_vehicle") == [("B",)]
    assert house.rows("SELECT uscc FROM raw.yz_vehicle_history") == [("A",)], (
        "the older version is kept for the question who owned it then"
    )


def test_a_time_stamp_from_the_future_does_not_freeze_the_row(house: House) -> None:
    house.put("yz_vehicle", [vehicle("浙A12345", "2099-01-01 00:00:00", uscc="A")])
    house.put("yz_vehicle", [vehicle("浙A12345", "2026-11-24 08:00:00", uscc="B")], at=dt.datetime(2026, 11, 24, 9))
    assert house.rows("SELECT uscc FROM raw.yz_vehicle") == [("B",)]


def test_a_bad_key_costs_its_row_and_a_bad_field_itself_with_the_reason(house: House) -> None:
    account = house.put(
        "yz_vehicle", [vehicle("浙A12345"), vehicle("坏车牌"), vehicle("浙A12346", gross_mass_t="十八吨")]
    )
    assert (account.rows_in, account.merged, account.quarantined) == (3, 2, 1)
    assert sorted(house.rows("SELECT rule, row_no, is_row FROM raw.quarantine")) == [
        ("D02", 1, True),
        ("type:gross_mass_t", 2, False),
    ]


def test_too_many_bad_rows_stop_the_whole_payload_and_leave_nothing_of_it(house: House) -> None:
    rows = [vehicle(f"浙A{number:05d}") for number in range(100)] + [vehicle("坏") for _ in range(30)]
    with pytest.raises(ContractBroken, match="不合约定"):
        house.put("yz_vehicle", rows)
    assert house.rows("SELECT count(*) FROM raw.yz_vehicle") == [(0,)]
    assert len(list(house.landing.notes())) > 0, "the payload itself stays for a replay"


def test_identity_numbers_and_phones_never_enter_the_warehouse(house: House) -> None:
    number, phone, name = id_number(7), "13800001111", "欧阳㛃"
    house.put(
        "yz_driver",
        [
            {
                "id_no": number,
                "name": name,
                "phone": phone,
                "sex": "男",
                "birth_date": "1977-01-01",
                "yz_updated_at": "2026-11-01 08:00:00",
            }
        ],
    )
    key, mask, year = house.rows("SELECT person_key, name_mask, birth_year FROM raw.yz_driver")[0]
    assert len(key) == 64 and mask == "欧**" and year == 1977
    house.writer.checkpoint()
    house.close()
    everything = b"".join(file.read_bytes() for file in house.settings.data.rglob("*") if file.is_file())
    for secret in (number, phone, name):
        assert secret.encode() not in everything


def test_an_individual_without_a_credit_code_is_known_by_its_licence(house: House) -> None:
    house.put(
        "yz_company",
        [
            {
                "uscc": None,
                "licence_no": "330110300001",
                "name": "张三",
                "owner_type": "个体",
                "yz_updated_at": "2026-11-01 08:00:00",
            }
        ],
    )
    assert house.rows("SELECT uscc, licence_no FROM raw.yz_company") == [("330110300001", "330110300001")]


@pytest.mark.parametrize("bad", ["330110197701010010", "330110770101001", "3.30110197701E+17", "'33011019770230001X"])
def test_a_bad_identity_number_is_quarantined_and_not_hashed(house: House, bad: str) -> None:
    account = house.put("yz_driver", [{"id_no": bad, "name": "张三", "yz_updated_at": "2026-11-01 08:00:00"}])
    assert account.quarantined == 1
    rule, payload = house.rows("SELECT rule, payload FROM raw.quarantine")[0]
    assert rule == "D10" and bad not in payload


def test_hard_deletes_are_marked_and_a_half_export_is_refused(house: House) -> None:
    rows = [vehicle(f"浙A{number:05d}") for number in range(200)]
    house.put("yz_vehicle", rows)
    contract = contracts()["yz_vehicle"]

    def keys(count: int) -> int:
        import orjson

        from warehouse.ingest import load, parse

        body = orjson.dumps([{"plate_no": row["plate_no"], "plate_color": row["plate_color"]} for row in rows[:count]])
        note = house.land("yz", "vehicle", body, "keys")
        return load.reconcile(house.writer, contract, note, parse.parse(note, body))

    assert keys(197) == 3
    with pytest.raises(Refused, match="拒绝"):
        keys(100)
    assert house.rows("SELECT count(*) FROM raw.yz_vehicle WHERE _deleted_at IS NOT NULL") == [(3,)]
    assert keys(200) == 0
    assert house.rows("SELECT count(*) FROM raw.yz_vehicle WHERE _deleted_at IS NOT NULL") == [(0,)], (
        "a key that comes back is alive again"
    )


def test_positions_are_kept_once_whatever_the_retransmissions(house: House) -> None:
    points = [
        {
            "plate_no": "浙A12345",
            "plate_color": 2,
            "loc_time": f"2026-11-23 08:00:{second:02d}",
            "recv_time": f"2026-11-23 08:00:{second:02d}",
            "lon_e6": 120000000,
            "lat_e6": 30400000,
            "speed_01kmh": 300,
            "status_bits": 3,
        }
        for second in range(20)
    ]
    assert house.put("gps_location", points).merged == 20
    again = house.put("gps_location", points[10:] + points[10:] + [{**points[0], "loc_time": "2026-11-23 09:00:00"}])
    assert (again.merged, again.duplicate) == (1, 20)
    assert house.rows("SELECT sum(rows) FROM run.lake_file") == [(21,)]


VERSIONS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=12)


@pytest.mark.slow
@given(VERSIONS, st.randoms(use_true_random=False))
@settings(max_examples=depth(4, 12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_versions_in_any_order_and_any_number_of_times_end_in_the_same_table(
    versions: list[tuple[int, int, int]], random: object
) -> None:
    # one content per (key, version): a source that changes a row moves its version
    rows = [vehicle(f"浙A0000{key}", f"2026-11-{at + 1:02d} 08:00:00", uscc=f"U{key}{at}") for key, at, _ in versions]
    prints = []
    for order in (rows, sorted(rows, key=lambda _: random.random()), rows + rows[::-1]):  # type: ignore[attr-defined]
        with tempfile.TemporaryDirectory() as folder:
            house = House(Path(folder), AS_OF)
            for start in range(0, len(order), 3):
                assert house.put("yz_vehicle", order[start : start + 3]).balanced
            prints.append(recover.fingerprint(house.writer))
            house.close()
    assert prints[0] == prints[1] == prints[2]


def test_what_was_landed_but_not_loaded_is_found_again(house: House) -> None:
    import orjson

    note = house.land("yz", "vehicle", orjson.dumps([vehicle("浙A12345")]), "json_rows")
    from warehouse.ingest import load

    assert note.seq not in load.settled(house.writer)
    house.load(note)
    assert note.seq in load.settled(house.writer) and note.seq in recover.acknowledged(house.settings)
