"""Models by given and expected rows: the real loader and the real build between them. Cases lie in models/*.toml."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, id_number

CASES = Path(__file__).parent / "models"


def cases() -> list[Any]:
    found = []
    for file in sorted(CASES.glob("*.toml")):
        for case in tomllib.loads(file.read_text("utf-8"))["case"]:
            found.append(pytest.param(case, id=f"{file.stem}: {case['name']}"))
    return found


def repeated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`times = 50` is that many rows; {n}, {n2} in their texts is the number of each, from 0; `persons`: the serial
    number of the first one's person. `holder` is the person of a certificate."""
    out = []
    for row in rows:
        for n in range(row.get("times", 1)):
            one = {
                key: value.replace("{n}", str(n)).replace("{n2}", f"{n:02d}") if isinstance(value, str) else value
                for key, value in row.items()
                if key not in ("times", "persons", "holder")
            }
            if "persons" in row:
                one["person"] = row["persons"] + n
            if "holder" in row:
                one["holder_no"] = id_number(row["holder"])
            out.append(one)
    return out


def spread(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with shorthands opened: `person = 3` is an identity number; `track` is a drive of points along a
    meridian."""
    out: list[dict[str, Any]] = []
    for row in rows:
        row = dict(row)
        if "person" in row:
            row["id_no"] = id_number(row.pop("person"))
        if "track" in row:
            out.extend(track(row))
        else:
            out.append(row)
    return out


def track(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Points every `every_s` from `from` for `minutes` at `kmh`, northwards from `lat` on `lon`: one degree is
    111.195 km. A counter (mileage_01km) begins with the row's and goes on with the way."""
    plan = row.pop("track")
    counter = row.pop("mileage_01km", None)
    start, step = dt.datetime.fromisoformat(plan["from"]), plan.get("every_s", 30)
    points = []
    for second in range(0, plan["minutes"] * 60 + 1, step):
        at = start + dt.timedelta(seconds=second)
        lat = plan.get("lat", 30.3) + plan["kmh"] * second / 3600 / 111.195
        points.append(
            {
                "plate_color": 2,
                "status_bits": 3,
                "speed_01kmh": int(plan["kmh"] * 10),
                "direction": 0,
                **row,
                "loc_time": f"{at}",
                "recv_time": f"{at}",
                "lon_e6": round(plan.get("lon", 120) * 1e6),
                "lat_e6": round(lat * 1e6),
                "mileage_01km": None if counter is None else counter + round(plan["kmh"] * second / 360),
            }
        )
    return points


def models_in(expected: dict[str, Any]) -> list[str]:
    """The models that an expectation names."""
    text = f"{expected['model']} {expected['columns']} {expected.get('where', '')}"
    return re.findall(r"\b(?:staging|marts)\.(\w+)", text)


def compare(house: House, expected: dict[str, Any]) -> None:
    """The rows of a model beside those that are expected, in any order."""
    where = f" WHERE {expected['where']}" if "where" in expected else ""
    columns = expected["columns"]
    same(house.rows(f"SELECT {', '.join(columns)} FROM {expected['model']}{where}"), expected["rows"], columns)


def same(found: list[tuple[Any, ...]], wanted: list[list[Any]], columns: list[str], *, ordered: bool = False) -> None:
    """Days and moments are written as text, a NULL as "NULL", numbers count as equal within a hundredth."""
    got = [tuple(_plain(value) for value in row) for row in found]
    due = [tuple(row) for row in wanted]
    if not ordered:
        got, due = (sorted(rows, key=lambda row: [str(value) for value in row]) for rows in (got, due))
    assert len(got) == len(due), got
    for one, other in zip(got, due, strict=True):
        for column, here, there in zip(columns, one, other, strict=True):
            is_number = isinstance(there, int | float) and not isinstance(there, bool)
            assert here == (pytest.approx(there, rel=0.01) if is_number else there), (column, one, other)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    return "NULL" if value is None else value


@pytest.mark.parametrize("case", cases())
def test_model(house: House, case: dict[str, Any]) -> None:
    house.at = case.get("as_of", house.at)
    for table, rows in case["given"].items():
        house.put(table, spread(repeated(rows)))
    house.make(*models_in(case["expect"]))
    compare(house, case["expect"])
