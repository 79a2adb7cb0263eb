"""道路运政 as a SQL database: raw tables with text codes, real-looking personal data and the source's defects.

Timestamps are naive Shanghai text 'YYYY-MM-DD HH:MM:SS', dates 'YYYY-MM-DD', flags 0/1. The tables carry no keys: the
view a bureau hands out has none either. Writes only through the SQLAlchemy engine it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
from sqlalchemy import Column, Engine, Float, Integer, MetaData, Table, Text, create_engine, insert, inspect

from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.coordinates import to_gcj02
from etl.demo.world.defects import Planted
from etl.demo.world.identity import RARE_GIVEN
from etl.demo.world.people import written_ids
from etl.demo.world.places import TOWNS
from etl.demo.world.plates import garbled_plates
from etl.demo.world.world import World, town_codes

METADATA = MetaData()


def _table(name: str, text: str, integer: str = "", real: str = "") -> Table:
    kinds = (
        [(n, Text) for n in text.split()] + [(n, Integer) for n in integer.split()] + [(n, Float) for n in real.split()]
    )
    return Table(name, METADATA, *[Column(n, kind) for n, kind in kinds])


COMPANY = _table(
    "yz_company",
    "uscc licence_no name owner_type scope_text reg_town op_town address legal_rep phone licence_from licence_to credit_grade status yz_updated_at",
    "coord_sys",
    "lon lat",
)
VEHICLE = _table(
    "yz_vehicle",
    "plate_no vin uscc veh_type energy_code register_date home_town review_due stop_from stop_to status yz_updated_at",
    "plate_color is_trailer axles emission_stage",
    "tonnage_t gross_mass_t",
)
DRIVER = _table(
    "yz_driver",
    "id_no name sex birth_date phone licence_class licence_to integrity_grade integrity_to home_town status yz_updated_at id_photo",
)
EMPLOYMENT = _table("yz_employment", "id_no uscc from_date to_date post yz_updated_at", "is_captain")
CERTIFICATE = _table(
    "yz_certificate", "cert_type cert_no holder_no category issue_date valid_to ecert_id ecert_at status yz_updated_at"
)
OVERLIMIT = _table(
    "yz_overlimit",
    "permit_id uscc plate_no class scope accepted_at decided_at result yz_updated_at",
    "plate_color auto_flag",
)
PENALTY = _table(
    "yz_penalty", "case_no uscc plate_no id_no act_type act_date decided_at status yz_updated_at", "plate_color", "fine"
)
PHOTOGRAPHED = 6  # drivers whose photograph somebody put into the table
PHOTO = "/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAgG"
ODD_TOWNS = ("", "330110", "330110102", "330110006", "良渚新城", "未来科技城", "仓前街道", "330110001")
LEFT_TOWNS = ("330110102", "330110006", "330110001")  # went to 临平 in 2021


def dates(days: np.ndarray) -> np.ndarray:
    """Day numbers → 'YYYY-MM-DD', negative → None."""
    days = np.asarray(days, dtype=np.int64)
    return np.where(days < 0, None, clock.date_texts(np.maximum(days, 0)))


def _stamps(world: World, salt: int, day: np.ndarray) -> np.ndarray:
    """Office-hour timestamps on the given days, never after the start of the world."""
    second = np.asarray(day) * DAY + 30600 + (world.chance(salt, np.arange(len(day))) * 30000).astype(np.int64)
    return clock.second_texts(np.minimum(second, clock.local_second(world.started_at) - 60))


def booked_elsewhere(world: World) -> np.ndarray:
    """Mask over the vehicles whose town in the registry is one that left the district (D12)."""
    rows = np.arange(len(world.vehicles))
    return (world.chance(734, rows) < world.rates.d12_town) & np.isin(
        np.array(ODD_TOWNS, dtype=object)[rows * 7 % len(ODD_TOWNS)], LEFT_TOWNS
    )


def _towns(world: World, salt: int, index: np.ndarray, planted: Planted, thing: str, keys: np.ndarray) -> np.ndarray:
    """Town codes, some of them missing, cut short, of before the 2021 split, or names (D12)."""
    rows = np.arange(len(index))
    bad = world.chance(salt, rows) < world.rates.d12_town
    odd = np.array(ODD_TOWNS, dtype=object)[rows * 7 % len(ODD_TOWNS)]
    planted.note("D12", thing, list(keys[bad]))
    return np.where(bad, np.where(odd == "", None, odd), town_codes()[index])


@lru_cache(maxsize=4)
def written_codes(world: World) -> tuple[np.ndarray, np.ndarray]:
    """(code in yz_company.uscc, code by which vehicles and people refer to the company), one per company; not to be
    written to.

    A few individuals have no credit code and are referred to by licence number; a few codes are wrong (D11)."""
    table = world.companies
    rows = np.arange(len(table))
    own = table["uscc"].to_numpy().astype(object)
    without = ~table["is_firm"].to_numpy() & (world.chance(701, rows) < 0.03)
    for i in np.flatnonzero(_miswritten_codes(world)):
        own[i] = (
            own[i][:17] + ("A" if own[i][17] != "A" else "B"),
            "330184" + f"{i:09d}",
            own[i][:10] + "O" + own[i][11:],
        )[i % 3]
    return np.where(without, None, own), np.where(without, table["licence_no"].to_numpy(), own)


def _miswritten_codes(world: World) -> np.ndarray:
    table = world.companies
    rows = np.arange(len(table))
    without = ~table["is_firm"].to_numpy() & (world.chance(701, rows) < 0.03)
    return ~table["is_big"].to_numpy() & ~without & (world.chance(702, rows) < world.rates.d11_uscc)


def _companies(world: World, planted: Planted) -> pd.DataFrame:
    table, rates = world.companies, world.rates
    n = len(table)
    rows = np.arange(n)
    own, refer = written_codes(world)
    planted.note("D11", "yz_company", list(own[_miswritten_codes(world)]))
    u = [world.chance(710 + j, rows) for j in range(8)]
    roads = world.roads
    lon, lat = roads.lon[table["node"]] + (u[0] - 0.5) * 0.02, roads.lat[table["node"]] + (u[1] - 0.5) * 0.018
    system = np.where(u[2] < rates.d04_gcj_companies, np.where(u[3] < 0.6, 1, 0), 2)
    moved = to_gcj02(lon, lat)
    lon, lat = np.where(system == 2, lon, moved[0]), np.where(system == 2, lat, moved[1])
    planted.note("D04", "yz_company", list(refer[system != 2]))
    if rates.d04_swapped_vehicles and n > 8:
        lon[n - 3], lat[n - 3] = lat[n - 3], lon[n - 3]
        lon[n - 5], lat[n - 5] = 0.0, 0.0
        planted.note("D04", "yz_company", [refer[n - 3], refer[n - 5]])
    lapsed = (u[4] < 0.035) & ~table["is_big"].to_numpy()
    valid = np.where(
        lapsed, world.anchor_day - 1 - (u[5] * 200).astype(int), world.anchor_day + 20 + (u[5] * 1400).astype(int)
    )
    names = table["name"].to_numpy().astype(object)
    tabbed = u[6] < rates.d13_text
    names[tabbed] = names[tabbed] + "\t"
    street = np.array([TOWNS[t][1] for t in table["op_town_index"]], dtype=object)
    address = np.array(
        [f"浙江省杭州市余杭区{s}运通路{1 + k % 398}号" for s, k in zip(street, rows * 37, strict=True)], dtype=object
    )
    filler = u[7] < rates.d15_filler
    address[filler] = np.array(["无", "/", "暂无"], dtype=object)[rows[filler] % 3]
    wide = u[7] > 1 - rates.d13_text
    address[wide] = [a.translate({ord(str(k)): chr(0xFF10 + k) for k in range(10)}) for a in address[wide]]
    planted.note("D13", "yz_company", list(refer[tabbed | wide]))
    planted.note("D15", "yz_company", list(refer[filler]))
    scope = np.select(
        [u[3] < 0.07, u[3] < 0.22],
        ["道路普通货物运输；货物专用运输(集装箱)", "道路普通货物运输、货物专用运输(冷藏保鲜)"],
        "道路普通货物运输",
    )
    scope = np.where(["危化品" in str(x) for x in names], "道路危险货物运输(3类)；道路普通货物运输", scope)
    status = np.where(u[5] < 0.965, "营业", np.where(u[5] < 0.985, "歇业", "注销"))
    return pd.DataFrame(
        {
            "uscc": own,
            "licence_no": table["licence_no"],
            "name": names,
            "owner_type": np.where(table["is_firm"], "企业", "个体"),
            "scope_text": scope,
            "reg_town": _towns(world, 720, table["town_index"].to_numpy(), planted, "yz_company", refer),
            "op_town": _towns(world, 721, table["op_town_index"].to_numpy(), planted, "yz_company", refer),
            "address": address,
            "lon": lon.round(6),
            "lat": lat.round(6),
            "coord_sys": system,
            "legal_rep": table["owner"],
            "phone": table["phone"],
            "licence_from": dates(table["start_day"].to_numpy()),
            "licence_to": dates(valid),
            "credit_grade": np.select([u[2] < 0.3, u[2] < 0.85], ["AAA", "AA"], "A"),
            "status": np.where(table["is_big"], "营业", status),
            "yz_updated_at": _stamps(world, 722, world.anchor_day - 5 - (u[1] * 600).astype(int)),
        }
    )


def _vehicles(world: World, planted: Planted) -> pd.DataFrame:
    table, rates = world.vehicles, world.rates
    n = len(table)
    refer = written_codes(world)[1]
    plates, bad = garbled_plates(world, table["plate_no"].to_numpy(), 731, rates.d02_plate_text)
    planted.note("D02", "yz_vehicle", list(plates[bad]))
    left = table["left_day"].to_numpy()
    changed = np.where(
        left >= 0,
        left,
        np.maximum(table["register_day"], world.anchor_day - 3 - (world.chance(732, np.arange(n)) * 500).astype(int)),
    )
    changed = np.where(table["stop_from"] >= 0, table["stop_from"], changed)
    changed = np.where(table["idle_from"] < 10**6, table["idle_from"], changed)
    stage = table["emission_stage"].astype(object).where(world.chance(733, np.arange(n)) > 0.12, None)
    frame = pd.DataFrame(
        {
            "plate_no": plates,
            "plate_color": table["plate_color"],
            "vin": table["vin"],
            "uscc": refer[table["company"]],
            "veh_type": table["veh_type"],
            "is_trailer": table["is_trailer"].astype(int),
            "tonnage_t": table["tonnage_t"],
            "gross_mass_t": table["gross_mass_t"],
            "axles": table["axles"],
            "energy_code": table["energy_code"],
            "emission_stage": np.where(table["emission_stage"] == 0, None, stage),
            "register_date": dates(table["register_day"].to_numpy()),
            "home_town": _towns(
                world, 734, table["town_index"].to_numpy(), planted, "yz_vehicle", table["plate_no"].to_numpy()
            ),
            "review_due": dates(table["review_day"].to_numpy()),
            "stop_from": dates(table["stop_from"].to_numpy()),
            "stop_to": dates(table["stop_to"].to_numpy()),
            "status": table["status"],
            "yz_updated_at": _stamps(world, 735, changed),
        }
    )
    filler = world.chance(736, np.arange(n)) < rates.d15_filler / 2
    frame.loc[filler, "review_due"] = np.where(np.arange(n)[filler] % 2, "9999-12-31", "1900-01-01")
    planted.note("D15", "yz_vehicle", list(table["plate_no"][filler]))
    return pd.concat([frame, *_doubled(world, frame, planted)], ignore_index=True)


def _doubled(world: World, frame: pd.DataFrame, planted: Planted) -> list[pd.DataFrame]:
    """Second rows of a vehicle: other colour or other owner (D01), and the old row of one that changed hands (D16)."""
    rates = world.rates
    service = frame.index[(frame["status"] == "营运") & (frame["is_trailer"] == 0)]
    total = rates.d01_two_colours + rates.d01_two_companies + rates.d16_moved
    pick = world.rng(61).choice(service, min(total, len(service)), replace=False)
    colours, owners, moved = np.split(pick, [rates.d01_two_colours, rates.d01_two_colours + rates.d01_two_companies])
    others = written_codes(world)[1]
    second = frame.loc[colours].copy()
    second["plate_color"] = np.where(second["plate_color"] == 2, 1, 2)
    third = frame.loc[owners].copy()
    third["uscc"] = others[(owners * 13 + 1) % len(others)]
    older = frame.loc[moved].copy()
    older["uscc"], older["status"] = others[(moved * 17 + 3) % len(others)], "转出"
    older["plate_no"] = [f"浙AZ{k % 100:02d}{k // 7 % 100:02d}" for k in moved]
    older["yz_updated_at"] = _stamps(world, 737, world.anchor_day - 40 - moved % 200)
    planted.note("D01", "yz_vehicle", list(second["plate_no"]) + list(third["plate_no"]))
    planted.note("D16", "yz_vehicle", list(older["vin"]))
    return [f for f in (second, third, older) if len(f)]


def _drivers(world: World, planted: Planted) -> pd.DataFrame:
    people, rates = world.drivers, world.rates
    rows = np.arange(len(people))
    ids, kinds = written_ids(world, 741)
    planted.note("D10", "yz_driver", list(ids[kinds != ""]))
    u = [world.chance(742 + j, rows) for j in range(5)]
    names = people["name"].to_numpy().astype(object)
    rare = u[0] < rates.d13_text / 2
    names[rare] = [n[0] + RARE_GIVEN[i % len(RARE_GIVEN)] for i, n in zip(rows[rare], names[rare], strict=True)]
    planted.note("D13", "yz_driver", list(ids[rare]))
    grade = np.select([u[1] < 0.58, u[1] < 0.93, u[1] < 0.985], ["AAA", "AA", "A"], "B")
    # a year's cycle ends on the anniversary of the first certificate
    integrity = np.where(
        u[2] < 0.06, world.anchor_day - (u[3] * 400).astype(int), world.anchor_day + (u[3] * 365).astype(int)
    )
    return pd.DataFrame(
        {
            "id_no": ids,
            "name": names,
            "sex": np.where(people["is_female"], "女", "男"),
            "birth_date": people["birth_date"],
            "phone": people["phone"],
            "licence_class": np.where(u[4] < 0.62, "A2", "B2"),
            "licence_to": dates(world.anchor_day + (u[3] * 3000).astype(int) - 30),
            "integrity_grade": grade,
            "integrity_to": dates(integrity),
            "home_town": _towns(world, 748, people["town_index"].to_numpy(), planted, "yz_driver", ids),
            "status": np.where(people["to_day"] < 0, "正常", np.where(u[0] < 0.5, "正常", "注销")),
            "yz_updated_at": _stamps(world, 749, world.anchor_day - 4 - (u[4] * 420).astype(int)),
            "id_photo": np.where(rows < PHOTOGRAPHED, PHOTO, None),
        }
    )


def _employments(world: World, planted: Planted) -> pd.DataFrame:
    people = world.drivers
    refer = written_codes(world)[1]
    ids = written_ids(world, 741)[0]
    to_day = people["to_day"].to_numpy().copy()
    if world.rates.d18_thin_company:
        thin = min(5, len(world.companies) - 1)
        staff = np.flatnonzero((people["company"] == thin).to_numpy())
        to_day[staff[len(staff) // 5 :]] = world.anchor_day - 60
        planted.note("D18", "yz_company", [refer[thin]])
    post = np.where(
        people["is_captain"],
        "车队长",
        np.where(world.companies["is_firm"].to_numpy()[people["company"]], "驾驶员", "车主驾驶员"),
    )
    changed = np.where(to_day >= 0, to_day, people["from_day"])
    frame = pd.DataFrame(
        {
            "id_no": ids,
            "uscc": refer[people["company"]],
            "from_date": dates(people["from_day"].to_numpy()),
            "to_date": dates(to_day),
            "is_captain": people["is_captain"].astype(int),
            "post": post,
            "yz_updated_at": _stamps(world, 751, changed),
        }
    )
    both = people["second_company"].to_numpy() >= 0
    second = frame[both].copy()
    second["uscc"], second["is_captain"] = refer[people["second_company"][both]], 0
    return pd.concat([frame, second], ignore_index=True)


def _certificates(world: World, planted: Planted) -> pd.DataFrame:
    companies, cars, people = world.companies, world.vehicles, world.drivers
    refer, ids = written_codes(world)[1], written_ids(world, 741)[0]
    anchor = world.anchor_day
    keep = ((cars["gross_mass_t"] > 4.5) & cars["status"].isin(["营运", "停运", "锁定"])).to_numpy()
    small = (
        (cars["gross_mass_t"] <= 4.5) & (world.chance(760, cars.index.to_numpy()) < world.rates.d15_filler * 4)
    ).to_numpy()
    plate = cars["plate_no"].astype(object).to_numpy() + "#" + cars["plate_color"].astype(str).to_numpy()
    area = np.array([n[:6] for n in people["id_no"]], dtype=object)
    filler = world.chance(761, people.index.to_numpy()) < world.rates.d15_filler / 3
    blocks = [
        ("JYXK", companies["licence_no"].to_numpy(), refer, "道路普通货物运输", companies["start_day"].to_numpy(), 770),
        (
            "YSZ",
            np.array([f"330110{k:06d}" for k in np.flatnonzero(keep) + 400000], dtype=object),
            plate[keep],
            "道路普通货物运输",
            cars["register_day"].to_numpy()[keep] + 6,
            771,
        ),
        (
            "YSZ",
            np.full(int(small.sum()), "330110000000", dtype=object),
            plate[small],
            None,
            cars["register_day"].to_numpy()[small] + 6,
            772,
        ),
        (
            "CYZG",
            np.where(filler, area + "000000000000", people["id_no"].to_numpy()),
            ids,
            "经营性道路货物运输驾驶员",
            people["from_day"].to_numpy() - 400,
            773,
        ),
    ]
    planted.note("D15", "yz_certificate", list(plate[small]) + list(ids[filler]))
    frames = []
    for kind, number, holder, category, issued, salt in blocks:
        rows = np.arange(len(number))
        u = [world.chance(salt * 10 + j, rows) for j in range(4)]
        lapsed = u[0] < (0.045 if kind != "CYZG" else 0.03)
        valid = np.where(lapsed, anchor - 1 - (u[1] * 300).astype(int), anchor + 5 + (u[1] * 1500).astype(int))
        has = u[2] < np.clip(0.93 - 0.25 * (anchor - np.maximum(issued, anchor - 900)) / 900 * u[3], 0, 1)
        mixed = np.full(len(rows), category, dtype=object)
        if kind == "CYZG":  # several categories in one field, joined either way
            mixed[u[3] < 0.08] = "经营性道路货物运输驾驶员、经营性道路旅客运输驾驶员"
            mixed[u[3] < 0.05] = "经营性道路货物运输驾驶员；道路危险货物运输驾驶员"
        frames.append(
            pd.DataFrame(
                {
                    "cert_type": kind,
                    "cert_no": number,
                    "holder_no": holder,
                    "category": mixed,
                    "issue_date": dates(np.minimum(issued, valid - 200)),
                    "valid_to": dates(valid),
                    "ecert_id": np.where(has, np.array([f"E{salt}{k:08d}" for k in rows], dtype=object), None),
                    "ecert_at": np.where(has, _stamps(world, salt + 20, np.maximum(issued, anchor - 900)), None),
                    "status": "有效",
                    "yz_updated_at": _stamps(
                        world, salt + 30, np.maximum(issued, anchor - 2 - (u[3] * 500).astype(int))
                    ),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def frames(world: World) -> tuple[dict[str, pd.DataFrame], Planted]:
    """The five registers as of `started_at` and the list of defects planted in them."""
    planted = Planted()
    builders = {
        "yz_company": _companies,
        "yz_vehicle": _vehicles,
        "yz_driver": _drivers,
        "yz_employment": _employments,
        "yz_certificate": _certificates,
    }
    return {name: build(world, planted) for name, build in builders.items()}, planted


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as dictionaries of plain Python values, missing → None."""
    plain = frame.astype(object).where(frame.notna(), None)
    columns = [[v.item() if isinstance(v, np.generic) else v for v in plain[name]] for name in plain.columns]
    return [dict(zip(plain.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def engine_for(dsn: str) -> Engine:
    """Engine of the registry database; SQLite waits 10 s for a lock instead of failing a reader."""
    return create_engine(dsn, connect_args={"timeout": 10} if dsn.startswith("sqlite") else {})


def create(
    world: World, engine: Engine, more: Callable[[World], dict[str, pd.DataFrame]] = lambda world: {}
) -> Planted:
    """Create and fill the tables in one transaction unless they exist with rows; returns what is planted either way.

    more: the tables beside the five registers, asked for only when they are to be written."""
    tables, planted = frames(world)
    names = set(inspect(engine).get_table_names())
    if METADATA.tables.keys() <= names:
        return planted
    tables |= more(world)
    METADATA.drop_all(engine)
    with engine.begin() as connection:
        METADATA.create_all(connection)
        for name, frame in tables.items():
            if len(frame):
                connection.execute(insert(METADATA.tables[name]), records(frame))
    return planted
