"""Life in the registry while the stand-in runs: every five minutes of office time something small may change.

What changes in a slot is a function of (seed, slot) over the first tables, and applying a slot twice changes nothing,
so that a restart simply goes on from the first slot it has not written down.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update

from etl.demo.registers.registry import CERTIFICATE, COMPANY, EMPLOYMENT, VEHICLE, dates, written_codes
from etl.demo.world import clock, identity
from etl.demo.world.clock import DAY
from etl.demo.world.places import TOWNS
from etl.demo.world.world import World

SLOT_S = 300
OFFICE_FROM_S, OFFICE_TO_S = 8 * 3600, 18 * 3600
_KINDS = ("nothing", "new_vehicle", "new_owner", "stop", "renewal", "delete", "rename", "leaver")
_SHARES = (0.34, 0.16, 0.09, 0.09, 0.18, 0.05, 0.02, 0.07)


def last_slot(world: World, now: int) -> int:
    """Number of the newest slot that has fully passed at local second `now`; -1 before the first."""
    return (now - clock.local_second(world.started_at)) // SLOT_S - 1


def apply(world: World, engine: Engine, first: int, last: int) -> int:
    """Apply the slots first..last (both inclusive), one transaction per slot; returns how many changed anything."""
    begun = clock.local_second(world.started_at)
    changed = 0
    for slot in range(first, last + 1):
        second = begun + (slot + 1) * SLOT_S
        if OFFICE_FROM_S <= second % DAY < OFFICE_TO_S:
            rng = world.rng(slot, 9001)
            kind = str(rng.choice(_KINDS, p=_SHARES))
            if kind != "nothing" and not (kind == "delete" and not world.rates.d22_hard_delete):
                with engine.begin() as connection:
                    _ACTIONS[kind](world, connection, rng, second)
                changed += 1
    return changed


def _stamp(second: int) -> str:
    return str(clock.second_texts(np.array([second]))[0])


def _date(day: int) -> str:
    return str(dates(np.array([day]))[0])


def _any_vehicle(world: World, rng: np.random.Generator, status: str, is_light: bool | None = None) -> str:
    table = world.vehicles
    mask = (table["status"] == status) & ~table["is_trailer"] & (table["stop_from"] < 0)
    if is_light is not None:
        mask &= table["is_heavy"] != is_light
    return str(rng.choice(table["plate_no"][mask].to_numpy().astype(object)))


def _new_vehicle(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    """A light truck is registered: it carries no terminal, so the other sources rightly know nothing of it."""
    plate = f"浙AY{(second // SLOT_S) % 10000:04d}"
    if connection.scalar(select(func.count()).where(VEHICLE.c.plate_no == plate)):
        return
    company, day = int(rng.integers(0, len(world.companies))), second // DAY
    gross = round(float(rng.uniform(2.5, 4.5)), 2)
    connection.execute(
        insert(VEHICLE),
        [
            {
                "plate_no": plate,
                "plate_color": 1,
                "vin": identity.vins(rng, 1)[0][:12] + f"{second // SLOT_S % 100000:05d}",
                "uscc": written_codes(world)[1][company],
                "veh_type": "H32",
                "is_trailer": 0,
                "tonnage_t": round(gross * 0.5, 2),
                "gross_mass_t": gross,
                "axles": 2,
                "energy_code": "B",
                "emission_stage": 6,
                "register_date": _date(day),
                "home_town": TOWNS[int(world.companies["op_town_index"].iat[company])][0],
                "review_due": _date(day + 365),
                "stop_from": None,
                "stop_to": None,
                "status": "营运",
                "yz_updated_at": _stamp(second),
            }
        ],
    )


def _set_vehicle(connection: Connection, plate: str, second: int, **values: object) -> None:
    older = and_(VEHICLE.c.plate_no == plate, VEHICLE.c.yz_updated_at < _stamp(second))
    connection.execute(update(VEHICLE).where(older).values(yz_updated_at=_stamp(second), **values))


def _new_owner(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    small = np.flatnonzero(~world.companies["is_big"].to_numpy())
    _set_vehicle(
        connection,
        _any_vehicle(world, rng, "营运", is_light=True),
        second,
        uscc=str(written_codes(world)[1][rng.choice(small)]),
    )


def _stop(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    day = second // DAY
    _set_vehicle(
        connection,
        _any_vehicle(world, rng, "营运", is_light=True),
        second,
        stop_from=_date(day),
        stop_to=_date(day + int(rng.integers(20, 90))),
    )


def _renewal(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    holder = str(rng.choice(written_codes(world)[1]))
    older = and_(CERTIFICATE.c.holder_no == holder, CERTIFICATE.c.yz_updated_at < _stamp(second))
    connection.execute(
        update(CERTIFICATE).where(older).values(valid_to=_date(second // DAY + 1460), yz_updated_at=_stamp(second))
    )


def _delete(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    """A cancelled vehicle vanishes from the view without a trace (D22)."""
    connection.execute(delete(VEHICLE).where(VEHICLE.c.plate_no == _any_vehicle(world, rng, "注销")))


def _rename(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    firms = world.companies[world.companies["is_firm"]]
    row = firms.iloc[int(rng.integers(0, len(firms)))]
    older = and_(COMPANY.c.licence_no == row["licence_no"], COMPANY.c.yz_updated_at < _stamp(second))
    connection.execute(
        update(COMPANY)
        .where(older)
        .values(name=row["name"].replace("有限公司", "集团有限公司"), yz_updated_at=_stamp(second))
    )


def _leaver(world: World, connection: Connection, rng: np.random.Generator, second: int) -> None:
    relief = world.drivers[(world.drivers["vehicle"] < 0) & (world.drivers["to_day"] < 0)]
    if len(relief):
        person = relief["id_no"].iat[int(rng.integers(0, len(relief)))]
        mine = and_(EMPLOYMENT.c.id_no == person, EMPLOYMENT.c.to_date.is_(None))
        connection.execute(
            update(EMPLOYMENT).where(mine).values(to_date=_date(second // DAY), yz_updated_at=_stamp(second))
        )


_ACTIONS = {
    "new_vehicle": _new_vehicle,
    "new_owner": _new_owner,
    "stop": _stop,
    "renewal": _renewal,
    "delete": _delete,
    "rename": _rename,
    "leaver": _leaver,
}
