"""Instants and days as sources write them, as Shanghai wall time in ISO. Judges no value: what cannot be read stays, for
the contract to refuse."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.core.units import SHANGHAI

TIME = "%Y-%m-%d %H:%M:%S"
DAY = re.compile(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?(?:[ T]?(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
TIME_FORM = r"^(compact|epoch|epoch_ms|excel|text|.*%.+)$"
"""How a mapping names the form of an instant: one of ours, or as strptime writes it (%d/%m/%Y)."""
PER_SECOND: dict[str, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
EPOCH = {"epoch": "s", "epoch_ms": "ms"}
EpochUnit: TypeAlias = Literal["s", "ms", "us", "ns"]
MONTH, DIGITS, SERIAL = (
    re.compile(r"(\d{4})年(\d{1,2})月"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
    re.compile(r"\d{5}(\.\d+)?"),
)


def local(column: pa.ChunkedArray, rule: dict[str, Any]) -> pa.Array:
    """Instants of another zone, in a form that the mapping names, or counted since 1970 in `unit`, as Shanghai wall
    time."""
    form = rule.get("time")
    if form in EPOCH:
        rule = {"unit": EPOCH[form]}
    elif form:
        zone = str(rule.get("time_zone", SHANGHAI.key))
        return pa.array([text and _zoned(_formed(text, form), zone) for text in column.to_pylist()], pa.string())
    read = _counted if "unit" in rule else _zoned
    stated = str(rule.get("unit") or rule.get("time_zone"))
    return pa.array([text and read(text, stated) for text in column.to_pylist()], pa.string())


def _of_serial(days: Decimal) -> dt.datetime:
    """Days since 1899-12-30, as a spreadsheet counts them, to the second. Raises OverflowError beyond the year 9999."""
    return dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(days * 86400))  # noqa: DTZ001 – the rule's zone


def _formed(text: str, form: str) -> str:
    """20261123140500 (or 261123140500, as terminals write it), days since 1899-12-30, or as strptime is told, in ISO;
    `text` as people write it (2026/11/3); what is written otherwise stays, with the form, for the contract to refuse."""
    try:
        if form == "text":
            return text
        if "%" in form:
            return str(dt.datetime.strptime(text, form))  # noqa: DTZ007 – its zone is the rule's
        if form == "excel":
            return str(_of_serial(Decimal(text)))
        if not text.isdecimal() or len(text) not in (12, 14):
            raise ValueError(text)
        return str(dt.datetime.strptime(text if len(text) == 14 else f"20{text}", "%Y%m%d%H%M%S"))  # noqa: DTZ007
    except (ArithmeticError, ValueError):
        return f"{text} {form}"


def _counted(text: str, unit: str) -> str:
    try:
        return (
            dt.datetime.fromtimestamp(0, SHANGHAI) + dt.timedelta(seconds=float(Decimal(text) / PER_SECOND[unit]))
        ).strftime(TIME)
    except (ArithmeticError, ValueError):
        return f"{text} {unit}"  # no such instant, and it must not be read as another


def _zoned(text: str, zone: str) -> str:
    """A value that states its own offset is believed before the rule."""
    try:
        moment = dt.datetime.fromisoformat(_moment(text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(SHANGHAI).strftime(TIME)
    except (ValueError, OverflowError):
        return f"{text} {zone}"


def iso(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Days and instants as people and spreadsheets write them (2022.9.1, 2022年9月1日, 45000) in ISO; what is none of
    these stays for the contract to refuse."""
    fine = pc.match_substring_regex(column, r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?.*)?$")
    if pc.all(fine).as_py() is not False:
        return column
    return pa.array(
        [
            value if value is None or good else _moment(value)
            for value, good in zip(column.to_pylist(), fine.to_pylist(), strict=True)
        ],
        pa.string(),
    )


def _moment(text: str) -> str:
    text = text.strip()
    day = DAY.fullmatch(text)
    if day:
        year, month, number, *clock = day.groups()
        tail = f" {int(clock[0]):02d}:{clock[1]}:{clock[2] or '00'}" if clock[0] else ""
        return f"{year}-{int(month):02d}-{int(number):02d}{tail}"
    month_only, digits = MONTH.fullmatch(text), DIGITS.fullmatch(text)
    if month_only:
        return f"{month_only[1]}-{int(month_only[2]):02d}-01"
    if digits:
        return "-".join(digits.groups())
    if SERIAL.fullmatch(text):  # days since 1899-12-30, as a spreadsheet counts them
        moment = _of_serial(Decimal(text))
        return moment.strftime("%Y-%m-%d" if moment.time() == dt.time() else TIME)
    return text
